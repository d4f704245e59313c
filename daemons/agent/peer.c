#include "peer.h"

#include "base/fault.h"
#include "base/secret.h"
#include "seal/memfile.h"

void peer_collect(const struct manifest *manifest, struct atls_endpoint *endpoint)
{
	/* The name by which a broker's clients know that it is one (section 18.2): it
	 * changes nothing here. */
	static const char *const protocols[] = {ATLS_PROTOCOL_SECRETS,
						ATLS_PROTOCOL_BROKER, NULL};

	if (!bytes_equal_text(manifest->clients, CLIENTS_BY_PROGRAM))
		return;
	endpoint->collects = true;
	endpoint->lenient = true;
	endpoint->ask_certificate = true;
	endpoint->protocols = protocols;
	endpoint->max_age_ms = PROXY_COLLECTED_AGE_MS;
}

enum tobi_err peer_tell(void *context, const struct ask *ask, struct peer_told *ret_told,
			int *ret_collection, struct tobi_fault *fault)
{
	struct peer_source *source = context;
	struct proxy_peer *peer = &source->last;
	enum tobi_err err;

	if (!*source->proxy)
		return fault_set(fault, TOBI_E_NOT_FOUND, "peer", "",
				 "nobody can connect to this enclave");
	if (!source->endpoint->collects)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "peer", "",
				 "the image does not leave its clients to the program; "
				 "build it with --client-policy program");
	err = proxy_peer(*source->proxy, ask->source, ask->port, peer, fault);
	if (!err)
		err = memfile_new(peer->collection, ret_collection, fault);
	if (err)
		return err;
	*ret_told =
	    (struct peer_told){.claims_buffer = peer->claims_buffer,
			       .address = bytes_of_text(peer->address),
			       .key = {peer->key, peer->has_key ? sizeof(peer->key) : 0}};
	return TOBI_OK;
}
