/* Documents with a quote in them, as each of their makers writes them: accepted, and in
 * no shorter form. */
#include "tee/tpm_parts.h"

#include "codec/base64.h"
#include "codec/cbor.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/quote_scene.h"

static struct {
	struct quote_scene scene;
	struct writer quote, signature, public, pcrs, statement, certified;
} world;

static void write_certified(void)
{
	struct quote_parts parts;

	world.scene.with_certify = true;
	quote_scene_parts(&world.scene, &parts);
	/* The last three: statement, signature, key. */
	wr_bytes(&world.statement, parts.pieces[parts.count - 3].ptr,
		 parts.pieces[parts.count - 3].size);
	wr_bytes(&world.certified, parts.pieces[parts.count - 1].ptr,
		 parts.pieces[parts.count - 1].size);
	quote_parts_done(&parts);
}

static int enter(void **state)
{
	struct writer *const all[] = {&world.quote, &world.signature, &world.public,
				      &world.pcrs,  &world.statement, &world.certified};

	(void)state;
	quote_scene_make(&world.scene, QUOTE_P256);
	world.scene.names_key = true;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		*all[i] = wr_init(LIMIT_EVIDENCE);
	quote_scene_quote(&world.scene, &world.quote);
	quote_scene_sign(&world.scene, world.scene.ak, wr_view(&world.quote), false,
			 &world.signature);
	quote_scene_public(&world.scene, world.scene.ak, world.scene.attributes,
			   &world.public);
	quote_scene_pcrs(&world.scene, &world.pcrs);
	write_certified();
	return 0;
}

static int leave(void **state)
{
	struct writer *const all[] = {&world.quote, &world.signature, &world.public,
				      &world.pcrs,  &world.statement, &world.certified};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		wr_done(all[i]);
	quote_scene_done(&world.scene);
	return 0;
}

static void put_base64(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	wr_printf(out, "\"%s\": \"", name);
	base64_write(out, bytes);
	wr_printf(out, "\", ");
}

static void put_hex(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	char hex[4096];

	hex_write(bytes, hex, sizeof(hex));
	wr_printf(out, "\"%s\": \"%s\", ", name, hex);
}

/* What is inside the braces of the scene's PCRs. */
static void put_pcrs(struct writer *out)
{
	wr_bytes(out, world.pcrs.ptr + 1, world.pcrs.size - 2);
}

static void write_own(struct writer *out)
{
	wr_printf(out, "{");
	put_base64(out, "tpm2-quote", wr_view(&world.quote));
	put_base64(out, "signature", wr_view(&world.signature));
	put_base64(out, "ak", wr_view(&world.public));
	put_pcrs(out);
	wr_printf(out, "}");
}

static void write_trustee(struct writer *out)
{
	char hex[2 * TPM_HASH_MAX + 1];
	struct writer spki = wr_init(512);

	wr_printf(out, "{\"tpm_quote\": {");
	put_base64(out, "message", wr_view(&world.quote));
	put_base64(out, "signature", wr_view(&world.signature));
	wr_printf(out, "\"pcrs\": [");
	for (size_t i = 0; i < 2; i++) {
		for (unsigned j = 0; j < TPM_PCRS; j++) {
			hex_write(world.scene.banks[i].pcrs[j], hex, sizeof(hex));
			if (i == 0)
				wr_printf(out, "%s\"%s\"", j ? ", " : "", hex);
		}
	}
	wr_printf(out, "]}, ");
	assert_int_equal(key_spki(world.scene.ak, &spki, NULL), 0);
	put_base64(out, "ak_public", wr_view(&spki));
	wr_printf(out, "\"more\": 1}");
	wr_done(&spki);
}

static void write_vaportpm(struct writer *out)
{
	wr_printf(out, "{\"attestation\": {\"tpm\": {\"ecc_p256\": {");
	put_hex(out, "attest_data", wr_view(&world.quote));
	put_hex(out, "signature", wr_view(&world.signature));
	wr_printf(out, "\"x\": 1}}, \"gcp\": {\"ak_cert_chain\": \"\"}}, ");
	put_pcrs(out);
	wr_printf(out, "}");
}

static void put_bytes(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	cbor_write_text(out, name);
	cbor_write_bytes(out, bytes);
}

static void write_parsec(struct writer *out)
{
	struct writer signature = wr_init(512);

	quote_scene_sign(&world.scene, world.scene.ak, wr_view(&world.statement), false,
			 &signature);
	cbor_write_map(out, 2);
	cbor_write_text(out, "kat");
	cbor_write_map(out, 5);
	cbor_write_text(out, "tpmVer");
	cbor_write_text(out, "2.0");
	put_bytes(out, "sig", wr_view(&signature));
	put_bytes(out, "kid", text_bytes("key"));
	put_bytes(out, "pubArea", wr_view(&world.certified));
	put_bytes(out, "certInfo", wr_view(&world.statement));
	cbor_write_text(out, "pat");
	cbor_write_map(out, 3);
	cbor_write_text(out, "tpmVer");
	cbor_write_text(out, "2.0");
	put_bytes(out, "sig", wr_view(&world.signature));
	put_bytes(out, "attestInfo", wr_view(&world.quote));
	wr_done(&signature);
}

/* One bank and eight values, as tpm2_quote writes them. */
static void write_serialized(struct writer *out)
{
	static const uint8_t zeros[TPM_HASH_MAX];

	wr_bytes(out, "\x01\0\0\0\x0b\0\x03\xff\0\0\0\0", 12);
	for (unsigned i = 1; i < 16; i++)
		wr_bytes(out, zeros, 8);
	wr_bytes(out, "\x01\0\0\0\x08\0\0\0", 8);
	for (unsigned i = 0; i < 8; i++) {
		wr_bytes(out, "\x20\0", 2);
		wr_bytes(out, world.scene.values[0][i], 32);
		wr_bytes(out, zeros, 32);
	}
}

static void write_keylime(struct writer *out)
{
	struct writer pcrs = wr_init(4096);

	write_serialized(&pcrs);
	wr_printf(out, "r");
	base64_write(out, wr_view(&world.quote));
	wr_printf(out, ":");
	base64_write(out, wr_view(&world.signature));
	wr_printf(out, ":");
	base64_write(out, wr_view(&pcrs));
	wr_done(&pcrs);
}

/* Of quotes of the SHA-256 bank alone. */
static void quote_one_bank(uint32_t pcrs)
{
	world.scene.selections[0].pcrs = pcrs;
	world.scene.selection_count = 1;
	world.quote.size = world.signature.size = 0;
	quote_scene_quote(&world.scene, &world.quote);
	quote_scene_sign(&world.scene, world.scene.ak, wr_view(&world.quote), false,
			 &world.signature);
}

static void quote_both_banks(void)
{
	world.scene.selections[0].pcrs = 0xffff;
	world.scene.selection_count = 2;
	world.quote.size = world.signature.size = 0;
	quote_scene_quote(&world.scene, &world.quote);
	quote_scene_sign(&world.scene, world.scene.ak, wr_view(&world.quote), false,
			 &world.signature);
}

static bool is_accepted(struct tobi_bytes bytes)
{
	struct tobi_result *result = NULL;
	bool accepted;

	accepted = !quote_scene_try_bytes(&world.scene, bytes, &result, NULL) &&
		   tobi_result_verdict(result) == TOBI_ACCEPT;
	tobi_result_free(result);
	return accepted;
}

/* Whole it is accepted; cut short at each length, or with a byte more, it is not. */
static void expect_exact(void (*write)(struct writer *out))
{
	struct writer out = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	write(&out);
	assert_int_equal(wr_err(&out), 0);
	if (quote_scene_try_bytes(&world.scene, wr_view(&out), &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	expect_accepted(result);
	for (size_t size = 0; size<out.size; size += out.size> 2000 ? 7 : 1) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_false(is_accepted(block_view(cut)));
		block_done(cut);
	}
	wr_u8(&out, '}');
	assert_false(is_accepted(wr_view(&out)));
	wr_done(&out);
}

static void test_tpm_json__own__is_read(void **state)
{
	(void)state;
	expect_exact(write_own);
}

static void test_tpm_json__trustees__is_read(void **state)
{
	(void)state;
	quote_one_bank(0xffffff);
	expect_exact(write_trustee);
	quote_both_banks();
}

static void test_tpm_json__vaportpms__is_read(void **state)
{
	(void)state;
	expect_exact(write_vaportpm);
}

/* It has no PCR values: the policy names the digest. */
static void test_tpm_parsec__is_read(void **state)
{
	struct tpm_attest attest;
	char policy[256], hex[2 * TPM_HASH_MAX + 1];

	(void)state;
	assert_int_equal(tpm_attest_parse(wr_view(&world.quote), &attest, NULL), 0);
	hex_write(attest.pcr_digest, hex, sizeof(hex));
	snprintf(policy, sizeof(policy), "  pcr-digests: [%s]\n", hex);
	world.scene.tpm = policy;
	expect_exact(write_parsec);
	world.scene.tpm = NULL;
}

static void test_tpm_keylime__is_read(void **state)
{
	(void)state;
	quote_one_bank(0xff);
	expect_exact(write_keylime);
	quote_both_banks();
}

static enum tobi_err read_json(const char *text)
{
	struct arena arena = arena_init(1 << 20);
	struct tpm_parts parts = {.arena = &arena};
	enum tobi_err err = tpm_json_add(&parts, text_bytes(text), NULL);

	arena_done(&arena);
	return err;
}

static void test_tpm_json__wrong_members__fail(void **state)
{
	static const char *const wrong[] = {
	    "{\"pcrs\": {\"sha256\": {\"0\": \"00\"}}}",
	    "{\"pcrs\": {\"sha257\": {\"0\": \"00\"}}}",
	    "{\"pcrs\": {\"sha1\": {\"24\": "
	    "\"0000000000000000000000000000000000000000\"}}}",
	    "{\"pcrs\": {\"sha1\": {\"01\": "
	    "\"0000000000000000000000000000000000000000\"}}}",
	    "{\"pcrs\": {\"sha1\": {\"1\": 7}}}",
	    "{\"pcrs\": [\"00\"]}",
	    "{\"tpm2-quote\": \"?\"}",
	    "{\"tpm2-quote\": 7}",
	    "{\"certificates\": [\"?\"]}",
	    "{\"event-log\": \"?\"}",
	    "{\"event-log\": \"AA==\", \"event-log\": \"AA==\"}",
	    "{\"attestation\": {\"tpm\": {\"a\": {\"attest_data\": \"0\"}}}}",
	    "{\"attestation\": {\"nitro\": {}}}",
	    "{",
	};

	(void)state;
	assert_int_equal(read_json("{\"pcrs\": {\"sha1\": {\"1\": "
				   "\"0000000000000000000000000000000000000000\"}}}"),
			 TOBI_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(read_json(wrong[i]), TOBI_E_MALFORMED);
}

static enum tobi_err read_parsec(void (*write)(struct writer *out))
{
	struct arena arena = arena_init(1 << 20);
	struct tpm_parts parts = {.arena = &arena};
	struct writer out = wr_init(4096);
	enum tobi_err err;

	write(&out);
	err = tpm_parsec_add(&parts, wr_view(&out), NULL);
	wr_done(&out);
	arena_done(&arena);
	return err;
}

static void write_unknown_token(struct writer *out)
{
	cbor_write_map(out, 1);
	cbor_write_text(out, "xat");
	cbor_write_map(out, 0);
}

static void write_unknown_key(struct writer *out)
{
	cbor_write_map(out, 1);
	cbor_write_text(out, "pat");
	cbor_write_map(out, 1);
	put_bytes(out, "more", text_bytes("x"));
}

static void write_version(struct writer *out)
{
	cbor_write_map(out, 1);
	cbor_write_text(out, "pat");
	cbor_write_map(out, 1);
	cbor_write_text(out, "tpmVer");
	cbor_write_text(out, "1.2");
}

static void test_tpm_parsec__wrong_keys__fail(void **state)
{
	(void)state;
	assert_int_equal(read_parsec(write_parsec), TOBI_OK);
	assert_int_equal(read_parsec(write_unknown_token), TOBI_E_MALFORMED);
	assert_int_equal(read_parsec(write_unknown_key), TOBI_E_MALFORMED);
	assert_int_equal(read_parsec(write_version), TOBI_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_json__own__is_read),
	    cmocka_unit_test(test_tpm_json__trustees__is_read),
	    cmocka_unit_test(test_tpm_json__vaportpms__is_read),
	    cmocka_unit_test(test_tpm_parsec__is_read),
	    cmocka_unit_test(test_tpm_keylime__is_read),
	    cmocka_unit_test(test_tpm_json__wrong_members__fail),
	    cmocka_unit_test(test_tpm_parsec__wrong_keys__fail),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
