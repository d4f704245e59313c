/* Gramine's pseudo-files. */
#include <errno.h>

#include "tests/dcap_scene.h"
#include "tests/unit/attest/world.h"

static void make_quote(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct dcap_scene scene;

	(void)machine;
	dcap_scene_make(&scene);
	bytes_copy(scene.body + 320, 64, data, 64);
	dcap_scene_quote(&scene, out);
}

static void make_world(struct world *world, unsigned has)
{
	world_make(world, has);
	world->machine.make = make_quote;
}

static void test_gramine_get__dcap__is_a_quote(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_GRAMINE);
	assert_int_equal(world_run(&world, "gramine"), 0);
	assert_string_equal(world.output.kind, "sgx-quote");
	assert_string_equal(world.output.note, "seal keys: _sgx_mrsigner");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	world.machine.type = "dcap\n";
	assert_int_equal(world_run(&world, "gramine"), 0);
	world_done(&world);
}

static void test_gramine_get__other_type__says_what_to_do(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_GRAMINE);
	world.machine.type = "none";
	world_fails(&world, "gramine", TOBI_E_UNSUPPORTED, "remote_attestation");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	world.machine.type = "epid";
	world_fails(&world, "gramine", TOBI_E_UNSUPPORTED, "'epid'");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	world.machine.type = "seventeen letters";
	world_fails(&world, "gramine", TOBI_E_LIMIT, "gives more than");
	world_done(&world);
}

static void test_gramine_get__file_that_fails__says_what(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, 0);
	world_fails(&world, "gramine", TOBI_E_NOT_FOUND, "is not there");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	stand_in_fail(&world.machine, "write", "/user_report_data", 0, 0, 1);
	world_fails(&world, "gramine", TOBI_E_SYSTEM, "63 of 64");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	stand_in_fail(&world.machine, "open", "/quote", EACCES, 0, 1);
	world_fails(&world, "gramine", TOBI_E_DENIED, "may not open");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	stand_in_fail(&world.machine, "read", "/quote", EIO, 0, 1);
	world_fails(&world, "gramine", TOBI_E_SYSTEM, "cannot read");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	world.machine.other_data = true;
	world_fails(&world, "gramine", TOBI_E_MISMATCH, "another question");
	world_done(&world);
	make_world(&world, STAND_IN_GRAMINE);
	world.machine.make = NULL;
	world_fails(&world, "gramine", TOBI_E_MALFORMED, "no quote");
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gramine_get__dcap__is_a_quote),
	    cmocka_unit_test(test_gramine_get__other_type__says_what_to_do),
	    cmocka_unit_test(test_gramine_get__file_that_fails__says_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
