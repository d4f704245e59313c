/* /dev/sev-guest: the driver's interface, and what goes wrong with it. */
#include "attest/sev_guest.h"

#include <errno.h>
#include <linux/sev-guest.h>

#include "base/endian.h"
#include "tests/snp_scene.h"
#include "tests/unit/attest/world.h"

/* The driver's own header has the same numbers. */
static void test_sev_guest_interface__header__is_the_drivers(void **state)
{
	(void)state;
	assert_int_equal(SEV_GUEST_GET_REPORT, SNP_GET_REPORT);
	assert_int_equal(SEV_GUEST_GET_EXTENDED, SNP_GET_EXT_REPORT);
	assert_int_equal(sizeof(struct sev_guest_request), sizeof(struct snp_report_req));
	assert_int_equal(sizeof(struct sev_guest_extended),
			 sizeof(struct snp_ext_report_req));
	assert_int_equal(sizeof(struct sev_guest_call),
			 sizeof(struct snp_guest_request_ioctl));
	assert_int_equal(SEV_GUEST_RESPONSE, sizeof(struct snp_report_resp));
	assert_int_equal(offsetof(struct sev_guest_extended, certificates_size),
			 offsetof(struct snp_ext_report_req, certs_len));
	assert_int_equal(offsetof(struct sev_guest_call, error),
			 offsetof(struct snp_guest_request_ioctl, exitinfo2));
}

static void make_table(struct writer *out)
{
	struct snp_scene scene;
	struct writer extended = wr_init(LIMIT_EVIDENCE);

	snp_scene_make(&scene);
	snp_scene_pieces(&scene);
	snp_scene_extended(&scene, &extended);
	wr_bytes(out, extended.ptr + SEV_GUEST_REPORT, extended.size - SEV_GUEST_REPORT);
	wr_done(&extended);
	snp_scene_done(&scene);
}

static void test_sev_guest_get__extended__has_report_and_certificates(void **state)
{
	struct writer table = wr_init(LIMIT_EVIDENCE);
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	make_table(&table);
	world.machine.table = wr_view(&table);
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_string_equal(world.output.kind, "snp-report");
	assert_int_equal(world.output.evidence.size, SEV_GUEST_REPORT);
	assert_memory_equal(world.output.evidence.ptr + 0x50, world.request.data, 64);
	assert_non_null(world_piece(&world, "vcek.der"));
	assert_non_null(world_piece(&world, "ask.der"));
	assert_non_null(world_piece(&world, "ark.der"));
	assert_non_null(world_piece(&world, "crl.der"));
	assert_int_equal(world.machine.vmpl, 0);
	assert_string_equal(world.output.note, "");
	world_done(&world);
	wr_done(&table);
}

static void test_sev_guest_get__longer_table__is_asked_for_again(void **state)
{
	struct writer table = wr_init(LIMIT_EVIDENCE);
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	make_table(&table);
	world.machine.table = wr_view(&table);
	world.machine.table_needs = SEV_GUEST_TABLE_MAX;
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_non_null(world_piece(&world, "vcek.der"));
	world_done(&world);
	/* Over the ceiling the report comes without certificates, and it is said. */
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.table = wr_view(&table);
	world.machine.table_needs = SEV_GUEST_TABLE_MAX + 4096;
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_null(world_piece(&world, "vcek.der"));
	assert_non_null(strstr(world.output.note, "no certificates"));
	world_done(&world);
	wr_done(&table);
}

static void test_sev_guest_get__host_without_certificates__gives_the_report(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	stand_in_fail(&world.machine, "ioctl", "/dev/sev-guest", EINVAL, 0, 1);
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_int_equal(world.output.piece_count, 0);
	assert_non_null(strstr(world.output.note, "the host gave no certificates"));
	world_done(&world);
	world_make(&world, STAND_IN_SEV_GUEST);
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_string_equal(world.output.note, "the host gave no certificates");
	world_done(&world);
}

static void test_sev_guest_get__unreadable_table__is_left_out_and_said(void **state)
{
	uint8_t table[4096];
	struct world world;

	(void)state;
	memset(table, 0xa5, sizeof(table));
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.table = (struct tobi_bytes){table, sizeof(table)};
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_int_equal(world.output.piece_count, 0);
	assert_non_null(strstr(world.output.note, "cannot be read"));
	world_done(&world);
}

static void test_sev_guest_get__no_device__is_not_found(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 0);
	world_fails(&world, "sev-guest", TOBI_E_NOT_FOUND, "/dev/sev-guest is not there");
	world_done(&world);
	world_make(&world, STAND_IN_SEV_GUEST);
	stand_in_fail(&world.machine, "open", "/dev/sev-guest", EACCES, 0, 1);
	world_fails(&world, "sev-guest", TOBI_E_DENIED, "this user may not open");
	world_done(&world);
}

static void test_sev_guest_get__firmware_error__is_told_with_its_code(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.firmware_error = 0x1b;
	world_fails(&world, "sev-guest", TOBI_E_SYSTEM, "firmware error 0x1b");
	world_done(&world);
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.status = 0x16;
	world_fails(&world, "sev-guest", TOBI_E_SYSTEM, "0x16");
	world_done(&world);
	world_make(&world, STAND_IN_SEV_GUEST);
	stand_in_fail(&world.machine, "ioctl", "/dev/sev-guest", EIO, 0, 9);
	world_fails(&world, "sev-guest", TOBI_E_SYSTEM, "cannot ask");
	world_done(&world);
}

static void test_sev_guest_get__busy_host__is_asked_again(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.busy = 3;
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_int_equal(world.machine.waits, 3);
	world_done(&world);
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.busy = 1000;
	world_fails(&world, "sev-guest", TOBI_E_TIMEOUT, "busy");
	assert_in_range(world.machine.busy, 1, 999);
	world_done(&world);
	/* Drivers say so with EAGAIN, too; and an interruption is no answer. */
	world_make(&world, STAND_IN_SEV_GUEST);
	stand_in_fail(&world.machine, "ioctl", "/dev/sev-guest", EAGAIN, 0, 2);
	stand_in_fail(&world.machine, "ioctl", "/dev/sev-guest", EINTR, 0, 2);
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_int_equal(world.machine.waits, 2);
	world_done(&world);
	world_make(&world, STAND_IN_SEV_GUEST);
	stand_in_fail(&world.machine, "ioctl", "/dev/sev-guest", EAGAIN, 0, 10000);
	world_fails(&world, "sev-guest", TOBI_E_TIMEOUT, "busy all the time");
	assert_in_range(world.machine.waited_ms, 1000, 30000);
	world_done(&world);
}

static void test_sev_guest_get__answer_to_another_question__is_a_mismatch(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.machine.other_data = true;
	world_fails(&world, "sev-guest", TOBI_E_MISMATCH, "another question");
	world_done(&world);
}

static void test_sev_guest_get__privilege__is_asked_for(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, STAND_IN_SEV_GUEST);
	world.request.privilege = 2;
	assert_int_equal(world_run(&world, "sev-guest"), 0);
	assert_int_equal(world.machine.vmpl, 2);
	world_done(&world);
}

static void test_sev_guest_response__cut_or_of_another_size__fails(void **state)
{
	uint8_t bytes[32 + SEV_GUEST_REPORT] = {0};
	struct tobi_bytes report = {0};

	(void)state;
	store_le(bytes + 4, 4, SEV_GUEST_REPORT);
	for (size_t size = 0; size < sizeof(bytes); size++) {
		struct block block = block_new((struct tobi_bytes){bytes, size});

		assert_int_equal(sev_guest_response(block_view(block), &report, NULL),
				 TOBI_E_TRUNCATED);
		block_done(block);
	}
	assert_int_equal(
	    sev_guest_response((struct tobi_bytes){bytes, sizeof(bytes)}, &report, NULL),
	    0);
	assert_ptr_equal(report.ptr, bytes + 32);
	store_le(bytes + 4, 4, SEV_GUEST_REPORT + 1);
	assert_int_equal(
	    sev_guest_response((struct tobi_bytes){bytes, sizeof(bytes)}, &report, NULL),
	    TOBI_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sev_guest_interface__header__is_the_drivers),
	    cmocka_unit_test(test_sev_guest_get__extended__has_report_and_certificates),
	    cmocka_unit_test(test_sev_guest_get__longer_table__is_asked_for_again),
	    cmocka_unit_test(
		test_sev_guest_get__host_without_certificates__gives_the_report),
	    cmocka_unit_test(test_sev_guest_get__unreadable_table__is_left_out_and_said),
	    cmocka_unit_test(test_sev_guest_get__no_device__is_not_found),
	    cmocka_unit_test(test_sev_guest_get__firmware_error__is_told_with_its_code),
	    cmocka_unit_test(test_sev_guest_get__busy_host__is_asked_again),
	    cmocka_unit_test(
		test_sev_guest_get__answer_to_another_question__is_a_mismatch),
	    cmocka_unit_test(test_sev_guest_get__privilege__is_asked_for),
	    cmocka_unit_test(test_sev_guest_response__cut_or_of_another_size__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
