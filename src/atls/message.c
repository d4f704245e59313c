#include "atls/message.h"

#include "base/endian.h"
#include "base/fault.h"
#include "codec/cbor.h"

static const char *const objects[] = {
    [ATLS_OFFER] = "OFFER",
    [ATLS_ANSWER] = "ANSWER",
    [ATLS_EVIDENCE] = "EVIDENCE",
    [ATLS_RESULT] = "RESULT",
};

const char *atls_reason_text(enum atls_reason reason)
{
	switch (reason) {
#define X(code, number, text)                                                            \
	case code:                                                                       \
		return text;
		ATLS_REASONS(X)
#undef X
	}
	return "a reason without a name";
}

/* ---- frames ---- */

/* Reserves the header; the size follows in frame_end(). */
static size_t frame_start(struct writer *out)
{
	size_t start = out->size;

	wr_uint_be(out, 0, ATLS_FRAME_HEADER);
	return start;
}

static void frame_end(struct writer *out, size_t start)
{
	if (!wr_err(out))
		store_be(out->ptr + start, ATLS_FRAME_HEADER,
			 out->size - start - ATLS_FRAME_HEADER);
}

enum tobi_err atls_frame_size(const uint8_t header[static ATLS_FRAME_HEADER],
			      bool evidence_expected, size_t *ret_size,
			      struct tobi_fault *fault)
{
	size_t limit = evidence_expected ? LIMIT_ATLS_EVIDENCE : LIMIT_ATLS_FRAME;
	uint32_t size = load_u32be(header);

	if (size == 0)
		return fault_at(fault, TOBI_E_MALFORMED, "frame", "size", 0,
				"a frame cannot be empty");
	if (size > limit)
		return fault_at(fault, TOBI_E_LIMIT, "frame", "size", 0,
				"%u bytes are announced, at most %zu are allowed here",
				size, limit);
	*ret_size = size;
	return TOBI_OK;
}

enum tobi_err atls_read_type(struct tobi_bytes item, enum atls_type *ret_type,
			     struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(item, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 16, "message");
	int64_t key = -1;
	uint64_t type = 0;
	enum tobi_err err;

	if (cbor_map_int(&cbor, &map, &key, "message") && key == 0)
		type = cbor_uint(&cbor, "type");
	err = cbor_status(&cbor, "frame", fault);
	if (err)
		return err;
	if (key != 0)
		return fault_at(fault, TOBI_E_MALFORMED, "frame", "type", 0,
				"the first key must be 0, the message's type");
	if (type < ATLS_OFFER || type > ATLS_RESULT)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "frame", "type",
				 "there is no message of type %llu",
				 (unsigned long long)type);
	if (type != ATLS_EVIDENCE && item.size > LIMIT_ATLS_FRAME)
		return fault_at(fault, TOBI_E_LIMIT, objects[type], "size", 0,
				"it has %zu bytes, at most %d are allowed", item.size,
				LIMIT_ATLS_FRAME);
	*ret_type = (enum atls_type)type;
	return TOBI_OK;
}

/* Opens the map and reads key 0, which must be the type; then keys 1 and up follow. */
static struct cbor open_message(struct tobi_bytes item, enum atls_type type, size_t keys,
				struct cbor_map *ret_map)
{
	struct cbor cbor = cbor_init(item, CBOR_DETERMINISTIC);
	int64_t key = -1;

	*ret_map = cbor_map(&cbor, keys, "message");
	if (!cbor_map_int(&cbor, ret_map, &key, "message") || key != 0 ||
	    cbor_uint(&cbor, "type") != (uint64_t)type)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "type");
	return cbor;
}

/* ---- OFFER, ANSWER ---- */

static void write_names(struct writer *out, const struct tobi_bytes *names, size_t count)
{
	cbor_write_array(out, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_text_bytes(out, names[i]);
}

void atls_write_hello(struct writer *out, const struct atls_hello *hello)
{
	bool offer = hello->type == ATLS_OFFER;
	size_t start = frame_start(out);

	cbor_write_map(out, hello->protocol_count ? 7 : 6);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, hello->type);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, hello->version);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, hello->nonce);
	cbor_write_uint(out, 3);
	cbor_write_uint(out, hello->peer_must_attest);
	cbor_write_uint(out, 4);
	cbor_write_uint(out, hello->can_attest);
	cbor_write_uint(out, 5);
	write_names(out, hello->types, hello->type_count);
	if (hello->protocol_count) {
		cbor_write_uint(out, 6);
		if (offer)
			write_names(out, hello->protocols, hello->protocol_count);
		else
			cbor_write_text_bytes(out, hello->protocols[0]);
	}
	frame_end(out, start);
}

static size_t read_names(struct cbor *cbor, size_t min,
			 struct tobi_bytes ret_names[static LIMIT_ATLS_NAMES],
			 const char *field)
{
	size_t count = cbor_array(cbor, LIMIT_ATLS_NAMES, field);

	if (count < min)
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
	for (size_t i = 0; i < count && !cbor_failed(cbor); i++) {
		ret_names[i] = cbor_text(cbor, LIMIT_ATLS_NAME, field);
		if (ret_names[i].size == 0)
			cbor_fail(cbor, TOBI_E_MALFORMED, field);
	}
	return cbor_failed(cbor) ? 0 : count;
}

static void read_hello_key(struct cbor *cbor, int64_t key, struct atls_hello *hello)
{
	switch (key) {
	case 1:
		hello->version = cbor_uint(cbor, "version");
		return;
	case 2:
		hello->nonce = cbor_bytes_exact(cbor, ATLS_NONCE_SIZE, "nonce");
		return;
	case 3:
		hello->peer_must_attest = cbor_uint_max(cbor, 1, "peer must attest");
		return;
	case 4:
		hello->can_attest = cbor_uint_max(cbor, 1, "can attest");
		return;
	case 5:
		hello->type_count = read_names(cbor, 0, hello->types, "evidence types");
		return;
	case 6:
		if (hello->type == ATLS_OFFER) {
			hello->protocol_count =
			    read_names(cbor, 1, hello->protocols, "protocols");
			return;
		}
		hello->protocols[0] = cbor_text(cbor, LIMIT_ATLS_NAME, "protocol");
		hello->protocol_count = 1;
		if (hello->protocols[0].size == 0)
			cbor_fail(cbor, TOBI_E_MALFORMED, "protocol");
		return;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "unknown key");
	}
}

enum tobi_err atls_read_hello(struct tobi_bytes item, enum atls_type type,
			      struct atls_hello *ret_hello, struct tobi_fault *fault)
{
	struct atls_hello hello = {.type = type};
	struct cbor_map map;
	struct cbor cbor = open_message(item, type, 7, &map);
	unsigned seen = 0;
	enum tobi_err err;
	int64_t key;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		read_hello_key(&cbor, key, &hello);
		if (key >= 1 && key <= 6)
			seen |= 1u << key;
	}
	cbor_require(&cbor, (seen & 0x3e) == 0x3e, "keys 1 to 5");
	err = cbor_finish(&cbor, objects[type], fault);
	if (err)
		return err;
	*ret_hello = hello;
	return TOBI_OK;
}

/* ---- EVIDENCE ---- */

void atls_write_evidence(struct writer *out, const struct atls_evidence *evidence)
{
	size_t start = frame_start(out);

	cbor_write_map(out, 3);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, ATLS_EVIDENCE);
	cbor_write_uint(out, 1);
	cbor_write_bytes(out, evidence->claims_buffer);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, evidence->collection);
	frame_end(out, start);
}

enum tobi_err atls_read_evidence(struct tobi_bytes item,
				 struct atls_evidence *ret_evidence,
				 struct tobi_fault *fault)
{
	struct atls_evidence evidence = {0};
	struct cbor_map map;
	struct cbor cbor = open_message(item, ATLS_EVIDENCE, 3, &map);
	unsigned seen = 0;
	enum tobi_err err;
	int64_t key;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		if (key == 1)
			evidence.claims_buffer =
			    cbor_bytes(&cbor, LIMIT_CLAIMS_BUFFER, "claims-buffer");
		else if (key == 2)
			evidence.collection =
			    cbor_bytes(&cbor, LIMIT_EVIDENCE, "collection");
		else
			cbor_fail(&cbor, TOBI_E_MALFORMED, "unknown key");
		if (key >= 1 && key <= 2)
			seen |= 1u << key;
	}
	cbor_require(&cbor, seen == 6, "keys 1 and 2");
	err = cbor_finish(&cbor, objects[ATLS_EVIDENCE], fault);
	if (err)
		return err;
	*ret_evidence = evidence;
	return TOBI_OK;
}

/* ---- RESULT ---- */

void atls_write_result(struct writer *out, const struct atls_result *result)
{
	size_t start = frame_start(out);

	cbor_write_map(out, result->reason ? 4 : 3);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, ATLS_RESULT);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, result->status);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, result->transcript);
	if (result->reason) {
		cbor_write_uint(out, 3);
		cbor_write_uint(out, result->reason);
	}
	frame_end(out, start);
}

enum tobi_err atls_read_result(struct tobi_bytes item, struct atls_result *ret_result,
			       struct tobi_fault *fault)
{
	struct atls_result result = {0};
	struct cbor_map map;
	struct cbor cbor = open_message(item, ATLS_RESULT, 4, &map);
	unsigned seen = 0;
	enum tobi_err err;
	int64_t key;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		if (key == 1)
			result.status =
			    (enum atls_status)cbor_uint_max(&cbor, ATLS_CANNOT, "status");
		else if (key == 2)
			result.transcript = cbor_bytes_exact(&cbor, 32, "transcript");
		else if (key == 3)
			/* Later versions may have more reasons: any small number is
			 * taken. */
			result.reason =
			    (enum atls_reason)cbor_uint_max(&cbor, 255, "reason");
		else
			cbor_fail(&cbor, TOBI_E_MALFORMED, "unknown key");
		if (key >= 1 && key <= 3)
			seen |= 1u << key;
	}
	cbor_require(&cbor, (seen & 6) == 6, "keys 1 and 2");
	/* An acceptance has no reason; none at all is said by leaving it out. */
	if ((seen & 8) && (result.status == ATLS_ACCEPT || !result.reason))
		cbor_fail(&cbor, TOBI_E_MALFORMED, "reason");
	err = cbor_finish(&cbor, objects[ATLS_RESULT], fault);
	if (err)
		return err;
	*ret_result = result;
	return TOBI_OK;
}
