/* Ranges of host user ids, which all platform services of root on a host share. */
#ifndef TOBI_ISOLATE_SLOT_H
#define TOBI_ISOLATE_SLOT_H

#include "tobichi/error.h"

enum {
	SLOT_USER_IDS = 65536,
	SLOT_FIRST_USER_ID = 0x70000000,
	SLOT_COUNT = 4096, /* up to 0x7fffffff, the last id that everything takes */
};

/* One for each host: a service in another place must find the same. */
#define SLOT_FILE "/run/tobichi.slots"

/*
 * Takes a slot that nobody has: byte N of the file is locked as long as *ret_fd, which
 * the caller closes, or a copy of it is open. The kernel lets go of it with the last
 * process that has it, however that ends. path: SLOT_FILE, or another for tests.
 */
TOBI_MUST_USE enum tobi_err slot_take(const char *path, unsigned *ret_slot, int *ret_fd,
				      struct tobi_fault *fault);

#endif
