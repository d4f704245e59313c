/* Reports as bytes: read strictly, each part within its bounds. */
#include <stdlib.h>

#include "base/writer.h"
#include "tee/spdm_report.h"
#include "tests/bytes.h"
#include "tests/nvidia_scene.h"

enum { BLOCKS = 37 + 8, BLOCK = 55 };

static struct writer report;

static int set_up(void **state)
{
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));

	(void)state;
	nvidia_scene_init(scene);
	report = wr_init(LIMIT_EVIDENCE);
	nvidia_scene_report(scene, 0, &report);
	nvidia_scene_done(scene);
	free(scene);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	wr_done(&report);
	return 0;
}

static enum tobi_err parse(struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	struct spdm_report parsed;
	enum tobi_err err = spdm_report_parse(block_view(block), &parsed, NULL);

	block_done(block);
	return err;
}

static void test_spdm_report_parse__right__reads_all(void **state)
{
	struct spdm_report parsed;
	char text[32];

	(void)state;
	assert_true(spdm_report_starts(wr_view(&report)));
	assert_int_equal(spdm_report_parse(wr_view(&report), &parsed, NULL), TOBI_OK);
	assert_int_equal(parsed.block_count, NV_BLOCKS);
	assert_int_equal(parsed.digests[0].ptr[0], 1);
	assert_int_equal(parsed.digests[63].ptr[47], 64);
	assert_int_equal(parsed.nonce.ptr[0], 0x4e);
	assert_int_equal(parsed.message.size + parsed.signature.size, report.size);
	assert_true(spdm_report_vbios(&parsed, text, sizeof(text)));
	assert_string_equal(text, "96.00.9F.00.01");
	assert_true(spdm_report_text(&parsed, SPDM_FIELD_DRIVER, text, sizeof(text)));
	assert_string_equal(text, "550.90.07");
	assert_false(spdm_report_text(&parsed, SPDM_FIELD_DRIVER, text, 9));
	assert_false(spdm_report_text(&parsed, SPDM_FIELD_SKU, text, sizeof(text)));
	assert_null(parsed.fields[SPDM_FIELD_SWITCH_PDI].ptr);
}

static void test_spdm_report_parse__cut_or_longer__fails(void **state)
{
	(void)state;
	for (size_t size = 0; size < report.size; size++)
		assert_int_equal(parse((struct tobi_bytes){report.ptr, size}),
				 TOBI_E_TRUNCATED);
	wr_u8(&report, 0);
	assert_int_equal(parse(wr_view(&report)), TOBI_E_TRAILING);
}

static enum tobi_err with(size_t at, uint8_t value)
{
	uint8_t old = report.ptr[at];
	enum tobi_err err;

	report.ptr[at] = value;
	err = parse(wr_view(&report));
	report.ptr[at] = old;
	return err;
}

static void test_spdm_report_parse__other_versions_and_codes__unsupported(void **state)
{
	(void)state;
	assert_int_equal(with(0, 0x12), TOBI_E_UNSUPPORTED); /* SPDM 1.2 */
	assert_int_equal(with(1, 0xe1), TOBI_E_UNSUPPORTED); /* GET_CAPABILITIES */
	assert_int_equal(with(2, 0), TOBI_E_UNSUPPORTED);    /* without a signature */
	assert_int_equal(with(3, 1), TOBI_E_UNSUPPORTED);    /* one block */
	assert_int_equal(with(37, 0x12), TOBI_E_UNSUPPORTED);
	assert_int_equal(with(38, 0x7f), TOBI_E_UNSUPPORTED); /* ERROR */
	report.ptr[0] = 0x12;
	assert_false(spdm_report_starts(wr_view(&report)));
}

static void test_spdm_report_parse__wrong_blocks__fails(void **state)
{
	(void)state;
	assert_int_equal(with(41, 0), TOBI_E_MALFORMED);
	assert_int_equal(with(41, 65), TOBI_E_LIMIT);
	assert_int_equal(with(41, 63), TOBI_E_TRAILING);
	assert_int_equal(with(BLOCKS, 2), TOBI_E_MALFORMED);	      /* out of order */
	assert_int_equal(with(BLOCKS + BLOCK, 1), TOBI_E_MALFORMED);  /* twice */
	assert_int_equal(with(BLOCKS + 1, 2), TOBI_E_UNSUPPORTED);    /* not DMTF's */
	assert_int_equal(with(BLOCKS + 4, 0x81), TOBI_E_UNSUPPORTED); /* raw */
	assert_int_equal(with(BLOCKS + 5, 32), TOBI_E_UNSUPPORTED);   /* SHA-256 */
	assert_int_not_equal(with(BLOCKS + 2, 50), TOBI_OK);
	assert_int_not_equal(with(BLOCKS + 2, 52), TOBI_OK);
	assert_int_not_equal(with(42, 0xbf), TOBI_OK);
	assert_int_not_equal(with(44, 0xff), TOBI_OK);
}

/* Behind the blocks and the response's nonce: a length, and the first field's type. */
static void test_spdm_report_parse__wrong_opaque__fails(void **state)
{
	size_t opaque = BLOCKS + NV_BLOCKS * BLOCK + 32;

	(void)state;
	assert_int_equal(report.ptr[opaque + 2], SPDM_FIELD_VBIOS);
	/* The board's number, under the VBIOS's. */
	assert_int_equal(report.ptr[opaque + 2 + 12], SPDM_FIELD_BOARD);
	assert_int_equal(with(opaque + 2 + 12, SPDM_FIELD_VBIOS), TOBI_E_MALFORMED);
	assert_int_not_equal(with(opaque + 1, 0xff), TOBI_OK);
	assert_int_not_equal(with(opaque + 4, 0xff), TOBI_OK);
	/* One of a number that is not known is passed over. */
	assert_int_equal(with(opaque + 2, 200), TOBI_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_spdm_report_parse__right__reads_all,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_spdm_report_parse__cut_or_longer__fails,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_spdm_report_parse__other_versions_and_codes__unsupported, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(test_spdm_report_parse__wrong_blocks__fails,
					    set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_spdm_report_parse__wrong_opaque__fails,
					    set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tee spdm_report", tests, NULL, NULL);
}
