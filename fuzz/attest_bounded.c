/* What an attester's process says: what is read and written again is the same. */
#include "attest/bounded.h"
#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct attest_output output = attest_output_init();
	struct writer again = wr_init(BOUNDED_MAX);
	struct tobi_fault fault = {0};
	enum tobi_err err = bounded_read(input, &output, &fault);

	must(!err == (fault.code == TOBI_OK));
	if (!err) {
		must(output.kind && output.piece_count <= LIMIT_PIECES);
		bounded_write(TOBI_OK, NULL, &output, &again);
		/* Texts may have been cut at a zero byte. */
		must(!wr_err(&again) && again.size <= input.size);
	}
	attest_output_done(&output);
	wr_done(&again);
	return !err;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct attest_output output = attest_output_init();
	const struct tobi_fault why = {.code = TOBI_E_DENIED, .message = "no"};

	if (number >= 2)
		return FUZZ_NO_SEED;
	output.kind = "snp-report";
	wr_bytes(&output.evidence, "evidence", 8);
	wr_bytes(attest_piece_add(&output, ATTEST_ENDORSEMENT, "a.der"), "a", 1);
	bounded_write(number ? TOBI_E_DENIED : TOBI_OK, &why, &output, out);
	attest_output_done(&output);
	return number ? FUZZ_BAD : FUZZ_GOOD;
}
