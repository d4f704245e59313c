#include "root/tpm_activate.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/chain.h"

enum { CHUNK = 512, DER_HEADER = 4 };

#define EK_ATTRIBUTES                                                                    \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |                                \
	 TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |                 \
	 TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* PolicySecret(endorsement hierarchy): TCG EK Credential Profile 2.x, annex B. */
#define POLICY_A                                                                         \
	{                                                                                \
		.size = 32,                                                              \
		.buffer =                                                                \
		    "\x83\x71\x97\x67\x44\x84\xb3\xf8\x1a\x90\xcc\x8d\x46\xa5\xd7\x24"   \
		    "\xfd\x52\xd7\x6e\x06\x52\x0b\x64\xf2\xa1\xda\x1b\x33\x14\x69\xaa"   \
	}
#define POLICY_B_384                                                                     \
	{                                                                                \
		.size = 48,                                                              \
		.buffer =                                                                \
		    "\xb2\x6e\x7d\x28\xd1\x1a\x50\xbc\x53\xd8\x82\xbc\xf5\xfd\x3a\x1a"   \
		    "\x07\x41\x48\xbb\x35\xd3\xb4\xe4\xcb\x1c\x0a\xd9\xbd\xe4\x19\xca"   \
		    "\xcb\x47\xba\x09\x69\x96\x46\x15\x0f\x9f\xc0\x00\xf3\xf8\x0e\x12"   \
	}

/* The profile's templates; quick keys first. */
static const struct {
	uint32_t certificate;  /* NV index */
	size_t encrypted_size; /* content of TPM2B_ENCRYPTED_SECRET: a point, or RSA's */
	TPMT_PUBLIC area;
} kinds[] = {
    {0x01c0000a, /* L-2 */
     2 * (2 + 32),
     {.type = TPM2_ALG_ECC,
      .nameAlg = TPM2_ALG_SHA256,
      .objectAttributes = EK_ATTRIBUTES,
      .authPolicy = POLICY_A,
      .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
					     .keyBits.aes = 128,
					     .mode.aes = TPM2_ALG_CFB},
			       .scheme.scheme = TPM2_ALG_NULL,
			       .curveID = TPM2_ECC_NIST_P256,
			       .kdf.scheme = TPM2_ALG_NULL},
      .unique.ecc = {.x.size = 32, .y.size = 32}}},
    {0x01c00016, /* H-3 */
     2 * (2 + 48),
     {.type = TPM2_ALG_ECC,
      .nameAlg = TPM2_ALG_SHA384,
      .objectAttributes = EK_ATTRIBUTES | TPMA_OBJECT_USERWITHAUTH,
      .authPolicy = POLICY_B_384,
      .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
					     .keyBits.aes = 256,
					     .mode.aes = TPM2_ALG_CFB},
			       .scheme.scheme = TPM2_ALG_NULL,
			       .curveID = TPM2_ECC_NIST_P384,
			       .kdf.scheme = TPM2_ALG_NULL}}},
    {0x01c00002, /* L-1 */
     256,
     {.type = TPM2_ALG_RSA,
      .nameAlg = TPM2_ALG_SHA256,
      .objectAttributes = EK_ATTRIBUTES,
      .authPolicy = POLICY_A,
      .parameters.rsaDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
					     .keyBits.aes = 128,
					     .mode.aes = TPM2_ALG_CFB},
			       .scheme.scheme = TPM2_ALG_NULL,
			       .keyBits = 2048},
      .unique.rsa.size = 256}},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

/* Makers pad what they write: the certificate says itself how long it is. */
static void cut_to_certificate(struct writer *bytes)
{
	const uint8_t *at = bytes->ptr;
	size_t size;

	if (bytes->size < DER_HEADER || at[0] != 0x30 || at[1] != 0x82)
		return; /* not readable: said later */
	size = DER_HEADER + ((size_t)at[2] << 8) + at[3];
	if (size < bytes->size)
		bytes->size = size;
}

static enum tobi_err read_nv(struct tpm *tpm, ESYS_TR index, struct writer *out,
			     struct tobi_fault *fault)
{
	TPM2B_NV_PUBLIC *public = NULL;
	ESYS_TR by = index;
	size_t size = 0;
	enum tobi_err err =
	    tpm_result(tpm,
		       Esys_NV_ReadPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE, &public, NULL),
		       "endorsement certificate", fault);

	if (!err) {
		size = public->nvPublic.dataSize;
		if (!(public->nvPublic.attributes & TPMA_NV_AUTHREAD))
			by = ESYS_TR_RH_OWNER;
	}
	Esys_Free(public);
	for (size_t at = 0; at < size && !err;) {
		TPM2B_MAX_NV_BUFFER *data = NULL;
		size_t part = size - at < CHUNK ? size - at : CHUNK;

		err = tpm_result(tpm,
				 Esys_NV_Read(tpm->esys, by, index, tpm_session(tpm, 0),
					      ESYS_TR_NONE, ESYS_TR_NONE, (UINT16)part,
					      (UINT16)at, &data),
				 "endorsement certificate", fault);
		if (!err)
			wr_bytes(out, data->buffer, data->size);
		Esys_Free(data);
		at += part;
	}
	if (!err && wr_err(out))
		err = fault_set(fault, wr_err(out), "TPM", "endorsement certificate",
				"too long");
	return err;
}

static enum tobi_err make_key(struct tpm *tpm, const TPMT_PUBLIC *area, struct tpm_ek *ek,
			      struct tobi_fault *fault)
{
	const TPM2B_SENSITIVE_CREATE sensitive = {0};
	const TPM2B_PUBLIC template = {.publicArea = *area};
	const TPM2B_DATA outside = {0};
	const TPML_PCR_SELECTION pcrs = {0};
	TPM2B_PUBLIC *public = NULL;
	struct tpm_public parsed;
	uint8_t bytes[TPM_PUBLIC_MAX];
	size_t size = 0;
	enum tobi_err err = tpm_result(
	    tpm,
	    Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, tpm_session(tpm, 0),
			       ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template,
			       &outside, &pcrs, &ek->object, &public, NULL, NULL, NULL),
	    "endorsement key", fault);

	if (!err)
		tpm_hold(tpm, ek->object);
	if (!err &&
	    Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, bytes, sizeof(bytes), &size))
		err = fault_set(fault, TOBI_E_LIMIT, "TPM", "endorsement key",
				"it is too long");
	Esys_Free(public);
	if (!err)
		err = tpm_public_parse((struct tobi_bytes){bytes, size}, &parsed, fault);
	if (!err)
		err = tpm_public_key(&parsed, &ek->key, fault);
	ek->by_policy = !(area->objectAttributes & TPMA_OBJECT_USERWITHAUTH);
	return err;
}

static enum tobi_err check_certificate(const struct tpm_ek *ek, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	enum tobi_err err = chain_read_certificate(
	    wr_view(&ek->certificate), "endorsement certificate", &certificate, fault);

	if (!err && EVP_PKEY_eq(X509_get0_pubkey(certificate), ek->key) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, "TPM", "endorsement certificate",
				"it is for another key than the TPM makes by the TCG's "
				"template");
	return err;
}

enum tobi_err tpm_ek_find(struct tpm *tpm, struct tpm_ek *ret_ek,
			  struct tobi_fault *fault)
{
	struct tpm_ek ek = {.object = ESYS_TR_NONE,
			    .certificate = wr_init(LIMIT_CERTIFICATE)};
	ESYS_TR index = ESYS_TR_NONE;
	enum tobi_err err = TOBI_OK;
	size_t kind = 0;

	while (kind < KIND_COUNT &&
	       Esys_TR_FromTPMPublic(tpm->esys, kinds[kind].certificate, ESYS_TR_NONE,
				     ESYS_TR_NONE, ESYS_TR_NONE, &index))
		kind++;
	if (kind < KIND_COUNT) {
		err = read_nv(tpm, index, &ek.certificate, fault);
		cut_to_certificate(&ek.certificate);
	}
	if (!err)
		err = make_key(tpm, &kinds[kind % KIND_COUNT].area, &ek, fault);
	if (!err && kind < KIND_COUNT)
		err = check_certificate(&ek, fault);
	if (err)
		tpm_ek_done(&ek);
	else
		*ret_ek = ek;
	return err;
}

enum tobi_err tpm_ek_for(struct tpm *tpm, size_t encrypted_size, struct tpm_ek *ret_ek,
			 struct tobi_fault *fault)
{
	struct tpm_ek ek = {.object = ESYS_TR_NONE,
			    .certificate = wr_init(LIMIT_CERTIFICATE)};
	size_t kind = 0;
	enum tobi_err err;

	while (kind < KIND_COUNT && kinds[kind].encrypted_size != encrypted_size)
		kind++;
	if (kind == KIND_COUNT)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "challenge",
				 "encrypted secret",
				 "it is for no kind of endorsement key that is known "
				 "here");
	err = make_key(tpm, &kinds[kind].area, &ek, fault);
	if (err)
		tpm_ek_done(&ek);
	else
		*ret_ek = ek;
	return err;
}

void tpm_ek_done(struct tpm_ek *ek)
{
	EVP_PKEY_free(ek->key);
	wr_done(&ek->certificate);
	ek->key = NULL;
}

/* A session in which the endorsement hierarchy (its authorisation is empty by custom) has
 * agreed. */
static enum tobi_err start_policy(struct tpm *tpm, ESYS_TR *ret_session,
				  struct tobi_fault *fault)
{
	static const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
	ESYS_TR session = ESYS_TR_NONE;
	enum tobi_err err = tpm_result(
	    tpm,
	    Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				  ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none,
				  TPM2_ALG_SHA256, &session),
	    "a session", fault);

	if (err)
		return err;
	tpm_hold(tpm, session);
	IGNORE(Esys_TRSess_SetAttributes(tpm->esys, session, TPMA_SESSION_CONTINUESESSION,
					 0xff));
	err = tpm_result(tpm,
			 Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, session,
					   tpm_session(tpm, 0), ESYS_TR_NONE,
					   ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL),
			 "endorsement hierarchy", fault);
	*ret_session = session;
	return err;
}

/* How TPMs say that a credential is not for these two keys. libtpms (swtpm) calls it a
 * failure when RSA does not open the secret; one that has really failed would have said
 * so to the commands before. */
static bool is_for_others(const struct tpm_ek *ek, TSS2_RC rc)
{
	switch (tpm_code(rc)) {
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_VALUE:
	case TPM2_RC_SIZE:
	case TPM2_RC_ECC_POINT:
		return true;
	case TPM2_RC_FAILURE:
		return EVP_PKEY_is_a(ek->key, "RSA");
	default:
		return false;
	}
}

enum tobi_err tpm_activate(struct tpm *tpm, const struct tpm_ek *ek, ESYS_TR ak,
			   const struct ak_challenge *challenge,
			   struct writer *ret_secret, struct tobi_fault *fault)
{
	TPM2B_ID_OBJECT credential = {.size = (UINT16)challenge->credential.size};
	TPM2B_ENCRYPTED_SECRET encrypted = {.size = (UINT16)challenge->encrypted.size};
	ESYS_TR session = ESYS_TR_PASSWORD;
	TPM2B_DIGEST *secret = NULL;
	enum tobi_err err = TOBI_OK;
	TSS2_RC rc;

	if (challenge->credential.size > sizeof(credential.credential) ||
	    challenge->encrypted.size > sizeof(encrypted.secret))
		return fault_set(fault, TOBI_E_LIMIT, "challenge", "credential",
				 "it is too long for a TPM");
	bytes_copy(credential.credential, sizeof(credential.credential),
		   challenge->credential.ptr, challenge->credential.size);
	bytes_copy(encrypted.secret, sizeof(encrypted.secret), challenge->encrypted.ptr,
		   challenge->encrypted.size);
	if (ek->by_policy)
		err = start_policy(tpm, &session, fault);
	if (err)
		return err;
	rc = Esys_ActivateCredential(tpm->esys, ak, ek->object,
				     tpm_session(tpm, TPMA_SESSION_ENCRYPT), session,
				     ESYS_TR_NONE, &credential, &encrypted, &secret);
	if (is_for_others(ek, rc))
		err = fault_set(fault, TOBI_E_MISMATCH, "challenge", "credential",
				"it is for another TPM, or for another attestation key");
	else
		err = tpm_result(tpm, rc, "credential", fault);
	if (!err)
		wr_bytes(ret_secret, secret->buffer, secret->size);
	if (secret)
		explicit_bzero(secret, sizeof(*secret));
	Esys_Free(secret);
	return err ? err : wr_err(ret_secret);
}
