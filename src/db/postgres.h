/* What postgres.c and postgres_open.c share. */
#ifndef TOBI_DB_POSTGRES_H
#define TOBI_DB_POSTGRES_H

#include <libpq-fe.h>

#include "db/statements.h"

struct postgres_conn {
	struct db_conn conn;
	PGconn *lib;
	struct statements statements;
};

/* An SQLSTATE in this project's terms; TOBI_E_SYSTEM for none. */
enum tobi_err postgres_code(const char *state);
/* What a failed answer says (NULL: there was none); marks a broken connection. */
enum tobi_err postgres_fault(struct postgres_conn *conn, const PGresult *result,
			     struct tobi_fault *fault);
/* A statement without values and rows, not kept. */
enum tobi_err postgres_exec(struct postgres_conn *conn, const char *sql,
			    struct tobi_fault *fault);
enum tobi_err postgres_connect(struct db *db, struct db_conn **ret_conn,
			       struct tobi_fault *fault);
void postgres_close(struct db_conn *conn);
bool postgres_alive(struct db_conn *conn);

/* The statement with $1, $2, ... for each ?; heap. TOBI_E_ARGUMENT for another count. */
enum tobi_err postgres_translate(const char *sql, size_t count, char **ret_sql,
				 struct tobi_fault *fault);

#endif
