/* Certificates with evidence of vendors' hardware: it reaches its verifier, with the
 * collateral that the certificate brings, and is bound to the certificate's key. */
#include <stdio.h>

#include "appraise/ratls.h"
#include "appraise/ratls_checks.h"
#include "codec/cbor.h"
#include "collateral/bundle.h"
#include "pki/chain.h"
#include "tests/bytes.h"
#include "tests/oe.h"
#include "tests/ratls.h"
#include "tests/tdx_run.h"
#include "tobichi/verify.h"

enum {
	REPORT_DATA = 64,
	SGX_REPORT_DATA = 320,
	TD_REPORT_DATA = 520,
	MRENCLAVE = 64,
	MRTD = 136,
	PARTS = 8,
};

static EVP_PKEY *key, *other_key;

/* A quote in a certificate; all is right until a test changes a thing. */
struct world {
	struct tdx_run run;
	bool tdx;
	EVP_PKEY *claims_key; /* that the claims name */
	bool over_other_claims, over_the_key, raw;
	/* Open Enclave's: evidence; else, when over the PEM, a report. */
	bool oe_evidence, over_the_pem, other_pem;
	bool without_endorsements, with_ends, without_roots;
	int spoiled; /* a part of the endorsements that is nothing; -1: none */
	const struct tobi_collateral *given;
	const char *more;		/* of the policy */
	struct tobi_bytes nonce, asked; /* in the claims; what is asked for, if another */
	EVP_PKEY *names;		/* whose bundles the policy names; or NULL */
	EVP_PKEY *bundles; /* the set is given in a bundle of this one; or NULL */
	struct tobi_collateral *set, *bundled;
	struct writer claims, quote, value, endorsements, der, policy;
};

static void world_make(struct world *world, unsigned version, enum dcap_body kind)
{
	*world = (struct world){.tdx = kind != DCAP_SGX,
				.claims_key = key,
				.spoiled = -1,
				.claims = wr_init(LIMIT_CLAIMS_BUFFER),
				.quote = wr_init(LIMIT_EVIDENCE),
				.value = wr_init(LIMIT_CERTIFICATE),
				.endorsements = wr_init(LIMIT_CERTIFICATE),
				.der = wr_init(LIMIT_CERTIFICATE),
				.policy = wr_init(LIMIT_POLICY)};
	tdx_run_init(&world->run);
	tdx_run_kind(&world->run, version, kind);
	world->set = tobi_collateral_new();
	assert_non_null(world->set);
}

static void world_done(struct world *world)
{
	tdx_run_done(&world->run);
	tobi_collateral_free(world->set);
	tobi_collateral_free(world->bundled);
	wr_done(&world->claims);
	wr_done(&world->quote);
	wr_done(&world->value);
	wr_done(&world->endorsements);
	wr_done(&world->der);
	wr_done(&world->policy);
}

static void hash_spki(EVP_PKEY *of, uint8_t out[static 32])
{
	assert_int_equal(key_spki_sha256(of, out, NULL), 0);
}

static void write_pem(EVP_PKEY *of, struct writer *out)
{
	assert_int_equal(key_write_public(of, out, NULL), 0);
	wr_u8(out, 0);
}

static void hash_pem(EVP_PKEY *of, uint8_t out[static 32])
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);

	write_pem(of, &pem);
	assert_int_equal(hash_sha256(wr_view(&pem), out), 0);
}

static void write_quote(struct world *world)
{
	uint8_t *at =
	    world->run.scene.body + (world->tdx ? TD_REPORT_DATA : SGX_REPORT_DATA);

	for (size_t i = 0; i < REPORT_DATA; i++)
		at[i] = 0;
	if (world->over_the_pem)
		hash_pem(world->claims_key, at);
	else if (world->over_the_key)
		hash_spki(world->claims_key, at);
	else
		assert_int_equal(hash_sha256(wr_view(&world->claims), at), 0);
	at[0] ^= world->over_other_claims;
	dcap_scene_quote(&world->run.scene, &world->quote);
}

static const struct collateral_item *item_of(const struct world *world,
					     enum collateral_kind kind)
{
	const struct collateral_item *item = collateral_find(world->set, kind, NULL);

	assert_non_null(item);
	return item;
}

static void write_part(struct world *world, struct tobi_bytes part)
{
	CLEANUP(wr_done) struct writer copy = wr_init(LIMIT_CERTIFICATE);

	wr_bytes(&copy, part.ptr, part.size);
	if (world->with_ends && part.size && part.ptr[0] != 0x30)
		wr_u8(&copy, 0);
	cbor_write_bytes(&world->endorsements, wr_view(&copy));
}

/* Open Enclave's order. */
static void write_endorsements(struct world *world)
{
	const struct collateral_item *tcb = item_of(
	    world, world->tdx ? COLLATERAL_TDX_TCB_INFO : COLLATERAL_SGX_TCB_INFO);
	const struct collateral_item *qe = item_of(
	    world, world->tdx ? COLLATERAL_TDX_QE_IDENTITY : COLLATERAL_SGX_QE_IDENTITY);
	const struct collateral_item *pck = item_of(world, COLLATERAL_PCK_CRL);
	const struct collateral_item *root = item_of(world, COLLATERAL_INTEL_ROOT_CRL);
	CLEANUP(wr_done) struct writer chain = wr_init(LIMIT_PEM);
	struct tobi_bytes parts[PARTS] = {
	    tcb->data, tcb->chain, pck->data, root->data,
	    {0},       qe->data,   qe->chain, text_bytes("2030-03-17T17:46:40Z")};

	dcap_scene_pem(&world->run.scene, DCAP_CA, &chain);
	dcap_scene_pem(&world->run.scene, DCAP_ROOT, &chain);
	parts[4] = wr_view(&chain);
	if (world->spoiled >= 0)
		parts[world->spoiled] = text_bytes("nothing");
	cbor_write_tag(&world->endorsements, RATLS_TAG_QUOTE);
	cbor_write_array(&world->endorsements, 1 + PARTS);
	cbor_write_uint(&world->endorsements, 3);
	for (size_t i = 0; i < PARTS; i++)
		write_part(world, parts[i]);
}

static void write_certificate(struct world *world)
{
	struct test_leaf leaf = {.key = key, .extension_count = 1};
	struct ratls_evidence evidence = {RATLS_TAG_QUOTE, wr_view(&world->quote),
					  wr_view(&world->claims)};

	if (world->oe_evidence || world->over_the_pem) {
		CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);

		write_pem(world->other_pem ? other_key : world->claims_key, &pem);
		if (world->oe_evidence)
			oe_evidence_write(wr_view(&world->quote), wr_view(&pem), false,
					  &world->value);
		else
			oe_report_write(wr_view(&world->quote), &world->value);
		leaf.extensions[0] = (struct test_extension){
		    world->oe_evidence ? &ratls_oe_evidence_name : &ratls_oe_report_name,
		    wr_view(&world->value), false};
	} else if (world->raw) {
		leaf.extensions[0] = (struct test_extension){
		    &ratls_gramine_name, wr_view(&world->quote), false};
	} else {
		ratls_evidence_write(&world->value, &evidence);
		leaf.extensions[0] = (struct test_extension){
		    &ratls_evidence_name, wr_view(&world->value), false};
	}
	if (!world->without_endorsements) {
		write_endorsements(world);
		leaf.extensions[leaf.extension_count++] = (struct test_extension){
		    &ratls_endorsements_name, wr_view(&world->endorsements), false};
	}
	test_leaf_write(&leaf, &world->der);
}

static void write_policy(struct world *world)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	char hex[2 * 48 + 1];
	uint8_t signer[SHA384_SIZE];
	struct tobi_bytes image = {world->run.scene.body +
				       (world->tdx ? MRTD : MRENCLAVE),
				   world->tdx ? 48 : 32};

	hex_write(image, hex, sizeof(hex));
	wr_printf(&world->policy,
		  "version: 1\ntiers: [%s]\nimages: [%s]\nchannel: ra-tls\nidentity:\n"
		  "  mode: any-instance\n",
		  world->tdx ? "tdx" : "sgx", hex);
	if (world->names) {
		assert_int_equal(key_spki_sha384(world->names, signer, NULL), 0);
		hex_write((struct tobi_bytes){signer, sizeof(signer)}, hex, sizeof(hex));
		wr_printf(&world->policy, "collateral:\n  signers: [\"%s\"]\n", hex);
	}
	wr_printf(&world->policy, "%s", world->more ? world->more : "");
	if (world->without_roots)
		return;
	dcap_scene_pem(&world->run.scene, DCAP_ROOT, &pem);
	wr_printf(&world->policy, "roots:\n  - tier: %s\n    anchors: |\n      ",
		  world->tdx ? "tdx" : "sgx");
	for (size_t i = 0; i < pem.size; i++)
		wr_printf(&world->policy, "%c%s", pem.ptr[i],
			  pem.ptr[i] == '\n' ? "      " : "");
	wr_printf(&world->policy, "\n");
}

static void make_bundle(struct world *world)
{
	CLEANUP(wr_done) struct writer bundle = wr_init(LIMIT_BUNDLE);

	world->bundled = tobi_collateral_new();
	assert_int_equal(
	    bundle_write(world->set, world->bundles, DCAP_NOW, &bundle, NULL), 0);
	assert_int_equal(
	    tobi_collateral_add(world->bundled, wr_view(&bundle), "bundle", NULL), 0);
	world->given = world->bundled;
}

static struct tobi_result *appraise(struct world *world)
{
	struct tobi_verify_request request = {.time = DCAP_NOW};
	struct test_claims claims = {.nonce = world->nonce};
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	test_claims_write(world->claims_key, &claims, &world->claims);
	write_quote(world);
	dcap_test_put(&world->run.scene, &world->run.collateral, world->set);
	if (world->bundles)
		make_bundle(world);
	write_certificate(world);
	write_policy(world);
	if (tobi_policy_parse(wr_view(&world->policy), "p", &policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	request.evidence = wr_view(&world->der);
	request.collateral = world->given;
	request.nonce = world->asked.size ? world->asked : world->nonce;
	if (tobi_verify(policy, &request, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	tobi_policy_free(policy);
	return result;
}

static const struct {
	unsigned version;
	enum dcap_body kind;
} kinds[] = {
    {3, DCAP_SGX}, {4, DCAP_SGX}, {4, DCAP_TD10}, {5, DCAP_TD10}, {5, DCAP_TD15}};

/* Of each kind, with the change. */
#define EACH(world, change, then)                                                        \
	for (size_t each = 0; each < sizeof(kinds) / sizeof(kinds[0]); each++) {         \
		struct world world;                                                      \
		struct tobi_result *result;                                              \
                                                                                         \
		world_make(&world, kinds[each].version, kinds[each].kind);               \
		change;                                                                  \
		result = appraise(&world);                                               \
		then;                                                                    \
		tobi_result_free(result);                                                \
		world_done(&world);                                                      \
	}

static enum tobi_outcome outcome_of(const struct tobi_result *result, const char *code)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		if (strcmp(tobi_result_check(result, i)->code, code) == 0)
			return tobi_result_check(result, i)->outcome;
	}
	fail_msg("%s is not on the list", code);
	return TOBI_NOT_RUN;
}

static void accepted(const struct tobi_result *result)
{
	assert_string_equal(tobi_result_reason(result), "accepted");
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_non_null(strstr(tobi_result_allowance(result, 0), "RA-TLS"));
}

static void refused(const struct tobi_result *result, const char *code)
{
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	if (outcome_of(result, code) == TOBI_PASSED)
		fail_msg("%s passed", code);
}

static void test_ratls_quote__good__accepted_with_what_it_brings(void **state)
{
	(void)state;
	EACH(world, (void)0, accepted(result));
	EACH(world, world.with_ends = true, accepted(result));
}

static void test_ratls_quote__over_other_claims__binding_refuses(void **state)
{
	(void)state;
	EACH(world, world.over_other_claims = true, {
		refused(result, "RATLS-BINDING");
		refused(result, world.tdx ? "TDX-REPORT-DATA" : "SGX-REPORT-DATA");
		assert_int_equal(outcome_of(result, "RATLS-KEY"), TOBI_PASSED);
		assert_int_equal(outcome_of(result, "DCAP-QUOTE-SIGNATURE"), TOBI_PASSED);
	});
}

/* Somebody shows the evidence of another in a certificate of his own. */
static void test_ratls_quote__of_another_key__refused(void **state)
{
	(void)state;
	EACH(world, world.claims_key = other_key, refused(result, "RATLS-KEY"));
}

static void test_ratls_quote__no_collateral__refused(void **state)
{
	(void)state;
	EACH(world, world.without_endorsements = true,
	     refused(result, "DCAP-PCK-REVOCATION"));
}

/* Each part is needed but the issuers of one list, who are in the quote, and the time. */
static void test_ratls_quote__part_that_is_nothing__missing(void **state)
{
	static const struct {
		int part;
		const char *code; /* NULL: not needed */
	} parts[] = {{0, "DCAP-TCB-INFO"},	 {2, "DCAP-PCK-REVOCATION"},
		     {3, "DCAP-PCK-REVOCATION"}, {4, NULL},
		     {5, "DCAP-QE-IDENTITY"},	 {7, NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		EACH(world, world.spoiled = parts[i].part, {
			if (parts[i].code)
				refused(result, parts[i].code);
			else
				accepted(result);
		});
}

static const char *found_of(const struct tobi_result *result, const char *code)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		if (strcmp(tobi_result_check(result, i)->code, code) == 0)
			return tobi_result_check(result, i)->found;
	}
	fail_msg("%s is not on the list", code);
	return "";
}

/* A quote has no time, and the certificate's dates are its holder's own. */
static void test_ratls_quote__its_age__bounded_by_nothing_and_said(void **state)
{
	(void)state;
	EACH(world, world.more = "max-age: 1\n", {
		accepted(result);
		assert_int_equal(outcome_of(result, "POLICY-FRESHNESS"), TOBI_NOT_ASKED);
		assert_non_null(
		    strstr(found_of(result, "POLICY-FRESHNESS"), "its holder's own"));
		assert_non_null(strstr(tobi_result_allowance(result, 0),
				       "max-age does not bound it"));
	});
}

/* A nonce that the verifier has chosen shows it. */
static void test_ratls_quote__with_a_nonce__shows_that_it_is_new(void **state)
{
	(void)state;
	EACH(world, world.nonce = text_bytes("12345678"), {
		accepted(result);
		assert_int_equal(outcome_of(result, "RATLS-NONCE"), TOBI_PASSED);
		assert_non_null(strstr(found_of(result, "POLICY-FRESHNESS"), "nonce"));
		assert_null(strstr(tobi_result_allowance(result, 0), "max-age"));
	});
	EACH(world,
	     (world.nonce = text_bytes("12345678"), world.asked = text_bytes("12345679")),
	     refused(result, "RATLS-NONCE"));
}

/* What the verifier has counts, and what a peer brings is not looked at then. */
static void test_ratls_quote__own_collateral__instead_of_the_peers(void **state)
{
	struct tobi_collateral *empty = tobi_collateral_new();

	(void)state;
	EACH(world, (world.given = world.set, world.without_endorsements = true),
	     accepted(result));
	EACH(world, world.given = empty, refused(result, "DCAP-PCK-REVOCATION"));
	tobi_collateral_free(empty);
}

/* Neither what a peer brings nor loose files count, where the policy names who chooses.
 */
static void test_ratls_quote__collateral_of_nobody_named__refused(void **state)
{
	(void)state;
	EACH(world, world.names = key, {
		refused(result, "POLICY-COLLATERAL");
		refused(result, "DCAP-PCK-REVOCATION");
	});
	EACH(world, (world.names = key, world.given = world.set), {
		refused(result, "POLICY-COLLATERAL");
		refused(result, "DCAP-TCB-INFO");
	});
	EACH(world, (world.names = key, world.bundles = other_key),
	     refused(result, "POLICY-COLLATERAL"));
	EACH(world, (world.names = key, world.bundles = key), accepted(result));
}

static void test_ratls_quote__test_root__not_trusted_by_default(void **state)
{
	(void)state;
	EACH(world, world.without_roots = true, refused(result, "DCAP-PCK-CHAIN"));
}

static void test_ratls_quote__gramines_legacy_form__over_the_key(void **state)
{
	(void)state;
	EACH(world, (world.raw = true, world.over_the_key = true), accepted(result));
	EACH(world, world.raw = true, refused(result, "RATLS-BINDING"));
	EACH(world,
	     (world.raw = true, world.over_the_key = true, world.claims_key = other_key),
	     refused(result, "RATLS-KEY"));
}

/* Over the key as a text. */
static void test_ratls_quote__open_enclaves_report__over_the_key(void **state)
{
	(void)state;
	EACH(world, world.over_the_pem = true, accepted(result));
	EACH(world, (world.over_the_pem = true, world.claims_key = other_key),
	     refused(result, "RATLS-KEY"));
	EACH(world, (world.over_the_pem = true, world.over_other_claims = true),
	     refused(result, "RATLS-BINDING"));
}

/* The key is the custom claims; only SGX's quotes have them. */
static void test_ratls_quote__open_enclaves_evidence__its_claims_are_the_key(void **state)
{
	static const struct {
		bool other_claims, other_pem, other_key;
		const char *refuses;
	} rows[] = {{.refuses = NULL},
		    {.other_claims = true, .refuses = "RATLS-BINDING"},
		    {.other_pem = true, .refuses = "RATLS-KEY"},
		    {.other_key = true, .refuses = "RATLS-KEY"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tobi_result *result;
		struct world world;

		world_make(&world, 3, DCAP_SGX);
		world.oe_evidence = world.over_the_pem = true;
		world.over_other_claims = rows[i].other_claims;
		world.other_pem = rows[i].other_pem;
		if (rows[i].other_key)
			world.claims_key = other_key;
		result = appraise(&world);
		if (rows[i].refuses)
			refused(result, rows[i].refuses);
		else
			accepted(result);
		tobi_result_free(result);
		world_done(&world);
	}
}

static void test_ratls_quote__damaged__refused(void **state)
{
	(void)state;
	EACH(world, world.run.scene.damage_signature = true,
	     refused(result, "DCAP-QUOTE-SIGNATURE"));
	EACH(world, world.run.scene.signer = DCAP_KEY_OTHER,
	     refused(result, "DCAP-QUOTE-SIGNATURE"));
}

/* ---- what is a certificate ---- */

static void test_ratls_is_certificate__by_its_start(void **state)
{
	struct writer evidence = wr_init(LIMIT_EVIDENCE);
	struct test_scene scene;

	(void)state;
	assert_true(ratls_is_certificate(BYTES(0x30, 0x82)));
	assert_false(ratls_is_certificate(BYTES(0x30)));
	assert_false(ratls_is_certificate((struct tobi_bytes){0}));
	assert_false(ratls_is_certificate(BYTES(0x30, 0x03, 0x02)));
	assert_true(ratls_is_certificate(text_bytes("x\n-----BEGIN CERTIFICATE-----")));
	assert_false(ratls_is_certificate(text_bytes("-----BEGIN PUBLIC KEY-----")));
	test_scene_make(&scene);
	test_scene_evidence(&scene, &evidence);
	assert_false(ratls_is_certificate(wr_view(&evidence)));
	/* A CBOR map stays one, whatever it holds. */
	assert_false(ratls_is_certificate(text_bytes("\xa1-----BEGIN CERTIFICATE-----")));
	test_scene_done(&scene);
	wr_done(&evidence);
}

static int make_keys(void **state)
{
	(void)state;
	key = test_key_make(TEST_P256);
	other_key = test_key_make(TEST_P256);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_quote__good__accepted_with_what_it_brings),
	    cmocka_unit_test(test_ratls_quote__over_other_claims__binding_refuses),
	    cmocka_unit_test(test_ratls_quote__of_another_key__refused),
	    cmocka_unit_test(test_ratls_quote__no_collateral__refused),
	    cmocka_unit_test(test_ratls_quote__part_that_is_nothing__missing),
	    cmocka_unit_test(test_ratls_quote__own_collateral__instead_of_the_peers),
	    cmocka_unit_test(test_ratls_quote__its_age__bounded_by_nothing_and_said),
	    cmocka_unit_test(test_ratls_quote__with_a_nonce__shows_that_it_is_new),
	    cmocka_unit_test(test_ratls_quote__test_root__not_trusted_by_default),
	    cmocka_unit_test(test_ratls_quote__gramines_legacy_form__over_the_key),
	    cmocka_unit_test(test_ratls_quote__open_enclaves_report__over_the_key),
	    cmocka_unit_test(
		test_ratls_quote__open_enclaves_evidence__its_claims_are_the_key),
	    cmocka_unit_test(test_ratls_quote__collateral_of_nobody_named__refused),
	    cmocka_unit_test(test_ratls_quote__damaged__refused),
	    cmocka_unit_test(test_ratls_is_certificate__by_its_start),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
