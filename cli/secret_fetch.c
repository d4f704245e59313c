#include "cli/secret_fetch.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/attested.h"
#include "cli/broker_client.h"
#include "cli/guard.h"

#define COMMAND_NAME "secret"

enum { GIVEN = 200, DENIED = 403, TOO_OFTEN = 429, CANNOT_NOW = 500 };

struct fetch {
	struct attested_options attested;
	const char *name, *out;
	uint64_t version; /* 0: the newest */
	bool json;
};

static const struct option known[] = {ATTESTED_OPTIONS,
				      {"version", required_argument, NULL, 'V'},
				      {"output", required_argument, NULL, 'o'},
				      {"json", no_argument, NULL, 'j'},
				      {NULL, 0, NULL, 0}};

/* ---- options ---- */

/* NULL, or what is wrong. */
static const char *take_option(struct fetch *fetch, int option)
{
	const char *wrong = NULL;

	if (option == 'o')
		fetch->out = optarg;
	else if (option == 'j')
		fetch->json = true;
	else if (option == 'V')
		return cli_read_number(optarg, INT64_MAX / 10, &fetch->version) &&
			       fetch->version
			   ? NULL
			   : "--version needs a number, from 1 on";
	else if (!attested_option(&fetch->attested, option, &wrong))
		return "wrong option";
	return wrong;
}

/* What is missing, or does not go together. */
static const char *find_wrong(const struct fetch *fetch)
{
	const char *lack = attested_options_lack(&fetch->attested);

	if (!fetch->name || !broker_is_name(fetch->name, 3, 3))
		return "it needs REPOSITORY/TYPE/TAG, of A-Z a-z 0-9 . _ -, no part "
		       "with a dot at its start";
	if (lack)
		return lack;
	if (!fetch->out)
		return "it needs --output FILE, or --output - for a pipe";
	if (strcmp(fetch->out, "-") == 0 && fetch->json)
		return "--json and the secret cannot both go to standard output";
	if (strcmp(fetch->out, "-") == 0 && isatty(STDOUT_FILENO))
		return "a secret is not shown on a terminal: --output FILE, or a pipe "
		       "behind --output -";
	return NULL;
}

/* ---- the answer ---- */

static enum tobi_err write_secret(const struct fetch *fetch,
				  const struct attested_reply *reply,
				  struct tobi_fault *fault)
{
	if (strcmp(fetch->out, "-") == 0)
		return fd_write_all(STDOUT_FILENO, wr_view(&reply->body),
				    "standard output", fault);
	return file_write(fetch->out, 0600, wr_view(&reply->body), "secret", fault);
}

static int say(const struct fetch *fetch, const struct attested_reply *reply)
{
	char key[2 * SHA384_SIZE + 1];

	hex_write((struct tobi_bytes){reply->key, SHA384_SIZE}, key, sizeof(key));
	if (fetch->json)
		return cli_put_json(
		    NULL, json_pack("{s:s,s:I,s:I,s:I,s:s,s:s}", "secret", fetch->name,
				    "version", (json_int_t)reply->version, "log_index",
				    (json_int_t)reply->log_index, "size",
				    (json_int_t)reply->body.size, "file", fetch->out,
				    "broker_key", key));
	if (strcmp(fetch->out, "-") != 0)
		printf("fetched %s, version %" PRIu64 ": %zu bytes in %s (the broker's "
		       "log, entry %" PRIu64 ")\n",
		       fetch->name, reply->version, reply->body.size, fetch->out,
		       reply->log_index);
	return EXIT_ACCEPTED;
}

/* What another status than 200 means here. */
static int refused(const struct fetch *fetch, const struct attested_reply *reply)
{
	char entry[48] = "";

	if (reply->has_log_index)
		snprintf(entry, sizeof(entry), ", entry %" PRIu64, reply->log_index);
	if (reply->status == DENIED) {
		fprintf(stderr,
			"refused: broker: it does not release %s to this machine: its "
			"owner's log says why (tobichi log follow --entries%s)\n",
			fetch->name, entry);
		return EXIT_REFUSED;
	}
	if (reply->status == TOO_OFTEN || reply->status >= CANNOT_NOW)
		return cli_error("the broker cannot answer now (status %d); try later",
				 reply->status);
	return cli_error("the broker has answered with status %d; is %s its listener of "
			 "attested TLS?",
			 reply->status, fetch->attested.target);
}

static int finish(const struct fetch *fetch, const struct attested_reply *reply)
{
	struct tobi_fault fault = {0};

	if (reply->status != GIVEN)
		return refused(fetch, reply);
	/* A decision is in the log, so it has a place there. */
	if (!reply->version || !reply->has_log_index || !reply->body.size)
		return cli_error("what has come is no answer of a broker");
	return write_secret(fetch, reply, &fault) ? cli_fail(&fault) : say(fetch, reply);
}

static int run(struct fetch *fetch)
{
	struct attested_reply reply = {0};
	char path[LIMIT_PATH];
	const struct attested_request request = {
	    .method = "GET", .path = path, .reply_limit = LIMIT_SECRET};
	struct tobi_fault fault = {0};
	int status;

	snprintf(path, sizeof(path), "/v1/secret/%s", fetch->name);
	if (fetch->version)
		snprintf(path, sizeof(path), "/v1/secret/%s?version=%" PRIu64,
			 fetch->name, fetch->version);
	signal(SIGPIPE, SIG_IGN);
	if (guard_memory(&fault))
		return cli_fail(&fault);
	if (attested_ask(&fetch->attested, &request, &reply, &fault)) {
		wr_done(&reply.body);
		return attested_refused(&fault);
	}
	status = finish(fetch, &reply);
	wr_done(&reply.body);
	return status;
}

int secret_fetch(int argc, char **argv)
{
	struct fetch fetch = {0};
	const char *wrong = NULL;
	int option;

	attested_options_init(&fetch.attested);
	optind = 1;
	while (!wrong && (option = getopt_long(argc, argv, "o:", known, NULL)) != -1)
		wrong = take_option(&fetch, option);
	if (!wrong && argc - optind == 1)
		fetch.name = argv[optind];
	if (!wrong)
		wrong = find_wrong(&fetch);
	if (wrong)
		return cli_usage(COMMAND_NAME, "%s", wrong);
	return run(&fetch);
}
