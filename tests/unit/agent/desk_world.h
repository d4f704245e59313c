/* A desk, whose service is the test. */
#ifndef TESTS_DESK_WORLD_H
#define TESTS_DESK_WORLD_H

#include "tests/bytes.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "desk.h"
#include "ipc/packet.h"
#include "seal/client.h"
#include "seal/memfile.h"

struct desk_world {
	char folder[40], path[64];
	struct event_base *base;
	struct desk *desk;
	struct seal_identity identity;
	unsigned keys_asked, counters_asked;
	/* Those that are kept elsewhere: enter_counting(). */
	uint64_t counts[4];
	unsigned counts_asked;
	enum tobi_err begun; /* what begin() says */
	struct key_wanted key;
	struct counter_wanted counter;
	char name[TOBI_COUNTER_NAME_MAX + 1];
	uint64_t connects[4];
	unsigned connects_asked;
	char target[32];
	/* What peer() says, and was asked. */
	struct peer_told told;
	struct tobi_bytes collection;
	enum tobi_err no_peer;
	uint16_t source, port;
};
extern struct desk_world world;
extern const uint8_t key[SEAL_KEY_SIZE];
extern const struct ask seal, unseal;

int enter_with(int idle_ms);
int enter(void **state);
int enter_counting(void **state);
int leave(void **state);
void run(void);
int visit(void);
void say(int fd, const struct ask *ask, int content);
int visit_with(const struct ask *ask, struct tobi_bytes content);
enum tobi_err hear(int fd, struct answer *ret_answer, int *ret_content);
/* The error that was answered, or that there is no answer yet. */
enum tobi_err told(int fd);
void give_key(void);
struct block content_of(int fd);
struct block seal_text(const char *text);

#endif
