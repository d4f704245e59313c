#include "base/deadline.h"

#include <limits.h>

enum { NS_PER_MS = 1000000, MS_PER_S = 1000 };

struct timespec deadline_in(unsigned ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += ms / MS_PER_S;
	time.tv_nsec += (long)(ms % MS_PER_S) * NS_PER_MS;
	if (time.tv_nsec >= MS_PER_S * (long)NS_PER_MS) {
		time.tv_sec++;
		time.tv_nsec -= MS_PER_S * (long)NS_PER_MS;
	}
	return time;
}

int deadline_left_ms(const struct timespec *deadline)
{
	struct timespec now;
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (deadline->tv_sec - now.tv_sec > INT_MAX / MS_PER_S - 1)
		return INT_MAX;
	ms = (deadline->tv_sec - now.tv_sec) * MS_PER_S +
	     (deadline->tv_nsec - now.tv_nsec) / NS_PER_MS;
	return ms > 0 ? (int)ms : 0;
}
