/* The file pkcs11.root. */
#include <stdio.h>

#include "codec/cbor.h"
#include "root/pkcs11.h"
#include "tests/bytes.h"

static struct p11_place sample(void)
{
	struct p11_place place = {.label = "plat", .serial = "0001"};

	snprintf(place.module, sizeof(place.module), "/usr/lib/hsm.so");
	snprintf(place.pin_file, sizeof(place.pin_file), "/etc/tobichi/pin");
	place.key_id[0] = 1;
	place.seal_id[15] = 2;
	return place;
}

static struct writer written(const struct p11_place *place)
{
	struct writer out = wr_init(LIMIT_P11_MARKER);

	assert_int_equal(p11_place_write(place, &out, NULL), TOBI_OK);
	return out;
}

static const char golden[] =
    "a70001016f2f7573722f6c69622f68736d2e736f0264706c61740364303030310450"
    "01000000000000000000000000000000055000000000000000000000000000000002"
    "06702f6574632f746f62696368692f70696e";

static void test_place__written_and_read(void **state)
{
	struct p11_place place = sample(), read = {0};
	struct writer out = written(&place);
	struct block want = block_unhex(golden);

	(void)state;
	assert_bytes_equal(wr_view(&out), block_view(want));
	assert_int_equal(p11_place_read(wr_view(&out), &read, NULL), TOBI_OK);
	assert_memory_equal(&place, &read, sizeof(place));
	block_done(want);
	wr_done(&out);
}

static void test_place__cut_anywhere_or_longer__refused(void **state)
{
	struct p11_place place = sample(), read;
	struct writer out = written(&place);

	(void)state;
	for (size_t size = 0; size < out.size; size++) {
		struct block cut = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_not_equal(p11_place_read(block_view(cut), &read, NULL),
				     TOBI_OK);
		block_done(cut);
	}
	wr_u8(&out, 0);
	assert_int_equal(p11_place_read(wr_view(&out), &read, NULL), TOBI_E_TRAILING);
	wr_done(&out);
}

/* The golden file with one item changed: offset and replacement in hexadecimal. */
static enum tobi_err changed(const char *from, const char *to)
{
	char hex[512];
	const char *at = strstr(golden, from);
	struct p11_place read;
	struct block bytes;
	enum tobi_err err;

	assert_non_null(at);
	snprintf(hex, sizeof(hex), "%.*s%s%s", (int)(at - golden), golden, to,
		 at + strlen(from));
	bytes = block_unhex(hex);
	err = p11_place_read(block_view(bytes), &read, NULL);
	block_done(bytes);
	return err;
}

static void test_place__each_field_has_its_form(void **state)
{
	(void)state;
	assert_int_equal(changed("a70001", "a70001"), TOBI_OK);
	assert_int_equal(changed("a70001", "a70002"), TOBI_E_UNSUPPORTED);
	assert_int_equal(changed("a70001", "a60001"), TOBI_E_MALFORMED);
	assert_int_equal(changed("a70001", "a80001"), TOBI_E_LIMIT);
	/* A relative path, an empty text, a text with a zero, a number for a text. */
	assert_int_equal(changed("6f2f757372", "6f61757372"), TOBI_E_MALFORMED);
	assert_int_equal(changed("702f657463", "7061657463"), TOBI_E_MALFORMED);
	assert_int_equal(changed("64706c6174", "60"), TOBI_E_MALFORMED);
	assert_int_equal(changed("64706c6174", "64706c0074"), TOBI_E_MALFORMED);
	assert_int_equal(changed("64706c6174", "01"), TOBI_E_MALFORMED);
	/* A label and a serial number longer than the standard's. */
	assert_int_equal(changed("64706c6174", "7820"
					       "6161616161616161616161616161616161616161"
					       "616161616161616161616161"),
			 TOBI_OK);
	assert_int_equal(changed("64706c6174", "7821"
					       "6161616161616161616161616161616161616161"
					       "61616161616161616161616161"),
			 TOBI_E_LIMIT);
	assert_int_equal(changed("6430303031", "713131313131313131313131313131313131"),
			 TOBI_E_LIMIT);
	assert_int_equal(changed("045001", "044f"), TOBI_E_MALFORMED);
}

static void test_place__odd_bytes_are_not_written(void **state)
{
	struct writer out = wr_init(LIMIT_P11_MARKER);
	struct p11_place place = sample();

	(void)state;
	snprintf(place.label, sizeof(place.label), "pl\nat");
	assert_int_equal(p11_place_write(&place, &out, NULL), TOBI_E_UNSUPPORTED);
	place = sample();
	snprintf(place.module, sizeof(place.module), "/usr/\xff.so");
	assert_int_equal(p11_place_write(&place, &out, NULL), TOBI_E_UNSUPPORTED);
	assert_int_equal(out.size, 0);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_place__written_and_read),
	    cmocka_unit_test(test_place__cut_anywhere_or_longer__refused),
	    cmocka_unit_test(test_place__each_field_has_its_form),
	    cmocka_unit_test(test_place__odd_bytes_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
