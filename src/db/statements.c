#include "db/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a; texts are the program's own, so nobody chooses them to collide. */
static uint64_t hash_of(const char *text, const struct db_value *values, size_t count)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ (uint8_t)values[i].kind) * 0x100000001b3;
	return hash;
}

static bool is_of(const struct statement *statement, const char *text,
		  const struct db_value *values, size_t count)
{
	if (statement->count != count || strcmp(statement->text, text) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (statement->kinds[i] != (uint8_t)values[i].kind)
			return false;
	}
	return true;
}

void statements_drop(struct statements *set, struct statement *statement)
{
	if (statement->handle)
		set->end(set->context, statement);
	free(statement->text);
	free(statement->kinds);
	*statement = (struct statement){0};
}

static struct statement *fill(struct statements *set, struct statement *slot,
			      uint64_t hash, const char *text,
			      const struct db_value *values, size_t count)
{
	statements_drop(set, slot);
	slot->text = strdup(text);
	slot->kinds = malloc(count + 1);
	if (!slot->text || !slot->kinds) {
		statements_drop(set, slot);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		slot->kinds[i] = (uint8_t)values[i].kind;
	slot->count = count;
	slot->hash = hash;
	slot->used = ++set->clock;
	snprintf(slot->name, sizeof(slot->name), "t%llu",
		 (unsigned long long)(++set->made % 1000000000000));
	return slot;
}

struct statement *statements_get(struct statements *set, const char *text,
				 const struct db_value *values, size_t count)
{
	const uint64_t hash = hash_of(text, values, count);
	struct statement *oldest = NULL;

	for (size_t i = 0; i < DB_STATEMENTS; i++) {
		struct statement *slot = &set->slots[i];

		if (slot->busy)
			continue;
		if (slot->text && slot->hash == hash &&
		    is_of(slot, text, values, count)) {
			slot->used = ++set->clock;
			return slot;
		}
		if (!oldest || slot->used < oldest->used)
			oldest = slot;
	}
	return oldest ? fill(set, oldest, hash, text, values, count) : NULL;
}

void statements_done(struct statements *set)
{
	for (size_t i = 0; i < DB_STATEMENTS; i++)
		statements_drop(set, &set->slots[i]);
}
