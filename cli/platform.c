/* This host's root of trust: making it, showing it, having an owner's CA certify it. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/platform_ak.h"
#include "cli/platform_migrate.h"
#include "cli/service_client.h"
#include "codec/cbor.h"
#include "isolate/isolate.h"
#include "pki/chain.h"
#include "root/root.h"

DEFINE_CLEANUP(struct root *, root_free)

struct options {
	const char *folder; /* of the state */
	const char *kind, *to, *out;
	struct root_options root; /* where the keys are to be */
	struct platform_ak_ca ca;
	bool new_seal_root;
	bool json;
};

struct running {
	bool is;
	uint64_t pid, enclaves;
};

static enum tobi_err ask_service(struct running *ret_running, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int service = -1;
	CLEANUP(wr_done) struct writer request = wr_init(16);
	CLEANUP(packet_done) struct packet reply = {0};
	struct running running = {0};
	enum tobi_err err = service_connect(false, &service, fault);

	if (err == TOBI_E_NOT_FOUND)
		return TOBI_OK;
	service_request(&request, REQUEST_STATUS, 0);
	if (!err)
		err = service_ask(service, &request, REPLY_PLATFORM, &reply, fault);
	if (!err) {
		struct cbor cbor = cbor_init(wr_view(&reply.bytes), CBOR_DETERMINISTIC);
		struct cbor_map map = cbor_map(&cbor, 16, "platform");
		int64_t key = 0;

		running.is = true;
		while (cbor_map_int(&cbor, &map, &key, "key")) {
			if (key == 2)
				running.pid = cbor_uint(&cbor, "pid");
			else if (key == 5)
				running.enclaves = cbor_uint(&cbor, "enclaves");
			else
				cbor_skip(&cbor, "value");
		}
		err = cbor_finish(&cbor, "platform", fault);
	}
	if (!err)
		*ret_running = running;
	return err;
}

/* Subject and last day of a certificate. */
static enum tobi_err describe(struct tobi_bytes der, char *subject, size_t room,
			      char until[static CLI_TIME_SIZE], struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	struct tm tm = {0};
	enum tobi_err err =
	    chain_read_certificate(der, "certificate", &certificate, fault);

	if (err)
		return err;
	subject[0] = 0;
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
				  subject, (int)room);
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1 ||
	    !strftime(until, CLI_TIME_SIZE, "%Y-%m-%d", &tm))
		snprintf(until, CLI_TIME_SIZE, "?");
	return TOBI_OK;
}

static enum tobi_err print_chain(const char *label, const struct tobi_bytes *chain,
				 size_t count, struct tobi_fault *fault)
{
	for (size_t i = 0; i < count; i++) {
		char subject[128], until[CLI_TIME_SIZE];
		enum tobi_err err =
		    describe(chain[i], subject, sizeof(subject), until, fault);

		if (err)
			return err;
		printf("%-15s", i ? "" : label);
		cli_print_text(stdout, (struct tobi_bytes){(const uint8_t *)subject,
							   strlen(subject)});
		printf(", until %s\n", until);
	}
	return TOBI_OK;
}

static void print_lacks(void)
{
	CLEANUP(wr_done) struct writer lacks = wr_init(4096);
	const char *label = "lacks";

	isolate_lacks(NULL, &lacks);
	wr_u8(&lacks, 0);
	for (char *rest = (char *)lacks.ptr, *line;
	     rest && (line = strsep(&rest, "\n"));) {
		if (*line)
			printf("%-15s%s\n", label, line);
		label = "";
	}
}

static void print_place(struct tobi_bytes place)
{
	if (!place.size)
		return;
	fputs("device         ", stdout);
	cli_print_text(stdout, place);
	putchar('\n');
}

static int print_status(const struct options *options, struct root *root,
			const struct running *running)
{
	const struct tobi_bytes *chain, *owner;
	size_t chain_count = root_chain(root, &chain);
	size_t owner_count = root_owner_chain(root, &owner);
	CLEANUP(wr_done) struct writer place = wr_init(2 * LIMIT_PATH);
	struct tobi_fault fault = {0};
	uint8_t ueid[33];
	char hex[67];

	root_place(root, &place);
	root_ueid(root, ueid);
	hex_write((struct tobi_bytes){ueid, sizeof(ueid)}, hex, sizeof(hex));
	if (options->json)
		return cli_put_json(
		    NULL,
		    json_pack("{s:s,s:s,s:s%,s:s,s:s,s:b,s:b,s:I}", "tier", "soft",
			      "root-of-trust", root_kind(root), "device",
			      place.size ? (char *)place.ptr : "", place.size, "folder",
			      options->folder, "hardware-id", hex, "owner-certified",
			      owner_count > 0, "service-runs", running->is, "enclaves",
			      (json_int_t)running->enclaves));
	printf("tier           soft: other users and programs are kept out; root and the "
	       "kernel are not\nroot of trust  %s, in %s\n",
	       root_kind(root), options->folder);
	print_place(wr_view(&place));
	printf("hardware id    %s\n", hex);
	if (print_chain("platform", chain, chain_count, &fault) ||
	    print_chain("owner", owner, owner_count, &fault))
		return cli_fail(&fault);
	if (!owner_count)
		printf("owner          none; `tobichi platform csr` asks for a "
		       "certificate\n");
	if (running->is)
		printf("service        runs as process %llu, %llu enclaves\n",
		       (unsigned long long)running->pid,
		       (unsigned long long)running->enclaves);
	else
		printf("service        does not run; `tobichi run` starts one\n");
	print_lacks();
	return EXIT_ACCEPTED;
}

static int status(const struct options *options, const char *argument)
{
	CLEANUP(root_freep) struct root *root = NULL;
	struct running running = {0};
	struct tobi_fault fault = {0};

	(void)argument;
	if (root_open(options->folder, &root, &fault) || ask_service(&running, &fault))
		return cli_fail(&fault);
	return print_status(options, root, &running);
}

/* Whoever has forgotten to name the kind shall not get keys in files. */
static bool kind_suits(const char *kind, const struct root_options *root)
{
	return strcmp(kind, "file") != 0 ||
	       !(root->device || root->token || root->pin_file || root->pcrs);
}

static int init(const struct options *options, const char *argument)
{
	struct tobi_fault fault = {0};

	if (!kind_suits(options->kind, &options->root))
		return cli_usage("platform", "keys in files have no --device, --token, "
					     "--pin-file or --pcrs: name --root tpm or "
					     "--root pkcs11");
	if (root_init(options->folder, options->kind, &options->root, time(NULL), &fault))
		return cli_fail(&fault);
	return status(options, argument);
}

static int migrate(const struct options *options, const char *argument)
{
	const struct root_migration migration = {options->to, options->root,
						 options->new_seal_root, time(NULL)};
	struct running running = {0};
	struct tobi_fault fault = {0};

	(void)argument;
	if (!options->to)
		return cli_usage("platform", "migrate needs --to");
	if (!kind_suits(options->to, &options->root))
		return cli_usage("platform", "keys in files have no --device, --token, "
					     "--pin-file or --pcrs: name --to tpm or "
					     "--to pkcs11");
	if (ask_service(&running, &fault))
		return cli_fail(&fault);
	if (running.is)
		return cli_error("the service runs as process %llu, with %llu enclaves: "
				 "stop it first",
				 (unsigned long long)running.pid,
				 (unsigned long long)running.enclaves);
	return platform_migrate(options->folder, &migration);
}

static int csr(const struct options *options, const char *argument)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_fault fault = {0};

	(void)argument;
	if (root_open(options->folder, &root, &fault) || root_csr(root, &pem, &fault))
		return cli_fail(&fault);
	return cli_put(options->out, wr_view(&pem));
}

static int certify(const struct options *options, const char *path)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_fault fault = {0};

	if (root_open(options->folder, &root, &fault) ||
	    file_read(path, LIMIT_PEM, "certificate", &pem, &fault) ||
	    root_certify(root, options->folder, wr_view(&pem), time(NULL), &fault))
		return cli_fail(&fault);
	printf("The owner's certificate is kept. A running service takes it at its next "
	       "start.\n");
	return EXIT_ACCEPTED;
}

/* The last certificate of the platform's own chain: what a policy trusts. */
static int anchor(const struct options *options, const char *argument)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	const struct tobi_bytes *chain;
	struct tobi_fault fault = {0};
	size_t count;

	(void)argument;
	if (root_open(options->folder, &root, &fault))
		return cli_fail(&fault);
	count = root_chain(root, &chain);
	if (chain_write_pem(chain[count - 1], &pem, &fault))
		return cli_fail(&fault);
	return cli_put(options->out, wr_view(&pem));
}

static int ak_request(const struct options *options, const char *argument)
{
	(void)argument;
	return platform_ak_request(options->folder, options->root.pin_file, options->out);
}

static int ak_challenge(const struct options *options, const char *path)
{
	return platform_ak_challenge(&options->ca, path, options->out);
}

static int ak_activate(const struct options *options, const char *path)
{
	return platform_ak_activate(options->folder, options->root.pin_file, path);
}

static const struct action {
	const char *name;
	bool takes_argument;
	int (*run)(const struct options *options, const char *argument);
} actions[] = {
    {"ak-activate", true, ak_activate},
    {"ak-challenge", true, ak_challenge},
    {"ak-request", false, ak_request},
    {"anchor", false, anchor},
    {"certify", true, certify},
    {"csr", false, csr},
    {"init", false, init},
    {"migrate", false, migrate},
    {"status", false, status},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	}
	return NULL;
}

static bool take_option(struct options *options, int option)
{
	switch (option) {
	case 'r':
		options->kind = optarg;
		return true;
	case 'd':
		options->root.device = optarg;
		return true;
	case 't':
		options->root.token = optarg;
		return true;
	case 'p':
		options->root.pin_file = optarg;
		return true;
	case 'T':
		options->to = optarg;
		return true;
	case 'n':
		options->new_seal_root = true;
		return true;
	case 'P':
		return platform_read_pcrs(optarg, &options->root.pcrs);
	case 'e':
		options->ca.ek_roots = optarg;
		return true;
	case 'E':
		options->ca.ek_key = optarg;
		return true;
	case 'k':
		options->ca.key = optarg;
		return true;
	case 'c':
		options->ca.pem = optarg;
		return true;
	case 'j':
		options->json = true;
		return true;
	case 'o':
		options->out = optarg;
		return true;
	default:
		return false;
	}
}

int cmd_platform(int argc, char **argv)
{
	static const struct option known[] = {{"root", required_argument, NULL, 'r'},
					      {"device", required_argument, NULL, 'd'},
					      {"token", required_argument, NULL, 't'},
					      {"pin-file", required_argument, NULL, 'p'},
					      {"to", required_argument, NULL, 'T'},
					      {"pcrs", required_argument, NULL, 'P'},
					      {"ek-roots", required_argument, NULL, 'e'},
					      {"ek-key", required_argument, NULL, 'E'},
					      {"ca-key", required_argument, NULL, 'k'},
					      {"ca-cert", required_argument, NULL, 'c'},
					      {"new-seal-root", no_argument, NULL, 'n'},
					      {"json", no_argument, NULL, 'j'},
					      {"output", required_argument, NULL, 'o'},
					      {NULL, 0, NULL, 0}};
	struct service_folders folders;
	struct options options = {.kind = "file"};
	struct tobi_fault fault = {0};
	CLEANUP(freep) char *pin_file = NULL;
	const struct action *action;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (!take_option(&options, option))
			return cli_usage("platform",
					 "an option is unknown, or its value wrong");
	}
	action = optind < argc ? find_action(argv[optind]) : NULL;
	if (!action)
		return cli_usage("platform",
				 "it needs init, status, anchor, csr, certify, migrate, "
				 "ak-request, ak-challenge or ak-activate");
	if (argc - optind - 1 != action->takes_argument)
		return cli_usage("platform", "%s takes %s", action->name,
				 action->takes_argument ? "one file" : "no argument");
	if (service_folders(&folders, &fault))
		return cli_fail(&fault);
	options.folder = folders.state;
	/* The service reads it from another folder. */
	pin_file = options.root.pin_file ? realpath(options.root.pin_file, NULL) : NULL;
	if (options.root.pin_file && !pin_file)
		return cli_error("PIN file: cannot open %s: %s", options.root.pin_file,
				 strerror(errno));
	if (pin_file)
		options.root.pin_file = pin_file;
	return action->run(&options, action->takes_argument ? argv[optind + 1] : NULL);
}
