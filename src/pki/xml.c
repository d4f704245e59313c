/* XML read with libxml2, all of what makes XML dangerous being off. */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "pki/xml.h"
#include "pki/xmlsec.h"

enum {
	OPTIONS =
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT
};

static const struct xml_element *of_node(const xmlNode *node)
{
	return (const struct xml_element *)node;
}

static const xmlNode *node_of(const struct xml_element *element)
{
	return (const xmlNode *)element;
}

/* Any of it could define what a text means, or bring in another: refused before a parser
 * sees it. */
static bool has_declarations(struct tobi_bytes bytes)
{
	return !bytes.ptr || memmem(bytes.ptr, bytes.size, "<!DOCTYPE", 9) ||
	       memmem(bytes.ptr, bytes.size, "<!ENTITY", 8) ||
	       memmem(bytes.ptr, bytes.size, "<![CDATA[", 9) ||
	       memchr(bytes.ptr, 0, bytes.size);
}

static bool starts_as_utf8(struct tobi_bytes bytes)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
	size_t at = bytes.size > 3 && memcmp(bytes.ptr, mark, 3) == 0 ? 3 : 0;

	while (at < bytes.size && strchr(" \t\r\n", bytes.ptr[at]) && bytes.ptr[at])
		at++;
	return at + 1 < bytes.size && bytes.ptr[at] == '<' && bytes.ptr[at + 1];
}

/* Of XML in UTF-8: in other encodings the words above would look otherwise. */
static bool is_utf8(const xmlDoc *doc)
{
	return !doc->encoding || strcasecmp((const char *)doc->encoding, "UTF-8") == 0;
}

/* Every node, without recursion: how many there are, how deep, and that each is of a kind
 * that a signature over the whole covers as it looks. */
static const char *wrong_tree(const xmlNode *root)
{
	const xmlNode *node = root;
	size_t count = 0, depth = 1;

	for (;;) {
		if (++count > LIMIT_XML_NODES)
			return "too many nodes";
		if (node->type != XML_ELEMENT_NODE && node->type != XML_TEXT_NODE &&
		    node->type != XML_COMMENT_NODE)
			return "something else than elements and text";
		for (const xmlAttr *a = node->type == XML_ELEMENT_NODE ? node->properties
								       : NULL;
		     a; a = a->next) {
			if (++count > LIMIT_XML_NODES)
				return "too many nodes";
		}
		if (node->type == XML_ELEMENT_NODE && node->children) {
			if (++depth > LIMIT_XML_DEPTH)
				return "it is nested too deep";
			node = node->children;
			continue;
		}
		while (node != root && !node->next) {
			node = node->parent;
			depth--;
		}
		if (node == root)
			return NULL;
		node = node->next;
	}
}

static enum tobi_err check_document(const struct xml_document *document,
				    const char *object, struct tobi_fault *fault)
{
	const xmlNode *root = document->api->root(document->doc);
	const char *wrong;

	if (!root || document->doc->intSubset || document->doc->extSubset)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "a root, and no document type, are needed");
	if (!is_utf8(document->doc))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "encoding",
				 "UTF-8 is needed");
	wrong = wrong_tree(root);
	return wrong ? fault_set(fault, TOBI_E_LIMIT, object, "", "%s", wrong) : TOBI_OK;
}

enum tobi_err xml_read(struct tobi_bytes bytes, const char *object,
		       struct xml_document **ret_document, struct tobi_fault *fault)
{
	CLEANUP(xml_document_freep) struct xml_document *document = NULL;
	const struct xmlsec_api *api;
	xmlParserCtxtPtr parser;
	enum tobi_err err;

	if (bytes.size > LIMIT_XML)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_XML);
	/* In another encoding than UTF-8 the words below would look otherwise. */
	if (!starts_as_utf8(bytes))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "it does not start as XML in UTF-8 does");
	if (has_declarations(bytes))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "a document type, entities, raw data or a NUL are not "
				 "taken");
	err = xmlsec_load(&api, fault);
	if (err)
		return err;
	document = calloc(1, sizeof(*document));
	parser = api->new_parser();
	if (document && parser) {
		document->api = api;
		document->doc = api->read_memory(parser, (const char *)bytes.ptr,
						 (int)bytes.size, NULL, NULL, OPTIONS);
	}
	if (parser)
		api->free_parser(parser);
	if (!document || !parser)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (!document->doc)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "it is no well-formed XML");
	err = check_document(document, object, fault);
	if (err)
		return err;
	*ret_document = TAKE(document);
	return TOBI_OK;
}

void xml_document_free(struct xml_document *document)
{
	if (!document)
		return;
	if (document->doc)
		document->api->free_doc(document->doc);
	free(document);
}

static const struct xml_element *next_element(const xmlNode *node)
{
	while (node && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return of_node(node);
}

const struct xml_element *xml_root(const struct xml_document *document)
{
	return of_node(document->api->root(document->doc));
}

const struct xml_element *xml_first(const struct xml_element *element)
{
	return element ? next_element(node_of(element)->children) : NULL;
}

const struct xml_element *xml_next(const struct xml_element *element)
{
	return next_element(node_of(element)->next);
}

static bool is_named(const xmlChar *name, const xmlNs *ns, const char *space,
		     const char *wanted)
{
	if (strcmp((const char *)name, wanted) != 0)
		return false;
	return space ? ns && strcmp((const char *)ns->href, space) == 0 : !ns;
}

bool xml_is(const struct xml_element *element, const char *space, const char *name)
{
	return element &&
	       is_named(node_of(element)->name, node_of(element)->ns, space, name);
}

/* One text, or none; of entities there are none. */
static const char *text_of(const xmlNode *first)
{
	if (!first)
		return "";
	return first->type == XML_TEXT_NODE && !first->next ? (const char *)first->content
							    : NULL;
}

const char *xml_attribute(const struct xml_element *element, const char *space,
			  const char *name)
{
	for (const xmlAttr *a = node_of(element)->properties; a; a = a->next) {
		if (is_named(a->name, a->ns, space, name))
			return text_of(a->children);
	}
	return NULL;
}

const char *xml_text(const struct xml_element *element)
{
	return text_of(node_of(element)->children);
}
