/* Memory that runs out on purpose: malloc() and its kin of the whole process. */
#ifndef TESTS_TORTURE_FAILING_H
#define TESTS_TORTURE_FAILING_H

#include <stdbool.h>

/* The allocation of this number, from 1 on and from now on, fails; 0: none does. */
void failing_start(unsigned long number);
/* How many there were since; none fails from now on. */
unsigned long failing_stop(void);
/* Whether one was made to fail since the start. */
bool failing_happened(void);
/* A piece of the test itself, in which none fails and none is counted. What was so before
 * goes back to failing_resume(). */
bool failing_pause(void);
void failing_resume(bool counted);
/* Once, first: libevent's own allocations do not fail (failing_event.c). */
void failing_spare_libevent(void);
/* Counts as an allocation: true when it is to fail. */
bool failing_now(void);
/* Blocks that are allocated and not freed. */
long failing_live(void);

#endif
