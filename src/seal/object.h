/*
 * A sealed object (docs/PROTOCOL.md section 10): a header that says for whom, ciphertext,
 * tag. AES-256-GCM under a key of this object alone, so its nonce may be fixed.
 */
#ifndef TOBI_SEAL_OBJECT_H
#define TOBI_SEAL_OBJECT_H

#include "pki/key.h"
#include "tobichi/seal.h"

enum {
	SEAL_HEADER_SIZE = 104,
	SEAL_TAG_SIZE = 16,
	SEAL_SALT_SIZE = 32,
	SEAL_KEY_SIZE = 32,
	SEAL_OBJECT_MAX = TOBI_SEAL_CONTENT_MAX + TOBI_SEAL_OVERHEAD,
};

/* The label of the key that the platform derives for all objects of one identity. */
#define SEAL_OBJECT_LABEL "tobichi-seal/1"

struct seal_header {
	enum tobi_seal_to to;
	bool debug;
	uint16_t product, svn;	 /* zero for TOBI_SEAL_TO_IMAGE */
	uint8_t id[SHA384_SIZE]; /* of the image, or of the signer */
	uint8_t salt[SEAL_SALT_SIZE];
	uint64_t size; /* of the content */
};

void seal_header_write(const struct seal_header *header,
		       uint8_t out[static SEAL_HEADER_SIZE]);
/* start: the object's first bytes, at most SEAL_HEADER_SIZE of them are looked at; total:
 * the size of the whole object, which must be the one that the header asks for. */
TOBI_MUST_USE enum tobi_err seal_header_parse(struct tobi_bytes start, uint64_t total,
					      struct seal_header *ret_header,
					      struct tobi_fault *fault);

/* One pass over one object, in parts of any size. */
struct seal_pass;

/* key: the identity's, from which that of this object is derived; it is not kept. header:
 * as written; it and the associated data are authenticated. */
TOBI_MUST_USE enum tobi_err
seal_pass_new(bool opens, const uint8_t key[static SEAL_KEY_SIZE],
	      const uint8_t header[static SEAL_HEADER_SIZE], struct tobi_bytes associated,
	      struct seal_pass **ret_pass, struct tobi_fault *fault);
void seal_pass_free(struct seal_pass *pass);
DEFINE_CLEANUP(struct seal_pass *, seal_pass_free)
/* in and out may be the same. What opening gives means nothing before seal_pass_check().
 */
TOBI_MUST_USE enum tobi_err seal_pass_update(struct seal_pass *pass, struct tobi_bytes in,
					     uint8_t *out, struct tobi_fault *fault);
/* The end: the tag of what was sealed; or TOBI_E_MISMATCH when this is not the tag of
 * what was opened. */
TOBI_MUST_USE enum tobi_err seal_pass_tag(struct seal_pass *pass,
					  uint8_t ret_tag[static SEAL_TAG_SIZE],
					  struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err seal_pass_check(struct seal_pass *pass,
					    const uint8_t tag[static SEAL_TAG_SIZE],
					    struct tobi_fault *fault);

#endif
