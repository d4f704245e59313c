#include "cli/counter_broker.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "cli/attested.h"
#include "cli/broker_client.h"
#include "cli/cli.h"
#include "codec/json.h"

#define COMMAND_NAME "secret counter"

enum { BODY_MAX = 1024, REPLY_MAX = 64 << 10 };

struct options {
	struct attested_options attested;
	const char *to, *signer;
};

static const struct option known[] = {ATTESTED_OPTIONS,
				      {"to", required_argument, NULL, 'T'},
				      {"signer", required_argument, NULL, 's'},
				      {"quiet", no_argument, NULL, 'q'},
				      {NULL, 0, NULL, 0}};

static enum tobi_err write_body(const struct options *options, const char *op,
				struct writer *out, struct tobi_fault *fault)
{
	json_t *body = json_pack("{s:s}", "op", op);
	enum tobi_err err;

	if (options->to)
		json_object_set_new(body, "to", json_string(options->to));
	if (options->signer)
		json_object_set_new(body, "signer", json_string(options->signer));
	err = body ? json_write(body, false, out, fault)
		   : fault_set(fault, TOBI_E_MEMORY, "counter", "", "out of memory");
	json_decref(body);
	return err;
}

static enum tobi_err read_value(struct tobi_bytes text, int64_t *ret_value,
				struct tobi_fault *fault)
{
	json_t *json = NULL, *value = NULL;
	enum tobi_err err = json_parse(text, REPLY_MAX, "broker", &json, fault);

	if (!err)
		err = json_member(json, "value", JSON_INTEGER, "broker", &value, fault);
	if (!err)
		*ret_value = json_integer_value(value);
	json_decref(json);
	return err;
}

static enum tobi_err judge(const char *name, int status, struct tobi_fault *fault)
{
	if (status == 200)
		return TOBI_OK;
	if (status == 403)
		return fault_set(fault, TOBI_E_REFUSED, "broker", "",
				 "it does not give the counter %.200s to this machine: "
				 "its owner's log says why (tobichi log follow "
				 "--entries)",
				 name);
	if (status == 409)
		return fault_set(fault, TOBI_E_LIMIT, "broker", "",
				 "the counter %.200s is at its end, or there are too "
				 "many",
				 name);
	return fault_set(fault, TOBI_E_PROTOCOL, "broker", "",
			 "it answers with status %d", status);
}

static int run(struct options *options, const char *op, const char *name)
{
	CLEANUP(wr_done) struct writer body = wr_init(BODY_MAX);
	struct attested_reply reply = {0};
	char path[LIMIT_PATH];
	struct attested_request request = {
	    .method = "POST", .path = path, .reply_limit = REPLY_MAX};
	struct tobi_fault fault = {0};
	int64_t value = 0;
	enum tobi_err err = write_body(options, op, &body, &fault);

	snprintf(path, sizeof(path), "/v1/counter/%s", name);
	request.body = wr_view(&body);
	if (!err)
		err = attested_ask(&options->attested, &request, &reply, &fault);
	if (!err)
		err = judge(name, reply.status, &fault);
	if (!err)
		err = read_value(wr_view(&reply.body), &value, &fault);
	wr_done(&reply.body);
	if (err)
		return attested_refused(&fault);
	printf("%" PRId64 "\n", value);
	return fflush(stdout) == EOF ? cli_error("cannot write to the standard output")
				     : EXIT_ACCEPTED;
}

int counter_at_broker(int argc, char **argv)
{
	struct options options = {0};
	const char *wrong = NULL;
	int option;

	attested_options_init(&options.attested);
	optind = 1;
	while ((option = getopt_long(argc, argv, "q", known, NULL)) != -1) {
		if (option == 'T')
			options.to = optarg;
		else if (option == 's')
			options.signer = optarg;
		else if (option != 'q' &&
			 !attested_option(&options.attested, option, &wrong))
			return cli_usage(COMMAND_NAME, "wrong option");
		if (wrong)
			return cli_usage(COMMAND_NAME, "%s", wrong);
	}
	if (argc - optind != 2 ||
	    (strcmp(argv[optind], "read") != 0 && strcmp(argv[optind], "increment") != 0))
		return cli_usage(COMMAND_NAME, "it needs read or increment, and a name");
	if (!broker_is_name(argv[optind + 1], 3, 3))
		return cli_usage(COMMAND_NAME,
				 "at a broker a name is REPOSITORY/TYPE/TAG");
	wrong = attested_options_lack(&options.attested);
	if (wrong)
		return cli_usage(COMMAND_NAME, "%s", wrong);
	return run(&options, argv[optind], argv[optind + 1]);
}
