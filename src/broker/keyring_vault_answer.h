/* What Vault's transit engine answers (API of Vault 1.15, OpenBao 2: secret/transit). */
#ifndef TOBI_BROKER_KEYRING_VAULT_ANSWER_H
#define TOBI_BROKER_KEYRING_VAULT_ANSWER_H

#include "base/secret.h"
#include "base/writer.h"

/* {"data": {"ciphertext": "vault:v1:..."}}: appended to out. TOBI_E_MALFORMED. */
TOBI_MUST_USE enum tobi_err vault_read_ciphertext(struct tobi_bytes body,
						  struct writer *out,
						  struct tobi_fault *fault);
/* {"data": {"plaintext": base64}}. */
TOBI_MUST_USE enum tobi_err vault_read_plaintext(struct tobi_bytes body,
						 struct secret *ret_plain,
						 struct tobi_fault *fault);
/* {"errors": ["..."]}: the first of them, appended, escaped; nothing when there is none.
 */
void vault_read_errors(struct tobi_bytes body, struct writer *out);
/* What a ciphertext of Vault's looks like: nothing else is sent to it, or kept. */
bool vault_is_ciphertext(struct tobi_bytes text);

#endif
