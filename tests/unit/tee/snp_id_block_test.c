/* The ID block and ID authentication that come with a report. */
#include "tee/snp_id_block.h"

#include "tests/check.h"
#include "tests/snp_scene.h"

enum { BLOCK = 96, AUTH = 4096 };

struct pair {
	struct snp_scene scene;
	struct writer bytes; /* the block, and the authentication behind it */
};

static void make(struct pair *pair)
{
	snp_scene_make(&pair->scene);
	snp_scene_set(&pair->scene, 0x48, 4, 1);
	pair->bytes = wr_init(BLOCK + AUTH);
	snp_scene_id_block(&pair->scene, &pair->bytes);
}

/* With the pieces that are given. */
static enum tobi_outcome examine(const struct pair *pair, const struct tobi_bytes *pieces,
				 size_t count, const struct check *check)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	const struct tee_request request = {.pieces = pieces, .piece_count = count};
	struct snp_report report;
	enum tobi_outcome outcome = TOBI_NOT_RUN;

	assert_int_equal(
	    snp_report_parse((struct tobi_bytes){pair->scene.report, SNP_REPORT_SIZE},
			     &report, NULL),
	    0);
	check_owe(&list, &snp_check_id_block);
	check_owe(&list, &snp_check_author_key);
	snp_id_block_examine(&request, &report, &list);
	for (size_t i = 0; i < list.count; i++) {
		if (list.records[i].check == check)
			outcome = list.records[i].outcome;
	}
	arena_done(&arena);
	return outcome;
}

static enum tobi_outcome examine_whole(const struct pair *pair, const struct check *check)
{
	const struct tobi_bytes whole = wr_view(&pair->bytes);

	return examine(pair, &whole, 1, check);
}

static void test_snp_id_block__whole_or_in_two__passes(void **state)
{
	struct pair pair;
	struct tobi_bytes parts[2];

	(void)state;
	make(&pair);
	assert_int_equal(pair.bytes.size, BLOCK + AUTH);
	parts[0] = (struct tobi_bytes){pair.bytes.ptr + BLOCK, AUTH};
	parts[1] = (struct tobi_bytes){pair.bytes.ptr, BLOCK};
	assert_int_equal(examine_whole(&pair, &snp_check_id_block), TOBI_PASSED);
	assert_int_equal(examine_whole(&pair, &snp_check_author_key), TOBI_PASSED);
	assert_int_equal(examine(&pair, parts, 2, &snp_check_id_block), TOBI_PASSED);
	assert_int_equal(examine(&pair, parts, 0, &snp_check_id_block), TOBI_NOT_ASKED);
	assert_int_equal(examine(&pair, parts, 1, &snp_check_id_block), TOBI_FAILED);
	assert_int_equal(examine(&pair, parts + 1, 1, &snp_check_id_block), TOBI_FAILED);
	wr_done(&pair.bytes);
}

/* Every byte of both matters to one of the checks. */
static void test_snp_id_block__one_bit_changed__fails(void **state)
{
	struct pair pair;

	(void)state;
	make(&pair);
	for (size_t i = 0; i < BLOCK + AUTH; i += i < BLOCK + 80 ? 1 : 7) {
		pair.bytes.ptr[i] ^= 1;
		assert_true(examine_whole(&pair, &snp_check_id_block) == TOBI_FAILED ||
			    examine_whole(&pair, &snp_check_author_key) == TOBI_FAILED);
		pair.bytes.ptr[i] ^= 1;
	}
	wr_done(&pair.bytes);
}

/* What the report says, and the block does not. */
static void test_snp_id_block__of_another_guest__fails(void **state)
{
	static const size_t fields[] = {0x90, 0x10, 0x20, 0x04, 0x08, 0xe0};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct pair pair;

		make(&pair);
		pair.scene.report[fields[i]] ^= 1;
		assert_int_equal(examine_whole(&pair, &snp_check_id_block), TOBI_FAILED);
		assert_int_equal(examine_whole(&pair, &snp_check_author_key),
				 TOBI_PASSED);
		wr_done(&pair.bytes);
	}
}

static void test_snp_author_key__not_in_force__is_not_asked(void **state)
{
	struct pair pair;

	(void)state;
	make(&pair);
	snp_scene_set(&pair.scene, 0x48, 4, 0);
	assert_int_equal(examine_whole(&pair, &snp_check_author_key), TOBI_NOT_ASKED);
	snp_scene_set(&pair.scene, 0x48, 4, 1);
	pair.scene.report[0x110] ^= 1;
	assert_int_equal(examine_whole(&pair, &snp_check_author_key), TOBI_FAILED);
	pair.scene.report[0x110] ^= 1;
	pair.bytes.ptr[BLOCK + 4] = 0; /* it says that it has none */
	assert_int_equal(examine_whole(&pair, &snp_check_author_key), TOBI_FAILED);
	wr_done(&pair.bytes);
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_id_block__whole_or_in_two__passes),
	    TEST(test_snp_id_block__one_bit_changed__fails),
	    TEST(test_snp_id_block__of_another_guest__fails),
	    TEST(test_snp_author_key__not_in_force__is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
