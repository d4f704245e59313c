/* Wrappers in every form: the records that are found are written as JSON, and read again
 * as the same. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "token/cmw.h"

static bool is_flat(const struct cmw *cmw)
{
	for (size_t i = 0; i < cmw->count; i++) {
		if (!cmw->records[i].key.size ||
		    memchr(cmw->records[i].key.ptr, '/', cmw->records[i].key.size))
			return false;
	}
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(16 << 20);
	struct writer json = wr_init(4 << 20);
	struct cmw cmw, again;
	bool accepted = !cmw_open(input, "wrapper", &arena, &cmw, NULL);

	if (accepted) {
		must(cmw.count > 0 && cmw.count <= LIMIT_CMW_ENTRIES);
		must(!cmw.alone || cmw.count == 1);
	}
	if (accepted && is_flat(&cmw)) {
		cmw_write_json(&json, cmw.records, cmw.count);
		if (!wr_err(&json) && json.size <= LIMIT_CMW) {
			must(!cmw_open(wr_view(&json), "wrapper", &arena, &again, NULL));
			must(again.count == cmw.count);
		}
	}
	wr_done(&json);
	arena_done(&arena);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const struct cmw_record records[] = {
	    {text_of("cpu"), text_of("a/b"), 0, text_of("token"), CMW_EVIDENCE},
	    {text_of("endorse"), {0}, 300, text_of("chain"), 0}};

	switch (number) {
	case 0:
		cmw_write(out, records, 2);
		return FUZZ_GOOD;
	case 1:
		cmw_write_json(out, records, 2);
		return FUZZ_GOOD;
	case 2:
	case 3:
		cmw_write_record(out, number == 2 ? CMW_CBOR : CMW_JSON, records);
		return FUZZ_GOOD;
	case 4:
		cmw_write_tag(out, &records[1]);
		return FUZZ_GOOD;
	case 5:
		wr_printf(out, "{\"__cmwc_t\":\"t\",\"a\":{\"b\":[1,\"AA\"]}}");
		return FUZZ_GOOD;
	default:
		return FUZZ_NO_SEED;
	}
}
