#include "appraise/unwrap.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "tests/bytes.h"
#include "tests/nitro_scene.h"

static const struct tobi_bytes sample = {
    (const uint8_t *)"\x00\xff\xfe sample evidence?>", 21};

static bool is_sample(struct tobi_bytes bytes)
{
	return bytes_equal(bytes, sample);
}

/* What it gives, or the error. */
static enum tobi_err unwrap(const char *text, bool (*known)(struct tobi_bytes),
			    struct writer *storage, struct unwrapped *ret_unwrapped,
			    struct tobi_fault *fault)
{
	struct block block = block_new(text_bytes(text));
	enum tobi_err err;

	*storage = wr_init(LIMIT_EVIDENCE);
	err = unwrap_evidence(block_view(block), known, storage, ret_unwrapped, fault);
	block_done(block);
	return err;
}

static void reads(const char *text, const char *form)
{
	struct unwrapped unwrapped = {0};
	struct tobi_fault fault = {0};
	struct writer storage;

	if (unwrap(text, is_sample, &storage, &unwrapped, &fault))
		fail_msg("\"%s\": %s", text, fault.message);
	assert_string_equal(unwrapped.form, form);
	assert_bytes_equal(unwrapped.bytes, sample);
	wr_done(&storage);
}

static void does_not_read(const char *text)
{
	struct unwrapped unwrapped = {0};
	struct tobi_fault fault = {0};
	struct writer storage;

	if (unwrap(text, is_sample, &storage, &unwrapped, &fault) != TOBI_E_UNSUPPORTED)
		fail_msg("\"%s\" was read", text);
	assert_non_null(strstr(fault.message, "known are: a collection"));
	/* None of it was cut off. */
	assert_true(strlen(fault.message) + 1 < sizeof(fault.message));
	wr_done(&storage);
}

static enum tobi_err padded(const char *text, bool (*known)(struct tobi_bytes))
{
	struct unwrapped unwrapped;
	struct writer storage;
	enum tobi_err err = unwrap(text, known, &storage, &unwrapped, NULL);

	wr_done(&storage);
	return err;
}

#define HEX "00fffe2073616d706c652065766964656e63653f3e"
#define B64 "AP/+IHNhbXBsZSBldmlkZW5jZT8+"
#define B64URL "AP_-IHNhbXBsZSBldmlkZW5jZT8-"

static void test_unwrap_evidence__hexadecimal(void **state)
{
	(void)state;
	reads(HEX, "hexadecimal");
	reads("00FFFE2073616d706c652065766964656e63653f3e", "hexadecimal");
	reads("0x" HEX, "hexadecimal");
	reads(" \t\r\n" HEX "\r\n\n", "hexadecimal");
	reads("00 ff fe 20 73 61 6d 70\n6c 65 20 65 76\r\n69 64 65 6e 63 65 3f 3e",
	      "hexadecimal");
	does_not_read("0" HEX);
	does_not_read(HEX "0");
	does_not_read("x" HEX);
	does_not_read("00:ff:fe:20:73");
	does_not_read(HEX "00");
	does_not_read("0x");
}

static void test_unwrap_evidence__base64(void **state)
{
	(void)state;
	reads(B64, "base64");
	reads("AP/+IHNhbXBs\nZSBldmlk\r\nZW5jZT8+\n", "base64");
	reads(B64URL, "base64url");
	/* One alphabet or the other. */
	does_not_read("AP_+IHNhbXBsZSBldmlkZW5jZT8+");
	does_not_read("AP/-IHNhbXBsZSBldmlkZW5jZT8+");
	does_not_read(B64 "=");
	does_not_read(B64 "====");
	does_not_read("=" B64);
	does_not_read(B64 "!");
	does_not_read("AP/+IHNhbXBsZSBldmlkZW5jZT8");
}

static bool is_f(struct tobi_bytes bytes)
{
	return bytes.size == 1 && bytes.ptr[0] == 'f';
}
static bool is_fo(struct tobi_bytes bytes)
{
	return bytes.size == 2 && bytes.ptr[0] == 'f' && bytes.ptr[1] == 'o';
}

static void test_unwrap_evidence__padding__right_or_none(void **state)
{
	(void)state;
	assert_int_equal(padded("Zg==", is_f), TOBI_OK);
	assert_int_equal(padded("Zg", is_f), TOBI_OK);
	assert_int_equal(padded("Zm8=", is_fo), TOBI_OK);
	assert_int_equal(padded("Zm8", is_fo), TOBI_OK);
	assert_int_equal(padded("Zg=", is_f), TOBI_E_UNSUPPORTED);
	assert_int_equal(padded("Zg===", is_f), TOBI_E_UNSUPPORTED);
	assert_int_equal(padded("Zm8==", is_fo), TOBI_E_UNSUPPORTED);
	assert_int_equal(padded("Z===", is_f), TOBI_E_UNSUPPORTED);
	/* Bits that belong to no byte. */
	assert_int_equal(padded("Zh==", is_f), TOBI_E_UNSUPPORTED);
	assert_int_equal(padded("Zm9=", is_fo), TOBI_E_UNSUPPORTED);
}

static void test_unwrap_evidence__armour(void **state)
{
	(void)state;
	reads("-----BEGIN NITRO DOCUMENT-----\n" B64 "\n-----END NITRO DOCUMENT-----\n",
	      "armour");
	reads("\n-----BEGIN X-----\r\nAP/+IHNhbXBs\r\nZSBldmlkZW5jZT8+\r\n-----END "
	      "X-----\r\n",
	      "armour");
	does_not_read("-----BEGIN X-----\n" B64 "\n-----END Y-----\n");
	does_not_read("-----BEGIN X-----\n" B64 "\n");
	does_not_read("-----BEGIN X-----\n" B64URL "\n-----END X-----\n");
	does_not_read("-----BEGIN X-----\n" HEX "\n-----END X-----\n");
	does_not_read("-----BEGIN -----\n" B64 "\n-----END -----\n");
	does_not_read("-----BEGIN X-----\nName: value\n\n" B64 "\n-----END X-----\n");
	does_not_read("text\n-----BEGIN X-----\n" B64 "\n-----END X-----\n");
	does_not_read("-----BEGIN X-----\n" B64 "\n-----END X-----\ntext");
	does_not_read("-----BEGIN X-----\n" B64 "\n-----END X-----\n"
		      "-----BEGIN X-----\n" B64 "\n-----END X-----\n");
	/* Left to its reader. */
	assert_int_equal(padded("-----BEGIN CERTIFICATE-----\n" B64
				"\n-----END CERTIFICATE-----\n",
				is_sample),
			 TOBI_OK);
	does_not_read("-----BEGIN X");
	does_not_read("-----");
}

static bool is_anything(struct tobi_bytes bytes)
{
	return bytes.size > 0;
}
static bool is_short(struct tobi_bytes bytes)
{
	return bytes.size > 0 && bytes.size < 4;
}

static void test_unwrap_evidence__two_readings__refused(void **state)
{
	struct unwrapped unwrapped = {0};
	struct tobi_fault fault = {0};
	struct writer storage;

	(void)state;
	/* Hexadecimal and base64. */
	assert_int_equal(unwrap("abcd", is_short, &storage, &unwrapped, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(fault.message, "in two ways"));
	wr_done(&storage);
	/* As it is, and as base64. */
	assert_int_equal(unwrap("wxyz", is_anything, &storage, &unwrapped, &fault),
			 TOBI_E_UNSUPPORTED);
	assert_non_null(strstr(fault.message, "in two ways"));
	wr_done(&storage);
}

/* One layer: hexadecimal in base64 is none. */
static void test_unwrap_evidence__a_form_in_a_form__refused(void **state)
{
	struct writer text = wr_init(1024);

	(void)state;
	base64url_write(&text, text_bytes(HEX));
	wr_u8(&text, 0);
	does_not_read((const char *)text.ptr);
	wr_done(&text);
}

static void test_unwrap_evidence__left_to_its_reader__as_it_is(void **state)
{
	static const char *const texts[] = {"", "\xa1\x63", "\x30\x82\x01",
					    "x\n-----BEGIN CERTIFICATE-----\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct unwrapped unwrapped = {0};
		struct writer storage;

		assert_int_equal(
		    unwrap(texts[i], unwrap_is_evidence, &storage, &unwrapped, NULL),
		    TOBI_OK);
		assert_null(unwrapped.form);
		assert_int_equal(unwrapped.bytes.size, strlen(texts[i]));
		wr_done(&storage);
	}
	does_not_read("\x84\x01\x02\x03");
	does_not_read("hello");
}

static void test_unwrap_is_evidence__real_kinds(void **state)
{
	struct writer document = wr_init(LIMIT_NITRO);
	struct test_nitro nitro;

	(void)state;
	test_nitro_make(&nitro, NITRO_ENCLAVE);
	test_nitro_document(&nitro, &document);
	assert_true(unwrap_is_evidence(wr_view(&document)));
	assert_true(unwrap_is_evidence(wr_view(&nitro.certificates[NITRO_LEAF].der)));
	assert_false(unwrap_is_evidence(text_bytes("hello")));
	assert_false(unwrap_is_evidence((struct tobi_bytes){0}));
	wr_done(&document);
	test_nitro_done(&nitro);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unwrap_evidence__hexadecimal),
	    cmocka_unit_test(test_unwrap_evidence__base64),
	    cmocka_unit_test(test_unwrap_evidence__padding__right_or_none),
	    cmocka_unit_test(test_unwrap_evidence__armour),
	    cmocka_unit_test(test_unwrap_evidence__two_readings__refused),
	    cmocka_unit_test(test_unwrap_evidence__a_form_in_a_form__refused),
	    cmocka_unit_test(test_unwrap_evidence__left_to_its_reader__as_it_is),
	    cmocka_unit_test(test_unwrap_is_evidence__real_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
