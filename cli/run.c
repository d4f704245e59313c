#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/run_broker.h"
#include "cli/run_publish.h"
#include "cli/service_client.h"
#include "codec/cbor.h"
#include "image/image.h"

enum { SIGNAL_BASE = 128, MAX_PACK = 64 };

struct run {
	const char *image_path, *name;
	bool detach;
	struct publish ports[LIMIT_PORTS];
	size_t port_count;
	struct launch_config config;
	uint8_t owner[SHA384_SIZE];
	struct run_policies policies;
	struct run_broker broker;
	bool only_config_id;
	/* For a program that is packed first. */
	char **program; /* NULL at the end; NULL: an image was named */
	int program_count;
	const char *adds[MAX_PACK], *listens[LIMIT_PORTS], *policy_out;
	size_t add_count, listen_count;
	char folder[LIMIT_PATH], packed[LIMIT_PATH + 32];
};

DEFINE_CLEANUP(struct image *, image_free)

static void run_free(struct run *run)
{
	if (run)
		run_policies_done(&run->policies);
	free(run);
}
DEFINE_CLEANUP(struct run *, run_free)

static enum tobi_err choose_inner(struct run *run, const struct manifest *manifest,
				  struct tobi_fault *fault)
{
	if (run->port_count && !manifest->port_count)
		return fault_set(fault, TOBI_E_ARGUMENT, "port", "",
				 "the image lists no port; build it with --port N");
	for (size_t i = 0; i < run->port_count; i++) {
		struct publish *publish = &run->ports[i];
		bool listed = false;

		for (size_t j = 0; j < manifest->port_count; j++)
			listed |= manifest->ports[j] ==
				  (publish->inner ? publish->inner : publish->port);
		if (!publish->inner)
			publish->inner = listed			? publish->port
					 : manifest->port_count ? manifest->ports[0]
								: 0;
		else if (!listed)
			return fault_set(fault, TOBI_E_ARGUMENT, "port", "",
					 "the image does not list port %u; `tobichi "
					 "inspect` shows what "
					 "it lists",
					 publish->inner);
	}
	return TOBI_OK;
}

static bool has_additions(const struct run *run)
{
	return run->config.argument_count || run->config.environment_count ||
	       run->config.owner.size || run->config.policy_count || run->config.ra_tls ||
	       run->config.broker.size;
}

static enum tobi_err config_id(struct run *run, char ret_hex[static 2 * SHA384_SIZE + 1],
			       struct tobi_fault *fault)
{
	uint8_t id[SHA384_SIZE];
	enum tobi_err err;

	launch_config_sort(&run->config);
	err = launch_config_id(&run->config, id, fault);
	if (!err)
		hex_write((struct tobi_bytes){id, sizeof(id)}, ret_hex,
			  2 * SHA384_SIZE + 1);
	return err;
}

static void write_launch(struct writer *out, const struct run *run,
			 const struct writer *config, struct tobi_bytes name)
{
	service_request(out, REQUEST_LAUNCH, 4);
	cbor_write_uint(out, 1);
	cbor_write_text_bytes(out, name);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, wr_view(config));
	cbor_write_uint(out, 3);
	cbor_write_array(out, run->port_count);
	for (size_t i = 0; i < run->port_count; i++) {
		cbor_write_array(out, 3);
		cbor_write_text(out, run->ports[i].address);
		cbor_write_uint(out, run->ports[i].port);
		cbor_write_uint(out, run->ports[i].inner);
	}
	cbor_write_uint(out, 4);
	cbor_write_bool(out, run->detach);
}

static enum tobi_err launch(struct run *run, int service, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int image_fd = -1;
	CLEANUP(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(wr_done) struct writer config = wr_init(LIMIT_CONFIG);
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);
	int fds[LIMIT_PACKET_FDS] = {-1, 0, 1, 2};
	size_t count = 4;
	enum tobi_err err;

	/* NOLINTNEXTLINE: parse() has seen to it that there is a path */
	image_fd = open(run->image_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (image_fd < 0 || null < 0)
		return fault_errno(fault, "image", "", "cannot open %s", run->image_path);
	/* A pipe by that name would have been waited for without O_NONBLOCK. */
	if (fcntl(image_fd, F_SETFL, 0))
		return fault_errno(fault, "image", "", "cannot be read");
	fds[0] = image_fd;
	if (run->detach)
		fds[1] = fds[2] = fds[3] = null;
	/* The service opens and measures it. */
	err = image_read(image_fd, &image, fault);
	if (!err)
		err = choose_inner(run, image->manifest, fault);
	launch_config_sort(&run->config);
	if (!err)
		err = launch_config_write(&run->config, &config, fault);
	for (size_t i = 0; i < run->port_count && !err; i++) {
		err = run_publish_listen(&run->ports[i], fault);
		fds[count++] = run->ports[i].fd;
	}
	if (err)
		return err;
	write_launch(
	    &out, run, &config,
	    run->name ? (struct tobi_bytes){(const uint8_t *)run->name, strlen(run->name)}
		      : image->manifest->name);
	err = wr_err(&out);
	return err ? err : packet_send(service, wr_view(&out), fds, count, fault);
}

static void send_signal(int service, unsigned number)
{
	CLEANUP(wr_done) struct writer out = wr_init(64);

	service_request(&out, REQUEST_SIGNAL, 1);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, number);
	IGNORE(packet_send(service, wr_view(&out), NULL, 0, NULL));
}

/* STARTED: the id, and what this host's launch lacks. */
static void show_started(struct tobi_bytes reply, bool detach)
{
	struct cbor cbor = cbor_init(reply, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 16, "started");
	struct tobi_bytes id = {0};
	int64_t key = 0;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		if (key == 1) {
			id = cbor_text(&cbor, 16, "id");
		} else if (key == 5) {
			size_t count = cbor_array(&cbor, 16, "lacks");

			for (size_t i = 0; i < count; i++) {
				struct tobi_bytes text = cbor_text(&cbor, 512, "lacks");

				fprintf(stderr,
					"tobichi: this host's launch lacks: %.*s\n",
					(int)text.size,
					text.size ? (const char *)text.ptr : "");
			}
		} else {
			cbor_skip(&cbor, "value");
		}
	}
	if (detach && id.size)
		printf("%.*s\n", (int)id.size, (const char *)id.ptr);
}

static int exit_status(struct tobi_bytes reply)
{
	struct cbor cbor = cbor_init(reply, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 16, "exited");
	struct tobi_bytes reason = {0};
	uint64_t how = 0, status = 0;
	int64_t key = 0;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		if (key == 2)
			how = cbor_uint_max(&cbor, 1, "how");
		else if (key == 3)
			status = cbor_uint_max(&cbor, 255, "status");
		else if (key == 4)
			reason = cbor_text(&cbor, 512, "reason");
		else
			cbor_skip(&cbor, "value");
	}
	if (cbor_failed(&cbor))
		return cli_error("the service gave an answer that is not known here");
	if (reason.size)
		fprintf(stderr, "tobichi: the enclave has ended: %.*s\n",
			(int)reason.size, (const char *)reason.ptr);
	return (int)(how ? SIGNAL_BASE + status : status);
}

/* -1: go on. */
static int take_reply(int service, bool detach, struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes reply;

	if (packet_receive(service, LIMIT_CONTROL, &packet, fault) == TOBI_E_NOT_FOUND) {
		fault_set(fault, TOBI_E_NOT_FOUND, "service", "",
			  "it has ended, and the enclave with it");
		return cli_fail(fault);
	}
	reply = wr_view(&packet.bytes);
	switch (service_reply_kind(reply)) {
	case REPLY_STARTED:
		show_started(reply, detach);
		return detach ? 0 : -1;
	case REPLY_EXITED:
		return exit_status(reply);
	case REPLY_FAULT:
		IGNORE(packet_read_fault(reply, fault));
		return cli_fail(fault);
	default:
		return cli_error("the service gave an answer that is not known here");
	}
}

static int attend(int service, int signals, bool detach)
{
	struct tobi_fault fault = {0};
	unsigned interrupts = 0;
	int status = -1;

	while (status < 0) {
		struct pollfd wait[] = {{.fd = service, .events = POLLIN},
					{.fd = signals, .events = POLLIN}};
		struct signalfd_siginfo info;

		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return cli_error("cannot wait for the enclave");
		if (wait[1].revents &&
		    read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			/* The second interrupt ends this command; the service stops the
			 * enclave. */
			if (info.ssi_signo == SIGINT && ++interrupts > 1)
				return SIGNAL_BASE + SIGINT;
			send_signal(service, info.ssi_signo);
		}
		if (wait[0].revents)
			status = take_reply(service, detach, &fault);
	}
	return status;
}

static int take_signals(void)
{
	static const int forwarded[] = {SIGINT,	 SIGTERM, SIGHUP,  SIGQUIT,
					SIGUSR1, SIGUSR2, SIGWINCH};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int add_environment(struct run *run, char *text)
{
	char *equals = strchr(text, '=');
	struct launch_config *config = &run->config;

	if (!equals || config->environment_count == LIMIT_ARGUMENTS)
		return cli_usage("run", "--env needs NAME=VALUE");
	config->environment[config->environment_count++] = (struct text_pair){
	    {(const uint8_t *)text, (size_t)(equals - text)},
	    {(const uint8_t *)equals + 1, strlen(equals + 1)},
	};
	return 0;
}

/* Who may hand it secrets: named in the launch config by SHA-384 of the key. */
static int set_owner(struct run *run, const char *path)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_fault fault = {0};

	if (file_read(path, LIMIT_PEM, "owner's key", &pem, &fault) ||
	    key_read_public(wr_view(&pem), "owner's key", &key, &fault) ||
	    key_spki_sha384(key, run->owner, &fault))
		return cli_fail(&fault);
	run->config.owner = (struct tobi_bytes){run->owner, sizeof(run->owner)};
	return 0;
}

static const struct option known[] = {{"publish", required_argument, NULL, 'p'},
				      {"detach", no_argument, NULL, 'd'},
				      {"env", required_argument, NULL, 'e'},
				      {"arg", required_argument, NULL, 'a'},
				      {"name", required_argument, NULL, 'n'},
				      {"owner", required_argument, NULL, 'o'},
				      {"add", required_argument, NULL, 'A'},
				      {"port", required_argument, NULL, 'P'},
				      {"policy-out", required_argument, NULL, 'y'},
				      {"ra-tls", no_argument, NULL, 'r'},
				      {"egress-policy", required_argument, NULL, 'E'},
				      {"client-policy", required_argument, NULL, 'L'},
				      {"print-config-id", no_argument, NULL, 'C'},
				      RUN_BROKER_OPTIONS,
				      {NULL, 0, NULL, 0}};

static int take_option(struct run *run, int option)
{
	switch (option) {
	case 'p':
		if (run->port_count == LIMIT_PORTS ||
		    !run_publish_read(optarg, &run->ports[run->port_count++]))
			return cli_usage(
			    "run",
			    "--publish needs [ADDRESS:]PORT[:INNER], an IPv4 "
			    "address and ports from 1 to 65535; %d at most",
			    LIMIT_PORTS);
		return 0;
	case 'd':
		run->detach = true;
		return 0;
	case 'e':
		return add_environment(run, optarg);
	case 'a':
		if (run->config.argument_count == LIMIT_ARGUMENTS)
			return cli_usage("run", "too many --arg");
		run->config.arguments[run->config.argument_count++] =
		    (struct tobi_bytes){(const uint8_t *)optarg, strlen(optarg)};
		return 0;
	case 'n':
		run->name = optarg;
		return 0;
	case 'o':
		return set_owner(run, optarg);
	case 'A':
		if (run->add_count == MAX_PACK)
			return cli_usage("run", "too many --add");
		run->adds[run->add_count++] = optarg;
		return 0;
	case 'P':
		if (run->listen_count == LIMIT_PORTS)
			return cli_usage("run", "too many --port");
		run->listens[run->listen_count++] = optarg;
		return 0;
	case 'r':
		run->config.ra_tls = true;
		return 0;
	case 'y':
		run->policy_out = optarg;
		return 0;
	case 'E':
		return run_policies_egress(&run->policies, &run->config, optarg);
	case 'L':
		return run_policies_clients(&run->policies, &run->config, optarg);
	case 'C':
		run->only_config_id = true;
		return 0;
	case RUN_BROKER:
	case RUN_BROKER_SECRETS:
	case RUN_BROKER_COUNTERS:
	case RUN_BROKER_KEY:
	case RUN_BROKER_POLICY:
		return run_broker_option(&run->broker, &run->policies, &run->config,
					 option, optarg);
	default:
		return cli_usage("run", "wrong option");
	}
}

static int parse(int argc, char **argv, struct run *run)
{
	int option, status;

	optind = 1;
	while ((option = getopt_long(argc, argv, "+p:d", known, NULL)) != -1) {
		status = take_option(run, option);
		if (status)
			return status;
	}
	status = run_broker_check(&run->config);
	if (status || run->only_config_id)
		return status;
	if (optind > 1 && optind < argc && strcmp(argv[optind - 1], "--") == 0) {
		run->program = argv + optind;
		run->program_count = argc - optind;
		return 0;
	}
	if (argc - optind != 1)
		return cli_usage("run", "one image is needed, or -- and a program");
	if (run->add_count || run->listen_count || run->policy_out)
		return cli_usage("run",
				 "--add, --port and --policy-out are for a program after "
				 "--; an image has been packed");
	run->image_path = argv[optind];
	return 0;
}

/* As `tobichi build` would, into a folder of its own, for this host. */
static int pack(struct run *run)
{
	size_t room = 18 + 2 * (run->add_count + run->listen_count + run->port_count) +
		      (size_t)run->program_count;
	CLEANUP(freep) char **line = calloc(room, sizeof(*line));
	char policy[LIMIT_PATH + 32], ports[LIMIT_PORTS][8], id[2 * SHA384_SIZE + 1];
	struct tobi_fault fault = {0};
	const char *temporary = getenv("TMPDIR");
	int n = 0;

	if (!line)
		return cli_error("out of memory");
	if (config_id(run, id, &fault))
		return cli_fail(&fault);
	snprintf(run->folder, sizeof(run->folder) - 32, "%s/tobichi-run-XXXXXX",
		 temporary ? temporary : "/tmp");
	if (!mkdtemp(run->folder)) {
		run->folder[0] = 0;
		return cli_error("cannot make a folder in %s",
				 temporary ? temporary : "/tmp");
	}
	snprintf(run->packed, sizeof(run->packed), "%s/image.tobi", run->folder);
	snprintf(policy, sizeof(policy), "%s/image.policy.yaml", run->folder);
#define ADD(text) (line[n++] = (char *)(uintptr_t)(text))
	ADD("build"), ADD("--quiet"), ADD("--tier"), ADD("soft");
	ADD("--output"), ADD(run->packed);
	ADD("--policy"), ADD(run->policy_out ? run->policy_out : policy);
	if (has_additions(run))
		ADD("--config-id"), ADD(id);
	for (size_t i = 0; i < run->add_count; i++)
		ADD("--add"), ADD(run->adds[i]);
	for (size_t i = 0; i < run->listen_count; i++)
		ADD("--port"), ADD(run->listens[i]);
	for (size_t i = 0; i < run->port_count && !run->listen_count; i++) {
		const struct publish *publish = &run->ports[i];

		snprintf(ports[i], sizeof(ports[i]), "%u",
			 publish->inner ? publish->inner : publish->port);
		ADD("--port"), ADD(ports[i]);
	}
	ADD("--");
	for (int i = 0; i < run->program_count; i++)
		ADD(run->program[i]);
#undef ADD
	run->image_path = run->packed;
	return cmd_build(n, line);
}

/* The service has the image by its descriptor: its file is of no more use. */
static void remove_packed(struct run *run)
{
	static const char *const beside[] = {"policy.yaml", "corim"};
	char path[LIMIT_PATH + 32];

	if (!run->folder[0])
		return;
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(path, sizeof(path), "%s/image.%s", run->folder, beside[i]);
		unlink(path);
	}
	unlink(run->packed);
	rmdir(run->folder);
	run->folder[0] = 0;
}

/* The ready policy of an image names a launch without additions; who shall connect needs
 * one that names this launch. */
static int show_config_id(struct run *run)
{
	char hex[2 * SHA384_SIZE + 1];
	struct tobi_fault fault = {0};

	if (!has_additions(run) || run->program ||
	    (!run->port_count && !run->detach && !run->config.broker.size))
		return 0;
	if (config_id(run, hex, &fault))
		return cli_fail(&fault);
	fprintf(stderr,
		"tobichi: something is added to the image; in a policy: config-id: %s\n",
		hex);
	return 0;
}

static int start(struct run *run, int *ret_service)
{
	struct tobi_fault fault = {0};
	int status = run->program ? pack(run) : show_config_id(run);

	if (!status && (service_connect(true, ret_service, &fault) ||
			launch(run, *ret_service, &fault)))
		status = cli_fail(&fault);
	remove_packed(run);
	return status;
}

/* For a policy that is written before the launch, such as a broker's. */
static int print_config_id(struct run *run)
{
	char hex[2 * SHA384_SIZE + 1];
	struct tobi_fault fault = {0};

	if (config_id(run, hex, &fault))
		return cli_fail(&fault);
	printf("%s\n", hex);
	return 0;
}

int cmd_run(int argc, char **argv)
{
	CLEANUP(run_freep) struct run *run = calloc(1, sizeof(*run));
	CLEANUP(fd_close) int service = -1;
	CLEANUP(fd_close) int signals = -1;
	int status;

	if (!run)
		return cli_error("out of memory");
	status = parse(argc, argv, run);
	if (status)
		return status;
	if (run->only_config_id)
		return print_config_id(run);
	signals = take_signals();
	status = start(run, &service);
	return status ? status : attend(service, signals, run->detach);
}
