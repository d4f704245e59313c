/* The file of a SQLite database: who may read it, what it is when it is damaged or full,
 * copies of it. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/db_world.h"

static mode_t mode_of(const char *suffix)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", db_world.path, suffix);
	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 0777;
}

static enum tobi_err open_at(const char *location)
{
	struct db *db = NULL;
	enum tobi_err err;

	db_world.fault = (struct tobi_fault){0};
	err = db_open(location, 1, &db, &db_world.fault);
	if (!err)
		db_free(db);
	return err;
}

static void let_go(void)
{
	db_give(db_world.conn);
	db_free(db_world.db);
	db_world.conn = NULL;
	db_world.db = NULL;
}

static void fill(int rows)
{
	static uint8_t content[1000];
	const struct tobi_bytes bytes = {content, sizeof(content)};

	db_world_do("CREATE TABLE IF NOT EXISTS things (id BIGINT PRIMARY KEY, content "
		    "BYTEA)",
		    NO_VALUES);
	for (int i = 0; i < rows; i++)
		db_world_do("INSERT INTO things VALUES (?, ?)", VALUES(N(i), B(bytes)));
}

static void test_db_open__new_file__is_private(void **state)
{
	(void)state;
	fill(1);
	assert_int_equal(mode_of(""), 0600);
	assert_int_equal(mode_of("-wal"), 0600);
	assert_int_equal(mode_of("-shm"), 0600);
}

static void test_db_open__others_may_read_it__denied(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0660, 0610};

	(void)state;
	let_go();
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(db_world.path, modes[i]), 0);
		assert_int_equal(open_at(db_world.location), TOBI_E_DENIED);
		assert_non_null(strstr(db_world.fault.message, "chmod 600"));
	}
	assert_int_equal(chmod(db_world.path, 0600), 0);
	assert_int_equal(open_at(db_world.location), TOBI_OK);
}

static void test_db_open__no_folder__not_found(void **state)
{
	char location[200];

	(void)state;
	snprintf(location, sizeof(location), "sqlite:%s/none/broker.db", db_world.folder);
	assert_int_equal(open_at(location), TOBI_E_NOT_FOUND);
	snprintf(location, sizeof(location), "sqlite:%s", db_world.folder);
	assert_int_equal(open_at(location), TOBI_E_ARGUMENT);
}

static void test_db_open__name_of_the_librarys__is_a_file(void **state)
{
	(void)state;
	assert_int_equal(chdir(db_world.folder), 0);
	assert_int_equal(open_at("sqlite::memory:"), TOBI_OK);
	assert_int_equal(access(":memory:", F_OK), 0);
	assert_int_equal(open_at("sqlite:file:x?mode=memory"), TOBI_OK);
	assert_int_equal(access("file:x?mode=memory", F_OK), 0);
	assert_int_equal(chdir("/"), 0);
}

static void test_db_open__of_another_program__mismatch(void **state)
{
	sqlite3 *lib = NULL;
	char path[128], location[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/other.db", db_world.folder);
	snprintf(location, sizeof(location), "sqlite:%s", path);
	assert_int_equal(sqlite3_open(path, &lib), SQLITE_OK);
	assert_int_equal(sqlite3_exec(lib, "CREATE TABLE cookies (a)", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(lib);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(open_at(location), TOBI_E_MISMATCH);
}

static void test_db_open__no_database__malformed(void **state)
{
	(void)state;
	let_go();
	assert_int_equal(file_write(db_world.path, 0600,
				    text_bytes("This is a text, and a long one at that. "
					       "It is no database of any kind. And it "
					       "goes on for over a hundred bytes."),
				    "test", NULL),
			 TOBI_OK);
	assert_int_equal(open_at(db_world.location), TOBI_E_MALFORMED);
	assert_non_null(strstr(db_world.fault.message, "restore a backup"));
}

/* Pages in the middle, overwritten: the start is whole, so opening does not see it. */
static void test_db_run__damaged_pages__malformed(void **state)
{
	uint8_t junk[4096];
	int fd;

	(void)state;
	fill(400);
	let_go();
	memset(junk, 0xa5, sizeof(junk));
	fd = open(db_world.path, O_WRONLY);
	assert_true(fd >= 0);
	for (int page = 3; page < 40; page++)
		assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096 * (off_t)page),
				 sizeof(junk));
	close(fd);
	db_world_again();
	assert_int_equal(db_world_run("SELECT length(content) FROM things", NO_VALUES),
			 TOBI_E_MALFORMED);
	assert_non_null(strstr(db_world.fault.message, "damaged"));
	assert_int_equal(db_check_all(db_world.db, &db_world.fault), TOBI_E_MALFORMED);
	assert_non_null(strstr(db_world.fault.message, "damaged"));
}

static void test_db_open__cut_short__malformed(void **state)
{
	(void)state;
	fill(200);
	let_go();
	assert_int_equal(truncate(db_world.path, 4096 * 5), 0);
	assert_int_equal(open_at(db_world.location), TOBI_E_MALFORMED);
	assert_non_null(strstr(db_world.fault.message, "damaged"));
}

static void expect_full_and_whole(void)
{
	static uint8_t content[5000];
	const struct tobi_bytes bytes = {content, sizeof(content)};
	enum tobi_err err = TOBI_OK;
	int64_t told = 0;

	db_world_do("CREATE TABLE big (id BIGINT PRIMARY KEY, content BYTEA)", NO_VALUES);
	while (!err && told < 5000) {
		err = db_begin(db_world.conn, &db_world.fault);
		if (!err)
			err = db_world_run("INSERT INTO big VALUES (?, ?)",
					   VALUES(N(told), B(bytes)));
		if (!err)
			err = db_commit(db_world.conn, &db_world.fault);
		if (!err)
			told++;
	}
	assert_int_equal(err, TOBI_E_SYSTEM);
	assert_non_null(strstr(db_world.fault.message, "space"));
	db_rollback(db_world.conn);
	/* What was told is there, at once and after another start. */
	assert_true(told > 3);
	assert_int_equal(db_world_number("SELECT count(*) FROM big", NO_VALUES), told);
	db_world_again();
	assert_int_equal(db_world_number("SELECT count(*) FROM big", NO_VALUES), told);
	assert_int_equal(db_check_all(db_world.db, NULL), TOBI_OK);
}

static void test_db_commit__file_at_its_limit__says_no_space(void **state)
{
	(void)state;
	assert_int_equal(db_world_number("PRAGMA max_page_count = 60", NO_VALUES), 60);
	expect_full_and_whole();
}

/* In a process of its own, with a mount that nobody else sees. */
static int on_small_disk(void)
{
	char folder[80];

	snprintf(folder, sizeof(folder), "%s/disk", db_world.folder);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(folder, 0700) || mount("small", folder, "tmpfs", 0, "size=600k"))
		return 77;
	db_world.conn = NULL;
	db_world.db = NULL;
	snprintf(db_world.location, sizeof(db_world.location), "sqlite:%s/broker.db",
		 folder);
	db_world_again();
	expect_full_and_whole();
	let_go();
	return umount(folder);
}

static void test_db_commit__disk_full__says_no_space(void **state)
{
	char folder[80];
	int status = 0;
	pid_t pid;

	(void)state;
	let_go();
	pid = fork();
	if (pid == 0)
		_exit(on_small_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(folder, sizeof(folder), "%s/disk", db_world.folder);
	rmdir(folder);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: nothing can be mounted here\n");
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_db_run__schema_and_other_files__are_out_of_reach(void **state)
{
	char attach[200];

	(void)state;
	fill(1);
	assert_int_equal(db_world_run("UPDATE sqlite_schema SET sql = ''", NO_VALUES),
			 TOBI_E_ARGUMENT);
	assert_int_equal(db_world_run("PRAGMA writable_schema = ON", NO_VALUES), TOBI_OK);
	assert_int_equal(db_world_run("UPDATE sqlite_schema SET sql = ''", NO_VALUES),
			 TOBI_E_ARGUMENT);
	snprintf(attach, sizeof(attach), "ATTACH '%s/x.db' AS x", db_world.folder);
	assert_int_equal(db_world_run(attach, NO_VALUES), TOBI_E_ARGUMENT);
	assert_int_equal(db_world_run("SELECT load_extension('x')", NO_VALUES),
			 TOBI_E_ARGUMENT);
	/* A name in double quotes is never a text. */
	assert_int_equal(db_world_run("SELECT \"nothing\" FROM things", NO_VALUES),
			 TOBI_E_ARGUMENT);
}

/* Writers that go on while a copy is made. */
static atomic_bool stop;

static void *write_on(void *context)
{
	struct db_conn *conn = NULL;
	enum tobi_err *err = context;

	*err = db_take(db_world.db, &conn, NULL);
	for (int64_t i = 1000; !*err && !atomic_load(&stop); i++) {
		*err = db_begin(conn, NULL);
		for (int half = 0; half < 2 && !*err; half++)
			*err = db_run(conn, "INSERT INTO things VALUES (?, NULL)",
				      VALUES(N(2 * i + half)), NULL, NULL, NULL, NULL);
		if (!*err)
			*err = db_commit(conn, NULL);
	}
	db_give(conn);
	return NULL;
}

static void test_db_backup__while_others_write__a_moment_of_it(void **state)
{
	char copy[128], location[512];
	pthread_t thread;
	enum tobi_err failed = TOBI_OK;
	struct stat st;

	(void)state;
	fill(300);
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &failed), 0);
	snprintf(copy, sizeof(copy), "%s/copy.db", db_world.folder);
	assert_int_equal(db_backup(db_world.db, copy, &db_world.fault), TOBI_OK);
	/* Never over a file that is there. */
	assert_int_equal(db_backup(db_world.db, copy, NULL), TOBI_E_EXISTS);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(failed, TOBI_OK);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(location, sizeof(location), "%s", db_world.location);
	snprintf(db_world.location, sizeof(db_world.location), "sqlite:%s", copy);
	db_world_again();
	assert_int_equal(
	    db_world_number("SELECT count(*) FROM things WHERE id < 1000", NO_VALUES),
	    300);
	/* Transactions are whole in it. */
	assert_int_equal(
	    db_world_number("SELECT count(*) % 2 FROM things WHERE id >= 1000",
			    NO_VALUES),
	    0);
	assert_int_equal(db_check_all(db_world.db, NULL), TOBI_OK);
	snprintf(db_world.location, sizeof(db_world.location), "%s", location);
}

static void test_db_backup__no_folder__nothing_left(void **state)
{
	char copy[128];

	(void)state;
	snprintf(copy, sizeof(copy), "%s/none/copy.db", db_world.folder);
	assert_int_equal(db_backup(db_world.db, copy, NULL), TOBI_E_SYSTEM);
}

/* Brokers that start at the same moment on a file that is not there yet. */
static void *start(void *context)
{
	struct db *db = NULL;
	enum tobi_err *err = context;

	*err = db_open(db_world.location, 2, &db, NULL);
	db_free(db);
	return NULL;
}

static void test_db_open__many_at_once__all_open(void **state)
{
	pthread_t threads[8];
	enum tobi_err errors[8] = {0};

	(void)state;
	for (int round = 0; round < 10; round++) {
		let_go();
		unlink(db_world.path);
		for (int i = 0; i < 8; i++)
			assert_int_equal(
			    pthread_create(&threads[i], NULL, start, &errors[i]), 0);
		for (int i = 0; i < 8; i++) {
			pthread_join(threads[i], NULL);
			assert_int_equal(errors[i], TOBI_OK);
		}
		db_world_again();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_world_enter, db_world_leave)

static enum tobi_err take_number(void *context, const struct db_value *values,
				 size_t count, struct tobi_fault *fault)
{
	(void)count, (void)fault;
	*(int64_t *)context = values[0].integer;
	return TOBI_OK;
}

static int64_t level(void)
{
	int64_t found = -1;

	assert_int_equal(db_run(db_world.conn, "PRAGMA synchronous", NULL, 0, take_number,
				&found, NULL, NULL),
			 0);
	return found;
}

/* Within the statement. */
static enum tobi_err take_level(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	(void)values, (void)count, (void)fault;
	*(int64_t *)context = level();
	return TOBI_OK;
}

enum { NORMAL = 1, FULL = 2 };

static void test_db_run_unsynced__one_statement__that_one_alone(void **state)
{
	const struct db_value value = N(1);
	int64_t within = -1;
	uint64_t changed = 0;

	(void)state;
	fill(0);
	assert_int_equal(level(), FULL);
	assert_int_equal(
	    db_run_unsynced(db_world.conn,
			    "INSERT INTO things (id) VALUES (?) RETURNING id", &value, 1,
			    take_level, &within, &changed, NULL),
	    0);
	assert_int_equal(within, NORMAL);
	assert_int_equal(changed, 1);
	assert_int_equal(level(), FULL);
	/* And when it fails. */
	assert_int_equal(db_run_unsynced(db_world.conn,
					 "INSERT INTO things (id) VALUES (?)", &value, 1,
					 NULL, NULL, NULL, NULL),
			 TOBI_E_EXISTS);
	assert_int_equal(level(), FULL);
}

static void test_db_run_unsynced__in_a_transaction__argument(void **state)
{
	(void)state;
	fill(0);
	assert_int_equal(db_begin(db_world.conn, NULL), 0);
	assert_int_equal(db_run_unsynced(db_world.conn, "DELETE FROM things", NULL, 0,
					 NULL, NULL, NULL, NULL),
			 TOBI_E_ARGUMENT);
	db_world_do("INSERT INTO things (id) VALUES (7)", NO_VALUES);
	assert_int_equal(db_commit(db_world.conn, NULL), 0);
	assert_int_equal(level(), FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_db_open__new_file__is_private),
	    TEST(test_db_run_unsynced__one_statement__that_one_alone),
	    TEST(test_db_run_unsynced__in_a_transaction__argument),
	    TEST(test_db_open__others_may_read_it__denied),
	    TEST(test_db_open__no_folder__not_found),
	    TEST(test_db_open__name_of_the_librarys__is_a_file),
	    TEST(test_db_open__of_another_program__mismatch),
	    TEST(test_db_open__no_database__malformed),
	    TEST(test_db_run__damaged_pages__malformed),
	    TEST(test_db_open__cut_short__malformed),
	    TEST(test_db_commit__file_at_its_limit__says_no_space),
	    TEST(test_db_commit__disk_full__says_no_space),
	    TEST(test_db_run__schema_and_other_files__are_out_of_reach),
	    TEST(test_db_backup__while_others_write__a_moment_of_it),
	    TEST(test_db_backup__no_folder__nothing_left),
	    TEST(test_db_open__many_at_once__all_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
