#include "tests/snp_scene.h"

#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/endian.h"
#include "pki/extension.h"
#include "pki/key.h"
#include "tests/check.h"

enum { REPORT_SIZE = 1184, SIGNED = 0x2a0, NUMBER = 48, NUMBER_ROOM = 72 };

static EVP_PKEY *keys[SNP_KEYS], *rsa_keys[SNP_KEYS], *p256_key;

EVP_PKEY *snp_scene_key(const struct snp_scene *scene, enum snp_scene_key which)
{
	bool rsa = scene->rsa && which <= SNP_ASK;
	EVP_PKEY **key = rsa ? &rsa_keys[which] : &keys[which];

	if (!*key && rsa)
		*key = EVP_RSA_gen(2048);
	else if (!*key)
		assert_int_equal(key_new(KEY_P384, key, NULL), 0);
	assert_non_null(*key);
	return *key;
}

static EVP_PKEY *leaf_key(const struct snp_scene *scene)
{
	if (!scene->leaf_p256)
		return snp_scene_key(scene, scene->leaf_key);
	if (!p256_key)
		assert_int_equal(key_new(KEY_P256, &p256_key, NULL), 0);
	return p256_key;
}

void snp_scene_set(struct snp_scene *scene, size_t offset, size_t size, uint64_t value)
{
	store_le(scene->report + offset, size, value);
}

static void parse_arcs(const char *text, struct snp_extra *extra)
{
	unsigned first, second;
	int count = sscanf(text, "%u.%u", &first, &second);

	extra->arc_count = (size_t)count;
	extra->arcs[0] = (uint8_t)first;
	extra->arcs[1] = count == 2 ? (uint8_t)second : 0;
}

static bool same_arcs(const struct snp_extra *a, const struct snp_extra *b)
{
	return a->arc_count == b->arc_count && a->arcs[0] == b->arcs[0] &&
	       a->arcs[1] == b->arcs[1];
}

struct snp_extra *snp_scene_extra(struct snp_scene *scene, const char *arcs)
{
	struct snp_extra wanted = {0};

	parse_arcs(arcs, &wanted);
	for (size_t i = 0; i < scene->extra_count; i++) {
		if (same_arcs(&scene->extras[i], &wanted))
			return &scene->extras[i];
	}
	fail_msg("no extension %s", arcs);
	return NULL;
}

struct snp_extra *snp_scene_add(struct snp_scene *scene, const char *arcs,
				struct tobi_bytes value)
{
	struct snp_extra *extra = &scene->extras[scene->extra_count++];

	assert_true(scene->extra_count <= SNP_EXTRAS_MAX);
	*extra = (struct snp_extra){.size = value.size};
	parse_arcs(arcs, extra);
	bytes_copy(extra->value, sizeof(extra->value), value.ptr, value.size);
	return extra;
}

void snp_scene_drop(struct snp_scene *scene, const char *arcs)
{
	struct snp_extra *extra = snp_scene_extra(scene, arcs);

	*extra = scene->extras[--scene->extra_count];
}

static void add_number(struct snp_scene *scene, const char *arcs, uint8_t number)
{
	snp_scene_add(scene, arcs,
		      number < 0x80 ? BYTES(2, 1, number) : BYTES(2, 2, 0, number));
}

static void add_text(struct snp_scene *scene, const char *arcs, const char *text)
{
	uint8_t value[128] = {22, (uint8_t)strlen(text)};

	bytes_copy(value + 2, sizeof(value) - 2, text, strlen(text));
	snp_scene_add(scene, arcs, (struct tobi_bytes){value, 2 + strlen(text)});
}

/* The certificate's extensions, of the report as it is. */
static void add_extras(struct snp_scene *scene, const char *product, bool turin)
{
	static const char *const classic[8] = {"3.1", "3.2", "3.4", "3.5",
					       "3.6", "3.7", "3.3", "3.8"};
	static const char *const with_fmc[8] = {"3.9", "3.1", "3.2", "3.3",
						"3.5", "3.6", "3.7", "3.8"};

	scene->extra_count = 0;
	add_number(scene, "1", turin);
	add_text(scene, "2", product);
	for (size_t i = 0; i < 8; i++)
		add_number(scene, turin ? with_fmc[i] : classic[i],
			   scene->report[0x180 + i]);
	snp_scene_add(scene, "4",
		      (struct tobi_bytes){scene->report + 0x1a0, turin ? 8 : 64});
}

void snp_scene_product(struct snp_scene *scene, const char *name)
{
	static const uint8_t classic[8] = {4, 1, 0, 0, 0, 0, 24, 213};
	static const uint8_t with_fmc[8] = {1, 2, 3, 4, 0, 0, 0, 71};
	static const size_t tcbs[] = {0x38, 0x180, 0x1e0, 0x1f0};
	static char names[3][32];
	bool turin = strcmp(name, "Turin") == 0;

	for (size_t i = 0; i < 4; i++)
		bytes_copy(scene->report + tcbs[i], 8, turin ? with_fmc : classic, 8);
	snp_scene_set(scene, 0x188, 1, turin ? 0x1a : 0x19);
	snp_scene_set(scene, 0x189, 1,
		      turin			   ? 0x02
		      : strcmp(name, "Genoa") == 0 ? 0x11
						   : 0x01);
	memset(scene->report + 0x1a0, 0, 64);
	for (size_t i = 0; i < (turin ? 8 : 64); i++)
		scene->report[0x1a0 + i] = (uint8_t)(0xa0 + i);
	snprintf(names[0], sizeof(names[0]), "SEV-%s", name);
	snprintf(names[1], sizeof(names[1]), "ARK-%s", name);
	snprintf(names[2], sizeof(names[2]), "%s%s", name,
		 strcmp(name, "Milan") == 0 ? "-B0" : "");
	scene->leaf_name = "SEV-VCEK";
	scene->ask_name = names[0];
	scene->ark_name = names[1];
	add_extras(scene, names[2], turin);
}

void snp_scene_vlek(struct snp_scene *scene)
{
	snp_scene_set(scene, 0x48, 4, 1 << 2);
	memset(scene->report + 0x1a0, 0, 64);
	scene->leaf_name = "SEV-VLEK";
	scene->ask_name = "SEV-VLEK-Milan";
	add_extras(scene, "Milan", false);
	snp_scene_drop(scene, "4");
	add_text(scene, "5", "CN=cloud.example");
}

void snp_scene_make(struct snp_scene *scene)
{
	*scene = (struct snp_scene){.leaf_key = SNP_LEAF,
				    .leaf_issuer_key = SNP_ASK,
				    .ask_issuer_key = SNP_ARK,
				    .signs = SNP_LEAF,
				    .crl_key = SNP_ARK,
				    .leaf_from = SNP_NOW - SNP_DAY,
				    .leaf_to = SNP_NOW + 7 * SNP_DAY,
				    .crl_from = SNP_NOW - SNP_DAY,
				    .crl_to = SNP_NOW + SNP_DAY,
				    .ask_serial = 0x10001,
				    .policy = "",
				    .more = "",
				    .nonce = {(const uint8_t *)"a nonce of the test", 19},
				    .time = SNP_NOW};
	snp_scene_set(scene, 0x00, 4, 3);
	snp_scene_set(scene, 0x08, 8, 0x30000 | 0x0133);
	snp_scene_set(scene, 0x34, 4, 1);
	snp_scene_set(scene, 0x40, 8, 0x25);
	bytes_copy(scene->report + 0x50, 64, scene->nonce.ptr, scene->nonce.size);
	memset(scene->report + 0x90, 0x4d, 48);
	memset(scene->report + 0xc0, 0x48, 32);
	memset(scene->report + 0x140, 0x52, 32);
	memset(scene->report + 0x160, 0xff, 32);
	snp_scene_set(scene, 0x1e8, 3, 0x01371d); /* build, minor, major */
	snp_scene_set(scene, 0x1ec, 3, 0x01371d);
	snp_scene_product(scene, "Milan");
}

void snp_scene_done(struct snp_scene *scene)
{
	for (size_t i = 0; i < SNP_PIECES_MAX; i++)
		wr_done(&scene->files[i]);
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

static void add_standard(X509 *certificate, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

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
		add_standard(certificate, NID_basic_constraints, "critical,CA:TRUE");
		add_standard(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
		add_standard(certificate, NID_subject_key_identifier, "hash");
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
				  .from = SNP_NOW - 30 * SNP_DAY,
				  .to = SNP_NOW + 30 * SNP_DAY,
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
				  .from = SNP_NOW - 30 * SNP_DAY,
				  .to = SNP_NOW + 30 * SNP_DAY,
				  .ca = !scene->ask_no_ca};

	write_certificate(make_certificate(&body), out);
}

void snp_scene_leaf(const struct snp_scene *scene, struct writer *out)
{
	const struct body body = {
	    .subject = scene->leaf_name,
	    .issuer = scene->four_certificates ? "between" : scene->ask_name,
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
static void write_between(const struct snp_scene *scene, struct writer *out)
{
	const struct body body = {.subject = "between",
				  .issuer = scene->ask_name,
				  .key = snp_scene_key(scene, scene->leaf_issuer_key),
				  .issuer_key = snp_scene_key(scene, SNP_ASK),
				  .serial = 5,
				  .from = SNP_NOW - 30 * SNP_DAY,
				  .to = SNP_NOW + 30 * SNP_DAY,
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

void snp_scene_report(const struct snp_scene *scene, struct writer *out)
{
	const struct tobi_bytes signed_part = {scene->report, SIGNED};

	wr_bytes(out, scene->report, SIGNED);
	if (scene->unsigned_report)
		wr_reserve(out, 512);
	else
		snp_scene_sign(snp_scene_key(scene, scene->signs), signed_part, out);
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

static struct writer *next_piece(struct snp_scene *scene)
{
	struct writer *file = &scene->files[scene->piece_count++];

	assert_true(scene->piece_count <= SNP_PIECES_MAX);
	wr_done(file);
	*file = wr_init(LIMIT_EVIDENCE);
	return file;
}

void snp_scene_pieces(struct snp_scene *scene)
{
	scene->piece_count = 0;
	if (!scene->without_leaf)
		snp_scene_leaf(scene, next_piece(scene));
	if (!scene->without_issuers) {
		snp_scene_ask(scene, next_piece(scene));
		snp_scene_ark(scene, next_piece(scene));
	}
	if (scene->four_certificates)
		write_between(scene, next_piece(scene));
	if (!scene->without_crl)
		snp_scene_crl(scene, next_piece(scene));
	if (scene->with_id_block)
		snp_scene_id_block(scene, next_piece(scene));
	for (size_t i = 0; i < scene->piece_count; i++)
		scene->pieces[i] = wr_view(&scene->files[i]);
}

/* The table of an extended report: VCEK, ASK, ARK, CRL. */
static void append_table(const struct snp_scene *scene, struct writer *out)
{
	static const uint8_t guids[4][16] = {
	    {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45, 0xad, 0xc5, 0xf4, 0xb9, 0x3b,
	     0xe8, 0xac, 0xcd},
	    {0x79, 0xb3, 0xb7, 0x4a, 0xac, 0xbb, 0xe4, 0x4f, 0xa0, 0x2f, 0x05, 0xae, 0xf3,
	     0x27, 0xc7, 0x82},
	    {0xa4, 0x06, 0xb4, 0xc0, 0x03, 0xa8, 0x52, 0x49, 0x97, 0x43, 0x3f, 0xb6, 0x01,
	     0x4c, 0xd0, 0xae},
	    {0x11, 0x3b, 0xf8, 0x92, 0xfc, 0x3b, 0x9f, 0x4d, 0x37, 0xff, 0xd1, 0x9f, 0x88,
	     0xdc, 0x67, 0xea}};
	uint8_t entry[24];
	size_t offset = 5 * sizeof(entry);

	for (size_t i = 0; i < 4; i++) {
		bytes_copy(entry, sizeof(entry), guids[i], 16);
		store_le(entry + 16, 4, offset);
		store_le(entry + 20, 4, scene->pieces[i].size);
		wr_bytes(out, entry, sizeof(entry));
		offset += scene->pieces[i].size;
	}
	wr_reserve(out, sizeof(entry));
	for (size_t i = 0; i < 4; i++)
		wr_bytes(out, scene->pieces[i].ptr, scene->pieces[i].size);
}

void snp_scene_extended(struct snp_scene *scene, struct writer *out)
{
	snp_scene_pieces(scene);
	snp_scene_report(scene, out);
	append_table(scene, out);
}

static void write_root(const struct snp_scene *scene, struct writer *out)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);

	snp_scene_ark(scene, &der);
	assert_int_equal(chain_write_pem(wr_view(&der), &pem, NULL), 0);
	wr_u8(&pem, 0);
	wr_printf(out, "roots:\n  - tier: snp\n    anchors: |\n");
	for (const char *at = (char *)pem.ptr; *at;) {
		size_t line = strcspn(at, "\n");

		wr_printf(out, "      %.*s\n", (int)line, at);
		at += line + (at[line] != 0);
	}
	wr_done(&der);
	wr_done(&pem);
}

void snp_scene_policy(const struct snp_scene *scene, struct writer *out)
{
	wr_printf(out, "version: 1\ntiers: [snp]\nimages: [");
	for (size_t i = 0; i < 48; i++)
		wr_printf(out, "4d");
	wr_printf(out, "]\nidentity:\n  mode: any-instance\n%s%s", scene->policy,
		  scene->more);
	if (!scene->without_roots)
		write_root(scene, out);
}

struct tobi_result *snp_scene_verify(struct snp_scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), report = wr_init(2 * REPORT_SIZE);
	struct tobi_policy *policy = NULL;
	struct tobi_result *result = NULL;
	struct tobi_verify_request request;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	snp_scene_pieces(scene); /* an ID block changes the report */
	snp_scene_report(scene, &report);
	snp_scene_policy(scene, &yaml);
	err = tobi_policy_parse(wr_view(&yaml), "test", &policy, &fault);
	if (err)
		fail_msg("policy: %s: %s", fault.field, fault.message);
	request = (struct tobi_verify_request){.evidence = wr_view(&report),
					       .nonce = scene->nonce,
					       .time = scene->time,
					       .pieces = scene->pieces,
					       .piece_count = scene->piece_count};
	err = tobi_verify(policy, &request, &result, &fault);
	if (err)
		fail_msg("verify: %s: %s", fault.field, fault.message);
	tobi_policy_free(policy);
	wr_done(&yaml);
	wr_done(&report);
	return result;
}
