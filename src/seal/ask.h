/*
 * What a program asks its agent, and what that answers: packets on the agent's socket
 * (docs/PROTOCOL.md section 11). Content travels in sealed memory files.
 */
#ifndef TOBI_SEAL_ASK_H
#define TOBI_SEAL_ASK_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/writer.h"
#include "tobichi/seal.h"

#define ASK_FOLDER "/run/tobichi"
#define ASK_SOCKET "agent.sock"

enum ask_kind {
	ASK_SEAL = 1,
	ASK_UNSEAL,
	ASK_COUNTER,
	ASK_CONNECT,
	ASK_PEER,
};

enum answer_kind {
	ANSWER_CONTENT = 129,
	ANSWER_COUNTER,
	ANSWER_CONNECTED,
	ANSWER_PEER,
	ANSWER_FAULT = 135,
};

/* Bytes borrow from the packet. */
struct ask {
	enum ask_kind kind;
	enum tobi_seal_to to;	      /* SEAL, COUNTER */
	struct tobi_bytes signer;     /* SEAL, COUNTER: 48 bytes or none */
	struct tobi_bytes associated; /* SEAL, UNSEAL */
	bool increment;		      /* COUNTER */
	struct tobi_bytes name;	      /* COUNTER */
	struct tobi_bytes target;     /* CONNECT: host:port */
	struct tobi_bytes policy;     /* CONNECT: YAML, or none: the image's */
	/* PEER: a connection of the agent's to the program, by its ports on the loopback.
	 */
	uint16_t source, port;
};

/* Who is at the outer end of a connection of the agent's; the collection is in the memory
 * file that comes with it, which is empty when the peer has proven nothing. */
struct peer_told {
	struct tobi_bytes claims_buffer; /* empty: nothing proven */
	struct tobi_bytes address;	 /* text; empty: unknown */
	struct tobi_bytes key;		 /* SHA-384 of its TLS key, or empty */
};

/* Bytes borrow from the packet. */
struct answer {
	enum answer_kind kind; /* not FAULT */
	struct tobi_counter counter;
	struct peer_told peer;
};

void ask_write(struct writer *out, const struct ask *ask);
/* Strict. TOBI_E_UNSUPPORTED for a kind that is not known. */
TOBI_MUST_USE enum tobi_err ask_parse(struct tobi_bytes bytes, struct ask *ret_ask,
				      struct tobi_fault *fault);

void answer_write(struct writer *out, const struct answer *answer);
/* A FAULT is this function's own error. */
TOBI_MUST_USE enum tobi_err answer_parse(struct tobi_bytes bytes,
					 struct answer *ret_answer,
					 struct tobi_fault *fault);

/* What a policy and a counter's name must be like, for whoever takes them. */
TOBI_MUST_USE enum tobi_err ask_check_policy(enum tobi_seal_to to,
					     struct tobi_bytes signer,
					     struct tobi_fault *fault);
bool ask_name_is_valid(struct tobi_bytes name);

#endif
