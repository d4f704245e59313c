#include "tests/unit/atls/pair.h"

#include <stdlib.h>

#include "appraise/atls_checks.h"
#include "base/endian.h"
#include "tests/unit/atls/vectors.h"

const char *const pair_types[] = {"eat", NULL};

static enum tobi_verdict appraise(void *context, struct tobi_bytes claims_buffer,
				  struct tobi_bytes collection,
				  enum atls_reason *ret_reason,
				  struct tobi_fault *ret_fault)
{
	struct side *side = context;

	side->asked++;
	assert_true(claims_buffer.size > 0 && collection.size > 0);
	if (side->verdict == TOBI_ACCEPT)
		return TOBI_ACCEPT;
	*ret_reason = ATLS_EVIDENCE_REFUSED;
	ret_fault->code = TOBI_E_REFUSED;
	return TOBI_REFUSE;
}

void side_init(struct side *side, enum tobi_role role, bool attests, bool verifies)
{
	*side = (struct side){.verdict = TOBI_ACCEPT};
	side->arena = arena_init(1 << 20);
	memset(side->secret, 0x5a, 32);
	memset(side->own_key, (int)role, 32);
	memset(side->peer_key, 3 - (int)role, 32);
	side->appraiser = (struct atls_appraiser){appraise, side, &side->list};
	side->setup = (struct atls_exchange_setup){
	    .role = role,
	    .own_key = side->own_key,
	    .peer_key = side->peer_key,
	    .exporter = {vector_export, side->secret},
	    .appraiser = verifies ? &side->appraiser : NULL,
	    .accepted = pair_types,
	    .available = attests ? pair_types : NULL,
	};
	memset(side->setup.nonce, 0x10 + (int)role, ATLS_NONCE_SIZE);
	side->collection = wr_init(LIMIT_EVIDENCE);
	wr_printf(&side->collection, "evidence of %d", (int)role);
}

void pair_init(struct pair *pair, enum flow flow)
{
	*pair = (struct pair){.data = wr_init(1 << 20)};
	side_init(&pair->client, TOBI_ROLE_CLIENT, flow != SERVER_ATTESTS,
		  flow != CLIENT_ATTESTS);
	side_init(&pair->server, TOBI_ROLE_SERVER, flow != CLIENT_ATTESTS,
		  flow != SERVER_ATTESTS);
}

void pair_start(struct pair *pair)
{
	/* The checklists point into the sides, which stay where they are from here on. */
	pair->client.list.arena = &pair->client.arena;
	pair->server.list.arena = &pair->server.arena;
	assert_int_equal(atls_exchange_new(&pair->client.setup, &pair->client.x, NULL),
			 0);
	assert_int_equal(atls_exchange_new(&pair->server.setup, &pair->server.x, NULL),
			 0);
}

void side_done(struct side *side)
{
	atls_exchange_free(side->x);
	wr_done(&side->collection);
	arena_done(&side->arena);
}

void pair_done(struct pair *pair)
{
	side_done(&pair->client);
	side_done(&pair->server);
	wr_done(&pair->data);
}

void deliver(struct pair *pair, struct side *to, struct tobi_bytes bytes)
{
	while (bytes.size) {
		size_t part =
		    pair->chunk && pair->chunk < bytes.size ? pair->chunk : bytes.size;
		size_t taken;
		enum atls_state state;

		taken =
		    atls_exchange_receive(to->x, (struct tobi_bytes){bytes.ptr, part});
		state = atls_exchange_state(to->x);
		if (state == ATLS_OPEN)
			wr_bytes(&pair->data, bytes.ptr + taken, part - taken);
		else if (state != ATLS_CLOSED)
			assert_int_equal(taken, part);
		bytes.ptr += part;
		bytes.size -= part;
	}
}

bool carry(struct pair *pair, struct side *from, struct side *to, bend *change,
	   unsigned *count)
{
	struct tobi_bytes out = atls_exchange_output(from->x);
	CLEANUP(wr_done) struct writer wire = wr_init(4 << 20);
	struct tobi_bytes rest = out;

	if (out.size == 0)
		return false;
	while (rest.size) {
		size_t size = 4 + load_u32be(rest.ptr);

		if (change)
			change(&wire, *count, (struct tobi_bytes){rest.ptr, size},
			       pair->context);
		else
			wr_bytes(&wire, rest.ptr, size);
		++*count;
		rest.ptr += size;
		rest.size -= size;
	}
	atls_exchange_sent(from->x, out.size);
	deliver(pair, to, wr_view(&wire));
	return true;
}

bool attest(struct side *side)
{
	if (atls_exchange_state(side->x) != ATLS_NEEDS_EVIDENCE)
		return false;
	atls_exchange_give_evidence(side->x, wr_view(&side->collection));
	return true;
}

void pair_run(struct pair *pair)
{
	unsigned to_server = 0, to_client = 0;
	bool moved = true;

	pair_start(pair);
	while (moved) {
		moved = carry(pair, &pair->client, &pair->server, pair->to_server,
			      &to_server);
		moved |= attest(&pair->server);
		moved |= carry(pair, &pair->server, &pair->client, pair->to_client,
			       &to_client);
		moved |= attest(&pair->client);
	}
}

bool is_open(const struct side *side)
{
	return atls_exchange_state(side->x) == ATLS_OPEN;
}

enum tobi_outcome outcome(const struct side *side, const struct check *check)
{
	for (size_t i = 0; i < side->list.count; i++) {
		if (side->list.records[i].check == check)
			return side->list.records[i].outcome;
	}
	return TOBI_NOT_RUN;
}

void assert_failed(const struct side *side, bool nonce, bool role, bool key, bool binder)
{
	assert_int_equal(outcome(side, &check_atls_nonce),
			 nonce ? TOBI_FAILED : TOBI_PASSED);
	assert_int_equal(outcome(side, &check_atls_role),
			 role ? TOBI_FAILED : TOBI_PASSED);
	assert_int_equal(outcome(side, &check_atls_key), key ? TOBI_FAILED : TOBI_PASSED);
	assert_int_equal(outcome(side, &check_atls_binder),
			 binder ? TOBI_FAILED : TOBI_PASSED);
}

void assert_closed(const struct side *side, enum tobi_err code)
{
	assert_int_equal(atls_exchange_state(side->x), ATLS_CLOSED);
	assert_int_equal(atls_exchange_fault(side->x)->code, code);
}

void assert_told(const struct side *side, enum tobi_err code, unsigned reason)
{
	char expected[32];

	assert_closed(side, code);
	snprintf(expected, sizeof(expected), "(reason %u)", reason);
	assert_non_null(strstr(atls_exchange_fault(side->x)->message, expected));
}
