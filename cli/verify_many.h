/*
 * `tobichi verify` of many pieces of evidence: a folder, or several files. Each is
 * appraised as it is alone, by as many threads as there are processors; what comes out is
 * one table, in the order of the input.
 *
 * A folder with one piece of evidence is a unit: its other files belong to it, as
 * --with and --collateral. In one with several the documents of vendors are for all of
 * them, and any other file is no evidence. Each folder below stands for itself, with the
 * documents of the folder that was given beside its own.
 */
#ifndef CLI_VERIFY_MANY_H
#define CLI_VERIFY_MANY_H

#include <stdio.h>

#include "collateral/collateral.h"
#include "tobichi/verify.h"

enum {
	VERIFY_FILES_MAX = 100000, /* with those of all folders below */
	VERIFY_FOLDER_MAX = 16384, /* files of one folder */
	VERIFY_DEPTH_MAX = 16,
	VERIFY_THREADS_MAX = 64,
};

/* What holds for all. */
struct verify_common {
	const struct tobi_policy *policy;
	const char *policy_path; /* this file is no evidence, wherever it lies */
	struct tobi_bytes nonce, secret;
	int64_t time;
};

enum verify_state { VERIFY_ACCEPTED, VERIFY_REFUSED, VERIFY_UNREADABLE };

/* What came of one file. Texts are owned. */
struct verify_row {
	char *file;
	enum verify_state state;
	char *kind, *tier; /* NULL: it came to none */
	char *reason;
	char *failed; /* codes with a blank between them; NULL: none */
};

/* Either a file, or a folder all of which belongs together. */
struct verify_job {
	char *path;
	bool is_folder;
	struct verify_row *rows;
	size_t count;
};

struct verify_jobs {
	struct verify_job *jobs;
	size_t count, room;
	size_t files;	   /* that were seen */
	const char *below; /* the one folder that was given, or NULL; borrowed */
};

/* ---- verify_folder.c ---- */

/* What is to be done for these paths; the documents of vendors that are for all go into
 * the set. Errors: TOBI_E_SYSTEM, _LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err verify_find_jobs(const struct verify_common *common,
					     char *const *paths, size_t count,
					     struct tobi_collateral *collateral,
					     struct verify_jobs *ret_jobs,
					     struct tobi_fault *fault);
void verify_jobs_done(struct verify_jobs *jobs);
/* The files of a folder, in the order of their names, not hidden and not those below;
 * free() each and the list. */
struct verify_names {
	char **paths;
	size_t count;
};
TOBI_MUST_USE enum tobi_err verify_list_files(const struct verify_common *common,
					      const char *folder,
					      struct verify_names *ret_names,
					      struct tobi_fault *fault);
void verify_names_done(struct verify_names *names);
/* Whether the file is evidence: bytes, or in a form that is taken off. */
bool verify_is_evidence(struct tobi_bytes file);
/* Of SEV: its several files of one folder are one piece of evidence together. */
bool verify_is_sev(struct tobi_bytes file);

/* ---- verify_job.c ---- */

/* Appraises it and fills in the rows. Errors: TOBI_E_MEMORY. */
TOBI_MUST_USE enum tobi_err verify_job_run(const struct verify_common *common,
					   const struct tobi_collateral *collateral,
					   struct verify_job *job,
					   struct tobi_fault *fault);
/* One more row. */
TOBI_MUST_USE enum tobi_err verify_row_add(struct verify_job *job, const char *file,
					   enum verify_state state, const char *reason,
					   struct tobi_fault *fault);

/* ---- verify_table.c ---- */

/* The table and its summary, or one JSON object for each line. */
TOBI_MUST_USE enum tobi_err verify_table_write(const struct verify_jobs *jobs, bool json,
					       bool color, double seconds,
					       struct writer *out,
					       struct tobi_fault *fault);
/* How many rows are in that state. */
size_t verify_table_count(const struct verify_jobs *jobs, enum verify_state state);

/* ---- verify_many.c ---- */

struct verify_many {
	struct verify_common common;
	struct tobi_collateral *collateral; /* documents are added to it */
	char *const *paths;
	size_t path_count;
	bool json;
	const char *out; /* a file, or NULL */
};
/* The exit status: all accepted, one refused, one that could not be read. */
int verify_many_run(const struct verify_many *many);

#endif
