/*
 * Control groups in a temporary folder, with so much of a kernel's behaviour as is asked
 * here: a new group has its files, one with processes cannot be removed, and one with
 * processes cannot limit its children (version 2). mkdir, rmdir and write are wrapped by
 * the linker; outside of the folder they are the C library's.
 */
#ifndef TESTS_UNIT_ISOLATE_FAKE_CGROUP_H
#define TESTS_UNIT_ISOLATE_FAKE_CGROUP_H

#include "isolate/cgroup.h"
#include "tests/unit/isolate/tree.h"

struct fake_cgroup {
	const char *missing; /* a file that new groups do not have */
	bool stuck;	     /* processes do not leave their groups */
	unsigned removals;   /* tried */
};
extern struct fake_cgroup fake_cgroup;

/* Below the current folder; paths of groups start with fake_path("fs"). */
const char *fake_path(const char *below);
/* A hierarchy at fs/NAME: version 1 with that controller, or version 2 ("unified", with
 * these controllers), and its line in proc/self/mountinfo. root: the part of it that is
 * mounted. */
void fake_hierarchy(const char *name, const char *controllers, const char *root);
/* The group that proc/self/cgroup names for a hierarchy; it is made. */
void fake_own_group(const char *name, const char *path);
/* Files that every /proc has. swaps: of /proc/swaps. */
void fake_proc(const char *swaps);
#define NO_SWAP "Filename\tType\tSize\tUsed\tPriority\n"
#define SWAP NO_SWAP "/dev/sda2 partition 1000 0 -2\n"
/* Whole hosts, with one version alone. */
void fake_version1(const char *swaps);
void fake_version2(const char *swaps);

#endif
