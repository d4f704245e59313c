#include "log/record.h"
#include "tests/unit/log/grown.h"

enum { SIZE = 13, INDEX = 5, OLD = 6 };

static struct grown grown, forked;
static EVP_PKEY *key, *stranger;
static uint8_t id[SHA384_SIZE];

static struct writer head_of(const struct grown *of, uint64_t size, const char *name,
			     EVP_PKEY *with)
{
	const struct log_head head = {.name = text_bytes(name),
				      .size = size,
				      .root = of->roots[size],
				      .time = 1795000000};
	struct writer out = wr_init(LOG_HEAD_MAX);

	assert_int_equal(log_head_sign(&head, with, &out, NULL), 0);
	return out;
}

static struct log_record inclusion_of(struct tobi_bytes head)
{
	struct log_record record = {.kind = LOG_RECORD_INCLUSION,
				    .head = head,
				    .leaf = text_bytes("leaf 5"),
				    .leaf_hash = grown.nodes[0][INDEX]};

	assert_int_equal(
	    log_inclusion_make(SIZE, INDEX, grown_get, &grown, &record.inclusion, NULL),
	    0);
	return record;
}

static struct log_record consistency_of(struct tobi_bytes older, struct tobi_bytes head)
{
	struct log_record record = {
	    .kind = LOG_RECORD_CONSISTENCY, .head = head, .older = older};

	assert_int_equal(
	    log_consistency_make(OLD, SIZE, grown_get, &grown, &record.consistency, NULL),
	    0);
	return record;
}

static struct writer written(const struct log_record *record)
{
	struct writer out = wr_init(LOG_RECORD_MAX);

	assert_int_equal(log_record_write(record, &out, NULL), 0);
	return out;
}

/* Through the file, as it is used. */
static enum tobi_err verify(const struct log_record *record, const uint8_t *with)
{
	struct writer out = written(record);
	struct log_record again;
	struct log_head head = {0}, older = {0};
	enum tobi_err err = log_record_read(wr_view(&out), &again, NULL);

	if (!err)
		err = log_record_verify(&again, with, &head, &older, NULL);
	if (!err)
		assert_int_equal(head.size, SIZE);
	if (!err && record->kind == LOG_RECORD_CONSISTENCY)
		assert_int_equal(older.size, OLD);
	wr_done(&out);
	return err;
}

static void test_log_record_verify__leaf_or_its_hash__good(void **state)
{
	struct writer head = head_of(&grown, SIZE, "log", key);
	struct log_record record = inclusion_of(wr_view(&head));

	(void)state;
	assert_int_equal(verify(&record, id), 0);
	assert_int_equal(verify(&record, NULL), 0);
	record.leaf = (struct tobi_bytes){0};
	assert_int_equal(verify(&record, id), 0);
	wr_done(&head);
}

static void test_log_record_verify__changed_leaf__mismatch(void **state)
{
	struct writer head = head_of(&grown, SIZE, "log", key);
	struct log_record record = inclusion_of(wr_view(&head));

	(void)state;
	record.leaf = text_bytes("leaf 6");
	assert_int_equal(verify(&record, id), TOBI_E_MISMATCH);
	record = inclusion_of(wr_view(&head));
	record.leaf = (struct tobi_bytes){0};
	record.leaf_hash.bytes[0] ^= 1;
	assert_int_equal(verify(&record, id), TOBI_E_MISMATCH);
	wr_done(&head);
}

static void test_log_record_verify__other_head__mismatch(void **state)
{
	struct writer smaller = head_of(&grown, SIZE - 1, "log", key);
	struct writer other = head_of(&forked, SIZE, "log", key);
	struct writer forged = head_of(&grown, SIZE, "log", stranger);
	struct log_record record = inclusion_of(wr_view(&smaller));

	(void)state;
	assert_int_equal(verify(&record, id), TOBI_E_MISMATCH);
	record = inclusion_of(wr_view(&other));
	assert_int_equal(verify(&record, id), TOBI_E_MISMATCH);
	record = inclusion_of(wr_view(&forged));
	assert_int_equal(verify(&record, id), TOBI_E_SIGNATURE);
	wr_done(&smaller);
	wr_done(&other);
	wr_done(&forged);
}

static void test_log_record_verify__two_heads__good(void **state)
{
	struct writer older = head_of(&grown, OLD, "log", key);
	struct writer head = head_of(&grown, SIZE, "log", key);
	struct log_record record = consistency_of(wr_view(&older), wr_view(&head));

	(void)state;
	assert_int_equal(verify(&record, id), 0);
	assert_int_equal(verify(&record, NULL), 0);
	wr_done(&older);
	wr_done(&head);
}

static void pair_refused(const struct grown *older_of, uint64_t older_size,
			 const char *older_name, EVP_PKEY *older_key,
			 const struct grown *head_grown, enum tobi_err err)
{
	struct writer older = head_of(older_of, older_size, older_name, older_key);
	struct writer head = head_of(head_grown, SIZE, "log", key);
	struct log_record record = consistency_of(wr_view(&older), wr_view(&head));

	assert_int_equal(verify(&record, id), err);
	/* Both heads are of one key, though it is not known which. */
	assert_int_equal(verify(&record, NULL), err);
	wr_done(&older);
	wr_done(&head);
}

static void test_log_record_verify__heads_that_do_not_follow__refused(void **state)
{
	(void)state;
	pair_refused(&grown, OLD, "log", key, &grown, TOBI_OK);
	pair_refused(&forked, OLD, "log", key, &grown, TOBI_E_MISMATCH);
	pair_refused(&grown, OLD, "log", key, &forked, TOBI_E_MISMATCH);
	pair_refused(&grown, OLD + 1, "log", key, &grown, TOBI_E_MISMATCH);
	pair_refused(&grown, OLD, "another", key, &grown, TOBI_E_MISMATCH);
	pair_refused(&grown, OLD, "log", stranger, &grown, TOBI_E_SIGNATURE);
	/* Rolled back: the newer head is the smaller. */
	pair_refused(&grown, SIZE + 1, "log", key, &grown, TOBI_E_MISMATCH);
	/* A fork: two heads of one size. */
	pair_refused(&forked, SIZE, "log", key, &grown, TOBI_E_MISMATCH);
}

static void test_log_head_follows__each_way__said(void **state)
{
	struct log_head older = {.name = text_bytes("log"), .size = 5}, newer = older;
	struct tobi_fault fault;

	(void)state;
	assert_int_equal(log_head_follows(&older, &newer, &fault), 0);
	newer.size = 4;
	assert_int_equal(log_head_follows(&older, &newer, &fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.message,
			    "ENTRIES ERASED: the log had 5 entries, and has 4");
	newer.size = 5;
	newer.root.bytes[31] = 1;
	assert_int_equal(log_head_follows(&older, &newer, &fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.message, "FORK: there are two logs of 5 entries");
	newer.size = 6;
	assert_int_equal(log_head_follows(&older, &newer, &fault), 0);
	newer.name = text_bytes("log2");
	assert_int_equal(log_head_follows(&older, &newer, &fault), TOBI_E_MISMATCH);
	assert_string_equal(fault.field, "name");
}

static void cut(const struct log_record *record)
{
	struct writer out = written(record);
	struct log_record again = {.kind = 77};

	for (size_t size = 0; size < out.size; size++) {
		struct block block = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_equal(log_record_read(block_view(block), &again, NULL),
				 TOBI_E_TRUNCATED);
		block_done(block);
	}
	wr_u8(&out, 0);
	assert_int_equal(log_record_read(wr_view(&out), &again, NULL), TOBI_E_TRAILING);
	assert_int_equal(again.kind, 77);
	wr_done(&out);
}

/* No bit of a proof file is idle, in neither kind. */
static void flip(const struct log_record *record)
{
	struct writer out = written(record);

	for (size_t i = 0; i < out.size; i++) {
		struct block block = block_new(wr_view(&out));
		struct log_record again;
		struct log_head head;
		enum tobi_err err;

		block.ptr[i] ^= 1;
		err = log_record_read(block_view(block), &again, NULL);
		if (!err)
			err = log_record_verify(&again, id, &head, NULL, NULL);
		assert_int_not_equal(err, 0);
		block_done(block);
	}
	wr_done(&out);
}

static void test_log_record_read__cut_longer_or_changed__refused(void **state)
{
	struct writer older = head_of(&grown, OLD, "log", key);
	struct writer head = head_of(&grown, SIZE, "log", key);
	struct log_record record = inclusion_of(wr_view(&head));

	(void)state;
	cut(&record);
	flip(&record);
	record.leaf = (struct tobi_bytes){0};
	cut(&record);
	flip(&record);
	record = consistency_of(wr_view(&older), wr_view(&head));
	cut(&record);
	flip(&record);
	wr_done(&older);
	wr_done(&head);
}

static void refused(const char *hex, enum tobi_err err)
{
	struct block block = block_unhex(hex);
	struct log_record record;

	assert_int_equal(log_record_read(block_view(block), &record, NULL), err);
	block_done(block);
}

static void test_log_record_read__wrong_shape__refused(void **state)
{
	(void)state;
	refused("a5000101010240034483010080044178", TOBI_OK);
	refused("a5000101020240034483000180"
		"0640",
		TOBI_OK);
	refused("a5000201010240034483010080044178", TOBI_E_UNSUPPORTED);
	refused("a5000101030240034483010080044178", TOBI_E_UNSUPPORTED);
	refused("a5000101000240034483010080044178", TOBI_E_UNSUPPORTED);
	refused("a50001010102400344830100800440", TOBI_E_MALFORMED);
	refused("a5000101010240034483010080"
		"0640",
		TOBI_E_MALFORMED);
	refused("a5000101020240034483000180"
		"0440",
		TOBI_E_MALFORMED);
	refused("a500010101024003448301008005417a", TOBI_E_MALFORMED);
	refused("a40001010102400344"
		"83010080",
		TOBI_E_MALFORMED);
	refused("a6000101010240034483010080"
		"0441780640",
		TOBI_E_LIMIT);
	refused("a50001010102400340044178", TOBI_E_TRUNCATED);
}

static int set_up(void **state)
{
	(void)state;
	grown_init(&grown, SIZE + 1, GROWN_MAX);
	grown_init(&forked, SIZE + 1, 2);
	return key_new(KEY_P256, &key, NULL) || key_new(KEY_P256, &stranger, NULL) ||
	       key_spki_sha384(key, id, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_record_verify__leaf_or_its_hash__good),
	    cmocka_unit_test(test_log_record_verify__changed_leaf__mismatch),
	    cmocka_unit_test(test_log_record_verify__other_head__mismatch),
	    cmocka_unit_test(test_log_record_verify__two_heads__good),
	    cmocka_unit_test(test_log_record_verify__heads_that_do_not_follow__refused),
	    cmocka_unit_test(test_log_head_follows__each_way__said),
	    cmocka_unit_test(test_log_record_read__cut_longer_or_changed__refused),
	    cmocka_unit_test(test_log_record_read__wrong_shape__refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
