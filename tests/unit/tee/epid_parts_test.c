#include "tee/epid_parts.h"

#include "codec/base64.h"
#include "pki/pinned.h"
#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/epid_scene.h"

static struct test_service service;
static struct test_epid epid;
static struct writer body, signature;

static int enter(void **state)
{
	(void)state;
	test_service_make(&service, NULL, NULL);
	test_epid_make(&epid, &service);
	body = wr_init(LIMIT_EPID_REPORT);
	signature = wr_init(1024);
	test_epid_body(&epid, &body);
	test_epid_signature(&epid, wr_view(&body), &signature);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	test_service_done(&service);
	wr_done(&body);
	wr_done(&signature);
	return 0;
}

static struct tobi_result *verify(struct tobi_bytes evidence,
				  const struct tobi_bytes *pieces, size_t count)
{
	struct tobi_result *result = NULL;

	assert_int_equal(test_epid_verify(&epid, evidence, pieces, count, &result, NULL),
			 0);
	return result;
}

static void test_epid_parts__saved_reply__accepted(void **state)
{
	struct writer reply = wr_init(LIMIT_EVIDENCE);

	(void)state;
	test_epid_reply(&epid, &reply);
	expect_accepted(verify(wr_view(&reply), NULL, 0));
	wr_done(&reply);
}

static void test_epid_parts__headers_as_a_piece__accepted(void **state)
{
	struct writer reply = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes piece;

	(void)state;
	test_epid_reply(&epid, &reply);
	piece = (struct tobi_bytes){reply.ptr, reply.size - body.size};
	expect_accepted(verify(wr_view(&body), &piece, 1));
	wr_done(&reply);
}

static void test_epid_parts__another_length__fails(void **state)
{
	struct writer reply = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;

	(void)state;
	test_epid_reply(&epid, &reply);
	wr_u8(&reply, '\n');
	assert_int_equal(test_epid_verify(&epid, wr_view(&reply), NULL, 0, &result, NULL),
			 TOBI_E_TRAILING);
	reply.size -= 2;
	assert_int_equal(test_epid_verify(&epid, wr_view(&reply), NULL, 0, &result, NULL),
			 TOBI_E_TRUNCATED);
	wr_done(&reply);
}

static void test_epid_parts__signature_header_that_is_none__fails(void **state)
{
	struct writer reply = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;

	(void)state;
	wr_printf(&reply, "HTTP/1.1 200 OK\nX-IASReport-Signature: AAAA\n\n");
	wr_bytes(&reply, body.ptr, body.size);
	assert_int_equal(test_epid_verify(&epid, wr_view(&reply), NULL, 0, &result, NULL),
			 TOBI_E_MALFORMED);
	wr_done(&reply);
}

/* As Oasis keeps them: the members are the base64 of what came. */
static void test_epid_parts__bundle__accepted(void **state)
{
	struct writer bundle = wr_init(LIMIT_EVIDENCE);

	(void)state;
	wr_printf(&bundle, "{\"body\":\"");
	base64_write(&bundle, wr_view(&body));
	wr_printf(&bundle, "\",\"certificate_chain\":\"");
	base64_write(&bundle, wr_view(&service.chain));
	wr_printf(&bundle, "\",\"signature\":\"");
	base64_write(&bundle, wr_view(&signature));
	wr_printf(&bundle, "\"}");
	expect_accepted(verify(wr_view(&bundle), NULL, 0));
	wr_done(&bundle);
}

static void test_epid_parts__bundle_of_texts__accepted(void **state)
{
	struct writer bundle = wr_init(LIMIT_EVIDENCE);

	(void)state;
	wr_printf(&bundle, "{\"certificate_chain\":\"");
	for (size_t i = 0; i < service.chain.size; i++)
		wr_printf(&bundle, service.chain.ptr[i] == '\n' ? "\\n" : "%c",
			  service.chain.ptr[i]);
	wr_printf(&bundle, "\",\"signature\":\"%.*s\",\"body\":\"", (int)signature.size,
		  (const char *)signature.ptr);
	for (size_t i = 0; i < body.size; i++)
		wr_printf(&bundle, body.ptr[i] == '"' ? "\\\"" : "%c", body.ptr[i]);
	wr_printf(&bundle, "\"}");
	expect_accepted(verify(wr_view(&bundle), NULL, 0));
	wr_done(&bundle);
}

static void test_epid_parts__bundle_that_lacks_one__fails(void **state)
{
	struct writer bundle = wr_init(LIMIT_EVIDENCE);
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	(void)state;
	wr_printf(&bundle, "{\"body\":\"");
	base64_write(&bundle, wr_view(&body));
	wr_printf(&bundle, "\",\"signature\":\"AAAA\"}");
	assert_int_equal(
	    test_epid_verify(&epid, wr_view(&bundle), NULL, 0, &result, &fault),
	    TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "certificate_chain");
	wr_done(&bundle);
}

static void test_epid_parts__pieces_in_other_forms__accepted(void **state)
{
	struct writer lines = wr_init(2048), encoded = wr_init(LIMIT_PEM);
	struct tobi_bytes pieces[4];

	(void)state;
	wr_printf(&lines, "\n%.*s\r\n", (int)signature.size, (const char *)signature.ptr);
	for (size_t i = 0; i < service.chain.size; i++) {
		uint8_t byte = service.chain.ptr[i];

		wr_printf(&encoded,
			  byte == ' ' || byte == '\n' || byte == '+' ? "%%%02x" : "%c",
			  byte);
	}
	pieces[0] = wr_view(&encoded);
	pieces[1] = wr_view(&lines);
	pieces[2] = BYTES(1, 2, 3); /* something else: left alone */
	expect_accepted(verify(wr_view(&body), pieces, 3));
	pieces[0] = wr_view(&service.certificate);
	pieces[2] = wr_view(&service.root);
	expect_accepted(verify(wr_view(&body), pieces, 3));
	wr_done(&lines);
	wr_done(&encoded);
}

static void test_epid_parts__encoding_that_is_none__fails(void **state)
{
	static const char *const texts[] = {"-----BEGIN%20%", "-----BEGIN%20%0",
					    "-----BEGIN%20%zz"};
	struct tobi_result *result = NULL;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tobi_bytes piece = text_bytes(texts[i]);

		assert_int_equal(
		    test_epid_verify(&epid, wr_view(&body), &piece, 1, &result, NULL),
		    TOBI_E_MALFORMED);
	}
}

/* A good chain is there, too: all of what came is read. */
static void test_epid_parts__certificates_that_are_none__fail(void **state)
{
	static const char *const texts[] = {
	    "-----BEGIN CERTIFICATE-----\nAAAA",
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	    "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
	};
	struct tobi_bytes pieces[3] = {wr_view(&signature), wr_view(&service.chain)};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tobi_result *result;

		pieces[2] = text_bytes(texts[i]);
		result = verify(wr_view(&body), pieces, 3);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		ALSO_FAILS("EPID-CHAIN", result);
		tobi_result_free(result);
	}
}

static void expect_no_chain(const struct writer *chain)
{
	const struct tobi_bytes pieces[2] = {wr_view(&signature), wr_view(chain)};
	struct tobi_result *result = verify(wr_view(&body), pieces, 2);

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	ALSO_FAILS("EPID-CHAIN", result);
	tobi_result_free(result);
}

static void expect_chain(const struct writer *chain)
{
	const struct tobi_bytes pieces[2] = {wr_view(&signature), wr_view(chain)};

	expect_accepted(verify(wr_view(&body), pieces, 2));
}

/* Of one text: as many as are looked at, and one more; as long, and a byte longer. */
static void test_epid_parts__too_many_certificates__fail(void **state)
{
	struct writer chain = wr_init(2 * LIMIT_PEM);

	(void)state;
	for (size_t i = 0; i < PINNED_CERTIFICATES_MAX / 2; i++)
		wr_bytes(&chain, service.chain.ptr, service.chain.size);
	expect_chain(&chain);
	assert_int_equal(chain_write_pem(wr_view(&service.root), &chain, NULL), 0);
	expect_no_chain(&chain);
	chain.size = service.chain.size;
	while (chain.size < LIMIT_PEM)
		wr_u8(&chain, '\n');
	expect_chain(&chain);
	wr_u8(&chain, '-');
	expect_no_chain(&chain);
	wr_done(&chain);
}

static void test_epid_recognise__other_bytes__no(void **state)
{
	(void)state;
	assert_true(epid_recognise(wr_view(&body)));
	assert_false(epid_recognise(text_bytes("")));
	assert_false(epid_recognise(text_bytes("{}")));
	assert_false(epid_recognise(text_bytes("{\"body\":1}")));
	assert_false(epid_recognise(text_bytes("HTTP/1.1 200 OK\n\n{}")));
	assert_false(epid_recognise(text_bytes("[\"isvEnclaveQuoteBody\"]")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_epid_parts__saved_reply__accepted),
	    cmocka_unit_test(test_epid_parts__headers_as_a_piece__accepted),
	    cmocka_unit_test(test_epid_parts__another_length__fails),
	    cmocka_unit_test(test_epid_parts__signature_header_that_is_none__fails),
	    cmocka_unit_test(test_epid_parts__bundle__accepted),
	    cmocka_unit_test(test_epid_parts__bundle_of_texts__accepted),
	    cmocka_unit_test(test_epid_parts__bundle_that_lacks_one__fails),
	    cmocka_unit_test(test_epid_parts__pieces_in_other_forms__accepted),
	    cmocka_unit_test(test_epid_parts__encoding_that_is_none__fails),
	    cmocka_unit_test(test_epid_parts__certificates_that_are_none__fail),
	    cmocka_unit_test(test_epid_parts__too_many_certificates__fail),
	    cmocka_unit_test(test_epid_recognise__other_bytes__no),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
