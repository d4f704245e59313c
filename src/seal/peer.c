#include "seal/peer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "pki/key.h"
#include "seal/client.h"
#include "seal/memfile.h"

struct tobi_peer {
	struct writer claims_buffer;
	uint8_t *collection;
	size_t size;
	char address[INET6_ADDRSTRLEN];
	uint8_t key[SHA384_SIZE];
	bool has_key;
};

DEFINE_CLEANUP(struct tobi_peer *, tobi_peer_free)

static bool loopback_port(const struct sockaddr_in *at, socklen_t size,
			  uint16_t *ret_port)
{
	if (size != sizeof(*at) || at->sin_family != AF_INET ||
	    at->sin_addr.s_addr != htonl(INADDR_LOOPBACK))
		return false;
	*ret_port = ntohs(at->sin_port);
	return true;
}

enum tobi_err peer_question(int fd, struct ask *ret_ask, struct tobi_fault *fault)
{
	struct sockaddr_in far = {0}, near = {0};
	socklen_t far_size = sizeof(far), near_size = sizeof(near);
	struct ask ask = {.kind = ASK_PEER};

	if (getpeername(fd, (struct sockaddr *)&far, &far_size) ||
	    getsockname(fd, (struct sockaddr *)&near, &near_size) ||
	    !loopback_port(&far, far_size, &ask.source) ||
	    !loopback_port(&near, near_size, &ask.port))
		return fault_set(fault, TOBI_E_ARGUMENT, "peer", "",
				 "it is no connected socket of 127.0.0.1");
	*ret_ask = ask;
	return TOBI_OK;
}

enum tobi_err peer_is_still(int fd, const struct ask *ask, struct tobi_fault *fault)
{
	struct ask now;

	if (!peer_question(fd, &now, NULL) && now.source == ask->source &&
	    now.port == ask->port)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_NOT_FOUND, "peer", "", "it has gone meanwhile");
}

static enum tobi_err read_collection(int fd, struct tobi_peer *peer,
				     struct tobi_fault *fault)
{
	enum tobi_err err = memfile_size(fd, LIMIT_EVIDENCE, &peer->size, fault);

	if (err)
		return err;
	peer->collection = malloc(peer->size ? peer->size : 1);
	if (!peer->collection)
		return fault_set(fault, TOBI_E_MEMORY, "peer", "", "out of memory");
	return fd_pread_all(fd, peer->collection, peer->size, 0, "evidence", fault);
}

enum tobi_err peer_take(const struct packet *packet, struct tobi_peer **ret_peer,
			struct tobi_fault *fault)
{
	CLEANUP(tobi_peer_freep) struct tobi_peer *peer = NULL;
	struct answer answer;
	enum tobi_err err = answer_parse(wr_view(&packet->bytes), &answer, fault);

	if (err)
		return err;
	if (answer.kind != ANSWER_PEER || packet->fd_count != 1)
		return fault_set(fault, TOBI_E_PROTOCOL, "agent socket", "answer",
				 "it is to another question");
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return fault_set(fault, TOBI_E_MEMORY, "peer", "", "out of memory");
	peer->claims_buffer = wr_init(LIMIT_CLAIMS_BUFFER);
	wr_bytes(&peer->claims_buffer, answer.peer.claims_buffer.ptr,
		 answer.peer.claims_buffer.size);
	bytes_copy(peer->address, sizeof(peer->address) - 1, answer.peer.address.ptr,
		   answer.peer.address.size);
	bytes_copy(peer->key, sizeof(peer->key), answer.peer.key.ptr,
		   answer.peer.key.size);
	peer->has_key = answer.peer.key.size > 0;
	err = read_collection(packet->fds[0], peer, fault);
	if (!err && wr_err(&peer->claims_buffer))
		err = fault_set(fault, TOBI_E_MEMORY, "peer", "", "out of memory");
	/* Evidence that nobody knows what it is over proves nothing, and the reverse. */
	if (!err && !peer->size != !answer.peer.claims_buffer.size)
		err = fault_set(fault, TOBI_E_PROTOCOL, "agent socket", "answer",
				"evidence and claims-buffer come together");
	if (!err)
		*ret_peer = TAKE(peer);
	return err;
}

enum tobi_err tobi_peer_new(int fd, struct tobi_peer **ret_peer, struct tobi_fault *fault)
{
	CLEANUP(tobi_peer_freep) struct tobi_peer *peer = NULL;
	CLEANUP(packet_done) struct packet packet = {0};
	CLEANUP(fd_close) int agent = -1;
	struct ask ask;
	enum tobi_err err = peer_question(fd, &ask, fault);

	if (!err)
		err = client_connect(&agent, fault);
	if (!err)
		err = client_exchange(agent, &ask, -1, &packet, fault);
	if (!err)
		err = peer_take(&packet, &peer, fault);
	if (!err)
		err = peer_is_still(fd, &ask, fault);
	if (!err)
		*ret_peer = TAKE(peer);
	return err;
}

void tobi_peer_free(struct tobi_peer *peer)
{
	if (!peer)
		return;
	wr_done(&peer->claims_buffer);
	free(peer->collection);
	free(peer);
}

struct tobi_bytes tobi_peer_collection(const struct tobi_peer *peer)
{
	return peer ? (struct tobi_bytes){peer->collection, peer->size}
		    : (struct tobi_bytes){0};
}

struct tobi_bytes tobi_peer_claims_buffer(const struct tobi_peer *peer)
{
	return peer ? wr_view(&peer->claims_buffer) : (struct tobi_bytes){0};
}

const char *tobi_peer_address(const struct tobi_peer *peer)
{
	return peer ? peer->address : "";
}

bool tobi_peer_key(const struct tobi_peer *peer, uint8_t ret_key[48])
{
	if (!peer || !peer->has_key)
		return false;
	bytes_copy(ret_key, SHA384_SIZE, peer->key, SHA384_SIZE);
	return true;
}
