#include "tee/arm_token.h"

#include "base/fault.h"

enum tobi_err arm_token_parse(struct tobi_bytes bytes, const char *object,
			      struct arena *arena, struct arm_token *ret_token,
			      struct tobi_fault *fault)
{
	struct arm_token token = {0};
	enum tobi_err err;

	if (bytes.size > LIMIT_TOKEN)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_TOKEN);
	err = cose_parse_either(bytes, object, &token.is_mac, &token.sign1, fault);
	if (err)
		return err;
	if (!token.sign1.payload.ptr)
		return fault_set(fault, TOBI_E_MALFORMED, object, "payload",
				 "the claims are not in it");
	token.payload = arena_copy(arena, token.sign1.payload);
	if (!token.payload.ptr)
		return fault_set(fault, TOBI_E_MEMORY, object, "",
				 "out of memory, or too large");
	*ret_token = token;
	return TOBI_OK;
}

bool arm_token_is_ecdsa(const struct arm_token *token)
{
	return !token->is_mac &&
	       (token->sign1.alg == COSE_ES256 || token->sign1.alg == COSE_ES384 ||
		token->sign1.alg == COSE_ES512);
}

bool arm_token_holds(const struct arm_token *token, EVP_PKEY *key)
{
	return arm_token_is_ecdsa(token) &&
	       !cose_verify(&token->sign1, key, (struct tobi_bytes){0},
			    token->sign1.payload, "token", NULL);
}

const struct anchor_keys *arm_device_keys(const struct tee_request *request,
					  const struct tee_environment *environment)
{
	const struct anchor_keys *keys =
	    request->find_keys
		? request->find_keys(request->find_keys_context, environment)
		: NULL;

	return keys && keys->count ? keys : NULL;
}

static EVP_PKEY *try_keys(const struct arm_token *token, const struct anchor_keys *keys,
			  const uint8_t **ret_spki)
{
	for (size_t i = 0; keys && i < keys->count; i++) {
		if (arm_token_holds(token, keys->keys[i])) {
			*ret_spki = keys->spki[i];
			return keys->keys[i];
		}
	}
	return NULL;
}

EVP_PKEY *arm_token_signer(const struct arm_token *token,
			   const struct tee_request *request,
			   const struct tee_environment *environment,
			   const uint8_t **ret_spki, const char **ret_why)
{
	const struct anchor_keys *endorsed = arm_device_keys(request, environment);
	EVP_PKEY *key = try_keys(token, request->keys, ret_spki);

	if (!key)
		key = try_keys(token, endorsed, ret_spki);
	if (!arm_token_is_ecdsa(token))
		*ret_why = "it is not signed with ECDSA";
	else if (endorsed || (request->keys && request->keys->count))
		*ret_why = "none of the keys signed this token";
	else
		*ret_why = "no public key is named for this tier, nor for this device";
	return key;
}
