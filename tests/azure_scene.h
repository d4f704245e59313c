/*
 * A confidential VM of Azure, played for tests: a paravisor with a virtual TPM over the
 * hardware that tests/snp_scene.h and tests/tdx_run.h play. Everything is right until a
 * test changes a thing; then it is hashed and signed again.
 */
#ifndef TESTS_AZURE_SCENE_H
#define TESTS_AZURE_SCENE_H

#include "tests/snp_scene.h"
#include "tests/tdx_run.h"

enum { AZURE_SCENE_PCRS = 24, AZURE_SCENE_PIECES = 12 };

enum azure_form {
	AZURE_JSON,    /* hexadecimal and base64url */
	AZURE_NUMBERS, /* lists of numbers, and PEM */
	AZURE_FILES,   /* the paravisor's report, and the rest as pieces */
	AZURE_BINCODE, /* the same, the quote in one piece */
};

struct azure_scene {
	bool tdx;
	enum azure_form form;
	struct snp_scene snp;
	struct tdx_run td;
	/* The paravisor's report. */
	uint32_t version, request, status, data_version, report_type, hash_type;
	uint8_t reserved;
	int data_size_off, report_size_off; /* added to what is right */
	struct tobi_bytes behind;	    /* what follows */
	bool other_td; /* the TDREPORT in it is of another TD, or for other data */
	bool other_report_data;
	/* Its data. */
	const char *kid, *kty, *exponent;
	unsigned key_bits; /* 0: 2048 */
	bool twice;
	const char *configuration, *user_data; /* JSON values; NULL: no such member */
	const char *data;		       /* in place of all that */
	bool change_data;		       /* after it was hashed */
	/* The quote. */
	uint32_t magic;
	unsigned type;
	struct tobi_bytes extra;
	bool other_signer, damage_signature, change_value, no_quote;
	unsigned values; /* how many of the 24 come along */
	uint8_t pcrs[AZURE_SCENE_PCRS][32];
	/* JSON. */
	const char *member; /* one more: "\"x\": 1," */
	/* A collection, made for claims. */
	bool in_collection, other_claims;
	const char *lines; /* of the policy, more */
	bool no_roots;	   /* the policy names none: the vendors' count */
	struct tobi_bytes nonce;
	struct memo *memo;
	struct tobi_bytes pieces[AZURE_SCENE_PIECES]; /* the first are a test's own */
	size_t own_pieces, piece_count;
	struct writer files[AZURE_SCENE_PIECES];
};

void azure_scene_make(struct azure_scene *scene, bool tdx);
void azure_scene_done(struct azure_scene *scene);
/* Appends the evidence, and sets the pieces that belong to it. */
void azure_scene_evidence(struct azure_scene *scene, struct writer *out);
/* The paravisor's report alone; azure_scene_evidence() was called. */
void azure_scene_hcl(struct azure_scene *scene, struct writer *out);
/* A policy for it. */
void azure_scene_policy(const struct azure_scene *scene, struct writer *out);
/* tobi_result_free() what it returns; NULL and the error where it cannot be read. */
struct tobi_result *azure_scene_verify(struct azure_scene *scene, enum tobi_err *ret_err);
/* What the verifier was asked with: a certificate's pins, for the fuzzers. */
struct key_pins azure_scene_pins(const struct azure_scene *scene);

#endif
