/* /dev/nsm: what is asked in CBOR, what is answered, and what is refused. */
#include "attest/nsm.h"

#include <errno.h>

#include "codec/cbor.h"
#include "tests/nitro_scene.h"
#include "tests/unit/attest/world.h"

/* A document over the data that was asked for, by the tests' own AWS. */
static void make_document(struct stand_in *machine, const uint8_t *data,
			  struct writer *out)
{
	struct test_nitro nitro;
	size_t size = *(const size_t *)machine->maker;

	test_nitro_make(&nitro, NITRO_ENCLAVE);
	nitro.nonce = (struct tobi_bytes){data, size};
	test_nitro_document(&nitro, out);
	test_nitro_done(&nitro);
}

static void make_world(struct world *world, unsigned has)
{
	static size_t size = 32;

	world_make(world, has);
	world->machine.make = make_document;
	world->machine.maker = &size;
	world->request.data_size = 32;
}

static void test_nsm_interface__numbers__are_the_kernels(void **state)
{
	(void)state;
	/* _IOWR(0x0A, 0, struct nsm_raw) */
	assert_int_equal(NSM_CALL, 3u << 30 | 32u << 16 | 0x0a << 8 | 0);
}

static void test_nsm_request__fields__are_what_the_module_takes(void **state)
{
	struct writer out = wr_init(256);

	(void)state;
	nsm_request_write(&out, (struct tobi_bytes){0}, BYTES(1, 2), text_bytes("k"));
	assert_bytes_equal(wr_view(&out),
			   BYTES(0xa1, 0x6b, 'A', 't', 't', 'e', 's', 't', 'a', 't', 'i',
				 'o', 'n', 0xa3, 0x69, 'u', 's', 'e', 'r', '_', 'd', 'a',
				 't', 'a', 0xf6, 0x65, 'n', 'o', 'n', 'c', 'e', 0x42, 1,
				 2, 0x6a, 'p', 'u', 'b', 'l', 'i', 'c', '_', 'k', 'e',
				 'y', 0x41, 'k'));
	wr_done(&out);
}

static void test_nsm_get__document__is_bound_to_the_nonce(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_NSM);
	assert_int_equal(world_run(&world, "nsm"), 0);
	assert_string_equal(world.output.kind, "nitro-doc");
	world_done(&world);
	make_world(&world, STAND_IN_NSM);
	world.machine.other_data = true;
	world_fails(&world, "nsm", TOBI_E_MISMATCH, "another question");
	world_done(&world);
}

static void test_nsm_get__modules_error__is_named(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_NSM);
	world.machine.answer = text_bytes("\xa1\x65"
					  "Error\x6f"
					  "InvalidArgument");
	world_fails(&world, "nsm", TOBI_E_SYSTEM, "InvalidArgument");
	world_done(&world);
}

static void test_nsm_get__device_that_fails__says_what(void **state)
{
	struct world world;

	(void)state;
	make_world(&world, 0);
	world_fails(&world, "nsm", TOBI_E_NOT_FOUND, "/dev/nsm is not there");
	world_done(&world);
	make_world(&world, STAND_IN_NSM);
	stand_in_fail(&world.machine, "open", "/dev/nsm", EACCES, 0, 1);
	world_fails(&world, "nsm", TOBI_E_DENIED, "may not open");
	world_done(&world);
	make_world(&world, STAND_IN_NSM);
	stand_in_fail(&world.machine, "ioctl", "/dev/nsm", EIO, 0, 1);
	world_fails(&world, "nsm", TOBI_E_SYSTEM, "cannot ask");
	world_done(&world);
	make_world(&world, STAND_IN_NSM);
	world.machine.answer_size = NSM_RESPONSE_MAX + 1;
	world_fails(&world, "nsm", TOBI_E_LIMIT, "more than 12288");
	world_done(&world);
	/* The driver gives fewer bytes than the document has. */
	make_world(&world, STAND_IN_NSM);
	world.machine.answer_size = 100;
	assert_int_equal(world_run(&world, "nsm"), TOBI_E_TRUNCATED);
	world_done(&world);
}

static void test_nsm_get__claims_that_are_too_long__are_refused(void **state)
{
	uint8_t claims[513] = {0}, key[1025] = {0};
	struct world world;

	(void)state;
	make_world(&world, STAND_IN_NSM);
	world.request.claims_buffer = (struct tobi_bytes){claims, 512};
	world.request.public_key = (struct tobi_bytes){key, 1024};
	assert_int_equal(world_run(&world, "nsm"), 0);
	world_done(&world);
	make_world(&world, STAND_IN_NSM);
	world.request.claims_buffer = (struct tobi_bytes){claims, 513};
	world_fails(&world, "nsm", TOBI_E_LIMIT, "at most 512");
	world_done(&world);
	make_world(&world, STAND_IN_NSM);
	world.request.public_key = (struct tobi_bytes){key, 1025};
	world_fails(&world, "nsm", TOBI_E_LIMIT, "a key 1024");
	world_done(&world);
}

static enum tobi_err read_response(struct tobi_bytes bytes, size_t size)
{
	struct block block = block_new((struct tobi_bytes){bytes.ptr, size});
	struct tobi_bytes document = {0};
	enum tobi_err err = nsm_response_read(block_view(block), &document, NULL);

	block_done(block);
	return err;
}

static void test_nsm_response__cut_or_changed__fails(void **state)
{
	static const struct {
		const char *text;
		enum tobi_err err;
	} cases[] = {
	    {"\xa0", TOBI_E_MALFORMED},
	    {"\xa1\x63GET\x61x", TOBI_E_PROTOCOL},
	    {"\xa1\x6b"
	     "Attestation\xa1\x63"
	     "doc\x41x",
	     TOBI_E_MALFORMED},
	    {"\xa1\x6b"
	     "Attestation\xa1\x68"
	     "document\x40",
	     TOBI_E_MALFORMED},
	    {"\xa1\x6b"
	     "Attestation\xa1\x68"
	     "document\x61x",
	     TOBI_E_MALFORMED},
	    {"\xa2\x65"
	     "Error\x61x\x65"
	     "Error\x61x",
	     TOBI_E_LIMIT},
	};
	const struct tobi_bytes good = text_bytes("\xa1\x6b"
						  "Attestation\xa1\x68"
						  "document\x42xy");
	struct tobi_bytes more = text_bytes("\xa1\x6b"
					    "Attestation\xa1\x68"
					    "document\x42xyz");

	(void)state;
	assert_int_equal(read_response(good, good.size), 0);
	for (size_t size = 0; size < good.size; size++)
		assert_int_not_equal(read_response(good, size), 0);
	assert_int_equal(read_response(more, more.size), TOBI_E_TRAILING);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tobi_bytes bytes = text_bytes(cases[i].text);

		assert_int_equal(read_response(bytes, bytes.size), cases[i].err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nsm_interface__numbers__are_the_kernels),
	    cmocka_unit_test(test_nsm_request__fields__are_what_the_module_takes),
	    cmocka_unit_test(test_nsm_get__document__is_bound_to_the_nonce),
	    cmocka_unit_test(test_nsm_get__modules_error__is_named),
	    cmocka_unit_test(test_nsm_get__device_that_fails__says_what),
	    cmocka_unit_test(test_nsm_get__claims_that_are_too_long__are_refused),
	    cmocka_unit_test(test_nsm_response__cut_or_changed__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
