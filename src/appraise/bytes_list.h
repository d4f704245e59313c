/* What a policy names several of: hashes, ids, texts. */
#ifndef TOBI_APPRAISE_BYTES_LIST_H
#define TOBI_APPRAISE_BYTES_LIST_H

#include <stdbool.h>

#include "tobichi/bytes.h"

struct bytes_list {
	struct tobi_bytes *items;
	size_t count;
};

bool bytes_list_has(const struct bytes_list *list, struct tobi_bytes value);

#endif
