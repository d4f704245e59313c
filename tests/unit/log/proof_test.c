#include "tests/unit/log/grown.h"

enum { SIZES = 130, NONE = GROWN_MAX };

static struct grown grown, other;

static enum tobi_err verify(const struct log_inclusion *proof)
{
	return log_inclusion_verify(proof, &grown.nodes[0][proof->index],
				    &grown.roots[proof->size], NULL);
}

static enum tobi_err verify_both(const struct log_consistency *proof)
{
	return log_consistency_verify(proof, &grown.roots[proof->from],
				      &grown.roots[proof->to], NULL);
}

static struct log_inclusion inclusion(uint64_t size, uint64_t index)
{
	struct log_inclusion proof;

	assert_int_equal(log_inclusion_make(size, index, grown_get, &grown, &proof, NULL),
			 0);
	return proof;
}

static struct log_consistency consistency(uint64_t from, uint64_t to)
{
	struct log_consistency proof;

	assert_int_equal(log_consistency_make(from, to, grown_get, &grown, &proof, NULL),
			 0);
	return proof;
}

static void test_log_inclusion__every_leaf_of_every_size__verifies(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZES; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct log_inclusion proof = inclusion(size, index);

			assert_int_equal(verify(&proof), 0);
		}
	}
}

/* Wherever it is, it is in one place: with any other index, size, leaf or root it does
 * not verify. */
static void test_log_inclusion_verify__of_something_else__mismatch(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= 40; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct log_inclusion proof = inclusion(size, index), wrong;

			for (uint64_t i = 0; i <= size; i++) {
				wrong = proof;
				wrong.index = i;
				if (i != index)
					assert_int_equal(log_inclusion_verify(
							     &wrong,
							     &grown.nodes[0][index],
							     &grown.roots[size], NULL),
							 TOBI_E_MISMATCH);
				if (i < size && i != index)
					assert_int_equal(log_inclusion_verify(
							     &proof, &grown.nodes[0][i],
							     &grown.roots[size], NULL),
							 TOBI_E_MISMATCH);
				if (i != size)
					assert_int_equal(
					    log_inclusion_verify(&proof,
								 &grown.nodes[0][index],
								 &grown.roots[i], NULL),
					    TOBI_E_MISMATCH);
			}
		}
	}
}

static void test_log_inclusion_verify__each_hash_changed__mismatch(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= 70; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct log_inclusion proof = inclusion(size, index);

			for (size_t i = 0; i < proof.path.count; i++) {
				proof.path.hashes[i].bytes[i % LOG_HASH_SIZE] ^= 1;
				assert_int_equal(verify(&proof), TOBI_E_MISMATCH);
				proof.path.hashes[i].bytes[i % LOG_HASH_SIZE] ^= 1;
			}
			assert_int_equal(verify(&proof), 0);
		}
	}
}

static void test_log_inclusion_verify__path_cut_or_longer__mismatch(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= 70; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct log_inclusion proof = inclusion(size, index), wrong;

			wrong = proof;
			wrong.path.hashes[wrong.path.count++] = (struct log_hash){{1}};
			assert_int_equal(verify(&wrong), TOBI_E_MISMATCH);
			for (wrong = proof; wrong.path.count--;)
				assert_int_equal(verify(&wrong), TOBI_E_MISMATCH);
		}
	}
}

/* The root of a subtree as a leaf: the depth of a path is that of its place. */
static void test_log_inclusion_verify__node_as_a_leaf__mismatch(void **state)
{
	struct log_inclusion proof = inclusion(8, 0), wrong = proof;

	(void)state;
	wrong.path.count--;
	for (size_t i = 0; i < wrong.path.count; i++)
		wrong.path.hashes[i] = proof.path.hashes[i + 1];
	for (uint64_t size = 1; size <= 8; size++) {
		wrong.size = size;
		/* Of four leaves that would be the tree over pairs. */
		assert_int_equal(log_inclusion_verify(&wrong, &grown.nodes[1][0],
						      &grown.roots[8], NULL),
				 size == 3 || size == 4 ? 0 : TOBI_E_MISMATCH);
	}
}

static void test_log_inclusion_make__no_such_leaf__argument(void **state)
{
	struct log_inclusion proof = {.size = 77};

	(void)state;
	assert_int_equal(log_inclusion_make(0, 0, grown_get, &grown, &proof, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(log_inclusion_make(5, 5, grown_get, &grown, &proof, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(
	    log_inclusion_make(LOG_SIZE_MAX + 1, 5, grown_get, &grown, &proof, NULL),
	    TOBI_E_ARGUMENT);
	assert_int_equal(proof.size, 77);
}

static void test_log_consistency__every_pair_of_sizes__verifies(void **state)
{
	(void)state;
	for (uint64_t to = 0; to <= SIZES; to++) {
		for (uint64_t from = 0; from <= to; from++) {
			struct log_consistency proof = consistency(from, to);

			assert_int_equal(verify_both(&proof), 0);
		}
	}
}

static void test_log_consistency_verify__path_changed_cut_longer__mismatch(void **state)
{
	(void)state;
	for (uint64_t to = 0; to <= 70; to++) {
		for (uint64_t from = 0; from <= to; from++) {
			struct log_consistency proof = consistency(from, to), wrong;

			for (size_t i = 0; i < proof.path.count; i++) {
				wrong = proof;
				wrong.path.hashes[i].bytes[0] ^= 1;
				assert_int_equal(verify_both(&wrong), TOBI_E_MISMATCH);
			}
			wrong = proof;
			wrong.path.hashes[wrong.path.count++] = (struct log_hash){{1}};
			assert_int_equal(verify_both(&wrong), TOBI_E_MISMATCH);
			for (wrong = proof; wrong.path.count--;)
				assert_int_equal(verify_both(&wrong), TOBI_E_MISMATCH);
		}
	}
}

/* Two logs that part at some entry: whatever the second proves of itself, it does not
 * follow the first one's heads from that entry on; and it follows all before. */
static void test_log_consistency_verify__changed_entry__mismatch(void **state)
{
	(void)state;
	for (size_t changed = 0; changed < 20; changed++) {
		grown_init(&other, 40, changed);
		for (uint64_t from = 1; from <= 40; from++) {
			struct log_consistency proof;
			enum tobi_err err;

			assert_int_equal(log_consistency_make(from, 40, grown_get, &other,
							      &proof, NULL),
					 0);
			err = log_consistency_verify(&proof, &grown.roots[from],
						     &other.roots[40], NULL);
			assert_int_equal(err,
					 from <= changed ? TOBI_OK : TOBI_E_MISMATCH);
			/* Nor does the honest one's proof help it. */
			proof = consistency(from, 40);
			assert_int_equal(log_consistency_verify(&proof,
								&grown.roots[from],
								&other.roots[40], NULL),
					 TOBI_E_MISMATCH);
		}
	}
}

/* An erased entry moves all behind it; two that change places are two changed ones. */
static void test_log_consistency_verify__erased_or_reordered__mismatch(void **state)
{
	static struct grown erased, reordered;

	(void)state;
	erased = (struct grown){0};
	reordered = (struct grown){0};
	for (size_t i = 0; i < 40; i++) {
		size_t at = i == 10 ? 11 : i == 11 ? 10 : i;

		assert_int_equal(log_frontier_append(&erased.frontier,
						     &grown.nodes[0][i < 10 ? i : i + 1],
						     grown_put, &erased, NULL),
				 0);
		assert_int_equal(log_frontier_append(&reordered.frontier,
						     &grown.nodes[0][at], grown_put,
						     &reordered, NULL),
				 0);
	}
	for (struct grown *wrong = &erased; wrong;
	     wrong = wrong == &erased ? &reordered : NULL) {
		struct log_hash root;

		assert_int_equal(log_frontier_root(&wrong->frontier, &root), 0);
		for (uint64_t from = 12; from < 40; from++) {
			struct log_consistency proof;

			assert_int_equal(log_consistency_make(from, 40, grown_get, wrong,
							      &proof, NULL),
					 0);
			assert_int_equal(log_consistency_verify(
					     &proof, &grown.roots[from], &root, NULL),
					 TOBI_E_MISMATCH);
		}
	}
}

static void test_log_consistency_verify__shrinking__mismatch(void **state)
{
	struct log_consistency proof = consistency(3, 7);

	(void)state;
	proof.from = 7;
	proof.to = 3;
	assert_int_equal(verify_both(&proof), TOBI_E_MISMATCH);
	assert_int_equal(log_consistency_make(7, 3, grown_get, &grown, &proof, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(
	    log_consistency_make(7, LOG_SIZE_MAX + 1, grown_get, &grown, &proof, NULL),
	    TOBI_E_ARGUMENT);
}

/* A head that says another size than its root is of: the path has not its length. */
static void test_log_consistency_verify__root_of_another_size__mismatch(void **state)
{
	(void)state;
	for (uint64_t from = 1; from < 20; from++) {
		for (uint64_t to = from; to < 20; to++) {
			struct log_consistency proof = consistency(from, to);
			size_t held = 0;

			for (proof.to = from; proof.to < 64; proof.to++)
				held += !log_consistency_verify(
				    &proof, &grown.roots[from], &grown.roots[to], NULL);
			/* Where the path is of one length, the size is not in it: nor
			 * need it be, as the signature is over both. */
			proof.to = 2 * to + 1;
			assert_int_equal(log_consistency_verify(&proof,
								&grown.roots[from],
								&grown.roots[to], NULL),
					 TOBI_E_MISMATCH);
			assert_true(held >= 1);
		}
	}
}

static void test_log_consistency_verify__two_roots_of_one_size__mismatch(void **state)
{
	struct log_consistency proof = {.from = 9, .to = 9};

	(void)state;
	assert_int_equal(
	    log_consistency_verify(&proof, &grown.roots[9], &grown.roots[8], NULL),
	    TOBI_E_MISMATCH);
	proof.from = proof.to = 0;
	assert_int_equal(verify_both(&proof), 0);
	proof.to = 5;
	assert_int_equal(verify_both(&proof), 0);
	/* The root of nothing is one. */
	assert_int_equal(
	    log_consistency_verify(&proof, &grown.roots[1], &grown.roots[5], NULL),
	    TOBI_E_MISMATCH);
}

/* Two nodes a level, whatever the place. */
static void test_log_proof_make__nodes_read__logarithmic(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZES; size++) {
		size_t levels = 64 - (size_t)__builtin_clzll(size);

		for (uint64_t index = 0; index < size; index++) {
			grown.gets = 0;
			(void)inclusion(size, index);
			assert_true(grown.gets <= 2 * levels);
			grown.gets = 0;
			(void)consistency(index, size);
			assert_true(grown.gets <= 2 * levels);
		}
	}
}

static void test_log_root_of__every_size__the_root(void **state)
{
	struct log_hash root;

	(void)state;
	for (uint64_t size = 0; size <= SIZES; size++) {
		assert_int_equal(log_root_of(size, grown_get, &grown, &root, NULL), 0);
		assert_true(log_hash_equal(&root, &grown.roots[size]));
	}
	assert_int_equal(log_root_of(LOG_SIZE_MAX + 1, grown_get, &grown, &root, NULL),
			 TOBI_E_ARGUMENT);
}

static enum tobi_err get_nothing(void *context, unsigned level, uint64_t position,
				 struct log_hash *ret_hash, struct tobi_fault *fault)
{
	size_t *left = context;

	(void)fault;
	if (!(*left)--)
		return TOBI_E_NOT_FOUND;
	return grown_get(&grown, level, position, ret_hash, NULL);
}

static void test_log_proof_make__node_missing__its_error(void **state)
{
	struct log_inclusion found = {.size = 77};
	struct log_consistency both = {.to = 77};

	(void)state;
	for (size_t good = 0; good < 5; good++) {
		size_t left = good;

		assert_int_equal(
		    log_inclusion_make(100, 3, get_nothing, &left, &found, NULL),
		    TOBI_E_NOT_FOUND);
		left = good;
		assert_int_equal(
		    log_consistency_make(33, 100, get_nothing, &left, &both, NULL),
		    TOBI_E_NOT_FOUND);
	}
	assert_int_equal(found.size, 77);
	assert_int_equal(both.to, 77);
}

static void test_log_proof_read__what_was_written__the_same(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= SIZES; size += 3) {
		struct log_inclusion proof = inclusion(size, size / 3), again;
		struct log_consistency both = consistency(size / 2, size), both_again;
		struct writer out = wr_init(4096);
		struct block block;

		log_inclusion_write(&proof, &out);
		block = block_new(wr_view(&out));
		assert_int_equal(log_inclusion_read(block_view(block), &again, NULL), 0);
		assert_int_equal(again.size, proof.size);
		assert_int_equal(again.index, proof.index);
		assert_int_equal(verify(&again), 0);
		block_done(block);
		wr_done(&out);
		out = wr_init(4096);
		log_consistency_write(&both, &out);
		block = block_new(wr_view(&out));
		assert_int_equal(
		    log_consistency_read(block_view(block), &both_again, NULL), 0);
		assert_int_equal(verify_both(&both_again), 0);
		block_done(block);
		wr_done(&out);
	}
}

static void test_log_proof_read__cut_or_longer__refused(void **state)
{
	struct log_inclusion proof = inclusion(100, 3), again = {.size = 77};
	struct log_consistency both = consistency(33, 100), both_again;
	struct writer out = wr_init(4096), out_both = wr_init(4096);

	(void)state;
	log_inclusion_write(&proof, &out);
	log_consistency_write(&both, &out_both);
	for (size_t size = 0; size < out.size; size++) {
		struct block block = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_equal(log_inclusion_read(block_view(block), &again, NULL),
				 TOBI_E_TRUNCATED);
		block_done(block);
	}
	for (size_t size = 0; size < out_both.size; size++) {
		struct block block = block_new((struct tobi_bytes){out_both.ptr, size});

		assert_int_equal(
		    log_consistency_read(block_view(block), &both_again, NULL),
		    TOBI_E_TRUNCATED);
		block_done(block);
	}
	wr_u8(&out, 0);
	wr_u8(&out_both, 0);
	assert_int_equal(log_inclusion_read(wr_view(&out), &again, NULL),
			 TOBI_E_TRAILING);
	assert_int_equal(log_consistency_read(wr_view(&out_both), &both_again, NULL),
			 TOBI_E_TRAILING);
	assert_int_equal(again.size, 77);
	wr_done(&out);
	wr_done(&out_both);
}

static void refused(const char *hex, enum tobi_err err)
{
	struct block block = block_unhex(hex);
	struct log_inclusion proof;
	struct log_consistency both;

	assert_int_equal(log_inclusion_read(block_view(block), &proof, NULL), err);
	assert_int_equal(log_consistency_read(block_view(block), &both, NULL), err);
	block_done(block);
}

static void test_log_proof_read__wrong_shape__refused(void **state)
{
	struct block block = block_unhex("83010080"), back = block_unhex("83000180");
	struct log_inclusion proof;
	struct log_consistency both;
	struct writer out = wr_init(4096);

	(void)state;
	assert_int_equal(log_inclusion_read(block_view(block), &proof, NULL), 0);
	assert_int_equal(log_consistency_read(block_view(back), &both, NULL), 0);
	/* An index behind the size; a log that shrinks. */
	assert_int_equal(log_inclusion_read(block_view(back), &proof, NULL),
			 TOBI_E_MALFORMED);
	assert_int_equal(log_consistency_read(block_view(block), &both, NULL),
			 TOBI_E_MALFORMED);
	block_done(block);
	block_done(back);
	refused("820100", TOBI_E_MALFORMED);
	refused("8401008000", TOBI_E_LIMIT);
	refused("a0", TOBI_E_MALFORMED);
	refused("83200080", TOBI_E_MALFORMED);
	refused("83180200", TOBI_E_MALFORMED); /* 2 in two bytes */
	refused("831b400000000000000100", TOBI_E_LIMIT);
	refused("83020181410080", TOBI_E_MALFORMED);
	/* One hash too many, whatever they are. */
	wr_bytes(&out, "\x83\x02\x01\x98\x40", 5);
	for (size_t i = 0; i < LOG_LEVELS + 2; i++) {
		wr_bytes(&out, "\x58\x20", 2);
		assert_non_null(wr_reserve(&out, LOG_HASH_SIZE));
	}
	assert_int_equal(log_inclusion_read(wr_view(&out), &proof, NULL), TOBI_E_LIMIT);
	wr_done(&out);
}

static int grow(void **state)
{
	(void)state;
	grown_init(&grown, SIZES, NONE);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_inclusion__every_leaf_of_every_size__verifies),
	    cmocka_unit_test(test_log_inclusion_verify__of_something_else__mismatch),
	    cmocka_unit_test(test_log_inclusion_verify__each_hash_changed__mismatch),
	    cmocka_unit_test(test_log_inclusion_verify__path_cut_or_longer__mismatch),
	    cmocka_unit_test(test_log_inclusion_verify__node_as_a_leaf__mismatch),
	    cmocka_unit_test(test_log_inclusion_make__no_such_leaf__argument),
	    cmocka_unit_test(test_log_consistency__every_pair_of_sizes__verifies),
	    cmocka_unit_test(
		test_log_consistency_verify__path_changed_cut_longer__mismatch),
	    cmocka_unit_test(test_log_consistency_verify__changed_entry__mismatch),
	    cmocka_unit_test(test_log_consistency_verify__erased_or_reordered__mismatch),
	    cmocka_unit_test(test_log_consistency_verify__shrinking__mismatch),
	    cmocka_unit_test(test_log_consistency_verify__root_of_another_size__mismatch),
	    cmocka_unit_test(
		test_log_consistency_verify__two_roots_of_one_size__mismatch),
	    cmocka_unit_test(test_log_proof_make__nodes_read__logarithmic),
	    cmocka_unit_test(test_log_root_of__every_size__the_root),
	    cmocka_unit_test(test_log_proof_make__node_missing__its_error),
	    cmocka_unit_test(test_log_proof_read__what_was_written__the_same),
	    cmocka_unit_test(test_log_proof_read__cut_or_longer__refused),
	    cmocka_unit_test(test_log_proof_read__wrong_shape__refused),
	};

	return cmocka_run_group_tests(tests, grow, NULL);
}
