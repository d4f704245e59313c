/*
 * The policy's section reference-values: what it may say, and each of its checks, failing
 * alone. The table must name every code: a new check without a case here fails the test.
 */
#include "appraise/policy_reference.h"

#include <stdlib.h>

#include "codec/base64.h"
#include "tests/bytes.h"
#include "tests/corim_scene.h"
#include "tests/evidence.h"

#define ENVIRONMENT "m1 0 m2 1 \"Tobichi\" 2 \"image\""
#define IMAGE "m2 0 \"image\" 1 m1 2 a1 a2 7 %"
#define NAME                                                                             \
	"10 a1 a2 a1 a2 " ENVIRONMENT " a1 " IMAGE " a1 a2 " ENVIRONMENT                 \
	" a1 m2 0 \"image\" 1 m1 11 \"web\""

/* What a test may change: by default the evidence is accepted. */
struct reference {
	const char *triples, *profile, *validity, *more;
	struct corim_validity signature;
	EVP_PKEY *signs; /* NULL: unsigned */
	EVP_PKEY *named; /* NULL: nobody */
	bool damage, without_key, file;
	struct tobi_bytes image;
};

static struct test_scene scene;
static EVP_PKEY *key, *stranger;

static int set_up(void **state)
{
	(void)state;
	test_scene_make(&scene);
	assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
	return (int)key_new(KEY_P256, &stranger, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	test_scene_done(&scene);
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	return 0;
}

static struct reference standard(void)
{
	return (struct reference){.triples =
				      "m2 0 a1 a2 " ENVIRONMENT " a1 " IMAGE " " NAME,
				  .signs = key,
				  .named = key,
				  .more = "",
				  .image = scene.claims.image_id};
}

static void write_signer(struct writer *out, EVP_PKEY *named)
{
	struct writer pem = wr_init(LIMIT_PEM);
	const char *at;

	assert_int_equal(key_write_public(named, &pem, NULL), 0);
	wr_u8(&pem, 0);
	wr_printf(out, "  signers:\n    - |\n");
	for (at = (const char *)pem.ptr; *at;) {
		size_t size = strcspn(at, "\n");

		wr_printf(out, "      %.*s\n", (int)size, at);
		at += size + (at[size] != 0);
	}
	wr_done(&pem);
}

/* Signed, but without the key in it. */
static void sign_bare(struct writer *out, struct tobi_bytes corim, EVP_PKEY *by)
{
	struct writer meta = wr_init(1024), item = wr_init(1024);
	struct tobi_bytes view;
	struct cose_extra extra;
	struct cose_headers headers = {
	    .content_type = CORIM_CONTENT_TYPE, .extras = &extra, .extra_count = 1};
	struct cose_signer signer;

	corim_diag(&meta, "m1 0 m1 0 \"A\"");
	view = wr_view(&meta);
	corim_diag(&item, "%", &view);
	extra = (struct cose_extra){8, wr_view(&item)};
	assert_int_equal(cose_signer_for_key(by, &signer, NULL), 0);
	assert_int_equal(cose_write(out, &signer, &headers, corim, false, NULL), 0);
	wr_done(&meta);
	wr_done(&item);
}

static void write_document(const struct reference *reference, struct writer *out)
{
	const struct corim_frame frame = {.triples = reference->triples,
					  .profile = reference->profile,
					  .validity = reference->validity};
	struct writer bytes = wr_init(LIMIT_CORIM);

	corim_frame(&bytes, &frame, &reference->image, &reference->image);
	if (!reference->signs)
		wr_bytes(out, bytes.ptr, bytes.size);
	else if (reference->without_key)
		sign_bare(out, wr_view(&bytes), reference->signs);
	else
		corim_frame_sign(out, wr_view(&bytes), reference->signs,
				 reference->signature.has_end ? &reference->signature
							      : NULL);
	if (reference->damage)
		out->ptr[out->size - 1] ^= 1;
	wr_done(&bytes);
}

/* The section, with the document in it, or a file that is not given. */
static void write_section(const struct reference *reference, struct writer *out)
{
	struct writer document = wr_init(LIMIT_CORIM);

	write_document(reference, &document);
	wr_printf(out, "reference-values:\n");
	if (reference->file) {
		wr_printf(out, "  files: [web.corim]\n");
	} else {
		wr_printf(out, "  documents:\n    - ");
		base64_write(out, wr_view(&document));
		wr_printf(out, "\n");
	}
	if (reference->named)
		write_signer(out, reference->named);
	wr_printf(out, "%s", reference->more);
	wr_done(&document);
}

static struct tobi_result *appraise(const struct reference *reference)
{
	struct writer section = wr_init(LIMIT_POLICY);
	struct tobi_result *result;

	write_section(reference, &section);
	wr_u8(&section, 0);
	scene.more = (const char *)section.ptr;
	result = test_scene_appraise(&scene);
	scene.more = NULL;
	wr_done(&section);
	return result;
}

static enum tobi_outcome outcome_of(const struct tobi_result *result, const char *code)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		if (strcmp(tobi_result_check(result, i)->code, code) == 0)
			return tobi_result_check(result, i)->outcome;
	}
	fail_msg("%s is not owed", code);
	return TOBI_NOT_RUN;
}

static bool warns(const struct tobi_result *result, const char *start)
{
	const char *text;

	for (size_t i = 0; (text = tobi_result_allowance(result, i)); i++) {
		if (strncmp(text, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

static void test_policy_reference__what_the_document_says__is_accepted(void **state)
{
	const struct reference good = standard();
	struct tobi_result *result = appraise(&good);
	bool shown = false;

	(void)state;
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	for (size_t i = 0; policy_reference_rows[i + 1]; i++)
		assert_int_equal(outcome_of(result, policy_reference_rows[i]->code),
				 TOBI_PASSED);
	for (size_t i = 0; i < result->claims.fact_count; i++)
		shown |= strcmp(result->claims.facts[i].name, "endorsed") == 0 &&
			 strcmp(result->claims.facts[i].value, "web") == 0;
	assert_true(shown);
	assert_false(warns(result, "UNSIGNED REFERENCE VALUES"));
	tobi_result_free(result);
}

#define CHANGE(name, ...)                                                                \
	static void name(struct reference *reference)                                    \
	{                                                                                \
		__VA_ARGS__;                                                             \
	}
static const uint8_t other_image[SHA384_SIZE] = {0x99};
CHANGE(not_given, reference->file = true)
CHANGE(damaged, reference->damage = true)
CHANGE(unsigned_one, reference->signs = NULL)
CHANGE(by_a_key_that_is_not_in_it, reference->without_key = true;
       reference->signs = stranger)
CHANGE(by_a_stranger, reference->signs = stranger)
CHANGE(expired, reference->validity = "m1 1 t1 1899999999")
CHANGE(not_yet, reference->validity = "m2 0 t1 1900000001 1 t1 2000000000")
CHANGE(signature_expired,
       reference->signature = (struct corim_validity){false, true, 0, TEST_NOW - 1})
CHANGE(of_a_profile_that_nobody_knows, reference->profile = "t32 \"tag:x\"")
CHANGE(of_an_oid_that_nobody_knows, reference->profile = "t111 h2b06")
CHANGE(of_another_image, reference->image = (struct tobi_bytes){other_image, SHA384_SIZE})
CHANGE(of_another_place, reference->triples = "m1 0 a1 a2 m1 0 m1 1 \"V\" a1 " IMAGE)
CHANGE(without_references, reference->triples = "m1 " NAME)
CHANGE(of_something_unknown,
       reference->triples = "m1 0 a1 a2 " ENVIRONMENT
			    " a1 m2 0 \"image\" 1 m2 2 a1 a2 7 % 16 1")
CHANGE(of_the_signer_alone,
       reference->triples = "m1 0 a1 a2 " ENVIRONMENT " a1 m2 0 \"product\" 1 m1 1 7")
CHANGE(a_name_that_is_not_endorsed, reference->more = "  endorsed: [web, db]\n")

#define FAILS(code, change)                                                              \
	{                                                                                \
		code, #change, change                                                    \
	}
static const struct {
	const char *code, *name;
	void (*change)(struct reference *reference);
} cases[] = {
    FAILS("POLICY-REFERENCE-GIVEN", not_given),
    FAILS("POLICY-REFERENCE-SIGNATURE", damaged),
    FAILS("POLICY-REFERENCE-SIGNATURE", unsigned_one),
    FAILS("POLICY-REFERENCE-SIGNATURE", by_a_key_that_is_not_in_it),
    FAILS("POLICY-REFERENCE-SIGNER", by_a_stranger),
    FAILS("POLICY-REFERENCE-VALIDITY", expired),
    FAILS("POLICY-REFERENCE-VALIDITY", not_yet),
    FAILS("POLICY-REFERENCE-VALIDITY", signature_expired),
    FAILS("POLICY-REFERENCE-PROFILE", of_a_profile_that_nobody_knows),
    FAILS("POLICY-REFERENCE-PROFILE", of_an_oid_that_nobody_knows),
    FAILS("POLICY-REFERENCE-MATCH", of_another_image),
    FAILS("POLICY-REFERENCE-MATCH", of_another_place),
    FAILS("POLICY-REFERENCE-MATCH", without_references),
    FAILS("POLICY-REFERENCE-MATCH", of_something_unknown),
    FAILS("POLICY-REFERENCE-IMAGE", of_the_signer_alone),
    FAILS("POLICY-REFERENCE-ENDORSED", a_name_that_is_not_endorsed),
};

/* What nobody vouches for is not compared: then these fail with it. */
static bool follows(const char *code, const char *failed)
{
	bool early = strcmp(code, "POLICY-REFERENCE-GIVEN") == 0 ||
		     strcmp(code, "POLICY-REFERENCE-SIGNATURE") == 0 ||
		     strcmp(code, "POLICY-REFERENCE-SIGNER") == 0;

	return early && strcmp(failed, "POLICY-REFERENCE-MATCH") == 0;
}

static void test_policy_reference__each_check__fails_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reference reference = standard();
		struct tobi_result *result;
		size_t length = strlen(cases[i].code);

		cases[i].change(&reference);
		result = appraise(&reference);
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		/* It is the reason, too. */
		if (strncmp(tobi_result_reason(result), cases[i].code, length) != 0)
			fail_msg("%s: %s", cases[i].name, tobi_result_reason(result));
		for (size_t j = 0; j < tobi_result_check_count(result); j++) {
			const struct tobi_check_result *line =
			    tobi_result_check(result, j);

			if (line->outcome != TOBI_FAILED && line->outcome != TOBI_NOT_RUN)
				continue;
			if (strcmp(line->code, cases[i].code) != 0 &&
			    !follows(cases[i].code, line->code))
				fail_msg("%s: %s fails, too", cases[i].name, line->code);
		}
		tobi_result_free(result);
	}
}

static void test_policy_reference__every_check__has_a_case(void **state)
{
	(void)state;
	for (size_t i = 0; policy_reference_rows[i]; i++) {
		bool found = false;

		for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++)
			found |=
			    strcmp(policy_reference_rows[i]->code, cases[j].code) == 0;
		if (!found)
			fail_msg("%s has no case", policy_reference_rows[i]->code);
	}
}

static void test_policy_reference__unsigned_and_allowed__is_accepted(void **state)
{
	struct reference reference = standard();
	struct tobi_result *result;

	(void)state;
	reference.signs = reference.named = NULL;
	reference.more = "  unsigned: allowed\n  endorsed: [web]\n";
	result = appraise(&reference);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	assert_int_equal(outcome_of(result, "POLICY-REFERENCE-SIGNATURE"),
			 TOBI_NOT_ASKED);
	assert_int_equal(outcome_of(result, "POLICY-REFERENCE-ENDORSED"), TOBI_PASSED);
	/* And the result carries its name. */
	assert_true(warns(result, "UNSIGNED REFERENCE VALUES"));
	tobi_result_free(result);
}

static void test_policy_reference__a_profile_that_is_named__is_accepted(void **state)
{
	struct reference reference = standard();
	struct tobi_result *result;

	(void)state;
	reference.profile = "t32 \"tag:x\"";
	reference.more = "  profiles: [\"tag:x\"]\n";
	result = appraise(&reference);
	assert_int_equal(tobi_result_verdict(result), TOBI_ACCEPT);
	tobi_result_free(result);
}

/* A policy of its own: reference values stand for the images. */
static enum tobi_err parse(const char *section, struct tobi_policy **ret_policy,
			   struct tobi_fault *fault)
{
	struct writer yaml = wr_init(LIMIT_POLICY);
	enum tobi_err err;

	wr_printf(&yaml, "version: 1\ntiers: [sgx]\nidentity:\n  mode: any-instance\n%s",
		  section);
	err = tobi_policy_parse(wr_view(&yaml), "test", ret_policy, fault);
	wr_done(&yaml);
	return err;
}

static void test_policy_reference__what_is_no_value__names_its_key(void **state)
{
	static const struct {
		const char *section, *field;
	} wrong[] = {
	    {"reference-values:\n  unsigned: allowed\n", "reference-values"},
	    {"reference-values:\n  files: [a]\n", "reference-values.signers"},
	    {"reference-values:\n  files: [a]\n  unsigned: yes\n",
	     "reference-values.unsigned"},
	    {"reference-values:\n  files: [a]\n  signers: [00]\n",
	     "reference-values.signers"},
	    {"reference-values:\n  documents: [\"2QH1\"]\n  unsigned: allowed\n",
	     "CoRIM"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tobi_policy *policy = NULL;
		struct tobi_fault fault = {0};

		assert_int_not_equal(parse(wrong[i].section, &policy, &fault), 0);
		if (strcmp(fault.field, wrong[i].field) != 0)
			fail_msg("%s: '%s': %s", wrong[i].section, fault.field,
				 fault.message);
	}
}

static void test_policy_reference__more_documents_than_allowed__are_refused(void **state)
{
	struct writer section = wr_init(LIMIT_POLICY);
	struct tobi_policy *policy = NULL;

	(void)state;
	wr_printf(&section, "reference-values:\n  unsigned: allowed\n  files:\n");
	for (int i = 0; i < LIMIT_CORIM_DOCUMENTS; i++)
		wr_printf(&section, "    - f%d\n", i);
	wr_u8(&section, 0);
	assert_int_equal(parse((const char *)section.ptr, &policy, NULL), 0);
	tobi_policy_free(policy);
	section.size--;
	wr_printf(&section, "    - more\n");
	wr_u8(&section, 0);
	policy = NULL;
	assert_int_equal(parse((const char *)section.ptr, &policy, NULL), TOBI_E_LIMIT);
	wr_done(&section);
}

static void test_policy_reference__a_file__is_given_once(void **state)
{
	struct writer document = wr_init(LIMIT_CORIM);
	struct reference reference = standard();
	struct tobi_policy *policy = NULL;

	(void)state;
	reference.signs = NULL;
	write_document(&reference, &document);
	assert_int_equal(
	    parse("reference-values:\n  unsigned: allowed\n  files: [a, b]\n", &policy,
		  NULL),
	    0);
	assert_string_equal(tobi_policy_reference_file(policy, 0), "a");
	assert_string_equal(tobi_policy_reference_file(policy, 1), "b");
	assert_null(tobi_policy_reference_file(policy, 2));
	assert_int_equal(tobi_policy_give_reference(policy, 2, wr_view(&document), NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(tobi_policy_give_reference(policy, 1, text_bytes("x"), NULL),
			 TOBI_E_TRUNCATED);
	assert_int_equal(tobi_policy_give_reference(policy, 1, wr_view(&document), NULL),
			 0);
	assert_int_equal(tobi_policy_give_reference(policy, 1, wr_view(&document), NULL),
			 TOBI_E_ARGUMENT);
	tobi_policy_free(policy);
	wr_done(&document);
}

/* What a device's maker says of its key reaches whoever verifies its evidence. */
static void test_policy_reference__attestation_keys__go_to_verifiers(void **state)
{
	struct writer pem = wr_init(4096), cose = wr_init(1024);
	struct tobi_policy *policy = NULL;
	struct reference reference = standard();
	struct writer section = wr_init(LIMIT_POLICY), triples = wr_init(8192);
	char hex[2048];
	struct tee_environment device = {.class_kind = TEE_CLASS_BYTES,
					 .class_id = text_bytes("\x01\x02"),
					 .instance =
					     text_bytes("\x01\x02\x03\x04\x05\x06\x07")};
	struct tee_request request;
	const struct anchor_keys *keys;

	(void)state;
	assert_int_equal(key_spki(stranger, &cose, NULL), 0);
	base64_write(&pem, wr_view(&cose));
	snprintf(hex, sizeof(hex), "%.*s", (int)pem.size, (const char *)pem.ptr);
	wr_printf(&triples,
		  "m1 3 a3 a2 m2 0 m1 0 t560 h0102 1 t550 h01020304050607 a1 t554 \"%s\" "
		  "a2 m2 0 m1 0 t560 h0102 1 t550 h01020304050607 a1 t560 h00 "
		  "a2 m1 2 t560 h01 a1 t554 \"%s\"",
		  hex, hex);
	wr_u8(&triples, 0);
	reference.triples = (const char *)triples.ptr;
	write_section(&reference, &section);
	wr_u8(&section, 0);
	assert_int_equal(parse((const char *)section.ptr, &policy, NULL), 0);
	request = policy_request(policy, "sgx", TEST_NOW);
	assert_non_null(request.find_keys);
	keys = request.find_keys(request.find_keys_context, &device);
	assert_non_null(keys);
	assert_int_equal(keys->count, 1);
	assert_int_equal(EVP_PKEY_eq(keys->keys[0], stranger), 1);
	device.instance.size--;
	assert_null(request.find_keys(request.find_keys_context, &device));
	device.class_id.size = 0;
	assert_null(request.find_keys(request.find_keys_context, &device));
	tobi_policy_free(policy);
	/* Of a document that was changed there are none. */
	policy = NULL;
	section.size = 0;
	reference.damage = true;
	write_section(&reference, &section);
	wr_u8(&section, 0);
	assert_int_equal(parse((const char *)section.ptr, &policy, NULL), 0);
	assert_null(policy_request(policy, "sgx", TEST_NOW).find_keys);
	tobi_policy_free(policy);
	wr_done(&pem);
	wr_done(&cose);
	wr_done(&section);
	wr_done(&triples);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_policy_reference__what_the_document_says__is_accepted),
	    cmocka_unit_test(test_policy_reference__each_check__fails_alone),
	    cmocka_unit_test(test_policy_reference__every_check__has_a_case),
	    cmocka_unit_test(test_policy_reference__unsigned_and_allowed__is_accepted),
	    cmocka_unit_test(test_policy_reference__a_profile_that_is_named__is_accepted),
	    cmocka_unit_test(test_policy_reference__what_is_no_value__names_its_key),
	    cmocka_unit_test(
		test_policy_reference__more_documents_than_allowed__are_refused),
	    cmocka_unit_test(test_policy_reference__a_file__is_given_once),
	    cmocka_unit_test(test_policy_reference__attestation_keys__go_to_verifiers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
