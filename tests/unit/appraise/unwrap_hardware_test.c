/* The hardware's own evidence, found in evidence that has it inside. */
#include "appraise/unwrap.h"

#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/check.h"
#include "token/cmw.h"

static enum tobi_err find(struct tobi_bytes evidence, struct writer *ret_found)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tobi_bytes found = {0};
	enum tobi_err err = unwrap_hardware(evidence, &arena, &found, NULL);

	*ret_found = wr_init(LIMIT_EVIDENCE);
	wr_bytes(ret_found, found.ptr, found.size);
	arena_done(&arena);
	return err;
}

static bool is_in(struct tobi_bytes part, const struct writer *whole)
{
	return part.size && memmem(whole->ptr, whole->size, part.ptr, part.size);
}

static void expect_report(struct azure_scene *scene, struct tobi_bytes evidence)
{
	struct writer found;

	assert_int_equal(find(evidence, &found), TOBI_OK);
	assert_int_equal(found.size, 1184);
	assert_memory_equal(found.ptr + 0x90, scene->snp.report + 0x90, 48);
	wr_done(&found);
}

static void test_unwrap_hardware__azure_on_snp__is_the_report(void **state)
{
	static const enum azure_form forms[] = {AZURE_JSON, AZURE_NUMBERS, AZURE_FILES};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct writer evidence = wr_init(LIMIT_EVIDENCE);
		struct azure_scene scene;

		azure_scene_make(&scene, false);
		scene.form = forms[i];
		azure_scene_evidence(&scene, &evidence);
		expect_report(&scene, wr_view(&evidence));
		azure_scene_done(&scene);
		wr_done(&evidence);
	}
}

static void test_unwrap_hardware__azure_on_tdx__is_the_quote(void **state)
{
	static const enum azure_form forms[] = {AZURE_JSON, AZURE_NUMBERS};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct writer evidence = wr_init(LIMIT_EVIDENCE), found;
		struct azure_scene scene;

		azure_scene_make(&scene, true);
		scene.form = forms[i];
		azure_scene_evidence(&scene, &evidence);
		assert_int_equal(find(wr_view(&evidence), &found), TOBI_OK);
		assert_true(is_in(text_bytes("-----BEGIN CERTIFICATE-----"), &found));
		assert_memory_equal(found.ptr + 48, scene.td.scene.body, 48);
		azure_scene_done(&scene);
		wr_done(&evidence);
		wr_done(&found);
	}
}

/* The quote comes beside the paravisor's report: in a collection it is found, alone not.
 */
static void test_unwrap_hardware__collection__is_looked_into(void **state)
{
	struct writer evidence = wr_init(LIMIT_CMW), outer = wr_init(LIMIT_CMW), found;
	struct cmw_record records[2] = {{.key = text_bytes("cpu"),
					 .media_type = text_bytes("application/eat+cwt"),
					 .value = text_bytes("a token"),
					 .indicator = CMW_EVIDENCE},
					{.key = text_bytes("guest"),
					 .media_type = text_bytes(CMW_TYPE_COLLECTION),
					 .indicator = CMW_EVIDENCE}};
	struct azure_scene scene;

	(void)state;
	azure_scene_make(&scene, true);
	scene.form = AZURE_FILES;
	scene.in_collection = true;
	scene.nonce = text_bytes("0123456789abcdef");
	azure_scene_evidence(&scene, &evidence);
	assert_int_equal(find(wr_view(&evidence), &found), TOBI_OK);
	assert_memory_equal(found.ptr + 48, scene.td.scene.body, 48);
	wr_done(&found);
	records[1].value = wr_view(&evidence);
	cmw_write(&outer, records, 2);
	assert_int_equal(find(wr_view(&outer), &found), TOBI_OK);
	assert_memory_equal(found.ptr + 48, scene.td.scene.body, 48);
	wr_done(&found);
	wr_done(&evidence);
	evidence = wr_init(LIMIT_CMW);
	scene.in_collection = false;
	azure_scene_evidence(&scene, &evidence);
	assert_int_equal(find(wr_view(&evidence), &found), TOBI_E_NOT_FOUND);
	wr_done(&found);
	azure_scene_done(&scene);
	wr_done(&evidence);
	wr_done(&outer);
}

static void test_unwrap_hardware__cut__is_an_error_or_as_it_is(void **state)
{
	struct writer evidence = wr_init(LIMIT_EVIDENCE), found;
	struct azure_scene scene;

	(void)state;
	azure_scene_make(&scene, false);
	scene.form = AZURE_JSON;
	azure_scene_evidence(&scene, &evidence);
	for (size_t size = 0; size + 1 < evidence.size; size += 7) {
		struct block block = block_new((struct tobi_bytes){evidence.ptr, size});

		if (!find(block_view(block), &found))
			assert_int_equal(found.size, size);
		wr_done(&found);
		block_done(block);
	}
	azure_scene_done(&scene);
	wr_done(&evidence);
}

static void test_unwrap_hardware__other_evidence__is_as_it_is(void **state)
{
	struct writer found;

	(void)state;
	assert_int_equal(find(text_bytes("a quote, or what it may be"), &found), TOBI_OK);
	assert_bytes_equal(wr_view(&found), text_bytes("a quote, or what it may be"));
	wr_done(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unwrap_hardware__azure_on_snp__is_the_report),
	    cmocka_unit_test(test_unwrap_hardware__azure_on_tdx__is_the_quote),
	    cmocka_unit_test(test_unwrap_hardware__collection__is_looked_into),
	    cmocka_unit_test(test_unwrap_hardware__cut__is_an_error_or_as_it_is),
	    cmocka_unit_test(test_unwrap_hardware__other_evidence__is_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
