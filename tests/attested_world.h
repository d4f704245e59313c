/*
 * Requests of those who have attested on their connection, to a broker for tests
 * (broker_world.h): the scene's enclave, or one with other claims.
 */
#ifndef TESTS_ATTESTED_WORLD_H
#define TESTS_ATTESTED_WORLD_H

#include "tests/broker_world.h"

/* The hash of another image and of another signer than the scene's: 1 to 6 are its. */
struct tobi_bytes attested_hash(uint8_t which);
/* A policy like the scene's, which also takes the image 8 and the signer 9. */
void attested_policy(struct writer *out);
/* Puts it at that scope, for alice. */
void attested_put_policy(const char *scope);
/* The world's evidence anew, after a test has changed the scene's claims. */
void attested_evidence_again(void);

struct attested_answer {
	int status;
	struct writer body;
	json_t *json; /* NULL where the body is none */
};
void attested_answer_done(struct attested_answer *answer);
/* By the server's way to the handler; 500 for an error of the broker's own. presented
 * NULL: the world's evidence. broker NULL: the world's. */
struct attested_answer attested_ask(struct broker *broker,
				    const struct broker_route *routes, const char *path,
				    struct tobi_bytes body,
				    const struct presented *presented);
/* The member "error" of an answer, or "". */
const char *attested_error(const struct attested_answer *answer);

#endif
