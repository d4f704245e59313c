/*
 * The attested exchange as a state machine without any I/O: bytes in, bytes out.
 *
 * Both roles and the three flows of section 5.4 are one table of steps. It never looks at
 * a socket, a clock or TLS: the exporter, the appraiser and the evidence come from
 * outside, so that a test can replace each. Any violation ends in ATLS_CLOSED with a
 * fault; nothing leads out of that state.
 *
 * Source: attested TLS, sections 5.2 to 5.5.
 */
#ifndef TOBI_ATLS_EXCHANGE_H
#define TOBI_ATLS_EXCHANGE_H

#include "atls/binding.h"
#include "atls/message.h"
#include "tee/check.h"

/* What a side without a certificate says when its peer asks for one. */
#define ATLS_MUST_ATTEST                                                                 \
	"the peer lets only those in that prove what they are, and this side cannot "    \
	"attest; connect from an enclave that the peer's policy accepts"

enum atls_state {
	ATLS_RUNNING,	     /* wants bytes from the peer */
	ATLS_NEEDS_EVIDENCE, /* wants atls_exchange_give_evidence() */
	ATLS_OPEN,	     /* the gate is open: the rest is application data */
	ATLS_CLOSED,	     /* over: send what is left of the output, then close */
};

/* Who decides on the peer's evidence, and where it is written down. */
struct atls_appraiser {
	/*
	 * claims_buffer is what this side expects, not what came. The exchange has
	 * recorded the binding's checks in list before. TOBI_ACCEPT or TOBI_REFUSE; after
	 * a refusal the reason for the peer, and a fault for this side.
	 */
	enum tobi_verdict (*run)(void *context, struct tobi_bytes claims_buffer,
				 struct tobi_bytes collection,
				 enum atls_reason *ret_reason,
				 struct tobi_fault *ret_fault);
	void *context;
	struct checklist *list;
};

/* Copied where not said otherwise; names and types are borrowed for the exchange's life.
 */
struct atls_exchange_setup {
	enum tobi_role role;
	uint8_t nonce[ATLS_NONCE_SIZE]; /* fresh and random */
	const uint8_t
	    *own_key; /* SHA-256 of the own leaf's SubjectPublicKeyInfo, or NULL */
	const uint8_t *peer_key; /* of the peer's leaf, or NULL */
	struct atls_exporter exporter;
	const struct atls_appraiser *appraiser; /* NULL: the peer need not attest */
	const char *const *accepted; /* evidence types; NULL-terminated; with appraiser */
	const char *const
	    *available; /* types that this side can give; NULL: cannot attest */
	const char *const *protocols; /* inner protocols; NULL for none */
	/* Server: with this one, the client need not attest; or NULL. */
	const char *exempt;
	/* Server: a client that says that it cannot attest need not. */
	bool lenient;
};

struct atls_exchange;

/* A client's OFFER is in the output at once. TOBI_E_ARGUMENT, TOBI_E_MEMORY, _CRYPTO. */
TOBI_MUST_USE enum tobi_err atls_exchange_new(const struct atls_exchange_setup *setup,
					      struct atls_exchange **ret_exchange,
					      struct tobi_fault *fault);
void atls_exchange_free(struct atls_exchange *exchange);
DEFINE_CLEANUP(struct atls_exchange *, atls_exchange_free)

enum atls_state atls_exchange_state(const struct atls_exchange *exchange);

/*
 * Takes bytes from the peer and gives how many it took: all of them, but those that
 * follow the last RESULT (application data) or a fatal end.
 */
size_t atls_exchange_receive(struct atls_exchange *exchange, struct tobi_bytes bytes);
/* What waits to be sent, borrowed until the next call; and that size bytes of it were. */
struct tobi_bytes atls_exchange_output(const struct atls_exchange *exchange);
void atls_exchange_sent(struct atls_exchange *exchange, size_t size);

/* In ATLS_NEEDS_EVIDENCE: the claims-buffer whose SHA-256 the evidence must carry. */
struct tobi_bytes atls_exchange_claims(const struct atls_exchange *exchange);
void atls_exchange_give_evidence(struct atls_exchange *exchange,
				 struct tobi_bytes collection);
/* why may be NULL. */
void atls_exchange_cannot_attest(struct atls_exchange *exchange,
				 const struct tobi_fault *why);
/* The time is over; the peer has ended the stream. Without effect once open or closed. */
void atls_exchange_expire(struct atls_exchange *exchange);
void atls_exchange_ended(struct atls_exchange *exchange);

/* In ATLS_CLOSED, else NULL. */
const struct tobi_fault *atls_exchange_fault(const struct atls_exchange *exchange);
/* The inner protocol agreed on; empty for none. */
const char *atls_exchange_protocol(const struct atls_exchange *exchange);

#endif
