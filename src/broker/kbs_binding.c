#include "broker/kbs_binding.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/jcs.h"
#include "codec/jose.h"
#include "codec/jwe.h"

static const char object[] = "tee-pubkey";

enum tobi_err kbs_key_read(const json_t *jwk, EVP_PKEY **ret_key,
			   struct tobi_fault *fault)
{
	const char *said = json_string_value(json_object_get(jwk, "alg"));
	const char *algorithm;
	EVP_PKEY *key = NULL;
	enum tobi_err err = jwk_read(jwk, object, &key, fault);

	if (err)
		return err;
	algorithm = jwe_algorithm(key);
	if (!algorithm || !said || strcmp(said, algorithm) != 0) {
		EVP_PKEY_free(key);
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "alg",
				 "it must be ECDH-ES+A256KW of an EC key, or "
				 "RSA-OAEP-256 of one of RSA");
	}
	*ret_key = key;
	return TOBI_OK;
}

static enum tobi_err hash(json_t *json, uint8_t ret_data[static KBS_REPORT_DATA_SIZE],
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_KBS_BODY);
	enum tobi_err err =
	    json ? jcs_write(json, &text, fault)
		 : fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");

	json_decref(json);
	if (err)
		return err;
	memset(ret_data, 0, KBS_REPORT_DATA_SIZE);
	return hash_sha384(wr_view(&text), ret_data)
		   ? fault_openssl(fault, object, "", "cannot hash")
		   : TOBI_OK;
}

enum tobi_err kbs_binding_primary(const char *nonce, const json_t *jwk,
				  const char *additional,
				  uint8_t ret_data[static KBS_REPORT_DATA_SIZE],
				  struct tobi_fault *fault)
{
	return hash(json_pack("{s:s, s:s, s:O}", "additional-evidence", additional,
			      "nonce", nonce, "tee-pubkey", jwk),
		    ret_data, fault);
}

enum tobi_err kbs_binding_devices(const char *nonce, const json_t *jwk,
				  uint8_t ret_data[static KBS_REPORT_DATA_SIZE],
				  struct tobi_fault *fault)
{
	return hash(json_pack("{s:s, s:O}", "nonce", nonce, "tee-pubkey", jwk), ret_data,
		    fault);
}
