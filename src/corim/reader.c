#include "corim/reader.h"

#include <string.h>

#include "base/limits.h"
#include "base/secret.h"

enum { UUID_SIZE = 16, OID_TAG = 6 };

bool corim_failed(const struct corim_reader *rd)
{
	return cbor_failed(&rd->cbor);
}

void corim_fail(struct corim_reader *rd, enum tobi_err err, const char *field)
{
	cbor_fail(&rd->cbor, err, field);
}

void *corim_list(struct corim_reader *rd, size_t least, size_t size, const char *field,
		 size_t *ret_count)
{
	size_t count = cbor_array(&rd->cbor, LIMIT_CORIM_ITEMS, field);
	void *list;

	*ret_count = 0;
	if (corim_failed(rd))
		return NULL;
	rd->items += count;
	if (count < least)
		corim_fail(rd, TOBI_E_MALFORMED, field);
	else if (rd->items > LIMIT_CORIM_ITEMS)
		corim_fail(rd, TOBI_E_LIMIT, field);
	if (corim_failed(rd) || count == 0)
		return NULL;
	list = arena_array(rd->arena, count, size);
	if (!list)
		corim_fail(rd, TOBI_E_MEMORY, field);
	else
		*ret_count = count;
	return list;
}

/* Some writers put DER's tag and length before an OID's octets. */
static struct tobi_bytes bare_oid(struct tobi_bytes oid)
{
	if (oid.size > 2 && oid.ptr[0] == OID_TAG && oid.ptr[1] == oid.size - 2)
		return (struct tobi_bytes){oid.ptr + 2, oid.size - 2};
	return oid;
}

static struct corim_id read_tagged(struct corim_reader *rd, const char *field)
{
	struct cbor *cbor = &rd->cbor;
	struct corim_id id = {.number = cbor_tag(cbor, field)};

	switch (id.number) {
	case CORIM_TAG_OID:
		id.kind = CORIM_ID_OID;
		id.bytes = bare_oid(cbor_bytes(cbor, CORIM_TEXT_MAX, field));
		if (!cbor_failed(cbor) && !id.bytes.size)
			corim_fail(rd, TOBI_E_MALFORMED, field);
		break;
	case CORIM_TAG_UUID:
		id.kind = CORIM_ID_UUID;
		id.bytes = cbor_bytes_exact(cbor, UUID_SIZE, field);
		break;
	case CORIM_TAG_BYTES:
		id.kind = CORIM_ID_BYTES;
		id.bytes = cbor_bytes(cbor, CORIM_BYTES_MAX, field);
		break;
	case CORIM_TAG_UEID:
		id.kind = CORIM_ID_UEID;
		id.bytes = cbor_bytes(cbor, 33, field);
		if (!cbor_failed(cbor) && id.bytes.size < 7)
			corim_fail(rd, TOBI_E_MALFORMED, field);
		break;
	case CORIM_TAG_URI:
		id.kind = CORIM_ID_TEXT;
		id.bytes = cbor_text(cbor, CORIM_TEXT_MAX, field);
		break;
	default:
		id.kind = CORIM_ID_OTHER;
		id.bytes = cbor_skip(cbor, field);
	}
	return id;
}

struct corim_id corim_read_id(struct corim_reader *rd, unsigned allowed,
			      const char *field)
{
	struct cbor *cbor = &rd->cbor;
	struct corim_id id = {0};

	switch (cbor_peek(cbor)) {
	case CBOR_UINT:
		id.kind = CORIM_ID_UINT;
		id.number = cbor_uint(cbor, field);
		break;
	case CBOR_TEXT:
		id.kind = CORIM_ID_TEXT;
		id.bytes = cbor_text(cbor, CORIM_TEXT_MAX, field);
		break;
	case CBOR_BYTES: /* where a UUID is meant it stands without its tag */
		id.kind = CORIM_ID_UUID;
		id.bytes = cbor_bytes_exact(cbor, UUID_SIZE, field);
		break;
	case CBOR_TAG:
		id = read_tagged(rd, field);
		break;
	default:
		corim_fail(rd, TOBI_E_MALFORMED, field);
	}
	if (!corim_failed(rd) && !(allowed & CORIM_MAY(id.kind)))
		corim_fail(rd, TOBI_E_MALFORMED, field);
	return corim_failed(rd) ? (struct corim_id){0} : id;
}

struct tobi_bytes corim_read_uri(struct corim_reader *rd, const char *field)
{
	if (cbor_peek(&rd->cbor) == CBOR_TAG &&
	    cbor_tag(&rd->cbor, field) != CORIM_TAG_URI)
		corim_fail(rd, TOBI_E_MALFORMED, field);
	return cbor_text(&rd->cbor, CORIM_TEXT_MAX, field);
}

/* Whole seconds: a float is refused. */
int64_t corim_read_time(struct corim_reader *rd, const char *field)
{
	if (cbor_peek(&rd->cbor) == CBOR_TAG &&
	    cbor_tag(&rd->cbor, field) != CORIM_TAG_TIME)
		corim_fail(rd, TOBI_E_MALFORMED, field);
	return cbor_int(&rd->cbor, field);
}

struct corim_validity corim_read_validity(struct corim_reader *rd)
{
	struct cbor_map map = cbor_map(&rd->cbor, 2, "validity");
	struct corim_validity validity = {0};
	int64_t key = 0;

	while (cbor_map_int(&rd->cbor, &map, &key, "validity")) {
		if (key == 0) {
			validity.has_start = true;
			validity.start = corim_read_time(rd, "not-before");
		} else if (key == 1) {
			validity.has_end = true;
			validity.end = corim_read_time(rd, "not-after");
		} else {
			corim_fail(rd, TOBI_E_MALFORMED, "validity");
		}
	}
	cbor_require(&rd->cbor, validity.has_end, "not-after");
	return validity;
}

/* Named Information Hash Algorithm Registry: number, text, size. */
static const struct algorithm {
	uint64_t number;
	const char *name;
	size_t size;
} algorithms[] = {
    {TEE_SHA256, "sha-256", 32}, {TEE_SHA384, "sha-384", 48}, {TEE_SHA512, "sha-512", 64},
    {10, "sha3-256", 32},	 {11, "sha3-384", 48},	      {12, "sha3-512", 64},
};

/* A size that is not its algorithm's is an algorithm that is not known. */
static uint64_t known_algorithm(uint64_t number, struct tobi_bytes name, size_t size)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if ((number == algorithms[i].number ||
		     bytes_equal_text(name, algorithms[i].name)) &&
		    size == algorithms[i].size)
			return algorithms[i].number;
	}
	return 0;
}

static struct tee_digest read_digest(struct corim_reader *rd, const char *field)
{
	struct cbor *cbor = &rd->cbor;
	struct tee_digest digest = {0};
	struct tobi_bytes name = {0};
	uint64_t number = 0;

	if (cbor_array(cbor, 2, field) != 2)
		corim_fail(rd, TOBI_E_MALFORMED, field);
	if (cbor_peek(cbor) == CBOR_TEXT)
		name = cbor_text(cbor, 64, field);
	else if (cbor_peek(cbor) == CBOR_NEGATIVE)
		cbor_int(cbor, field);
	else
		number = cbor_uint(cbor, field);
	digest.value = cbor_bytes(cbor, 64, field);
	digest.algorithm = known_algorithm(number, name, digest.value.size);
	return digest;
}

struct corim_digests corim_read_digests(struct corim_reader *rd, const char *field)
{
	size_t count;
	struct tee_digest *list = corim_list(rd, 1, sizeof(*list), field, &count);

	for (size_t i = 0; i < count && !corim_failed(rd); i++) {
		list[i] = read_digest(rd, field);
		for (size_t j = 0; j < i && list[i].algorithm; j++) {
			if (list[j].algorithm == list[i].algorithm)
				corim_fail(rd, TOBI_E_MALFORMED, field);
		}
	}
	return (struct corim_digests){list, count};
}

static struct corim_key read_key(struct corim_reader *rd, const char *field)
{
	struct cbor *cbor = &rd->cbor;
	struct corim_key key = {.tag = cbor_tag(cbor, field)};
	struct tee_digest digest;

	switch (key.tag) {
	case CORIM_KEY_PKIX:
	case CORIM_KEY_CERTIFICATE:
	case CORIM_KEY_PATH:
		key.value = cbor_text_lines(cbor, CORIM_BYTES_MAX, field);
		break;
	case CORIM_KEY_THUMBPRINT:
	case CORIM_KEY_CERTIFICATE_THUMB:
	case CORIM_KEY_PATH_THUMBPRINT:
		digest = read_digest(rd, field);
		key.algorithm = digest.algorithm;
		key.value = digest.value;
		break;
	case CORIM_KEY_BYTES:
	case CORIM_KEY_DER_CERTIFICATE:
		key.value = cbor_bytes(cbor, CORIM_BYTES_MAX, field);
		break;
	default:
		key.value = cbor_skip(cbor, field);
	}
	return key;
}

struct corim_keys corim_read_keys(struct corim_reader *rd, const char *field)
{
	size_t count;
	struct corim_key *list = corim_list(rd, 1, sizeof(*list), field, &count);

	for (size_t i = 0; i < count && !corim_failed(rd); i++)
		list[i] = read_key(rd, field);
	return (struct corim_keys){list, count};
}

static void read_entity(struct corim_reader *rd, struct corim_entity *entity)
{
	struct cbor *cbor = &rd->cbor;
	struct cbor_map map = cbor_map(cbor, 16, "entity");
	int64_t key = 0;
	bool named = false;

	while (cbor_map_int(cbor, &map, &key, "entity")) {
		if (key == 0) {
			named = true;
			entity->name = cbor_text(cbor, CORIM_TEXT_MAX, "entity name");
		} else if (key == 1) {
			entity->uri = corim_read_uri(rd, "reg-id");
		} else if (key == 2) {
			entity->role_count = cbor_array(cbor, 8, "roles");
			for (size_t i = 0; i < entity->role_count && !cbor_failed(cbor);
			     i++)
				entity->roles[i] = cbor_int(cbor, "role");
		} else {
			cbor_skip(cbor, "entity");
		}
	}
	cbor_require(cbor, named, "entity name");
	cbor_require(cbor, entity->role_count > 0, "roles");
}

struct corim_entities corim_read_entities(struct corim_reader *rd)
{
	size_t count;
	struct corim_entity *list = corim_list(rd, 1, sizeof(*list), "entities", &count);

	for (size_t i = 0; i < count && !corim_failed(rd); i++)
		read_entity(rd, &list[i]);
	return (struct corim_entities){list, count};
}
