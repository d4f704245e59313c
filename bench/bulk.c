/*
 * The other end of serve: `bulk down|up PORT MEBIBYTES` moves that many over one
 * connection to 127.0.0.1 and prints mebibytes for each second. `bulk first PORT` tries
 * until the port answers with a byte; `bulk first -` asks on its standard streams, once.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char block[256 << 10];

static int dial(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* All bytes of one request, there and back. */
static bool move(int in, int out, char direction, unsigned long mebibytes)
{
	char request[16];
	size_t sent = mebibytes << 20, received = direction == 'd' ? sent : 1;
	ssize_t size;

	snprintf(request, sizeof(request), "%c%08lu", direction, mebibytes);
	if (write(out, request, 9) != 9)
		return false;
	for (; direction == 'u' && sent > 0; sent -= (size_t)size) {
		size = write(out, block, sent < sizeof(block) ? sent : sizeof(block));
		if (size <= 0)
			return false;
	}
	for (; received > 0; received -= (size_t)size) {
		size =
		    read(in, block, received < sizeof(block) ? received : sizeof(block));
		if (size <= 0)
			return false;
	}
	return true;
}

static int first(const char *port)
{
	const struct timespec pause = {.tv_nsec = 200 * 1000};

	if (strcmp(port, "-") == 0)
		return move(STDIN_FILENO, STDOUT_FILENO, 'u', 0) ? 0 : 1;
	for (int tries = 0; tries < 50000; tries++) {
		int fd = dial(port);

		if (fd >= 0 && move(fd, fd, 'u', 0))
			return 0;
		if (fd >= 0)
			close(fd);
		nanosleep(&pause, NULL);
	}
	return 1;
}

int main(int argc, char **argv)
{
	double start, end;
	unsigned long size;
	int fd;

	if (argc == 3 && strcmp(argv[1], "first") == 0)
		return first(argv[2]);
	if (argc != 4 || (fd = dial(argv[2])) < 0)
		return 2;
	size = strtoul(argv[3], NULL, 10);
	/* The connection, with its handshake, is not what is measured. */
	start = seconds();
	if (!move(fd, fd, argv[1][0], size))
		return 1;
	end = seconds();
	printf("%.1f\n", (double)size / (end - start));
	return 0;
}
