/* What an attester gave becomes one file, and a verifier takes it. */
#include "attest/collection.h"

#include "tests/snp_scene.h"
#include "tests/unit/attest/world.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

/* The scene signs what the machine is asked for. */
static void make_report(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct snp_scene *scene = machine->maker;

	bytes_copy(scene->report + 0x50, 64, data, 64);
	snp_scene_report(scene, out);
}

struct journey {
	struct snp_scene scene;
	struct world world;
	struct writer table, claims, collection;
	uint8_t nonce[16];
};

static void journey_make(struct journey *journey)
{
	struct snp_scene *scene = &journey->scene;

	snp_scene_make(scene);
	snp_scene_pieces(scene);
	world_make(&journey->world, STAND_IN_SEV_GUEST);
	journey->table = wr_init(LIMIT_EVIDENCE);
	snp_scene_extended(scene, &journey->table);
	journey->world.machine.table =
	    (struct tobi_bytes){journey->table.ptr + 1184, journey->table.size - 1184};
	journey->world.machine.make = make_report;
	journey->world.machine.maker = scene;
	journey->claims = wr_init(LIMIT_CLAIMS_BUFFER);
	journey->collection = wr_init(LIMIT_CMW);
	memset(journey->nonce, 7, sizeof(journey->nonce));
}

static void journey_done(struct journey *journey)
{
	world_done(&journey->world);
	wr_done(&journey->table);
	wr_done(&journey->claims);
	wr_done(&journey->collection);
	snp_scene_done(&journey->scene);
}

static void make_claims(struct journey *journey)
{
	const uint8_t key[32] = {1};

	claims_buffer_write(&journey->claims,
			    (struct tobi_bytes){journey->nonce, sizeof(journey->nonce)},
			    key, TOBI_ROLE_SERVER, (struct tobi_bytes){0});
	memset(journey->world.request.data, 0, ATTEST_DATA_SIZE);
	assert_int_equal(
	    hash_sha256(wr_view(&journey->claims), journey->world.request.data), 0);
	journey->world.request.data_size = SHA256_SIZE;
}

static void attest(struct journey *journey)
{
	assert_int_equal(world_run(&journey->world, "sev-guest"), 0);
	assert_int_equal(collection_write(&journey->world.output,
					  wr_view(&journey->claims), &journey->collection,
					  NULL),
			 0);
}

static enum tobi_verdict verify(const struct journey *journey, struct tobi_bytes nonce)
{
	struct tobi_policy *policy = snp_scene_policy_new(&journey->scene);
	const struct tobi_verify_request request = {.evidence =
							wr_view(&journey->collection),
						    .nonce = nonce,
						    .time = journey->scene.time};
	struct tobi_result *result = NULL;
	enum tobi_verdict verdict;

	assert_int_equal(tobi_verify(policy, &request, &result, NULL), 0);
	verdict = tobi_result_verdict(result);
	tobi_result_free(result);
	tobi_policy_free(policy);
	return verdict;
}

static void test_collection__with_claims__is_accepted_for_its_nonce(void **state)
{
	struct journey journey;

	(void)state;
	journey_make(&journey);
	make_claims(&journey);
	attest(&journey);
	assert_int_equal(
	    verify(&journey, (struct tobi_bytes){journey.nonce, sizeof(journey.nonce)}),
	    TOBI_ACCEPT);
	journey.nonce[0] ^= 1;
	assert_int_equal(
	    verify(&journey, (struct tobi_bytes){journey.nonce, sizeof(journey.nonce)}),
	    TOBI_REFUSE);
	journey_done(&journey);
}

static void test_collection__without_claims__is_accepted_for_the_report_data(void **state)
{
	struct journey journey;
	struct tobi_bytes data;

	(void)state;
	journey_make(&journey);
	attest(&journey);
	data = (struct tobi_bytes){journey.world.request.data, ATTEST_DATA_SIZE};
	assert_int_equal(verify(&journey, data), TOBI_ACCEPT);
	data.size--;
	assert_int_equal(verify(&journey, data), TOBI_REFUSE);
	journey_done(&journey);
}

/* Whoever takes the claims out has evidence that is bound to their hash, and to no nonce
 * of the verifier's. */
static void test_collection__claims_taken_out__is_refused(void **state)
{
	struct journey journey;

	(void)state;
	journey_make(&journey);
	make_claims(&journey);
	wr_done(&journey.claims);
	attest(&journey);
	assert_int_equal(
	    verify(&journey, (struct tobi_bytes){journey.nonce, sizeof(journey.nonce)}),
	    TOBI_REFUSE);
	journey_done(&journey);
}

static void test_collection__pieces__have_their_records(void **state)
{
	struct world world;
	struct writer out = wr_init(LIMIT_CMW);
	struct cmw cmw;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	wr_bytes(attest_piece_add(&world.output, ATTEST_LOG, "a.log"), "first", 5);
	wr_bytes(attest_piece_add(&world.output, ATTEST_ENDORSEMENT, "x.der"), "x", 1);
	wr_bytes(attest_piece_add(&world.output, ATTEST_LOG, "b.log"), "second", 6);
	assert_int_equal(collection_write(&world.output, text_bytes("c"), &out, NULL), 0);
	assert_int_equal(cmw_parse(wr_view(&out), "test", &cmw, NULL), 0);
	assert_int_equal(cmw.count, 5);
	assert_bytes_equal(cmw.records[0].key, text_bytes("cpu"));
	assert_bytes_equal(cmw.records[1].key, text_bytes("log"));
	assert_bytes_equal(cmw.records[1].value, text_bytes("first"));
	assert_bytes_equal(cmw.records[2].key, text_bytes("log-2"));
	assert_bytes_equal(cmw.records[2].value, text_bytes("second"));
	assert_bytes_equal(cmw.records[3].key, text_bytes("claims"));
	assert_bytes_equal(cmw.records[4].key, text_bytes("endorse"));
	assert_bytes_equal(cmw.records[4].value, BYTES(0x81, 0x41, 'x'));
	wr_done(&out);
	world_done(&world);
}

static void test_collection__too_large_or_unknown__is_refused(void **state)
{
	struct world world;
	struct writer out = wr_init(LIMIT_CMW);

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	wr_reserve(attest_piece_add(&world.output, ATTEST_LOG, "a.log"), LIMIT_EVIDENCE);
	assert_int_equal(
	    collection_write(&world.output, (struct tobi_bytes){0}, &out, &world.fault),
	    TOBI_E_LIMIT);
	assert_non_null(strstr(world.fault.message, "--raw"));
	world.output.kind = "nonsense";
	assert_int_equal(
	    collection_write(&world.output, (struct tobi_bytes){0}, &out, NULL),
	    TOBI_E_UNSUPPORTED);
	wr_done(&out);
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_collection__with_claims__is_accepted_for_its_nonce),
	    cmocka_unit_test(
		test_collection__without_claims__is_accepted_for_the_report_data),
	    cmocka_unit_test(test_collection__claims_taken_out__is_refused),
	    cmocka_unit_test(test_collection__pieces__have_their_records),
	    cmocka_unit_test(test_collection__too_large_or_unknown__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
