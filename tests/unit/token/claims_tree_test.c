#include "token/claims_tree.h"

#include <jansson.h>

#include "codec/cbor.h"
#include "tests/bytes.h"

static enum tobi_err read_hex(const char *hex, json_t **ret_tree)
{
	struct block block = block_unhex(hex);
	enum tobi_err err = claims_tree_read(block_view(block), "claims", ret_tree, NULL);

	block_done(block);
	return err;
}

static void reads(const char *hex, const char *json)
{
	json_t *expected = json_loads(json, 0, NULL), *tree = NULL;

	assert_non_null(expected);
	assert_int_equal(read_hex(hex, &tree), 0);
	if (!json_equal(tree, expected))
		fail_msg("%s: %s", json, json_dumps(tree, 0));
	json_decref(expected);
	json_decref(tree);
}

static void test_claims_tree__names_and_values__of_json(void **state)
{
	(void)state;
	reads("a0", "{}");
	reads("a1061a65000000", "{\"iat\": 1694498816}");
	reads("a20a4801020304050607081901076161",
	      "{\"eat_nonce\": \"AQIDBAUGBwg\", \"dbgstat\": \"a\"}");
	/* The example of the draft of EAR (its identifiers shortened). */
	reads("a11903eca2006161016162",
	      "{\"ear_verifier_id\": {\"developer\": \"a\", \"build\": \"b\"}}");
	reads("a11903e9a300020218602002", "{\"ear_trustworthiness_vector\": "
					  "{\"instance-identity\": 2, \"executables\": "
					  "96, \"-1\": 2}}");
	/* A key in cnf becomes a JWK. */
	reads("a108a101a401022001214101224102",
	      "{\"cnf\": {\"jwk\": {\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": \"AQ\", "
	      "\"y\": "
	      "\"Ag\"}}}");
	/* Submodules: claims, a nested token, a digest, a text for JSON. */
	reads("a119010aa16161a1060a", "{\"submods\": {\"a\": {\"iat\": 10}}}");
	reads("a119010aa1616141d2", "{\"submods\": {\"a\": [\"CBOR\", \"0g\"]}}");
	reads("a119010aa16161822f4101",
	      "{\"submods\": {\"a\": [\"DIGEST\", [-16, \"AQ\"]]}}");
	/* Wrappers: records of a media type and of a content format, with an indicator; a
	 * tag of a content format over bytes, over the item itself, in a collection. */
	reads("a119010aa161618263612f624101",
	      "{\"submods\": {\"a\": [\"a/b\", \"AQ\"]}}");
	reads("a119010aa16161831901074101"
	      "04",
	      "{\"submods\": {\"a\": [263, \"AQ\", 4]}}");
	reads("a119010aa16161da637402094101", "{\"submods\": {\"a\": [263, \"AQ\"]}}");
	reads("a119010aa16161da63740209a10102",
	      "{\"submods\": {\"a\": [263, \"oQEC\"]}}");
	reads("a119010aa16161a16162da637402094101",
	      "{\"submods\": {\"a\": {\"b\": [263, \"AQ\"]}}}");
	reads("a119012b8263612f624101", "{\"cmw\": [\"a/b\", \"AQ\"]}");
	/* The text is ["JWT","a"]. */
	reads("a119010aa161616b5b224a5754222c2261225d",
	      "{\"submods\": {\"a\": [\"JWT\", \"a\"]}}");
}

static void test_claims_tree__wrong__refused(void **state)
{
	static const struct {
		const char *hex;
		enum tobi_err err;
	} wrong[] = {
	    {"", TOBI_E_TRUNCATED},
	    {"80", TOBI_E_MALFORMED},
	    {"a0a0", TOBI_E_TRAILING},
	    {"a1", TOBI_E_TRUNCATED},
	    {"a206010602", TOBI_E_MALFORMED},	      /* a key twice */
	    {"a20601636961740a", TOBI_E_MALFORMED},   /* by number and by name */
	    {"a106f97c00", TOBI_E_MALFORMED},	      /* a float */
	    {"a106c1c10a", TOBI_E_MALFORMED},	      /* a tag on a tag */
	    {"bf060aff", TOBI_E_MALFORMED},	      /* indefinite */
	    {"a118060a", TOBI_E_MALFORMED},	      /* not the shortest form */
	    {"a119010aa161610a", TOBI_E_MALFORMED},   /* a submodule is no number */
	    {"a119010aa1616180", TOBI_E_MALFORMED},   /* no digest */
	    {"a119010aa161616178", TOBI_E_MALFORMED}, /* no JSON */
	    {"a119010aa16161811901074101", TOBI_E_MALFORMED},	/* a type alone */
	    {"a119010aa16161832f410104", TOBI_E_MALFORMED},	/* no digest of three */
	    {"a119010aa16161821a000100004101", TOBI_E_LIMIT},	/* no content format */
	    {"a119010aa161618263612f626101", TOBI_E_MALFORMED}, /* text for bytes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *tree = NULL;
		enum tobi_err err = read_hex(wrong[i].hex, &tree);

		if (err != wrong[i].err)
			fail_msg("%s: %d", wrong[i].hex, err);
		assert_null(tree);
	}
}

static void test_claims_tree__depth__limited(void **state)
{
	struct writer cbor = wr_init(1000);
	json_t *tree = NULL;

	(void)state;
	cbor_write_map(&cbor, 1);
	cbor_write_uint(&cbor, 5000);
	for (unsigned i = 0; i < 100; i++)
		cbor_write_array(&cbor, 1);
	cbor_write_uint(&cbor, 1);
	assert_int_equal(claims_tree_read(wr_view(&cbor), "claims", &tree, NULL),
			 TOBI_E_LIMIT);
	assert_null(tree);
	wr_done(&cbor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_claims_tree__names_and_values__of_json),
	    cmocka_unit_test(test_claims_tree__wrong__refused),
	    cmocka_unit_test(test_claims_tree__depth__limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
