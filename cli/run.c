#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/service_client.h"
#include "codec/cbor.h"
#include "image/image.h"

enum { REQUEST_LAUNCH = 1, REQUEST_SIGNAL = 2, SIGNAL_BASE = 128 };

struct publish {
	char address[64];
	uint16_t port, inner;
	int fd;
};

struct run {
	const char *image_path, *name;
	bool detach;
	struct publish ports[LIMIT_PORTS];
	size_t port_count;
	struct launch_config config;
};

DEFINE_CLEANUP(struct image *, image_free)

static bool read_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value == 0 || value > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)value;
	return true;
}

/* [ADDR:]PORT[:INNER], ADDR an IPv4 address. */
static bool read_publish(const char *text, struct publish *ret)
{
	struct publish publish = {.address = "127.0.0.1", .fd = -1};
	struct in_addr parsed;
	char copy[128], *part, *rest = copy;
	uint16_t numbers[2] = {0, 0};
	size_t count = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((part = strsep(&rest, ":"))) {
		if (count == 0 && strchr(part, '.') &&
		    inet_pton(AF_INET, part, &parsed) == 1) {
			snprintf(publish.address, sizeof(publish.address), "%s", part);
			continue;
		}
		if (count == 2 || !read_port(part, &numbers[count++]))
			return false;
	}
	publish.port = numbers[0];
	publish.inner = numbers[1];
	*ret = publish;
	return count > 0;
}

static enum tobi_err listen_at(struct publish *publish, struct tobi_fault *fault)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(publish->port)};
	int on = 1;

	inet_pton(AF_INET, publish->address, &address.sin_addr);
	publish->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (publish->fd < 0)
		return fault_errno(fault, "port", "", "cannot be opened");
	setsockopt(publish->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(publish->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(publish->fd, 128) == 0)
		return TOBI_OK;
	if (errno == EADDRINUSE)
		return fault_set(fault, TOBI_E_EXISTS, "port", "",
				 "%s:%u is taken; publish another one", publish->address,
				 publish->port);
	return fault_errno(fault, "port", "", "cannot listen at %s:%u", publish->address,
			   publish->port);
}

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

static void write_launch(struct writer *out, const struct run *run,
			 const struct writer *config, struct tobi_bytes name)
{
	cbor_write_map(out, 5);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, REQUEST_LAUNCH);
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
	CLEANUP(fd_close) int image_fd = open(run->image_path, O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(image_freep) struct image *image = NULL;
	CLEANUP(wr_done) struct writer config = wr_init(LIMIT_CONFIG);
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_CONTROL);
	int fds[LIMIT_PACKET_FDS] = {image_fd, 0, 1, 2};
	size_t count = 4;
	enum tobi_err err;

	if (image_fd < 0 || null < 0)
		return fault_errno(fault, "image", "", "cannot open %s", run->image_path);
	if (run->detach)
		fds[1] = fds[2] = fds[3] = null;
	err = image_open(image_fd, &image, fault);
	if (!err)
		err = choose_inner(run, image->manifest, fault);
	launch_config_sort(&run->config);
	if (!err)
		err = launch_config_write(&run->config, &config, fault);
	for (size_t i = 0; i < run->port_count && !err; i++) {
		err = listen_at(&run->ports[i], fault);
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

	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, REQUEST_SIGNAL);
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
	uint64_t how = 0, status = 0;
	int64_t key = 0;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		if (key == 2)
			how = cbor_uint_max(&cbor, 1, "how");
		else if (key == 3)
			status = cbor_uint_max(&cbor, 255, "status");
		else
			cbor_skip(&cbor, "value");
	}
	if (cbor_failed(&cbor))
		return EXIT_ERROR;
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

static int parse(int argc, char **argv, struct run *run)
{
	static const struct option known[] = {{"publish", required_argument, NULL, 'p'},
					      {"detach", no_argument, NULL, 'd'},
					      {"env", required_argument, NULL, 'e'},
					      {"arg", required_argument, NULL, 'a'},
					      {"name", required_argument, NULL, 'n'},
					      {NULL, 0, NULL, 0}};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "+p:d", known, NULL)) != -1) {
		if (option == 'p') {
			if (run->port_count == LIMIT_PORTS ||
			    !read_publish(optarg, &run->ports[run->port_count++]))
				return cli_usage(
				    "run", "--publish needs [ADDRESS:]PORT[:INNER]");
		} else if (option == 'd') {
			run->detach = true;
		} else if (option == 'e') {
			if (add_environment(run, optarg))
				return EXIT_ERROR;
		} else if (option == 'a') {
			if (run->config.argument_count == LIMIT_ARGUMENTS)
				return cli_usage("run", "too many --arg");
			run->config.arguments[run->config.argument_count++] =
			    (struct tobi_bytes){(const uint8_t *)optarg, strlen(optarg)};
		} else if (option == 'n') {
			run->name = optarg;
		} else {
			return cli_usage("run", "wrong option");
		}
	}
	if (argc - optind != 1)
		return cli_usage("run", "one image is needed");
	run->image_path = argv[optind];
	return 0;
}

int cmd_run(int argc, char **argv)
{
	CLEANUP(freep) struct run *run = calloc(1, sizeof(*run));
	CLEANUP(fd_close) int service = -1;
	CLEANUP(fd_close) int signals = -1;
	struct tobi_fault fault = {0};
	int status;

	if (!run)
		return cli_error("out of memory");
	status = parse(argc, argv, run);
	if (status)
		return status;
	signals = take_signals();
	if (service_connect(true, &service, &fault) || launch(run, service, &fault))
		return cli_fail(&fault);
	return attend(service, signals, run->detach);
}
