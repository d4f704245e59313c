/*
 * Lists of bytes in JSON, read ahead: virtee's form of evidence (kbs_snp.h) has its
 * report and its certificates as some 6,000 numbers, of which a reader of any JSON makes
 * as many objects. Here each list becomes bytes, and in the text a short mark stands for
 * it.
 *
 * A mark is a string that begins with U+0001. JSON can say that character in one way
 * only, and a text in which that stands is left as it is: so no mark is a client's.
 */
#ifndef TOBI_BROKER_KBS_LISTS_H
#define TOBI_BROKER_KBS_LISTS_H

#include <jansson.h>

#include "base/arena.h"

enum { KBS_LISTS_MAX = 64, KBS_LIST_MIN = 16 };

struct kbs_lists {
	struct tobi_bytes lists[KBS_LISTS_MAX];
	size_t count;
};

/*
 * Of an attestation's text, below tee-evidence.primary_evidence, the first lists of at
 * least KBS_LIST_MIN numbers from 0 to 255, and nothing else in them. All else is for the
 * reader of JSON to judge; text that is not JSON stays none. *ret_text and the lists
 * borrow from the arena or the text. TOBI_E_MEMORY.
 */
TOBI_MUST_USE enum tobi_err kbs_lists_take(struct tobi_bytes text, struct arena *arena,
					   struct kbs_lists *ret_lists,
					   struct tobi_bytes *ret_text);
/* What a value is a mark of; NULL for any other value. lists: NULL for none. */
const struct tobi_bytes *kbs_lists_find(const struct kbs_lists *lists,
					const json_t *value);

#endif
