#include <openssl/rand.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/service_client.h"
#include "codec/cbor.h"

enum { NONCE_MIN = 8, NONCE_MAX = 64, NONCE_SIZE = 32 };

struct options {
	const char *id, *out;
	uint8_t nonce[NONCE_MAX];
	size_t nonce_size; /* 0: a random one */
};

static enum tobi_err ask(const struct options *options, struct packet *ret_reply,
			 struct tobi_fault *fault)
{
	CLEANUP(fd_close) int service = -1;
	CLEANUP(wr_done) struct writer request = wr_init(512);
	enum tobi_err err = service_connect(false, &service, fault);

	if (err)
		return err;
	service_request(&request, REQUEST_ATTEST, 2);
	cbor_write_uint(&request, 1);
	cbor_write_text(&request, options->id);
	cbor_write_uint(&request, 2);
	cbor_write_bytes(&request,
			 (struct tobi_bytes){options->nonce, options->nonce_size});
	return service_ask(service, &request, REPLY_EVIDENCE, ret_reply, fault);
}

static enum tobi_err read_evidence(struct tobi_bytes reply,
				   struct tobi_bytes *ret_evidence,
				   struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(reply, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 2, "evidence");
	int64_t key = 0;

	cbor_map_int(&cbor, &map, &key, "kind");
	cbor_skip(&cbor, "kind");
	cbor_map_expect(&cbor, &map, 1, "evidence");
	*ret_evidence = cbor_bytes(&cbor, LIMIT_EVIDENCE, "evidence");
	return cbor_finish(&cbor, "evidence", fault);
}

static int run(struct options *options)
{
	CLEANUP(packet_done) struct packet reply = {0};
	char hex[2 * NONCE_MAX + 1], out[LIMIT_PATH];
	const char *path;
	struct tobi_bytes evidence = {0};
	struct tobi_fault fault = {0};

	if (!options->nonce_size) {
		options->nonce_size = NONCE_SIZE;
		if (RAND_bytes(options->nonce, NONCE_SIZE) != 1)
			return cli_error("no random bytes for a nonce");
	}
	snprintf(out, sizeof(out), "%s.evidence", options->id);
	path = options->out ? options->out : out;
	if (ask(options, &reply, &fault) ||
	    read_evidence(wr_view(&reply.bytes), &evidence, &fault) ||
	    file_write(path, 0644, evidence, "evidence", &fault))
		return cli_fail(&fault);
	hex_write((struct tobi_bytes){options->nonce, options->nonce_size}, hex,
		  sizeof(hex));
	printf("evidence  %s\nnonce     %s\nnext      tobichi verify %s --policy FILE "
	       "--nonce %s\n",
	       path, hex, path, hex);
	return EXIT_ACCEPTED;
}

int cmd_attest(int argc, char **argv)
{
	static const struct option known[] = {{"nonce", required_argument, NULL, 'n'},
					      {"output", required_argument, NULL, 'o'},
					      {NULL, 0, NULL, 0}};
	struct options options = {0};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (option == 'o') {
			options.out = optarg;
		} else if (option == 'n') {
			options.nonce_size = strlen(optarg) / 2;
			if (options.nonce_size < NONCE_MIN ||
			    options.nonce_size > NONCE_MAX ||
			    !hex_read(optarg, options.nonce, options.nonce_size))
				return cli_usage(
				    "attest",
				    "--nonce needs 16 to 128 hexadecimal digits");
		} else {
			return cli_usage("attest", "wrong option");
		}
	}
	if (optind + 1 != argc)
		return cli_usage("attest", "the id or name of one enclave is needed");
	options.id = argv[optind];
	if (strchr(options.id, '/'))
		return cli_usage("attest", "an id or a name has no slash");
	return run(&options);
}
