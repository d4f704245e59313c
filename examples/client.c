/* Asks an enclave for a page, over a channel that opens only after it has proven itself.
 * Usage: client ADDRESS PORT POLICY */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tobichi/atls.h>

static int64_t now(void)
{
	return time(NULL);
}

int main(int argc, char **argv)
{
	static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct tobi_atls_options options = {.now = now};
	struct tobi_atls_session *session = NULL;
	struct tobi_policy *policy = NULL;
	struct tobi_atls *client = NULL;
	struct tobi_fault fault = {0};
	/* One byte more than a policy may have: none is cut, a longer one is refused. */
	static char text[(256 << 10) + 1];
	char line[512];
	size_t size = 0;
	FILE *file;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	file = fopen(argv[3], "r");
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (!file || fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return 2;
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	if (tobi_policy_parse((struct tobi_bytes){(uint8_t *)text, size}, argv[3],
			      &policy, &fault) ||
	    tobi_atls_client_new(policy, &options, &client, &fault) ||
	    tobi_atls_open(client, fd, &session, &fault) ||
	    tobi_atls_write(session,
			    (struct tobi_bytes){(const uint8_t *)ask, strlen(ask)},
			    &fault)) {
		tobi_fault_print(&fault, line, sizeof(line));
		fprintf(stderr, "%s\n", line);
	} else {
		while (!tobi_atls_read(session, text, sizeof(text), &size, &fault) &&
		       size)
			fwrite(text, 1, size, stdout);
	}
	tobi_atls_close(session);
	tobi_atls_free(client);
	tobi_policy_free(policy);
	return fault.code ? 1 : 0;
}
