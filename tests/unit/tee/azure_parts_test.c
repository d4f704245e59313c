/* Azure's evidence as bytes: the paravisor's report and the JSON of others, cut short at
 * every length, and each part wrong in its own way. */
#include "tee/azure_parts.h"

#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/check.h"

static enum tobi_err read_hcl(const struct writer *bytes, size_t size,
			      struct tobi_fault *fault)
{
	struct block block = block_new((struct tobi_bytes){bytes->ptr, size});
	struct azure_hcl hcl;
	enum tobi_err err = azure_hcl_read(block_view(block), &hcl, fault);

	block_done(block);
	return err;
}

static void make_hcl(struct azure_scene *scene, struct writer *out)
{
	*out = wr_init(LIMIT_EVIDENCE);
	azure_scene_hcl(scene, out);
}

static void test_azure_hcl_read__cut_short__fails(void **state)
{
	struct azure_scene scene;
	struct writer hcl;

	(void)state;
	azure_scene_make(&scene, false);
	make_hcl(&scene, &hcl);
	assert_int_equal(read_hcl(&hcl, hcl.size, NULL), TOBI_OK);
	/* 64 zeros are behind the data. */
	assert_int_equal(read_hcl(&hcl, hcl.size - 64, NULL), TOBI_OK);
	for (size_t size = 0; size < hcl.size - 64; size++)
		assert_int_equal(read_hcl(&hcl, size, NULL), TOBI_E_TRUNCATED);
	wr_done(&hcl);
	azure_scene_done(&scene);
}

static void wrong_hcl(void (*make)(struct azure_scene *), enum tobi_err expected,
		      const char *field)
{
	struct azure_scene scene;
	struct tobi_fault fault = {0};
	struct writer hcl;

	azure_scene_make(&scene, false);
	make(&scene);
	make_hcl(&scene, &hcl);
	assert_int_equal(read_hcl(&hcl, hcl.size, &fault), expected);
	assert_string_equal(fault.field, field);
	wr_done(&hcl);
	azure_scene_done(&scene);
}

static void with_a_byte_behind(struct azure_scene *scene)
{
	static const uint8_t one = 1;

	scene->behind = (struct tobi_bytes){&one, 1};
}
static void with_another_data_size(struct azure_scene *scene)
{
	scene->data_size_off = 1;
}
static void with_another_report_size(struct azure_scene *scene)
{
	scene->report_size_off = -1;
}

static void test_azure_hcl_read__sizes_that_differ__fail(void **state)
{
	(void)state;
	wrong_hcl(with_a_byte_behind, TOBI_E_TRAILING, "padding");
	wrong_hcl(with_another_data_size, TOBI_E_MALFORMED, "data size");
	wrong_hcl(with_another_report_size, TOBI_E_MALFORMED, "report size");
}

static void test_azure_hcl_read__data_over_the_limit__fails(void **state)
{
	struct writer hcl = wr_init(LIMIT_EVIDENCE);
	struct tobi_fault fault = {0};
	uint8_t *bytes = wr_reserve(&hcl, AZURE_HCL_HEAD + LIMIT_AZURE_DATA + 1);

	(void)state;
	memset(bytes, 0, hcl.size);
	memcpy(bytes, "HCLA", 4);
	for (size_t over = 0; over < 2; over++) {
		uint32_t size = LIMIT_AZURE_DATA + (uint32_t)over;

		for (size_t i = 0; i < 4; i++) {
			bytes[8 + i] = (uint8_t)((AZURE_HCL_HEAD + size) >> 8 * i);
			bytes[1216 + i] = (uint8_t)((20 + size) >> 8 * i);
			bytes[1232 + i] = (uint8_t)(size >> 8 * i);
		}
		assert_int_equal(read_hcl(&hcl, hcl.size, &fault),
				 over ? TOBI_E_LIMIT : TOBI_OK);
	}
	bytes[0] = 'h';
	assert_int_equal(read_hcl(&hcl, hcl.size, &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "signature");
	wr_done(&hcl);
}

static enum tobi_err read_parts(struct tobi_bytes evidence, struct tobi_bytes *pieces,
				size_t count, struct tobi_fault *fault)
{
	struct block block = block_new(evidence);
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct azure_parts *parts = arena_alloc(&arena, sizeof(*parts));
	struct tee_request request = {
	    .evidence = block_view(block), .pieces = pieces, .piece_count = count};
	enum tobi_err err = azure_parts_read(&request, &arena, parts, fault);

	arena_done(&arena);
	block_done(block);
	return err;
}

static void test_azure_json__cut_short__fails(void **state)
{
	struct azure_scene scene;
	struct writer json = wr_init(LIMIT_EVIDENCE);

	(void)state;
	azure_scene_make(&scene, false);
	azure_scene_evidence(&scene, &json);
	assert_int_equal(read_parts(wr_view(&json), NULL, 0, NULL), TOBI_OK);
	/* The last byte ends the line. */
	for (size_t size = 0; size < json.size - 1; size++)
		assert_int_equal(
		    read_parts((struct tobi_bytes){json.ptr, size}, NULL, 0, NULL),
		    TOBI_E_MALFORMED);
	wr_done(&json);
	azure_scene_done(&scene);
}

#define QUOTE "\"tpm_quote\":{\"message\":\"00\",\"signature\":\"00\",\"pcrs\":[]}"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static void test_azure_json__members_of_another_form__fail(void **state)
{
	static const struct {
		const char *json, *field;
		enum tobi_err err;
	} wrong[] = {
	    {"[]", "", TOBI_E_MALFORMED},
	    {"{}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"version\":2}", "version", TOBI_E_UNSUPPORTED},
	    {"{\"version\":\"1\"}", "version", TOBI_E_UNSUPPORTED},
	    {"{\"hcl_report\":\"AA\",\"report\":\"AA\"," QUOTE "}", "hcl_report",
	     TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"A\"," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA=\"," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"+A-A\"," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":[256]," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":[-1]," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":[1.0]," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":1," QUOTE "}", "hcl_report", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\"}", "tpm_quote", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"quote\":1}", "tpm_quote", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"quote\":{}}", "message", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"quote\":{\"message\":\"0\"}}", "message",
	     TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"quote\":{\"message\":\"00\"}}", "signature",
	     TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"quote\":{\"message\":\"00\",\"signature\":"
	     "\"00\"}}",
	     "pcrs", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"quote\":{\"message\":\"00\",\"signature\":"
	     "\"00\",\"pcrs\":[\"00\"]}}",
	     "pcrs", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\"," QUOTE ",\"td_quote\":{}}", "td_quote",
	     TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\"," QUOTE ",\"vcek\":1}", "vcek", TOBI_E_MALFORMED},
	    {"{\"hcl_report\":\"AA\",\"hcl_report\":\"AA\"," QUOTE "}", "",
	     TOBI_E_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tobi_fault fault = {0};

		assert_int_equal(read_parts(text_bytes(wrong[i].json), NULL, 0, &fault),
				 wrong[i].err);
		assert_string_equal(fault.field, wrong[i].field);
	}
}

static void test_azure_json__sizes_at_the_limit__are_the_last(void **state)
{
	struct writer json = wr_init(LIMIT_EVIDENCE);

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		wr_done(&json);
		json = wr_init(LIMIT_EVIDENCE);
		wr_printf(&json, "{\"hcl_report\":\"AA\"," QUOTE ",\"x\":\"");
		while (json.size < LIMIT_AZURE_JSON - 2 + over)
			wr_u8(&json, 'x');
		wr_printf(&json, "\"}");
		assert_int_equal(read_parts(wr_view(&json), NULL, 0, NULL),
				 over ? TOBI_E_LIMIT : TOBI_OK);
	}
	wr_done(&json);
	json = wr_init(LIMIT_EVIDENCE);
	wr_printf(&json, "{\"hcl_report\":\"AA\",\"quote\":{\"message\":\"00\","
			 "\"signature\":\"00\",\"pcrs\":[");
	for (size_t i = 0; i < 25; i++)
		wr_printf(&json, "%s\"" ZEROS "\"", i ? "," : "");
	wr_printf(&json, "]}}");
	assert_int_equal(read_parts(wr_view(&json), NULL, 0, NULL), TOBI_E_MALFORMED);
	wr_done(&json);
}

/* The same twice is once; another one is no evidence of anything. */
static void test_azure_parts__two_that_differ__fail(void **state)
{
	struct azure_scene scene;
	struct writer hcl = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes pieces[AZURE_SCENE_PIECES + 1];
	struct block other;
	size_t count;

	(void)state;
	azure_scene_make(&scene, true);
	scene.form = AZURE_FILES;
	azure_scene_evidence(&scene, &hcl);
	count = scene.piece_count;
	memcpy(pieces, scene.pieces, count * sizeof(pieces[0]));
	for (size_t i = 0; i < count; i++) {
		pieces[count] = pieces[i];
		assert_int_equal(read_parts(wr_view(&hcl), pieces, count + 1, NULL),
				 TOBI_OK);
		other = block_new(pieces[i]);
		other.ptr[other.size - 1] ^= 1;
		pieces[count] = block_view(other);
		assert_int_equal(read_parts(wr_view(&hcl), pieces, count + 1, NULL),
				 TOBI_E_EXISTS);
		block_done(other);
	}
	wr_done(&hcl);
	azure_scene_done(&scene);
}

static void test_azure_parts__bincode_cut_short__fails(void **state)
{
	struct azure_scene scene;
	struct writer hcl = wr_init(LIMIT_EVIDENCE);

	(void)state;
	azure_scene_make(&scene, true);
	scene.form = AZURE_BINCODE;
	azure_scene_evidence(&scene, &hcl);
	for (size_t size = scene.pieces[0].size; size > 280; size--) {
		struct block cut =
		    block_new((struct tobi_bytes){scene.pieces[0].ptr, size - 1});
		struct tobi_bytes piece = block_view(cut);

		assert_int_equal(read_parts(wr_view(&hcl), &piece, 1, NULL),
				 TOBI_E_TRUNCATED);
		block_done(cut);
	}
	wr_done(&hcl);
	azure_scene_done(&scene);
}

/* What begins so is of this kind, and of no other. */
static void test_azure__recognised_by_one_kind_only(void **state)
{
	(void)state;
	for (int tdx = 0; tdx < 2; tdx++) {
		for (int form = AZURE_JSON; form <= AZURE_FILES; form++) {
			struct azure_scene scene;
			struct writer evidence = wr_init(LIMIT_EVIDENCE);
			const struct tee_verifier *verifier;
			size_t known = 0;

			azure_scene_make(&scene, tdx);
			scene.form = (enum azure_form)form;
			azure_scene_evidence(&scene, &evidence);
			for (size_t i = 0; (verifier = tee_verifier_at(i)); i++)
				known += verifier->recognise &&
					 verifier->recognise(wr_view(&evidence));
			assert_int_equal(known, 1);
			assert_string_equal(
			    tee_verifier_recognise(wr_view(&evidence))->tier,
			    tdx ? "azure-tdx" : "azure-snp");
			wr_done(&evidence);
			azure_scene_done(&scene);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_azure_hcl_read__cut_short__fails),
	    cmocka_unit_test(test_azure_hcl_read__sizes_that_differ__fail),
	    cmocka_unit_test(test_azure_hcl_read__data_over_the_limit__fails),
	    cmocka_unit_test(test_azure_json__cut_short__fails),
	    cmocka_unit_test(test_azure_json__members_of_another_form__fail),
	    cmocka_unit_test(test_azure_json__sizes_at_the_limit__are_the_last),
	    cmocka_unit_test(test_azure_parts__two_that_differ__fail),
	    cmocka_unit_test(test_azure_parts__bincode_cut_short__fails),
	    cmocka_unit_test(test_azure__recognised_by_one_kind_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
