/* Connections to PostgreSQL: made within a time, set up, found broken before their use.
 */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/deadline.h"
#include "base/fault.h"
#include "db/postgres.h"

enum { CONNECT_MS = 10000 };

/* Per session: what an operator set for others must not weaken a commit, and nothing may
 * wait for ever. */
static const char *const settings[] = {
    "SET client_encoding TO 'UTF8'",
    "SET standard_conforming_strings TO on",
    "SET idle_in_transaction_session_timeout TO '60s'",
    "SET default_transaction_read_only TO off",
    /* Who set it higher (remote_apply) keeps that. */
    ("SELECT set_config('synchronous_commit', 'on', false) WHERE "
     "current_setting('synchronous_commit') IN ('off', 'local')"),
};

static void end_statement(void *context, struct statement *statement)
{
	struct postgres_conn *conn = context;
	char sql[40];

	if (conn->conn.broken || PQtransactionStatus(conn->lib) == PQTRANS_INERROR)
		return;
	snprintf(sql, sizeof(sql), "DEALLOCATE %s", statement->name);
	IGNORE(postgres_exec(conn, sql, NULL));
}

/* Libraries print notices to stderr unless told otherwise. */
static void no_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

void postgres_close(struct db_conn *any)
{
	struct postgres_conn *conn = (struct postgres_conn *)any;

	if (!conn)
		return;
	conn->conn.broken = true; /* the server forgets all statements by itself */
	statements_done(&conn->statements);
	PQfinish(conn->lib);
	free(conn);
}

bool postgres_alive(struct db_conn *any)
{
	struct postgres_conn *conn = (struct postgres_conn *)any;
	struct pollfd wait = {PQsocket(conn->lib), POLLIN, 0};

	if (PQstatus(conn->lib) != CONNECTION_OK || wait.fd < 0)
		return false;
	/* Nobody asked, so what is there is a notice, or the end, or one before the
	 * other: a new connection is cheaper than to find out. */
	return poll(&wait, 1, 0) == 0;
}

/* "FATAL:  28P01: password ..." of a verbose message: a state, or NULL. */
static const char *state_in(const char *message, char state[static 6])
{
	for (const char *at = message; (at = strstr(at, ":  ")); at++) {
		size_t i = 0;

		while (i < 5 && (isdigit((unsigned char)at[3 + i]) ||
				 isupper((unsigned char)at[3 + i]))) {
			state[i] = at[3 + i];
			i++;
		}
		if (i == 5 && at[8] == ':') {
			state[5] = '\0';
			return state;
		}
	}
	return NULL;
}

static enum tobi_err refused(PGconn *lib, struct tobi_fault *fault)
{
	const char *message = PQerrorMessage(lib);
	char buffer[6];
	const char *state = state_in(message, buffer);

	return fault_set(fault, state ? postgres_code(state) : TOBI_E_NOT_FOUND,
			 "database", "", "PostgreSQL: %.*s", (int)strcspn(message, "\n"),
			 message);
}

/* The library's own waiting has no limit when it is started this way, which is the only
 * one that lets its first messages carry a state. */
static enum tobi_err wait_connected(PGconn *lib, struct tobi_fault *fault)
{
	const struct timespec until = deadline_in(CONNECT_MS);
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	while (next != PGRES_POLLING_OK) {
		struct pollfd wait = {
		    PQsocket(lib), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, 0};
		const int ms = deadline_left_ms(&until);

		if (next == PGRES_POLLING_FAILED || PQstatus(lib) == CONNECTION_BAD)
			return refused(lib, fault);
		if (!ms)
			return fault_set(fault, TOBI_E_NOT_FOUND, "database", "",
					 "PostgreSQL did not answer within %d s",
					 CONNECT_MS / 1000);
		if (poll(&wait, 1, ms) > 0)
			next = PQconnectPoll(lib);
	}
	return TOBI_OK;
}

static enum tobi_err set_up(struct postgres_conn *conn, struct tobi_fault *fault)
{
	const struct db *db = conn->conn.db;
	enum tobi_err err = TOBI_OK;
	char limit[64];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && !err; i++)
		err = postgres_exec(conn, settings[i], fault);
	snprintf(limit, sizeof(limit), "SET lock_timeout TO %u", db->busy_ms);
	if (!err)
		err = postgres_exec(conn, limit, fault);
	snprintf(limit, sizeof(limit), "SET statement_timeout TO %u", db->run_ms);
	return err ? err : postgres_exec(conn, limit, fault);
}

static enum tobi_err start(struct postgres_conn *conn, struct tobi_fault *fault)
{
	/* Defaults first: what the location says comes later, and so holds. */
	const char *const names[] = {"tcp_user_timeout", "keepalives_idle",
				     "application_name", "dbname", NULL};
	const char *const values[] = {"30000", "30", "tobichi-broker",
				      conn->conn.db->place, NULL};
	enum tobi_err err;

	conn->lib = PQconnectStartParams(names, values, 1);
	if (!conn->lib)
		return TOBI_E_MEMORY;
	if (PQstatus(conn->lib) == CONNECTION_BAD)
		return refused(conn->lib, fault);
	PQsetErrorVerbosity(conn->lib, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(conn->lib, no_notice, NULL);
	err = wait_connected(conn->lib, fault);
	return err ? err : set_up(conn, fault);
}

enum tobi_err postgres_connect(struct db *db, struct db_conn **ret_conn,
			       struct tobi_fault *fault)
{
	struct postgres_conn *conn = calloc(1, sizeof(*conn));
	enum tobi_err err;

	if (!conn)
		return TOBI_E_MEMORY;
	conn->conn.db = db;
	conn->statements.end = end_statement;
	conn->statements.context = conn;
	err = start(conn, fault);
	if (err) {
		postgres_close(&conn->conn);
		return err;
	}
	*ret_conn = &conn->conn;
	return TOBI_OK;
}
