#include "atls/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "appraise/atls_checks.h"
#include "base/fault.h"
#include "base/secret.h"

/* Who says what, in order. A flow ends with a zero row; then the gate is open. */
struct step {
	enum tobi_role from;
	enum atls_type type;
};

enum { FLOW_SERVER, FLOW_MUTUAL, FLOW_CLIENT };

static const struct step flows[][8] = {
    [FLOW_SERVER] = {{TOBI_ROLE_CLIENT, ATLS_OFFER},
		     {TOBI_ROLE_SERVER, ATLS_ANSWER},
		     {TOBI_ROLE_SERVER, ATLS_EVIDENCE},
		     {TOBI_ROLE_SERVER, ATLS_RESULT},
		     {TOBI_ROLE_CLIENT, ATLS_RESULT}},
    [FLOW_MUTUAL] = {{TOBI_ROLE_CLIENT, ATLS_OFFER},
		     {TOBI_ROLE_SERVER, ATLS_ANSWER},
		     {TOBI_ROLE_SERVER, ATLS_EVIDENCE},
		     {TOBI_ROLE_CLIENT, ATLS_RESULT},
		     {TOBI_ROLE_CLIENT, ATLS_EVIDENCE},
		     {TOBI_ROLE_SERVER, ATLS_RESULT}},
    [FLOW_CLIENT] = {{TOBI_ROLE_CLIENT, ATLS_OFFER},
		     {TOBI_ROLE_SERVER, ATLS_ANSWER},
		     {TOBI_ROLE_CLIENT, ATLS_RESULT},
		     {TOBI_ROLE_CLIENT, ATLS_EVIDENCE},
		     {TOBI_ROLE_SERVER, ATLS_RESULT}},
};

struct atls_exchange {
	struct atls_exchange_setup setup;
	uint8_t own_key[SHA256_SIZE], peer_key[SHA256_SIZE];
	struct atls_appraiser appraiser;
	enum atls_state state;
	const struct step *step; /* the one that is due */
	struct writer in;	 /* the frame being received */
	struct writer out;
	size_t sent;		  /* of out */
	bool more;		  /* the peer's bytes go on behind the current frame */
	EVP_MD_CTX *transcript;	  /* SHA-256 of the frames so far, without RESULTs */
	uint8_t ctx[SHA256_SIZE]; /* it, after ANSWER */
	uint8_t peer_nonce[ATLS_NONCE_SIZE];
	struct writer claims; /* of the own evidence */
	bool result_sent;
	bool accepted; /* the peer's evidence */
	char protocol[LIMIT_ATLS_NAME + 1];
	struct tobi_fault fault;
};

static struct tobi_bytes text_bytes(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, strlen(text)};
}

static bool transcript_now(const struct atls_exchange *x,
			   uint8_t ret_hash[static SHA256_SIZE])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	bool good = copy && EVP_MD_CTX_copy_ex(copy, x->transcript) == 1 &&
		    EVP_DigestFinal_ex(copy, ret_hash, NULL) == 1;

	EVP_MD_CTX_free(copy);
	return good;
}

/* ---- the end ---- */

/* Every fatal outcome passes here. x->fault is already filled in. */
static void close_silently(struct atls_exchange *x)
{
	if (x->accepted)
		check_record(x->appraiser.list, &check_atls_gate, false,
			     "an acceptance from both sides, and no data before it",
			     x->fault.message);
	x->accepted = false;
	x->state = ATLS_CLOSED;
}

/* The same, and tells the peer, unless it has had its RESULT already. */
static void close_with(struct atls_exchange *x, enum atls_status status,
		       enum atls_reason reason)
{
	uint8_t hash[SHA256_SIZE];

	close_silently(x);
	if (x->result_sent || !transcript_now(x, hash))
		return;
	x->result_sent = true;
	atls_write_result(&x->out,
			  &(struct atls_result){.status = status,
						.transcript = {hash, sizeof(hash)},
						.reason = reason});
}

static enum atls_reason reason_for(enum tobi_err err)
{
	switch (err) {
	case TOBI_E_MEMORY:
	case TOBI_E_CRYPTO:
	case TOBI_E_SYSTEM:
		return ATLS_INTERNAL;
	default:
		return ATLS_MALFORMED;
	}
}

/* A message that cannot be read: the fault came from its parser. */
static void refuse_malformed(struct atls_exchange *x)
{
	close_with(x, ATLS_REFUSE, reason_for(x->fault.code));
}

static void refuse_order(struct atls_exchange *x, const char *field, const char *message)
{
	fault_set(&x->fault, TOBI_E_PROTOCOL, "attested session", field, "%s", message);
	close_with(x, ATLS_REFUSE, ATLS_MALFORMED);
}

static void refuse_internal(struct atls_exchange *x, const char *what)
{
	fault_set(&x->fault, TOBI_E_CRYPTO, "attested session", what,
		  "it failed in this process");
	close_with(x, ATLS_REFUSE, ATLS_INTERNAL);
}

static void cannot(struct atls_exchange *x, enum atls_reason reason, const char *message)
{
	fault_set(&x->fault, TOBI_E_REFUSED, "attested session", "offer", "%s", message);
	close_with(x, ATLS_CANNOT, reason);
}

/* ---- sending ---- */

/* Counts the frame at the end of out into the transcript. */
static bool account_sent(struct atls_exchange *x, size_t start)
{
	return !wr_err(&x->out) && EVP_DigestUpdate(x->transcript, x->out.ptr + start,
						    x->out.size - start) == 1;
}

static size_t put_names(const char *const *names, struct tobi_bytes *out)
{
	size_t count = 0;

	for (; names && names[count] && count < LIMIT_ATLS_NAMES; count++)
		out[count] = text_bytes(names[count]);
	return count;
}

static bool send_hello(struct atls_exchange *x, enum atls_type type)
{
	const struct atls_exchange_setup *setup = &x->setup;
	size_t start = x->out.size;
	struct atls_hello hello = {
	    .type = type,
	    .version = ATLS_VERSION,
	    .nonce = {setup->nonce, ATLS_NONCE_SIZE},
	    .peer_must_attest = setup->appraiser,
	    .can_attest = setup->available,
	};

	if (setup->appraiser)
		hello.type_count = put_names(setup->accepted, hello.types);
	if (type == ATLS_OFFER) {
		hello.protocol_count = put_names(setup->protocols, hello.protocols);
	} else if (x->protocol[0]) {
		hello.protocols[0] = text_bytes(x->protocol);
		hello.protocol_count = 1;
	}
	atls_write_hello(&x->out, &hello);
	if (!account_sent(x, start))
		return false;
	return type == ATLS_OFFER || transcript_now(x, x->ctx);
}

static bool send_result(struct atls_exchange *x)
{
	uint8_t hash[SHA256_SIZE];

	if (!transcript_now(x, hash))
		return false;
	x->result_sent = true;
	atls_write_result(&x->out,
			  &(struct atls_result){.status = ATLS_ACCEPT,
						.transcript = {hash, sizeof(hash)}});
	return !wr_err(&x->out);
}

/* The claims-buffer of evidence that the side of this role gives, by our own means. */
static enum tobi_err build_claims(struct atls_exchange *x, enum tobi_role attester,
				  struct writer *out, struct tobi_fault *fault)
{
	bool own = attester == x->setup.role;
	struct atls_binding binding = {
	    .role = attester,
	    .nonce = {own ? x->peer_nonce : x->setup.nonce, ATLS_NONCE_SIZE},
	    .attester = own ? x->setup.own_key : x->setup.peer_key,
	    .verifier = own ? x->setup.peer_key : x->setup.own_key,
	};

	return atls_binding_claims(&binding, &x->setup.exporter, x->ctx, out, fault);
}

static void ask_for_evidence(struct atls_exchange *x)
{
	if (build_claims(x, x->setup.role, &x->claims, &x->fault))
		close_with(x, ATLS_REFUSE, ATLS_INTERNAL);
	else
		x->state = ATLS_NEEDS_EVIDENCE;
}

/* Does all that is this side's turn. */
static void advance(struct atls_exchange *x)
{
	while (x->state == ATLS_RUNNING) {
		bool sent = false;

		if (!x->step->type) {
			x->state = ATLS_OPEN;
			return;
		}
		if (x->step->from != x->setup.role)
			return;
		/* Whatever follows here was sent without knowing what we are about to
		 * say. */
		if (x->in.size || x->more) {
			refuse_order(x, "order",
				     "the peer sent data before the exchange was over");
			return;
		}
		switch (x->step->type) {
		case ATLS_OFFER:
		case ATLS_ANSWER:
			sent = send_hello(x, x->step->type);
			break;
		case ATLS_RESULT:
			sent = send_result(x);
			break;
		case ATLS_EVIDENCE:
			ask_for_evidence(x);
			return;
		}
		if (!sent) {
			refuse_internal(x, "sending");
			return;
		}
		x->step++;
	}
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
		x->step = flows[FLOW_MUTUAL];
	else if (x->setup.role == TOBI_ROLE_SERVER ? they_verify : we_verify)
		x->step = flows[FLOW_SERVER];
	else
		x->step = flows[FLOW_CLIENT];
	return true;
}

static void receive_hello(struct atls_exchange *x, struct tobi_bytes item,
			  enum atls_type type)
{
	struct atls_hello hello;

	if (atls_read_hello(item, type, &hello, &x->fault)) {
		refuse_malformed(x);
		return;
	}
	if (!settle(x, &hello))
		return;
	bytes_copy(x->peer_nonce, sizeof(x->peer_nonce), hello.nonce.ptr,
		   hello.nonce.size);
	choose_protocol(x, &hello);
	x->step += type == ATLS_OFFER ? 1 : 2;
	if (type == ATLS_OFFER)
		return;
	if (hello.protocol_count && !x->protocol[0]) {
		refuse_order(x, "protocol",
			     "the peer chose an inner protocol that was not offered");
		return;
	}
	if (!transcript_now(x, x->ctx))
		refuse_internal(x, "transcript");
}

/* ---- EVIDENCE ---- */

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
	const char *role = NULL;

	if (claims_buffer_parse(expected, &want, NULL))
		return check_record(list, &check_atls_binder, false, NULL,
				    "internal error");
	if (claims_buffer_parse(received, &got, &fault))
		return check_record(list, &check_atls_binder, false, "a claims-buffer",
				    fault.message);
	parts &= check_record_equal(list, &check_atls_nonce, want.nonce, got.nonce);
	parts &=
	    check_record_equal(list, &check_atls_key, want.pubkey_hash, got.pubkey_hash);
	/* bstr .cbor [version, role, binder]: three bytes, then the binder. */
	if (got.binding.size < 3 || want.binding.size < 3)
		role = "no session binding";
	else if (!bytes_equal((struct tobi_bytes){want.binding.ptr, 3},
			      (struct tobi_bytes){got.binding.ptr, 3}))
		role = "another version or role";
	parts &= check_record(list, &check_atls_role, !role, "version 1, the peer's role",
			      role ? role : "as expected");
	if (parts && !equal && bytes_equal(want.binding, got.binding))
		check_record(list, &check_atls_binder, false,
			     "exactly the session's claims", "other claims beside them");
	else
		check_record_equal(list, &check_atls_binder, want.binding, got.binding);
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
		refuse_malformed(x);
		return;
	}
	if (build_claims(x, peer, &expected, &x->fault)) {
		check_record(x->appraiser.list, &check_atls_exporter, false,
			     "keying material of this session", x->fault.message);
		close_with(x, ATLS_REFUSE, ATLS_INTERNAL);
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
		close_with(x, ATLS_REFUSE, ATLS_BINDING_MISMATCH);
	} else if (verdict != TOBI_ACCEPT) {
		close_with(x, ATLS_REFUSE, reason);
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
		refuse_malformed(x);
		return;
	}
	/* A peer may refuse at any time; it may accept only when it is its turn. */
	if (result.status != ATLS_ACCEPT) {
		fault_set(&x->fault,
			  result.status == ATLS_CANNOT ? TOBI_E_REFUSED : TOBI_E_DENIED,
			  "attested session", "peer", "the peer %s: %s (reason %u)",
			  result.status == ATLS_CANNOT ? "cannot do what is asked"
						       : "refused this side",
			  atls_reason_text(result.reason), (unsigned)result.reason);
		close_silently(x);
		return;
	}
	if (!due) {
		refuse_order(x, "order", "the peer's RESULT came out of order");
		return;
	}
	if (!transcript_now(x, hash)) {
		refuse_internal(x, "transcript");
		return;
	}
	if (!bytes_equal_secret(result.transcript,
				(struct tobi_bytes){hash, sizeof(hash)})) {
		refuse_order(x, "transcript",
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
		refuse_malformed(x);
		return;
	}
	if (type == ATLS_RESULT) {
		receive_result(x, item);
		return;
	}
	if (!is_due(x, type)) {
		refuse_order(x, "order", "a message came out of order");
		return;
	}
	/* Counted before it is acted on: ctx covers ANSWER, and RESULT covers EVIDENCE.
	 */
	if (EVP_DigestUpdate(x->transcript, frame.ptr, frame.size) != 1)
		refuse_internal(x, "transcript");
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
				refuse_malformed(x);
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
			refuse_internal(x, "memory");
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
		advance(x);
	}
	return taken;
}

/* ---- the rest of the interface ---- */

enum tobi_err atls_exchange_new(const struct atls_exchange_setup *setup,
				struct atls_exchange **ret_exchange,
				struct tobi_fault *fault)
{
	CLEANUP(atls_exchange_freep) struct atls_exchange *x = NULL;

	if (setup->available && !setup->own_key)
		return fault_set(fault, TOBI_E_ARGUMENT, "attested session", "key",
				 "a side that attests needs a key and its certificate");
	if (!setup->available && !setup->appraiser)
		return fault_set(
		    fault, TOBI_E_ARGUMENT, "attested session", "policy",
		    "a side that does not attest needs a policy for its peer");
	x = calloc(1, sizeof(*x));
	if (!x)
		return fault_set(fault, TOBI_E_MEMORY, "attested session", "",
				 "out of memory");
	x->setup = *setup;
	x->in = wr_init(ATLS_FRAME_HEADER + LIMIT_ATLS_EVIDENCE);
	x->out = wr_init(2 * (ATLS_FRAME_HEADER + LIMIT_ATLS_EVIDENCE));
	x->claims = wr_init(LIMIT_CLAIMS_BUFFER);
	if (setup->own_key) {
		bytes_copy(x->own_key, sizeof(x->own_key), setup->own_key, SHA256_SIZE);
		x->setup.own_key = x->own_key;
	}
	if (setup->peer_key) {
		bytes_copy(x->peer_key, sizeof(x->peer_key), setup->peer_key,
			   SHA256_SIZE);
		x->setup.peer_key = x->peer_key;
	}
	if (setup->appraiser) {
		x->appraiser = *setup->appraiser;
		x->setup.appraiser = &x->appraiser;
	}
	x->step = flows[FLOW_SERVER]; /* the first two steps are the same in all flows */
	x->transcript = EVP_MD_CTX_new();
	if (!x->transcript || EVP_DigestInit_ex(x->transcript, EVP_sha256(), NULL) != 1)
		return fault_openssl(fault, "attested session", "transcript",
				     "SHA-256 failed");
	advance(x);
	if (x->state == ATLS_CLOSED) {
		if (fault)
			*fault = x->fault;
		return x->fault.code;
	}
	*ret_exchange = TAKE(x);
	return TOBI_OK;
}

void atls_exchange_free(struct atls_exchange *x)
{
	if (!x)
		return;
	wr_done(&x->in);
	wr_done(&x->out);
	wr_done(&x->claims);
	EVP_MD_CTX_free(x->transcript);
	free(x);
}

enum atls_state atls_exchange_state(const struct atls_exchange *x)
{
	return x->state;
}

struct tobi_bytes atls_exchange_output(const struct atls_exchange *x)
{
	struct tobi_bytes all = wr_view(&x->out);

	return (struct tobi_bytes){all.ptr ? all.ptr + x->sent : NULL,
				   all.size > x->sent ? all.size - x->sent : 0};
}

void atls_exchange_sent(struct atls_exchange *x, size_t size)
{
	x->sent += size;
	if (x->sent >= x->out.size) {
		wr_done(&x->out);
		x->sent = 0;
	}
}

struct tobi_bytes atls_exchange_claims(const struct atls_exchange *x)
{
	return wr_view(&x->claims);
}

void atls_exchange_give_evidence(struct atls_exchange *x, struct tobi_bytes collection)
{
	size_t start = x->out.size;

	if (x->state != ATLS_NEEDS_EVIDENCE)
		return;
	x->state = ATLS_RUNNING;
	/* While we made evidence it was our turn. */
	if (x->in.size) {
		refuse_order(x, "order",
			     "the peer sent data before the exchange was over");
		return;
	}
	atls_write_evidence(&x->out,
			    &(struct atls_evidence){wr_view(&x->claims), collection});
	if (x->out.size - start > ATLS_FRAME_HEADER + LIMIT_ATLS_EVIDENCE ||
	    !account_sent(x, start)) {
		x->out.size = start;
		refuse_internal(x, "evidence");
		return;
	}
	x->more = false;
	x->step++;
	advance(x);
}

void atls_exchange_cannot_attest(struct atls_exchange *x, const struct tobi_fault *why)
{
	if (x->state != ATLS_NEEDS_EVIDENCE)
		return;
	if (why)
		x->fault = *why;
	else
		fault_set(&x->fault, TOBI_E_SYSTEM, "attested session", "evidence",
			  "this side could not get evidence");
	/* Without our evidence the peer cannot have opened: it can still be told. */
	x->result_sent = false;
	close_with(x, ATLS_CANNOT, ATLS_CANNOT_ATTEST);
}

void atls_exchange_expire(struct atls_exchange *x)
{
	if (x->state == ATLS_OPEN || x->state == ATLS_CLOSED)
		return;
	fault_set(&x->fault, TOBI_E_TIMEOUT, "attested session", "",
		  "the exchange took longer than %d s", LIMIT_ATLS_EXCHANGE_MS / 1000);
	close_with(x, ATLS_REFUSE, ATLS_TIMED_OUT);
}

void atls_exchange_ended(struct atls_exchange *x)
{
	if (x->state == ATLS_OPEN || x->state == ATLS_CLOSED)
		return;
	fault_set(&x->fault, TOBI_E_PROTOCOL, "attested session", "",
		  "the peer closed the connection in the middle of the exchange");
	close_silently(x);
}

const struct tobi_fault *atls_exchange_fault(const struct atls_exchange *x)
{
	return x->state == ATLS_CLOSED ? &x->fault : NULL;
}

const char *atls_exchange_protocol(const struct atls_exchange *x)
{
	return x->protocol;
}
