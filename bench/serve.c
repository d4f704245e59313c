/*
 * The program behind a channel: `serve PORT` answers on 127.0.0.1. A client sends one
 * letter and eight digits (mebibytes), and gets: for d(own) that many bytes; for u(p) one
 * byte, after it has sent that many. One process for each connection.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char block[256 << 10];

static void answer(int fd)
{
	char request[10] = "";
	size_t left;
	ssize_t size = recv(fd, request, 9, MSG_WAITALL);

	left = size == 9 ? (size_t)strtoul(request + 1, NULL, 10) << 20 : 0;
	while (left > 0) {
		size_t part = left < sizeof(block) ? left : sizeof(block);

		size = request[0] == 'd' ? write(fd, block, part) : read(fd, block, part);
		if (size <= 0)
			return;
		left -= (size_t)size;
	}
	if (request[0] == 'u' && write(fd, block, 1) != 1)
		return;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;

	if (argc != 2 || listener < 0)
		return 2;
	at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 64))
		return 2;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			answer(fd);
			_exit(0);
		}
		close(fd);
	}
	return 2;
}
