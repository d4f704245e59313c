#include "tee/nvidia_rim.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "pki/xmlsig.h"

#define SWID "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
#define SHA384 "http://www.w3.org/2001/04/xmlenc#sha384"

static const char object[] = "RIM";

enum { HASHES_MAX = 64 };

static void rim_free(struct memo_value *value)
{
	struct nvidia_rim *rim = (struct nvidia_rim *)value;

	nvidia_chain_unref(&rim->chain);
	free(rim->values);
	free(rim);
}

static struct nvidia_rim *rim_new(void)
{
	struct nvidia_rim *rim = calloc(1, sizeof(*rim));

	if (rim) {
		atomic_init(&rim->head.references, 1);
		rim->head.free = rim_free;
	}
	return rim;
}

void nvidia_rim_unref(struct nvidia_rim **rim)
{
	if (*rim)
		memo_unref(&(*rim)->head);
}

bool nvidia_rim_has(const struct nvidia_rim *rim, size_t index, struct tobi_bytes digest,
		    bool *ret_active)
{
	bool active = false, found = false;

	for (size_t i = 0; i < rim->value_count; i++) {
		const struct nvidia_rim_value *value = &rim->values[i];

		if (value->index != index)
			continue;
		active = true;
		found |= bytes_equal(
		    digest, (struct tobi_bytes){value->digest, SPDM_DIGEST_SIZE});
	}
	*ret_active = active;
	return found;
}

/* ---- its form ---- */

/* "index", and what is wrong with it. */
static enum tobi_err wrong(struct tobi_fault *fault, const char *field, const char *what)
{
	return fault_set(fault, TOBI_E_MALFORMED, object, field, "%s", what);
}

static bool read_number(const char *text, unsigned most, unsigned *ret_number)
{
	unsigned number = 0;

	if (!text || !text[0] || strlen(text) > 3 ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text; text++)
		number = 10 * number + (unsigned)(*text - '0');
	if (number > most)
		return false;
	*ret_number = number;
	return true;
}

static enum tobi_err take_text(const struct xml_element *meta, const char *name,
			       char ret_text[static NVIDIA_TEXT_MAX],
			       struct tobi_fault *fault)
{
	const char *text = xml_attribute(meta, NULL, name);
	size_t size = text ? strlen(text) : 0;

	if (size == 0 || size >= NVIDIA_TEXT_MAX)
		return wrong(fault, name, "it is missing, or too long");
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return wrong(fault, name, "it has odd characters");
	}
	bytes_copy(ret_text, NVIDIA_TEXT_MAX - 1, text, size);
	ret_text[size] = 0;
	return TOBI_OK;
}

/* "96.00.9F.00.01", which no driver's version looks like. */
static bool is_vbios(const char *version)
{
	size_t size = strlen(version);

	if (size != 14)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (i % 3 == 2 ? version[i] != '.' : !isxdigit((unsigned char)version[i]))
			return false;
	}
	return true;
}

static enum tobi_err take_meta(const struct xml_element *meta, struct nvidia_rim *rim,
			       struct tobi_fault *fault)
{
	char edition[NVIDIA_TEXT_MAX];
	enum tobi_err err = take_text(meta, "colloquialVersion", rim->version, fault);

	/* Of which kind it is shows before anything else can be wrong: one that is
	 * damaged must not pass for one of the other kind. */
	rim->is_vbios = !err && is_vbios(rim->version);
	if (!err)
		err = take_text(meta, "product", rim->product, fault);
	if (!err)
		err = take_text(meta, "edition", edition, fault);
	if (err)
		return err;
	rim->is_switch = strcmp(edition, "SWITCH") == 0;
	if (!rim->is_switch && strcmp(edition, "GPU") != 0)
		return wrong(fault, "edition", "neither a GPU nor a switch");
	return TOBI_OK;
}

/* The list is as long as the next power of two. */
static bool has_room(struct nvidia_rim *rim)
{
	size_t count = rim->value_count;
	struct nvidia_rim_value *values;

	if (rim->values && (count == 0 || count & (count - 1)))
		return true;
	values = realloc(rim->values, (count ? 2 * count : 1) * sizeof(*values));
	if (values)
		rim->values = values;
	return values != NULL;
}

static enum tobi_err add_value(struct nvidia_rim *rim, unsigned index, const char *text,
			       struct tobi_fault *fault)
{
	struct nvidia_rim_value value = {.index = (uint8_t)index};

	if (!text || !hex_read(text, value.digest, sizeof(value.digest)))
		return wrong(fault, "Hash", "one is missing, or is no SHA-384");
	if (rim->value_count == RIM_VALUES_MAX)
		return wrong(fault, "Resource", "there are too many values");
	if (!has_room(rim))
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	rim->values[rim->value_count++] = value;
	return TOBI_OK;
}

/* As many as it says: each of Hash0, Hash1, .. */
static enum tobi_err take_hashes(const struct xml_element *resource, unsigned index,
				 bool active, struct nvidia_rim *rim,
				 struct tobi_fault *fault)
{
	size_t before = rim->value_count;
	unsigned count = 0;
	char name[16];
	enum tobi_err err = TOBI_OK;

	if (!read_number(xml_attribute(resource, NULL, "alternatives"), HASHES_MAX,
			 &count) ||
	    count == 0)
		return wrong(fault, "alternatives", "a number is needed, not 0");
	for (unsigned i = 0; i < count && !err; i++) {
		snprintf(name, sizeof(name), "Hash%u", i);
		err = add_value(rim, index, xml_attribute(resource, SHA384, name), fault);
	}
	snprintf(name, sizeof(name), "Hash%u", count);
	if (!err && xml_attribute(resource, SHA384, name))
		err = wrong(fault, "alternatives", "there are more hashes than it says");
	if (!active)
		rim->value_count = before;
	return err;
}

/* Each a measurement of another index. */
static enum tobi_err check_indexes(const struct xml_element *payload,
				   struct tobi_fault *fault)
{
	uint64_t seen = 0;

	for (const struct xml_element *at = xml_first(payload); at; at = xml_next(at)) {
		const char *type;
		unsigned index;

		if (!xml_is(at, SWID, "Resource"))
			return wrong(fault, "Payload", "something else than a Resource");
		type = xml_attribute(at, NULL, "type");
		if (!type || strcmp(type, "Measurement") != 0)
			return wrong(fault, "type", "it is no measurement");
		if (!read_number(xml_attribute(at, NULL, "index"), SPDM_BLOCKS_MAX - 1,
				 &index))
			return wrong(fault, "index", "a number from 0 to 63 is needed");
		if (seen >> index & 1)
			return wrong(fault, "index", "one is there twice");
		seen |= UINT64_C(1) << index;
	}
	return TOBI_OK;
}

static enum tobi_err take_resource(const struct xml_element *resource,
				   struct nvidia_rim *rim, struct tobi_fault *fault)
{
	const char *active = xml_attribute(resource, NULL, "active");
	unsigned index = 0, size;

	if (!read_number(xml_attribute(resource, NULL, "index"), SPDM_BLOCKS_MAX - 1,
			 &index))
		return wrong(fault, "index", "a number from 0 to 63 is needed");
	if (!xml_attribute(resource, SHA384, "Hash0"))
		return wrong(fault, "Hash0", "it is missing");
	if (!read_number(xml_attribute(resource, NULL, "size"), SPDM_DIGEST_SIZE,
			 &size) ||
	    size != SPDM_DIGEST_SIZE)
		return wrong(fault, "size", "48 is needed");
	if (!active || (strcmp(active, "True") != 0 && strcmp(active, "False") != 0))
		return wrong(fault, "active", "True or False is needed");
	return take_hashes(resource, index, active[0] == 'T', rim, fault);
}

static enum tobi_err take_payload(const struct xml_element *payload,
				  struct nvidia_rim *rim, struct tobi_fault *fault)
{
	enum tobi_err err = check_indexes(payload, fault);

	for (const struct xml_element *at = xml_first(payload); at && !err;
	     at = xml_next(at))
		err = take_resource(at, rim, fault);
	if (!err && rim->value_count == 0)
		err = wrong(fault, "Payload", "there is no active measurement in it");
	return err;
}

/* What the document says, into rim: its version first, by which it is found. */
static enum tobi_err take_document(const struct xml_document *document,
				   struct nvidia_rim *rim, struct tobi_fault *fault)
{
	const struct xml_element *root = xml_root(document);
	const struct xml_element *meta = NULL, *payload = NULL;
	enum tobi_err err;

	rim->value_count = 0;
	if (!xml_is(root, SWID, "SoftwareIdentity"))
		return wrong(fault, "", "it is no SWID tag");
	for (const struct xml_element *at = xml_first(root); at; at = xml_next(at)) {
		bool is_meta = xml_is(at, SWID, "Meta");
		bool is_payload = xml_is(at, SWID, "Payload");

		if ((is_meta && meta) || (is_payload && payload))
			return wrong(fault, is_meta ? "Meta" : "Payload",
				     "it is there twice");
		meta = is_meta ? at : meta;
		payload = is_payload ? at : payload;
	}
	if (!payload)
		return wrong(fault, "Payload", "it is missing");
	err = take_payload(payload, rim, fault);
	if (!err && !meta)
		err = wrong(fault, "Meta", "it is missing");
	return err ? err : take_meta(meta, rim, fault);
}

static enum tobi_err take_bytes(struct tobi_bytes bytes, struct nvidia_rim *rim,
				struct tobi_fault *fault)
{
	CLEANUP(xml_document_freep) struct xml_document *document = NULL;
	enum tobi_err err = xml_read(bytes, object, &document, fault);

	return err ? err : take_document(document, rim, fault);
}

/* ---- its signature ---- */

/* What it is checked against. */
struct context {
	const struct key_pins *pins;
	const struct tee_request *request;
	const struct nvidia_material *material;
};

/* A document as a tree takes seven times its size, and its certificates as much again:
 * only one of the two is there at a time. */
static enum tobi_err make_chain(struct xmlsig **signature, const struct context *context,
				struct nvidia_rim *rim, struct tobi_fault *why)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[XMLSIG_CERTIFICATES_MAX];
	const struct tobi_bytes *certificates;
	size_t count = xmlsig_certificates(*signature, &certificates), at = 0;
	enum tobi_err err;

	for (size_t i = 0; i < count; i++) {
		wr_bytes(&der, certificates[i].ptr, certificates[i].size);
		list[i].size = certificates[i].size;
	}
	xmlsig_free(*signature);
	*signature = NULL;
	if (wr_err(&der))
		return fault_set(why, wr_err(&der), object, "", "out of memory");
	for (size_t i = 0; i < count; i++) {
		list[i].ptr = der.ptr + at;
		at += list[i].size;
	}
	err = nvidia_chain_make(list, count, context->pins, context->request->time,
				&rim->chain, why);
	if (!err)
		nvidia_chain_settle(rim->chain, NVIDIA_SIGNER, context->material,
				    context->request);
	return err;
}

static enum tobi_err check_bytes(struct tobi_bytes bytes, struct nvidia_rim *rim,
				 struct writer *canonical, struct tobi_fault *why)
{
	CLEANUP(xmlsig_freep) struct xmlsig *signature = NULL;
	enum tobi_err err = xmlsig_read(bytes, object, &signature, why);

	return err ? err : xmlsig_verify(signature, rim->chain->key, canonical, why);
}

/* What was signed, read again: values come from there only. The document itself is gone
 * by then. */
static enum tobi_err check_signature(struct tobi_bytes bytes, struct nvidia_rim *rim,
				     struct tobi_fault *why)
{
	CLEANUP(wr_done) struct writer canonical = wr_init(LIMIT_XML);
	enum tobi_err err;

	if (!rim->chain->key)
		return fault_set(why, TOBI_E_SIGNATURE, object, "Signature",
				 "there is no key to check it with");
	err = check_bytes(bytes, rim, &canonical, why);
	return err ? err : take_bytes(wr_view(&canonical), rim, why);
}

static bool is_fatal(enum tobi_err err)
{
	return err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO;
}

/* Without the library nothing is known of it: then only its signature is not proven. */
static enum tobi_err read_new(struct tobi_bytes bytes, const struct context *context,
			      struct nvidia_rim *rim)
{
	CLEANUP(xmlsig_freep) struct xmlsig *signature = NULL;
	struct tobi_fault why = {0}, unsigned_why = {0};
	enum tobi_err no_signature =
	    xmlsig_read(bytes, object, &signature, &unsigned_why);
	enum tobi_err err = signature
				? take_document(xmlsig_document(signature), rim, &why)
				: take_bytes(bytes, rim, &why);

	if (err)
		tobi_fault_print(&why, rim->form, sizeof(rim->form));
	rim->unreadable = err == TOBI_E_NOT_FOUND;
	if (is_fatal(err))
		return err;
	why = unsigned_why;
	err = no_signature;
	if (!err)
		err = make_chain(&signature, context, rim, &why);
	if (!err)
		err = check_signature(bytes, rim, &why);
	if (err)
		tobi_fault_print(&why, rim->signature, sizeof(rim->signature));
	return is_fatal(err) ? err : TOBI_OK;
}

static bool is_right(const struct nvidia_rim *rim)
{
	return !rim->form[0] && !rim->signature[0] && rim->chain && rim->chain->key &&
	       !nvidia_chain_wrong(rim->chain)[0] && rim->chain->profile &&
	       !rim->chain->profile[0];
}

/* It may be remembered for long. */
static void shrink(struct nvidia_rim *rim)
{
	struct nvidia_rim_value *values =
	    realloc(rim->values, (rim->value_count + 1) * sizeof(*values));

	if (values)
		rim->values = values;
}

enum tobi_err nvidia_rim_read(const struct nvidia_document *document,
			      const struct key_pins *pins,
			      const struct tee_request *request,
			      const struct nvidia_material *material,
			      struct nvidia_rim **ret_rim, struct tobi_fault *fault)
{
	const struct context context = {pins, request, material};
	CLEANUP(nvidia_rim_unref) struct nvidia_rim *rim = NULL;
	const struct tobi_bytes parts[] = {
	    {document->hash, SHA256_SIZE},
	    {(const uint8_t *)pins->keys, pins->count * sizeof(pins->keys[0])}};
	struct memo_name name;

	if (memo_name_make("nvidia-rim", parts, 2, &name))
		return fault_set(fault, TOBI_E_CRYPTO, object, "", "cannot hash it");
	*ret_rim = (struct nvidia_rim *)memo_find(request->memo, &name, request->time);
	if (*ret_rim)
		return TOBI_OK;
	rim = rim_new();
	if (!rim)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (read_new(document->bytes, &context, rim))
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	shrink(rim);
	if (is_right(rim))
		memo_keep(request->memo, &name, &rim->chain->window, &rim->head);
	*ret_rim = TAKE(rim);
	return TOBI_OK;
}
