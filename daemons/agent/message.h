/* The messages of the agent channel (docs/PROTOCOL.md section 6.2), the agent's side. */
#ifndef AGENT_MESSAGE_H
#define AGENT_MESSAGE_H

#include "base/limits.h"
#include "base/writer.h"
#include "desk.h"

enum message_kind {
	MESSAGE_CONFIG = 1,
	MESSAGE_READY = 2,
	MESSAGE_RUNNING = 3,
	MESSAGE_REPORT = 4,
	MESSAGE_TOKEN = 5,
	MESSAGE_KEY = 6,
	MESSAGE_KEY_REPLY = 7,
	MESSAGE_ATTEST = 8,
	MESSAGE_EVIDENCE = 9,
	MESSAGE_SIGNAL = 10,
	MESSAGE_STOP = 11,
	MESSAGE_ENDED = 12,
	MESSAGE_FAULT = 13,
	MESSAGE_COUNTER = 14,
	MESSAGE_COUNTER_REPLY = 15,
	MESSAGE_CONNECT = 16,
	MESSAGE_CONNECTED = 17,
	MESSAGE_NOTE = 18,
};

enum { LIMIT_GRACE = 3600, LIMIT_ENDORSE = LIMIT_COSE_CHAIN * LIMIT_CERTIFICATE + 64 };

/* What came from the service. Bytes borrow from the packet. */
struct message {
	enum message_kind kind;
	union {
		struct {
			struct tobi_bytes manifest, launch_config;
			struct tobi_bytes endorse; /* may be empty */
			uint16_t ports[LIMIT_PORTS];
			size_t port_count;
			struct tobi_bytes instance;		  /* 16 */
			struct tobi_bytes signers[LIMIT_SIGNERS]; /* ids, 48 */
			size_t signer_count;
		} config;
		struct {
			struct tobi_bytes token;
			struct tobi_bytes guest; /* the evidence of the guest around; or
						    empty */
		};
		struct tobi_bytes key; /* 32 */
		struct tobi_counter counter;
		struct {
			uint64_t request;
			struct tobi_bytes nonce; /* 8 to 64 */
		} attest;
		int signal;
		unsigned grace; /* seconds */
		struct tobi_fault fault;
		struct {
			uint64_t request;
			struct tobi_fault why; /* code OK: fd is the connection */
			int fd;		       /* message_parse() leaves -1 */
		} connected;
	};
};

/*
 * Strict: only what a service may send. TOBI_E_UNSUPPORTED for another message, else the
 * reader's errors.
 */
TOBI_MUST_USE enum tobi_err message_parse(struct tobi_bytes bytes,
					  struct message *ret_message,
					  struct tobi_fault *fault);

/* What the agent sends. */
void message_write_ready(struct writer *out, uint64_t protections);
void message_write_running(struct writer *out);
void message_write_report(struct writer *out, const uint8_t claims_hash[static 32]);
void message_write_evidence(struct writer *out, uint64_t request,
			    struct tobi_bytes evidence);
void message_write_key(struct writer *out, const struct key_wanted *wanted);
void message_write_counter(struct writer *out, const struct counter_wanted *wanted);
void message_write_connect(struct writer *out, uint64_t request, size_t entry);
/* status as waitpid() gives it. */
void message_write_ended(struct writer *out, int status);

#endif
