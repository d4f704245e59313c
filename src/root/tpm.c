/* The TPM provider: platform key, seal root, attestation key and counter are in a TPM 2.0
 * and never leave it. The platform CA's key lives for as long as making takes. */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/folder.h"
#include "root/provider.h"
#include "root/tpm_ak.h"
#include "root/tpm_counter.h"
#include "root/tpm_keys.h"
#include "root/tpm_quote.h"
#include "tee/tpm_structs.h"

#define MARKER "tpm.root"
#define PENDING "tpm.new" /* while there are objects that no marker names yet */

enum { OWNER_MAX = 64, LINE_END = 2, PCRS_ALWAYS = 0xff };

struct tpm_state {
	struct tpm_record record;
	struct tpm_ak_chains chains;
	TPM2B_AUTH owner; /* while it is needed */
	bool unsaved;	  /* what is in the TPM is to be removed again */
	char pending[sizeof(struct root_path)];
};

/* The file without the end of its last line. */
static enum tobi_err read_owner(const char *path, TPM2B_AUTH *owner,
				struct tobi_fault *fault)
{
	struct secret text = {0};
	enum tobi_err err = TOBI_OK;

	if (path)
		err = file_read_secret(path, OWNER_MAX + LINE_END,
				       "owner's authorisation", &text, fault);
	if (!err) {
		size_t size = text.size;

		while (size && (text.ptr[size - 1] == '\n' || text.ptr[size - 1] == '\r'))
			size--;
		if (size > OWNER_MAX) {
			err = fault_set(fault, TOBI_E_LIMIT, "owner's authorisation", "",
					"it has over %d bytes", OWNER_MAX);
		} else {
			bytes_copy(owner->buffer, sizeof(owner->buffer), text.ptr, size);
			owner->size = (UINT16)size;
		}
	}
	secret_done(&text);
	return err;
}

static enum tobi_err open_as_owner(const struct tpm_state *state, struct tpm *ret_tpm,
				   struct tobi_fault *fault)
{
	enum tobi_err err =
	    tpm_open(state->record.device, TPM_PATIENCE_INIT_MS, ret_tpm, fault);

	return err ? err
		   : tpm_result(
			 ret_tpm,
			 Esys_TR_SetAuth(ret_tpm->esys, ESYS_TR_RH_OWNER, &state->owner),
			 "its owner", fault);
}

/* The same, with a session, when the keys are there already. */
static enum tobi_err open_with_session(const struct tpm_state *state, struct tpm *ret_tpm,
				       struct tobi_fault *fault)
{
	ESYS_TR storage = ESYS_TR_NONE;
	enum tobi_err err = open_as_owner(state, ret_tpm, fault);

	if (!err)
		err = tpm_find(ret_tpm, &state->record.storage, "storage key", &storage,
			       fault);
	return err ? err : tpm_session_start(ret_tpm, storage, fault);
}

static enum tobi_err sign(void *context, struct tobi_bytes digest,
			  struct writer *ret_signature, struct tobi_fault *fault)
{
	const struct tpm_state *state = context;

	return tpm_key_sign(&state->record, digest, ret_signature, fault);
}

/* The platform key: its public half from the record, which the TPM's Name vouches for. */
static enum tobi_err make_external(struct root *root, struct tobi_fault *fault)
{
	struct tpm_state *state = root->state;
	struct tobi_bytes bytes = tpm_blob_view(&state->record.key_public);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *public_key = NULL;
	struct tpm_public public;
	enum tobi_err err = tpm_public_parse(bytes, &public, fault);

	if (!err)
		err = tpm_public_key(&public, &public_key, fault);
	root->external.sign = sign;
	root->external.context = state;
	if (!err)
		err = key_external_new(public_key, &root->external, &root->key, fault);
	return err;
}

/* Before there are objects, so that those of an interrupted start are found again. */
static enum tobi_err write_pending(struct tpm_state *state, const char *folder,
				   const char *owner_file, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_TPM_RECORD);
	struct tpm_pending pending = {0};
	enum tobi_err err = tpm_tag(state->record.auth, pending.tag);

	snprintf(pending.device, sizeof(pending.device), "%s", state->record.device);
	if (owner_file && strlen(owner_file) >= sizeof(pending.owner_file))
		err = fault_set(fault, TOBI_E_LIMIT, "owner's authorisation", "",
				"the file's path is too long");
	snprintf(pending.owner_file, sizeof(pending.owner_file), "%s",
		 owner_file ? owner_file : "");
	snprintf(state->pending, sizeof(state->pending), "%s",
		 root_in_folder(folder, PENDING).text);
	tpm_pending_write(&out, &pending);
	if (!err && wr_err(&out))
		err = fault_set(fault, wr_err(&out), PENDING, "", "too large");
	return err ? err
		   : file_write(state->pending, 0600, wr_view(&out), "platform", fault);
}

static enum tobi_err make_objects(struct tpm_state *state, struct tobi_bytes seal,
				  struct tobi_fault *fault)
{
	struct tpm_record *record = &state->record;
	CLEANUP(tpm_close) struct tpm tpm = {0};
	struct tpm_blob unused;
	ESYS_TR storage = ESYS_TR_NONE, key = ESYS_TR_NONE, ak = ESYS_TR_NONE,
		other = ESYS_TR_NONE;
	enum tobi_err err = open_as_owner(state, &tpm, fault);

	if (!err)
		err = tpm_storage_make(&tpm, &record->storage, &storage, fault);
	if (!err)
		err = tpm_key_make(&tpm, storage, TPM_KEY_PLATFORM,
				   (struct tobi_bytes){0}, record->auth, &record->key,
				   &record->key_public, &key, fault);
	if (!err)
		err = tpm_key_make(&tpm, storage, TPM_KEY_SEAL, seal, record->auth,
				   &record->seal, &unused, &other, fault);
	if (!err)
		err = tpm_key_make(&tpm, storage, TPM_KEY_AK, (struct tobi_bytes){0},
				   record->auth, &record->ak, &record->ak_public, &ak,
				   fault);
	if (!err)
		err = tpm_counter_make(&tpm, record->auth, &record->counter, fault);
	if (!err)
		err = tpm_use_object(&tpm, record, &record->key, "platform key", &key,
				     fault);
	if (!err)
		err = tpm_use_object(&tpm, record, &record->ak, "attestation key", &ak,
				     fault);
	if (!err)
		err = tpm_certify(&tpm, record, storage, key, ak, fault);
	return err;
}

static enum tobi_err make(const char *folder, const struct root_options *options,
			  struct root *root, struct tobi_fault *fault)
{
	struct tpm_state *state = calloc(1, sizeof(*state));
	const char *device = NULL;
	enum tobi_err err;

	root->state = state;
	if (!state)
		return fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
	err = tpm_link_find(options->device, &device, fault);
	if (!err && strlen(device) >= sizeof(state->record.device))
		err = fault_set(fault, TOBI_E_LIMIT, "TPM", "device",
				"its name is too long");
	if (!err)
		err = read_owner(options->pin_file, &state->owner, fault);
	if (!err && RAND_priv_bytes(state->record.auth, TPM_AUTH_SIZE) != 1)
		err = fault_set(fault, TOBI_E_CRYPTO, "TPM", "", "no random bytes");
	if (err)
		return err;
	bytes_copy(state->record.device, sizeof(state->record.device), device,
		   strlen(device));
	state->record.pcrs = options->pcrs | PCRS_ALWAYS;
	err = write_pending(state, folder, options->pin_file, fault);
	if (err)
		return err;
	state->unsaved = true;
	err = make_objects(state, options->seal, fault);
	return err ? err : make_external(root, fault);
}

static enum tobi_err save(const char *folder, struct root *root, EVP_PKEY *ca,
			  struct tobi_fault *fault)
{
	struct tpm_state *state = root->state;
	struct writer out = wr_init(LIMIT_TPM_RECORD);
	CLEANUP(tpm_close) struct tpm tpm = {0};
	enum tobi_err err = open_with_session(state, &tpm, fault);

	if (!err)
		err = tpm_ak_issue(folder, &tpm, &state->record, ca, root->now, fault);
	tpm_record_write(&out, &state->record);
	if (!err && wr_err(&out))
		err = fault_set(fault, wr_err(&out), MARKER, "", "too large");
	if (!err)
		err = file_write_new(root_in_folder(folder, MARKER).text, 0600,
				     wr_view(&out), "platform", fault);
	wr_done(&out);
	state->unsaved = err != TOBI_OK;
	if (!err && unlink(state->pending))
		err = fault_errno(fault, "platform", PENDING, "cannot be removed");
	return err;
}

/* Every object must be there, and be the one that was made. */
static enum tobi_err look_for_all(const struct tpm_record *record,
				  struct tobi_fault *fault)
{
	const struct {
		const struct tpm_object *object;
		const char *what;
	} all[] = {{&record->storage, "storage key"},
		   {&record->key, "platform key"},
		   {&record->seal, "seal root"},
		   {&record->ak, "attestation key"},
		   {&record->counter, "counter"}};
	CLEANUP(tpm_close) struct tpm tpm = {0};
	ESYS_TR found = ESYS_TR_NONE;
	enum tobi_err err = tpm_open(record->device, TPM_PATIENCE_MS, &tpm, fault);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++)
		err = tpm_find(&tpm, all[i].object, all[i].what, &found, fault);
	return err;
}

/* The public keys of the file are those that the names in it stand for. */
static enum tobi_err check_name(const struct tpm_object *object,
				const struct tpm_blob *public, struct tobi_fault *fault)
{
	uint8_t name[TPM_STRUCT_NAME_MAX];
	size_t size = 0;
	enum tobi_err err =
	    tpm_name(tpm_blob_view(public), TPM_ALG_SHA256, name, &size, fault);

	if (!err && !bytes_equal((struct tobi_bytes){name, size},
				 (struct tobi_bytes){object->name, object->name_size}))
		err = fault_set(fault, TOBI_E_MISMATCH, MARKER, "",
				"a key in it has another name than its own");
	return err;
}

static enum tobi_err open_record(const char *folder, struct root *root,
				 struct tobi_fault *fault)
{
	struct tpm_state *state = calloc(1, sizeof(*state));
	struct secret bytes = {0};
	enum tobi_err err;

	root->state = state;
	if (!state)
		return fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
	err = file_read_secret(root_in_folder(folder, MARKER).text, LIMIT_TPM_RECORD,
			       MARKER, &bytes, fault);
	if (!err)
		err = tpm_record_parse(secret_view(&bytes), &state->record, fault);
	secret_done(&bytes);
	if (!err)
		err = check_name(&state->record.key, &state->record.key_public, fault);
	if (!err)
		err = check_name(&state->record.ak, &state->record.ak_public, fault);
	if (!err)
		err = look_for_all(&state->record, fault);
	if (err == TOBI_E_NOT_FOUND) { /* for who opens it, that is about a file */
		err = TOBI_E_SYSTEM;
		if (fault)
			fault->code = err;
	}
	if (!err)
		err = tpm_ak_load(folder, &state->record, &state->chains, fault);
	return err ? err : make_external(root, fault);
}

/* Whether the TPM could be asked to. */
static bool undo(struct tpm_state *state)
{
	struct tpm_record *record = &state->record;
	const struct tpm_object *made[] = {&record->key, &record->seal, &record->ak,
					   &record->counter};
	CLEANUP(tpm_close) struct tpm tpm = {0};

	/* The storage key stays: others may use it meanwhile. */
	if (!record->storage.handle)
		return true;
	if (open_with_session(state, &tpm, NULL))
		return false;
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		tpm_remove(&tpm, made[i]);
	return true;
}

/* Objects of a start that was interrupted belong to nobody. */
static void sweep(const char *folder)
{
	struct root_path path = root_in_folder(folder, PENDING);
	struct tpm_state state = {0};
	struct tpm_pending pending;
	struct secret bytes = {0};
	CLEANUP(tpm_close) struct tpm tpm = {0};

	if (file_read_secret(path.text, LIMIT_TPM_RECORD, PENDING, &bytes, NULL))
		return;
	if (!tpm_pending_parse(secret_view(&bytes), &pending, NULL) &&
	    !read_owner(pending.owner_file[0] ? pending.owner_file : NULL, &state.owner,
			NULL) &&
	    !tpm_open(pending.device, TPM_PATIENCE_MS, &tpm, NULL) &&
	    !Esys_TR_SetAuth(tpm.esys, ESYS_TR_RH_OWNER, &state.owner) &&
	    !tpm_session_alone(&tpm, NULL))
		tpm_remove_tagged(&tpm, pending.tag);
	secret_done(&bytes);
	explicit_bzero(&state, sizeof(state));
	unlink(path.text);
}

/* The owner's authorisation is not kept: where it is not empty, people remove them. */
static enum tobi_err forget(struct root *root, struct tobi_fault *fault)
{
	struct tpm_state *state = root->state;
	ESYS_TR found;
	CLEANUP(tpm_close) struct tpm tpm = {0};
	enum tobi_err err;

	IGNORE(undo(state));
	err = tpm_open(state->record.device, TPM_PATIENCE_MS, &tpm, fault);
	if (!err && !tpm_find(&tpm, &state->record.key, "", &found, NULL))
		err = fault_set(fault, TOBI_E_DENIED, "TPM", "platform key",
				"it could not be removed");
	return err;
}

static void close_tpm(struct root *root)
{
	struct tpm_state *state = root->state;

	if (!state)
		return;
	if (state->unsaved && undo(state))
		unlink(state->pending);
	tpm_ak_done(&state->chains);
	explicit_bzero(state, sizeof(*state));
	free(state);
}

static enum tobi_err derive(struct root *root, struct tobi_bytes info,
			    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	const struct tpm_state *state = root->state;

	return tpm_key_expand(&state->record, info, ret_key, fault);
}

static enum tobi_err counter(struct root *root, bool increment, uint64_t *ret_value,
			     struct tobi_fault *fault)
{
	const struct tpm_state *state = root->state;

	return tpm_counter_read(&state->record, increment, ret_value, fault);
}

static enum tobi_err check(struct root *root, struct tobi_fault *fault)
{
	const struct tpm_state *state = root->state;

	return look_for_all(&state->record, fault);
}

static enum tobi_err quote(struct root *root, struct tobi_bytes nonce, struct writer *out,
			   struct tobi_fault *fault)
{
	const struct tpm_state *state = root->state;

	return tpm_ak_evidence(
	    &state->record, &state->chains,
	    (struct tobi_bytes){root->ueid + 1, sizeof(root->ueid) - 1}, nonce, out,
	    fault);
}

static enum tobi_err ak_request(struct root *root, const char *pin_file,
				struct writer *out, struct tobi_fault *fault)
{
	struct tpm_state *state = root->state;
	CLEANUP(tpm_close) struct tpm tpm = {0};
	enum tobi_err err = read_owner(pin_file, &state->owner, fault);

	if (!err)
		err = open_with_session(state, &tpm, fault);
	return err ? err : tpm_ak_request(&tpm, &state->record, out, fault);
}

static enum tobi_err ak_accept(struct root *root, const char *folder,
			       const char *pin_file, struct tobi_bytes challenge,
			       struct tobi_fault *fault)
{
	struct tpm_state *state = root->state;
	CLEANUP(tpm_close) struct tpm tpm = {0};
	enum tobi_err err = read_owner(pin_file, &state->owner, fault);

	if (!err)
		err = open_with_session(state, &tpm, fault);
	return err ? err : tpm_ak_accept(folder, &tpm, &state->record, challenge, fault);
}

static void place(const struct root *root, struct writer *out)
{
	const struct tpm_state *state = root->state;
	const struct tpm_record *record = &state->record;

	wr_printf(out,
		  "%s: platform key 0x%08x, seal root 0x%08x, attestation key 0x%08x, "
		  "counter 0x%08x",
		  record->device, record->key.handle, record->seal.handle,
		  record->ak.handle, record->counter.handle);
}

const struct root_provider root_tpm_provider = {
    .kind = "tpm",
    .summary = "keys in a TPM 2.0, which never gives them away",
    .marker = MARKER,
    .make = make,
    .save = save,
    .open = open_record,
    .close = close_tpm,
    .derive = derive,
    .counter = counter,
    .forget = forget,
    .sweep = sweep,
    .check = check,
    .quote = quote,
    .ak_request = ak_request,
    .ak_accept = ak_accept,
    .place = place,
    .opens_files = true,
};
