#include "codec/cbor.h"
#include "pki/cert.h"
#include "tests/bytes.h"
#include "token/cmw.h"
#include "token/ratls.h"

#define QUOTE "application/vnd.tobichi.sgx-quote"

static struct arena arena;

static struct cmw_record record(const char *key, const char *type, const char *value)
{
	return (struct cmw_record){text_bytes(key), text_bytes(type), 0,
				   text_bytes(value), 0};
}

static void put_der(struct writer *out, uint8_t tag, struct tobi_bytes bytes)
{
	assert_true(bytes.size < 0x10000);
	wr_u8(out, tag);
	if (bytes.size >= 0x80)
		wr_u8(out, bytes.size < 0x100 ? 0x81 : 0x82);
	wr_uint_be(out, bytes.size, bytes.size < 0x100 ? 1 : 2);
	wr_bytes(out, bytes.ptr, bytes.size);
}

/* An OCTET STRING around a collection; a UTF8String around one in JSON. */
static void put_as(enum cmw_form form, struct writer *out,
		   const struct cmw_record *records, size_t count)
{
	struct writer cmw = wr_init(60000);

	(form == CMW_JSON ? cmw_write_json : cmw_write)(&cmw, records, count);
	put_der(out, form == CMW_JSON ? 0x0c : 0x04, wr_view(&cmw));
	wr_done(&cmw);
}

static void put(struct writer *out, const struct cmw_record *records, size_t count)
{
	put_as(CMW_CBOR, out, records, count);
}

static int enter(void **state)
{
	(void)state;
	arena = arena_init(1 << 20);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static enum tobi_err parse(const struct cmw_record *records, size_t count,
			   struct ratls_carried *ret)
{
	static struct writer value;
	enum tobi_err err;

	wr_done(&value);
	value = wr_init(1 << 16);
	put(&value, records, count);
	err = ratls_cmw_parse(wr_view(&value), &arena, ret, NULL);
	return err;
}

static void test_ratls_cmw__evidence_and_claims__read(void **state)
{
	static const struct {
		const char *type;
		uint64_t tag;
	} kinds[] = {{QUOTE, RATLS_TAG_QUOTE},
		     {"application/vnd.tobichi.tdx-quote", RATLS_TAG_QUOTE},
		     {"application/vnd.tobichi.snp-report", RATLS_TAG_SNP},
		     {CMW_TYPE_EAT, RATLS_TAG_EAT}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct cmw_record records[] = {
		    record("cpu", kinds[i].type,
			   "evidence of some length, so that it is long"),
		    record("claims", CMW_TYPE_CLAIMS, "claims"),
		    record("endorse", CMW_TYPE_CHAIN, "chain")};
		struct ratls_carried carried;

		assert_int_equal(parse(records, 3, &carried), 0);
		assert_int_equal(carried.evidence.tag, kinds[i].tag);
		assert_bytes_equal(carried.evidence.claims_buffer, text_bytes("claims"));
		assert_int_equal(carried.has_endorsements, i == 3);
	}
}

static void test_ratls_cmw__wrong__refused(void **state)
{
	const char *const evidence = "evidence of some length, so that what is around it "
				     "has a length in two bytes, and some more of it";
	struct cmw_record records[] = {record("cpu", QUOTE, evidence),
				       record("claims", CMW_TYPE_CLAIMS, "claims")};
	struct ratls_carried carried;

	(void)state;
	assert_int_equal(parse(records, 2, &carried), TOBI_OK);
	assert_int_equal(parse(records, 1, &carried), TOBI_E_MALFORMED);
	records[1].media_type = text_bytes("text/plain");
	assert_int_equal(parse(records, 2, &carried), TOBI_E_MALFORMED);
	records[1].media_type = text_bytes(CMW_TYPE_CLAIMS);
	records[0].media_type = text_bytes("application/vnd.tobichi.nothing");
	assert_int_equal(parse(records, 2, &carried), TOBI_E_UNSUPPORTED);
	assert_int_equal(ratls_cmw_parse(BYTES(0x04, 1, 0xa0), &arena, &carried, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(ratls_cmw_parse(BYTES(0x30, 0), &arena, &carried, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(ratls_cmw_parse((struct tobi_bytes){0}, &arena, &carried, NULL),
			 TOBI_E_TRUNCATED);
}

static enum tobi_err parse_text(const char *text, struct arena *to)
{
	struct writer value = wr_init(1 << 16);
	struct ratls_carried carried;
	enum tobi_err err;

	put_der(&value, 0x0c, text_bytes(text));
	err = ratls_cmw_parse(wr_view(&value), to, &carried, NULL);
	wr_done(&value);
	return err;
}

#define CPU "\"cpu\": [\"" QUOTE "\", \"AAAA\"]"
#define CLAIMS "\"claims\": [\"" CMW_TYPE_CLAIMS "\", \"AAAA\"]"

static void test_ratls_cmw__json__is_read_as_cbor_is(void **state)
{
	struct cmw_record records[] = {record("cpu", CMW_TYPE_EAT, "evidence"),
				       record("claims", CMW_TYPE_CLAIMS, "claims"),
				       record("endorse", CMW_TYPE_CHAIN, "chain")};
	struct writer value = wr_init(1 << 16);
	struct ratls_carried carried;

	(void)state;
	put_as(CMW_JSON, &value, records, 3);
	assert_int_equal(ratls_cmw_parse(wr_view(&value), &arena, &carried, NULL), 0);
	assert_int_equal(carried.evidence.tag, RATLS_TAG_EAT);
	assert_bytes_equal(carried.evidence.evidence, text_bytes("evidence"));
	assert_bytes_equal(carried.evidence.claims_buffer, text_bytes("claims"));
	assert_bytes_equal(carried.endorsements.chain, text_bytes("chain"));
	for (size_t size = 0; size < value.size; size++) {
		struct block cut = block_new((struct tobi_bytes){value.ptr, size});

		assert_int_not_equal(
		    ratls_cmw_parse(block_view(cut), &arena, &carried, NULL), 0);
		block_done(cut);
	}
	wr_u8(&value, 0);
	assert_int_equal(ratls_cmw_parse(wr_view(&value), &arena, &carried, NULL),
			 TOBI_E_TRAILING);
	wr_done(&value);
}

static void test_ratls_cmw__wrong_json__refused(void **state)
{
	static const struct {
		const char *text;
		enum tobi_err err;
	} wrong[] = {
	    {"", TOBI_E_MALFORMED},
	    {"{}", TOBI_E_MALFORMED},
	    {"{" CPU "}", TOBI_E_MALFORMED},
	    {"{" CPU ", " CLAIMS "} ]", TOBI_E_MALFORMED},
	    {"{" CPU ", " CPU ", " CLAIMS "}", TOBI_E_MALFORMED},
	    /* One record, which is no collection. */
	    {"[\"" QUOTE "\", \"AAAA\"]", TOBI_E_MALFORMED},
	    /* Not at the top, so it is not the processor's. */
	    {"{\"x\": {" CPU ", " CLAIMS "}}", TOBI_E_MALFORMED},
	    {"{\"__cmwc_t\": \"tag:x\", " CPU ", " CLAIMS "}", TOBI_E_UNSUPPORTED},
	    {"{\"cpu\": [\"a/b\", \"AAAA\"], " CLAIMS "}", TOBI_E_UNSUPPORTED},
	    {"{\"cpu\": [\"" QUOTE "\", \"AA==\"], " CLAIMS "}", TOBI_E_MALFORMED},
	    {"\xa2 in a text", TOBI_E_MALFORMED},
	};
	struct arena small = arena_init(4);

	(void)state;
	assert_int_equal(parse_text("{" CPU ", " CLAIMS "}", &arena), TOBI_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		enum tobi_err err = parse_text(wrong[i].text, &arena);

		if (err != wrong[i].err)
			fail_msg("%s: %d", wrong[i].text, err);
	}
	assert_int_equal(parse_text("{" CPU ", " CLAIMS "}", &small), TOBI_E_MEMORY);
	arena_done(&small);
}

static void find_in_certificate(enum cmw_form form)
{
	struct cmw_record records[] = {
	    record("cpu", QUOTE,
		   "evidence of some length, so that what is around it has a "
		   "length of its own, and some more of it, too"),
	    record("claims", CMW_TYPE_CLAIMS, "claims")};
	struct writer value = wr_init(1 << 16), der = wr_init(1 << 16);
	struct cert_extra extra = {&ratls_cmw_name, {0}};
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "x",
				       .not_before = 1,
				       .not_after = 1000000,
				       .extras = &extra,
				       .extra_count = 1};
	struct ratls_carried carried;
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;

	put_as(form, &value, records, 2);
	extra.value = wr_view(&value);
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	request.key = key;
	assert_int_equal(cert_make(&request, NULL, key, &der, NULL), 0);
	assert_int_equal(chain_read_certificate(wr_view(&der), "x", &certificate, NULL),
			 0);
	assert_int_equal(ratls_find(certificate, &arena, &carried, NULL), 0);
	assert_int_equal(carried.form, RATLS_CCC);
	assert_int_equal(carried.evidence.tag, RATLS_TAG_QUOTE);
	X509_free(certificate);
	EVP_PKEY_free(key);
	wr_done(&value);
	wr_done(&der);
}

static void test_ratls_find__cmw_in_a_certificate__found(void **state)
{
	for (enum cmw_form form = CMW_CBOR; form <= CMW_JSON; form++)
		find_in_certificate(form);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_cmw__evidence_and_claims__read),
	    cmocka_unit_test(test_ratls_cmw__wrong__refused),
	    cmocka_unit_test(test_ratls_cmw__json__is_read_as_cbor_is),
	    cmocka_unit_test(test_ratls_cmw__wrong_json__refused),
	    cmocka_unit_test(test_ratls_find__cmw_in_a_certificate__found),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
