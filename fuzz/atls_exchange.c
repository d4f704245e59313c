/*
 * Feeds bytes to an exchange. The first byte chooses role and flow, the second how many
 * bytes come at a time. A side that verifies must never open: its appraiser refuses all.
 */
#include <string.h>

#include "atls/exchange.h"
#include "base/arena.h"
#include "fuzz/fuzz.h"

static const char *const types[] = {"eat", NULL};

static enum tobi_verdict refuse(void *context, struct tobi_bytes claims_buffer,
				struct tobi_bytes collection,
				enum atls_reason *ret_reason,
				struct tobi_fault *ret_fault)
{
	(void)context, (void)claims_buffer, (void)collection;
	*ret_reason = ATLS_EVIDENCE_REFUSED;
	memset(ret_fault, 0, sizeof(*ret_fault));
	return TOBI_REFUSE;
}

static enum tobi_err export_fixed(void *context, const char *label,
				  const uint8_t over[static 32],
				  uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)context, (void)label, (void)over, (void)fault;
	memset(ret_key, 0x42, 32);
	return TOBI_OK;
}

static enum tobi_verdict accept(void *context, struct tobi_bytes claims_buffer,
				struct tobi_bytes collection,
				enum atls_reason *ret_reason,
				struct tobi_fault *ret_fault)
{
	(void)context, (void)claims_buffer, (void)collection;
	(void)ret_reason, (void)ret_fault;
	return TOBI_ACCEPT;
}

static const struct tobi_bytes own_evidence = {(const uint8_t *)"own evidence", 12};

static void feed(struct atls_exchange *x, struct tobi_bytes bytes, size_t chunk)
{
	while (bytes.size) {
		size_t part = chunk < bytes.size ? chunk : bytes.size;

		atls_exchange_receive(x, (struct tobi_bytes){bytes.ptr, part});
		if (atls_exchange_state(x) == ATLS_NEEDS_EVIDENCE)
			atls_exchange_give_evidence(x, own_evidence);
		bytes.ptr += part;
		bytes.size -= part;
	}
}

static const uint8_t keys[2][32] = {{1}, {2}};

/* The side that is fuzzed. */
static struct atls_exchange_setup setup_of(uint8_t choice)
{
	return (struct atls_exchange_setup){
	    .role = choice & 1 ? TOBI_ROLE_CLIENT : TOBI_ROLE_SERVER,
	    .own_key = keys[0],
	    .peer_key = keys[1],
	    .exporter = {export_fixed, NULL},
	    .accepted = types,
	    .available = choice & 4 ? types : NULL,
	};
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(1 << 20);
	struct checklist list = {.arena = &arena};
	struct atls_appraiser appraiser = {refuse, NULL, &list};
	uint8_t choice = take_choice(&input);
	size_t chunk = (size_t)take_choice(&input) + 1;
	struct atls_exchange_setup setup = setup_of(choice);
	struct atls_exchange *x = NULL;
	bool open = false;

	setup.appraiser = choice & 2 ? &appraiser : NULL;
	if (!atls_exchange_new(&setup, &x, NULL)) {
		feed(x, input, chunk);
		atls_exchange_ended(x);
		open = atls_exchange_state(x) == ATLS_OPEN;
		must(!open || !setup.appraiser);
		must((atls_exchange_state(x) == ATLS_CLOSED) ==
		     (atls_exchange_fault(x) != NULL));
	}
	atls_exchange_free(x);
	arena_done(&arena);
	return open;
}

/* Moves what one side has to say. */
static bool carry(struct atls_exchange *from, struct atls_exchange *to,
		  struct writer *copy)
{
	struct tobi_bytes bytes = atls_exchange_output(from);

	if (bytes.size == 0)
		return false;
	wr_bytes(copy, bytes.ptr, bytes.size);
	feed(to, bytes, bytes.size);
	atls_exchange_sent(from, bytes.size);
	return true;
}

/* What a peer says to the side that is fuzzed: an honest session, but for the appraiser
 * that refuses. */
static void write_session(uint8_t choice, struct writer *out)
{
	struct arena arena = arena_init(1 << 20);
	struct checklist lists[2] = {{.arena = &arena}, {.arena = &arena}};
	struct atls_appraiser appraisers[2] = {{accept, NULL, &lists[0]},
					       {refuse, NULL, &lists[1]}};
	struct atls_exchange_setup own = setup_of(choice), peer = setup_of(choice ^ 1);
	struct writer ignored = wr_init(1 << 20);
	struct atls_exchange *x = NULL, *y = NULL;

	own.appraiser = choice & 2 ? &appraisers[1] : NULL;
	peer.own_key = keys[1];
	peer.peer_key = keys[0];
	peer.available = choice & 2 ? types : NULL;
	peer.appraiser = choice & 4 ? &appraisers[0] : NULL;
	must(!atls_exchange_new(&own, &x, NULL) && !atls_exchange_new(&peer, &y, NULL));
	while (carry(y, x, out) || carry(x, y, &ignored))
		;
	atls_exchange_free(x);
	atls_exchange_free(y);
	wr_done(&ignored);
	arena_done(&arena);
}

/* Both roles; this side attests, verifies, or does both. */
enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	uint8_t choice = (uint8_t)(2 + number);

	if (number >= 6)
		return FUZZ_NO_SEED;
	wr_u8(out, choice);
	wr_u8(out, 0); /* byte by byte: an answer does not come before its question */
	write_session(choice, out);
	return choice & 2 ? FUZZ_BAD : FUZZ_GOOD;
}
