#include "daemons/broker/status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "broker/broker.h"
#include "codec/json.h"
#include "daemons/broker/probe.h"
#include "log/head.h"

DEFINE_CLEANUP(struct db *, db_free)
DEFINE_CLEANUP(struct db_conn *, db_give)

enum { ROOT_HEX = 2 * 48 + 1, TIME_SIZE = 24 };

static const char *const answers[] = {[PROBE_AWAY] = "away",
				      [PROBE_OTHER] = "somebody else answers",
				      [PROBE_ALIVE] = "not ready",
				      [PROBE_READY] = "ready"};

static const struct count {
	const char *name, *sql;
} counts[] = {
    {"owners", "SELECT COUNT(*) FROM owner WHERE is_operator = 0"},
    {"resources", "SELECT COUNT(*) FROM resource"},
    {"versions", "SELECT COUNT(*) FROM resource_version"},
    {"policies", "SELECT COUNT(*) FROM policy"},
    {"sessions", "SELECT COUNT(*) FROM kbs_sessions"},
};

enum { COUNTS = sizeof(counts) / sizeof(counts[0]) };

struct found {
	enum probe_answer answer;
	int64_t counts[COUNTS];
	bool has_head;
	uint64_t size;
	char root[ROOT_HEX], signed_at[TIME_SIZE], name[LOG_NAME_MAX + 1];
};

static enum tobi_err take_number(void *context, const struct db_value *values,
				 size_t count, struct tobi_fault *fault)
{
	(void)count, (void)fault;
	*(int64_t *)context = values[0].integer;
	return TOBI_OK;
}

static enum tobi_err take_head(void *context, const struct db_value *values, size_t count,
			       struct tobi_fault *fault)
{
	struct found *found = context;
	struct log_head head;
	struct tm tm = {0};
	time_t when;
	enum tobi_err err = log_head_read(values[0].bytes, NULL, &head, fault);

	(void)count;
	if (err)
		return err;
	when = (time_t)head.time;
	found->has_head = true;
	found->size = head.size;
	hex_write((struct tobi_bytes){head.root.bytes, sizeof(head.root.bytes)},
		  found->root, sizeof(found->root));
	snprintf(found->name, sizeof(found->name), "%.*s", (int)head.name.size,
		 (const char *)head.name.ptr);
	if (gmtime_r(&when, &tm))
		strftime(found->signed_at, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return TOBI_OK;
}

/* Read only: a database that is older than this program stays as it is. */
static enum tobi_err look(const struct config *config, struct found *found,
			  struct tobi_fault *fault)
{
	CLEANUP(db_freep) struct db *db = NULL;
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	enum tobi_err err = db_open(config->database, 1, &db, fault);

	if (!err)
		err = db_take(db, &conn, fault);
	for (size_t i = 0; i < COUNTS && !err; i++)
		err = db_run(conn, counts[i].sql, NULL, 0, take_number, &found->counts[i],
			     NULL, fault);
	return err ? err
		   : db_run(conn, "SELECT head FROM log_state", NULL, 0, take_head, found,
			    NULL, fault);
}

static void print_text(const struct config *config, const struct found *found)
{
	printf("broker    %s\nanswers   %s\n", config->name, answers[found->answer]);
	if (found->has_head)
		printf("log       %s: %llu decisions, signed %s\n          %s\n",
		       found->name, (unsigned long long)found->size, found->signed_at,
		       found->root);
	for (size_t i = 0; i < COUNTS; i++)
		printf("%-9s %lld\n", counts[i].name, (long long)found->counts[i]);
}

static enum tobi_err print_json(const struct config *config, const struct found *found,
				struct tobi_fault *fault)
{
	CLEANUP(json_decrefp)
	json_t *json =
	    json_pack("{s:s,s:s,s:b}", "name", config->name, "answers",
		      answers[found->answer], "ready", found->answer == PROBE_READY);
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_JSON);
	enum tobi_err err;
	bool good = json != NULL;

	for (size_t i = 0; i < COUNTS && good; i++)
		good = !json_object_set_new(json, counts[i].name,
					    json_integer(found->counts[i]));
	if (good && found->has_head)
		good = !json_object_set_new(
		    json, "log",
		    json_pack("{s:s,s:I,s:s,s:s}", "name", found->name, "size",
			      (json_int_t)found->size, "root", found->root, "signed",
			      found->signed_at));
	if (!good)
		return fault_set(fault, TOBI_E_MEMORY, "status", "", "out of memory");
	err = json_write(json, true, &out, fault);
	if (!err)
		fwrite(out.ptr, out.size, 1, stdout);
	return err;
}

int status_print(const struct config *config, bool json, struct tobi_fault *fault)
{
	struct found found = {.answer = probe_ready(config)};
	enum tobi_err err = look(config, &found, fault);

	if (err)
		return 2;
	if (!json)
		print_text(config, &found);
	else if (print_json(config, &found, fault))
		return 2;
	if (fflush(stdout) == EOF)
		return 2;
	return found.answer == PROBE_READY ? 0 : 1;
}
