/*
 * Releases over the key-broker protocol: challenge, attestation, secret, with the
 * broker's own parts (SQLite, keyring, log), handlers called as the server calls them;
 * beside the cryptography that no broker can do without, by the same OpenSSL.
 *
 * Usage: kbs FOLDER ROUNDS COUNT
 *            prints for each round, microseconds of the process on cores for one release:
 *            challenge, attestation, secret, their sum; the bare operations; and of
 *            the clock on the wall, of the three
 * FOLDER must be empty: database and keys are made there. The guest's own work (its keys,
 * its report) is not counted.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/bare_release.h"
#include "broker/broker.h"
#include "broker/http.h"
#include "broker/kbs_binding.h"
#include "broker/keyring.h"
#include "broker/owners.h"
#include "broker/resource.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "tests/snp_json.h"
#include "tests/snp_scene.h"

enum { SESSIONS_MAX = 4096, ANSWER_MAX = 64 << 10, WORKERS = 8 };

static struct broker *broker;
static struct snp_scene guest;
static EVP_PKEY *guest_key;
static json_t *guest_jwk;
static char database[600], keys[600];

static struct session {
	char cookie[64], nonce[64];
	char *body;
} sessions[SESSIONS_MAX];

static int64_t now(void)
{
	return SNP_NOW;
}

static void must_be(enum tobi_err err, const struct tobi_fault *fault)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s: %s\n", fault->object, fault->field, fault->message);
	exit(2);
}

/* ---- a broker with one secret ---- */

static void make_keys(struct tobi_fault *fault)
{
	struct db *db = NULL;

	must_be(db_open(database, 1, &db, fault), fault);
	must_be(db_migrate(db, broker_migrations, broker_migration_count, fault), fault);
	must_be(keyring_init(db, keys, NULL, fault), fault);
	db_free(db);
}

static void put_secret(struct tobi_fault *fault)
{
	static const char *const repositories[] = {"red"};
	struct writer pem = wr_init(LIMIT_PEM), policy = wr_init(LIMIT_POLICY);
	const struct resource_value value = {
	    text_bytes("a secret of thirty-two bytes, ..."), 0, RESOURCE_ANY_RELEASES};
	struct policy_source source = {.scope = "red"};
	struct resource_name name;
	struct owner_key key;
	struct owner_new alice = {"alice", &key, 1, repositories, 1};
	EVP_PKEY *owner = NULL;
	uint64_t version;

	must_be(key_new(KEY_P256, &owner, fault), fault);
	must_be(key_write_public(owner, &pem, fault), fault);
	must_be(owner_key_read(wr_view(&pem), &key, fault), fault);
	must_be(owner_add(broker, &alice, now(), fault), fault);
	must_be(resource_name_read("red/secret/one", &name, fault), fault);
	snp_scene_policy(&guest, &policy);
	source.text = wr_view(&policy);
	must_be(
	    resource_put(broker, "alice", &name, &value, &source, now(), &version, fault),
	    fault);
	EVP_PKEY_free(owner);
	wr_done(&pem);
	wr_done(&policy);
}

static void make(const char *folder)
{
	struct broker_setup setup = {.name = "bench",
				     .database = database,
				     .keys = keys,
				     .connections = WORKERS + 2,
				     .session_seconds = 3600,
				     .now = now};
	struct tobi_fault fault = {0};

	snprintf(database, sizeof(database), "sqlite:%s/broker.db", folder);
	snprintf(keys, sizeof(keys), "file:%s/broker.key", folder);
	make_keys(&fault);
	must_be(key_new(KEY_P256, &setup.token_key, &fault), &fault);
	must_be(broker_open(&setup, &broker, &fault), &fault);
	snp_scene_make(&guest);
	memset(guest.report + 0xc0, 0, 32);
	snp_scene_pieces(&guest);
	put_secret(&fault);
	must_be(key_new(KEY_P256, &guest_key, &fault), &fault);
	guest_jwk = jwk_write(guest_key);
	json_object_set_new(guest_jwk, "alg", json_string("ECDH-ES+A256KW"));
}

/* ---- requests ---- */

static const char *header_of(const struct broker_request *request, const char *name)
{
	return strcmp(name, "cookie") == 0 ? request->context : NULL;
}

static void ask(size_t route, const char *path, const char *body, char *cookie,
		struct broker_reply *ret_reply)
{
	const struct broker_request request = {
	    .method = body ? HTTP_POST : HTTP_GET,
	    .path = path,
	    .query = "",
	    .body = text_bytes(body ? body : ""),
	    .remote = "192.0.2.1",
	    .now = SNP_NOW,
	    .header = header_of,
	    .context = cookie,
	};
	struct tobi_fault fault = {0};

	*ret_reply = (struct broker_reply){.status = 200, .body = wr_init(ANSWER_MAX)};
	must_be(kbs_routes[route].handler(broker, &request, ret_reply, &fault), &fault);
	if (ret_reply->status != 200) {
		fprintf(stderr, "%d: %.*s\n", ret_reply->status,
			(int)ret_reply->body.size, (const char *)ret_reply->body.ptr);
		exit(2);
	}
}

static void challenge(struct session *session)
{
	static const char body[] =
	    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}";
	struct broker_reply reply;

	ask(0, "/kbs/v0/auth", body, NULL, &reply);
	snprintf(session->cookie, sizeof(session->cookie), "%.47s",
		 reply.headers[0].value);
	snprintf(session->nonce, sizeof(session->nonce), "%.44s",
		 (const char *)reply.body.ptr + strlen("{\"nonce\":\""));
	broker_reply_done(&reply);
}

static void attest(struct session *session)
{
	struct broker_reply reply;

	ask(1, "/kbs/v0/attest", session->body, session->cookie, &reply);
	broker_reply_done(&reply);
}

static void fetch(struct session *session)
{
	struct broker_reply reply;

	ask(2, "/kbs/v0/resource/red/secret/one", NULL, session->cookie, &reply);
	broker_reply_done(&reply);
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

	clock_gettime(id, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

struct spent {
	double cores, wall;
};

struct work {
	void (*step)(struct session *);
	size_t from, to;
};

static void *do_work(void *context)
{
	const struct work *work = context;

	for (size_t i = work->from; i < work->to; i++)
		work->step(&sessions[i]);
	return NULL;
}

/* By so many workers as the server has, on one core. */
static struct spent each(void (*step)(struct session *), size_t count)
{
	double cores = clock_us(CLOCK_PROCESS_CPUTIME_ID),
	       wall = clock_us(CLOCK_MONOTONIC);
	struct work work[WORKERS];
	pthread_t threads[WORKERS];

	for (size_t i = 0; i < WORKERS; i++) {
		work[i] =
		    (struct work){step, count * i / WORKERS, count * (i + 1) / WORKERS};
		assert_int_equal(pthread_create(&threads[i], NULL, do_work, &work[i]), 0);
	}
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	return (struct spent){(clock_us(CLOCK_PROCESS_CPUTIME_ID) - cores) /
				  (double)count,
			      (clock_us(CLOCK_MONOTONIC) - wall) / (double)count};
}

static void round_of(size_t count)
{
	struct spent auth, attested, fetched;
	struct bare_release bare;
	double bare_us;

	auth = each(challenge, count);
	for (size_t i = 0; i < count; i++)
		answer(&sessions[i]);
	attested = each(attest, count);
	fetched = each(fetch, count);
	bare_release_make(&bare);
	bare_us = bare_release_run(&bare, count);
	bare_release_done(&bare);
	printf("%.1f %.1f %.1f %.1f %.1f %.1f %.1f %.1f\n", auth.cores, attested.cores,
	       fetched.cores, auth.cores + attested.cores + fetched.cores, bare_us,
	       auth.wall, attested.wall, fetched.wall);
	fflush(stdout);
}

static void one_core(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	size_t count = argc == 4 ? (size_t)strtoul(argv[3], NULL, 10) : 0;

	if (count < 1 || count > SESSIONS_MAX) {
		fprintf(stderr, "usage: kbs FOLDER ROUNDS COUNT (to %d)\n", SESSIONS_MAX);
		return 2;
	}
	one_core();
	json_wipe_memory(); /* as the broker does */
	make(argv[1]);
	for (unsigned long i = strtoul(argv[2], NULL, 10); i > 0; i--)
		round_of(count);
	broker_free(broker);
	return 0;
}
