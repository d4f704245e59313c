#include "log/head.h"

#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "codec/cbor.h"
#include "codec/cose.h"

#define CONTENT_TYPE "application/tobichi-log-head"

enum {
	VERSION = 1,
	SPKI_MAX = 128,

	KEY_VERSION = 0,
	KEY_NAME = 1,
	KEY_SIZE = 2,
	KEY_ROOT = 3,
	KEY_TIME = 4,
	KEY_KEY = 5,
	KEYS = 6,
};

static void write_payload(const struct log_head *head, struct tobi_bytes spki,
			  struct writer *out)
{
	cbor_write_map(out, KEYS);
	cbor_write_uint(out, KEY_VERSION);
	cbor_write_uint(out, VERSION);
	cbor_write_uint(out, KEY_NAME);
	cbor_write_text_bytes(out, head->name);
	cbor_write_uint(out, KEY_SIZE);
	cbor_write_uint(out, head->size);
	cbor_write_uint(out, KEY_ROOT);
	cbor_write_bytes(out, log_hash_view(&head->root));
	cbor_write_uint(out, KEY_TIME);
	cbor_write_uint(out, (uint64_t)head->time);
	cbor_write_uint(out, KEY_KEY);
	cbor_write_bytes(out, spki);
}

enum tobi_err log_head_sign(const struct log_head *head, EVP_PKEY *key,
			    struct writer *out, struct tobi_fault *fault)
{
	const struct cose_headers headers = {.content_type = CONTENT_TYPE};
	CLEANUP(wr_done) struct writer spki = wr_init(SPKI_MAX);
	CLEANUP(wr_done) struct writer payload = wr_init(LOG_HEAD_MAX);
	struct cose_signer signer;
	enum tobi_err err;

	if (!head->name.size || head->name.size > LOG_NAME_MAX ||
	    !utf8_is_text(head->name))
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "name",
				 "a log's name has 1 to %d bytes of text", LOG_NAME_MAX);
	if (head->time < 0 || head->size > LOG_SIZE_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "head",
				 "no log has this size or this time");
	err = cose_signer_for_key(key, &signer, fault);
	if (!err)
		err = key_spki(key, &spki, fault);
	if (err)
		return err;
	write_payload(head, wr_view(&spki), &payload);
	if (wr_err(&payload))
		return fault_set(fault, wr_err(&payload), "log", "head", "no room");
	return cose_write(out, &signer, &headers, wr_view(&payload), false, fault);
}

static enum tobi_err read_payload(struct tobi_bytes payload, struct log_head *head,
				  struct tobi_bytes *ret_spki, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(payload, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, KEYS, "head");
	struct tobi_bytes root = {0};

	if (cbor_map_expect(&cbor, &map, KEY_VERSION, "version") &&
	    cbor_uint(&cbor, "version") != VERSION)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "version");
	if (cbor_map_expect(&cbor, &map, KEY_NAME, "name"))
		head->name = cbor_text(&cbor, LOG_NAME_MAX, "name");
	if (!cbor_failed(&cbor) && !head->name.size)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "name");
	if (cbor_map_expect(&cbor, &map, KEY_SIZE, "size"))
		head->size = cbor_uint_max(&cbor, LOG_SIZE_MAX, "size");
	if (cbor_map_expect(&cbor, &map, KEY_ROOT, "root"))
		root = cbor_bytes_exact(&cbor, LOG_HASH_SIZE, "root");
	if (cbor_map_expect(&cbor, &map, KEY_TIME, "time"))
		head->time = (int64_t)cbor_uint_max(&cbor, INT64_MAX, "time");
	if (cbor_map_expect(&cbor, &map, KEY_KEY, "key"))
		*ret_spki = cbor_bytes(&cbor, SPKI_MAX, "key");
	bytes_copy(head->root.bytes, LOG_HASH_SIZE, root.ptr, root.size);
	return cbor_finish(&cbor, "head", fault);
}

/* Whose it is: the key that it carries must be the one that is trusted. */
static enum tobi_err check_id(struct tobi_bytes spki, const uint8_t *wanted,
			      struct log_head *head, struct tobi_fault *fault)
{
	if (hash_sha384(spki, head->key))
		return fault_set(fault, TOBI_E_CRYPTO, "head", "key", "cannot hash");
	if (wanted && !bytes_equal((struct tobi_bytes){wanted, SHA384_SIZE},
				   (struct tobi_bytes){head->key, SHA384_SIZE}))
		return fault_set(fault, TOBI_E_SIGNATURE, "head", "key",
				 "it is signed by another key than the log's");
	return TOBI_OK;
}

static enum tobi_err check_key(struct tobi_bytes spki, const uint8_t *wanted,
			       struct log_head *head, EVP_PKEY **ret_key,
			       struct tobi_fault *fault)
{
	enum tobi_err err = key_read_spki(spki, "head", ret_key, fault);

	return err ? err : check_id(spki, wanted, head, fault);
}

/* All but whose key it is, and its signature. */
static enum tobi_err read_parts(struct tobi_bytes bytes, struct cose_sign1 *ret_sign1,
				struct log_head *ret_head, struct tobi_bytes *ret_spki,
				struct tobi_fault *fault)
{
	enum tobi_err err;

	if (bytes.size > LOG_HEAD_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "head", "", "it has over %d bytes",
				 LOG_HEAD_MAX);
	err = cose_parse(bytes, true, COSE_TAGGED, "head", ret_sign1, fault);
	if (err)
		return err;
	if (!bytes_equal_text(ret_sign1->content_type, CONTENT_TYPE) ||
	    !ret_sign1->payload.ptr)
		return fault_set(fault, TOBI_E_MALFORMED, "head", "content type",
				 "it is not the head of a log");
	return read_payload(ret_sign1->payload, ret_head, ret_spki, fault);
}

enum tobi_err log_head_read(struct tobi_bytes bytes, const uint8_t *key,
			    struct log_head *ret_head, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *carried = NULL;
	struct log_head head = {0};
	struct tobi_bytes spki = {0};
	struct cose_sign1 sign1;
	enum tobi_err err = read_parts(bytes, &sign1, &head, &spki, fault);

	if (!err)
		err = check_key(spki, key, &head, &carried, fault);
	if (!err)
		err = cose_verify(&sign1, carried, (struct tobi_bytes){0}, sign1.payload,
				  "head", fault);
	if (!err)
		*ret_head = head;
	return err;
}

enum tobi_err log_head_read_own(struct tobi_bytes bytes, EVP_PKEY *key,
				const uint8_t id[static SHA384_SIZE],
				struct log_head *ret_head, struct tobi_fault *fault)
{
	struct log_head head = {0};
	struct tobi_bytes spki = {0};
	struct cose_sign1 sign1;
	enum tobi_err err = read_parts(bytes, &sign1, &head, &spki, fault);

	if (!err)
		err = check_id(spki, id, &head, fault);
	if (!err)
		err = cose_verify(&sign1, key, (struct tobi_bytes){0}, sign1.payload,
				  "head", fault);
	if (!err)
		*ret_head = head;
	return err;
}
