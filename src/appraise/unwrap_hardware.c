/* The hardware's own evidence in evidence that has it inside. */
#include <string.h>

#include "appraise/parts.h"
#include "appraise/ratls.h"
#include "appraise/unwrap.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/chain.h"
#include "tee/azure.h"
#include "tee/azure_parts.h"
#include "tee/nvidia_evidence.h"
#include "tee/tpm.h"
#include "tee/tpm_parts.h"
#include "token/cmw.h"
#include "token/ratls.h"

static const char object[] = "evidence";

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

static void add(struct hardware_parts *parts, struct tobi_bytes part)
{
	if (part.size && parts->count < HARDWARE_PARTS_MAX)
		parts->list[parts->count++] = part;
}

/* A machine's TPM may have the hardware's beside its quote (Google's message). */
static enum tobi_err of_tpm(const struct tee_request *request, struct arena *arena,
			    struct tobi_bytes *ret_hardware, struct tobi_fault *fault)
{
	struct tpm_parts *parts = arena_alloc(arena, sizeof(*parts));
	enum tobi_err err;

	if (!parts)
		return no_memory(fault);
	err = tpm_parts_read(request, arena, parts, fault);
	if (!err && parts->hardware_report.size)
		*ret_hardware = parts->hardware_report;
	if (!err && parts->hardware_quote.size)
		*ret_hardware = parts->hardware_quote;
	return err;
}

/* Of one piece of evidence. */
static enum tobi_err add_cpu(const struct tee_request *request, struct arena *arena,
			     struct hardware_parts *parts, struct tobi_fault *fault)
{
	const struct tee_verifier *kind = tee_verifier_recognise(request->evidence);
	struct tobi_bytes hardware = request->evidence;
	enum tobi_err err = TOBI_OK;

	if (kind == &tee_azure_snp || kind == &tee_azure_tdx)
		err = azure_parts_hardware(request, arena, &hardware, fault);
	else if (kind == &tee_tpm)
		err = of_tpm(request, arena, &hardware, fault);
	if (!err)
		add(parts, hardware);
	return err;
}

/* ---- wrappers ---- */

static struct tobi_bytes value_of(const struct cmw *cmw, const char *key)
{
	const struct cmw_record *record = cmw_find(cmw, key);

	return record ? record->value : (struct tobi_bytes){0};
}

static void add_devices(const struct cmw *cmw, struct hardware_parts *parts)
{
	for (size_t i = 0; i < cmw->count; i++) {
		if (nvidia_evidence_is(cmw->records[i].value))
			add(parts, cmw->records[i].value);
	}
}

/* Not what somebody says of himself or of others, and not a device's. */
static bool is_cpus(const struct cmw_record *record)
{
	const struct tee_verifier *kind = tee_verifier_recognise(record->value);

	return kind && (!record->indicator || (record->indicator & CMW_EVIDENCE)) &&
	       strcmp(kind->tier, "soft") != 0 && strcmp(kind->tier, "eat") != 0 &&
	       strcmp(kind->tier, "ear") != 0 && !nvidia_evidence_is(record->value);
}

/* Whatever the records are called: one is the evidence, the others came beside it. */
static enum tobi_err add_only(const struct cmw *cmw, struct arena *arena,
			      struct hardware_parts *parts, struct tobi_fault *fault)
{
	struct tobi_bytes pieces[LIMIT_CMW_ENTRIES];
	struct tee_request request = {.pieces = pieces};

	for (size_t i = 0; i < cmw->count; i++) {
		const struct cmw_record *record = &cmw->records[i];

		if (!is_cpus(record))
			pieces[request.piece_count++] = record->value;
		else if (request.evidence.size)
			return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
					 "there are several pieces of evidence in the "
					 "collection: give one at a time");
		else
			request.evidence = record->value;
	}
	return request.evidence.size ? add_cpu(&request, arena, parts, fault) : TOBI_OK;
}

/* Of an enclave's collection the guest's: the token of the tier soft needs nothing. */
static enum tobi_err add_wrapped(struct cmw *cmw, struct arena *arena,
				 struct hardware_parts *parts, struct tobi_fault *fault)
{
	struct tobi_bytes guest = value_of(cmw, "guest");
	struct tee_request request = {0};
	enum tobi_err err = TOBI_OK;

	if (guest.size)
		err = cmw_open(guest, object, arena, cmw, fault);
	if (err)
		return err;
	request.evidence = value_of(cmw, "cpu");
	request.endorsements = value_of(cmw, "endorse");
	return request.evidence.size ? add_cpu(&request, arena, parts, fault)
				     : add_only(cmw, arena, parts, fault);
}

static enum tobi_err open_wrapper(struct tobi_bytes bytes, struct arena *arena,
				  struct hardware_parts *parts, struct tobi_fault *fault)
{
	struct hardware_parts devices = {0};
	struct cmw *cmw = arena_alloc(arena, sizeof(*cmw));
	enum tobi_err err;

	if (!cmw)
		return no_memory(fault);
	err = evidence_open_wrapper(bytes, arena, cmw, fault);
	if (err)
		return err;
	add_devices(cmw, &devices);
	err = add_wrapped(cmw, arena, parts, fault);
	for (size_t i = 0; i < devices.count; i++)
		add(parts, devices.list[i]);
	if (err || parts->count)
		return err;
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
			 "no evidence of hardware is in the wrapper");
}

/* ---- certificates ---- */

static enum tobi_err open_certificate(struct tobi_bytes file, struct arena *arena,
				      struct hardware_parts *parts,
				      struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	struct ratls_carried carried;
	struct tee_request request = {0};
	enum tobi_err err = chain_read_first(file, "certificate", &leaf, fault);

	if (!err)
		err = ratls_find(leaf, arena, &carried, fault);
	if (err)
		return err;
	/* It goes with the certificate. */
	request.evidence = arena_copy(arena, carried.evidence.evidence);
	request.endorsements = arena_copy(arena, carried.endorsements.chain);
	return request.evidence.ptr ? add_cpu(&request, arena, parts, fault)
				    : no_memory(fault);
}

enum tobi_err unwrap_hardware(struct tobi_bytes evidence, struct arena *arena,
			      struct hardware_parts *ret_parts, struct tobi_fault *fault)
{
	const struct tee_request alone = {.evidence = evidence};

	*ret_parts = (struct hardware_parts){0};
	if (tee_verifier_recognise(evidence))
		return add_cpu(&alone, arena, ret_parts, fault);
	if (ratls_is_certificate(evidence))
		return open_certificate(evidence, arena, ret_parts, fault);
	if (evidence_is_wrapped(evidence))
		return open_wrapper(evidence, arena, ret_parts, fault);
	return add_cpu(&alone, arena, ret_parts, fault);
}
