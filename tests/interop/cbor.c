/*
 * Our CBOR beside libcbor's: random items, the same on every run. Both must read the same
 * values from the same bytes; what only libcbor accepts must be what our rules refuse.
 */
#include <cbor.h>
#include <stdlib.h>

#include "base/limits.h"
#include "codec/cbor.h"
#include "tests/bytes.h"

enum { ITEMS = 4000, TEXT = 40, DEPTH = LIMIT_CBOR_DEPTH - 1, ROOM = 1 << 20 };

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Any width is as likely as any other. */
static uint64_t any_number(uint64_t *seed)
{
	return next(seed) >> (next(seed) % 64);
}

/* One that libcbor knows. */
static uint64_t any_tag(uint64_t *seed)
{
	uint64_t tag = any_number(seed);

	return tag >= 6 && tag <= 20 ? 21 : tag;
}

static size_t any_text(uint64_t *seed, char out[TEXT])
{
	static const char *const parts[] = {
	    "a", "Z", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	size_t size = 0;

	for (size_t i = next(seed) % 8; i > 0; i--) {
		const char *part = parts[next(seed) % 6];

		bytes_copy(out + size, TEXT - size, part, strlen(part));
		size += strlen(part);
	}
	return size;
}

static void our_item(struct writer *out, uint64_t *seed, int depth);

/* Keys rise by themselves: numbers in order, then texts of growing size. */
static void our_map(struct writer *out, uint64_t *seed, int depth)
{
	size_t count = next(seed) % 5;
	uint64_t key = next(seed) % 30;
	static const char texts[5][6] = {"x", "xy", "xyz", "xyzz", "xyzzy"};

	cbor_write_map(out, count);
	for (size_t i = 0; i < count; i++, key = key * 3 + 1) {
		if (i < count / 2)
			cbor_write_uint(out, key);
		else
			cbor_write_text(out, texts[i]);
		our_item(out, seed, depth + 1);
	}
}

static void our_item(struct writer *out, uint64_t *seed, int depth)
{
	char text[TEXT];
	size_t count;

	switch (next(seed) % (depth < DEPTH ? 9 : 6)) {
	case 0:
		cbor_write_uint(out, any_number(seed));
		break;
	case 1:
		cbor_write_int(out, -1 - (int64_t)(any_number(seed) >> 1));
		break;
	case 2:
		count = any_text(seed, text);
		cbor_write_bytes(out, (struct tobi_bytes){(uint8_t *)text, count});
		break;
	case 3:
		count = any_text(seed, text);
		cbor_write_text_bytes(out, (struct tobi_bytes){(uint8_t *)text, count});
		break;
	case 4:
		cbor_write_bool(out, next(seed) & 1);
		break;
	case 5:
		cbor_write_null(out);
		break;
	case 6:
		cbor_write_tag(out, any_tag(seed));
		our_item(out, seed, depth + 1);
		break;
	case 7:
		count = next(seed) % 5;
		cbor_write_array(out, count);
		for (size_t i = 0; i < count; i++)
			our_item(out, seed, depth + 1);
		break;
	default:
		our_map(out, seed, depth);
	}
}

/* What our reader finds, item for item, is what libcbor has in its tree. */
static void same(struct cbor *in, const cbor_item_t *item)
{
	struct tobi_bytes bytes;
	struct cbor_map map;
	size_t count;

	switch (cbor_peek(in)) {
	case CBOR_UINT:
		assert_true(cbor_isa_uint(item));
		assert_true(cbor_uint(in, "x") == cbor_get_int(item));
		break;
	case CBOR_NEGATIVE:
		assert_true(cbor_isa_negint(item));
		assert_true(cbor_int(in, "x") == -1 - (int64_t)cbor_get_int(item));
		break;
	case CBOR_BYTES:
		bytes = cbor_bytes(in, ROOM, "x");
		assert_true(cbor_isa_bytestring(item));
		assert_bytes_equal(bytes,
				   ((struct tobi_bytes){cbor_bytestring_handle(item),
							cbor_bytestring_length(item)}));
		break;
	case CBOR_TEXT:
		bytes = cbor_text(in, ROOM, "x");
		assert_true(cbor_isa_string(item));
		assert_bytes_equal(bytes,
				   ((struct tobi_bytes){cbor_string_handle(item),
							cbor_string_length(item)}));
		break;
	case CBOR_BOOL:
		assert_true(cbor_is_bool(item));
		assert_int_equal(cbor_bool(in, "x"), cbor_get_bool(item));
		break;
	case CBOR_NULL:
		assert_true(cbor_is_null(item));
		cbor_null(in, "x");
		break;
	case CBOR_TAG:
		assert_true(cbor_isa_tag(item));
		assert_true(cbor_tag(in, "x") == cbor_tag_value(item));
		cbor_item_t *inner = cbor_tag_item(item);

		same(in, inner);
		cbor_decref(&inner);
		break;
	case CBOR_ARRAY:
		count = cbor_array(in, ROOM, "x");
		assert_true(cbor_isa_array(item));
		assert_int_equal(count, cbor_array_size(item));
		for (size_t i = 0; i < count; i++)
			same(in, cbor_array_handle(item)[i]);
		break;
	case CBOR_MAP:
		map = cbor_map(in, ROOM, "x");
		assert_true(cbor_isa_map(item));
		assert_int_equal(map.left, cbor_map_size(item));
		for (size_t i = 0; i < cbor_map_size(item); i++) {
			same(in, cbor_map_handle(item)[i].key);
			same(in, cbor_map_handle(item)[i].value);
		}
		break;
	default:
		fail_msg("%d is not a kind that is read", cbor_peek(in));
	}
	assert_false(cbor_failed(in));
}

/* libcbor 0.8 refuses the one-byte tags 6 to 20, COSE's among them, as "unassigned". */
static bool is_unknown_tag(uint8_t head)
{
	return head >= 0xc6 && head <= 0xd4;
}

/* False when libcbor does not know a tag. */
static bool same_bytes(struct tobi_bytes bytes)
{
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(bytes.ptr, bytes.size, &result);
	struct cbor in = cbor_init(bytes, CBOR_DETERMINISTIC);

	if (!item && is_unknown_tag(bytes.ptr[result.error.position]))
		return false;
	assert_non_null(item);
	assert_int_equal(result.read, bytes.size);
	same(&in, item);
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
	in = cbor_init(bytes, CBOR_DETERMINISTIC);
	cbor_skip(&in, "x");
	assert_int_equal(cbor_finish(&in, "x", NULL), TOBI_OK);
	cbor_decref(&item);
	return true;
}

static void test_cbor__written_by_us__libcbor_reads_and_writes_the_same(void **state)
{
	uint64_t seed = 0x746f6269;

	(void)state;
	for (int i = 0; i < ITEMS; i++) {
		struct writer out = wr_init(ROOM);
		struct cbor_load_result result;
		unsigned char *again = NULL;
		cbor_item_t *item;
		size_t size, room;

		our_item(&out, &seed, 0);
		assert_int_equal(wr_err(&out), TOBI_OK);
		assert_true(same_bytes(wr_view(&out)));
		item = cbor_load(out.ptr, out.size, &result);
		size = cbor_serialize_alloc(item, &again, &room);
		assert_bytes_equal(wr_view(&out), ((struct tobi_bytes){again, size}));
		free(again);
		cbor_decref(&item);
		wr_done(&out);
	}
}

/* What libcbor writes and our rules do not allow. */
enum flaw { NO_FLAW, WIDE, INDEFINITE, FLOAT, UNDEFINED, UNSORTED, TWICE, FLAWS };

static cbor_item_t *number(uint64_t value, bool wide, bool negative)
{
	cbor_item_t *item;

	if (value > UINT32_MAX || (wide && value > UINT16_MAX))
		item = cbor_build_uint64(value);
	else if (value > UINT16_MAX || (wide && value > UINT8_MAX))
		item = cbor_build_uint32((uint32_t)value);
	else if (value > UINT8_MAX || wide)
		item = cbor_build_uint16((uint16_t)value);
	else
		item = cbor_build_uint8((uint8_t)value);
	if (negative)
		cbor_mark_negint(item);
	return item;
}

static void add_pair(cbor_item_t *map, uint64_t key, cbor_item_t *value)
{
	struct cbor_pair pair = {cbor_move(number(key, false, false)), cbor_move(value)};

	assert_true(cbor_map_add(map, pair));
}

static cbor_item_t *their_flaw(uint64_t *seed, enum flaw flaw)
{
	cbor_item_t *item;

	switch (flaw) {
	case WIDE:
		return number(any_number(seed) >> 33, true, next(seed) & 1);
	case INDEFINITE:
		return next(seed) & 1 ? cbor_new_indefinite_array()
				      : cbor_new_indefinite_map();
	case FLOAT:
		return cbor_build_float4((float)(next(seed) % 100));
	case UNDEFINED:
		return cbor_new_undef();
	default:
		item = cbor_new_definite_map(2);
		add_pair(item, 5, cbor_build_bool(true));
		add_pair(item, flaw == TWICE ? 5 : 4, cbor_build_bool(true));
		return item;
	}
}

/* One item; the flaw, if there is one, is at the end of the last branch. */
static cbor_item_t *their_item(uint64_t *seed, int depth, enum flaw flaw)
{
	size_t count = 1 + next(seed) % 4;
	char text[TEXT];
	cbor_item_t *item;

	if (flaw && (depth == DEPTH || next(seed) % 4 == 0))
		return their_flaw(seed, flaw);
	switch (flaw ? 5 + next(seed) % 3 : next(seed) % (depth < DEPTH ? 8 : 5)) {
	case 0:
		return number(any_number(seed), false, false);
	case 1:
		return number(any_number(seed) >> 1, false, true);
	case 2:
		return cbor_build_bytestring((cbor_data)text, any_text(seed, text));
	case 3:
		return cbor_build_stringn(text, any_text(seed, text));
	case 4:
		return next(seed) & 1 ? cbor_new_null() : cbor_build_bool(next(seed) & 1);
	case 5:
		return cbor_build_tag(any_tag(seed),
				      cbor_move(their_item(seed, depth + 1, flaw)));
	case 6:
		item = cbor_new_definite_array(count);
		for (size_t i = 0; i < count; i++)
			assert_true(cbor_array_push(
			    item,
			    cbor_move(their_item(seed, depth + 1,
						 i + 1 == count ? flaw : NO_FLAW))));
		return item;
	default:
		item = cbor_new_definite_map(count);
		for (size_t i = 0; i < count; i++)
			add_pair(
			    item, i * 20,
			    their_item(seed, depth + 1, i + 1 == count ? flaw : NO_FLAW));
		return item;
	}
}

static void test_cbor__written_by_libcbor__read_or_refused_by_our_rules(void **state)
{
	uint64_t seed = 0x6c6962;

	(void)state;
	for (int i = 0; i < ITEMS; i++) {
		enum flaw flaw = (enum flaw)(i % FLAWS);
		cbor_item_t *item = their_item(&seed, 0, flaw);
		unsigned char *bytes = NULL;
		size_t room, size = cbor_serialize_alloc(item, &bytes, &room);
		struct cbor in =
		    cbor_init((struct tobi_bytes){bytes, size}, CBOR_DETERMINISTIC);

		assert_true(size > 0);
		cbor_skip(&in, "x");
		assert_int_equal(cbor_finish(&in, "x", NULL),
				 flaw ? TOBI_E_MALFORMED : TOBI_OK);
		if (!flaw)
			assert_true(same_bytes((struct tobi_bytes){bytes, size}));
		free(bytes);
		cbor_decref(&item);
	}
}

static void test_cbor__damaged__what_we_accept_libcbor_reads_the_same(void **state)
{
	uint64_t seed = 0x64616d61;
	int accepted = 0;

	(void)state;
	for (int i = 0; i < 5 * ITEMS; i++) {
		struct writer out = wr_init(ROOM);
		struct cbor in;

		our_item(&out, &seed, i % 5 ? DEPTH - 2 : 0);
		for (uint64_t n = next(&seed) % 3 + 1; n > 0; n--)
			out.ptr[next(&seed) % out.size] ^=
			    (uint8_t)(1 << next(&seed) % 8);
		in = cbor_init(wr_view(&out), CBOR_DETERMINISTIC);
		cbor_skip(&in, "x");
		/* A negative number below INT64_MIN has no getter of ours. */
		if (!cbor_finish(&in, "x", NULL) && !memchr(out.ptr, 0x3b, out.size))
			accepted += same_bytes(wr_view(&out));
		wr_done(&out);
	}
	assert_true(accepted > ITEMS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cbor__written_by_us__libcbor_reads_and_writes_the_same),
	    cmocka_unit_test(test_cbor__written_by_libcbor__read_or_refused_by_our_rules),
	    cmocka_unit_test(test_cbor__damaged__what_we_accept_libcbor_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
