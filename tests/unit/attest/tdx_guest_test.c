/* /dev/tdx_guest, and the quoting service of the host. */
#include "attest/tdx_guest.h"

#include <errno.h>

#include "attest/qgs.h"
#include "base/endian.h"
#include "tests/dcap_scene.h"
#include "tests/unit/attest/world.h"

/* A quote over the data, by the tests' own Intel. */
static void make_quote(struct stand_in *machine, const uint8_t *data, struct writer *out)
{
	struct dcap_scene scene;

	(void)machine;
	dcap_scene_make(&scene);
	dcap_scene_kind(&scene, 4, DCAP_TD10);
	bytes_copy(scene.body + 520, 64, data, 64);
	dcap_scene_quote(&scene, out);
}

static void make_world(struct world *world, unsigned has)
{
	world_make(world, has);
	world->machine.make = make_quote;
	world->machine.provider = "tdx_guest\n";
}

static void test_tdx_guest_interface__numbers__are_the_kernels(void **state)
{
	(void)state;
	/* _IOWR('T', 1, struct tdx_report_req) */
	assert_int_equal(TDX_GUEST_GET_REPORT,
			 3u << 30 | (64u + 1024u) << 16 | 'T' << 8 | 1);
}

static void test_tdx_guest_get__service__makes_a_quote(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_TDX_GUEST | STAND_IN_QUOTES);
	world.request.quotes = "2:4050";
	assert_int_equal(world_run(&world, "tdx-guest"), 0);
	assert_string_equal(world.output.kind, "tdx-quote");
	/* What was asked: a frame, a header of 16, two sizes, the report. */
	assert_int_equal(world.machine.said.size, 4 + 16 + 8 + 1024);
	assert_int_equal(load_be(world.machine.said.ptr, 4), 16 + 8 + 1024);
	world_done(&world);
}

static void test_tdx_guest_get__kernel_makes_quotes__is_asked(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_TDX_GUEST | STAND_IN_TSM);
	assert_int_equal(world_run(&world, "tdx-guest"), 0);
	assert_int_equal(world.machine.said.size, 0);
	world_done(&world);
}

static void test_tdx_guest_get__report_only__is_said_plainly(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_TDX_GUEST);
	world_fails(&world, "tdx-guest", TOBI_E_UNSUPPORTED,
		    "only a TDREPORT can be had here");
	assert_int_equal(world.output.evidence.size, 0);
	world_done(&world);
}

static void test_tdx_guest_get__device_that_fails__says_what(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, 0);
	world_fails(&world, "tdx-guest", TOBI_E_NOT_FOUND, "/dev/tdx_guest is not there");
	world_done(&world);
	make_world(&world, STAND_IN_TDX_GUEST);
	stand_in_fail(&world.machine, "open", "/dev/tdx_guest", EPERM, 0, 1);
	world_fails(&world, "tdx-guest", TOBI_E_DENIED, "root may");
	world_done(&world);
	make_world(&world, STAND_IN_TDX_GUEST);
	stand_in_fail(&world.machine, "ioctl", "/dev/tdx_guest", EIO, 0, 1);
	world_fails(&world, "tdx-guest", TOBI_E_SYSTEM, "cannot ask");
	world_done(&world);
	make_world(&world, STAND_IN_TDX_GUEST);
	world.machine.status = 1;
	world_fails(&world, "tdx-guest", TOBI_E_MALFORMED, "else than a TDREPORT");
	world_done(&world);
	make_world(&world, STAND_IN_TDX_GUEST);
	world.machine.make = NULL;
	world.machine.other_data = true;
	world_fails(&world, "tdx-guest", TOBI_E_MISMATCH, "another question");
	world_done(&world);
}

static void test_tdx_guest_get__quote_over_other_data__is_a_mismatch(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_TDX_GUEST | STAND_IN_QUOTES);
	world.request.quotes = "2:4050";
	world.machine.other_data = true;
	world_fails(&world, "tdx-guest", TOBI_E_MISMATCH, "another question");
	world_done(&world);
}

static void test_qgs_ask__address__is_cid_and_port(void **state)
{
	static const char *const wrong[] = {"",	   "2",	      "2:",	      ":4050",
					    "2:x", "2:4050x", "99999999999:1"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct world world;

		make_world(&world, STAND_IN_TDX_GUEST | STAND_IN_QUOTES);
		world.request.quotes = wrong[i];
		world_fails(&world, "tdx-guest", TOBI_E_ARGUMENT, "CID:PORT");
		world_done(&world);
	}
}

static void test_qgs_ask__nobody__is_an_error_of_the_system(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_TDX_GUEST);
	world.request.quotes = "2:4050";
	world_fails(&world, "tdx-guest", TOBI_E_SYSTEM, "nobody answers");
	world_done(&world);
}

static void test_qgs_ask__answer_that_is_wrong__says_what(void **state)
{
	/* frame, version, type, size, error code, sizes */
	static const struct {
		uint8_t bytes[32];
		size_t size;
		enum tobi_err err;
		const char *words;
	} cases[] = {
	    {{0}, 0, TOBI_E_TRUNCATED, "ends after 0 bytes"},
	    {{0, 0, 0, 24, 1}, 5, TOBI_E_TRUNCATED, "ends after 1 bytes"},
	    {{0, 2, 0, 0}, 4, TOBI_E_LIMIT, "at most 65536"},
	    {{0, 0, 0, 16, 1, 0, 1, 0, 1, 0, 0, 0, 16, 0, 0, 0, 5, 0x12, 0, 0},
	     20,
	     TOBI_E_SYSTEM,
	     "error 0x1205"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world world;

		make_world(&world, STAND_IN_TDX_GUEST | STAND_IN_QUOTES);
		world.request.quotes = "2:4050";
		world.machine.answer = (struct tobi_bytes){cases[i].bytes, cases[i].size};
		world_fails(&world, "tdx-guest", cases[i].err, cases[i].words);
		world_done(&world);
	}
}

enum { MESSAGE = 16 + 8 + 2 + 3 };

/* With an id of two bytes and a quote of three. */
static void make_message(uint8_t *bytes)
{
	memset(bytes, 0, MESSAGE);
	bytes[0] = bytes[2] = bytes[4] = 1;
	store_le(bytes + 8, 4, MESSAGE);
	store_le(bytes + 16, 4, 2);
	store_le(bytes + 20, 4, 3);
	memset(bytes + 26, 'q', 3);
}

static enum tobi_err read_message(const uint8_t *bytes, size_t size,
				  struct tobi_bytes *ret_quote)
{
	struct block block = block_new((struct tobi_bytes){bytes, size});
	enum tobi_err err = qgs_response_read(block_view(block), ret_quote, NULL);

	block_done(block);
	return err;
}

static void test_qgs_response__cut_or_changed__fails(void **state)
{
	uint8_t bytes[MESSAGE + 1];
	struct tobi_bytes quote = {0};

	(void)state;
	make_message(bytes);
	assert_int_equal(
	    qgs_response_read((struct tobi_bytes){bytes, MESSAGE}, &quote, NULL), 0);
	assert_bytes_equal(quote, BYTES('q', 'q', 'q'));
	for (size_t size = 0; size < MESSAGE; size++) {
		make_message(bytes);
		store_le(bytes + 8, 4, size);
		assert_int_not_equal(read_message(bytes, size, &quote), 0);
	}
	make_message(bytes);
	assert_int_equal(read_message(bytes, MESSAGE - 1, &quote), TOBI_E_MALFORMED);
	bytes[MESSAGE] = 0;
	store_le(bytes + 8, 4, MESSAGE + 1);
	assert_int_equal(read_message(bytes, MESSAGE + 1, &quote), TOBI_E_TRAILING);
	make_message(bytes);
	bytes[0] = 2;
	assert_int_equal(read_message(bytes, MESSAGE, &quote), TOBI_E_PROTOCOL);
	make_message(bytes);
	bytes[4] = 3;
	assert_int_equal(read_message(bytes, MESSAGE, &quote), TOBI_E_PROTOCOL);
	make_message(bytes);
	store_le(bytes + 16, 4, 5);
	store_le(bytes + 20, 4, 0);
	assert_int_equal(read_message(bytes, MESSAGE, &quote), TOBI_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tdx_guest_interface__numbers__are_the_kernels),
	    cmocka_unit_test(test_tdx_guest_get__service__makes_a_quote),
	    cmocka_unit_test(test_tdx_guest_get__kernel_makes_quotes__is_asked),
	    cmocka_unit_test(test_tdx_guest_get__report_only__is_said_plainly),
	    cmocka_unit_test(test_tdx_guest_get__device_that_fails__says_what),
	    cmocka_unit_test(test_tdx_guest_get__quote_over_other_data__is_a_mismatch),
	    cmocka_unit_test(test_qgs_ask__address__is_cid_and_port),
	    cmocka_unit_test(test_qgs_ask__nobody__is_an_error_of_the_system),
	    cmocka_unit_test(test_qgs_ask__answer_that_is_wrong__says_what),
	    cmocka_unit_test(test_qgs_response__cut_or_changed__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
