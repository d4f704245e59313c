/*
 * Releases over the key-broker protocol from running brokers, over HTTP: challenge,
 * attestation, secret, for a guest of SEV-SNP that they have seen before.
 *
 * Usage: release INSTALL ROUNDS COUNT HELLO BROKER [BROKER]
 *   INSTALL  a command that puts the secret red/secret/one, for policy.yaml, which is
 *            written into the working folder before it is run
 *   HELLO    a server of the same HTTP library that answers a constant; BROKER: one
 *            broker, or two of one database (HELLO is not asked then, and may be -);
 *            each PORT:PID on the loopback
 * With one broker prints for each round: microseconds of the broker on cores for one
 * release; of the bare operations; of HELLO for three requests; the sum of these two; and
 * releases a second on the clock. With two: releases a second of the first alone and of
 * both together, and microseconds on cores, for one release, of it alone and of both.
 * Of a release on the clock are attestation and secret: the guest's work is before them,
 * and a challenge costs next to nothing.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/bare_release.h"
#include "broker/kbs_binding.h"
#include "codec/jose.h"
#include "tests/snp_json.h"
#include "tests/snp_scene.h"

enum {
	SESSIONS_MAX = 4096,
	CLIENTS = 16,
	TARGETS = 3,
	HELLO = 0,
	ANSWER_MAX = 32 << 10,
	HEAD_MAX = 512,
};

static struct snp_scene guest;
static EVP_PKEY *guest_key;
static json_t *guest_jwk;

static struct target {
	uint16_t port;
	pid_t pid;
	clockid_t clock;
	int links[CLIENTS];
} targets[TARGETS];

static struct session {
	char cookie[64], nonce[64];
	char *body;
} sessions[SESSIONS_MAX];

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- HTTP, as little as is needed ---- */

static int connect_to(uint16_t port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

static void send_all(int fd, const char *head, const char *body)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)head, strlen(head)},
				 {(void *)(uintptr_t)body, strlen(body)}};
	size_t at = 0;

	while (at < 2) {
		ssize_t sent = writev(fd, parts + at, (int)(2 - at));

		if (sent < 0)
			die("write");
		for (; at < 2 && (size_t)sent >= parts[at].iov_len; at++)
			sent -= (ssize_t)parts[at].iov_len;
		if (at < 2) {
			parts[at].iov_base = (char *)parts[at].iov_base + sent;
			parts[at].iov_len -= (size_t)sent;
		}
	}
}

/* A reply with a length, whole and terminated; 200 or the end. */
static char *receive(int fd, char answer[static ANSWER_MAX])
{
	size_t size = 0, wanted = 0;
	char *body = NULL;

	while (!body || (size_t)(answer + size - body) < wanted) {
		ssize_t got = read(fd, answer + size, ANSWER_MAX - 1 - size);
		const char *length;

		if (got <= 0)
			die("read");
		size += (size_t)got;
		answer[size] = '\0';
		if (!body)
			body = strstr(answer, "\r\n\r\n");
		else
			continue;
		if (!body)
			continue;
		body += 4;
		length = strcasestr(answer, "content-length:");
		wanted = length ? strtoul(length + 15, NULL, 10) : 0;
	}
	if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "%s\n", answer);
		exit(2);
	}
	return body;
}

static char *ask(int fd, const char *line, const char *cookie, const char *body,
		 char answer[static ANSWER_MAX])
{
	char head[HEAD_MAX];

	snprintf(head, sizeof(head),
		 "%s HTTP/1.1\r\nHost: localhost\r\n%s%s%sContent-Length: %zu\r\n\r\n",
		 line, cookie ? "Cookie: " : "", cookie ? cookie : "",
		 cookie ? "\r\n" : "", strlen(body));
	send_all(fd, head, body);
	return receive(fd, answer);
}

/* ---- the steps, of one session by one client ---- */

struct work {
	size_t client, count, first, brokers; /* of targets, from the first on */
	void (*step)(const struct work *work, size_t session);
};

/* Of two brokers each answers every other request. */
static int link_of(const struct work *work, size_t turn)
{
	return targets[work->first + turn % work->brokers].links[work->client];
}

static void challenge(const struct work *work, size_t which)
{
	static const char body[] =
	    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}";
	struct session *session = &sessions[which];
	char answer[ANSWER_MAX], *said, *cookie;

	said = ask(link_of(work, which), "POST /kbs/v0/auth", NULL, body, answer);
	cookie = strcasestr(answer, "set-cookie: ");
	if (!cookie)
		die("no cookie");
	snprintf(session->cookie, sizeof(session->cookie), "%.*s",
		 (int)strcspn(cookie + 12, ";"), cookie + 12);
	snprintf(session->nonce, sizeof(session->nonce), "%.44s",
		 said + strlen("{\"nonce\":\""));
}

static void attest_and_fetch(const struct work *work, size_t which)
{
	struct session *session = &sessions[which];
	char answer[ANSWER_MAX];

	ask(link_of(work, which), "POST /kbs/v0/attest", session->cookie, session->body,
	    answer);
	/* At the other one, which has to find the session. */
	ask(link_of(work, which + 1), "GET /kbs/v0/resource/red/secret/one",
	    session->cookie, "", answer);
}

static void hello(const struct work *work, size_t which)
{
	char answer[ANSWER_MAX];

	(void)which;
	for (unsigned i = 0; i < 3; i++)
		ask(targets[HELLO].links[work->client], "GET /", NULL, "", answer);
}

/* The guest's part: a report that is bound to the session. */
static void answer(struct session *session)
{
	struct writer report = wr_init(LIMIT_EVIDENCE);
	json_t *json;

	assert_int_equal(
	    kbs_binding_primary(session->nonce, guest_jwk, "", guest.report + 0x50, NULL),
	    0);
	snp_scene_report(&guest, &report);
	json = json_pack(
	    "{s:n, s:{s:s, s:O}, s:{s:o, s:s}}", "init-data", "runtime-data", "nonce",
	    session->nonce, "tee-pubkey", guest_jwk, "tee-evidence", "primary_evidence",
	    snp_json_evidence(report.ptr, false, guest.pieces, guest.piece_count),
	    "additional_evidence", "");
	free(session->body);
	session->body = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	wr_done(&report);
}

/* ---- measuring ---- */

static double clock_us(clockid_t id)
{
	struct timespec time;

	if (clock_gettime(id, &time))
		die("clock of a server");
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

static void *do_work(void *context)
{
	const struct work *work = context;

	for (size_t i = work->client; i < work->count; i += CLIENTS)
		work->step(work, i);
	return NULL;
}

struct spent {
	double cores, wall; /* microseconds, for one */
};

/* By all clients at once, with so many targets from the first on. */
static struct spent each(void (*step)(const struct work *, size_t), size_t count,
			 size_t first, size_t brokers)
{
	struct work work[CLIENTS];
	pthread_t threads[CLIENTS];
	double wall = clock_us(CLOCK_MONOTONIC), cores = 0;

	for (size_t i = 0; i < brokers; i++)
		cores -= clock_us(targets[first + i].clock);
	for (size_t i = 0; i < CLIENTS; i++) {
		work[i] = (struct work){i, count, first, brokers, step};
		assert_int_equal(pthread_create(&threads[i], NULL, do_work, &work[i]), 0);
	}
	for (size_t i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < brokers; i++)
		cores += clock_us(targets[first + i].clock);
	return (struct spent){cores / (double)count,
			      (clock_us(CLOCK_MONOTONIC) - wall) / (double)count};
}

/* cores: with the challenge. */
static struct spent releases(size_t count, size_t brokers)
{
	struct spent first = each(challenge, count, 1, brokers), rest;

	for (size_t i = 0; i < count; i++)
		answer(&sessions[i]);
	rest = each(attest_and_fetch, count, 1, brokers);
	return (struct spent){first.cores + rest.cores, rest.wall};
}

static void round_of_one(const struct bare_release *bare, size_t count)
{
	struct spent full = releases(count, 1);
	double operations = bare_release_run(bare, count);
	struct spent constant = each(hello, count, HELLO, 1);

	printf("%.1f %.1f %.1f %.1f %.1f\n", full.cores, operations, constant.cores,
	       operations + constant.cores, 1e6 / full.wall);
}

static void round_of_two(size_t count)
{
	struct spent alone = releases(count, 1), both = releases(count, 2);

	printf("%.1f %.1f %.1f %.1f\n", 1e6 / alone.wall, 1e6 / both.wall, alone.cores,
	       both.cores);
}

/* ---- setting up ---- */

static void write_policy(void)
{
	struct writer policy = wr_init(LIMIT_POLICY);
	FILE *file = fopen("policy.yaml", "we");

	snp_scene_policy(&guest, &policy);
	if (!file || fwrite(policy.ptr, policy.size, 1, file) != 1 || fclose(file))
		die("policy.yaml");
	wr_done(&policy);
}

/* Of now, for brokers that have a clock. */
static void make_guest(void)
{
	snp_scene_make(&guest);
	guest.now = guest.time = time(NULL);
	guest.leaf_from = guest.crl_from = guest.now - SNP_DAY;
	guest.leaf_to = guest.now + 7 * SNP_DAY;
	guest.crl_to = guest.now + SNP_DAY;
	memset(guest.report + 0xc0, 0, 32);
	snp_scene_pieces(&guest);
	assert_int_equal(key_new(KEY_P256, &guest_key, NULL), 0);
	guest_jwk = jwk_write(guest_key);
	json_object_set_new(guest_jwk, "alg", json_string("ECDH-ES+A256KW"));
}

static void open_target(struct target *target, const char *text)
{
	char *end = NULL;

	if (strcmp(text, "-") == 0)
		return;
	target->port = (uint16_t)strtoul(text, &end, 10);
	target->pid = *end == ':' ? (pid_t)strtol(end + 1, NULL, 10) : 0;
	if (clock_getcpuclockid(target->pid, &target->clock))
		die(text);
	for (size_t i = 0; i < CLIENTS; i++)
		target->links[i] = connect_to(target->port);
}

int main(int argc, char **argv)
{
	size_t count = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
	struct bare_release bare;

	if (argc < 6 || argc > 7 || count < CLIENTS || count > SESSIONS_MAX) {
		fprintf(stderr, "usage: release INSTALL ROUNDS COUNT HELLO BROKER "
				"[BROKER]\n");
		return 2;
	}
	make_guest();
	write_policy();
	if (system(argv[1]) != 0)
		return 2;
	for (int i = 4; i < argc; i++)
		open_target(&targets[i - 4], argv[i]);
	bare_release_make(&bare);
	releases(CLIENTS,
		 (size_t)argc - 5); /* from now on it is a platform that was seen */
	for (unsigned long i = strtoul(argv[2], NULL, 10); i > 0; i--) {
		if (argc == 6)
			round_of_one(&bare, count);
		else
			round_of_two(count);
		fflush(stdout);
	}
	bare_release_done(&bare);
	return 0;
}
