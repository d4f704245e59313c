/* How much of the service's time one enclave's agent may ask for. An agent paces itself
 * (docs/PROTOCOL.md section 6.2); this holds for one that was taken over, too. */
#ifndef PLATFORM_PACE_H
#define PLATFORM_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing was taken. */
struct pace {
	int64_t paid_ms; /* until when what was taken is paid for */
};

/* Of the monotonic clock. */
int64_t pace_now_ms(void);
/* Takes so many milliseconds, when no more than burst_ms are owed then; else nothing. */
bool pace_take(struct pace *pace, int64_t now_ms, unsigned cost_ms, unsigned burst_ms);

#endif
