/* Two exchanges that talk to each other, and everything in between that a test can bend.
 */
#ifndef TESTS_UNIT_ATLS_PAIR_H
#define TESTS_UNIT_ATLS_PAIR_H

#include "tests/check.h"

#include "atls/exchange.h"
#include "base/arena.h"

/* One side with everything that comes from outside replaced by something that a test can
 * bend: its exporter secret, its idea of both keys, its verdict on evidence. */
struct side {
	struct atls_exchange_setup setup;
	uint8_t secret[32], own_key[32], peer_key[32];
	struct arena arena;
	struct checklist list;
	struct atls_appraiser appraiser;
	enum tobi_verdict verdict;
	unsigned asked; /* how often its appraiser ran */
	struct writer collection;
	struct atls_exchange *x;
};

/* Bends what passes from one side to the other; frame and its index in that direction. */
typedef void bend(struct writer *wire, unsigned index, const struct tobi_bytes frame,
		  void *context);

struct pair {
	struct side client, server;
	bend *to_server, *to_client;
	void *context;
	size_t chunk;	    /* bytes at a time; 0: all */
	struct writer data; /* what a side left unread once open */
};

enum flow { SERVER_ATTESTS, MUTUAL, CLIENT_ATTESTS };

/* The evidence types that both sides know. */
extern const char *const pair_types[];

void side_init(struct side *side, enum tobi_role role, bool attests, bool verifies);
void side_done(struct side *side);
/* Prepared; what a test bends in the setups holds from pair_start() on. */
void pair_init(struct pair *pair, enum flow flow);
void pair_start(struct pair *pair);
/* Starts, and goes on until neither side has anything to say. */
void pair_run(struct pair *pair);
void pair_done(struct pair *pair);

void deliver(struct pair *pair, struct side *to, struct tobi_bytes bytes);
/* Moves what one side has to say, frame by frame through the bend. */
bool carry(struct pair *pair, struct side *from, struct side *to, bend *change,
	   unsigned *count);
bool attest(struct side *side);

bool is_open(const struct side *side);
enum tobi_outcome outcome(const struct side *side, const struct check *check);
/* Exactly these binding checks have failed, of the four. */
void assert_failed(const struct side *side, bool nonce, bool role, bool key, bool binder);
void assert_closed(const struct side *side, enum tobi_err code);
/* The peer was told this and no more. */
void assert_told(const struct side *side, enum tobi_err code, unsigned reason);

#endif
