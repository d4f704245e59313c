/* What a broker says of its log. */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "cli/log.h"
#include "codec/base64.h"
#include "codec/cbor.h"

enum {
	TIMEOUT_MS = 30000,
	TRIES = 3,
	URL_MAX = 1024,
	LEAVES_MAX = 4 << 20,
	COUNT_MAX = 1000
};

enum tobi_err log_source_open(const struct log_options *options,
			      struct log_source *ret_source, struct tobi_fault *fault)
{
	const struct http_settings settings = {
	    .ca_file = options->broker.ca, .timeout_ms = TIMEOUT_MS, .tries = TRIES};

	enum tobi_err err;

	*ret_source = (struct log_source){.options = options,
					  .is_owner = options->broker.key != NULL};
	err = http_client_new(&settings, &ret_source->client, fault);
	return err || !ret_source->is_owner
		   ? err
		   : broker_client_open(&options->broker, &ret_source->owner, fault);
}

void log_source_done(struct log_source *source)
{
	http_client_free(source->client);
	broker_client_done(&source->owner);
}

static enum tobi_err get(struct log_source *source, const char *what, size_t ceiling,
			 struct http_answer *ret_answer, struct tobi_fault *fault)
{
	const char *broker = source->options->broker.url;
	size_t size = strlen(broker);
	char url[URL_MAX];
	const struct http_request request = {.url = url,
					     .ceiling = ceiling,
					     .types = {"application/cbor"},
					     .lines = {"Accept: application/cbor"}};

	while (size && broker[size - 1] == '/')
		size--;
	if (snprintf(url, sizeof(url), "%.*s/v1/log/%s", (int)size, broker, what) >=
	    (int)sizeof(url))
		return fault_set(fault, TOBI_E_LIMIT, "broker", "address",
				 "it is too long");
	return http_get(source->client, &request, ret_answer, fault);
}

enum tobi_err log_fetch_head(struct log_source *source, struct writer *out,
			     struct tobi_fault *fault)
{
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	enum tobi_err err = get(source, "head", LOG_HEAD_MAX, &answer, fault);

	if (!err)
		wr_bytes(out, answer.body.ptr, answer.body.size);
	return err ? err : wr_err(out);
}

enum tobi_err log_fetch_inclusion(struct log_source *source, uint64_t size,
				  uint64_t index, struct log_inclusion *ret_proof,
				  struct tobi_fault *fault)
{
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	char what[96];
	enum tobi_err err;

	snprintf(what, sizeof(what), "inclusion?index=%" PRIu64 "&size=%" PRIu64, index,
		 size);
	err = get(source, what, LOG_RECORD_MAX, &answer, fault);
	if (!err)
		err = log_inclusion_read(wr_view(&answer.body), ret_proof, fault);
	if (!err && (ret_proof->size != size || ret_proof->index != index))
		err = fault_set(fault, TOBI_E_PROTOCOL, "broker", "proof",
				"it is another than was asked for");
	return err;
}

enum tobi_err log_fetch_consistency(struct log_source *source, uint64_t from, uint64_t to,
				    struct log_consistency *ret_proof,
				    struct tobi_fault *fault)
{
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	char what[96];
	enum tobi_err err;

	snprintf(what, sizeof(what), "consistency?from=%" PRIu64 "&to=%" PRIu64, from,
		 to);
	err = get(source, what, LOG_RECORD_MAX, &answer, fault);
	if (!err)
		err = log_consistency_read(wr_view(&answer.body), ret_proof, fault);
	if (!err && (ret_proof->from != from || ret_proof->to != to))
		err = fault_set(fault, TOBI_E_PROTOCOL, "broker", "proof",
				"it is another than was asked for");
	return err;
}

/* ---- Entries ---- */

struct entries {
	uint64_t next; /* that must come */
	log_entry_each *each;
	void *context;
};

static enum tobi_err take_entry(struct entries *entries, uint64_t index,
				const struct log_hash *hash, struct tobi_bytes leaf,
				struct tobi_fault *fault)
{
	struct log_hash own;

	if (index != entries->next)
		return fault_set(fault, TOBI_E_NOT_FOUND, "broker", "leaves",
				 "entry %" PRIu64 " is not there", entries->next);
	if (leaf.size && log_hash_leaf(leaf, &own))
		return fault_set(fault, TOBI_E_CRYPTO, "log", "", "cannot hash");
	if (leaf.size && !log_hash_equal(&own, hash))
		return fault_set(fault, TOBI_E_MISMATCH, "broker", "leaves",
				 "ENTRY CHANGED: entry %" PRIu64 " has not its hash",
				 index);
	entries->next++;
	return entries->each(entries->context, index, hash, leaf, fault);
}

/* [index, hash, leaf or null] */
static enum tobi_err read_entry(struct cbor *cbor, struct entries *entries,
				struct tobi_fault *fault)
{
	struct tobi_bytes bytes, leaf = {0};
	struct log_hash hash = {0};
	uint64_t index;

	if (cbor_array(cbor, 3, "entry") != 3)
		cbor_fail(cbor, TOBI_E_MALFORMED, "entry");
	index = cbor_uint(cbor, "index");
	bytes = cbor_bytes_exact(cbor, LOG_HASH_SIZE, "hash");
	if (cbor_peek(cbor) == CBOR_NULL)
		cbor_null(cbor, "leaf");
	else
		leaf = cbor_bytes(cbor, LOG_LEAF_MAX, "leaf");
	if (cbor_failed(cbor))
		return TOBI_OK;
	bytes_copy(hash.bytes, LOG_HASH_SIZE, bytes.ptr, bytes.size);
	return take_entry(entries, index, &hash, leaf, fault);
}

static enum tobi_err read_entries(struct tobi_bytes answer, struct entries *entries,
				  struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(answer, CBOR_DETERMINISTIC);
	size_t count = cbor_array(&cbor, COUNT_MAX, "leaves");
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < count && !err && !cbor_failed(&cbor); i++)
		err = read_entry(&cbor, entries, fault);
	return err ? err : cbor_finish(&cbor, "leaves", fault);
}

/* {"index": 1, "hash": "...", "leaf": "..."} */
static enum tobi_err read_entry_json(const json_t *json, struct entries *entries,
				     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer leaf = wr_init(LOG_LEAF_MAX);
	const char *text = json_string_value(json_object_get(json, "leaf"));
	struct log_hash hash;
	json_t *index, *hex;
	enum tobi_err err =
	    json_member(json, "index", JSON_INTEGER, "leaves", &index, fault);

	if (!err)
		err = json_member(json, "hash", JSON_STRING, "leaves", &hex, fault);
	if (!err && !hex_read(json_string_value(hex), hash.bytes, LOG_HASH_SIZE))
		err =
		    fault_set(fault, TOBI_E_MALFORMED, "leaves", "hash", "it is no hash");
	if (!err && text)
		err = base64url_read(bytes_of_text(text), "leaf", &leaf, fault);
	return err ? err
		   : take_entry(entries, (uint64_t)json_integer_value(index), &hash,
				wr_view(&leaf), fault);
}

/* As an owner, whose answers are JSON. */
static enum tobi_err ask_entries(struct log_source *source, const char *what,
				 struct entries *entries, struct tobi_fault *fault)
{
	json_t *answer = NULL, *list = NULL;
	char target[128];
	enum tobi_err err;

	snprintf(target, sizeof(target), "/v1/log/%s", what);
	err = broker_ask(&source->owner, "GET", target, (struct tobi_bytes){0}, &answer,
			 fault);
	if (!err)
		err = json_member(answer, "leaves", JSON_ARRAY, "leaves", &list, fault);
	for (size_t i = 0; !err && i < json_array_size(list); i++)
		err = read_entry_json(json_array_get(list, i), entries, fault);
	json_decref(answer);
	return err;
}

enum tobi_err log_fetch_leaves(struct log_source *source, uint64_t from, uint64_t count,
			       log_entry_each *each, void *context, uint64_t *ret_count,
			       struct tobi_fault *fault)
{
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	struct entries entries = {from, each, context};
	char what[96];
	enum tobi_err err;

	snprintf(what, sizeof(what), "leaves?from=%" PRIu64 "&count=%" PRIu64, from,
		 count > COUNT_MAX ? COUNT_MAX : count);
	if (source->is_owner) {
		err = ask_entries(source, what, &entries, fault);
	} else {
		err = get(source, what, LEAVES_MAX, &answer, fault);
		if (!err)
			err = read_entries(wr_view(&answer.body), &entries, fault);
	}
	if (!err)
		*ret_count = entries.next - from;
	return err;
}
