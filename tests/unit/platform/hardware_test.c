/* The hardware around the service: a report waits for it, in order, and not for ever. */
#include "daemons/platform/hardware.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attest_stand_in.h"
#include "tests/unit/platform/world.h"
#include "token/cmw.h"

static struct stand_in machine;

static bool with_logs;

static void start_hardware(unsigned has, unsigned timeout_ms)
{
	const struct hardware_setup setup = {.attester = "sev-guest",
					     .device = &machine.device,
					     .timeout_ms = timeout_ms,
					     .with_logs = with_logs,
					     .done = enclave_reported};

	stand_in_make(&machine, has);
	assert_int_equal(
	    hardware_new(&world.service, &setup, &world.service.hardware, NULL), 0);
}

static void stop_hardware(void)
{
	hardware_free(world.service.hardware);
	world.service.hardware = NULL;
	stand_in_done(&machine);
	with_logs = false;
}

/* Without waiting for anything that comes of it. */
static void say(const struct writer *message)
{
	assert_int_equal(send(world.agent, message->ptr, message->size, 0),
			 message->size);
}

static void say_report(uint8_t first)
{
	CLEANUP(wr_done) struct writer out = wr_init(64);
	const uint8_t hash[32] = {first};

	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_REPORT);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, (struct tobi_bytes){hash, sizeof(hash)});
	say(&out);
}

static void say_key(void)
{
	CLEANUP(wr_done) struct writer out = wr_init(64);

	cbor_write_map(&out, 5);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_KEY);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, (struct tobi_bytes){0});
	cbor_write_uint(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, 4);
	cbor_write_text(&out, "label");
	say(&out);
}

/* Runs the service until it has said something to the agent. */
static void hear(struct packet *ret_packet)
{
	while (!world_hear(ret_packet))
		event_base_loop(world.service.base, EVLOOP_ONCE);
}

/* A token, and the guest's report over that hash; with so many records beside it, the
 * first of which is this log. */
static void expect_token_with(uint8_t first, size_t records, const char *log)
{
	struct packet packet;
	struct tobi_bytes token, guest;
	uint8_t data[64] = {first};
	struct cmw cmw;

	hear(&packet);
	{
		struct cbor cbor = cbor_init(wr_view(&packet.bytes), CBOR_DETERMINISTIC);
		struct cbor_map map = cbor_map(&cbor, 3, "message");

		cbor_map_expect(&cbor, &map, 0, "kind");
		assert_int_equal(cbor_uint(&cbor, "kind"), AGENT_TOKEN);
		cbor_map_expect(&cbor, &map, 1, "token");
		token = cbor_bytes(&cbor, LIMIT_TOKEN, "token");
		cbor_map_expect(&cbor, &map, 2, "guest");
		guest = cbor_bytes(&cbor, LIMIT_GUEST, "guest");
		assert_int_equal(cbor_finish(&cbor, "message", NULL), 0);
	}
	assert_true(token.size > 100);
	assert_int_equal(cmw_parse(guest, "guest", &cmw, NULL), 0);
	assert_memory_equal(cmw_find(&cmw, "cpu")->value.ptr + 0x50, data, sizeof(data));
	assert_null(cmw_find(&cmw, "claims"));
	assert_int_equal(cmw.count, 1 + records);
	if (log)
		assert_true(bytes_equal_text(cmw_find(&cmw, "log")->value, log));
	packet_done(&packet);
}

static void expect_token(uint8_t first)
{
	expect_token_with(first, 0, NULL);
}

static void expect_kind(enum agent_message kind)
{
	struct packet packet;

	hear(&packet);
	assert_int_equal(world_kind(&packet), kind);
	packet_done(&packet);
}

static void test_hardware_report__three__come_in_order_with_what_follows(void **state)
{
	(void)state;
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	say_report(1);
	say_key();
	say_report(2);
	say_report(3);
	expect_token(1);
	expect_kind(AGENT_KEY_REPLY);
	expect_token(2);
	expect_token(3);
	stop_hardware();
}

static void test_hardware_report__device_that_fails__is_a_fault(void **state)
{
	struct packet packet;
	struct tobi_fault fault = {0};

	(void)state;
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	machine.firmware_error = 0x1b;
	say_report(1);
	say_key();
	hear(&packet);
	assert_int_equal(world_kind(&packet), AGENT_FAULT);
	assert_int_equal(packet_read_fault(wr_view(&packet.bytes), &fault),
			 TOBI_E_SYSTEM);
	assert_non_null(strstr(fault.message, "0x1b"));
	packet_done(&packet);
	expect_kind(AGENT_KEY_REPLY);
	assert_int_equal(world.failed, 0);
	stop_hardware();
}

static int hang(void *context, int fd, unsigned long request, void *argument)
{
	(void)context, (void)fd, (void)request, (void)argument;
	while (pause() < 0)
		;
	return -1;
}

static void test_hardware_report__device_that_hangs__is_left_alone(void **state)
{
	struct packet packet;
	struct tobi_fault fault = {0};

	(void)state;
	start_hardware(STAND_IN_SEV_GUEST, 50);
	machine.device.ioctl = hang;
	say_report(1);
	hear(&packet);
	assert_int_equal(packet_read_fault(wr_view(&packet.bytes), &fault),
			 TOBI_E_TIMEOUT);
	packet_done(&packet);
	stop_hardware();
}

static const char boot_log[] = "/sys/kernel/security/tpm0/binary_bios_measurements";
static const char ccel[] = "/sys/firmware/acpi/tables/data/CCEL";
static const char ima[] = "/sys/kernel/security/ima/binary_runtime_measurements";

static void test_hardware_report__logs__come_when_they_are_asked_for(void **state)
{
	(void)state;
	with_logs = true;
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	stand_in_put(&machine, boot_log, bytes_of_text("boot"));
	stand_in_put(&machine, ccel, bytes_of_text("ccel"));
	say_report(1);
	expect_token_with(1, 2, "boot");
	stop_hardware();
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	stand_in_put(&machine, boot_log, bytes_of_text("boot"));
	say_report(1);
	expect_token(1);
	stop_hardware();
}

/* The rest is of use without it. */
static void test_hardware_report__log_without_room__is_left_out(void **state)
{
	static uint8_t large[LIMIT_GUEST];

	(void)state;
	with_logs = true;
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	stand_in_put(&machine, boot_log, (struct tobi_bytes){large, LIMIT_GUEST / 2});
	stand_in_put(&machine, ccel, bytes_of_text("ccel"));
	stand_in_put(&machine, ima, (struct tobi_bytes){large, sizeof(large)});
	say_report(1);
	expect_token_with(1, 2, NULL);
	stop_hardware();
	with_logs = true;
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	stand_in_put(&machine, boot_log, (struct tobi_bytes){large, sizeof(large)});
	stand_in_put(&machine, ccel, bytes_of_text("ccel"));
	say_report(2);
	expect_token_with(2, 1, "ccel");
	stop_hardware();
}

/* The enclave has ended meanwhile: nothing is said to it, and the next one is served. */
static void test_hardware_forget__waiting__is_not_answered(void **state)
{
	struct packet packet;

	(void)state;
	start_hardware(STAND_IN_SEV_GUEST, 60000);
	say_report(1);
	event_base_loop(world.service.base, EVLOOP_ONCE);
	assert_true(hardware_forget(world.service.hardware, world.enclave));
	assert_int_equal(event_add(world.enclave->channel_event, NULL), 0);
	say_report(2);
	expect_token(2);
	assert_false(world_hear(&packet));
	assert_false(hardware_forget(world.service.hardware, world.enclave));
	stop_hardware();
}

static void test_hardware_new__not_here_or_not_known__is_an_error(void **state)
{
	struct hardware_setup setup = {
	    .attester = "sev-guest", .device = &machine.device, .timeout_ms = 60000};
	struct hardware *hardware = NULL;

	(void)state;
	stand_in_make(&machine, 0);
	assert_int_equal(hardware_new(&world.service, &setup, &hardware, NULL),
			 TOBI_E_NOT_FOUND);
	stand_in_done(&machine);
	stand_in_make(&machine, STAND_IN_SEV_GUEST);
	stand_in_fail(&machine, "open", "/dev/sev-guest", EACCES, 0, 1);
	assert_int_equal(hardware_new(&world.service, &setup, &hardware, NULL),
			 TOBI_E_DENIED);
	setup.attester = "auto";
	assert_int_equal(hardware_new(&world.service, &setup, &hardware, NULL),
			 TOBI_E_ARGUMENT);
	assert_null(hardware);
	stand_in_done(&machine);
}

static int hang_open(void *context, const char *path, int flags)
{
	(void)context, (void)path, (void)flags;
	while (pause() < 0)
		;
	return -1;
}

static void test_hardware_new__device_that_hangs__is_left_alone(void **state)
{
	const struct hardware_setup setup = {
	    .attester = "sev-guest", .device = &machine.device, .timeout_ms = 50};
	struct hardware *hardware = NULL;

	(void)state;
	stand_in_make(&machine, STAND_IN_SEV_GUEST);
	machine.device.open = hang_open;
	assert_int_equal(hardware_new(&world.service, &setup, &hardware, NULL),
			 TOBI_E_TIMEOUT);
	assert_null(hardware);
	stand_in_done(&machine);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, world_enter, world_leave)
	const struct CMUnitTest tests[] = {
	    CASE(test_hardware_report__three__come_in_order_with_what_follows),
	    CASE(test_hardware_report__device_that_fails__is_a_fault),
	    CASE(test_hardware_report__device_that_hangs__is_left_alone),
	    CASE(test_hardware_report__logs__come_when_they_are_asked_for),
	    CASE(test_hardware_report__log_without_room__is_left_out),
	    CASE(test_hardware_forget__waiting__is_not_answered),
	    CASE(test_hardware_new__not_here_or_not_known__is_an_error),
	    CASE(test_hardware_new__device_that_hangs__is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
