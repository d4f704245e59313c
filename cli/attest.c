#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/attest_platform.h"
#include "cli/cli.h"
#include "cli/platform_ak.h"
#include "cli/service_client.h"
#include "codec/cbor.h"

enum { NONCE_MIN = 8, NONCE_MAX = ATTEST_DATA_SIZE, NONCE_SIZE = 32, TIMEOUT_MAX = 600 };

static enum tobi_err ask(const struct attest_options *options, struct packet *ret_reply,
			 struct tobi_fault *fault)
{
	CLEANUP(fd_close) int service = -1;
	CLEANUP(wr_done) struct writer request = wr_init(512);
	enum tobi_err err = service_connect(false, &service, fault);

	if (err)
		return err;
	service_request(&request, REQUEST_ATTEST, 2);
	cbor_write_uint(&request, 1);
	cbor_write_text(&request, options->enclave);
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

static int run(struct attest_options *options)
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
	snprintf(out, sizeof(out), "%s.evidence", options->enclave);
	path = options->out ? options->out : out;
	if (ask(options, &reply, &fault) ||
	    read_evidence(wr_view(&reply.bytes), &evidence, &fault) ||
	    attest_write(options, evidence, path, &fault))
		return cli_fail(&fault);
	hex_write((struct tobi_bytes){options->nonce, options->nonce_size}, hex,
		  sizeof(hex));
	printf("evidence  %s\nnonce     %s\nnext      tobichi verify %s --policy FILE "
	       "--nonce %s\n",
	       path, hex, path, hex);
	return EXIT_ACCEPTED;
}

/* 8 to 64 bytes in hexadecimal digits, or from `least` on. */
static bool take_hex(const char *text, size_t least, uint8_t *ret_bytes, size_t *ret_size)
{
	size_t size = strlen(text) / 2;

	if (size < least || size > ATTEST_DATA_SIZE || !hex_read(text, ret_bytes, size))
		return false;
	*ret_size = size;
	return true;
}

/* A handle of a TPM: 0x81000003. */
static bool take_handle(const char *text, uint64_t *ret_handle)
{
	char *end;

	*ret_handle = strtoul(text, &end, 0);
	return end != text && !*end && *ret_handle >> 24 == 0x81;
}

static const struct option known[] = {{"nonce", required_argument, NULL, 'n'},
				      {"output", required_argument, NULL, 'o'},
				      {"platform", required_argument, NULL, 'p'},
				      {"list", no_argument, NULL, 'l'},
				      {"report-data", required_argument, NULL, 'd'},
				      {"key", required_argument, NULL, 'k'},
				      {"raw", no_argument, NULL, 'r'},
				      {"logs", no_argument, NULL, 'L'},
				      {"privilege", required_argument, NULL, 'v'},
				      {"device", required_argument, NULL, 'D'},
				      {"ak", required_argument, NULL, 'a'},
				      {"pcrs", required_argument, NULL, 'P'},
				      {"metadata", required_argument, NULL, 'm'},
				      {"quote-service", required_argument, NULL, 'q'},
				      {"timeout", required_argument, NULL, 't'},
				      {"format", required_argument, NULL, 'f'},
				      {NULL, 0, NULL, 0}};

/* NULL, or what is wrong. */
static const char *take_value(struct attest_options *options, int option)
{
	switch (option) {
	case 'n':
		return take_hex(optarg, NONCE_MIN, options->nonce, &options->nonce_size)
			   ? NULL
			   : "--nonce needs 16 to 128 hexadecimal digits";
	case 'd':
		return take_hex(optarg, 1, options->report_data,
				&options->report_data_size)
			   ? NULL
			   : "--report-data needs 2 to 128 hexadecimal digits";
	case 'v':
		return cli_read_number(optarg, 3, &options->privilege)
			   ? NULL
			   : "--privilege needs a VMPL, 0 to 3";
	case 'a':
		return take_handle(optarg, &options->ak)
			   ? NULL
			   : "--ak needs a persistent handle such as 0x81000003";
	case 'P':
		return platform_read_pcrs(optarg, &options->pcrs)
			   ? NULL
			   : "--pcrs needs numbers from 0 to 23, with commas";
	case 'f':
		options->json = strcmp(optarg, "cmw-json") == 0;
		return options->json || strcmp(optarg, "cmw") == 0
			   ? NULL
			   : "--format is cmw or cmw-json";
	case 't':
		return cli_read_number(optarg, TIMEOUT_MAX, &options->timeout) &&
			       options->timeout
			   ? NULL
			   : "--timeout needs seconds, 1 to 600";
	default:
		return "there is no such option";
	}
}

static const char *take_option(struct attest_options *options, int option)
{
	switch (option) {
	case 'o':
		options->out = optarg;
		return NULL;
	case 'p':
		options->platform = optarg;
		return NULL;
	case 'l':
		options->list = true;
		return NULL;
	case 'k':
		options->key = optarg;
		return NULL;
	case 'r':
		options->raw = true;
		return NULL;
	case 'L':
		options->logs = true;
		return NULL;
	case 'D':
		options->device = optarg;
		return NULL;
	case 'm':
		options->metadata = optarg;
		return NULL;
	case 'q':
		options->quotes = optarg;
		return NULL;
	default:
		return take_value(options, option);
	}
}

/* What does not go together. */
static const char *find_wrong(const struct attest_options *options, int arguments)
{
	const bool of_platform = options->platform || options->list;

	if (of_platform && arguments)
		return "--platform and --list are about this machine: no enclave is "
		       "named with them";
	if (!of_platform && arguments != 1)
		return "the id or name of one enclave is needed, or --platform";
	if (!of_platform &&
	    (options->report_data_size || options->key || options->raw || options->logs ||
	     options->device || options->metadata || options->quotes || options->pcrs))
		return "an enclave takes --nonce and --output only";
	if (options->raw && options->json)
		return "--raw writes no collection, so it has no --format";
	if (options->report_data_size && (options->nonce_size || options->key))
		return "--report-data stands for --nonce and --key";
	return NULL;
}

int cmd_attest(int argc, char **argv)
{
	struct attest_options options = {
	    .privilege = UINT64_MAX, .ak = UINT64_MAX, .timeout = UINT64_MAX};
	const char *wrong = NULL;
	int option;

	optind = 1;
	while (!wrong && (option = getopt_long(argc, argv, "o:", known, NULL)) != -1)
		wrong = take_option(&options, option);
	if (!wrong)
		wrong = find_wrong(&options, argc - optind);
	if (wrong)
		return cli_usage("attest", "%s", wrong);
	if (options.list)
		return attest_list(&options);
	if (options.platform)
		return attest_platform(&options);
	options.enclave = argv[optind];
	if (strchr(options.enclave, '/'))
		return cli_usage("attest", "an id or a name has no slash");
	return run(&options);
}
