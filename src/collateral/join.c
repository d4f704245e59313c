/*
 * Documents and their issuers, which may come in files of their own and in any order.
 *
 * A document gets the certificate of the issuer it names, and behind it the roots that
 * this certificate names. Where two certificates have one name, the one whose key holds
 * is taken. Whether any of them is to be trusted is asked later, by whoever uses it.
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/fault.h"
#include "base/secret.h"
#include "collateral/intel.h"
#include "collateral/set.h"
#include "pki/crl.h"
#include "pki/signature.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)

static X509 *read_issuer(const struct collateral_item *item)
{
	CLEANUP(BIO_free_allp)
	BIO *bio = BIO_new_mem_buf(item->data.ptr, (int)item->data.size);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	ERR_clear_error();
	return certificate;
}

static bool has_signed_json(X509 *issuer, const struct collateral_item *item)
{
	struct intel_document document;

	return !intel_document_read(item->data, "collateral", &document, NULL) &&
	       ec_signature_holds(
		   X509_get0_pubkey(issuer), document.body,
		   (struct tobi_bytes){document.signature, sizeof(document.signature)});
}

static bool has_signed_crl(X509 *issuer, const struct collateral_item *item)
{
	CLEANUP(X509_CRL_freep) X509_CRL *crl = NULL;

	return !crl_read(item->data, "collateral", &crl, NULL) &&
	       X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;
}

static bool has_signed_certificate(X509 *issuer, const struct collateral_item *item)
{
	CLEANUP(X509_freep) X509 *certificate = read_issuer(item);

	return certificate && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

static bool has_signed(const struct collateral_item *issuer_item,
		       const struct collateral_item *item)
{
	CLEANUP(X509_freep) X509 *issuer = read_issuer(issuer_item);
	bool holds;

	if (!issuer || !X509_get0_pubkey(issuer))
		return false;
	if (item->kind <= COLLATERAL_TDX_QE_IDENTITY)
		holds = has_signed_json(issuer, item);
	else if (item->kind == COLLATERAL_PCK)
		holds = has_signed_certificate(issuer, item);
	else
		holds = has_signed_crl(issuer, item);
	ERR_clear_error();
	return holds;
}

/* The last of that name, or the last of several whose key holds. */
static const struct collateral_item *find_issuer(const struct tobi_collateral *set,
						 const struct entry *entry)
{
	const struct collateral_item *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct collateral_item *item = &set->entries[i]->item;

		if (item->kind == COLLATERAL_INTEL_ISSUER &&
		    strcmp(item->name, entry->joins) == 0) {
			first = item;
			count++;
		}
	}
	for (size_t i = set->count; count > 1 && i > 0; i--) {
		const struct collateral_item *item = &set->entries[i - 1]->item;

		if (item->kind == COLLATERAL_INTEL_ISSUER &&
		    strcmp(item->name, entry->joins) == 0 &&
		    has_signed(item, &entry->item))
			return item;
	}
	return first;
}

/* The issuer, and each root of the name that the issuer's certificate gives. */
static bool write_chain(const struct tobi_collateral *set,
			const struct collateral_item *issuer, struct writer *out)
{
	CLEANUP(X509_freep) X509 *certificate = read_issuer(issuer);

	wr_bytes(out, issuer->data.ptr, issuer->data.size);
	for (size_t i = 0; certificate && i < set->count; i++) {
		const struct collateral_item *item = &set->entries[i]->item;
		CLEANUP(X509_freep) X509 *root = NULL;

		if (item == issuer || item->kind != COLLATERAL_INTEL_ISSUER ||
		    strcmp(item->name, "root") != 0 || strcmp(issuer->name, "root") == 0)
			continue;
		root = read_issuer(item);
		if (root && X509_NAME_cmp(X509_get_issuer_name(certificate),
					  X509_get_subject_name(root)) == 0)
			wr_bytes(out, item->data.ptr, item->data.size);
	}
	return certificate && !wr_err(out);
}

static enum tobi_err join(struct tobi_collateral *set, struct entry *entry,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer chain = wr_init(LIMIT_PEM);
	const struct collateral_item *issuer = find_issuer(set, entry);

	if (!issuer)
		return TOBI_OK;
	if (!write_chain(set, issuer, &chain))
		return fault_set(fault, TOBI_E_LIMIT, "collateral", "issuers",
				 "they have over %d bytes", LIMIT_PEM);
	if (bytes_equal(wr_view(&chain), entry->item.chain))
		return TOBI_OK;
	entry->item.chain = arena_copy(&set->arena, wr_view(&chain));
	if (!entry->item.chain.ptr)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "issuers",
				 "out of memory, or over %d bytes together",
				 LIMIT_BUNDLE);
	return set_hash(&entry->item)
		   ? TOBI_OK
		   : fault_openssl(fault, "collateral", "", "cannot hash it");
}

enum tobi_err set_join(struct tobi_collateral *set, struct entry *only,
		       struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (only)
		return join(set, only, fault);
	for (size_t i = 0; i < set->count && !err; i++) {
		if (set->entries[i]->joins)
			err = join(set, set->entries[i], fault);
	}
	return err;
}
