#include "pki/chain.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/key_library.h"
#include "pki/cert.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

/* With the certificates in it. */
static void free_list(STACK_OF(X509) * *list)
{
	sk_X509_pop_free(*list, X509_free);
}

enum { MAX_DEPTH = LIMIT_COSE_CHAIN, MAX_ANCHORS = 64, LEVEL_112_BITS = 2 };

enum tobi_err chain_read_certificate(struct tobi_bytes der, const char *object,
				     X509 **ret_certificate, struct tobi_fault *fault)
{
	const unsigned char *at = der.ptr;
	CLEANUP(X509_freep) X509 *certificate = NULL;

	if (der.size == 0 || der.size > LIMIT_CERTIFICATE)
		return fault_set(fault, TOBI_E_LIMIT, object, "certificate",
				 "empty, or over %d bytes", LIMIT_CERTIFICATE);
	certificate = X509_new_ex(key_library(), NULL);
	if (!certificate)
		return fault_openssl(fault, object, "certificate", "cannot be read");
	/* Where it fails it has freed the object that it was given. */
	if (!d2i_X509(&certificate, &at, (long)der.size)) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_MALFORMED, object, "certificate",
				 "not a DER certificate");
	}
	if (at != der.ptr + der.size)
		return fault_at(fault, TOBI_E_TRAILING, object, "certificate",
				(uint64_t)(at - der.ptr),
				"there are bytes after the certificate");
	*ret_certificate = TAKE(certificate);
	return TOBI_OK;
}

static bool at_end_of_pem(void)
{
	unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	       ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static int no_password(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

static X509 *next_of_pem(BIO *bio)
{
	CLEANUP(X509_freep) X509 *certificate = X509_new_ex(key_library(), NULL);

	return certificate && PEM_read_bio_X509(bio, &certificate, no_password, NULL)
		   ? TAKE(certificate)
		   : NULL;
}

/* Every certificate of a PEM text; *ret_list is empty for none. */
static enum tobi_err read_pem(struct tobi_bytes pem, const char *object, size_t max,
			      STACK_OF(X509) * *ret_list, struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	CLEANUP(free_list) STACK_OF(X509) *list = sk_X509_new_null();
	X509 *certificate;

	if (pem.size > LIMIT_PEM)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_PEM);
	bio = BIO_new_mem_buf(pem.size ? (const void *)pem.ptr : "", (int)pem.size);
	if (!bio || !list)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	ERR_clear_error();
	while ((certificate = next_of_pem(bio))) {
		if ((size_t)sk_X509_num(list) == max ||
		    !sk_X509_push(list, certificate)) {
			X509_free(certificate);
			return fault_set(fault, TOBI_E_LIMIT, object, "",
					 "more than %zu certificates", max);
		}
	}
	if (!at_end_of_pem()) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "certificate %d is not valid PEM",
				 sk_X509_num(list) + 1);
	}
	ERR_clear_error();
	*ret_list = TAKE(list);
	return TOBI_OK;
}

enum tobi_err chain_read_pem(struct tobi_bytes pem, const char *object,
			     struct writer *out, struct tobi_bytes *ret_list, size_t max,
			     size_t *ret_count, struct tobi_fault *fault)
{
	CLEANUP(free_list) STACK_OF(X509) *list = NULL;
	size_t sizes[LIMIT_COSE_CHAIN], start = out->size;
	size_t count;
	enum tobi_err err;

	if (max > LIMIT_COSE_CHAIN)
		max = LIMIT_COSE_CHAIN;
	err = read_pem(pem, object, max, &list, fault);
	if (err)
		return err;
	count = (size_t)sk_X509_num(list);
	for (size_t i = 0; i < count; i++) {
		unsigned char *der = NULL;
		int size = i2d_X509(sk_X509_value(list, (int)i), &der);

		if (size <= 0)
			return fault_openssl(fault, object, "",
					     "cannot encode a certificate");
		wr_bytes(out, der, (size_t)size);
		OPENSSL_free(der);
		sizes[i] = (size_t)size;
	}
	if (wr_err(out))
		return fault_set(fault, wr_err(out), object, "",
				 "the chain is too large");
	/* Only now: the buffer may have moved while it grew. */
	for (size_t i = 0, at = start; i < count; at += sizes[i++])
		ret_list[i] = (struct tobi_bytes){out->ptr + at, sizes[i]};
	*ret_count = count;
	return TOBI_OK;
}

enum tobi_err chain_read_first(struct tobi_bytes file, const char *object,
			       X509 **ret_certificate, struct tobi_fault *fault)
{
	enum { DER_SEQUENCE = 0x30 };
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN] = {file};
	size_t count = 1;
	enum tobi_err err = TOBI_OK;

	if (!file.size || file.ptr[0] != DER_SEQUENCE)
		err = chain_read_pem(file, object, &der, list, LIMIT_COSE_CHAIN, &count,
				     fault);
	return err ? err
		   : chain_read_certificate(list[0], object, ret_certificate, fault);
}

enum tobi_err chain_write_pem(struct tobi_bytes der, struct writer *out,
			      struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long size;
	enum tobi_err err =
	    chain_read_certificate(der, "certificate", &certificate, fault);

	if (err)
		return err;
	if (!bio || PEM_write_bio_X509(bio, certificate) != 1)
		return fault_openssl(fault, "certificate", "", "cannot write it");
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(out, data, (size_t)size);
	return wr_err(out) ? fault_set(fault, wr_err(out), "certificate", "", "no room")
			   : TOBI_OK;
}

enum tobi_err chain_read_anchors(struct tobi_bytes pem, const char *object,
				 X509_STORE **ret_anchors, struct tobi_fault *fault)
{
	CLEANUP(free_list) STACK_OF(X509) *anchors = NULL;
	CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
	enum tobi_err err;

	if (!store)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = read_pem(pem, object, MAX_ANCHORS, &anchors, fault);
	if (err)
		return err;
	if (sk_X509_num(anchors) == 0)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "anchors",
				 "no trust anchor is given");
	for (int i = 0; i < sk_X509_num(anchors); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(anchors, i)) != 1)
			return fault_openssl(fault, object, "anchors",
					     "cannot use an anchor");
	}
	*ret_anchors = TAKE(store);
	return TOBI_OK;
}

/* A name that is empty or starts with a dot would switch the check off, or widen it. */
static bool set_host(X509_VERIFY_PARAM *param, const char *name)
{
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						   X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	ERR_clear_error();
	return name[0] && name[0] != '.' &&
	       X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

/* Purposes that OpenSSL does not know. */
static const struct purpose {
	enum chain_purpose purpose;
	const char *holder, *oid;
	uint32_t usage; /* one of these */
	const char *use;
} purposes[] = {
    {CHAIN_PLATFORM, "a platform", CERT_PLATFORM_PURPOSE, KU_DIGITAL_SIGNATURE,
     "sign with: it lacks the key usage digitalSignature"},
    {CHAIN_AK, "a TPM's attestation key", CERT_AK_PURPOSE, KU_DIGITAL_SIGNATURE,
     "sign with: it lacks the key usage digitalSignature"},
    {CHAIN_EK, "a TPM's endorsement key", CERT_EK_PURPOSE,
     KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT,
     "receive secrets: it lacks the key usages keyEncipherment and keyAgreement"},
};

static const struct purpose *own_purpose(enum chain_purpose purpose)
{
	for (size_t i = 0; i < sizeof(purposes) / sizeof(purposes[0]); i++) {
		if (purposes[i].purpose == purpose)
			return &purposes[i];
	}
	return NULL;
}

static bool set_rules(X509_STORE_CTX *context, const struct chain_request *request)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);

	X509_VERIFY_PARAM_set_time(param, (time_t)request->time);
	X509_VERIFY_PARAM_set_depth(param, MAX_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(param, LEVEL_112_BITS);
	if (!own_purpose(request->purpose) &&
	    X509_VERIFY_PARAM_set_purpose(param, request->purpose == CHAIN_TLS_SERVER
						     ? X509_PURPOSE_SSL_SERVER
						     : X509_PURPOSE_SSL_CLIENT) != 1)
		return false;
	/* An anchor may be an intermediate. STRICT: a CA must say that it is one. TPM
	 * makers' certificates lack what RFC 5280 asks for beside that. */
	return X509_VERIFY_PARAM_set_flags(
		   param,
		   X509_V_FLAG_PARTIAL_CHAIN |
		       (request->purpose == CHAIN_EK ? 0 : X509_V_FLAG_X509_STRICT)) == 1;
}

static bool has_purpose(const X509 *leaf, const char *purpose)
{
	EXTENDED_KEY_USAGE *usages =
	    X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	ASN1_OBJECT *wanted = OBJ_txt2obj(purpose, 1);
	bool found = false;

	for (int i = 0; wanted && i < sk_ASN1_OBJECT_num(usages); i++)
		found |= OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), wanted) == 0;
	ASN1_OBJECT_free(wanted);
	EXTENDED_KEY_USAGE_free(usages);
	ERR_clear_error();
	return found;
}

/* What OpenSSL's purposes leave open: a leaf that is a CA itself, one whose key usage is
 * for something else than signatures (all that TLS 1.3 knows) or, of an endorsement key,
 * than receiving secrets, and purposes that it does not know. A certificate without key
 * usage may be used for all (RFC 5280 section 4.2.1.3), but those of our purposes have
 * it. */
static enum tobi_err check_leaf(X509 *leaf, const struct chain_request *request,
				const char *object, struct tobi_fault *fault)
{
	const struct purpose *own = own_purpose(request->purpose);
	uint32_t usage = own ? own->usage : KU_DIGITAL_SIGNATURE;
	uint32_t flags = X509_get_extension_flags(leaf);
	bool limited = flags & EXFLAG_KUSAGE || own;

	if (flags & EXFLAG_CA)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "chain",
				 "the leaf is itself a CA (certificate 0)");
	if (limited && (!(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(leaf) & usage)))
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "chain",
				 "the leaf was not issued to %s (certificate 0)",
				 own ? own->use : purposes[0].use);
	if (own && !has_purpose(leaf, own->oid))
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "chain",
				 "the leaf was not issued to %s: it lacks the extended "
				 "key usage %s (certificate 0)",
				 own->holder, own->oid);
	return TOBI_OK;
}

static enum tobi_err run_verify(X509_STORE_CTX *context, const char *object,
				struct tobi_fault *fault)
{
	int ok = X509_verify_cert(context);
	int why = X509_STORE_CTX_get_error(context);

	ERR_clear_error();
	if (ok == 1 && why == X509_V_OK)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_CERTIFICATE, object, "chain",
			 "%s (certificate %d)", X509_verify_cert_error_string(why),
			 X509_STORE_CTX_get_error_depth(context));
}

bool chain_seconds(const ASN1_TIME *time, int64_t *ret_seconds)
{
	struct tm tm = {0};

	/* Of none OpenSSL would give the present. */
	if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret_seconds = timegm(&tm);
	return true;
}

bool chain_window_narrow(struct chain_window *window, const X509 *certificate)
{
	int64_t first, last;

	if (!chain_seconds(X509_get0_notBefore(certificate), &first) ||
	    !chain_seconds(X509_get0_notAfter(certificate), &last))
		return false;
	if (first > window->not_before)
		window->not_before = first;
	if (last < window->not_after)
		window->not_after = last;
	return true;
}

static enum tobi_err find_window(X509_STORE_CTX *context, const char *object,
				 struct chain_window *ret_window,
				 struct tobi_fault *fault)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
	struct chain_window window = {INT64_MIN, INT64_MAX};

	for (int i = 0; i < sk_X509_num(chain); i++) {
		if (!chain_window_narrow(&window, sk_X509_value(chain, i)))
			return fault_openssl(fault, object, "validity",
					     "it cannot be read");
	}
	*ret_window = window;
	return TOBI_OK;
}

/* Whether the store has exactly this certificate: then it needs no second reading. */
static bool is_anchor(X509_STORE *store, struct tobi_bytes der)
{
	CLEANUP(free_list) STACK_OF(X509) *anchors = X509_STORE_get1_all_certs(store);
	bool found = false;

	for (int i = 0; i < sk_X509_num(anchors) && !found; i++) {
		unsigned char *own = NULL;
		int size = i2d_X509(sk_X509_value(anchors, i), &own);

		found =
		    size > 0 && bytes_equal(der, (struct tobi_bytes){own, (size_t)size});
		OPENSSL_free(own);
	}
	return found;
}

static enum tobi_err read_help(const struct chain_request *request, X509_STORE *store,
			       const char *object, STACK_OF(X509) * help,
			       struct tobi_fault *fault)
{
	for (size_t i = 1; i < request->count; i++) {
		CLEANUP(X509_freep) X509 *certificate = NULL;
		enum tobi_err err;

		if (is_anchor(store, request->certificates[i]))
			continue;
		err = chain_read_certificate(request->certificates[i], object,
					     &certificate, fault);
		if (err)
			return err;
		if (!sk_X509_push(help, certificate))
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
		certificate = NULL;
	}
	return TOBI_OK;
}

static enum tobi_err check_request(const struct chain_request *request,
				   const char *object, struct tobi_fault *fault)
{
	if (request->count == 0 || request->count > LIMIT_COSE_CHAIN)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "chain",
				 "%zu certificates; 1 to %d are allowed", request->count,
				 LIMIT_COSE_CHAIN);
	if (request->purpose < CHAIN_PLATFORM || request->purpose > CHAIN_EK)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "chain",
				 "no purpose is named");
	return TOBI_OK;
}

static enum tobi_err take_anchors(const struct chain_request *request, const char *object,
				  X509_STORE **ret_store, struct tobi_fault *fault)
{
	if (!request->anchors)
		return chain_read_anchors(request->anchors_pem, object, ret_store, fault);
	if (X509_STORE_up_ref(request->anchors) != 1)
		return fault_openssl(fault, object, "anchors", "cannot be used");
	*ret_store = request->anchors;
	return TOBI_OK;
}

/* The leaf of a request: the one that was read already, or a reading of it. */
static enum tobi_err take_leaf(const struct chain_request *request, const char *object,
			       X509 **ret_leaf, struct tobi_fault *fault)
{
	if (!request->leaf)
		return chain_read_certificate(request->certificates[0], object, ret_leaf,
					      fault);
	if (X509_up_ref(request->leaf) != 1)
		return fault_openssl(fault, object, "certificate", "cannot be used");
	*ret_leaf = request->leaf;
	return TOBI_OK;
}

static enum tobi_err prepare(X509_STORE_CTX *context, X509_STORE *store, X509 *leaf,
			     STACK_OF(X509) * help, const struct chain_request *request,
			     const char *object, struct tobi_fault *fault)
{
	if (X509_STORE_CTX_init(context, store, leaf, help) != 1 ||
	    !set_rules(context, request))
		return fault_openssl(fault, object, "chain", "cannot prepare the check");
	if (request->host_name &&
	    !set_host(X509_STORE_CTX_get0_param(context), request->host_name))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "host name",
				 "it is neither a DNS name nor an IP address");
	return TOBI_OK;
}

enum tobi_err chain_verify_window(const struct chain_request *request, const char *object,
				  EVP_PKEY **ret_leaf_key,
				  struct chain_window *ret_window,
				  struct tobi_fault *fault)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = NULL;
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *context = NULL;
	CLEANUP(free_list) STACK_OF(X509) *help = sk_X509_new_null();
	CLEANUP(X509_freep) X509 *leaf = NULL;
	EVP_PKEY *key;
	enum tobi_err err = check_request(request, object, fault);

	if (err)
		return err;
	context = X509_STORE_CTX_new_ex(key_library(), NULL);
	if (!context || !help)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = take_anchors(request, object, &store, fault);
	if (!err)
		err = take_leaf(request, object, &leaf, fault);
	if (!err)
		err = read_help(request, store, object, help, fault);
	if (!err)
		err = prepare(context, store, leaf, help, request, object, fault);
	if (!err)
		err = run_verify(context, object, fault);
	if (!err)
		err = check_leaf(leaf, request, object, fault);
	if (!err)
		err = find_window(context, object, ret_window, fault);
	if (err)
		return err;
	key = X509_get_pubkey(leaf);
	if (!key)
		return fault_openssl(fault, object, "chain",
				     "the leaf's key cannot be read");
	*ret_leaf_key = key;
	return TOBI_OK;
}

enum tobi_err chain_verify(const struct chain_request *request, const char *object,
			   EVP_PKEY **ret_leaf_key, struct tobi_fault *fault)
{
	struct chain_window window;

	return chain_verify_window(request, object, ret_leaf_key, &window, fault);
}
