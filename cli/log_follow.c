/* `tobichi log follow`: asks again and again whether the log is still the one that it
 * was. Whoever rewrites a log cannot show a follower both. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/log.h"

struct following {
	const struct log_options *options;
	struct log_source source;
	/* The head that was accepted last. */
	bool has_head;
	struct writer bytes;
	struct log_head head;
	/* Of all entries, with --entries. */
	struct log_frontier entries;
};

/* What came of one look. */
enum look { LOOK_SAME, LOOK_GREW, LOOK_FIRST, LOOK_ALARM, LOOK_TROUBLE };

/* The key is the caller's, or that of the first head that was seen. */
static const uint8_t *key_of(const struct following *following)
{
	const uint8_t *id = log_options_id(following->options);

	return id || !following->has_head ? id : following->head.key;
}

static enum tobi_err keep(struct following *following, const struct writer *bytes,
			  struct tobi_fault *fault)
{
	struct log_head head;
	enum tobi_err err =
	    file_write(following->options->state, 0644, wr_view(bytes), "state", fault);

	if (err)
		return err;
	wr_done(&following->bytes);
	following->bytes = wr_init(LOG_HEAD_MAX);
	wr_bytes(&following->bytes, bytes->ptr, bytes->size);
	err = wr_err(&following->bytes);
	if (!err)
		err = log_head_read(wr_view(&following->bytes), NULL, &head, fault);
	if (err)
		return err;
	following->head = head;
	following->has_head = true;
	return TOBI_OK;
}

static enum tobi_err start(struct following *following, struct tobi_fault *fault)
{
	const char *state = following->options->state;
	enum tobi_err err;

	if (access(state, F_OK) != 0 && errno == ENOENT)
		return TOBI_OK;
	err = log_load_head(state, log_options_id(following->options), &following->bytes,
			    &following->head, fault);
	following->has_head = !err;
	return err;
}

/* ---- Every entry ---- */

struct entries {
	struct following *following;
	uint64_t size;
};

static enum tobi_err take_entry(void *context, uint64_t index,
				const struct log_hash *hash, struct tobi_bytes leaf,
				struct tobi_fault *fault)
{
	const struct entries *entries = context;
	struct following *following = entries->following;
	json_t *json;

	if (index >= entries->size)
		return TOBI_OK;
	if (leaf.size && following->options->broker.json) {
		json = json_pack("{s:s, s:I, s:o}", "event", "entry", "index",
				 (json_int_t)index, "decision", log_decision_json(leaf));
		if (json && json_dumpf(json, stdout, JSON_COMPACT) == 0)
			printf("\n");
		json_decref(json);
	} else if (leaf.size) {
		log_print_leaf(index, leaf);
	}
	return log_frontier_append(&following->entries, hash, NULL, NULL, fault);
}

/* All entries up to the head are there, and they are those of its root. */
static enum tobi_err read_entries(struct following *following,
				  const struct log_head *head, struct tobi_fault *fault)
{
	struct entries entries = {following, head->size};
	struct log_frontier before = following->entries;
	struct log_hash root;
	uint64_t count = 0;
	enum tobi_err err = TOBI_OK;

	while (!err && following->entries.size < head->size) {
		err = log_fetch_leaves(&following->source, following->entries.size,
				       head->size - following->entries.size, take_entry,
				       &entries, &count, fault);
		if (!err && !count)
			err = fault_set(fault, TOBI_E_NOT_FOUND, "log", "entry",
					"entry %" PRIu64 " is not there",
					following->entries.size);
	}
	if (err == TOBI_E_NOT_FOUND)
		err = fault_set(fault, TOBI_E_MISMATCH, "log", "entry",
				"ENTRY ERASED: entry %" PRIu64
				" is not there, of the %" PRIu64 " that the head has",
				following->entries.size, head->size);
	if (!err && log_frontier_root(&following->entries, &root))
		err = fault_set(fault, TOBI_E_CRYPTO, "log", "", "cannot hash");
	if (!err && !log_hash_equal(&root, &head->root))
		err = fault_set(fault, TOBI_E_MISMATCH, "log", "entry",
				"ENTRY CHANGED: the entries are not those of the signed "
				"head");
	if (err)
		following->entries = before;
	return err;
}

/* ---- One look ---- */

static enum tobi_err check_growth(struct following *following,
				  const struct log_head *head, struct tobi_fault *fault)
{
	const struct log_head *old = &following->head;
	struct log_consistency proof;
	enum tobi_err err = log_head_follows(old, head, fault);

	if (err || head->size == old->size)
		return err;
	err = log_fetch_consistency(&following->source, old->size, head->size, &proof,
				    fault);
	/* It has signed a head, and does not know the size. */
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(fault, TOBI_E_MISMATCH, "log", "proof",
				 "FORK: the broker does not prove that its log of "
				 "%" PRIu64 " entries is that of %" PRIu64,
				 head->size, old->size);
	if (!err)
		err = log_consistency_verify(&proof, &old->root, &head->root, fault);
	if (err == TOBI_E_MISMATCH)
		fault_set(fault, err, "log", "proof",
			  "FORK: the log of %" PRIu64
			  " entries has not grown out of that of %" PRIu64
			  ": entries were changed or erased",
			  head->size, old->size);
	return err;
}

static enum tobi_err check_age(const struct log_options *options,
			       const struct log_head *head, struct tobi_fault *fault)
{
	int64_t age = time(NULL) - head->time;

	if (!options->max_age || age <= (int64_t)options->max_age)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_MISMATCH, "head", "time",
			 "WITHHELD: the newest head is %" PRId64 " seconds old", age);
}

static enum tobi_err check_head(struct following *following, struct writer *bytes,
				struct log_head *ret_head, struct tobi_fault *fault)
{
	enum tobi_err err = log_fetch_head(&following->source, bytes, fault);

	if (!err)
		err = log_head_read(wr_view(bytes), key_of(following), ret_head, fault);
	if (!err && following->has_head)
		err = check_growth(following, ret_head, fault);
	if (!err)
		err = check_age(following->options, ret_head, fault);
	if (!err && following->options->entries)
		err = read_entries(following, ret_head, fault);
	return err;
}

/* Both heads are the proof for others: the one is in the state file, the other here. */
static void keep_alarm(const struct following *following, const struct writer *bytes)
{
	char path[LIMIT_PATH];

	if (!bytes->size || snprintf(path, sizeof(path), "%s.alarm",
				     following->options->state) >= (int)sizeof(path))
		return;
	if (!file_write(path, 0644, wr_view(bytes), "state", NULL))
		fprintf(stderr, "tobichi: the head that was shown is in %s\n", path);
}

static enum look look(struct following *following, uint64_t *ret_before,
		      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LOG_HEAD_MAX);
	struct log_head head;
	bool first = !following->has_head;
	enum tobi_err err = check_head(following, &bytes, &head, fault);

	if (err == TOBI_E_MISMATCH || err == TOBI_E_SIGNATURE) {
		keep_alarm(following, &bytes);
		return LOOK_ALARM;
	}
	*ret_before = first ? 0 : following->head.size;
	if (!err)
		err = keep(following, &bytes, fault);
	if (err)
		return LOOK_TROUBLE;
	if (first)
		return LOOK_FIRST;
	return following->head.size > *ret_before ? LOOK_GREW : LOOK_SAME;
}

/* ---- Said ---- */

static void say_json(const struct following *following, enum look what,
		     const struct tobi_fault *fault)
{
	static const char *const events[] = {"same", "grew", "first", "alarm", "trouble"};
	json_t *json = json_pack("{s:s}", "event", events[what]);
	char text[512];

	if (what == LOOK_ALARM || what == LOOK_TROUBLE) {
		tobi_fault_print(fault, text, sizeof(text));
		json_object_set_new(json, "reason", json_string(text));
	}
	if (following->has_head)
		json_object_set_new(json, "head", log_head_json(&following->head));
	if (json && json_dumpf(json, stdout, JSON_COMPACT) == 0)
		printf("\n");
	json_decref(json);
}

static void say_text(const struct following *following, enum look what, uint64_t before,
		     const struct tobi_fault *fault)
{
	char when[CLI_TIME_SIZE], text[512];
	const struct log_head *head = &following->head;

	cli_format_time(head->time, when);
	switch (what) {
	case LOOK_FIRST:
		log_print_head(head);
		if (!following->options->has_id)
			printf("warning    this key was not known before: it is "
			       "followed from now on\n");
		break;
	case LOOK_GREW:
		printf("%s  %" PRIu64 " entries, %" PRIu64 " more\n", when, head->size,
		       head->size - before);
		break;
	case LOOK_SAME:
		printf("%s  %" PRIu64 " entries\n", when, head->size);
		break;
	case LOOK_ALARM:
		tobi_fault_print(fault, text, sizeof(text));
		printf("ALARM      ");
		cli_print_text(stdout, bytes_of_text(text));
		printf("\n");
		break;
	case LOOK_TROUBLE:
		cli_fail(fault);
		break;
	}
}

static int follow(struct following *following)
{
	for (;;) {
		struct tobi_fault fault = {0};
		uint64_t before = 0;
		enum look what = look(following, &before, &fault);

		if (following->options->broker.json)
			say_json(following, what, &fault);
		else
			say_text(following, what, before, &fault);
		if (fflush(stdout) == EOF)
			return cli_error("cannot write to the standard output");
		if (what == LOOK_ALARM)
			return EXIT_REFUSED;
		if (following->options->once)
			return what == LOOK_TROUBLE ? EXIT_ERROR : EXIT_ACCEPTED;
		sleep((unsigned)following->options->interval);
	}
}

int log_follow(const struct log_options *options)
{
	struct following following = {.options = options, .bytes = wr_init(LOG_HEAD_MAX)};
	struct tobi_fault fault = {0};
	enum tobi_err err;
	int status;

	if (!options->broker.url || !options->state || options->file_count)
		return cli_usage(LOG_COMMAND,
				 "follow needs --broker URL and --state FILE");
	err = log_source_open(options, &following.source, &fault);
	if (err)
		return cli_fail(&fault);
	err = start(&following, &fault);
	status = err ? cli_fail(&fault) : follow(&following);
	log_source_done(&following.source);
	wr_done(&following.bytes);
	return status;
}
