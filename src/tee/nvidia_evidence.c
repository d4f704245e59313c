#include "tee/nvidia_evidence.h"

#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "collateral/detect.h"
#include "tee/nvidia_chain.h"

static const char object[] = "NVIDIA evidence";

static struct tobi_bytes without_space(struct tobi_bytes bytes)
{
	while (bytes.size && strchr(" \t\r\n", bytes.ptr[0])) {
		bytes.ptr++;
		bytes.size--;
	}
	return bytes;
}

static bool has(struct tobi_bytes bytes, const char *text)
{
	return bytes.ptr && memmem(bytes.ptr, bytes.size, text, strlen(text)) != NULL;
}

static bool is_json(struct tobi_bytes bytes)
{
	struct tobi_bytes text = without_space(bytes);

	return text.size && (text.ptr[0] == '[' || text.ptr[0] == '{') &&
	       has(text, "\"arch\"") && has(text, "\"evidence\"") &&
	       has(text, "\"certificate\"");
}

bool nvidia_evidence_is(struct tobi_bytes bytes)
{
	return spdm_report_starts(bytes) || is_json(bytes);
}

enum nvidia_piece nvidia_piece_of(struct tobi_bytes bytes)
{
	if (nvidia_evidence_is(bytes))
		return NVIDIA_PIECE_EVIDENCE;
	if (detect_is_rim(bytes))
		return NVIDIA_PIECE_RIM;
	if (detect_is_ocsp(bytes))
		return NVIDIA_PIECE_OCSP;
	return nvidia_chain_is(bytes) ? NVIDIA_PIECE_CHAIN : NVIDIA_PIECE_OTHER;
}

bool nvidia_takes(struct tobi_bytes piece)
{
	return nvidia_piece_of(piece) != NVIDIA_PIECE_OTHER;
}

static enum tobi_err too_many(const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_LIMIT, object, what, "there are too many");
}

/* The list, with room for one more: twice as long as before where it was full, which it
 * is at 1, 2, 4, .. NULL: out of memory. */
static void *grown(void *list, size_t count, size_t size, struct arena *arena)
{
	void *more;

	if (count & (count - 1))
		return list;
	more = arena_array(arena, count ? 2 * count : 1, size);
	if (more && count)
		bytes_copy(more, count * size, list, count * size);
	return more;
}

static enum tobi_err add_report(struct nvidia_material *material,
				const struct nvidia_evidence_of *device,
				struct tobi_bytes report, struct arena *arena,
				struct tobi_fault *fault)
{
	struct nvidia_evidence_of *list;
	enum tobi_err err;

	if (material->device_count == NVIDIA_DEVICES_MAX)
		return too_many("devices", fault);
	list = grown(material->devices, material->device_count, sizeof(*list), arena);
	if (!list)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	material->devices = list;
	list[material->device_count] = *device;
	err = spdm_report_parse(report, &list[material->device_count].report, fault);
	material->device_count += !err;
	return err;
}

static enum tobi_err decode(const json_t *json, const char *name, struct arena *arena,
			    struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EVIDENCE);
	json_t *text;
	enum tobi_err err = json_member(json, name, JSON_STRING, object, &text, fault);

	if (!err)
		err = base64_read(
		    (struct tobi_bytes){(const uint8_t *)json_string_value(text),
					json_string_length(text)},
		    object, &out, fault);
	if (err)
		return err;
	*ret_bytes = arena_copy(arena, wr_view(&out));
	return ret_bytes->ptr ? TOBI_OK
			      : fault_set(fault, TOBI_E_MEMORY, object, name,
					  "out of memory, or too large");
}

/* The nonce that was asked with, for people: what counts is the report's. */
static enum tobi_err take_nonce(const json_t *json, struct arena *arena,
				struct nvidia_evidence_of *device,
				struct tobi_fault *fault)
{
	const json_t *nonce = json_object_get(json, "nonce");
	uint8_t bytes[SPDM_NONCE_SIZE];
	const char *text = json_string_value(nonce);

	if (!nonce)
		return TOBI_OK;
	if (text && text[0] == '0' && (text[1] | 0x20) == 'x')
		text += 2;
	if (!text || !hex_read(text, bytes, sizeof(bytes)))
		return fault_set(fault, TOBI_E_MALFORMED, object, "nonce",
				 "64 hexadecimal digits are needed");
	device->said_nonce = arena_copy(arena, (struct tobi_bytes){bytes, sizeof(bytes)});
	return device->said_nonce.ptr
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MEMORY, object, "nonce", "out of memory");
}

static enum tobi_err take_entry(struct nvidia_material *material, const json_t *json,
				struct arena *arena, struct tobi_fault *fault)
{
	struct nvidia_evidence_of device = {0};
	struct tobi_bytes report;
	json_t *arch;
	enum tobi_err err = json_member(json, "arch", JSON_STRING, object, &arch, fault);

	if (!err)
		err = decode(json, "evidence", arena, &report, fault);
	if (!err)
		err = decode(json, "certificate", arena, &device.chain, fault);
	if (!err)
		err = take_nonce(json, arena, &device, fault);
	if (err)
		return err;
	device.arch = arena_printf(arena, "%s", json_string_value(arch));
	if (!device.arch)
		return fault_set(fault, TOBI_E_MEMORY, object, "arch", "out of memory");
	return add_report(material, &device, report, arena, fault);
}

static enum tobi_err take_json(struct nvidia_material *material, struct tobi_bytes bytes,
			       struct arena *arena, struct tobi_fault *fault)
{
	CLEANUP(json_decrefp) json_t *json = NULL;
	const json_t *list;
	enum tobi_err err = json_parse(bytes, LIMIT_EVIDENCE, object, &json, fault);

	if (err)
		return err;
	list = json_object_get(json, "device_evidence_list");
	if (!list && json_is_object(json))
		return take_entry(material, json, arena, fault);
	list = list ? list : json;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "a list of devices is needed");
	for (size_t i = 0; i < json_array_size(list) && !err; i++)
		err = take_entry(material, json_array_get(list, i), arena, fault);
	return err;
}

static enum tobi_err add_document(struct nvidia_document **list, size_t *count,
				  size_t max, struct tobi_bytes bytes,
				  struct arena *arena, struct tobi_fault *fault)
{
	struct nvidia_document *more;

	if (*count == max)
		return too_many("documents", fault);
	more = grown(*list, *count, sizeof(*more), arena);
	if (!more)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	*list = more;
	more[*count].bytes = bytes;
	if (hash_sha256(bytes, more[*count].hash))
		return fault_openssl(fault, object, "", "cannot hash it");
	++*count;
	return TOBI_OK;
}

enum tobi_err nvidia_material_take(struct nvidia_material *material,
				   struct tobi_bytes piece, struct arena *arena,
				   struct tobi_fault *fault)
{
	const struct nvidia_evidence_of bare = {0};

	switch (nvidia_piece_of(piece)) {
	case NVIDIA_PIECE_EVIDENCE:
		return spdm_report_starts(piece)
			   ? add_report(material, &bare, piece, arena, fault)
			   : take_json(material, piece, arena, fault);
	case NVIDIA_PIECE_CHAIN:
		if (material->chain_count == NVIDIA_CHAINS_MAX)
			return too_many("certificate chains", fault);
		material->chains[material->chain_count++] = piece;
		return TOBI_OK;
	case NVIDIA_PIECE_RIM:
		return add_document(&material->rims, &material->rim_count,
				    NVIDIA_RIMS_MAX, piece, arena, fault);
	case NVIDIA_PIECE_OCSP:
		return add_document(&material->answers, &material->answer_count,
				    NVIDIA_ANSWERS_MAX, piece, arena, fault);
	case NVIDIA_PIECE_OTHER:
		break;
	}
	return TOBI_OK;
}
