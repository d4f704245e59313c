/* An item is skipped under either set of rules; a deterministic one, read by the getters
 * and written again, gives the same bytes. The first byte chooses the rules. */
#include "base/limits.h"
#include "codec/cbor.h"
#include "fuzz/fuzz.h"

static void copy(struct cbor *in, struct writer *out);

static void copy_level(struct cbor *in, struct writer *out, size_t count)
{
	for (size_t i = 0; i < count && !cbor_failed(in); i++)
		copy(in, out);
}

static void copy(struct cbor *in, struct writer *out)
{
	struct cbor_map map;
	size_t count;

	switch (cbor_peek(in)) {
	case CBOR_UINT:
		cbor_write_uint(out, cbor_uint(in, "x"));
		break;
	case CBOR_NEGATIVE:
		cbor_write_int(out, cbor_int(in, "x"));
		break;
	case CBOR_BYTES:
		cbor_write_bytes(out, cbor_bytes(in, SIZE_MAX, "x"));
		break;
	case CBOR_TEXT:
		cbor_write_text_bytes(out, cbor_text(in, SIZE_MAX, "x"));
		break;
	case CBOR_BOOL:
		cbor_write_bool(out, cbor_bool(in, "x"));
		break;
	case CBOR_NULL:
		cbor_null(in, "x");
		cbor_write_null(out);
		break;
	case CBOR_TAG:
		cbor_write_tag(out, cbor_tag(in, "x"));
		copy_level(in, out, 1);
		break;
	case CBOR_ARRAY:
		count = cbor_array(in, SIZE_MAX, "x");
		cbor_write_array(out, count);
		copy_level(in, out, count);
		break;
	default:
		map = cbor_map(in, SIZE_MAX, "x");
		cbor_write_map(out, map.left);
		copy_level(in, out, 2 * map.left);
	}
}

/* Keys of one kind, as parsers read them. */
static void walk_map(struct tobi_bytes item, enum cbor_rules rules, bool text)
{
	struct cbor in = cbor_init(item, rules);
	struct cbor_map map = cbor_map(&in, 1000, "map");
	struct tobi_bytes key = {0};
	int64_t number = 0;

	while (text ? cbor_map_text(&in, &map, &key, "key")
		    : cbor_map_int(&in, &map, &number, "key"))
		must_be_inside(cbor_skip(&in, "value"), item);
	must_be_inside(key, item);
}

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t choice = take_choice(&input);
	enum cbor_rules rules = choice & 1 ? CBOR_PREFERRED : CBOR_DETERMINISTIC;
	struct cbor in = cbor_init(input, rules);
	struct tobi_fault fault = {0};
	struct writer out = wr_init(input.size);

	walk_map(input, rules, choice & 2);
	must_be_inside(cbor_skip(&in, "item"), input);
	if (cbor_finish(&in, "item", &fault)) {
		must(fault.code && fault.has_offset && fault.offset <= input.size);
		wr_done(&out);
		return false;
	}
	in = cbor_init(input, rules);
	copy(&in, &out);
	/* Only a number below INT64_MIN cannot be read. */
	if (cbor_finish(&in, "item", &fault))
		must(fault.code == TOBI_E_LIMIT && input.ptr[fault.offset] == 0x3b);
	else
		must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	/* {1: 1000, -1: 'abc', "a": [true, null, 1(1363896240)]}, one byte too many, and
	 * as deep as it goes */
	static const uint8_t map[] = {0xa3, 0x01, 0x19, 0x03, 0xe8, 0x20, 0x43,
				      'a',  'b',  'c',	0x61, 'a',  0x83, 0xf5,
				      0xf6, 0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0};
	static const uint8_t trailing[] = {0xa2, 0x61, 'a',  0x01, 0x62,
					   'b',	 'c',  0x81, 0x80, 0x9f};
	static const uint8_t deep[] = {0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x80};
	const struct tobi_bytes items[] = {
	    {map, sizeof(map)}, {trailing, sizeof(trailing)}, {deep, sizeof(deep)}};

	if (number >= 6)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)(number / 3));
	wr_bytes(out, items[number % 3].ptr, items[number % 3].size);
	return number % 3 == 1 ? FUZZ_BAD : FUZZ_GOOD;
}
