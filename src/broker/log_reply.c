#include "broker/log_reply.h"

#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "codec/cbor.h"
#include "log/leaf_json.h"

enum { REPLY_MAX = 4 << 20 };

static const char type_cbor[] = "application/cbor", type_json[] = "application/json";

static bool wants(const struct broker_request *request, const char *type)
{
	const char *accept = request->header(request, "accept");

	return accept && strstr(accept, type);
}

static bool wants_cbor(const struct broker_request *request)
{
	return wants(request, type_cbor);
}

static enum tobi_err no_room(struct tobi_fault *fault, enum tobi_err err)
{
	return fault_set(fault, err, "log", "reply", "no room for it");
}

/* Takes the reference. */
static enum tobi_err put_json(struct broker_reply *reply, json_t *json,
			      struct tobi_fault *fault)
{
	enum tobi_err err =
	    json ? json_write(json, true, &reply->body, fault)
		 : fault_set(fault, TOBI_E_MEMORY, "log", "", "out of memory");

	json_decref(json);
	reply->content_type = type_json;
	/* A proxy that keeps heads would hide that a log goes on. */
	return err ? err : broker_reply_header(reply, "Cache-Control", "no-store");
}

static enum tobi_err put_cbor(struct broker_reply *reply, struct tobi_fault *fault)
{
	enum tobi_err err = wr_err(&reply->body);

	reply->content_type = type_cbor;
	return err ? no_room(fault, err)
		   : broker_reply_header(reply, "Cache-Control", "no-store");
}

static json_t *json_hex(struct tobi_bytes bytes)
{
	char hex[2 * LOG_DIGEST_SIZE + 1];

	hex_write(bytes, hex, sizeof(hex));
	return json_string(hex);
}

static json_t *json_path(const struct log_path *path)
{
	json_t *list = json_array();

	for (size_t i = 0; i < path->count; i++)
		json_array_append_new(list, json_hex(log_hash_view(&path->hashes[i])));
	return list;
}

enum tobi_err log_reply_error(struct broker_reply *reply, int status, const char *text,
			      struct tobi_fault *fault)
{
	const enum tobi_err err = status == 401	  ? TOBI_E_DENIED
				  : status == 404 ? TOBI_E_NOT_FOUND
						  : TOBI_E_ARGUMENT;

	reply->status = status;
	return put_json(
	    reply, json_pack("{s:s, s:s}", "error", tobi_err_name(err), "message", text),
	    fault);
}

enum tobi_err log_reply_head(const struct broker_request *request,
			     struct broker_reply *reply, const struct decision_head *head,
			     struct tobi_fault *fault)
{
	const struct tobi_bytes bytes = {head->bytes, head->size};
	struct log_head said;
	enum tobi_err err;

	if (wants_cbor(request)) {
		wr_bytes(&reply->body, bytes.ptr, bytes.size);
		return put_cbor(reply, fault);
	}
	err = log_head_read(bytes, NULL, &said, fault);
	if (err)
		return err;
	return put_json(
	    reply,
	    json_pack("{s:s%, s:I, s:o, s:I, s:o, s:o}", "log",
		      (const char *)said.name.ptr, said.name.size, "size",
		      (json_int_t)said.size, "root", json_hex(log_hash_view(&said.root)),
		      "time", (json_int_t)said.time, "key",
		      json_hex((struct tobi_bytes){said.key, SHA384_SIZE}), "signed",
		      json_base64url(bytes, (size_t)2 * LOG_HEAD_MAX)),
	    fault);
}

enum tobi_err log_reply_inclusion(const struct broker_request *request,
				  struct broker_reply *reply,
				  const struct log_inclusion *proof,
				  struct tobi_fault *fault)
{
	if (wants_cbor(request)) {
		log_inclusion_write(proof, &reply->body);
		return put_cbor(reply, fault);
	}
	return put_json(reply,
			json_pack("{s:I, s:I, s:o}", "size", (json_int_t)proof->size,
				  "index", (json_int_t)proof->index, "path",
				  json_path(&proof->path)),
			fault);
}

enum tobi_err log_reply_consistency(const struct broker_request *request,
				    struct broker_reply *reply,
				    const struct log_consistency *proof,
				    struct tobi_fault *fault)
{
	if (wants_cbor(request)) {
		log_consistency_write(proof, &reply->body);
		return put_cbor(reply, fault);
	}
	return put_json(reply,
			json_pack("{s:I, s:I, s:o}", "from", (json_int_t)proof->from,
				  "to", (json_int_t)proof->to, "path",
				  json_path(&proof->path)),
			fault);
}

enum tobi_err log_reply_evidence(const struct broker_request *request,
				 struct broker_reply *reply, struct tobi_bytes evidence,
				 struct tobi_fault *fault)
{
	static const char type_raw[] = "application/octet-stream";

	if (!wants(request, type_raw))
		return put_json(
		    reply,
		    json_pack("{s:o}", "evidence",
			      json_base64url(evidence, (size_t)2 * LIMIT_EVIDENCE)),
		    fault);
	wr_bytes(&reply->body, evidence.ptr, evidence.size);
	reply->content_type = type_raw;
	return wr_err(&reply->body)
		   ? no_room(fault, wr_err(&reply->body))
		   : broker_reply_header(reply, "Cache-Control", "no-store");
}

/* ---- Leaves ---- */

void log_reply_leaves_init(struct log_reply_leaves *leaves,
			   const struct broker_request *request)
{
	*leaves = (struct log_reply_leaves){.cbor = wants_cbor(request),
					    .items = wr_init(REPLY_MAX)};
	if (!leaves->cbor)
		leaves->list = json_array();
}

static enum tobi_err add_json(struct log_reply_leaves *leaves,
			      const struct decision_entry *entry, bool readable,
			      struct tobi_fault *fault)
{
	json_t *json = json_pack("{s:I, s:o}", "index", (json_int_t)entry->index, "hash",
				 json_hex(log_hash_view(&entry->hash)));
	static const size_t text_max = (size_t)2 * LOG_LEAF_MAX;
	struct log_leaf leaf;

	if (readable) {
		enum tobi_err err = log_leaf_read(entry->leaf, &leaf, fault);

		if (err) {
			json_decref(json);
			return err;
		}
		json_object_set_new(json, "decision", log_leaf_json(&leaf));
		json_object_set_new(json, "leaf", json_base64url(entry->leaf, text_max));
	}
	return json_array_append_new(leaves->list, json) == 0
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MEMORY, "log", "", "out of memory");
}

/* [index, hash, leaf or null] */
enum tobi_err log_reply_leaf(struct log_reply_leaves *leaves,
			     const struct decision_entry *entry, bool readable,
			     struct tobi_fault *fault)
{
	leaves->count++;
	if (!leaves->cbor)
		return add_json(leaves, entry, readable, fault);
	cbor_write_array(&leaves->items, 3);
	cbor_write_uint(&leaves->items, entry->index);
	cbor_write_bytes(&leaves->items, log_hash_view(&entry->hash));
	if (readable)
		cbor_write_bytes(&leaves->items, entry->leaf);
	else
		cbor_write_null(&leaves->items);
	return wr_err(&leaves->items) ? no_room(fault, wr_err(&leaves->items)) : TOBI_OK;
}

enum tobi_err log_reply_leaves_end(struct log_reply_leaves *leaves,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	if (!leaves->cbor)
		return put_json(reply,
				json_pack("{s:o}", "leaves", json_incref(leaves->list)),
				fault);
	cbor_write_array(&reply->body, leaves->count);
	wr_bytes(&reply->body, leaves->items.ptr, leaves->items.size);
	return put_cbor(reply, fault);
}

void log_reply_leaves_done(struct log_reply_leaves *leaves)
{
	wr_done(&leaves->items);
	json_decref(leaves->list);
	leaves->list = NULL;
}
