/*
 * What Intel publishes, played for tests: TCB information and identities of quoting
 * enclaves, signed under the root of tests/dcap_scene.h. Everything fits the scene until
 * a test changes a thing; then it is signed again.
 */
#ifndef TESTS_DCAP_COLLATERAL_H
#define TESTS_DCAP_COLLATERAL_H

#include "tests/dcap_scene.h"

enum { DCAP_TEST_LEVELS = 4, DCAP_TEST_MODULES = 2, DCAP_TEST_EDITS = 4 };

/* What all documents have. */
struct dcap_test_document {
	bool absent;
	const char *id;
	unsigned version;
	int64_t issued, next_update;
	unsigned evaluation;
	enum dcap_scene_key signer;
	enum dcap_scene_role chain[DCAP_ROLES];
	size_t chain_count;
	/* The first place where text stands is changed: before it is signed, after it. */
	struct {
		const char *from, *to;
	} edits[DCAP_TEST_EDITS], damage;
	bool damage_signature;
};

struct dcap_test_level {
	uint8_t sgx[16], tdx[16];
	unsigned pcesvn; /* or ISVSVN */
	const char *status;
	const char *date;
	const char *advisories; /* "\"INTEL-SA-00001\"", or NULL: no such member */
};

struct dcap_test_module {
	const char *id; /* "TDX_01" */
	uint8_t signer[48], attributes[8];
	struct dcap_test_level levels[DCAP_TEST_LEVELS];
	size_t level_count;
};

struct dcap_test_tcb {
	struct dcap_test_document document;
	const char *name; /* of the collateral item; NULL: the FMSPC */
	uint8_t fmspc[6], pce_id[2];
	unsigned type;
	struct dcap_test_module module; /* without levels */
	struct dcap_test_module modules[DCAP_TEST_MODULES];
	size_t module_count;
	struct dcap_test_level levels[DCAP_TEST_LEVELS];
	size_t level_count;
};

struct dcap_test_identity {
	struct dcap_test_document document;
	uint8_t miscselect[4], attributes[16], signer[32];
	unsigned product;
	struct dcap_test_level levels[DCAP_TEST_LEVELS];
	size_t level_count;
};

struct dcap_test_collateral {
	bool tdx;
	struct dcap_test_tcb tcb;
	struct dcap_test_identity qe;
};

/* Two levels each: UpToDate, at exactly the scene's versions, and OutOfDate below. */
void dcap_test_collateral_make(const struct dcap_scene *scene,
			       struct dcap_test_collateral *ret_collateral);
/* The values, without the envelope, as they would be signed. */
void dcap_test_tcb_value(const struct dcap_test_tcb *tcb, struct writer *out);
void dcap_test_identity_value(const struct dcap_test_identity *identity,
			      struct writer *out);
/* Both documents and both lists of revoked certificates. */
void dcap_test_put(const struct dcap_scene *scene,
		   const struct dcap_test_collateral *collateral,
		   struct tobi_collateral *set);

#endif
