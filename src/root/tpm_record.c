#include "root/tpm_record.h"

#include <string.h>

#include "base/secret.h"
#include "codec/cbor.h"
#include "pki/key.h"

#define TAG_LABEL "tobichi tpm tag"

enum {
	RECORD_VERSION = 1,
	RECORD_KEYS = 13,
	PENDING_KEYS = 4,
	NAME_MIN = 2 + 32,
	PERSISTENT_FIRST = 0x81,
	NV_FIRST = 0x01,
};

struct tobi_bytes tpm_blob_view(const struct tpm_blob *blob)
{
	return (struct tobi_bytes){blob->ptr, blob->size};
}

enum tobi_err tpm_blob_set(struct tpm_blob *blob, struct tobi_bytes bytes)
{
	if (bytes.size > sizeof(blob->ptr))
		return TOBI_E_LIMIT;
	bytes_copy(blob->ptr, sizeof(blob->ptr), bytes.ptr, bytes.size);
	blob->size = bytes.size;
	return TOBI_OK;
}

static void write_object(struct writer *out, uint64_t key,
			 const struct tpm_object *object)
{
	cbor_write_uint(out, key);
	cbor_write_array(out, 2);
	cbor_write_uint(out, object->handle);
	cbor_write_bytes(out, (struct tobi_bytes){object->name, object->name_size});
}

static void write_blob(struct writer *out, uint64_t key, const struct tpm_blob *blob)
{
	cbor_write_uint(out, key);
	cbor_write_bytes(out, tpm_blob_view(blob));
}

void tpm_record_write(struct writer *out, const struct tpm_record *record)
{
	cbor_write_map(out, RECORD_KEYS);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, RECORD_VERSION);
	cbor_write_uint(out, 1);
	cbor_write_text(out, record->device);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, (struct tobi_bytes){record->auth, sizeof(record->auth)});
	write_object(out, 3, &record->storage);
	write_object(out, 4, &record->key);
	write_object(out, 5, &record->seal);
	write_object(out, 6, &record->ak);
	write_object(out, 7, &record->counter);
	cbor_write_uint(out, 8);
	cbor_write_uint(out, record->pcrs);
	write_blob(out, 9, &record->key_public);
	write_blob(out, 10, &record->ak_public);
	write_blob(out, 11, &record->certify);
	write_blob(out, 12, &record->certify_signature);
}

static void read_object(struct cbor *cbor, unsigned range, struct tpm_object *object,
			const char *field)
{
	struct tobi_bytes name;

	if (cbor_array(cbor, 2, field) != 2)
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
	object->handle = (uint32_t)cbor_uint_max(cbor, UINT32_MAX, field);
	if (!cbor_failed(cbor) && object->handle >> 24 != range)
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
	name = cbor_bytes(cbor, sizeof(object->name), field);
	if (!cbor_failed(cbor) && name.size < NAME_MIN)
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
	if (cbor_failed(cbor))
		return;
	bytes_copy(object->name, sizeof(object->name), name.ptr, name.size);
	object->name_size = name.size;
}

static void read_blob(struct cbor *cbor, size_t max, struct tpm_blob *blob,
		      const char *field)
{
	struct tobi_bytes bytes = cbor_bytes(cbor, max, field);

	if (!cbor_failed(cbor) && (!bytes.size || tpm_blob_set(blob, bytes)))
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
}

static void read_path(struct cbor *cbor, char out[static LIMIT_PATH], const char *field)
{
	struct tobi_bytes text = cbor_text(cbor, LIMIT_PATH - 1, field);

	if (!cbor_failed(cbor))
		bytes_copy(out, LIMIT_PATH - 1, text.ptr, text.size);
}

static void read_auth(struct cbor *cbor, struct tpm_record *record)
{
	struct tobi_bytes auth = cbor_bytes_exact(cbor, TPM_AUTH_SIZE, "authorisation");

	if (!cbor_failed(cbor))
		bytes_copy(record->auth, sizeof(record->auth), auth.ptr, auth.size);
}

static void read_key(struct cbor *cbor, int64_t key, struct tpm_record *record)
{
	switch (key) {
	case 0:
		if (cbor_uint(cbor, "version") != RECORD_VERSION)
			cbor_fail(cbor, TOBI_E_UNSUPPORTED, "version");
		break;
	case 1:
		read_path(cbor, record->device, "device");
		break;
	case 2:
		read_auth(cbor, record);
		break;
	case 3:
		read_object(cbor, PERSISTENT_FIRST, &record->storage, "storage key");
		break;
	case 4:
		read_object(cbor, PERSISTENT_FIRST, &record->key, "platform key");
		break;
	case 5:
		read_object(cbor, PERSISTENT_FIRST, &record->seal, "seal root");
		break;
	case 6:
		read_object(cbor, PERSISTENT_FIRST, &record->ak, "attestation key");
		break;
	case 7:
		read_object(cbor, NV_FIRST, &record->counter, "counter");
		break;
	case 8:
		record->pcrs = (uint32_t)cbor_uint_max(
		    cbor, (UINT32_C(1) << TPM_PCR_COUNT) - 1, "PCRs");
		break;
	case 9:
		read_blob(cbor, TPM_PUBLIC_MAX, &record->key_public, "platform key");
		break;
	case 10:
		read_blob(cbor, TPM_PUBLIC_MAX, &record->ak_public, "attestation key");
		break;
	case 11:
		read_blob(cbor, TPM_ATTEST_MAX, &record->certify, "certification");
		break;
	case 12:
		read_blob(cbor, TPM_SIGNATURE_MAX, &record->certify_signature,
			  "certification");
		break;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "unknown key");
	}
}

enum tobi_err tpm_record_parse(struct tobi_bytes bytes, struct tpm_record *ret_record,
			       struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, RECORD_KEYS, "keys");
	struct tpm_record record = {0};
	size_t count = 0;
	int64_t key = 0;
	enum tobi_err err;

	for (; cbor_map_int(&cbor, &map, &key, "keys"); count++)
		read_key(&cbor, key, &record);
	cbor_require(&cbor, count == RECORD_KEYS, "a required key");
	err = cbor_finish(&cbor, "tpm.root", fault);
	if (!err)
		*ret_record = record;
	explicit_bzero(&record, sizeof(record));
	return err;
}

enum tobi_err tpm_tag(const uint8_t auth[static TPM_AUTH_SIZE],
		      uint8_t ret_tag[static TPM_TAG_SIZE])
{
	uint8_t input[sizeof(TAG_LABEL) + TPM_AUTH_SIZE] = TAG_LABEL;
	enum tobi_err err;

	bytes_copy(input + sizeof(TAG_LABEL), TPM_AUTH_SIZE, auth, TPM_AUTH_SIZE);
	err = hash_sha256((struct tobi_bytes){input, sizeof(input)}, ret_tag);
	explicit_bzero(input, sizeof(input));
	return err;
}

void tpm_pending_write(struct writer *out, const struct tpm_pending *pending)
{
	cbor_write_map(out, PENDING_KEYS);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, RECORD_VERSION);
	cbor_write_uint(out, 1);
	cbor_write_text(out, pending->device);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, (struct tobi_bytes){pending->tag, sizeof(pending->tag)});
	cbor_write_uint(out, 3);
	cbor_write_text(out, pending->owner_file);
}

enum tobi_err tpm_pending_parse(struct tobi_bytes bytes, struct tpm_pending *ret_pending,
				struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, PENDING_KEYS, "keys");
	struct tpm_pending pending = {0};
	struct tobi_bytes tag;
	enum tobi_err err;

	if (cbor_map_expect(&cbor, &map, 0, "version") &&
	    cbor_uint(&cbor, "version") != RECORD_VERSION)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "version");
	if (cbor_map_expect(&cbor, &map, 1, "device"))
		read_path(&cbor, pending.device, "device");
	if (cbor_map_expect(&cbor, &map, 2, "tag")) {
		tag = cbor_bytes_exact(&cbor, TPM_TAG_SIZE, "tag");
		if (!cbor_failed(&cbor))
			bytes_copy(pending.tag, TPM_TAG_SIZE, tag.ptr, tag.size);
	}
	if (cbor_map_expect(&cbor, &map, 3, "owner's file"))
		read_path(&cbor, pending.owner_file, "owner's file");
	err = cbor_finish(&cbor, "tpm.new", fault);
	if (!err)
		*ret_pending = pending;
	return err;
}
