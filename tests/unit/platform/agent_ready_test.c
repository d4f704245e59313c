#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/platform/world.h"
#include "token/soft_token.h"

static const uint8_t hash[32] = {0x11};

/* A map with the kind and one number. */
static void write_number(struct writer *out, unsigned kind, uint64_t number)
{
	cbor_write_map(out, 2);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, number);
}

/* ---- READY ---- */

static void test_agent_ready__all_bits__only_its_own_count(void **state)
{
	struct writer out = wr_init(64);

	(void)state;
	world.enclave->was_ready = false;
	world.enclave->protections = SOFT_NS_USER | SOFT_LIMIT_MEMORY;
	write_number(&out, AGENT_READY, UINT64_MAX);
	world_say(&out);
	assert_true(world.enclave->was_ready);
	/* Bits 8 to 12 and 16, and the two that the launcher vouches for. */
	assert_int_equal(world.enclave->protections, 0x1f00 | 0x10000 | 0x1 | 0x2000);
	wr_done(&out);
}

/* Each but where its keys lie, and its own user where there is one user only. */
static void test_agent_ready__one_bit_less__ends_the_enclave(void **state)
{
	const uint64_t duty = 0xf00 | (geteuid() == 0 ? 0x10000 : 0);

	for (uint64_t bit = 1; bit <= 0x10000; bit <<= 1) {
		struct writer out = wr_init(64);

		world.enclave->was_ready = false;
		write_number(&out, AGENT_READY, duty & ~bit);
		world_say(&out);
		assert_int_equal(world.enclave->was_ready, !(duty & bit));
		assert_int_equal(world_enclave_is_killed(), (duty & bit) != 0);
		wr_done(&out);
		if (duty & bit) {
			world_leave(state);
			assert_int_equal(world_enter(state), 0);
		}
	}
}

/* ---- an agent that is slow to read ---- */

static void test_agent_send__many_answers_at_once__all_come_in_order(void **state)
{
	const unsigned many = 2000;
	struct writer out = wr_init(512);
	struct packet packet;
	unsigned tokens = 0;

	(void)state;
	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_REPORT);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, (struct tobi_bytes){hash, 32});
	for (unsigned n = 0; n < many; n++)
		agent_send_number(world.enclave, AGENT_SIGNAL, n % 24);
	world_say(&out);
	assert_false(outbox_is_empty(&world.enclave->outbox));
	for (unsigned n = 0; n < many; n++) {
		if (!world_hear(&packet)) {
			world_run();
			assert_true(world_hear(&packet));
		}
		assert_int_equal(world_kind(&packet), AGENT_SIGNAL);
		assert_int_equal(packet.bytes.ptr[packet.bytes.size - 1], n % 24);
		packet_done(&packet);
	}
	world_run();
	while (world_hear(&packet)) {
		assert_int_equal(world_kind(&packet), AGENT_TOKEN);
		tokens++;
		packet_done(&packet);
	}
	assert_int_equal(tokens, 1);
	assert_false(world_enclave_is_killed());
	/* Nothing is left for the loop to wake up for. */
	assert_false(event_pending(world.enclave->writable_event, EV_WRITE, NULL));
	wr_done(&out);
}

static void test_agent_send__an_agent_that_never_reads__is_ended(void **state)
{
	siginfo_t info = {0};
	unsigned n = 0;

	(void)state;
	while (n++ < OUTBOX_MAX / 64 &&
	       waitid(P_PID, (id_t)world.enclave->isolate.pid, &info,
		      WEXITED | WNOWAIT | WNOHANG) == 0 &&
	       info.si_pid == 0)
		agent_send_number(world.enclave, AGENT_SIGNAL, 1);
	assert_int_equal(info.si_status, SIGKILL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_enter, world_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_agent_ready__all_bits__only_its_own_count),
	    TEST(test_agent_ready__one_bit_less__ends_the_enclave),
	    TEST(test_agent_send__many_answers_at_once__all_come_in_order),
	    TEST(test_agent_send__an_agent_that_never_reads__is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
