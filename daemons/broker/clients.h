/*
 * Who is connected, by address: how many connections each has, and how fast each may ask.
 * The table has a fixed size: an address that finds no room is told that it asks too
 * much, and nobody's flood takes memory.
 *
 * An IPv6 address counts by its first 64 bits, as one customer has that many.
 * Threads: the loop's only.
 */
#ifndef TOBI_DAEMONS_BROKER_CLIENTS_H
#define TOBI_DAEMONS_BROKER_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tobichi/error.h"

/* A token bucket: rate tokens a second, burst at most. */
struct bucket {
	uint64_t milli; /* thousandths of a token */
	int64_t at_ms;
};
void bucket_fill(struct bucket *bucket, uint64_t burst, int64_t now_ms);
/* Takes one; false when there is none. rate 0: no limit. */
bool bucket_take(struct bucket *bucket, uint64_t rate, uint64_t burst, int64_t now_ms);

struct client {
	uint64_t key[2];
	unsigned connections;
	unsigned attesting; /* of them, those whose attested session is not open yet */
	bool used;
	struct bucket bucket;
};

struct clients;

struct clients_limits {
	unsigned connections; /* of one address */
	uint64_t rate, burst; /* of one address */
};

TOBI_MUST_USE enum tobi_err clients_new(const struct clients_limits *limits,
					struct clients **ret_clients,
					struct tobi_fault *fault);
void clients_free(struct clients *clients);

/* One connection more of that address; NULL when it has too many, or there is no room. */
struct client *clients_join(struct clients *clients, const struct sockaddr *address,
			    int64_t now_ms);
void clients_leave(struct clients *clients, struct client *client);
/* May it ask once more? */
bool clients_may(struct clients *clients, struct client *client, int64_t now_ms);

#endif
