/* The certificate that the agent makes of its own evidence, and when. */
#include "tests/check.h"

#include <event2/event.h>
#include <unistd.h>

#include "base/secret.h"
#include "pki/cert.h"
#include "ratls.h"
#include "tests/evidence.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"
#include "token/ratls.h"

static const uint8_t token[] = "token";

static struct {
	unsigned reports, ready, failed;
	struct tobi_fault fault;
} seen;
static int64_t clock_now = TEST_NOW;

static struct event_base *base;
static struct evidence *evidence;
static struct ratls_server *server;
static EVP_PKEY *key, *other_key;

static int64_t now(void)
{
	return clock_now;
}

static void on_report(void *context, const uint8_t hash[static 32])
{
	(void)context;
	(void)hash;
	seen.reports++;
}

static void on_ready(void *context)
{
	(void)context;
	seen.ready++;
}

static void on_failed(void *context, const struct tobi_fault *fault)
{
	(void)context;
	seen.failed++;
	seen.fault = *fault;
}

/* endorse: the owner's chain, or empty. */
static void start(struct tobi_bytes endorse)
{
	struct evidence_setup with = {.report = on_report, .endorse = endorse};

	seen.reports = seen.ready = seen.failed = 0;
	base = event_base_new();
	with.base = base;
	assert_int_equal(key_spki_sha256(key, with.spki_sha256, NULL), 0);
	assert_int_equal(evidence_new(&with, &evidence, NULL), 0);
	assert_int_equal(ratls_server_new(key, &server, NULL), 0);
}

static struct agent_ratls *begin(int64_t remake_ms)
{
	const struct agent_ratls_setup setup = {.base = base,
						.evidence = evidence,
						.server = server,
						.key = key,
						.now = now,
						.remake_ms = remake_ms,
						.ready = on_ready,
						.failed = on_failed};
	struct agent_ratls *ratls = NULL;

	assert_int_equal(agent_ratls_new(&setup, &ratls, NULL), 0);
	return ratls;
}

static void stop(struct agent_ratls *ratls)
{
	agent_ratls_free(ratls);
	ratls_server_free(server);
	evidence_free(evidence);
	event_base_free(base);
}

static void answer(void)
{
	assert_int_equal(evidence_token(evidence, (struct tobi_bytes){token, 5},
					(struct tobi_bytes){0}, NULL),
			 0);
}

static void wait_for_reports(unsigned count)
{
	for (int i = 0; i < 5000 && seen.reports < count; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(seen.reports, count);
}

/* ---- when ---- */

static void test_agent_ratls__first_evidence__ready_once(void **state)
{
	struct agent_ratls *ratls;

	(void)state;
	start((struct tobi_bytes){0});
	ratls = begin(0);
	wait_for_reports(1);
	assert_int_equal(seen.ready, 0); /* not before there is a certificate */
	answer();
	assert_int_equal(seen.ready, 1);
	assert_int_equal(seen.failed, 0);
	stop(ratls);
}

static void test_agent_ratls__remade__ready_is_not_said_again(void **state)
{
	struct agent_ratls *ratls;

	(void)state;
	start((struct tobi_bytes){0});
	ratls = begin(20);
	wait_for_reports(1);
	answer();
	for (unsigned i = 2; i < 4; i++) {
		wait_for_reports(i);
		answer();
	}
	assert_int_equal(seen.ready, 1);
	/* One that is refused later changes nothing, and the next is asked for. */
	wait_for_reports(4);
	assert_int_equal(evidence_refused(evidence, &seen.fault, NULL), 0);
	assert_int_equal(seen.failed, 0);
	wait_for_reports(5);
	stop(ratls);
}

static void test_agent_ratls__first_is_refused__fails(void **state)
{
	struct tobi_fault why = {.code = TOBI_E_DENIED, .message = "no"};
	struct agent_ratls *ratls;

	(void)state;
	start((struct tobi_bytes){0});
	ratls = begin(0);
	wait_for_reports(1);
	assert_int_equal(evidence_refused(evidence, &why, NULL), 0);
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.ready, 0);
	assert_string_equal(seen.fault.message, "no");
	stop(ratls);
}

/* The owner's chain does not fit into a certificate: said, not left out. */
static void test_agent_ratls__too_large__fails(void **state)
{
	static uint8_t large[LIMIT_CERTIFICATE];
	struct agent_ratls *ratls;

	(void)state;
	start((struct tobi_bytes){large, sizeof(large)});
	ratls = begin(0);
	wait_for_reports(1);
	answer();
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.fault.code, TOBI_E_LIMIT);
	stop(ratls);
}

static void test_agent_ratls__freed_while_asking__no_callback(void **state)
{
	struct agent_ratls *ratls;

	(void)state;
	start((struct tobi_bytes){0});
	ratls = begin(0);
	wait_for_reports(1);
	agent_ratls_free(ratls);
	answer();
	assert_int_equal(seen.ready + seen.failed, 0);
	stop(NULL);
}

/* ---- what ---- */

static void collection_of(const char *skip, bool endorsed, struct writer *out)
{
	static const uint8_t chain[] = {0x81, 0x41, 0xaa};
	CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	struct cmw_record records[3] = {
	    {.key = {(const uint8_t *)"cpu", 3},
	     .media_type = {(const uint8_t *)CMW_TYPE_EAT, sizeof(CMW_TYPE_EAT) - 1},
	     .value = {token, 5},
	     .indicator = CMW_EVIDENCE},
	    {.key = {(const uint8_t *)"claims", 6},
	     .media_type = {(const uint8_t *)CMW_TYPE_CLAIMS,
			    sizeof(CMW_TYPE_CLAIMS) - 1},
	     .indicator = CMW_EVIDENCE},
	    {.key = {(const uint8_t *)"endorse", 7},
	     .media_type = {(const uint8_t *)CMW_TYPE_CHAIN, sizeof(CMW_TYPE_CHAIN) - 1},
	     .value = {chain, sizeof(chain)},
	     .indicator = CMW_ENDORSEMENT},
	};
	struct cmw_record kept[3];
	size_t count = 0;
	uint8_t spki[32];

	assert_int_equal(key_spki_sha256(key, spki, NULL), 0);
	claims_buffer_write(&claims, (struct tobi_bytes){0}, spki, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	records[1].value = wr_view(&claims);
	for (size_t i = 0; i < (endorsed ? 3 : 2); i++) {
		if (!skip || !bytes_equal_text(records[i].key, skip))
			kept[count++] = records[i];
	}
	cmw_write(out, kept, count);
	assert_int_equal(wr_err(out), 0);
}

static void test_agent_ratls_certificate__carries_all_of_it(void **state)
{
	(void)state;
	for (int endorsed = 0; endorsed < 2; endorsed++) {
		CLEANUP(wr_done) struct writer collection = wr_init(LIMIT_EVIDENCE);
		CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
		CLEANUP(X509_freep) X509 *certificate = NULL;
		CLEANUP(arena_done) struct arena arena = arena_init(LIMIT_APPRAISAL);
		struct ratls_carried carried;
		struct claims_buffer claims;
		uint8_t spki[32];

		collection_of(NULL, endorsed, &collection);
		assert_int_equal(agent_ratls_certificate(key, wr_view(&collection),
							 TEST_NOW, &der, NULL),
				 0);
		assert_int_equal(
		    chain_read_certificate(wr_view(&der), "leaf", &certificate, NULL), 0);
		assert_int_equal(ratls_find(certificate, &arena, &carried, NULL), 0);
		assert_int_equal(carried.form, RATLS_CCC);
		assert_int_equal(carried.evidence.tag, RATLS_TAG_EAT);
		assert_true(bytes_equal_text(carried.evidence.evidence, "token"));
		assert_int_equal(carried.has_endorsements, endorsed);
		assert_int_equal(carried.endorsements.chain.size, endorsed ? 3 : 0);
		/* Only the key: no nonce, and nothing of a session. */
		assert_int_equal(
		    claims_buffer_parse(carried.evidence.claims_buffer, &claims, NULL),
		    0);
		assert_int_equal(key_spki_sha256(key, spki, NULL), 0);
		assert_true(bytes_equal(claims.pubkey_hash,
					(struct tobi_bytes){spki, sizeof(spki)}));
		assert_int_equal(claims.nonce.size + claims.binding.size, 0);
		assert_int_equal(X509_verify(certificate, key), 1);
		assert_int_not_equal(X509_verify(certificate, other_key), 1);
	}
}

static void test_agent_ratls_certificate__incomplete_evidence__fails(void **state)
{
	static const char *const records[] = {"cpu", "claims"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(wr_done) struct writer collection = wr_init(LIMIT_EVIDENCE);
		CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);

		collection_of(records[i], true, &collection);
		assert_int_equal(agent_ratls_certificate(key, wr_view(&collection),
							 TEST_NOW, &der, NULL),
				 TOBI_E_MALFORMED);
		assert_int_equal(der.size, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_agent_ratls__first_evidence__ready_once),
	    cmocka_unit_test(test_agent_ratls__remade__ready_is_not_said_again),
	    cmocka_unit_test(test_agent_ratls__first_is_refused__fails),
	    cmocka_unit_test(test_agent_ratls__too_large__fails),
	    cmocka_unit_test(test_agent_ratls__freed_while_asking__no_callback),
	    cmocka_unit_test(test_agent_ratls_certificate__carries_all_of_it),
	    cmocka_unit_test(test_agent_ratls_certificate__incomplete_evidence__fails),
	};
	int failed;

	if (key_new(KEY_P256, &key, NULL) || key_new(KEY_P256, &other_key, NULL))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	return failed;
}
