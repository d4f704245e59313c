#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "token/cmw.h"

static int by_key(const void *a, const void *b)
{
	const struct cmw_record *left = a, *right = b;

	if (left->key.size != right->key.size)
		return left->key.size < right->key.size ? -1 : 1;
	return bytes_compare(left->key, right->key);
}

enum tobi_err cmw_put_claims(struct tobi_bytes collection,
			     struct tobi_bytes claims_buffer, struct writer *out,
			     struct tobi_fault *fault)
{
	CLEANUP(freep) struct cmw *cmw = calloc(1, sizeof(*cmw));
	const struct cmw_record claims = {.key = bytes_of_text("claims"),
					  .media_type = bytes_of_text(CMW_TYPE_CLAIMS),
					  .value = claims_buffer,
					  .indicator = CMW_EVIDENCE};
	struct cmw_record *place;
	enum tobi_err err;

	if (!cmw)
		return fault_set(fault, TOBI_E_MEMORY, "evidence", "", "out of memory");
	err = cmw_parse(collection, "evidence", cmw, fault);
	if (err)
		return err;
	place = (struct cmw_record *)(uintptr_t)cmw_find(cmw, "claims");
	if (!place && cmw->count < LIMIT_CMW_ENTRIES)
		place = &cmw->records[cmw->count++];
	if (!place)
		return fault_set(fault, TOBI_E_LIMIT, "evidence", "", "too many records");
	*place = claims;
	qsort(cmw->records, cmw->count, sizeof(cmw->records[0]), by_key);
	cmw_write(out, cmw->records, cmw->count);
	return wr_err(out);
}
