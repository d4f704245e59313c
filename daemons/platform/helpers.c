/* The service's own two processes, the signer and the sweeper, and what their ends mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "daemons/platform/service.h"

/* Of the sweeper: all that it keeps open. */
enum { SWEEPER_PIPE = 3, SWEEPER_LOCK = 4 };

static _Noreturn void sweep_at_the_end(const char *run_folder, int pipe, int lock)
{
	char path[LIMIT_PATH + 32], byte;
	int kept[2] = {fcntl(pipe, F_DUPFD, 16), fcntl(lock, F_DUPFD, 16)};

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Not the signer's channel, and no other enclave's. */
	if (kept[0] < 0 || kept[1] < 0 || dup2(kept[0], SWEEPER_PIPE) < 0 ||
	    dup2(kept[1], SWEEPER_LOCK) < 0 ||
	    syscall(SYS_close_range, SWEEPER_LOCK + 1, ~0u, 0))
		_exit(1);
	while (read(SWEEPER_PIPE, &byte, 1) < 0 && errno == EINTR)
		;
	isolate_sweep(run_folder);
	snprintf(path, sizeof(path), "%s/service.sock", run_folder);
	unlink(path);
	_exit(0);
}

static enum tobi_err watch(struct service *service, struct helper *helper,
			   event_callback_fn gone, struct tobi_fault *fault)
{
	helper->pidfd = (int)syscall(SYS_pidfd_open, helper->pid, 0);
	if (helper->pidfd < 0)
		return fault_errno(fault, "service", "", "cannot watch its processes");
	helper->event = event_new(service->base, helper->pidfd, EV_READ, gone, service);
	if (!helper->event || event_add(helper->event, NULL))
		return fault_set(fault, TOBI_E_MEMORY, "service", "",
				 "no room for an event");
	return TOBI_OK;
}

static void unwatch(struct helper *helper)
{
	if (helper->event)
		event_free(helper->event);
	helper->event = NULL;
	fd_close(&helper->pidfd);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* An enclave runs on without a sweeper; so a new one starts. */
static void on_sweeper_gone(evutil_socket_t fd, short what, void *context)
{
	struct service *service = context;
	struct tobi_fault fault = {0};

	(void)fd, (void)what;
	fprintf(stderr, "event=restarted process=sweeper\n");
	sweeper_stop(service);
	if (sweeper_start(service, &fault))
		service_fail(service, &fault);
}

enum tobi_err sweeper_start(struct service *service, struct tobi_fault *fault)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC))
		return fault_errno(fault, "sweeper", "", "no pipe");
	service->sweeper.pid = fork();
	if (service->sweeper.pid == 0) {
		close(pipes[1]);
		sweep_at_the_end(service->run_folder, pipes[0], service->lock);
	}
	close(pipes[0]);
	if (service->sweeper.pid < 0) {
		close(pipes[1]);
		return fault_errno(fault, "sweeper", "", "cannot be started");
	}
	service->sweeper_pipe = pipes[1];
	return watch(service, &service->sweeper, on_sweeper_gone, fault);
}

void sweeper_stop(struct service *service)
{
	unwatch(&service->sweeper);
	fd_close(&service->sweeper_pipe);
	if (service->sweeper.pid > 0)
		reap(service->sweeper.pid);
	service->sweeper.pid = -1;
}

/* This process has forgotten the keys: without the signer nothing can be proven. */
static void on_signer_gone(evutil_socket_t fd, short what, void *context)
{
	struct tobi_fault fault = {0};

	(void)fd, (void)what;
	fault_set(&fault, TOBI_E_SYSTEM, "signer", "", "it was killed from outside");
	service_fail(context, &fault);
}

enum tobi_err signer_watch(struct service *service, struct tobi_fault *fault)
{
	service->signer_helper.pid = service->signer.pid;
	return watch(service, &service->signer_helper, on_signer_gone, fault);
}

void signer_unwatch(struct service *service)
{
	unwatch(&service->signer_helper);
}
