/*
 * The provider for PKCS#11 tokens: platform key and seal root are objects in the token
 * that it does not give away. The file pkcs11.root says where; the PIN is in a file of
 * its own.
 */
#include "root/pkcs11.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "root/folder.h"

#define OBJECT "pkcs11"
#define MARKER "pkcs11.root"
#define PENDING "pkcs11.new" /* the same, before there are keys */

enum { KEY_SIZE = 32, INFO_MAX = 4096 };

/* What another login can mend. A token that was taken out and put back answers so, too.
 */
static bool is_lost(ck_rv_t status)
{
	static const ck_rv_t lost[] = {
	    CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED,
	    CKR_USER_NOT_LOGGED_IN,	CKR_CRYPTOKI_NOT_INITIALIZED,
	    CKR_KEY_HANDLE_INVALID,	CKR_OBJECT_HANDLE_INVALID,
	    CKR_DEVICE_REMOVED,		CKR_TOKEN_NOT_PRESENT,
	    CKR_OPERATION_ACTIVE};

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		if (lost[i] == status)
			return true;
	}
	return false;
}

static enum tobi_err log_in(struct p11 *p11, bool writable, struct tobi_fault *fault)
{
	enum tobi_err err = p11_find_token(p11, fault);

	return err ? err : p11_log_in(p11, writable, fault);
}

/* The token may be in another slot by now, or have been put back. */
static enum tobi_err reopen(struct p11 *p11, struct tobi_fault *fault)
{
	enum tobi_err err;

	p11_close_session(p11);
	err = p11_find_token(p11, fault);
	if (err && !p11_restart(p11, NULL))
		err = p11_find_token(p11, fault);
	if (!err)
		err = p11_log_in(p11, false, fault);
	if (!err)
		err = p11_find_keys(p11, fault);
	if (err)
		p11_close_session(p11);
	return err;
}

/* Once more, and only once, when the session was lost. of_seal: else the platform key. */
static enum tobi_err compute(struct p11 *p11, bool of_seal, struct tobi_bytes data,
			     struct writer *ret_result, struct tobi_fault *fault)
{
	ck_mechanism_type_t mechanism = of_seal ? CKM_SHA256_HMAC : CKM_ECDSA;
	ck_rv_t status = CKR_SESSION_CLOSED;
	enum tobi_err err = TOBI_E_SYSTEM;

	if (p11->has_session)
		err = p11_compute(p11, mechanism, of_seal ? p11->seal : p11->key, data,
				  ret_result, &status, fault);
	if (!err || !is_lost(status) || p11->unsaved)
		return err;
	err = reopen(p11, fault);
	if (!err)
		err = p11_compute(p11, mechanism, of_seal ? p11->seal : p11->key, data,
				  ret_result, &status, fault);
	return err;
}

static enum tobi_err sign(void *context, struct tobi_bytes digest,
			  struct writer *ret_signature, struct tobi_fault *fault)
{
	return compute(context, false, digest, ret_signature, fault);
}

/* RFC 5869, section 2.3: one round of the expand step, whose key is the token's. */
static enum tobi_err derive(struct root *root, struct tobi_bytes info,
			    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer data = wr_init(INFO_MAX);
	CLEANUP(wr_done) struct writer key = wr_init(P11_SIGNATURE);
	enum tobi_err err;

	wr_bytes(&data, info.ptr, info.size);
	wr_u8(&data, 1);
	if (wr_err(&data))
		return fault_set(fault, wr_err(&data), "seal key", "info",
				 "it has over %d bytes", INFO_MAX - 1);
	err = compute(root->state, true, wr_view(&data), &key, fault);
	if (err)
		return err;
	if (key.size != KEY_SIZE)
		return fault_set(fault, TOBI_E_CRYPTO, OBJECT, "seal root",
				 "the HMAC has %zu bytes, not %d", key.size, KEY_SIZE);
	bytes_copy(ret_key, KEY_SIZE, key.ptr, key.size);
	return TOBI_OK;
}

/* One signature: that the private key in the token is the public one's. */
static enum tobi_err check_pair(struct root *root, EVP_PKEY *public_key,
				struct tobi_fault *fault)
{
	static const char text[] = "is this key that key's?";
	const struct tobi_bytes message = {(const uint8_t *)text, sizeof(text)};
	const struct cose_headers headers = {0};
	CLEANUP(wr_done) struct writer out = wr_init(1024);
	struct cose_signer signer;
	struct cose_sign1 sign1;
	enum tobi_err err = cose_signer_for_key(root->key, &signer, fault);

	if (!err)
		err = cose_write(&out, &signer, &headers, message, false, fault);
	if (err && root->external.fault.code) {
		if (fault)
			*fault = root->external.fault;
		return root->external.fault.code;
	}
	if (!err)
		err = cose_parse(wr_view(&out), true, COSE_TAGGED, OBJECT, &sign1, fault);
	if (!err && cose_verify(&sign1, public_key, (struct tobi_bytes){0}, message,
				OBJECT, NULL))
		err = fault_set(fault, TOBI_E_MISMATCH, OBJECT, "platform key",
				"the token's private key is not that of its public key");
	return err;
}

/* root->key: signs in the token. */
static enum tobi_err take_key(struct root *root, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *public_key = NULL;
	enum tobi_err err = p11_public_key(root->state, &public_key, fault);

	root->external = (struct key_external){.sign = sign, .context = root->state};
	if (!err)
		err = key_external_new(public_key, &root->external, &root->key, fault);
	return err ? err : check_pair(root, public_key, fault);
}

/* Both keys do their work: who cannot use them need not start. */
static enum tobi_err take_keys(struct root *root, struct tobi_fault *fault)
{
	static const char text[] = "does it derive?";
	uint8_t key[KEY_SIZE];
	enum tobi_err err = take_key(root, fault);

	if (!err)
		err =
		    derive(root, (struct tobi_bytes){(const uint8_t *)text, sizeof(text)},
			   key, fault);
	explicit_bzero(key, sizeof(key));
	return err;
}

static enum tobi_err new_state(struct root *root, struct tobi_fault *fault)
{
	root->state = calloc(1, sizeof(struct p11));
	return root->state
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
}

static enum tobi_err take_text(char *out, size_t room, const char *text,
			       const char *field, const char *option,
			       struct tobi_fault *fault)
{
	if (!text || !text[0])
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, field,
				 "a token needs %s", option);
	if (strlen(text) >= room)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, field,
				 "it has over %zu bytes", room - 1);
	snprintf(out, room, "%s", text);
	return TOBI_OK;
}

static enum tobi_err take_options(struct p11_place *place,
				  const struct root_options *options,
				  struct tobi_fault *fault)
{
	enum tobi_err err =
	    take_text(place->module, sizeof(place->module), options->device, "module",
		      "--device MODULE", fault);

	if (!err)
		err = take_text(place->label, sizeof(place->label), options->token,
				"token", "--token LABEL", fault);
	if (!err)
		err = take_text(place->pin_file, sizeof(place->pin_file),
				options->pin_file, "PIN file", "--pin-file FILE", fault);
	/* The service reads it again at each start, from another folder. */
	if (!err && place->pin_file[0] != '/')
		err = fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "PIN file",
				"give its whole path, from / on");
	return err;
}

static enum tobi_err write_place(const char *folder, const struct p11_place *place,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_P11_MARKER);
	enum tobi_err err = p11_place_write(place, &out, fault);

	return err ? err
		   : file_write(root_in_folder(folder, PENDING).text, 0600, wr_view(&out),
				"platform", fault);
}

static enum tobi_err make(const char *folder, const struct root_options *options,
			  struct root *root, struct tobi_fault *fault)
{
	enum tobi_err err = new_state(root, fault);
	struct p11 *p11 = root->state;

	if (!err)
		err = take_options(&p11->place, options, fault);
	if (!err)
		err = p11_load(p11, fault);
	if (!err)
		err = log_in(p11, true, fault);
	if (!err)
		err = p11_new_ids(&p11->place, fault);
	/* Before the keys, so that those of an interrupted start are found again. */
	if (!err)
		err = write_place(folder, &p11->place, fault);
	if (!err)
		err = p11_make_keys(p11, options->seal, fault);
	if (!err)
		err = p11_check_keys(p11, !options->seal.size, fault);
	return err ? err : take_keys(root, fault);
}

/* The platform CA's key has signed what it is for, and is let go: nobody can have it. */
static enum tobi_err save(const char *folder, struct root *root, EVP_PKEY *ca,
			  struct tobi_fault *fault)
{
	struct p11 *p11 = root->state;

	(void)ca;
	if (rename(root_in_folder(folder, PENDING).text,
		   root_in_folder(folder, MARKER).text))
		return fault_errno(fault, OBJECT, MARKER, "cannot be written");
	p11->unsaved = false;
	return TOBI_OK;
}

static enum tobi_err read_place(const char *folder, const char *name,
				struct p11_place *ret_place, struct tobi_fault *fault)
{
	struct secret bytes = {0};
	/* It says which code is loaded: nobody else may have written it. */
	enum tobi_err err = file_read_secret(root_in_folder(folder, name).text,
					     LIMIT_P11_MARKER, name, &bytes, fault);

	if (!err)
		err = p11_place_read(secret_view(&bytes), ret_place, fault);
	secret_done(&bytes);
	return err;
}

static enum tobi_err open_token(const char *folder, struct root *root,
				struct tobi_fault *fault)
{
	enum tobi_err err = new_state(root, fault);
	struct p11 *p11 = root->state;

	if (!err)
		err = read_place(folder, MARKER, &p11->place, fault);
	if (!err)
		err = p11_load(p11, fault);
	if (!err)
		err = log_in(p11, false, fault);
	if (!err)
		err = p11_find_keys(p11, fault);
	if (!err)
		err = p11_check_keys(p11, false, fault);
	return err ? err : take_keys(root, fault);
}

static enum tobi_err forget(struct root *root, struct tobi_fault *fault)
{
	struct p11 *p11 = root->state;
	enum tobi_err err;

	p11_close_session(p11);
	err = log_in(p11, true, fault);
	if (!err)
		err = p11_find_keys(p11, fault);
	return err ? err : p11_destroy_keys(p11, fault);
}

/* Keys of a start that was interrupted belong to nobody. */
static void sweep(const char *folder)
{
	struct p11 p11 = {0};

	if (read_place(folder, PENDING, &p11.place, NULL))
		return;
	if (!p11_load(&p11, NULL)) {
		if (!log_in(&p11, true, NULL)) {
			p11_find_left(&p11);
			IGNORE(p11_destroy_keys(&p11, NULL));
		}
		p11_close_session(&p11);
		p11_unload(&p11);
	}
	unlink(root_in_folder(folder, PENDING).text);
}

static void close_token(struct root *root)
{
	struct p11 *p11 = root->state;

	if (!p11)
		return;
	if (p11->call) {
		if (p11->unsaved && p11->has_session)
			IGNORE(p11_destroy_keys(p11, NULL));
		p11_close_session(p11);
		p11_unload(p11);
	}
	free(p11);
}

static void place(const struct root *root, struct writer *out)
{
	const struct p11 *p11 = root->state;

	wr_printf(out, "token '%s', serial number %s, by %s", p11->place.label,
		  p11->place.serial, p11->place.module);
}

const struct root_provider root_pkcs11_provider = {
    .kind = "pkcs11",
    .summary = "keys in a PKCS#11 token",
    .marker = MARKER,
    .make = make,
    .save = save,
    .open = open_token,
    .close = close_token,
    .derive = derive,
    .forget = forget,
    .sweep = sweep,
    .place = place,
    .opens_files = true,
};
