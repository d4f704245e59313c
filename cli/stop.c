#include "base/cleanup.h"
#include "base/fault.h"
#include "cli/cli.h"
#include "cli/service_client.h"
#include "codec/cbor.h"

enum { DEFAULT_GRACE = 10 };

static enum tobi_err stop(const char *id, unsigned grace, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int service = -1;
	CLEANUP(wr_done) struct writer request = wr_init(256);
	CLEANUP(packet_done) struct packet reply = {0};
	enum tobi_err err = service_connect(false, &service, fault);

	if (err)
		return err;
	service_request(&request, REQUEST_STOP, 2);
	cbor_write_uint(&request, 1);
	cbor_write_text(&request, id);
	cbor_write_uint(&request, 2);
	cbor_write_uint(&request, grace);
	return service_ask(service, &request, REPLY_EXITED, &reply, fault);
}

int cmd_stop(int argc, char **argv)
{
	static const struct option known[] = {{"grace", required_argument, NULL, 'g'},
					      {NULL, 0, NULL, 0}};
	struct tobi_fault fault = {0};
	uint64_t grace = DEFAULT_GRACE;
	int option, status = EXIT_ACCEPTED;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'g' || !cli_read_number(optarg, CONTROL_GRACE_MAX, &grace))
			return cli_usage("stop", "--grace needs 0 to %d seconds",
					 CONTROL_GRACE_MAX);
	}
	if (optind == argc)
		return cli_usage("stop", "the id or name of an enclave is needed");
	for (int i = optind; i < argc; i++) {
		if (stop(argv[i], (unsigned)grace, &fault))
			status = cli_fail(&fault);
		else
			printf("%s\n", argv[i]);
	}
	return status;
}
