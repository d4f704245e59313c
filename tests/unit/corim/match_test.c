/* Matching whole documents: which triples count, and what is endorsed. */
#include "corim/match.h"

#include "pki/key.h"
#include "tests/bytes.h"
#include "tests/corim_scene.h"

#define PLACE "m1 0 m2 1 \"V\" 2 \"M\""
#define ELSEWHERE "m1 0 m2 1 \"V\" 2 \"N\""
#define DIGEST "h000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define OTHER "hff0102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define IMAGE "m2 0 \"image\" 1 m1 2 a1 a2 1 " DIGEST
#define OTHER_IMAGE "m2 0 \"image\" 1 m1 2 a1 a2 1 " OTHER
#define LEVEL "m2 0 \"level\" 1 m1 1 t553 3"
#define NAME "m2 0 \"image\" 1 m1 11 \"named\""

static const uint8_t digest[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
				   0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const struct tee_environment place = {.vendor = "V", .model = "M"};
static const struct tee_measurement measured[] = {
    {.image = true,
     .mkey = TEE_MKEY_TEXT,
     .text = "image",
     .digests = {{TEE_SHA256, {digest, 32}}},
     .digest_count = 1},
    {.mkey = TEE_MKEY_TEXT, .text = "level", .has_svn = true, .svn = 4}};
static const struct corim_evidence evidence = {&place, measured, 2};

static struct arena arena;
static EVP_PKEY *signer;

static int set_up(void **state)
{
	(void)state;
	arena = arena_init(8 << 20);
	return (int)key_new(KEY_P256, &signer, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	EVP_PKEY_free(signer);
	return 0;
}

static struct corim_outcome match_by(const char *triples, EVP_PKEY *by,
				     const struct tobi_bytes *key)
{
	const struct corim_frame frame = {.triples = triples};
	struct corim *corim = corim_frame_read(&frame, key, key);
	const struct corim_source source = {corim, by};
	struct corim_outcome outcome = {0};

	assert_int_equal(corim_match(&source, 1, &evidence, &arena, &outcome, NULL), 0);
	corim_free(corim);
	return outcome;
}

static struct corim_outcome match(const char *triples)
{
	return match_by(triples, NULL, NULL);
}

static void test_corim_match__a_triple_of_what_runs__matches(void **state)
{
	struct corim_outcome outcome = match("m1 0 a1 a2 " PLACE " a2 " IMAGE " " LEVEL);

	(void)state;
	assert_true(outcome.reference_count == 1 && outcome.matched == 1);
	assert_true(outcome.covered[0] && !outcome.covered[1]);
	assert_true(corim_covers_image(&outcome, &evidence));
}

static void test_corim_match__one_measurement_that_is_not_met__is_enough(void **state)
{
	struct corim_outcome outcome =
	    match("m1 0 a1 a2 " PLACE " a2 " LEVEL " " OTHER_IMAGE);

	(void)state;
	assert_int_equal(outcome.matched, 0);
	assert_true(
	    strncmp(outcome.difference.expected, "mkey \"image\": digest ff01", 24) == 0);
	assert_true(
	    strncmp(outcome.difference.found, "mkey \"image\": digest 0001", 24) == 0);
}

static void test_corim_match__another_place__says_so(void **state)
{
	struct corim_outcome outcome = match("m1 0 a1 a2 " ELSEWHERE " a1 " IMAGE);

	(void)state;
	assert_int_equal(outcome.matched, 0);
	assert_string_equal(outcome.difference.expected,
			    "environment vendor \"V\" model \"N\"");
}

static void test_corim_match__a_key_that_is_not_measured__says_so(void **state)
{
	struct corim_outcome outcome = match("m1 0 a1 a2 " PLACE " a1 m2 0 9 1 m1 1 3");

	(void)state;
	assert_int_equal(outcome.matched, 0);
	assert_string_equal(outcome.difference.expected, "mkey 9");
}

static void test_corim_match__one_triple_of_several__is_enough(void **state)
{
	struct corim_outcome outcome =
	    match("m1 0 a3 a2 " ELSEWHERE " a1 " IMAGE " a2 " PLACE " a1 " OTHER_IMAGE
		  " a2 " PLACE " a1 " IMAGE);

	(void)state;
	assert_true(outcome.reference_count == 3 && outcome.matched == 1);
}

/* A reference of the platform alone says nothing of what was launched. */
static void test_corim_match__the_platform_alone__covers_no_image(void **state)
{
	struct corim_outcome outcome = match("m1 0 a1 a2 " PLACE " a1 " LEVEL);

	(void)state;
	assert_int_equal(outcome.matched, 1);
	assert_false(corim_covers_image(&outcome, &evidence));
}

/* Nor does one that names the image's key, and nothing of its content. */
static void test_corim_match__a_value_beside_the_digest__covers_no_image(void **state)
{
	static const struct tee_measurement odd[] = {{.image = true,
						      .mkey = TEE_MKEY_TEXT,
						      .text = "image",
						      .has_svn = true,
						      .svn = 1}};
	static const struct corim_evidence other = {&place, odd, 1};
	static const struct corim_frame frame = {
	    .triples = "m1 0 a1 a2 " PLACE " a1 m2 0 \"image\" 1 m1 1 t553 0"};
	struct corim *corim = corim_frame_read(&frame, NULL, NULL);
	const struct corim_source source = {corim, NULL};
	struct corim_outcome outcome = {0};

	(void)state;
	assert_int_equal(corim_match(&source, 1, &other, &arena, &outcome, NULL), 0);
	assert_int_equal(outcome.matched, 1);
	assert_false(corim_covers_image(&outcome, &other));
	corim_free(corim);
}

static bool covers(const char *triples, const struct corim_evidence *other)
{
	const struct corim_frame frame = {.triples = triples};
	struct corim *corim = corim_frame_read(&frame, NULL, NULL);
	const struct corim_source source = {corim, NULL};
	struct corim_outcome outcome = {0};

	assert_int_equal(corim_match(&source, 1, other, &arena, &outcome, NULL), 0);
	assert_int_equal(outcome.matched, 1);
	corim_free(corim);
	return corim_covers_image(&outcome, other);
}

static size_t matched_by(const char *triples, const struct corim_evidence *other)
{
	const struct corim_frame frame = {.triples = triples};
	struct corim *corim = corim_frame_read(&frame, NULL, NULL);
	const struct corim_source source = {corim, NULL};
	struct corim_outcome outcome = {0};

	assert_int_equal(corim_match(&source, 1, other, &arena, &outcome, NULL), 0);
	corim_free(corim);
	return outcome.matched;
}

#define UUID(digit) "m1 0 m1 0 t37 h" digit "d1f0e5526f9460db9d8f7fde171787c"

/* The image was measured somewhere else than the level. */
static void test_corim_match__several_environments__all_in_one_of_them(void **state)
{
	static const struct tee_environment apart = {
	    .class_kind = TEE_CLASS_ANY_UUID, .vendor = "V", .model = "N"};
	struct tee_measurement two[] = {measured[0], measured[1]};
	const struct corim_evidence both = {&place, two, 2};

	(void)state;
	two[0].environment = &apart;
	assert_int_equal(matched_by("m1 0 a1 a2 " PLACE " a1 " LEVEL, &both), 1);
	assert_int_equal(matched_by("m1 0 a1 a2 " ELSEWHERE " a1 " IMAGE, &both), 1);
	assert_int_equal(matched_by("m1 0 a1 a2 " UUID("c") " a1 " IMAGE, &both), 1);
	assert_int_equal(matched_by("m1 0 a1 a2 " UUID("a") " a1 " IMAGE, &both), 1);
	/* Each under the other one's name; and both in one that holds for either. */
	assert_int_equal(matched_by("m1 0 a1 a2 " PLACE " a1 " IMAGE, &both), 0);
	assert_int_equal(matched_by("m1 0 a1 a2 " ELSEWHERE " a1 " LEVEL, &both), 0);
	assert_int_equal(
	    matched_by("m1 0 a1 a2 m1 0 m1 1 \"V\" a2 " IMAGE " " LEVEL, &both), 0);
	assert_int_equal(matched_by("m1 0 a1 a2 m1 0 m1 1 \"V\" a1 " LEVEL, &both), 1);
	/* A class that is no UUID is not what nobody knows. */
	assert_int_equal(matched_by("m1 0 a1 a2 m1 0 m1 0 t560 h00 a1 " IMAGE, &both), 0);
}

/* Of SGX: who signed the enclave is not what it is. Of a guest: registers that it extends
 * itself are not what was launched; one that the hardware fills at launch is. */
static void test_corim_match__what_is_beside_the_image__covers_none(void **state)
{
	static const struct tee_value values[] = {
	    {-83, TEE_VALUE_DIGEST, TEE_SHA256, {digest, 32}},
	    {-84, TEE_VALUE_DIGEST, TEE_SHA256, {digest, 32}}};
	static const struct tee_register registers[] = {
	    {"rim", 0, {{TEE_SHA256, {digest, 32}}}, 1},
	    {"rem0", 0, {{TEE_SHA256, {digest, 32}}}, 1}};
	static const struct tee_measurement enclave[] = {
	    {.image = true, .values = values, .value_count = 2}};
	static const struct tee_measurement guest[] = {{.image = true,
							.registers = registers,
							.register_count = 2,
							.image_register = registers}};
	static const struct corim_evidence sgx = {&place, enclave, 1};
	static const struct corim_evidence realm = {&place, guest, 1};

	(void)state;
	assert_true(covers("m1 0 a1 a2 " PLACE " a1 m1 1 m1 -83 a1 a2 1 " DIGEST, &sgx));
	assert_false(covers("m1 0 a1 a2 " PLACE " a1 m1 1 m1 -84 a1 a2 1 " DIGEST, &sgx));
	assert_true(covers(
	    "m1 0 a1 a2 " PLACE " a1 m1 1 m1 14 m1 \"rim\" a1 a2 1 " DIGEST, &realm));
	assert_false(covers(
	    "m1 0 a1 a2 " PLACE " a1 m1 1 m1 14 m1 \"rem0\" a1 a2 1 " DIGEST, &realm));
}

/* The same thing may be said in several ways: one of them is enough. */
static void test_corim_match__one_way_to_name_the_image__is_enough(void **state)
{
	static const struct tee_measurement twice[] = {
	    {.image = true,
	     .mkey = TEE_MKEY_TEXT,
	     .text = "rim",
	     .digests = {{TEE_SHA256, {digest, 32}}},
	     .digest_count = 1},
	    {.image = true, .digests = {{TEE_SHA256, {digest, 32}}}, .digest_count = 1}};
	static const struct corim_evidence both = {&place, twice, 2};

	(void)state;
	assert_true(
	    covers("m1 0 a1 a2 " PLACE " a1 m2 0 \"rim\" 1 m1 2 a1 a2 1 " DIGEST, &both));
	assert_true(covers("m1 0 a1 a2 " PLACE " a1 m1 1 m1 2 a1 a2 1 " DIGEST, &both));
}

/* Where nothing is marked as the image, each component must be known. */
static void test_corim_match__components_that_nobody_knows__are_not_covered(void **state)
{
	static const struct tee_measurement parts[] = {
	    {.mkey = TEE_MKEY_TEXT,
	     .text = "part",
	     .digests = {{TEE_SHA256, {digest, 32}}},
	     .digest_count = 1},
	    {.mkey = TEE_MKEY_TEXT,
	     .text = "other",
	     .digests = {{TEE_SHA256, {digest, 32}}},
	     .digest_count = 1}};
	const struct corim_evidence both = {&place, parts, 2}, one = {&place, parts, 1};
	const struct corim_evidence nothing = {&place, parts, 0};
	const struct corim_frame frame = {
	    .triples = "m1 0 a1 a2 " PLACE " a1 m2 0 \"part\" 1 m1 2 a1 a2 1 " DIGEST};
	struct corim *corim = corim_frame_read(&frame, NULL, NULL);
	const struct corim_source source = {corim, NULL};
	struct corim_outcome outcome = {0};

	(void)state;
	assert_int_equal(corim_match(&source, 1, &both, &arena, &outcome, NULL), 0);
	assert_int_equal(outcome.matched, 1);
	assert_false(corim_covers_image(&outcome, &both));
	assert_int_equal(corim_match(&source, 1, &one, &arena, &outcome, NULL), 0);
	assert_true(corim_covers_image(&outcome, &one));
	assert_false(corim_covers_image(&outcome, &nothing));
	corim_free(corim);
}

/* Who is named as the authority must be who signed. */
static void test_corim_match__another_authority__is_not_met(void **state)
{
	static const char triples[] =
	    "m1 0 a1 a2 " PLACE " a1 m3 0 \"image\" 1 m1 2 a1 a2 1 " DIGEST
	    " 2 a1 t557 a2 1 %";
	uint8_t own[SHA256_SIZE], other[SHA256_SIZE] = {1};
	const struct tobi_bytes mine = {own, sizeof(own)};
	const struct tobi_bytes another = {other, sizeof(other)};

	(void)state;
	assert_int_equal(key_spki_sha256(signer, own, NULL), 0);
	assert_int_equal(match_by(triples, signer, &mine).matched, 1);
	assert_int_equal(match_by(triples, signer, &another).matched, 0);
	assert_int_equal(match_by(triples, NULL, &mine).matched, 0);
}

static size_t endorsed(const struct corim_outcome *outcome)
{
	return outcome->claim_count - evidence.count;
}

static void test_corim_match__an_endorsement_of_this_place__is_added(void **state)
{
	struct corim_outcome outcome = match("m1 1 a1 a2 " PLACE " a1 " NAME);

	(void)state;
	assert_int_equal(endorsed(&outcome), 1);
	assert_true(outcome.claims[2].endorsed);
	assert_string_equal(outcome.claims[2].measurement.name, "named");
	outcome = match("m1 1 a1 a2 " ELSEWHERE " a1 " NAME);
	assert_int_equal(endorsed(&outcome), 0);
}

static void test_corim_match__a_condition_that_holds__endorses(void **state)
{
	struct corim_outcome outcome =
	    match("m1 10 a1 a2 a1 a2 " PLACE " a1 " IMAGE " a1 a2 " PLACE " a1 " NAME);

	(void)state;
	assert_int_equal(endorsed(&outcome), 1);
	outcome = match("m1 10 a1 a2 a1 a2 " PLACE " a1 " OTHER_IMAGE " a1 a2 " PLACE
			" a1 " NAME);
	assert_int_equal(endorsed(&outcome), 0);
	/* Each condition, not one of them. */
	outcome = match("m1 10 a1 a2 a2 a2 " PLACE " a1 " IMAGE " a2 " ELSEWHERE
			" a1 " IMAGE " a1 a2 " PLACE " a1 " NAME);
	assert_int_equal(endorsed(&outcome), 0);
}

/* The second is there before the first, and once only. */
static void test_corim_match__an_endorsement_as_a_condition__endorses(void **state)
{
	struct corim_outcome outcome =
	    match("m1 10 a2 "
		  "a2 a1 a2 " PLACE " a1 " NAME " a1 a2 " PLACE
		  " a1 m2 0 \"image\" 1 m1 11 \"second\" "
		  "a2 a1 a2 " PLACE " a1 " IMAGE " a1 a2 " PLACE " a1 " NAME);

	(void)state;
	assert_int_equal(endorsed(&outcome), 2);
	assert_string_equal(outcome.claims[3].measurement.name, "second");
}

#define STEP(svn, name)                                                                  \
	"a2 a1 m2 0 \"level\" 1 m1 1 " svn " a1 m2 0 \"level\" 1 m1 11 \"" name "\" "

static void test_corim_match__a_series__the_first_that_holds_counts(void **state)
{
	struct corim_outcome outcome = match("m1 8 a1 a2 a2 " PLACE " a0 a3 " STEP(
	    "5", "new") STEP("t553 3", "good") STEP("t553 1", "old"));

	(void)state;
	assert_int_equal(endorsed(&outcome), 1);
	assert_string_equal(outcome.claims[2].measurement.name, "good");
	outcome = match("m1 8 a1 a2 a2 " PLACE " a1 " OTHER_IMAGE
			" a1 " STEP("t553 3", "good"));
	assert_int_equal(endorsed(&outcome), 0);
	outcome = match("m1 8 a1 a2 a2 " PLACE " a0 a1 " STEP("t553 9", "good"));
	assert_int_equal(endorsed(&outcome), 0);
	outcome = match("m1 8 a1 a2 a2 " ELSEWHERE " a0 a1 " STEP("t553 3", "good"));
	assert_int_equal(endorsed(&outcome), 0);
}

/* No key of CoRIM's stands behind evidence, but the signer's behind what it endorsed. */
static void test_corim_match__a_condition_of_an_authority__asks_whose_it_is(void **state)
{
	static const char of_evidence[] =
	    "m1 10 a1 a2 a1 a2 " PLACE " a1 m3 0 \"image\" 1 m1 2 a1 a2 1 " DIGEST
	    " 2 a1 t557 a2 1 % a1 a2 " PLACE " a1 " NAME;
	static const char of_endorsement[] =
	    "m2 1 a1 a2 " PLACE " a1 " NAME " 8 a1 a2 a3 " PLACE
	    " a0 a1 t557 a2 1 % a1 a2 a1 " NAME " a1 m2 0 \"image\" 1 m1 11 \"more\"";
	uint8_t own[SHA256_SIZE], other[SHA256_SIZE] = {1};
	const struct tobi_bytes mine = {own, sizeof(own)};
	const struct tobi_bytes another = {other, sizeof(other)};
	struct corim_outcome outcome;

	(void)state;
	assert_int_equal(key_spki_sha256(signer, own, NULL), 0);
	outcome = match_by(of_evidence, signer, &mine);
	assert_int_equal(endorsed(&outcome), 0);
	outcome = match_by(of_endorsement, signer, &mine);
	assert_int_equal(endorsed(&outcome), 2);
	outcome = match_by(of_endorsement, signer, &another);
	assert_int_equal(endorsed(&outcome), 1);
}

/* There is room for so many, and it is said when more were there. */
static void test_corim_match__more_endorsements_than_room__are_left_out(void **state)
{
	struct writer words = wr_init(64 << 10);
	struct corim_outcome outcome;

	(void)state;
	wr_printf(&words, "m1 1 a%d", CORIM_CLAIMS_MAX);
	for (int i = 0; i < CORIM_CLAIMS_MAX; i++)
		wr_printf(&words, " a2 " PLACE " a1 " NAME);
	wr_u8(&words, 0);
	outcome = match((const char *)words.ptr);
	assert_int_equal(outcome.claim_count, CORIM_CLAIMS_MAX);
	assert_true(outcome.left_out);
	wr_done(&words);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_corim_match__a_triple_of_what_runs__matches),
	    cmocka_unit_test(
		test_corim_match__one_measurement_that_is_not_met__is_enough),
	    cmocka_unit_test(test_corim_match__another_place__says_so),
	    cmocka_unit_test(test_corim_match__a_key_that_is_not_measured__says_so),
	    cmocka_unit_test(test_corim_match__one_triple_of_several__is_enough),
	    cmocka_unit_test(test_corim_match__the_platform_alone__covers_no_image),
	    cmocka_unit_test(
		test_corim_match__a_value_beside_the_digest__covers_no_image),
	    cmocka_unit_test(test_corim_match__several_environments__all_in_one_of_them),
	    cmocka_unit_test(test_corim_match__what_is_beside_the_image__covers_none),
	    cmocka_unit_test(test_corim_match__one_way_to_name_the_image__is_enough),
	    cmocka_unit_test(
		test_corim_match__components_that_nobody_knows__are_not_covered),
	    cmocka_unit_test(test_corim_match__another_authority__is_not_met),
	    cmocka_unit_test(test_corim_match__an_endorsement_of_this_place__is_added),
	    cmocka_unit_test(test_corim_match__a_condition_that_holds__endorses),
	    cmocka_unit_test(test_corim_match__an_endorsement_as_a_condition__endorses),
	    cmocka_unit_test(test_corim_match__a_series__the_first_that_holds_counts),
	    cmocka_unit_test(
		test_corim_match__a_condition_of_an_authority__asks_whose_it_is),
	    cmocka_unit_test(test_corim_match__more_endorsements_than_room__are_left_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
