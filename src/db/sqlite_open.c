/*
 * The file of a SQLite database: made 0600, refused when others may read it or when it is
 * another program's; how each connection is set up; copies of it.
 *
 * The file is never opened here beside the library: closing such a descriptor would let
 * go the locks (POSIX) that the library holds on it in this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/fault.h"
#include "db/sqlite.h"

/* "TobB": in the file's header, so that no other program's file is taken for one. */
enum {
	APPLICATION = 0x546f6242,
	ROW_SIZE = 4 * DB_VALUE,
	STEPS = 10000,
	TAKE_WAIT_MS = 5
};

/* A new, empty file of which nobody has a connection. */
static enum tobi_err make_file(const char *path, struct tobi_fault *fault)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return TOBI_OK; /* another broker's, this moment */
	if (fd < 0 && errno == ENOENT)
		return fault_set(fault, TOBI_E_NOT_FOUND, "database", "",
				 "there is no folder for %s", path);
	if (fd < 0)
		return fault_errno(fault, "database", "", "cannot make %s", path);
	close(fd);
	return TOBI_OK;
}

static enum tobi_err check_file(const char *path, struct tobi_fault *fault)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? fault_set(fault, TOBI_E_NOT_FOUND, "database",
						   "", "there is no file %s", path)
				       : fault_errno(fault, "database", "",
						     "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "%s is not a regular file", path);
	if (st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, "database", "",
				 "others may read %s; run: chmod 600 %s", path, path);
	if (st.st_uid != geteuid() && geteuid() != 0)
		return fault_set(fault, TOBI_E_DENIED, "database", "",
				 "%s belongs to another user", path);
	return TOBI_OK;
}

enum tobi_err sqlite_prepare_place(struct db *db, struct tobi_fault *fault)
{
	struct stat st;
	char *absolute;

	if (!*db->place)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "which file? sqlite:PATH");
	/* ":memory:" and "file:" are names with a meaning to the library. */
	if (*db->place != '/') {
		if (asprintf(&absolute, "./%s", db->place) < 0)
			return TOBI_E_MEMORY;
		free(db->place);
		db->place = absolute;
	}
	if (stat(db->place, &st) && errno == ENOENT)
		return make_file(db->place, fault);
	return TOBI_OK;
}

static int progress(void *context)
{
	const struct sqlite_conn *conn = context;

	return conn->limited && deadline_left_ms(&conn->until) == 0;
}

static void end_statement(void *context, struct statement *statement)
{
	(void)context;
	sqlite3_finalize(statement->handle);
}

static int read_number(void *context, int count, char **values, char **names)
{
	(void)names;
	if (count > 0 && values[0])
		*(long *)context = strtol(values[0], NULL, 10);
	return 0;
}

static int read_word(void *context, int count, char **values, char **names)
{
	(void)names;
	if (count > 0 && values[0])
		snprintf(context, 64, "%s", values[0]);
	return 0;
}

/* The first read of the file: here a damaged one is found, or another program's. */
static enum tobi_err mark_application(sqlite3 *lib, const char *path,
				      struct tobi_fault *fault)
{
	char set[64];
	long application = 0, tables = 0;
	int code = sqlite3_exec(lib, "SELECT count(*) FROM sqlite_schema", read_number,
				&tables, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(lib, "PRAGMA application_id", read_number,
				    &application, NULL);
	if (code != SQLITE_OK)
		return sqlite_fault(lib, code, path, fault);
	if (application == APPLICATION)
		return TOBI_OK;
	if (application || tables)
		return fault_set(fault, TOBI_E_MISMATCH, "database", "",
				 "%s is a database of another program", path);
	snprintf(set, sizeof(set), "PRAGMA application_id = %d", APPLICATION);
	return sqlite_exec(lib, set, fault);
}

static enum tobi_err set_wal(sqlite3 *lib, const char *path, struct tobi_fault *fault)
{
	char mode[64] = "";
	const int code =
	    sqlite3_exec(lib, "PRAGMA journal_mode = WAL", read_word, mode, NULL);

	if (code != SQLITE_OK)
		return sqlite_fault(lib, code, path, fault);
	if (strcmp(mode, "wal") != 0)
		return fault_set(fault, TOBI_E_SYSTEM, "database", "",
				 "%s: no write-ahead log can be kept there (is it a "
				 "network's file system?)",
				 path);
	return TOBI_OK;
}

/* Brokers that start together on a new file want it whole, for a moment each; with that
 * the library does not wait by itself. */
static enum tobi_err take_file(sqlite3 *lib, const char *path, unsigned busy_ms,
			       struct tobi_fault *fault)
{
	const struct timespec until = deadline_in(busy_ms);
	enum tobi_err err;

	for (;;) {
		err = mark_application(lib, path, fault);
		if (!err)
			err = set_wal(lib, path, fault);
		if (err != TOBI_E_TIMEOUT || deadline_left_ms(&until) == 0)
			return err;
		sqlite3_sleep(TAKE_WAIT_MS);
	}
}

static enum tobi_err set_up(struct sqlite_conn *conn, const char *path,
			    struct tobi_fault *fault)
{
	static const char *const settings[] = {
	    "PRAGMA synchronous = FULL",	   "PRAGMA foreign_keys = ON",
	    "PRAGMA cell_size_check = ON",	   "PRAGMA secure_delete = FAST",
	    "PRAGMA temp_store = MEMORY",	   "PRAGMA mmap_size = 0",
	    "PRAGMA journal_size_limit = 67108864"};
	static const struct {
		int what, value;
	} switches[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
			{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
			{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
			{SQLITE_DBCONFIG_DQS_DML, 0},
			{SQLITE_DBCONFIG_DQS_DDL, 0}};
	enum tobi_err err = TOBI_OK;

	sqlite3_extended_result_codes(conn->lib, 1);
	sqlite3_busy_timeout(conn->lib, (int)conn->conn.db->busy_ms);
	sqlite3_limit(conn->lib, SQLITE_LIMIT_LENGTH, ROW_SIZE);
	sqlite3_limit(conn->lib, SQLITE_LIMIT_VARIABLE_NUMBER, DB_VALUES);
	sqlite3_limit(conn->lib, SQLITE_LIMIT_ATTACHED, 0);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (sqlite3_db_config(conn->lib, switches[i].what, switches[i].value,
				      NULL) != SQLITE_OK)
			return fault_set(fault, TOBI_E_SYSTEM, "database", "",
					 "SQLite is too old: it does not know a setting");
	}
	err = take_file(conn->lib, path, conn->conn.db->busy_ms, fault);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && !err; i++)
		err = sqlite_exec(conn->lib, settings[i], fault);
	return err;
}

void sqlite_close(struct db_conn *any)
{
	struct sqlite_conn *conn = (struct sqlite_conn *)any;

	if (!conn)
		return;
	statements_done(&conn->statements);
	sqlite3_close_v2(conn->lib);
	free(conn);
}

enum tobi_err sqlite_connect(struct db *db, struct db_conn **ret_conn,
			     struct tobi_fault *fault)
{
	struct sqlite_conn *conn;
	enum tobi_err err = check_file(db->place, fault);
	int code;

	if (err)
		return err;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return TOBI_E_MEMORY;
	conn->conn.db = db;
	conn->statements.end = end_statement;
	/* No mutex of its own: a connection is one thread's at a time. */
	code = sqlite3_open_v2(db->place, &conn->lib,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	err = code == SQLITE_OK ? set_up(conn, db->place, fault)
				: sqlite_fault(conn->lib, code, db->place, fault);
	if (err) {
		sqlite_close(&conn->conn);
		return err;
	}
	sqlite3_progress_handler(conn->lib, STEPS, progress, conn);
	*ret_conn = &conn->conn;
	return TOBI_OK;
}

static enum tobi_err quick_check(sqlite3 *lib, struct tobi_fault *fault)
{
	char word[64] = "";
	const int code =
	    sqlite3_exec(lib, "PRAGMA quick_check(1)", read_word, word, NULL);

	if (code != SQLITE_OK)
		return sqlite_fault(lib, code, "check", fault);
	if (strcmp(word, "ok") != 0)
		return fault_set(fault, TOBI_E_MALFORMED, "database", "",
				 "the file is damaged: %s; restore a backup", word);
	return TOBI_OK;
}

enum tobi_err sqlite_check(struct db_conn *any, bool all, struct tobi_fault *fault)
{
	sqlite3 *lib = ((struct sqlite_conn *)any)->lib;
	long ignored = 0;
	const int code = sqlite3_exec(lib, "SELECT count(*) FROM sqlite_schema",
				      read_number, &ignored, NULL);

	if (code != SQLITE_OK)
		return sqlite_fault(lib, code, "check", fault);
	return all ? quick_check(lib, fault) : TOBI_OK;
}

/* One step: a read transaction over all of it, which hinders no writer in a WAL. In
 * several steps each write of others would start it anew. */
static enum tobi_err copy_all(sqlite3 *from, const char *path, struct tobi_fault *fault)
{
	sqlite3 *to = NULL;
	sqlite3_backup *backup = NULL;
	enum tobi_err err = TOBI_OK;
	int code =
	    sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_OK)
		backup = sqlite3_backup_init(to, "main", from, "main");
	if (backup) {
		code = sqlite3_backup_step(backup, -1);
		sqlite3_backup_finish(backup);
	} else if (code == SQLITE_OK) {
		code = sqlite3_errcode(to);
	}
	if (code != SQLITE_DONE)
		err = sqlite_fault(NULL, code, "copy", fault);
	if (!err)
		err = quick_check(to, fault);
	sqlite3_close_v2(to);
	return err;
}

static void sync_folder(const char *path)
{
	char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
	int fd;

	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		IGNORE(fsync(fd));
		close(fd);
	}
	free(folder);
}

enum tobi_err sqlite_backup(struct db_conn *any, const char *path,
			    struct tobi_fault *fault)
{
	CLEANUP(freep) char *part = NULL;
	enum tobi_err err;
	int fd;

	if (asprintf(&part, "%s%s.part-XXXXXX", *path == '/' ? "" : "./", path) < 0) {
		part = NULL;
		return TOBI_E_MEMORY;
	}
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0)
		return fault_errno(fault, "backup", "", "cannot make %s", part);
	close(fd);
	err = copy_all(((struct sqlite_conn *)any)->lib, part, fault);
	/* A link never replaces what is there. */
	if (!err && link(part, path))
		err = errno == EEXIST
			  ? fault_set(fault, TOBI_E_EXISTS, "backup", "",
				      "%s is there already", path)
			  : fault_errno(fault, "backup", "", "cannot name it %s", path);
	unlink(part);
	if (!err)
		sync_folder(path);
	return err;
}
