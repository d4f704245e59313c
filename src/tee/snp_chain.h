/*
 * Who vouches for the key of a report of AMD SEV-SNP: from certificates and lists that
 * came in any form and order to a verified chain, with what the certificate says.
 */
#ifndef TOBI_TEE_SNP_CHAIN_H
#define TOBI_TEE_SNP_CHAIN_H

#include "pki/memo.h"
#include "tee/snp_certificate.h"
#include "tee/snp_table.h"
#include "tee/tee.h"

/* Shared and never changed once it is made: memo_unref(&chain->head). */
struct snp_chain {
	struct memo_value head;
	struct snp_leaf leaf;
	EVP_PKEY *key; /* owned; of the leaf */
	char leaf_name[24], root_name[24];
	bool has_crl;	 /* one was looked into */
	int64_t crl_end; /* its nextUpdate */
};

extern const struct check snp_check_certificate, snp_check_leaf_kind, snp_check_chain,
    snp_check_issuer;
/* Without a list they have no record: a policy may say that none is owed. */
extern const struct check snp_check_crl, snp_check_revoked;

struct snp_chain_request {
	const struct tee_request *tee;
	const struct snp_report *report;
	const struct snp_table *table; /* what followed the report, or NULL */
};

/*
 * Finds the certificate that is this report's by its kind, chip and versions, and records
 * the checks of the chain. *ret_chain is NULL when there is none that can be read; one of
 * which a check failed is given all the same, for the rest of the report's checks.
 * Errors: TOBI_E_MEMORY, _CRYPTO.
 */
TOBI_MUST_USE enum tobi_err snp_chain_find(const struct snp_chain_request *request,
					   struct checklist *list,
					   struct snp_chain **ret_chain,
					   struct tobi_fault *fault);

#endif
