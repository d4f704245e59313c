/* The files tpm.root and tpm.new: what is read is written again as the same bytes. */
#include <stdio.h>

#include "fuzz/fuzz.h"
#include "root/tpm_record.h"

static bool pending_one(struct tobi_bytes input)
{
	struct writer out = wr_init(LIMIT_TPM_RECORD);
	struct tobi_fault fault = {0};
	struct tpm_pending pending;

	if (tpm_pending_parse(input, &pending, &fault)) {
		must(fault.code && fault.has_offset && fault.offset <= input.size);
		return false;
	}
	tpm_pending_write(&out, &pending);
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct writer out = wr_init(LIMIT_TPM_RECORD);
	struct tobi_fault fault = {0};
	struct tpm_record record;

	if (tpm_record_parse(input, &record, &fault)) {
		must(fault.code && fault.has_offset && fault.offset <= input.size);
		return pending_one(input);
	}
	must(record.key.name_size <= TPM_NAME_MAX && record.pcrs >> TPM_PCR_COUNT == 0);
	tpm_record_write(&out, &record);
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct tpm_object object = {.handle = 0x81005400, .name_size = 34};
	struct tpm_object index = {.handle = 0x01815400, .name_size = 34};
	struct tpm_record record = {.storage = object,
				    .key = object,
				    .seal = object,
				    .ak = object,
				    .counter = index,
				    .pcrs = 0xff};

	if (number > 2)
		return FUZZ_NO_SEED;
	if (number == 2) {
		tpm_pending_write(out,
				  &(struct tpm_pending){.device = "device:/dev/tpmrm0",
							.owner_file = "/etc/owner"});
		return FUZZ_GOOD;
	}
	if (number == 1) {
		record.storage.name_size = TPM_NAME_MAX;
		record.pcrs = 0xffffff;
	}
	snprintf(record.device, sizeof(record.device), "device:/dev/tpmrm0");
	must(!tpm_blob_set(&record.key_public, text_of("key")));
	must(!tpm_blob_set(&record.ak_public, text_of("key")));
	must(!tpm_blob_set(&record.certify, text_of("certify")));
	must(!tpm_blob_set(&record.certify_signature, text_of("signature")));
	tpm_record_write(out, &record);
	return FUZZ_GOOD;
}
