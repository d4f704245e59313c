/* Serves one greeting for each attested session, with evidence that a program makes.
 * Usage: server PORT EVIDENCE-PROGRAM, which gets the nonce in hexadecimal as its
 * argument and writes a CMW collection to its standard output. Inside an enclave the
 * agent does all this; the example is for programs that bring an attester of their own.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/sha.h>
#include <tobichi/atls.h>

static uint8_t evidence[1 << 20];

static int64_t now(void)
{
	return time(NULL);
}

static enum tobi_err attest(void *program, struct tobi_bytes claims_buffer,
			    struct tobi_bytes *ret_collection, struct tobi_fault *fault)
{
	unsigned char hash[32];
	char nonce[65];
	size_t size = 0;
	int ends[2];
	ssize_t got;

	(void)fault;
	SHA256(claims_buffer.ptr, claims_buffer.size, hash);
	for (int i = 0; i < 32; i++)
		snprintf(nonce + 2 * i, 3, "%02x", hash[i]);
	if (pipe(ends) != 0)
		return TOBI_E_SYSTEM;
	if (fork() == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl(program, program, nonce, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((got = read(ends[0], evidence + size, sizeof(evidence) - size)) > 0)
		size += (size_t)got;
	close(ends[0]);
	wait(NULL);
	*ret_collection = (struct tobi_bytes){evidence, size};
	return size ? TOBI_OK : TOBI_E_SYSTEM;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct tobi_atls_options options = {.now = now, .evidence = attest};
	struct tobi_atls *server = NULL;
	struct tobi_fault fault = {0};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 3)
		return 2;
	options.context = argv[2];
	at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(listener, 8) != 0 ||
	    tobi_atls_server_new(NULL, &options, &server, &fault))
		return 2;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		struct tobi_atls_session *session;

		if (!tobi_atls_open(server, fd, &session, &fault))
			fault.code = tobi_atls_write(
			    session, (struct tobi_bytes){(const uint8_t *)"hello\n", 6},
			    NULL);
		tobi_atls_close(session);
	}
	tobi_atls_free(server);
	return 0;
}
