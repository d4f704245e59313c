/* What comes beside a quote is told by its form. */
#include "tee/tpm_parts.h"

#include "codec/cbor.h"
#include "tests/bytes.h"
#include "tests/quote_scene.h"

static struct {
	struct quote_scene scene;
	struct quote_parts parts;
	struct arena arena;
} world;

static int enter(void **state)
{
	(void)state;
	quote_scene_make(&world.scene, QUOTE_P256);
	world.scene.with_certify = world.scene.with_ek = true;
	quote_scene_parts(&world.scene, &world.parts);
	world.arena = arena_init(8 << 20);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	arena_done(&world.arena);
	quote_parts_done(&world.parts);
	quote_scene_done(&world.scene);
	return 0;
}

static enum tobi_err read(struct tobi_bytes evidence, const struct tobi_bytes *pieces,
			  size_t count, struct tpm_parts *ret_parts)
{
	const struct tee_request request = {
	    .evidence = evidence, .pieces = pieces, .piece_count = count};

	return tpm_parts_read(&request, &world.arena, ret_parts, NULL);
}

/* With a size before it, as a TPM2B. */
static struct tobi_bytes sized(struct tobi_bytes bytes)
{
	uint8_t *copy = arena_alloc(&world.arena, bytes.size + 2);

	assert_non_null(copy);
	copy[0] = (uint8_t)(bytes.size >> 8);
	copy[1] = (uint8_t)bytes.size;
	bytes_copy(copy + 2, bytes.size, bytes.ptr, bytes.size);
	return (struct tobi_bytes){copy, bytes.size + 2};
}

static void expect_all(const struct tpm_parts *parts)
{
	assert_false(parts->twice || parts->too_many || parts->unread.code);
	assert_bytes_equal(parts->quote, wr_view(&world.parts.quote));
	assert_true(parts->certify.size > 0);
	assert_int_equal(parts->signatures.count, 2);
	assert_int_equal(parts->publics.count, 2);
	assert_int_equal(parts->certificate_count, 4);
	assert_int_equal(parts->bank_count, 2);
	assert_int_equal(parts->plain.count, 0);
}

static void test_tpm_parts__each_form__is_told(void **state)
{
	struct tobi_bytes pieces[2 * QUOTE_PIECES];
	size_t count = world.parts.count;
	struct tpm_parts parts;

	(void)state;
	for (size_t i = 0; i < count; i++)
		pieces[i] = wr_view(&world.parts.pieces[i]);
	assert_int_equal(read(wr_view(&world.parts.quote), pieces, count, &parts), 0);
	expect_all(&parts);
	/* The same twice is one thing; in the other order; with sizes before them. */
	for (size_t i = 0; i < count; i++)
		pieces[count + i] = wr_view(&world.parts.pieces[count - 1 - i]);
	assert_int_equal(
	    read(sized(wr_view(&world.parts.quote)), pieces, 2 * count, &parts), 0);
	expect_all(&parts);
	pieces[0] = sized(wr_view(&world.parts.pieces[1])); /* the AK */
	assert_int_equal(read(wr_view(&world.parts.quote), pieces, 1, &parts), 0);
	assert_bytes_equal(parts.publics.items[0], wr_view(&world.parts.pieces[1]));
}

static void test_tpm_parts__endorsements__are_pieces(void **state)
{
	struct writer array = wr_init(LIMIT_EVIDENCE);
	struct tee_request request = {.evidence = wr_view(&world.parts.quote)};
	struct tpm_parts parts;

	(void)state;
	cbor_write_array(&array, world.parts.count);
	for (size_t i = 0; i < world.parts.count; i++)
		cbor_write_bytes(&array, wr_view(&world.parts.pieces[i]));
	request.endorsements = wr_view(&array);
	assert_int_equal(tpm_parts_read(&request, &world.arena, &parts, NULL), 0);
	expect_all(&parts);
	request.endorsements.size--;
	assert_int_equal(tpm_parts_read(&request, &world.arena, &parts, NULL), 0);
	assert_int_not_equal(parts.unread.code, TOBI_OK);
	wr_done(&array);
}

static void test_tpm_parts__other_things__are_left(void **state)
{
	static const uint8_t log[64] = {[4] = 3, [28] = 32};
	const struct tobi_bytes pieces[] = {
	    {log, sizeof(log)},
	    {(const uint8_t *)"\x30\x80", 2},
	    {(const uint8_t *)"\x30\x03\x04\x01\x00", 5},
	    {(const uint8_t *)"-----BEGIN X-----\n", 18},
	    {(const uint8_t *)"x", 1},
	    {NULL, 0},
	};
	struct tpm_parts parts;

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(read(wr_view(&world.parts.quote), &pieces[i], 1, &parts),
				 0);
		assert_int_equal(parts.signatures.count + parts.publics.count +
				     parts.keys.count + parts.certificate_count +
				     parts.bank_count,
				 0);
	}
}

/* One of 256 plain signatures begins as JSON does. JSON that is broken is told. */
static void test_tpm_parts__a_signature_that_begins_as_json__is_plain(void **state)
{
	uint8_t signature[256];
	struct tobi_bytes piece = {signature, sizeof(signature)};
	struct tpm_parts parts;

	(void)state;
	memset(signature, 0x91, sizeof(signature));
	signature[0] = '{';
	assert_int_equal(read(wr_view(&world.parts.quote), &piece, 1, &parts), 0);
	assert_int_equal(parts.unread.code, TOBI_OK);
	assert_int_equal(parts.plain.count, 1);
	piece = (struct tobi_bytes){(const uint8_t *)"{\"tpm2-quote\": ", 15};
	assert_int_equal(read(wr_view(&world.parts.quote), &piece, 1, &parts), 0);
	assert_int_equal(parts.unread.code, TOBI_E_MALFORMED);
}

static void test_tpm_parts__too_many__are_told(void **state)
{
	struct tobi_bytes pieces[TPM_PARTS_EACH + 1];
	uint8_t bytes[TPM_PARTS_EACH + 1][32];
	struct tpm_parts parts;

	(void)state;
	for (size_t i = 0; i <= TPM_PARTS_EACH; i++) {
		memset(bytes[i], (int)(i + 0x81), sizeof(bytes[i]));
		pieces[i] = (struct tobi_bytes){bytes[i], sizeof(bytes[i])};
	}
	assert_int_equal(
	    read(wr_view(&world.parts.quote), pieces, TPM_PARTS_EACH, &parts), 0);
	assert_int_equal(parts.plain.count, TPM_PARTS_EACH);
	assert_false(parts.too_many);
	assert_int_equal(
	    read(wr_view(&world.parts.quote), pieces, TPM_PARTS_EACH + 1, &parts), 0);
	assert_true(parts.too_many);
	/* A PCR that there is not. */
	parts = (struct tpm_parts){.arena = &world.arena};
	tpm_parts_add_pcr(&parts, TPM_ALG_SHA1, TPM_PCRS - 1, pieces[0]);
	assert_false(parts.too_many);
	tpm_parts_add_pcr(&parts, TPM_ALG_SHA1, TPM_PCRS, pieces[0]);
	assert_true(parts.too_many);
}

static void test_tpm_parts_recognise(void **state)
{
	struct tobi_bytes quote = wr_view(&world.parts.quote);

	(void)state;
	assert_true(tpm_parts_recognise(quote));
	assert_true(tpm_parts_recognise(sized(quote)));
	assert_true(tpm_parts_recognise(text_bytes("{\"tpm2-quote\": 1}")));
	assert_true(tpm_parts_recognise(text_bytes("{\"tpm_quote\": 1}")));
	assert_true(tpm_parts_recognise(text_bytes("{\"a\": {\"attest_data\": 1}}")));
	assert_true(tpm_parts_recognise(text_bytes("\xa2\x63kat\xa0")));
	assert_true(tpm_parts_recognise(text_bytes("r/1RDR4AYACIA")));
	assert_false(tpm_parts_recognise(text_bytes("{\"pcrs\": 1}")));
	assert_false(tpm_parts_recognise(text_bytes("\xa2\x63kit\xa0")));
	assert_false(tpm_parts_recognise(text_bytes("r/1RDR4AX")));
	/* A statement about a key, and what ends before its type. */
	assert_false(
	    tpm_parts_recognise(BYTES(0xff, 0x54, 0x43, 0x47, 0x80, 0x17, 0, 0)));
	for (size_t size = 0; size < 6; size++)
		assert_false(tpm_parts_recognise((struct tobi_bytes){quote.ptr, size}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tpm_parts__each_form__is_told),
	    cmocka_unit_test(test_tpm_parts__endorsements__are_pieces),
	    cmocka_unit_test(test_tpm_parts__other_things__are_left),
	    cmocka_unit_test(test_tpm_parts__a_signature_that_begins_as_json__is_plain),
	    cmocka_unit_test(test_tpm_parts__too_many__are_told),
	    cmocka_unit_test(test_tpm_parts_recognise),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
