/* A platform: its hardware's counter and its one file, either of which can fail. */
#ifndef TESTS_ROOT_COUNTERS_WORLD_H
#define TESTS_ROOT_COUNTERS_WORLD_H

#include "root/counters.h"
#include "root/counters_file.h"
#include "tests/bytes.h"

struct platform {
	char folder[40];
	uint64_t hardware;
	unsigned
	    steps_left; /* until the power goes; each step that is asked for takes one
			 */
	bool late;	/* it goes after that step was done, not before */
	bool off;
};
extern struct platform platform;
extern const uint8_t first[COUNTER_OWNER_SIZE], second[COUNTER_OWNER_SIZE];

enum { FOR_EVER = 1 << 30, COPIES = 64 };

/* The files that were written last: what somebody who copies them has. */
extern struct block copies[COPIES];
extern size_t copy_count;

int enter(void **state);
int leave(void **state);
void path_of(char out[static 64]);
struct block read_file(void);
void write_file(struct tobi_bytes bytes);

struct counters_setup setup_with(bool anchored);
void must_create(void);
struct counters *must_open(bool anchored);
enum tobi_err try_open(bool anchored);
uint64_t get(struct counters *counters, const uint8_t *owner, const char *name);
uint64_t add(struct counters *counters, const uint8_t *owner, const char *name);

#endif
