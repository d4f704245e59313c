/* Writing reference values of a Tobichi image (docs/PROTOCOL.md, section 16.5). */
#ifndef TOBI_CORIM_WRITE_H
#define TOBI_CORIM_WRITE_H

#include "base/writer.h"
#include "corim/corim.h"

struct corim_image {
	struct tobi_bytes name;	    /* for people: endorsed for this image */
	struct tobi_bytes image_id; /* SHA-384 */
	uint64_t svn, product;
	bool debug;
};

/* Unsigned, tag 501, appended: the same image gives the same bytes. */
TOBI_MUST_USE enum tobi_err corim_write_image(const struct corim_image *image,
					      struct writer *out,
					      struct tobi_fault *fault);

#endif
