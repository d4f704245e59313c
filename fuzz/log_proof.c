/* Proofs of a log and the files that hold them. The first byte chooses which; there is
 * one way to write each; and a path verifies under one root only. */
#include "log/record.h"

#include "fuzz/fuzz.h"

enum { SIZE = 11 };

static struct log_hash nodes[5][SIZE], roots[SIZE + 1];

static enum tobi_err put(void *context, unsigned level, uint64_t position,
			 const struct log_hash *hash, struct tobi_fault *fault)
{
	(void)context;
	(void)fault;
	nodes[level][position] = *hash;
	return TOBI_OK;
}

static enum tobi_err get(void *context, unsigned level, uint64_t position,
			 struct log_hash *ret_hash, struct tobi_fault *fault)
{
	(void)context;
	(void)fault;
	*ret_hash = nodes[level][position];
	return TOBI_OK;
}

static void grow(void)
{
	struct log_frontier frontier = {0};
	uint8_t leaf = 0;

	for (; leaf < SIZE; leaf++) {
		struct log_hash hash;

		must(!log_frontier_root(&frontier, &roots[leaf]));
		must(!log_hash_leaf((struct tobi_bytes){&leaf, 1}, &hash));
		must(!log_frontier_append(&frontier, &hash, put, NULL, NULL));
	}
	must(!log_frontier_root(&frontier, &roots[leaf]));
}

static bool read_inclusion(struct tobi_bytes input, struct writer *again)
{
	struct log_inclusion proof;
	unsigned held = 0;

	if (log_inclusion_read(input, &proof, NULL))
		return false;
	log_inclusion_write(&proof, again);
	for (unsigned i = 0; i <= SIZE; i++)
		held += !log_inclusion_verify(&proof, &nodes[0][proof.index % SIZE],
					      &roots[i], NULL);
	must(held <= 1);
	return true;
}

static bool read_consistency(struct tobi_bytes input, struct writer *again)
{
	struct log_consistency proof;
	unsigned held = 0;

	if (log_consistency_read(input, &proof, NULL))
		return false;
	log_consistency_write(&proof, again);
	/* From the empty log all roots follow. */
	for (unsigned i = 0; proof.from && i <= SIZE; i++)
		held += !log_consistency_verify(&proof, &roots[proof.from % (SIZE + 1)],
						&roots[i], NULL);
	must(held <= 1);
	return true;
}

static bool read_record(struct tobi_bytes input, struct writer *again)
{
	struct log_record record;
	struct log_head head, older;

	if (log_record_read(input, &record, NULL))
		return false;
	must_be_inside(record.head, input);
	must_be_inside(record.leaf, input);
	must_be_inside(record.older, input);
	must(!log_record_write(&record, again, NULL));
	if (!log_record_verify(&record, NULL, &head, &older, NULL))
		must(record.kind == LOG_RECORD_INCLUSION || older.size <= head.size);
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t choice = take_choice(&input);
	struct writer again = wr_init(LOG_RECORD_MAX);
	bool good;

	grow();
	good = choice % 3 == 0	 ? read_inclusion(input, &again)
	       : choice % 3 == 1 ? read_consistency(input, &again)
				 : read_record(input, &again);
	if (good)
		must(bytes_equal(wr_view(&again), input));
	wr_done(&again);
	return good;
}

static void sign(uint64_t size, struct writer *out)
{
	EVP_PKEY *key = fuzz_key(1);
	const struct log_head head = {
	    .name = text_of("log"), .size = size, .root = roots[size]};

	must(!log_head_sign(&head, key, out, NULL));
	EVP_PKEY_free(key);
}

static void seed_record(unsigned number, struct writer *out)
{
	CLEANUP(wr_done) struct writer head = wr_init(LOG_HEAD_MAX);
	CLEANUP(wr_done) struct writer older = wr_init(LOG_HEAD_MAX);
	struct log_record record = {.kind = LOG_RECORD_INCLUSION};

	sign(SIZE, &head);
	sign(6, &older);
	record.head = wr_view(&head);
	must(!log_inclusion_make(SIZE, 5, get, NULL, &record.inclusion, NULL));
	must(!log_consistency_make(6, SIZE, get, NULL, &record.consistency, NULL));
	record.leaf_hash = nodes[0][5];
	if (number == 1)
		record.leaf = (struct tobi_bytes){(const uint8_t *)"\5", 1};
	if (number == 2) {
		record.kind = LOG_RECORD_CONSISTENCY;
		record.older = wr_view(&older);
	}
	must(!log_record_write(&record, out, NULL));
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct log_inclusion inclusion;
	struct log_consistency consistency;

	grow();
	if (number > 8)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)(number % 3));
	if (number % 3 == 0) {
		must(!log_inclusion_make(SIZE, number, get, NULL, &inclusion, NULL));
		log_inclusion_write(&inclusion, out);
	} else if (number % 3 == 1) {
		must(!log_consistency_make(number, SIZE, get, NULL, &consistency, NULL));
		log_consistency_write(&consistency, out);
	} else {
		seed_record(number / 3, out);
	}
	return FUZZ_GOOD;
}
