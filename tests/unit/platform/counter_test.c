#include "daemons/platform/counter.h"

#include <unistd.h>

#include "tests/unit/platform/world.h"

static const uint8_t first_signer[SHA384_SIZE] = {0x11},
		     other_signer[SHA384_SIZE] = {0x22}, no_signer[SHA384_SIZE] = {0x33};

static struct tobi_bytes id(const uint8_t *signer)
{
	return (struct tobi_bytes){signer, SHA384_SIZE};
}

/* As the agent would ask; what the service answers. */
static enum tobi_err ask(bool increment, unsigned kind, struct tobi_bytes signer,
			 const char *name, struct tobi_counter *ret_counter)
{
	struct writer out = wr_init(512);
	struct tobi_fault fault = {0};
	struct packet packet;
	struct cbor cbor;
	struct cbor_map map;
	int64_t key;

	cbor_write_map(&out, 5);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_COUNTER);
	cbor_write_uint(&out, 1);
	cbor_write_bool(&out, increment);
	cbor_write_uint(&out, 2);
	cbor_write_uint(&out, kind);
	cbor_write_uint(&out, 3);
	cbor_write_bytes(&out, signer);
	cbor_write_uint(&out, 4);
	cbor_write_text(&out, name);
	world_say(&out);
	wr_done(&out);
	assert_true(world_hear(&packet));
	if (world_kind(&packet) == AGENT_FAULT) {
		IGNORE(packet_read_fault(wr_view(&packet.bytes), &fault));
		packet_done(&packet);
		return fault.code;
	}
	assert_int_equal(world_kind(&packet), AGENT_COUNTER_REPLY);
	cbor = cbor_init(wr_view(&packet.bytes), CBOR_DETERMINISTIC);
	map = cbor_map(&cbor, 3, "reply");
	cbor_map_int(&cbor, &map, &key, "kind");
	cbor_uint(&cbor, "kind");
	cbor_map_int(&cbor, &map, &key, "value");
	ret_counter->value = cbor_uint(&cbor, "value");
	cbor_map_int(&cbor, &map, &key, "anchored");
	ret_counter->anchored = cbor_bool(&cbor, "anchored");
	assert_int_equal(cbor_finish(&cbor, "reply", NULL), TOBI_OK);
	packet_done(&packet);
	return TOBI_OK;
}

static uint64_t value_of(bool increment, unsigned kind, struct tobi_bytes signer,
			 const char *name)
{
	struct tobi_counter counter = {99, true};

	assert_int_equal(ask(increment, kind, signer, name, &counter), TOBI_OK);
	assert_false(counter.anchored);
	return counter.value;
}

static const struct tobi_bytes none = {0};

static void test_counter__of_the_image__is_only_its(void **state)
{
	struct image *image = world.enclave->image;

	(void)state;
	assert_int_equal(value_of(false, SEAL_TO_IMAGE, none, "a"), 0);
	assert_int_equal(value_of(true, SEAL_TO_IMAGE, none, "a"), 1);
	assert_int_equal(value_of(true, SEAL_TO_IMAGE, none, "a"), 2);
	assert_int_equal(value_of(false, SEAL_TO_IMAGE, none, "b"), 0);
	assert_int_equal(value_of(false, SEAL_TO_SIGNER, id(first_signer), "a"), 0);
	image->image_id[0] ^= 1;
	assert_int_equal(value_of(false, SEAL_TO_IMAGE, none, "a"), 0);
	image->image_id[0] ^= 1;
	image->manifest->debug = true;
	assert_int_equal(value_of(false, SEAL_TO_IMAGE, none, "a"), 0);
	image->manifest->debug = false;
	assert_int_equal(value_of(false, SEAL_TO_IMAGE, none, "a"), 2);
}

static void test_counter__of_the_signer__is_its_products_of_every_version(void **state)
{
	struct image *image = world.enclave->image;

	(void)state;
	assert_int_equal(value_of(true, SEAL_TO_SIGNER, id(first_signer), "a"), 1);
	image->manifest->svn = 1;
	image->image_id[0] ^= 1;
	assert_int_equal(value_of(true, SEAL_TO_SIGNER, id(first_signer), "a"), 2);
	assert_int_equal(value_of(false, SEAL_TO_SIGNER, id(other_signer), "a"), 0);
	image->manifest->product++;
	assert_int_equal(value_of(false, SEAL_TO_SIGNER, id(first_signer), "a"), 0);
}

static void test_counter__not_this_images__is_refused(void **state)
{
	struct tobi_counter counter;

	(void)state;
	assert_int_equal(ask(true, SEAL_TO_SIGNER, id(no_signer), "a", &counter),
			 TOBI_E_DENIED);
	assert_int_equal(ask(true, SEAL_TO_SIGNER, none, "a", &counter), TOBI_E_DENIED);
	assert_int_equal(ask(true, SEAL_TO_IMAGE, id(first_signer), "a", &counter),
			 TOBI_E_ARGUMENT);
	assert_int_equal(ask(true, SEAL_TO_IMAGE, none, "", &counter), TOBI_E_ARGUMENT);
	assert_false(world_enclave_is_killed());
}

static void test_counter__a_message_of_another_form__ends_the_enclave(void **state)
{
	struct writer out = wr_init(64);

	(void)state;
	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_COUNTER);
	cbor_write_uint(&out, 1);
	cbor_write_bool(&out, true);
	world_say(&out);
	assert_true(world_enclave_is_killed());
	wr_done(&out);
}

static void test_counter__before_ready__ends_the_enclave(void **state)
{
	struct writer out = wr_init(64);

	(void)state;
	world.enclave->was_ready = false;
	cbor_write_map(&out, 5);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_COUNTER);
	cbor_write_uint(&out, 1);
	cbor_write_bool(&out, true);
	cbor_write_uint(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, 3);
	cbor_write_bytes(&out, none);
	cbor_write_uint(&out, 4);
	cbor_write_text(&out, "a");
	world_say(&out);
	assert_true(world_enclave_is_killed());
	wr_done(&out);
}

static void test_counter__the_service_starts_again__counts_on(void **state)
{
	(void)state;
	assert_int_equal(value_of(true, SEAL_TO_IMAGE, none, "a"), 1);
	counter_desk_done(&world.service.counters);
	assert_null(world.service.counters.counters);
	assert_int_equal(value_of(true, SEAL_TO_IMAGE, none, "a"), 2);
}

/* A bad file is not the service's end, and not for ever. */
static void test_counter__a_bad_file__is_told_and_looked_at_again(void **state)
{
	struct tobi_counter counter;
	char path[160];

	(void)state;
	assert_int_equal(value_of(true, SEAL_TO_IMAGE, none, "a"), 1);
	counter_desk_done(&world.service.counters);
	snprintf(path, sizeof(path), "%s/" COUNTERS_FILE, world.state);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(ask(false, SEAL_TO_IMAGE, none, "a", &counter), TOBI_E_MISMATCH);
	assert_int_equal(world.failed, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(value_of(false, SEAL_TO_IMAGE, none, "a"), 0);
}

/* Where the hardware counts, no file is not a beginning. */
static void test_counter__a_root_with_hardware__wants_its_file(void **state)
{
	struct tobi_counter counter;

	(void)state;
	world.service.signer.has_counter = true;
	assert_int_equal(ask(false, SEAL_TO_IMAGE, none, "a", &counter),
			 TOBI_E_NOT_FOUND);
	assert_int_equal(world.failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_enter, world_leave)
	    TEST(test_counter__of_the_image__is_only_its),
	    TEST(test_counter__of_the_signer__is_its_products_of_every_version),
	    TEST(test_counter__not_this_images__is_refused),
	    TEST(test_counter__a_message_of_another_form__ends_the_enclave),
	    TEST(test_counter__before_ready__ends_the_enclave),
	    TEST(test_counter__the_service_starts_again__counts_on),
	    TEST(test_counter__a_bad_file__is_told_and_looked_at_again),
	    TEST(test_counter__a_root_with_hardware__wants_its_file),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
