/*
 * The agent's key memory: from keymem_hide() on every small allocation of OpenSSL (random
 * state, keys, big numbers, cipher and TLS states) comes from one arena in memfd_secret
 * memory, which the kernel takes out of its own map; or, where there is none, in locked
 * memory that no dump holds (base/secret.h). Each page that is taken out costs all
 * processors a flush; so OpenSSL's tables of algorithms, which hold no secret and are
 * most of what it allocates, are made before (algorithms.h), and lie in the heap; and so
 * do its arrays of pointers and its names of algorithms.
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
 * To be called before anything of OpenSSL or libevent is. OpenSSL's settings file, which
 * would be the image's and may name code to load, is not read, now or later. Also lets
 * libevent's buffers be wiped when freed. Fails when memory cannot be locked, or OpenSSL
 * has allocated already.
 */
TOBI_MUST_USE enum tobi_err keymem_init(struct tobi_fault *fault);
/* From here on there may be secrets. What was allocated before stays where it is, and
 * moves into the arena when it is resized. */
void keymem_hide(void);
/* In memfd_secret memory, or only locked. */
bool keymem_is_hidden(void);
/* The size of the arena: it bounds how many sessions there can be. */
size_t keymem_size(void);
/* True when ptr is in the arena. */
bool keymem_holds(const void *ptr);
/* Wipes the arena. Nothing of OpenSSL may be called afterwards. */
void keymem_wipe(void);

#endif
