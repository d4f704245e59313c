/*
 * Many clients of one enclave, one session after the other: each asks `serve` for one
 * byte and ends in order.
 *
 * Usage: visits POLICY PORT COUNT PARALLEL    exit status 0 when every visit went well
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tobichi/atls.h"

static int64_t now(void)
{
	return time(NULL);
}

static int dial(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool visit(const struct tobi_atls *client, uint16_t port)
{
	const struct tobi_bytes request = {(const uint8_t *)"u00000000", 9};
	struct tobi_atls_session *session = NULL;
	struct tobi_fault fault = {0};
	size_t size = 0;
	char byte;
	bool good = !tobi_atls_open(client, dial(port), &session, &fault) &&
		    !tobi_atls_write(session, request, &fault) &&
		    !tobi_atls_read(session, &byte, 1, &size, &fault) && size == 1;

	if (!good)
		fprintf(stderr, "visit: %s: %s: %s\n", fault.object, fault.field,
			fault.message);
	tobi_atls_close(session);
	return good;
}

static struct tobi_policy *read_policy(const char *path)
{
	static uint8_t text[256 << 10];
	struct tobi_policy *policy = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (size < 0 || tobi_policy_parse((struct tobi_bytes){text, (size_t)size}, path,
					  &policy, NULL))
		exit(2);
	close(fd);
	return policy;
}

static int visits(const struct tobi_policy *policy, uint16_t port, long count)
{
	struct tobi_atls_options options = {.now = now};
	struct tobi_atls *client = NULL;
	int status = 0;

	if (tobi_atls_client_new(policy, &options, &client, NULL))
		return 2;
	for (long i = 0; i < count && !status; i++)
		status = visit(client, port) ? 0 : 1;
	tobi_atls_free(client);
	return status;
}

int main(int argc, char **argv)
{
	struct tobi_policy *policy;
	long count, parallel;
	int status, worst = 0;

	if (argc != 5)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	policy = read_policy(argv[1]);
	count = strtol(argv[3], NULL, 10);
	parallel = strtol(argv[4], NULL, 10);
	for (long i = 0; i < parallel; i++) {
		if (fork() == 0)
			_exit(visits(policy, (uint16_t)strtoul(argv[2], NULL, 10),
				     count / parallel));
	}
	while (wait(&status) > 0)
		worst |= !WIFEXITED(status) || WEXITSTATUS(status);
	tobi_policy_free(policy);
	return worst;
}
