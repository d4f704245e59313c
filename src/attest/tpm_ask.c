#include "attest/tpm_ask.h"

#include <fcntl.h>
#include <tss2/tss2_mu.h>

#include "base/fault.h"
#include "base/secret.h"

enum { NV_CHUNK = 512, PATIENCE_MS = 30000, HANDLES_MAX = 64, BYTES_MAX = 4096 };

/* TPM2_PERSISTENT_FIRST of tss2 shifts a bit into the sign. */
static const uint32_t PERSISTENT_FIRST = UINT32_C(0x81000000);

static const TPMA_OBJECT AK_ATTRIBUTES =
    TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;

#define NONE ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE
#define EMPTY_AUTH ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE

enum tobi_err tpm_ask_open(const struct attest_request *request, struct tpm *ret_tpm,
			   struct tobi_fault *fault)
{
	enum tobi_err err;

	if (request->tpm)
		return tpm_open(request->tpm, PATIENCE_MS, ret_tpm, fault);
	err = device_probe(request->device, "/dev/tpmrm0", O_RDWR, fault);
	return err ? err : tpm_open("device:/dev/tpmrm0", PATIENCE_MS, ret_tpm, fault);
}

/* The object under a handle; what is not there is no fault of this TPM. */
static enum tobi_err find(struct tpm *tpm, uint32_t handle, const char *what,
			  ESYS_TR *ret_object, struct tobi_fault *fault)
{
	TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, handle, NONE, ret_object);

	if (tpm_code(rc) == TPM2_RC_HANDLE)
		return fault_set(fault, TOBI_E_NOT_FOUND, "TPM", what,
				 "there is nothing under 0x%08x", handle);
	return tpm_result(tpm, rc, what, fault);
}

/* ---- NV memory ---- */

static enum tobi_err nv_public(struct tpm *tpm, ESYS_TR nv, TPMS_NV_PUBLIC *ret_public,
			       struct tobi_fault *fault)
{
	TPM2B_NV_PUBLIC *public = NULL;
	TPM2B_NAME *name = NULL;
	enum tobi_err err =
	    tpm_result(tpm, Esys_NV_ReadPublic(tpm->esys, nv, NONE, &public, &name),
		       "NV index", fault);

	if (!err)
		*ret_public = public->nvPublic;
	Esys_Free(public);
	Esys_Free(name);
	return err;
}

static enum tobi_err nv_read_chunk(struct tpm *tpm, ESYS_TR nv, ESYS_TR auth,
				   uint16_t size, uint16_t offset, struct writer *out,
				   struct tobi_fault *fault)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	enum tobi_err err = tpm_result(
	    tpm, Esys_NV_Read(tpm->esys, auth, nv, EMPTY_AUTH, size, offset, &data),
	    "NV index", fault);

	if (!err && data->size != size)
		err = fault_set(fault, TOBI_E_TRUNCATED, "TPM", "NV index",
				"it gives %u bytes instead of %u", data->size, size);
	if (!err)
		wr_bytes(out, data->buffer, data->size);
	Esys_Free(data);
	return err;
}

enum tobi_err tpm_ask_nv_read(struct tpm *tpm, uint32_t index, struct writer *out,
			      struct tobi_fault *fault)
{
	TPMS_NV_PUBLIC public = {0};
	ESYS_TR nv = ESYS_TR_NONE, auth;
	uint16_t offset = 0;
	enum tobi_err err = find(tpm, index, "NV index", &nv, fault);

	if (!err)
		err = nv_public(tpm, nv, &public, fault);
	if (!err && public.dataSize > TPM_ASK_NV_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, "TPM", "NV index",
				"0x%08x has %u bytes; at most %d are read", index,
				public.dataSize, TPM_ASK_NV_MAX);
	auth = public.attributes & TPMA_NV_AUTHREAD ? nv : ESYS_TR_RH_OWNER;
	while (!err && offset < public.dataSize) {
		uint16_t left = (uint16_t)(public.dataSize - offset);
		uint16_t size = left < NV_CHUNK ? left : NV_CHUNK;

		err = nv_read_chunk(tpm, nv, auth, size, offset, out, fault);
		offset = (uint16_t)(offset + size);
	}
	if (!err && wr_err(out))
		err = fault_set(fault, wr_err(out), "TPM", "NV index", "no room for it");
	return err;
}

static enum tobi_err nv_define(struct tpm *tpm, uint32_t index, size_t size,
			       ESYS_TR *ret_nv, struct tobi_fault *fault)
{
	const TPM2B_AUTH auth = {0};
	const TPM2B_NV_PUBLIC public = {
	    .nvPublic = {.nvIndex = index,
			 .nameAlg = TPM2_ALG_SHA256,
			 .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD,
			 .dataSize = (uint16_t)size}};

	return tpm_result(tpm,
			  Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, EMPTY_AUTH,
					      &auth, &public, ret_nv),
			  "NV index", fault);
}

enum tobi_err tpm_ask_nv_write(struct tpm *tpm, uint32_t index, struct tobi_bytes bytes,
			       struct tobi_fault *fault)
{
	TPM2B_MAX_NV_BUFFER data = {.size = (uint16_t)bytes.size};
	ESYS_TR nv = ESYS_TR_NONE;
	enum tobi_err err = find(tpm, index, "NV index", &nv, fault);

	if (err == TOBI_E_NOT_FOUND)
		err = nv_define(tpm, index, bytes.size, &nv, fault);
	if (err)
		return err;
	bytes_copy(data.buffer, sizeof(data.buffer), bytes.ptr, bytes.size);
	return tpm_result(
	    tpm, Esys_NV_Write(tpm->esys, ESYS_TR_RH_OWNER, nv, EMPTY_AUTH, &data, 0),
	    "NV index", fault);
}

/* ---- keys ---- */

static enum tobi_err read_public(struct tpm *tpm, ESYS_TR key, TPMT_PUBLIC *ret_public,
				 struct tobi_fault *fault)
{
	TPM2B_PUBLIC *public = NULL;
	TPM2B_NAME *name = NULL, *qualified = NULL;
	enum tobi_err err = tpm_result(
	    tpm, Esys_ReadPublic(tpm->esys, key, NONE, &public, &name, &qualified),
	    "attestation key", fault);

	if (!err)
		*ret_public = public->publicArea;
	Esys_Free(public);
	Esys_Free(name);
	Esys_Free(qualified);
	return err;
}

enum tobi_err tpm_ask_public(struct tpm *tpm, ESYS_TR key, struct writer *out,
			     struct tobi_fault *fault)
{
	uint8_t bytes[BYTES_MAX];
	TPMT_PUBLIC public;
	size_t size = 0;
	enum tobi_err err = read_public(tpm, key, &public, fault);

	if (!err && Tss2_MU_TPMT_PUBLIC_Marshal(&public, bytes, sizeof(bytes), &size))
		err = fault_set(fault, TOBI_E_LIMIT, "TPM", "attestation key",
				"its public part is too long");
	if (!err)
		wr_bytes(out, bytes, size);
	return err;
}

/* It signs what the TPM itself has made, and nothing else. */
static bool is_attestation_key(const TPMT_PUBLIC *public)
{
	return (public->objectAttributes & (AK_ATTRIBUTES | TPMA_OBJECT_DECRYPT)) ==
		   AK_ATTRIBUTES &&
	       (public->type == TPM2_ALG_RSA || public->type == TPM2_ALG_ECC);
}

static enum tobi_err take_handle(struct tpm *tpm, uint32_t handle, ESYS_TR *ret_key,
				 struct tobi_fault *fault)
{
	TPMT_PUBLIC public = {0};
	ESYS_TR key = ESYS_TR_NONE;
	enum tobi_err err = find(tpm, handle, "attestation key", &key, fault);

	if (!err)
		err = read_public(tpm, key, &public, fault);
	if (!err && !is_attestation_key(&public))
		err = fault_set(fault, TOBI_E_UNSUPPORTED, "TPM", "attestation key",
				"0x%08x is no key that is restricted to signing what its "
				"TPM has made",
				handle);
	if (!err)
		*ret_key = key;
	return err;
}

/* In the endorsement hierarchy: a TPM has it as long as it has its EK. */
static enum tobi_err derive(struct tpm *tpm, const TPM2B_PUBLIC *template,
			    ESYS_TR *ret_key, struct tobi_fault *fault)
{
	const TPM2B_SENSITIVE_CREATE sensitive = {0};
	const TPM2B_DATA outside = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	TPM2B_PUBLIC *public = NULL;
	TPM2B_CREATION_DATA *data = NULL;
	TPM2B_DIGEST *hash = NULL;
	TPMT_TK_CREATION *ticket = NULL;
	ESYS_TR key = ESYS_TR_NONE;
	enum tobi_err err =
	    tpm_result(tpm,
		       Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, EMPTY_AUTH,
					  &sensitive, template, &outside, &no_pcrs, &key,
					  &public, &data, &hash, &ticket),
		       "attestation key", fault);

	if (!err) {
		tpm_hold(tpm, key);
		*ret_key = key;
	}
	Esys_Free(public);
	Esys_Free(data);
	Esys_Free(hash);
	Esys_Free(ticket);
	return err;
}

static enum tobi_err derive_ours(struct tpm *tpm, ESYS_TR *ret_key,
				 struct tobi_fault *fault)
{
	const TPM2B_PUBLIC template = {
	    .publicArea = {.type = TPM2_ALG_ECC,
			   .nameAlg = TPM2_ALG_SHA256,
			   .objectAttributes = AK_ATTRIBUTES | TPMA_OBJECT_USERWITHAUTH,
			   .parameters.eccDetail = {
			       .symmetric.algorithm = TPM2_ALG_NULL,
			       .scheme = {.scheme = TPM2_ALG_ECDSA,
					  .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
			       .curveID = TPM2_ECC_NIST_P256,
			       .kdf.scheme = TPM2_ALG_NULL}}};

	return derive(tpm, &template, ret_key, fault);
}

/* Of Google's instances: TPMT_PUBLIC, which makes the key that its certificate names. */
static bool derive_by_template(struct tpm *tpm, ESYS_TR *ret_key)
{
	static const uint32_t indices[] = {0x01c10003, 0x01c10001}; /* ECC, RSA */

	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		CLEANUP(wr_done) struct writer bytes = wr_init(BYTES_MAX);
		TPM2B_PUBLIC template = {0};
		size_t offset = 0;

		if (!tpm_ask_nv_read(tpm, indices[i], &bytes, NULL) &&
		    !Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes.ptr, bytes.size, &offset,
						   &template.publicArea) &&
		    is_attestation_key(&template.publicArea) &&
		    !derive(tpm, &template, ret_key, NULL))
			return true;
	}
	return false;
}

enum tobi_err tpm_ask_key(struct tpm *tpm, uint32_t handle, ESYS_TR *ret_key,
			  struct tobi_fault *fault)
{
	TPMS_CAPABILITY_DATA *handles = NULL;
	TPMI_YES_NO more = 0;
	bool found = false;
	enum tobi_err err;

	if (handle)
		return take_handle(tpm, handle, ret_key, fault);
	err =
	    tpm_result(tpm,
		       Esys_GetCapability(tpm->esys, NONE, TPM2_CAP_HANDLES,
					  PERSISTENT_FIRST, HANDLES_MAX, &more, &handles),
		       "handles", fault);
	for (size_t i = 0; !err && !found && i < handles->data.handles.count; i++)
		found = !take_handle(tpm, handles->data.handles.handle[i], ret_key, NULL);
	Esys_Free(handles);
	return err || found || derive_by_template(tpm, ret_key)
		   ? err
		   : derive_ours(tpm, ret_key, fault);
}

/* ---- quotes ---- */

void tpm_asked_done(struct tpm_asked *asked)
{
	wr_done(&asked->attest);
	wr_done(&asked->signature);
	wr_done(&asked->values);
}

enum tobi_err tpm_asked_add(const struct tpm_asked *asked, struct tobi_bytes public_key,
			    struct attest_output *output, struct tobi_fault *fault)
{
	const struct {
		const char *name;
		struct tobi_bytes bytes;
	} pieces[] = {{"signature.bin", wr_view(&asked->signature)},
		      {"ak.pub", public_key},
		      {"pcrs.bin", wr_view(&asked->values)}};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct writer *piece =
		    attest_piece_add(output, ATTEST_ENDORSEMENT, pieces[i].name);

		if (!piece)
			return fault_set(fault, TOBI_E_LIMIT, "attester", pieces[i].name,
					 "there are too many pieces");
		wr_bytes(piece, pieces[i].bytes.ptr, pieces[i].bytes.size);
	}
	return TOBI_OK;
}
