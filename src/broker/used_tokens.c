/*
 * When a token has expired its number may go. But a clock that jumps ahead and comes back
 * makes a token valid again that had expired in between. So numbers go in two steps: what
 * has expired is marked, and goes when so much time has really passed that it counts no
 * more under any clock. A mark is a negative number in the place of `expires`, new for
 * each round.
 */
#include "broker/used_tokens.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/fault.h"
#include "broker/store.h"
#include "token/request_token.h"

/* One of so many signatures looks whether a round is over. */
enum { LOOK_EVERY = 64 };

_Static_assert(USED_TOKENS_QUIET_MS / 1000 >
		   REQUEST_TOKEN_SECONDS + USED_TOKENS_SKEW_SECONDS,
	       "a token lives that long");

struct used_tokens {
	pthread_mutex_t lock;
	unsigned quiet_ms;
	int64_t mark; /* of this process's round; 0 before the first */
	struct timespec until;
};

struct used_tokens *used_tokens_new(void)
{
	struct used_tokens *used = calloc(1, sizeof(*used));

	if (!used)
		return NULL;
	if (pthread_mutex_init(&used->lock, NULL)) {
		free(used);
		return NULL;
	}
	used->quiet_ms = USED_TOKENS_QUIET_MS;
	return used;
}

void used_tokens_free(struct used_tokens *used)
{
	if (!used)
		return;
	pthread_mutex_destroy(&used->lock);
	free(used);
}

void used_tokens_set_quiet(struct used_tokens *used, unsigned ms)
{
	pthread_mutex_lock(&used->lock);
	used->quiet_ms = ms;
	used->until = deadline_in(ms);
	pthread_mutex_unlock(&used->lock);
}

/* Below zero. */
static bool make_mark(int64_t *ret_mark)
{
	uint64_t drawn;

	if (RAND_bytes((unsigned char *)&drawn, sizeof(drawn)) != 1)
		return false;
	*ret_mark = -1 - (int64_t)(drawn >> 1);
	return true;
}

/* Whether a round begins; *ret_old is what the last one has marked. */
static bool next_round(struct used_tokens *used, int64_t *ret_old, int64_t *ret_new)
{
	bool due;

	pthread_mutex_lock(&used->lock);
	due = (!used->mark || deadline_left_ms(&used->until) == 0) && make_mark(ret_new);
	if (due) {
		*ret_old = used->mark;
		used->mark = *ret_new;
		used->until = deadline_in(used->quiet_ms);
	}
	pthread_mutex_unlock(&used->lock);
	return due;
}

/* What is not done now is done by a later round: the first one of a process takes over
 * what others have marked that are gone. */
static enum tobi_err tidy(struct broker *broker, int64_t now, struct tobi_fault *fault)
{
	int64_t old, mark;
	struct db_value values[3];
	enum tobi_err err = TOBI_OK;

	if (!next_round(broker->used, &old, &mark))
		return TOBI_OK;
	values[0] = db_integer(old);
	if (old)
		err = store_run(broker->db, "DELETE FROM used_token WHERE expires = ?",
				values, 1, NULL, NULL, NULL, fault);
	values[0] = db_integer(mark);
	values[1] = db_integer(now - USED_TOKENS_SKEW_SECONDS);
	values[2] = db_integer(old ? 0 : INT64_MIN);
	return err ? err
		   : store_run(broker->db,
			       "UPDATE used_token SET expires = ? WHERE expires < ? "
			       "AND expires >= ?",
			       values, 3, NULL, NULL, NULL, fault);
}

enum tobi_err used_tokens_add(struct broker *broker, const uint8_t id[static SHA256_SIZE],
			      int64_t expires, int64_t now, struct tobi_fault *fault)
{
	const struct db_value values[] = {db_bytes((struct tobi_bytes){id, SHA256_SIZE}),
					  db_integer(expires)};
	enum tobi_err err =
	    store_run(broker->db, "INSERT INTO used_token (id, expires) VALUES (?, ?)",
		      values, 2, NULL, NULL, NULL, fault);

	return err || id[0] % LOOK_EVERY != 0 ? err : tidy(broker, now, fault);
}
