/*
 * A man in the middle, for tests and the main example: it stands between a client and an
 * enclave and does all that somebody with full control of the network can do.
 *
 * Usage: relay MODE PORT    PORT: of the enclave, on 127.0.0.1
 *
 *   pass    moves the bytes and no more, as any network does. Not an attack.
 *   relay   ends the client's TLS with a key of its own, has a session of its own with
 *           the enclave, and forwards the messages between the two unchanged.
 *   replay  asks the enclave for evidence first, with a nonce of its own, and shows that
 *           to each client.
 *   forge   as relay, but writes into EVIDENCE the claims that the client wants to see.
 *
 * It prints the port on which it listens, a line for each message that it sees, and how
 * much data a client has entrusted to it. It serves until it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "atls/message.h"
#include "atls/tls.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "pki/cert.h"

enum mode { PASS, RELAY, REPLAY, FORGE };

enum { MAX_FRAME = ATLS_FRAME_HEADER + LIMIT_ATLS_EVIDENCE, TIMEOUT_S = 20 };

struct relay {
	enum mode mode;
	uint16_t target;
	struct atls_endpoint server, client; /* towards the client, towards the enclave */
	struct writer certificate;
	uint8_t key_hash[SHA256_SIZE];
	struct writer answer, evidence; /* recorded, for replay */
};

/* What is known of one session with a client: the frames that its evidence is bound to.
 */
struct talk {
	SSL *client, *enclave;
	struct writer offer, answer, evidence;
};

static void say(const char *text)
{
	printf("%s\n", text);
	fflush(stdout);
}

static int dial(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fd_close(&fd);
	if (fd >= 0)
		IGNORE(
		    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	return fd;
}

/* ---- frames over TLS ---- */

static SSL *tls_start(const struct atls_endpoint *endpoint, int fd)
{
	SSL *ssl = SSL_new(endpoint->tls);

	if (!ssl || SSL_set_fd(ssl, fd) != 1 ||
	    (endpoint->role == TOBI_ROLE_SERVER ? SSL_accept(ssl) : SSL_connect(ssl)) !=
		1) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static bool read_whole(SSL *ssl, uint8_t *room, size_t size)
{
	size_t part;

	for (size_t done = 0; done < size; done += part) {
		if (SSL_read_ex(ssl, room + done, size - done, &part) != 1)
			return false;
	}
	return true;
}

static const char *name_of(enum atls_type type)
{
	static const char *const names[] = {[ATLS_OFFER] = "OFFER",
					    [ATLS_ANSWER] = "ANSWER",
					    [ATLS_EVIDENCE] = "EVIDENCE",
					    [ATLS_RESULT] = "RESULT"};

	return names[type];
}

/* The next frame, header included, which must be of this type; frame is emptied before.
 */
static bool read_frame(SSL *ssl, enum atls_type want, struct writer *frame)
{
	bool known;
	uint8_t *room;
	enum atls_type type;
	size_t size = 0;

	wr_done(frame);
	*frame = wr_init(MAX_FRAME);
	room = wr_reserve(frame, ATLS_FRAME_HEADER);
	if (!room || !read_whole(ssl, room, ATLS_FRAME_HEADER) ||
	    atls_frame_size(room, true, &size, NULL))
		return false;
	room = wr_reserve(frame, size);
	if (!room || !read_whole(ssl, room, size))
		return false;
	known = !atls_read_type((struct tobi_bytes){room, size}, &type, NULL);
	if (!known || type != want)
		return false;
	printf("%s of %zu bytes from the %s\n", name_of(type), frame->size,
	       SSL_is_server(ssl) ? "client" : "enclave");
	fflush(stdout);
	return true;
}

static struct tobi_bytes item_of(const struct writer *frame)
{
	return (struct tobi_bytes){frame->ptr + ATLS_FRAME_HEADER,
				   frame->size - ATLS_FRAME_HEADER};
}

static bool send_frame(SSL *ssl, const struct writer *frame)
{
	size_t part;

	if (wr_err(frame))
		return false;
	for (size_t done = 0; done < frame->size; done += part) {
		if (SSL_write_ex(ssl, frame->ptr + done, frame->size - done, &part) != 1)
			return false;
	}
	return true;
}

/* SHA-256 of frames one after the other; the last may be NULL. */
static bool hash_frames(const struct writer *one, const struct writer *two,
			const struct writer *three, uint8_t ret_hash[static SHA256_SIZE])
{
	CLEANUP(wr_done) struct writer all = wr_init((size_t)3 * MAX_FRAME);

	wr_bytes(&all, one->ptr, one->size);
	wr_bytes(&all, two->ptr, two->size);
	if (three)
		wr_bytes(&all, three->ptr, three->size);
	return !wr_err(&all) && !hash_sha256(wr_view(&all), ret_hash);
}

/* ---- the attacks ---- */

/* An acceptance with the hash that the client expects: an attacker can do that. */
static bool send_acceptance(const struct talk *talk)
{
	CLEANUP(wr_done) struct writer frame = wr_init(LIMIT_ATLS_FRAME);
	uint8_t hash[SHA256_SIZE];

	if (!hash_frames(&talk->offer, &talk->answer, &talk->evidence, hash))
		return false;
	atls_write_result(&frame, &(struct atls_result){
				      ATLS_ACCEPT, {hash, sizeof(hash)}, ATLS_NO_REASON});
	return send_frame(talk->client, &frame);
}

/* EVIDENCE with the claims that fit the client's session, around the genuine token. */
static bool forge_claims(const struct relay *relay, struct talk *talk)
{
	CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	CLEANUP(wr_done) struct writer forged = wr_init(MAX_FRAME);
	struct atls_exporter exporter = atls_tls_exporter(talk->client);
	struct atls_evidence evidence;
	struct atls_binding binding = {.role = TOBI_ROLE_SERVER,
				       .attester = relay->key_hash};
	struct atls_hello hello;
	uint8_t context[SHA256_SIZE];

	if (atls_read_hello(item_of(&talk->offer), ATLS_OFFER, &hello, NULL) ||
	    atls_read_evidence(item_of(&talk->evidence), &evidence, NULL) ||
	    !hash_frames(&talk->offer, &talk->answer, NULL, context))
		return false;
	binding.nonce = hello.nonce;
	if (atls_binding_claims(&binding, &exporter, context, &claims, NULL))
		return false;
	evidence.claims_buffer = wr_view(&claims);
	atls_write_evidence(&forged, &evidence);
	if (wr_err(&forged))
		return false;
	wr_done(&talk->evidence);
	talk->evidence = forged;
	forged = wr_init(0);
	return true;
}

/* Between the client's session and one of our own, message by message. */
static bool forward(const struct relay *relay, struct talk *talk)
{
	CLEANUP(wr_done) struct writer result = wr_init(MAX_FRAME);

	if (!read_frame(talk->client, ATLS_OFFER, &talk->offer) ||
	    !send_frame(talk->enclave, &talk->offer) ||
	    !read_frame(talk->enclave, ATLS_ANSWER, &talk->answer) ||
	    !send_frame(talk->client, &talk->answer) ||
	    !read_frame(talk->enclave, ATLS_EVIDENCE, &talk->evidence))
		return false;
	if (relay->mode == FORGE && !forge_claims(relay, talk))
		return false;
	if (!send_frame(talk->client, &talk->evidence) ||
	    !read_frame(talk->enclave, ATLS_RESULT, &result))
		return false;
	if (relay->mode == FORGE)
		return send_acceptance(talk);
	return send_frame(talk->client, &result);
}

/* Evidence that the enclave makes for us, before any client comes. */
static bool record(struct relay *relay)
{
	CLEANUP(wr_done) struct writer offer = wr_init(LIMIT_ATLS_FRAME);
	static const uint8_t nonce[ATLS_NONCE_SIZE] = "a nonce of the attacker's";
	static const char type[] = "eat";
	struct atls_hello hello = {.type = ATLS_OFFER,
				   .version = ATLS_VERSION,
				   .nonce = {nonce, sizeof(nonce)},
				   .peer_must_attest = true,
				   .types = {{(const uint8_t *)type, strlen(type)}},
				   .type_count = 1};
	CLEANUP(fd_close) int fd = dial(relay->target);
	SSL *enclave = fd < 0 ? NULL : tls_start(&relay->client, fd);
	bool good;

	atls_write_hello(&offer, &hello);
	good = enclave && send_frame(enclave, &offer) &&
	       read_frame(enclave, ATLS_ANSWER, &relay->answer) &&
	       read_frame(enclave, ATLS_EVIDENCE, &relay->evidence);
	SSL_free(enclave);
	return good;
}

static bool replay(const struct relay *relay, struct talk *talk)
{
	wr_bytes(&talk->answer, relay->answer.ptr, relay->answer.size);
	wr_bytes(&talk->evidence, relay->evidence.ptr, relay->evidence.size);
	return read_frame(talk->client, ATLS_OFFER, &talk->offer) &&
	       send_frame(talk->client, &talk->answer) &&
	       send_frame(talk->client, &talk->evidence) && send_acceptance(talk);
}

/* What the client says to the evidence, and each byte that it sends us after that. */
static void listen_to_client(SSL *client)
{
	CLEANUP(wr_done) struct writer frame = wr_init(MAX_FRAME);
	struct atls_result result;
	size_t size, total = 0;
	char data[4096];

	if (!read_frame(client, ATLS_RESULT, &frame) ||
	    atls_read_result(item_of(&frame), &result, NULL)) {
		say("the client broke off");
		return;
	}
	printf("the client %s: %s\n",
	       result.status == ATLS_ACCEPT ? "accepts" : "refuses",
	       atls_reason_text(result.reason));
	while (SSL_read_ex(client, data, sizeof(data), &size) == 1)
		total += size;
	printf("%zu bytes of data from the client\n", total);
	fflush(stdout);
}

static void attack(const struct relay *relay, int fd)
{
	struct talk talk = {.offer = wr_init(MAX_FRAME),
			    .answer = wr_init(MAX_FRAME),
			    .evidence = wr_init(MAX_FRAME)};
	CLEANUP(fd_close) int far = relay->mode == REPLAY ? -1 : dial(relay->target);
	bool good;

	talk.client = tls_start(&relay->server, fd);
	talk.enclave = far < 0 ? NULL : tls_start(&relay->client, far);
	if (!talk.client || (!talk.enclave && relay->mode != REPLAY))
		say("no TLS session");
	else if ((good = relay->mode == REPLAY ? replay(relay, &talk)
					       : forward(relay, &talk)))
		listen_to_client(talk.client);
	else
		say("the exchange failed");
	SSL_free(talk.client);
	SSL_free(talk.enclave);
	wr_done(&talk.offer);
	wr_done(&talk.answer);
	wr_done(&talk.evidence);
}

/* ---- no attack ---- */

/* 1: some bytes moved; 0: the source has ended; -1: a failure. */
static int move_some(int from, int to)
{
	char bytes[16384];
	ssize_t size = read(from, bytes, sizeof(bytes)), part;

	for (ssize_t done = 0; done < size; done += part) {
		part = write(to, bytes + done, (size_t)(size - done));
		if (part <= 0)
			return -1;
	}
	return size > 0 ? 1 : (int)size;
}

static void pass(const struct relay *relay, int fd)
{
	CLEANUP(fd_close) int far = dial(relay->target);
	struct pollfd ends[2] = {{.fd = fd, .events = POLLIN},
				 {.fd = far, .events = POLLIN}};

	while (far >= 0 && poll(ends, 2, -1) > 0) {
		for (size_t i = 0; i < 2; i++) {
			int moved =
			    ends[i].revents ? move_some(i ? far : fd, i ? fd : far) : 1;

			if (moved < 0)
				return;
			if (moved > 0)
				continue;
			shutdown(i ? fd : far, SHUT_WR);
			ends[i].fd = -1;
		}
		if (ends[0].fd < 0 && ends[1].fd < 0)
			return;
	}
}

/* ---- setting up ---- */

static int64_t now(void)
{
	return time(NULL);
}

static enum tobi_err make_endpoints(struct relay *relay, struct tobi_fault *fault)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "tobichi enclave",
				       .not_before = now() - 3600,
				       .not_after = now() + 86400};
	enum tobi_err err = key_new(KEY_P256, &relay->server.key, fault);

	if (err)
		return err;
	request.key = relay->server.key;
	relay->certificate = wr_init(LIMIT_CERTIFICATE);
	err = cert_make(&request, NULL, NULL, &relay->certificate, fault);
	relay->server.role = TOBI_ROLE_SERVER;
	relay->server.certificate = wr_view(&relay->certificate);
	relay->client.role = TOBI_ROLE_CLIENT;
	if (!err)
		err = key_spki_sha256(relay->server.key, relay->key_hash, fault);
	if (!err)
		err = atls_tls_new(&relay->server, &relay->server.tls, fault);
	return err ? err : atls_tls_new(&relay->client, &relay->client.tls, fault);
}

static int open_listener(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 8) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		return -1;
	printf("listening on port %u\n", (unsigned)ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static int serve(struct relay *relay)
{
	struct timeval timeout = {.tv_sec = TIMEOUT_S};
	int listener, fd;

	if (relay->mode == REPLAY && !record(relay)) {
		fprintf(stderr, "error: no evidence from the enclave\n");
		return 2;
	}
	listener = open_listener();
	if (listener < 0) {
		fprintf(stderr, "error: cannot listen: %s\n", strerror(errno));
		return 2;
	}
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (relay->mode == PASS) {
			pass(relay, fd);
		} else {
			IGNORE(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
					  sizeof(timeout)));
			attack(relay, fd);
		}
		fd_close(&fd);
	}
	return 2;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = {
	    [PASS] = "pass", [RELAY] = "relay", [REPLAY] = "replay", [FORGE] = "forge"};
	struct relay relay = {.answer = wr_init(MAX_FRAME),
			      .evidence = wr_init(MAX_FRAME)};
	struct tobi_fault fault = {0};
	size_t mode = 0;
	char line[512];

	while (argc == 3 && mode < 4 && strcmp(argv[1], modes[mode]) != 0)
		mode++;
	if (argc != 3 || mode == 4) {
		fprintf(stderr, "Usage: relay pass|relay|replay|forge PORT\n");
		return 2;
	}
	relay.mode = (enum mode)mode;
	relay.target = (uint16_t)strtoul(argv[2], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	if (make_endpoints(&relay, &fault)) {
		tobi_fault_print(&fault, line, sizeof(line));
		fprintf(stderr, "error: %s\n", line);
		return 2;
	}
	return serve(&relay);
}
