/*
 * New attested sessions with an enclave, one after the other, beside plain mutual TLS 1.3
 * handshakes with a process of this program (same group, key type and library); and from
 * nothing to the first byte of `serve` behind it, beside TLS proxies in front of another
 * `serve`, which ask for no certificate of the client.
 *
 * Usage: handshakes POLICY PORT ROUNDS COUNT [PROXY-PORT...]
 * Prints for each round the rates, a second: sessions, mutual TLS, first bytes, and the
 * first bytes of each proxy.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/file.h"
#include "base/limits.h"
#include "pki/cert.h"
#include "tobichi/atls.h"

static int64_t now(void)
{
	return time(NULL);
}

static double seconds(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "error: %s\n", what);
	exit(1);
}

static int dial(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("cannot connect");
	return fd;
}

/* ---- plain mutual TLS ---- */

static int accept_any_leaf(X509_STORE_CTX *store, void *unused)
{
	(void)store, (void)unused;
	return 1;
}

static SSL_CTX *plain_tls(const SSL_METHOD *method)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "bench",
				       .not_before = now() - 3600,
				       .not_after = now() + 86400};
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	SSL_CTX *tls = SSL_CTX_new(method);

	if (!tls || key_new(KEY_P256, &request.key, NULL) ||
	    cert_make(&request, NULL, NULL, &der, NULL) ||
	    SSL_CTX_use_certificate_ASN1(tls, (int)der.size, der.ptr) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, request.key) != 1)
		fail("TLS");
	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	SSL_CTX_set1_groups_list(tls, "X25519");
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(tls, accept_any_leaf, NULL);
	EVP_PKEY_free(request.key);
	wr_done(&der);
	return tls;
}

/* Handshakes with whoever comes, and waits for the end. */
static _Noreturn void serve_plain(int listener)
{
	SSL_CTX *tls = plain_tls(TLS_server_method());
	char byte;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		SSL *ssl = SSL_new(tls);

		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1 && SSL_write(ssl, "", 1) == 1)
			(void)!SSL_read(ssl, &byte, 1);
		SSL_free(ssl);
		close(fd);
	}
	_exit(1);
}

static pid_t start_plain(uint16_t *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(at);
	pid_t pid;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) ||
	    listen(listener, 64) || getsockname(listener, (struct sockaddr *)&at, &size))
		fail("cannot listen");
	pid = fork();
	if (pid == 0)
		serve_plain(listener);
	close(listener);
	*ret_port = ntohs(at.sin_port);
	return pid;
}

/* The server's byte shows that it, too, is through. */
static void open_plain(SSL_CTX *tls, uint16_t port)
{
	int fd = dial(port);
	SSL *ssl = SSL_new(tls);
	char byte;

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1 || SSL_read(ssl, &byte, 1) != 1)
		fail("the plain handshake failed");
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* `serve` answers this with one byte. */
static const char ask[] = "u00000000";

static void first_byte_by_tls(SSL_CTX *tls, uint16_t port)
{
	int fd = dial(port);
	SSL *ssl = SSL_new(tls);
	char byte;

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1 || SSL_write(ssl, ask, sizeof(ask) - 1) <= 0 ||
	    SSL_read(ssl, &byte, 1) != 1)
		fail("a proxy gave no byte");
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* ---- attested ---- */

static void open_attested(const struct tobi_atls *client, uint16_t port, bool first_byte)
{
	const struct tobi_bytes request = {(const uint8_t *)ask, sizeof(ask) - 1};
	struct tobi_atls_session *session = NULL;
	struct tobi_fault fault = {0};
	size_t size = 1;
	char byte;

	if (tobi_atls_open(client, dial(port), &session, &fault) ||
	    (first_byte && (tobi_atls_write(session, request, &fault) ||
			    tobi_atls_read(session, &byte, 1, &size, &fault))))
		fail(fault.message);
	if (size != 1)
		fail("the enclave gave no byte");
	tobi_atls_close(session);
}

/* ---- rounds ---- */

struct peers {
	struct tobi_atls *client;
	SSL_CTX *tls;
	uint16_t port, plain_port;
	uint16_t proxies[4];
	size_t proxy_count;
};

/* What a column of the output counts: 0 sessions, 1 mutual TLS, 2 first bytes, then those
 * of the proxies. */
static void open_one(const struct peers *peers, size_t column)
{
	if (column == 0 || column == 2)
		open_attested(peers->client, peers->port, column == 2);
	else if (column == 1)
		open_plain(peers->tls, peers->plain_port);
	else
		first_byte_by_tls(peers->tls, peers->proxies[column - 3]);
}

static void measure(const struct peers *peers, long count)
{
	for (size_t column = 0; column < 3 + peers->proxy_count; column++) {
		double start = seconds();

		for (long i = 0; i < count; i++)
			open_one(peers, column);
		printf("%s%.1f", column ? " " : "", (double)count / (seconds() - start));
	}
	puts("");
	fflush(stdout);
}

static struct tobi_policy *read_policy(const char *path)
{
	struct writer text = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	if (file_read(path, LIMIT_POLICY, "policy", &text, NULL) ||
	    tobi_policy_parse(wr_view(&text), path, &policy, NULL))
		fail("the policy cannot be read");
	wr_done(&text);
	return policy;
}

int main(int argc, char **argv)
{
	struct tobi_atls_options options = {.now = now};
	struct tobi_policy *policy;
	struct peers peers = {0};
	long rounds, count;
	pid_t server;

	if (argc < 5 || argc > 9)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	policy = read_policy(argv[1]);
	peers.port = (uint16_t)strtoul(argv[2], NULL, 10);
	rounds = strtol(argv[3], NULL, 10);
	count = strtol(argv[4], NULL, 10);
	for (int i = 5; i < argc; i++)
		peers.proxies[peers.proxy_count++] = (uint16_t)strtoul(argv[i], NULL, 10);
	server = start_plain(&peers.plain_port);
	peers.tls = plain_tls(TLS_client_method());
	if (tobi_atls_client_new(policy, &options, &peers.client, NULL))
		fail("no client");
	for (long round = 0; round < rounds; round++)
		measure(&peers, count);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	SSL_CTX_free(peers.tls);
	tobi_atls_free(peers.client);
	tobi_policy_free(policy);
	return 0;
}
