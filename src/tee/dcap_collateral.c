#include "tee/dcap_collateral.h"

#include <stdlib.h>
#include <time.h>

#include "base/fault.h"
#include "pki/signature.h"
#include "tee/dcap_signer.h"

enum { DATE_ROOM = 32, DOCUMENT_ARENA = 512 << 10 };

static bool is_identity(enum collateral_kind kind)
{
	return kind == COLLATERAL_SGX_QE_IDENTITY || kind == COLLATERAL_TDX_QE_IDENTITY;
}

static const char *object_of(enum collateral_kind kind)
{
	return is_identity(kind) ? "QE identity" : "TCB info";
}

static enum tobi_err check_signature(const struct tee_request *request,
				     const struct collateral_item *item,
				     const struct dcap_envelope *envelope,
				     struct dcap_document *out, struct tobi_fault *fault)
{
	CLEANUP(dcap_signer_unrefp) struct dcap_signer *signer = NULL;
	const char *object = object_of(item->kind);
	enum tobi_err err = dcap_signer_find(request, item, object, &signer, fault);

	if (err)
		return err;
	if (!ec_signature_holds(
		signer->key, envelope->signed_part,
		(struct tobi_bytes){envelope->signature, DCAP_SIGNATURE_SIZE}))
		return fault_set(fault, TOBI_E_SIGNATURE, object, "signature",
				 "it does not verify: the document was changed");
	out->window = signer->window;
	out->crl_next_update = signer->crl_next_update;
	return TOBI_OK;
}

static void write_date(int64_t when, char out[static DATE_ROOM])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	out[0] = 0;
	if (gmtime_r(&seconds, &tm))
		strftime(out, DATE_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static enum tobi_err check_dates(const struct tee_request *request, const char *object,
				 struct dcap_document *out, struct tobi_fault *fault)
{
	int64_t issued = out->issued;
	char date[DATE_ROOM];

	if (issued > request->time) {
		write_date(issued, date);
		return fault_set(fault, TOBI_E_REFUSED, object, "issueDate",
				 "it was issued at %s, after the time of verification",
				 date);
	}
	if (issued < request->baseline) {
		write_date(issued, date);
		return fault_set(fault, TOBI_E_REFUSED, object, "issueDate",
				 "it was issued at %s, before the policy's baseline",
				 date);
	}
	if (request->time >= out->next_update + request->grace) {
		write_date(out->next_update, date);
		return fault_set(fault, TOBI_E_REFUSED, object, "nextUpdate",
				 "it was to be replaced by %s", date);
	}
	if (issued > out->window.not_before)
		out->window.not_before = issued;
	if (out->next_update + request->grace < out->window.not_after)
		out->window.not_after = out->next_update + request->grace;
	return TOBI_OK;
}

static enum tobi_err read_document(enum collateral_kind kind, struct tobi_bytes json,
				   struct dcap_document *out, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (is_identity(kind)) {
		err = dcap_qe_identity_read(json, &out->arena, &out->qe, fault);
		out->issued = out->qe.issued;
		out->next_update = out->qe.next_update;
	} else {
		err = dcap_tcb_info_read(json, &out->arena, &out->tcb, fault);
		out->issued = out->tcb.issued;
		out->next_update = out->tcb.next_update;
	}
	return err;
}

/* Nothing of a document is read that Intel has not signed, beyond where it starts and
 * ends. */
static enum tobi_err make(const struct tee_request *request,
			  const struct collateral_item *item, struct dcap_document *out,
			  struct tobi_fault *fault)
{
	const char *object = object_of(item->kind);
	struct dcap_envelope envelope;
	enum tobi_err err = dcap_envelope_read(
	    item->data, is_identity(item->kind) ? "enclaveIdentity" : "tcbInfo", object,
	    &envelope, fault);

	if (!err)
		err = check_signature(request, item, &envelope, out, fault);
	if (!err)
		err = read_document(item->kind, envelope.signed_part, out, fault);
	return err ? err : check_dates(request, object, out, fault);
}

static void free_document(struct memo_value *value)
{
	struct dcap_document *document = (struct dcap_document *)value;

	arena_done(&document->arena);
	free(document);
}

enum tobi_err dcap_document_find(const struct tee_request *request,
				 enum collateral_kind kind, const char *name,
				 struct dcap_document **ret_document,
				 struct tobi_fault *fault)
{
	const struct collateral_item *item =
	    collateral_find_at(request->collateral, kind, name, request->time);
	CLEANUP(dcap_document_unrefp) struct dcap_document *document = NULL;
	struct memo_name memo;
	enum tobi_err err;

	if (!item)
		return fault_set(fault, TOBI_E_NOT_FOUND, object_of(kind), "",
				 "there is none among the collateral%s%s",
				 *name ? " for FMSPC " : "", name);
	/* It is the hash of the certificates that came with it, too. */
	err =
	    dcap_signer_name(request, item, "dcap-document",
			     (struct tobi_bytes){item->hash, sizeof(item->hash)}, &memo);
	if (err)
		return fault_set(fault, err, object_of(kind), "", "cannot hash it");
	*ret_document =
	    (struct dcap_document *)memo_find(request->memo, &memo, request->time);
	if (*ret_document)
		return TOBI_OK;
	document = calloc(1, sizeof(*document));
	if (!document)
		return fault_set(fault, TOBI_E_MEMORY, object_of(kind), "",
				 "out of memory");
	document->head = (struct memo_value){1, free_document};
	document->arena = arena_init(DOCUMENT_ARENA);
	err = make(request, item, document, fault);
	if (err)
		return err;
	memo_keep(request->memo, &memo, &document->window, &document->head);
	*ret_document = TAKE(document);
	return TOBI_OK;
}
