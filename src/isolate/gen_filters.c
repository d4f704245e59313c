/*
 * Runs at build time: prints the seccomp filters as C arrays, made by libseccomp, so that
 * nothing at run time depends on it.
 *
 * Allowed is what ordinary programs need (servers, interpreters, JIT runtimes), in groups
 * with their reasons (filter_groups.h). What is known to be dangerous gets EPERM; the
 * rest gets ENOSYS, so that a C library newer than this list takes its older way.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolate/filter_groups.h"

static const char *const for_debug[] = {"ptrace", "process_vm_readv", "process_vm_writev",
					"kcmp", NULL};
/* What the agent needs beside what it hands on to the program. */
static const char *const for_agent[] = {"memfd_secret", NULL};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int rule_failed; /* NOLINT: of a program that runs at build time */

/* A rule for a call that this architecture lacks is no error. */
static void add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
		const struct scmp_arg_cmp *arguments)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number < 0)
		return;
	if (seccomp_rule_add_array(filter, action, number, count, arguments))
		rule_failed = 1;
}

static int in(const char *const *list, const char *name)
{
	for (; list && *list; list++) {
		const char *a = *list, *b = name;

		while (*a && *a == *b)
			a++, b++;
		if (*a == *b)
			return 1;
	}
	return 0;
}

/* All of a group but those in `except`. A group says why it is there. */
static void add_group(scmp_filter_ctx filter, uint32_t action,
		      const struct call_group *group, const char *const *except)
{
	if (!group->name[0] || !group->why[0])
		rule_failed = 1;
	for (const char *const *call = group->calls; *call; call++) {
		if (!in(except, *call))
			add(filter, action, *call, 0, NULL);
	}
}

/* With the arguments that its row in the table tells of. */
static void restrict_call(scmp_filter_ctx filter, const char *name, unsigned count,
			  const struct scmp_arg_cmp *arguments)
{
	const char *const one[] = {name, NULL};
	int told = 0;

	for (unsigned i = 0; i < COUNT(restricted); i++)
		told |= in(one, restricted[i].call) && restricted[i].why[0];
	if (!told)
		rule_failed = 1;
	add(filter, SCMP_ACT_ALLOW, name, count, arguments);
}

/*
 * Every ioctl but two: TIOCSTI (0x5412) types into a terminal, TIOCLINUX (0x541c) pastes,
 * as if the user had. The kernel looks at 32 bits of the request only, so a comparison of
 * the whole register could be dodged. The two share all bits outside 0xe: a request is
 * another one when any of those bits differs, or the bits 0xe are not 2 or 0xc.
 */
static void add_ioctl(scmp_filter_ctx filter)
{
	const unsigned differ = 0xe;

	for (unsigned value = 0; value <= differ; value += 2) {
		struct scmp_arg_cmp low = SCMP_A1(SCMP_CMP_MASKED_EQ, differ, value);

		if (value != (TIOCSTI & differ) && value != (TIOCLINUX & differ))
			restrict_call(filter, "ioctl", 1, &low);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned mask = 1u << bit;
		struct scmp_arg_cmp other =
		    SCMP_A1(SCMP_CMP_MASKED_EQ, mask, ~(unsigned)TIOCSTI & mask);

		if (!(mask & differ))
			restrict_call(filter, "ioctl", 1, &other);
	}
}

static void add_restricted(scmp_filter_ctx filter)
{
	const unsigned long new_namespaces = CLONE_NEWNS | CLONE_NEWCGROUP |
					     CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
					     CLONE_NEWPID | CLONE_NEWNET;
	struct scmp_arg_cmp clone = SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces, 0);
	struct scmp_arg_cmp own = SCMP_A0(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp query = SCMP_A0(SCMP_CMP_EQ, 0xffffffff);
	struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp only_read = SCMP_A2(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp route[] = {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				       SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE)};

	restrict_call(filter, "clone", 1, &clone);
	restrict_call(filter, "personality", 1, &own);
	restrict_call(filter, "personality", 1, &query);
	/* Its own limits: where the program is the agent's user it could set the agent's.
	 */
	restrict_call(filter, "prlimit64", 1, &self);
	restrict_call(filter, "prlimit64", 1, &only_read);
	for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct scmp_arg_cmp family =
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]);

		restrict_call(filter, "socket", 1, &family);
		restrict_call(filter, "socketpair", 1, &family);
	}
	restrict_call(filter, "socket", 2, route);
}

static int print_filter(const char *name, const char *const *more)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sock_filter instruction;

	if (!filter || fd < 0)
		return 1;
	seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	for (unsigned i = 0; i < COUNT(allowed); i++)
		add_group(filter, SCMP_ACT_ALLOW, &allowed[i], NULL);
	for (unsigned i = 0; i < COUNT(refused); i++)
		add_group(filter, SCMP_ACT_ERRNO(EPERM), &refused[i], more);
	for (unsigned i = 0; more && more[i]; i++)
		add(filter, SCMP_ACT_ALLOW, more[i], 0, NULL);
	add_ioctl(filter);
	add_restricted(filter);
	if (rule_failed || seccomp_export_bpf(filter, fd) || lseek(fd, 0, SEEK_SET))
		return 1;
	printf("static const struct sock_filter %s[] = {\n", name);
	while (read(fd, &instruction, sizeof(instruction)) ==
	       (ssize_t)sizeof(instruction))
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", instruction.code,
		       instruction.jt, instruction.jf, instruction.k);
	printf("};\n");
	close(fd);
	seccomp_release(filter);
	return 0;
}

int main(void)
{
	printf("/* Made by gen_filters.c. */\n#include <linux/filter.h>\n");
	return print_filter("filter_program", NULL) ||
	       print_filter("filter_debug", for_debug) ||
	       print_filter("filter_agent", for_agent);
}
