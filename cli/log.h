/* The parts of `tobichi log`. */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "cli/broker_client.h"
#include "collateral/http.h"
#include "log/record.h"

#define LOG_COMMAND "log"

enum { LOG_FILES_MAX = 16 };

struct log_options {
	struct broker_options broker; /* url; key: the owner's who asks, or NULL */
	const char *key;	      /* the log's: a file, or its id; or NULL */
	const char *head, *since;     /* files */
	const char *state, *out;
	uint64_t interval, max_age; /* seconds; max_age 0: any */
	bool once, entries;
	char **files;
	int file_count;
	/* Of key. */
	bool has_id;
	uint8_t id[SHA384_SIZE];
};

/* NULL when the log's key is not known. */
const uint8_t *log_options_id(const struct log_options *options);

/* ---- What a broker says: each answer is read strictly, and proves nothing yet ---- */

struct log_source {
	const struct log_options *options;
	struct http_client *client;
	bool is_owner; /* and asks as one, for what is in entries */
	struct broker_client owner;
};
TOBI_MUST_USE enum tobi_err log_source_open(const struct log_options *options,
					    struct log_source *ret_source,
					    struct tobi_fault *fault);
void log_source_done(struct log_source *source);
/* Appends the signed head. */
TOBI_MUST_USE enum tobi_err log_fetch_head(struct log_source *source, struct writer *out,
					   struct tobi_fault *fault);
/* TOBI_E_NOT_FOUND when the broker says that its log has not had that. */
TOBI_MUST_USE enum tobi_err log_fetch_inclusion(struct log_source *source, uint64_t size,
						uint64_t index,
						struct log_inclusion *ret_proof,
						struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err log_fetch_consistency(struct log_source *source,
						  uint64_t from, uint64_t to,
						  struct log_consistency *ret_proof,
						  struct tobi_fault *fault);
/* An entry: its hash, and what is in it where whoever asks may see it. */
typedef enum tobi_err log_entry_each(void *context, uint64_t index,
				     const struct log_hash *hash, struct tobi_bytes leaf,
				     struct tobi_fault *fault);
/* Some entries from that index upward, at most count, each the next of the one before;
 * TOBI_E_PROTOCOL when they are not. ret_count may be 0. */
TOBI_MUST_USE enum tobi_err log_fetch_leaves(struct log_source *source, uint64_t from,
					     uint64_t count, log_entry_each *each,
					     void *context, uint64_t *ret_count,
					     struct tobi_fault *fault);

/* ---- What is shown ---- */

/* A signed head from a file. bytes: at least LOG_HEAD_MAX of ceiling; the head borrows.
 */
TOBI_MUST_USE enum tobi_err log_load_head(const char *path, const uint8_t *id,
					  struct writer *bytes, struct log_head *ret_head,
					  struct tobi_fault *fault);
json_t *log_head_json(const struct log_head *head);
/* "log NAME", "size", ... in lines; for people. */
void log_print_head(const struct log_head *head);
void log_print_leaf(uint64_t index, struct tobi_bytes leaf);
/* A decision as JSON; NULL when it cannot be read. */
json_t *log_decision_json(struct tobi_bytes leaf);

int log_prove(const struct log_options *options);
int log_verify(const struct log_options *options);
int log_follow(const struct log_options *options);
int log_evidence(const struct log_options *options);
int log_retention(const struct log_options *options);

#endif
