#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ipc/control.h"
#include "tests/unit/platform/world.h"

static int ask(enum control_request kind)
{
	struct writer out = wr_init(64);
	int client;

	cbor_write_map(&out, 1);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, kind);
	client = world_ask(&out);
	wr_done(&out);
	return client;
}

static void expect_kind(int client, unsigned kind)
{
	struct packet packet;

	assert_true(world_answer(client, &packet));
	assert_int_equal(world_kind(&packet), kind);
	packet_done(&packet);
	world_hang_up(client);
}

static void expect_limit(int client)
{
	struct tobi_fault fault = {0};
	struct packet packet;

	assert_true(world_answer(client, &packet));
	assert_int_equal(world_kind(&packet), REPLY_FAULT);
	assert_int_equal(packet_read_fault(wr_view(&packet.bytes), &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "answer");
	packet_done(&packet);
	world_hang_up(client);
}

/* ---- answers that are too large ---- */

static struct enclave *make_many(size_t count)
{
	struct enclave *many = calloc(count, sizeof(*many));

	for (size_t i = 0; i < count; i++) {
		many[i] = *world.enclave;
		many[i].port_count = LIMIT_PORTS;
		for (size_t n = 0; n < LIMIT_PORTS; n++)
			snprintf(many[i].ports[n].address,
				 sizeof(many[i].ports[n].address), "%063d", 1);
		many[i].next = i + 1 < count ? &many[i + 1] : NULL;
	}
	return many;
}

static void test_control_list__more_than_a_packet__is_a_fault(void **state)
{
	struct enclave *many = make_many(LIMIT_ENCLAVES);

	(void)state;
	expect_kind(ask(REQUEST_LIST), REPLY_ENCLAVES);
	world.service.enclaves = many;
	world.service.enclave_count = LIMIT_ENCLAVES;
	expect_limit(ask(REQUEST_LIST));
	world.service.enclaves = world.enclave;
	world.service.enclave_count = 1;
	free(many);
}

/* What the client gets when its enclave gives so much evidence. */
static int attest(size_t size)
{
	struct writer out = wr_init(LIMIT_CHANNEL);
	uint8_t *evidence = calloc(1, size);
	int client = world_ask_for_evidence("a nonce of 16");

	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_EVIDENCE);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, world.enclave->attest_number);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, (struct tobi_bytes){evidence, size});
	world_say(&out);
	wr_done(&out);
	free(evidence);
	return client;
}

static void test_control_attest__more_than_a_packet__is_a_fault(void **state)
{
	const size_t head = 1 + 1 + 2 + 1 + 5; /* of the packet, before the evidence */

	(void)state;
	expect_kind(attest(LIMIT_CONTROL_REPLY - head), REPLY_EVIDENCE);
	expect_limit(attest(LIMIT_CONTROL_REPLY - head + 1));
}

/* ---- no more descriptors ---- */

static bool is_pending(struct event *event)
{
	return event_pending(event, EV_READ | EV_TIMEOUT, NULL) != 0;
}

static void test_control_connect__no_descriptors__waits_without_spinning(void **state)
{
	struct rlimit files, few;
	struct writer out = wr_init(64);
	int last = dup(0), client;

	(void)state;
	close(last);
	cbor_write_map(&out, 1);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, REQUEST_STATUS);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	few = (struct rlimit){(rlim_t)last + 1, files.rlim_max}; /* the client's own */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	client = world_ask(&out);
	assert_null(world.service.clients);
	assert_false(is_pending(world.service.listen_event));
	assert_true(is_pending(world.service.listen_timer));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	while (!world.service.clients)
		event_base_loop(world.service.base, EVLOOP_ONCE);
	assert_true(is_pending(world.service.listen_event));
	world_run();
	expect_kind(client, REPLY_PLATFORM);
	wr_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_enter, world_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_control_connect__no_descriptors__waits_without_spinning),
	    TEST(test_control_list__more_than_a_packet__is_a_fault),
	    TEST(test_control_attest__more_than_a_packet__is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
