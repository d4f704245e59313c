#include "tests/unit/atls/pair.h"

#include "appraise/atls_checks.h"
#include "base/secret.h"

/* ---- what must work ---- */

static void check_flows(void **state)
{
	static const size_t chunks[] = {0, 1, 3, 100};

	(void)state;
	for (enum flow flow = SERVER_ATTESTS; flow <= CLIENT_ATTESTS; flow++) {
		for (size_t i = 0; i < 4; i++) {
			struct pair pair;

			pair_init(&pair, flow);
			pair.chunk = chunks[i];
			pair_run(&pair);
			assert_true(is_open(&pair.client) && is_open(&pair.server));
			assert_int_equal(pair.client.asked, flow != CLIENT_ATTESTS);
			assert_int_equal(pair.server.asked, flow != SERVER_ATTESTS);
			if (flow != CLIENT_ATTESTS) {
				assert_failed(&pair.client, false, false, false, false);
				assert_int_equal(
				    outcome(&pair.client, &check_atls_exporter),
				    TOBI_PASSED);
				assert_int_equal(outcome(&pair.client, &check_atls_gate),
						 TOBI_PASSED);
			}
			pair_done(&pair);
		}
	}
}

static void check_flows__no_client_key(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.setup.own_key = NULL;
	pair.server.setup.peer_key = NULL;
	pair_run(&pair);
	assert_true(is_open(&pair.client) && is_open(&pair.server));
	pair_done(&pair);
}

static void check_protocols(void **state)
{
	static const char *const offered[] = {"other", "tobichi-secrets/1", NULL};
	static const char *const known[] = {"tobichi-secrets/1", NULL};
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.setup.protocols = offered;
	pair.server.setup.protocols = known;
	pair_run(&pair);
	assert_string_equal(atls_exchange_protocol(pair.client.x), "tobichi-secrets/1");
	assert_string_equal(atls_exchange_protocol(pair.server.x), "tobichi-secrets/1");
	pair_done(&pair);
}

/* Data right behind the peer's last RESULT is legal, and left to the caller. */
static void append_data(struct writer *wire, unsigned index, struct tobi_bytes frame,
			void *context)
{
	wr_bytes(wire, frame.ptr, frame.size);
	if (index == *(unsigned *)context)
		wr_bytes(wire, "data", 4);
}

static void check_data__after_result(void **state)
{
	unsigned last = 1;
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.to_server = append_data; /* OFFER, RESULT, data */
	pair.context = &last;
	pair_run(&pair);
	assert_true(is_open(&pair.server));
	assert_true(bytes_equal_text(wr_view(&pair.data), "data"));
	pair_done(&pair);
	last = 2;
	pair_init(&pair, MUTUAL);
	pair.to_client = append_data; /* ANSWER, EVIDENCE, RESULT, data */
	pair.context = &last;
	pair_run(&pair);
	assert_true(is_open(&pair.client));
	assert_true(bytes_equal_text(wr_view(&pair.data), "data"));
	pair_done(&pair);
}

/* ---- what must not ---- */

/* Section 4: genuine evidence of another session between other TLS ends. */
static void check_relay(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	memset(pair.server.secret, 0x77,
	       32); /* the intruder's own session with the enclave */
	pair_run(&pair);
	assert_failed(&pair.client, false, false, false, true);
	assert_closed(&pair.client, TOBI_E_REFUSED);
	assert_told(&pair.server, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
	pair_done(&pair);
}

static void check_keys(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.peer_key[0] ^= 1; /* another leaf than the evidence names */
	pair_run(&pair);
	assert_failed(&pair.client, false, false, true, true);
	assert_told(&pair.server, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
	pair_done(&pair);
	pair_init(&pair, SERVER_ATTESTS);
	pair.server.peer_key[0] ^= 1; /* made for another verifier */
	pair_run(&pair);
	assert_failed(&pair.client, false, false, false, true);
	assert_false(is_open(&pair.client) || is_open(&pair.server));
	pair_done(&pair);
}

/* Puts another claims-buffer in: the one that context holds. */
static void swap_claims(struct writer *wire, unsigned index, struct tobi_bytes frame,
			void *context)
{
	struct atls_evidence evidence;

	if (index != 1) {
		wr_bytes(wire, frame.ptr, frame.size);
		return;
	}
	assert_int_equal(
	    atls_read_evidence((struct tobi_bytes){frame.ptr + 4, frame.size - 4},
			       &evidence, NULL),
	    0);
	evidence.claims_buffer = wr_view(context);
	atls_write_evidence(wire, &evidence);
}

static void check_claims__each_part(void **state)
{
	(void)state;
	/* 0 nonce, 1 role, 2 version, 3 an extra claim, 4 no binding, 5 not CBOR */
	for (int part = 0; part <= 5; part++) {
		CLEANUP(wr_done) struct writer claims = wr_init(4096);
		struct pair pair;
		uint8_t binder[32] = {0};
		uint8_t nonce[32];

		pair_init(&pair, SERVER_ATTESTS);
		memset(nonce, part == 0 ? 0x66 : 0x10 + TOBI_ROLE_CLIENT, 32);
		claims_buffer_write(&claims, (struct tobi_bytes){nonce, 32},
				    pair.server.own_key,
				    part == 1 ? TOBI_ROLE_CLIENT : TOBI_ROLE_SERVER,
				    (struct tobi_bytes){binder, part == 4 ? 0 : 32});
		if (part == 2)
			claims.ptr[claims.size - 36] = 2;
		if (part == 3) {
			claims.ptr[0]++;
			wr_bytes(&claims, "\x6dtobichi-extra\x41\x01", 16);
		}
		if (part == 5)
			claims.ptr[0] = 0xff;
		pair.to_client = swap_claims;
		pair.context = &claims;
		pair_run(&pair);
		assert_closed(&pair.client, TOBI_E_REFUSED);
		assert_false(is_open(&pair.server));
		assert_int_equal(outcome(&pair.client, &check_atls_binder), TOBI_FAILED);
		if (part == 0)
			assert_int_equal(outcome(&pair.client, &check_atls_nonce),
					 TOBI_FAILED);
		if (part == 1 || part == 2 || part == 4)
			assert_int_equal(outcome(&pair.client, &check_atls_role),
					 TOBI_FAILED);
		pair_done(&pair);
	}
}

/* Genuine claims but for one bit, so that one check finds it and no other. */
enum bent_part { BENT_NONCE, BENT_KEY, BENT_ROLE, BENT_VERSION, BENT_BINDER };

static void bend_claims(struct writer *wire, unsigned index, struct tobi_bytes frame,
			void *context)
{
	static const size_t offsets[] = {
	    [BENT_ROLE] = 2, [BENT_VERSION] = 1, [BENT_BINDER] = 20};
	const enum bent_part *part = context;
	struct atls_evidence evidence;
	struct claims_buffer claims;
	struct tobi_bytes bent;
	size_t start = wire->size, at;

	wr_bytes(wire, frame.ptr, frame.size);
	if (index != 1)
		return;
	assert_int_equal(
	    atls_read_evidence((struct tobi_bytes){wire->ptr + start + 4, frame.size - 4},
			       &evidence, NULL),
	    0);
	assert_int_equal(claims_buffer_parse(evidence.claims_buffer, &claims, NULL), 0);
	bent = *part == BENT_NONCE ? claims.nonce
	       : *part == BENT_KEY ? claims.pubkey_hash
				   : claims.binding;
	at = (size_t)(bent.ptr - wire->ptr) + offsets[*part];
	wire->ptr[at] ^= 3; /* role 1 is 2, and 2 is 1 */
}

static void check_claims__one_bit(void **state)
{
	(void)state;
	for (enum bent_part part = BENT_NONCE; part <= BENT_BINDER; part++) {
		struct pair pair;

		pair_init(&pair, SERVER_ATTESTS);
		pair.to_client = bend_claims;
		pair.context = &part;
		pair_run(&pair);
		assert_failed(&pair.client, part == BENT_NONCE,
			      part == BENT_ROLE || part == BENT_VERSION, part == BENT_KEY,
			      part == BENT_BINDER);
		assert_closed(&pair.client, TOBI_E_REFUSED);
		assert_told(&pair.server, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
		pair_done(&pair);
	}
}

/* All of the session's claims, and one more. */
static void add_claim(struct writer *wire, unsigned index, struct tobi_bytes frame,
		      void *context)
{
	CLEANUP(wr_done) struct writer claims = wr_init(4096);
	struct atls_evidence evidence;

	(void)context;
	if (index != 1) {
		wr_bytes(wire, frame.ptr, frame.size);
		return;
	}
	assert_int_equal(
	    atls_read_evidence((struct tobi_bytes){frame.ptr + 4, frame.size - 4},
			       &evidence, NULL),
	    0);
	wr_bytes(&claims, evidence.claims_buffer.ptr, evidence.claims_buffer.size);
	wr_bytes(&claims, "\x6dtobichi-extra\x41\x01", 16);
	claims.ptr[0]++;
	evidence.claims_buffer = wr_view(&claims);
	atls_write_evidence(wire, &evidence);
}

static void check_claims__one_more(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.to_client = add_claim;
	pair_run(&pair);
	assert_failed(&pair.client, false, false, false, true);
	assert_closed(&pair.client, TOBI_E_REFUSED);
	pair_done(&pair);
}

/* A party's own evidence comes back to it (mutual flow). */
struct reflection {
	struct writer evidence;
};

static void keep_evidence(struct writer *wire, unsigned index, struct tobi_bytes frame,
			  void *context)
{
	struct reflection *reflection = context;

	wr_bytes(wire, frame.ptr, frame.size);
	if (index == 1)
		wr_bytes(&reflection->evidence, frame.ptr, frame.size);
}

static void return_evidence(struct writer *wire, unsigned index, struct tobi_bytes frame,
			    void *context)
{
	struct reflection *reflection = context;

	if (index == 2) /* OFFER, RESULT, EVIDENCE */
		wr_bytes(wire, reflection->evidence.ptr, reflection->evidence.size);
	else
		wr_bytes(wire, frame.ptr, frame.size);
}

static void check_reflection(void **state)
{
	struct reflection reflection = {wr_init(1 << 20)};
	struct pair pair;

	(void)state;
	pair_init(&pair, MUTUAL);
	/* Even when all else is the same on both sides, the role differs. */
	memset(pair.client.setup.nonce, 1, 32);
	memset(pair.server.setup.nonce, 1, 32);
	memset(pair.client.own_key, 1, 32);
	memset(pair.client.peer_key, 1, 32);
	memset(pair.server.own_key, 1, 32);
	memset(pair.server.peer_key, 1, 32);
	pair.to_client = keep_evidence;
	pair.to_server = return_evidence;
	pair.context = &reflection;
	pair_run(&pair);
	assert_failed(&pair.server, false, true, false, true);
	assert_closed(&pair.server, TOBI_E_REFUSED);
	assert_told(&pair.client, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
	pair_done(&pair);
	wr_done(&reflection.evidence);
}

static void check_appraisal__refused(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, MUTUAL);
	pair.client.verdict = TOBI_REFUSE;
	pair_run(&pair);
	assert_closed(&pair.client, TOBI_E_REFUSED);
	assert_told(&pair.server, TOBI_E_DENIED, ATLS_EVIDENCE_REFUSED);
	/* The client disclosed nothing of its own: only the server has given evidence. */
	assert_int_equal(pair.server.asked, 0);
	pair_done(&pair);
	pair_init(&pair, MUTUAL);
	pair.server.verdict = TOBI_REFUSE;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_DENIED, ATLS_EVIDENCE_REFUSED);
	assert_int_equal(outcome(&pair.client, &check_atls_gate), TOBI_FAILED);
	pair_done(&pair);
}

static enum tobi_err export_failing(void *context, const char *label,
				    const uint8_t over[static 32],
				    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)label, (void)over, (void)fault;
	memset(ret_key, context ? 0 : 9, 32);
	return context ? TOBI_OK : TOBI_E_SYSTEM;
}

static void check_exporter__failing_or_zero(void **state)
{
	static int zeros;

	(void)state;
	for (int which = 0; which < 6; which++) {
		struct atls_exporter bad = {export_failing, which & 1 ? &zeros : NULL};
		struct pair pair;

		pair_init(&pair, SERVER_ATTESTS);
		if (which / 2 != 0)
			pair.client.setup.exporter = bad;
		if (which / 2 != 1) /* 2: both, who would agree on nothing */
			pair.server.setup.exporter = bad;
		pair_run(&pair);
		assert_false(is_open(&pair.client) || is_open(&pair.server));
		if (which / 2 == 1)
			assert_int_equal(outcome(&pair.client, &check_atls_exporter),
					 TOBI_FAILED);
		else
			assert_closed(&pair.server, TOBI_E_CRYPTO);
		pair_done(&pair);
	}
}

static void check_demands(void **state)
{
	static const char *const others[] = {"snp-report", NULL};
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.setup.accepted = others;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_NO_COMMON_TYPE);
	assert_closed(&pair.server, TOBI_E_REFUSED);
	pair_done(&pair);

	pair_init(&pair, CLIENT_ATTESTS); /* and the client also wants the server's */
	pair.client.setup.appraiser = &pair.client.appraiser;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);

	pair_init(&pair, MUTUAL); /* the client cannot attest */
	pair.client.setup.available = NULL;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);

	pair_init(&pair, SERVER_ATTESTS); /* nobody asks anybody */
	pair.client.setup.appraiser = NULL;
	pair.client.setup.available = pair_types;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);
}

static void check_cannot_attest__later(void **state)
{
	struct tobi_fault why = {.code = TOBI_E_SYSTEM};
	struct pair pair;
	unsigned count = 0;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair_start(&pair);
	carry(&pair, &pair.client, &pair.server, NULL, &count);
	assert_int_equal(atls_exchange_state(pair.server.x), ATLS_NEEDS_EVIDENCE);
	atls_exchange_cannot_attest(pair.server.x, &why);
	carry(&pair, &pair.server, &pair.client, NULL, &count);
	assert_closed(&pair.server, TOBI_E_SYSTEM);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);
}

static void check_new__arguments(void **state)
{
	struct atls_exchange *x = NULL;
	struct side side;

	(void)state;
	side_init(&side, TOBI_ROLE_CLIENT, false, false);
	assert_int_equal(atls_exchange_new(&side.setup, &x, NULL), TOBI_E_ARGUMENT);
	side_done(&side);
	side_init(&side, TOBI_ROLE_SERVER, true, false);
	side.setup.own_key = NULL;
	assert_int_equal(atls_exchange_new(&side.setup, &x, NULL), TOBI_E_ARGUMENT);
	assert_null(x);
	side_done(&side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_flows),
	    cmocka_unit_test(check_flows__no_client_key),
	    cmocka_unit_test(check_protocols),
	    cmocka_unit_test(check_data__after_result),
	    cmocka_unit_test(check_relay),
	    cmocka_unit_test(check_keys),
	    cmocka_unit_test(check_claims__each_part),
	    cmocka_unit_test(check_claims__one_bit),
	    cmocka_unit_test(check_claims__one_more),
	    cmocka_unit_test(check_reflection),
	    cmocka_unit_test(check_appraisal__refused),
	    cmocka_unit_test(check_exporter__failing_or_zero),
	    cmocka_unit_test(check_demands),
	    cmocka_unit_test(check_cannot_attest__later),
	    cmocka_unit_test(check_new__arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
