#include "tee/dcap_signer.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/endian.h"
#include "base/fault.h"
#include "pki/pinned.h"
#include "tee/dcap_certificates.h"
#include "tee/dcap_crl.h"

enum { NAME_PARTS = 4, CHAIN_LENGTH = 2 };

static const char signer_name[] = "Intel SGX TCB Signing";

enum tobi_err dcap_signer_name(const struct tee_request *request,
			       const struct collateral_item *item, const char *kind,
			       struct tobi_bytes what, struct memo_name *ret_name)
{
	CLEANUP(wr_done) struct writer hashes = wr_init(LIMIT_BUNDLE);
	/* The one of several that counts at the request's time. */
	const struct collateral_item *other = collateral_find_at(
	    request->collateral, COLLATERAL_INTEL_ROOT_CRL, "", request->time);
	uint8_t numbers[16];
	struct tobi_bytes parts[NAME_PARTS];

	if (other)
		wr_bytes(&hashes, other->hash, sizeof(other->hash));
	for (size_t i = 0;
	     !item->chain.size && (other = collateral_at(request->collateral, i)); i++) {
		if (other->kind == COLLATERAL_CERTIFICATE)
			wr_bytes(&hashes, other->hash, sizeof(other->hash));
	}
	if (wr_err(&hashes))
		return TOBI_E_MEMORY;
	store_be(numbers, 8, (uint64_t)request->grace);
	store_be(numbers + 8, 8, (uint64_t)request->baseline);
	parts[0] = what;
	parts[1] = wr_view(&hashes);
	parts[2] =
	    (struct tobi_bytes){request->pins.keys[0], request->pins.count * SHA256_SIZE};
	parts[3] = (struct tobi_bytes){numbers, sizeof(numbers)};
	return memo_name_make(kind, parts, NAME_PARTS, ret_name);
}

static enum tobi_err read_certificates(const struct tee_request *request,
				       const struct collateral_item *item,
				       const char *object, struct dcap_certificates *out,
				       struct tobi_fault *fault)
{
	const struct collateral_item *other;
	enum tobi_err err = TOBI_OK;

	if (item->chain.size)
		return dcap_certificates_read(item->chain, object, out, fault);
	for (size_t i = 0; !err && (other = collateral_at(request->collateral, i)); i++) {
		if (other->kind == COLLATERAL_CERTIFICATE)
			err = dcap_certificates_read(other->data, object, out, fault);
	}
	return err;
}

static X509 *find_certificate(const struct dcap_certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++) {
		if (certificate_is_named(certificates->list[i], signer_name))
			return certificates->list[i];
	}
	return NULL;
}

/* That the root has revoked neither it nor itself. */
static enum tobi_err check_revocation(const struct tee_request *request, X509 *signer,
				      X509 *root, const char *object,
				      struct dcap_signer *out, struct tobi_fault *fault)
{
	CLEANUP(dcap_crl_unrefp) struct dcap_crl *crl = NULL;
	enum tobi_err err =
	    dcap_crl_find(request, COLLATERAL_INTEL_ROOT_CRL, "", root, &crl, fault);

	if (err)
		return err;
	if (crl_revokes(crl->crl, signer))
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "the root has revoked the certificate of its signer");
	if (crl_revokes(crl->crl, root))
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "its issuer, the root itself, is revoked");
	if (crl->window.not_before > out->window.not_before)
		out->window.not_before = crl->window.not_before;
	if (crl->window.not_after < out->window.not_after)
		out->window.not_after = crl->window.not_after;
	out->crl_next_update = crl->next_update;
	return TOBI_OK;
}

static enum tobi_err check_chain(const struct tee_request *request,
				 const struct pinned_chain *chain, const char *object,
				 struct dcap_signer *out, struct tobi_fault *fault)
{
	X509 *signer = chain->certificates[0];

	if (chain->count != CHAIN_LENGTH)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "the root itself did not issue its certificate");
	if (X509_check_ca(signer) != 0)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "its certificate is that of a CA");
	out->window = chain->window;
	out->key = X509_get_pubkey(signer);
	if (!out->key)
		return fault_openssl(fault, object, "signer", "has no key");
	return check_revocation(request, signer, chain->certificates[1], object, out,
				fault);
}

static enum tobi_err make(const struct tee_request *request,
			  const struct collateral_item *item, const char *object,
			  struct dcap_signer *out, struct tobi_fault *fault)
{
	CLEANUP(dcap_certificates_done)
	struct dcap_certificates certificates = {.memo = request->memo};
	CLEANUP(pinned_chain_done) struct pinned_chain chain = {0};
	struct pinned_request pinned;
	enum tobi_err err =
	    read_certificates(request, item, object, &certificates, fault);

	if (err)
		return err;
	pinned = (struct pinned_request){.leaf = find_certificate(&certificates),
					 .others = certificates.list,
					 .count = certificates.count,
					 .pins = &request->pins,
					 .time = request->time,
					 .strict = true};
	if (!pinned.leaf)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "signer",
				 "no certificate of %s came with it", signer_name);
	err = pinned_chain_verify(&pinned, object, &chain, fault);
	return err ? err : check_chain(request, &chain, object, out, fault);
}

static void free_signer(struct memo_value *value)
{
	struct dcap_signer *signer = (struct dcap_signer *)value;

	EVP_PKEY_free(signer->key);
	free(signer);
}

enum tobi_err dcap_signer_find(const struct tee_request *request,
			       const struct collateral_item *item, const char *object,
			       struct dcap_signer **ret_signer, struct tobi_fault *fault)
{
	CLEANUP(dcap_signer_unrefp) struct dcap_signer *signer = NULL;
	struct memo_name name;
	enum tobi_err err =
	    dcap_signer_name(request, item, "dcap-signer", item->chain, &name);

	if (err)
		return fault_set(fault, err, object, "signer", "cannot hash it");
	*ret_signer =
	    (struct dcap_signer *)memo_find(request->memo, &name, request->time);
	if (*ret_signer)
		return TOBI_OK;
	signer = calloc(1, sizeof(*signer));
	if (!signer)
		return fault_set(fault, TOBI_E_MEMORY, object, "signer", "out of memory");
	signer->head = (struct memo_value){1, free_signer};
	err = make(request, item, object, signer, fault);
	if (err)
		return err;
	memo_keep(request->memo, &name, &signer->window, &signer->head);
	*ret_signer = TAKE(signer);
	return TOBI_OK;
}
