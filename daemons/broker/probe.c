#include "daemons/broker/probe.h"

#include <arpa/inet.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/file.h"
#include "base/limits.h"

enum { WAIT_SECONDS = 5, HEAD_SIZE = 64 };

static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
			      "Connection: close\r\n\r\n";

/* Who listens on every address is asked at that of this host. */
static int connect_to(const char *where)
{
	const struct timeval wait = {WAIT_SECONDS, 0};
	struct sockaddr_storage address = {0};
	int size = sizeof(address), fd;

	if (evutil_parse_sockaddr_port(where, (struct sockaddr *)&address, &size))
		return -1;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
	    connect(fd, (struct sockaddr *)&address, (socklen_t)size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* It is this broker, if it has the certificate of the configuration. */
static bool is_ours(SSL *ssl, const char *path)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	X509 *theirs = SSL_get0_peer_certificate(ssl), *ours = NULL;
	BIO *bio = NULL;
	bool same;

	if (file_read(path, LIMIT_PEM, "TLS certificate", &pem, NULL))
		return false;
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	ours = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	same = ours && theirs && X509_cmp(ours, theirs) == 0;
	X509_free(ours);
	BIO_free(bio);
	return same;
}

static enum probe_answer read_answer(const char *head)
{
	if (strncmp(head, "HTTP/1.1 200 ", 13) == 0)
		return PROBE_READY;
	return strncmp(head, "HTTP/1.1 503 ", 13) == 0 ? PROBE_ALIVE : PROBE_OTHER;
}

static enum probe_answer ask_plain(int fd)
{
	char head[HEAD_SIZE] = "";

	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) !=
		(ssize_t)sizeof(request) - 1 ||
	    recv(fd, head, sizeof(head) - 1, MSG_WAITALL) <= 0)
		return PROBE_OTHER;
	return read_answer(head);
}

static enum probe_answer ask_secure(int fd, const char *certificate)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	SSL *ssl = tls ? SSL_new(tls) : NULL;
	enum probe_answer answer = PROBE_OTHER;
	char head[HEAD_SIZE] = "";

	if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 &&
	    is_ours(ssl, certificate) &&
	    SSL_write(ssl, request, sizeof(request) - 1) > 0 &&
	    SSL_read(ssl, head, sizeof(head) - 1) > 0)
		answer = read_answer(head);
	ERR_clear_error();
	SSL_free(ssl);
	SSL_CTX_free(tls);
	return answer;
}

enum probe_answer probe_ready(const struct config *config)
{
	CLEANUP(fd_close) int fd = connect_to(config->listen[0]);

	if (fd < 0)
		return PROBE_AWAY;
	return config->certificate ? ask_secure(fd, config->certificate) : ask_plain(fd);
}
