#include "tests/nitro_scene.h"

#include "base/hex.h"
#include "codec/cbor.h"
#include "pki/chain.h"
#include "tests/check.h"
#include "tests/extension.h"
#include "tests/scene_try.h"
#include "token/cmw.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static const uint8_t default_nonce[32] = {[0 ... 31] = 0x4e};

void test_nitro_make(struct test_nitro *nitro, enum nitro_kind kind)
{
	static const struct test_certificate made[NITRO_PLACES] = {
	    {KEY_P384, "test.nitro-enclaves", "critical,CA:TRUE", "critical,keyCertSign",
	     NITRO_NOW - 365 * DAY, NITRO_NOW + 365 * DAY},
	    {KEY_P384, "region.test.nitro-enclaves", "critical,CA:TRUE,pathlen:2",
	     "critical,keyCertSign", NITRO_NOW - 9 * DAY, NITRO_NOW + 9 * DAY},
	    {KEY_P384, "zone.test.nitro-enclaves", "critical,CA:TRUE,pathlen:1",
	     "critical,keyCertSign", NITRO_NOW - 3 * DAY, NITRO_NOW + 3 * DAY},
	    {KEY_P384, "i-0123.test.nitro-enclaves", "critical,CA:TRUE,pathlen:0",
	     "critical,keyCertSign", NITRO_NOW - DAY, NITRO_NOW + DAY},
	    {KEY_P384, "i-0123-enc4567.test.aws", "critical,CA:FALSE", "digitalSignature",
	     NITRO_NOW - HOUR, NITRO_NOW + 2 * HOUR},
	};

	*nitro = (struct test_nitro){
	    .kind = kind,
	    .module_id = kind == NITRO_TPM ? "i-0123-tpm0000" : "i-0123-enc4567",
	    .digest = "SHA384",
	    .timestamp = (uint64_t)NITRO_NOW * 1000 - 2500,
	    .pcr_mask = kind == NITRO_TPM ? 0xffffff : 0xffff,
	    .pcr_size = 48,
	    .nonce = {default_nonce, sizeof(default_nonce)},
	    .bundle = {NITRO_ROOT, NITRO_REGION, NITRO_ZONE, NITRO_INSTANCE, -1},
	    .now = NITRO_NOW,
	    .given_nonce = {default_nonce, sizeof(default_nonce)},
	    .tiers = kind == NITRO_TPM ? "nitro-tpm" : "nitro",
	};
	for (unsigned i = 0; i < 9; i++)
		memset(nitro->pcrs[i], (int)(0x10 + i), sizeof(nitro->pcrs[i]));
	for (size_t i = 0; i < NITRO_PLACES; i++) {
		nitro->certificates[i] = made[i];
		assert_int_equal(key_new(KEY_P384, &nitro->certificates[i].key, NULL), 0);
	}
	if (kind == NITRO_TPM)
		nitro->certificates[NITRO_LEAF].name = "i-0123-tpm0000.test.aws";
	assert_int_equal(key_new(KEY_P384, &nitro->other_key, NULL), 0);
}

void test_nitro_done(struct test_nitro *nitro)
{
	for (size_t i = 0; i < NITRO_PLACES; i++) {
		EVP_PKEY_free(nitro->certificates[i].key);
		wr_done(&nitro->certificates[i].der);
	}
	EVP_PKEY_free(nitro->other_key);
}

static void add_comment(X509 *certificate, size_t size)
{
	char comment[1024];

	assert_true(size < sizeof(comment));
	memset(comment, 'c', size);
	comment[size] = 0;
	add_extension(certificate, NULL, NID_netscape_comment, size ? comment : NULL);
}

static void add_name(X509_NAME *name, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
						    (const unsigned char *)text, -1, -1,
						    0),
			 1);
}

static void make_certificate(struct test_certificate *subject,
			     const struct test_certificate *issuer)
{
	X509 *certificate = X509_new();
	unsigned char *der = NULL;
	int size;

	assert_non_null(certificate);
	if (subject->kind != KEY_P384) {
		EVP_PKEY_free(subject->key);
		subject->key = NULL;
		assert_int_equal(key_new(subject->kind, &subject->key, NULL), 0);
	}
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)subject->not_before);
	ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)subject->not_after);
	add_name(X509_get_subject_name(certificate), subject->name);
	add_name(X509_get_issuer_name(certificate), issuer->name);
	assert_int_equal(X509_set_pubkey(certificate, subject->key), 1);
	add_extension(certificate, NULL, NID_basic_constraints, subject->constraints);
	add_extension(certificate, NULL, NID_key_usage, subject->usage);
	add_comment(certificate, subject->comment);
	assert_true(X509_sign(certificate, issuer->key,
			      subject->weak_digest ? EVP_sha256() : EVP_sha384()) > 0);
	size = i2d_X509(certificate, &der);
	assert_true(size > 0);
	wr_done(&subject->der);
	subject->der = wr_init(LIMIT_CERTIFICATE);
	wr_bytes(&subject->der, der, (size_t)size);
	OPENSSL_free(der);
	X509_free(certificate);
}

static void make_certificates(struct test_nitro *nitro)
{
	for (size_t i = 0; i < NITRO_PLACES; i++)
		make_certificate(&nitro->certificates[i],
				 &nitro->certificates[i ? i - 1 : 0]);
}

static void write_pcrs(const struct test_nitro *nitro, const char *key,
		       struct writer *out)
{
	cbor_write_text(out, key);
	cbor_write_map(out, (size_t)__builtin_popcount(nitro->pcr_mask));
	for (unsigned i = 0; i < NITRO_PCRS; i++) {
		if (!(nitro->pcr_mask >> i & 1))
			continue;
		cbor_write_uint(out, i);
		cbor_write_bytes(out,
				 (struct tobi_bytes){nitro->pcrs[i], nitro->pcr_size});
	}
}

static void write_optional(struct writer *out, const char *key, struct tobi_bytes bytes)
{
	cbor_write_text(out, key);
	if (bytes.ptr)
		cbor_write_bytes(out, bytes);
	else
		cbor_write_null(out);
}

static void write_certificates(struct test_nitro *nitro, struct writer *out)
{
	static const uint8_t zeros[2048];
	struct tobi_bytes leaf = wr_view(&nitro->certificates[NITRO_LEAF].der);
	size_t count = 0;

	if (nitro->certificate_size)
		leaf = (struct tobi_bytes){zeros, nitro->certificate_size};
	if (!nitro->without_leaf) {
		cbor_write_text(out, "certificate");
		cbor_write_bytes(out, leaf);
	}
	while (nitro->bundle[count] >= 0)
		count++;
	cbor_write_text(out, "cabundle");
	cbor_write_array(out, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_bytes(out,
				 wr_view(&nitro->certificates[nitro->bundle[i]].der));
}

static void write_payload(struct test_nitro *nitro, struct writer *out)
{
	bool tpm = nitro->kind == NITRO_TPM;

	if (nitro->indefinite)
		wr_u8(out, 0xbf);
	else
		cbor_write_map(out, (size_t)(9 + nitro->both_pcrs - nitro->without_leaf +
					     nitro->twice_the_digest +
					     (nitro->more_field != NULL)));
	cbor_write_text(out, "module_id");
	cbor_write_text(out, nitro->module_id);
	for (int i = 0; i <= nitro->twice_the_digest; i++) {
		cbor_write_text(out, "digest");
		cbor_write_text(out, nitro->digest);
	}
	cbor_write_text(out, "timestamp");
	cbor_write_uint(out, nitro->timestamp);
	write_pcrs(nitro, tpm ? "nitrotpm_pcrs" : "pcrs", out);
	if (nitro->both_pcrs)
		write_pcrs(nitro, tpm ? "pcrs" : "nitrotpm_pcrs", out);
	write_certificates(nitro, out);
	write_optional(out, "public_key", nitro->public_key);
	write_optional(out, "user_data", nitro->user_data);
	write_optional(out, "nonce", nitro->nonce);
	if (nitro->more_field) {
		cbor_write_text(out, nitro->more_field);
		cbor_write_uint(out, 1);
	}
	if (nitro->indefinite)
		wr_u8(out, 0xff);
}

void test_nitro_document(struct test_nitro *nitro, struct writer *out)
{
	struct writer payload = wr_init(LIMIT_TOKEN), tagged = wr_init(LIMIT_TOKEN);
	struct cose_headers headers = {0};
	struct cose_signer signer;

	make_certificates(nitro);
	write_payload(nitro, &payload);
	assert_int_equal(wr_err(&payload), 0);
	assert_int_equal(cose_signer_for_key(nitro->signed_by_another
						 ? nitro->other_key
						 : nitro->certificates[NITRO_LEAF].key,
					     &signer, NULL),
			 0);
	if (nitro->algorithm)
		signer.alg = (enum cose_alg)nitro->algorithm;
	assert_int_equal(cose_write(&tagged, &signer, &headers, wr_view(&payload),
				    nitro->detached, NULL),
			 0);
	if (nitro->damaged_signature)
		tagged.ptr[tagged.size - 1] ^= 1;
	/* AWS's are untagged. */
	wr_bytes(out, tagged.ptr + !nitro->tagged, tagged.size - !nitro->tagged);
	wr_done(&payload);
	wr_done(&tagged);
}

void test_nitro_policy(struct test_nitro *nitro, struct writer *out)
{
	struct writer pem = wr_init(LIMIT_PEM);
	char image[2 * 48 + 1];

	hex_write(
	    (struct tobi_bytes){nitro->pcrs[nitro->kind == NITRO_TPM ? NITRO_TPM_PCR_BOOT
								     : NITRO_PCR_IMAGE],
				48},
	    image, sizeof(image));
	wr_printf(out,
		  "version: 1\nname: nitro scene\ntiers: [%s]\nimages: [\"%s\"]\n"
		  "identity: {mode: any-instance}\nallow: [%s]\n%s",
		  nitro->tiers, image, nitro->allow ? nitro->allow : "user-launch",
		  nitro->more ? nitro->more : "");
	if (nitro->vendors_roots)
		return;
	if (!nitro->certificates[NITRO_ROOT].der.size)
		make_certificates(nitro);
	assert_int_equal(
	    chain_write_pem(wr_view(&nitro->certificates[NITRO_ROOT].der), &pem, NULL),
	    0);
	wr_u8(&pem, 0);
	wr_printf(out, "roots:\n  - tier: %s\n    anchors: |\n",
		  nitro->kind == NITRO_TPM ? "nitro-tpm" : "nitro");
	for (const char *at = (const char *)pem.ptr; *at;) {
		size_t size = strcspn(at, "\n");

		wr_printf(out, "      %.*s\n", (int)size, at);
		at += size + (at[size] != 0);
	}
	assert_int_equal(wr_err(out), 0);
	wr_done(&pem);
}

static void write_evidence(struct test_nitro *nitro, struct writer *out)
{
	struct writer document = wr_init(LIMIT_EVIDENCE);
	const char *type = nitro->kind == NITRO_TPM
			       ? "application/vnd.tobichi.nitro-tpm-doc"
			       : "application/vnd.tobichi.nitro-doc";
	struct cmw_record records[2] = {
	    {.key = {(const uint8_t *)"cpu", 3},
	     .media_type = {(const uint8_t *)type, strlen(type)},
	     .indicator = CMW_EVIDENCE},
	    {.key = {(const uint8_t *)"claims", 6},
	     .media_type = {(const uint8_t *)CMW_TYPE_CLAIMS, strlen(CMW_TYPE_CLAIMS)},
	     .value = nitro->claims_buffer,
	     .indicator = CMW_EVIDENCE},
	};

	if (!nitro->claims_buffer.size) {
		test_nitro_document(nitro, out);
		return;
	}
	test_nitro_document(nitro, &document);
	records[0].value = wr_view(&document);
	cmw_write(out, records, 2);
	assert_int_equal(wr_err(out), 0);
	wr_done(&document);
}

enum tobi_err test_nitro_try(struct test_nitro *nitro, struct tobi_result **ret_result,
			     struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY), evidence = wr_init(LIMIT_EVIDENCE);
	const struct tobi_verify_request request = {.nonce = nitro->given_nonce,
						    .time = nitro->now};

	write_evidence(nitro, &evidence);
	test_nitro_policy(nitro, &yaml);
	return scene_try("nitro.yaml", &yaml, &evidence, request, ret_result, fault);
}

struct tobi_result *test_nitro_appraise(struct test_nitro *nitro)
{
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = test_nitro_try(nitro, &result, &fault);

	return scene_result(err, result, &fault);
}
