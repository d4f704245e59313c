#include "daemons/broker/attested.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"

struct attested {
	atomic_uint references;
	struct writer claims_buffer, collection;
	char remote[INET6_ADDRSTRLEN];
	struct presented presented;
};

struct attested *attested_new(struct tobi_bytes claims_buffer,
			      struct tobi_bytes collection, const char *remote)
{
	struct attested *attested = calloc(1, sizeof(*attested));

	if (!attested)
		return NULL;
	atomic_init(&attested->references, 1);
	attested->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	attested->collection = wr_init(LIMIT_EVIDENCE);
	wr_bytes(&attested->claims_buffer, claims_buffer.ptr, claims_buffer.size);
	wr_bytes(&attested->collection, collection.ptr, collection.size);
	snprintf(attested->remote, sizeof(attested->remote), "%s", remote);
	if (wr_err(&attested->claims_buffer) || wr_err(&attested->collection)) {
		attested_unref(attested);
		return NULL;
	}
	attested->presented =
	    (struct presented){.evidence = wr_view(&attested->collection),
			       .claims_buffer = wr_view(&attested->claims_buffer),
			       .since = time(NULL),
			       .remote = attested->remote,
			       .channel = "atls"};
	return attested;
}

struct attested *attested_ref(struct attested *attested)
{
	if (attested)
		atomic_fetch_add_explicit(&attested->references, 1, memory_order_relaxed);
	return attested;
}

void attested_unref(struct attested *attested)
{
	if (!attested ||
	    atomic_fetch_sub_explicit(&attested->references, 1, memory_order_acq_rel) > 1)
		return;
	wr_done(&attested->claims_buffer);
	wr_done(&attested->collection);
	free(attested);
}

const struct presented *attested_presented(const struct attested *attested)
{
	return attested ? &attested->presented : NULL;
}
