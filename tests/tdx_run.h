/* The evaluation of a scene of tests/dcap_scene.h as evidence of TDX or SGX. */
#ifndef TESTS_TDX_RUN_H
#define TESTS_TDX_RUN_H

#include "tests/check.h"
#include "tests/dcap_collateral.h"
#include "tobichi/verify.h"

struct tdx_run {
	struct dcap_scene scene;
	struct dcap_test_collateral collateral;
	const struct tee_verifier *verifier;
	struct tobi_bytes pieces[4];
	size_t piece_count;
	struct tobi_bytes endorsements, claims_buffer;
	int64_t time, grace, baseline;
	struct memo *memo;
	bool no_roots; /* the policy names none: the vendors' count */
	/* What came out; tdx_run_done(). */
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	struct tobi_fault fault;
};

/* A quote of version 4 of a TD 1.0, and all that it needs; everything is right. */
void tdx_run_init(struct tdx_run *run);
/* The same over, of one that was used. */
void tdx_run_again(struct tdx_run *run);
/* The same as another kind. */
void tdx_run_kind(struct tdx_run *run, unsigned version, enum dcap_body kind);
/* Everything that has a date is of this day, and not of DCAP_NOW's. */
void tdx_run_move(struct tdx_run *run, int64_t now);
/* What Intel publishes, as a folder for --collateral; it may be there. */
void tdx_run_put_collateral(const struct tdx_run *run, const char *folder);
/* May be called again after a change. */
enum tobi_err tdx_run_examine(struct tdx_run *run);
void tdx_run_done(struct tdx_run *run);
/* Of one test: its state is a run, as of tdx_run_init(). */
int tdx_run_setup(void **state);
int tdx_run_teardown(void **state);

enum tobi_outcome tdx_run_outcome(const struct tdx_run *run, const char *code);
/* What was found, of a record that is there. */
const char *tdx_run_found(const struct tdx_run *run, const char *code);
/* Examines it; every check that is owed has passed. */
void tdx_run_passes(struct tdx_run *run);
/* Examines it; this check failed, and no other did. Others may be without a record. */
void tdx_run_fails_alone(struct tdx_run *run, const char *code);
#define FAILS(code, run) tdx_run_fails_alone((run), (code))

/* The policy that the functions below use, with more lines behind it. */
void tdx_run_policy(const struct tdx_run *run, const char *lines, struct writer *out);
/* tobi_verify() under a policy that trusts the scene's root and names its image, with
 * more lines behind it; tobi_result_free() what it returns. The policy must be one. */
struct tobi_result *tdx_run_verify(struct tdx_run *run, const char *lines);
void tdx_run_accepted(struct tdx_run *run, const char *lines);
/* By this check, and no other. */
void tdx_run_refused(struct tdx_run *run, const char *lines, const char *code);
#define POLICY_FAILS(code, run, lines) tdx_run_refused((run), (lines), (code))
/* Such a policy is none. */
void tdx_run_bad_policy(const struct tdx_run *run, const char *lines);

#endif
