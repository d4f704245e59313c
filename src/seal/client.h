/* The program's side of the agent's socket: one connection, one question, one answer. */
#ifndef TOBI_SEAL_CLIENT_H
#define TOBI_SEAL_CLIENT_H

#include "ipc/packet.h"
#include "seal/ask.h"

/* The agent of this enclave: TOBI_E_NOT_FOUND outside of one. close() it. */
TOBI_MUST_USE enum tobi_err client_connect(int *ret_fd, struct tobi_fault *fault);
/* The same, without waiting, then or later: TOBI_E_TIMEOUT when it is to be tried again.
 */
TOBI_MUST_USE enum tobi_err client_connect_now(int *ret_fd, struct tobi_fault *fault);
/* At another path, whoever listens there. */
TOBI_MUST_USE enum tobi_err client_connect_to(const char *path, int *ret_fd,
					      struct tobi_fault *fault);
/* Any question, with a memory file or -1, and what was answered, as it came. */
TOBI_MUST_USE enum tobi_err client_exchange(int fd, const struct ask *ask, int content,
					    struct packet *ret_packet,
					    struct tobi_fault *fault);
/* CONNECT: the session's plain bytes as a stream socket, and a pipe out of which one byte
 * comes when the session has ended in order, and none when it was cut. */
TOBI_MUST_USE enum tobi_err client_ask_connection(int fd, const struct ask *ask,
						  int *ret_stream, int *ret_ended,
						  struct tobi_fault *fault);
/* content: for SEAL and UNSEAL. ret_content: a memory file, with ANSWER_CONTENT; -1 with
 * ANSWER_COUNTER. */
TOBI_MUST_USE enum tobi_err client_ask(int fd, const struct ask *ask,
				       struct tobi_bytes content,
				       struct answer *ret_answer, int *ret_content,
				       struct tobi_fault *fault);

#endif
