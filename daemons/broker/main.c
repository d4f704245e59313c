/*
 * tobichi-broker: gives secrets to enclaves that their owners' policies accept, and
 * writes down every decision. `tobichi broker` sets it up and starts it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "codec/json.h"
#include "daemons/broker/notify.h"
#include "daemons/broker/reload.h"
#include "daemons/broker/sandbox.h"
#include "daemons/broker/setup.h"
#include "daemons/broker/status.h"
#include "daemons/broker/tables.h"
#include "seal/client.h"

enum { SIGNALS = 3, USEC_DIGITS = 20 };

struct program {
	struct config *config;
	struct broker *broker;
	struct dispatch dispatch;
	bool has_dispatch;
	struct server server;
	struct reload reload;
	struct event *signals[SIGNALS], *watchdog;
	char *notify; /* NOTIFY_SOCKET */
};

static int64_t clock_now(void)
{
	return time(NULL);
}

static int fail(const struct tobi_fault *fault)
{
	log_fault("failed", fault);
	return 2;
}

static void tell(const struct program *program, const char *state)
{
	if (!notify_send(program->notify, state))
		log_event("warning", "notify-failed", "state", state);
}

static void on_stop(evutil_socket_t number, short what, void *context)
{
	struct program *program = context;

	(void)number, (void)what;
	log_event("info", "stopping", NULL, NULL);
	tell(program, "STOPPING=1");
	server_stop(&program->server);
}

static void on_reload(evutil_socket_t number, short what, void *context)
{
	struct program *program = context;
	char state[64];

	(void)number, (void)what;
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)server_now_us());
	tell(program, state);
	reload_start(&program->reload);
}

static void on_reloaded(void *context)
{
	tell(context, "READY=1");
}

static void on_watchdog(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	tell(context, "WATCHDOG=1");
}

/* systemd ends a service that does not show life: half of its time is often enough. */
static enum tobi_err start_watchdog(struct program *program, const char *usec,
				    struct tobi_fault *fault)
{
	struct timeval every;
	unsigned long long half;

	if (!usec || !program->notify || strspn(usec, "0123456789") != strlen(usec) ||
	    strlen(usec) > USEC_DIGITS)
		return TOBI_OK;
	half = strtoull(usec, NULL, 10) / 2;
	every = (struct timeval){(time_t)(half / 1000000), (suseconds_t)(half % 1000000)};
	program->watchdog =
	    event_new(program->server.base, -1, EV_PERSIST, on_watchdog, program);
	if (!half || !program->watchdog || event_add(program->watchdog, &every))
		return fault_set(fault, TOBI_E_MEMORY, "broker", "", "no watchdog");
	return TOBI_OK;
}

static enum tobi_err watch_signals(struct program *program, struct tobi_fault *fault)
{
	const struct {
		int number;
		event_callback_fn run;
	} watched[SIGNALS] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};

	for (size_t i = 0; i < SIGNALS; i++) {
		program->signals[i] = evsignal_new(
		    program->server.base, watched[i].number, watched[i].run, program);
		if (!program->signals[i] || event_add(program->signals[i], NULL))
			return fault_set(fault, TOBI_E_MEMORY, "broker", "",
					 "out of memory");
	}
	return TOBI_OK;
}

static enum tobi_err open_broker(struct program *program, struct tobi_fault *fault)
{
	struct loaded loaded = {0};
	enum tobi_err err = load_files(program->config, &loaded, fault);

	if (!err && program->config->inside)
		err = setup_first(program->config, fault);
	if (!err)
		err = setup_open(program->config, &loaded, clock_now, &program->broker,
				 fault);
	if (err) {
		loaded_done(&loaded);
		return err;
	}
	program->server.tls = loaded.tls;
	program->server.self = loaded.self;
	program->dispatch.broker = program->broker;
	program->dispatch.principal = principal_of;
	program->dispatch.now = clock_now;
	err = dispatch_init(&program->dispatch, fault);
	program->has_dispatch = !err;
	return err;
}

/* Elsewhere than in an enclave nobody could be let in. */
static enum tobi_err find_agent(const struct config *config, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int agent = -1;

	return config->inside ? client_connect(&agent, fault) : TOBI_OK;
}

/* Ports first, as root may be needed for them; everything else as the user. */
static enum tobi_err start(struct program *program, const char *watchdog,
			   struct tobi_fault *fault)
{
	struct server *server = &program->server;
	enum tobi_err err = sandbox_self(program->config->limits.connections, fault);

	server->config = program->config;
	server->dispatch = &program->dispatch;
	server->tables = broker_tables;
	server->internal_tables = internal_tables;
	server->reach_agent = client_connect_now;
	server->base = event_base_new();
	if (!err && !server->base)
		err = fault_set(fault, TOBI_E_MEMORY, "broker", "", "no event loop");
	if (!err)
		err = find_agent(program->config, fault);
	if (!err)
		err = server_listen(server, fault);
	if (!err)
		err = sandbox_user(program->config->user, fault);
	if (!err)
		err = open_broker(program, fault);
	if (!err)
		err = server_open(server, fault);
	program->reload = (struct reload){
	    .server = server, .done = on_reloaded, .context = program, .wake = -1};
	if (!err)
		err = reload_init(&program->reload, fault);
	if (!err)
		err = watch_signals(program, fault);
	return err ? err : start_watchdog(program, watchdog, fault);
}

/* Handlers first, then what they use. */
static void finish(struct program *program)
{
	struct loaded loaded = {0};

	if (program->reload.server)
		reload_done(&program->reload);
	for (size_t i = 0; i < SIGNALS; i++) {
		if (program->signals[i])
			event_free(program->signals[i]);
	}
	if (program->watchdog)
		event_free(program->watchdog);
	server_done(&program->server);
	if (program->has_dispatch)
		dispatch_done(&program->dispatch);
	if (program->broker) {
		loaded.entry = (struct tobi_policy *)program->broker->setup.entry;
		loaded.collateral =
		    (struct tobi_collateral *)program->broker->setup.collateral;
	}
	broker_free(program->broker);
	loaded_done(&loaded);
	if (program->server.base)
		event_base_free(program->server.base);
	free(program->notify);
}

static char *take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	unsetenv(name);
	return copy;
}

static int serve(struct config *config)
{
	struct program program = {.config = config};
	CLEANUP(freep) char *watchdog = take_variable("WATCHDOG_USEC");
	struct tobi_fault fault = {0};
	enum tobi_err err;

	program.notify = take_variable("NOTIFY_SOCKET");
	err = start(&program, watchdog, &fault);
	if (!err) {
		log_event("info", "ready", "name", config->name);
		attesting_self_tell(program.server.self);
		tell(&program, "READY=1");
		if (event_base_dispatch(program.server.base) < 0)
			err = fault_set(&fault, TOBI_E_SYSTEM, "broker", "",
					"the event loop failed");
	}
	finish(&program);
	if (err)
		return fail(&fault);
	log_event("info", "stopped", NULL, NULL);
	return 0;
}

/* What is done without serving: as the broker's user, so that files are that user's. */
static int once(const struct config *config, int argc, char **argv)
{
	struct tobi_fault fault = {0};
	struct loaded loaded = {0};
	enum tobi_err err = sandbox_user(config->user, &fault);

	if (!err && strcmp(argv[0], "status") == 0) {
		int status = status_print(config, argc == 2, &fault);

		return status == 2 ? fail(&fault) : status;
	}
	if (!err && strcmp(argv[0], "backup") == 0) {
		err = setup_backup(config, argv[1], &fault);
	} else if (!err && strcmp(argv[0], "move-keys") == 0) {
		err =
		    setup_move_keys(config, argv[1], argc == 3 ? argv[2] : NULL, &fault);
	} else if (!err && strcmp(argv[0], "init") == 0) {
		err = setup_init(config, &fault);
	} else if (!err) {
		err = load_files(config, &loaded, &fault);
		loaded_done(&loaded);
	}
	return err ? fail(&fault) : 0;
}

static int usage(void)
{
	fputs(
	    "Usage: tobichi-broker [--config FILE] [init | check | backup PATH | status "
	    "[--json] |\n"
	    "                      move-keys PLACE [PIN-FILE]]\n"
	    "The manual is tobichi-broker(8).\n",
	    stderr);
	return 2;
}

static bool is_command(int argc, char **argv)
{
	static const struct {
		const char *name;
		int least, most;
	} known[] = {{"init", 1, 1},
		     {"check", 1, 1},
		     {"backup", 2, 2},
		     {"status", 1, 2},
		     {"move-keys", 2, 3}};

	for (size_t i = 0; argc && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(argv[0], known[i].name) == 0)
			return argc >= known[i].least && argc <= known[i].most;
	}
	return argc == 0;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {{"config", required_argument, NULL, 'c'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(config_freep) struct config *config = NULL;
	const char *path = "/var/lib/tobichi-broker/broker.yaml";
	struct tobi_fault fault = {0};
	sigset_t none;
	int option;

	/* The first word that is no option ends them. */
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (option != 'c')
			return usage();
		path = optarg;
	}
	argc -= optind;
	argv += optind;
	if (!is_command(argc, argv) ||
	    (argc == 2 && strcmp(argv[0], "status") == 0 && strcmp(argv[1], "--json")))
		return usage();
	/* Whoever started this may have blocked what ends it. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	/* Owners' secrets come as JSON. */
	json_wipe_memory();
	if (config_read(path, &config, &fault))
		return fail(&fault);
	return argc ? once(config, argc, argv) : serve(config);
}
