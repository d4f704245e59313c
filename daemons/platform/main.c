/*
 * tobichid: plays, for the soft tier, the part that the CPU package plays in hardware. It
 * measures what it launches, and vouches for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/system.h"
#include "base/fault.h"
#include "daemons/platform/courier.h"
#include "daemons/platform/hardware.h"
#include "daemons/platform/measure.h"
#include "daemons/platform/service.h"

enum { IDLE_SECONDS = 2, STOP_GRACE = 3, AGENT_CEILING = 64 << 20 };

struct options {
	const char *run_folder, *state_folder, *agent;
	const char *attester; /* NULL: no hardware is asked */
	const char *attester_device, *attester_metadata, *attester_quotes;
	bool private, attester_logs;
};

static int fail(const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	fprintf(stderr, "event=failed fault=\"%s\"\n", text);
	return 2;
}

static void stop_all(struct service *service)
{
	service->stopping = true;
	for (struct enclave *e = service->enclaves, *next; e; e = next) {
		next = e->next;
		enclave_stop(e, STOP_GRACE);
	}
	service_maybe_idle(service);
}

void service_fail(struct service *service, const struct tobi_fault *fault)
{
	if (!service->fault.code)
		service->fault = *fault;
	stop_all(service);
}

static void on_idle(evutil_socket_t fd, short what, void *context)
{
	struct service *service = context;

	(void)fd, (void)what;
	if (!service->enclaves && !service->clients && control_is_idle(service))
		event_base_loopbreak(service->base);
}

void service_maybe_idle(struct service *service)
{
	struct timeval wait = {.tv_sec = service->stopping ? 0 : IDLE_SECONDS};

	if (service->enclaves || (service->clients && !service->stopping))
		return;
	if (service->stopping)
		event_base_loopbreak(service->base);
	else if (service->private && service->idle_timer)
		event_add(service->idle_timer, &wait);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	(void)number, (void)what;
	stop_all(context);
}

static void on_kept_long_enough(evutil_socket_t fd, short what, void *context)
{
	struct service *service = context;

	(void)fd, (void)what;
	fd_close(&service->kept_fd);
}

static enum tobi_err make_run_folder(const char *path, int *ret_lock,
				     struct tobi_fault *fault)
{
	char lock[LIMIT_PATH + 16];
	struct stat st;
	int fd;

	if (strlen(path) > LIMIT_PATH / 2 || path[0] != '/')
		return fault_set(fault, TOBI_E_ARGUMENT, "service", "run folder",
				 "it needs an absolute path of at most %d bytes",
				 LIMIT_PATH / 2);
	if (mkdir(path, 0700) && errno != EEXIST)
		return fault_errno(fault, "service", "run folder", "cannot make %s",
				   path);
	if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, "service", "run folder",
				 "%s must be your own, with mode 0700", path);
	snprintf(lock, sizeof(lock), "%s/lock", path);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fault_errno(fault, "service", "lock", "cannot open %s", lock);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return fault_set(fault, TOBI_E_EXISTS, "service", "lock",
				 "another platform service runs in %s", path);
	}
	*ret_lock = fd;
	return TOBI_OK;
}

/* Reports are asked for, and seal keys pass through: nothing of it belongs in a dump. */
static enum tobi_err forbid_dumps(struct tobi_fault *fault)
{
	/* At a limit of one byte the kernel neither writes a dump nor starts a program
	 * that takes it from a pipe; at zero it starts one. */
	const struct rlimit none = {1, 1};

	if (setrlimit(RLIMIT_CORE, &none))
		return fault_errno(fault, "service", "", "cannot forbid dumps");
	/* An ordinary user could not set the ids of an enclave's namespace then: the
	 * files of a process that is not dumpable belong to root. */
	if (geteuid() == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fault_errno(fault, "service", "", "cannot forbid dumps");
	return TOBI_OK;
}

/* Beside this program after an installation; in the build tree next door. */
static enum tobi_err open_agent(const char *named, int *ret_fd, struct tobi_fault *fault)
{
	char own[LIMIT_PATH], path[LIMIT_PATH + 64];
	ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;
	int fd = -1;

	if (named) {
		fd = open(named, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fault_errno(fault, "agent", "", "cannot open %s", named);
		*ret_fd = fd;
		return TOBI_OK;
	}
	own[size > 0 ? size : 0] = 0;
	slash = strrchr(own, '/');
	if (slash)
		*slash = 0;
	snprintf(path, sizeof(path), "%s/tobichi-agent", own);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(path, sizeof(path), "%s/../agent/tobichi-agent", own);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, "agent", "",
		    "tobichi-agent is not beside tobichid; name it with --agent");
	*ret_fd = fd;
	return TOBI_OK;
}

static enum tobi_err measure_programs(struct service *service, const char *agent,
				      struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	CLEANUP(fd_close) int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_close) int copy = -1;
	enum tobi_err err = open_agent(agent, &fd, fault);

	if (!err)
		err = measure_copy(fd, AGENT_CEILING, "agent", &service->agent_fd, fault);
	if (!err)
		err = measure_hash(service->agent_fd, service->agent_hash, fault);
	if (!err && own < 0)
		err = fault_errno(fault, "service", "", "cannot read its own program");
	if (!err)
		err = measure_copy(own, AGENT_CEILING, "service", &copy, fault);
	return err ? err : measure_hash(copy, service->own_hash, fault);
}

static enum tobi_err prepare_loop(struct service *service, struct tobi_fault *fault)
{
	service->base = event_base_new();
	if (!service->base)
		return fault_set(fault, TOBI_E_MEMORY, "service", "", "no event loop");
	service->idle_timer = evtimer_new(service->base, on_idle, service);
	service->kept_timer = evtimer_new(service->base, on_kept_long_enough, service);
	service->int_event = evsignal_new(service->base, SIGINT, on_signal, service);
	service->term_event = evsignal_new(service->base, SIGTERM, on_signal, service);
	if (!service->idle_timer || !service->kept_timer || !service->int_event ||
	    !service->term_event || event_add(service->int_event, NULL) ||
	    event_add(service->term_event, NULL))
		return fault_set(fault, TOBI_E_MEMORY, "service", "",
				 "no room for an event");
	return TOBI_OK;
}

static void finish(struct service *service)
{
	/* Without the lock the socket is another service's. */
	if (service->lock >= 0)
		control_close(service);
	if (service->idle_timer)
		event_free(service->idle_timer);
	if (service->kept_timer)
		event_free(service->kept_timer);
	if (service->int_event)
		event_free(service->int_event);
	if (service->term_event)
		event_free(service->term_event);
	hardware_free(service->hardware);
	service->hardware = NULL;
	signer_unwatch(service);
	if (service->sweeper.event)
		event_free(service->sweeper.event);
	service->sweeper.event = NULL;
	if (service->base)
		event_base_free(service->base);
	fd_close(&service->agent_fd);
	fd_close(&service->kept_fd);
	counter_desk_done(&service->counters);
	signer_stop(&service->signer);
	/* Last, and waited for: the next service finds the lock free. */
	sweeper_stop(service);
	fd_close(&service->lock);
}

/* Before there are other processes: where the host wants it, this one moves into a
 * control group of its own. */
static void log_lacks(void)
{
	CLEANUP(wr_done) struct writer lacks = wr_init(4096);

	isolate_lacks(NULL, &lacks);
	for (size_t at = 0; at < lacks.size;) {
		const char *line = (const char *)lacks.ptr + at;
		const char *end = memchr(line, '\n', lacks.size - at);
		size_t size = end ? (size_t)(end - line) : lacks.size - at;

		fprintf(stderr, "event=lacks text=\"%.*s\"\n", (int)size, line);
		at += size + 1;
	}
}

static enum tobi_err ask_hardware(struct service *service, const struct options *options,
				  struct tobi_fault *fault)
{
	const struct hardware_setup setup = {.attester = options->attester,
					     .tpm = options->attester_device,
					     .metadata = options->attester_metadata,
					     .quotes = options->attester_quotes,
					     .with_logs = options->attester_logs,
					     .device = attest_system(),
					     .timeout_ms = HARDWARE_TIMEOUT_MS,
					     .done = enclave_reported};

	return hardware_new(service, &setup, &service->hardware, fault);
}

/* The order matters: the signer is forked before anything else is open. */
static enum tobi_err start(struct service *service, const struct options *options,
			   struct tobi_fault *fault)
{
	enum tobi_err err = forbid_dumps(fault);

	if (!err)
		err = make_run_folder(options->run_folder, &service->lock, fault);
	if (err)
		return err;
	log_lacks();
	err = signer_start(options->state_folder, &service->signer, fault);
	if (!err) {
		isolate_sweep(options->run_folder);
		err = prepare_loop(service, fault);
	}
	if (!err)
		err = sweeper_start(service, fault);
	if (!err)
		err = signer_watch(service, fault);
	if (!err)
		err = measure_programs(service, options->agent, fault);
	if (!err && options->attester)
		err = ask_hardware(service, options, fault);
	return err ? err : control_open(service, fault);
}

/* Each client and each enclave takes some; a program's own limit is the image's. */
static void raise_file_limit(void)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		IGNORE(setrlimit(RLIMIT_NOFILE, &files));
	}
}

static int serve(const struct options *options)
{
	struct service service = {.run_folder = options->run_folder,
				  .private = options->private,
				  .counters = {options->state_folder, NULL},
				  .agent_fd = -1,
				  .kept_fd = -1,
				  .lock = -1,
				  .sweeper_pipe = -1,
				  .sweeper = {-1, -1, NULL},
				  .signer_helper = {-1, -1, NULL},
				  .listener = -1};
	struct tobi_fault fault = {0};
	sigset_t none;
	enum tobi_err err;

	/* Whoever started this may have blocked what ends it. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	service.signer.fd = service.signer.pid = -1;
	raise_file_limit();
	err = start(&service, options, &fault);
	if (!err) {
		fprintf(stderr, "event=ready pid=%d run-folder=%s keys=%s\n",
			(int)getpid(), options->run_folder,
			service.signer.locked ? "locked" : "swappable");
		service_maybe_idle(&service);
		if (event_base_dispatch(service.base) < 0)
			err = fault_set(&fault, TOBI_E_SYSTEM, "service", "",
					"the event loop failed");
	}
	if (!err && service.fault.code) {
		fault = service.fault;
		err = fault.code;
	}
	finish(&service);
	return err ? fail(&fault) : 0;
}

static int usage(void)
{
	fputs("Usage: tobichid --run-folder PATH --state-folder PATH [--agent FILE] "
	      "[--private]\n"
	      "                [--attester NAME [--attester-device DEVICE]\n"
	      "                 [--attester-metadata URL] "
	      "[--attester-quote-service CID:PORT]\n"
	      "                 [--attester-logs]]\n"
	      "The manual is tobichid(8).\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
	    {"run-folder", required_argument, NULL, 'r'},
	    {"state-folder", required_argument, NULL, 's'},
	    {"agent", required_argument, NULL, 'a'},
	    {"private", no_argument, NULL, 'p'},
	    {"attester", required_argument, NULL, 't'},
	    {"attester-device", required_argument, NULL, 'd'},
	    {"attester-metadata", required_argument, NULL, 'm'},
	    {"attester-quote-service", required_argument, NULL, 'q'},
	    {"attester-logs", no_argument, NULL, 'l'},
	    {NULL, 0, NULL, 0}};
	struct options options = {.run_folder = "/run/tobichi",
				  .state_folder = "/var/lib/tobichi"};
	int option;

	/* Only this program starts itself so: daemons/platform/egress.c. */
	if (argc == 4 && strcmp(argv[1], "--courier") == 0)
		return courier_run(argv[2], argv[3]);
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'r':
			options.run_folder = optarg;
			break;
		case 's':
			options.state_folder = optarg;
			break;
		case 'a':
			options.agent = optarg;
			break;
		case 'p':
			options.private = true;
			break;
		case 't':
			options.attester = optarg;
			break;
		case 'd':
			options.attester_device = optarg;
			break;
		case 'm':
			options.attester_metadata = optarg;
			break;
		case 'q':
			options.attester_quotes = optarg;
			break;
		case 'l':
			options.attester_logs = true;
			break;
		default:
			return usage();
		}
	}
	if (!options.attester && (options.attester_device || options.attester_metadata ||
				  options.attester_quotes || options.attester_logs))
		return usage();
	return optind < argc ? usage() : serve(&options);
}
