/* Asks a broker of this configuration how it is, over its own listener. */
#ifndef TOBI_DAEMONS_BROKER_PROBE_H
#define TOBI_DAEMONS_BROKER_PROBE_H

#include "daemons/broker/config.h"

enum probe_answer {
	PROBE_AWAY,  /* nobody answers there */
	PROBE_OTHER, /* somebody else does: another certificate, or no HTTP */
	PROBE_ALIVE, /* it answers, but is not ready */
	PROBE_READY,
};
enum probe_answer probe_ready(const struct config *config);

#endif
