/* Tokens of Arm's, written claim by claim: right ones and others. */
#ifndef TESTS_ARM_TOKEN_H
#define TESTS_ARM_TOKEN_H

#include "codec/cose.h"
#include "pki/key.h"

enum test_claim_kind { CLAIM_ABSENT, CLAIM_BYTES, CLAIM_TEXT, CLAIM_INT, CLAIM_RAW };

enum { TEST_CLAIMS_MAX = 24, TEST_COMPONENTS_MAX = 40 };

struct test_claim {
	int64_t label;
	enum test_claim_kind kind;
	struct tobi_bytes bytes; /* raw: an item's encoding */
	const char *text;
	int64_t number;
};

/* Measured software; members that are NULL or empty are left out. */
struct test_component {
	const char *type, *version, *hash;
	struct tobi_bytes value, signer;
};

struct test_token {
	struct test_claim claims[TEST_CLAIMS_MAX];
	size_t claim_count;
	int64_t components_label; /* 0: none */
	struct test_component components[TEST_COMPONENTS_MAX];
	size_t component_count;
	EVP_PKEY *key;		  /* who signs; borrowed */
	struct tobi_bytes secret; /* COSE_Mac0 with this key, if there is one */
	int algorithm;		  /* in the header; 0: the right one */
	bool without_algorithm, unprotected_algorithm;
	int tag;     /* 0: the right one; -1: none */
	bool is_cwt; /* with the tag of a CWT before it */
	bool damaged_signature, without_payload, text_label, twice_the_first;
};

/* Adds or replaces. */
void test_claim_bytes(struct test_token *token, int64_t label, struct tobi_bytes bytes);
void test_claim_text(struct test_token *token, int64_t label, const char *text);
void test_claim_int(struct test_token *token, int64_t label, int64_t number);
void test_claim_raw(struct test_token *token, int64_t label, struct tobi_bytes item);
void test_claim_remove(struct test_token *token, int64_t label);
/* So many bytes of that value. */
struct tobi_bytes test_bytes_of(uint8_t value, size_t size);

void test_token_write(const struct test_token *token, struct writer *out);
/* As a policy's root. */
void test_root_write(const char *tier, EVP_PKEY *key, struct writer *yaml);

#endif
