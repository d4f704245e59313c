#include "daemons/platform/pace.h"

#include <time.h>

int64_t pace_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

bool pace_take(struct pace *pace, int64_t now_ms, unsigned cost_ms, unsigned burst_ms)
{
	int64_t paid_ms = pace->paid_ms > now_ms ? pace->paid_ms : now_ms;

	if (paid_ms - now_ms + cost_ms > burst_ms)
		return false;
	pace->paid_ms = paid_ms + cost_ms;
	return true;
}
