/*
 * The forms in which people hand evidence on: the bytes themselves, hexadecimal text,
 * base64 text, or PEM-like armour (docs/PROTOCOL.md section 14.7).
 *
 * A form is taken off once, and only when what is in it is evidence; nothing is guessed
 * when two readings are.
 */
#ifndef TOBI_APPRAISE_UNWRAP_H
#define TOBI_APPRAISE_UNWRAP_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/writer.h"

struct unwrapped {
	struct tobi_bytes bytes; /* of the file, or of the storage */
	const char *form;	 /* "hexadecimal", "base64", ...; NULL: as it is */
};

/* Evidence of a kind that is known here: a vendor's, a collection, a certificate. */
bool unwrap_is_evidence(struct tobi_bytes bytes);
/*
 * known: unwrap_is_evidence, or what a test wants. storage: the caller's, wr_init() with
 * LIMIT_EVIDENCE; it holds what was decoded. Errors: TOBI_E_UNSUPPORTED in one line: what
 * the file looks like, or which kinds are known and which forms were tried; _LIMIT,
 * _MEMORY. An empty file, and one that begins as a collection or a certificate does, is
 * left to its reader, who has more to say of it.
 */
TOBI_MUST_USE enum tobi_err unwrap_evidence(struct tobi_bytes file,
					    bool (*known)(struct tobi_bytes),
					    struct writer *storage,
					    struct unwrapped *ret_unwrapped,
					    struct tobi_fault *fault);
enum { HARDWARE_PARTS_MAX = 1 + LIMIT_CMW_ENTRIES };

struct hardware_parts {
	struct tobi_bytes list[HARDWARE_PARTS_MAX];
	size_t count;
};

/*
 * The hardware's own evidence, where it is inside: of a wrapper in any form (the guest's,
 * where there is one; and NVIDIA's devices, behind it), of a certificate, of Azure's
 * paravisor, of Google's message. Other evidence is as it is. Nothing is verified.
 * Borrowed, or in the arena. Errors: of what cannot be read; TOBI_E_NOT_FOUND for a
 * certificate without evidence, and when Azure's has no quote of TDX; _UNSUPPORTED for a
 * wrapper without any, or with several CPUs'; _MEMORY.
 */
TOBI_MUST_USE enum tobi_err unwrap_hardware(struct tobi_bytes evidence,
					    struct arena *arena,
					    struct hardware_parts *ret_parts,
					    struct tobi_fault *fault);
/* What bytes are that people give in the place of evidence, and what to do instead; NULL
 * for anything else. */
const char *unwrap_hint(struct tobi_bytes bytes);

#endif
