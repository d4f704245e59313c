/* XML signed with libxmlsec, which here is linked. */
#include <stdio.h>
#include <stdlib.h>

#include <libxml/parser.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "codec/base64.h"
#include "tests/check.h"
#include "tests/nvidia_scene.h"

static void start(void)
{
	static bool started;

	if (started)
		return;
	xmlInitParser();
	assert_int_equal(xmlSecInit(), 0);
	assert_int_equal(xmlSecOpenSSLInit(), 0);
	started = true;
}

static void sign(xmlDocPtr doc, EVP_PKEY *key)
{
	xmlNodePtr node =
	    xmlSecFindNode(xmlDocGetRootElement(doc), xmlSecNodeSignature, xmlSecDSigNs);
	xmlSecDSigCtxPtr context = xmlSecDSigCtxCreate(NULL);

	assert_non_null(node);
	assert_non_null(context);
	EVP_PKEY_up_ref(key);
	context->signKey = xmlSecKeyCreate();
	assert_int_equal(
	    xmlSecKeySetValue(context->signKey, xmlSecOpenSSLEvpKeyAdopt(key)), 0);
	assert_int_equal(xmlSecDSigCtxSign(context, node), 0);
	xmlSecDSigCtxDestroy(context);
}

static void write_key_info(X509 *const *certificates, size_t count, struct writer *out)
{
	wr_printf(out, "<ds:KeyInfo><ds:X509Data>");
	for (size_t i = 0; i < count; i++) {
		unsigned char *der = NULL;
		int size = i2d_X509(certificates[i], &der);

		assert_true(size > 0);
		wr_printf(out, "<ds:X509Certificate>\n");
		base64_write(out, (struct tobi_bytes){der, (size_t)size});
		wr_printf(out, "\n</ds:X509Certificate>");
		OPENSSL_free(der);
	}
	wr_printf(out, "</ds:X509Data></ds:KeyInfo>");
}

/* Who has signed is written in behind: no part of it is signed. */
void nvidia_xml_sign(const char *xml, EVP_PKEY *key, X509 *const *certificates,
		     size_t count, struct writer *out)
{
	static const char end[] = "</ds:SignatureValue>";
	xmlChar *text = NULL;
	const char *at;
	int size = 0;
	xmlDocPtr doc;

	start();
	doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	sign(doc, key);
	xmlDocDumpMemory(doc, &text, &size);
	assert_non_null(text);
	at = strstr((const char *)text, end);
	assert_non_null(at);
	at += strlen(end);
	wr_bytes(out, text, (size_t)(at - (const char *)text));
	if (count)
		write_key_info(certificates, count, out);
	wr_bytes(out, at, strlen(at));
	assert_int_equal(wr_err(out), 0);
	xmlFree(text);
	xmlFreeDoc(doc);
}
