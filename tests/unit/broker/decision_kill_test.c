/* SIGKILL at any moment while several threads append: what was said to be written is
 * there, and the log is whole. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/decision_inside.h"
#include "tests/log_world.h"

enum { ROUNDS = 8, WRITERS = 3, EACH_MAX = 100000 };

static int said;

/* Each index that counts goes out as eight bytes, after the fact. */
static void *append_for_ever(void *context)
{
	for (size_t i = 0; i < EACH_MAX; i++) {
		struct decision decision = log_world_decision(context, 1000);
		uint64_t index = 0;

		decision.evidence = text_bytes("evidence that is kept");
		if (decision_log_append(log_world.log, &decision, &index, NULL) ||
		    write(said, &index, sizeof(index)) != sizeof(index))
			_exit(3);
	}
	return NULL;
}

static void run_child(void)
{
	pthread_t threads[WRITERS];
	static char owner[] = "alice";

	log_world_again();
	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, append_for_ever, owner);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	_exit(4);
}

static void close_all(void)
{
	decision_log_free(log_world.log);
	log_world.log = NULL;
	db_give(db_world.conn);
	db_free(db_world.db);
	db_world.conn = NULL;
	db_world.db = NULL;
}

/* Kills it after that many were said, and gives the highest index. */
static uint64_t kill_after(unsigned count)
{
	uint64_t index, most = 0;
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	close_all();
	said = ends[1];
	child = fork();
	if (child == 0)
		run_child();
	close(ends[1]);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(read(ends[0], &index, sizeof(index)), sizeof(index));
		most = index > most ? index : most;
	}
	kill(child, SIGKILL);
	/* What was said before the end came, too. */
	while (read(ends[0], &index, sizeof(index)) == sizeof(index))
		most = index > most ? index : most;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return most;
}

static void test_decision_log__killed_while_appending__whole(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t most = kill_after(3 + 7 * round), size = 0;
		struct tobi_fault fault = {0};

		log_world_again();
		db_world_settle();
		if (decision_log_check(log_world.log, &size, &fault))
			fail_msg("%s", fault.message);
		assert_true(size > most);
		assert_int_equal(
		    db_world_number("SELECT count(*) FROM log_leaves", NO_VALUES), size);
		log_world_fill(1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_decision_log__killed_while_appending__whole, log_world_enter,
		log_world_leave),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
