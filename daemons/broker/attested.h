/*
 * What a client has proven of itself on its connection: shared by the connection and the
 * requests that came by it, as a request may outlive the connection.
 */
#ifndef TOBI_DAEMONS_BROKER_ATTESTED_H
#define TOBI_DAEMONS_BROKER_ATTESTED_H

#include "broker/release.h"

struct attested;

/* Of a session that was opened now. Copies the bytes. remote is the client's address. One
 * reference, the caller's. NULL: out of memory. */
struct attested *attested_new(struct tobi_bytes claims_buffer,
			      struct tobi_bytes collection, const char *remote);
/* Both accept NULL. Threads: any. */
struct attested *attested_ref(struct attested *attested);
void attested_unref(struct attested *attested);
/* NULL for NULL. */
const struct presented *attested_presented(const struct attested *attested);

#endif
