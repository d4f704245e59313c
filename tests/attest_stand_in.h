/*
 * A machine whose devices are played: what Linux's drivers do when they are asked for
 * evidence, under keys of the tests' own; and what they do when something goes wrong.
 */
#ifndef TESTS_ATTEST_STAND_IN_H
#define TESTS_ATTEST_STAND_IN_H

#include <stdbool.h>

#include "attest/attester.h"

enum stand_in_has {
	STAND_IN_SEV_GUEST = 1 << 0,
	STAND_IN_TDX_GUEST = 1 << 1,
	STAND_IN_NSM = 1 << 2,
	STAND_IN_GRAMINE = 1 << 3,
	STAND_IN_TSM = 1 << 4,
	STAND_IN_QUOTES = 1 << 5, /* a quoting service, at CID 2, port 4050 */
};

enum {
	STAND_IN_FILES = 16,
	STAND_IN_FAULTS = 8,
	STAND_IN_TSM_FOLDER = 128,
	STAND_IN_TABLE = 16 << 10,
};

/* A call on a path (its end will do) that fails, `times` in a row, after `skip` ones. */
struct stand_in_fault {
	const char *call, *path;
	int number;
	unsigned skip, times;
};

struct stand_in_file {
	char path[160];
	struct writer content; /* what reading gives */
	size_t position;
	bool used, generated;
};

struct stand_in {
	struct attest_device device; /* its context is this stand-in */
	unsigned has;
	struct stand_in_fault faults[STAND_IN_FAULTS];
	/* Appends evidence over the data. NULL: bytes with the data in them. */
	void (*make)(struct stand_in *machine, const uint8_t *data, struct writer *out);
	void *maker;

	const char *provider;	 /* of configfs-tsm, with its line end; "sev_guest\n" */
	struct tobi_bytes table; /* certificates of the host */
	/* configfs-tsm: how often another one writes to the same folder. */
	unsigned disturbances;
	const char *generation; /* instead of a number */
	const char *floor;	/* privlevel_floor; NULL: there is none */
	char folder[STAND_IN_TSM_FOLDER];
	uint8_t inblob[ATTEST_DATA_SIZE];
	char privilege[8];
	unsigned writes, folders_made, folders_removed;

	/* /dev/sev-guest. */
	uint32_t status, report_size, table_needs; /* 0: as it should be */
	uint32_t vmm_error, firmware_error;	   /* with EIO */
	unsigned busy;				   /* how often the host is */
	uint32_t vmpl;				   /* that was asked for */

	struct tobi_bytes
	    answer; /* of NSM, or the quoting service, instead of the right one */
	uint64_t answer_size; /* that NSM's driver speaks of; 0: the right one */
	const char *type;     /* of Gramine: "dcap" */
	size_t least;	      /* bytes that a read gives at most; 0: all */
	size_t flood;	      /* bytes that a file gives instead of its content */
	bool other_data;      /* answers another question */
	unsigned waits, waited_ms, open_files;

	struct stand_in_file files[STAND_IN_FILES];
	struct writer said; /* to the quoting service */
};

/* All is right; `has` says what is there. */
void stand_in_make(struct stand_in *machine, unsigned has);
void stand_in_done(struct stand_in *machine);
void stand_in_fail(struct stand_in *machine, const char *call, const char *path,
		   int number, unsigned skip, unsigned times);
/* A file that can be read, whatever the machine has. */
void stand_in_put(struct stand_in *machine, const char *path, struct tobi_bytes content);
/* A request to it, over 64 different bytes. */
struct attest_request stand_in_request(struct stand_in *machine);

#endif
