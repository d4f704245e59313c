#include "codec/cbor.h"
#include "tests/bytes.h"

enum expected { READ, SKIPPED, REFUSED };

/* RFC 8949 appendix A, all of its table; what is not of our subset is refused. */
static const struct {
	const char *hex;
	enum expected expected;
	enum cbor_kind kind;
	int64_t value;	     /* of an integer, a tag, a boolean; a count */
	const char *content; /* of a string, in hexadecimal */
} examples[] = {
    {"00", READ, CBOR_UINT, 0},
    {"01", READ, CBOR_UINT, 1},
    {"0a", READ, CBOR_UINT, 10},
    {"17", READ, CBOR_UINT, 23},
    {"1818", READ, CBOR_UINT, 24},
    {"1819", READ, CBOR_UINT, 25},
    {"1864", READ, CBOR_UINT, 100},
    {"1903e8", READ, CBOR_UINT, 1000},
    {"1a000f4240", READ, CBOR_UINT, 1000000},
    {"1b000000e8d4a51000", READ, CBOR_UINT, 1000000000000},
    {"1bffffffffffffffff", SKIPPED, CBOR_UINT},
    {"c249010000000000000000", SKIPPED, CBOR_TAG},
    {"3bffffffffffffffff", SKIPPED, CBOR_NEGATIVE},
    {"c349010000000000000000", SKIPPED, CBOR_TAG},
    {"20", READ, CBOR_NEGATIVE, -1},
    {"29", READ, CBOR_NEGATIVE, -10},
    {"3863", READ, CBOR_NEGATIVE, -100},
    {"3903e7", READ, CBOR_NEGATIVE, -1000},
    {"f90000", REFUSED, CBOR_OTHER},
    {"f98000", REFUSED, CBOR_OTHER},
    {"f93c00", REFUSED, CBOR_OTHER},
    {"fb3ff199999999999a", REFUSED, CBOR_OTHER},
    {"f93e00", REFUSED, CBOR_OTHER},
    {"f97bff", REFUSED, CBOR_OTHER},
    {"fa47c35000", REFUSED, CBOR_OTHER},
    {"fa7f7fffff", REFUSED, CBOR_OTHER},
    {"fb7e37e43c8800759c", REFUSED, CBOR_OTHER},
    {"f90001", REFUSED, CBOR_OTHER},
    {"f90400", REFUSED, CBOR_OTHER},
    {"f9c400", REFUSED, CBOR_OTHER},
    {"fbc010666666666666", REFUSED, CBOR_OTHER},
    {"f97c00", REFUSED, CBOR_OTHER},
    {"f97e00", REFUSED, CBOR_OTHER},
    {"f9fc00", REFUSED, CBOR_OTHER},
    {"fa7f800000", REFUSED, CBOR_OTHER},
    {"fa7fc00000", REFUSED, CBOR_OTHER},
    {"faff800000", REFUSED, CBOR_OTHER},
    {"fb7ff0000000000000", REFUSED, CBOR_OTHER},
    {"fb7ff8000000000000", REFUSED, CBOR_OTHER},
    {"fbfff0000000000000", REFUSED, CBOR_OTHER},
    {"f4", READ, CBOR_BOOL, 0},
    {"f5", READ, CBOR_BOOL, 1},
    {"f6", READ, CBOR_NULL, 0},
    {"f7", REFUSED, CBOR_OTHER},
    {"f0", REFUSED, CBOR_OTHER},
    {"f8ff", REFUSED, CBOR_OTHER},
    {"c074323031332d30332d32315432303a30343a30305a", READ, CBOR_TAG, 0},
    {"c11a514b67b0", READ, CBOR_TAG, 1},
    {"c1fb41d452d9ec200000", REFUSED, CBOR_TAG},
    {"d74401020304", READ, CBOR_TAG, 23},
    {"d818456449455446", READ, CBOR_TAG, 24},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", READ, CBOR_TAG, 32},
    {"40", READ, CBOR_BYTES, 0, ""},
    {"4401020304", READ, CBOR_BYTES, 0, "01020304"},
    {"60", READ, CBOR_TEXT, 0, ""},
    {"6161", READ, CBOR_TEXT, 0, "61"},
    {"6449455446", READ, CBOR_TEXT, 0, "49455446"},
    {"62225c", READ, CBOR_TEXT, 0, "225c"},
    {"62c3bc", READ, CBOR_TEXT, 0, "c3bc"},
    {"63e6b0b4", READ, CBOR_TEXT, 0, "e6b0b4"},
    {"64f0908591", READ, CBOR_TEXT, 0, "f0908591"},
    {"80", READ, CBOR_ARRAY, 0},
    {"83010203", READ, CBOR_ARRAY, 3},
    {"8301820203820405", READ, CBOR_ARRAY, 3},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", READ, CBOR_ARRAY, 25},
    {"a0", READ, CBOR_MAP, 0},
    {"a201020304", READ, CBOR_MAP, 2},
    {"a26161016162820203", READ, CBOR_MAP, 2},
    {"826161a161626163", READ, CBOR_ARRAY, 2},
    {"a56161614161626142616361436164614461656145", READ, CBOR_MAP, 5},
    {"5f42010243030405ff", REFUSED, CBOR_BYTES},
    {"7f657374726561646d696e67ff", REFUSED, CBOR_TEXT},
    {"9fff", REFUSED, CBOR_ARRAY},
    {"9f018202039f0405ffff", REFUSED, CBOR_ARRAY},
    {"9f01820203820405ff", REFUSED, CBOR_ARRAY},
    {"83018202039f0405ff", REFUSED, CBOR_ARRAY},
    {"83019f0203ff820405", REFUSED, CBOR_ARRAY},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", REFUSED, CBOR_ARRAY},
    {"bf61610161629f0203ffff", REFUSED, CBOR_MAP},
    {"826161bf61626163ff", REFUSED, CBOR_ARRAY},
    {"bf6346756ef563416d7421ff", REFUSED, CBOR_MAP},
};

enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static void test_cbor_appendix_a__each_example__in_the_subset_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct block block = block_unhex(examples[i].hex);
		struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
		bool refused = examples[i].expected == REFUSED;

		assert_int_equal(cbor_peek(&in), examples[i].kind);
		assert_int_equal(cbor_skip(&in, "x").size, refused ? 0 : block.size);
		assert_int_equal(cbor_finish(&in, "x", NULL),
				 refused ? TOBI_E_MALFORMED : TOBI_OK);
		block_done(block);
	}
}

/* Copies the next item by getter and writer; the level's items when it opens one. */
static void copy_item(struct cbor *in, struct writer *out, int64_t *ret_value,
		      struct tobi_bytes *ret_content)
{
	struct cbor_map map;
	size_t more = 0;

	switch (cbor_peek(in)) {
	case CBOR_UINT:
		cbor_write_uint(out,
				(uint64_t)(*ret_value = (int64_t)cbor_uint(in, "x")));
		break;
	case CBOR_NEGATIVE:
		cbor_write_int(out, *ret_value = cbor_int(in, "x"));
		break;
	case CBOR_BOOL:
		*ret_value = cbor_bool(in, "x");
		cbor_write_bool(out, *ret_value);
		break;
	case CBOR_NULL:
		cbor_null(in, "x");
		cbor_write_null(out);
		break;
	case CBOR_BYTES:
		cbor_write_bytes(out, *ret_content = cbor_bytes(in, 100, "x"));
		break;
	case CBOR_TEXT:
		cbor_write_text_bytes(out, *ret_content = cbor_text(in, 100, "x"));
		break;
	case CBOR_TAG:
		cbor_write_tag(out, (uint64_t)(*ret_value = (int64_t)cbor_tag(in, "x")));
		more = 1;
		break;
	case CBOR_ARRAY:
		more = cbor_array(in, 100, "x");
		*ret_value = (int64_t)more;
		cbor_write_array(out, more);
		break;
	default:
		map = cbor_map(in, 100, "x");
		*ret_value = (int64_t)map.left;
		more = 2 * map.left;
		cbor_write_map(out, map.left);
	}
	for (size_t i = 0; i < more; i++) {
		struct tobi_bytes item = cbor_skip(in, "x");

		wr_bytes(out, item.ptr, item.size);
	}
}

static void test_cbor_appendix_a__read_and_written__same_bytes_and_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct block block = block_unhex(examples[i].hex);
		struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
		struct writer out = wr_init(1000);
		struct tobi_bytes content = {0};
		struct block expected;
		int64_t value = 0;

		if (examples[i].expected == READ) {
			expected =
			    block_unhex(examples[i].content ? examples[i].content : "");
			copy_item(&in, &out, &value, &content);
			assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
			assert_bytes_equal(wr_view(&out), block_view(block));
			assert_int_equal(value, examples[i].value);
			assert_bytes_equal(content, block_view(expected));
			block_done(expected);
		}
		wr_done(&out);
		block_done(block);
	}
}

static void integer(int64_t value, const char *hex)
{
	struct block block = block_unhex(hex);
	struct writer out = wr_init(16);
	struct cbor in;

	cbor_write_int(&out, value);
	assert_bytes_equal(wr_view(&out), block_view(block));
	in = cbor_init(wr_view(&out), CBOR_DETERMINISTIC);
	assert_int_equal(cbor_int(&in, "x"), value);
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
	wr_done(&out);
	block_done(block);
}

static void test_cbor_write_int__ends_of_each_width__shortest(void **state)
{
	(void)state;
	integer(23, "17");
	integer(24, "1818");
	integer(255, "18ff");
	integer(256, "190100");
	integer(65535, "19ffff");
	integer(65536, "1a00010000");
	integer(4294967295, "1affffffff");
	integer(4294967296, "1b0000000100000000");
	integer(INT64_MAX, "1b7fffffffffffffff");
	integer(-24, "37");
	integer(-25, "3818");
	integer(-256, "38ff");
	integer(-257, "390100");
	integer(-65536, "39ffff");
	integer(-65537, "3a00010000");
	integer(-4294967296, "3affffffff");
	integer(-4294967297, "3b0000000100000000");
	integer(INT64_MIN, "3b7fffffffffffffff");
}

static void test_cbor_write_uint__largest__read_back(void **state)
{
	struct writer out = wr_init(16);
	struct cbor in;

	(void)state;
	cbor_write_uint(&out, UINT64_MAX);
	in = cbor_init(wr_view(&out), CBOR_DETERMINISTIC);
	assert_true(cbor_uint(&in, "x") == UINT64_MAX);
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
	wr_done(&out);
}

static void test_cbor_write__over_the_ceiling__limit(void **state)
{
	struct writer out = wr_init(4);

	(void)state;
	cbor_write_bytes(&out, BYTES(1, 2, 3, 4));
	assert_int_equal(wr_err(&out), TOBI_E_LIMIT);
	assert_int_equal(wr_view(&out).size, 0);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		test_cbor_appendix_a__each_example__in_the_subset_or_refused),
	    cmocka_unit_test(
		test_cbor_appendix_a__read_and_written__same_bytes_and_values),
	    cmocka_unit_test(test_cbor_write_int__ends_of_each_width__shortest),
	    cmocka_unit_test(test_cbor_write_uint__largest__read_back),
	    cmocka_unit_test(test_cbor_write__over_the_ceiling__limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
