/*
 * The kernel's list of the files that it measured: binary_runtime_measurements or
 * ascii_runtime_measurements, and those of other hashes than SHA-1.
 *
 * Source: Linux 6.8, security/integrity/ima (ima_fs.c, ima_template.c,
 * ima_template_lib.c, ima_crypto.c) and Documentation/security/IMA-templates.rst.
 */
#ifndef TOBI_TEE_IMA_LOG_H
#define TOBI_TEE_IMA_LOG_H

#include "base/reader.h"
#include "base/writer.h"
#include "tee/event_hash.h"

enum { LIMIT_IMA_ENTRIES = 32768, IMA_ALGORITHM_MAX = 16 };

struct ima_entry {
	uint32_t index;		  /* the PCR */
	struct tobi_bytes digest; /* the template's, as it is logged */
	struct tobi_bytes data;	  /* what that digest is of */
	bool violation; /* the digest is all zeros: the file changed while it was read */
	/* Of the file, as far as its template has them; else empty. */
	char algorithm[IMA_ALGORITHM_MAX + 1]; /* "sha256"; "" before ima-ng: SHA-1 */
	struct tobi_bytes file;
	struct tobi_bytes path;
};

struct ima_log {
	struct reader rd;
	bool is_text;
	uint16_t algorithm; /* of the templates' digests */
	size_t digest_size;
	size_t read;
	/* Spans of an entry point in here, or into the log: until the next one. */
	struct writer data;
	uint8_t digest[EVENT_DIGEST_MAX], file[EVENT_DIGEST_MAX];
};

/* Whether the bytes start as either form does. */
bool ima_log_starts(struct tobi_bytes bytes);
/* ima_log_done() it, whatever came out. Errors: TOBI_E_UNSUPPORTED. */
TOBI_MUST_USE enum tobi_err ima_log_open(struct tobi_bytes bytes, struct ima_log *ret_log,
					 struct tobi_fault *fault);
void ima_log_done(struct ima_log *log);
/* False at the end, and after a failure: ima_log_finish() tells. */
bool ima_log_next(struct ima_log *log, struct ima_entry *ret_entry);
/* Errors: TOBI_E_TRUNCATED, _MALFORMED, _LIMIT, _UNSUPPORTED, _MEMORY. */
TOBI_MUST_USE enum tobi_err ima_log_finish(const struct ima_log *log,
					   struct tobi_fault *fault);

#endif
