#include "token/request_token.h"

#include <openssl/rand.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "pki/key.h"

enum { NUMBER_SIZE = 16, CLAIMS_MAX = 4096, LIFE_SECONDS = 120 };

static json_t *base64url_of(const uint8_t *bytes, size_t size)
{
	return json_base64url((struct tobi_bytes){bytes, size}, 64);
}

static json_t *write_claims(const struct request_token *token, EVP_PKEY *key,
			    struct tobi_fault *fault)
{
	uint8_t id[SHA384_SIZE], hash[SHA256_SIZE], number[NUMBER_SIZE];
	char issuer[2 * SHA384_SIZE + 1];
	json_t *claims;

	if (key_spki_sha384(key, id, fault))
		return NULL;
	if (hash_sha256(token->body, hash) || RAND_bytes(number, sizeof(number)) != 1) {
		fault_openssl(fault, "request", "", "cannot be signed");
		return NULL;
	}
	hex_write((struct tobi_bytes){id, sizeof(id)}, issuer, sizeof(issuer));
	claims = json_pack("{s:s, s:I, s:I, s:o, s:s, s:s, s:s, s:o}", "iss", issuer,
			   "iat", (json_int_t)token->now, "exp",
			   (json_int_t)(token->now + LIFE_SECONDS), "jti",
			   base64url_of(number, sizeof(number)), "aud", token->audience,
			   "htm", token->method, "htu", token->target, "body-sha256",
			   base64url_of(hash, sizeof(hash)));
	if (!claims)
		fault_set(fault, TOBI_E_MEMORY, "request", "", "out of memory");
	return claims;
}

enum tobi_err request_token_write(const struct request_token *token, EVP_PKEY *key,
				  struct writer *out, struct tobi_fault *fault)
{
	const struct jws_headers headers = {.typ = REQUEST_TOKEN_TYPE};
	CLEANUP(wr_done) struct writer text = wr_init(CLAIMS_MAX);
	struct cose_signer signer;
	enum tobi_err err = cose_signer_for_key(key, &signer, fault);
	json_t *claims;

	if (err)
		return err;
	claims = write_claims(token, key, fault);
	if (!claims)
		return TOBI_E_CRYPTO;
	err = json_write(claims, false, &text, fault);
	json_decref(claims);
	return err ? err : jws_write(out, &signer, &headers, wr_view(&text), fault);
}
