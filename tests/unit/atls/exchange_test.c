#include "tests/check.h"

#include <stdlib.h>

#include "appraise/atls_checks.h"
#include "atls/exchange.h"
#include "base/arena.h"
#include "base/endian.h"
#include "base/secret.h"
#include "tests/unit/atls/vectors.h"

/* One side with everything that comes from outside replaced by something that a test can
 * bend: its exporter secret, its idea of both keys, its verdict on evidence. */
struct side {
	struct atls_exchange_setup setup;
	uint8_t secret[32], own_key[32], peer_key[32];
	struct arena arena;
	struct checklist list;
	struct atls_appraiser appraiser;
	enum tobi_verdict verdict;
	unsigned asked; /* how often its appraiser ran */
	struct writer collection;
	struct atls_exchange *x;
};

/* Bends what passes from one side to the other; frame and its index in that direction. */
typedef void bend(struct writer *wire, unsigned index, const struct tobi_bytes frame,
		  void *context);

struct pair {
	struct side client, server;
	bend *to_server, *to_client;
	void *context;
	size_t chunk;	    /* bytes at a time; 0: all */
	struct writer data; /* what a side left unread once open */
};

static const char *const types[] = {"eat", NULL};

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

static void side_init(struct side *side, enum tobi_role role, bool attests, bool verifies)
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
	    .accepted = types,
	    .available = attests ? types : NULL,
	};
	memset(side->setup.nonce, 0x10 + (int)role, ATLS_NONCE_SIZE);
	side->collection = wr_init(LIMIT_EVIDENCE);
	wr_printf(&side->collection, "evidence of %d", (int)role);
}

enum flow { SERVER_ATTESTS, MUTUAL, CLIENT_ATTESTS };

static void pair_init(struct pair *pair, enum flow flow)
{
	*pair = (struct pair){.data = wr_init(1 << 20)};
	side_init(&pair->client, TOBI_ROLE_CLIENT, flow != SERVER_ATTESTS,
		  flow != CLIENT_ATTESTS);
	side_init(&pair->server, TOBI_ROLE_SERVER, flow != CLIENT_ATTESTS,
		  flow != SERVER_ATTESTS);
}

static void pair_start(struct pair *pair)
{
	/* The checklists point into the sides, which stay where they are from here on. */
	pair->client.list.arena = &pair->client.arena;
	pair->server.list.arena = &pair->server.arena;
	assert_int_equal(atls_exchange_new(&pair->client.setup, &pair->client.x, NULL),
			 0);
	assert_int_equal(atls_exchange_new(&pair->server.setup, &pair->server.x, NULL),
			 0);
}

static void side_done(struct side *side)
{
	atls_exchange_free(side->x);
	wr_done(&side->collection);
	arena_done(&side->arena);
}

static void pair_done(struct pair *pair)
{
	side_done(&pair->client);
	side_done(&pair->server);
	wr_done(&pair->data);
}

static void deliver(struct pair *pair, struct side *to, struct tobi_bytes bytes)
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

/* Moves what one side has to say, frame by frame through the bend. */
static bool carry(struct pair *pair, struct side *from, struct side *to, bend *change,
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

static bool attest(struct side *side)
{
	if (atls_exchange_state(side->x) != ATLS_NEEDS_EVIDENCE)
		return false;
	atls_exchange_give_evidence(side->x, wr_view(&side->collection));
	return true;
}

static void pair_run(struct pair *pair)
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

static bool is_open(const struct side *side)
{
	return atls_exchange_state(side->x) == ATLS_OPEN;
}

static enum tobi_outcome outcome(const struct side *side, const struct check *check)
{
	for (size_t i = 0; i < side->list.count; i++) {
		if (side->list.records[i].check == check)
			return side->list.records[i].outcome;
	}
	return TOBI_NOT_RUN;
}

/* Exactly these binding checks have failed, of the five. */
static void assert_failed(const struct side *side, bool nonce, bool role, bool key,
			  bool binder)
{
	assert_int_equal(outcome(side, &check_atls_nonce),
			 nonce ? TOBI_FAILED : TOBI_PASSED);
	assert_int_equal(outcome(side, &check_atls_role),
			 role ? TOBI_FAILED : TOBI_PASSED);
	assert_int_equal(outcome(side, &check_atls_key), key ? TOBI_FAILED : TOBI_PASSED);
	assert_int_equal(outcome(side, &check_atls_binder),
			 binder ? TOBI_FAILED : TOBI_PASSED);
}

static void assert_closed(const struct side *side, enum tobi_err code)
{
	assert_int_equal(atls_exchange_state(side->x), ATLS_CLOSED);
	assert_int_equal(atls_exchange_fault(side->x)->code, code);
}

/* The peer was told this and no more. */
static void assert_told(const struct side *side, enum tobi_err code, unsigned reason)
{
	char expected[32];

	assert_closed(side, code);
	snprintf(expected, sizeof(expected), "(reason %u)", reason);
	assert_non_null(strstr(atls_exchange_fault(side->x)->message, expected));
}

/* ---- what must work ---- */

static void check_flows(void **state)
{
	static const size_t chunks[] = {0, 1, 3, 100};

	(void)state;
	for (enum flow flow = SERVER_ATTESTS; flow <= CLIENT_ATTESTS; flow++) {
		for (size_t i = 0; i < 4; i++) {
			struct pair pair;

			pair_init(&pair, flow);
			pair.chunk = chunks[i];
			pair_run(&pair);
			assert_true(is_open(&pair.client) && is_open(&pair.server));
			assert_int_equal(pair.client.asked, flow != CLIENT_ATTESTS);
			assert_int_equal(pair.server.asked, flow != SERVER_ATTESTS);
			if (flow != CLIENT_ATTESTS) {
				assert_failed(&pair.client, false, false, false, false);
				assert_int_equal(
				    outcome(&pair.client, &check_atls_exporter),
				    TOBI_PASSED);
				assert_int_equal(outcome(&pair.client, &check_atls_gate),
						 TOBI_PASSED);
			}
			pair_done(&pair);
		}
	}
}

static void check_flows__no_client_key(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.setup.own_key = NULL;
	pair.server.setup.peer_key = NULL;
	pair_run(&pair);
	assert_true(is_open(&pair.client) && is_open(&pair.server));
	pair_done(&pair);
}

static void check_protocols(void **state)
{
	static const char *const offered[] = {"other", "tobichi-secrets/1", NULL};
	static const char *const known[] = {"tobichi-secrets/1", NULL};
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.setup.protocols = offered;
	pair.server.setup.protocols = known;
	pair_run(&pair);
	assert_string_equal(atls_exchange_protocol(pair.client.x), "tobichi-secrets/1");
	assert_string_equal(atls_exchange_protocol(pair.server.x), "tobichi-secrets/1");
	pair_done(&pair);
}

/* Data right behind the peer's last RESULT is legal, and left to the caller. */
static void append_data(struct writer *wire, unsigned index, struct tobi_bytes frame,
			void *context)
{
	wr_bytes(wire, frame.ptr, frame.size);
	if (index == *(unsigned *)context)
		wr_bytes(wire, "data", 4);
}

static void check_data__after_result(void **state)
{
	unsigned last = 1;
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.to_server = append_data; /* OFFER, RESULT, data */
	pair.context = &last;
	pair_run(&pair);
	assert_true(is_open(&pair.server));
	assert_true(bytes_equal_text(wr_view(&pair.data), "data"));
	pair_done(&pair);
	last = 2;
	pair_init(&pair, MUTUAL);
	pair.to_client = append_data; /* ANSWER, EVIDENCE, RESULT, data */
	pair.context = &last;
	pair_run(&pair);
	assert_true(is_open(&pair.client));
	assert_true(bytes_equal_text(wr_view(&pair.data), "data"));
	pair_done(&pair);
}

/* ---- what must not ---- */

/* Section 4: genuine evidence of another session between other TLS ends. */
static void check_relay(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	memset(pair.server.secret, 0x77,
	       32); /* the intruder's own session with the enclave */
	pair_run(&pair);
	assert_failed(&pair.client, false, false, false, true);
	assert_closed(&pair.client, TOBI_E_REFUSED);
	assert_told(&pair.server, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
	pair_done(&pair);
}

static void check_keys(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.peer_key[0] ^= 1; /* another leaf than the evidence names */
	pair_run(&pair);
	assert_failed(&pair.client, false, false, true, true);
	assert_told(&pair.server, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
	pair_done(&pair);
	pair_init(&pair, SERVER_ATTESTS);
	pair.server.peer_key[0] ^= 1; /* made for another verifier */
	pair_run(&pair);
	assert_failed(&pair.client, false, false, false, true);
	assert_false(is_open(&pair.client) || is_open(&pair.server));
	pair_done(&pair);
}

/* Puts another claims-buffer in: the one that context holds. */
static void swap_claims(struct writer *wire, unsigned index, struct tobi_bytes frame,
			void *context)
{
	struct atls_evidence evidence;

	if (index != 1) {
		wr_bytes(wire, frame.ptr, frame.size);
		return;
	}
	assert_int_equal(
	    atls_read_evidence((struct tobi_bytes){frame.ptr + 4, frame.size - 4},
			       &evidence, NULL),
	    0);
	evidence.claims_buffer = wr_view(context);
	atls_write_evidence(wire, &evidence);
}

static void check_claims__each_part(void **state)
{
	(void)state;
	/* 0 nonce, 1 role, 2 version, 3 an extra claim, 4 no binding, 5 not CBOR */
	for (int part = 0; part <= 5; part++) {
		CLEANUP(wr_done) struct writer claims = wr_init(4096);
		struct pair pair;
		uint8_t binder[32] = {0};
		uint8_t nonce[32];

		pair_init(&pair, SERVER_ATTESTS);
		memset(nonce, part == 0 ? 0x66 : 0x10 + TOBI_ROLE_CLIENT, 32);
		claims_buffer_write(&claims, (struct tobi_bytes){nonce, 32},
				    pair.server.own_key,
				    part == 1 ? TOBI_ROLE_CLIENT : TOBI_ROLE_SERVER,
				    (struct tobi_bytes){binder, part == 4 ? 0 : 32});
		if (part == 2)
			claims.ptr[claims.size - 36] = 2;
		if (part == 3) {
			claims.ptr[0]++;
			wr_bytes(&claims, "\x6dtobichi-extra\x41\x01", 16);
		}
		if (part == 5)
			claims.ptr[0] = 0xff;
		pair.to_client = swap_claims;
		pair.context = &claims;
		pair_run(&pair);
		assert_closed(&pair.client, TOBI_E_REFUSED);
		assert_false(is_open(&pair.server));
		assert_int_equal(outcome(&pair.client, &check_atls_binder), TOBI_FAILED);
		if (part == 0)
			assert_int_equal(outcome(&pair.client, &check_atls_nonce),
					 TOBI_FAILED);
		if (part == 1 || part == 2 || part == 4)
			assert_int_equal(outcome(&pair.client, &check_atls_role),
					 TOBI_FAILED);
		pair_done(&pair);
	}
}

/* A party's own evidence comes back to it (mutual flow). */
struct reflection {
	struct writer evidence;
};

static void keep_evidence(struct writer *wire, unsigned index, struct tobi_bytes frame,
			  void *context)
{
	struct reflection *reflection = context;

	wr_bytes(wire, frame.ptr, frame.size);
	if (index == 1)
		wr_bytes(&reflection->evidence, frame.ptr, frame.size);
}

static void return_evidence(struct writer *wire, unsigned index, struct tobi_bytes frame,
			    void *context)
{
	struct reflection *reflection = context;

	if (index == 2) /* OFFER, RESULT, EVIDENCE */
		wr_bytes(wire, reflection->evidence.ptr, reflection->evidence.size);
	else
		wr_bytes(wire, frame.ptr, frame.size);
}

static void check_reflection(void **state)
{
	struct reflection reflection = {wr_init(1 << 20)};
	struct pair pair;

	(void)state;
	pair_init(&pair, MUTUAL);
	/* Even when all else is the same on both sides, the role differs. */
	memset(pair.client.setup.nonce, 1, 32);
	memset(pair.server.setup.nonce, 1, 32);
	memset(pair.client.own_key, 1, 32);
	memset(pair.client.peer_key, 1, 32);
	memset(pair.server.own_key, 1, 32);
	memset(pair.server.peer_key, 1, 32);
	pair.to_client = keep_evidence;
	pair.to_server = return_evidence;
	pair.context = &reflection;
	pair_run(&pair);
	assert_failed(&pair.server, false, true, false, true);
	assert_closed(&pair.server, TOBI_E_REFUSED);
	assert_told(&pair.client, TOBI_E_DENIED, ATLS_BINDING_MISMATCH);
	pair_done(&pair);
	wr_done(&reflection.evidence);
}

static void check_appraisal__refused(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair, MUTUAL);
	pair.client.verdict = TOBI_REFUSE;
	pair_run(&pair);
	assert_closed(&pair.client, TOBI_E_REFUSED);
	assert_told(&pair.server, TOBI_E_DENIED, ATLS_EVIDENCE_REFUSED);
	/* The client disclosed nothing of its own: only the server has given evidence. */
	assert_int_equal(pair.server.asked, 0);
	pair_done(&pair);
	pair_init(&pair, MUTUAL);
	pair.server.verdict = TOBI_REFUSE;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_DENIED, ATLS_EVIDENCE_REFUSED);
	assert_int_equal(outcome(&pair.client, &check_atls_gate), TOBI_FAILED);
	pair_done(&pair);
}

static enum tobi_err export_failing(void *context, const char *label,
				    const uint8_t over[static 32],
				    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)label, (void)over, (void)fault;
	memset(ret_key, context ? 0 : 9, 32);
	return context ? TOBI_OK : TOBI_E_SYSTEM;
}

static void check_exporter__failing_or_zero(void **state)
{
	static int zeros;

	(void)state;
	for (int which = 0; which < 6; which++) {
		struct atls_exporter bad = {export_failing, which & 1 ? &zeros : NULL};
		struct pair pair;

		pair_init(&pair, SERVER_ATTESTS);
		if (which / 2 != 0)
			pair.client.setup.exporter = bad;
		if (which / 2 != 1) /* 2: both, who would agree on nothing */
			pair.server.setup.exporter = bad;
		pair_run(&pair);
		assert_false(is_open(&pair.client) || is_open(&pair.server));
		if (which / 2 == 1)
			assert_int_equal(outcome(&pair.client, &check_atls_exporter),
					 TOBI_FAILED);
		else
			assert_closed(&pair.server, TOBI_E_CRYPTO);
		pair_done(&pair);
	}
}

static void check_demands(void **state)
{
	static const char *const others[] = {"snp-report", NULL};
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.client.setup.accepted = others;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_NO_COMMON_TYPE);
	assert_closed(&pair.server, TOBI_E_REFUSED);
	pair_done(&pair);

	pair_init(&pair, CLIENT_ATTESTS); /* and the client also wants the server's */
	pair.client.setup.appraiser = &pair.client.appraiser;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);

	pair_init(&pair, MUTUAL); /* the client cannot attest */
	pair.client.setup.available = NULL;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);

	pair_init(&pair, SERVER_ATTESTS); /* nobody asks anybody */
	pair.client.setup.appraiser = NULL;
	pair.client.setup.available = types;
	pair_run(&pair);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);
}

static void check_cannot_attest__later(void **state)
{
	struct tobi_fault why = {.code = TOBI_E_SYSTEM};
	struct pair pair;
	unsigned count = 0;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair_start(&pair);
	carry(&pair, &pair.client, &pair.server, NULL, &count);
	assert_int_equal(atls_exchange_state(pair.server.x), ATLS_NEEDS_EVIDENCE);
	atls_exchange_cannot_attest(pair.server.x, &why);
	carry(&pair, &pair.server, &pair.client, NULL, &count);
	assert_closed(&pair.server, TOBI_E_SYSTEM);
	assert_told(&pair.client, TOBI_E_REFUSED, ATLS_CANNOT_ATTEST);
	pair_done(&pair);
}

/* ---- order ---- */

enum trick { DROP, TWICE, DATA_BEFORE, DATA_AFTER, WRONG_HASH, WRONG_VERSION };

struct play {
	unsigned index;
	enum trick trick;
};

static void play_trick(struct writer *wire, unsigned index, struct tobi_bytes frame,
		       void *context)
{
	struct play *play = context;

	if (index != play->index) {
		wr_bytes(wire, frame.ptr, frame.size);
		return;
	}
	if (play->trick == DATA_BEFORE)
		wr_bytes(wire, "GET / HTTP/1.1\r\n", 16);
	if (play->trick != DROP)
		wr_bytes(wire, frame.ptr, frame.size);
	if (play->trick == TWICE)
		wr_bytes(wire, frame.ptr, frame.size);
	if (play->trick == DATA_AFTER)
		wr_bytes(wire, "GET / HTTP/1.1\r\n", 16);
	if (play->trick == WRONG_HASH)
		wire->ptr[wire->size - 1] ^= 1;
	if (play->trick == WRONG_VERSION)
		wire->ptr[wire->size - frame.size + 8] = 2;
}

static void check_order(void **state)
{
	static const struct {
		enum flow flow;
		bool to_client;
		struct play play;
	} rows[] = {
	    {SERVER_ATTESTS, true, {0, DROP}}, /* EVIDENCE before ANSWER */
	    {SERVER_ATTESTS, true, {0, TWICE}},
	    {SERVER_ATTESTS, true, {1, DROP}},	/* RESULT without EVIDENCE */
	    {SERVER_ATTESTS, true, {1, TWICE}}, /* EVIDENCE twice */
	    {SERVER_ATTESTS, true, {2, TWICE}},
	    {SERVER_ATTESTS, true, {0, DATA_BEFORE}},
	    {SERVER_ATTESTS, true, {2, DATA_BEFORE}},
	    {SERVER_ATTESTS, true, {2, DATA_AFTER}}, /* before the client's RESULT */
	    {SERVER_ATTESTS, true, {2, WRONG_HASH}},
	    {SERVER_ATTESTS, true, {0, WRONG_VERSION}},
	    {SERVER_ATTESTS, false, {0, WRONG_VERSION}},
	    {SERVER_ATTESTS, false, {0, TWICE}},
	    {SERVER_ATTESTS, false, {0, DATA_BEFORE}},
	    {SERVER_ATTESTS, false, {0, DATA_AFTER}},
	    {SERVER_ATTESTS, false, {1, DATA_BEFORE}},
	    {SERVER_ATTESTS, false, {1, WRONG_HASH}},
	    {MUTUAL, true, {1, TWICE}},
	    {MUTUAL, true, {1, DATA_AFTER}},
	    {MUTUAL, true, {2, WRONG_HASH}},
	    {MUTUAL, false, {1, DROP}}, /* EVIDENCE before RESULT */
	    {MUTUAL, false, {1, WRONG_HASH}},
	    {MUTUAL, false, {2, TWICE}},
	    {MUTUAL, false, {2, DATA_AFTER}},
	    {CLIENT_ATTESTS, false, {1, WRONG_HASH}},
	    {CLIENT_ATTESTS, false, {2, DATA_BEFORE}},
	    {CLIENT_ATTESTS, false, {2, DATA_AFTER}},
	    {CLIENT_ATTESTS, true, {1, WRONG_HASH}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct play play = rows[i].play;
		struct side *victim;
		struct pair pair;

		pair_init(&pair, rows[i].flow);
		pair.context = &play;
		if (rows[i].to_client)
			pair.to_client = play_trick;
		else
			pair.to_server = play_trick;
		pair_run(&pair);
		victim = rows[i].to_client ? &pair.client : &pair.server;
		if (atls_exchange_state(victim->x) != ATLS_CLOSED)
			fail_msg("row %zu is in state %d", i,
				 atls_exchange_state(victim->x));
		assert_true(atls_exchange_fault(victim->x)->message[0]);
		pair_done(&pair);
	}
}

/* A peer without evidence says twice that all is well, with the right hash each time. */
static void skip_evidence(struct writer *wire, unsigned index, struct tobi_bytes frame,
			  void *context)
{
	struct writer *seen = context;
	uint8_t hash[32];

	if (index == 0) {
		wr_bytes(wire, frame.ptr, frame.size);
		wr_bytes(seen, frame.ptr, frame.size);
		return;
	}
	assert_int_equal(hash_sha256(wr_view(seen), hash), 0);
	atls_write_result(wire, &(struct atls_result){.transcript = {hash, 32}});
}

static void check_order__no_evidence(void **state)
{
	CLEANUP(wr_done) struct writer seen = wr_init(4096);
	struct pair pair;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair.to_server = skip_evidence; /* OFFER, to be counted */
	pair.to_client = skip_evidence;
	pair.context = &seen;
	pair_run(&pair);
	assert_closed(&pair.client, TOBI_E_PROTOCOL);
	assert_int_equal(pair.client.asked, 0);
	pair_done(&pair);
}

/* Every bit of what passes either way, in the flow that everybody uses. */
struct flip {
	size_t bit, seen;
};

static void flip_bit(struct writer *wire, unsigned index, struct tobi_bytes frame,
		     void *context)
{
	struct flip *flip = context;

	(void)index;
	wr_bytes(wire, frame.ptr, frame.size);
	if (flip->bit / 8 >= flip->seen && flip->bit / 8 < flip->seen + frame.size)
		wire->ptr[wire->size - frame.size + flip->bit / 8 - flip->seen] ^=
		    (uint8_t)(1u << flip->bit % 8);
	flip->seen += frame.size;
}

static void check_every_bit(void **state)
{
	(void)state;
	for (int to_client = 0; to_client < 2; to_client++) {
		size_t bits = 1;

		for (size_t bit = 0; bit < bits; bit++) {
			struct flip flip = {.bit = bit};
			struct pair pair;

			pair_init(&pair, SERVER_ATTESTS);
			pair.context = &flip;
			if (to_client)
				pair.to_client = flip_bit;
			else
				pair.to_server = flip_bit;
			pair_run(&pair);
			if (bit == 0) /* the flow's length, from an unharmed run */
				bits = 8 * (to_client ? 400 : 120);
			if (flip.seen > bit / 8 &&
			    is_open(to_client ? &pair.client : &pair.server))
				fail_msg("bit %zu, to the %s: open", bit,
					 to_client ? "client" : "server");
			pair_done(&pair);
		}
	}
}

/* The stream ends after each byte: the receiver never opens. */
static void check_truncation(void **state)
{
	(void)state;
	for (int to_client = 0; to_client < 2; to_client++) {
		CLEANUP(wr_done) struct writer whole = wr_init(1 << 20);
		struct pair pair;
		struct side *side;
		unsigned count = 0;

		pair_init(&pair, SERVER_ATTESTS);
		pair_start(&pair);
		carry(&pair, &pair.client, &pair.server, NULL, &count);
		attest(&pair.server);
		wr_bytes(&whole, atls_exchange_output(pair.server.x).ptr,
			 atls_exchange_output(pair.server.x).size);
		pair_done(&pair);
		for (size_t size = 0; to_client && size < whole.size; size++) {
			pair_init(&pair, SERVER_ATTESTS);
			pair_start(&pair);
			side = &pair.client;
			deliver(&pair, side, (struct tobi_bytes){whole.ptr, size});
			assert_false(is_open(side));
			atls_exchange_ended(side->x);
			assert_int_equal(atls_exchange_state(side->x), ATLS_CLOSED);
			pair_done(&pair);
		}
		for (size_t size = 0; !to_client && size < 80; size++) {
			struct tobi_bytes out;

			pair_init(&pair, SERVER_ATTESTS);
			pair_start(&pair);
			out = atls_exchange_output(pair.client.x);
			if (size < out.size) {
				deliver(&pair, &pair.server,
					(struct tobi_bytes){out.ptr, size});
				atls_exchange_ended(pair.server.x);
				assert_closed(&pair.server, TOBI_E_PROTOCOL);
			}
			pair_done(&pair);
		}
	}
}

static void check_frame__limits(void **state)
{
	static const uint8_t headers[][4] = {
	    {0, 0, 0, 0}, {0, 0, 0x40, 1}, {255, 0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pair pair;

		pair_init(&pair, SERVER_ATTESTS);
		pair_start(&pair);
		deliver(&pair, &pair.server, (struct tobi_bytes){headers[i], 4});
		assert_closed(&pair.server, i ? TOBI_E_LIMIT : TOBI_E_MALFORMED);
		assert_true(atls_exchange_output(pair.server.x).size >
			    0); /* it says so */
		pair_done(&pair);
	}
}

static void check_expire(void **state)
{
	struct pair pair;
	unsigned count = 0;

	(void)state;
	pair_init(&pair, SERVER_ATTESTS);
	pair_start(&pair);
	atls_exchange_expire(pair.server.x);
	assert_closed(&pair.server, TOBI_E_TIMEOUT);
	carry(&pair, &pair.server, &pair.client, NULL, &count);
	assert_told(&pair.client, TOBI_E_DENIED, ATLS_TIMED_OUT);
	pair_done(&pair);
}

static void check_new__arguments(void **state)
{
	struct atls_exchange *x = NULL;
	struct side side;

	(void)state;
	side_init(&side, TOBI_ROLE_CLIENT, false, false);
	assert_int_equal(atls_exchange_new(&side.setup, &x, NULL), TOBI_E_ARGUMENT);
	side_done(&side);
	side_init(&side, TOBI_ROLE_SERVER, true, false);
	side.setup.own_key = NULL;
	assert_int_equal(atls_exchange_new(&side.setup, &x, NULL), TOBI_E_ARGUMENT);
	assert_null(x);
	side_done(&side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_flows),
	    cmocka_unit_test(check_flows__no_client_key),
	    cmocka_unit_test(check_protocols),
	    cmocka_unit_test(check_data__after_result),
	    cmocka_unit_test(check_relay),
	    cmocka_unit_test(check_keys),
	    cmocka_unit_test(check_claims__each_part),
	    cmocka_unit_test(check_reflection),
	    cmocka_unit_test(check_appraisal__refused),
	    cmocka_unit_test(check_exporter__failing_or_zero),
	    cmocka_unit_test(check_demands),
	    cmocka_unit_test(check_cannot_attest__later),
	    cmocka_unit_test(check_order),
	    cmocka_unit_test(check_order__no_evidence),
	    cmocka_unit_test(check_every_bit),
	    cmocka_unit_test(check_truncation),
	    cmocka_unit_test(check_frame__limits),
	    cmocka_unit_test(check_expire),
	    cmocka_unit_test(check_new__arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
