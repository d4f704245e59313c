/* The certificates of a platform: made with its keys, checked whenever it is opened. */
#ifndef TOBI_ROOT_CERTIFICATES_H
#define TOBI_ROOT_CERTIFICATES_H

#include "root/provider.h"

/* "Tobichi WHAT" and the first digits of the key's hash: what people see in a chain. */
TOBI_MUST_USE enum tobi_err root_name_for(EVP_PKEY *key, const char *what, char *out,
					  size_t room, struct tobi_fault *fault);
/* Writes platform-ca.pem and platform.pem, which must not be there. */
TOBI_MUST_USE enum tobi_err root_certificates_make(const char *folder, EVP_PKEY *ca,
						   EVP_PKEY *platform, int64_t now,
						   struct tobi_fault *fault);
/* Fills root's chains. They must certify root->key, and the CA must have signed. */
TOBI_MUST_USE enum tobi_err root_certificates_load(const char *folder, struct root *root,
						   struct tobi_fault *fault);

#endif
