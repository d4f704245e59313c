#include "daemons/broker/clients.h"

#include <netinet/in.h>
#include <stdlib.h>

#include <openssl/rand.h>

#include "base/endian.h"
#include "base/fault.h"

/* 8192 addresses, by eight: whoever would push another one out must know the seeds. */
enum { SETS = 1024, SET_BITS = 10, WAYS = 8, MILLI = 1000 };

struct clients {
	struct clients_limits limits;
	uint64_t seeds[3];
	struct client table[SETS][WAYS];
};

void bucket_fill(struct bucket *bucket, uint64_t burst, int64_t now_ms)
{
	bucket->milli = burst * MILLI;
	bucket->at_ms = now_ms;
}

bool bucket_take(struct bucket *bucket, uint64_t rate, uint64_t burst, int64_t now_ms)
{
	uint64_t most = burst * MILLI, passed;

	if (!rate)
		return true;
	/* A clock that stands still or jumps back gives nothing. */
	passed = now_ms > bucket->at_ms ? (uint64_t)(now_ms - bucket->at_ms) : 0;
	/* One of rate tokens a second is one thousandth of it a millisecond. */
	if (passed > most / rate)
		bucket->milli = most;
	else
		bucket->milli += passed * rate;
	if (bucket->milli > most)
		bucket->milli = most;
	bucket->at_ms = now_ms;
	if (bucket->milli < MILLI)
		return false;
	bucket->milli -= MILLI;
	return true;
}

enum tobi_err clients_new(const struct clients_limits *limits,
			  struct clients **ret_clients, struct tobi_fault *fault)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients)
		return fault_set(fault, TOBI_E_MEMORY, "broker", "", "out of memory");
	clients->limits = *limits;
	if (RAND_bytes((unsigned char *)clients->seeds, sizeof(clients->seeds)) != 1) {
		free(clients);
		return fault_set(fault, TOBI_E_CRYPTO, "broker", "", "no randomness");
	}
	*ret_clients = clients;
	return TOBI_OK;
}

void clients_free(struct clients *clients)
{
	free(clients);
}

/* An IPv4 address in IPv6's clothes is the same one. */
static void key_of(const struct sockaddr *address, uint64_t ret_key[static 2])
{
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	ret_key[0] = ret_key[1] = 0;
	if (address->sa_family == AF_INET) {
		ret_key[1] = 1 + (uint64_t)four->sin_addr.s_addr;
	} else if (address->sa_family == AF_INET6) {
		const uint8_t *bytes = six->sin6_addr.s6_addr;
		uint32_t last;

		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
			/* In the order of the bytes, as sin_addr has it. */
			last = htonl(load_u32be(bytes + 12));
			ret_key[1] = 1 + (uint64_t)last;
		} else {
			ret_key[0] = load_u64be(bytes);
		}
	}
}

/* Universal hashing (multiply, shift), with secret odd factors. */
static struct client *set_of(struct clients *clients, const uint64_t key[static 2])
{
	uint64_t mixed = (clients->seeds[0] | 1) * key[0] +
			 (clients->seeds[1] | 1) * key[1] + clients->seeds[2];

	return clients->table[mixed >> (64 - SET_BITS)];
}

static struct client *find(struct clients *clients, const uint64_t key[static 2],
			   int64_t now_ms)
{
	struct client *set = set_of(clients, key), *oldest = NULL;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].used && set[i].key[0] == key[0] && set[i].key[1] == key[1])
			return &set[i];
	}
	for (int i = 0; i < WAYS; i++) {
		if (!set[i].used ||
		    (!set[i].connections &&
		     (!oldest ||
		      (oldest->used && set[i].bucket.at_ms < oldest->bucket.at_ms))))
			oldest = &set[i];
		if (!set[i].used)
			break;
	}
	if (oldest) {
		*oldest = (struct client){.key = {key[0], key[1]}, .used = true};
		bucket_fill(&oldest->bucket, clients->limits.burst, now_ms);
	}
	return oldest;
}

struct client *clients_join(struct clients *clients, const struct sockaddr *address,
			    int64_t now_ms)
{
	struct client *client;
	uint64_t key[2];

	key_of(address, key);
	client = find(clients, key, now_ms);
	if (!client || client->connections >= clients->limits.connections)
		return NULL;
	client->connections++;
	return client;
}

void clients_leave(struct clients *clients, struct client *client)
{
	(void)clients;
	client->connections--;
}

bool clients_may(struct clients *clients, struct client *client, int64_t now_ms)
{
	return bucket_take(&client->bucket, clients->limits.rate, clients->limits.burst,
			   now_ms);
}
