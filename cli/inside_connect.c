/*
 * `tobichi connect` inside an enclave: the same command as outside, but the session is
 * the agent's. It dials only what the image lists, attests this enclave when the peer
 * asks for that, and hands over plain bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/cli.h"
#include "ipc/relay.h"
#include "seal/client.h"

struct options {
	const char *target, *listen_at;
	struct writer policy;
	bool quiet;
};

/* The session, and the pipe that says how it ended. */
struct session {
	int stream, ended;
};

static void session_close(struct session *session)
{
	fd_close(&session->stream);
	fd_close(&session->ended);
}

static int fail(const struct options *options, const struct tobi_fault *fault)
{
	struct tobi_fault named = *fault;

	if (!named.field[0])
		snprintf(named.field, sizeof(named.field), "%s", options->target);
	if (fault->code != TOBI_E_REFUSED && fault->code != TOBI_E_DENIED)
		return cli_fail(&named);
	fprintf(stderr, "refused: %s: ", options->target);
	cli_print_text(stderr, (struct tobi_bytes){(const uint8_t *)fault->message,
						   strlen(fault->message)});
	fputc('\n', stderr);
	return EXIT_REFUSED;
}

static int session_open(const struct options *options, struct session *ret_session)
{
	const struct ask ask = {
	    .kind = ASK_CONNECT,
	    .target = {(const uint8_t *)options->target, strlen(options->target)},
	    .policy = wr_view(&options->policy)};
	CLEANUP(fd_close) int agent = -1;
	struct tobi_fault fault = {0};

	*ret_session = (struct session){-1, -1};
	if (client_connect(&agent, &fault) ||
	    client_ask_connection(agent, &ask, &ret_session->stream, &ret_session->ended,
				  &fault))
		return fail(options, &fault);
	return EXIT_ACCEPTED;
}

/* After both its ends have closed. A session that was cut must not look like a whole one.
 */
static bool ended_in_order(const struct session *session)
{
	char byte;
	ssize_t size;

	do {
		size = read(session->ended, &byte, 1);
	} while (size < 0 && errno == EINTR);
	return size == 1;
}

/* ---- -- COMMAND ---- */

static int run_command(struct session *session, char **argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return cli_error("cannot start '%s': %s", argv[0], strerror(errno));
	if (pid == 0) {
		if (dup2(session->stream, STDIN_FILENO) < 0 ||
		    dup2(session->stream, STDOUT_FILENO) < 0)
			_exit(126);
		execvp(argv[0], argv);
		fprintf(stderr, "tobichi: error: cannot run '%s': %s\n", argv[0],
			strerror(errno));
		_exit(127);
	}
	fd_close(&session->stream);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!ended_in_order(session))
		return cli_error("the session was cut before its end");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- --listen ---- */

static int carry(int local, int stream)
{
	enum relay_state state = RELAY_BUSY;
	struct relay relay;
	short events[2];

	fcntl(local, F_SETFL, O_NONBLOCK);
	fcntl(stream, F_SETFL, O_NONBLOCK);
	if (relay_init(&relay, local, stream, NULL))
		return EXIT_ERROR;
	while (state == RELAY_BUSY || state == RELAY_WAITS) {
		struct pollfd pollers[2];

		state = relay_turn(&relay, events);
		for (size_t i = 0; i < 2; i++)
			pollers[i] =
			    (struct pollfd){.fd = relay.fds[i], .events = events[i]};
		if (state == RELAY_WAITS && poll(pollers, 2, -1) < 0 && errno != EINTR)
			state = RELAY_FAILED;
	}
	relay_done(&relay, state == RELAY_FAILED);
	return state == RELAY_OVER ? EXIT_ACCEPTED : EXIT_ERROR;
}

/* In a process of its own. */
static int serve_one(const struct options *options, int local)
{
	const struct linger reset = {.l_onoff = 1};
	struct session session;
	int status = session_open(options, &session);

	if (status) {
		IGNORE(setsockopt(local, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
		close(local);
		return status;
	}
	status = carry(local, session.stream);
	session.stream = -1;
	session_close(&session);
	return status;
}

/* ADDRESS:PORT, IPv4. */
static bool read_address(const char *text, struct sockaddr_in *ret_at)
{
	const char *colon = strrchr(text, ':');
	char address[INET_ADDRSTRLEN] = "";
	uint64_t port = 0;

	if (!colon || (size_t)(colon - text) >= sizeof(address) ||
	    !cli_read_number(colon + 1, UINT16_MAX, &port))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(colon - text), text);
	*ret_at = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, address, &ret_at->sin_addr) == 1;
}

static int serve(const struct options *options)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);
	CLEANUP(fd_close) int listener = -1;
	char address[INET_ADDRSTRLEN] = "?";
	int one = 1;

	if (!read_address(options->listen_at, &at))
		return cli_usage("connect", "'%s' is not ADDR:PORT", options->listen_at);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener >= 0)
		IGNORE(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 64) || getsockname(listener, (struct sockaddr *)&at, &size))
		return cli_error("cannot listen on %s: %s", options->listen_at,
				 strerror(errno));
	inet_ntop(AF_INET, &at.sin_addr, address, sizeof(address));
	if (!options->quiet)
		fprintf(stderr,
			"listening on %s:%u; each connection gets its own attested "
			"session\n",
			address, (unsigned)ntohs(at.sin_port));
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int local = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (local < 0 && errno != EINTR && errno != ECONNABORTED)
			return cli_error("cannot accept: %s", strerror(errno));
		if (local >= 0 && fork() == 0)
			_exit(serve_one(options, local));
		fd_close(&local);
	}
}

/* ---- the command ---- */

static int connect_with(struct options *options, char **command)
{
	struct session session;
	int status = session_open(options, &session);

	if (!status && !options->quiet)
		fprintf(stderr, "accepted: %s has proven what its policy asks for\n",
			options->target);
	if (!status && options->listen_at) {
		session_close(&session);
		status = serve(options);
	} else if (!status && command) {
		status = run_command(&session, command);
	}
	session_close(&session);
	return status;
}

static const struct option known[] = {{"policy", required_argument, NULL, 'p'},
				      {"listen", required_argument, NULL, 'l'},
				      {"quiet", no_argument, NULL, 'q'},
				      {NULL, 0, NULL, 0}};

static int read_policy(const char *path, struct options *options)
{
	struct tobi_fault fault = {0};

	options->policy.size = 0;
	return file_read(path, LIMIT_ASK, "policy", &options->policy, &fault)
		   ? cli_fail(&fault)
		   : EXIT_ACCEPTED;
}

int cmd_connect(int argc, char **argv)
{
	struct options options = {.policy = wr_init(LIMIT_ASK)};
	int option, status = EXIT_ACCEPTED;

	if (argc > 1 && argv[1][0] != '-')
		options.target = argv[1];
	optind = options.target ? 2 : 1;
	while (!status &&
	       (option = getopt_long(argc, argv, "+p:l:q", known, NULL)) != -1) {
		if (option == 'p')
			status = read_policy(optarg, &options);
		else if (option == 'l')
			options.listen_at = optarg;
		else if (option == 'q')
			options.quiet = true;
		else
			status = cli_usage("connect",
					   "inside an enclave it has --policy, --listen "
					   "and --quiet: key and checks are the agent's");
	}
	if (!status && !options.target && optind < argc)
		options.target = argv[optind++];
	if (optind < argc && strcmp(argv[optind], "--") == 0)
		optind++;
	if (!status && !options.target)
		status = cli_usage("connect", "it needs HOST:PORT");
	if (!status && options.listen_at && optind < argc)
		status =
		    cli_usage("connect", "--listen and a command exclude each other");
	if (!status)
		status = connect_with(&options, optind < argc ? argv + optind : NULL);
	wr_done(&options.policy);
	return status;
}
