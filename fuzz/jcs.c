/* What has a canonical form has one: it reads as the same value, and its form is itself.
 */
#include "codec/jcs.h"

#include "base/limits.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct writer first = wr_init(8 * LIMIT_JSON), second = wr_init(8 * LIMIT_JSON);
	json_t *json = NULL, *again = NULL;
	bool good;

	if (json_parse(input, LIMIT_JSON, "fuzz", &json, NULL))
		return false;
	good = !jcs_write(json, &first, NULL);
	if (good) {
		must(!json_parse(wr_view(&first), 8 * LIMIT_JSON, "fuzz", &again, NULL));
		must(json_equal(json, again));
		must(!jcs_write(again, &second, NULL));
		must(bytes_equal(wr_view(&first), wr_view(&second)));
	}
	json_decref(json);
	json_decref(again);
	wr_done(&first);
	wr_done(&second);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const seeds[] = {
	    "{\"b\":1,\"a\":\"test\",\"c\":{\"d\":\"e\"}}",
	    "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"\\ud83d\\ude00\":4}",
	    "[[[]],{},-9007199254740991,\"\\u0001\\\"\\\\\"]"};

	if (number == sizeof(seeds) / sizeof(seeds[0])) {
		wr_printf(out, "[1.5]");
		return FUZZ_BAD;
	}
	if (number > sizeof(seeds) / sizeof(seeds[0]))
		return FUZZ_NO_SEED;
	wr_printf(out, "%s", seeds[number]);
	return FUZZ_GOOD;
}
