/* XML within bounds; what could reach beyond the document is refused unread. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/writer.h"
#include "pki/xml.h"
#include "tests/bytes.h"

static enum tobi_err read_bytes(struct tobi_bytes bytes)
{
	CLEANUP(xml_document_freep) struct xml_document *document = NULL;
	struct block block = block_new(bytes);
	enum tobi_err err = xml_read(block_view(block), "test", &document, NULL);

	block_done(block);
	return err;
}

static enum tobi_err read_text(const char *text)
{
	return read_bytes(text_bytes(text));
}

static void test_xml_read__plain__reads(void **state)
{
	(void)state;
	assert_int_equal(read_text("<a/>"), TOBI_OK);
	assert_int_equal(
	    read_text("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a b='1'/>"), TOBI_OK);
	assert_int_equal(read_text("\xef\xbb\xbf<a>\xc3\xa9 &amp; &#65;</a>\n"), TOBI_OK);
}

static void test_xml_read__document_type_and_entities__refuses(void **state)
{
	static const char *const texts[] = {
	    "<!DOCTYPE a><a/>",
	    "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a/>",
	    "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
	    "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
	    "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\"> %p;]><a/>",
	    "<!DOCTYPE a [<!ATTLIST a b CDATA \"given\">]><a/>",
	    "<a><![CDATA[x]]></a>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(read_text(texts[i]), TOBI_E_UNSUPPORTED);
	assert_int_equal(read_text("<a>&e;</a>"), TOBI_E_MALFORMED);
}

/* It is an element as others are: nothing is brought in. */
static void test_xml_read__xinclude__stays_an_element(void **state)
{
	CLEANUP(xml_document_freep) struct xml_document *document = NULL;
	const struct xml_element *first;

	(void)state;
	assert_int_equal(
	    xml_read(
		text_bytes("<a><x:include xmlns:x=\"http://www.w3.org/2001/XInclude\" "
			   "href=\"/etc/passwd\" parse=\"text\"/></a>"),
		"test", &document, NULL),
	    0);
	first = xml_first(xml_root(document));
	assert_true(xml_is(first, "http://www.w3.org/2001/XInclude", "include"));
	assert_string_equal(xml_text(first), "");
}

static void test_xml_read__other_encodings__refuses(void **state)
{
	(void)state;
	assert_int_equal(read_text("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a/>"),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(read_bytes(BYTES(0xff, 0xfe, '<', 0, 'a', 0, '/', 0, '>', 0)),
			 TOBI_E_MALFORMED);
	assert_int_equal(read_bytes(BYTES('<', 0, 'a', 0, '/', 0, '>', 0)),
			 TOBI_E_MALFORMED);
	assert_int_equal(read_bytes(BYTES('<', 'a', '>', 0, '<', '/', 'a', '>')),
			 TOBI_E_UNSUPPORTED);
	assert_int_equal(read_text("<a>\xff</a>"), TOBI_E_MALFORMED);
}

static void test_xml_read__not_well_formed__malformed(void **state)
{
	static const char *const texts[] = {
	    "",	       " ",	   "a",	    "<",      "<a>",
	    "<a></b>", "<a/><b/>", "<a/>x", "<a b=>", "<a b='1' b='2'/>"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(read_text(texts[i]), TOBI_E_MALFORMED);
}

static void test_xml_read__instructions__refuses(void **state)
{
	(void)state;
	assert_int_equal(read_text("<a><?run x?></a>"), TOBI_E_LIMIT);
}

static enum tobi_err nested(size_t depth)
{
	struct writer xml = wr_init(1 << 20);
	enum tobi_err err;

	for (size_t i = 0; i < depth; i++)
		wr_printf(&xml, "<a>");
	for (size_t i = 0; i < depth; i++)
		wr_printf(&xml, "</a>");
	err = read_bytes(wr_view(&xml));
	wr_done(&xml);
	return err;
}

/* One root, and as many as are missing. */
static enum tobi_err wide(size_t count, const char *each)
{
	struct writer xml = wr_init(1 << 20);
	enum tobi_err err;

	wr_printf(&xml, "<r>");
	for (size_t i = 0; i < count; i++)
		wr_printf(&xml, "%s", each);
	wr_printf(&xml, "</r>");
	err = read_bytes(wr_view(&xml));
	wr_done(&xml);
	return err;
}

static enum tobi_err long_one(size_t size)
{
	struct writer xml = wr_init(1 << 20);
	enum tobi_err err;

	wr_printf(&xml, "<r>");
	while (xml.size + 4 < size)
		wr_u8(&xml, 'x');
	wr_printf(&xml, "</r>");
	err = read_bytes(wr_view(&xml));
	wr_done(&xml);
	return err;
}

static void test_xml_read__over_a_ceiling__limit(void **state)
{
	(void)state;
	assert_int_equal(nested(LIMIT_XML_DEPTH), TOBI_OK);
	assert_int_equal(nested(LIMIT_XML_DEPTH + 1), TOBI_E_LIMIT);
	assert_int_not_equal(nested(50000), TOBI_OK);
	assert_int_equal(wide(LIMIT_XML_NODES - 1, "<a/>"), TOBI_OK);
	assert_int_equal(wide(LIMIT_XML_NODES, "<a/>"), TOBI_E_LIMIT);
	assert_int_equal(wide(LIMIT_XML_NODES / 2, "<a b='1'/>"), TOBI_E_LIMIT);
	assert_int_equal(long_one(LIMIT_XML), TOBI_OK);
	assert_int_equal(long_one(LIMIT_XML + 1), TOBI_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xml_read__plain__reads),
	    cmocka_unit_test(test_xml_read__document_type_and_entities__refuses),
	    cmocka_unit_test(test_xml_read__xinclude__stays_an_element),
	    cmocka_unit_test(test_xml_read__other_encodings__refuses),
	    cmocka_unit_test(test_xml_read__not_well_formed__malformed),
	    cmocka_unit_test(test_xml_read__instructions__refuses),
	    cmocka_unit_test(test_xml_read__over_a_ceiling__limit),
	};

	return cmocka_run_group_tests_name("pki xml", tests, NULL, NULL);
}
