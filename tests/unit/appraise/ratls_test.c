/*
 * Evidence in certificates: each RATLS check failing, and all that real certificates vary
 * in: keys, hashes, the order of extensions and claims, claims of others.
 * (RATLS-SESSION is of a connection: tests/unit/atls/ratls_test.c.)
 */
#include "appraise/ratls.h"
#include "appraise/policy_checks.h"
#include "appraise/ratls_checks.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tests/bytes.h"
#include "tests/ratls.h"

static EVP_PKEY *keys[4]; /* by enum test_key */
static EVP_PKEY *other_key;
static struct test_platform stranger;

/* A certificate to be appraised. A test changes what it likes before it is made. */
struct sample {
	struct test_scene scene;
	struct test_leaf leaf;
	struct test_claims claims;
	EVP_PKEY *claims_key;
	struct ratls_evidence evidence; /* empty parts are made */
	struct writer claims_buffer, token, value, endorsements, der;
	bool pem, with_chain;
	struct tobi_bytes nonce; /* that the verifier asks for */
};

static void sample_make(struct sample *sample, enum test_key kind)
{
	*sample = (struct sample){.evidence.tag = RATLS_TAG_EAT,
				  .claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER),
				  .token = wr_init(LIMIT_TOKEN),
				  .value = wr_init(LIMIT_CERTIFICATE),
				  .endorsements = wr_init(LIMIT_CERTIFICATE),
				  .der = wr_init(2 * LIMIT_CERTIFICATE)};
	test_scene_make(&sample->scene);
	sample->scene.more = "channel: ra-tls\n";
	sample->leaf.key = sample->claims_key = keys[kind];
	sample->leaf.extensions[0].name = &ratls_evidence_name;
	sample->leaf.extension_count = 1;
}

static void sample_done(struct sample *sample)
{
	test_scene_done(&sample->scene);
	wr_done(&sample->claims_buffer);
	wr_done(&sample->token);
	wr_done(&sample->value);
	wr_done(&sample->endorsements);
	wr_done(&sample->der);
}

/* From the claims to the certificate. */
static void sample_write(struct sample *sample)
{
	struct test_leaf *leaf = &sample->leaf;

	if (!sample->evidence.claims_buffer.ptr) {
		test_claims_write(sample->claims_key, &sample->claims,
				  &sample->claims_buffer);
		sample->evidence.claims_buffer = wr_view(&sample->claims_buffer);
	}
	if (!sample->evidence.evidence.ptr) {
		wr_done(&sample->scene.claims_buffer);
		sample->scene.claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
		wr_bytes(&sample->scene.claims_buffer, sample->evidence.claims_buffer.ptr,
			 sample->evidence.claims_buffer.size);
		test_scene_token(&sample->scene, &sample->token);
		sample->evidence.evidence = wr_view(&sample->token);
	}
	ratls_evidence_write(&sample->value, &sample->evidence);
	for (size_t i = 0; i < leaf->extension_count; i++) {
		if (!leaf->extensions[i].value.ptr)
			leaf->extensions[i].value = wr_view(&sample->value);
	}
	test_leaf_write(leaf, &sample->der);
}

static struct tobi_policy *policy_of(const struct sample *sample)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};

	test_scene_policy(&sample->scene, &yaml);
	if (tobi_policy_parse(wr_view(&yaml), "scene.yaml", &policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&yaml);
	return policy;
}

static struct tobi_result *appraise(struct sample *sample)
{
	struct tobi_policy *policy = policy_of(sample);
	struct tobi_result *result = NULL;
	struct writer pem = wr_init(LIMIT_PEM);
	struct tobi_verify_request request = {.nonce = sample->nonce,
					      .time = sample->scene.now};
	struct tobi_fault fault = {0};

	sample_write(sample);
	request.evidence = wr_view(&sample->der);
	if (sample->pem || sample->with_chain) {
		wr_printf(&pem, "words before it\n");
		assert_int_equal(chain_write_pem(wr_view(&sample->der), &pem, NULL), 0);
		if (sample->with_chain)
			assert_int_equal(
			    chain_write_pem(wr_view(sample->leaf.issuer), &pem, NULL), 0);
		request.evidence = wr_view(&pem);
	}
	if (tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&pem);
	return result;
}

static void expect_accepted(struct sample *sample)
{
	struct tobi_result *result = appraise(sample);
	const char *allowance = tobi_result_allowance(result, 0);

	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(allowance);
	assert_non_null(strstr(allowance, "no session binding, no freshness"));
	tobi_result_free(result);
}

/* ---- what is good ---- */

static void test_ratls__every_kind_of_key_and_hash__accepts(void **state)
{
	static const enum claims_hash hashes[] = {CLAIMS_SHA256, CLAIMS_SHA384,
						  CLAIMS_SHA512};

	(void)state;
	for (int kind = TEST_P256; kind <= TEST_RSA2048; kind++) {
		for (size_t i = 0; i < 3; i++) {
			struct sample sample;

			sample_make(&sample, (enum test_key)kind);
			sample.claims.hash = hashes[i];
			sample.pem = i == 1;
			sample.leaf.extensions_first = i == 2;
			expect_accepted(&sample);
			sample_done(&sample);
		}
	}
}

/* As rats-tls writes them: other claims, before and behind, unsorted; a nonce last. */
static void test_ratls__other_claims_in_any_order__accepts(void **state)
{
	static const uint8_t nonce[20] = {1, 2, 3};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct sample sample;

		sample_make(&sample, TEST_P256);
		sample.claims.after = "\x65key_0\x47value_0\x65key_1\x47value_1";
		sample.claims.after_count = 2;
		if (i & 1) {
			sample.claims.before = "\x6azzzzzzzzzz\x41\x11";
			sample.claims.before_count = 1;
		}
		if (i & 2)
			sample.claims.nonce = sample.nonce =
			    (struct tobi_bytes){nonce, sizeof(nonce)};
		expect_accepted(&sample);
		sample_done(&sample);
	}
}

/* Beside a legacy extension and a PCK's, ours decides. */
static void test_ratls__legacy_extension_beside_it__accepts(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct sample sample;

		sample_make(&sample, TEST_P384);
		sample.leaf.extensions[1] = sample.leaf.extensions[0];
		sample.leaf.extensions[0] = (struct test_extension){
		    &ratls_gramine_name, BYTES(3, 0, 2, 0), false};
		sample.leaf.extensions[2] =
		    (struct test_extension){&ratls_intel_name, BYTES(0x30, 0), false};
		sample.leaf.extension_count = 3;
		sample.leaf.extensions_first = first;
		expect_accepted(&sample);
		sample_done(&sample);
	}
}

/* The owner's chain travels in the endorsements extension. */
static void test_ratls__owner_chain__counts_for_its_key_only(void **state)
{
	(void)state;
	for (int own = 0; own < 2; own++) {
		struct writer leaf = wr_init(LIMIT_CERTIFICATE),
			      chain = wr_init(LIMIT_PEM);
		struct cert_request request = {.role = CERT_PLATFORM,
					       .common_name = "endorsed",
					       .not_before = TEST_NOW - 60,
					       .not_after = TEST_NOW + 60};
		struct tobi_result *result;
		struct sample sample;
		X509 *ca = NULL;

		sample_make(&sample, TEST_P256);
		request.key = own ? sample.scene.platform.key : stranger.key;
		assert_int_equal(
		    chain_read_certificate(wr_view(&stranger.ca), "ca", &ca, NULL), 0);
		assert_int_equal(cert_make(&request, ca, stranger.ca_key, &leaf, NULL),
				 0);
		cbor_write_array(&chain, 2);
		cbor_write_bytes(&chain, wr_view(&leaf));
		cbor_write_bytes(&chain, wr_view(&stranger.ca));
		ratls_endorsements_write(&sample.endorsements, wr_view(&chain));
		sample.leaf.extensions[1] = (struct test_extension){
		    &ratls_endorsements_name, wr_view(&sample.endorsements), false};
		sample.leaf.extension_count = 2;
		sample.scene.anchors_pem = (const char *)stranger.ca_pem.ptr;
		result = appraise(&sample);
		assert_int_equal(tobi_result_verdict(result),
				 own ? TOBI_ACCEPT : TOBI_REFUSE);
		if (!own)
			assert_non_null(strstr(tobi_result_reason(result), "SOFT-CHAIN"));
		tobi_result_free(result);
		sample_done(&sample);
		X509_free(ca);
		wr_done(&leaf);
		wr_done(&chain);
	}
}

/* ---- a CA ---- */

static char ca_identity[4096];

/* Identity ca, with the stranger's CA. */
static const char *identity_of_ca(const char *name)
{
	const char *at = (const char *)stranger.ca_pem.ptr;
	int size = snprintf(ca_identity, sizeof(ca_identity),
			    "identity:\n  mode: ca\n%s%s%s  ca: |\n",
			    name ? "  name: " : "", name ? name : "", name ? "\n" : "");

	while (*at) {
		size_t line = strcspn(at, "\n");

		size += snprintf(ca_identity + size, sizeof(ca_identity) - (size_t)size,
				 "    %.*s\n", (int)line, at);
		at += line + (at[line] != 0);
	}
	return ca_identity;
}

static void test_ratls__identity_ca__by_chain_and_name(void **state)
{
	static const struct {
		bool issued;
		const char *dns, *name, *fails;
	} cases[] = {
	    {true, "a.example", "a.example", NULL},
	    {true, "b.example", "a.example", "POLICY-IDENTITY"},
	    {true, "a.example", NULL, "POLICY-IDENTITY"},
	    {false, "a.example", "a.example", "POLICY-IDENTITY"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_result *result;
		struct sample sample;

		sample_make(&sample, TEST_P256);
		sample.leaf.dns = cases[i].dns;
		if (cases[i].issued) {
			sample.leaf.issuer = &stranger.ca;
			sample.leaf.issuer_key = stranger.ca_key;
			sample.with_chain = true;
		}
		sample.scene.identity = identity_of_ca(cases[i].name);
		result = appraise(&sample);
		assert_int_equal(tobi_result_verdict(result),
				 cases[i].fails ? TOBI_REFUSE : TOBI_ACCEPT);
		if (cases[i].fails)
			assert_non_null(
			    strstr(tobi_result_reason(result), cases[i].fails));
		tobi_result_free(result);
		sample_done(&sample);
	}
}

/* ---- what is wrong ---- */

static const uint8_t wrong_nonce[8] = {9}, right_nonce[8] = {1};
static const uint8_t pck[] = {0x30, 0}, empty_map[] = {0xa0}, cut_map[] = {0xa1, 0x6b};
static uint8_t quote_bytes[4096];

/* Evidence of this kind, bound to these claims as its maker would. */
static void as_quote(struct sample *sample, unsigned version, bool tdx)
{
	struct writer quote = wr_init(sizeof(quote_bytes));
	uint8_t report_data[64] = {0};

	test_claims_write(sample->claims_key, &sample->claims, &sample->claims_buffer);
	sample->evidence.claims_buffer = wr_view(&sample->claims_buffer);
	assert_int_equal(hash_sha256(wr_view(&sample->claims_buffer), report_data), 0);
	test_quote_write(version, tdx, report_data, &quote);
	bytes_copy(quote_bytes, sizeof(quote_bytes), quote.ptr, quote.size);
	sample->evidence.tag = RATLS_TAG_QUOTE;
	sample->evidence.evidence = (struct tobi_bytes){quote_bytes, quote.size};
	wr_done(&quote);
}

/* The same without claims: over this key, under a legacy name. */
static void as_legacy(struct sample *sample, const struct extension_name *name,
		      EVP_PKEY *over)
{
	struct writer quote = wr_init(sizeof(quote_bytes));
	uint8_t report_data[64] = {0};

	assert_int_equal(key_spki_sha256(over, report_data, NULL), 0);
	test_quote_write(3, false, report_data, &quote);
	bytes_copy(quote_bytes, sizeof(quote_bytes), quote.ptr, quote.size);
	sample->leaf.extensions[0] =
	    (struct test_extension){name, {quote_bytes, quote.size}, false};
	wr_done(&quote);
}

#define CHANGE(name, ...)                                                                \
	static void name(struct sample *sample)                                          \
	{                                                                                \
		__VA_ARGS__;                                                             \
	}
CHANGE(not_named, sample->scene.more = "")
CHANGE(other_channel, sample->scene.more = "channel: tobichi-atls/1\n")
CHANGE(spoiled, sample->leaf.spoiled = true)
CHANGE(expired, sample->leaf.to = TEST_NOW - 1)
CHANGE(not_yet, sample->leaf.from = TEST_NOW + 5)
CHANGE(weak_key, sample->leaf.key = sample->claims_key = keys[TEST_RSA1024])
CHANGE(unknown_critical, sample->leaf.unknown_critical = true)
CHANGE(old_version, sample->leaf.version_1 = true)
CHANGE(by_a_ca, sample->leaf.issuer = &stranger.ca;
       sample->leaf.issuer_key = stranger.ca_key)
CHANGE(ordinary, sample->leaf.extension_count = 0)
CHANGE(critical, sample->leaf.extensions[0].critical = true)
CHANGE(twice, sample->leaf.extensions[1] = sample->leaf.extensions[0];
       sample->leaf.extension_count = 2)
CHANGE(unknown_kind, sample->evidence.tag = 60003)
CHANGE(a_processor, sample->leaf.extensions[0] = ((struct test_extension){
			&ratls_intel_name, {pck, sizeof(pck)}, false}))
CHANGE(no_claims, sample->evidence.claims_buffer = ((struct tobi_bytes){
		      empty_map, sizeof(empty_map)}))
CHANGE(damaged_claims,
       sample->evidence.claims_buffer = ((struct tobi_bytes){cut_map, sizeof(cut_map)}))
CHANGE(claim_twice, sample->claims.before = "\x65key_0\x41\x11";
       sample->claims.after = "\x65key_0\x41\x22";
       sample->claims.before_count = sample->claims.after_count = 1)
CHANGE(unknown_hash, sample->claims.hash = (enum claims_hash)2)
CHANGE(of_another_key, sample->claims_key = other_key)
CHANGE(other_nonce, sample->claims.nonce = ((struct tobi_bytes){right_nonce, 8});
       sample->nonce = ((struct tobi_bytes){wrong_nonce, 8}))
CHANGE(no_nonce, sample->nonce = ((struct tobi_bytes){wrong_nonce, 8}))
CHANGE(an_sgx_quote, as_quote(sample, 3, false))
CHANGE(a_tdx_quote, as_quote(sample, 4, true))
CHANGE(a_later_tdx_quote, as_quote(sample, 5, true))
CHANGE(a_legacy_quote, as_legacy(sample, &ratls_gramine_name, sample->leaf.key))
CHANGE(intels_legacy_quote, as_legacy(sample, &ratls_intel_name, sample->leaf.key))
CHANGE(a_quote_over_another_key, as_legacy(sample, &ratls_gramine_name, other_key))
CHANGE(a_bent_quote, as_quote(sample, 3, false); quote_bytes[48 + 320] ^= 1)
CHANGE(a_quote_with_more, as_quote(sample, 3, false); quote_bytes[48 + 320 + 63] = 1)
CHANGE(an_eat_over_other_claims, sample->scene.keep_claims_nonce = true;
       sample->scene.claims.nonce = ((struct tobi_bytes){stranger.ueid, 32}))
CHANGE(of_librats_snp, sample->evidence.tag = RATLS_TAG_SNP)
CHANGE(of_librats_csv, sample->evidence.tag = RATLS_TAG_CSV)

#define FAILS(code, change, more)                                                        \
	{                                                                                \
		code, #change, change, more                                              \
	}
static const struct {
	const char *code, *name;
	void (*change)(struct sample *sample);
	const char *more; /* what fails beside it; NULL: nothing */
} cases[] = {
    FAILS("RATLS-MODE", not_named, NULL),
    FAILS("RATLS-MODE", other_channel, NULL),
    FAILS("RATLS-CERTIFICATE", spoiled, NULL),
    FAILS("RATLS-CERTIFICATE", expired, NULL),
    FAILS("RATLS-CERTIFICATE", not_yet, NULL),
    FAILS("RATLS-CERTIFICATE", weak_key, NULL),
    FAILS("RATLS-CERTIFICATE", unknown_critical, NULL),
    FAILS("RATLS-CERTIFICATE", old_version, NULL),
    FAILS("RATLS-CERTIFICATE", by_a_ca, NULL),
    FAILS("RATLS-EXTENSION", ordinary, NULL),
    FAILS("RATLS-EXTENSION", critical, "RATLS-CERTIFICATE"),
    FAILS("RATLS-EXTENSION", twice, NULL),
    FAILS("RATLS-EXTENSION", unknown_kind, NULL),
    FAILS("RATLS-EXTENSION", a_processor, NULL),
    FAILS("RATLS-CLAIMS", no_claims, NULL),
    FAILS("RATLS-CLAIMS", damaged_claims, NULL),
    FAILS("RATLS-CLAIMS", claim_twice, NULL),
    FAILS("RATLS-CLAIMS", unknown_hash, NULL),
    FAILS("RATLS-KEY", of_another_key, NULL),
    FAILS("RATLS-KEY", a_quote_over_another_key, "RATLS-KIND RATLS-BINDING"),
    FAILS("RATLS-KIND", an_sgx_quote, NULL),
    FAILS("RATLS-KIND", a_tdx_quote, NULL),
    FAILS("RATLS-KIND", a_later_tdx_quote, NULL),
    FAILS("RATLS-KIND", a_legacy_quote, NULL),
    FAILS("RATLS-KIND", intels_legacy_quote, NULL),
    FAILS("RATLS-KIND", of_librats_snp, "RATLS-BINDING"),
    FAILS("RATLS-KIND", of_librats_csv, NULL),
    FAILS("RATLS-BINDING", a_bent_quote, "RATLS-KIND"),
    FAILS("RATLS-BINDING", a_quote_with_more, "RATLS-KIND"),
    FAILS("RATLS-BINDING", an_eat_over_other_claims, "SOFT-NONCE"),
    FAILS("RATLS-NONCE", other_nonce, NULL),
    FAILS("RATLS-NONCE", no_nonce, NULL),
};

/* Exactly the check named fails, and what it brings with it. */
static void run_case(size_t index)
{
	struct tobi_result *result;
	struct sample sample;
	bool found = false;

	sample_make(&sample, TEST_P256);
	cases[index].change(&sample);
	result = appraise(&sample);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *line = tobi_result_check(result, i);

		if (line->outcome != TOBI_FAILED)
			continue;
		if (strcmp(line->code, cases[index].code) == 0)
			found = true;
		else if (!cases[index].more || !strstr(cases[index].more, line->code))
			fail_msg("%s: %s failed too (%s)", cases[index].name, line->code,
				 line->found);
	}
	if (!found)
		fail_msg("%s: %s did not fail", cases[index].name, cases[index].code);
	tobi_result_free(result);
	sample_done(&sample);
}

static void test_ratls__each_check__refuses_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_case(i);
}

static void test_ratls_cases__name_every_check(void **state)
{
	(void)state;
	for (size_t i = 0; ratls_checks[i]; i++) {
		bool found = ratls_checks[i] == &check_ratls_session;

		for (size_t n = 0; n < sizeof(cases) / sizeof(cases[0]); n++)
			found |= strcmp(cases[n].code, ratls_checks[i]->code) == 0;
		if (!found)
			fail_msg("%s has no case here", ratls_checks[i]->code);
	}
}

/* What was shown is said, and what could not be is said, too. */
static void test_ratls__kind_without_verifier__says_so(void **state)
{
	static const struct {
		void (*change)(struct sample *sample);
		const char *says;
	} kinds[] = {
	    /* Not whole: what their verifiers take is told by its start. */
	    {an_sgx_quote, "evidence of kind sgx-quote: "},
	    {a_tdx_quote, "evidence of kind tdx-quote: "},
	    {of_librats_snp, "evidence of kind snp-report: "},
	    {of_librats_csv, "evidence of kind csv: no verifier in this build"},
	};
	unsigned rows = 0;

	(void)state;
	while (policy_check_rows[rows])
		rows++;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct tobi_result *result;
		struct sample sample;
		unsigned passed = 0, missing = 0;

		sample_make(&sample, TEST_P384);
		kinds[i].change(&sample);
		result = appraise(&sample);
		assert_non_null(strstr(tobi_result_reason(result), kinds[i].says));
		for (size_t n = 0; n < tobi_result_check_count(result); n++) {
			const struct tobi_check_result *line =
			    tobi_result_check(result, n);

			passed += line->outcome == TOBI_PASSED;
			missing += line->outcome == TOBI_NOT_RUN &&
				   strncmp(line->code, "POLICY-", 7) == 0;
		}
		assert_true(passed >= 5);
		assert_int_equal(missing, rows); /* each row of the policy is owed */
		tobi_result_free(result);
		sample_done(&sample);
	}
}

/* ---- damage ---- */

/* Exactly these bytes as a file; true when they are accepted. */
static bool accepts(const struct tobi_policy *policy, struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	struct tobi_verify_request request = {.evidence = block_view(block),
					      .time = TEST_NOW};
	struct tobi_result *result = NULL;
	bool accepted = !tobi_verify(policy, &request, &result, NULL) &&
			tobi_result_verdict(result) == TOBI_ACCEPT;

	tobi_result_free(result);
	block_done(block);
	return accepted;
}

static void test_ratls__truncated_trailing_or_flipped__never_accepted(void **state)
{
	struct tobi_policy *policy;
	struct sample sample;
	struct tobi_bytes der;

	(void)state;
	sample_make(&sample, TEST_P256);
	policy = policy_of(&sample);
	sample_write(&sample);
	der = wr_view(&sample.der);
	assert_true(accepts(policy, der));
	for (size_t size = 0; size < der.size; size++)
		assert_false(accepts(policy, (struct tobi_bytes){der.ptr, size}));
	for (size_t i = 0; i < der.size; i++) {
		sample.der.ptr[i] = (uint8_t)(sample.der.ptr[i] ^ 1 << i % 8);
		if (accepts(policy, der))
			fail_msg("accepted with byte %zu changed", i);
		sample.der.ptr[i] = (uint8_t)(sample.der.ptr[i] ^ 1 << i % 8);
	}
	wr_u8(&sample.der, 0);
	assert_false(accepts(policy, wr_view(&sample.der)));
	tobi_policy_free(policy);
	sample_done(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls__every_kind_of_key_and_hash__accepts),
	    cmocka_unit_test(test_ratls__other_claims_in_any_order__accepts),
	    cmocka_unit_test(test_ratls__legacy_extension_beside_it__accepts),
	    cmocka_unit_test(test_ratls__owner_chain__counts_for_its_key_only),
	    cmocka_unit_test(test_ratls__identity_ca__by_chain_and_name),
	    cmocka_unit_test(test_ratls__each_check__refuses_alone),
	    cmocka_unit_test(test_ratls_cases__name_every_check),
	    cmocka_unit_test(test_ratls__kind_without_verifier__says_so),
	    cmocka_unit_test(test_ratls__truncated_trailing_or_flipped__never_accepted),
	};
	int failed;

	for (int kind = TEST_P256; kind <= TEST_RSA1024; kind++)
		keys[kind] = test_key_make((enum test_key)kind);
	other_key = test_key_make(TEST_P256);
	test_platform_make(&stranger, KEY_P384);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	test_platform_done(&stranger);
	EVP_PKEY_free(other_key);
	for (int kind = TEST_P256; kind <= TEST_RSA1024; kind++)
		EVP_PKEY_free(keys[kind]);
	return failed;
}
