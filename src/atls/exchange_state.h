/*
 * What the two halves of the exchange share: its state, and the ways in which it ends.
 * exchange.c holds the interface and this side's turns, exchange_receive.c the peer's.
 */
#ifndef TOBI_ATLS_EXCHANGE_STATE_H
#define TOBI_ATLS_EXCHANGE_STATE_H

#include <openssl/evp.h>

#include "atls/exchange.h"
#include "pki/key.h"

/* Who says what. A flow ends with a zero row; then the gate is open. */
struct step {
	enum tobi_role from;
	enum atls_type type;
};

enum exchange_flow { FLOW_SERVER, FLOW_MUTUAL, FLOW_CLIENT };

/* The first two steps are the same in all flows. */
const struct step *exchange_steps(enum exchange_flow flow);

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

/* SHA-256 of the frames so far. */
bool exchange_transcript(const struct atls_exchange *x,
			 uint8_t ret_hash[static SHA256_SIZE]);
/* The claims-buffer of evidence that the side of this role gives, by our own means. */
TOBI_MUST_USE enum tobi_err exchange_build_claims(struct atls_exchange *x,
						  enum tobi_role attester,
						  struct writer *out,
						  struct tobi_fault *fault);
/* Does all that is this side's turn. */
void exchange_advance(struct atls_exchange *x);

/* Every fatal outcome passes here. x->fault is already filled in. */
void exchange_close_silently(struct atls_exchange *x);
/* The same, and tells the peer, unless it has had its RESULT already. */
void exchange_close_with(struct atls_exchange *x, enum atls_status status,
			 enum atls_reason reason);
/* A message that cannot be read: the fault came from its parser. */
void exchange_refuse_malformed(struct atls_exchange *x);
void exchange_refuse_order(struct atls_exchange *x, const char *field,
			   const char *message);
void exchange_refuse_internal(struct atls_exchange *x, const char *what);

#endif
