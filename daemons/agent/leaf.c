#include "leaf.h"

#include "algorithms.h"
#include "base/fault.h"
#include "base/limits.h"
#include "keymem.h"
#include "pki/cert.h"

enum { CERTIFICATE_DAYS = 3650 };

enum tobi_err leaf_make(int64_t now, EVP_PKEY **ret_key, struct writer *ret_certificate,
			struct tobi_fault *fault)
{
	struct cert_request request = {
	    .role = CERT_TLS,
	    .common_name = "Tobichi enclave",
	    .not_before = now - 86400,
	    .not_after = now + CERTIFICATE_DAYS * INT64_C(86400),
	};
	enum tobi_err err = key_new(KEY_P256, ret_key, fault);

	if (err)
		return err;
	if (!keymem_holds(*ret_key) || !algorithms_random_is_hidden())
		return fault_set(fault, TOBI_E_CRYPTO, "key memory", "",
				 "the key is not in it");
	request.key = *ret_key;
	*ret_certificate = wr_init(LIMIT_CERTIFICATE);
	return cert_make(&request, NULL, NULL, ret_certificate, fault);
}
