/* configfs-tsm: one folder for one report, and others who write to it. */
#include "attest/tsm.h"

#include <errno.h>

#include "tests/cca_scene.h"
#include "tests/snp_scene.h"
#include "tests/unit/attest/world.h"

static void make_token(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct test_cca *cca = machine->maker;

	test_claim_bytes(&cca->realm, 10, (struct tobi_bytes){data, ATTEST_DATA_SIZE});
	test_cca_write(cca, out);
}

/* A realm of CCA; test_cca_done() its maker. */
static void make_realm(struct stand_in *machine)
{
	static struct test_cca cca;

	test_cca_make(&cca, CCA_REALM_1);
	machine->provider = "arm_cca_guest\n";
	machine->make = make_token;
	machine->maker = &cca;
}

static void test_tsm_get__snp__is_the_report(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_string_equal(world.output.kind, "snp-report");
	assert_int_equal(world.output.evidence.size, 1184);
	assert_int_equal(world.machine.folders_made, 1);
	assert_string_equal(world.machine.privilege, "");
	world_done(&world);
}

static void test_tsm_get__certificates_of_the_host__are_pieces(void **state)
{
	struct writer extended = wr_init(LIMIT_EVIDENCE);
	struct snp_scene scene;
	struct world world;

	(void)state;
	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	snp_scene_extended(&scene, &extended);
	world_make(&world, STAND_IN_TSM);
	world.machine.table =
	    (struct tobi_bytes){extended.ptr + 1184, extended.size - 1184};
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_non_null(world_piece(&world, "vcek.der"));
	world_done(&world);
	wr_done(&extended);
	snp_scene_done(&scene);
}

static void test_tsm_get__privilege__is_the_floor_or_what_is_asked_for(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.floor = "2\n";
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_string_equal(world.machine.privilege, "2");
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	world.machine.floor = "0\n";
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_string_equal(world.machine.privilege, "");
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	world.request.privilege = 3;
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_string_equal(world.machine.privilege, "3");
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	world.machine.floor = "4\n";
	world_fails(&world, "tsm", TOBI_E_ARGUMENT, "0 to 3");
	world_done(&world);
}

static void test_tsm_get__another_writer_once__is_done_again_elsewhere(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.disturbances = 2;
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_int_equal(world.machine.folders_made, 3);
	assert_int_equal(world.machine.waits, 2);
	assert_memory_equal(world.output.evidence.ptr + 0x50, world.request.data, 64);
	world_done(&world);
}

static void test_tsm_get__another_writer_each_time__is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.disturbances = 1000;
	world_fails(&world, "tsm", TOBI_E_EXISTS, "another writer");
	assert_int_equal(world.output.evidence.size, 0);
	world_done(&world);
}

/* The kernel sees it, too, when a write falls into a read; or has no room for one. */
static void test_tsm_get__in_use__is_done_again(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	stand_in_fail(&world.machine, "read", "/outblob", EWOULDBLOCK, 0, 1);
	stand_in_fail(&world.machine, "write", "/inblob", EBUSY, 0, 1);
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_int_equal(world.machine.folders_made, 3);
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	stand_in_fail(&world.machine, "read", "/outblob", EWOULDBLOCK, 0, 1000);
	world_fails(&world, "tsm", TOBI_E_EXISTS, "another writer");
	world_done(&world);
}

static void test_tsm_get__wrong_generation__is_malformed(void **state)
{
	static const char *const wrong[] = {"", "\n", "-1\n", "1x\n",
					    "99999999999999999999\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct world world;

		world_make(&world, STAND_IN_TSM);
		world.machine.generation = wrong[i];
		world_fails(&world, "tsm", TOBI_E_MALFORMED, "no number");
		world_done(&world);
	}
}

static void test_tsm_get__provider__is_known_or_named(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	make_realm(&world.machine);
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_string_equal(world.output.kind, "cca-token");
	test_cca_done(world.machine.maker);
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	world.machine.provider = "martian_guest\n";
	world_fails(&world, "tsm", TOBI_E_UNSUPPORTED, "martian_guest");
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	world.machine.provider = "tdx_guest\n";
	world_fails(&world, "tsm", TOBI_E_MALFORMED, "no quote");
	world_done(&world);
}

static void test_tsm_get__not_here__says_why(void **state)
{
	static const struct {
		int number;
		enum tobi_err err;
		const char *words;
	} cases[] = {{ENOENT, TOBI_E_NOT_FOUND, "older than 6.7"},
		     {ENXIO, TOBI_E_NOT_FOUND, "no provider"},
		     {EACCES, TOBI_E_DENIED, "root may"},
		     {EIO, TOBI_E_SYSTEM, "cannot make"},
		     {EEXIST, TOBI_E_SYSTEM, "cannot make"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		world_make(&world, STAND_IN_TSM);
		stand_in_fail(&world.machine, "mkdir", "report", cases[i].number, 0,
			      1000);
		world_fails(&world, "tsm", cases[i].err, cases[i].words);
		world_done(&world);
	}
}

static void test_tsm_get__name_that_is_taken__is_another_one(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	stand_in_fail(&world.machine, "mkdir", "report", EEXIST, 0, 2);
	assert_int_equal(world_run(&world, "tsm"), 0);
	world_done(&world);
}

static void test_tsm_get__device_that_fails__says_what(void **state)
{
	static const struct {
		const char *call, *file;
		int number;
		enum tobi_err err;
		const char *words;
	} cases[] = {{"read", "/outblob", EIO, TOBI_E_SYSTEM, "cannot read"},
		     {"write", "/inblob", EINVAL, TOBI_E_SYSTEM, "cannot write to"},
		     {"write", "/inblob", 0, TOBI_E_SYSTEM, "63 of 64"},
		     {"open", "/outblob", EACCES, TOBI_E_DENIED, "may not open"},
		     {"read", "/provider", EIO, TOBI_E_SYSTEM, "cannot read"},
		     {"read", "/generation", EIO, TOBI_E_SYSTEM, "cannot read"},
		     {"read", "/auxblob", EIO, TOBI_E_SYSTEM, "cannot read"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		world_make(&world, STAND_IN_TSM);
		world.machine.table = BYTES(0);
		stand_in_fail(&world.machine, cases[i].call, cases[i].file,
			      cases[i].number, 0, 1000);
		world_fails(&world, "tsm", cases[i].err, cases[i].words);
		world_done(&world);
	}
}

static void give_too_much(struct stand_in *machine, const uint8_t *data,
			  struct writer *out)
{
	(void)machine;
	wr_bytes(out, data, ATTEST_DATA_SIZE);
	wr_reserve(out, LIMIT_EVIDENCE - ATTEST_DATA_SIZE);
	machine->flood = LIMIT_EVIDENCE + 1;
}

static void give_nothing(struct stand_in *machine, const uint8_t *data,
			 struct writer *out)
{
	(void)machine, (void)data, (void)out;
}

static void test_tsm_get__too_large_or_empty__is_refused(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.make = give_too_much;
	world_fails(&world, "tsm", TOBI_E_LIMIT, "gives more than");
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	world.machine.make = give_nothing;
	world_fails(&world, "tsm", TOBI_E_TRUNCATED, "gave none");
	world_done(&world);
}

static void test_tsm_get__reads_of_few_bytes__are_put_together(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.least = 7;
	stand_in_fail(&world.machine, "read", "/outblob", EINTR, 1, 2);
	assert_int_equal(world_run(&world, "tsm"), 0);
	assert_int_equal(world.output.evidence.size, 1184);
	world_done(&world);
}

static void test_tsm_get__answer_to_another_question__is_a_mismatch(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.other_data = true;
	world_fails(&world, "tsm", TOBI_E_MISMATCH, "another question");
	world_done(&world);
	world_make(&world, STAND_IN_TSM);
	make_realm(&world.machine);
	world.machine.other_data = true;
	world_fails(&world, "tsm", TOBI_E_MISMATCH, "another question");
	test_cca_done(world.machine.maker);
	world_done(&world);
}

static void test_tsm_present__provider__tells_the_kind(void **state)
{
	const struct attester *attester = attester_named("tsm");
	const char *kind = NULL;
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_TSM);
	world.machine.provider = "tdx_guest\n";
	assert_int_equal(attester->present(&world.request, &kind, NULL), 0);
	assert_string_equal(kind, "tdx-quote");
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tsm_get__snp__is_the_report),
	    cmocka_unit_test(test_tsm_get__certificates_of_the_host__are_pieces),
	    cmocka_unit_test(test_tsm_get__privilege__is_the_floor_or_what_is_asked_for),
	    cmocka_unit_test(test_tsm_get__another_writer_once__is_done_again_elsewhere),
	    cmocka_unit_test(test_tsm_get__another_writer_each_time__is_refused),
	    cmocka_unit_test(test_tsm_get__in_use__is_done_again),
	    cmocka_unit_test(test_tsm_get__wrong_generation__is_malformed),
	    cmocka_unit_test(test_tsm_get__provider__is_known_or_named),
	    cmocka_unit_test(test_tsm_get__not_here__says_why),
	    cmocka_unit_test(test_tsm_get__name_that_is_taken__is_another_one),
	    cmocka_unit_test(test_tsm_get__device_that_fails__says_what),
	    cmocka_unit_test(test_tsm_get__too_large_or_empty__is_refused),
	    cmocka_unit_test(test_tsm_get__reads_of_few_bytes__are_put_together),
	    cmocka_unit_test(test_tsm_get__answer_to_another_question__is_a_mismatch),
	    cmocka_unit_test(test_tsm_present__provider__tells_the_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
