#include "asked.h"

bool asked_put(struct asked *asked, enum asked_kind kind)
{
	if (asked->count == ASKED_MAX)
		return false;
	asked->kinds[(asked->first + asked->count++) % ASKED_MAX] = (unsigned char)kind;
	return true;
}

enum asked_kind asked_take(struct asked *asked)
{
	enum asked_kind kind;

	if (!asked->count)
		return ASKED_NOTHING;
	kind = (enum asked_kind)asked->kinds[asked->first];
	asked->first = (asked->first + 1) % ASKED_MAX;
	asked->count--;
	return kind;
}
