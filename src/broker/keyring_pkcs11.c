/*
 * The wrap key in a PKCS#11 token: an AES key of 256 bits that the token makes and never
 * gives away; it does AES-GCM itself. "pkcs11:MODULE?token=LABEL", with the PIN in the
 * pin file.
 */
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "broker/keyring_aead.h"
#include "broker/keyring_provider.h"
#include "root/pkcs11.h"

#define OBJECT "wrap key"

enum { WRAPPED_MAX = 512, TAG_BITS = 128 };

struct pkcs11_provider {
	struct key_provider provider;
	/* A token is asked one thing at a time. */
	pthread_mutex_t lock;
	struct p11 p11;
	uint8_t id[P11_ID];
	ck_object_handle_t key;
};

static const char label[] = "tobichi broker wrap key";
static const unsigned char yes = 1, no = 0;
static const ck_object_class_t class = CKO_SECRET_KEY;
static const ck_key_type_t type = CKK_AES;

static enum tobi_err make_key(struct pkcs11_provider *token, struct tobi_fault *fault)
{
	static const unsigned long size = AEAD_KEY;
	struct ck_mechanism mechanism = {CKM_AES_KEY_GEN, NULL, 0};
	struct ck_attribute template[] = {
	    P11_VALUE(CKA_CLASS, class),
	    P11_VALUE(CKA_KEY_TYPE, type),
	    P11_VALUE(CKA_TOKEN, yes),
	    P11_VALUE(CKA_PRIVATE, yes),
	    P11_VALUE(CKA_SENSITIVE, yes),
	    P11_VALUE(CKA_EXTRACTABLE, no),
	    P11_VALUE(CKA_ENCRYPT, yes),
	    P11_VALUE(CKA_DECRYPT, yes),
	    P11_VALUE(CKA_WRAP, no),
	    P11_VALUE(CKA_UNWRAP, no),
	    P11_VALUE(CKA_SIGN, no),
	    P11_VALUE(CKA_VERIFY, no),
	    P11_VALUE(CKA_VALUE_LEN, size),
	    p11_attribute(CKA_ID, token->id, P11_ID),
	    p11_attribute(CKA_LABEL, label, sizeof(label) - 1),
	};
	ck_rv_t status = token->p11.call->C_GenerateKey(
	    token->p11.session, &mechanism, template,
	    sizeof(template) / sizeof(*template), &token->key);

	return status == CKR_OK ? TOBI_OK
				: p11_fault(fault, status, OBJECT, "it cannot be made");
}

static enum tobi_err find_key(struct pkcs11_provider *token, struct tobi_fault *fault)
{
	struct ck_attribute template[] = {P11_VALUE(CKA_CLASS, class),
					  P11_VALUE(CKA_TOKEN, yes),
					  p11_attribute(CKA_ID, token->id, P11_ID)};
	struct ck_function_list *call = token->p11.call;
	ck_object_handle_t found[2] = {0};
	unsigned long count = 0;
	ck_rv_t status = call->C_FindObjectsInit(token->p11.session, template, 3);

	if (status == CKR_OK) {
		status = call->C_FindObjects(token->p11.session, found, 2, &count);
		call->C_FindObjectsFinal(token->p11.session);
	}
	if (status != CKR_OK)
		return p11_fault(fault, status, OBJECT, "it cannot be looked for");
	if (count != 1)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, OBJECT, "", "%s in the token '%s'",
		    count ? "there are several with its id" : "it is not there any more",
		    token->p11.place.label);
	token->key = found[0];
	return TOBI_OK;
}

/* Whoever put it there may have given it away, or left it to be read. */
static enum tobi_err check_key(struct pkcs11_provider *token, struct tobi_fault *fault)
{
	static const struct {
		ck_attribute_type_t of;
		unsigned char value;
	} promises[] = {{CKA_PRIVATE, 1}, {CKA_SENSITIVE, 1}, {CKA_EXTRACTABLE, 0}};

	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
		unsigned char value = 2;
		struct ck_attribute wanted = {promises[i].of, &value, 1};
		ck_rv_t status = token->p11.call->C_GetAttributeValue(
		    token->p11.session, token->key, &wanted, 1);

		if (status != CKR_OK)
			return p11_fault(fault, status, OBJECT, "it cannot be looked at");
		if (wanted.value_len != 1 || value != promises[i].value)
			return fault_set(fault, TOBI_E_DENIED, OBJECT, "",
					 "the token gives it away, or without the PIN");
	}
	return TOBI_OK;
}

static enum tobi_err log_in(struct pkcs11_provider *token, bool make,
			    struct tobi_fault *fault)
{
	enum tobi_err err = p11_find_token(&token->p11, fault);

	if (!err)
		err = p11_log_in(&token->p11, make, fault);
	if (!err)
		err = make ? make_key(token, fault) : find_key(token, fault);
	if (!err)
		err = check_key(token, fault);
	if (err)
		p11_close_session(&token->p11);
	return err;
}

static void close_token(struct key_provider *provider)
{
	struct pkcs11_provider *token = (struct pkcs11_provider *)provider;

	if (token->p11.call) {
		p11_close_session(&token->p11);
		p11_unload(&token->p11);
	}
	pthread_mutex_destroy(&token->lock);
	free(token);
}

/* MODULE?token=LABEL */
static enum tobi_err take_place(struct pkcs11_provider *token, const char *place,
				const char *pin_file, struct tobi_fault *fault)
{
	static const char option[] = "?token=";
	struct p11_place *to = &token->p11.place;
	const char *query = strstr(place, option);
	const char *name = query ? query + sizeof(option) - 1 : NULL;

	if (!name || !*name || strlen(name) > P11_LABEL || query == place ||
	    query - place > LIMIT_PATH)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "",
				 "a token is named pkcs11:MODULE?token=LABEL");
	if (!pin_file || strlen(pin_file) > LIMIT_PATH)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "PIN file",
				 "a file with the token's PIN is needed");
	snprintf(to->module, sizeof(to->module), "%.*s", (int)(query - place), place);
	snprintf(to->label, sizeof(to->label), "%s", name);
	snprintf(to->pin_file, sizeof(to->pin_file), "%s", pin_file);
	return TOBI_OK;
}

/* "LABEL serial number SERIAL, ID": the last 32 letters are the id. */
static enum tobi_err take_wanted(struct pkcs11_provider *token, const char *wanted,
				 struct tobi_fault *fault)
{
	const size_t size = strlen(wanted), digits = (size_t)2 * P11_ID;

	if (size <= digits || !hex_read(wanted + size - digits, token->id, P11_ID))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "",
				 "%.80s is no name of a key in a token", wanted);
	return TOBI_OK;
}

static enum tobi_err open_token(const char *place, const char *pin_file,
				const char *wanted, struct key_provider **ret_provider,
				struct tobi_fault *fault)
{
	struct pkcs11_provider *token = calloc(1, sizeof(*token));
	char digits[2 * P11_ID + 1];
	enum tobi_err err;

	if (!token)
		return TOBI_E_MEMORY;
	pthread_mutex_init(&token->lock, NULL);
	token->provider.ops = &key_provider_pkcs11;
	err = take_place(token, place, pin_file, fault);
	if (!err)
		err = wanted ? take_wanted(token, wanted, fault) : TOBI_OK;
	if (!err && !wanted && RAND_bytes(token->id, P11_ID) != 1)
		err = fault_openssl(fault, OBJECT, "", "no random bytes");
	if (!err)
		err = p11_load(&token->p11, fault);
	if (!err)
		err = log_in(token, !wanted, fault);
	if (err) {
		close_token(&token->provider);
		return err;
	}
	hex_write((struct tobi_bytes){token->id, P11_ID}, digits, sizeof(digits));
	snprintf(token->provider.id, sizeof(token->provider.id),
		 "%s serial number %s, %s", token->p11.place.label,
		 token->p11.place.serial, digits);
	*ret_provider = &token->provider;
	return TOBI_OK;
}

/* One encryption or decryption of a whole; result has WRAPPED_MAX bytes. */
static ck_rv_t compute(struct pkcs11_provider *token, bool encrypt, uint8_t *nonce,
		       struct tobi_bytes data, uint8_t *result, unsigned long *ret_size)
{
	struct ck_gcm_params gcm = {.iv_ptr = nonce,
				    .iv_len = AEAD_NONCE,
				    .iv_bits = 8 * AEAD_NONCE,
				    .tag_bits = TAG_BITS};
	struct ck_mechanism mechanism = {CKM_AES_GCM, &gcm, sizeof(gcm)};
	struct ck_function_list *call = token->p11.call;
	unsigned char *in = (unsigned char *)(uintptr_t)data.ptr; /* not written to */
	ck_rv_t status;

	if (!token->p11.has_session)
		return CKR_SESSION_CLOSED;
	*ret_size = WRAPPED_MAX;
	status = encrypt
		     ? call->C_EncryptInit(token->p11.session, &mechanism, token->key)
		     : call->C_DecryptInit(token->p11.session, &mechanism, token->key);
	if (status != CKR_OK)
		return status;
	status =
	    encrypt
		? call->C_Encrypt(token->p11.session, in, data.size, result, ret_size)
		: call->C_Decrypt(token->p11.session, in, data.size, result, ret_size);
	return status == CKR_OK && *ret_size > WRAPPED_MAX ? CKR_BUFFER_TOO_SMALL
							   : status;
}

/* What another login cannot mend: the token works, and says no. */
static bool is_refusal(ck_rv_t status)
{
	return status == CKR_ENCRYPTED_DATA_INVALID ||
	       status == CKR_ENCRYPTED_DATA_LEN_RANGE;
}

/* Once more, and only once: the session, or the token, may have gone and come. */
static enum tobi_err compute_locked(struct pkcs11_provider *token, bool encrypt,
				    uint8_t *nonce, struct tobi_bytes data,
				    uint8_t *result, unsigned long *ret_size,
				    struct tobi_fault *fault)
{
	ck_rv_t status = compute(token, encrypt, nonce, data, result, ret_size);
	enum tobi_err err = TOBI_OK;

	if (status != CKR_OK && !is_refusal(status)) {
		p11_close_session(&token->p11);
		err = log_in(token, false, NULL);
		if (err && !p11_restart(&token->p11, NULL))
			err = log_in(token, false, fault);
		if (err)
			return err;
		status = compute(token, encrypt, nonce, data, result, ret_size);
	}
	if (status == CKR_OK)
		return TOBI_OK;
	/* Not all tokens have a word of their own for a tag that does not fit. */
	if (!encrypt && (is_refusal(status) || status == CKR_GENERAL_ERROR ||
			 status == CKR_FUNCTION_FAILED))
		return fault_set(
		    fault, TOBI_E_SIGNATURE, OBJECT, "",
		    "the token does not open what is in the database: it was "
		    "changed");
	return p11_fault(fault, status, OBJECT,
			 encrypt ? "it does not encrypt" : "it does not decrypt");
}

static enum tobi_err wrap(struct key_provider *provider, struct tobi_bytes plain,
			  struct writer *out, struct tobi_fault *fault)
{
	struct pkcs11_provider *token = (struct pkcs11_provider *)provider;
	uint8_t nonce[AEAD_NONCE], result[WRAPPED_MAX];
	unsigned long size = 0;
	enum tobi_err err;

	if (RAND_bytes(nonce, sizeof(nonce)) != 1)
		return fault_openssl(fault, OBJECT, "", "no random bytes");
	pthread_mutex_lock(&token->lock);
	err = compute_locked(token, true, nonce, plain, result, &size, fault);
	pthread_mutex_unlock(&token->lock);
	if (!err && size != plain.size + AEAD_TAG)
		err = fault_set(fault, TOBI_E_CRYPTO, OBJECT, "",
				"the token made %lu bytes of %zu", size, plain.size);
	if (err)
		return err;
	wr_bytes(out, nonce, sizeof(nonce));
	wr_bytes(out, result, size);
	return wr_err(out);
}

static enum tobi_err unwrap(struct key_provider *provider, struct tobi_bytes wrapped,
			    struct secret *ret_plain, struct tobi_fault *fault)
{
	struct pkcs11_provider *token = (struct pkcs11_provider *)provider;
	uint8_t nonce[AEAD_NONCE], result[WRAPPED_MAX];
	struct tobi_bytes data;
	unsigned long size = 0;
	enum tobi_err err;

	if (wrapped.size < AEAD_MORE || wrapped.size > WRAPPED_MAX)
		return fault_set(fault, TOBI_E_TRUNCATED, OBJECT, "store key",
				 "it has %zu bytes", wrapped.size);
	bytes_copy(nonce, sizeof(nonce), wrapped.ptr, sizeof(nonce));
	data = (struct tobi_bytes){wrapped.ptr + AEAD_NONCE, wrapped.size - AEAD_NONCE};
	pthread_mutex_lock(&token->lock);
	err = compute_locked(token, false, nonce, data, result, &size, fault);
	pthread_mutex_unlock(&token->lock);
	if (!err)
		err = secret_new(size, ret_plain, fault);
	if (!err)
		bytes_copy(ret_plain->ptr, ret_plain->size, result, size);
	explicit_bzero(result, sizeof(result));
	return err;
}

const struct key_provider_ops key_provider_pkcs11 = {
    .kind = "pkcs11",
    .open = open_token,
    .close = close_token,
    .wrap = wrap,
    .unwrap = unwrap,
};
