#include "base/fault.h"
#include "log/proof.h"

/* Where nodes come from, and the first thing that went wrong. */
struct source {
	log_get *get;
	void *context;
	struct tobi_fault *fault;
	enum tobi_err err;
};

/* The largest power of two below count, which is over 1: where a tree splits. */
static uint64_t split_of(uint64_t count)
{
	return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

/* The hash over leaves begin to end - 1, which is a subtree of some log: its whole parts
 * from the right, each joined with what is right of it. */
static struct log_hash hash_of_range(struct source *source, uint64_t begin, uint64_t end)
{
	uint64_t left = end - begin, at = end;
	struct log_hash hash = {0}, part;
	bool first = true;

	for (unsigned level = 0; !source->err && left >> level; level++) {
		if (!(left >> level & 1))
			continue;
		at -= UINT64_C(1) << level;
		source->err = source->get(source->context, level, at >> level, &part,
					  source->fault);
		if (source->err)
			break;
		if (first)
			hash = part;
		else if (log_hash_node(&part, &hash, &hash))
			source->err = fault_set(source->fault, TOBI_E_CRYPTO, "log", "",
						"cannot hash");
		first = false;
	}
	return hash;
}

static void push(struct log_path *path, const struct log_hash hash)
{
	if (path->count < sizeof(path->hashes) / sizeof(path->hashes[0]))
		path->hashes[path->count++] = hash;
}

/* It is found from the root down, and written from the leaf up. */
static void reverse(struct log_path *path)
{
	for (size_t i = 0; i < path->count / 2; i++) {
		struct log_hash *other = &path->hashes[path->count - 1 - i];
		struct log_hash hash = path->hashes[i];

		path->hashes[i] = *other;
		*other = hash;
	}
}

enum tobi_err log_inclusion_make(uint64_t size, uint64_t index, log_get *get,
				 void *context, struct log_inclusion *ret_proof,
				 struct tobi_fault *fault)
{
	struct source source = {get, context, fault, TOBI_OK};
	struct log_inclusion proof = {.size = size, .index = index};
	uint64_t begin = 0, end = size, middle;

	if (size > LOG_SIZE_MAX || index >= size)
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "index",
				 "a log of that size has no such leaf");
	while (!source.err && end - begin > 1) {
		middle = begin + split_of(end - begin);
		if (index < middle) {
			push(&proof.path, hash_of_range(&source, middle, end));
			end = middle;
		} else {
			push(&proof.path, hash_of_range(&source, begin, middle));
			begin = middle;
		}
	}
	if (source.err)
		return source.err;
	reverse(&proof.path);
	*ret_proof = proof;
	return TOBI_OK;
}

enum tobi_err log_consistency_make(uint64_t from, uint64_t to, log_get *get,
				   void *context, struct log_consistency *ret_proof,
				   struct tobi_fault *fault)
{
	struct source source = {get, context, fault, TOBI_OK};
	struct log_consistency proof = {.from = from, .to = to};
	uint64_t begin = 0, end = to, middle;

	if (to > LOG_SIZE_MAX || from > to)
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "sizes",
				 "a log does not shrink");
	/* Down to the subtree that ends where the earlier log did. */
	while (from && !source.err && end > from) {
		middle = begin + split_of(end - begin);
		if (from <= middle) {
			push(&proof.path, hash_of_range(&source, middle, end));
			end = middle;
		} else {
			push(&proof.path, hash_of_range(&source, begin, middle));
			begin = middle;
		}
	}
	/* When it is all of the earlier log, the verifier has its hash: the root. */
	if (!source.err && begin)
		push(&proof.path, hash_of_range(&source, begin, end));
	if (source.err)
		return source.err;
	reverse(&proof.path);
	*ret_proof = proof;
	return TOBI_OK;
}

enum tobi_err log_root_of(uint64_t size, log_get *get, void *context,
			  struct log_hash *ret_root, struct tobi_fault *fault)
{
	struct source source = {get, context, fault, TOBI_OK};
	struct log_hash root;

	if (size > LOG_SIZE_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, "log", "size",
				 "no log has that many leaves");
	if (!size)
		return log_hash_empty(ret_root);
	root = hash_of_range(&source, 0, size);
	if (!source.err)
		*ret_root = root;
	return source.err;
}
