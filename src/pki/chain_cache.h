/*
 * Chains that were verified, remembered: who appraises many pieces of one platform pays
 * for its chain once. Only what chain_verify() accepted is kept, with the time in which
 * every certificate of the chain is valid; a change of a byte of the chain, of the
 * anchors or of the purpose is another chain. Bounded, and safe for many threads.
 */
#ifndef TOBI_PKI_CHAIN_CACHE_H
#define TOBI_PKI_CHAIN_CACHE_H

#include "pki/chain.h"

struct chain_cache;

/* NULL when there is no memory. */
struct chain_cache *chain_cache_new(void);
void chain_cache_free(struct chain_cache *cache);
DEFINE_CLEANUP(struct chain_cache *, chain_cache_free)

/* Reads anchors now, and not for every chain that is verified with them. anchors_pem is
 * borrowed for as long as the cache lives. Before the cache has other users. */
TOBI_MUST_USE enum tobi_err chain_cache_trust(struct chain_cache *cache,
					      struct tobi_bytes anchors_pem,
					      const char *object,
					      struct tobi_fault *fault);
/* The leaf's key, a reference of the caller's own; NULL when this chain is not known to
 * be valid at request->time. NULL too for a NULL cache and for a request with a host
 * name. */
EVP_PKEY *chain_cache_find(struct chain_cache *cache,
			   const struct chain_request *request);
/* chain_verify(), then remembers what it accepted. cache may be NULL. */
TOBI_MUST_USE enum tobi_err
chain_cache_verify(struct chain_cache *cache, const struct chain_request *request,
		   const char *object, EVP_PKEY **ret_leaf_key, struct tobi_fault *fault);

#endif
