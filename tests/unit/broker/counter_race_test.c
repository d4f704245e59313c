/* Counters that many move at once, and brokers that are killed. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/counter.h"
#include "tests/broker_world.h"

/* ---- many at once ---- */

enum { THREADS = 6, EACH = 10 };

static atomic_int seen[THREADS * EACH + 1], failed;

static void *go_up(void *context)
{
	struct resource_name name = named("red/counter/volume");
	const struct counter_key key = {.name = &name, .owner = "alice"};
	struct broker *broker = context;

	for (size_t i = 0; i < EACH; i++) {
		struct tobi_fault fault = {0};
		uint64_t value = 0;

		if (counter_increment(broker, &key, 1, &value, &fault) ||
		    value > THREADS * EACH)
			atomic_fetch_add(&failed, 1);
		else
			atomic_fetch_add(&seen[value], 1);
	}
	return NULL;
}

static void test_counter__many_on_two_brokers__each_value_once(void **state)
{
	struct broker *second = broker_world_open();
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i <= THREADS * EACH; i++)
		atomic_store(&seen[i], 0);
	atomic_store(&failed, 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, go_up,
						i % 2 ? second : world.broker),
				 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&failed), 0);
	assert_int_equal(atomic_load(&seen[0]), 0);
	for (size_t i = 1; i <= THREADS * EACH; i++)
		assert_int_equal(atomic_load(&seen[i]), 1);
	broker_free(second);
}

/* ---- killed ---- */

enum { KILLS = 4, SAID = 20 };

static void count_and_say(int out)
{
	struct resource_name name = named("red/counter/volume");
	const struct counter_key key = {.name = &name, .owner = "alice"};
	struct broker *broker = broker_world_open();

	for (;;) {
		uint64_t value = 0;

		if (counter_increment(broker, &key, 1, &value, &world.fault) ||
		    write(out, &value, sizeof(value)) != sizeof(value))
			_exit(3);
	}
}

/* Kills it after it has said some, and gives the last that it said. */
static uint64_t kill_one(void)
{
	uint64_t value = 0, last = 0;
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0)
		count_and_say(ends[1]);
	close(ends[1]);
	for (unsigned i = 0; i < SAID; i++) {
		assert_int_equal(read(ends[0], &value, sizeof(value)), sizeof(value));
		assert_true(value > last);
		last = value;
	}
	kill(child, SIGKILL);
	while (read(ends[0], &value, sizeof(value)) == sizeof(value))
		last = value;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return last;
}

static void test_counter__killed__what_was_said_stands(void **state)
{
	struct resource_name name = named("red/counter/volume");
	const struct counter_key key = {.name = &name, .owner = "alice"};
	uint64_t value, before = 0;

	(void)state;
	for (unsigned i = 0; i < KILLS; i++) {
		uint64_t said = kill_one();

		assert_true(said > before);
		broker_world_again();
		assert_int_equal(counter_read(world.broker, &key, &value, &world.fault),
				 0);
		/* One more may be there, which was not said. */
		assert_true(value == said || value == said + 1);
		before = value;
	}
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_counter__many_on_two_brokers__each_value_once),
	    T_(test_counter__killed__what_was_said_stands),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
