#include "supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

struct supervisor {
	struct supervisor_setup setup;
	struct event *child, *look, *grace;
	pid_t pid; /* 0: not started */
	bool started, over;
};

/* All of a PID namespace, when this is its first process; else only the program's own
 * session: kill(-1) would reach far. */
static void kill_all(const struct supervisor *supervisor)
{
	if (getpid() == 1)
		kill(-1, SIGKILL);
	else if (supervisor->pid)
		kill(-supervisor->pid, SIGKILL);
}

static void finish(struct supervisor *supervisor, int status)
{
	if (supervisor->over)
		return;
	supervisor->over = true;
	event_del(supervisor->grace);
	kill_all(supervisor);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	supervisor->setup.ended(supervisor->setup.context, status);
}

static void on_child(evutil_socket_t fd, short what, void *context)
{
	struct supervisor *supervisor = context;
	int status;
	pid_t pid;

	(void)fd;
	(void)what;
	while (!supervisor->over && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == supervisor->pid)
			finish(supervisor, status);
}

static void on_grace_over(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	kill_all(context);
}

enum tobi_err supervisor_new(const struct supervisor_setup *setup,
			     struct supervisor **ret_supervisor, struct tobi_fault *fault)
{
	/* It looks now and then, too: an enclave whose program has ended must not stay
	 * because one signal or one wait was lost. By an event of its own: a timeout of
	 * the signal's would take its handler away. */
	int64_t look_ms = setup->look_ms ? setup->look_ms : 5000;
	const struct timeval sometimes = {.tv_sec = look_ms / 1000,
					  .tv_usec = look_ms % 1000 * 1000};
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));

	if (supervisor) {
		supervisor->setup = *setup;
		supervisor->child =
		    evsignal_new(setup->base, SIGCHLD, on_child, supervisor);
		supervisor->look =
		    event_new(setup->base, -1, EV_PERSIST, on_child, supervisor);
		supervisor->grace = evtimer_new(setup->base, on_grace_over, supervisor);
	}
	if (!supervisor || !supervisor->child || !supervisor->look ||
	    !supervisor->grace || event_add(supervisor->child, NULL) ||
	    event_add(supervisor->look, &sometimes)) {
		supervisor_free(supervisor);
		return fault_set(fault, TOBI_E_MEMORY, "supervisor", "", "out of memory");
	}
	*ret_supervisor = supervisor;
	return TOBI_OK;
}

void supervisor_free(struct supervisor *supervisor)
{
	if (!supervisor)
		return;
	if (supervisor->child)
		event_free(supervisor->child);
	if (supervisor->look)
		event_free(supervisor->look);
	if (supervisor->grace)
		event_free(supervisor->grace);
	free(supervisor);
}

void supervisor_start(struct supervisor *supervisor)
{
	struct tobi_fault fault = {0};

	if (supervisor->started || supervisor->over)
		return;
	supervisor->started = true;
	if (program_start(&supervisor->setup.program, &supervisor->pid, &fault)) {
		supervisor->over = true;
		supervisor->setup.failed(supervisor->setup.context, &fault);
		return;
	}
	supervisor->setup.running(supervisor->setup.context);
}

static bool is_fatal(int number)
{
	return number != SIGCHLD && number != SIGCONT && number != SIGURG &&
	       number != SIGWINCH && number != SIGSTOP && number != SIGTSTP &&
	       number != SIGTTIN && number != SIGTTOU;
}

void supervisor_signal(struct supervisor *supervisor, int number)
{
	if (supervisor->over)
		return;
	if (supervisor->pid)
		kill(supervisor->pid, number);
	else if (is_fatal(number))
		finish(supervisor, number); /* as waitpid() says "killed by number" */
}

void supervisor_stop(struct supervisor *supervisor, unsigned grace)
{
	struct timeval after = {.tv_sec = grace};

	supervisor_signal(supervisor, SIGTERM);
	if (!supervisor->over)
		event_add(supervisor->grace, &after);
}
