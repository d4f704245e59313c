/* What comes out of order, cut short, too large or too late. */
#include "tests/unit/atls/pair.h"

enum trick {
	DROP,
	TWICE,
	DATA_BEFORE,
	DATA_AFTER,
	WRONG_HASH,
	WRONG_VERSION,
	SWAP, /* with the next */
	LATER /* once more, behind the next */
};

struct play {
	unsigned index;
	enum trick trick;
	uint8_t kept[512];
	size_t kept_size;
};

static void play_trick(struct writer *wire, unsigned index, struct tobi_bytes frame,
		       void *context)
{
	struct play *play = context;

	if (index != play->index) {
		wr_bytes(wire, frame.ptr, frame.size);
		if (index == play->index + 1)
			wr_bytes(wire, play->kept, play->kept_size);
		return;
	}
	if (play->trick == SWAP || play->trick == LATER) {
		assert_true(frame.size <= sizeof(play->kept));
		memcpy(play->kept, frame.ptr, frame.size);
		play->kept_size = frame.size;
	}
	if (play->trick == DATA_BEFORE)
		wr_bytes(wire, "GET / HTTP/1.1\r\n", 16);
	if (play->trick != DROP && play->trick != SWAP)
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
	    {SERVER_ATTESTS, true, {1, LATER}}, /* EVIDENCE again, after RESULT */
	    {SERVER_ATTESTS, true, {1, SWAP}},	/* EVIDENCE after RESULT */
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
	    {MUTUAL, false, {1, SWAP}}, /* EVIDENCE before RESULT */
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

/* ---- what the other side is told ---- */

static void spoil_map(struct writer *wire, unsigned index, struct tobi_bytes frame,
		      void *context)
{
	size_t start = wire->size;

	wr_bytes(wire, frame.ptr, frame.size);
	if (index == *(unsigned *)context)
		wire->ptr[start + ATLS_FRAME_HEADER] = 0xff;
}

/* A message that is none, or comes out of order: reason 1, whoever has sent it. */
static void check_told__malformed(void **state)
{
	unsigned offer = 0;
	struct pair pair;

	(void)state;
	for (unsigned index = 0; index < 2; index++) {
		struct play play = {.index = index, .trick = TWICE};

		pair_init(&pair, SERVER_ATTESTS);
		pair.to_client = spoil_map; /* ANSWER, EVIDENCE */
		pair.context = &index;
		pair_run(&pair);
		assert_closed(&pair.client, TOBI_E_MALFORMED);
		assert_told(&pair.server, TOBI_E_DENIED, ATLS_MALFORMED);
		pair_done(&pair);

		pair_init(&pair, SERVER_ATTESTS);
		pair.to_client = play_trick;
		pair.context = &play;
		pair_run(&pair);
		assert_closed(&pair.client, TOBI_E_PROTOCOL);
		assert_told(&pair.server, TOBI_E_DENIED, ATLS_MALFORMED);
		pair_done(&pair);
	}
	pair_init(&pair, SERVER_ATTESTS);
	pair.to_server = spoil_map;
	pair.context = &offer;
	pair_run(&pair);
	assert_closed(&pair.server, TOBI_E_MALFORMED);
	assert_told(&pair.client, TOBI_E_DENIED, ATLS_MALFORMED);
	pair_done(&pair);
}

static void check_told__version(void **state)
{
	(void)state;
	for (int to_client = 0; to_client < 2; to_client++) {
		struct play play = {.index = 0, .trick = WRONG_VERSION};
		struct side *victim, *teller;
		struct pair pair;

		pair_init(&pair, SERVER_ATTESTS);
		if (to_client)
			pair.to_client = play_trick;
		else
			pair.to_server = play_trick;
		pair.context = &play;
		pair_run(&pair);
		victim = to_client ? &pair.client : &pair.server;
		teller = to_client ? &pair.server : &pair.client;
		assert_closed(victim, TOBI_E_REFUSED);
		assert_told(teller, TOBI_E_REFUSED, ATLS_BAD_VERSION);
		pair_done(&pair);
	}
}

static enum tobi_err export_nothing(void *context, const char *label,
				    const uint8_t over[static 32],
				    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)context, (void)label, (void)over, (void)ret_key, (void)fault;
	return TOBI_E_CRYPTO;
}

static void check_told__internal(void **state)
{
	(void)state;
	for (int of_server = 0; of_server < 2; of_server++) {
		struct side *failing, *told;
		struct pair pair;

		pair_init(&pair, SERVER_ATTESTS);
		failing = of_server ? &pair.server : &pair.client;
		told = of_server ? &pair.client : &pair.server;
		failing->setup.exporter = (struct atls_exporter){export_nothing, NULL};
		pair_run(&pair);
		assert_closed(failing, TOBI_E_CRYPTO);
		assert_told(told, TOBI_E_DENIED, ATLS_INTERNAL);
		pair_done(&pair);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_order),
	    cmocka_unit_test(check_order__no_evidence),
	    cmocka_unit_test(check_every_bit),
	    cmocka_unit_test(check_truncation),
	    cmocka_unit_test(check_told__malformed),
	    cmocka_unit_test(check_told__version),
	    cmocka_unit_test(check_told__internal),
	    cmocka_unit_test(check_frame__limits),
	    cmocka_unit_test(check_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
