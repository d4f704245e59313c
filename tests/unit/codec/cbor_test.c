#include <stdio.h>

#include "base/limits.h"
#include "codec/cbor.h"
#include "tests/bytes.h"

static enum tobi_err skip_whole(struct tobi_bytes bytes, enum cbor_rules rules,
				struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, rules);

	cbor_skip(&cbor, "item");
	return cbor_finish(&cbor, "object", fault);
}

/* Under both sets of rules the same error, at the same place. */
static void refused(const char *hex, enum tobi_err err, size_t offset)
{
	struct block block = block_unhex(hex);

	for (int rules = CBOR_DETERMINISTIC; rules <= CBOR_PREFERRED; rules++) {
		struct tobi_fault fault = {0};

		assert_int_equal(
		    skip_whole(block_view(block), (enum cbor_rules)rules, &fault), err);
		assert_string_equal(fault.object, "object");
		assert_string_equal(fault.field, err == TOBI_E_TRAILING ? "end" : "item");
		assert_true(fault.has_offset);
		assert_int_equal(fault.offset, offset);
	}
	block_done(block);
}

static void accepted(const char *hex, enum cbor_rules rules)
{
	struct block block = block_unhex(hex);

	assert_int_equal(skip_whole(block_view(block), rules, NULL), TOBI_OK);
	block_done(block);
}

static void test_cbor_integers__not_the_shortest__malformed(void **state)
{
	static const char *const bad[] = {"1817",
					  "1800",
					  "190018",
					  "1900ff",
					  "1a0000ffff",
					  "1a00000000",
					  "1b00000000ffffffff",
					  "1b0000000000000000",
					  "3817",
					  "3900ff",
					  "3a0000ffff",
					  "3b00000000ffffffff"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], TOBI_E_MALFORMED, 0);
}

static void test_cbor_lengths__not_the_shortest__malformed(void **state)
{
	(void)state;
	refused("580161", TOBI_E_MALFORMED, 0);
	refused("59000161", TOBI_E_MALFORMED, 0);
	refused("780161", TOBI_E_MALFORMED, 0);
	refused("9a0000000100", TOBI_E_MALFORMED, 0);
	refused("980100", TOBI_E_MALFORMED, 0);
	refused("b8010000", TOBI_E_MALFORMED, 0);
	refused("d80100", TOBI_E_MALFORMED, 0);
	refused("81580161", TOBI_E_MALFORMED, 1);
}

static void test_cbor_indefinite__each_type__malformed(void **state)
{
	(void)state;
	refused("5f42010243030405ff", TOBI_E_MALFORMED, 0);
	refused("7f657374726561646d696e67ff", TOBI_E_MALFORMED, 0);
	refused("9fff", TOBI_E_MALFORMED, 0);
	refused("bf61610161629f0203ffff", TOBI_E_MALFORMED, 0);
	refused("83018202039f0405ff", TOBI_E_MALFORMED, 5);
	refused("ff", TOBI_E_MALFORMED, 0);
	refused("81ff", TOBI_E_MALFORMED, 1);
}

static void test_cbor_reserved_heads__each__malformed(void **state)
{
	char hex[3];

	(void)state;
	for (unsigned major = 0; major < 8; major++) {
		for (unsigned info = 28; info < 31; info++) {
			uint8_t head = (uint8_t)(major << 5 | info);

			hex_write((struct tobi_bytes){&head, 1}, hex, sizeof(hex));
			refused(hex, TOBI_E_MALFORMED, 0);
		}
	}
}

static void test_cbor_floats_and_simple_values__malformed(void **state)
{
	static const char *const bad[] = {
	    "f90000", "f93c00", "f97e00", "fa47c35000", "fb3ff199999999999a",
	    "f7",     "f0",	"e0",	  "f3",		"f818",
	    "f8ff",   "f814"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct block block = block_unhex(bad[i]);
		struct cbor cbor = cbor_init(block_view(block), CBOR_DETERMINISTIC);

		refused(bad[i], TOBI_E_MALFORMED, 0);
		assert_int_equal(cbor_peek(&cbor), CBOR_OTHER);
		block_done(block);
	}
}

static void test_cbor_map__duplicate_key__malformed(void **state)
{
	(void)state;
	refused("a201000100", TOBI_E_MALFORMED, 3);
	refused("a2616100616101", TOBI_E_MALFORMED, 4);
	refused("a3000041aa0041aa00", TOBI_E_MALFORMED, 6);
}

static void test_cbor_map__unsorted__malformed_when_deterministic(void **state)
{
	static const char *const unsorted[] = {
	    "a202000100",	/* 2, 1 */
	    "a220000100",	/* -1, 1 */
	    "a26162006161f6",	/* "b", "a" */
	    "a262616100616200", /* "aa", "b": bytewise, not by length alone */
	    "a2616100410000",	/* "a", h'00' */
	    "a21818000100",	/* 24, 1 */
	    "81a202000100",	/* inside an array */
	    "a101a202000100",	/* inside a map */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unsorted) / sizeof(unsorted[0]); i++) {
		struct block block = block_unhex(unsorted[i]);

		assert_int_equal(skip_whole(block_view(block), CBOR_DETERMINISTIC, NULL),
				 TOBI_E_MALFORMED);
		block_done(block);
		accepted(unsorted[i], CBOR_PREFERRED);
	}
	accepted("a4010018180020004000", CBOR_DETERMINISTIC);
}

static void test_cbor_map__key_of_another_kind__malformed(void **state)
{
	(void)state;
	refused("a1800000", TOBI_E_MALFORMED, 1);
	refused("a1a00000", TOBI_E_MALFORMED, 1);
	refused("a1c10000", TOBI_E_MALFORMED, 1);
	refused("a1f500", TOBI_E_MALFORMED, 1);
}

/* Each of arrays, maps and tags opens a level. */
static void nested(const char *level, const char *last, size_t depth, enum tobi_err err)
{
	char hex[100] = "";

	for (size_t i = 0; i < depth; i++)
		snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex), "%s", level);
	snprintf(hex + strlen(hex), sizeof(hex) - strlen(hex), "%s", last);
	if (err)
		refused(hex, err, LIMIT_CBOR_DEPTH * strlen(level) / 2);
	else
		accepted(hex, CBOR_DETERMINISTIC);
}

static void test_cbor_depth__limit__one_more_fails(void **state)
{
	static const char *const levels[] = {"81", "a100", "c1"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		nested(levels[i], "00", LIMIT_CBOR_DEPTH, TOBI_OK);
		nested(levels[i], "00", LIMIT_CBOR_DEPTH + 1, TOBI_E_LIMIT);
		nested(levels[i], "80", LIMIT_CBOR_DEPTH - 1, TOBI_OK);
		nested(levels[i], "80", LIMIT_CBOR_DEPTH, TOBI_E_LIMIT);
	}
	/* Levels that are closed do not count. */
	accepted("8a8100810081008100810081008100810081008100", CBOR_PREFERRED);
}

static void test_cbor_counts__larger_than_the_input__truncated(void **state)
{
	(void)state;
	refused("8201", TOBI_E_TRUNCATED, 1);
	refused("9bffffffffffffffff00", TOBI_E_TRUNCATED, 9);
	refused("bb7fffffffffffffff0000", TOBI_E_TRUNCATED, 9);
	refused("bb80000000000000010000", TOBI_E_TRUNCATED, 9); /* * 2 wraps to 2 */
	refused("a20000", TOBI_E_TRUNCATED, 1);
	refused("5bffffffffffffffff00", TOBI_E_TRUNCATED, 9);
	refused("7a7fffffff00", TOBI_E_TRUNCATED, 5);
}

static void test_cbor_text__ill_formed_or_control__malformed(void **state)
{
	(void)state;
	refused("61ff", TOBI_E_MALFORMED, 0);
	refused("62c328", TOBI_E_MALFORMED, 0);
	refused("610a", TOBI_E_MALFORMED, 0);
	refused("a161ff00", TOBI_E_MALFORMED, 1);
}

static void test_cbor_finish__trailing_byte__refused(void **state)
{
	(void)state;
	refused("0000", TOBI_E_TRAILING, 1);
	refused("a1000000", TOBI_E_TRAILING, 3);
	refused("", TOBI_E_TRUNCATED, 0);
}

/* {1: 1000, 2: -256, 3: h'aabbcc', 4: ["a", true, null], 5: 100(h'010203'),
 *  24: 256({0: -1})} */
static const char sample[] = "a6011903e80238ff0343aabbcc04836161f5f605d86443010203"
			     "1818d90100a10020";

static void read_sample(struct cbor *cbor)
{
	struct cbor_map map = cbor_map(cbor, 6, "map");
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "key")) {
		switch (key) {
		case 1:
			assert_int_equal(cbor_uint(cbor, "uint"), 1000);
			break;
		case 2:
			assert_int_equal(cbor_int(cbor, "int"), -256);
			break;
		case 3:
			cbor_bytes_exact(cbor, 3, "bytes");
			break;
		case 4:
			cbor_array(cbor, 3, "array");
			cbor_text(cbor, 1, "text");
			cbor_bool(cbor, "bool");
			cbor_null(cbor, "null");
			break;
		case 5:
			cbor_tag(cbor, "tag");
			cbor_bytes(cbor, 9, "tagged");
			break;
		default:
			cbor_skip(cbor, "rest");
		}
	}
}

/* What is missing, and where, when the input has that many bytes. */
static const struct {
	size_t from, to;
	const char *field;
	size_t offset;
} cuts[] = {
    {0, 0, "map", 0},	  {1, 12, "map", 1}, /* six entries need twelve bytes */
    {13, 13, "key", 13},  {14, 14, "array", 14},  {15, 17, "array", 15},
    {18, 18, "null", 18}, {19, 19, "key", 19},	  {20, 20, "tag", 20},
    {21, 21, "tag", 21},  {22, 22, "tagged", 22}, {23, 25, "tagged", 23},
    {26, 26, "key", 26},  {27, 27, "key", 27},	  {28, 28, "rest", 28},
    {29, 30, "rest", 29}, {31, 31, "rest", 31},	  {32, 33, "rest", 32},
};

static void test_cbor_parse__each_truncation__names_field_and_offset(void **state)
{
	struct block whole = block_unhex(sample);
	struct cbor cbor = cbor_init(block_view(whole), CBOR_DETERMINISTIC);
	size_t tried = 0;

	(void)state;
	read_sample(&cbor);
	assert_int_equal(cbor_finish(&cbor, "sample", NULL), TOBI_OK);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		for (size_t size = cuts[i].from; size <= cuts[i].to; size++, tried++) {
			struct block cut =
			    block_new((struct tobi_bytes){whole.ptr, size});
			struct tobi_fault fault = {0};

			assert_int_equal(size, tried);
			cbor = cbor_init(block_view(cut), CBOR_DETERMINISTIC);
			while (!cbor_failed(&cbor))
				read_sample(&cbor);
			assert_int_equal(cbor_finish(&cbor, "sample", &fault),
					 TOBI_E_TRUNCATED);
			assert_string_equal(fault.object, "sample");
			assert_string_equal(fault.field, cuts[i].field);
			assert_true(fault.has_offset);
			assert_int_equal(fault.offset, cuts[i].offset);
			block_done(cut);
		}
	}
	assert_int_equal(tried, whole.size);
	block_done(whole);
}

/* The one getter on the one item: the error, and zero at its head. */
#define getter(call, hex, err)                                                           \
	do {                                                                             \
		struct block block_ = block_unhex(hex);                                  \
		struct cbor in = cbor_init(block_view(block_), CBOR_DETERMINISTIC);      \
		struct tobi_fault fault_ = {0};                                          \
                                                                                         \
		(void)(call);                                                            \
		assert_int_equal(cbor_finish(&in, "object", &fault_), err);              \
		assert_int_equal(fault_.offset, 0);                                      \
		block_done(block_);                                                      \
	} while (0)

static void test_cbor_getters__item_of_another_kind__malformed(void **state)
{
	static const char *const items[] = {"00",     "20",   "4100", "6161", "8100",
					    "a10000", "c100", "f5",   "f6"};

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		if (i != 0)
			getter(cbor_uint(&in, "x"), items[i], TOBI_E_MALFORMED);
		if (i > 1)
			getter(cbor_int(&in, "x"), items[i], TOBI_E_MALFORMED);
		if (i != 2)
			getter(cbor_bytes(&in, 9, "x").size, items[i], TOBI_E_MALFORMED);
		if (i != 3)
			getter(cbor_text(&in, 9, "x").size, items[i], TOBI_E_MALFORMED);
		if (i != 4)
			getter(cbor_array(&in, 9, "x"), items[i], TOBI_E_MALFORMED);
		if (i != 5)
			getter(cbor_map(&in, 9, "x").left, items[i], TOBI_E_MALFORMED);
		if (i != 6)
			getter(cbor_tag(&in, "x"), items[i], TOBI_E_MALFORMED);
		if (i != 7)
			getter(cbor_bool(&in, "x"), items[i], TOBI_E_MALFORMED);
		if (i != 8)
			getter((cbor_null(&in, "x"), 0), items[i], TOBI_E_MALFORMED);
	}
}

static void test_cbor_getters__limits__exact_fits_one_more_does_not(void **state)
{
	(void)state;
	getter(cbor_uint_max(&in, 256, "x"), "190100", TOBI_OK);
	getter(cbor_uint_max(&in, 255, "x"), "190100", TOBI_E_LIMIT);
	getter(cbor_bytes(&in, 2, "x").size, "420102", TOBI_OK);
	getter(cbor_bytes(&in, 1, "x").size, "420102", TOBI_E_LIMIT);
	getter(cbor_text(&in, 2, "x").size, "626161", TOBI_OK);
	getter(cbor_text(&in, 1, "x").size, "626161", TOBI_E_LIMIT);
	getter(cbor_bytes_exact(&in, 2, "x").size, "420102", TOBI_OK);
	getter(cbor_bytes_exact(&in, 1, "x").size, "420102", TOBI_E_MALFORMED);
	getter(cbor_bytes_exact(&in, 3, "x").size, "420102", TOBI_E_MALFORMED);
	getter((cbor_array(&in, 2, "x"), cbor_skip(&in, "x"), cbor_skip(&in, "x")).size,
	       "820102", TOBI_OK);
	getter(cbor_array(&in, 1, "x"), "820102", TOBI_E_LIMIT);
	getter(cbor_map(&in, 1, "x").left, "a201020304", TOBI_E_LIMIT);
	getter(cbor_int(&in, "x"), "1b7fffffffffffffff", TOBI_OK);
	getter(cbor_int(&in, "x"), "1b8000000000000000", TOBI_E_LIMIT);
	getter(cbor_int(&in, "x"), "3b7fffffffffffffff", TOBI_OK);
	getter(cbor_int(&in, "x"), "3b8000000000000000", TOBI_E_LIMIT);
}

static void test_cbor_failure__later_reads__zero_and_first_field(void **state)
{
	struct block block = block_unhex("820141ff");
	struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
	struct tobi_fault fault = {0};
	struct cbor_map map = {0};
	int64_t key = 99;

	(void)state;
	assert_int_equal(cbor_array(&in, 2, "pair"), 2);
	assert_int_equal(cbor_text(&in, 9, "first").size, 0);
	assert_int_equal(cbor_uint(&in, "second"), 0);
	assert_int_equal(cbor_int(&in, "second"), 0);
	assert_false(cbor_bool(&in, "second"));
	assert_int_equal(cbor_bytes(&in, 9, "second").size, 0);
	assert_int_equal(cbor_array(&in, 9, "second"), 0);
	map = cbor_map(&in, 9, "second");
	assert_false(cbor_map_int(&in, &map, &key, "second"));
	assert_int_equal(key, 99);
	assert_int_equal(cbor_skip(&in, "second").size, 0);
	cbor_require(&in, false, "second");
	assert_int_equal(cbor_peek(&in), CBOR_END);
	assert_int_equal(cbor_finish(&in, "object", &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "first");
	assert_int_equal(fault.offset, 1);
	block_done(block);
}

static void test_cbor_skip__one_of_two_items__gives_its_encoding(void **state)
{
	struct block block = block_unhex("83a10141ff82f5f600");
	struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);

	(void)state;
	cbor_array(&in, 3, "x");
	assert_bytes_equal(cbor_skip(&in, "x"), BYTES(0xa1, 0x01, 0x41, 0xff));
	assert_bytes_equal(cbor_skip(&in, "x"), BYTES(0x82, 0xf5, 0xf6));
	assert_int_equal(cbor_uint(&in, "x"), 0);
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
	block_done(block);
}

/* Maps in any order are compared key by key, so there is a limit of their own. */
static void test_cbor_unsorted_map__sixty_four_keys__one_more_fails(void **state)
{
	(void)state;
	for (unsigned count = 64; count <= 65; count++) {
		struct writer out = wr_init(1000);
		struct cbor in;

		cbor_write_map(&out, count);
		for (unsigned i = count; i > 0; i--) {
			cbor_write_uint(&out, i);
			cbor_write_null(&out);
		}
		assert_int_equal(skip_whole(wr_view(&out), CBOR_PREFERRED, NULL),
				 count == 64 ? TOBI_OK : TOBI_E_LIMIT);
		in = cbor_init(wr_view(&out), CBOR_PREFERRED);
		assert_int_equal(cbor_map(&in, 1000, "x").left, count);
		assert_int_equal(cbor_failed(&in), count != 64);
		wr_done(&out);
	}
}

static void test_cbor_map_int__order_and_kind__checked_while_read(void **state)
{
	static const char *const bad[] = {"a202000100", "a201000100", "a1616100",
					  "a1800000"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct block block = block_unhex(bad[i]);
		struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
		struct cbor_map map = cbor_map(&in, 9, "x");
		int64_t key;

		while (cbor_map_int(&in, &map, &key, "x"))
			cbor_skip(&in, "x");
		assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_E_MALFORMED);
		block_done(block);
	}
}

static void test_cbor_map_expect__another_key_or_none__names_the_field(void **state)
{
	const struct tobi_bytes inputs[] = {BYTES(0xa1, 0x05, 0x07),
					    BYTES(0xa1, 0x06, 0x07), BYTES(0xa0)};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct cbor in = cbor_init(inputs[i], CBOR_DETERMINISTIC);
		struct cbor_map map = cbor_map(&in, 1, "map");
		struct tobi_fault fault = {0};
		bool there = cbor_map_expect(&in, &map, 5, "port");

		assert_int_equal(there, i == 0);
		if (there) {
			assert_int_equal(cbor_uint(&in, "port"), 7);
			continue;
		}
		assert_int_equal(cbor_finish(&in, "thing", &fault), TOBI_E_MALFORMED);
		assert_string_equal(fault.field, "port");
	}
}

static void test_cbor_map_text__keys__read_or_refused(void **state)
{
	struct block block = block_unhex("a2616101626162f5");
	struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&in, 2, "x");
	struct tobi_bytes key = {0};

	(void)state;
	assert_true(cbor_map_text(&in, &map, &key, "x"));
	assert_bytes_equal(key, text_bytes("a"));
	cbor_skip(&in, "x");
	assert_true(cbor_map_text(&in, &map, &key, "x"));
	assert_bytes_equal(key, text_bytes("ab"));
	assert_true(cbor_bool(&in, "x"));
	assert_false(cbor_map_text(&in, &map, &key, "x"));
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
	block_done(block);
	block = block_unhex("a10100");
	in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
	map = cbor_map(&in, 2, "x");
	assert_false(cbor_map_text(&in, &map, &key, "x"));
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_E_MALFORMED);
	block_done(block);
}

/* {1: 2, "a": [3]} with the lengths as they are written; ret_left is what follows. */
static enum tobi_err read_any(const char *hex, size_t max, size_t *ret_count,
			      struct tobi_fault *fault)
{
	struct block block = block_unhex(hex);
	struct cbor cbor = cbor_init(block_view(block), CBOR_PREFERRED);
	struct cbor_map map = cbor_map_any(&cbor, max, "map");
	int64_t key;
	enum tobi_err err;

	*ret_count = 0;
	while (cbor_map_int(&cbor, &map, &key, "map")) {
		cbor_skip(&cbor, "map");
		++*ret_count;
	}
	err = cbor_finish(&cbor, "object", fault);
	block_done(block);
	return err;
}

static void test_cbor_map_any__both_lengths__read_alike(void **state)
{
	size_t count;

	(void)state;
	assert_int_equal(read_any("a0", 4, &count, NULL), TOBI_OK);
	assert_int_equal(count, 0);
	assert_int_equal(read_any("bfff", 4, &count, NULL), TOBI_OK);
	assert_int_equal(count, 0);
	assert_int_equal(read_any("a2010202820304", 4, &count, NULL), TOBI_OK);
	assert_int_equal(count, 2);
	assert_int_equal(read_any("bf010202820304ff", 4, &count, NULL), TOBI_OK);
	assert_int_equal(count, 2);
}

static void test_cbor_map_any__bad_ones__one_error_each(void **state)
{
	static const struct {
		const char *hex;
		enum tobi_err err;
		size_t offset;
	} cases[] = {
	    {"bf", TOBI_E_TRUNCATED, 1},
	    {"bf0102", TOBI_E_TRUNCATED, 3},
	    {"bf01ff", TOBI_E_MALFORMED, 2},	   /* a key without a value */
	    {"bf01020103ff", TOBI_E_MALFORMED, 3}, /* twice the same */
	    {"bf0102ff00", TOBI_E_TRAILING, 4},
	    {"bf0102ffff", TOBI_E_TRAILING, 4},
	    {"bf01bfffff", TOBI_E_MALFORMED, 2}, /* nothing inside may be so */
	    {"bf019fffff", TOBI_E_MALFORMED, 2},
	    {"bf0102020303040405ff", TOBI_E_LIMIT, 7}, /* four of three */
	    {"bf8001ff", TOBI_E_MALFORMED, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_fault fault = {0};
		size_t count;

		assert_int_equal(read_any(cases[i].hex, 3, &count, &fault), cases[i].err);
		assert_int_equal(fault.offset, cases[i].offset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cbor_map_any__both_lengths__read_alike),
	    cmocka_unit_test(test_cbor_map_any__bad_ones__one_error_each),
	    cmocka_unit_test(test_cbor_integers__not_the_shortest__malformed),
	    cmocka_unit_test(test_cbor_lengths__not_the_shortest__malformed),
	    cmocka_unit_test(test_cbor_indefinite__each_type__malformed),
	    cmocka_unit_test(test_cbor_reserved_heads__each__malformed),
	    cmocka_unit_test(test_cbor_floats_and_simple_values__malformed),
	    cmocka_unit_test(test_cbor_map__duplicate_key__malformed),
	    cmocka_unit_test(test_cbor_map__unsorted__malformed_when_deterministic),
	    cmocka_unit_test(test_cbor_map__key_of_another_kind__malformed),
	    cmocka_unit_test(test_cbor_depth__limit__one_more_fails),
	    cmocka_unit_test(test_cbor_counts__larger_than_the_input__truncated),
	    cmocka_unit_test(test_cbor_text__ill_formed_or_control__malformed),
	    cmocka_unit_test(test_cbor_finish__trailing_byte__refused),
	    cmocka_unit_test(test_cbor_parse__each_truncation__names_field_and_offset),
	    cmocka_unit_test(test_cbor_getters__item_of_another_kind__malformed),
	    cmocka_unit_test(test_cbor_getters__limits__exact_fits_one_more_does_not),
	    cmocka_unit_test(test_cbor_failure__later_reads__zero_and_first_field),
	    cmocka_unit_test(test_cbor_skip__one_of_two_items__gives_its_encoding),
	    cmocka_unit_test(test_cbor_unsorted_map__sixty_four_keys__one_more_fails),
	    cmocka_unit_test(test_cbor_map_int__order_and_kind__checked_while_read),
	    cmocka_unit_test(test_cbor_map_expect__another_key_or_none__names_the_field),
	    cmocka_unit_test(test_cbor_map_text__keys__read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
