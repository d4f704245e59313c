/*
 * The certificates of NVIDIA's devices and of who signs reference values, verified once
 * and remembered; and what OCSP answers say of them.
 */
#ifndef TOBI_TEE_NVIDIA_CHAIN_H
#define TOBI_TEE_NVIDIA_CHAIN_H

#include "pki/memo.h"
#include "pki/ocsp.h"
#include "pki/pinned.h"
#include "tee/nvidia_evidence.h"
#include "tee/tee.h"

enum { NVIDIA_NAME_MAX = 64 };

enum nvidia_chain_kind { NVIDIA_DEVICE, NVIDIA_SIGNER };

struct nvidia_chain {
	struct memo_value head;
	struct memo_name name;
	/* As they came: leaf first, root last; in DER, back to back. */
	struct writer der;
	size_t sizes[LIMIT_COSE_CHAIN];
	size_t count;
	/* The same, read; gone once the chain was looked at, as each takes ten times the
	 * memory: nvidia_chain_open(). */
	X509 *certificates[LIMIT_COSE_CHAIN];
	char names[LIMIT_COSE_CHAIN][NVIDIA_NAME_MAX];
	char serials[LIMIT_COSE_CHAIN][OCSP_NAME_SIZE + 1]; /* ocsp_name() */
	EVP_PKEY *key;					    /* the leaf's */
	struct chain_window window;
	/* What does not hold, in words; "" where all is right, NULL: not looked at. */
	char path[160];
	const char *profile;
	/* Of a device. */
	bool has_fwid;
	uint8_t fwid[NVIDIA_FWID_SIZE];
	uint8_t ueid[NVIDIA_UEID_SIZE];
	char chip[NVIDIA_TEXT_MAX];
};

/* Whether it is PEM whose first certificate is a device's, by a look at its bytes. */
bool nvidia_chain_is(struct tobi_bytes bytes);
/*
 * A chain in PEM, of certificates that are the way to a root and nothing else, leaf
 * first. Only one with which all is right is kept in the request's memo. memo_unref() its
 * head. TOBI_E_MEMORY, _CRYPTO; a bad certificate is no error.
 */
TOBI_MUST_USE enum tobi_err nvidia_chain_read(struct tobi_bytes pem,
					      const struct key_pins *pins,
					      const struct tee_request *request,
					      const struct nvidia_material *material,
					      struct nvidia_chain **ret_chain,
					      struct tobi_fault *fault);
/* The same, of certificates in DER, of who has signed reference values; not remembered by
 * itself. */
TOBI_MUST_USE enum tobi_err nvidia_chain_make(const struct tobi_bytes *der, size_t count,
					      const struct key_pins *pins, int64_t time,
					      struct nvidia_chain **ret_chain,
					      struct tobi_fault *fault);
void nvidia_chain_unref(struct nvidia_chain **chain);
/* The chain's certificates, read anew, each to be freed; false: not all could be. */
bool nvidia_chain_open(const struct nvidia_chain *chain,
		       X509 *ret_list[static LIMIT_COSE_CHAIN]);
/* While nobody else has the chain: looks for answers, which are remembered, and lets the
 * certificates go. Not of a chain with which anything is wrong, and not without a memo.
 */
void nvidia_chain_settle(struct nvidia_chain *chain, enum nvidia_chain_kind kind,
			 const struct nvidia_material *material,
			 const struct tee_request *request);
/* "", or what is wrong with it as a chain. */
const char *nvidia_chain_wrong(const struct nvidia_chain *chain);

/* Of all certificates of a chain that NVIDIA can revoke together. */
struct nvidia_answers {
	enum nvidia_answer worst;
	const char *of;	 /* the certificate's name; of the chain */
	const char *why; /* a literal */
	bool held;	 /* one is on hold, whatever the others are */
};

/* Reads the answers that came and those of the collateral that are about the chain's
 * certificates. The leaf of a device has been certified by the device itself, and has no
 * answer. */
struct nvidia_answers nvidia_chain_answers(const struct nvidia_chain *chain,
					   enum nvidia_chain_kind kind,
					   const struct nvidia_material *material,
					   const struct tee_request *request);

#endif
