/*
 * The table of certificates that an extended report of AMD SEV-SNP brings along (Linux,
 * SNP_GET_EXT_REPORT): the host wrote it, and nobody signed it.
 */
#ifndef TOBI_TEE_SNP_TABLE_H
#define TOBI_TEE_SNP_TABLE_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum snp_table_kind {
	SNP_TABLE_OTHER, /* a GUID that is not known here */
	SNP_TABLE_VCEK,
	SNP_TABLE_VLEK,
	SNP_TABLE_ASK,
	SNP_TABLE_ARK,
	SNP_TABLE_CRL,
	SNP_TABLE_KINDS
};

enum { SNP_TABLE_ENTRIES_MAX = 16 };

struct snp_table {
	struct {
		enum snp_table_kind kind;
		struct tobi_bytes data; /* borrowed */
	} entries[SNP_TABLE_ENTRIES_MAX];
	size_t count;
};

/* Whether bytes start with the GUID of an entry. */
bool snp_table_recognise(struct tobi_bytes bytes);
/*
 * Entries until one of zeros; each known GUID once; data behind the entries, not
 * overlapping. What belongs to no entry must be zero (hosts fill up pages). Errors:
 * TOBI_E_TRUNCATED, _MALFORMED, _LIMIT.
 */
TOBI_MUST_USE enum tobi_err snp_table_parse(struct tobi_bytes bytes,
					    struct snp_table *ret_table,
					    struct tobi_fault *fault);

#endif
