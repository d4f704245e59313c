/* Answers come in order; each kind with nothing, or something else, asked: agent.py too.
 */
#include "ask_service.h"

#include <sys/socket.h>
#include <unistd.h>

#include "codec/cbor.h"
#include "ipc/packet.h"
#include "tests/bytes.h"

static struct {
	struct event_base *base;
	struct ask_service service;
	int other; /* the service's end of the channel */
} world;

static void on_message(void *context, const struct message *message)
{
	(void)context, (void)message;
}

static void on_gone(void *context, const struct tobi_fault *fault)
{
	(void)context, (void)fault;
}

static int enter(void **state)
{
	static const struct channel_events events = {on_message, on_gone};
	int pair[2];

	(void)state;
	memset(&world, 0, sizeof(world));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	world.other = pair[1];
	world.base = event_base_new();
	return channel_new(world.base, pair[0], &events, NULL, &world.service.channel,
			   NULL)
		   ? -1
		   : 0;
}

static int leave(void **state)
{
	(void)state;
	channel_free(world.service.channel);
	event_base_free(world.base);
	return close(world.other);
}

/* What has arrived at the service. */
static void expect(struct tobi_bytes bytes)
{
	struct packet packet = {0};

	assert_int_equal(packet_receive(world.other, LIMIT_CHANNEL, &packet, NULL),
			 TOBI_OK);
	assert_bytes_equal(wr_view(&packet.bytes), bytes);
	packet_done(&packet);
}

static void test_ask_key__is_the_message(void **state)
{
	struct key_wanted wanted = {
	    .to = TOBI_SEAL_TO_SIGNER, .signer = {(const uint8_t *)"ss", 2}, .svn = 7};

	(void)state;
	ask_key(&world.service, &wanted);
	expect(BYTES(0xa5, 0, 6, 1, 1, 2, 0x42, 's', 's', 3, 7, 4, 0x6e, 't', 'o', 'b',
		     'i', 'c', 'h', 'i', '-', 's', 'e', 'a', 'l', '/', '1'));
}

static void test_ask_counter__is_the_message(void **state)
{
	struct counter_wanted wanted = {.increment = true,
					.name = {(const uint8_t *)"n", 1}};

	(void)state;
	ask_counter(&world.service, &wanted);
	expect(BYTES(0xa5, 0, 14, 1, 0xf5, 2, 0, 3, 0x40, 4, 0x61, 'n'));
}

static void ask_one(enum asked_kind kind)
{
	static const uint8_t hash[32] = {1};
	struct key_wanted key = {.to = TOBI_SEAL_TO_IMAGE};
	struct counter_wanted counter = {.name = {(const uint8_t *)"n", 1}};

	if (kind == ASKED_REPORT)
		ask_report(&world.service, hash);
	else if (kind == ASKED_KEY)
		ask_key(&world.service, &key);
	else if (kind == ASKED_COUNTER)
		ask_counter(&world.service, &counter);
}

/* Every answer to every other question, and to none. */
static void test_ask_answered__what_was_not_asked__fails(void **state)
{
	static const enum message_kind kinds[] = {MESSAGE_TOKEN, MESSAGE_KEY_REPLY,
						  MESSAGE_COUNTER_REPLY};
	static const uint8_t key[32] = {1};

	(void)state;
	for (int asked = ASKED_NOTHING; asked <= ASKED_COUNTER; asked++) {
		for (int i = 0; i < 3; i++) {
			struct message message = {.kind = kinds[i]};

			if (asked == ASKED_REPORT + i)
				continue;
			if (kinds[i] == MESSAGE_KEY_REPLY)
				message.key = (struct tobi_bytes){key, sizeof(key)};
			ask_one((enum asked_kind)asked);
			assert_int_equal(ask_answered(&world.service, &message, NULL),
					 TOBI_E_PROTOCOL);
		}
	}
}

static void test_ask_answered__a_fault_and_nothing_asked__fails(void **state)
{
	struct message message = {.kind = MESSAGE_FAULT, .fault.code = TOBI_E_LIMIT};

	(void)state;
	assert_int_equal(ask_answered(&world.service, &message, NULL), TOBI_E_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	    TEST(test_ask_key__is_the_message),
	    TEST(test_ask_counter__is_the_message),
	    TEST(test_ask_answered__what_was_not_asked__fails),
	    TEST(test_ask_answered__a_fault_and_nothing_asked__fails),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
