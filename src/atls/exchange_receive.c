/* The peer's turns: taking its frames apart, and what each message leads to. */
#include <stdio.h>
#include <string.h>

#include "appraise/atls_checks.h"
#include "atls/exchange_state.h"
#include "base/fault.h"
#include "base/secret.h"

static void cannot(struct atls_exchange *x, enum atls_reason reason, const char *message)
{
	fault_set(&x->fault, TOBI_E_REFUSED, "attested session", "offer", "%s", message);
	exchange_close_with(x, ATLS_CANNOT, reason);
}

/* ---- OFFER and ANSWER ---- */

static bool has_common(const char *const *own, const struct tobi_bytes *theirs,
		       size_t count)
{
	for (size_t i = 0; own && own[i]; i++) {
		for (size_t j = 0; j < count; j++) {
			if (bytes_equal_text(theirs[j], own[i]))
				return true;
		}
	}
	return false;
}

/* The peer's first protocol that this side knows. */
static void choose_protocol(struct atls_exchange *x, const struct atls_hello *hello)
{
	for (size_t i = 0; i < hello->protocol_count && !x->protocol[0]; i++) {
		if (has_common(x->setup.protocols, &hello->protocols[i], 1))
			snprintf(x->protocol, sizeof(x->protocol), "%.*s",
				 (int)hello->protocols[i].size,
				 (const char *)hello->protocols[i].ptr);
	}
}

/* What the two demand of each other, as far as it can be met; false after a refusal. */
static bool settle(struct atls_exchange *x, const struct atls_hello *hello)
{
	bool they_verify = hello->peer_must_attest, we_verify = x->setup.appraiser;

	if (hello->version != ATLS_VERSION)
		cannot(x, ATLS_BAD_VERSION,
		       "the peer speaks another version of the protocol");
	else if (!they_verify && !we_verify)
		cannot(x, ATLS_CANNOT_ATTEST, "neither side asks the other for evidence");
	else if (we_verify && !hello->can_attest)
		cannot(x, ATLS_CANNOT_ATTEST, "the peer cannot give evidence");
	else if (we_verify && !x->setup.peer_key)
		cannot(x, ATLS_CANNOT_ATTEST,
		       "the peer showed no key to which evidence could "
		       "be bound");
	else if (they_verify && !x->setup.available)
		cannot(x, ATLS_CANNOT_ATTEST,
		       "the peer asks for evidence, which this side does "
		       "not give");
	else if (they_verify &&
		 !has_common(x->setup.available, hello->types, hello->type_count))
		cannot(x, ATLS_NO_COMMON_TYPE,
		       "the peer accepts no kind of evidence that this "
		       "side can give");
	if (x->state == ATLS_CLOSED)
		return false;
	if (they_verify && we_verify)
		x->step = exchange_steps(FLOW_MUTUAL);
	else if (x->setup.role == TOBI_ROLE_SERVER ? they_verify : we_verify)
		x->step = exchange_steps(FLOW_SERVER);
	else
		x->step = exchange_steps(FLOW_CLIENT);
	return true;
}

/* This client need not attest, although clients should. */
static bool is_spared(const struct atls_exchange *x, const struct atls_hello *hello)
{
	const struct atls_exchange_setup *setup = &x->setup;

	if (setup->role != TOBI_ROLE_SERVER)
		return false;
	return (setup->exempt && strcmp(x->protocol, setup->exempt) == 0) ||
	       (setup->lenient && !hello->can_attest);
}

static void receive_hello(struct atls_exchange *x, struct tobi_bytes item,
			  enum atls_type type)
{
	struct atls_hello hello;

	if (atls_read_hello(item, type, &hello, &x->fault)) {
		exchange_refuse_malformed(x);
		return;
	}
	choose_protocol(x, &hello);
	if (is_spared(x, &hello))
		x->setup.appraiser = NULL;
	if (!settle(x, &hello))
		return;
	bytes_copy(x->peer_nonce, sizeof(x->peer_nonce), hello.nonce.ptr,
		   hello.nonce.size);
	x->step += type == ATLS_OFFER ? 1 : 2;
	if (type == ATLS_OFFER)
		return;
	if (hello.protocol_count && !x->protocol[0]) {
		exchange_refuse_order(
		    x, "protocol",
		    "the peer chose an inner protocol that was not offered");
		return;
	}
	if (!exchange_transcript(x, x->ctx))
		exchange_refuse_internal(x, "transcript");
}

/* ---- EVIDENCE ---- */

/* bstr .cbor [version, role, binder]: the binder is at its end. */
enum { BINDER_SIZE = SHA256_SIZE, ROLE_SIZE = 3 /* the array's head, version, role */ };

static struct tobi_bytes binder_of(struct tobi_bytes binding)
{
	if (binding.size < ROLE_SIZE + BINDER_SIZE)
		return (struct tobi_bytes){0};
	return (struct tobi_bytes){binding.ptr + binding.size - BINDER_SIZE, BINDER_SIZE};
}

static bool record_role(struct checklist *list, struct tobi_bytes want,
			struct tobi_bytes got)
{
	const char *wrong = NULL;

	if (got.size < ROLE_SIZE || want.size < ROLE_SIZE)
		wrong = "no session binding";
	else if (!bytes_equal((struct tobi_bytes){want.ptr, ROLE_SIZE},
			      (struct tobi_bytes){got.ptr, ROLE_SIZE}))
		wrong = "another version or role";
	return check_record(list, &check_atls_role, !wrong, "version 1, the peer's role",
			    wrong ? wrong : "as expected");
}

/*
 * Only equality with the bytes that we built ourselves counts. What the peer's
 * claims-buffer says is read to name the part that differs, never to decide.
 */
static bool record_binding(struct atls_exchange *x, struct tobi_bytes expected,
			   struct tobi_bytes received)
{
	struct checklist *list = x->appraiser.list;
	struct claims_buffer want, got;
	struct tobi_fault fault;
	bool equal = bytes_equal_secret(expected, received), parts = true;

	if (claims_buffer_parse(expected, &want, NULL))
		return check_record(list, &check_atls_binder, false, NULL,
				    "internal error");
	if (claims_buffer_parse(received, &got, &fault))
		return check_record(list, &check_atls_binder, false, "a claims-buffer",
				    fault.message);
	parts &= check_record_equal(list, &check_atls_nonce, want.nonce, got.nonce);
	parts &=
	    check_record_equal(list, &check_atls_key, want.pubkey_hash, got.pubkey_hash);
	parts &= record_role(list, want.binding, got.binding);
	if (parts && !equal &&
	    bytes_equal(binder_of(want.binding), binder_of(got.binding)))
		check_record(list, &check_atls_binder, false,
			     "exactly the session's claims", "other claims beside them");
	else
		check_record_equal(list, &check_atls_binder, binder_of(want.binding),
				   binder_of(got.binding));
	return equal && parts;
}

static void receive_evidence(struct atls_exchange *x, struct tobi_bytes item)
{
	CLEANUP(wr_done) struct writer expected = wr_init(LIMIT_CLAIMS_BUFFER);
	enum tobi_role peer =
	    x->setup.role == TOBI_ROLE_SERVER ? TOBI_ROLE_CLIENT : TOBI_ROLE_SERVER;
	enum atls_reason reason = ATLS_EVIDENCE_REFUSED;
	struct atls_evidence evidence;
	enum tobi_verdict verdict;
	bool bound;

	if (atls_read_evidence(item, &evidence, &x->fault)) {
		exchange_refuse_malformed(x);
		return;
	}
	if (exchange_build_claims(x, peer, &expected, &x->fault)) {
		check_record(x->appraiser.list, &check_atls_exporter, false,
			     "keying material of this session", x->fault.message);
		exchange_close_with(x, ATLS_REFUSE, ATLS_INTERNAL);
		return;
	}
	check_record(x->appraiser.list, &check_atls_exporter, true,
		     "keying material of this session", "32 bytes");
	bound = record_binding(x, wr_view(&expected), evidence.claims_buffer);
	/* Until here nothing was sent or delivered, and nothing can be until both agree.
	 */
	check_record(x->appraiser.list, &check_atls_gate, true,
		     "an acceptance from both sides, and no data before it",
		     "no data so far");
	verdict = x->appraiser.run(x->appraiser.context, wr_view(&expected),
				   evidence.collection, &reason, &x->fault);
	if (!bound) {
		fault_set(&x->fault, TOBI_E_REFUSED, "attested session", "binding",
			  "the evidence was not made for this session: somebody may be "
			  "relaying it from another");
		exchange_close_with(x, ATLS_REFUSE, ATLS_BINDING_MISMATCH);
	} else if (verdict != TOBI_ACCEPT) {
		exchange_close_with(x, ATLS_REFUSE, reason);
	} else {
		x->accepted = true;
		x->step++;
	}
}

/* ---- RESULT ---- */

static void receive_result(struct atls_exchange *x, struct tobi_bytes item)
{
	bool due = x->state == ATLS_RUNNING && x->step->from != x->setup.role &&
		   x->step->type == ATLS_RESULT;
	uint8_t hash[SHA256_SIZE];
	struct atls_result result;

	if (atls_read_result(item, &result, &x->fault)) {
		exchange_refuse_malformed(x);
		return;
	}
	/* A peer may refuse at any time; it may accept only when it is its turn. */
	if (result.status != ATLS_ACCEPT) {
		fault_set(&x->fault,
			  result.status == ATLS_CANNOT ? TOBI_E_REFUSED : TOBI_E_DENIED,
			  "attested session", "peer", "the peer %s: %s (reason %u)%s",
			  result.status == ATLS_CANNOT ? "cannot do what is asked"
						       : "refused this side",
			  atls_reason_text(result.reason), (unsigned)result.reason,
			  result.reason == ATLS_CANNOT_ATTEST && !x->setup.available
			      ? "; perhaps it lets only enclaves in that its policy "
				"accepts"
			      : "");
		exchange_close_silently(x);
		return;
	}
	if (!due) {
		exchange_refuse_order(x, "order", "the peer's RESULT came out of order");
		return;
	}
	if (!exchange_transcript(x, hash)) {
		exchange_refuse_internal(x, "transcript");
		return;
	}
	if (!bytes_equal_secret(result.transcript,
				(struct tobi_bytes){hash, sizeof(hash)})) {
		exchange_refuse_order(x, "transcript",
				      "the peer saw other messages than this side");
		return;
	}
	x->step++;
}

/* ---- receiving ---- */

static bool is_due(const struct atls_exchange *x, enum atls_type type)
{
	return x->state == ATLS_RUNNING && x->step->from != x->setup.role &&
	       x->step->type == type;
}

/* One whole frame, header included. */
static void receive_frame(struct atls_exchange *x, struct tobi_bytes frame)
{
	struct tobi_bytes item = {frame.ptr + ATLS_FRAME_HEADER,
				  frame.size - ATLS_FRAME_HEADER};
	enum atls_type type;

	if (atls_read_type(item, &type, &x->fault)) {
		exchange_refuse_malformed(x);
		return;
	}
	if (type == ATLS_RESULT) {
		receive_result(x, item);
		return;
	}
	if (!is_due(x, type)) {
		exchange_refuse_order(x, "order", "a message came out of order");
		return;
	}
	/* Counted before it is acted on: ctx covers ANSWER, and RESULT covers EVIDENCE.
	 */
	if (EVP_DigestUpdate(x->transcript, frame.ptr, frame.size) != 1)
		exchange_refuse_internal(x, "transcript");
	else if (type == ATLS_EVIDENCE)
		receive_evidence(x, item);
	else
		receive_hello(x, item, type);
}

/* Takes what the current frame still lacks; 0 when the header announces too much. */
static size_t fill_frame(struct atls_exchange *x, struct tobi_bytes bytes,
			 bool *ret_whole)
{
	size_t want = ATLS_FRAME_HEADER, taken = 0, part;

	*ret_whole = false;
	for (;;) {
		if (x->in.size >= ATLS_FRAME_HEADER) {
			if (atls_frame_size(x->in.ptr, is_due(x, ATLS_EVIDENCE), &want,
					    &x->fault)) {
				exchange_refuse_malformed(x);
				return taken;
			}
			want += ATLS_FRAME_HEADER;
		}
		if (x->in.size == want) {
			*ret_whole = true;
			return taken;
		}
		part = want - x->in.size;
		if (part > bytes.size - taken)
			part = bytes.size - taken;
		if (part == 0)
			return taken;
		wr_bytes(&x->in, bytes.ptr + taken, part);
		if (wr_err(&x->in)) {
			exchange_refuse_internal(x, "memory");
			return taken;
		}
		taken += part;
	}
}

size_t atls_exchange_receive(struct atls_exchange *x, struct tobi_bytes bytes)
{
	size_t taken = 0;

	while ((x->state == ATLS_RUNNING || x->state == ATLS_NEEDS_EVIDENCE) &&
	       taken < bytes.size) {
		bool whole;
		struct writer frame;

		taken += fill_frame(
		    x, (struct tobi_bytes){bytes.ptr + taken, bytes.size - taken},
		    &whole);
		if (!whole || x->state == ATLS_CLOSED)
			break;
		frame = x->in;
		x->in = wr_init(frame.ceiling);
		x->more = taken < bytes.size;
		receive_frame(x, wr_view(&frame));
		wr_done(&frame);
		exchange_advance(x);
	}
	return taken;
}
