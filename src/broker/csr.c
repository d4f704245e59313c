#include "broker/csr.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/secret.h"

static const char object[] = "request";

enum { RSA_BITS_MAX = 8192, RSA_EXPONENT = 65537, SPKI_MAX = 4096 };

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

static enum tobi_err wrong(const char *field, const char *what, struct tobi_fault *fault)
{
	ERR_clear_error();
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

static enum tobi_err never(const char *field, const char *what, struct tobi_fault *fault)
{
	ERR_clear_error();
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, field, "%s", what);
}

/* ---- the envelope ---- */

static enum tobi_err read_der(struct tobi_bytes der, X509_REQ **ret_request,
			      struct tobi_fault *fault)
{
	const unsigned char *at = der.ptr;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.size);

	if (!request || at != der.ptr + der.size) {
		X509_REQ_free(request);
		return wrong("", "it is no PKCS#10 request, or more than one", fault);
	}
	*ret_request = request;
	return TOBI_OK;
}

static bool is_blank(BIO *bio)
{
	unsigned char c;

	while (BIO_read(bio, &c, 1) == 1) {
		if (!strchr(" \t\r\n", c) || !c)
			return false;
	}
	return true;
}

static enum tobi_err read_pem(struct tobi_bytes pem, X509_REQ **ret_request,
			      struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long size = 0;
	enum tobi_err err = TOBI_OK;

	if (!bio)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (PEM_read_bio(bio, &name, &header, &der, &size) != 1 || header[0] ||
	    (strcmp(name, PEM_STRING_X509_REQ) != 0 &&
	     strcmp(name, PEM_STRING_X509_REQ_OLD) != 0) ||
	    !is_blank(bio))
		err =
		    wrong("", "it is no PKCS#10 request in PEM, or more than one", fault);
	if (!err)
		err =
		    read_der((struct tobi_bytes){der, (size_t)size}, ret_request, fault);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return err;
}

static enum tobi_err open_request(struct tobi_bytes bytes, X509_REQ **ret_request,
				  struct tobi_fault *fault)
{
	static const char begin[] = "-----BEGIN ";
	size_t size = strlen(begin);

	if (bytes.size > CSR_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 CSR_MAX);
	if (!bytes.size)
		return wrong("", "it is empty", fault);
	return bytes.size > size && memcmp(bytes.ptr, begin, size) == 0
		   ? read_pem(bytes, ret_request, fault)
		   : read_der(bytes, ret_request, fault);
}

/* ---- the key, and that who asks has it ---- */

static bool rsa_is_strong(EVP_PKEY *key)
{
	BIGNUM *exponent = NULL;
	int bits = EVP_PKEY_get_bits(key);
	bool good = bits >= CSR_RSA_BITS && bits <= RSA_BITS_MAX &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
		    BN_is_odd(exponent) && BN_num_bits(exponent) <= 64 &&
		    BN_get_word(exponent) >= RSA_EXPONENT;

	BN_free(exponent);
	return good;
}

static enum tobi_err take_key(X509_REQ *request, struct csr *csr,
			      struct tobi_fault *fault)
{
	static const char which[] =
	    "the key must be P-256, P-384, Ed25519, or RSA of 3072 to 8192 bits";
	CLEANUP(wr_done) struct writer spki = wr_init(SPKI_MAX);
	EVP_PKEY *key = X509_REQ_get0_pubkey(request);
	EVP_PKEY *same = NULL;
	enum tobi_err err = TOBI_OK;

	if (!key)
		return never("key", which, fault);
	if (EVP_PKEY_is_a(key, "RSA")) {
		if (!rsa_is_strong(key))
			return never("key", which, fault);
		EVP_PKEY_up_ref(key);
		csr->key = key;
	} else {
		/* Read anew, as a key that has one encoding. */
		err = key_spki(key, &spki, fault);
		if (!err)
			err = key_read_spki(wr_view(&spki), object, &same, fault);
		if (err)
			return never("key", which, fault);
		csr->key = same;
	}
	return key_spki_sha256(csr->key, csr->spki, fault);
}

static enum tobi_err check_signature(X509_REQ *request, const struct csr *csr,
				     struct tobi_fault *fault)
{
	int digest = NID_undef;

	if (X509_REQ_verify(request, csr->key) != 1) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_SIGNATURE, object, "signature",
				 "it was not made with the key that it names");
	}
	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(request), &digest, NULL) != 1)
		return never("signature", "its algorithm is not known", fault);
	return digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1 ||
		       digest == NID_md4 || digest == NID_ripemd160
		   ? never("signature", "it is over a weak hash", fault)
		   : TOBI_OK;
}

/* ---- what is asked for ---- */

/* Absent, once, or more often than that. */
static enum tobi_err take_extension(const X509_EXTENSIONS *extensions, int nid,
				    void **ret_value, struct tobi_fault *fault)
{
	int critical = -1;

	*ret_value = X509V3_get_d2i(extensions, nid, &critical, NULL);
	return *ret_value || critical == -1
		   ? TOBI_OK
		   : wrong(OBJ_nid2sn(nid), "it cannot be read, or is there twice",
			   fault);
}

static enum tobi_err check_basic(const X509_EXTENSIONS *extensions,
				 struct tobi_fault *fault)
{
	BASIC_CONSTRAINTS *basic = NULL;
	enum tobi_err err =
	    take_extension(extensions, NID_basic_constraints, (void **)&basic, fault);

	if (!err && basic && basic->ca)
		err = never("basicConstraints", "no CA is made of an enclave", fault);
	BASIC_CONSTRAINTS_free(basic);
	return err;
}

static enum tobi_err check_usage(const X509_EXTENSIONS *extensions,
				 struct tobi_fault *fault)
{
	/* keyCertSign and cRLSign, RFC 5280 section 4.2.1.3. */
	enum { CERT_SIGN = 5, CRL_SIGN = 6 };
	ASN1_BIT_STRING *usage = NULL;
	enum tobi_err err =
	    take_extension(extensions, NID_key_usage, (void **)&usage, fault);

	if (!err && usage &&
	    (ASN1_BIT_STRING_get_bit(usage, CERT_SIGN) ||
	     ASN1_BIT_STRING_get_bit(usage, CRL_SIGN)))
		err = never("keyUsage", "no enclave signs certificates", fault);
	ASN1_BIT_STRING_free(usage);
	return err;
}

static enum tobi_err check_purposes(const X509_EXTENSIONS *extensions,
				    struct tobi_fault *fault)
{
	EXTENDED_KEY_USAGE *purposes = NULL;
	enum tobi_err err =
	    take_extension(extensions, NID_ext_key_usage, (void **)&purposes, fault);

	for (int i = 0; !err && i < sk_ASN1_OBJECT_num(purposes); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i));

		if (nid != NID_server_auth && nid != NID_client_auth)
			err =
			    never("extendedKeyUsage",
				  "TLS servers and clients are served, no others", fault);
	}
	EXTENDED_KEY_USAGE_free(purposes);
	return err;
}

static enum tobi_err check_kinds(const X509_EXTENSIONS *extensions,
				 struct tobi_fault *fault)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
		switch (OBJ_obj2nid(
		    X509_EXTENSION_get_object(sk_X509_EXTENSION_value(extensions, i)))) {
		case NID_subject_alt_name:
		case NID_basic_constraints:
		case NID_key_usage:
		case NID_ext_key_usage:
		case NID_subject_key_identifier:
			break;
		default:
			return never("extensions", "one is asked for that is never given",
				     fault);
		}
	}
	return TOBI_OK;
}

/* ---- names ---- */

static struct tobi_bytes bytes_of_string(const ASN1_STRING *string)
{
	return (struct tobi_bytes){ASN1_STRING_get0_data(string),
				   (size_t)ASN1_STRING_length(string)};
}

static enum tobi_err take_name(const GENERAL_NAME *name,
			       struct certificate_name *ret_name,
			       struct tobi_fault *fault)
{
	int type = 0;
	const void *value = GENERAL_NAME_get0_value(name, &type);
	bool good = false;

	if (type != GEN_DNS && type != GEN_IPADD)
		return never("subjectAltName", "DNS names and addresses are given",
			     fault);
	good = type == GEN_DNS
		   ? certificate_name_dns(bytes_of_string(value), ret_name)
		   : certificate_name_address(bytes_of_string(value), ret_name);
	return good ? TOBI_OK
		    : wrong("subjectAltName", "one is no name that there can be", fault);
}

static bool has_name(const struct csr *csr, const struct certificate_name *name)
{
	for (size_t i = 0; i < csr->name_count; i++) {
		if (strcmp(csr->names[i].text, name->text) == 0)
			return true;
	}
	return false;
}

static enum tobi_err take_names(const X509_EXTENSIONS *extensions, struct csr *csr,
				struct tobi_fault *fault)
{
	CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = NULL;
	enum tobi_err err =
	    take_extension(extensions, NID_subject_alt_name, (void **)&names, fault);
	int count = err ? 0 : sk_GENERAL_NAME_num(names);

	if (!err && count < 1)
		return never("subjectAltName",
			     "it names nobody there; a common name does not count",
			     fault);
	if (!err && count > CSR_NAMES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "subjectAltName", "over %d",
				 CSR_NAMES_MAX);
	for (int i = 0; !err && i < count; i++) {
		struct certificate_name name;

		err = take_name(sk_GENERAL_NAME_value(names, i), &name, fault);
		if (!err && !has_name(csr, &name))
			csr->names[csr->name_count++] = name;
	}
	return err;
}

/* Some clients still look there. */
static enum tobi_err check_common_name(X509_REQ *request, const struct csr *csr,
				       struct tobi_fault *fault)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(request);
	int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	struct certificate_name name;
	unsigned char *text = NULL;
	int size;
	bool good;

	if (place < 0)
		return TOBI_OK;
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, place) >= 0)
		return never("subject", "it has more than one common name", fault);
	size = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
	good = size > 0 && size <= CERTIFICATE_NAME_MAX &&
	       strlen((char *)text) == (size_t)size &&
	       certificate_name_read((char *)text, &name) && has_name(csr, &name);
	OPENSSL_free(text);
	return good ? TOBI_OK
		    : never("subject",
			    "its common name is not among the subject alternative names",
			    fault);
}

static enum tobi_err take_extensions(X509_REQ *request, struct csr *csr,
				     struct tobi_fault *fault)
{
	int first = X509_REQ_get_attr_by_NID(request, NID_ext_req, -1);
	X509_EXTENSIONS *extensions;
	enum tobi_err err;

	if (X509_REQ_get_attr_by_NID(request, NID_ms_ext_req, -1) >= 0 ||
	    (first >= 0 && X509_REQ_get_attr_by_NID(request, NID_ext_req, first) >= 0))
		return wrong("extensions", "they are there more than once", fault);
	extensions = X509_REQ_get_extensions(request);
	err = check_kinds(extensions, fault);
	if (!err)
		err = check_basic(extensions, fault);
	if (!err)
		err = check_usage(extensions, fault);
	if (!err)
		err = check_purposes(extensions, fault);
	if (!err)
		err = take_names(extensions, csr, fault);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return err ? err : check_common_name(request, csr, fault);
}

enum tobi_err csr_read(struct tobi_bytes bytes, struct csr *ret_csr,
		       struct tobi_fault *fault)
{
	CLEANUP(X509_REQ_freep) X509_REQ *request = NULL;
	struct csr csr = {0};
	enum tobi_err err = open_request(bytes, &request, fault);

	if (!err)
		err = take_key(request, &csr, fault);
	if (!err)
		err = check_signature(request, &csr, fault);
	if (!err)
		err = take_extensions(request, &csr, fault);
	ERR_clear_error();
	if (err)
		csr_done(&csr);
	else
		*ret_csr = csr;
	return err;
}

void csr_done(struct csr *csr)
{
	EVP_PKEY_free(csr->key);
	csr->key = NULL;
}
