/*
 * XML, read within bounds: no document type, so no entities; nothing is fetched, nothing
 * included; UTF-8; size, depth and number of nodes have ceilings. By libxml2, which is
 * loaded when it is needed (xmlsec.h).
 */
#ifndef TOBI_PKI_XML_H
#define TOBI_PKI_XML_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct xml_element;
struct xml_document;

/* xml_document_free() it. Errors: TOBI_E_LIMIT, _MALFORMED; _UNSUPPORTED for a document
 * type, raw data or another encoding; _NOT_FOUND when the libraries are not installed;
 * _MEMORY. */
TOBI_MUST_USE enum tobi_err xml_read(struct tobi_bytes bytes, const char *object,
				     struct xml_document **ret_document,
				     struct tobi_fault *fault);
void xml_document_free(struct xml_document *document);
DEFINE_CLEANUP(struct xml_document *, xml_document_free)
/* Borrowed from the document, each; NULL when there is none. */
const struct xml_element *xml_root(const struct xml_document *document);
const struct xml_element *xml_first(const struct xml_element *element);
const struct xml_element *xml_next(const struct xml_element *element);
/* Whether it has this local name, in this namespace (NULL: in none). */
bool xml_is(const struct xml_element *element, const char *space, const char *name);
/* The attribute's text; NULL when there is none. */
const char *xml_attribute(const struct xml_element *element, const char *space,
			  const char *name);
/* Its text, of an element that has nothing but text in it; else NULL. */
const char *xml_text(const struct xml_element *element);

#endif
