/* A process that has something to lose. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

enum { SECRET_BYTES = 16, CHANNEL = 3 };

/* In a place of its own, so that nothing else changes it. */
static char secret[2 * SECRET_BYTES + 1];

static void make_secret(void)
{
	unsigned char random[SECRET_BYTES] = {0};

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		_exit(2);
	for (int i = 0; i < SECRET_BYTES; i++)
		snprintf(secret + 2 * i, 3, "%02x", (unsigned)random[i]);
}

/* victim [FOLDER]: writes its secret there too; answers on descriptor 3 as a service that
 * knows its client by the channel alone would. */
static enum outcome wait_for_it(char **arguments)
{
	const struct rlimit dumps = {RLIM_INFINITY, RLIM_INFINITY};
	int pair[2];

	setrlimit(RLIMIT_CORE, &dumps);
	make_secret();
	if (arguments[0]) {
		char path[256];
		int fd;

		snprintf(path, sizeof(path), "%s/secret", arguments[0]);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, secret, sizeof(secret) - 1) < 0)
			perror(path);
		close(fd);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		int service = fcntl(pair[1], F_DUPFD_CLOEXEC, 100);

		dup2(pair[0], CHANNEL);
		printf("victim %lx %s\n", (unsigned long)(uintptr_t)secret, secret);
		fflush(stdout);
		for (;;) {
			char question[64];

			if (recv(service, question, sizeof(question), 0) > 0)
				send(service, "signed for the victim", 21, MSG_NOSIGNAL);
		}
	}
	return refused("socketpair");
}

const struct attack victims[] = {{"victim", wait_for_it}, {NULL, NULL}};
