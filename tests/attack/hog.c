/* Programs that take all they can get. Each has a ceiling, so that it can be run without
 * a wall too, and stays alive when it has been stopped short: its end is the host's to
 * bring about. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

enum { MEGABYTE = 1 << 20 };

static enum outcome take_processes(char **arguments)
{
	long want = number(need(arguments, 0)), have = 0;
	int gate[2];
	enum outcome outcome;

	if (pipe(gate))
		return refused("pipe");
	for (; have < want; have++) {
		pid_t child = fork();

		if (child < 0)
			break;
		if (child == 0) {
			char byte;

			close(gate[1]);
			_exit(read(gate[0], &byte, 1) != 0);
		}
	}
	outcome = have == want ? worked("%ld processes", have) : refused("fork");
	close(gate[1]);
	while (wait(NULL) > 0)
		;
	return outcome;
}

/* As a bomb does: each child again, until nobody can. It ends only by force. */
static enum outcome bomb(char **arguments)
{
	(void)arguments;
	worked("begun");
	for (;;) {
		if (fork() < 0 && usleep(10000))
			return refused("usleep");
	}
}

static enum outcome take_memory(char **arguments)
{
	long want = number(need(arguments, 0));

	for (long n = 0; n < want; n++) {
		char *more = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (more == MAP_FAILED)
			return refused("mmap");
		/* A compiler may leave out what nobody reads, but not this. */
		for (size_t at = 0; at < MEGABYTE; at += 4096)
			((volatile char *)more)[at] = 1;
	}
	return worked("%ld MiB", want);
}

static enum outcome take_disk(char **arguments)
{
	static char block[MEGABYTE];
	long want = number(need(arguments, 1)), have = 0;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/attack-filler", need(arguments, 0));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return refused("open");
	while (have < want * MEGABYTE) {
		ssize_t size = write(fd, block, MEGABYTE);

		if (size < 0)
			break;
		have += size;
	}
	if (have < want * MEGABYTE)
		return refused("write");
	unlink(path);
	return worked("%ld MiB", want);
}

/* To a file that the host keeps for it; what is said of the outcome goes elsewhere. */
static enum outcome flood(char **arguments)
{
	static char block[MEGABYTE];
	long want = number(need(arguments, 0));

	memset(block, 'x', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	for (long n = 0; n < want; n++) {
		if (write(1, block, sizeof(block)) < 0)
			return refused("write");
	}
	return worked("flooded");
}

/* So that what is kept of it can be asked for. */
static enum outcome flood_and_stay(char **arguments)
{
	if (flood(arguments) == WORKED)
		pause();
	return REFUSED;
}

static enum outcome take_files(char **arguments)
{
	long want = number(need(arguments, 0));

	for (long n = 0; n < want; n++) {
		if (dup(0) < 0)
			return refused("dup");
	}
	return worked("%ld open files", want);
}

static enum outcome take_processor(char **arguments)
{
	long want = number(need(arguments, 0));
	volatile unsigned turns = 0;

	for (long n = 1; n < want; n++) {
		if (fork() == 0)
			break;
	}
	worked("begun");
	while (turns < ~0u)
		turns = turns + (turns < ~1u);
	return WORKED;
}

const struct attack hog_attacks[] = {{"processes", take_processes},
				     {"bomb", bomb},
				     {"memory", take_memory},
				     {"disk", take_disk},
				     {"flood", flood},
				     {"flood-and-stay", flood_and_stay},
				     {"files", take_files},
				     {"processor", take_processor},
				     {NULL, NULL}};
