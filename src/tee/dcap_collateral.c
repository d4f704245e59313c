#include "tee/dcap_collateral.h"

#include <stdlib.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/pinned.h"
#include "pki/signature.h"
#include "tee/dcap_certificates.h"
#include "tee/dcap_crl.h"

enum { NAME_PARTS = 4, CHAIN_LENGTH = 2, DATE_ROOM = 32, DOCUMENT_ARENA = 512 << 10 };

static const char signer_name[] = "Intel SGX TCB Signing";


static bool is_identity(enum collateral_kind kind)
{
	return kind == COLLATERAL_SGX_QE_IDENTITY || kind == COLLATERAL_TDX_QE_IDENTITY;
}

static const char *object_of(enum collateral_kind kind)
{
	return is_identity(kind) ? "QE identity" : "TCB info";
}

/* Where the certificates of its signer are: with it, or among the collateral. */
static bool is_source(const struct collateral_item *item,
		      const struct collateral_item *other)
{
	return item->chain.size ? other == item : other->kind == COLLATERAL_CERTIFICATE;
}

static enum tobi_err make_name(const struct tee_request *request,
			       const struct collateral_item *item,
			       struct memo_name *ret_name)
{
	CLEANUP(wr_done) struct writer hashes = wr_init(LIMIT_BUNDLE);
	const struct collateral_item *other;
	uint8_t numbers[16];
	struct tobi_bytes parts[NAME_PARTS];

	for (size_t i = 0; (other = collateral_at(request->collateral, i)); i++) {
		if (is_source(item, other) || other->kind == COLLATERAL_INTEL_ROOT_CRL)
			wr_bytes(&hashes, other->hash, sizeof(other->hash));
	}
	if (wr_err(&hashes))
		return TOBI_E_MEMORY;
	store_be(numbers, 8, (uint64_t)request->grace);
	store_be(numbers + 8, 8, (uint64_t)request->baseline);
	parts[0] = (struct tobi_bytes){item->hash, sizeof(item->hash)};
	parts[1] = wr_view(&hashes);
	parts[2] =
	    (struct tobi_bytes){request->pins.keys[0], request->pins.count * SHA256_SIZE};
	parts[3] = (struct tobi_bytes){numbers, sizeof(numbers)};
	return memo_name_make("dcap-document", parts, NAME_PARTS, ret_name);
}

static enum tobi_err read_certificates(const struct tee_request *request,
				       const struct collateral_item *item,
				       struct dcap_certificates *out,
				       struct tobi_fault *fault)
{
	const char *object = object_of(item->kind);
	const struct collateral_item *other;
	enum tobi_err err = TOBI_OK;

	if (item->chain.size)
		return dcap_certificates_read(item->chain, object, out, fault);
	for (size_t i = 0; !err && (other = collateral_at(request->collateral, i)); i++) {
		if (is_source(item, other))
			err = dcap_certificates_read(other->data, object, out, fault);
	}
	return err;
}

static X509 *find_signer(const struct dcap_certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++) {
		if (certificate_is_named(certificates->list[i], signer_name))
			return certificates->list[i];
	}
	return NULL;
}

static void narrow(struct chain_window *window, int64_t from, int64_t to)
{
	if (from > window->not_before)
		window->not_before = from;
	if (to < window->not_after)
		window->not_after = to;
}

/* That the root has not revoked the signer. */
static enum tobi_err check_revocation(const struct tee_request *request, X509 *signer,
				      X509 *root, const char *object,
				      struct dcap_document *out, struct tobi_fault *fault)
{
	CLEANUP(dcap_crl_unrefp) struct dcap_crl *crl = NULL;
	enum tobi_err err =
	    dcap_crl_find(request, COLLATERAL_INTEL_ROOT_CRL, "", root, &crl, fault);

	if (err)
		return err;
	if (crl_revokes(crl->crl, signer))
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "the root has revoked the certificate of its signer");
	narrow(&out->window, crl->window.not_before, crl->window.not_after);
	out->crl_next_update = crl->next_update;
	return TOBI_OK;
}

static enum tobi_err check_signer(const struct tee_request *request,
				  const struct pinned_chain *chain, const char *object,
				  struct dcap_document *out, struct tobi_fault *fault)
{
	X509 *signer = chain->certificates[0];

	if (chain->count != CHAIN_LENGTH)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "the root itself did not issue its certificate");
	if (X509_check_ca(signer) != 0)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "its certificate is that of a CA");
	out->window = chain->window;
	return check_revocation(request, signer, chain->certificates[1], object, out,
				fault);
}

static enum tobi_err check_signature(const struct tee_request *request,
				     const struct collateral_item *item,
				     const struct dcap_envelope *envelope,
				     struct dcap_document *out, struct tobi_fault *fault)
{
	CLEANUP(dcap_certificates_done) struct dcap_certificates certificates = {0};
	CLEANUP(pinned_chain_done) struct pinned_chain chain = {0};
	const char *object = object_of(item->kind);
	struct pinned_request pinned;
	X509 *signer;
	enum tobi_err err = read_certificates(request, item, &certificates, fault);

	if (err)
		return err;
	signer = find_signer(&certificates);
	if (!signer)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "no certificate of %s came with it", signer_name);
	pinned = (struct pinned_request){.leaf = signer,
					 .others = certificates.list,
					 .count = certificates.count,
					 .pins = &request->pins,
					 .time = request->time,
					 .strict = true};
	err = pinned_chain_verify(&pinned, object, &chain, fault);
	if (!err)
		err = check_signer(request, &chain, object, out, fault);
	if (!err && !ec_signature_holds(
			X509_get0_pubkey(signer), envelope->signed_part,
			(struct tobi_bytes){envelope->signature, DCAP_SIGNATURE_SIZE}))
		err = fault_set(fault, TOBI_E_SIGNATURE, object, "signature",
				"it does not verify: the document was changed");
	return err;
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
	narrow(&out->window, issued, out->next_update + request->grace);
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
	    collateral_find(request->collateral, kind, name);
	CLEANUP(dcap_document_unrefp) struct dcap_document *document = NULL;
	struct memo_name memo;
	enum tobi_err err;

	if (!item)
		return fault_set(fault, TOBI_E_NOT_FOUND, object_of(kind), "",
				 "there is none among the collateral%s%s",
				 *name ? " for FMSPC " : "", name);
	err = make_name(request, item, &memo);
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
