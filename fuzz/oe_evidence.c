/* Open Enclave's evidence: what is read lies in the input, and makes it up; claims that
 * are a list lie in the claims. */
#include "fuzz/fuzz.h"
#include "tests/oe.h"
#include "token/oe_evidence.h"

static void check_claims(struct tobi_bytes bytes)
{
	struct oe_claim claims[OE_CLAIMS_MAX];
	size_t count = oe_claims_read(bytes, claims), sum = 16;

	for (size_t i = 0; i < count; i++) {
		must_be_inside(claims[i].name, bytes);
		must_be_inside(claims[i].value, bytes);
		sum += 16 + claims[i].name.size + 1 + claims[i].value.size;
	}
	must(count == 0 || sum == bytes.size);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct oe_evidence evidence;
	struct tobi_fault fault = {0};
	enum tobi_err err;

	must_be_inside(oe_report_quote(input), input);
	check_claims(input);
	err = oe_evidence_parse(input, &evidence, &fault);
	must(err == fault.code);
	if (err)
		return false;
	must(oe_evidence_format(input) == evidence.format);
	must_be_inside(evidence.quote, input);
	must_be_inside(evidence.claims, input);
	must(evidence.format == OE_LEGACY_REPORT ||
	     evidence.quote.size + evidence.claims.size + OE_EVIDENCE_HEADER ==
		 input.size);
	check_claims(evidence.claims);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer claims = wr_init(1024), quote = wr_init(1024);

	if (number >= 5)
		return FUZZ_NO_SEED;
	memset(wr_reserve(&quote, 432), 3, 432);
	oe_put_le(&quote, number == 4 ? 11 : 10, 4);
	wr_reserve(&quote, 10);
	if (number == 0)
		oe_claim_write("nonce", text_of("12345678"), &claims);
	if (number == 3)
		oe_report_write(wr_view(&quote), out);
	else
		oe_evidence_write(wr_view(&quote), wr_view(&claims), number == 2, out);
	wr_done(&claims);
	wr_done(&quote);
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
