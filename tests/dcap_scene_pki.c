#include "tests/dcap_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pki/signature.h"

/* Also for programs without cmocka. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

/* ---- keys ---- */

/* x and y of the scalar's point, uncompressed. */
static size_t point_of(int nid, const BIGNUM *scalar, uint8_t *point, size_t room)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
	EC_POINT *at = EC_POINT_new(group);
	size_t size;

	must(EC_POINT_mul(group, at, scalar, NULL, NULL, NULL) == 1);
	size = EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED, point, room,
				  NULL);
	must(size != 0);
	EC_POINT_free(at);
	EC_GROUP_free(group);
	return size;
}

EVP_PKEY *dcap_scene_key(enum dcap_scene_key number, bool p384)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *parameters;
	uint8_t bytes[48], point[97];
	BIGNUM *scalar;
	EVP_PKEY *key = NULL;
	size_t size;

	memset(bytes, (int)number, sizeof(bytes));
	scalar = BN_bin2bn(bytes, p384 ? 48 : 32, NULL);
	size = point_of(p384 ? NID_secp384r1 : NID_X9_62_prime256v1, scalar, point,
			sizeof(point));
	must(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					     p384 ? "P-384" : "P-256", 0) == 1 &&
	     OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1 &&
	     OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
					      size) == 1);
	parameters = OSSL_PARAM_BLD_to_param(build);
	must(parameters && EVP_PKEY_fromdata_init(context) == 1 &&
	     EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) == 1);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(build);
	BN_free(scalar);
	EVP_PKEY_CTX_free(context);
	return key;
}

void dcap_scene_sign(enum dcap_scene_key number, struct tobi_bytes message,
		     uint8_t ret_signature[static 64])
{
	EVP_PKEY *key = dcap_scene_key(number, false);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *signature;

	must(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestSign(md, der, &size, message.ptr, message.size) == 1);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
	must(signature &&
	     BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_signature, 32) == 32 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_signature + 32, 32) == 32);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

/* ---- the SGX extension ---- */

static const uint8_t sgx_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

/* Tag, length, content: lengths below 64 KiB. */
static void element(struct writer *out, uint8_t tag, struct tobi_bytes content)
{
	wr_u8(out, tag);
	if (content.size > 255)
		wr_u8(out, 0x82);
	else if (content.size > 127)
		wr_u8(out, 0x81);
	wr_uint_be(out, content.size, content.size > 255 ? 2 : 1);
	wr_bytes(out, content.ptr, content.size);
}

/* SEQUENCE { sgx_oid.[parent.]number, value } */
static void member(struct writer *out, uint8_t parent, uint8_t number, uint8_t tag,
		   struct tobi_bytes value)
{
	struct writer both = wr_init(4096), name = wr_init(16);

	wr_bytes(&name, sgx_oid, sizeof(sgx_oid));
	if (parent)
		wr_u8(&name, parent);
	wr_u8(&name, number);
	element(&both, 0x06, wr_view(&name));
	element(&both, tag, value);
	element(out, 0x30, wr_view(&both));
	wr_done(&name);
	wr_done(&both);
}

static void number_member(struct writer *out, uint8_t parent, uint8_t number, uint8_t tag,
			  unsigned value)
{
	uint8_t bytes[3] = {0, (uint8_t)(value >> 8), (uint8_t)value};
	size_t skip = value < 0x80 ? 2 : value < 0x8000 ? 1 : 0;

	member(out, parent, number, tag,
	       (struct tobi_bytes){bytes + skip, sizeof(bytes) - skip});
}

static void write_tcb(const struct dcap_pck *pck, struct writer *out)
{
	struct writer tcb = wr_init(4096);

	for (uint8_t i = 0; i < DCAP_COMPONENTS; i++)
		number_member(&tcb, 2, (uint8_t)(i + 1), 0x02, pck->components[i]);
	number_member(&tcb, 2, 17, 0x02, pck->pcesvn);
	member(&tcb, 2, 18, 0x04, (struct tobi_bytes){pck->cpusvn, 16});
	member(out, 0, 2, 0x30, wr_view(&tcb));
	wr_done(&tcb);
}

static void write_configuration(const struct dcap_pck *pck, struct writer *out)
{
	const bool flags[] = {pck->dynamic_platform, pck->cached_keys, pck->smt};
	struct writer all = wr_init(1024);

	for (uint8_t i = 0; i < 3; i++) {
		const uint8_t value = flags[i] ? 0xff : 0;

		member(&all, 7, (uint8_t)(i + 1), 0x01, (struct tobi_bytes){&value, 1});
	}
	member(out, 0, 7, 0x30, wr_view(&all));
	wr_done(&all);
}

void dcap_scene_extension(const struct dcap_pck *pck, struct writer *out)
{
	struct writer all = wr_init(8192);

	member(&all, 0, 1, 0x04, (struct tobi_bytes){pck->ppid, 16});
	write_tcb(pck, &all);
	member(&all, 0, 3, 0x04, (struct tobi_bytes){pck->pce_id, 2});
	member(&all, 0, 4, 0x04, (struct tobi_bytes){pck->fmspc, 6});
	number_member(&all, 0, 5, 0x0a, pck->platform);
	if (pck->has_instance)
		member(&all, 0, 6, 0x04, (struct tobi_bytes){pck->instance, 16});
	if (pck->has_configuration)
		write_configuration(pck, &all);
	element(out, 0x30, wr_view(&all));
	wr_done(&all);
}

/* ---- certificates and lists ---- */

static void set_name(X509_NAME *name, const char *text)
{
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)text,
					-1, -1, 0) == 1);
}

static X509_EXTENSION *extension(X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, context, nid, value);

	must(made != NULL);
	return made;
}

static void add_extension(X509 *to, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *made = extension(context, nid, value);

	must(X509_add_ext(to, made, -1) == 1);
	X509_EXTENSION_free(made);
}

static void add_raw(X509 *to, const char *oid, bool critical, struct tobi_bytes value)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *made;

	must(object && octets &&
	     ASN1_OCTET_STRING_set(octets, value.ptr, (int)value.size) == 1);
	made = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
	must(made && X509_add_ext(to, made, -1) == 1);
	X509_EXTENSION_free(made);
	ASN1_OCTET_STRING_free(octets);
	ASN1_OBJECT_free(object);
}

/* A certificate that stands for the issuer's key, where only that counts. */
static X509 *issuer_stand_in(const char *name, enum dcap_scene_key number, bool p384)
{
	X509 *issuer = X509_new();
	EVP_PKEY *key = dcap_scene_key(number, p384);
	X509V3_CTX context;

	must(issuer && X509_set_pubkey(issuer, key) == 1);
	set_name(X509_get_subject_name(issuer), name);
	X509V3_set_ctx(&context, issuer, issuer, NULL, NULL, 0);
	add_extension(issuer, &context, NID_subject_key_identifier, "hash");
	EVP_PKEY_free(key);
	return issuer;
}

static void add_extensions(const struct dcap_scene *scene,
			   const struct dcap_scene_certificate *what, X509 *to,
			   X509 *issuer)
{
	struct writer value = wr_init(8192);
	X509V3_CTX context;
	char constraints[64] = "critical,CA:FALSE";

	if (what->ca)
		snprintf(constraints, sizeof(constraints), "critical,CA:TRUE,pathlen:%d",
			 what->pathlen);
	X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
	add_extension(to, &context, NID_subject_key_identifier, "hash");
	if (!what->no_key_identifier)
		add_extension(to, &context, NID_authority_key_identifier, "keyid");
	add_extension(to, &context, NID_key_usage,
		      what->ca ? "critical,keyCertSign,cRLSign"
			       : "critical,digitalSignature,nonRepudiation");
	add_extension(to, &context, NID_basic_constraints, constraints);
	if (scene->extension.size)
		wr_bytes(&value, scene->extension.ptr, scene->extension.size);
	else
		dcap_scene_extension(&scene->pck, &value);
	for (unsigned i = 0; i < what->sgx_extensions; i++)
		add_raw(to, "1.2.840.113741.1.13.1", false, wr_view(&value));
	if (what->critical)
		add_raw(to, "2.25.1", true, wr_view(&value));
	wr_done(&value);
}

/* Whose certificate says so. */
static bool is_p384(const struct dcap_scene *scene, enum dcap_scene_key number)
{
	for (size_t i = 0; i < DCAP_ROLES; i++) {
		if (scene->certificates[i].key == number)
			return scene->certificates[i].p384;
	}
	return false;
}

X509 *dcap_scene_certificate(const struct dcap_scene *scene, enum dcap_scene_role role)
{
	const struct dcap_scene_certificate *what = &scene->certificates[role];
	const bool p384 = is_p384(scene, what->issuer_key);
	EVP_PKEY *key = dcap_scene_key(what->key, what->p384);
	EVP_PKEY *issuer_key = dcap_scene_key(what->issuer_key, p384);
	X509 *issuer = issuer_stand_in(what->issuer_name, what->issuer_key, p384);
	X509 *made = X509_new();

	must(made && X509_set_version(made, what->version) == 1 &&
	     ASN1_INTEGER_set(X509_get_serialNumber(made), what->serial) == 1 &&
	     ASN1_TIME_set(X509_getm_notBefore(made), (time_t)what->not_before) &&
	     ASN1_TIME_set(X509_getm_notAfter(made), (time_t)what->not_after) &&
	     X509_set_pubkey(made, key) == 1);
	set_name(X509_get_subject_name(made), what->name);
	set_name(X509_get_issuer_name(made), what->issuer_name);
	if (what->version == X509_VERSION_3)
		add_extensions(scene, what, made, issuer);
	must(X509_sign(made, issuer_key, what->sha384 ? EVP_sha384() : EVP_sha256()) > 0);
	X509_free(issuer);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(key);
	return made;
}

void dcap_scene_pem(const struct dcap_scene *scene, enum dcap_scene_role role,
		    struct writer *out)
{
	X509 *certificate = dcap_scene_certificate(scene, role);
	BIO *bio = BIO_new(BIO_s_mem());
	uint8_t *der = NULL;
	char *data = NULL;
	long size = i2d_X509(certificate, &der);

	/* The last byte is of the signature's s. */
	der[size - 1] ^= scene->certificates[role].damage;
	must(PEM_write_bio(bio, PEM_STRING_X509, "", der, size) > 0);
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(out, data, (size_t)size);
	OPENSSL_free(der);
	BIO_free(bio);
	X509_free(certificate);
}

static void set_time(X509_CRL *crl, int64_t from, int64_t to)
{
	ASN1_TIME *first = ASN1_TIME_set(NULL, (time_t)from);
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)to);

	must(X509_CRL_set1_lastUpdate(crl, first) == 1 &&
	     X509_CRL_set1_nextUpdate(crl, next) == 1);
	ASN1_TIME_free(first);
	ASN1_TIME_free(next);
}

static void revoke(X509_CRL *crl, long serial, int64_t when)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	ASN1_TIME *date = ASN1_TIME_set(NULL, (time_t)when);

	must(ASN1_INTEGER_set(number, serial) == 1 &&
	     X509_REVOKED_set_serialNumber(entry, number) == 1 &&
	     X509_REVOKED_set_revocationDate(entry, date) == 1 &&
	     X509_CRL_add0_revoked(crl, entry) == 1);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(date);
}

static void add_list_extensions(const struct dcap_scene_crl *what, X509_CRL *crl,
				X509 *issuer)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	X509V3_CTX context;
	X509_EXTENSION *made;

	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	must(ASN1_INTEGER_set(number, what->number) == 1);
	if (what->number >= 0)
		must(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1);
	if (what->critical)
		must(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, number, 1, 0) == 1);
	ASN1_INTEGER_free(number);
	if (what->no_key_identifier)
		return;
	made = extension(&context, NID_authority_key_identifier, "keyid:always");
	must(X509_CRL_add_ext(crl, made, -1) == 1);
	X509_EXTENSION_free(made);
}

void dcap_scene_list(const struct dcap_scene_crl *what, struct writer *out)
{
	X509 *issuer = issuer_stand_in(what->issuer_name, what->issuer_key, false);
	EVP_PKEY *key = dcap_scene_key(what->issuer_key, false);
	X509_CRL *crl = X509_CRL_new();
	uint8_t *der = NULL;
	int size;

	must(crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
	     X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1);
	set_time(crl, what->this_update, what->next_update);
	for (size_t i = 0; i < 4; i++) {
		if (what->revoked[i])
			revoke(crl, what->revoked[i], what->this_update);
	}
	add_list_extensions(what, crl, issuer);
	must(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, key, EVP_sha256()) > 0);
	size = i2d_X509_CRL(crl, &der);
	must(size > 0);
	der[size - 1] ^= what->damage;
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	X509_free(issuer);
}
