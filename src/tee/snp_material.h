/* The certificates and lists of revoked ones that came with a report of AMD SEV-SNP: as
 * PEM, DER, in a table of the firmware's, or in Azure's JSON. */
#ifndef TOBI_TEE_SNP_MATERIAL_H
#define TOBI_TEE_SNP_MATERIAL_H

#include "pki/crl.h"
#include "pki/pinned.h"
#include "tee/snp_report.h"
#include "tee/snp_table.h"
#include "tee/tee.h"

enum { SNP_PARTS_MAX = 96, SNP_LEAVES_MAX = 32, SNP_CRLS_MAX = 8 };

/* As bytes, each of one or more of them; borrowed from the request. */
struct snp_parts {
	struct tobi_bytes items[SNP_PARTS_MAX];
	size_t count;
	size_t beside; /* the first of them came with the evidence; the others are
			* collateral */
	bool too_many;
};

struct snp_material {
	X509 *leaves[SNP_LEAVES_MAX]; /* named VCEK or VLEK; owned, as all here */
	size_t leaf_count;
	X509 *issuers[PINNED_CERTIFICATES_MAX];
	size_t issuer_count;
	X509_CRL *crls[SNP_CRLS_MAX];
	bool crl_is_collateral[SNP_CRLS_MAX];
	size_t crl_count;
	bool in_collateral; /* while it is read: what comes next is */
	bool too_many;
	struct tobi_fault unread; /* of the first part that could not be read */
};

/* Lists the request's pieces, endorsements and collateral; of the collateral's leaves
 * those that may be of this chip. */
void snp_parts_list(const struct tee_request *request, const struct snp_report *report,
		    const struct snp_table *table, struct snp_parts *ret_parts);
/* Reads them; what is of another kind is left out. */
void snp_material_read(const struct snp_parts *parts, struct snp_material *ret_material);
/* Whether a piece has some of it: tee_verifier.takes. */
bool snp_material_is(struct tobi_bytes piece);
void snp_material_done(struct snp_material *material);

#endif
