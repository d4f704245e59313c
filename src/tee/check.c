#include "tee/check.h"

#include <stdlib.h>

#include "base/hex.h"
#include "base/secret.h"

/* The slot of the check, or the free one that it would get: there are more slots than
 * records. */
static uint16_t *find_slot(struct checklist *list, const struct check *check)
{
	/* Rows of one table are side by side. */
	size_t at = (uintptr_t)check / sizeof(*check) % CHECKLIST_SLOTS;

	while (list->slots[at] && list->records[list->slots[at] - 1].check != check)
		at = (at + 1) % CHECKLIST_SLOTS;
	return &list->slots[at];
}

static struct check_record *find(struct checklist *list, const struct check *check)
{
	uint16_t slot = *find_slot(list, check);

	return slot ? &list->records[slot - 1] : NULL;
}

/* The tables together are far below CHECKLIST_MAX; one row too many is a fault of ours.
 */
static struct check_record *find_or_add(struct checklist *list, const struct check *check)
{
	uint16_t *slot = find_slot(list, check);
	struct check_record *record;

	if (*slot)
		return &list->records[*slot - 1];
	if (list->count == CHECKLIST_MAX)
		abort();
	record = &list->records[list->count++];
	*record = (struct check_record){check, TOBI_NOT_RUN, "", ""};
	*slot = (uint16_t)list->count;
	return record;
}

/* A text that cannot be kept is left out; the outcome never is. */
static const char *keep(struct checklist *list, const char *text)
{
	const char *copy = "";

	if (text && *text)
		copy = arena_text(list->arena, bytes_of_text(text));

	return copy ? copy : "";
}

void check_owe(struct checklist *list, const struct check *check)
{
	struct check_record *record = find_or_add(list, check);

	if (record->outcome == TOBI_NOT_ASKED)
		record->outcome = TOBI_NOT_RUN;
}

bool check_record(struct checklist *list, const struct check *check, bool passed,
		  const char *expected, const char *found)
{
	struct check_record *record = find_or_add(list, check);

	if (record->outcome == TOBI_FAILED)
		return passed;
	record->outcome = passed ? TOBI_PASSED : TOBI_FAILED;
	record->expected = keep(list, expected);
	record->found = keep(list, found);
	return passed;
}

void check_not_asked(struct checklist *list, const struct check *check, const char *why)
{
	struct check_record *record = find_or_add(list, check);

	if (record->outcome != TOBI_NOT_RUN)
		return;
	record->outcome = TOBI_NOT_ASKED;
	record->found = keep(list, why);
}

void check_waive(struct checklist *list, const struct check *check, const char *why)
{
	struct check_record *record = find(list, check);

	if (!record || record->outcome != TOBI_NOT_RUN)
		return;
	record->outcome = TOBI_NOT_ASKED;
	record->found = keep(list, why);
}

static const char *hex_text(struct checklist *list, struct tobi_bytes bytes)
{
	char *text;

	if (bytes.size == 0)
		return "nothing";
	text = arena_alloc(list->arena, 2 * bytes.size + 1);
	if (!text)
		return "";
	hex_write(bytes, text, 2 * bytes.size + 1);
	return text;
}

bool check_record_equal(struct checklist *list, const struct check *check,
			struct tobi_bytes expected, struct tobi_bytes found)
{
	return check_record(list, check, bytes_equal_secret(expected, found),
			    hex_text(list, expected), hex_text(list, found));
}
