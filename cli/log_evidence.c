/* `tobichi log evidence` and `retention`: what an owner has kept beside the log, and for
 * how long. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "cli/log.h"
#include "codec/base64.h"

enum { NAME_DIGITS = 16 };

/* One answer of the broker's to an owner. */
static enum tobi_err ask(const struct log_options *options, const char *method,
			 const char *target, json_t *body, json_t **ret_answer,
			 struct tobi_fault *fault)
{
	struct broker_client client = {0};
	enum tobi_err err = broker_client_open(&options->broker, &client, fault);

	if (err)
		json_decref(body);
	else if (body)
		err = broker_ask_json(&client, method, target, body, ret_answer, fault);
	else
		err = broker_ask(&client, method, target, (struct tobi_bytes){0},
				 ret_answer, fault);
	broker_client_done(&client);
	return err;
}

/* It is what its digest says, whatever the broker has sent. */
static enum tobi_err fetch_evidence(const struct log_options *options, const char *hex,
				    struct writer *out, struct tobi_fault *fault)
{
	uint8_t wanted[SHA384_SIZE], found[SHA384_SIZE];
	json_t *answer = NULL, *text = NULL;
	char target[2 * SHA384_SIZE + 32];
	enum tobi_err err;

	if (!hex_read(hex, wanted, sizeof(wanted)))
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "evidence",
				 "the digest of an entry has 96 hexadecimal digits");
	snprintf(target, sizeof(target), "/v1/log/evidence/%s", hex);
	err = ask(options, "GET", target, NULL, &answer, fault);
	if (!err)
		err =
		    json_member(answer, "evidence", JSON_STRING, "answer", &text, fault);
	if (!err)
		err = base64url_read(bytes_of_text(json_string_value(text)), "evidence",
				     out, fault);
	json_decref(answer);
	if (!err && hash_sha384(wr_view(out), found))
		err = fault_set(fault, TOBI_E_CRYPTO, "log", "evidence", "cannot hash");
	if (!err && memcmp(wanted, found, sizeof(found)) != 0)
		err = fault_set(fault, TOBI_E_MISMATCH, "log", "evidence",
				"it is not what the entry's digest is of");
	return err;
}

int log_evidence(const struct log_options *options)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	const char *hex = options->file_count == 1 ? options->files[0] : NULL;
	struct tobi_fault fault = {0};
	char name[NAME_DIGITS + 16];
	const char *path = options->out ? options->out : name;
	enum tobi_err err;
	int status;

	if (!hex)
		return cli_usage(LOG_COMMAND,
				 "evidence needs the digest that an entry has");
	err = fetch_evidence(options, hex, &out, &fault);
	if (err == TOBI_E_MISMATCH) {
		cli_fail(&fault);
		return EXIT_REFUSED;
	}
	if (err)
		return broker_fail(&fault);
	snprintf(name, sizeof(name), "%.*s.evidence", NAME_DIGITS, hex);
	status = cli_put(path, wr_view(&out));
	if (status)
		return status;
	if (options->broker.json)
		return cli_put_json(NULL, json_pack("{s:s, s:I}", "evidence", path,
						    "size", (json_int_t)out.size));
	printf("evidence   %s, %zu bytes\n", path, out.size);
	return EXIT_ACCEPTED;
}

int log_retention(const struct log_options *options)
{
	json_t *answer = NULL, *seconds = NULL;
	struct tobi_fault fault = {0};
	uint64_t wanted = 0;
	bool sets = options->file_count == 1;
	enum tobi_err err;

	if (options->file_count > 1 ||
	    (sets && !cli_read_number(options->files[0], INT64_MAX, &wanted)))
		return cli_usage(LOG_COMMAND, "retention takes a number of seconds");
	err = ask(options, sets ? "PUT" : "GET", "/v1/log/retention",
		  sets ? json_pack("{s:I}", "seconds", (json_int_t)wanted) : NULL,
		  &answer, &fault);
	if (!err)
		err = json_member(answer, "seconds", JSON_INTEGER, "answer", &seconds,
				  &fault);
	if (err) {
		json_decref(answer);
		return broker_fail(&fault);
	}
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	printf("retention  %" PRId64 " seconds\n", (int64_t)json_integer_value(seconds));
	json_decref(answer);
	return EXIT_ACCEPTED;
}
