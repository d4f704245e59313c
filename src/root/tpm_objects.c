#include "root/tpm_objects.h"

#include "base/fault.h"
#include "base/secret.h"

enum tobi_err tpm_name_of(struct tpm *tpm, ESYS_TR object, struct tpm_object *ret_object,
			  struct tobi_fault *fault)
{
	TPM2B_NAME *name = NULL;
	enum tobi_err err =
	    tpm_result(tpm, Esys_TR_GetName(tpm->esys, object, &name), "a name", fault);

	if (!err && name->size > sizeof(ret_object->name))
		err = fault_set(fault, TOBI_E_LIMIT, "TPM", "a name", "too long");
	if (!err) {
		bytes_copy(ret_object->name, sizeof(ret_object->name), name->name,
			   name->size);
		ret_object->name_size = name->size;
	}
	Esys_Free(name);
	return err;
}

enum tobi_err tpm_find(struct tpm *tpm, const struct tpm_object *object, const char *what,
		       ESYS_TR *ret_object, struct tobi_fault *fault)
{
	struct tpm_object found = {.handle = object->handle};
	ESYS_TR tr = ESYS_TR_NONE;
	enum tobi_err err =
	    tpm_result(tpm,
		       Esys_TR_FromTPMPublic(tpm->esys, object->handle, ESYS_TR_NONE,
					     ESYS_TR_NONE, ESYS_TR_NONE, &tr),
		       what, fault);

	if (!err)
		err = tpm_name_of(tpm, tr, &found, fault);
	if (!err && !bytes_equal((struct tobi_bytes){found.name, found.name_size},
				 (struct tobi_bytes){object->name, object->name_size}))
		err = fault_set(fault, TOBI_E_MISMATCH, "TPM", what,
				"under its handle 0x%08x is another object: this is "
				"another TPM, or somebody replaced it",
				object->handle);
	if (!err)
		*ret_object = tr;
	return err;
}

static bool is_taken(const TPML_HANDLE *list, uint32_t handle)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->handle[i] == handle)
			return true;
	}
	return false;
}

/* A TPM answers with as many handles as fit, in order; some of ours may be in a further
 * answer, and then taking them fails, which the caller reports. */
static enum tobi_err list_handles(struct tpm *tpm, uint32_t first,
				  TPMS_CAPABILITY_DATA **ret_data,
				  struct tobi_fault *fault)
{
	TPMI_YES_NO more = 0;

	return tpm_result(tpm,
			  Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
					     ESYS_TR_NONE, TPM2_CAP_HANDLES, first,
					     TPM2_MAX_CAP_HANDLES, &more, ret_data),
			  "its handles", fault);
}

enum tobi_err tpm_free_handle(struct tpm *tpm, uint32_t first, uint32_t *ret_handle,
			      struct tobi_fault *fault)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	enum tobi_err err = list_handles(tpm, first, &data, fault);

	if (err)
		return err;
	err = TOBI_E_LIMIT;
	for (uint32_t handle = first; err && handle < first + TPM_RANGE; handle++) {
		if (is_taken(&data->data.handles, handle))
			continue;
		*ret_handle = handle;
		err = TOBI_OK;
	}
	Esys_Free(data);
	if (err)
		fault_set(fault, err, "TPM", "its handles",
			  "all handles from 0x%08x to 0x%08x are taken; remove some "
			  "with tpm2_evictcontrol or tpm2_nvundefine",
			  first, first + TPM_RANGE - 1);
	return err;
}

enum tobi_err tpm_persist(struct tpm *tpm, ESYS_TR transient, uint32_t handle,
			  const char *what, struct tpm_object *ret_object,
			  ESYS_TR *ret_persistent, struct tobi_fault *fault)
{
	struct tpm_object object = {.handle = handle};
	ESYS_TR persistent = ESYS_TR_NONE;
	enum tobi_err err = TOBI_OK;

	if (!handle)
		err = tpm_free_handle(tpm, TPM_PERSISTENT_FIRST, &object.handle, fault);
	if (!err)
		err = tpm_name_of(tpm, transient, &object, fault);
	if (!err)
		err = tpm_result(tpm,
				 Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, transient,
						   tpm_session(tpm, 0), ESYS_TR_NONE,
						   ESYS_TR_NONE, object.handle,
						   &persistent),
				 what, fault);
	if (err)
		return err;
	tpm_release(tpm, transient);
	*ret_object = object;
	*ret_persistent = persistent;
	return TOBI_OK;
}

static void remove_found(struct tpm *tpm, ESYS_TR found, uint32_t handle)
{
	ESYS_TR gone = ESYS_TR_NONE;

	if (handle >> 24 == TPM2_HT_PERSISTENT)
		IGNORE(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, found,
					 tpm_session(tpm, 0), ESYS_TR_NONE, ESYS_TR_NONE,
					 handle, &gone));
	else
		IGNORE(Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, found,
					     tpm_session(tpm, 0), ESYS_TR_NONE,
					     ESYS_TR_NONE));
}

void tpm_remove(struct tpm *tpm, const struct tpm_object *object)
{
	ESYS_TR found = ESYS_TR_NONE;

	if (object->handle && !tpm_find(tpm, object, "", &found, NULL))
		remove_found(tpm, found, object->handle);
}

static bool has_policy(const TPM2B_DIGEST *policy, const uint8_t *tag)
{
	return bytes_equal((struct tobi_bytes){policy->buffer, policy->size},
			   (struct tobi_bytes){tag, TPM_TAG_SIZE});
}

static bool is_tagged(struct tpm *tpm, ESYS_TR object, uint32_t handle,
		      const uint8_t *tag)
{
	TPM2B_PUBLIC *key = NULL;
	TPM2B_NV_PUBLIC *index = NULL;
	bool tagged;

	if (handle >> 24 == TPM2_HT_PERSISTENT)
		tagged = !Esys_ReadPublic(tpm->esys, object, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE, &key, NULL, NULL) &&
			 has_policy(&key->publicArea.authPolicy, tag);
	else
		tagged = !Esys_NV_ReadPublic(tpm->esys, object, ESYS_TR_NONE,
					     ESYS_TR_NONE, ESYS_TR_NONE, &index, NULL) &&
			 has_policy(&index->nvPublic.authPolicy, tag);
	Esys_Free(key);
	Esys_Free(index);
	return tagged;
}

void tpm_remove_tagged(struct tpm *tpm, const uint8_t tag[static TPM_TAG_SIZE])
{
	static const uint32_t firsts[] = {TPM_PERSISTENT_FIRST, TPM_NV_FIRST};

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		TPMS_CAPABILITY_DATA *data = NULL;
		const TPML_HANDLE *list;

		if (list_handles(tpm, firsts[i], &data, NULL))
			return;
		list = &data->data.handles;
		for (size_t n = 0; n < list->count; n++) {
			uint32_t handle = list->handle[n];
			ESYS_TR found = ESYS_TR_NONE;

			if (handle - firsts[i] < TPM_RANGE &&
			    !Esys_TR_FromTPMPublic(tpm->esys, handle, ESYS_TR_NONE,
						   ESYS_TR_NONE, ESYS_TR_NONE, &found) &&
			    is_tagged(tpm, found, handle, tag))
				remove_found(tpm, found, handle);
		}
		Esys_Free(data);
	}
}
