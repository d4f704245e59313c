#include "pki/xmlsec.h"

#include <dlfcn.h>
#include <pthread.h>

#include "base/fault.h"

/* It brings libxmlsec1 and libxml2 along, of the versions that it was built for. */
enum { BUFFER_START = 4096 };

static const char library[] = "libxmlsec1-openssl.so.1";

/* What is loaded is the process's, as are the lists that libxmlsec fills: one of each,
 * written once. */
static struct {
	pthread_once_t once;
	enum tobi_err err;
	struct xmlsec_api api;
} xmlsec_loaded = {.once = PTHREAD_ONCE_INIT}; /* NOLINT: of the process */

/* dlsym() gives a pointer to data, and a function's is needed. */
#define FIND(member, name)                                                               \
	do {                                                                             \
		void *symbol_ = dlsym(handle, name);                                     \
		api->member =                                                            \
		    symbol_ ? __extension__(__typeof__(api->member)) symbol_ : NULL;     \
		all = all && api->member;                                                \
	} while (0)

static bool find_xml(void *handle, struct xmlsec_api *api)
{
	bool all = true;

	FIND(init_parser, "xmlInitParser");
	FIND(new_parser, "xmlNewParserCtxt");
	FIND(read_memory, "xmlCtxtReadMemory");
	FIND(free_parser, "xmlFreeParserCtxt");
	FIND(free_doc, "xmlFreeDoc");
	FIND(root, "xmlDocGetRootElement");
	FIND(error_handler, "__xmlStructuredError");
	FIND(error_context, "__xmlStructuredErrorContext");
	FIND(set_error_handler, "xmlSetStructuredErrorFunc");
	return all;
}

/* NOLINTNEXTLINE: a table, each line of which is one name */
static bool find_xmlsec(void *handle, struct xmlsec_api *api)
{
	bool all = true;

	FIND(init, "xmlSecInit");
	FIND(check_version, "xmlSecCheckVersionExt");
	FIND(set_callback, "xmlSecErrorsSetCallback");
	FIND(transforms, "xmlSecTransformIdsGet");
	FIND(context_new, "xmlSecDSigCtxCreate");
	FIND(context_free, "xmlSecDSigCtxDestroy");
	FIND(allow_in_reference, "xmlSecDSigCtxEnableReferenceTransform");
	FIND(allow_in_signature, "xmlSecDSigCtxEnableSignatureTransform");
	FIND(verify, "xmlSecDSigCtxVerify");
	FIND(enveloped, "xmlSecTransformEnvelopedGetKlass");
	FIND(c14n11, "xmlSecTransformInclC14N11GetKlass");
	FIND(list_item, "xmlSecPtrListGetItem");
	FIND(list_size, "xmlSecPtrListGetSize");
	FIND(digested, "xmlSecDSigReferenceCtxGetPreDigestBuffer");
	FIND(buffer_data, "xmlSecBufferGetData");
	FIND(buffer_size, "xmlSecBufferGetSize");
	FIND(buffer_mode, "xmlSecBufferSetDefaultAllocMode");
	FIND(key_new, "xmlSecKeyCreate");
	FIND(key_set, "xmlSecKeySetValue");
	FIND(key_free, "xmlSecKeyDestroy");
	FIND(key_data_free, "xmlSecKeyDataDestroy");
	return all;
}

static bool find_openssl(void *handle, struct xmlsec_api *api)
{
	bool all = true;

	FIND(init_openssl, "xmlSecOpenSSLInit");
	FIND(sha384, "xmlSecOpenSSLTransformSha384GetKlass");
	FIND(ecdsa_sha384, "xmlSecOpenSSLTransformEcdsaSha384GetKlass");
	FIND(adopt_key, "xmlSecOpenSSLEvpKeyAdopt");
	return all;
}

/* A verdict says what is wrong; nothing is written to anybody's terminal. */
static void say_nothing(const char *file, int line, const char *function,
			const char *object, const char *subject, int reason,
			const char *message)
{
	(void)file, (void)line, (void)function, (void)object, (void)subject;
	(void)reason, (void)message;
}

/* Of a program that uses libxmlsec itself nothing is touched: it has filled the lists. */
static enum tobi_err start(const struct xmlsec_api *api)
{
	api->init_parser();
	if (api->check_version(XMLSEC_VERSION_MAJOR, XMLSEC_VERSION_MINOR,
			       XMLSEC_VERSION_SUBMINOR,
			       xmlSecCheckVersionABICompatible) != 1)
		return TOBI_E_UNSUPPORTED;
	if (xmlSecPtrListIsValid(api->transforms()))
		return TOBI_OK;
	if (api->init() < 0 || api->init_openssl() < 0)
		return TOBI_E_UNSUPPORTED;
	/* Each of them sets one of its own. */
	api->set_callback(say_nothing);
	/* Else a document is kept in twice as much as it takes. */
	api->buffer_mode(xmlSecAllocModeExact, BUFFER_START);
	return TOBI_OK;
}

static void load(void)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		xmlsec_loaded.err = TOBI_E_NOT_FOUND;
	else if (!find_xml(handle, &xmlsec_loaded.api) ||
		 !find_xmlsec(handle, &xmlsec_loaded.api) ||
		 !find_openssl(handle, &xmlsec_loaded.api))
		xmlsec_loaded.err = TOBI_E_UNSUPPORTED;
	else
		xmlsec_loaded.err = start(&xmlsec_loaded.api);
}

enum tobi_err xmlsec_load(const struct xmlsec_api **ret_api, struct tobi_fault *fault)
{
	pthread_once(&xmlsec_loaded.once, load);
	if (xmlsec_loaded.err == TOBI_E_NOT_FOUND)
		return fault_set(fault, TOBI_E_NOT_FOUND, "XML", "",
				 "reading signed XML needs libxmlsec: install the "
				 "package libxmlsec1-openssl");
	if (xmlsec_loaded.err)
		return fault_set(fault, xmlsec_loaded.err, "XML", "",
				 "%s is of another version", library);
	*ret_api = &xmlsec_loaded.api;
	return TOBI_OK;
}
