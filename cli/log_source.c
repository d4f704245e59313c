/* What a broker says of its log. */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "cli/log.h"
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
	    .ca_file = options->ca_file, .timeout_ms = TIMEOUT_MS, .tries = TRIES};

	ret_source->options = options;
	return http_client_new(&settings, &ret_source->client, fault);
}

void log_source_done(struct log_source *source)
{
	http_client_free(source->client);
}

static enum tobi_err get(struct log_source *source, const char *what, size_t ceiling,
			 struct http_answer *ret_answer, struct tobi_fault *fault)
{
	const char *broker = source->options->broker;
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

/* [index, hash, leaf or null] */
static enum tobi_err read_entry(struct cbor *cbor, uint64_t wanted, log_entry_each *each,
				void *context, struct tobi_fault *fault)
{
	struct tobi_bytes bytes, leaf = {0};
	struct log_hash hash = {0}, own;
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
	if (index != wanted)
		return fault_set(fault, TOBI_E_NOT_FOUND, "broker", "leaves",
				 "entry %" PRIu64 " is not there", wanted);
	bytes_copy(hash.bytes, LOG_HASH_SIZE, bytes.ptr, bytes.size);
	if (leaf.size && log_hash_leaf(leaf, &own))
		return fault_set(fault, TOBI_E_CRYPTO, "log", "", "cannot hash");
	if (leaf.size && !log_hash_equal(&own, &hash))
		return fault_set(fault, TOBI_E_MISMATCH, "broker", "leaves",
				 "entry %" PRIu64 " is not as it was written", index);
	return each(context, index, &hash, leaf, fault);
}

enum tobi_err log_fetch_leaves(struct log_source *source, uint64_t from, uint64_t count,
			       log_entry_each *each, void *context, uint64_t *ret_count,
			       struct tobi_fault *fault)
{
	CLEANUP(http_answer_done) struct http_answer answer = {0};
	struct cbor cbor;
	size_t found;
	char what[96];
	enum tobi_err err;

	snprintf(what, sizeof(what), "leaves?from=%" PRIu64 "&count=%" PRIu64, from,
		 count > COUNT_MAX ? COUNT_MAX : count);
	err = get(source, what, LEAVES_MAX, &answer, fault);
	if (err)
		return err;
	cbor = cbor_init(wr_view(&answer.body), CBOR_DETERMINISTIC);
	found = cbor_array(&cbor, COUNT_MAX, "leaves");
	for (size_t i = 0; i < found && !err && !cbor_failed(&cbor); i++)
		err = read_entry(&cbor, from + i, each, context, fault);
	if (!err)
		err = cbor_finish(&cbor, "leaves", fault);
	if (!err)
		*ret_count = found;
	return err;
}
