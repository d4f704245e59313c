#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "collateral/collateral.h"
#include "collateral/intel.h"
#include "collateral/text.h"
#include "pki/chain.h"
#include "pki/ocsp.h"

static int64_t seconds_of(const ASN1_TIME *time)
{
	int64_t seconds;

	return chain_seconds(time, &seconds) ? seconds : 0;
}

static void dates_of_certificate(struct tobi_bytes data, int64_t *ret_issued,
				 int64_t *ret_next)
{
	CLEANUP(pem_list_done) struct pem_list list = {0};
	CLEANUP(X509_freep) X509 *certificate = NULL;
	const X509 *first;

	if (pem_list_read(data, "collateral", &list, NULL) &&
	    chain_read_certificate(data, "collateral", &certificate, NULL))
		return;
	first = list.count ? list.certificates[0] : certificate;
	if (!first)
		return;
	*ret_issued = seconds_of(X509_get0_notBefore(first));
	*ret_next = seconds_of(X509_get0_notAfter(first));
}

/* Of several answers in one, the first's: they are given together. */
static void dates_of_answer(struct tobi_bytes data, int64_t *ret_issued,
			    int64_t *ret_next)
{
	CLEANUP(OCSP_BASICRESP_freep) OCSP_BASICRESP *answer = NULL;
	ASN1_GENERALIZEDTIME *issued = NULL, *next = NULL;

	if (ocsp_read(data, "collateral", &answer, NULL))
		return;
	OCSP_single_get0_status(OCSP_resp_get0(answer, 0), NULL, NULL, &issued, &next);
	*ret_issued = seconds_of(issued);
	*ret_next = next ? seconds_of(next) : 0;
}

void collateral_dates(const struct collateral_item *item, int64_t *ret_issued,
		      int64_t *ret_next)
{
	struct intel_document document;
	CLEANUP(X509_CRL_freep) X509_CRL *crl = NULL;

	*ret_issued = *ret_next = 0;
	switch (item->kind) {
	case COLLATERAL_SGX_TCB_INFO:
	case COLLATERAL_TDX_TCB_INFO:
	case COLLATERAL_SGX_QE_IDENTITY:
	case COLLATERAL_TDX_QE_IDENTITY:
		if (!intel_document_read(item->data, "collateral", &document, NULL)) {
			*ret_issued = document.issued;
			*ret_next = document.next;
		}
		break;
	case COLLATERAL_INTEL_ROOT_CRL:
	case COLLATERAL_PCK_CRL:
	case COLLATERAL_SNP_CRL:
		if (!crl_read(item->data, "collateral", &crl, NULL)) {
			*ret_issued = seconds_of(X509_CRL_get0_lastUpdate(crl));
			*ret_next = seconds_of(X509_CRL_get0_nextUpdate(crl));
		}
		break;
	case COLLATERAL_PCK:
	case COLLATERAL_SNP_LEAF:
	case COLLATERAL_SNP_ISSUER:
	case COLLATERAL_CERTIFICATE:
	case COLLATERAL_INTEL_ISSUER:
		dates_of_certificate(item->data, ret_issued, ret_next);
		break;
	case COLLATERAL_OCSP:
		dates_of_answer(item->data, ret_issued, ret_next);
		break;
	case COLLATERAL_NVIDIA_RIM:
	case COLLATERAL_SEV:
		break;
	}
	ERR_clear_error();
}

bool collateral_is_older(const struct collateral_item *a, const struct collateral_item *b)
{
	int64_t issued_a, issued_b, next;

	collateral_dates(a, &issued_a, &next);
	collateral_dates(b, &issued_b, &next);
	return issued_a < issued_b;
}
