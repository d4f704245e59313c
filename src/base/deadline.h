/* Moments by which something must be done: of the clock that only runs forward, which is
 * no time of day. */
#ifndef TOBI_BASE_DEADLINE_H
#define TOBI_BASE_DEADLINE_H

#include <time.h>

/* Of CLOCK_MONOTONIC, as pthread_mutex_clocklock() and condition variables take it. */
struct timespec deadline_in(unsigned ms);
/* Zero when it has passed. */
int deadline_left_ms(const struct timespec *deadline);

#endif
