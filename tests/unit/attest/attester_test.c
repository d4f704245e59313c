/* The table of attesters: which one is taken, and that every one checks what it got. */
#include "attest/attester.h"

#include <errno.h>

#include "attest/logs.h"
#include "tests/unit/attest/world.h"

static void test_attester_named__unknown__is_none(void **state)
{
	(void)state;
	assert_null(attester_named("auto"));
	assert_null(attester_named(""));
	for (size_t i = 0; attester_at(i); i++) {
		assert_ptr_equal(attester_named(attester_at(i)->name), attester_at(i));
		assert_non_null(attester_at(i)->present);
		assert_non_null(attester_at(i)->get);
	}
}

static void test_attester_run__data_of_no_size__is_an_error(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.request.data_size = 0;
	world_fails(&world, "sev-guest", TOBI_E_ARGUMENT, "1 to 64");
	world.request.data_size = ATTEST_DATA_SIZE + 1;
	world_fails(&world, "sev-guest", TOBI_E_ARGUMENT, "1 to 64");
	world_done(&world);
}

static void test_attest_piece_drop__first_of_three__leaves_the_others(void **state)
{
	struct attest_output output = attest_output_init();

	(void)state;
	for (const char *name = "a\0b\0c\0"; *name; name += 2)
		wr_bytes(attest_piece_add(&output, ATTEST_LOG, name), name, 1);
	attest_piece_drop(&output, 0);
	assert_int_equal(output.piece_count, 2);
	assert_string_equal(output.pieces[0].name, "b");
	assert_bytes_equal(wr_view(&output.pieces[1].bytes), text_bytes("c"));
	attest_piece_drop(&output, 1);
	assert_int_equal(output.piece_count, 1);
	attest_output_done(&output);
}

static void test_attest_piece_add__seventeenth__has_no_room(void **state)
{
	struct attest_output output = attest_output_init();

	(void)state;
	for (unsigned i = 0; i < LIMIT_PIECES; i++)
		assert_non_null(attest_piece_add(&output, ATTEST_LOG, "x"));
	assert_null(attest_piece_add(&output, ATTEST_LOG, "x"));
	attest_output_done(&output);
}

static const char tpm_log[] = "/sys/kernel/security/tpm0/binary_bios_measurements";
static const char ccel[] = "/sys/firmware/acpi/tables/data/CCEL";

static void test_logs_add__those_that_are_there__are_pieces(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 0);
	stand_in_put(&world.machine, ccel, text_bytes("log of a guest"));
	assert_int_equal(logs_add(&world.request, &world.output, NULL), 0);
	assert_int_equal(world.output.piece_count, 1);
	assert_int_equal(world.output.pieces[0].kind, ATTEST_LOG);
	assert_bytes_equal(wr_view(&world_piece(&world, "ccel.log")->bytes),
			   text_bytes("log of a guest"));
	assert_string_equal(world.output.note, "");
	world_done(&world);
}

static void test_logs_add__that_cannot_be_read__is_left_out_and_said(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 0);
	stand_in_put(&world.machine, tpm_log, text_bytes("log"));
	stand_in_put(&world.machine, ccel, text_bytes("log"));
	stand_in_fail(&world.machine, "open", "measurements", EACCES, 0, 1);
	assert_int_equal(logs_add(&world.request, &world.output, NULL), 0);
	assert_int_equal(world.output.piece_count, 1);
	assert_non_null(strstr(world.output.note, "boot.log is left out: this user"));
	world_done(&world);
	world_make(&world, 0);
	stand_in_put(&world.machine, tpm_log, text_bytes("log"));
	world.machine.flood = LIMIT_EVIDENCE + 1;
	assert_int_equal(logs_add(&world.request, &world.output, NULL), 0);
	assert_int_equal(world.output.piece_count, 0);
	assert_non_null(strstr(world.output.note, "gives more than"));
	world_done(&world);
}

static void test_logs_add__too_many_pieces__is_a_limit(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 0);
	for (unsigned i = 0; i < LIMIT_PIECES; i++)
		assert_non_null(attest_piece_add(&world.output, ATTEST_LOG, "x"));
	assert_int_equal(logs_add(&world.request, &world.output, NULL), TOBI_E_LIMIT);
	world_done(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attester_named__unknown__is_none),
	    cmocka_unit_test(test_attester_run__data_of_no_size__is_an_error),
	    cmocka_unit_test(test_attest_piece_add__seventeenth__has_no_room),
	    cmocka_unit_test(test_attest_piece_drop__first_of_three__leaves_the_others),
	    cmocka_unit_test(test_logs_add__those_that_are_there__are_pieces),
	    cmocka_unit_test(test_logs_add__that_cannot_be_read__is_left_out_and_said),
	    cmocka_unit_test(test_logs_add__too_many_pieces__is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
