#include "tests/check.h"

#include <event2/event.h>

#include "base/secret.h"
#include "evidence.h"
#include "pki/key.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

static const uint8_t spki[32] = {1, 2, 3};
static const uint8_t nonce[32] = {9};

static struct {
	unsigned reports, collections, refusals;
	uint8_t last_hash[32];
	struct writer collection;
} seen;

static void on_report(void *context, const uint8_t hash[static 32])
{
	(void)context;
	seen.reports++;
	bytes_copy(seen.last_hash, 32, hash, 32);
}

static void on_done(void *context, const struct writer *collection,
		    const struct tobi_fault *why)
{
	(void)context;
	assert_true(!collection != !why);
	seen.refusals += why != NULL;
	if (!collection)
		return;
	seen.collections++;
	wr_done(&seen.collection);
	seen.collection = wr_init(LIMIT_EVIDENCE);
	wr_bytes(&seen.collection, collection->ptr, collection->size);
}

static struct event_base *base;
static struct evidence *evidence;

static int setup(void **state)
{
	struct evidence_setup with = {.report = on_report,
				      .endorse = {(const uint8_t *)"chain", 5}};

	(void)state;
	seen.reports = seen.collections = seen.refusals = 0;
	base = event_base_new();
	with.base = base;
	bytes_copy(with.spki_sha256, 32, spki, 32);
	return (int)evidence_new(&with, &evidence, NULL);
}

static int teardown(void **state)
{
	(void)state;
	evidence_free(evidence);
	event_base_free(base);
	wr_done(&seen.collection);
	return 0;
}

static void session_claims(struct writer *out, const uint8_t *key, size_t binder)
{
	claims_buffer_write(out, (struct tobi_bytes){nonce, 32}, key, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){nonce, binder});
}

static void test_file_holds_token_claims_and_chain(void **state)
{
	struct tobi_bytes token = {(const uint8_t *)"token", 5};
	struct claims_buffer claims;
	const struct cmw_record *record;
	uint8_t hash[32];
	struct cmw cmw;

	(void)state;
	assert_int_equal(evidence_for_nonce(evidence, (struct tobi_bytes){nonce, 32},
					    on_done, &seen, NULL),
			 TOBI_OK);
	assert_int_equal(seen.reports, 1);
	assert_int_equal(evidence_token(evidence, token, (struct tobi_bytes){0}, NULL),
			 TOBI_OK);
	assert_int_equal(cmw_parse(wr_view(&seen.collection), "evidence", &cmw, NULL),
			 TOBI_OK);
	assert_int_equal(cmw.count, 3);
	assert_true(bytes_equal(cmw_find(&cmw, "cpu")->value, token));
	assert_true(bytes_equal_text(cmw_find(&cmw, "endorse")->value, "chain"));
	record = cmw_find(&cmw, "claims");
	assert_int_equal(hash_sha256(record->value, hash), TOBI_OK);
	assert_memory_equal(hash, seen.last_hash, 32);
	assert_int_equal(claims_buffer_parse(record->value, &claims, NULL), TOBI_OK);
	assert_true(bytes_equal(claims.nonce, (struct tobi_bytes){nonce, 32}));
	assert_true(bytes_equal(claims.pubkey_hash, (struct tobi_bytes){spki, 32}));
	assert_int_equal(claims.binding.size, 0);
}

static void test_session_without_its_claims(void **state)
{
	struct writer out = wr_init(LIMIT_CLAIMS_BUFFER);
	struct cmw cmw;

	(void)state;
	session_claims(&out, spki, 32);
	assert_int_equal(
	    evidence_for_session(evidence, wr_view(&out), on_done, &seen, NULL), TOBI_OK);
	assert_int_equal(evidence_token(evidence, (struct tobi_bytes){nonce, 4},
					(struct tobi_bytes){0}, NULL),
			 TOBI_OK);
	assert_int_equal(cmw_parse(wr_view(&seen.collection), "evidence", &cmw, NULL),
			 TOBI_OK);
	assert_null(cmw_find(&cmw, "claims"));
	assert_null(cmw_find(&cmw, "guest"));
	wr_done(&out);
}

static void test_session_with_what_attests_the_guest(void **state)
{
	struct writer out = wr_init(LIMIT_CLAIMS_BUFFER);
	struct cmw cmw;

	(void)state;
	session_claims(&out, spki, 32);
	assert_int_equal(
	    evidence_for_session(evidence, wr_view(&out), on_done, &seen, NULL), TOBI_OK);
	assert_int_equal(evidence_token(evidence, (struct tobi_bytes){nonce, 4},
					(struct tobi_bytes){nonce, 5}, NULL),
			 TOBI_OK);
	assert_int_equal(cmw_parse(wr_view(&seen.collection), "evidence", &cmw, NULL),
			 TOBI_OK);
	assert_int_equal(cmw_find(&cmw, "guest")->value.size, 5);
	assert_true(
	    bytes_equal_text(cmw_find(&cmw, "guest")->media_type, CMW_TYPE_COLLECTION));
	assert_int_equal(cmw_find(&cmw, "cpu")->value.size, 4);
	wr_done(&out);
}

/* The agent is no oracle: another key, or no session, is not reported. */
static void test_foreign_claims_are_not_reported(void **state)
{
	struct writer other = wr_init(LIMIT_CLAIMS_BUFFER);
	struct writer unbound = wr_init(LIMIT_CLAIMS_BUFFER);

	(void)state;
	session_claims(&other, nonce, 32);
	session_claims(&unbound, spki, 0);
	assert_int_equal(
	    evidence_for_session(evidence, wr_view(&other), on_done, &seen, NULL),
	    TOBI_E_DENIED);
	assert_int_equal(
	    evidence_for_session(evidence, wr_view(&unbound), on_done, &seen, NULL),
	    TOBI_E_DENIED);
	assert_int_equal(seen.reports, 0);
	wr_done(&other);
	wr_done(&unbound);
}

static void test_answers_keep_their_order(void **state)
{
	int first, second;

	(void)state;
	for (int *at = &first; at; at = at == &first ? &second : NULL)
		assert_int_equal(evidence_for_nonce(evidence,
						    (struct tobi_bytes){nonce, 32},
						    on_done, at, NULL),
				 TOBI_OK);
	/* The first asker is gone: its token must not go to the second. */
	evidence_forget(evidence, &first);
	assert_int_equal(evidence_token(evidence, (struct tobi_bytes){nonce, 4},
					(struct tobi_bytes){0}, NULL),
			 TOBI_OK);
	assert_int_equal(seen.collections, 0);
	assert_int_equal(
	    evidence_refused(evidence, &(struct tobi_fault){.code = TOBI_E_DENIED}, NULL),
	    TOBI_OK);
	assert_int_equal(seen.refusals, 1);
	assert_int_equal(evidence_token(evidence, (struct tobi_bytes){nonce, 4},
					(struct tobi_bytes){0}, NULL),
			 TOBI_E_PROTOCOL);
}

static void test_reports_are_limited_in_rate_and_number(void **state)
{
	enum tobi_err err;
	unsigned asked = 0;

	(void)state;
	do
		err = evidence_for_nonce(evidence, (struct tobi_bytes){nonce, 32},
					 on_done, &seen, NULL);
	while (!err && ++asked < 1000);
	assert_int_equal(err, TOBI_E_LIMIT);
	assert_true(seen.reports > 0 && seen.reports < asked);
	event_base_loop(base, EVLOOP_ONCE);
	assert_true(seen.reports < asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_file_holds_token_claims_and_chain, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_session_without_its_claims, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_session_with_what_attests_the_guest,
					    setup, teardown),
	    cmocka_unit_test_setup_teardown(test_foreign_claims_are_not_reported, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_answers_keep_their_order, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_reports_are_limited_in_rate_and_number,
					    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
