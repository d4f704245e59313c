#include "appraise/parts.h"

#include <string.h>

#include "appraise/policy_roots.h"
#include "appraise/policy_section.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "tee/ear.h"
#include "tee/token_signer.h"

static const char object[] = "evidence";

static const struct check check_signer = {
    "CMW-SIGNER", "somebody whom the policy trusts has the key that signed the wrapper",
    "draft-ietf-rats-msg-wrap, section 3.4; Tobichi protocols, section 17.4",
    "If you trust whoever wrapped it, name his key in the policy's roots, tier cmw; or "
    "give what is in the wrapper."};
static const struct check check_signature = {
    "CMW-SIGNATURE", "that key signed exactly this wrapper",
    "RFC 7515 section 5.2; RFC 9052 section 4.4",
    "The wrapper was changed after it was signed. Do not use it."};

const struct check *const wrapper_rows[] = {&check_signer, &check_signature, NULL};

/* ---- what came beside the evidence ---- */

/* Whether a record goes with the evidence as a piece. */
typedef bool record_test(const struct cmw_record *record,
			 const struct cmw_record *evidence);

static bool is_another(const struct cmw_record *record, const struct cmw_record *evidence)
{
	return record != evidence;
}

/* Logs may have any name in a collection; their media type tells them. */
static bool is_log(const struct cmw_record *record, const struct cmw_record *evidence)
{
	return record != evidence && bytes_equal_text(record->media_type, CMW_TYPE_LOG);
}

/* Behind the caller's own. */
static enum tobi_err add_pieces(record_test *wanted, const struct cmw_record *evidence,
				const struct appraisal_request *request,
				struct tobi_result *result, struct evidence_parts *parts,
				struct tobi_fault *fault)
{
	const struct cmw *cmw = &parts->cmw;
	struct tobi_bytes *pieces;
	size_t count = request->piece_count;

	if (cmw->count == 1)
		return TOBI_OK;
	pieces = arena_array(&result->arena, request->piece_count + cmw->count,
			     sizeof(*pieces));
	if (!pieces)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	for (size_t i = 0; i < request->piece_count; i++)
		pieces[i] = request->pieces[i];
	for (size_t i = 0; i < cmw->count; i++) {
		if (wanted(&cmw->records[i], evidence))
			pieces[count++] = cmw->records[i].value;
	}
	if (count > LIMIT_PIECES)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "over %d pieces beside the evidence", LIMIT_PIECES);
	parts->pieces = pieces;
	parts->piece_count = count;
	return TOBI_OK;
}

/* ---- the collection of attested TLS ---- */

/* The value of a record that may be absent, but not of another kind. */
static enum tobi_err find_record(const struct cmw *cmw, const char *key,
				 const char *media_type, unsigned indicator,
				 struct tobi_bytes *ret_value, struct tobi_fault *fault)
{
	const struct cmw_record *record = cmw_find(cmw, key);

	if (!record)
		return TOBI_OK;
	if (!bytes_equal_text(record->media_type, media_type) ||
	    (record->indicator && record->indicator != indicator))
		return fault_set(fault, TOBI_E_MALFORMED, object, key,
				 "the record is of another kind than %s", media_type);
	*ret_value = record->value;
	return TOBI_OK;
}

/* "application/eat+cwt", whatever parameters follow. */
static bool is_eat_type(const struct cmw_record *record)
{
	static const uint64_t formats[] = {263, 264, 10003, 10004, 10005};
	static const char *const types[] = {"application/eat+cwt", "application/eat+jwt"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!record->media_type.size && record->content_format == formats[i])
			return true;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t size = strlen(types[i]);

		if (record->media_type.size >= size &&
		    memcmp(record->media_type.ptr, types[i], size) == 0 &&
		    (record->media_type.size == size ||
		     record->media_type.ptr[size] == ';'))
			return true;
	}
	return false;
}

/* A token of any profile has the type of all tokens: its first claims say whose it is. A
 * type of one kind alone must be true. */
static const struct tee_verifier *kind_of(const struct cmw_record *record,
					  bool *ret_differs)
{
	const struct tee_verifier *named =
	    tee_verifier_find(record->media_type, record->content_format);
	const struct tee_verifier *seen = tee_verifier_recognise(record->value);

	*ret_differs = named && seen && named != seen && !is_eat_type(record);
	return seen ? seen : named;
}

static enum tobi_err check_logs(const struct cmw *cmw, struct tobi_fault *fault)
{
	for (size_t i = 0; i < cmw->count; i++) {
		const struct cmw_record *record = &cmw->records[i];

		if (is_log(record, NULL) && record->indicator &&
		    record->indicator != CMW_EVIDENCE)
			return fault_set(fault, TOBI_E_MALFORMED, object, "log",
					 "the record does not call itself evidence");
	}
	return TOBI_OK;
}

/* The other records of a collection have names. */
static enum tobi_err take_named(const struct cmw_record *evidence,
				const struct appraisal_request *request,
				struct tobi_result *result, struct evidence_parts *parts,
				struct tobi_fault *fault)
{
	const struct cmw *cmw = &parts->cmw;
	enum tobi_err err = find_record(cmw, "claims", CMW_TYPE_CLAIMS, CMW_EVIDENCE,
					&parts->claims, fault);

	if (!err)
		err = find_record(cmw, "endorse", CMW_TYPE_CHAIN, CMW_ENDORSEMENT,
				  &parts->endorsements, fault);
	if (!err)
		err = check_logs(cmw, fault);
	parts->collection = true;
	/* What hardware gave may be bound to bytes of the caller's own: then there are no
	 * claims, and it counts as if it had come alone. */
	parts->raw =
	    !request->in_session && !parts->claims.size && parts->verifier->recognise;
	return err ? err : add_pieces(is_log, evidence, request, result, parts, fault);
}

static enum tobi_err take_cpu(const struct cmw_record *cpu,
			      const struct appraisal_request *request,
			      struct tobi_result *result, struct evidence_parts *parts,
			      struct tobi_fault *fault)
{
	bool differs = false;

	if (cpu->indicator && cpu->indicator != CMW_EVIDENCE)
		return fault_set(fault, TOBI_E_MALFORMED, object, "cpu",
				 "the record does not call itself evidence");
	parts->cpu = cpu->value;
	parts->verifier = tee_verifier_find(cpu->media_type, cpu->content_format);
	if (is_eat_type(cpu))
		parts->verifier = kind_of(cpu, &differs);
	if (!parts->verifier)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "cpu",
				 "this kind of evidence is not known here");
	return take_named(cpu, request, result, parts, fault);
}

/* Whether another verifier's result stands for the evidence (passport mode): the policy
 * takes such results, and not that kind of evidence, or there is none. */
static bool is_passport(const struct cmw *cmw, const struct tobi_policy *policy,
			const struct cmw_record *cpu)
{
	const struct tee_verifier *kind;
	bool differs = false;

	if (cmw->alone || !cmw_find(cmw, "result") ||
	    !policy_names_tier(policy, tee_ear.tier))
		return false;
	kind = cpu ? kind_of(cpu, &differs) : NULL;
	return !kind || !policy_names_tier(policy, kind->tier);
}

static enum tobi_err take_result(const struct cmw_record *record,
				 const struct appraisal_request *request,
				 struct tobi_result *result, struct evidence_parts *parts,
				 struct tobi_fault *fault)
{
	bool differs = false;

	if (record->indicator && record->indicator != CMW_RESULT)
		return fault_set(fault, TOBI_E_MALFORMED, object, "result",
				 "the record does not call itself a result");
	parts->cpu = record->value;
	parts->verifier = kind_of(record, &differs);
	if (parts->verifier != &tee_ear || differs)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "result",
				 "no verifier's result of a kind that is known here");
	return take_named(record, request, result, parts, fault);
}

/* ---- other wrappers: one piece of evidence, and what came beside it ---- */

/* What says that it is something else is not looked at. */
static bool may_be_evidence(const struct cmw_record *record)
{
	return !record->indicator || (record->indicator & (CMW_EVIDENCE | CMW_RESULT));
}

static enum tobi_err take_only(const struct appraisal_request *request,
			       struct tobi_result *result, struct evidence_parts *parts,
			       struct tobi_fault *fault)
{
	const struct cmw *cmw = &parts->cmw;
	const struct cmw_record *evidence = NULL;

	for (size_t i = 0; i < cmw->count; i++) {
		const struct cmw_record *record = &cmw->records[i];
		const struct tee_verifier *kind;
		bool differs = false;

		kind = may_be_evidence(record) ? kind_of(record, &differs) : NULL;
		if (!kind)
			continue;
		if (differs)
			return fault_set(fault, TOBI_E_MALFORMED, object, "type",
					 "the wrapper says another kind than what is in "
					 "it: %s",
					 kind->name);
		if (evidence)
			return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
					 "there are several pieces of evidence in the "
					 "collection: give one at a time");
		evidence = record;
		parts->verifier = kind;
		parts->cpu = record->value;
	}
	if (!evidence)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "no evidence of a kind that is known here is in it");
	parts->raw = true;
	return add_pieces(is_another, evidence, request, result, parts, fault);
}

static enum tobi_err take_wrapped(struct tobi_bytes bytes,
				  const struct tobi_policy *policy,
				  const struct appraisal_request *request,
				  struct tobi_result *result,
				  struct evidence_parts *parts, struct tobi_fault *fault)
{
	const struct cmw_record *cpu;
	enum tobi_err err =
	    request->in_session
		? cmw_parse(bytes, object, &parts->cmw, fault)
		: cmw_open(bytes, object, &result->arena, &parts->cmw, fault);

	if (err)
		return err;
	cpu = parts->cmw.alone ? NULL : cmw_find(&parts->cmw, "cpu");
	/* Alone in a file it is found by its kind, whatever its name. */
	if (is_passport(&parts->cmw, policy, cpu) &&
	    (cpu || request->in_session || cmw_find(&parts->cmw, "claims")))
		return take_result(cmw_find(&parts->cmw, "result"), request, result,
				   parts, fault);
	if (cpu)
		return take_cpu(cpu, request, result, parts, fault);
	if (request->in_session)
		return fault_set(fault, TOBI_E_MALFORMED, object, "cpu",
				 "there is no record of this name");
	return take_only(request, result, parts, fault);
}

/* ---- signed wrappers ---- */

void wrapper_miss(struct tobi_result *result, const struct tobi_policy *policy)
{
	if (!policy_wants_wrapper(policy))
		return;
	for (size_t i = 0; wrapper_rows[i]; i++)
		check_owe(&result->list, wrapper_rows[i]);
	check_record(&result->list, &check_signer, false, "a signed wrapper",
		     "it came without one");
	check_not_asked(&result->list, &check_signature, "there is no signature");
}

static bool is_wrapper(const struct signed_token *token)
{
	return token->is_jwt
		   ? token->jws.cty && strcmp(token->jws.cty, CMW_TYPE_JSON) == 0
		   : bytes_equal_text(token->sign1.content_type, CMW_TYPE);
}

static bool open_signed(struct tobi_bytes bytes, struct signed_token *ret_token)
{
	struct signed_token token = {0};

	if (signed_token_open(bytes, object, &token, NULL))
		return false;
	if (is_wrapper(&token)) {
		*ret_token = token;
		return true;
	}
	signed_token_done(&token);
	return false;
}

static enum tobi_err take_signed(const struct signed_token *token,
				 const struct tobi_policy *policy,
				 const struct appraisal_request *request,
				 struct tobi_result *result, struct evidence_parts *parts,
				 struct tobi_fault *fault)
{
	struct tee_request signer =
	    policy_request(policy, POLICY_WRAPPERS, request->time);
	struct tobi_bytes content =
	    token->is_jwt ? token->jws.payload : token->sign1.payload;

	for (size_t i = 0; wrapper_rows[i]; i++)
		check_owe(&result->list, wrapper_rows[i]);
	signed_token_examine(&signer, token, &check_signer, &check_signature,
			     &result->list);
	content = arena_copy(&result->arena, content);
	if (!content.ptr)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	return take_wrapped(content, policy, request, result, parts, fault);
}

enum tobi_err evidence_take(struct tobi_result *result, const struct tobi_policy *policy,
			    const struct appraisal_request *request,
			    struct evidence_parts *ret_parts, struct tobi_fault *fault)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};

	ret_parts->pieces = request->pieces;
	ret_parts->piece_count = request->piece_count;
	if (!request->in_session) {
		ret_parts->verifier = tee_verifier_recognise(request->evidence);
		if (!ret_parts->verifier && open_signed(request->evidence, &token))
			return take_signed(&token, policy, request, result, ret_parts,
					   fault);
	}
	/* A guest's evidence is a part of what was asked for already. */
	if (!request->of_guest)
		wrapper_miss(result, policy);
	if (!ret_parts->verifier)
		return take_wrapped(request->evidence, policy, request, result, ret_parts,
				    fault);
	ret_parts->cpu = request->evidence;
	ret_parts->raw = true;
	return TOBI_OK;
}

enum tobi_err evidence_open_wrapper(struct tobi_bytes bytes, struct arena *arena,
				    struct cmw *ret_cmw, struct tobi_fault *fault)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};

	if (open_signed(bytes, &token)) {
		bytes = arena_copy(arena, token.is_jwt ? token.jws.payload
						       : token.sign1.payload);
		if (!bytes.ptr)
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
	}
	return cmw_open(bytes, object, arena, ret_cmw, fault);
}

bool evidence_is_wrapped(struct tobi_bytes bytes)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct cmw cmw;
	bool wrapped =
	    open_signed(bytes, &token) || !cmw_open(bytes, object, &arena, &cmw, NULL);

	arena_done(&arena);
	return wrapped;
}
