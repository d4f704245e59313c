/* From the statements of callers to those of PostgreSQL; from its states to errors. */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "db/postgres.h"

static const struct {
	const char *state; /* or the start of some */
	enum tobi_err err;
} states[] = {
    /* Longer ones before the classes that they are in. */
    {"23505", TOBI_E_EXISTS},	 /* unique_violation */
    {"23", TOBI_E_ARGUMENT},	 /* another constraint */
    {"40", TOBI_E_TIMEOUT},	 /* a race was lost, deadlocks */
    {"55P03", TOBI_E_TIMEOUT},	 /* lock_not_available */
    {"57014", TOBI_E_TIMEOUT},	 /* query_canceled: statement_timeout */
    {"25P03", TOBI_E_TIMEOUT},	 /* idle in a transaction for too long */
    {"28", TOBI_E_DENIED},	 /* no such role, another password */
    {"42501", TOBI_E_DENIED},	 /* insufficient_privilege */
    {"3D000", TOBI_E_NOT_FOUND}, /* no such database */
    {"42", TOBI_E_ARGUMENT},	 /* syntax, no such table */
    {"22", TOBI_E_ARGUMENT},	 /* a value of another kind, out of range */
    {"08P01", TOBI_E_ARGUMENT},	 /* another count of values */
    {"26000", TOBI_E_SYSTEM},	 /* the prepared statement is gone: a pooler between */
    {"54", TOBI_E_LIMIT},	 /* too large, too complex */
    {"53200", TOBI_E_SYSTEM},	 /* the server's memory, not this program's */
    {"XX001", TOBI_E_MALFORMED}, /* data_corrupted */
    {"XX002", TOBI_E_MALFORMED}, /* index_corrupted */
};

enum tobi_err postgres_code(const char *state)
{
	for (size_t i = 0; state && i < sizeof(states) / sizeof(states[0]); i++) {
		if (!strncmp(state, states[i].state, strlen(states[i].state)))
			return states[i].err;
	}
	return TOBI_E_SYSTEM;
}

/* Behind a quoted piece or a comment that starts at text; text itself when none does. */
static const char *behind_quoted(const char *text)
{
	const char *end;

	if (*text == '\'' || *text == '"') {
		/* A doubled quote ends one piece and starts the next. */
		end = strchr(text + 1, *text);
		return end ? end + 1 : text + strlen(text);
	}
	if (!strncmp(text, "--", 2))
		return text + strcspn(text, "\n");
	if (!strncmp(text, "/*", 2)) {
		end = strstr(text + 2, "*/");
		return end ? end + 2 : text + strlen(text);
	}
	return text;
}

enum tobi_err postgres_translate(const char *sql, size_t count, char **ret_sql,
				 struct tobi_fault *fault)
{
	struct writer out = wr_init(1 << 20);
	size_t found = 0;

	for (const char *at = sql; *at;) {
		const char *end = behind_quoted(at);

		if (end != at) {
			wr_bytes(&out, at, (size_t)(end - at));
			at = end;
		} else if (*at++ == '?') {
			wr_printf(&out, "$%zu", ++found);
		} else {
			wr_u8(&out, (uint8_t)at[-1]);
		}
	}
	wr_u8(&out, 0);
	if (!wr_err(&out) && found == count) {
		*ret_sql = (char *)out.ptr;
		return TOBI_OK;
	}
	wr_done(&out);
	if (found != count)
		return fault_set(fault, TOBI_E_ARGUMENT, "database", "",
				 "the statement has %zu values, not %zu", found, count);
	return TOBI_E_MEMORY;
}
