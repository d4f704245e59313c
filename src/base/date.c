#include "base/date.h"

#include <string.h>
#include <time.h>

bool date_read(const char *text, int64_t *ret_seconds)
{
	static const char form[] = "%Y-%m-%dT%H:%M:%SZ";
	char again[sizeof("2026-05-17T12:00:00Z")] = "";
	struct tm tm = {0};
	const char *end = strptime(text, form, &tm);
	time_t seconds = end && !*end ? timegm(&tm) : -1;

	/* Written again it must be the same: timegm() makes a March out of the 30th of
	 * February, and strptime() passes over blanks and zeros. */
	if (seconds < 0 || !strftime(again, sizeof(again), form, &tm) ||
	    strcmp(text, again) != 0)
		return false;
	*ret_seconds = seconds;
	return true;
}
