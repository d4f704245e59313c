#include "pki/xmlsig.h"

#include <string.h>

#include <openssl/err.h>

#include "base/fault.h"
#include "codec/base64.h"
#include "pki/xmlsec.h"

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define C14N11 "http://www.w3.org/2006/12/xml-c14n11"

struct xmlsig {
	struct xml_document *document;
	const struct xml_element *signature;
	struct writer der; /* the certificates', back to back */
	struct tobi_bytes certificates[XMLSIG_CERTIFICATES_MAX];
	size_t certificate_count;
};

/* ---- one form, and no other ---- */

static bool is(const struct xml_element *element, const char *name)
{
	return xml_is(element, DSIG, name);
}

/* An element that names an algorithm, and has nothing in it. */
static bool is_algorithm(const struct xml_element *element, const char *name,
			 const char *algorithm)
{
	const char *said =
	    is(element, name) ? xml_attribute(element, NULL, "Algorithm") : NULL;

	return said && strcmp(said, algorithm) == 0 && !xml_first(element);
}

static bool is_transforms(const struct xml_element *element)
{
	const struct xml_element *first =
	    is(element, "Transforms") ? xml_first(element) : NULL;
	const struct xml_element *second = first ? xml_next(first) : NULL;

	return second && !xml_next(second) &&
	       is_algorithm(first, "Transform", DSIG "enveloped-signature") &&
	       is_algorithm(second, "Transform", C14N11);
}

/* The whole document, and nothing else. */
static bool is_reference(const struct xml_element *element)
{
	const char *uri =
	    is(element, "Reference") ? xml_attribute(element, NULL, "URI") : NULL;
	const struct xml_element *transforms = xml_first(element);
	const struct xml_element *method = transforms ? xml_next(transforms) : NULL;
	const struct xml_element *value = method ? xml_next(method) : NULL;

	return uri && !uri[0] && is_transforms(transforms) &&
	       is_algorithm(method, "DigestMethod", MORE "sha384") &&
	       is(value, "DigestValue") && xml_text(value) && !xml_next(value);
}

static bool is_signed_info(const struct xml_element *element)
{
	const struct xml_element *c14n =
	    is(element, "SignedInfo") ? xml_first(element) : NULL;
	const struct xml_element *method = c14n ? xml_next(c14n) : NULL;
	const struct xml_element *reference = method ? xml_next(method) : NULL;

	return reference && is_algorithm(c14n, "CanonicalizationMethod", C14N11) &&
	       is_algorithm(method, "SignatureMethod", MORE "ecdsa-sha384") &&
	       is_reference(reference) && !xml_next(reference);
}

/* SignedInfo, SignatureValue, KeyInfo: no Object, in which something could hide. */
static const struct xml_element *key_info_of(const struct xml_element *signature)
{
	const struct xml_element *info = xml_first(signature);
	const struct xml_element *value = info ? xml_next(info) : NULL;
	const struct xml_element *keys = value ? xml_next(value) : NULL;

	return is_signed_info(info) && is(value, "SignatureValue") && xml_text(value) &&
		       is(keys, "KeyInfo") && !xml_next(keys)
		   ? keys
		   : NULL;
}

/* ---- finding it ---- */

static const struct xml_element *parent_of(const struct xml_element *element)
{
	return (const struct xml_element *)((const xmlNode *)element)->parent;
}

/* The next element in the order of the document, within root; NULL behind the last. */
static const struct xml_element *step(const struct xml_element *at,
				      const struct xml_element *root)
{
	const struct xml_element *next = xml_first(at);

	while (!next && at != root) {
		next = xml_next(at);
		at = parent_of(at);
	}
	return next;
}

/* One in the whole document, and that one a child of the root. */
static enum tobi_err find(struct xmlsig *signature, const char *object,
			  struct tobi_fault *fault)
{
	const struct xml_element *root = xml_root(signature->document);
	size_t count = 0;

	for (const struct xml_element *at = root; at; at = step(at, root)) {
		if (!is(at, "Signature"))
			continue;
		count++;
		if (parent_of(at) == root)
			signature->signature = at;
	}
	if (count != 1 || !signature->signature)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "Signature",
				 "exactly one is needed, right below the root");
	return TOBI_OK;
}

static enum tobi_err take_certificate(struct xmlsig *signature, const char *text,
				      const char *object, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer digits = wr_init(LIMIT_CERTIFICATE);
	struct writer *der = &signature->der;
	size_t start = der->size;
	enum tobi_err err;

	if (signature->certificate_count == XMLSIG_CERTIFICATES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "X509Certificate",
				 "there are more than %d", XMLSIG_CERTIFICATES_MAX);
	for (; *text; text++) {
		if (!strchr(" \t\r\n", *text))
			wr_u8(&digits, (uint8_t)*text);
	}
	err = wr_err(&digits);
	if (!err)
		err = base64_read(wr_view(&digits), object, der, NULL);
	if (err || der->size == start)
		return fault_set(fault, err == TOBI_E_MEMORY ? err : TOBI_E_MALFORMED,
				 object, "X509Certificate", "it is no base64");
	/* The place is filled in when all are read: the buffer moves. */
	signature->certificates[signature->certificate_count++].size = der->size - start;
	return TOBI_OK;
}

static enum tobi_err take_certificates(struct xmlsig *signature,
				       const struct xml_element *keys, const char *object,
				       struct tobi_fault *fault)
{
	const struct xml_element *data = xml_first(keys);
	const struct xml_element *one = is(data, "X509Data") ? xml_first(data) : NULL;
	size_t at = 0;
	enum tobi_err err = TOBI_OK;

	if (!one || xml_next(data))
		return fault_set(fault, TOBI_E_MALFORMED, object, "KeyInfo",
				 "there is no X.509 certificate in it");
	for (; one && !err; one = xml_next(one)) {
		const char *text = is(one, "X509Certificate") ? xml_text(one) : NULL;

		err = text ? take_certificate(signature, text, object, fault)
			   : fault_set(fault, TOBI_E_UNSUPPORTED, object, "X509Data",
				       "only certificates are taken");
	}
	for (size_t i = 0; i < signature->certificate_count && !err; i++) {
		signature->certificates[i].ptr = signature->der.ptr + at;
		at += signature->certificates[i].size;
	}
	return err;
}

enum tobi_err xmlsig_read(struct tobi_bytes bytes, const char *object,
			  struct xmlsig **ret_signature, struct tobi_fault *fault)
{
	CLEANUP(xmlsig_freep) struct xmlsig *signature = calloc(1, sizeof(*signature));
	const struct xml_element *keys;
	enum tobi_err err;

	if (!signature)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	signature->der = wr_init(LIMIT_PEM);
	err = xml_read(bytes, object, &signature->document, fault);
	if (!err)
		err = find(signature, object, fault);
	if (err)
		return err;
	keys = key_info_of(signature->signature);
	if (!keys)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "Signature",
				 "one reference to the whole document, enveloped, C14N "
				 "1.1, SHA-384 and ECDSA are needed, and nothing else");
	err = take_certificates(signature, keys, object, fault);
	if (err)
		return err;
	*ret_signature = TAKE(signature);
	return TOBI_OK;
}

void xmlsig_free(struct xmlsig *signature)
{
	if (!signature)
		return;
	xml_document_free(signature->document);
	wr_done(&signature->der);
	free(signature);
}

const struct xml_document *xmlsig_document(const struct xmlsig *signature)
{
	return signature->document;
}

size_t xmlsig_certificates(const struct xmlsig *signature,
			   const struct tobi_bytes **ret_list)
{
	*ret_list = signature->certificates;
	return signature->certificate_count;
}

/* ---- verifying it ---- */

/* The key that the caller trusts is the one that is used: KeyInfo is not looked at. */
static bool set_key(const struct xmlsec_api *api, xmlSecDSigCtxPtr context, EVP_PKEY *key)
{
	xmlSecKeyDataPtr data;

	if (EVP_PKEY_up_ref(key) != 1)
		return false;
	data = api->adopt_key(key);
	if (!data) {
		EVP_PKEY_free(key);
		return false;
	}
	context->signKey = api->key_new();
	if (!context->signKey || api->key_set(context->signKey, data) < 0) {
		api->key_data_free(data);
		return false;
	}
	return true;
}

/* What was looked at above, told to the library as well. */
static bool set_rules(const struct xmlsec_api *api, xmlSecDSigCtxPtr context)
{
	context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
	context->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES |
			  XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
	return api->allow_in_reference(context, api->enveloped()) == 0 &&
	       api->allow_in_reference(context, api->c14n11()) == 0 &&
	       api->allow_in_reference(context, api->sha384()) == 0 &&
	       api->allow_in_signature(context, api->c14n11()) == 0 &&
	       api->allow_in_signature(context, api->ecdsa_sha384()) == 0;
}

static bool take_signed(const struct xmlsec_api *api, xmlSecDSigCtxPtr context,
			struct writer *out)
{
	xmlSecDSigReferenceCtxPtr reference;
	xmlSecBufferPtr buffer;

	if (context->status != xmlSecDSigStatusSucceeded ||
	    api->list_size(&context->signedInfoReferences) != 1)
		return false;
	reference = api->list_item(&context->signedInfoReferences, 0);
	buffer = reference && reference->status == xmlSecDSigStatusSucceeded
		     ? api->digested(reference)
		     : NULL;
	if (!buffer)
		return false;
	/* No more is to come: it need not have room for it. */
	if (api->buffer_size(buffer) < out->ceiling - out->size)
		out->ceiling = out->size + api->buffer_size(buffer);
	wr_bytes(out, api->buffer_data(buffer), api->buffer_size(buffer));
	return true;
}

static void say_nothing(void *context, xmlErrorPtr error)
{
	(void)context, (void)error;
}

/* libxml2 would write what it dislikes to the terminal. Whose handler it is otherwise is
 * the thread's own matter. */
static bool holds(const struct xmlsec_api *api, xmlSecDSigCtxPtr context,
		  xmlNodePtr signature)
{
	xmlStructuredErrorFunc handler = *api->error_handler();
	void *with = *api->error_context();
	bool good;

	api->set_error_handler(NULL, say_nothing);
	good = api->verify(context, signature) == 0;
	api->set_error_handler(with, handler);
	return good;
}

enum tobi_err xmlsig_verify(struct xmlsig *signature, EVP_PKEY *key, struct writer *out,
			    struct tobi_fault *fault)
{
	const struct xmlsec_api *api = signature->document->api;
	xmlSecDSigCtxPtr context = api->context_new(NULL);
	bool prepared, good;

	if (!context)
		return fault_set(fault, TOBI_E_MEMORY, "XML", "", "out of memory");
	prepared = set_rules(api, context) && set_key(api, context, key);
	good = prepared && holds(api, context, (xmlNodePtr)signature->signature) &&
	       take_signed(api, context, out);
	api->context_free(context);
	ERR_clear_error();
	if (!prepared)
		return fault_set(fault, TOBI_E_SIGNATURE, "XML", "key",
				 "it cannot have made such a signature");
	if (!good)
		return fault_set(fault, TOBI_E_SIGNATURE, "XML", "Signature",
				 "it does not hold");
	return wr_err(out) ? fault_set(fault, wr_err(out), "XML", "",
				       "what is signed is too large")
			   : TOBI_OK;
}
