/*
 * Sealing: what a program inside an enclave keeps outside of it, so that only that
 * enclave's image, or a newer one of the same signer and product, reads it again; and
 * counters, for who must notice that an old copy was handed back.
 *
 * The program's agent does the work: its socket is /run/tobichi/agent.sock, there is
 * none outside an enclave, and no key ever reaches the program. What is sealed on one
 * platform opens on that platform only.
 *
 * Ownership: content that a function returns is the caller's, for tobi_seal_free().
 * Arguments: a policy, a name and ret_ pointers must not be NULL, nor bytes of a size; a
 * fault may be. ret_ values are left alone on failure. Threads: every call stands alone,
 * and waits for its answer. Source: docs/PROTOCOL.md sections 10 to 12; the rules are
 * those of SGX's sealing (MRENCLAVE, MRSIGNER with ISVPRODID and ISVSVN).
 */
#ifndef TOBICHI_SEAL_H
#define TOBICHI_SEAL_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are part of the ABI. */
enum tobi_seal_to {
	TOBI_SEAL_TO_IMAGE = 0, /* this image, to the last byte */
	/* Images of the signer with this one's product id and a security version that is
	 * the same or a newer one. */
	TOBI_SEAL_TO_SIGNER = 1,
};

enum {
	TOBI_SEAL_CONTENT_MAX = 16 << 20,    /* bytes, of one object's content */
	TOBI_SEAL_ASSOCIATED_MAX = 16 << 10, /* of associated data */
	TOBI_SEAL_OVERHEAD = 120,	     /* by which an object is larger */
	TOBI_COUNTER_NAME_MAX = 64,
};

struct tobi_seal_policy {
	enum tobi_seal_to to;
	/* TOBI_SEAL_TO_SIGNER: the signer id, 48 bytes, of one who has signed this image;
	 * or empty: the only one who has. Empty for TOBI_SEAL_TO_IMAGE. */
	struct tobi_bytes signer;
};

/*
 * Seals content, which may be empty, and binds associated data, which is not in the
 * object: who opens it must give the same. Errors: TOBI_E_ARGUMENT (a policy that is
 * none, a signer to choose), _LIMIT, _DENIED (a signer that is not this image's),
 * _NOT_FOUND (not inside an enclave), _TIMEOUT, _MEMORY, _CRYPTO, _SYSTEM.
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_seal(const struct tobi_seal_policy *policy,
					       struct tobi_bytes content,
					       struct tobi_bytes associated,
					       uint8_t **ret_sealed, size_t *ret_size,
					       struct tobi_fault *fault);
/*
 * Opens an object. Errors: TOBI_E_TRUNCATED, _TRAILING, _MALFORMED, _UNSUPPORTED,
 * _LIMIT (it is no object), _DENIED (sealed to another image, signer or product, to a
 * newer security version, or by a debug image for one that is none, and the other way),
 * _MISMATCH (changed, other associated data, or another platform), and as above.
 */
TOBI_API TOBI_MUST_USE enum tobi_err tobi_unseal(struct tobi_bytes sealed,
						 struct tobi_bytes associated,
						 uint8_t **ret_content, size_t *ret_size,
						 struct tobi_fault *fault);
/* Wipes size bytes and frees; accepts NULL. */
TOBI_API void tobi_seal_free(uint8_t *content, size_t size);

struct tobi_counter {
	uint64_t value; /* 0: never incremented */
	/* True: a counter in hardware notices when the platform's file of counters is
	 * replaced by an old one, or the counter is a broker's, whom the launch names.
	 * False: a restored backup is not noticed. */
	bool anchored;
};

/*
 * A counter that only goes up, by name, of this image or of its signer and product. name
 * has 1 to 64 of A-Z a-z 0-9 . _ -. An enclave has at most 64. Increment answers when the
 * new value is on the disk. Seal a value with what it is to guard, as associated data.
 * Errors: TOBI_E_ARGUMENT, _LIMIT (too many counters), _MISMATCH (the file of counters is
 * an old one, or was changed), and as for tobi_seal().
 */
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_counter_read(const struct tobi_seal_policy *policy, const char *name,
		  struct tobi_counter *ret_counter, struct tobi_fault *fault);
TOBI_API TOBI_MUST_USE enum tobi_err
tobi_counter_increment(const struct tobi_seal_policy *policy, const char *name,
		       struct tobi_counter *ret_counter, struct tobi_fault *fault);

#ifdef __cplusplus
}
#endif

#endif
