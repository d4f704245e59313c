#include "collateral/check.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "collateral/intel.h"
#include "collateral/text.h"
#include "pki/signature.h"

static const char object[] = "collateral";

/* All certificates that may help, and the one that it is about. */
struct circle {
	struct pem_list lists[3];
	size_t list_count;
	X509 *certificates[PINNED_CERTIFICATES_MAX];
	size_t count;
};

static void circle_done(struct circle *circle)
{
	for (size_t i = 0; i < circle->list_count; i++)
		pem_list_done(&circle->lists[i]);
}

/* PEM, or one certificate in DER. */
static enum tobi_err circle_add(struct circle *circle, struct tobi_bytes bytes,
				struct tobi_fault *fault)
{
	struct pem_list *list = &circle->lists[circle->list_count];
	enum tobi_err err;

	if (!bytes.size || circle->list_count == 3)
		return TOBI_OK;
	if (!chain_read_certificate(bytes, object, &list->certificates[0], NULL)) {
		list->count = 1;
	} else {
		err = pem_list_read(bytes, object, list, fault);
		if (err)
			return err;
	}
	circle->list_count++;
	for (size_t i = 0; i < list->count; i++) {
		if (circle->count == PINNED_CERTIFICATES_MAX)
			return fault_set(fault, TOBI_E_LIMIT, object, "issuers",
					 "more than %d certificates",
					 PINNED_CERTIFICATES_MAX);
		circle->certificates[circle->count++] = list->certificates[i];
	}
	return TOBI_OK;
}

static X509 *find_named(const struct circle *circle, const char *name)
{
	for (size_t i = 0; i < circle->count; i++) {
		if (certificate_is_named(circle->certificates[i], name))
			return circle->certificates[i];
	}
	return NULL;
}

static enum tobi_err verify_chain(const struct circle *circle, X509 *leaf,
				  const struct key_pins *pins, int64_t time,
				  struct tobi_fault *fault)
{
	struct pinned_chain chain = {0};
	const struct pinned_request request = {.leaf = leaf,
					       .others = circle->certificates,
					       .count = circle->count,
					       .pins = pins,
					       .time = time};
	enum tobi_err err = pinned_chain_verify(&request, object, &chain, fault);

	pinned_chain_done(&chain);
	return err;
}

static enum tobi_err check_dates(const struct collateral_item *item,
				 const struct collateral_rules *rules,
				 struct tobi_fault *fault)
{
	int64_t issued, next;

	collateral_dates(item, &issued, &next);
	if (!issued || !next)
		return fault_set(fault, TOBI_E_MALFORMED, object, "dates",
				 "they are missing, or cannot be read");
	if (rules->time < issued)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "dates",
				 "it is issued in the future");
	if (rules->time >= next + rules->grace)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "dates",
				 "it has expired");
	return TOBI_OK;
}

static enum tobi_err check_json(const struct collateral_item *item,
				const struct circle *circle,
				const struct collateral_rules *rules,
				struct tobi_fault *fault)
{
	struct intel_document document;
	X509 *signer = find_named(circle, "Intel SGX TCB Signing");
	enum tobi_err err = intel_document_read(item->data, object, &document, fault);

	if (err)
		return err;
	if (!signer)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "issuers",
				 "its signer's certificate is not with it");
	err = verify_chain(circle, signer, &rules->intel, rules->time, fault);
	if (err)
		return err;
	if (!ec_signature_holds(
		X509_get0_pubkey(signer), document.body,
		(struct tobi_bytes){document.signature, INTEL_SIGNATURE_SIZE}))
		return fault_set(fault, TOBI_E_SIGNATURE, object, "signature",
				 "it does not hold");
	return check_dates(item, rules, fault);
}

static enum tobi_err check_crl(const struct collateral_item *item,
			       const struct circle *circle, X509 *issuer,
			       const struct key_pins *pins,
			       const struct collateral_rules *rules,
			       struct tobi_fault *fault)
{
	CLEANUP(X509_CRL_freep) X509_CRL *crl = NULL;
	struct chain_window window;
	enum tobi_err err = verify_chain(circle, issuer, pins, rules->time, fault);

	if (!err)
		err = crl_read(item->data, object, &crl, fault);
	return err ? err
		   : crl_verify(crl, issuer, rules->time, rules->grace, object, &window,
				fault);
}

/* The first known document that brings a certificate of that name. */
static X509 *find_known(const struct tobi_collateral *known, struct circle *circle,
			enum collateral_kind kind, const char *name)
{
	const struct collateral_item *item;
	X509 *found = find_named(circle, name);

	for (size_t i = 0; !found && (item = collateral_at(known, i)); i++) {
		const struct tobi_bytes bytes =
		    item->kind == kind || item->kind == COLLATERAL_INTEL_ISSUER
			? item->data
			: item->chain;
		CLEANUP(circle_done) struct circle probe = {0};

		if (kind != COLLATERAL_SNP_ISSUER || item->kind == kind) {
			IGNORE(circle_add(&probe, bytes, NULL));
			if (find_named(&probe, name) && !circle_add(circle, bytes, NULL))
				found = find_named(circle, name);
		}
	}
	return found;
}

static enum tobi_err
check_intel(const struct collateral_item *item, const struct tobi_collateral *known,
	    struct circle *circle, const struct collateral_rules *rules,
	    enum collateral_checked *checked, struct tobi_fault *fault)
{
	const char *root = "Intel SGX Root CA", *name = root;
	X509 *issuer;

	if (item->kind <= COLLATERAL_TDX_QE_IDENTITY)
		return check_json(item, circle, rules, fault);
	if (item->kind == COLLATERAL_PCK_CRL)
		name = strcmp(item->name, "platform") == 0 ? "Intel SGX PCK Platform CA"
							   : "Intel SGX PCK Processor CA";
	issuer = find_known(known, circle, COLLATERAL_INTEL_ISSUER, name);
	/* Whose root may stand elsewhere; without it the chain does not hold. */
	if (issuer)
		find_known(known, circle, COLLATERAL_INTEL_ISSUER, root);
	if (!issuer) {
		*checked = COLLATERAL_NOT_CHECKED;
		return check_dates(item, rules, fault);
	}
	return check_crl(item, circle, issuer, &rules->intel, rules, fault);
}

/* The root, and one below it at least. */
static enum tobi_err check_issuers(const struct circle *circle,
				   const struct collateral_rules *rules,
				   struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (circle->count < 2)
		return fault_set(fault, TOBI_E_MALFORMED, object, "issuers",
				 "two certificates are needed at least");
	for (size_t i = 0; i < circle->count && !err; i++)
		err = verify_chain(circle, circle->certificates[i], &rules->amd,
				   rules->time, fault);
	return err;
}

static enum tobi_err check_amd(const struct collateral_item *item,
			       const struct tobi_collateral *known, struct circle *circle,
			       const struct collateral_rules *rules,
			       enum collateral_checked *checked, struct tobi_fault *fault)
{
	char name[64] = "";
	X509 *issuer;

	if (item->kind == COLLATERAL_SNP_ISSUER)
		return check_issuers(circle, rules, fault);
	if (item->kind == COLLATERAL_SNP_CRL) {
		snprintf(name, sizeof(name), "ARK-%s", item->name);
	} else {
		X509_NAME_get_text_by_NID(X509_get_issuer_name(circle->certificates[0]),
					  NID_commonName, name, sizeof(name));
	}
	issuer = find_known(known, circle, COLLATERAL_SNP_ISSUER, name);
	if (!issuer) {
		*checked = COLLATERAL_NOT_CHECKED;
		return check_dates(item, rules, fault);
	}
	return item->kind == COLLATERAL_SNP_CRL
		   ? check_crl(item, circle, issuer, &rules->amd, rules, fault)
		   : verify_chain(circle, circle->certificates[0], &rules->amd,
				  rules->time, fault);
}

enum tobi_err collateral_check(const struct collateral_item *item,
			       const struct tobi_collateral *known,
			       const struct collateral_rules *rules,
			       enum collateral_checked *ret_checked,
			       struct tobi_fault *fault)
{
	CLEANUP(circle_done) struct circle circle = {0};
	enum tobi_err err = TOBI_OK;

	*ret_checked = COLLATERAL_CHECKED;
	switch (item->kind) {
	case COLLATERAL_SGX_TCB_INFO:
	case COLLATERAL_TDX_TCB_INFO:
	case COLLATERAL_SGX_QE_IDENTITY:
	case COLLATERAL_TDX_QE_IDENTITY:
	case COLLATERAL_INTEL_ROOT_CRL:
	case COLLATERAL_PCK_CRL:
		err = circle_add(&circle, item->chain, fault);
		return err ? err
			   : check_intel(item, known, &circle, rules, ret_checked, fault);
	case COLLATERAL_PCK:
		err = circle_add(&circle, item->data, fault);
		if (!err)
			err = circle_add(&circle, item->chain, fault);
		return err ? err
			   : verify_chain(&circle, circle.certificates[0], &rules->intel,
					  rules->time, fault);
	case COLLATERAL_SNP_CRL:
		return check_amd(item, known, &circle, rules, ret_checked, fault);
	case COLLATERAL_SNP_LEAF:
	case COLLATERAL_SNP_ISSUER:
		err = circle_add(&circle, item->data, fault);
		return err ? err
			   : check_amd(item, known, &circle, rules, ret_checked, fault);
	default:
		*ret_checked = COLLATERAL_NOT_CHECKED;
		return TOBI_OK;
	}
}
