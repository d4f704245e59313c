#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/listener.h>

#include "atls/pump.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "cli/channel.h"
#include "cli/cli.h"

/* A session, and what is at its near end. */
struct link {
	struct channel *channel;
	struct atls_conn *conn;
	struct atls_pump *pump;
	int local; /* -1 when there is none, or the pump has it */
	bool opened, over;
	bool many; /* one of --listen's: frees itself */
	struct tobi_fault fault;
	bool failed;
};

static void link_close(struct link *link)
{
	/* Only verified: the peer sees an orderly end, not a cut. */
	if (link->opened && !link->over && !link->pump)
		atls_conn_finish(link->conn);
	atls_pump_free(link->pump);
	atls_conn_free(link->conn);
	fd_close(&link->local);
	*link = (struct link){.local = -1};
}

/* Sessions that overlap leave the heap in pieces: now and then what is free goes back. */
static void trim(struct channel *channel)
{
	const unsigned now_and_then = 32;

	if (++channel->ended % now_and_then == 0)
		malloc_trim(0);
}

static void link_over(struct link *link, const struct tobi_fault *fault)
{
	link->over = true;
	if (fault) {
		link->fault = *fault;
		link->failed = true;
	}
	if (!link->many) {
		event_base_loopbreak(link->channel->base);
		return;
	}
	if (fault && !link->opened)
		channel_report(link->channel, link->conn, fault);
	trim(link->channel);
	link_close(link);
	free(link);
}

static void on_pump_ended(struct atls_pump *pump, const struct tobi_fault *fault,
			  void *context)
{
	(void)pump;
	link_over(context, fault);
}

static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	(void)claims_buffer;
	(void)context;
	atls_conn_cannot_attest(conn, NULL);
}

static void start_pump(struct link *link)
{
	int local = link->local;
	struct tobi_fault fault;

	link->local = -1;
	if (atls_pump_new(link->channel->base, link->conn, local, local, on_pump_ended,
			  link, &link->pump, &fault))
		link_over(link, &fault);
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct link *link = context;

	(void)conn;
	link->opened = true;
	if (link->many)
		start_pump(link);
	else
		event_base_loopbreak(link->channel->base);
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	(void)conn;
	link_over(context, fault);
}

static const struct atls_events events = {on_need_evidence, on_opened, on_closed};

/* Runs the exchange of one session to its end, and reports it. */
static int open_first(struct channel *channel, struct link *link)
{
	*link = (struct link){.channel = channel, .local = -1};
	if (channel_connect(channel, &events, link, &link->conn, &link->fault))
		return cli_fail(&link->fault);
	while (!link->opened && !link->over && !channel->interrupted)
		event_base_dispatch(channel->base);
	if (channel->interrupted)
		return cli_error("interrupted");
	return channel_report(channel, link->conn, link->opened ? NULL : &link->fault);
}

/* ---- -- COMMAND ---- */

static pid_t start_command(char **argv, int fd)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], argv);
	fprintf(stderr, "tobichi: error: cannot run '%s': %s\n", argv[0],
		strerror(errno));
	_exit(127);
}

static int run_command(struct channel *channel, struct link *link, char **argv)
{
	int fds[2], status = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return cli_error("cannot make a socket pair: %s", strerror(errno));
	pid = start_command(argv, fds[1]);
	fd_close(&fds[1]);
	if (pid < 0) {
		fd_close(&fds[0]);
		return cli_error("cannot start '%s': %s", argv[0], strerror(errno));
	}
	evutil_make_socket_nonblocking(fds[0]);
	link->local = fds[0];
	start_pump(link);
	while (!link->over && !channel->interrupted)
		event_base_dispatch(channel->base);
	atls_pump_free(TAKE(link->pump)); /* the command sees its end */
	if (channel->interrupted)
		kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	/* A session that was cut must not look like a whole one. That the command ended
	 * before its input (TOBI_E_SYSTEM) is its own affair. */
	if (link->failed && link->fault.code != TOBI_E_SYSTEM)
		return cli_fail(&link->fault);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- --listen ---- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *address, int size, void *context)
{
	struct channel *channel = context;
	struct link *link = calloc(1, sizeof(*link));
	struct tobi_fault fault;

	(void)listener;
	(void)address;
	(void)size;
	if (!link) {
		evutil_closesocket(fd);
		return;
	}
	*link = (struct link){.channel = channel, .local = fd, .many = true};
	if (channel_connect(channel, &events, link, &link->conn, &fault)) {
		IGNORE(cli_fail(&fault));
		link_close(link);
		free(link);
	}
}

/* The address as it really is: a port that was left open is known only now. False when
 * others than this host can reach it. */
static bool listens_here_only(struct evconnlistener *listener, char *ret_text,
			      size_t room)
{
	struct sockaddr_storage at = {0};
	const struct sockaddr_in *four = (const struct sockaddr_in *)&at;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at;
	socklen_t size = sizeof(at);
	char address[INET6_ADDRSTRLEN] = "?";

	IGNORE(
	    getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&at, &size));
	if (at.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, address, sizeof(address));
		snprintf(ret_text, room, "[%s]:%u", address,
			 (unsigned)ntohs(six->sin6_port));
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	}
	inet_ntop(AF_INET, &four->sin_addr, address, sizeof(address));
	/* NOLINTNEXTLINE: all of it was set to 0 */
	snprintf(ret_text, room, "%s:%u", address, (unsigned)ntohs(four->sin_port));
	return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static int serve_listener(struct channel *channel, const char *listen_at)
{
	struct sockaddr_storage address;
	int size = sizeof(address);
	struct evconnlistener *listener;
	char text[INET6_ADDRSTRLEN + 16];

	if (evutil_parse_sockaddr_port(listen_at, (struct sockaddr *)&address, &size) !=
	    0)
		return cli_usage("connect", "'%s' is not ADDR:PORT", listen_at);
	listener = evconnlistener_new_bind(channel->base, on_accept, channel,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
					       LEV_OPT_REUSEABLE,
					   64, (struct sockaddr *)&address, size);
	if (!listener)
		return cli_error("cannot listen on %s: %s", listen_at, strerror(errno));
	if (!listens_here_only(listener, text, sizeof(text)))
		fprintf(stderr,
			"warning: whoever can reach %s, from other hosts too, uses the "
			"session as you\n",
			text);
	if (!channel->options.quiet)
		fprintf(
		    stderr,
		    "listening on %s; each connection gets its own attested session\n",
		    text);
	while (!channel->interrupted && event_base_dispatch(channel->base) == 0)
		continue;
	evconnlistener_free(listener);
	return EXIT_ACCEPTED;
}

/* ---- the command ---- */

static const struct option long_options[] = {{"policy", required_argument, NULL, 'p'},
					     {"listen", required_argument, NULL, 'l'},
					     {"key", required_argument, NULL, 'k'},
					     {"name", required_argument, NULL, 'n'},
					     {"collateral", required_argument, NULL, 'c'},
					     {"cache", optional_argument, NULL, 'C'},
					     {"quiet", no_argument, NULL, 'q'},
					     {"verbose", no_argument, NULL, 'v'},
					     {NULL, 0, NULL, 0}};

int cmd_connect(int argc, char **argv)
{
	struct channel_options options = {0};
	const char *listen_at = NULL;
	struct channel channel;
	struct link link = {.local = -1};
	int option, status;

	if (argc > 1 && argv[1][0] != '-') {
		options.target = argv[1];
		optind = 2;
	} else {
		optind = 1;
	}
	while ((option = getopt_long(argc, argv, "+p:l:k:n:qv", long_options, NULL)) !=
	       -1) {
		switch (option) {
		case 'p':
			options.policy = optarg;
			break;
		case 'l':
			listen_at = optarg;
			break;
		case 'k':
			options.key = optarg;
			break;
		case 'n':
			options.name = optarg;
			break;
		case 'c':
			if (collateral_paths_add(&options.collateral, optarg))
				return cli_usage("connect",
						 "there are too many --collateral");
			break;
		case 'C':
			options.collateral.cache = optarg ? optarg : "";
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		default:
			return cli_usage("connect", "there is no such option");
		}
	}
	if (!options.target && optind < argc)
		options.target = argv[optind++];
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	if (!options.target)
		return cli_usage("connect", "it needs HOST:PORT");
	if (listen_at && optind < argc)
		return cli_usage("connect", "--listen and a command exclude each other");
	status = channel_init(&channel, "connect", &options);
	if (!status)
		status = open_first(&channel, &link);
	if (!status && listen_at) {
		link_close(&link);
		status = serve_listener(&channel, listen_at);
	} else if (!status && optind < argc) {
		status = run_command(&channel, &link, argv + optind);
	}
	link_close(&link);
	channel_done(&channel);
	return status;
}
