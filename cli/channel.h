/* What `connect` and `send` share: a policy, an address, and sessions with it. */
#ifndef CLI_CHANNEL_H
#define CLI_CHANNEL_H

#include "atls/conn.h"
#include "cli/collateral_load.h"
#include "cli/dial.h"

struct channel_options {
	const char *target; /* HOST:PORT, [ADDR]:PORT */
	const char *policy; /* paths */
	const char *key;    /* or NULL */
	const char *name;   /* host name for identity "ca"; NULL: that of target */
	struct collateral_paths collateral;
	bool quiet, verbose;
	const char *const *protocols;
};

struct channel {
	struct channel_options options;
	char host[256], port[8];
	struct dial_target address;
	struct tobi_policy *policy;
	struct tobi_collateral *collateral;
	struct atls_endpoint endpoint;
	struct writer certificate;
	struct event_base *base;
	struct event *signals[2];
	bool interrupted;
	unsigned ended; /* sessions of --listen */
};

/* Reads policy and key; nothing is connected yet. Zero, or an exit status after the
 * message. channel stays where it is and is given to channel_done() in any case. */
int channel_init(struct channel *channel, const char *command,
		 const struct channel_options *options);
void channel_done(struct channel *channel);
/* HOST:PORT into its parts; false when it is none. */
bool channel_split(const char *text, char *ret_host, size_t host_room, char *ret_port,
		   size_t port_room);
/* A session with the target; events as in atls/conn.h. The first looks the target up and
 * waits until it is connected; further ones go to the same address and do not wait. */
TOBI_MUST_USE enum tobi_err channel_connect(struct channel *channel,
					    const struct atls_events *events,
					    void *context, struct atls_conn **ret_conn,
					    struct tobi_fault *fault);
/* Prints the verdict, and the checklist as the options say; gives the exit status.
 * fault: why there is no session; NULL after an acceptance. */
int channel_report(const struct channel *channel, const struct atls_conn *conn,
		   const struct tobi_fault *fault);

#endif
