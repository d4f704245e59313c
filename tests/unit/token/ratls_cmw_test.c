#include "codec/cbor.h"
#include "pki/cert.h"
#include "tests/bytes.h"
#include "token/cmw.h"
#include "token/ratls.h"

#define QUOTE "application/vnd.tobichi.sgx-quote"

static struct cmw_record record(const char *key, const char *type, const char *value)
{
	return (struct cmw_record){text_bytes(key), text_bytes(type), 0,
				   text_bytes(value), 0};
}

/* An OCTET STRING around a collection. */
static void put(struct writer *out, const struct cmw_record *records, size_t count)
{
	struct writer cmw = wr_init(60000);

	cmw_write(&cmw, records, count);
	assert_true(cmw.size >= 0x80 && cmw.size < 0x10000);
	wr_u8(out, 0x04);
	wr_u8(out, cmw.size < 0x100 ? 0x81 : 0x82);
	wr_uint_be(out, cmw.size, cmw.size < 0x100 ? 1 : 2);
	wr_bytes(out, cmw.ptr, cmw.size);
	wr_done(&cmw);
}

static enum tobi_err parse(const struct cmw_record *records, size_t count,
			   struct ratls_carried *ret)
{
	static struct writer value;
	enum tobi_err err;

	wr_done(&value);
	value = wr_init(1 << 16);
	put(&value, records, count);
	err = ratls_cmw_parse(wr_view(&value), ret, NULL);
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
	assert_int_equal(ratls_cmw_parse(BYTES(0x0c, 2, '{', '}'), &carried, NULL),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(ratls_cmw_parse(BYTES(0x04, 1, 0xa0), &carried, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(ratls_cmw_parse(BYTES(0x30, 0), &carried, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(ratls_cmw_parse((struct tobi_bytes){0}, &carried, NULL),
			 TOBI_E_TRUNCATED);
}

static void test_ratls_find__cmw_in_a_certificate__found(void **state)
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

	(void)state;
	put(&value, records, 2);
	extra.value = wr_view(&value);
	assert_int_equal(key_new(KEY_P256, &key, NULL), 0);
	request.key = key;
	assert_int_equal(cert_make(&request, NULL, key, &der, NULL), 0);
	assert_int_equal(chain_read_certificate(wr_view(&der), "x", &certificate, NULL),
			 0);
	assert_int_equal(ratls_find(certificate, &carried, NULL), 0);
	assert_int_equal(carried.form, RATLS_CCC);
	assert_int_equal(carried.evidence.tag, RATLS_TAG_QUOTE);
	X509_free(certificate);
	EVP_PKEY_free(key);
	wr_done(&value);
	wr_done(&der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_cmw__evidence_and_claims__read),
	    cmocka_unit_test(test_ratls_cmw__wrong__refused),
	    cmocka_unit_test(test_ratls_find__cmw_in_a_certificate__found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
