/* A key broker that is played, on the public API: whoever meets the policy is given the
 * secrets of the command line over attested TLS, and is refused all others.
 * Usage: played_broker PORT POLICY KEY [REPOSITORY/TYPE/NAME=CONTENT...] */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/writer.h"
#include "tobichi/atls.h"

static int64_t now(void)
{
	return (int64_t)time(NULL);
}

static struct tobi_bytes of(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, strlen(text)};
}

static const char *find(char **secrets, const char *request)
{
	static const char start[] = "GET /v1/secret/";
	const char *name = request + sizeof(start) - 1;

	if (strncmp(request, start, sizeof(start) - 1) != 0)
		return NULL;
	for (; *secrets; secrets++) {
		size_t size = strcspn(*secrets, "=");

		if (strncmp(name, *secrets, size) == 0 && name[size] == ' ')
			return *secrets + size + 1;
	}
	return NULL;
}

static void serve(struct tobi_atls_session *session, char **secrets)
{
	char request[4096] = "", reply[4096];
	size_t size = 0, part = 1;
	const char *content;

	while (!strstr(request, "\r\n\r\n") && part && size < sizeof(request) - 1) {
		if (tobi_atls_read(session, request + size, sizeof(request) - 1 - size,
				   &part, NULL))
			return;
		size += part;
	}
	printf("asked in %s: %.*s\n", tobi_atls_protocol(session),
	       (int)strcspn(request, "\r"), request);
	content = find(secrets, request);
	snprintf(reply, sizeof(reply),
		 "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		 content ? "200 OK" : "403 Forbidden", content ? strlen(content) : 0,
		 content ? content : "");
	if (tobi_atls_write(session, of(reply), NULL))
		printf("the enclave has gone\n");
}

static int listen_at(const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	at.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 16) ? -1 : fd;
}

int main(int argc, char **argv)
{
	static const char *const protocols[] = {"tobichi-broker/1", NULL};
	struct writer yaml = wr_init(LIMIT_POLICY), key = wr_init(LIMIT_PEM);
	struct tobi_atls_options options = {.now = now, .protocols = protocols};
	struct tobi_policy *policy = NULL;
	struct tobi_atls *broker = NULL;
	struct tobi_fault fault = {0};
	int listener = argc >= 4 ? listen_at(argv[1]) : -1;

	if (listener < 0 || file_read(argv[2], LIMIT_POLICY, "policy", &yaml, &fault) ||
	    file_read(argv[3], LIMIT_PEM, "key", &key, &fault) ||
	    tobi_policy_parse(wr_view(&yaml), argv[2], &policy, &fault))
		return printf("cannot start: %s\n", fault.message), 1;
	options.key_pem = wr_view(&key);
	if (tobi_atls_server_new(policy, &options, &broker, &fault))
		return printf("cannot start: %s\n", fault.message), 1;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("listening\n");
	for (;;) {
		struct tobi_atls_session *session = NULL;
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (tobi_atls_open(broker, fd, &session, &fault))
			printf("refused: %s\n", fault.message);
		else
			serve(session, argv + 4);
		tobi_atls_close(session);
	}
}
