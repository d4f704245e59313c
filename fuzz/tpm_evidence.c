/* A TPM's submodule of a token: what is read is written again as the same bytes. */
#include "fuzz/fuzz.h"
#include "token/tpm_evidence.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct writer out = wr_init(input.size);
	struct tpm_evidence evidence;
	struct tobi_fault fault = {0};

	if (tpm_evidence_parse(input, &evidence, &fault)) {
		must(fault.code && fault.has_offset && fault.offset <= input.size);
		return false;
	}
	must(evidence.chain_count <= TPM_EVIDENCE_CHAINS);
	tpm_evidence_write(&out, &evidence);
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t value[32] = {1};
	struct tpm_evidence evidence = {.quote = text_of("quote"),
					.quote_signature = text_of("signature"),
					.ak = text_of("key"),
					.key = text_of("key"),
					.certify = text_of("certify"),
					.certify_signature = text_of("signature"),
					.chain_count = number,
					.chain_sizes = {1, LIMIT_COSE_CHAIN}};

	if (number > TPM_EVIDENCE_CHAINS)
		return FUZZ_NO_SEED;
	for (size_t i = 0; i < TPM_EVIDENCE_PCRS; i += number + 1)
		evidence.pcrs[i] = (struct tobi_bytes){value, sizeof(value)};
	tpm_evidence_write(out, &evidence);
	return FUZZ_GOOD;
}
