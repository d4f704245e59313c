/*
 * Makes one thing of each kind that a neighbour could find, or looks for them.
 * Usage: neighbour make | look | both: look prints what it found, or "nothing".
 */
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <fcntl.h>
#include <unistd.h>

enum { KEY = 0x70b1c41, PORT = 7777, MODE = 0666 };

static const struct sockaddr_un abstract = {AF_UNIX, "\0tobichi-neighbour"};
static const struct sockaddr_in port = {.sin_family = AF_INET,
					.sin_port = __builtin_bswap16(PORT),
					.sin_addr = {__builtin_bswap32(0x7f000001)}};
static const char *const files[] = {"/dev/shm/neighbour", "/tmp/neighbour"};

static int make(void)
{
	int local = socket(AF_UNIX, SOCK_STREAM, 0);
	int network = socket(AF_INET, SOCK_STREAM, 0);

	for (size_t i = 0; i < 2; i++) {
		if (open(files[i], O_CREAT | O_WRONLY, MODE) < 0)
			return -1;
	}
	if (bind(local, (const struct sockaddr *)&abstract, sizeof(abstract)) ||
	    listen(local, 8) ||
	    bind(network, (const struct sockaddr *)&port, sizeof(port)) ||
	    listen(network, 8))
		return -1;
	return shmget(KEY, 4096, IPC_CREAT | MODE) < 0 ||
		       semget(KEY, 1, IPC_CREAT | MODE) < 0 ||
		       msgget(KEY, IPC_CREAT | MODE) < 0
		   ? -1
		   : 0;
}

static void look(void)
{
	int found = 0;
	int local = socket(AF_UNIX, SOCK_STREAM, 0);
	int network = socket(AF_INET, SOCK_STREAM, 0);

	for (size_t i = 0; i < 2; i++) {
		if (access(files[i], F_OK) == 0)
			found |= printf("%s ", files[i]);
	}
	if (!connect(local, (const struct sockaddr *)&abstract, sizeof(abstract)))
		found |= printf("abstract-socket ");
	if (!connect(network, (const struct sockaddr *)&port, sizeof(port)))
		found |= printf("port ");
	if (shmget(KEY, 0, 0) >= 0)
		found |= printf("shared-memory ");
	if (semget(KEY, 0, 0) >= 0)
		found |= printf("semaphore ");
	if (msgget(KEY, 0) >= 0)
		found |= printf("message-queue ");
	printf("%s\n", found ? "" : "nothing");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "look") != 0 && make())
		return perror("cannot make"), 1;
	if (strcmp(what, "make") != 0)
		return look(), fflush(stdout);
	puts("made");
	fflush(stdout);
	for (;;)
		pause();
}
