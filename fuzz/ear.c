/* Claims of results and of tokens, as JSON or (first byte odd) CBOR: readers of both,
 * over the same tree. Whole appraisals of signed ones are in the target token. */
#include "base/limits.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"
#include "token/ear.h"
#include "token/eat.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	bool is_cbor = take_choice(&input) & 1, accepted = false;
	json_t *tree = NULL;
	struct ear *ear = arena_alloc(&arena, sizeof(*ear));
	struct eat *eat = arena_alloc(&arena, sizeof(*eat));

	if (is_cbor ? !claims_tree_read(input, "claims", &tree, NULL)
		    : !json_parse(input, LIMIT_JSON, "claims", &tree, NULL)) {
		if (!ear_read(tree, &arena, ear, NULL)) {
			accepted = true;
			must(ear->appraisal_count > 0 && ear->issued > 0);
			must(ear->key_count <= EAR_KEYS_MAX);
			for (size_t i = 0; i < ear->appraisal_count; i++)
				must(ear->appraisals[i].name != NULL);
		}
		if (!eat_read(tree, !is_cbor, &arena, eat, NULL)) {
			accepted = true;
			must(eat->nonce_given <= EAT_NONCES_MAX);
			must(eat->dbgstat >= -1 && eat->dbgstat <= 4);
		}
	}
	json_decref(tree);
	arena_done(&arena);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char eat[] =
	    "{\"eat_nonce\":\"AAAAAAAAAAA\",\"ueid\":\"AXV1dXV1dXV1\",\"oemid\":7,"
	    "\"hwmodel\":\"AA\",\"dbgstat\":\"disabled\",\"submods\":{},\"swname\":"
	    "\"a\"}";
	EVP_PKEY *key = fuzz_key(1);
	struct ear_content content = {.old = number & 1,
				      .issued = 1900000000,
				      .expires = 1900000060,
				      .nonce = text_of("noncenonce"),
				      .developer = "a",
				      .build = "b",
				      .submod = "s",
				      .status = EAR_AFFIRMING,
				      .policy = "p",
				      .key = key};
	json_t *tree;

	content.vector.has[AR4SI_HARDWARE] = true;
	content.vector.values[AR4SI_HARDWARE] = 2;
	if (number < 4) {
		wr_u8(out, number >= 2);
		if (number >= 2) {
			must(!ear_write_cbor(&content, out, NULL));
		} else {
			tree = ear_tree(&content);
			must(tree && !json_write(tree, false, out, NULL));
			json_decref(tree);
		}
	} else if (number == 4) {
		wr_u8(out, 0);
		wr_printf(out, "%s", eat);
	}
	EVP_PKEY_free(key);
	return number > 4 ? FUZZ_NO_SEED : FUZZ_GOOD;
}
