#include "cli/certificate_request.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/attested.h"
#include "cli/broker_client.h"
#include "cli/cli.h"

#define COMMAND_NAME "certificate request"

enum { REQUEST_MAX = 16 << 10, CHAIN_MAX = 256 << 10 };

static const struct option known[] = {ATTESTED_OPTIONS,
				      {"csr", required_argument, NULL, 'r'},
				      {"output", required_argument, NULL, 'o'},
				      {NULL, 0, NULL, 0}};

/* What to do, in the words of who asked. */
static enum tobi_err judge(const char *name, int status, struct tobi_bytes body,
			   struct tobi_fault *fault)
{
	if (status == 200)
		return TOBI_OK;
	if (status == 403)
		return fault_set(
		    fault, TOBI_E_REFUSED, "broker", "",
		    "it signs no such certificate by %.200s for this machine: its "
		    "owner's log says why (tobichi log follow --entries)",
		    name);
	/* JSON, whose texts the broker has escaped. */
	return fault_set(fault, TOBI_E_PROTOCOL, "broker", "",
			 "it answers with status %d: %.*s", status,
			 (int)(body.size > 200 ? 200 : body.size),
			 body.size ? (const char *)body.ptr : "");
}

static int run(struct attested_options *options, const char *name, const char *csr,
	       const char *out)
{
	CLEANUP(wr_done) struct writer request_body = wr_init(REQUEST_MAX);
	struct attested_reply reply = {0};
	char path[LIMIT_PATH];
	struct attested_request request = {
	    .method = "POST", .path = path, .reply_limit = CHAIN_MAX};
	struct tobi_fault fault = {0};
	int status;
	enum tobi_err err = file_read(csr, REQUEST_MAX, "request", &request_body, &fault);

	snprintf(path, sizeof(path), "/v1/certificate/%s", name);
	request.body = wr_view(&request_body);
	if (!err)
		err = attested_ask(options, &request, &reply, &fault);
	if (!err)
		err = judge(name, reply.status, wr_view(&reply.body), &fault);
	status = err ? attested_refused(&fault) : cli_put(out, wr_view(&reply.body));
	wr_done(&reply.body);
	return status;
}

int certificate_request(int argc, char **argv)
{
	struct attested_options options;
	const char *csr = NULL, *out = NULL;
	const char *wrong = NULL;
	int option;

	attested_options_init(&options);
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (option == 'r')
			csr = optarg;
		else if (option == 'o')
			out = optarg;
		else if (!attested_option(&options, option, &wrong))
			return cli_usage(COMMAND_NAME, "wrong option");
		if (wrong)
			return cli_usage(COMMAND_NAME, "%s", wrong);
	}
	if (argc - optind != 1 || !broker_is_name(argv[optind], 3, 3))
		return cli_usage(COMMAND_NAME, "it needs REPOSITORY/TYPE/TAG");
	wrong = attested_options_lack(&options);
	if (wrong)
		return cli_usage(COMMAND_NAME, "%s", wrong);
	if (!csr)
		return cli_usage(COMMAND_NAME, "it needs --csr FILE");
	return run(&options, argv[optind], csr, out);
}
