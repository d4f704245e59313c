/*
 * Makes one system call of a running service, or of what it starts, fail: the Nth that it
 * makes while COMMAND runs. Follows children; leaves a grandchild alone once it has
 * become another program (what an enclave runs, say).
 *
 * Usage: inject REPORT PID N ERRNO COMMAND [ARGUMENT...]     N 0: only counts
 * Writes to REPORT: calls=COUNT failed=CALL of=NAME end=exit:STATUS|signal:N|late
 * crashed=NAME:SIGNAL|none. Exit status 0 when that was possible, 77 where it is not.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { MAX_TRACEES = 64, LATE_S = 30, SETTLE_S = 5 };

struct tracee {
	pid_t pid; /* 0: free */
	int generation;
	bool fails; /* in the call that is made to fail */
};

static struct {
	struct tracee tracees[MAX_TRACEES];
	pid_t service, command;
	unsigned long wanted, calls;
	long error;
	long failed_call;
	char failed_in[32];
	char crashed[64];
	int end; /* the command's wait status; -1: not yet */
} run = {.failed_call = -1, .end = -1};

static volatile sig_atomic_t late;

static void on_alarm(int signal)
{
	(void)signal;
	late = 1;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(2);
}

static struct tracee *find(pid_t pid)
{
	for (size_t i = 0; i < MAX_TRACEES; i++) {
		if (run.tracees[i].pid == pid)
			return &run.tracees[i];
	}
	return NULL;
}

static struct tracee *take(pid_t pid, int generation)
{
	struct tracee *tracee = find(pid);

	if (!tracee)
		tracee = find(0);
	if (!tracee)
		die("too many processes");
	if (tracee->pid != pid)
		*tracee = (struct tracee){pid, generation, false};
	else
		tracee->generation = generation;
	return tracee;
}

static void name_of(pid_t pid, char *ret_name, size_t room)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	snprintf(ret_name, room, "?");
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(ret_name, (int)room, file))
		ret_name[strcspn(ret_name, "\n")] = 0;
	fclose(file);
}

/* Of a child that stops before its parent's event is heard; it may go as far as another
 * program before that. */
static int generation_of(pid_t pid)
{
	char path[64], line[128];
	const struct tracee *parent = NULL;
	FILE *file;
	int number;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && !parent && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "PPid: %d", &number) == 1 && number > 0)
			parent = find(number);
	}
	if (file)
		fclose(file);
	return parent ? parent->generation + 1 : 1;
}

/* Not a call that could fail: it ends a process, or goes back where a signal came; and
 * close(), which has closed whatever it says (a call here is not made when it fails). */
static bool cannot_fail(unsigned long call)
{
	return call == SYS_exit || call == SYS_exit_group || call == SYS_rt_sigreturn ||
	       call == SYS_restart_syscall || call == SYS_close;
}

#if defined(__x86_64__)
/* getpid() in the place of the call, as every filter lets it through; at its end, the
 * error in the place of the result. */
static void set_call(pid_t pid, bool at_end)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
		return;
	if (at_end)
		regs.rax = (unsigned long)-run.error;
	else
		regs.orig_rax = SYS_getpid;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
}
#else
static void set_call(pid_t pid, bool at_end)
{
	(void)pid, (void)at_end;
	fprintf(stderr, "skipped: system calls can be made to fail on x86-64 only\n");
	exit(77);
}
#endif

static void on_call(struct tracee *tracee)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !cannot_fail(info.entry.nr)) {
		if (++run.calls == run.wanted) {
			run.failed_call = (long)info.entry.nr;
			name_of(tracee->pid, run.failed_in, sizeof(run.failed_in));
			tracee->fails = true;
			set_call(tracee->pid, false);
		}
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee->fails) {
		tracee->fails = false;
		set_call(tracee->pid, true);
	}
}

static void on_stop(struct tracee *tracee, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	unsigned long child = 0;

	if (signal == (SIGTRAP | 0x80)) {
		on_call(tracee);
		signal = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		signal = 0;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC && tracee->generation > 1) {
			ptrace(PTRACE_DETACH, tracee->pid, 0, 0);
			tracee->pid = 0;
			return;
		}
		if (event != PTRACE_EVENT_EXEC &&
		    !ptrace(PTRACE_GETEVENTMSG, tracee->pid, 0, &child))
			take((pid_t)child, tracee->generation + 1);
		signal = 0;
	}
	ptrace(PTRACE_SYSCALL, tracee->pid, 0, (long)signal);
}

static void on_end(struct tracee *tracee, int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	char name[32] = "service";

	if (signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT ||
	    signal == SIGILL || signal == SIGFPE || signal == SIGSYS) {
		if (tracee->generation)
			snprintf(name, sizeof(name), "child");
		snprintf(run.crashed, sizeof(run.crashed), "%s:%d", name, signal);
	}
	tracee->pid = 0;
}

static bool only_service_left(void)
{
	for (size_t i = 0; i < MAX_TRACEES; i++) {
		if (run.tracees[i].pid && run.tracees[i].pid != run.service)
			return false;
	}
	return true;
}

/* Until the command has ended and the service has nothing more of it, or it is late. */
static void follow(void)
{
	while (!(run.end != -1 && only_service_left())) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR) {
			if (late)
				return;
			continue;
		}
		if (pid < 0)
			return;
		if (pid == run.command) {
			run.end = status;
			alarm(SETTLE_S);
		} else if (WIFSTOPPED(status)) {
			struct tracee *tracee = find(pid);

			on_stop(tracee ? tracee : take(pid, generation_of(pid)), status);
		} else {
			struct tracee *tracee = find(pid);

			if (tracee)
				on_end(tracee, status);
		}
	}
}

static void let_go(void)
{
	for (size_t i = 0; i < MAX_TRACEES; i++) {
		struct tracee *tracee = &run.tracees[i];
		int status;

		if (!tracee->pid || ptrace(PTRACE_INTERRUPT, tracee->pid, 0, 0))
			continue;
		if (waitpid(tracee->pid, &status, __WALL) == tracee->pid &&
		    WIFSTOPPED(status)) {
			if (tracee->fails)
				on_call(tracee);
			ptrace(PTRACE_DETACH, tracee->pid, 0, 0);
		} else {
			on_end(tracee, status);
		}
	}
}

static void start(char **command)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC;

	if (ptrace(PTRACE_SEIZE, run.service, 0, options) ||
	    ptrace(PTRACE_INTERRUPT, run.service, 0, 0))
		die("cannot trace the service");
	take(run.service, 0);
	run.command = fork();
	if (run.command == 0) {
		alarm(0);
		execvp(command[0], command);
		die(command[0]);
	}
}

static void report(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		die(path);
	fprintf(file, "calls=%lu failed=%ld of=%s end=", run.calls, run.failed_call,
		run.failed_in[0] ? run.failed_in : "none");
	if (run.end == -1)
		fprintf(file, "late");
	else if (WIFEXITED(run.end))
		fprintf(file, "exit:%d", WEXITSTATUS(run.end));
	else
		fprintf(file, "signal:%d", WTERMSIG(run.end));
	fprintf(file, " crashed=%s\n", run.crashed[0] ? run.crashed : "none");
	if (fclose(file))
		die(path);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_alarm};

	if (argc < 6)
		return 2;
	run.service = (pid_t)strtol(argv[2], NULL, 10);
	run.wanted = strtoul(argv[3], NULL, 10);
	run.error = strtol(argv[4], NULL, 10);
	sigaction(SIGALRM, &action, NULL);
	start(argv + 5);
	alarm(LATE_S);
	follow();
	let_go();
	if (run.end == -1) {
		kill(run.command, SIGKILL);
		waitpid(run.command, NULL, 0);
	}
	report(argv[1]);
	return 0;
}
