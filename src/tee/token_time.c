#include "tee/token_time.h"

#include <time.h>

enum { CLOCK_SKEW = 60 };

const char *token_time_text(struct arena *arena, int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&time, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return arena_printf(arena, "%s", text);
}

void token_time_examine(const struct tee_request *request,
			const struct token_times *times, const struct check *check,
			struct checklist *list)
{
	struct arena *arena = list->arena;
	int64_t latest = request->time + CLOCK_SKEW;
	int64_t from =
	    times->issued > times->not_before ? times->issued : times->not_before;

	if (from > latest)
		check_record(
		    list, check, false,
		    arena_printf(arena, "at most %s", token_time_text(arena, latest)),
		    token_time_text(arena, from));
	else
		check_record(
		    list, check, !times->expires || request->time < times->expires,
		    arena_printf(arena, "valid at %s",
				 token_time_text(arena, request->time)),
		    times->expires ? arena_printf(arena, "it expires at %s",
						  token_time_text(arena, times->expires))
				   : "it names no end");
}
