#include "root/tpm_keys.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/fault.h"
#include "base/secret.h"

enum { P256_SIZE = 32, PRK_SIZE = 32 };

/* Wrong tries at our keys never count against the TPM's lock: their authorisation is a
 * long random number, which nobody guesses. */
#define OURS                                                                             \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |                                \
	 TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA)

/* The TCG's template for an ECC storage root key (profile L). */
static const TPM2B_PUBLIC storage_template = {
    .publicArea = {
	.type = TPM2_ALG_ECC,
	.nameAlg = TPM2_ALG_SHA256,
	.objectAttributes = OURS | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
	.parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
					       .keyBits.aes = 128,
					       .mode.aes = TPM2_ALG_CFB},
				 .scheme.scheme = TPM2_ALG_NULL,
				 .curveID = TPM2_ECC_NIST_P256,
				 .kdf.scheme = TPM2_ALG_NULL},
	.unique.ecc = {.x.size = P256_SIZE, .y.size = P256_SIZE},
    }};

#define SIGNING_DETAIL                                                                   \
	{                                                                                \
		.symmetric.algorithm = TPM2_ALG_NULL,                                    \
		.scheme = {.scheme = TPM2_ALG_ECDSA,                                     \
			   .details.ecdsa.hashAlg = TPM2_ALG_SHA256},                    \
		.curveID = TPM2_ECC_NIST_P256, .kdf.scheme = TPM2_ALG_NULL               \
	}

static const struct {
	const char *what;
	TPMT_PUBLIC area;
} templates[] = {
    [TPM_KEY_PLATFORM] = {"platform key",
			  {.type = TPM2_ALG_ECC,
			   .nameAlg = TPM2_ALG_SHA256,
			   .objectAttributes = OURS | TPMA_OBJECT_SIGN_ENCRYPT,
			   .parameters.eccDetail = SIGNING_DETAIL}},
    [TPM_KEY_SEAL] = {"seal root",
		      {.type = TPM2_ALG_KEYEDHASH,
		       .nameAlg = TPM2_ALG_SHA256,
		       .objectAttributes = OURS | TPMA_OBJECT_SIGN_ENCRYPT,
		       .parameters.keyedHashDetail.scheme = {.scheme = TPM2_ALG_HMAC,
							     .details.hmac.hashAlg =
								 TPM2_ALG_SHA256}}},
    [TPM_KEY_AK] = {"attestation key",
		    {.type = TPM2_ALG_ECC,
		     .nameAlg = TPM2_ALG_SHA256,
		     .objectAttributes =
			 OURS | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_RESTRICTED,
		     .parameters.eccDetail = SIGNING_DETAIL}},
};

static enum tobi_err make_primary(struct tpm *tpm, ESYS_TR hierarchy, ESYS_TR session,
				  ESYS_TR *ret_primary, struct tobi_fault *fault)
{
	const TPM2B_SENSITIVE_CREATE sensitive = {0};
	const TPM2B_DATA outside = {0};
	const TPML_PCR_SELECTION pcrs = {0};
	enum tobi_err err = tpm_result(
	    tpm,
	    Esys_CreatePrimary(tpm->esys, hierarchy, session, ESYS_TR_NONE, ESYS_TR_NONE,
			       &sensitive, &storage_template, &outside, &pcrs,
			       ret_primary, NULL, NULL, NULL, NULL),
	    "storage key", fault);

	if (!err)
		tpm_hold(tpm, *ret_primary);
	return err;
}

/* A storage key that others made is of use when its authorisation is empty by custom and
 * wrong tries at it do not lock the TPM. */
static bool is_of_use(struct tpm *tpm, ESYS_TR object)
{
	const TPMA_OBJECT needed = storage_template.publicArea.objectAttributes;
	TPM2B_PUBLIC *public = NULL;
	bool use = !Esys_ReadPublic(tpm->esys, object, ESYS_TR_NONE, ESYS_TR_NONE,
				    ESYS_TR_NONE, &public, NULL, NULL) &&
		   (public->publicArea.objectAttributes & needed) == needed;

	Esys_Free(public);
	return use;
}

enum tobi_err tpm_session_alone(struct tpm *tpm, struct tobi_fault *fault)
{
	ESYS_TR salt = ESYS_TR_NONE;
	enum tobi_err err =
	    make_primary(tpm, ESYS_TR_RH_NULL, ESYS_TR_PASSWORD, &salt, fault);

	if (!err)
		err = tpm_session_start(tpm, salt, fault);
	if (!err)
		tpm_release(tpm, salt);
	return err;
}

enum tobi_err tpm_storage_make(struct tpm *tpm, struct tpm_object *ret_object,
			       ESYS_TR *ret_storage, struct tobi_fault *fault)
{
	ESYS_TR primary = ESYS_TR_NONE;
	TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, TPM_STORAGE_USUAL, ESYS_TR_NONE,
					   ESYS_TR_NONE, ESYS_TR_NONE, ret_storage);
	bool taken = rc == TSS2_RC_SUCCESS;
	enum tobi_err err;

	/* It is the first command of all. */
	if (!taken && tpm_code(rc) != TPM2_RC_HANDLE)
		return tpm_result(tpm, rc, "device", fault);
	if (taken && is_of_use(tpm, *ret_storage)) {
		ret_object->handle = TPM_STORAGE_USUAL;
		err = tpm_session_start(tpm, *ret_storage, fault);
		return err ? err : tpm_name_of(tpm, *ret_storage, ret_object, fault);
	}
	/* The owner's authorisation is used below: not without a salted session. */
	err = tpm_session_alone(tpm, fault);
	if (!err)
		err = make_primary(tpm, ESYS_TR_RH_OWNER, tpm_session(tpm, 0), &primary,
				   fault);
	if (!err)
		err = tpm_persist(tpm, primary, taken ? 0 : TPM_STORAGE_USUAL,
				  "storage key", ret_object, ret_storage, fault);
	return err;
}

static enum tobi_err keep_public(const TPM2B_PUBLIC *public, struct tpm_blob *ret_public)
{
	uint8_t bytes[TPM_PUBLIC_MAX];
	size_t size = 0;

	if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, bytes, sizeof(bytes), &size))
		return TOBI_E_LIMIT;
	return tpm_blob_set(ret_public, (struct tobi_bytes){bytes, size});
}

enum tobi_err tpm_key_make(struct tpm *tpm, ESYS_TR storage, enum tpm_key kind,
			   struct tobi_bytes secret,
			   const uint8_t auth[static TPM_AUTH_SIZE],
			   struct tpm_object *ret_object, struct tpm_blob *ret_public,
			   ESYS_TR *ret_key, struct tobi_fault *fault)
{
	const char *what = templates[kind].what;
	TPM2B_PUBLIC template = {.publicArea = templates[kind].area};
	TPM2B_SENSITIVE_CREATE sensitive = {
	    .sensitive = {.userAuth.size = TPM_AUTH_SIZE,
			  .data.size = (UINT16)secret.size}};
	const TPM2B_DATA outside = {0};
	const TPML_PCR_SELECTION pcrs = {0};
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	enum tobi_err err;

	bytes_copy(sensitive.sensitive.userAuth.buffer, TPM_AUTH_SIZE, auth,
		   TPM_AUTH_SIZE);
	bytes_copy(sensitive.sensitive.data.buffer, PRK_SIZE, secret.ptr, secret.size);
	template.publicArea.authPolicy.size = TPM_TAG_SIZE;
	if (secret.size)
		template.publicArea.objectAttributes &=
		    ~(TPMA_OBJECT)TPMA_OBJECT_SENSITIVEDATAORIGIN;
	err = tpm_tag(auth, template.publicArea.authPolicy.buffer);
	if (!err)
		err = tpm_result(tpm,
				 Esys_Create(tpm->esys, storage,
					     tpm_session(tpm, TPMA_SESSION_DECRYPT),
					     ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
					     &template, &outside, &pcrs, &private,
					     &public, NULL, NULL, NULL),
				 what, fault);
	explicit_bzero(&sensitive, sizeof(sensitive));
	if (!err)
		err = tpm_result(tpm,
				 Esys_Load(tpm->esys, storage, tpm_session(tpm, 0),
					   ESYS_TR_NONE, ESYS_TR_NONE, private, public,
					   &key),
				 what, fault);
	if (!err) {
		tpm_hold(tpm, key);
		err = keep_public(public, ret_public);
	}
	if (!err)
		err = tpm_persist(tpm, key, 0, what, ret_object, ret_key, fault);
	Esys_Free(private);
	Esys_Free(public);
	return err;
}

enum tobi_err tpm_use_object(struct tpm *tpm, const struct tpm_record *record,
			     const struct tpm_object *object, const char *what,
			     ESYS_TR *ret_object, struct tobi_fault *fault)
{
	TPM2B_AUTH auth = {.size = TPM_AUTH_SIZE};
	enum tobi_err err = tpm_find(tpm, object, what, ret_object, fault);

	bytes_copy(auth.buffer, sizeof(auth.buffer), record->auth, TPM_AUTH_SIZE);
	if (!err)
		err = tpm_result(tpm, Esys_TR_SetAuth(tpm->esys, *ret_object, &auth),
				 what, fault);
	explicit_bzero(&auth, sizeof(auth));
	return err;
}

enum tobi_err tpm_open_object(const struct tpm_record *record,
			      const struct tpm_object *object, const char *what,
			      struct tpm *ret_tpm, ESYS_TR *ret_object,
			      struct tobi_fault *fault)
{
	ESYS_TR storage = ESYS_TR_NONE;
	enum tobi_err err = tpm_open(record->device, TPM_PATIENCE_MS, ret_tpm, fault);

	if (!err)
		err = tpm_find(ret_tpm, &record->storage, "storage key", &storage, fault);
	if (!err)
		err = tpm_session_start(ret_tpm, storage, fault);
	if (!err)
		err = tpm_use_object(ret_tpm, record, object, what, ret_object, fault);
	return err;
}

/* A number of the curve's size, with zeros in front. */
static void write_number(struct writer *out, const TPM2B_ECC_PARAMETER *number)
{
	uint8_t *to = wr_reserve(out, P256_SIZE);

	if (to && number->size <= P256_SIZE)
		bytes_copy(to + P256_SIZE - number->size, number->size, number->buffer,
			   number->size);
}

enum tobi_err tpm_key_sign(const struct tpm_record *record, struct tobi_bytes digest,
			   struct writer *ret_signature, struct tobi_fault *fault)
{
	const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_ECDSA,
					.details.ecdsa.hashAlg = TPM2_ALG_SHA256};
	const TPMT_TK_HASHCHECK ticket = {.tag = TPM2_ST_HASHCHECK,
					  .hierarchy = TPM2_RH_NULL};
	TPM2B_DIGEST hash = {.size = TPM2_SHA256_DIGEST_SIZE};
	TPMT_SIGNATURE *signature = NULL;
	CLEANUP(tpm_close) struct tpm tpm = {0};
	ESYS_TR key = ESYS_TR_NONE;
	enum tobi_err err;

	if (digest.size != TPM2_SHA256_DIGEST_SIZE)
		return fault_set(fault, TOBI_E_ARGUMENT, "TPM", "platform key",
				 "it signs SHA-256");
	bytes_copy(hash.buffer, sizeof(hash.buffer), digest.ptr, digest.size);
	err = tpm_open_object(record, &record->key, "platform key", &tpm, &key, fault);
	if (!err)
		err = tpm_result(&tpm,
				 Esys_Sign(tpm.esys, key, tpm_session(&tpm, 0),
					   ESYS_TR_NONE, ESYS_TR_NONE, &hash, &scheme,
					   &ticket, &signature),
				 "platform key", fault);
	if (!err && signature->sigAlg != TPM2_ALG_ECDSA)
		err = fault_set(fault, TOBI_E_PROTOCOL, "TPM", "platform key",
				"it made another kind of signature");
	if (!err) {
		write_number(ret_signature, &signature->signature.ecdsa.signatureR);
		write_number(ret_signature, &signature->signature.ecdsa.signatureS);
		err = wr_err(ret_signature);
	}
	Esys_Free(signature);
	return err;
}

enum tobi_err tpm_key_expand(const struct tpm_record *record, struct tobi_bytes info,
			     uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	TPM2B_MAX_BUFFER buffer = {0};
	TPM2B_DIGEST *hmac = NULL;
	CLEANUP(tpm_close) struct tpm tpm = {0};
	ESYS_TR seal = ESYS_TR_NONE;
	enum tobi_err err;

	if (info.size + 1 > sizeof(buffer.buffer))
		return fault_set(fault, TOBI_E_LIMIT, "seal key", "info",
				 "over %zu bytes", sizeof(buffer.buffer) - 1);
	/* T(1) = HMAC(PRK, info || 01). */
	bytes_copy(buffer.buffer, sizeof(buffer.buffer), info.ptr, info.size);
	buffer.buffer[info.size] = 1;
	buffer.size = (UINT16)(info.size + 1);
	err = tpm_open_object(record, &record->seal, "seal root", &tpm, &seal, fault);
	if (!err)
		err = tpm_result(&tpm,
				 Esys_HMAC(tpm.esys, seal,
					   tpm_session(&tpm, TPMA_SESSION_ENCRYPT),
					   ESYS_TR_NONE, ESYS_TR_NONE, &buffer,
					   TPM2_ALG_SHA256, &hmac),
				 "seal root", fault);
	if (!err && hmac->size != 32)
		err = fault_set(fault, TOBI_E_PROTOCOL, "TPM", "seal root",
				"it made %u bytes", hmac->size);
	if (!err)
		bytes_copy(ret_key, 32, hmac->buffer, 32);
	if (hmac)
		explicit_bzero(hmac, sizeof(*hmac));
	Esys_Free(hmac);
	return err;
}
