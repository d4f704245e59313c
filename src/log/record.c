#include "log/record.h"

#include <inttypes.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

enum {
	VERSION = 1,
	PROOF_MAX = 4 << 10,

	KEY_VERSION = 0,
	KEY_KIND = 1,
	KEY_HEAD = 2,
	KEY_PROOF = 3,
	KEY_LEAF = 4, /* of an inclusion, one of the two */
	KEY_LEAF_HASH = 5,
	KEY_OLDER = 6, /* of a consistency */
	KEYS = 5,
};

static enum tobi_err write_leaf(const struct log_record *record, struct writer *out)
{
	if (record->leaf.size) {
		cbor_write_uint(out, KEY_LEAF);
		cbor_write_bytes(out, record->leaf);
	} else {
		cbor_write_uint(out, KEY_LEAF_HASH);
		cbor_write_bytes(out, log_hash_view(&record->leaf_hash));
	}
	return wr_err(out);
}

enum tobi_err log_record_write(const struct log_record *record, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer proof = wr_init(PROOF_MAX);
	enum tobi_err err;

	if (record->kind == LOG_RECORD_INCLUSION)
		log_inclusion_write(&record->inclusion, &proof);
	else
		log_consistency_write(&record->consistency, &proof);
	cbor_write_map(out, KEYS);
	cbor_write_uint(out, KEY_VERSION);
	cbor_write_uint(out, VERSION);
	cbor_write_uint(out, KEY_KIND);
	cbor_write_uint(out, record->kind);
	cbor_write_uint(out, KEY_HEAD);
	cbor_write_bytes(out, record->head);
	cbor_write_uint(out, KEY_PROOF);
	cbor_write_bytes(out, wr_view(&proof));
	if (record->kind == LOG_RECORD_INCLUSION) {
		err = write_leaf(record, out);
	} else {
		cbor_write_uint(out, KEY_OLDER);
		cbor_write_bytes(out, record->older);
		err = wr_err(out);
	}
	if (!err)
		err = wr_err(&proof);
	return err ? fault_set(fault, err, "proof file", "", "no room for it") : TOBI_OK;
}

static void read_leaf(struct cbor *cbor, struct cbor_map *map, struct log_record *record)
{
	struct tobi_bytes hash;
	int64_t key = 0;

	if (!cbor_map_int(cbor, map, &key, "leaf") ||
	    (key != KEY_LEAF && key != KEY_LEAF_HASH)) {
		cbor_fail(cbor, TOBI_E_MALFORMED, "leaf");
		return;
	}
	if (key == KEY_LEAF) {
		record->leaf = cbor_bytes(cbor, LOG_LEAF_MAX, "leaf");
		if (!cbor_failed(cbor) && !record->leaf.size)
			cbor_fail(cbor, TOBI_E_MALFORMED, "leaf");
		return;
	}
	hash = cbor_bytes_exact(cbor, LOG_HASH_SIZE, "leaf hash");
	bytes_copy(record->leaf_hash.bytes, LOG_HASH_SIZE, hash.ptr, hash.size);
}

static enum tobi_err read_proof(struct tobi_bytes proof, struct log_record *record,
				struct tobi_fault *fault)
{
	if (record->kind == LOG_RECORD_CONSISTENCY)
		return log_consistency_read(proof, &record->consistency, fault);
	if (record->leaf.size && log_hash_leaf(record->leaf, &record->leaf_hash))
		return fault_set(fault, TOBI_E_CRYPTO, "proof file", "", "cannot hash");
	return log_inclusion_read(proof, &record->inclusion, fault);
}

enum tobi_err log_record_read(struct tobi_bytes bytes, struct log_record *ret_record,
			      struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, KEYS, "proof file");
	struct tobi_bytes proof = {0};
	struct log_record record = {0};
	uint64_t kind = 0;
	enum tobi_err err;

	if (cbor_map_expect(&cbor, &map, KEY_VERSION, "version") &&
	    cbor_uint(&cbor, "version") != VERSION)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "version");
	if (cbor_map_expect(&cbor, &map, KEY_KIND, "kind"))
		kind = cbor_uint(&cbor, "kind");
	if (!cbor_failed(&cbor) && kind != LOG_RECORD_INCLUSION &&
	    kind != LOG_RECORD_CONSISTENCY)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "kind");
	record.kind = (enum log_record_kind)kind;
	if (cbor_map_expect(&cbor, &map, KEY_HEAD, "head"))
		record.head = cbor_bytes(&cbor, LOG_HEAD_MAX, "head");
	if (cbor_map_expect(&cbor, &map, KEY_PROOF, "proof"))
		proof = cbor_bytes(&cbor, PROOF_MAX, "proof");
	if (record.kind == LOG_RECORD_INCLUSION)
		read_leaf(&cbor, &map, &record);
	else if (cbor_map_expect(&cbor, &map, KEY_OLDER, "older head"))
		record.older = cbor_bytes(&cbor, LOG_HEAD_MAX, "older head");
	err = cbor_finish(&cbor, "proof file", fault);
	if (!err)
		err = read_proof(proof, &record, fault);
	if (!err)
		*ret_record = record;
	return err;
}

enum tobi_err log_head_follows(const struct log_head *older, const struct log_head *newer,
			       struct tobi_fault *fault)
{
	if (!bytes_equal(older->name, newer->name))
		return fault_set(fault, TOBI_E_MISMATCH, "head", "name",
				 "it is the head of another log");
	if (newer->size < older->size)
		return fault_set(fault, TOBI_E_MISMATCH, "head", "size",
				 "ENTRIES ERASED: the log had %" PRIu64
				 " entries, and has %" PRIu64,
				 older->size, newer->size);
	if (newer->size == older->size && !log_hash_equal(&older->root, &newer->root))
		return fault_set(fault, TOBI_E_MISMATCH, "head", "root",
				 "FORK: there are two logs of %" PRIu64 " entries",
				 older->size);
	return TOBI_OK;
}

static enum tobi_err verify_consistency(const struct log_record *record,
					const uint8_t *key, const struct log_head *head,
					struct log_head *ret_older,
					struct tobi_fault *fault)
{
	struct log_head older;
	/* Of the same key, whether it is known before or not. */
	enum tobi_err err =
	    log_head_read(record->older, key ? key : head->key, &older, fault);

	if (!err)
		err = log_head_follows(&older, head, fault);
	if (!err && (record->consistency.from != older.size ||
		     record->consistency.to != head->size))
		err = fault_set(fault, TOBI_E_MISMATCH, "proof file", "proof",
				"the proof is of other heads");
	if (!err)
		err = log_consistency_verify(&record->consistency, &older.root,
					     &head->root, fault);
	if (!err && ret_older)
		*ret_older = older;
	return err;
}

enum tobi_err log_record_verify(const struct log_record *record, const uint8_t *key,
				struct log_head *ret_head, struct log_head *ret_older,
				struct tobi_fault *fault)
{
	struct log_head head;
	enum tobi_err err = log_head_read(record->head, key, &head, fault);

	if (err)
		return err;
	if (record->kind == LOG_RECORD_CONSISTENCY) {
		err = verify_consistency(record, key, &head, ret_older, fault);
	} else if (record->inclusion.size != head.size) {
		err = fault_set(fault, TOBI_E_MISMATCH, "proof file", "proof",
				"the proof is of another head");
	} else {
		err = log_inclusion_verify(&record->inclusion, &record->leaf_hash,
					   &head.root, fault);
	}
	if (!err)
		*ret_head = head;
	return err;
}
