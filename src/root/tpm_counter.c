#include "root/tpm_counter.h"

#include <string.h>

#include "base/reader.h"
#include "base/secret.h"
#include "root/tpm_keys.h"

enum { COUNTER_SIZE = 8 };

static const char what[] = "counter";

static enum tobi_err increment_it(struct tpm *tpm, ESYS_TR index,
				  struct tobi_fault *fault)
{
	return tpm_result(tpm,
			  Esys_NV_Increment(tpm->esys, index, index, tpm_session(tpm, 0),
					    ESYS_TR_NONE, ESYS_TR_NONE),
			  what, fault);
}

enum tobi_err tpm_counter_make(struct tpm *tpm, const uint8_t auth[static TPM_AUTH_SIZE],
			       struct tpm_object *ret_object, struct tobi_fault *fault)
{
	TPM2B_AUTH value = {.size = TPM_AUTH_SIZE};
	TPM2B_NV_PUBLIC public = {
	    .nvPublic = {.nameAlg = TPM2_ALG_SHA256,
			 .attributes = (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) |
				       TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD |
				       TPMA_NV_NO_DA,
			 .authPolicy.size = TPM_TAG_SIZE,
			 .dataSize = COUNTER_SIZE}};
	struct tpm_object object = {0};
	ESYS_TR index = ESYS_TR_NONE;
	enum tobi_err err = tpm_free_handle(tpm, TPM_NV_FIRST, &object.handle, fault);

	public.nvPublic.nvIndex = object.handle;
	bytes_copy(value.buffer, sizeof(value.buffer), auth, TPM_AUTH_SIZE);
	if (!err)
		err = tpm_tag(auth, public.nvPublic.authPolicy.buffer);
	if (!err)
		err = tpm_result(tpm,
				 Esys_NV_DefineSpace(
				     tpm->esys, ESYS_TR_RH_OWNER,
				     tpm_session(tpm, TPMA_SESSION_DECRYPT), ESYS_TR_NONE,
				     ESYS_TR_NONE, &value, &public, &index),
				 what, fault);
	explicit_bzero(&value, sizeof(value));
	if (!err)
		err = tpm_name_of(tpm, index, &object, fault);
	if (!err)
		*ret_object = object; /* so that it can be removed again */
	/* Before this it has no value, and afterwards another name. */
	if (!err)
		err = increment_it(tpm, index, fault);
	if (!err)
		err = tpm_name_of(tpm, index, &object, fault);
	if (!err)
		*ret_object = object;
	return err;
}

enum tobi_err tpm_counter_read(const struct tpm_record *record, bool increment,
			       uint64_t *ret_value, struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};
	TPM2B_MAX_NV_BUFFER *data = NULL;
	ESYS_TR index = ESYS_TR_NONE;
	enum tobi_err err =
	    tpm_open_object(record, &record->counter, what, &tpm, &index, fault);

	if (!err && increment)
		err = increment_it(&tpm, index, fault);
	if (!err)
		err = tpm_result(&tpm,
				 Esys_NV_Read(tpm.esys, index, index,
					      tpm_session(&tpm, 0), ESYS_TR_NONE,
					      ESYS_TR_NONE, COUNTER_SIZE, 0, &data),
				 what, fault);
	if (!err) {
		struct reader rd = rd_init((struct tobi_bytes){data->buffer, data->size});
		uint64_t value = rd_u64be(&rd, what);

		err = rd_finish(&rd, "TPM", fault);
		if (!err)
			*ret_value = value;
	}
	Esys_Free(data);
	return err;
}
