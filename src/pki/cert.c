#include "pki/cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(X509_NAME *, X509_NAME_free)
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free)

enum { VERSION_3 = 2, SERIAL_BITS = 127 };

static bool set_serial(X509 *certificate)
{
	CLEANUP(BN_freep) BIGNUM *number = BN_new();

	/* The top bit set: never zero, always the same size (RFC 5280 §4.1.2.2). */
	return number &&
	       BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	       BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

static X509_NAME *make_name(const char *common_name)
{
	X509_NAME *name = X509_NAME_new();

	if (name && common_name &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				       (const unsigned char *)common_name, -1, -1,
				       0) != 1) {
		X509_NAME_free(name);
		return NULL;
	}
	return name;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	CLEANUP(X509_EXTENSION_freep) X509_EXTENSION *extension = NULL;

	X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL,
		       0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	return extension && X509_add_ext(certificate, extension, -1) == 1;
}

static bool push_name(GENERAL_NAMES *names, bool is_address, struct tobi_bytes value)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *text =
	    ASN1_STRING_type_new(is_address ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

	if (!name || !text || ASN1_STRING_set(text, value.ptr, (int)value.size) != 1) {
		ASN1_STRING_free(text);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, is_address ? GEN_IPADD : GEN_DNS, text);
	if (!sk_GENERAL_NAME_push(names, name)) {
		GENERAL_NAME_free(name);
		return false;
	}
	return true;
}

static bool add_names(X509 *certificate, const struct cert_request *request)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool good = names != NULL;

	if (good && request->host_name)
		good = push_name(names, false, bytes_of_text(request->host_name));
	for (size_t i = 0; i < request->name_count && good; i++)
		good = push_name(names, request->names[i].is_address,
				 request->names[i].value);
	good = good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names,
					 request->common_name ? 0 : 1, 0) == 1;
	GENERAL_NAMES_free(names);
	return good;
}

static const char *purposes_of(const struct cert_request *request)
{
	switch (request->role) {
	case CERT_TLS:
		return request->only_server   ? "serverAuth"
		       : request->only_client ? "clientAuth"
					      : "serverAuth,clientAuth";
	case CERT_AK:
		return CERT_AK_PURPOSE;
	default:
		return CERT_PLATFORM_PURPOSE;
	}
}

static bool add_extras(X509 *certificate, const struct cert_request *request)
{
	for (size_t i = 0; i < request->extra_count; i++) {
		const struct extension extension = {request->extras[i].value, false};

		if (extension_add(certificate, request->extras[i].name, &extension, NULL))
			return false;
	}
	return true;
}

static bool add_extensions(X509 *certificate, X509 *issuer,
			   const struct cert_request *request)
{
	bool is_ca = request->role == CERT_CA;

	return add_extension(certificate, issuer, NID_basic_constraints,
			     is_ca ? "critical,CA:TRUE,pathlen:0"
				   : "critical,CA:FALSE") &&
	       add_extension(certificate, issuer, NID_key_usage,
			     is_ca ? "critical,keyCertSign,cRLSign"
				   : "critical,digitalSignature") &&
	       add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
	       add_extension(certificate, issuer, NID_authority_key_identifier,
			     "keyid") &&
	       (request->role == CERT_CA ||
		add_extension(certificate, issuer, NID_ext_key_usage,
			      purposes_of(request))) &&
	       ((!request->host_name && !request->name_count) ||
		add_names(certificate, request)) &&
	       add_extras(certificate, request);
}

static const EVP_MD *digest_for(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	return EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

static bool fill_in(X509 *certificate, X509 *issuer, const struct cert_request *request)
{
	CLEANUP(X509_NAME_freep) X509_NAME *subject = make_name(request->common_name);

	return subject && X509_set_version(certificate, VERSION_3) == 1 &&
	       set_serial(certificate) &&
	       ASN1_TIME_set(X509_getm_notBefore(certificate),
			     (time_t)request->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate),
			     (time_t)request->not_after) &&
	       X509_set_subject_name(certificate, subject) == 1 &&
	       X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer)
							: subject) == 1 &&
	       X509_set_pubkey(certificate, request->key) == 1 &&
	       add_extensions(certificate, issuer, request);
}

enum tobi_err cert_make(const struct cert_request *request, X509 *issuer,
			EVP_PKEY *issuer_key, struct writer *out,
			struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = X509_new();
	EVP_PKEY *signing_key = issuer ? issuer_key : request->key;
	unsigned char *der = NULL;
	int size;

	if (request->not_after <= request->not_before)
		return fault_set(fault, TOBI_E_ARGUMENT, "certificate", "not after",
				 "it is not later than the start");
	if (!certificate || !fill_in(certificate, issuer, request) ||
	    X509_sign(certificate, signing_key, digest_for(signing_key)) <= 0)
		return fault_openssl(fault, "certificate", "", "cannot make it");
	size = i2d_X509(certificate, &der);
	if (size <= 0)
		return fault_openssl(fault, "certificate", "", "cannot encode it");
	wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	return wr_err(out) ? fault_set(fault, wr_err(out), "certificate", "", "no room")
			   : TOBI_OK;
}

struct usage {
	int nid;
	const char *value;
};

enum { USAGES = 3 };

/* What the CA is asked to write: a certificate without it would not be taken. */
static bool ask_for_usages(X509_REQ *request, const struct usage usages[static USAGES])
{
	X509_EXTENSIONS *list = sk_X509_EXTENSION_new_null();
	bool good = list;

	for (size_t i = 0; i < USAGES && usages[i].value && good; i++) {
		X509_EXTENSION *one =
		    X509V3_EXT_conf_nid(NULL, NULL, usages[i].nid, usages[i].value);

		good = one && sk_X509_EXTENSION_push(list, one) > 0;
		if (!good)
			X509_EXTENSION_free(one);
	}
	good = good && X509_REQ_add_extensions(request, list) == 1;
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	return good;
}

static enum tobi_err make_csr(EVP_PKEY *key, const char *common_name,
			      const struct usage usages[static USAGES],
			      struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(X509_REQ_freep) X509_REQ *request = X509_REQ_new();
	CLEANUP(X509_NAME_freep) X509_NAME *name = make_name(common_name);
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long size;

	if (!request || !name || !bio || X509_REQ_set_version(request, 0) != 1 ||
	    X509_REQ_set_subject_name(request, name) != 1 ||
	    X509_REQ_set_pubkey(request, key) != 1 || !ask_for_usages(request, usages) ||
	    X509_REQ_sign(request, key, digest_for(key)) <= 0 ||
	    PEM_write_bio_X509_REQ(bio, request) != 1)
		return fault_openssl(fault, "request", "", "cannot make it");
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(out, data, (size_t)size);
	return wr_err(out) ? fault_set(fault, wr_err(out), "request", "", "no room")
			   : TOBI_OK;
}

enum tobi_err cert_make_csr(EVP_PKEY *key, const char *common_name, struct writer *out,
			    struct tobi_fault *fault)
{
	static const struct usage usages[USAGES] = {
	    {NID_basic_constraints, "critical,CA:FALSE"},
	    {NID_key_usage, "critical,digitalSignature"},
	    {NID_ext_key_usage, CERT_PLATFORM_PURPOSE},
	};

	return make_csr(key, common_name, usages, out, fault);
}

enum tobi_err cert_make_ca_csr(EVP_PKEY *key, const char *common_name, struct writer *out,
			       struct tobi_fault *fault)
{
	static const struct usage usages[USAGES] = {
	    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	    {NID_key_usage, "critical,keyCertSign,cRLSign"},
	};

	return make_csr(key, common_name, usages, out, fault);
}
