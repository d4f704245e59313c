/* The certificates, lists and signatures of snp_scene.h. */
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "pki/extension.h"
#include "pki/key.h"
#include "tests/check.h"
#include "tests/extension.h"
#include "tests/snp_scene.h"

enum { NUMBER_ROOM = 72 };

static EVP_PKEY *p256_key;

static EVP_PKEY *leaf_key(const struct snp_scene *scene)
{
	if (!scene->leaf_p256)
		return snp_scene_key(scene, scene->leaf_key);
	if (!p256_key)
		assert_int_equal(key_new(KEY_P256, &p256_key, NULL), 0);
	return p256_key;
}

static void set_time(ASN1_TIME *to, int64_t time)
{
	assert_non_null(ASN1_TIME_set(to, (time_t)time));
}

/* Signs with SHA-384, and PSS for RSA, as AMD does. */
static EVP_MD_CTX *signer_new(EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context = NULL;

	assert_int_equal(EVP_DigestSignInit(md, &context, EVP_sha384(), NULL, key), 1);
	if (EVP_PKEY_is_a(key, "RSA")) {
		assert_int_equal(
		    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 48), 1);
	}
	return md;
}

static void set_name(X509_NAME *name, const char *common_name)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						    (const uint8_t *)common_name, -1, -1,
						    0),
			 1);
}

struct body {
	const char *subject, *issuer;
	EVP_PKEY *key, *issuer_key;
	unsigned serial;
	int64_t from, to;
	bool ca;
	const struct snp_extra *extras;
	size_t extra_count;
};

static void add_extra(X509 *certificate, const struct snp_extra *extra)
{
	uint8_t object[10] = {0x2b,	     6, 1, 4, 1, 0x9c, 0x78, 1, extra->arcs[0],
			      extra->arcs[1]};
	const struct extension_name name = {"AMD", {object, 8 + extra->arc_count}};
	const struct extension value = {{extra->value, extra->size}, false};

	assert_int_equal(extension_add(certificate, &name, &value, NULL), 0);
}

static X509 *make_certificate(const struct body *body)
{
	X509 *certificate = X509_new();
	EVP_MD_CTX *md = signer_new(body->issuer_key);

	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), body->serial);
	set_time(X509_getm_notBefore(certificate), body->from);
	set_time(X509_getm_notAfter(certificate), body->to);
	set_name(X509_get_subject_name(certificate), body->subject);
	set_name(X509_get_issuer_name(certificate), body->issuer);
	assert_int_equal(X509_set_pubkey(certificate, body->key), 1);
	if (body->ca) {
		add_extension(certificate, certificate, NID_basic_constraints,
			      "critical,CA:TRUE");
		add_extension(certificate, certificate, NID_key_usage,
			      "critical,keyCertSign,cRLSign");
		add_extension(certificate, certificate, NID_subject_key_identifier,
			      "hash");
	}
	for (size_t i = 0; i < body->extra_count; i++)
		add_extra(certificate, &body->extras[i]);
	assert_true(X509_sign_ctx(certificate, md) > 0);
	EVP_MD_CTX_free(md);
	return certificate;
}

static void write_certificate(X509 *certificate, struct writer *out)
{
	uint8_t *der = NULL;
	int size = i2d_X509(certificate, &der);

	assert_true(size > 0);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	X509_free(certificate);
}

static X509 *make_ark(const struct snp_scene *scene)
{
	const struct body body = {.subject = scene->ark_name,
				  .issuer = scene->ark_name,
				  .key = snp_scene_key(scene, SNP_ARK),
				  .issuer_key = snp_scene_key(scene, SNP_ARK),
				  .serial = 0x10000,
				  .from = scene->now - 30 * SNP_DAY,
				  .to = scene->now + 30 * SNP_DAY,
				  .ca = true};

	return make_certificate(&body);
}

void snp_scene_ark(const struct snp_scene *scene, struct writer *out)
{
	write_certificate(make_ark(scene), out);
}

void snp_scene_ask(const struct snp_scene *scene, struct writer *out)
{
	const struct body body = {.subject = scene->ask_name,
				  .issuer = scene->ark_name,
				  .key = snp_scene_key(scene, SNP_ASK),
				  .issuer_key =
				      snp_scene_key(scene, scene->ask_issuer_key),
				  .serial = scene->ask_serial,
				  .from = scene->now - 30 * SNP_DAY,
				  .to = scene->now + 30 * SNP_DAY,
				  .ca = !scene->ask_no_ca};

	write_certificate(make_certificate(&body), out);
}

void snp_scene_leaf(const struct snp_scene *scene, struct writer *out)
{
	const struct body body = {
	    .subject = scene->leaf_name,
	    .issuer = scene->four_certificates ? scene->between_name : scene->ask_name,
	    .key = leaf_key(scene),
	    .issuer_key = snp_scene_key(scene, scene->leaf_issuer_key),
	    .serial = scene->leaf_serial,
	    .from = scene->leaf_from,
	    .to = scene->leaf_to,
	    .ca = scene->leaf_is_ca,
	    .extras = scene->extras,
	    .extra_count = scene->extra_count};

	write_certificate(make_certificate(&body), out);
}

/* A CA between the ASK and the leaf. */
void snp_scene_between(const struct snp_scene *scene, struct writer *out)
{
	const struct body body = {.subject = scene->between_name,
				  .issuer = scene->ask_name,
				  .key = snp_scene_key(scene, scene->leaf_issuer_key),
				  .issuer_key = snp_scene_key(scene, SNP_ASK),
				  .serial = 5,
				  .from = scene->now - 30 * SNP_DAY,
				  .to = scene->now + 30 * SNP_DAY,
				  .ca = true};

	write_certificate(make_certificate(&body), out);
}

static void number_crl(X509_CRL *crl)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	ASN1_INTEGER_set_uint64(number, 7);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0), 1);
	ASN1_INTEGER_free(number);
}

static void add_to_crl(X509_CRL *crl, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_CRL_add_ext(crl, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void revoke(X509_CRL *crl, unsigned serial)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *date = ASN1_TIME_set(NULL, SNP_NOW - SNP_DAY);

	ASN1_INTEGER_set_uint64(number, serial);
	assert_int_equal(X509_REVOKED_set_serialNumber(entry, number), 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(entry, date), 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(date);
}

void snp_scene_crl(const struct snp_scene *scene, struct writer *out)
{
	EVP_MD_CTX *md = signer_new(snp_scene_key(scene, scene->crl_key));
	X509 *ark = make_ark(scene);
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)scene->crl_from);
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)scene->crl_to);
	uint8_t *der = NULL;
	int size;

	set_name(name, scene->crl_issuer ? scene->crl_issuer : scene->ark_name);
	assert_int_equal(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl, name), 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, to), 1);
	add_to_crl(crl, ark, NID_authority_key_identifier, "keyid:always");
	number_crl(crl);
	if (scene->revoked)
		revoke(crl, scene->revoked);
	assert_true(X509_CRL_sign_ctx(crl, md) > 0);
	size = i2d_X509_CRL(crl, &der);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	X509_NAME_free(name);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_free(ark);
	X509_CRL_free(crl);
}

static void number_le(const BIGNUM *number, struct writer *out)
{
	uint8_t *room = wr_reserve(out, NUMBER_ROOM);

	assert_non_null(room);
	assert_int_equal(BN_bn2lebinpad(number, room, NUMBER_ROOM), NUMBER_ROOM);
}

void snp_scene_sign(EVP_PKEY *key, struct tobi_bytes message, struct writer *out)
{
	EVP_MD_CTX *md = signer_new(key);
	uint8_t der[160];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *signature;

	assert_int_equal(EVP_DigestSign(md, der, &size, message.ptr, message.size), 1);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
	number_le(ECDSA_SIG_get0_r(signature), out);
	number_le(ECDSA_SIG_get0_s(signature), out);
	wr_reserve(out, 512 - 2 * NUMBER_ROOM);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(md);
}

/* Curve, QX, QY, zeros. */
static void public_key(EVP_PKEY *key, struct writer *out)
{
	BIGNUM *x = NULL, *y = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y), 1);
	wr_bytes(out, "\2\0\0", 4);
	number_le(x, out);
	number_le(y, out);
	wr_reserve(out, 1028 - 4 - 2 * NUMBER_ROOM);
	BN_free(x);
	BN_free(y);
}

static void put_digest(struct tobi_bytes key, uint8_t *field)
{
	assert_int_equal(hash_sha384(key, field), 0);
}

void snp_scene_id_block(struct snp_scene *scene, struct writer *out)
{
	EVP_PKEY *id = snp_scene_key(scene, SNP_ID);
	EVP_PKEY *author = snp_scene_key(scene, SNP_AUTHOR);
	EVP_PKEY *block_key = scene->other_id_key ? author : id;
	EVP_PKEY *key_key = scene->other_author_key ? id : author;
	struct writer block = wr_init(96), key = wr_init(1028), first = wr_init(1028);

	public_key(id, &key);
	public_key(author, &first);
	put_digest(wr_view(&key), scene->report + 0xe0);
	put_digest(wr_view(&first), scene->report + 0x110);
	wr_bytes(&block, scene->report + 0x90, 48);
	wr_bytes(&block, scene->report + 0x10, 32);
	wr_bytes(&block, "\1\0\0", 4);
	wr_bytes(&block, scene->report + 0x04, 4);
	wr_bytes(&block, scene->report + 0x08, 8);
	if (scene->id_block_of_another)
		block.ptr[0] ^= 1;
	wr_bytes(out, block.ptr, block.size);
	wr_bytes(out, "\1\0\0\0\1\0\0", 8);
	wr_reserve(out, 56);
	snp_scene_sign(block_key, wr_view(&block), out);
	wr_bytes(out, key.ptr, key.size);
	wr_reserve(out, 60);
	snp_scene_sign(key_key, wr_view(&key), out);
	wr_bytes(out, first.ptr, first.size);
	wr_reserve(out, 892);
	wr_done(&block);
	wr_done(&key);
	wr_done(&first);
}
