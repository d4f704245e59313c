#include "tests/vendor_scene.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/hex.h"
#include "base/secret.h"

enum {
	HOUR = 3600,
	DAY = 24 * HOUR,
	QUOTE_BODY = 48 + 384,
	QUOTE_SIGNED = 64 + 64 + 384 + 64,
	REPORT_SIZE = 1184
};

/* 1.2.840.113741.1.13.1: a sequence of the FMSPC alone. */
static const uint8_t sgx_extension[] = {0x30, 0x16, 0x30, 0x14, 0x06, 0x0a, 0x2a, 0x86,
					0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x04,
					0x04, 0x06, 0x00, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5};

/* Tests and tools alike: what does not hold ends it. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static void add_bytes(X509 *certificate, const char *oid, const uint8_t *bytes,
		      size_t size)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;

	must(ASN1_OCTET_STRING_set(value, bytes, (int)size) == 1);
	extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
	must(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

static const EVP_MD *digest_of(EVP_PKEY *key)
{
	return EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

static void start(const char *common_name, enum key_kind kind, bool ca, int64_t now,
		  const struct vendor_party *issuer, struct vendor_party *party)
{
	X509 *certificate = X509_new();
	X509 *by = issuer ? issuer->certificate : certificate;

	must(!key_new(kind, &party->key, NULL));
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1 + (long)(now % 1000));
	ASN1_TIME_set(X509_getm_notBefore(certificate), now - DAY);
	ASN1_TIME_set(X509_getm_notAfter(certificate), now + 10 * DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const uint8_t *)common_name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(by));
	X509_set_pubkey(certificate, party->key);
	add_extension(certificate, by, NID_basic_constraints,
		      ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(certificate, by, NID_key_usage,
		      ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	add_extension(certificate, by, NID_subject_key_identifier, "hash");
	add_extension(certificate, by, NID_authority_key_identifier, "keyid");
	party->certificate = certificate;
}

static void finish(struct vendor_party *party, const struct vendor_party *issuer)
{
	EVP_PKEY *key = issuer ? issuer->key : party->key;

	must(X509_sign(party->certificate, key, digest_of(key)) > 0);
}

void vendor_party_make(const char *common_name, enum key_kind kind, bool ca, int64_t now,
		       const struct vendor_party *issuer, struct vendor_party *ret_party)
{
	start(common_name, kind, ca, now, issuer, ret_party);
	finish(ret_party, issuer);
}

void vendor_party_done(struct vendor_party *party)
{
	EVP_PKEY_free(party->key);
	X509_free(party->certificate);
	*party = (struct vendor_party){0};
}

void vendor_pem(const struct vendor_party *party, struct writer *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long size;

	must(PEM_write_bio_X509(bio, party->certificate) == 1);
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(out, data, (size_t)size);
	BIO_free_all(bio);
}

/* r and s, 32 bytes each. */
static void sign_raw(struct tobi_bytes message, EVP_PKEY *key, uint8_t out[64])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	ECDSA_SIG *signature;

	must(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestSign(md, der, &size, message.ptr, message.size) == 1);
	signature = d2i_ECDSA_SIG(NULL, &at, (long)size);
	must(signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32) == 32 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32) == 32);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(md);
}

void vendor_json(const char *member, const char *body, EVP_PKEY *key, struct writer *out)
{
	uint8_t signature[64];
	char hex[129];

	sign_raw(bytes_of_text(body), key, signature);
	hex_write((struct tobi_bytes){signature, 64}, hex, sizeof(hex));
	wr_printf(out, "{\"%s\":%s,\"signature\":\"%s\"}", member, body, hex);
	must(!wr_err(out));
}

static void date(int64_t seconds, char out[static 32])
{
	const time_t value = (time_t)seconds;
	struct tm tm;

	must(strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&value, &tm)) > 0);
}

static void write_body(const char *head, int64_t issued, int64_t next, const char *tail,
		       const char *member, EVP_PKEY *key, struct writer *out)
{
	struct writer body = wr_init(4096);
	char from[32], to[32];

	date(issued, from);
	date(next, to);
	wr_printf(&body,
		  "{%s,\"issueDate\":\"%s\",\"nextUpdate\":\"%s\","
		  "\"tcbEvaluationDataNumber\":17%s}",
		  head, from, to, tail);
	wr_u8(&body, 0);
	must(!wr_err(&body));
	vendor_json(member, (const char *)body.ptr, key, out);
	wr_done(&body);
}

void vendor_tcb_info(const char *id, const char *fmspc, int64_t issued, int64_t next,
		     EVP_PKEY *key, struct writer *out)
{
	char head[128];

	snprintf(head, sizeof(head), "\"id\":\"%s\",\"version\":3", id);
	struct writer tail = wr_init(256);

	wr_printf(&tail, ",\"fmspc\":\"%s\",\"pceId\":\"0000\",\"tcbLevels\":[]", fmspc);
	wr_u8(&tail, 0);
	write_body(head, issued, next, (const char *)tail.ptr, "tcbInfo", key, out);
	wr_done(&tail);
}

static void write_identity(const char *id, int64_t now, EVP_PKEY *key, struct writer *out)
{
	char head[64];

	snprintf(head, sizeof(head), "\"id\":\"%s\",\"version\":2", id);
	write_body(head, now - HOUR, now + DAY, ",\"tcbLevels\":[]", "enclaveIdentity",
		   key, out);
}

void vendor_crl(const struct vendor_party *issuer, int64_t issued, int64_t next,
		struct writer *out)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, issued), *to = ASN1_TIME_set(NULL, next);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	unsigned char *der = NULL;
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int size;

	ASN1_INTEGER_set(number, 7);
	X509V3_set_ctx(&context, issuer->certificate, NULL, NULL, crl, 0);
	extension =
	    X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid");
	must(X509_CRL_set_version(crl, 1) == 1 &&
	     X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->certificate)) &&
	     X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to) &&
	     extension && X509_CRL_add_ext(crl, extension, -1) &&
	     X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
	     X509_CRL_sign(crl, issuer->key, digest_of(issuer->key)) > 0);
	size = i2d_X509_CRL(crl, &der);
	must(size > 0);
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_EXTENSION_free(extension);
	X509_CRL_free(crl);
}

static void make_intel(struct vendor_scene *scene)
{
	int64_t now = scene->now;
	int64_t issued = now - HOUR, next = now + DAY;

	vendor_party_make("Intel SGX Root CA", KEY_P256, true, now, NULL, &scene->root);
	vendor_party_make("Intel SGX TCB Signing", KEY_P256, false, now, &scene->root,
			  &scene->tcb);
	vendor_party_make("Intel SGX PCK Platform CA", KEY_P256, true, now, &scene->root,
			  &scene->platform);
	vendor_party_make("Intel SGX PCK Processor CA", KEY_P256, true, now, &scene->root,
			  &scene->processor);
	start("Intel SGX PCK Certificate", KEY_P256, false, now, &scene->platform,
	      &scene->pck);
	add_bytes(scene->pck.certificate, "1.2.840.113741.1.13.1", sgx_extension,
		  sizeof(sgx_extension));
	finish(&scene->pck, &scene->platform);
	vendor_tcb_info("SGX", VENDOR_FMSPC, issued, next, scene->tcb.key,
			&scene->sgx_tcb_info);
	vendor_tcb_info("TDX", VENDOR_FMSPC, issued, next, scene->tcb.key,
			&scene->tdx_tcb_info);
	write_identity("QE", now, scene->tcb.key, &scene->sgx_identity);
	write_identity("TD_QE", now, scene->tcb.key, &scene->tdx_identity);
	vendor_crl(&scene->root, issued, next, &scene->root_crl);
	vendor_crl(&scene->platform, issued, next, &scene->platform_crl);
	vendor_crl(&scene->processor, issued, next, &scene->processor_crl);
	vendor_pem(&scene->tcb, &scene->tcb_chain);
	vendor_pem(&scene->root, &scene->tcb_chain);
	vendor_pem(&scene->platform, &scene->platform_chain);
	vendor_pem(&scene->root, &scene->platform_chain);
	vendor_pem(&scene->processor, &scene->processor_chain);
	vendor_pem(&scene->root, &scene->processor_chain);
	vendor_pem(&scene->pck, &scene->pck_chain);
	vendor_pem(&scene->platform, &scene->pck_chain);
	vendor_pem(&scene->root, &scene->pck_chain);
}

static void make_amd(struct vendor_scene *scene)
{
	int64_t now = scene->now;
	unsigned char *der = NULL;
	int size;

	vendor_party_make("ARK-Milan", KEY_P384, true, now, NULL, &scene->ark);
	vendor_party_make("SEV-Milan", KEY_P384, true, now, &scene->ark, &scene->ask);
	vendor_party_make("SEV-VLEK-Milan", KEY_P384, true, now, &scene->ark,
			  &scene->asvk);
	start("SEV-VCEK", KEY_P384, false, now, &scene->ask, &scene->vcek);
	add_bytes(scene->vcek.certificate, "1.3.6.1.4.1.3704.1.4", scene->chip,
		  sizeof(scene->chip));
	finish(&scene->vcek, &scene->ask);
	size = i2d_X509(scene->vcek.certificate, &der);
	must(size > 0);
	wr_bytes(&scene->vcek_der, der, (size_t)size);
	OPENSSL_free(der);
	vendor_crl(&scene->ark, now - HOUR, now + DAY, &scene->amd_crl);
	vendor_pem(&scene->ask, &scene->amd_chain);
	vendor_pem(&scene->ark, &scene->amd_chain);
	vendor_pem(&scene->asvk, &scene->vlek_chain);
	vendor_pem(&scene->ark, &scene->vlek_chain);
}

static void put_le(uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* Certification data of type 5: the chain. */
static void make_quote(struct vendor_scene *scene)
{
	const size_t chain = scene->pck_chain.size;
	uint8_t *body = wr_reserve(&scene->quote, QUOTE_BODY), *sizes;

	put_le(body, 3, 2);
	put_le(body + 2, 2, 2);
	wr_reserve(&scene->quote, 4 + QUOTE_SIGNED);
	put_le(scene->quote.ptr + QUOTE_BODY, QUOTE_SIGNED + 2 + 6 + chain, 4);
	sizes = wr_reserve(&scene->quote, 2 + 6); /* no authentication data */
	put_le(sizes + 2, 5, 2);
	put_le(sizes + 4, chain, 4);
	wr_bytes(&scene->quote, scene->pck_chain.ptr, chain);
	must(!wr_err(&scene->quote));
}

static void make_report(struct vendor_scene *scene)
{
	uint8_t *report = wr_reserve(&scene->report, REPORT_SIZE);

	put_le(report, 3, 4);
	put_le(report + 0x34, 1, 4);
	report[0x180] = 4;  /* boot loader */
	report[0x186] = 24; /* SNP */
	report[0x187] = 213;
	report[0x188] = 0x19;
	report[0x189] = 0x01;
	bytes_copy(report + 0x1a0, 64, scene->chip, 64);
}

void vendor_scene_make(struct vendor_scene *scene, int64_t now)
{
	struct writer *const all[] = {
	    &scene->sgx_tcb_info,   &scene->tdx_tcb_info, &scene->sgx_identity,
	    &scene->tdx_identity,   &scene->root_crl,	  &scene->platform_crl,
	    &scene->processor_crl,  &scene->amd_crl,	  &scene->tcb_chain,
	    &scene->platform_chain, &scene->pck_chain,	  &scene->processor_chain,
	    &scene->amd_chain,	    &scene->vlek_chain,	  &scene->vcek_der,
	    &scene->quote,	    &scene->report,
	};

	*scene = (struct vendor_scene){.now = now};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		*all[i] = wr_init(64 << 10);
	for (size_t i = 0; i < sizeof(scene->chip); i++)
		scene->chip[i] = (uint8_t)(0xc0 + i);
	make_intel(scene);
	make_amd(scene);
	make_quote(scene);
	make_report(scene);
	must(!key_spki_sha256(scene->root.key, scene->pins.keys[0], NULL) &&
	     !key_spki_sha256(scene->ark.key, scene->pins.keys[1], NULL));
	scene->pins.count = 2;
}

void vendor_scene_done(struct vendor_scene *scene)
{
	struct vendor_party *const parties[] = {
	    &scene->root, &scene->tcb, &scene->platform, &scene->processor, &scene->pck,
	    &scene->ark,  &scene->ask, &scene->asvk,	 &scene->vcek};
	struct writer *const all[] = {
	    &scene->sgx_tcb_info,   &scene->tdx_tcb_info, &scene->sgx_identity,
	    &scene->tdx_identity,   &scene->root_crl,	  &scene->platform_crl,
	    &scene->processor_crl,  &scene->amd_crl,	  &scene->tcb_chain,
	    &scene->platform_chain, &scene->pck_chain,	  &scene->processor_chain,
	    &scene->amd_chain,	    &scene->vlek_chain,	  &scene->vcek_der,
	    &scene->quote,	    &scene->report,
	};

	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++)
		vendor_party_done(parties[i]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		wr_done(all[i]);
}
