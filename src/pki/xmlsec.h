/*
 * The functions of libxml2 and libxmlsec (with OpenSSL) that are used, found when XML is
 * read for the first time.
 *
 * They are loaded, not linked: no start of a program brings them along with ICU and XSLT,
 * and the agent, which is static and loads nothing, goes without. libxmlsec keeps lists
 * of its own for the whole process, and must fill them once: hence the one mutable object
 * of this library, in xmlsec.c.
 */
#ifndef TOBI_PKI_XMLSEC_H
#define TOBI_PKI_XMLSEC_H

#include <libxml/parser.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>

#include "tobichi/error.h"

struct xmlsec_api {
	__typeof__(xmlInitParser) *init_parser;
	__typeof__(xmlNewParserCtxt) *new_parser;
	__typeof__(xmlCtxtReadMemory) *read_memory;
	__typeof__(xmlFreeParserCtxt) *free_parser;
	__typeof__(xmlFreeDoc) *free_doc;
	__typeof__(xmlDocGetRootElement) *root;
	__typeof__(__xmlStructuredError) *error_handler;
	__typeof__(__xmlStructuredErrorContext) *error_context;
	__typeof__(xmlSetStructuredErrorFunc) *set_error_handler;
	__typeof__(xmlSecInit) *init;
	__typeof__(xmlSecCheckVersionExt) *check_version;
	__typeof__(xmlSecErrorsSetCallback) *set_callback;
	__typeof__(xmlSecOpenSSLInit) *init_openssl;
	__typeof__(xmlSecTransformIdsGet) *transforms;
	__typeof__(xmlSecDSigCtxCreate) *context_new;
	__typeof__(xmlSecDSigCtxDestroy) *context_free;
	__typeof__(xmlSecDSigCtxEnableReferenceTransform) *allow_in_reference;
	__typeof__(xmlSecDSigCtxEnableSignatureTransform) *allow_in_signature;
	__typeof__(xmlSecDSigCtxVerify) *verify;
	__typeof__(xmlSecTransformEnvelopedGetKlass) *enveloped;
	__typeof__(xmlSecTransformInclC14N11GetKlass) *c14n11;
	__typeof__(xmlSecOpenSSLTransformSha384GetKlass) *sha384;
	__typeof__(xmlSecOpenSSLTransformEcdsaSha384GetKlass) *ecdsa_sha384;
	__typeof__(xmlSecPtrListGetItem) *list_item;
	__typeof__(xmlSecPtrListGetSize) *list_size;
	__typeof__(xmlSecDSigReferenceCtxGetPreDigestBuffer) *digested;
	__typeof__(xmlSecBufferGetData) *buffer_data;
	__typeof__(xmlSecBufferGetSize) *buffer_size;
	__typeof__(xmlSecBufferSetDefaultAllocMode) *buffer_mode;
	__typeof__(xmlSecOpenSSLEvpKeyAdopt) *adopt_key;
	__typeof__(xmlSecKeyCreate) *key_new;
	__typeof__(xmlSecKeySetValue) *key_set;
	__typeof__(xmlSecKeyDestroy) *key_free;
	__typeof__(xmlSecKeyDataDestroy) *key_data_free;
};

/* What xml.h hands out. */
struct xml_document {
	const struct xmlsec_api *api;
	xmlDocPtr doc;
};

/* The same for ever, once it is there; never unloaded. TOBI_E_NOT_FOUND: the libraries
 * are not installed; _UNSUPPORTED: another version of them. */
TOBI_MUST_USE enum tobi_err xmlsec_load(const struct xmlsec_api **ret_api,
					struct tobi_fault *fault);

#endif
