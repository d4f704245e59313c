/* A program inside an enclave that judges its clients itself: who has proven what the
 * policy asks is greeted by name, who has not is told that it is a stranger.
 * Usage: peer PORT POLICY-FILE, as the program of an image that was built with
 * --port PORT --client-policy program.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tobichi/peer.h>

static struct tobi_policy *read_policy(const char *path)
{
	static uint8_t text[(256 << 10) + 1]; /* a longer one is refused, not cut */
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(text, 1, sizeof(text), file) : 0;

	if (file)
		fclose(file);
	if (tobi_policy_parse((struct tobi_bytes){text, size}, path, &policy, &fault)) {
		fprintf(stderr, "%s: %s\n", path, fault.message);
		exit(2);
	}
	return policy;
}

/* What to say to who has connected; NULL: the agent knows nothing of it. */
static const char *judge(int fd, const struct tobi_policy *policy)
{
	struct tobi_result *result = NULL;
	struct tobi_peer *peer = NULL;
	struct tobi_fault fault = {0};
	const char *word = "hello, stranger\n";

	if (tobi_peer_new(fd, &peer, &fault)) {
		fprintf(stderr, "unknown: %s\n", fault.message);
		return NULL;
	}
	if (!tobi_peer_verify(peer, policy, NULL, time(NULL), &result, &fault)) {
		if (tobi_result_verdict(result) == TOBI_ACCEPT)
			word = "hello, friend\n";
		fprintf(stderr, "%s: %s\n", tobi_peer_address(peer),
			tobi_result_reason(result));
	} else {
		fprintf(stderr, "%s: %s\n", tobi_peer_address(peer), fault.message);
	}
	tobi_result_free(result);
	tobi_peer_free(peer);
	return word;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	struct tobi_policy *policy;

	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	policy = read_policy(argv[2]);
	at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 16))
		return 2;
	fprintf(stderr, "ready\n");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		const char *word = judge(fd, policy);

		if (word && write(fd, word, strlen(word)) < 0)
			perror("write");
		close(fd);
	}
	tobi_policy_free(policy);
	return 1;
}
