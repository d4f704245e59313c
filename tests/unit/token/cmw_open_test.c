#include "codec/cbor.h"
#include "tests/bytes.h"
#include "token/cmw.h"

static enum tobi_err try(struct tobi_bytes bytes, struct arena *arena,
			 struct cmw *ret_cmw, struct tobi_fault *fault)
{
	struct block block = block_new(bytes);
	struct cmw cmw = {0};
	enum tobi_err err = cmw_open(block_view(block), "thing", arena, &cmw, fault);

	if (!err)
		*ret_cmw = cmw;
	/* The records of CBOR borrow; a test that looks at them uses cmw_open() itself.
	 */
	block_done(block);
	return err;
}

static enum tobi_err outcome(struct tobi_bytes bytes)
{
	struct arena arena = arena_init(4 << 20);
	struct tobi_fault fault = {0};
	struct cmw cmw;
	enum tobi_err err = try(bytes, &arena, &cmw, &fault);

	arena_done(&arena);
	return err;
}

static void test_cmw_open__record__in_each_form(void **state)
{
	static const char json[] = "[\"a/b\",\"I0faVQ\",4]";
	static const uint8_t record[] = {0x83, 0x63, 'a',  '/',	 'b', 0x44,
					 0x23, 0x47, 0xda, 0x55, 4};
	/* The draft's example of a tag: content format 64999. */
	static const uint8_t tag[] = {0xda, 0x63, 0x74, 0xff, 0xe6,
				      0x44, 0x23, 0x47, 0xda, 0x55};
	const struct tobi_bytes forms[] = {
	    text_bytes(json), {record, sizeof(record)}, {tag, sizeof(tag)}};
	const struct tobi_bytes value = BYTES(0x23, 0x47, 0xda, 0x55);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct arena arena = arena_init(4 << 20);
		struct cmw cmw;

		assert_int_equal(cmw_open(forms[i], "thing", &arena, &cmw, NULL), 0);
		assert_int_equal(cmw.count, 1);
		assert_true(cmw.alone);
		assert_bytes_equal(cmw.records[0].value, value);
		if (i < 2) {
			assert_bytes_equal(cmw.records[0].media_type, text_bytes("a/b"));
			assert_int_equal(cmw.records[0].indicator, CMW_EVIDENCE);
		}
		arena_done(&arena);
	}
	assert_int_equal(cmw_tag_of(64999), 0x6374ffe6);
	assert_int_equal(cmw_tag_of(263), 1668547081);
	assert_int_equal(cmw_format_of(1668612070), 64999);
	assert_int_equal(cmw_format_of(0x63740100), UINT64_MAX);
	assert_int_equal(cmw_format_of(0x63740200), UINT64_MAX); /* 0xff is left out */
}

static void test_cmw_open__collections__one_list(void **state)
{
	static const char json[] = "{\"__cmwc_t\":\"tag:x\",\"one\":[263,\"AA\"],\"in\":{"
				   "\"two\":[\"a/b\",\"AQ\",2],"
				   "\"deep\":{\"three\":[7,\"Ag\"]}}}";
	struct writer cbor = wr_init(1000);
	struct arena arena = arena_init(4 << 20);
	struct cmw cmw;

	(void)state;
	assert_int_equal(cmw_open(text_bytes(json), "thing", &arena, &cmw, NULL), 0);
	assert_int_equal(cmw.count, 3);
	assert_false(cmw.alone);
	assert_bytes_equal(cmw.type, text_bytes("tag:x"));
	assert_non_null(cmw_find(&cmw, "one"));
	assert_non_null(cmw_find(&cmw, "in/two"));
	assert_int_equal(cmw_find(&cmw, "in/deep/three")->content_format, 7);

	cbor_write_map(&cbor, 3);
	cbor_write_uint(&cbor, 5);
	cbor_write_tag(&cbor, 1668547081);
	cbor_write_bytes(&cbor, BYTES(1));
	cbor_write_text(&cbor, "in");
	cbor_write_map(&cbor, 1);
	cbor_write_text(&cbor, "two");
	cbor_write_array(&cbor, 2);
	cbor_write_uint(&cbor, 7);
	cbor_write_bytes(&cbor, BYTES(2));
	cbor_write_text(&cbor, "__cmwc_t");
	cbor_write_text(&cbor, "tag:y");
	assert_int_equal(cmw_open(wr_view(&cbor), "thing", &arena, &cmw, NULL), 0);
	assert_int_equal(cmw.count, 2);
	assert_int_equal(cmw_find(&cmw, "5")->content_format, 263);
	assert_int_equal(cmw_find(&cmw, "in/two")->content_format, 7);
	assert_bytes_equal(cmw.type, text_bytes("tag:y"));
	for (size_t size = 0; size < cbor.size; size++)
		assert_int_not_equal(outcome((struct tobi_bytes){cbor.ptr, size}), 0);
	wr_u8(&cbor, 0);
	assert_int_equal(outcome(wr_view(&cbor)), TOBI_E_TRAILING);
	wr_done(&cbor);
	arena_done(&arena);
}

static void test_cmw_open__malformed__refused(void **state)
{
	static const char *const bad[] = {
	    "[]",
	    "{}",
	    "[1]",
	    "[1,\"AA\",4,4]",
	    "[1,\"AA\",0]",
	    "[1,\"AA\",-1]",
	    "[1,\"AA\",\"4\"]",
	    "[1,\"A=\"]",
	    "[1,7]",
	    "[\"\",\"AA\"]",
	    "[65536,\"AA\"]",
	    "[-1,\"AA\"]",
	    "[true,\"AA\"]",
	    "{\"a\":7}",
	    "{\"a\":{}}",
	    "{\"\":[1,\"AA\"]}",
	    "{\"__cmwc_t\":\"x\"}",
	    "{\"__cmwc_t\":7,\"a\":[1,\"AA\"]}",
	    "{\"a\":[1,\"AA\"],\"a\":[1,\"AA\"]}",
	    "{\"a/b\":[1,\"AA\"],\"a\":{\"b\":[1,\"AA\"]}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (outcome(text_bytes(bad[i])) != TOBI_E_MALFORMED)
			fail_msg("%s: %d", bad[i], outcome(text_bytes(bad[i])));
	}
	assert_int_equal(outcome(text_bytes("x")), TOBI_E_MALFORMED);
	assert_int_equal(outcome((struct tobi_bytes){0}), TOBI_E_TRUNCATED);
	assert_int_equal(outcome(BYTES(0xa0)), TOBI_E_MALFORMED);
	/* A tag of no content format. */
	assert_int_equal(outcome(BYTES(0xda, 0x63, 0x74, 0x01, 0x00, 0x40)),
			 TOBI_E_UNSUPPORTED);
}

static void test_cmw_open__limits__exact(void **state)
{
	(void)state;
	for (unsigned depth = 4; depth <= 5; depth++) {
		struct writer json = wr_init(1000);

		for (unsigned i = 0; i < depth; i++)
			wr_printf(&json, "{\"a\":");
		wr_printf(&json, "[1,\"AA\"]");
		for (unsigned i = 0; i < depth; i++)
			wr_u8(&json, '}');
		assert_int_equal(outcome(wr_view(&json)), depth == 4 ? 0 : TOBI_E_LIMIT);
		wr_done(&json);
	}
	for (unsigned count = 32; count <= 33; count++) {
		struct writer json = wr_init(4000);

		for (unsigned i = 0; i < count; i++)
			wr_printf(&json, "%s\"k%u\":[1,\"AA\"]", i ? "," : "{", i);
		wr_u8(&json, '}');
		assert_int_equal(outcome(wr_view(&json)), count == 32 ? 0 : TOBI_E_LIMIT);
		wr_done(&json);
	}
}

static void test_cmw_write__each_form__is_read_again(void **state)
{
	const struct cmw_record records[] = {
	    {text_bytes("a"), text_bytes("x/y"), 0, text_bytes("one"), CMW_EVIDENCE},
	    {text_bytes("bb"), {0}, 300, text_bytes("two"), 0}};
	struct writer json = wr_init(1000), one = wr_init(1000), tag = wr_init(1000);
	struct arena arena = arena_init(4 << 20);
	struct cmw cmw;

	(void)state;
	cmw_write_json(&json, records, 2);
	assert_int_equal(cmw_open(wr_view(&json), "thing", &arena, &cmw, NULL), 0);
	assert_int_equal(cmw.count, 2);
	assert_bytes_equal(cmw_find(&cmw, "bb")->value, text_bytes("two"));
	for (int form = CMW_CBOR; form <= CMW_JSON; form++) {
		one.size = 0;
		cmw_write_record(&one, (enum cmw_form)form, &records[0]);
		assert_int_equal(cmw_open(wr_view(&one), "thing", &arena, &cmw, NULL), 0);
		assert_bytes_equal(cmw.records[0].value, text_bytes("one"));
		assert_int_equal(cmw.records[0].indicator, CMW_EVIDENCE);
	}
	cmw_write_tag(&tag, &records[1]);
	assert_int_equal(cmw_open(wr_view(&tag), "thing", &arena, &cmw, NULL), 0);
	assert_int_equal(cmw.records[0].content_format, 300);
	wr_done(&json);
	wr_done(&one);
	wr_done(&tag);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cmw_open__record__in_each_form),
	    cmocka_unit_test(test_cmw_open__collections__one_list),
	    cmocka_unit_test(test_cmw_open__malformed__refused),
	    cmocka_unit_test(test_cmw_open__limits__exact),
	    cmocka_unit_test(test_cmw_write__each_form__is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
