/*
 * A broker (broker_world.h) and a guest of SEV-SNP (snp_scene.h) that speaks the
 * key-broker protocol with it: each step alone, so that a test can change it.
 *
 * Secrets of alice's: red/secret/one ("the first secret"), which the guest's policy
 * releases; green/secret/none, which no policy does.
 */
#ifndef TESTS_KBS_WORLD_H
#define TESTS_KBS_WORLD_H

#include "broker/kbs_binding.h"
#include "broker/kbs_request.h"
#include "tests/broker_world.h"
#include "tests/snp_json.h"
#include "tests/snp_scene.h"

enum { KBS_ANSWER_MAX = 256 << 10 };

struct kbs_world {
	struct snp_scene guest;
	EVP_PKEY *key;		/* of the guest, P-256 */
	json_t *jwk;		/* of that, as it is sent */
	char nonce[64];		/* of the last challenge */
	char cookie[128];	/* what the jar has: "kbs-session-id=..."; or empty */
	char token[8192];	/* of the last attestation */
	const char *init_data;	/* JSON, in place of null; or NULL */
	const char *additional; /* "" */
};
extern struct kbs_world kbs;

int kbs_world_enter(void **state);
int kbs_world_leave(void **state);

/* What was answered last. */
struct kbs_answer {
	int status;
	char body[KBS_ANSWER_MAX];
	char set_cookie[256]; /* empty: none */
	char content_type[64];
	bool secret;
};
extern struct kbs_answer kbs_answer;

/* cookie, authorization: the headers; NULL for none. body: NULL for none. The status; 500
 * for an error of the broker's own. */
int kbs_send(enum http_method method, const char *path, const char *body, size_t size,
	     const char *cookie, const char *authorization);
int kbs_post(const char *path, const char *body, const char *cookie);
int kbs_get(const char *path, const char *cookie, const char *authorization);

/* Each asks as a client does. The first keeps nonce and cookie, the second the token. */
void kbs_auth(void);
int kbs_attest(void);
/* The body of an attestation for nonce, key and evidence of the present. free() it. */
char *kbs_attestation_body(void);
/* Evidence that is bound to these. json_decref() it. */
json_t *kbs_evidence_for(const char *nonce, const json_t *jwk, const char *additional);
/* Of the last answer: the "type" behind the last slash, "" when there is none. */
const char *kbs_error_type(void);
/* The last answer is a JWE for the guest's key, of this. */
bool kbs_answer_opens(const char *secret);

#endif
