#include "tests/broker_stand_in.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/fault.h"
#include "broker/keyring.h"
#include "tests/check.h"

/* ---- the log ---- */

struct decision_log {
	char nothing;
};

struct broker_stand_in stand_in;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void stand_in_reset(void)
{
	stand_in = (struct broker_stand_in){0};
}

const struct note *last_note(void)
{
	static const struct note none;

	return stand_in.count ? &stand_in.notes[stand_in.count - 1] : &none;
}

enum tobi_err decision_log_open(struct db *db, EVP_PKEY *key, const char *name,
				struct decision_log **ret_log, struct tobi_fault *fault)
{
	(void)db, (void)key, (void)name, (void)fault;
	*ret_log = calloc(1, sizeof(**ret_log));
	return *ret_log ? TOBI_OK : TOBI_E_MEMORY;
}

void decision_log_free(struct decision_log *log)
{
	free(log);
}

static void copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

enum tobi_err decision_log_append(struct decision_log *log,
				  const struct decision *decision, uint64_t *ret_index,
				  struct tobi_fault *fault)
{
	struct note *note;

	(void)log;
	if (stand_in.on_append)
		stand_in.on_append(decision);
	if (stand_in.log_fails)
		return fault_set(fault, TOBI_E_SYSTEM, "log", "", "the disk is full");
	pthread_mutex_lock(&lock);
	note = &stand_in.notes[stand_in.count++ % NOTES_MAX];
	*note = (struct note){.kind = decision->kind,
			      .accepted = decision->accepted,
			      .has_result = decision->result != NULL,
			      .has_policy = decision->policy != NULL,
			      .version = decision->version};
	copy(note->principal, sizeof(note->principal), decision->principal);
	copy(note->resource, sizeof(note->resource), decision->resource);
	copy(note->action, sizeof(note->action), decision->action);
	copy(note->reason, sizeof(note->reason), decision->reason);
	if (ret_index)
		*ret_index = stand_in.count - 1;
	pthread_mutex_unlock(&lock);
	return TOBI_OK;
}

/* ---- the keyring: one key, the context as additional data ---- */

enum { IV_SIZE = 12, TAG_SIZE = 16 };

struct keyring {
	uint8_t generation;
};

static const uint8_t key[32] = {[0 ... 31] = 0x5a};

enum tobi_err keyring_open(struct db *db, const char *location, const char *pin_file,
			   struct keyring **ret_keyring, struct tobi_fault *fault)
{
	(void)db, (void)location, (void)pin_file, (void)fault;
	*ret_keyring = calloc(1, sizeof(**ret_keyring));
	return *ret_keyring ? TOBI_OK : TOBI_E_MEMORY;
}

void keyring_free(struct keyring *keyring)
{
	free(keyring);
}

enum tobi_err keyring_derive(struct keyring *keyring, const char *purpose,
			     uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)keyring, (void)fault;
	memset(ret_key, purpose[0], 32);
	return TOBI_OK;
}

enum tobi_err keyring_seal(struct keyring *keyring, struct tobi_bytes context,
			   struct tobi_bytes plain, struct writer *out,
			   struct tobi_fault *fault)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t iv[IV_SIZE], *place;
	int size = 0;

	if (stand_in.seal_fails) {
		EVP_CIPHER_CTX_free(cipher);
		return fault_set(fault, TOBI_E_DENIED, "keyring", "", "no");
	}
	assert_int_equal(RAND_bytes(iv, sizeof(iv)), 1);
	wr_u8(out, keyring->generation);
	wr_bytes(out, iv, sizeof(iv));
	place = wr_reserve(out, plain.size + TAG_SIZE);
	assert_non_null(place);
	EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, iv);
	EVP_EncryptUpdate(cipher, NULL, &size, context.ptr, (int)context.size);
	EVP_EncryptUpdate(cipher, place, &size, plain.ptr, (int)plain.size);
	EVP_EncryptFinal_ex(cipher, place + size, &size);
	EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, place + plain.size);
	EVP_CIPHER_CTX_free(cipher);
	return TOBI_OK;
}

enum tobi_err keyring_open_blob(struct keyring *keyring, struct tobi_bytes context,
				struct tobi_bytes blob, struct secret *ret_plain,
				struct tobi_fault *fault)
{
	const size_t before = 1 + IV_SIZE;
	size_t plain = blob.size - before - TAG_SIZE;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	struct secret secret = {0};
	int size = 0;
	bool good = blob.size > before + TAG_SIZE && !stand_in.open_fails &&
		    !secret_new(plain, &secret, fault);

	(void)keyring;
	if (good) {
		EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, blob.ptr + 1);
		EVP_DecryptUpdate(cipher, NULL, &size, context.ptr, (int)context.size);
		EVP_DecryptUpdate(cipher, secret.ptr, &size, blob.ptr + before,
				  (int)plain);
		EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_SIZE,
				    (void *)(uintptr_t)(blob.ptr + before + plain));
		good = EVP_DecryptFinal_ex(cipher, secret.ptr, &size) == 1;
	}
	EVP_CIPHER_CTX_free(cipher);
	if (!good) {
		secret_done(&secret);
		return fault_set(fault, TOBI_E_SIGNATURE, "keyring", "", "changed");
	}
	pthread_mutex_lock(&lock);
	stand_in.opened++;
	pthread_mutex_unlock(&lock);
	*ret_plain = secret;
	return TOBI_OK;
}

enum tobi_err keyring_rotate(struct keyring *keyring, uint64_t *ret_generation,
			     struct tobi_fault *fault)
{
	(void)fault;
	*ret_generation = ++keyring->generation;
	return TOBI_OK;
}

enum tobi_err keyring_rewrap(struct keyring *keyring, struct tobi_bytes context,
			     struct tobi_bytes blob, struct writer *out,
			     bool *ret_changed, struct tobi_fault *fault)
{
	struct secret plain = {0};
	enum tobi_err err = keyring_open_blob(keyring, context, blob, &plain, fault);

	if (err)
		return err;
	stand_in.opened--;
	*ret_changed = blob.ptr[0] != keyring->generation;
	if (*ret_changed)
		err = keyring_seal(keyring, context, secret_view(&plain), out, fault);
	else
		wr_bytes(out, blob.ptr, blob.size);
	secret_done(&plain);
	return err;
}
