#include "tee/dcap_crl.h"

#include <stdlib.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"

static void free_crl(struct memo_value *value)
{
	struct dcap_crl *crl = (struct dcap_crl *)value;

	X509_CRL_free(crl->crl);
	free(crl);
}

static enum tobi_err check_baseline(const struct tee_request *request,
				    const X509_CRL *crl, const char *object,
				    struct tobi_fault *fault)
{
	if (crl_issued(crl) >= request->baseline)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_CERTIFICATE, object, "CRL",
			 "it was issued before the policy's baseline");
}

static enum tobi_err make(const struct tee_request *request,
			  const struct collateral_item *item, X509 *issuer,
			  struct dcap_crl *made, struct tobi_fault *fault)
{
	const char *object = item->kind == COLLATERAL_PCK_CRL ? "CRL of PCK certificates"
							      : "CRL of the root";
	enum tobi_err err = crl_read(item->data, object, &made->crl, fault);

	if (!err)
		err = crl_verify(made->crl, issuer, request->time, request->grace, object,
				 &made->window, fault);
	if (!err)
		err = check_baseline(request, made->crl, object, fault);
	if (err)
		return err;
	made->next_update = made->window.not_after - request->grace;
	bytes_copy(made->item, sizeof(made->item), item->hash, SHA256_SIZE);
	return TOBI_OK;
}

/* All that the result depends on, but the time. */
static enum tobi_err make_name(const struct tee_request *request,
			       const struct collateral_item *item, X509 *issuer,
			       struct memo_name *ret_name)
{
	uint8_t digest[SHA256_SIZE], numbers[16];
	unsigned size = 0;
	const struct tobi_bytes parts[] = {{item->hash, sizeof(item->hash)},
					   {digest, sizeof(digest)},
					   {numbers, sizeof(numbers)}};

	if (X509_digest(issuer, EVP_sha256(), digest, &size) != 1)
		return TOBI_E_CRYPTO;
	store_be(numbers, 8, (uint64_t)request->grace);
	store_be(numbers + 8, 8, (uint64_t)request->baseline);
	return memo_name_make("dcap-crl", parts, 3, ret_name);
}

enum tobi_err dcap_crl_find(const struct tee_request *request, enum collateral_kind kind,
			    const char *name, X509 *issuer, struct dcap_crl **ret_crl,
			    struct tobi_fault *fault)
{
	const struct collateral_item *item =
	    collateral_find_at(request->collateral, kind, name, request->time);
	CLEANUP(dcap_crl_unrefp) struct dcap_crl *crl = NULL;
	struct memo_name memo;
	enum tobi_err err;

	if (!item)
		return fault_set(fault, TOBI_E_CERTIFICATE, "collateral", "CRL",
				 kind == COLLATERAL_PCK_CRL
				     ? "there is no list of revoked PCK certificates of "
				       "the %s CA"
				     : "there is no list of what the root has "
				       "revoked%s",
				 name);
	if (make_name(request, item, issuer, &memo))
		return fault_set(fault, TOBI_E_CRYPTO, "collateral", "CRL",
				 "cannot hash it");
	*ret_crl = (struct dcap_crl *)memo_find(request->memo, &memo, request->time);
	if (*ret_crl)
		return TOBI_OK;
	crl = calloc(1, sizeof(*crl));
	if (!crl)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "CRL",
				 "out of memory");
	crl->head = (struct memo_value){1, free_crl};
	err = make(request, item, issuer, crl, fault);
	if (err)
		return err;
	memo_keep(request->memo, &memo, &crl->window, &crl->head);
	*ret_crl = TAKE(crl);
	return TOBI_OK;
}
