#include "corim/corim.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "corim/reader.h"
#include "corim/signed.h"

enum { MAP_MAX = 16, TAG_501 = 0xd9 };

static const unsigned document_ids = CORIM_MAY(CORIM_ID_TEXT) | CORIM_MAY(CORIM_ID_UUID);
static const unsigned profiles = CORIM_MAY(CORIM_ID_TEXT) | CORIM_MAY(CORIM_ID_OID);

bool corim_is(struct tobi_bytes bytes)
{
	return (bytes.size > 2 && bytes.ptr[0] == TAG_501 && bytes.ptr[1] == 0x01 &&
		bytes.ptr[2] == 0xf5) ||
	       corim_is_signed(bytes);
}

bool corim_validity_has(const struct corim_validity *validity, int64_t time)
{
	return (!validity->has_start || time >= validity->start) &&
	       (!validity->has_end || time <= validity->end);
}

void corim_free(struct corim *corim)
{
	if (!corim)
		return;
	arena_done(&corim->arena);
	free(corim);
}

/* The module in a string is read by a decoder of its own, at its place in the whole. */
static void read_inner(struct corim_reader *rd, struct corim_module *module)
{
	struct tobi_bytes bytes = cbor_bytes(&rd->cbor, LIMIT_CORIM, "CoMID");
	struct cbor outer = rd->cbor;

	if (corim_failed(rd))
		return;
	rd->cbor = cbor_init(bytes, outer.rules);
	rd->cbor.rd.origin = rd_offset(&outer.rd) - bytes.size;
	rd->cbor.depth = outer.depth;
	rd->cbor.lines = outer.lines;
	corim_read_module(rd, module);
	if (!corim_failed(rd) && rd_left(&rd->cbor.rd))
		corim_fail(rd, TOBI_E_TRAILING, "CoMID");
	if (corim_failed(rd)) {
		cbor_fail(&outer, rd->cbor.rd.err, rd->cbor.rd.fail_field);
		outer.rd.fail_offset = rd->cbor.rd.fail_offset;
	}
	rd->cbor = outer;
}

static void read_tags(struct corim_reader *rd, struct corim *corim)
{
	size_t count = cbor_array(&rd->cbor, LIMIT_CORIM_TAGS, "tags");
	struct corim_module *modules = arena_array(rd->arena, count, sizeof(*modules));

	cbor_require(&rd->cbor, count > 0, "tags");
	if (!modules && !corim_failed(rd))
		corim_fail(rd, TOBI_E_MEMORY, "tags");
	for (size_t i = 0; i < count && !corim_failed(rd); i++) {
		uint64_t tag = cbor_tag(&rd->cbor, "tag");

		if (tag == CORIM_TAG_COMID) {
			read_inner(rd, &modules[corim->module_count++]);
			continue;
		}
		cbor_skip(&rd->cbor, "tag");
		if (tag == CORIM_TAG_COSWID)
			corim->coswid_count++;
		else if (tag == CORIM_TAG_COTL)
			corim->cotl_count++;
		else if (corim->other_count++ == 0)
			corim->other_tag = tag;
	}
	corim->modules = modules;
}

static void read_locator(struct corim_reader *rd, struct corim_locator *locator)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, 2, "dependent-rims");
	struct cbor ahead;
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "dependent-rims")) {
		size_t count = 1;

		ahead = *cbor;
		if (key == 0) {
			if (cbor_peek(cbor) == CBOR_ARRAY)
				count = cbor_array(cbor, MAP_MAX, "href");
			for (size_t i = 0; i < count && !cbor_failed(cbor); i++) {
				struct tobi_bytes uri = corim_read_uri(rd, "href");

				locator->uri = i ? locator->uri : uri;
			}
		} else if (key == 1) {
			/* One digest, or a list of them: told by its first member. */
			cbor_array(&ahead, LIMIT_CORIM_ITEMS, "thumbprint");
			if (cbor_peek(&ahead) == CBOR_ARRAY)
				locator->thumbprints =
				    corim_read_digests(rd, "thumbprint");
			else
				cbor_skip(cbor, "thumbprint");
		} else {
			corim_fail(rd, TOBI_E_MALFORMED, "dependent-rims");
		}
	}
	cbor_require(cbor, locator->uri.ptr, "href");
}

static void read_dependents(struct corim_reader *rd, struct corim *corim)
{
	struct corim_locator *list =
	    corim_list(rd, 1, sizeof(*list), "dependent-rims", &corim->dependent_count);

	for (size_t i = 0; i < corim->dependent_count && !corim_failed(rd); i++)
		read_locator(rd, &list[i]);
	corim->dependents = list;
}

static void read_map(struct corim_reader *rd, struct corim *corim)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map;
	int64_t key = 0;
	bool has_tags = false;

	if (cbor_tag(cbor, "tag of CoRIM") != CORIM_TAG_CORIM)
		corim_fail(rd, TOBI_E_MALFORMED, "tag of CoRIM");
	map = cbor_map(cbor, MAP_MAX, "CoRIM");
	while (cbor_map_int(cbor, &map, &key, "CoRIM")) {
		switch (key) {
		case 0:
			corim->id = corim_read_id(rd, document_ids, "id");
			break;
		case 1:
			has_tags = true;
			read_tags(rd, corim);
			break;
		case 2:
			read_dependents(rd, corim);
			break;
		case 3:
			corim->profile = corim_read_id(rd, profiles, "profile");
			break;
		case 4:
			corim->validity = corim_read_validity(rd);
			break;
		case 5:
			corim->entities = corim_read_entities(rd);
			break;
		default:
			cbor_skip(cbor, "CoRIM");
		}
	}
	cbor_require(cbor, corim->id.kind != CORIM_ID_NONE, "id");
	cbor_require(cbor, has_tags, "tags");
}

enum tobi_err corim_read(struct tobi_bytes bytes, const char *object,
			 struct corim **ret_corim, struct tobi_fault *fault)
{
	CLEANUP(corim_freep) struct corim *corim = NULL;
	struct corim_reader rd = {0};
	enum tobi_err err;

	if (bytes.size > LIMIT_CORIM)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_CORIM);
	corim = calloc(1, sizeof(*corim));
	if (!corim)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	corim->arena = arena_init(LIMIT_CORIM_ARENA);
	corim->bytes = arena_copy(&corim->arena, bytes);
	if (!corim->bytes.ptr)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	rd.arena = &corim->arena;
	rd.cbor = cbor_init(corim->bytes, CBOR_PREFERRED);
	rd.cbor.depth = LIMIT_CBOR_DEPTH_MOST;
	rd.cbor.lines = true;
	read_map(&rd, corim);
	corim->triple_count = rd.triples;
	corim->measurement_count = rd.measurements;
	err = cbor_finish(&rd.cbor, object, fault);
	if (err)
		return err;
	*ret_corim = TAKE(corim);
	return TOBI_OK;
}
