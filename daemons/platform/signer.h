/*
 * The signer: a process of its own that alone holds the platform key and the seal root.
 * The service asks it over a socket pair (docs/PROTOCOL.md section 6.3).
 */
#ifndef PLATFORM_SIGNER_H
#define PLATFORM_SIGNER_H

#include <sys/types.h>

#include "codec/cose.h"
#include "root/root.h"

struct signer {
	pid_t pid;
	int fd; /* -1: lost */
	uint64_t requests;
	bool locked;	       /* its memory is never swapped */
	bool has_counter;      /* the root has one in hardware */
	bool has_quote;	       /* a TPM's, of its state */
	const char *root_kind; /* a literal of the provider */
	enum cose_alg alg;     /* COSE_ES384 or COSE_ES256 */
	uint8_t ueid[33];
	struct writer public_bytes; /* owned; the rest borrows from it */
	struct tobi_bytes chain[LIMIT_COSE_CHAIN];
	size_t chain_count;
	struct tobi_bytes endorse; /* the owner's chain as a CBOR array, or empty */
};

/* Forks the signer, which opens the root in folder: this process never has the keys, and
 * so nothing that it forks later. Call it before anything else is open. */
TOBI_MUST_USE enum tobi_err signer_start(const char *folder, struct signer *ret_signer,
					 struct tobi_fault *fault);
void signer_stop(struct signer *signer);

/* After a request that was not answered as it should be: there are no more answers. */
bool signer_is_lost(const struct signer *signer);

/* Asks for a signature of signer->alg; fits struct cose_signer with the signer as
 * context. */
TOBI_MUST_USE enum tobi_err signer_sign(void *signer, struct tobi_bytes message,
					struct writer *ret_signature,
					struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err signer_derive(struct signer *signer, struct tobi_bytes info,
					  uint8_t ret_key[static 32],
					  struct tobi_fault *fault);
/* The root's counter in hardware, after one step when it is to increment. */
TOBI_MUST_USE enum tobi_err signer_counter(struct signer *signer, bool increment,
					   uint64_t *ret_value, struct tobi_fault *fault);
/* Whether the keys can still be used: a device may go away. */
TOBI_MUST_USE enum tobi_err signer_check(struct signer *signer, struct tobi_fault *fault);
/* A TPM's quote for a token with this nonce (32 bytes): the token's submodule. */
TOBI_MUST_USE enum tobi_err signer_quote(struct signer *signer, struct tobi_bytes nonce,
					 struct writer *out, struct tobi_fault *fault);

#endif
