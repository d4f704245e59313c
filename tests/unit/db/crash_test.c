/*
 * kill -9 at random moments. A child commits rows, two in each transaction, and tells of
 * each commit through a pipe; whatever it told must be there afterwards, and nothing by
 * halves. With PostgreSQL the server is killed, too, and started again.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/db_world.h"

enum { KILLS = 40, SERVER_KILLS = 4, TOLD_MAX = 60 };

static const char *self;

/* The child: argv[2] is the location, argv[3] the first number. Ends when it cannot go
 * on.
 */
static enum tobi_err write_pair(struct db_conn *conn, int64_t number)
{
	enum tobi_err err = db_begin(conn, NULL);

	for (int half = 0; half < 2 && !err; half++)
		err = db_run(conn,
			     "INSERT INTO pairs (number, half, content) VALUES (?, ?, ?)",
			     VALUES(N(number), N(half),
				    B(text_bytes("what was told must be there"))),
			     NULL, NULL, NULL, NULL);
	return err ? err : db_commit(conn, NULL);
}

static int child(const char *location, int64_t number)
{
	struct db *db = NULL;
	struct db_conn *conn = NULL;

	if (db_open(location, 1, &db, NULL) || db_take(db, &conn, NULL))
		return 1;
	while (!write_pair(conn, number)) {
		if (write(STDOUT_FILENO, &number, sizeof(number)) != sizeof(number))
			return 1;
		number++;
	}
	db_give(conn);
	db_free(db);
	return 2;
}

static pid_t start_child(int64_t number, int *ret_pipe)
{
	char text[32];
	int ends[2];
	pid_t pid;

	snprintf(text, sizeof(text), "%lld", (long long)number);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(self, self, "child", db_world.location, text, NULL);
		_exit(127);
	}
	close(ends[1]);
	*ret_pipe = ends[0];
	return pid;
}

/* Reads what is told until count numbers came, or the end. The last one; or less. */
static int64_t listen_to(int pipe, int count, int64_t last)
{
	int64_t number;

	for (int i = 0; i < count; i++) {
		if (read(pipe, &number, sizeof(number)) != sizeof(number))
			break;
		assert_true(number > last);
		last = number;
	}
	return last;
}

/* Everything up to last is there, in pairs, and at most one more, which nobody was told
 * of. The newest number. */
static int64_t expect_up_to(int64_t last)
{
	int64_t newest;

	db_world_settle();
	assert_int_equal(db_check_all(db_world.db, NULL), TOBI_OK);
	newest = db_world_number("SELECT coalesce(max(number), 0) FROM pairs", NO_VALUES);
	assert_true(newest == last || newest == last + 1);
	assert_int_equal(db_world_number("SELECT count(*) FROM pairs", NO_VALUES),
			 2 * newest);
	assert_int_equal(
	    db_world_number("SELECT count(*) FROM (SELECT number FROM pairs GROUP BY "
			    "number HAVING count(*) = 2) AS whole",
			    NO_VALUES),
	    newest);
	return newest;
}

static void make_pairs(void)
{
	db_world_do("CREATE TABLE pairs (number BIGINT NOT NULL, half BIGINT NOT NULL, "
		    "content BYTEA, PRIMARY KEY (number, half))",
		    NO_VALUES);
}

static void test_db_commit__writer_is_killed__what_was_told_is_there(void **state)
{
	int64_t newest = 0;

	(void)state;
	make_pairs();
	srandom((unsigned)getpid());
	for (int i = 0; i < KILLS; i++) {
		int pipe = -1, status = 0;
		pid_t pid = start_child(newest + 1, &pipe);
		int64_t last = listen_to(pipe, (int)(random() % TOLD_MAX), newest);

		/* Sometimes in the middle of the next transaction. */
		usleep((useconds_t)(random() % 3000));
		kill(pid, SIGKILL);
		last = listen_to(pipe, 1 << 20, last);
		close(pipe);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		/* With SQLite nobody has the file open now but who looks: it is opened
		 * anew, and recovered. */
		db_world_again();
		newest = expect_up_to(last);
	}
	assert_true(newest > 0);
}

static void control(const char *what)
{
	char command[300];

	snprintf(command, sizeof(command), "%s %s", getenv("TOBICHI_TEST_POSTGRES"),
		 what);
	assert_int_equal(system(command), 0);
}

static void test_db_commit__server_is_killed__what_was_told_is_there(void **state)
{
	int64_t newest = 0;

	(void)state;
	if (!db_world.postgres)
		skip();
	make_pairs();
	for (int i = 0; i < SERVER_KILLS; i++) {
		int pipe = -1, status = 0;
		pid_t pid = start_child(newest + 1, &pipe);
		int64_t last = listen_to(pipe, 1 + (int)(random() % TOLD_MAX), newest);

		control("kill");
		last = listen_to(pipe, 1 << 20, last);
		close(pipe);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* It was told that its transaction failed. */
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 2);
		/* While it is away that is said; the same pool goes on afterwards. */
		assert_int_equal(db_world_run("SELECT 1", NO_VALUES), TOBI_E_SYSTEM);
		db_give(db_world.conn);
		db_world.conn = NULL;
		assert_int_equal(db_take(db_world.db, &db_world.conn, &db_world.fault),
				 TOBI_E_SYSTEM);
		assert_int_equal(db_check(db_world.db, NULL), TOBI_E_SYSTEM);
		control("start");
		assert_int_equal(db_take(db_world.db, &db_world.conn, NULL), TOBI_OK);
		newest = expect_up_to(last);
	}
	assert_true(newest > 0);
}

/* The pool has connections that nobody used while the server went and came. */
static void test_db_take__server_was_restarted__opens_anew(void **state)
{
	(void)state;
	if (!db_world.postgres)
		skip();
	make_pairs();
	db_give(db_world.conn);
	db_world.conn = NULL;
	control("kill");
	control("start");
	assert_int_equal(db_take(db_world.db, &db_world.conn, NULL), TOBI_OK);
	assert_int_equal(db_world_number("SELECT count(*) FROM pairs", NO_VALUES), 0);
}

/* An operator ends connections, one that is idle and one that is asked: what the server
 * said last lies before the end in the socket. */
static void test_db_take__ended_by_the_operator__opens_anew(void **state)
{
	struct db_conn *other = NULL;

	(void)state;
	if (!db_world.postgres)
		skip();
	make_pairs();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(db_take(db_world.db, &other, NULL), TOBI_OK);
		assert_int_equal(
		    db_run(
			other,
			"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
			"WHERE application_name = 'tobichi-broker' AND pid <> "
			"pg_backend_pid()",
			NO_VALUES, NULL, NULL, NULL, NULL),
		    TOBI_OK);
		if (i % 2)
			assert_int_equal(db_world_run("SELECT 1", NO_VALUES),
					 TOBI_E_SYSTEM);
		db_give(other);
		db_give(db_world.conn);
		/* The newest of the idle ones is taken first. */
		db_world.conn = NULL;
		assert_int_equal(db_take(db_world.db, &db_world.conn, NULL), TOBI_OK);
		assert_int_equal(db_world_number("SELECT count(*) FROM pairs", NO_VALUES),
				 0);
	}
}

static void test_db_commit__server_gone_in_a_transaction__says_not_known(void **state)
{
	(void)state;
	if (!db_world.postgres)
		skip();
	make_pairs();
	assert_int_equal(db_begin(db_world.conn, NULL), TOBI_OK);
	db_world_do("INSERT INTO pairs VALUES (1, 0, NULL)", NO_VALUES);
	control("kill");
	assert_int_equal(db_commit(db_world.conn, &db_world.fault), TOBI_E_SYSTEM);
	assert_non_null(strstr(db_world.fault.message, "not known"));
	control("start");
	db_world_again();
	assert_int_equal(db_world_number("SELECT count(*) FROM pairs", NO_VALUES), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_world_enter, db_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_db_commit__writer_is_killed__what_was_told_is_there),
	    TEST(test_db_commit__server_is_killed__what_was_told_is_there),
	    TEST(test_db_take__server_was_restarted__opens_anew),
	    TEST(test_db_take__ended_by_the_operator__opens_anew),
	    TEST(test_db_commit__server_gone_in_a_transaction__says_not_known),
	};

	self = argv[0];
	if (argc == 4 && strcmp(argv[1], "child") == 0)
		return child(argv[2], strtoll(argv[3], NULL, 10));
	db_world_argument(argc, argv);
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
