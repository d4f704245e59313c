#include "tests/arm_token.h"

#include <openssl/hmac.h>

#include "codec/cbor.h"
#include "codec/cose_alg.h"
#include "tests/check.h"

static struct test_claim *claim_of(struct test_token *token, int64_t label)
{
	struct test_claim *claim;

	for (size_t i = 0; i < token->claim_count; i++) {
		if (token->claims[i].label == label)
			return &token->claims[i];
	}
	assert_true(token->claim_count < TEST_CLAIMS_MAX);
	claim = &token->claims[token->claim_count++];
	claim->label = label;
	return claim;
}

void test_claim_bytes(struct test_token *token, int64_t label, struct tobi_bytes bytes)
{
	*claim_of(token, label) = (struct test_claim){label, CLAIM_BYTES, .bytes = bytes};
}

void test_claim_text(struct test_token *token, int64_t label, const char *text)
{
	*claim_of(token, label) = (struct test_claim){label, CLAIM_TEXT, .text = text};
}

void test_claim_int(struct test_token *token, int64_t label, int64_t number)
{
	*claim_of(token, label) = (struct test_claim){label, CLAIM_INT, .number = number};
}

void test_claim_raw(struct test_token *token, int64_t label, struct tobi_bytes item)
{
	*claim_of(token, label) = (struct test_claim){label, CLAIM_RAW, .bytes = item};
}

void test_claim_remove(struct test_token *token, int64_t label)
{
	*claim_of(token, label) = (struct test_claim){label, CLAIM_ABSENT};
}

struct tobi_bytes test_bytes_of(uint8_t value, size_t size)
{
	static uint8_t bytes[256][132];

	assert_true(size <= sizeof(bytes[0]));
	memset(bytes[value], value, sizeof(bytes[0]));
	return (struct tobi_bytes){bytes[value], size};
}

static void write_text_member(struct writer *out, unsigned label, const char *text)
{
	if (!text)
		return;
	cbor_write_uint(out, label);
	cbor_write_text(out, text);
}

static void write_components(const struct test_token *token, struct writer *out)
{
	cbor_write_int(out, token->components_label);
	cbor_write_array(out, token->component_count);
	for (size_t i = 0; i < token->component_count; i++) {
		const struct test_component *component = &token->components[i];
		size_t count = 0;

		count += component->type != NULL;
		count += component->version != NULL;
		count += component->hash != NULL;
		count += component->value.size > 0;
		count += component->signer.size > 0;
		cbor_write_map(out, count);
		write_text_member(out, 1, component->type);
		if (component->value.size) {
			cbor_write_uint(out, 2);
			cbor_write_bytes(out, component->value);
		}
		write_text_member(out, 4, component->version);
		if (component->signer.size) {
			cbor_write_uint(out, 5);
			cbor_write_bytes(out, component->signer);
		}
		write_text_member(out, 6, component->hash);
	}
}

static void write_claim(const struct test_claim *claim, struct writer *out)
{
	if (claim->kind == CLAIM_ABSENT)
		return;
	cbor_write_int(out, claim->label);
	if (claim->kind == CLAIM_BYTES)
		cbor_write_bytes(out, claim->bytes);
	else if (claim->kind == CLAIM_TEXT)
		cbor_write_text(out, claim->text);
	else if (claim->kind == CLAIM_INT)
		cbor_write_int(out, claim->number);
	else
		wr_bytes(out, claim->bytes.ptr, claim->bytes.size);
}

static void write_payload(const struct test_token *token, struct writer *out)
{
	size_t count = token->components_label != 0;

	count += token->text_label;
	count += token->twice_the_first;
	for (size_t i = 0; i < token->claim_count; i++)
		count += token->claims[i].kind != CLAIM_ABSENT;
	cbor_write_map(out, count);
	for (size_t i = 0; i < token->claim_count; i++)
		write_claim(&token->claims[i], out);
	if (token->components_label)
		write_components(token, out);
	if (token->text_label) {
		cbor_write_text(out, "more");
		cbor_write_uint(out, 1);
	}
	if (token->twice_the_first)
		write_claim(&token->claims[0], out);
	assert_int_equal(wr_err(out), 0);
}

/* OpenSSL's, for each curve that a token may be signed on. */
static const struct curve {
	int bits, algorithm;
	const char *digest;
	size_t half;
} curves[] = {{256, COSE_ES256, "SHA256", 32},
	      {384, COSE_ES384, "SHA384", 48},
	      {521, COSE_ES512, "SHA512", 66}};

static const struct curve *curve_of(const struct test_token *token)
{
	size_t i = 0;

	while (curves[i].bits != EVP_PKEY_get_bits(token->key))
		assert_true(++i < sizeof(curves) / sizeof(curves[0]));
	return &curves[i];
}

static void sign_ecdsa(const struct test_token *token, struct tobi_bytes message,
		       struct writer *out)
{
	const struct curve *curve = curve_of(token);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[256];
	size_t size = sizeof(der);

	assert_int_equal(
	    EVP_DigestSignInit_ex(md, NULL, curve->digest, NULL, NULL, token->key, NULL),
	    1);
	assert_int_equal(EVP_DigestSign(md, der, &size, message.ptr, message.size), 1);
	assert_int_equal(
	    cose_ecdsa_to_raw((struct tobi_bytes){der, size}, curve->half, out, NULL), 0);
	EVP_MD_CTX_free(md);
}

static void sign(const struct test_token *token, struct tobi_bytes header,
		 struct tobi_bytes payload, struct writer *out)
{
	struct writer message = wr_init(LIMIT_TOKEN);
	unsigned size = 0;

	if (token->secret.size) {
		cbor_write_array(&message, 4);
		cbor_write_text(&message, "MAC0");
		cbor_write_bytes(&message, header);
		cbor_write_bytes(&message, (struct tobi_bytes){0});
		cbor_write_bytes(&message, payload);
		assert_non_null(HMAC(EVP_sha256(), token->secret.ptr,
				     (int)token->secret.size, message.ptr, message.size,
				     wr_reserve(out, 32), &size));
	} else {
		cose_to_be_signed(&message, header, (struct tobi_bytes){0}, payload);
		sign_ecdsa(token, wr_view(&message), out);
	}
	wr_done(&message);
}

static int algorithm_of(const struct test_token *token)
{
	if (token->algorithm)
		return token->algorithm;
	return token->secret.size ? COSE_HMAC256 : curve_of(token)->algorithm;
}

static void write_header(const struct test_token *token, struct writer *out)
{
	cbor_write_map(out, 1);
	cbor_write_uint(out, COSE_HEADER_ALG);
	cbor_write_int(out, algorithm_of(token));
}

void test_token_write(const struct test_token *token, struct writer *out)
{
	struct writer header = wr_init(64), payload = wr_init(LIMIT_TOKEN),
		      signature = wr_init(1024);

	if (!token->without_algorithm && !token->unprotected_algorithm)
		write_header(token, &header);
	write_payload(token, &payload);
	sign(token, wr_view(&header), wr_view(&payload), &signature);
	if (token->damaged_signature)
		signature.ptr[signature.size - 1] ^= 1;
	if (token->is_cwt)
		cbor_write_tag(out, 61);
	if (token->tag >= 0)
		cbor_write_tag(out, token->tag		 ? (uint64_t)token->tag
				    : token->secret.size ? 17
							 : 18);
	cbor_write_array(out, 4);
	cbor_write_bytes(out, wr_view(&header));
	if (token->unprotected_algorithm)
		write_header(token, out);
	else
		cbor_write_map(out, 0);
	if (token->without_payload)
		cbor_write_null(out);
	else
		cbor_write_bytes(out, wr_view(&payload));
	cbor_write_bytes(out, wr_view(&signature));
	assert_int_equal(wr_err(out), 0);
	wr_done(&header);
	wr_done(&payload);
	wr_done(&signature);
}

void test_root_write(const char *tier, EVP_PKEY *key, struct writer *yaml)
{
	struct writer pem = wr_init(LIMIT_PEM);

	assert_int_equal(key_write_public(key, &pem, NULL), 0);
	wr_u8(&pem, 0);
	wr_printf(yaml, "roots:\n  - tier: %s\n    anchors: |\n", tier);
	for (const char *at = (const char *)pem.ptr; *at;) {
		size_t size = strcspn(at, "\n");

		wr_printf(yaml, "      %.*s\n", (int)size, at);
		at += size + (at[size] != 0);
	}
	assert_int_equal(wr_err(yaml), 0);
	wr_done(&pem);
}
