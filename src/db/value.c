#include "base/secret.h"
#include "db/db.h"

struct db_value db_null(void)
{
	return (struct db_value){.kind = DB_NULL};
}

struct db_value db_integer(int64_t integer)
{
	return (struct db_value){.kind = DB_INTEGER, .integer = integer};
}

struct db_value db_text(const char *text)
{
	return text ? (struct db_value){.kind = DB_TEXT, .bytes = bytes_of_text(text)}
		    : db_null();
}

struct db_value db_bytes(struct tobi_bytes bytes)
{
	return (struct db_value){.kind = DB_BYTES, .bytes = bytes};
}
