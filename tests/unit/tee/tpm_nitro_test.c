/* A document of NitroTPM beside a quote: it vouches for the key that it names, with the
 * values that it shows. */
#include "tee/tpm_nitro.h"

#include "tests/alone.h"
#include "tests/bytes.h"
#include "tests/nitro_scene.h"
#include "tests/quote_scene.h"

struct both {
	struct quote_scene quote;
	struct test_nitro nitro;
	bool as_point, as_another_point, of_another_key, without_key, without_root;
};

static void write_key(const struct both *both, struct writer *out)
{
	EVP_PKEY *key = both->of_another_key ? both->quote.other : both->quote.ak;

	assert_int_equal(key_spki(key, out, NULL), 0);
	/* The point is at the end. */
	if (both->as_point) {
		memmove(out->ptr, out->ptr + out->size - 65, 65);
		out->size = 65;
		out->ptr[0] ^= both->as_another_point;
	}
}

static struct tobi_result *appraise(void (*change)(struct both *both))
{
	struct both both = {0};
	struct writer document = wr_init(LIMIT_NITRO), key = wr_init(512);
	struct tobi_result *result;

	quote_scene_make(&both.quote, QUOTE_P256);
	test_nitro_make(&both.nitro, NITRO_TPM);
	both.quote.without_public = both.quote.without_certificate = true;
	both.quote.selections[0] = (struct tpm_selection){TPM_ALG_SHA384, 0xffff};
	both.quote.selection_count = 1;
	both.quote.tpm = "  quoted: [0, 7]\n  pcrs:\n    - index: 7\n      value: "
			 "181818181818181818181818181818181818181818181818"
			 "181818181818181818181818181818181818181818181818\n";
	for (unsigned i = 0; i < TPM_PCRS; i++)
		memset(both.nitro.pcrs[i], (int)(16 + i + 1), sizeof(both.nitro.pcrs[i]));
	change(&both);
	write_key(&both, &key);
	if (!both.without_key)
		both.nitro.public_key = wr_view(&key);
	test_nitro_document(&both.nitro, &document);
	both.quote.more_piece = wr_view(&document);
	if (!both.without_root)
		both.quote.more_root = wr_view(&both.nitro.certificates[NITRO_ROOT].der);
	result = quote_scene_appraise(&both.quote);
	wr_done(&document);
	wr_done(&key);
	test_nitro_done(&both.nitro);
	quote_scene_done(&both.quote);
	return result;
}

static void is_right(struct both *both)
{
	(void)both;
}
static void names_a_point(struct both *both)
{
	both->as_point = true;
}
static void comes_with_the_key(struct both *both)
{
	both->quote.without_public = false;
}
static void shows_another_value(struct both *both)
{
	both->nitro.pcrs[3][0] ^= 1;
}
static void is_of_another_bank(struct both *both)
{
	both->quote.selections[1] = (struct tpm_selection){TPM_ALG_SHA256, 0xff};
	both->quote.selection_count = 2;
}
static void is_of_one_other_bank(struct both *both)
{
	both->quote.selections[0] = (struct tpm_selection){TPM_ALG_SHA256, 0xffff};
	both->quote.tpm =
	    "  quoted: [0, 7]\n  pcrs:\n    - index: 7\n      value: "
	    "0808080808080808080808080808080808080808080808080808080808080808\n";
}
static void is_of_another_root(struct both *both)
{
	both->without_root = true;
}
/* It says nothing of a TPM. */
static void is_an_enclaves(struct both *both)
{
	both->quote.without_public = false;
	both->nitro.kind = NITRO_ENCLAVE;
}
static void had_expired(struct both *both)
{
	both->nitro.certificates[NITRO_LEAF].not_after = NITRO_NOW - 10;
}
static void names_another_key(struct both *both)
{
	both->quote.without_public = false;
	both->of_another_key = true;
}
/* Of the same numbers, but not in the form that says so. */
static void names_another_form_of_point(struct both *both)
{
	both->quote.without_public = false;
	both->as_point = both->as_another_point = true;
}
static void names_no_key(struct both *both)
{
	both->quote.without_public = false;
	both->without_key = true;
}
static void is_damaged(struct both *both)
{
	both->nitro.damaged_signature = true;
}
static void is_old(struct both *both)
{
	both->nitro.timestamp -= 3700 * 1000;
	both->nitro.certificates[NITRO_LEAF].not_before -= 7200;
}

/* Without its public area nobody knows that the key is one of a TPM. */
static bool warns_of_the_key(const struct tobi_result *result)
{
	const char *allowance;

	for (size_t i = 0; (allowance = tobi_result_allowance(result, i)); i++) {
		if (strstr(allowance, "KEY BY ITS OWN WORD"))
			return true;
	}
	return false;
}

static void test_tpm_nitro__right_documents__vouch(void **state)
{
	struct tobi_result *result = appraise(is_right);

	(void)state;
	assert_true(warns_of_the_key(result));
	expect_accepted(result);
	expect_accepted(appraise(names_a_point));
	result = appraise(comes_with_the_key);
	assert_false(warns_of_the_key(result));
	expect_accepted(result);
}

/* What comes after it does not run. */
static void refuses(const char *code, void (*change)(struct both *both))
{
	struct tobi_result *result = appraise(change);

	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);

		if (check->outcome == TOBI_FAILED && strcmp(check->code, code) != 0)
			fail_msg("%s failed, too: %s", check->code, check->found);
	}
	ALSO_FAILS(code, result);
	tobi_result_free(result);
}

static void test_tpm_nitro__wrong_documents__refuse(void **state)
{
	(void)state;
	FAILS("TPM-NITRO", appraise(shows_another_value));
	FAILS("TPM-NITRO", appraise(is_of_another_bank));
	FAILS("TPM-NITRO", appraise(is_of_one_other_bank));
	refuses("NITRO-CHAIN", is_of_another_root);
	refuses("NITRO-CHAIN", had_expired);
	refuses("TPM-AK-CHAIN", is_an_enclaves);
	FAILS("TPM-AK-CHAIN", appraise(names_another_key));
	FAILS("TPM-AK-CHAIN", appraise(names_another_form_of_point));
	FAILS("TPM-AK-CHAIN", appraise(names_no_key));
	FAILS("NITRO-SIGNATURE", appraise(is_damaged));
	FAILS("POLICY-FRESHNESS", appraise(is_old));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_nitro__right_documents__vouch),
	    cmocka_unit_test(test_tpm_nitro__wrong_documents__refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
