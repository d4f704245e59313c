#include "base/limits.h"
#include "codec/cbor.h"
#include "tests/bytes.h"
#include "token/soft_token.h"

static uint8_t fill[8][64];

static struct tobi_bytes filled(uint8_t with, size_t size)
{
	memset(fill[with], with, size);
	return (struct tobi_bytes){fill[with], size};
}

static struct soft_claims sample(void)
{
	return (struct soft_claims){
	    .issued = 1900000000,
	    .nonce = filled(1, 32),
	    .ueid = filled(2, 33),
	    .dbgstat = 1,
	    .profile = text_bytes(SOFT_PROFILE),
	    .swname = text_bytes("tobichid"),
	    .swversion = text_bytes("0.1"),
	    .tier = text_bytes("soft"),
	    .image_id = filled(3, 48),
	    .signers = {filled(4, 48), filled(5, 48)},
	    .signer_count = 2,
	    .config_id = filled(6, 48),
	    .product = 7,
	    .svn = UINT16_MAX,
	    .agent = filled(3, 48),
	    .service = filled(4, 48),
	    .protections = 0x1ffff,
	    .instance = filled(7, 16),
	    .root_kind = text_bytes("file"),
	    .by_user = 1,
	    .owner = filled(5, 48),
	};
}

static struct writer written(const struct soft_claims *claims)
{
	struct writer out = wr_init(LIMIT_TOKEN);

	soft_claims_write(&out, claims);
	assert_int_equal(wr_err(&out), TOBI_OK);
	return out;
}

static enum tobi_err parse(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	struct block block = block_new(bytes);
	struct soft_claims claims = {.issued = 99};
	enum tobi_err err = soft_claims_parse(block_view(block), &claims, fault);

	if (err)
		assert_int_equal(claims.issued, 99);
	block_done(block);
	return err;
}

/* The bytes, spelled out: what another reader must find. */
#define X8(x) x x x x x x x x
#define X16(x) X8(x) X8(x)
#define X48(x) X16(x) X16(x) X16(x)
static const char golden[] = "a8"
			     "061a713fb300"		  /* iat */
			     "0a5820" X16("01") X16("01") /* eat_nonce */
    "1901005821" X16("02")
	X16("02") "02"	     /* ueid */
		  "19010701" /* dbgstat */
		  "190109781f7461673a746f62696368692e6578616d706c652c323032363a736f667423"
		  "31"			     /* profile */
		  "19010e68746f626963686964" /* swname */
		  "19010f8163302e31"	     /* swversion */
		  "3a00011363ad"	     /* -70500 */
		  "0164736f6674"
		  "025830" X48("03") "03825830" X48("04") "5830" X48("05") "045830" X48(
		      "06") "0507"
			    "0619ffff"
			    "075830" X48("03") "085830" X48(
				"04") "091a0001ffff"
				      "0a50" X16("07") "0b6466696c65"
						       "0c01"
						       "0d5830" X48("05");

static void test_soft_claims__golden__written_and_read(void **state)
{
	struct soft_claims claims = sample(), back;
	struct writer out = written(&claims), again;
	struct block block = block_unhex(golden);

	(void)state;
	assert_bytes_equal(wr_view(&out), block_view(block));
	assert_int_equal(soft_claims_parse(block_view(block), &back, NULL), TOBI_OK);
	assert_int_equal(back.issued, claims.issued);
	assert_bytes_equal(back.ueid, claims.ueid);
	assert_bytes_equal(back.swversion, claims.swversion);
	assert_int_equal(back.signer_count, 2);
	assert_bytes_equal(back.signers[1], claims.signers[1]);
	assert_bytes_equal(back.instance, claims.instance);
	assert_int_equal(back.svn, UINT16_MAX);
	assert_bytes_equal(back.owner, claims.owner);
	again = written(&back);
	assert_bytes_equal(wr_view(&again), block_view(block));
	wr_done(&out);
	wr_done(&again);
	block_done(block);
}

static void test_soft_claims__no_owner_and_no_signers__read(void **state)
{
	struct soft_claims claims = sample(), back;
	struct writer out;

	(void)state;
	claims.owner = (struct tobi_bytes){0};
	claims.signer_count = 0;
	out = written(&claims);
	assert_int_equal(soft_claims_parse(wr_view(&out), &back, NULL), TOBI_OK);
	assert_int_equal(back.owner.size, 0);
	assert_int_equal(back.signer_count, 0);
	wr_done(&out);
}

/* The golden claims with one entry left out (by its place), or another one added. */
static struct writer changed(size_t leave_out, bool in_private, int64_t add)
{
	struct block block = block_unhex(golden);
	struct cbor in = cbor_init(block_view(block), CBOR_DETERMINISTIC);
	struct writer out = wr_init(LIMIT_TOKEN);
	struct cbor_map map = cbor_map(&in, 8, "x");
	size_t count = map.left;
	int64_t key = 0;

	if (in_private) {
		while (cbor_map_int(&in, &map, &key, "x") && key != -70500)
			cbor_skip(&in, "x");
		wr_bytes(&out, block.ptr, in.rd.pos);
		map = cbor_map(&in, 13, "x");
		count = map.left;
	}
	cbor_write_map(&out, count - (leave_out < count) + (add != 0));
	for (size_t i = 0; cbor_map_int(&in, &map, &key, "x"); i++) {
		struct tobi_bytes value = cbor_skip(&in, "x");

		if (!in_private && add && key == -70500) {
			cbor_write_int(&out, add);
			cbor_write_uint(&out, 0);
		}
		if (i == leave_out)
			continue;
		cbor_write_int(&out, key);
		wr_bytes(&out, value.ptr, value.size);
	}
	if (in_private && add) {
		cbor_write_int(&out, add);
		cbor_write_uint(&out, 0);
	}
	assert_int_equal(cbor_finish(&in, "x", NULL), 0);
	block_done(block);
	return out;
}

enum { NOTHING = 99 };

static void test_soft_claims__each_required_claim__missing_is_malformed(void **state)
{
	struct writer out = changed(NOTHING, false, 0);

	(void)state;
	assert_int_equal(parse(wr_view(&out), NULL), TOBI_OK);
	wr_done(&out);
	for (size_t i = 0; i < 8; i++) {
		struct tobi_fault fault = {0};

		out = changed(i, false, 0);
		assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_MALFORMED);
		assert_string_equal(fault.object, "soft token");
		assert_string_equal(fault.field, "a required claim");
		wr_done(&out);
	}
	for (size_t i = 0; i < 13; i++) {
		struct tobi_fault fault = {0};
		bool optional = i == 12;

		out = changed(i, true, 0);
		assert_int_equal(parse(wr_view(&out), &fault),
				 optional ? TOBI_OK : TOBI_E_MALFORMED);
		if (!optional)
			assert_string_equal(fault.field, "a required Tobichi claim");
		wr_done(&out);
	}
}

/* One submodule "tpm", a CMW record: anything else is refused. */
static void test_soft_claims__submodule__is_read_and_strict(void **state)
{
	struct soft_claims claims = sample(), read;
	struct writer out;
	struct tobi_fault fault = {0};
	uint8_t *name;

	(void)state;
	claims.tpm = text_bytes("what a TPM says");
	out = written(&claims);
	assert_int_equal(soft_claims_parse(wr_view(&out), &read, NULL), 0);
	assert_bytes_equal(read.tpm, claims.tpm);
	name = memmem(out.ptr, out.size, "ctpm", 4);
	assert_non_null(name);
	name[3] = 'n'; /* submodule "tpn" */
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "submods");
	name[3] = 'm';
	name = memmem(out.ptr, out.size, "quote+cbor", 10);
	name[9] = 's'; /* another media type */
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_MALFORMED);
	name[9] = 'r';
	name = memmem(out.ptr, out.size, "what a TPM says", 15);
	name[15] = 2; /* an endorsement */
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "submods");
	name[15] = 4;
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_OK);
	for (size_t size = 0; size < out.size; size++)
		assert_int_not_equal(parse((struct tobi_bytes){out.ptr, size}, &fault),
				     TOBI_OK);
	wr_done(&out);
}

static void test_soft_claims__unknown_claim__malformed(void **state)
{
	struct soft_claims claims = sample();
	struct writer out = changed(0, false, 300);
	struct tobi_fault fault = {0};

	(void)state;
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "unknown claim");
	wr_done(&out);
	out = changed(0, true, 14);
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_MALFORMED);
	assert_string_equal(fault.field, "unknown Tobichi claim");
	wr_done(&out);
	/* One more than there can be: the map's head. */
	claims.tpm = text_bytes("what a TPM says");
	out = written(&claims);
	assert_int_equal(out.ptr[0], 0xa9);
	out.ptr[0]++;
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_LIMIT);
	wr_done(&out);
	out = changed(NOTHING, true, 14);
	assert_int_equal(parse(wr_view(&out), &fault), TOBI_E_LIMIT);
	wr_done(&out);
}

/* Writes the claims as they are and expects the fault. */
static void refused(const struct soft_claims *claims, enum tobi_err err,
		    const char *field)
{
	struct writer out = written(claims);
	struct tobi_fault fault = {0};

	assert_int_equal(parse(wr_view(&out), &fault), err);
	assert_string_equal(fault.field, field);
	assert_true(fault.has_offset);
	wr_done(&out);
}

static void test_soft_claims__each_size__one_byte_off_is_malformed(void **state)
{
	struct soft_claims claims = sample();
	const struct {
		struct tobi_bytes *claim;
		const char *field;
	} sized[] = {{&claims.nonce, "eat_nonce"},     {&claims.ueid, "ueid"},
		     {&claims.image_id, "image id"},   {&claims.signers[0], "signer ids"},
		     {&claims.config_id, "config id"}, {&claims.agent, "agent"},
		     {&claims.service, "service"},     {&claims.instance, "instance"},
		     {&claims.owner, "owner"}};

	(void)state;
	for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
		sized[i].claim->size--;
		refused(&claims, TOBI_E_MALFORMED, sized[i].field);
		sized[i].claim->size += 2;
		refused(&claims, TOBI_E_MALFORMED, sized[i].field);
		sized[i].claim->size--;
	}
}

static void test_soft_claims__each_number__one_too_many_is_limit(void **state)
{
	struct soft_claims claims = sample();
	const struct {
		uint64_t *claim;
		uint64_t max;
		const char *field;
	} numbers[] = {{&claims.issued, UINT64_C(1) << 53, "iat"},
		       {&claims.dbgstat, 4, "dbgstat"},
		       {&claims.product, UINT16_MAX, "product id"},
		       {&claims.svn, UINT16_MAX, "SVN"},
		       {&claims.by_user, 1, "launched by"}};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t kept = *numbers[i].claim;
		struct writer out;

		*numbers[i].claim = numbers[i].max;
		out = written(&claims);
		assert_int_equal(parse(wr_view(&out), NULL), TOBI_OK);
		wr_done(&out);
		*numbers[i].claim = numbers[i].max + 1;
		refused(&claims, TOBI_E_LIMIT, numbers[i].field);
		*numbers[i].claim = kept;
	}
}

static void test_soft_claims__each_text__too_long_is_limit(void **state)
{
	struct soft_claims claims = sample();
	static char longer[258];
	const struct {
		struct tobi_bytes *claim;
		size_t max;
		const char *field;
	} texts[] = {{&claims.profile, 256, "eat_profile"},
		     {&claims.swname, 64, "swname"},
		     {&claims.swversion, 64, "swversion"},
		     {&claims.tier, 64, "tier"},
		     {&claims.root_kind, 64, "root of trust"}};

	(void)state;
	memset(longer, 'x', sizeof(longer));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct tobi_bytes kept = *texts[i].claim;
		struct writer out;

		*texts[i].claim = (struct tobi_bytes){(uint8_t *)longer, texts[i].max};
		out = written(&claims);
		assert_int_equal(parse(wr_view(&out), NULL), TOBI_OK);
		wr_done(&out);
		texts[i].claim->size++;
		refused(&claims, TOBI_E_LIMIT, texts[i].field);
		*texts[i].claim = text_bytes("a\n");
		refused(&claims, TOBI_E_MALFORMED, texts[i].field);
		*texts[i].claim = kept;
	}
}

static void test_soft_claims__signers__limit(void **state)
{
	struct soft_claims claims = sample();
	struct writer out;
	uint8_t *count;

	(void)state;
	for (size_t i = 0; i < LIMIT_SIGNERS; i++)
		claims.signers[i] = filled(4, 48);
	claims.signer_count = LIMIT_SIGNERS;
	out = written(&claims);
	assert_int_equal(parse(wr_view(&out), NULL), TOBI_OK);
	/* the array's head: 8 becomes 9 */
	count = memchr(out.ptr, 0x80 + LIMIT_SIGNERS, out.size);
	assert_non_null(count);
	++*count;
	assert_int_equal(parse(wr_view(&out), NULL), TOBI_E_LIMIT);
	wr_done(&out);
}

static void test_soft_claims__swversion__exactly_one(void **state)
{
	struct soft_claims claims = sample();
	struct writer out = written(&claims);
	uint8_t *at = NULL;

	(void)state;
	for (size_t i = 0; i + 4 < out.size && !at; i++) {
		if (memcmp(out.ptr + i, "\x19\x01\x0f\x81", 4) == 0)
			at = out.ptr + i + 3;
	}
	assert_non_null(at);
	*at = 0x80;
	assert_int_equal(parse(wr_view(&out), NULL), TOBI_E_MALFORMED);
	*at = 0x82;
	assert_int_equal(parse(wr_view(&out), NULL), TOBI_E_LIMIT);
	wr_done(&out);
}

static void test_soft_claims__each_truncation_and_a_trailing_byte__refused(void **state)
{
	struct block whole = block_unhex(golden);
	struct writer longer = wr_init(LIMIT_TOKEN);

	(void)state;
	for (size_t size = 0; size < whole.size; size++) {
		struct tobi_fault fault = {0};

		assert_int_equal(parse((struct tobi_bytes){whole.ptr, size}, &fault),
				 TOBI_E_TRUNCATED);
		assert_true(fault.has_offset && fault.offset <= size);
		assert_true(fault.field[0]);
	}
	wr_bytes(&longer, whole.ptr, whole.size);
	wr_u8(&longer, 0);
	assert_int_equal(parse(wr_view(&longer), NULL), TOBI_E_TRAILING);
	wr_done(&longer);
	block_done(whole);
}

/* A flip is refused, or is in what is read: written again it gives the flipped bytes. */
static void test_soft_claims__each_bit_flip__seen(void **state)
{
	struct block block = block_unhex(golden);

	(void)state;
	for (size_t bit = 0; bit < block.size * 8; bit++) {
		struct soft_claims claims;

		block.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!soft_claims_parse(block_view(block), &claims, NULL)) {
			struct writer out = written(&claims);

			assert_bytes_equal(wr_view(&out), block_view(block));
			wr_done(&out);
		}
		block.ptr[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	block_done(block);
}

static void test_soft_protection_name__each_bit__one_name(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit <= 16; bit++) {
		assert_non_null(soft_protection_name(bit));
		for (unsigned other = 0; other < bit; other++)
			assert_string_not_equal(soft_protection_name(bit),
						soft_protection_name(other));
	}
	assert_null(soft_protection_name(17));
	assert_null(soft_protection_name(64));
	assert_string_equal(soft_protection_name(9), "seccomp");
	assert_int_equal(SOFT_SECCOMP, 1 << 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_soft_claims__golden__written_and_read),
	    cmocka_unit_test(test_soft_claims__no_owner_and_no_signers__read),
	    cmocka_unit_test(test_soft_claims__each_required_claim__missing_is_malformed),
	    cmocka_unit_test(test_soft_claims__submodule__is_read_and_strict),
	    cmocka_unit_test(test_soft_claims__unknown_claim__malformed),
	    cmocka_unit_test(test_soft_claims__each_size__one_byte_off_is_malformed),
	    cmocka_unit_test(test_soft_claims__each_number__one_too_many_is_limit),
	    cmocka_unit_test(test_soft_claims__each_text__too_long_is_limit),
	    cmocka_unit_test(test_soft_claims__signers__limit),
	    cmocka_unit_test(test_soft_claims__swversion__exactly_one),
	    cmocka_unit_test(
		test_soft_claims__each_truncation_and_a_trailing_byte__refused),
	    cmocka_unit_test(test_soft_claims__each_bit_flip__seen),
	    cmocka_unit_test(test_soft_protection_name__each_bit__one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
