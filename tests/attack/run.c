/* Finds and runs attacks, and says what came of them. */
#include "attack.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ARGUMENTS = 16, PATIENCE_SECONDS = 60 };

enum outcome worked(const char *format, ...)
{
	va_list arguments;

	printf("worked\t");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	return WORKED;
}

enum outcome refused(const char *step)
{
	const char *name = strerrorname_np(errno);

	printf("refused\t%s: %s\n", step, name ? name : "?");
	fflush(stdout);
	return REFUSED;
}

enum outcome refused_because(const char *why)
{
	printf("refused\t%s\n", why);
	fflush(stdout);
	return REFUSED;
}

enum outcome absent(const char *why)
{
	printf("absent\t%s\n", why);
	fflush(stdout);
	return ABSENT;
}

const char *need(char **arguments, int index)
{
	for (int i = 0; i <= index; i++) {
		if (!arguments[i]) {
			fprintf(stderr, "an argument is missing\n");
			exit(2);
		}
	}
	return arguments[index];
}

long number(const char *text)
{
	return strtol(text, NULL, 0);
}

static const struct attack *find(const char *name)
{
	static const struct attack *const families[] = {
	    memory_attacks, process_attacks,   kernel_attacks,
	    escape_attacks, namespace_attacks, socket_attacks,
	    hog_attacks,    neighbour_attacks, victims};

	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		for (const struct attack *one = families[f]; one->name; one++) {
			if (strcmp(one->name, name) == 0)
				return one;
		}
	}
	return NULL;
}

int attack_one(char **arguments)
{
	const struct attack *one = arguments[0] ? find(arguments[0]) : NULL;

	if (!one) {
		fprintf(stderr, "there is no attack %s\n",
			arguments[0] ? arguments[0] : "");
		return 2;
	}
	return (int)one->run(arguments + 1);
}

static void run_line(char *line, const char *pid)
{
	char *words[MOST_ARGUMENTS + 1] = {NULL}, *rest = NULL;
	int count = 0, status = 0;
	pid_t child;

	for (char *word = strtok_r(line, " \n", &rest); word && count < MOST_ARGUMENTS;
	     word = strtok_r(NULL, " \n", &rest))
		words[count++] = strcmp(word, "{pid}") == 0 ? strdup(pid) : word;
	if (count < 2)
		return;
	printf("%s\t", words[0]);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(PATIENCE_SECONDS);
		_exit(attack_one(words + 1));
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	/* Ended before it could say anything. */
	if (child < 0)
		refused("fork");
	else if (WIFSIGNALED(status))
		printf("refused\tkilled by SIG%s\n", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 2)
		printf("broken\tits arguments are wrong\n");
	fflush(stdout);
}

/* The plan is closed before the first attack: one of them looks for what is open. */
int attack_batch(const char *path, const char *pid)
{
	enum { MOST = 1 << 16 };
	FILE *plan = fopen(path, "re");
	char *text = calloc(1, MOST), *rest = NULL;

	if (!plan || !text) {
		perror(path);
		return 2;
	}
	if (fread(text, 1, MOST - 1, plan) == 0)
		perror(path);
	fclose(plan);
	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		run_line(line, pid);
	free(text);
	return 0;
}
