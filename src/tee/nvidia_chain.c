#include "tee/nvidia_chain.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "collateral/text.h"
#include "tee/nvidia_identity.h"

static const char object[] = "NVIDIA certificates";

static void let_go(struct nvidia_chain *chain)
{
	for (size_t i = 0; i < LIMIT_COSE_CHAIN; i++) {
		X509_free(chain->certificates[i]);
		chain->certificates[i] = NULL;
	}
}

static void chain_free(struct memo_value *value)
{
	struct nvidia_chain *chain = (struct nvidia_chain *)value;

	let_go(chain);
	wr_done(&chain->der);
	EVP_PKEY_free(chain->key);
	free(chain);
}

static struct nvidia_chain *chain_new(void)
{
	struct nvidia_chain *chain = calloc(1, sizeof(*chain));

	if (chain) {
		atomic_init(&chain->head.references, 1);
		chain->head.free = chain_free;
	}
	return chain;
}

void nvidia_chain_unref(struct nvidia_chain **chain)
{
	if (*chain)
		memo_unref(&(*chain)->head);
}

/* ---- what a certificate must be ---- */

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

/* The chip has certified itself; its maker has certified the chip's ROM, whose name
 * starts with the chip's: "GH100 A01 GSP BROM". */
static bool is_of_chip(X509 *leaf, const char *chip)
{
	char issuer[NVIDIA_NAME_MAX] = "";

	X509_NAME_get_text_by_NID(X509_get_issuer_name(leaf), NID_commonName, issuer,
				  sizeof(issuer));
	return strncmp(issuer, chip, strlen(chip)) == 0 && issuer[strlen(chip)] == ' ';
}

static const char *wrong_profile(const struct nvidia_chain *chain,
				 enum nvidia_chain_kind kind)
{
	for (size_t i = 0; i < chain->count; i++) {
		X509 *certificate = chain->certificates[i];
		uint32_t flags = X509_get_extension_flags(certificate);
		uint32_t usage =
		    flags & EXFLAG_KUSAGE ? X509_get_key_usage(certificate) : 0;
		const char *wrong = wrong_key(certificate);

		if (wrong)
			return wrong;
		if (i == 0 && !(usage & KU_DIGITAL_SIGNATURE))
			return "a leaf without the key usage digitalSignature";
		if (i == 0 && flags & EXFLAG_CA)
			return "a leaf that is a CA";
		if (i > 0 && !(usage & KU_KEY_CERT_SIGN))
			return "a CA without the key usage keyCertSign";
	}
	if (kind == NVIDIA_SIGNER)
		return "";
	if (!chain->has_fwid || !chain->chip[0])
		return "a leaf that does not say which firmware and chip it is of";
	return is_of_chip(chain->certificates[0], chain->chip)
		   ? ""
		   : "a leaf of another chip than its issuer";
}

/* The path that was verified must be what came, in its order, and nothing but it. */
static const char *wrong_order(const struct pinned_chain *path,
			       const struct nvidia_chain *chain)
{
	if (path->count != chain->count)
		return "certificates that are not on the way to the root";
	for (size_t i = 0; i < chain->count; i++) {
		if (X509_cmp(path->certificates[i], chain->certificates[i]))
			return "the certificates in another order than from the leaf to "
			       "the root";
	}
	return NULL;
}

static void set_path(struct nvidia_chain *chain, const char *wrong)
{
	size_t size = strlen(wrong);

	bytes_copy(chain->path, sizeof(chain->path) - 1, wrong, size);
	chain->path[size] = 0;
}

static enum tobi_err verify(struct nvidia_chain *chain, enum nvidia_chain_kind kind,
			    const struct key_pins *pins, int64_t time)
{
	CLEANUP(pinned_chain_done) struct pinned_chain path = {0};
	struct tobi_fault fault = {0};
	const struct pinned_request request = {.leaf = chain->certificates[0],
					       .others = chain->certificates + 1,
					       .count = chain->count - 1,
					       .pins = pins,
					       .time = time};
	enum tobi_err err = pinned_chain_verify(&request, object, &path, &fault);
	const char *wrong;

	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return err;
	chain->profile = wrong_profile(chain, kind);
	if (err) {
		tobi_fault_print(&fault, chain->path, sizeof(chain->path));
		return TOBI_OK;
	}
	chain->window = path.window;
	wrong = wrong_order(&path, chain);
	if (wrong)
		set_path(chain, wrong);
	return TOBI_OK;
}

static bool keep_der(struct nvidia_chain *chain)
{
	size_t total = 0;

	for (size_t i = 0; i < chain->count; i++) {
		int size = i2d_X509(chain->certificates[i], NULL);

		if (size <= 0)
			return false;
		chain->sizes[i] = (size_t)size;
		total += (size_t)size;
	}
	chain->der = wr_init(total);
	for (size_t i = 0; i < chain->count; i++) {
		unsigned char *at = wr_reserve(&chain->der, chain->sizes[i]);

		if (!at || i2d_X509(chain->certificates[i], &at) <= 0)
			return false;
	}
	return true;
}

bool nvidia_chain_open(const struct nvidia_chain *chain,
		       X509 *ret_list[static LIMIT_COSE_CHAIN])
{
	const uint8_t *at = chain->der.ptr;
	bool good = true;

	for (size_t i = 0; i < chain->count && good; i++) {
		good = !chain_read_certificate((struct tobi_bytes){at, chain->sizes[i]},
					       object, &ret_list[i], NULL);
		at += chain->sizes[i];
	}
	return good;
}

/* What is needed of it later is taken now: of a chain that is remembered nothing is read
 * again. */
static enum tobi_err complete(struct nvidia_chain *chain, enum nvidia_chain_kind kind,
			      const struct key_pins *pins, int64_t time,
			      struct tobi_fault *fault)
{
	for (size_t i = 0; i < chain->count; i++) {
		certificate_name(chain->certificates[i], chain->names[i],
				 sizeof(chain->names[i]));
		ocsp_name(X509_get0_serialNumber(chain->certificates[i]),
			  chain->serials[i]);
	}
	if (!keep_der(chain))
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (chain->count < 2) {
		set_path(chain, "fewer than two certificates");
		return TOBI_OK;
	}
	chain->key = X509_get_pubkey(chain->certificates[0]);
	ERR_clear_error();
	if (kind == NVIDIA_DEVICE) {
		chain->has_fwid = nvidia_fwid(chain->certificates[0], chain->fwid);
		if (!nvidia_chip(chain->certificates[0], chain->chip, chain->ueid))
			chain->chip[0] = 0;
	}
	return verify(chain, kind, pins, time)
		   ? fault_set(fault, TOBI_E_MEMORY, object, "",
			       "the certificates cannot be checked")
		   : TOBI_OK;
}

const char *nvidia_chain_wrong(const struct nvidia_chain *chain)
{
	return chain->path[0] ? chain->path : "";
}

static bool is_right(const struct nvidia_chain *chain)
{
	return chain->key && !chain->path[0] && chain->profile && !chain->profile[0];
}

void nvidia_chain_settle(struct nvidia_chain *chain, enum nvidia_chain_kind kind,
			 const struct nvidia_material *material,
			 const struct tee_request *request)
{
	if (!request->memo || !is_right(chain))
		return;
	(void)nvidia_chain_answers(chain, kind, material, request);
	let_go(chain);
}

static enum tobi_err read_pem(struct tobi_bytes pem, struct nvidia_chain *chain)
{
	CLEANUP(pem_list_done) struct pem_list list = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err = pem_list_read(pem, object, &list, &fault);

	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return err;
	if (err)
		tobi_fault_print(&fault, chain->path, sizeof(chain->path));
	else if (list.count > LIMIT_COSE_CHAIN)
		set_path(chain, "too many certificates");
	for (size_t i = 0; i < list.count && !chain->path[0]; i++) {
		chain->certificates[chain->count++] = list.certificates[i];
		list.certificates[i] = NULL;
	}
	return TOBI_OK;
}

enum tobi_err nvidia_chain_read(struct tobi_bytes pem, const struct key_pins *pins,
				const struct tee_request *request,
				const struct nvidia_material *material,
				struct nvidia_chain **ret_chain, struct tobi_fault *fault)
{
	CLEANUP(nvidia_chain_unref) struct nvidia_chain *chain = NULL;
	const struct tobi_bytes parts[] = {
	    pem, {(const uint8_t *)pins->keys, pins->count * sizeof(pins->keys[0])}};
	struct memo_name name;
	enum tobi_err err;

	if (memo_name_make("nvidia-chain", parts, 2, &name))
		return fault_set(fault, TOBI_E_CRYPTO, object, "", "cannot hash it");
	*ret_chain =
	    (struct nvidia_chain *)memo_find(request->memo, &name, request->time);
	if (*ret_chain)
		return TOBI_OK;
	chain = chain_new();
	if (!chain)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	chain->name = name;
	err = read_pem(pem, chain);
	if (!err && !chain->path[0])
		err = complete(chain, NVIDIA_DEVICE, pins, request->time, fault);
	if (err)
		return fault_set(fault, err, object, "", "cannot be read");
	nvidia_chain_settle(chain, NVIDIA_DEVICE, material, request);
	if (is_right(chain))
		memo_keep(request->memo, &name, &chain->window, &chain->head);
	*ret_chain = TAKE(chain);
	return TOBI_OK;
}

enum tobi_err nvidia_chain_make(const struct tobi_bytes *der, size_t count,
				const struct key_pins *pins, int64_t time,
				struct nvidia_chain **ret_chain, struct tobi_fault *fault)
{
	CLEANUP(nvidia_chain_unref) struct nvidia_chain *chain = chain_new();
	struct tobi_fault why = {0};
	enum tobi_err err = TOBI_OK;

	if (!chain || count > LIMIT_COSE_CHAIN)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (memo_name_make("nvidia-signer", der, count, &chain->name))
		return fault_set(fault, TOBI_E_CRYPTO, object, "", "cannot hash it");
	for (size_t i = 0; i < count && !err; i++) {
		err = chain_read_certificate(der[i], object,
					     &chain->certificates[chain->count], &why);
		chain->count += !err;
	}
	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO)
		return fault_set(fault, err, object, "", "cannot be read");
	if (err)
		tobi_fault_print(&why, chain->path, sizeof(chain->path));
	else
		err = complete(chain, NVIDIA_SIGNER, pins, time, fault);
	if (err && !chain->path[0])
		return err;
	*ret_chain = TAKE(chain);
	return TOBI_OK;
}
