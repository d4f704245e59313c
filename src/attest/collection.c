#include "attest/collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tee/tee.h"
#include "token/cmw.h"

enum { KEY_SIZE = 16, RECORDS_MAX = 3 + LIMIT_PIECES };

/* Shorter keys first, then by bytes: as deterministic CBOR has them. */
static int compare_keys(const void *a, const void *b)
{
	const struct tobi_bytes one = ((const struct cmw_record *)a)->key;
	const struct tobi_bytes other = ((const struct cmw_record *)b)->key;

	if (one.size != other.size)
		return one.size < other.size ? -1 : 1;
	return memcmp(one.ptr, other.ptr, one.size);
}

static size_t count_kind(const struct attest_output *output, enum attest_piece_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < output->piece_count; i++)
		count += output->pieces[i].kind == kind;
	return count;
}

static void write_endorsements(const struct attest_output *output, struct writer *out)
{
	cbor_write_array(out, count_kind(output, ATTEST_ENDORSEMENT));
	for (size_t i = 0; i < output->piece_count; i++) {
		if (output->pieces[i].kind == ATTEST_ENDORSEMENT)
			cbor_write_bytes(out, wr_view(&output->pieces[i].bytes));
	}
}

/* "log", "log-2", ... */
static size_t add_logs(const struct attest_output *output,
		       char keys[static LIMIT_PIECES][KEY_SIZE],
		       struct cmw_record *records)
{
	size_t count = 0;

	for (size_t i = 0; i < output->piece_count; i++) {
		if (output->pieces[i].kind != ATTEST_LOG)
			continue;
		if (count == 0)
			snprintf(keys[count], KEY_SIZE, "log");
		else
			snprintf(keys[count], KEY_SIZE, "log-%zu", count + 1);
		records[count] =
		    (struct cmw_record){.key = bytes_of_text(keys[count]),
					.media_type = bytes_of_text(CMW_TYPE_LOG),
					.value = wr_view(&output->pieces[i].bytes),
					.indicator = CMW_EVIDENCE};
		count++;
	}
	return count;
}

enum tobi_err collection_write(const struct attest_output *output,
			       struct tobi_bytes claims_buffer, struct writer *out,
			       struct tobi_fault *fault)
{
	const struct tee_verifier *verifier = tee_verifier_named(output->kind);
	CLEANUP(wr_done) struct writer endorsements = wr_init(LIMIT_CMW);
	char keys[LIMIT_PIECES][KEY_SIZE];
	struct cmw_record records[RECORDS_MAX];
	size_t count = 0;

	if (!verifier)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "evidence", "",
				 "there is no verifier for %s here: take it as it is, "
				 "with --raw",
				 output->kind);
	records[count++] =
	    (struct cmw_record){.key = bytes_of_text("cpu"),
				.media_type = bytes_of_text(verifier->media_type),
				.value = wr_view(&output->evidence),
				.indicator = CMW_EVIDENCE};
	if (claims_buffer.size)
		records[count++] =
		    (struct cmw_record){.key = bytes_of_text("claims"),
					.media_type = bytes_of_text(CMW_TYPE_CLAIMS),
					.value = claims_buffer,
					.indicator = CMW_EVIDENCE};
	if (count_kind(output, ATTEST_ENDORSEMENT)) {
		write_endorsements(output, &endorsements);
		records[count++] =
		    (struct cmw_record){.key = bytes_of_text("endorse"),
					.media_type = bytes_of_text(CMW_TYPE_CHAIN),
					.value = wr_view(&endorsements),
					.indicator = CMW_ENDORSEMENT};
	}
	count += add_logs(output, keys, records + count);
	qsort(records, count, sizeof(records[0]), compare_keys);
	cmw_write(out, records, count);
	if (wr_err(&endorsements) || wr_err(out))
		return fault_set(fault, TOBI_E_LIMIT, "evidence", "",
				 "with its pieces it has over %d bytes: take them as "
				 "files, with --raw",
				 LIMIT_CMW);
	return TOBI_OK;
}
