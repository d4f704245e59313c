#include "tee/cca_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/cose_key.h"
#include "pki/signature.h"
#include "tee/arm_facts.h"

static const char object[] = "realm key";

/* ---- reading it ---- */

enum tobi_err cca_key_read(struct tobi_bytes bytes, enum cca_key_form form,
			   EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err = form == CCA_KEY_COSE
				? cose_key_read(bytes, object, &key, fault)
				: ec_key_read_sec1(bytes, object, &key, fault);

	if (!err && !EVP_PKEY_is_a(key, "EC"))
		err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "COSE_Key",
				"a realm's key is of P-256, P-384 or P-521");
	if (!err)
		*ret_key = TAKE(key);
	return err;
}

bool cca_key_hash(struct tobi_bytes bytes, struct tobi_bytes algorithm,
		  uint8_t ret_hash[static 64], size_t *ret_size)
{
	size_t size = arm_hash_size(algorithm);
	const EVP_MD *md = size == 32	? EVP_sha256()
			   : size == 48 ? EVP_sha384()
					: EVP_sha512();
	unsigned written = 0;

	if (!size || EVP_Digest(bytes.ptr, bytes.size, ret_hash, &written, md, NULL) != 1)
		return false;
	*ret_size = written;
	return true;
}

/* ---- what was found, and is remembered ---- */

static void key_free(struct memo_value *value)
{
	struct cca_key *key = (struct cca_key *)value;

	EVP_PKEY_free(key->rak);
	free(key);
}

static void key_unref(struct cca_key **key)
{
	if (*key)
		memo_unref(&(*key)->head);
}

static struct cca_key *new_key(void)
{
	struct cca_key *key = calloc(1, sizeof(*key));

	if (key) {
		atomic_init(&key->head.references, 1);
		key->head.free = key_free;
	}
	return key;
}

/* All that it depends on: the platform's token, the realm's key and how it is written,
 * and whom the policy trusts. */
static enum tobi_err make_name(const struct cca_token *token, struct tobi_bytes rak,
			       enum cca_key_form form, const struct anchor_keys *keys,
			       struct memo_name *ret_name)
{
	const uint8_t written = (uint8_t)form;
	const struct tobi_bytes parts[] = {
	    token->platform_bytes,
	    rak,
	    {&written, 1},
	    keys ? (struct tobi_bytes){keys->spki[0], keys->count * SHA256_SIZE}
		 : (struct tobi_bytes){0},
	};

	return memo_name_make("cca-platform", parts, sizeof(parts) / sizeof(parts[0]),
			      ret_name);
}

static void look_for_signer(const struct cca_token *token,
			    const struct cca_claims *claims,
			    const struct tee_request *request, struct cca_key *key)
{
	struct tee_environment environment = arm_environment(&claims->platform);
	const uint8_t *spki = NULL;
	const char *why = "";

	key->is_signed =
	    arm_token_signer(&token->platform, request, &environment, &spki, &why);
	if (key->is_signed)
		bytes_copy(key->signer, sizeof(key->signer), spki, SHA256_SIZE);
	else
		bytes_copy(key->why, sizeof(key->why), why, strlen(why) + 1);
}

enum tobi_err cca_key_get(const struct cca_token *token, const struct cca_claims *claims,
			  enum cca_key_form form, const struct tee_request *request,
			  struct cca_key **ret_key, struct tobi_fault *fault)
{
	static const struct chain_window always = {INT64_MIN, INT64_MAX};
	struct tobi_bytes rak = claims->realm.values[ARM_KEY];
	CLEANUP(key_unref) struct cca_key *key = NULL;
	struct tobi_fault why = {0};
	struct memo_name name;
	bool by_policy;

	if (make_name(token, rak, form, request->keys, &name))
		return fault_set(fault, TOBI_E_CRYPTO, object, "", "cannot hash it");
	*ret_key = (struct cca_key *)memo_find(request->memo, &name, request->time);
	if (*ret_key)
		return TOBI_OK;
	key = new_key();
	if (!key)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (cca_key_read(rak, form, &key->rak, &why))
		tobi_fault_print(&why, key->rak_wrong, sizeof(key->rak_wrong));
	look_for_signer(token, claims, request, key);
	/* What reference values say is not in the name. */
	by_policy = key->is_signed && anchor_keys_find(request->keys, key->signer);
	if (key->rak && by_policy)
		memo_keep(request->memo, &name, &always, &key->head);
	*ret_key = TAKE(key);
	return TOBI_OK;
}
