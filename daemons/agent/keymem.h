/*
 * The agent's key memory: every small allocation of OpenSSL (keys, big numbers, cipher
 * and TLS states) comes from one arena in memfd_secret memory, which the kernel takes out
 * of its own map; or, where there is none, in locked memory that no dump holds
 * (base/secret.h).
 *
 * OpenSSL's own secure heap cannot be put on a mapping of ours, so its allocator is
 * replaced as a whole. Blocks over KEYMEM_SMALL (record buffers, which hold data and
 * never keys) come from the heap. All blocks are wiped when they are freed. One thread
 * only.
 */
#ifndef AGENT_KEYMEM_H
#define AGENT_KEYMEM_H

#include <stdbool.h>
#include <stddef.h>

#include "tobichi/error.h"

enum { KEYMEM_SMALL = 8192 };

/*
 * To be called before anything of OpenSSL or libevent is. Also lets libevent's buffers be
 * wiped when freed. Fails when memory cannot be locked, or OpenSSL has allocated already.
 */
TOBI_MUST_USE enum tobi_err keymem_init(struct tobi_fault *fault);
/* In memfd_secret memory, or only locked. */
bool keymem_is_hidden(void);
/* The size of the arena: it bounds how many sessions there can be. */
size_t keymem_size(void);
/* True when ptr is in the arena. */
bool keymem_holds(const void *ptr);
/* Wipes the arena. Nothing of OpenSSL may be called afterwards. */
void keymem_wipe(void);

#endif
