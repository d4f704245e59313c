/* JSON that is read, written and read again is equal; base64url that is read is written
 * as the same text. The first byte chooses which. */
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"

static bool read_base64url(struct tobi_bytes input)
{
	struct writer bytes = wr_init(input.size), text = wr_init(input.size);
	bool accepted = !base64url_read(input, "text", &bytes, NULL);

	if (accepted) {
		base64url_write(&text, wr_view(&bytes));
		must(bytes_equal(wr_view(&text), input));
	}
	wr_done(&bytes);
	wr_done(&text);
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct writer text = wr_init(16 << 20);
	json_t *json = NULL, *again = NULL;

	if (take_choice(&input) & 1)
		return read_base64url(input);
	if (json_parse(input, LIMIT_JSON, "json", &json, NULL))
		return false;
	must(!json_write(json, false, &text, NULL));
	must(!json_parse(wr_view(&text), 16 << 20, "json", &again, NULL));
	must(json_equal(json, again));
	json_decref(json);
	json_decref(again);
	wr_done(&text);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const seeds[] = {
	    "{\"a\":[1,-2.5e3,true,null,{\"b\\u00e9\\n\":\"\"}]}", "[[[[]]],{}]",
	    "-_Az09-_", "Zm9vYg"};

	if (number >= 4)
		return FUZZ_NO_SEED;
	wr_u8(out, number >= 2);
	wr_printf(out, "%s", seeds[number]);
	return FUZZ_GOOD;
}
