#include "root/ak.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "codec/cbor.h"
#include "pki/cert.h"
#include "root/certificates.h"
#include "tee/tpm_certificate.h"
#include "tee/tpm_credential.h"

enum { VERSION = 1, NONCE_SIZE = 12, TAG_SIZE = 16, SECRET_SIZE = TPM_CREDENTIAL_SECRET };

static const int64_t validity = 5 * 365L * 24 * 3600, back_dating = 24L * 3600;

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

static void read_version(struct cbor *cbor, struct cbor_map *map)
{
	if (cbor_map_expect(cbor, map, 0, "version") &&
	    cbor_uint(cbor, "version") != VERSION)
		cbor_fail(cbor, TOBI_E_UNSUPPORTED, "version");
}

void ak_request_write(struct writer *out, const struct ak_request *request)
{
	bool has_certificate = request->ek_certificate.size > 0;

	cbor_write_map(out, has_certificate ? 3 : 2);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, VERSION);
	if (has_certificate) {
		cbor_write_uint(out, 1);
		cbor_write_bytes(out, request->ek_certificate);
	}
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, request->ak_public);
}

enum tobi_err ak_request_parse(struct tobi_bytes bytes, struct ak_request *ret_request,
			       struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 3, "request");
	struct ak_request request = {0};
	enum tobi_err err;

	read_version(&cbor, &map);
	/* 1 is left out by a TPM without a certificate. */
	if (map.left > 1 && cbor_map_expect(&cbor, &map, 1, "endorsement certificate")) {
		request.ek_certificate =
		    cbor_bytes(&cbor, LIMIT_CERTIFICATE, "endorsement certificate");
		/* Empty would be a second way to write "absent". */
		cbor_require(&cbor, request.ek_certificate.size > 0,
			     "endorsement certificate");
	}
	if (cbor_map_expect(&cbor, &map, 2, "attestation key"))
		request.ak_public = cbor_bytes(&cbor, 512, "attestation key");
	err = cbor_finish(&cbor, "request", fault);
	if (!err)
		*ret_request = request;
	return err;
}

enum tobi_err ak_request_check(const struct ak_request *request,
			       struct tobi_bytes roots_pem, int64_t now,
			       EVP_PKEY **ret_ek, struct tobi_fault *fault)
{
	const struct chain_request chain = {.certificates = &request->ek_certificate,
					    .count = 1,
					    .anchors_pem = roots_pem,
					    .time = now,
					    .purpose = CHAIN_EK};

	if (!request->ek_certificate.size)
		return fault_set(fault, TOBI_E_NOT_FOUND, "request",
				 "endorsement certificate",
				 "the TPM has none, so that no maker's root helps; have "
				 "its endorsement key from who runs that TPM (--ek-key)");
	return chain_verify(&chain, "endorsement certificate", ret_ek, fault);
}

/* The key and the Name of an attestation key, which must be one. */
static enum tobi_err read_ak(struct tobi_bytes ak_public, EVP_PKEY **ret_key,
			     uint8_t name[static TPM_STRUCT_NAME_MAX], size_t *ret_size,
			     struct tobi_fault *fault)
{
	struct tpm_public public;
	enum tobi_err err = tpm_public_parse(ak_public, &public, fault);

	if (!err && !tpm_public_is_ak(&public))
		err = fault_set(fault, TOBI_E_UNSUPPORTED, "attestation key", "",
				"it is not restricted to what its TPM says, or not fixed "
				"in it");
	if (!err)
		err = tpm_name(ak_public, public.name_alg, name, ret_size, fault);
	return err ? err : tpm_public_key(&public, ret_key, fault);
}

/* It names the endorsement key: whoever sees it can tell which TPM this is. */
static enum tobi_err issue(EVP_PKEY *ek, EVP_PKEY *ak, struct tobi_bytes ca_pem,
			   EVP_PKEY *ca_key, int64_t now, struct writer *ret_pem,
			   struct tobi_fault *fault)
{
	uint8_t ek_hash[SHA256_SIZE];
	const struct cert_extra extra = {&tpm_certificate_ek, {ek_hash, sizeof(ek_hash)}};
	struct writer ca_bytes = wr_init(LIMIT_PEM), der = wr_init(LIMIT_CERTIFICATE);
	struct tobi_bytes list[LIMIT_COSE_CHAIN - 1];
	CLEANUP(X509_freep) X509 *issuer = NULL;
	size_t count = 0;
	char name[64] = "";
	struct cert_request request = {CERT_AK,	       name, NULL,   now - back_dating,
				       now + validity, ak,   &extra, 1};
	enum tobi_err err = chain_read_pem(ca_pem, "CA", &ca_bytes, list,
					   LIMIT_COSE_CHAIN - 1, &count, fault);

	if (!err && !count)
		err = fault_set(fault, TOBI_E_MALFORMED, "CA", "",
				"there is no certificate in it");
	if (!err)
		err = chain_read_certificate(list[0], "CA", &issuer, fault);
	if (!err && EVP_PKEY_eq(X509_get0_pubkey(issuer), ca_key) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, "CA", "",
				"the key is not that of its first certificate");
	if (!err)
		err = root_name_for(ak, "AK", name, sizeof(name), fault);
	if (!err)
		err = key_spki_sha256(ek, ek_hash, fault);
	if (!err)
		err = cert_make(&request, issuer, ca_key, &der, fault);
	if (!err)
		err = chain_write_pem(wr_view(&der), ret_pem, fault);
	for (size_t i = 0; i < count && !err; i++)
		err = chain_write_pem(list[i], ret_pem, fault);
	wr_done(&ca_bytes);
	wr_done(&der);
	return err;
}

/* AES-256-GCM with the AK's Name as associated data; the tag follows. */
static bool seal(const uint8_t *key, const uint8_t *nonce, struct tobi_bytes name,
		 struct tobi_bytes plain, struct writer *out)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t *to = wr_reserve(out, plain.size + TAG_SIZE);
	int size = 0;

	return context && to &&
	       EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
	       EVP_EncryptUpdate(context, NULL, &size, name.ptr, (int)name.size) == 1 &&
	       EVP_EncryptUpdate(context, to, &size, plain.ptr, (int)plain.size) == 1 &&
	       EVP_EncryptFinal_ex(context, to + plain.size, &size) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE,
				   to + plain.size) == 1;
}

static bool unseal(const uint8_t *key, const uint8_t *nonce, struct tobi_bytes name,
		   struct tobi_bytes sealed, struct writer *out)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	size_t plain_size = sealed.size - TAG_SIZE;
	uint8_t *to = wr_reserve(out, plain_size), tag[TAG_SIZE];
	int size = 0;

	bytes_copy(tag, sizeof(tag), sealed.ptr + plain_size, TAG_SIZE);
	return context && to &&
	       EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
	       EVP_DecryptUpdate(context, NULL, &size, name.ptr, (int)name.size) == 1 &&
	       EVP_DecryptUpdate(context, to, &size, sealed.ptr, (int)plain_size) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
	       EVP_DecryptFinal_ex(context, to + plain_size, &size) == 1;
}

static void write_challenge(struct writer *out, const struct ak_challenge *challenge)
{
	cbor_write_map(out, 5);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, VERSION);
	cbor_write_uint(out, 1);
	cbor_write_bytes(out, challenge->credential);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, challenge->encrypted);
	cbor_write_uint(out, 3);
	cbor_write_bytes(out, challenge->nonce);
	cbor_write_uint(out, 4);
	cbor_write_bytes(out, challenge->sealed);
}

enum tobi_err ak_challenge_make(EVP_PKEY *ek, struct tobi_bytes ak_public,
				struct tobi_bytes ca_pem, EVP_PKEY *ca_key, int64_t now,
				struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_AK_CHALLENGE);
	CLEANUP(wr_done) struct writer credential = wr_init(TPM_CREDENTIAL_MAX);
	CLEANUP(wr_done) struct writer encrypted = wr_init(TPM_CREDENTIAL_MAX);
	CLEANUP(wr_done) struct writer sealed = wr_init(LIMIT_AK_CHALLENGE);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ak = NULL;
	uint8_t secret[SECRET_SIZE], nonce[NONCE_SIZE], name[TPM_STRUCT_NAME_MAX];
	struct tobi_bytes name_bytes = {name, 0};
	enum tobi_err err = read_ak(ak_public, &ak, name, &name_bytes.size, fault);

	if (!err)
		err = issue(ek, ak, ca_pem, ca_key, now, &pem, fault);
	if (!err && (RAND_priv_bytes(secret, sizeof(secret)) != 1 ||
		     RAND_bytes(nonce, sizeof(nonce)) != 1 ||
		     !seal(secret, nonce, name_bytes, wr_view(&pem), &sealed)))
		err = fault_openssl(fault, "challenge", "", "cannot be encrypted");
	if (!err)
		err = tpm_credential_make(ek, name_bytes,
					  (struct tobi_bytes){secret, sizeof(secret)},
					  &credential, &encrypted, fault);
	explicit_bzero(secret, sizeof(secret));
	if (err)
		return err;
	write_challenge(out, &(struct ak_challenge){wr_view(&credential),
						    wr_view(&encrypted),
						    {nonce, sizeof(nonce)},
						    wr_view(&sealed)});
	return wr_err(out) ? fault_set(fault, wr_err(out), "challenge", "", "too large")
			   : TOBI_OK;
}

enum tobi_err ak_challenge_parse(struct tobi_bytes bytes,
				 struct ak_challenge *ret_challenge,
				 struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 5, "challenge");
	struct ak_challenge challenge = {0};
	enum tobi_err err;

	read_version(&cbor, &map);
	if (cbor_map_expect(&cbor, &map, 1, "credential"))
		challenge.credential =
		    cbor_bytes(&cbor, TPM_CREDENTIAL_MAX, "credential");
	if (cbor_map_expect(&cbor, &map, 2, "encrypted secret"))
		challenge.encrypted =
		    cbor_bytes(&cbor, TPM_CREDENTIAL_MAX, "encrypted secret");
	if (cbor_map_expect(&cbor, &map, 3, "nonce"))
		challenge.nonce = cbor_bytes_exact(&cbor, NONCE_SIZE, "nonce");
	if (cbor_map_expect(&cbor, &map, 4, "certificates"))
		challenge.sealed = cbor_bytes(&cbor, LIMIT_AK_CHALLENGE, "certificates");
	if (!cbor_failed(&cbor) && challenge.sealed.size <= TAG_SIZE)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "certificates");
	err = cbor_finish(&cbor, "challenge", fault);
	if (!err)
		*ret_challenge = challenge;
	return err;
}

enum tobi_err ak_challenge_open(const struct ak_challenge *challenge,
				struct tobi_bytes secret, struct tobi_bytes ak_public,
				struct writer *ret_pem, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ak = NULL;
	uint8_t name[TPM_STRUCT_NAME_MAX];
	struct tobi_bytes name_bytes = {name, 0};
	enum tobi_err err = read_ak(ak_public, &ak, name, &name_bytes.size, fault);

	if (err)
		return err;
	if (secret.size != SECRET_SIZE ||
	    !unseal(secret.ptr, challenge->nonce.ptr, name_bytes, challenge->sealed,
		    ret_pem)) {
		fault_openssl(fault, "challenge", "", "");
		return fault_set(fault, TOBI_E_SIGNATURE, "challenge", "certificates",
				 "they were changed, or are for another key");
	}
	return TOBI_OK;
}
