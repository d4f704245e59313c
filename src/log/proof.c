#include "log/proof.h"

#include "base/fault.h"
#include "codec/cbor.h"

static enum tobi_err mismatch(struct tobi_fault *fault, const char *what)
{
	return fault_set(fault, TOBI_E_MISMATCH, "log", "proof", "%s", what);
}

/* Both fields as one climbs: a node is a left one whose right sibling is not whole. */
static void climb(uint64_t *node, uint64_t *last)
{
	while (*node && !(*node & 1)) {
		*node >>= 1;
		*last >>= 1;
	}
}

/* RFC 9162 section 2.1.3.2. */
enum tobi_err log_inclusion_verify(const struct log_inclusion *proof,
				   const struct log_hash *leaf,
				   const struct log_hash *root, struct tobi_fault *fault)
{
	uint64_t node = proof->index, last = proof->size - 1;
	struct log_hash hash = *leaf;
	enum tobi_err err = TOBI_OK;

	if (proof->index >= proof->size)
		return mismatch(fault, "it is of a leaf behind the log's end");
	for (size_t i = 0; i < proof->path.count; i++) {
		const struct log_hash *other = &proof->path.hashes[i];

		if (!last)
			return mismatch(fault, "the path is too long");
		if (node & 1 || node == last) {
			err = log_hash_node(other, &hash, &hash);
			climb(&node, &last);
		} else {
			err = log_hash_node(&hash, other, &hash);
		}
		if (err)
			return fault_set(fault, err, "log", "", "cannot hash");
		node >>= 1;
		last >>= 1;
	}
	if (last)
		return mismatch(fault, "the path is too short");
	return log_hash_equal(&hash, root)
		   ? TOBI_OK
		   : mismatch(fault, "the leaf is not in the log of that root");
}

/* Up the path: the hashes left of the earlier log's end count for both roots, those right
 * of it for the later one. */
static enum tobi_err climb_both(const struct log_consistency *proof, size_t next,
				uint64_t node, uint64_t last, struct log_hash *from,
				struct log_hash *to, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = next; i < proof->path.count; i++) {
		const struct log_hash *other = &proof->path.hashes[i];

		if (!last)
			return mismatch(fault, "the path is too long");
		if (node & 1 || node == last) {
			err = log_hash_node(other, from, from);
			if (!err)
				err = log_hash_node(other, to, to);
			climb(&node, &last);
		} else {
			err = log_hash_node(to, other, to);
		}
		if (err)
			return fault_set(fault, err, "log", "", "cannot hash");
		node >>= 1;
		last >>= 1;
	}
	return last ? mismatch(fault, "the path is too short") : TOBI_OK;
}

static enum tobi_err verify_from_empty(const struct log_consistency *proof,
				       const struct log_hash *from_root,
				       struct tobi_fault *fault)
{
	struct log_hash empty;

	if (proof->path.count)
		return mismatch(fault, "the path is too long");
	if (log_hash_empty(&empty))
		return fault_set(fault, TOBI_E_CRYPTO, "log", "", "cannot hash");
	return log_hash_equal(&empty, from_root)
		   ? TOBI_OK
		   : mismatch(fault, "a log without a leaf has another root");
}

/* RFC 9162 section 2.1.4.2. */
enum tobi_err log_consistency_verify(const struct log_consistency *proof,
				     const struct log_hash *from_root,
				     const struct log_hash *to_root,
				     struct tobi_fault *fault)
{
	uint64_t node = proof->from - 1, last = proof->to - 1;
	bool whole = (proof->from & (proof->from - 1)) == 0;
	struct log_hash from, to;
	enum tobi_err err;

	if (proof->from > proof->to)
		return mismatch(fault, "a log does not shrink");
	if (proof->from == proof->to) {
		if (proof->path.count)
			return mismatch(fault, "the path is too long");
		return log_hash_equal(from_root, to_root)
			   ? TOBI_OK
			   : mismatch(fault, "there are two roots for one size");
	}
	if (!proof->from)
		return verify_from_empty(proof, from_root, fault);
	if (!whole && !proof->path.count)
		return mismatch(fault, "the path is too short");
	for (; node & 1; node >>= 1)
		last >>= 1;
	from = to = whole ? *from_root : proof->path.hashes[0];
	err = climb_both(proof, whole ? 0 : 1, node, last, &from, &to, fault);
	if (err)
		return err;
	return log_hash_equal(&from, from_root) && log_hash_equal(&to, to_root)
		   ? TOBI_OK
		   : mismatch(fault, "the later log has not grown out of the earlier");
}

static void write_proof(uint64_t first, uint64_t second, const struct log_path *path,
			struct writer *out)
{
	cbor_write_array(out, 3);
	cbor_write_uint(out, first);
	cbor_write_uint(out, second);
	cbor_write_array(out, path->count);
	for (size_t i = 0; i < path->count; i++)
		cbor_write_bytes(out, log_hash_view(&path->hashes[i]));
}

static void read_hash(struct cbor *cbor, struct log_hash *ret_hash)
{
	struct tobi_bytes bytes = cbor_bytes_exact(cbor, LOG_HASH_SIZE, "hash");

	for (size_t i = 0; i < bytes.size; i++)
		ret_hash->bytes[i] = bytes.ptr[i];
}

static void read_proof(struct cbor *cbor, uint64_t *ret_first, uint64_t *ret_second,
		       struct log_path *ret_path)
{
	if (cbor_array(cbor, 3, "proof") != 3)
		cbor_fail(cbor, TOBI_E_MALFORMED, "proof");
	*ret_first = cbor_uint_max(cbor, LOG_SIZE_MAX, "size");
	*ret_second = cbor_uint_max(cbor, LOG_SIZE_MAX, "size");
	ret_path->count = cbor_array(cbor, LOG_LEVELS + 1, "path");
	for (size_t i = 0; i < ret_path->count && !cbor_failed(cbor); i++)
		read_hash(cbor, &ret_path->hashes[i]);
}

void log_inclusion_write(const struct log_inclusion *proof, struct writer *out)
{
	write_proof(proof->size, proof->index, &proof->path, out);
}

enum tobi_err log_inclusion_read(struct tobi_bytes bytes, struct log_inclusion *ret_proof,
				 struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct log_inclusion proof = {0};
	enum tobi_err err;

	read_proof(&cbor, &proof.size, &proof.index, &proof.path);
	if (!cbor_failed(&cbor) && proof.index >= proof.size)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "index");
	err = cbor_finish(&cbor, "inclusion proof", fault);
	if (!err)
		*ret_proof = proof;
	return err;
}

void log_consistency_write(const struct log_consistency *proof, struct writer *out)
{
	write_proof(proof->from, proof->to, &proof->path, out);
}

enum tobi_err log_consistency_read(struct tobi_bytes bytes,
				   struct log_consistency *ret_proof,
				   struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct log_consistency proof = {0};
	enum tobi_err err;

	read_proof(&cbor, &proof.from, &proof.to, &proof.path);
	if (!cbor_failed(&cbor) && proof.from > proof.to)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "sizes");
	err = cbor_finish(&cbor, "consistency proof", fault);
	if (!err)
		*ret_proof = proof;
	return err;
}
