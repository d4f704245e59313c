#include "tests/quote_scene.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/hex.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "pki/chain.h"
#include "tee/tpm_certificate.h"
#include "tests/check.h"
#include "token/cmw.h"

enum { DAY = 24 * 3600, FIXED = 0x2 | 0x10 | 0x20 | 0x40, MESSAGE_MAX = 2048 };

static const uint8_t default_nonce[32] = {[0 ... 31] = 0x51};
static const uint8_t zeros[32];

static EVP_PKEY *make_key(enum quote_key kind)
{
	EVP_PKEY *key = NULL;

	if (kind == QUOTE_RSA || kind == QUOTE_RSAPSS)
		key = EVP_RSA_gen(2048);
	else
		assert_int_equal(
		    key_new(kind == QUOTE_P384 ? KEY_P384 : KEY_P256, &key, NULL), 0);
	assert_non_null(key);
	return key;
}

void quote_scene_make(struct quote_scene *scene, enum quote_key kind)
{
	*scene = (struct quote_scene){
	    .kind = kind,
	    .root_key = make_key(QUOTE_P384),
	    .stranger_key = make_key(QUOTE_P384),
	    .ak = make_key(kind),
	    .ek = make_key(QUOTE_P256),
	    .other = make_key(kind),
	    .certified = make_key(QUOTE_P256),
	    .ak_certificate = {.usage = "critical,digitalSignature",
			       .purposes = CERT_AK_PURPOSE,
			       .names_maker = true,
			       .not_after = QUOTE_NOW + 30 * DAY},
	    .ek_certificate = {.usage = "critical,keyEncipherment",
			       .purposes = CERT_EK_PURPOSE,
			       .names_maker = true,
			       .not_after = QUOTE_NOW + 30 * DAY},
	    .magic = TPM_GENERATED,
	    .certify_magic = TPM_GENERATED,
	    .type = TPM_ATTEST_QUOTE,
	    .attributes = FIXED | TPM_RESTRICTED | TPM_SIGN,
	    .certified_attributes = FIXED | TPM_SIGN,
	    .hash = kind == QUOTE_P384 ? TPM_ALG_SHA384 : TPM_ALG_SHA256,
	    .selections = {{TPM_ALG_SHA256, 0xffff}, {TPM_ALG_SHA384, 0xff}},
	    .selection_count = 2,
	    .bank_count = 2,
	    .clock = 987654321,
	    .firmware = UINT64_C(0x2019102300163636),
	    .resets = 12,
	    .restarts = 3,
	    .safe = true,
	    .extra = {default_nonce, sizeof(default_nonce)},
	    .now = QUOTE_NOW,
	    .given_nonce = {default_nonce, sizeof(default_nonce)},
	    .names_root = true,
	    .more = "",
	};
	scene->signs = scene->certify_signs = scene->ak;
	for (size_t i = 0; i < QUOTE_BANKS; i++) {
		static const unsigned hashes[QUOTE_BANKS] = {
		    TPM_ALG_SHA256, TPM_ALG_SHA384, TPM_ALG_SHA1};

		scene->banks[i].hash = hashes[i];
		for (unsigned j = 0; j < TPM_PCRS; j++) {
			memset(scene->values[i][j], (int)(16 * i + j + 1), TPM_HASH_MAX);
			scene->banks[i].pcrs[j] = (struct tobi_bytes){
			    scene->values[i][j], tpm_hash_size(hashes[i])};
		}
	}
}

void quote_scene_done(struct quote_scene *scene)
{
	EVP_PKEY *const keys[] = {scene->root_key, scene->stranger_key, scene->ak,
				  scene->ek,	   scene->other,	scene->certified};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		EVP_PKEY_free(keys[i]);
	wr_done(&scene->root);
	wr_done(&scene->stranger);
	wr_done(&scene->root_pem);
	wr_done(&scene->ak_certificate.der);
	wr_done(&scene->ek_certificate.der);
}

static void sized(struct writer *out, struct tobi_bytes bytes)
{
	wr_uint_be(out, bytes.size, 2);
	wr_bytes(out, bytes.ptr, bytes.size);
}

static void write_number(EVP_PKEY *key, const char *name, size_t size, struct writer *out)
{
	BIGNUM *number = NULL;
	uint8_t bytes[TPM_RSA_MAX];

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	assert_int_equal(BN_bn2binpad(number, bytes, (int)size), size);
	sized(out, (struct tobi_bytes){bytes, size});
	BN_free(number);
}

void quote_scene_public(const struct quote_scene *scene, EVP_PKEY *key,
			uint32_t attributes, struct writer *out)
{
	bool rsa = EVP_PKEY_is_a(key, "RSA");
	size_t size = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;

	wr_uint_be(out, rsa ? TPM_ALG_RSA : TPM_ALG_ECC, 2);
	wr_uint_be(out, TPM_ALG_SHA256, 2);
	wr_uint_be(out, attributes, 4);
	wr_uint_be(out, 0, 2);
	wr_uint_be(out, TPM_ALG_NULL, 2);
	wr_uint_be(out,
		   !rsa				 ? TPM_ALG_ECDSA
		   : scene->kind == QUOTE_RSAPSS ? TPM_ALG_RSAPSS
						 : TPM_ALG_RSASSA,
		   2);
	wr_uint_be(out, scene->hash, 2);
	wr_uint_be(out, rsa ? size * 8 : size > 32 ? TPM_CURVE_P384 : TPM_CURVE_P256, 2);
	if (rsa) {
		wr_uint_be(out, 0, 4);
		write_number(key, OSSL_PKEY_PARAM_RSA_N, size, out);
		return;
	}
	wr_uint_be(out, TPM_ALG_NULL, 2);
	write_number(key, OSSL_PKEY_PARAM_EC_PUB_X, size, out);
	write_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size, out);
}

static void write_head(const struct quote_scene *scene, uint32_t magic, unsigned type,
		       struct writer *out)
{
	wr_uint_be(out, magic, 4);
	wr_uint_be(out, type, 2);
	sized(out, (struct tobi_bytes){zeros, 32});
	sized(out, scene->extra);
	wr_uint_be(out, scene->clock, 8);
	wr_uint_be(out, scene->resets, 4);
	wr_uint_be(out, scene->restarts, 4);
	wr_u8(out, scene->safe);
	wr_uint_be(out, scene->firmware, 8);
}

/* The TPM's own values, whatever comes beside the quote. */
static void write_values(const struct quote_scene *scene, struct writer *out)
{
	for (size_t i = 0; i < scene->selection_count; i++) {
		const struct tpm_selection *selection = &scene->selections[i];

		for (size_t j = 0; j < QUOTE_BANKS; j++) {
			if (scene->banks[j].hash != selection->hash)
				continue;
			for (unsigned k = 0; k < TPM_PCRS; k++) {
				if (selection->pcrs >> k & 1)
					wr_bytes(out, scene->values[j][k],
						 tpm_hash_size(selection->hash));
			}
		}
	}
}

void quote_scene_quote(const struct quote_scene *scene, struct writer *out)
{
	struct writer values = wr_init(8192);
	uint8_t digest[TPM_HASH_MAX];

	write_head(scene, scene->magic, scene->type, out);
	wr_uint_be(out, scene->selection_count, 4);
	for (size_t i = 0; i < scene->selection_count; i++) {
		wr_uint_be(out, scene->selections[i].hash, 2);
		wr_u8(out, 4);
		for (unsigned j = 0; j < 4; j++)
			wr_u8(out, (uint8_t)(scene->selections[i].pcrs >> 8 * j));
	}
	write_values(scene, &values);
	assert_int_equal(tpm_hash(scene->hash, wr_view(&values), digest), 0);
	digest[0] ^= scene->damage_digest;
	sized(out, (struct tobi_bytes){digest, tpm_hash_size(scene->hash)});
	wr_done(&values);
}

static void write_ecdsa(const uint8_t *der, size_t size, size_t number_size,
			struct writer *out)
{
	const unsigned char *at = der;
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
	uint8_t number[64];

	assert_non_null(signature);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), number, (int)number_size);
	sized(out, (struct tobi_bytes){number, number_size});
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), number, (int)number_size);
	sized(out, (struct tobi_bytes){number, number_size});
	ECDSA_SIG_free(signature);
}

void quote_scene_sign(const struct quote_scene *scene, EVP_PKEY *key,
		      struct tobi_bytes statement, bool damage, struct writer *out)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	uint8_t signature[TPM_RSA_MAX];
	size_t size = sizeof(signature);
	bool rsa = EVP_PKEY_is_a(key, "RSA");
	bool pss = rsa && scene->kind == QUOTE_RSAPSS;

	assert_int_equal(EVP_DigestSignInit(context, &key_context,
					    scene->hash == TPM_ALG_SHA384 ? EVP_sha384()
					    : scene->hash == TPM_ALG_SHA512
						? EVP_sha512()
						: EVP_sha256(),
					    NULL, key),
			 1);
	if (pss)
		assert_true(
		    EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) > 0);
	assert_int_equal(
	    EVP_DigestSign(context, signature, &size, statement.ptr, statement.size), 1);
	EVP_MD_CTX_free(context);
	signature[size - 1] ^= damage;
	if (scene->bare_signature) {
		wr_bytes(out, signature, size);
		return;
	}
	wr_uint_be(out, !rsa ? TPM_ALG_ECDSA : pss ? TPM_ALG_RSAPSS : TPM_ALG_RSASSA, 2);
	wr_uint_be(out, scene->hash, 2);
	if (rsa)
		sized(out, (struct tobi_bytes){signature, size});
	else
		write_ecdsa(signature, size, (size_t)(EVP_PKEY_get_bits(key) + 7) / 8,
			    out);
}

void quote_scene_pcrs(const struct quote_scene *scene, struct writer *out)
{
	char hex[2 * TPM_HASH_MAX + 1];

	wr_printf(out, "{\"pcrs\": {");
	for (size_t i = 0; i < scene->bank_count; i++) {
		const char *comma = "";

		wr_printf(out, "%s\"%s\": {", i ? ", " : "",
			  tpm_hash_name(scene->banks[i].hash));
		for (unsigned j = 0; j < TPM_PCRS; j++) {
			if (!scene->banks[i].pcrs[j].size)
				continue;
			hex_write(scene->banks[i].pcrs[j], hex, sizeof(hex));
			wr_printf(out, "%s\"%u\": \"%s\"", comma, j, hex);
			comma = ", ";
		}
		wr_printf(out, "}");
	}
	wr_printf(out, "}}");
}

static struct writer *piece(struct quote_parts *parts)
{
	assert_true(parts->count < QUOTE_PIECES);
	parts->pieces[parts->count] = wr_init(LIMIT_EVIDENCE);
	return &parts->pieces[parts->count++];
}

static void put(struct quote_parts *parts, struct tobi_bytes bytes)
{
	wr_bytes(piece(parts), bytes.ptr, bytes.size);
}

static void put_certified(const struct quote_scene *scene, struct quote_parts *parts)
{
	struct writer public = wr_init(1024), statement = wr_init(1024);
	uint8_t name[TPM_STRUCT_NAME_MAX];
	size_t size = 0;

	quote_scene_public(scene, scene->certified, scene->certified_attributes, &public);
	assert_int_equal(tpm_name(wr_view(&public), TPM_ALG_SHA256, name, &size, NULL),
			 0);
	name[size - 1] ^= scene->names_another;
	write_head(scene, scene->certify_magic, TPM_ATTEST_CERTIFY, &statement);
	sized(&statement, (struct tobi_bytes){name, size});
	sized(&statement, (struct tobi_bytes){name, size});
	put(parts, wr_view(&statement));
	quote_scene_sign(scene, scene->certify_signs, wr_view(&statement),
			 scene->damage_certify, piece(parts));
	if (!scene->without_certified)
		put(parts, wr_view(&public));
	wr_done(&public);
	wr_done(&statement);
}

void quote_scene_parts(struct quote_scene *scene, struct quote_parts *ret_parts)
{
	struct quote_parts *parts = ret_parts;

	*parts = (struct quote_parts){.quote = wr_init(MESSAGE_MAX)};
	quote_scene_certificates(scene);
	quote_scene_quote(scene, &parts->quote);
	if (!scene->without_signature)
		quote_scene_sign(scene, scene->signs, wr_view(&parts->quote),
				 scene->damage_signature, piece(parts));
	if (!scene->without_public && !scene->as_spki)
		quote_scene_public(scene, scene->ak, scene->attributes, piece(parts));
	if (scene->as_spki)
		assert_int_equal(key_write_public(scene->ak, piece(parts), NULL), 0);
	if (!scene->without_certificate) {
		put(parts, wr_view(&scene->ak_certificate.der));
		put(parts, wr_view(&scene->stranger));
		if (scene->names_root)
			put(parts, wr_view(&scene->root));
	}
	if (scene->with_ek)
		put(parts, wr_view(&scene->ek_certificate.der));
	if (!scene->without_pcrs)
		quote_scene_pcrs(scene, piece(parts));
	if (scene->with_certify)
		put_certified(scene, parts);
	if (scene->twice_the_quote) {
		struct quote_scene other = *scene;

		other.clock++;
		quote_scene_quote(&other, piece(parts));
	}
	if (scene->unreadable_piece)
		wr_printf(piece(parts), "{\"pcrs\": {\"sha256\": {\"0\": \"00\"}}}");
	if (scene->more_piece.size)
		put(parts, scene->more_piece);
	for (size_t i = 0; i < parts->count; i++)
		assert_int_equal(wr_err(&parts->pieces[i]), 0);
}

void quote_parts_done(struct quote_parts *parts)
{
	wr_done(&parts->quote);
	for (size_t i = 0; i < parts->count; i++)
		wr_done(&parts->pieces[i]);
}

static void indent(struct tobi_bytes pem, struct writer *out)
{
	bool at_start = true;

	for (size_t i = 0; i < pem.size; i++) {
		if (at_start)
			wr_printf(out, "      ");
		wr_u8(out, pem.ptr[i]);
		at_start = pem.ptr[i] == '\n';
	}
}

void quote_scene_policy(const struct quote_scene *scene, struct writer *out)
{
	struct writer key = wr_init(LIMIT_PEM), more = wr_init(LIMIT_PEM);

	wr_printf(out, "version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\n%s",
		  scene->more);
	if (!scene->vendors_roots) {
		wr_printf(out, "roots:\n  - tier: tpm\n    anchors: |\n");
		assert_int_equal(
		    key_write_public(scene->names_key ? scene->ak : scene->ek, &key,
				     NULL),
		    0);
		indent(wr_view(&key), out);
		if (scene->names_root)
			indent(wr_view(&scene->root_pem), out);
		if (scene->more_root.size) {
			assert_int_equal(chain_write_pem(scene->more_root, &more, NULL),
					 0);
			indent(wr_view(&more), out);
		}
	}
	if (scene->tpm)
		wr_printf(out, "tpm:\n%s", scene->tpm);
	else
		wr_printf(out, "tpm:\n  pcrs:\n    - index: 7\n      value: %s\n",
			  "08080808080808080808080808080808"
			  "08080808080808080808080808080808");
	assert_int_equal(wr_err(out), 0);
	wr_done(&key);
	wr_done(&more);
}

/* With claims it comes in a collection, and what is beside it as endorsements. */
static void write_collection(const struct quote_scene *scene,
			     const struct quote_parts *parts, struct writer *out)
{
	static const char type[] = "application/vnd.tobichi.tpm-quote";
	struct writer pieces = wr_init(LIMIT_EVIDENCE);
	struct cmw_record records[3] = {
	    {.key = {(const uint8_t *)"cpu", 3},
	     .media_type = {(const uint8_t *)type, strlen(type)},
	     .value = wr_view(&parts->quote),
	     .indicator = CMW_EVIDENCE},
	    {.key = {(const uint8_t *)"claims", 6},
	     .media_type = {(const uint8_t *)CMW_TYPE_CLAIMS, strlen(CMW_TYPE_CLAIMS)},
	     .value = scene->claims_buffer,
	     .indicator = CMW_EVIDENCE},
	    {.key = {(const uint8_t *)"endorse", 7},
	     .media_type = {(const uint8_t *)CMW_TYPE_CHAIN, strlen(CMW_TYPE_CHAIN)},
	     .indicator = CMW_ENDORSEMENT},
	};

	cbor_write_array(&pieces, parts->count);
	for (size_t i = 0; i < parts->count; i++)
		cbor_write_bytes(&pieces, wr_view(&parts->pieces[i]));
	records[2].value = wr_view(&pieces);
	cmw_write(out, records, 3);
	assert_int_equal(wr_err(out), 0);
	wr_done(&pieces);
}

static enum tobi_err verify(const struct quote_scene *scene,
			    const struct tobi_verify_request *request,
			    struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;
	enum tobi_err err;

	*ret_result = NULL;
	quote_scene_policy(scene, &yaml);
	err = tobi_policy_parse(wr_view(&yaml), "quote.yaml", &policy, fault);
	/* Twice: the second time with what the policy remembers of the first. */
	for (int i = 0; i < 2 && !err; i++) {
		tobi_result_free(*ret_result);
		*ret_result = NULL;
		err = tobi_verify(policy, request, ret_result, fault);
	}
	tobi_policy_free(policy);
	wr_done(&yaml);
	return err;
}

enum tobi_err quote_scene_try(struct quote_scene *scene, struct tobi_result **ret_result,
			      struct tobi_fault *fault)
{
	struct writer collection = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes pieces[QUOTE_PIECES];
	struct tobi_verify_request request = {.nonce = scene->given_nonce,
					      .time = scene->now};
	struct quote_parts parts;
	enum tobi_err err;

	quote_scene_parts(scene, &parts);
	request.evidence = wr_view(&parts.quote);
	if (scene->claims_buffer.size) {
		write_collection(scene, &parts, &collection);
		request.evidence = wr_view(&collection);
	} else {
		for (size_t i = 0; i < parts.count; i++)
			pieces[i] = wr_view(&parts.pieces[i]);
		request.pieces = pieces;
		request.piece_count = parts.count;
	}
	err = verify(scene, &request, ret_result, fault);
	quote_parts_done(&parts);
	wr_done(&collection);
	return err;
}

enum tobi_err quote_scene_try_bytes(const struct quote_scene *scene,
				    struct tobi_bytes evidence,
				    struct tobi_result **ret_result,
				    struct tobi_fault *fault)
{
	const struct tobi_verify_request request = {
	    .evidence = evidence, .nonce = scene->given_nonce, .time = scene->now};

	return verify(scene, &request, ret_result, fault);
}

struct tobi_result *quote_scene_appraise(struct quote_scene *scene)
{
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	if (quote_scene_try(scene, &result, &fault))
		fail_msg("%s: %s: %s", fault.object, fault.field, fault.message);
	return result;
}
