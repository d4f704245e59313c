/*
 * Attesters: one row for each way in which a machine proves what it is. A row asks a
 * device for evidence that is bound to a value of the caller's, and gives it as the
 * device gave it, with what a verifier needs besides: certificates, logs.
 *
 * An attester judges nothing: whether evidence is right is the verifier's to say. It only
 * refuses what is not what it asked for.
 */
#ifndef TOBI_ATTEST_ATTESTER_H
#define TOBI_ATTEST_ATTESTER_H

#include <stdbool.h>

#include "attest/device.h"

/* Where clouds have their metadata service. */
#define ATTEST_METADATA "http://169.254.169.254"

enum { ATTEST_DATA_SIZE = 64, ATTEST_NAME_MAX = 32 };

struct attest_request {
	const struct attest_device *device;
	/* What the evidence must be bound to. A kind that has less room takes the first
	 * bytes; data_size of them are not filling. */
	uint8_t data[ATTEST_DATA_SIZE];
	size_t data_size;
	/* Put into a document that has room for them; may be empty. */
	struct tobi_bytes claims_buffer, public_key;
	int privilege;	 /* SNP: the VMPL to attest; -1: the lowest that is allowed */
	bool with_logs;	 /* event logs, too */
	const char *tpm; /* "device:PATH", "swtpm:path=SOCKET"; NULL: the usual one */
	uint32_t tpm_ak; /* the handle of its attestation key; 0: looked for */
	uint32_t pcrs;	 /* bit n: PCR n is quoted */
	const char *metadata; /* the address of the cloud's metadata service */
	const char *quotes; /* TDX: "CID:PORT" of a quoting service over vsock; or NULL */
};

/* What came beside the evidence. An extra is of use to people, and proves nothing of it:
 * no verifier is given it. */
enum attest_piece_kind { ATTEST_ENDORSEMENT, ATTEST_LOG, ATTEST_EXTRA };
struct attest_piece {
	enum attest_piece_kind kind;
	char name[ATTEST_NAME_MAX]; /* of a file: "vcek.der" */
	struct writer bytes;
};

/* attest_output_done() it. */
struct attest_output {
	const char *kind; /* a name of tee_verifier_named(): "snp-report" */
	struct writer evidence;
	struct attest_piece pieces[LIMIT_PIECES];
	size_t piece_count;
	char note[256]; /* for people: what could not be had beside it; or empty */
};

struct attester {
	const char *name;  /* "sev-guest" */
	const char *title; /* "AMD SEV-SNP, /dev/sev-guest" */
	/* It is of one process, in which nothing else can be isolated: it attests for
	 * itself, and for no enclave of the service. */
	bool one_process;
	/* TOBI_OK when the platform is here; else the fault says why not. *ret_kind: of
	 * what kind its evidence is; a literal. It opens devices, which may hang: see
	 * bounded_present(). */
	enum tobi_err (*present)(const struct attest_request *request,
				 const char **ret_kind, struct tobi_fault *fault);
	enum tobi_err (*get)(const struct attest_request *request,
			     struct attest_output *output, struct tobi_fault *fault);
};

/* In the order in which `auto` tries them; NULL past the end. */
const struct attester *attester_at(size_t index);
const struct attester *attester_named(const char *name);

/* The literal of a kind that some attester gives; NULL for another text. */
const char *attest_kind(struct tobi_bytes name);

struct attest_output attest_output_init(void);
void attest_output_done(struct attest_output *output);
/* A piece to be filled; NULL when there is no room for another one. */
struct writer *attest_piece_add(struct attest_output *output, enum attest_piece_kind kind,
				const char *name);
void attest_piece_drop(struct attest_output *output, size_t index);
/*
 * Asks, and checks what came: it is of a size that is allowed, and bound to what was
 * asked for (TOBI_E_MISMATCH otherwise). output: attest_output_init(); undefined after an
 * error, but for attest_output_done().
 */
TOBI_MUST_USE enum tobi_err attester_run(const struct attester *attester,
					 const struct attest_request *request,
					 struct attest_output *output,
					 struct tobi_fault *fault);

#endif
