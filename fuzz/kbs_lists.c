/* Lists of bytes that are read ahead of an attestation's JSON: with them put back, it is
 * what it was. */
#include "broker/kbs_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"

static const char escaped[] = "\"\\u0001";

static void put_list(const struct tobi_bytes *list, struct writer *out)
{
	for (size_t i = 0; i < list->size; i++)
		wr_printf(out, "%s%u", i ? "," : "[", list->ptr[i]);
	wr_u8(out, ']');
}

/* A document as text, with a list for each mark. */
static void put_back(const json_t *json, const struct kbs_lists *lists,
		     struct writer *out)
{
	char *text = json_dumps(json, JSON_COMPACT), *at = text, *mark;

	must(text != NULL);
	while (lists->count && (mark = strstr(at, escaped))) {
		char *end = NULL;
		size_t which = strtoul(mark + strlen(escaped), &end, 10);

		must(which < lists->count && *end == '"');
		wr_bytes(out, at, (size_t)(mark - at));
		put_list(&lists->lists[which], out);
		at = end + 1;
	}
	wr_bytes(out, at, strlen(at));
	free(text);
}

static bool same(struct tobi_bytes plain, struct tobi_bytes ahead,
		 const struct kbs_lists *lists)
{
	struct writer before = wr_init(16 << 20), after = wr_init(16 << 20);
	json_t *was = NULL, *is = NULL;
	enum tobi_err err = json_parse(plain, LIMIT_KBS_BODY, "fuzz", &was, NULL);
	enum tobi_err then = json_parse(ahead, LIMIT_KBS_BODY, "fuzz", &is, NULL);
	bool good = !err && !then;

	/* A list more or less is no depth any more. */
	must(err == TOBI_E_LIMIT || !err == !then);
	if (good) {
		put_back(was, &(struct kbs_lists){.count = 0}, &before);
		put_back(is, lists, &after);
		must(bytes_equal(wr_view(&before), wr_view(&after)));
	}
	json_decref(was);
	json_decref(is);
	wr_done(&before);
	wr_done(&after);
	return good && lists->count;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(4 * LIMIT_KBS_BODY);
	struct kbs_lists lists;
	struct tobi_bytes text;
	bool good;

	must(!kbs_lists_take(input, &arena, &lists, &text));
	must(text.size <= input.size && lists.count <= KBS_LISTS_MAX);
	for (size_t i = 0; i < lists.count; i++)
		must(lists.lists[i].size >= KBS_LIST_MIN);
	good = same(input, text, &lists);
	arena_done(&arena);
	return good;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char list[] = "[0,1,2,3,4,5,6,7,8,9,10,99,100,199,200, 255 ]";

	if (number > 2)
		return FUZZ_NO_SEED;
	if (number == 2) {
		wr_printf(out, "{\"a\":%s,\"b\":\"\\u0001\"}", list);
		return FUZZ_BAD;
	}
	wr_printf(out,
		  "{\"runtime-data\":{\"nonce\":\"bm9uY2U=\",\"tee-pubkey\":{}},\"tee-"
		  "evidence\":{\"primary_evidence\":{\"a\":%s,\"b\":[{\"c\":%s},\"\\\"\","
		  "[1,%u]]},\"additional_evidence\":\"\"}}",
		  list, list, number);
	return FUZZ_GOOD;
}
