/*
 * Store keys sealed by a TPM 2.0, each as an object below its storage key: "tpm:TCTI", or
 * "tpm:" for this machine's. What the database has of them is of use to this TPM only.
 * The pin file, where there is one, has the owner's authorisation, which is needed once,
 * when the TPM has no storage key yet.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/reader.h"
#include "broker/keyring_provider.h"
#include "root/tpm_keys.h"

#define WHAT "store key"

enum {
	PLAIN_MAX = 128, /* that every TPM can seal */
	PART_MAX = 1024,
};

/* Not to be moved to another TPM, or below another key; without an authorisation of its
 * own, which would lie beside it. */
#define SEALED                                                                           \
	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_USERWITHAUTH |     \
	 TPMA_OBJECT_NODA)

struct tpm_provider {
	struct key_provider provider;
	pthread_mutex_t lock; /* one operation at a time */
	char *device;	      /* NULL: this machine's */
	struct tpm_object storage;
};

static void close_tpm(struct key_provider *provider)
{
	struct tpm_provider *tpm = (struct tpm_provider *)provider;

	pthread_mutex_destroy(&tpm->lock);
	free(tpm->device);
	free(tpm);
}

static enum tobi_err set_owner(struct tpm *tpm, const char *pin_file,
			       struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret pin = {0};
	TPM2B_AUTH auth = {0};
	enum tobi_err err =
	    file_read_secret(pin_file, LIMIT_PIN, "PIN file", &pin, fault);
	size_t size = pin.size;

	if (err)
		return err;
	while (size && strchr("\r\n", pin.ptr[size - 1]))
		size--;
	if (size > sizeof(auth.buffer))
		return fault_set(fault, TOBI_E_LIMIT, "TPM", "PIN file",
				 "it is too long");
	auth.size = (UINT16)size;
	bytes_copy(auth.buffer, sizeof(auth.buffer), pin.ptr, size);
	err = tpm_result(tpm, Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_OWNER, &auth),
			 "owner", fault);
	explicit_bzero(&auth, sizeof(auth));
	return err;
}

static enum tobi_err make_storage(struct tpm_provider *provider, const char *pin_file,
				  struct tobi_fault *fault)
{
	CLEANUP(tpm_close) struct tpm tpm = {0};
	ESYS_TR storage = ESYS_TR_NONE;
	enum tobi_err err = tpm_open(provider->device, TPM_PATIENCE_INIT_MS, &tpm, fault);

	if (!err && pin_file)
		err = set_owner(&tpm, pin_file, fault);
	return err ? err : tpm_storage_make(&tpm, &provider->storage, &storage, fault);
}

/* The id is the storage key's handle and name: "81000001 000b..." */
static enum tobi_err take_wanted(struct tpm_provider *tpm, const char *wanted,
				 struct tobi_fault *fault)
{
	const size_t size = strlen(wanted);
	uint8_t handle[4];
	char digits[9] = "";

	bytes_copy(digits, sizeof(digits), wanted, size < 8 ? size : 8);
	tpm->storage.name_size = size < 9 ? 0 : (size - 9) / 2;
	if (!hex_read(digits, handle, sizeof(handle)) || size < 11 || wanted[8] != ' ' ||
	    tpm->storage.name_size > sizeof(tpm->storage.name) ||
	    !hex_read(wanted + 9, tpm->storage.name, tpm->storage.name_size))
		return fault_set(fault, TOBI_E_MALFORMED, "TPM", "",
				 "%.80s is no name of a TPM's storage key", wanted);
	tpm->storage.handle = (uint32_t)handle[0] << 24 | (uint32_t)handle[1] << 16 |
			      (uint32_t)handle[2] << 8 | handle[3];
	return TOBI_OK;
}

/* The TPM with a session salted to the storage key. */
static enum tobi_err start(const struct tpm_provider *provider, struct tpm *ret_tpm,
			   ESYS_TR *ret_storage, struct tobi_fault *fault)
{
	enum tobi_err err = tpm_open(provider->device, TPM_PATIENCE_MS, ret_tpm, fault);

	if (!err)
		err = tpm_find(ret_tpm, &provider->storage, "storage key", ret_storage,
			       fault);
	return err ? err : tpm_session_start(ret_tpm, *ret_storage, fault);
}

static enum tobi_err open_tpm(const char *place, const char *pin_file, const char *wanted,
			      struct key_provider **ret_provider,
			      struct tobi_fault *fault)
{
	struct tpm_provider *provider = calloc(1, sizeof(*provider));
	CLEANUP(tpm_close) struct tpm tpm = {0};
	ESYS_TR storage = ESYS_TR_NONE;
	enum tobi_err err = TOBI_OK;
	char name[2 * sizeof(provider->storage.name) + 1];

	if (!provider)
		return TOBI_E_MEMORY;
	pthread_mutex_init(&provider->lock, NULL);
	provider->provider.ops = &key_provider_tpm;
	if (*place) {
		provider->device = strdup(place);
		err = provider->device ? TOBI_OK : TOBI_E_MEMORY;
	}
	if (!err)
		err = wanted ? take_wanted(provider, wanted, fault)
			     : make_storage(provider, pin_file, fault);
	if (!err)
		err = start(provider, &tpm, &storage, fault);
	if (err) {
		close_tpm(&provider->provider);
		return err;
	}
	hex_write(
	    (struct tobi_bytes){provider->storage.name, provider->storage.name_size},
	    name, sizeof(name));
	snprintf(provider->provider.id, sizeof(provider->provider.id), "%08x %s",
		 provider->storage.handle, name);
	*ret_provider = &provider->provider;
	return TOBI_OK;
}

/* Both parts with their sizes in front. */
static enum tobi_err keep(const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
			  struct writer *out)
{
	uint8_t bytes[PART_MAX];
	size_t size = 0;

	if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, bytes, sizeof(bytes), &size))
		return TOBI_E_LIMIT;
	wr_uint_be(out, size, 2);
	wr_bytes(out, bytes, size);
	wr_uint_be(out, private->size, 2);
	wr_bytes(out, private->buffer, private->size);
	return wr_err(out);
}

static enum tobi_err seal(struct tpm *tpm, ESYS_TR storage, struct tobi_bytes plain,
			  struct writer *out, struct tobi_fault *fault)
{
	const TPM2B_PUBLIC template = {
	    .publicArea = {.type = TPM2_ALG_KEYEDHASH,
			   .nameAlg = TPM2_ALG_SHA256,
			   .objectAttributes = SEALED,
			   .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
	TPM2B_SENSITIVE_CREATE sensitive = {
	    .sensitive = {.data.size = (UINT16)plain.size}};
	const TPM2B_DATA outside = {0};
	const TPML_PCR_SELECTION pcrs = {0};
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *public = NULL;
	enum tobi_err err;

	bytes_copy(sensitive.sensitive.data.buffer, PLAIN_MAX, plain.ptr, plain.size);
	err = tpm_result(tpm,
			 Esys_Create(tpm->esys, storage,
				     tpm_session(tpm, TPMA_SESSION_DECRYPT), ESYS_TR_NONE,
				     ESYS_TR_NONE, &sensitive, &template, &outside, &pcrs,
				     &private, &public, NULL, NULL, NULL),
			 WHAT, fault);
	explicit_bzero(&sensitive, sizeof(sensitive));
	if (!err)
		err = keep(public, private, out);
	Esys_Free(private);
	Esys_Free(public);
	return err;
}

static enum tobi_err wrap(struct key_provider *any, struct tobi_bytes plain,
			  struct writer *out, struct tobi_fault *fault)
{
	struct tpm_provider *provider = (struct tpm_provider *)any;
	struct tpm tpm = {0};
	ESYS_TR storage = ESYS_TR_NONE;
	enum tobi_err err;

	if (plain.size > PLAIN_MAX)
		return TOBI_E_LIMIT;
	pthread_mutex_lock(&provider->lock);
	err = start(provider, &tpm, &storage, fault);
	if (!err)
		err = seal(&tpm, storage, plain, out, fault);
	tpm_close(&tpm);
	pthread_mutex_unlock(&provider->lock);
	return err;
}

static enum tobi_err take_parts(struct tobi_bytes wrapped, TPM2B_PUBLIC *ret_public,
				TPM2B_PRIVATE *ret_private, struct tobi_fault *fault)
{
	struct reader rd = rd_init(wrapped);
	struct tobi_bytes public = rd_bytes(&rd, rd_u16be(&rd, "public"), "public");
	struct tobi_bytes private = rd_bytes(&rd, rd_u16be(&rd, "private"), "private");
	enum tobi_err err = rd_finish(&rd, WHAT, fault);
	size_t offset = 0;

	if (err)
		return err;
	if (private.size > sizeof(ret_private->buffer) || public.size > PART_MAX ||
	    Tss2_MU_TPMT_PUBLIC_Unmarshal(public.ptr, public.size, &offset,
					  &ret_public->publicArea) ||
	    offset != public.size)
		return fault_set(fault, TOBI_E_MALFORMED, WHAT, "",
				 "it is nothing that a TPM made");
	/* One that could be moved may come from elsewhere. */
	if ((ret_public->publicArea.objectAttributes & SEALED) != SEALED ||
	    ret_public->publicArea.type != TPM2_ALG_KEYEDHASH)
		return fault_set(fault, TOBI_E_SIGNATURE, WHAT, "",
				 "it is of another kind than this broker makes");
	ret_private->size = (UINT16) private.size;
	bytes_copy(ret_private->buffer, sizeof(ret_private->buffer), private.ptr,
		   private.size);
	return TOBI_OK;
}

static enum tobi_err unseal(struct tpm *tpm, ESYS_TR storage, struct tobi_bytes wrapped,
			    struct secret *ret_plain, struct tobi_fault *fault)
{
	TPM2B_PUBLIC public = {0};
	TPM2B_PRIVATE private = {0};
	TPM2B_SENSITIVE_DATA *data = NULL;
	ESYS_TR object = ESYS_TR_NONE;
	enum tobi_err err = take_parts(wrapped, &public, &private, fault);
	TSS2_RC rc;

	if (err)
		return err;
	rc = Esys_Load(tpm->esys, storage, tpm_session(tpm, 0), ESYS_TR_NONE,
		       ESYS_TR_NONE, &private, &public, &object);
	if (tpm_code(rc) == TPM2_RC_INTEGRITY)
		return fault_set(fault, TOBI_E_SIGNATURE, WHAT, "",
				 "the TPM does not open it: it was changed");
	err = tpm_result(tpm, rc, WHAT, fault);
	if (err)
		return err;
	tpm_hold(tpm, object);
	err = tpm_result(tpm,
			 Esys_Unseal(tpm->esys, object,
				     tpm_session(tpm, TPMA_SESSION_ENCRYPT), ESYS_TR_NONE,
				     ESYS_TR_NONE, &data),
			 WHAT, fault);
	if (!err)
		err = secret_new(data->size, ret_plain, fault);
	if (!err)
		bytes_copy(ret_plain->ptr, ret_plain->size, data->buffer, data->size);
	if (data)
		explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	return err;
}

static enum tobi_err unwrap(struct key_provider *any, struct tobi_bytes wrapped,
			    struct secret *ret_plain, struct tobi_fault *fault)
{
	struct tpm_provider *provider = (struct tpm_provider *)any;
	struct tpm tpm = {0};
	ESYS_TR storage = ESYS_TR_NONE;
	enum tobi_err err;

	pthread_mutex_lock(&provider->lock);
	err = start(provider, &tpm, &storage, fault);
	if (!err)
		err = unseal(&tpm, storage, wrapped, ret_plain, fault);
	tpm_close(&tpm);
	pthread_mutex_unlock(&provider->lock);
	return err;
}

const struct key_provider_ops key_provider_tpm = {
    .kind = "tpm",
    .open = open_tpm,
    .close = close_tpm,
    .wrap = wrap,
    .unwrap = unwrap,
};
