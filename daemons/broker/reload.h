/*
 * SIGHUP: the files are read anew in a thread of its own, while requests go on. When one
 * is broken, all stay as they were, and the log says which and why. Connections that are
 * open keep the TLS that they have.
 */
#ifndef TOBI_DAEMONS_BROKER_RELOAD_H
#define TOBI_DAEMONS_BROKER_RELOAD_H

#include "daemons/broker/load.h"
#include "daemons/broker/server.h"

struct reload {
	struct server *server;
	void (*done)(void *context); /* in the loop's thread, however it went */
	void *context;
	struct event *woken;
	int wake;
	pthread_t thread;
	bool running, again;
	struct loaded loaded; /* then: what is no longer used */
	enum tobi_err err;
	struct tobi_fault fault;
};

/* server, done and context are set. */
TOBI_MUST_USE enum tobi_err reload_init(struct reload *reload, struct tobi_fault *fault);
/* One at a time: of those that come meanwhile, one follows. */
void reload_start(struct reload *reload);
/* Waits for the one that runs. */
void reload_done(struct reload *reload);

#endif
