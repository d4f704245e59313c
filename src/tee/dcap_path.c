#include "tee/dcap_path.h"

#include <string.h>

#include <openssl/obj_mac.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "pki/signature.h"
#include "tee/dcap_crl.h"

enum { CHAIN_SIZE = 3, NAME_ROOM = 80 };

static bool signed_report(X509 *certificate, const struct dcap_quote *quote)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	return key &&
	       ec_signature_holds(key, quote->qe_report, quote->qe_report_signature);
}

/* What the quote says of the platform, where it says something: cheaper than a signature,
 * and nothing is believed for it. */
static bool fits(const X509 *certificate, const struct dcap_quote *quote)
{
	struct dcap_pck pck;

	if (!quote->ppid.size)
		return true;
	if (dcap_pck_read(certificate, "PCK certificate", &pck, NULL))
		return false;
	if (quote->pce_id.size &&
	    !bytes_equal(quote->pce_id,
			 (struct tobi_bytes){pck.pce_id, sizeof(pck.pce_id)}))
		return false;
	return quote->certification != DCAP_PPID_CLEAR ||
	       bytes_equal(quote->ppid, (struct tobi_bytes){pck.ppid, sizeof(pck.ppid)});
}

/* Among those from mark on; the first stands in where none fits. */
static bool choose(const struct dcap_quote *quote, struct dcap_path *path, size_t mark)
{
	for (size_t i = mark; i < path->pool.count && !path->signed_report; i++) {
		X509 *certificate = path->pool.list[i];

		if (!certificate_is_named(certificate, DCAP_LEAF_NAME) ||
		    !fits(certificate, quote))
			continue;
		path->signed_report = signed_report(certificate, quote);
		if (path->signed_report || !path->leaf)
			path->leaf = certificate;
	}
	return path->signed_report;
}

static void cut_pool(struct dcap_path *path, size_t mark)
{
	while (path->pool.count > mark)
		X509_free(path->pool.list[--path->pool.count]);
}

/* What came beside the quote may be many other things. */
static bool try_bytes(struct tobi_bytes bytes, struct dcap_path *path)
{
	size_t mark = path->pool.count;

	if (!bytes.size ||
	    !dcap_certificates_read(bytes, "certificates", &path->pool, NULL))
		return true;
	cut_pool(path, mark);
	return false;
}

static void try_endorsements(struct tobi_bytes endorsements, struct dcap_path *path)
{
	struct cbor cbor = cbor_init(endorsements, CBOR_DETERMINISTIC);
	size_t count;

	if (!endorsements.size)
		return;
	count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
	for (size_t i = 0; i < count; i++)
		try_bytes(cbor_bytes(&cbor, LIMIT_COLLATERAL, "endorsements"), path);
}

/* A fleet's certificates may be there: one platform's at a time is in the pool. */
static void search_collateral(const struct tee_request *request,
			      const struct dcap_quote *quote, struct dcap_path *path)
{
	const struct collateral_item *item;
	size_t mark = path->pool.count;
	X509 *before = path->leaf;

	for (size_t i = 0; (item = collateral_at(request->collateral, i)); i++) {
		if (item->kind != COLLATERAL_PCK)
			continue;
		if (try_bytes(item->data, path) && try_bytes(item->chain, path) &&
		    choose(quote, path, mark))
			return;
		cut_pool(path, mark);
		path->leaf = before;
	}
}

static void add_issuers(const struct tee_request *request, struct dcap_path *path)
{
	const struct collateral_item *item;

	for (size_t i = 0; (item = collateral_at(request->collateral, i)); i++) {
		size_t mark = path->pool.count;

		if (item->kind != COLLATERAL_CERTIFICATE ||
		    !try_bytes(item->data, path) || path->pool.count == mark)
			continue;
		if (!certificate_is_named(path->pool.list[mark], DCAP_PLATFORM_CA_NAME) &&
		    !certificate_is_named(path->pool.list[mark],
					  DCAP_PROCESSOR_CA_NAME) &&
		    !certificate_is_named(path->pool.list[mark], DCAP_ROOT_NAME))
			cut_pool(path, mark);
	}
}

/* A quote with a whole chain brings all that counts; others need help. */
static enum tobi_err search(const struct tee_request *request,
			    const struct dcap_quote *quote, struct dcap_path *path,
			    struct tobi_fault *fault)
{
	bool own = quote->certification == DCAP_PCK_CHAIN ||
		   quote->certification == DCAP_PCK_LEAF;
	enum tobi_err err = TOBI_OK;

	if (own)
		err = dcap_certificates_read(quote->certification_data,
					     "certification data", &path->pool, fault);
	if (err)
		return err;
	if (quote->certification == DCAP_PCK_CHAIN) {
		choose(quote, path, 0);
		return TOBI_OK;
	}
	for (size_t i = 0; i < request->piece_count; i++)
		try_bytes(request->pieces[i], path);
	try_endorsements(request->endorsements, path);
	if (!choose(quote, path, 0))
		search_collateral(request, quote, path);
	add_issuers(request, path);
	return TOBI_OK;
}

enum tobi_err dcap_path_find(const struct tee_request *request,
			     const struct dcap_quote *quote, struct dcap_path *path,
			     struct tobi_fault *fault)
{
	enum tobi_err err = search(request, quote, path, fault);
	bool own = quote->certification == DCAP_PCK_CHAIN ||
		   quote->certification == DCAP_PCK_LEAF;

	if (err)
		return err;
	if (!path->leaf && own)
		return fault_set(fault, TOBI_E_CERTIFICATE, "certification data", "",
				 "none of its %zu certificates is called " DCAP_LEAF_NAME,
				 path->pool.count);
	/* The quote only names a certificate: one that did not sign is another's. */
	if (!own && !path->signed_report)
		return fault_set(fault, TOBI_E_CERTIFICATE, "certification data", "",
				 "type %d brings no certificate, and %s",
				 quote->certification,
				 path->leaf ? "none of those that came beside the quote "
					      "is of its platform"
					    : "no PCK certificate came beside the quote");
	return TOBI_OK;
}

/* What a path of the right form has wrong all the same. */
static const char *wrong_certificate(X509 *certificate)
{
	char group[32];
	size_t size = 0;
	EVP_PKEY *key = X509_get0_pubkey(certificate);

	if (X509_get_version(certificate) != X509_VERSION_3)
		return "a certificate is not of version 3";
	if (X509_get_signature_nid(certificate) != NID_ecdsa_with_SHA256)
		return "a certificate is not signed with ECDSA and SHA-256";
	if (!key || EVP_PKEY_get_group_name(key, group, sizeof(group), &size) != 1 ||
	    strcmp(group, "prime256v1") != 0)
		return "a certificate's key is not on the curve P-256";
	return NULL;
}

static const char *wrong_path(const struct pinned_chain *chain)
{
	const char *wrong = NULL;

	if (chain->count != CHAIN_SIZE)
		return "it is not a leaf, a CA and a root";
	if (!certificate_is_named(chain->certificates[1], DCAP_PLATFORM_CA_NAME) &&
	    !certificate_is_named(chain->certificates[1], DCAP_PROCESSOR_CA_NAME))
		return "the issuer is called neither " DCAP_PLATFORM_CA_NAME
		       " nor " DCAP_PROCESSOR_CA_NAME;
	if (!certificate_is_named(chain->certificates[2], DCAP_ROOT_NAME))
		return "the root is not called " DCAP_ROOT_NAME;
	if (X509_check_ca(chain->certificates[0]))
		return "the leaf is the certificate of a CA";
	for (size_t i = 0; i < chain->count && !wrong; i++)
		wrong = wrong_certificate(chain->certificates[i]);
	return wrong;
}

/* What the leaf says must fit who says it. */
static enum tobi_err read_leaf(struct dcap_path *path, struct tobi_fault *fault)
{
	bool platform =
	    certificate_is_named(path->chain.certificates[1], DCAP_PLATFORM_CA_NAME);
	enum tobi_err err =
	    dcap_pck_read(path->leaf, "PCK certificate", &path->pck, fault);

	path->ca = platform ? "platform" : "processor";
	if (!err && path->pck.has_instance != platform)
		err = fault_set(fault, TOBI_E_CERTIFICATE, "PCK certificate",
				"SGX extension",
				"a platform instance is there under the Platform CA, "
				"and under no other");
	return err;
}

enum tobi_err dcap_path_verify(const struct tee_request *request, struct dcap_path *path,
			       struct tobi_fault *fault)
{
	const struct pinned_request pinned = {
	    .leaf = path->leaf,
	    .others = path->pool.list,
	    .count = path->pool.count,
	    .pins = &request->pins,
	    .time = request->time,
	    .strict = true,
	};
	const char *wrong;
	enum tobi_err err =
	    pinned_chain_verify(&pinned, "PCK certificate", &path->chain, fault);

	if (err)
		return err;
	wrong = wrong_path(&path->chain);
	err = wrong ? fault_set(fault, TOBI_E_CERTIFICATE, "PCK certificate", "chain",
				"%s", wrong)
		    : read_leaf(path, fault);
	if (err)
		pinned_chain_done(&path->chain);
	path->window = path->chain.window;
	path->next_update = path->chain.window.not_after;
	return err;
}

static void narrow(struct dcap_path *path, const struct dcap_crl *crl)
{
	struct chain_window *window = &path->window;

	if (crl->window.not_before > window->not_before)
		window->not_before = crl->window.not_before;
	if (crl->window.not_after < window->not_after)
		window->not_after = crl->window.not_after;
	if (crl->next_update < path->next_update)
		path->next_update = crl->next_update;
}

static enum tobi_err ask(const struct tee_request *request, struct dcap_path *path,
			 size_t depth, struct tobi_fault *fault)
{
	CLEANUP(dcap_crl_unrefp) struct dcap_crl *crl = NULL;
	/* The root is of its own list, too: nobody else can say that it is no more. */
	const size_t last = depth ? depth + 1 : depth;
	enum tobi_err err = dcap_crl_find(
	    request, depth ? COLLATERAL_INTEL_ROOT_CRL : COLLATERAL_PCK_CRL,
	    depth ? "" : path->ca, path->chain.certificates[depth + 1], &crl, fault);

	if (err)
		return err;
	narrow(path, crl);
	for (size_t i = depth; i <= last; i++) {
		char name[NAME_ROOM];

		if (!crl_revokes(crl->crl, path->chain.certificates[i]))
			continue;
		certificate_name(path->chain.certificates[i], name, sizeof(name));
		return fault_set(fault, TOBI_E_CERTIFICATE, name, "", "it is revoked");
	}
	return TOBI_OK;
}

enum tobi_err dcap_path_revocation(const struct tee_request *request,
				   struct dcap_path *path, struct tobi_fault *fault)
{
	enum tobi_err err = ask(request, path, 1, fault);

	return err ? err : ask(request, path, 0, fault);
}

void dcap_path_done(struct dcap_path *path)
{
	pinned_chain_done(&path->chain);
	dcap_certificates_done(&path->pool);
}
