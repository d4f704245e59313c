#include "codec/jose.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "codec/base64.h"
#include "pki/key.h"
#include "tests/bytes.h"

static void put64(struct writer *out, const char *text)
{
	base64url_write(out, text_bytes(text));
}

static enum tobi_err parse(struct tobi_bytes bytes, struct jws *ret_jws,
			   struct tobi_fault *fault)
{
	struct block block = block_new(bytes);
	enum tobi_err err = jws_parse(block_view(block), "token", ret_jws, fault);

	/* Its signed bytes are borrowed; nothing here looks at them. */
	block_done(block);
	return err;
}

static enum tobi_err with_header(const char *header, struct tobi_fault *fault)
{
	struct writer token = wr_init(1 << 16);
	struct jws jws = {0};
	enum tobi_err err;

	put64(&token, header);
	wr_printf(&token, ".e30.AAAA");
	err = parse(wr_view(&token), &jws, fault);
	if (!err)
		jws_done(&jws);
	wr_done(&token);
	return err;
}

/* RFC 7515, appendix A.3: ES256. */
static const char rfc[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb2"
    "90Ijp0cnVlfQ."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6"
    "NU1Q";
static const char rfc_key[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
			      "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			      "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";

static EVP_PKEY *read_key(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	EVP_PKEY *key = NULL;

	assert_non_null(json);
	assert_int_equal(jwk_read(json, "key", &key, NULL), TOBI_OK);
	json_decref(json);
	return key;
}

static void test_jws__example_of_the_rfc__verifies(void **state)
{
	EVP_PKEY *key = read_key(rfc_key);
	struct jws jws = {0};

	(void)state;
	assert_true(jws_is(text_bytes(rfc)));
	assert_int_equal(jws_parse(text_bytes(rfc), "token", &jws, NULL), TOBI_OK);
	assert_int_equal(jws.alg, COSE_ES256);
	assert_int_equal(jws_verify(&jws, key, "token", NULL), TOBI_OK);
	jws.signature_bytes.ptr[5] ^= 1;
	assert_int_equal(jws_verify(&jws, key, "token", NULL), TOBI_E_SIGNATURE);
	jws_done(&jws);
	EVP_PKEY_free(key);
}

static void test_jws_parse__other_than_three_parts__malformed(void **state)
{
	static const char *const bad[] = {"",
					  ".",
					  "..",
					  "e30",
					  "e30.e30",
					  "e30..AAAA",
					  ".e30.AAAA",
					  "e30.e30.",
					  "e30.e30.AAAA.AAAA",
					  "eyJhbGciOiJFUzI1NiJ9.e30.AAA=",
					  "eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n",
					  " eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
					  "eyJhbGciOiJFUzI1NiJ9.e3+.AAAA",
					  "eyJhbGciOiJFUzI1NiJ9.e31.AAAA",
					  "W10.e30.AAAA",
					  "bm8.e30.AAAA"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct jws jws = {0};

		assert_int_equal(parse(text_bytes(bad[i]), &jws, NULL), TOBI_E_MALFORMED);
	}
}

static void test_jws_parse__header__strict(void **state)
{
	static const struct {
		const char *header;
		enum tobi_err err;
	} cases[] = {
	    {"{\"alg\":\"ES256\"}", TOBI_OK},
	    {"{\"alg\":\"Ed25519\",\"typ\":\"JWT\",\"unknown\":1}", TOBI_OK},
	    {"{}", TOBI_E_MALFORMED},
	    {"{\"alg\":7}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"none\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"None\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"HS256\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"HS512\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"RS1\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256K\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256\",\"alg\":\"none\"}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256\",\"crit\":[]}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256\",\"b64\":false}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256\",\"zip\":\"DEF\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}", TOBI_E_UNSUPPORTED},
	    {"{\"alg\":\"ES256\",\"typ\":1}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"cty\":[]}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"kid\":{}}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"jwk\":\"x\"}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}",
	     TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"x5c\":\"AAAA\"}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"x5c\":[]}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"x5c\":[7]}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"x5c\":[\"A-AA\"]}", TOBI_E_MALFORMED},
	    {"{\"alg\":\"ES256\",\"x5c\":[\"AAAA\"]}", TOBI_OK},
	    {"{\"alg\":\"ES256\",\"x5c\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}",
	     TOBI_E_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_fault fault = {0};

		if (with_header(cases[i].header, &fault) != cases[i].err)
			fail_msg("%s: %s", cases[i].header, fault.message);
	}
}

static void test_jws_parse__header__at_its_limit(void **state)
{
	for (int over = 0; over <= 1; over++) {
		struct writer header = wr_init(1 << 20);

		wr_printf(&header, "{\"alg\":\"ES256\",\"x\":\"");
		while (header.size < LIMIT_JWS_HEADER - 2 + (size_t)over)
			wr_u8(&header, 'x');
		wr_printf(&header, "\"}");
		wr_u8(&header, 0);
		{
			struct writer token = wr_init(1 << 20);
			struct jws jws = {0};
			enum tobi_err err;

			base64url_write(&token,
					(struct tobi_bytes){header.ptr, header.size - 1});
			wr_printf(&token, ".e30.AAAA");
			err = parse(wr_view(&token), &jws, NULL);
			assert_int_equal(err, over ? TOBI_E_LIMIT : TOBI_OK);
			if (!err)
				jws_done(&jws);
			wr_done(&token);
		}
		wr_done(&header);
	}
	(void)state;
}

static void test_jws_write__each_kind_of_key__verifies(void **state)
{
	static const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_ED25519};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct writer token = wr_init(1 << 16);
		EVP_PKEY *key = NULL, *other = NULL;
		struct cose_signer signer;
		struct jws_headers headers = {.typ = "JWT", .cty = "x/y"};
		struct jws jws = {0};

		assert_int_equal(key_new(kinds[i], &key, NULL), 0);
		assert_int_equal(key_new(kinds[i], &other, NULL), 0);
		headers.jwk = jwk_write(key);
		assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
		assert_int_equal(
		    jws_write(&token, &signer, &headers, text_bytes("{}"), NULL), 0);
		assert_int_equal(jws_parse(wr_view(&token), "token", &jws, NULL), 0);
		assert_string_equal(jws.cty, "x/y");
		assert_int_equal(EVP_PKEY_eq(jws.jwk, key), 1);
		assert_bytes_equal(jws.payload, text_bytes("{}"));
		assert_int_equal(jws_verify(&jws, key, "token", NULL), 0);
		assert_int_equal(jws_verify(&jws, other, "token", NULL),
				 TOBI_E_SIGNATURE);
		/* A key of another kind is no key for it. */
		EVP_PKEY_free(other);
		assert_int_equal(key_new(kinds[(i + 1) % 3], &other, NULL), 0);
		assert_int_equal(jws_verify(&jws, other, "token", NULL),
				 TOBI_E_SIGNATURE);
		jws_done(&jws);
		json_decref(headers.jwk);
		EVP_PKEY_free(key);
		EVP_PKEY_free(other);
		wr_done(&token);
	}
}

/* RS256, which others sign with; and its place is no COSE_Sign1. */
static void test_jws_verify__rs256__verifies(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct writer token = wr_init(1 << 16), signature = wr_init(1024);
	uint8_t raw[256];
	size_t size = sizeof(raw);
	struct jws jws = {0};

	(void)state;
	put64(&token, "{\"alg\":\"RS256\"}");
	wr_printf(&token, ".e30");
	assert_int_equal(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(md, raw, &size, token.ptr, token.size), 1);
	wr_u8(&token, '.');
	base64url_write(&token, (struct tobi_bytes){raw, size});
	assert_int_equal(jws_parse(wr_view(&token), "token", &jws, NULL), 0);
	assert_int_equal(jws_verify(&jws, key, "token", NULL), 0);
	jws.signature_bytes.ptr[9] ^= 1;
	assert_int_equal(jws_verify(&jws, key, "token", NULL), TOBI_E_SIGNATURE);
	jws_done(&jws);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	wr_done(&token);
	wr_done(&signature);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_jws__example_of_the_rfc__verifies),
	    cmocka_unit_test(test_jws_parse__other_than_three_parts__malformed),
	    cmocka_unit_test(test_jws_parse__header__strict),
	    cmocka_unit_test(test_jws_parse__header__at_its_limit),
	    cmocka_unit_test(test_jws_write__each_kind_of_key__verifies),
	    cmocka_unit_test(test_jws_verify__rs256__verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
