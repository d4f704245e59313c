#include "tee/nitro_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"

/* The leaf first, then the bundle as it stands. */
struct certificates {
	X509 *list[LIMIT_COSE_CHAIN];
	size_t count;
};

static void certificates_done(struct certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		X509_free(certificates->list[i]);
}

static void chain_free(struct memo_value *value)
{
	struct nitro_chain *chain = (struct nitro_chain *)value;

	EVP_PKEY_free(chain->key);
	free(chain);
}

static struct nitro_chain *chain_new(void)
{
	struct nitro_chain *chain = calloc(1, sizeof(*chain));

	if (chain) {
		atomic_init(&chain->head.references, 1);
		chain->head.free = chain_free;
	}
	return chain;
}

static void chain_unref(struct nitro_chain **chain)
{
	if (*chain)
		memo_unref(&(*chain)->head);
}

static enum tobi_err make_name(const struct nitro_document *document,
			       const struct key_pins *pins, struct memo_name *ret_name)
{
	struct tobi_bytes parts[LIMIT_COSE_CHAIN + 1];
	size_t count = 0;

	parts[count++] = (struct tobi_bytes){(const uint8_t *)pins->keys,
					     pins->count * sizeof(pins->keys[0])};
	parts[count++] = document->certificate;
	for (size_t i = 0; i < document->bundle_count; i++)
		parts[count++] = document->bundle[i];
	return memo_name_make("nitro-chain", parts, count, ret_name);
}

static enum tobi_err read_all(const struct nitro_document *document,
			      struct certificates *ret_certificates, char *ret_wrong,
			      size_t room)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = chain_read_certificate(document->certificate, "certificate",
						   &ret_certificates->list[0], &fault);

	ret_certificates->count = !err;
	for (size_t i = 0; i < document->bundle_count && !err; i++) {
		err = chain_read_certificate(
		    document->bundle[i], "cabundle",
		    &ret_certificates->list[ret_certificates->count], &fault);
		ret_certificates->count += !err;
	}
	if (err)
		tobi_fault_print(&fault, ret_wrong, room);
	return err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO ? err : TOBI_OK;
}

/* The path that was verified must be the bundle as it stands, and nothing but it. */
static const char *wrong_order(const struct pinned_chain *path,
			       const struct certificates *certificates)
{
	size_t last = certificates->count - 1;

	if (path->count != certificates->count)
		return "certificates that are not on the way to the root";
	for (size_t i = 1; i <= last; i++) {
		if (X509_cmp(path->certificates[i], certificates->list[last + 1 - i]))
			return "the certificates in another order than from the root to "
			       "the issuer";
	}
	return "";
}

static const char *wrong_key(X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	char group[32] = "";

	if (!key || !EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, "secp384r1") != 0)
		return "a key that is not of P-384";
	if (X509_get_signature_nid(certificate) != NID_ecdsa_with_SHA384)
		return "a signature other than ECDSA with SHA-384";
	return NULL;
}

/* AWS's document, section 3.2.3; that a CA is one, and path lengths, belong to the path.
 */
static const char *wrong_profile(const struct pinned_chain *path)
{
	for (size_t i = 0; i < path->count; i++) {
		X509 *certificate = path->certificates[i];
		uint32_t flags = X509_get_extension_flags(certificate);
		uint32_t usage =
		    flags & EXFLAG_KUSAGE ? X509_get_key_usage(certificate) : 0;
		const char *wrong = wrong_key(certificate);

		if (wrong)
			return wrong;
		if (i == 0 && !(usage & KU_DIGITAL_SIGNATURE))
			return "a leaf without the key usage digitalSignature";
		if (i == 0 && (flags & EXFLAG_CA || X509_get_pathlen(certificate) >= 0))
			return "a leaf that is a CA";
		if (i > 0 && !(usage & KU_KEY_CERT_SIGN))
			return "a CA without the key usage keyCertSign";
	}
	return "";
}

static enum tobi_err verify(const struct nitro_document *document,
			    const struct key_pins *pins,
			    const struct certificates *certificates,
			    struct nitro_chain *chain)
{
	CLEANUP(pinned_chain_done) struct pinned_chain path = {0};
	struct tobi_fault fault = {0};
	/* The certificate of an instance has no key identifiers: not RFC 5280 in full. */
	const struct pinned_request request = {
	    .leaf = certificates->list[0],
	    .others = certificates->list + 1,
	    .count = certificates->count - 1,
	    .pins = pins,
	    .time = (int64_t)(document->timestamp / 1000),
	};
	enum tobi_err err = pinned_chain_verify(&request, "cabundle", &path, &fault);

	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return err;
	if (err) {
		tobi_fault_print(&fault, chain->path, sizeof(chain->path));
		return TOBI_OK;
	}
	chain->window = path.window;
	chain->order = wrong_order(&path, certificates);
	chain->profile = wrong_profile(&path);
	return TOBI_OK;
}

static bool is_right(const struct nitro_chain *chain)
{
	return chain->key && !chain->path[0] && chain->order && !chain->order[0] &&
	       chain->profile && !chain->profile[0];
}

enum tobi_err nitro_chain_get(const struct nitro_document *document,
			      const struct key_pins *pins, struct memo *memo,
			      struct nitro_chain **ret_chain, struct tobi_fault *fault)
{
	CLEANUP(certificates_done) struct certificates certificates = {0};
	CLEANUP(chain_unref) struct nitro_chain *chain = NULL;
	int64_t time = (int64_t)(document->timestamp / 1000);
	struct memo_name name;

	if (make_name(document, pins, &name))
		return fault_set(fault, TOBI_E_CRYPTO, "cabundle", "", "cannot hash it");
	*ret_chain = (struct nitro_chain *)memo_find(memo, &name, time);
	if (*ret_chain)
		return TOBI_OK;
	chain = chain_new();
	if (!chain)
		return fault_set(fault, TOBI_E_MEMORY, "cabundle", "", "out of memory");
	if (read_all(document, &certificates, chain->path, sizeof(chain->path)) ||
	    (!chain->path[0] && verify(document, pins, &certificates, chain)))
		return fault_set(fault, TOBI_E_MEMORY, "cabundle", "",
				 "the certificates cannot be checked");
	/* The key is looked at whatever else there is: what it signed is another check.
	 */
	if (certificates.count) {
		chain->key = X509_get_pubkey(certificates.list[0]);
		certificate_name(certificates.list[0], chain->name, sizeof(chain->name));
	}
	if (is_right(chain))
		memo_keep(memo, &name, &chain->window, &chain->head);
	*ret_chain = TAKE(chain);
	return TOBI_OK;
}
