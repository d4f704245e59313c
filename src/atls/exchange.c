#include "atls/exchange_state.h"

#include <stdlib.h>
#include <string.h>

#include "appraise/atls_checks.h"
#include "base/fault.h"
#include "base/secret.h"

/* Who says what, in order. A flow ends with a zero row; then the gate is open. */
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

const struct step *exchange_steps(enum exchange_flow flow)
{
	return flows[flow];
}

bool exchange_transcript(const struct atls_exchange *x,
			 uint8_t ret_hash[static SHA256_SIZE])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	bool good = copy && EVP_MD_CTX_copy_ex(copy, x->transcript) == 1 &&
		    EVP_DigestFinal_ex(copy, ret_hash, NULL) == 1;

	EVP_MD_CTX_free(copy);
	return good;
}

void exchange_close_silently(struct atls_exchange *x)
{
	if (x->accepted)
		check_record(x->appraiser.list, &check_atls_gate, false,
			     "an acceptance from both sides, and no data before it",
			     x->fault.message);
	x->accepted = false;
	x->state = ATLS_CLOSED;
}

void exchange_close_with(struct atls_exchange *x, enum atls_status status,
			 enum atls_reason reason)
{
	uint8_t hash[SHA256_SIZE];

	exchange_close_silently(x);
	if (x->result_sent || !exchange_transcript(x, hash))
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

void exchange_refuse_malformed(struct atls_exchange *x)
{
	exchange_close_with(x, ATLS_REFUSE, reason_for(x->fault.code));
}

void exchange_refuse_order(struct atls_exchange *x, const char *field,
			   const char *message)
{
	fault_set(&x->fault, TOBI_E_PROTOCOL, "attested session", field, "%s", message);
	exchange_close_with(x, ATLS_REFUSE, ATLS_MALFORMED);
}

void exchange_refuse_internal(struct atls_exchange *x, const char *what)
{
	fault_set(&x->fault, TOBI_E_CRYPTO, "attested session", what,
		  "it failed in this process");
	exchange_close_with(x, ATLS_REFUSE, ATLS_INTERNAL);
}

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
		out[count] = bytes_of_text(names[count]);
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
		hello.protocols[0] = bytes_of_text(x->protocol);
		hello.protocol_count = 1;
	}
	atls_write_hello(&x->out, &hello);
	if (!account_sent(x, start))
		return false;
	return type == ATLS_OFFER || exchange_transcript(x, x->ctx);
}

static bool send_result(struct atls_exchange *x)
{
	uint8_t hash[SHA256_SIZE];

	if (!exchange_transcript(x, hash))
		return false;
	x->result_sent = true;
	atls_write_result(&x->out,
			  &(struct atls_result){.status = ATLS_ACCEPT,
						.transcript = {hash, sizeof(hash)}});
	return !wr_err(&x->out);
}

enum tobi_err exchange_build_claims(struct atls_exchange *x, enum tobi_role attester,
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
	if (exchange_build_claims(x, x->setup.role, &x->claims, &x->fault))
		exchange_close_with(x, ATLS_REFUSE, ATLS_INTERNAL);
	else
		x->state = ATLS_NEEDS_EVIDENCE;
}

void exchange_advance(struct atls_exchange *x)
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
			exchange_refuse_order(
			    x, "order",
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
			exchange_refuse_internal(x, "sending");
			return;
		}
		x->step++;
	}
}

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
	x->out = wr_init(2UL * (ATLS_FRAME_HEADER + LIMIT_ATLS_EVIDENCE));
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
	x->step = exchange_steps(FLOW_SERVER);
	x->transcript = EVP_MD_CTX_new();
	if (!x->transcript || EVP_DigestInit_ex(x->transcript, EVP_sha256(), NULL) != 1)
		return fault_openssl(fault, "attested session", "transcript",
				     "SHA-256 failed");
	exchange_advance(x);
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
		exchange_refuse_order(x, "order",
				      "the peer sent data before the exchange was over");
		return;
	}
	atls_write_evidence(&x->out,
			    &(struct atls_evidence){wr_view(&x->claims), collection});
	if (x->out.size - start > ATLS_FRAME_HEADER + LIMIT_ATLS_EVIDENCE ||
	    !account_sent(x, start)) {
		x->out.size = start;
		exchange_refuse_internal(x, "evidence");
		return;
	}
	x->more = false;
	x->step++;
	exchange_advance(x);
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
	exchange_close_with(x, ATLS_CANNOT, ATLS_CANNOT_ATTEST);
}

void atls_exchange_expire(struct atls_exchange *x)
{
	if (x->state == ATLS_OPEN || x->state == ATLS_CLOSED)
		return;
	fault_set(&x->fault, TOBI_E_TIMEOUT, "attested session", "",
		  "the exchange took too long");
	exchange_close_with(x, ATLS_REFUSE, ATLS_TIMED_OUT);
}

void atls_exchange_ended(struct atls_exchange *x)
{
	if (x->state == ATLS_OPEN || x->state == ATLS_CLOSED)
		return;
	fault_set(&x->fault, TOBI_E_PROTOCOL, "attested session", "",
		  "the peer closed the connection in the middle of the exchange");
	exchange_close_silently(x);
}

const struct tobi_fault *atls_exchange_fault(const struct atls_exchange *x)
{
	return x->state == ATLS_CLOSED ? &x->fault : NULL;
}

const char *atls_exchange_protocol(const struct atls_exchange *x)
{
	return x->protocol;
}
