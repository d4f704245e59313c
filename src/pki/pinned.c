#include "pki/pinned.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/key_library.h"

DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

/* It does not own what is in it. */
static void free_list(STACK_OF(X509) * *list)
{
	sk_X509_free(*list);
}

enum { LEVEL_112_BITS = 2 };

/* As it is written in the certificate: no second encoding of a key is taken for it. */
static bool hash_key(const X509 *certificate, uint8_t ret_hash[static SHA256_SIZE])
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool good =
	    size > 0 && !hash_sha256((struct tobi_bytes){der, (size_t)size}, ret_hash);

	OPENSSL_free(der);
	return good;
}

/* Byte for byte the certificate that its vendor has published. */
static bool is_published(const X509 *certificate)
{
	const struct vendor_root *root;
	uint8_t hash[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	unsigned size = 0;

	if (X509_digest(certificate, EVP_sha256(), hash, &size) != 1 ||
	    size != sizeof(hash))
		return false;
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, text, sizeof(text));
	for (size_t i = 0; (root = vendor_root_at(i)); i++) {
		if (strcmp(root->certificate, text) == 0)
			return true;
	}
	return false;
}

/* A root says what it is itself, and its signature on that is checked with the rest: so a
 * certificate that somebody made up around a pinned key is none. Where all of them are as
 * published nobody has: one slow signature less to check. */
static enum tobi_err sort(const struct pinned_request *request, const char *object,
			  X509_STORE *anchors, STACK_OF(X509) * help, bool *ret_published,
			  struct tobi_fault *fault)
{
	size_t found = 0;
	bool published = true;

	for (size_t i = 0; i < request->count; i++) {
		X509 *certificate = request->others[i];
		uint8_t hash[SHA256_SIZE];
		bool pinned = X509_get_extension_flags(certificate) & EXFLAG_SS &&
			      hash_key(certificate, hash) &&
			      key_pins_have(request->pins, hash);

		if (pinned && X509_STORE_add_cert(anchors, certificate) != 1)
			return fault_openssl(fault, object, "root", "cannot be used");
		if (!pinned && !sk_X509_push(help, certificate))
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
		found += pinned;
		published &= !pinned || is_published(certificate);
	}
	*ret_published = published;
	ERR_clear_error();
	if (found == 0)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "root",
				 "none of the certificates has the key of a root that "
				 "the policy trusts");
	return TOBI_OK;
}

static bool set_rules(X509_STORE_CTX *context, const struct pinned_request *request,
		      bool published)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
	unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;

	X509_VERIFY_PARAM_set_time(param, (time_t)request->time);
	X509_VERIFY_PARAM_set_depth(param, LIMIT_COSE_CHAIN - 1);
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL_112_BITS);
	if (!published)
		flags |= X509_V_FLAG_CHECK_SS_SIGNATURE;
	if (request->strict)
		flags |= X509_V_FLAG_X509_STRICT;
	return X509_VERIFY_PARAM_set_flags(param, flags) == 1;
}

static enum tobi_err find_window(const struct pinned_chain *chain, const char *object,
				 struct chain_window *ret_window,
				 struct tobi_fault *fault)
{
	struct chain_window window = {INT64_MIN, INT64_MAX};

	for (size_t i = 0; i < chain->count; i++) {
		if (!chain_window_narrow(&window, chain->certificates[i]))
			return fault_openssl(fault, object, "validity",
					     "it cannot be read");
	}
	*ret_window = window;
	return TOBI_OK;
}

static enum tobi_err take_chain(X509_STORE_CTX *context, const char *object,
				struct pinned_chain *chain, struct tobi_fault *fault)
{
	STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(context);

	if (sk_X509_num(built) > LIMIT_COSE_CHAIN)
		return fault_set(fault, TOBI_E_LIMIT, object, "chain",
				 "more than %d certificates", LIMIT_COSE_CHAIN);
	for (int i = 0; i < sk_X509_num(built); i++) {
		X509 *certificate = sk_X509_value(built, i);

		if (X509_up_ref(certificate) != 1)
			return fault_openssl(fault, object, "chain", "cannot be kept");
		chain->certificates[chain->count++] = certificate;
	}
	return find_window(chain, object, &chain->window, fault);
}

enum tobi_err pinned_chain_verify(const struct pinned_request *request,
				  const char *object, struct pinned_chain *ret_chain,
				  struct tobi_fault *fault)
{
	CLEANUP(X509_STORE_freep) X509_STORE *anchors = X509_STORE_new();
	CLEANUP(X509_STORE_CTX_freep)
	X509_STORE_CTX *context = X509_STORE_CTX_new_ex(key_library(), NULL);
	CLEANUP(free_list) STACK_OF(X509) *help = sk_X509_new_null();
	CLEANUP(pinned_chain_done) struct pinned_chain chain = {0};
	enum tobi_err err;
	bool published = false;
	int why;

	if (!anchors || !context || !help)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (request->count > PINNED_CERTIFICATES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "chain",
				 "more than %d certificates", PINNED_CERTIFICATES_MAX);
	err = sort(request, object, anchors, help, &published, fault);
	if (err)
		return err;
	if (X509_STORE_CTX_init(context, anchors, request->leaf, help) != 1 ||
	    !set_rules(context, request, published))
		return fault_openssl(fault, object, "chain", "cannot prepare the check");
	if (X509_verify_cert(context) != 1 ||
	    X509_STORE_CTX_get_error(context) != X509_V_OK) {
		why = X509_STORE_CTX_get_error(context);
		ERR_clear_error();
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "chain",
				 "%s (certificate %d)",
				 X509_verify_cert_error_string(why),
				 X509_STORE_CTX_get_error_depth(context));
	}
	err = take_chain(context, object, &chain, fault);
	if (err)
		return err;
	*ret_chain = chain;
	chain.count = 0;
	return TOBI_OK;
}

void pinned_chain_done(struct pinned_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		X509_free(chain->certificates[i]);
	chain->count = 0;
}

/* The one common name; NULL where there is none or several. */
static const ASN1_STRING *common_name_of(const X509 *certificate)
{
	const X509_NAME *name = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return NULL;
	return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
}

bool certificate_is_named(const X509 *certificate, const char *common_name)
{
	const ASN1_STRING *text = common_name_of(certificate);

	return text &&
	       bytes_equal_text((struct tobi_bytes){ASN1_STRING_get0_data(text),
						    (size_t)ASN1_STRING_length(text)},
				common_name);
}

void certificate_name(const X509 *certificate, char *ret_name, size_t room)
{
	const ASN1_STRING *text = common_name_of(certificate);
	size_t size = text ? (size_t)ASN1_STRING_length(text) : 0;
	const uint8_t *bytes = text ? ASN1_STRING_get0_data(text) : NULL;
	size_t at = 0;

	for (; at < size && at + 1 < room; at++) {
		bool printable = bytes[at] > 0x1f && bytes[at] < 0x7f;

		ret_name[at] = (char)(printable ? bytes[at] : '?');
	}
	ret_name[at] = 0;
}
