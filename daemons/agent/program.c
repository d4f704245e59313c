#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"

#define OBJECT "program"

static char *append(char *at, char *end, struct tobi_bytes text)
{
	bytes_copy(at, (size_t)(end - at), text.ptr, text.size);
	return at + text.size;
}

static size_t pair_size(const struct text_pair *pair)
{
	return pair->name.size + 1 + pair->value.size + 1;
}

static size_t size_of_all(const struct manifest *manifest,
			  const struct launch_config *launch)
{
	size_t size = 0;

	for (size_t i = 0; i < manifest->argument_count; i++)
		size += manifest->arguments[i].size + 1;
	for (size_t i = 0; i < launch->argument_count; i++)
		size += launch->arguments[i].size + 1;
	for (size_t i = 0; i < manifest->environment_count; i++)
		size += pair_size(&manifest->environment[i]);
	for (size_t i = 0; i < launch->environment_count; i++)
		size += pair_size(&launch->environment[i]);
	return size;
}

static char *append_argument(char *at, char *end, struct tobi_bytes text, char **slot)
{
	*slot = at;
	return append(at, end, text) + 1;
}

static char *append_pair(char *at, char *end, const struct text_pair *pair, char **slot)
{
	*slot = at;
	at = append(at, end, pair->name);
	*at++ = '=';
	return append(at, end, pair->value) + 1;
}

enum tobi_err program_vectors_make(const struct manifest *manifest,
				   const struct launch_config *launch,
				   struct program_vectors *ret_vectors,
				   struct tobi_fault *fault)
{
	size_t arguments = manifest->argument_count + launch->argument_count;
	size_t environment = manifest->environment_count + launch->environment_count;
	size_t slots = (arguments + environment + 2) * sizeof(char *);
	size_t size = slots + size_of_all(manifest, launch);
	char **vector = calloc(1, size), **slot = vector;
	char *at, *end;

	if (!vector)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "arguments",
				 "out of memory");
	at = (char *)vector + slots;
	end = (char *)vector + size;
	for (size_t i = 0; i < manifest->argument_count; i++)
		at = append_argument(at, end, manifest->arguments[i], slot++);
	for (size_t i = 0; i < launch->argument_count; i++)
		at = append_argument(at, end, launch->arguments[i], slot++);
	slot++;
	ret_vectors->arguments = vector;
	ret_vectors->environment = slot;
	for (size_t i = 0; i < manifest->environment_count; i++)
		at = append_pair(at, end, &manifest->environment[i], slot++);
	for (size_t i = 0; i < launch->environment_count; i++)
		at = append_pair(at, end, &launch->environment[i], slot++);
	return TOBI_OK;
}

void program_vectors_done(struct program_vectors *vectors)
{
	free(vectors->arguments);
	*vectors = (struct program_vectors){0};
}

/* Everything that only the child does may fail with a fault, which goes to the parent. */
static enum tobi_err set_stdio(const int stdio[static 3], int report,
			       struct tobi_fault *fault)
{
	int copies[3];

	/* Copies above first: a source may itself lie in 0 to 2. */
	for (int i = 0; i < 3; i++) {
		copies[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 16);
		if (copies[i] < 0)
			return fault_errno(fault, OBJECT, "standard streams",
					   "cannot copy descriptor %d", stdio[i]);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(copies[i], i) < 0)
			return fault_errno(fault, OBJECT, "standard streams",
					   "cannot set descriptor %d", i);
	/* All but the report's end are closed; that one closes itself. */
	if ((report > 3 && close_range(3, (unsigned)report - 1, 0)) ||
	    close_range((unsigned)report + 1, ~0u, 0))
		return fault_errno(fault, OBJECT, "descriptors",
				   "cannot close the agent's");
	return TOBI_OK;
}

static enum tobi_err reset_signals(struct tobi_fault *fault)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &usual, NULL);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		return fault_errno(fault, OBJECT, "signals", "cannot reset the mask");
	return TOBI_OK;
}

static enum tobi_err set_limits(const struct manifest *manifest, struct tobi_fault *fault)
{
	struct rlimit files = {manifest->limits.files, manifest->limits.files};
	struct rlimit no_core = {0, 0};

	if (setrlimit(RLIMIT_NOFILE, &files))
		return fault_errno(fault, OBJECT, "open files",
				   "cannot set the limit %llu",
				   (unsigned long long)manifest->limits.files);
	if (setrlimit(RLIMIT_CORE, &no_core))
		return fault_errno(fault, OBJECT, "core size", "cannot set the limit");
	return TOBI_OK;
}

static enum tobi_err set_user(const struct program_spec *spec, struct tobi_fault *fault)
{
	if (spec->uid == (uid_t)-1)
		return TOBI_OK;
	if (setgroups(0, NULL) || setresgid(spec->gid, spec->gid, spec->gid) ||
	    setresuid(spec->uid, spec->uid, spec->uid))
		return fault_errno(fault, OBJECT, "user", "cannot become %u:%u",
				   (unsigned)spec->uid, (unsigned)spec->gid);
	return TOBI_OK;
}

static enum tobi_err become(const struct program_spec *spec, int report,
			    struct tobi_fault *fault)
{
	char directory[LIMIT_PATH + 1] = "";
	enum tobi_err err;

	if (setsid() < 0)
		return fault_errno(fault, OBJECT, "session", "cannot make a new one");
	err = set_stdio(spec->stdio, report, fault);
	if (!err)
		err = reset_signals(fault);
	if (!err)
		err = set_limits(spec->manifest, fault);
	if (!err)
		err = set_user(spec, fault);
	if (err)
		return err;
	umask(022);
	bytes_copy(directory, LIMIT_PATH, spec->manifest->directory.ptr,
		   spec->manifest->directory.size);
	if (chdir(directory))
		return fault_errno(fault, OBJECT, "working directory", "%s", directory);
	err = spec->confine(spec->manifest, fault);
	if (err)
		return err;
	execve(spec->vectors->arguments[0], spec->vectors->arguments,
	       spec->vectors->environment);
	return program_explain(spec->vectors->arguments[0], errno, fault);
}

enum tobi_err program_start(const struct program_spec *spec, pid_t *ret_pid,
			    struct tobi_fault *fault)
{
	struct tobi_fault told;
	int ends[2];
	ssize_t size;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return fault_errno(fault, OBJECT, "", "cannot make a pipe");
	pid = fork();
	if (pid < 0) {
		fault_errno(fault, OBJECT, "", "cannot make a process");
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return TOBI_E_SYSTEM;
	}
	if (pid == 0) {
		told = (struct tobi_fault){0};
		IGNORE(become(spec, ends[1], &told));
		IGNORE(write(ends[1], &told, sizeof(told)) < 0);
		_exit(127);
	}
	fd_close(&ends[1]);
	/* A fault is smaller than PIPE_BUF: it comes whole. Nothing comes after an exec.
	 */
	do
		size = read(ends[0], &told, sizeof(told));
	while (size < 0 && errno == EINTR);
	fd_close(&ends[0]);
	if (size == 0) {
		*ret_pid = pid;
		return TOBI_OK;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (size != sizeof(told))
		return fault_set(fault, TOBI_E_SYSTEM, OBJECT, "",
				 "the process ended before it could start the program");
	if (fault)
		*fault = told;
	return told.code;
}
