/* A collection that is accepted must be written back, records in order, as something
 * that is accepted again with the same records. */
#include "fuzz/fuzz.h"
#include "token/cmw.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct writer out = wr_init(2 * LIMIT_CMW);
	struct cmw cmw, again;
	bool accepted = !cmw_parse(input, "evidence", &cmw, NULL);

	if (accepted) {
		cmw_write(&out, cmw.records, cmw.count);
		must(!wr_err(&out) && wr_view(&out).size == input.size);
		must(!cmw_parse(wr_view(&out), "evidence", &again, NULL));
		must(again.count == cmw.count);
	}
	wr_done(&out);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const struct cmw_record records[] = {
	    {text_of("cpu"), text_of(CMW_TYPE_EAT), 0, text_of("token"), CMW_EVIDENCE},
	    {text_of("claims"), text_of(CMW_TYPE_CLAIMS), 0, text_of("claims"), 0},
	    {text_of("endorse"), {0}, 300, text_of("chain"), CMW_ENDORSEMENT},
	};

	if (number > 2)
		return FUZZ_NO_SEED;
	cmw_write(out, records, number + 1);
	return FUZZ_GOOD;
}
