/*
 * Runs commands in turn and measures each from fork to exit.
 *
 * Usage: interleave ROUNDS -- COMMAND... [-- COMMAND...]...
 *
 * In each word `@` stands for a number that no other run has. Before a command there may
 * be NAME=VALUE words for its environment, and `unmount:PATH` for its own mount namespace
 * in which PATH is not mounted. A first round is not counted, unless ROUNDS is 1. Prints
 * a line for each command: its times in milliseconds. A command that fails ends it all.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 16, MAX_ROUNDS = 1000 };

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static char *number(const char *word, unsigned run)
{
	const char *at = strchr(word, '@');
	char *out = NULL;

	if (!at)
		return strdup(word);
	if (asprintf(&out, "%.*s%d-%u%s", (int)(at - word), word, (int)getppid(), run,
		     at + 1) < 0)
		return NULL;
	return out;
}

static void start(char **words, unsigned run)
{
	int null = open("/dev/null", O_RDWR);

	for (char **word = words; *word; word++)
		*word = number(*word, run);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	for (; *words; words++) {
		if (strncmp(*words, "unmount:", 8) == 0) {
			if (unshare(CLONE_NEWNS) ||
			    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
			    umount2(*words + 8, MNT_DETACH))
				_exit(126);
		} else if (strchr(*words, '=') && (*words)[0] != '/') {
			putenv(*words);
		} else {
			break;
		}
	}
	execvp(words[0], words);
	_exit(127);
}

/* Negative when it failed. */
static double run_once(char **words, unsigned run)
{
	double begin = milliseconds();
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		start(words, run);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		fprintf(stderr, "run %u: %s %d\n", run,
			WIFSIGNALED(status) ? "signal" : "exit status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return status == 0 ? milliseconds() - begin : -1;
}

int main(int argc, char **argv)
{
	static double times[MAX_COMMANDS][MAX_ROUNDS + 1];
	char **commands[MAX_COMMANDS];
	unsigned count = 0, run = 0, rounds;

	rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	for (int i = 2; i < argc && count < MAX_COMMANDS; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		argv[i] = NULL;
		commands[count++] = &argv[i + 1];
	}
	if (count == 0 || rounds == 0 || rounds > MAX_ROUNDS) {
		fprintf(stderr,
			"Usage: interleave ROUNDS -- COMMAND... [-- COMMAND...]\n");
		return 2;
	}
	for (unsigned round = rounds == 1; round <= rounds; round++) {
		for (unsigned i = 0; i < count; i++) {
			times[i][round] = run_once(commands[i], run++);
			if (times[i][round] < 0) {
				fprintf(stderr, "error: run %u failed: command %u, %s\n",
					run, i + 1, commands[i][0]);
				return 1;
			}
		}
	}
	for (unsigned i = 0; i < count; i++) {
		for (unsigned round = 1; round <= rounds; round++)
			printf("%.3f%c", times[i][round], round < rounds ? ' ' : '\n');
	}
	return 0;
}
