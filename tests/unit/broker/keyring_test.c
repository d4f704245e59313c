/* Store keys, secrets under them, rotation, moves: on both databases, with wrap keys in
 * files. What each other provider does is in tests of its own. */
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "broker/broker.h"
#include "broker/keyring.h"
#include "tests/db_world.h"

static struct keyring *keyring;
static char place[160], path[128];

static const char secret_text[] = "correct horse battery staple, 42 times over";

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	snprintf(path, sizeof(path), "%s/wrap.key", db_world.folder);
	snprintf(place, sizeof(place), "file:%s", path);
	if (db_migrate(db_world.db, broker_migrations, broker_migration_count,
		       &db_world.fault) ||
	    keyring_init(db_world.db, place, NULL, &db_world.fault) ||
	    keyring_open(db_world.db, place, NULL, &keyring, &db_world.fault))
		fail_msg("%s", db_world.fault.message);
	return 0;
}

static int leave(void **state)
{
	keyring_free(keyring);
	keyring = NULL;
	return db_world_leave(state);
}

static enum tobi_err open_again(const char *from, struct keyring **ret_keyring)
{
	db_world.fault = (struct tobi_fault){0};
	return keyring_open(db_world.db, from, NULL, ret_keyring, &db_world.fault);
}

static struct writer seal_with(struct keyring *with, const char *context,
			       const char *plain)
{
	struct writer out = wr_init(1 << 20);

	if (keyring_seal(with, text_bytes(context), text_bytes(plain), &out,
			 &db_world.fault))
		fail_msg("%s", db_world.fault.message);
	return out;
}

static enum tobi_err open_with(struct keyring *with, const char *context,
			       struct tobi_bytes blob, struct secret *ret_plain)
{
	db_world.fault = (struct tobi_fault){0};
	return keyring_open_blob(with, text_bytes(context), blob, ret_plain,
				 &db_world.fault);
}

static void expect_plain(struct keyring *with, const char *context,
			 struct tobi_bytes blob, const char *plain)
{
	struct secret opened = {0};

	if (open_with(with, context, blob, &opened))
		fail_msg("%s", db_world.fault.message);
	assert_bytes_equal(secret_view(&opened), text_bytes(plain));
	secret_done(&opened);
}

static void test_keyring_seal__same_again__opens_and_never_repeats(void **state)
{
	struct writer one = seal_with(keyring, "a/b/c 1", secret_text);
	struct writer two = seal_with(keyring, "a/b/c 1", secret_text);
	struct writer none = seal_with(keyring, "", "");

	(void)state;
	expect_plain(keyring, "a/b/c 1", wr_view(&one), secret_text);
	expect_plain(keyring, "a/b/c 1", wr_view(&two), secret_text);
	expect_plain(keyring, "", wr_view(&none), "");
	/* No part but the header is the same: data keys and nonces are fresh. */
	assert_memory_not_equal(one.ptr + 9, two.ptr + 9, 60);
	assert_memory_not_equal(one.ptr + 69, two.ptr + 69, 12);
	assert_memory_not_equal(one.ptr + 81, two.ptr + 81, sizeof(secret_text) - 1);
	assert_null(memmem(one.ptr, one.size, "horse", 5));
	wr_done(&one);
	wr_done(&two);
	wr_done(&none);
}

static void test_keyring_open_blob__other_context__signature(void **state)
{
	struct writer sealed = seal_with(keyring, "a/b/c 1", secret_text);
	struct secret plain = {0};

	(void)state;
	assert_int_equal(open_with(keyring, "a/b/c 2", wr_view(&sealed), &plain),
			 TOBI_E_SIGNATURE);
	assert_int_equal(open_with(keyring, "", wr_view(&sealed), &plain),
			 TOBI_E_SIGNATURE);
	assert_null(plain.ptr);
	wr_done(&sealed);
}

static void test_keyring_open_blob__each_bit_flipped__refused(void **state)
{
	struct writer sealed = seal_with(keyring, "c", "0123456789");

	(void)state;
	for (size_t i = 0; i < sealed.size * 8; i++) {
		struct secret plain = {0};
		enum tobi_err err;

		sealed.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
		err = open_with(keyring, "c", wr_view(&sealed), &plain);
		if (i < 8)
			assert_int_equal(err, TOBI_E_UNSUPPORTED);
		else if (i < 72)
			assert_true(err == TOBI_E_NOT_FOUND || err == TOBI_E_MALFORMED);
		else
			assert_int_equal(err, TOBI_E_SIGNATURE);
		assert_null(plain.ptr);
		sealed.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	expect_plain(keyring, "c", wr_view(&sealed), "0123456789");
	wr_done(&sealed);
}

static void
test_keyring_open_blob__other_generation_of_the_same_ring__signature(void **state)
{
	struct writer sealed = seal_with(keyring, "c", "text");
	struct secret plain = {0};
	uint64_t generation = 0;

	(void)state;
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	sealed.ptr[8] = 2; /* the last byte of the generation */
	assert_int_equal(open_with(keyring, "c", wr_view(&sealed), &plain),
			 TOBI_E_SIGNATURE);
	wr_done(&sealed);
}

static void test_keyring_init__twice__exists(void **state)
{
	char other[160];

	(void)state;
	assert_int_equal(keyring_init(db_world.db, place, NULL, NULL), TOBI_E_EXISTS);
	snprintf(other, sizeof(other), "%s.other", place);
	assert_int_equal(keyring_init(db_world.db, other, NULL, NULL), TOBI_E_EXISTS);
	/* And made no file for it. */
	assert_int_not_equal(access(other + 5, F_OK), 0);
}

static void test_keyring_open__never_initialised__not_found(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	assert_int_equal(open_again(place, &none), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(db_world.fault.message, "tobichi broker init"));
}

static void test_keyring_open__wrap_key_lost__says_which(void **state)
{
	struct writer file = wr_init(4096);
	struct keyring *none = NULL;
	char moved[160];

	(void)state;
	snprintf(moved, sizeof(moved), "%s.away", path);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(open_again(place, &none), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
	assert_non_null(strstr(db_world.fault.message, path));
	/* It is named as the table names it. */
	assert_int_equal(db_world_number("SELECT count(*) FROM store_keys WHERE "
					 "length(wrap_key) = 16 AND provider = 'file'",
					 NO_VALUES),
			 2);
	/* Opening has made no new one in its place. */
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(rename(moved, path), 0);
	assert_int_equal(open_again(place, &none), TOBI_OK);
	keyring_free(none);
	wr_done(&file);
}

static void test_keyring_open__other_wrap_key__mismatch(void **state)
{
	static const char line[] = "tobichi-wrap-key-1 00112233445566778899aabbccddeeff00"
				   "112233445566778899aabbccddeeff\n";
	struct keyring *none = NULL;

	(void)state;
	assert_int_equal(file_write(path, 0600, text_bytes(line), "test", NULL), TOBI_OK);
	assert_int_equal(open_again(place, &none), TOBI_E_MISMATCH);
	assert_non_null(strstr(db_world.fault.message, "nothing in the database"));
	assert_null(none);
}

static void test_keyring_open__key_file_others_may_read__denied(void **state)
{
	struct keyring *none = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(open_again(place, &none), TOBI_E_DENIED);
	assert_int_equal(chmod(path, 0600), 0);
}

static void test_keyring_open__damaged_key_file__malformed(void **state)
{
	static const char *const odd[] = {
	    "",
	    "tobichi-wrap-key-1 ",
	    "tobichi-wrap-key-2 "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
	    "tobichi-wrap-key-1 "
	    "0011223344556677x899aabbccddeeff00112233445566778899aabbccddeeff\n",
	    "tobichi-wrap-key-1 "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	    "tobichi-wrap-key-1 "
	    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\n",
	};
	struct keyring *none = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_int_equal(file_write(path, 0600, text_bytes(odd[i]), "test", NULL),
				 TOBI_OK);
		assert_int_equal(open_again(place, &none), TOBI_E_MALFORMED);
	}
}

static void test_keyring_open__rows_changed__refused(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	/* The wrapped key of one generation as that of another. */
	db_world_do("UPDATE store_keys SET wrapped = (SELECT wrapped FROM store_keys "
		    "WHERE generation = 0) WHERE generation = 1",
		    NO_VALUES);
	assert_int_equal(open_again(place, &none), TOBI_E_SIGNATURE);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes("short"))));
	assert_int_equal(open_again(place, &none), TOBI_E_TRUNCATED);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(text_bytes("0123456789012345678901234567890123456789"))));
	assert_int_equal(open_again(place, &none), TOBI_E_SIGNATURE);
}

static void test_keyring_open__odd_location__argument(void **state)
{
	static const char *const odd[] = {"", "file", "files:/x", "/x", "rot13:x"};
	struct keyring *none = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_int_equal(open_again(odd[i], &none), TOBI_E_ARGUMENT);
		assert_non_null(strstr(db_world.fault.message, "file:"));
	}
}

static void test_keyring_rotate__two_brokers__the_second_takes_it(void **state)
{
	struct writer before = seal_with(keyring, "c", "old"), after;
	struct keyring *second = NULL;
	uint64_t generation = 0;

	(void)state;
	assert_int_equal(open_again(place, &second), TOBI_OK);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	assert_int_equal(generation, 2);
	/* What the first sealed since, the second opens; what the second seals now is
	 * under the new one, too; both open what was before. */
	after = seal_with(keyring, "c", "new");
	assert_int_equal(after.ptr[8], 2);
	expect_plain(second, "c", wr_view(&after), "new");
	wr_done(&after);
	after = seal_with(second, "c", "of the second");
	assert_int_equal(after.ptr[8], 2);
	expect_plain(keyring, "c", wr_view(&after), "of the second");
	expect_plain(second, "c", wr_view(&before), "old");
	expect_plain(keyring, "c", wr_view(&before), "old");
	/* And the other way round. */
	assert_int_equal(keyring_rotate(second, &generation, NULL), TOBI_OK);
	assert_int_equal(generation, 3);
	wr_done(&after);
	after = seal_with(keyring, "c", "third");
	assert_int_equal(after.ptr[8], 3);
	wr_done(&before);
	wr_done(&after);
	keyring_free(second);
}

static void test_keyring_rewrap__older__moves_to_the_newest(void **state)
{
	struct writer old = seal_with(keyring, "c", secret_text),
		      moved = wr_init(1 << 16);
	uint64_t generation = 0;
	bool changed = true;

	(void)state;
	assert_int_equal(keyring_rewrap(keyring, text_bytes("c"), wr_view(&old), &moved,
					&changed, NULL),
			 TOBI_OK);
	assert_false(changed);
	assert_bytes_equal(wr_view(&old), wr_view(&moved));
	wr_done(&moved);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	moved = wr_init(1 << 16);
	assert_int_equal(keyring_rewrap(keyring, text_bytes("other"), wr_view(&old),
					&moved, &changed, NULL),
			 TOBI_E_SIGNATURE);
	assert_false(changed);
	assert_int_equal(moved.size, 0);
	assert_int_equal(keyring_rewrap(keyring, text_bytes("c"), wr_view(&old), &moved,
					&changed, NULL),
			 TOBI_OK);
	assert_true(changed);
	assert_int_equal(moved.ptr[8], 2);
	/* The first generation is not needed for it any more. */
	db_world_do("DELETE FROM store_keys WHERE generation = 1", NO_VALUES);
	keyring_free(keyring);
	assert_int_equal(open_again(place, &keyring), TOBI_OK);
	expect_plain(keyring, "c", wr_view(&moved), secret_text);
	assert_int_equal(open_with(keyring, "c", wr_view(&old), &(struct secret){0}),
			 TOBI_E_NOT_FOUND);
	wr_done(&old);
	wr_done(&moved);
}

static void test_keyring_derive__all_brokers__the_same(void **state)
{
	struct keyring *second = NULL;
	uint8_t one[32], two[32], other[32];
	uint64_t generation = 0;

	(void)state;
	assert_int_equal(keyring_derive(keyring, "challenge", one, NULL), TOBI_OK);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	assert_int_equal(open_again(place, &second), TOBI_OK);
	assert_int_equal(keyring_derive(second, "challenge", two, NULL), TOBI_OK);
	assert_int_equal(keyring_derive(second, "cookie", other, NULL), TOBI_OK);
	assert_memory_equal(one, two, sizeof(one));
	assert_memory_not_equal(one, other, sizeof(one));
	keyring_free(second);
}

static void test_keyring_move__to_another_file__the_old_one_opens_nothing(void **state)
{
	struct writer sealed = seal_with(keyring, "c", secret_text);
	struct keyring *second = NULL;
	uint64_t generation = 0;
	char other[160];

	(void)state;
	snprintf(other, sizeof(other), "%s.new", place);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	assert_int_equal(open_again(place, &second), TOBI_OK);
	assert_int_equal(keyring_check(second, NULL), TOBI_OK);
	assert_int_equal(keyring_move(keyring, other, NULL, NULL), TOBI_OK);
	expect_plain(keyring, "c", wr_view(&sealed), secret_text);
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
	/* A broker that runs goes on, says that it is not ready, and makes no key that
	 * others could not open. */
	expect_plain(second, "c", wr_view(&sealed), secret_text);
	assert_int_equal(keyring_check(second, &db_world.fault), TOBI_E_MISMATCH);
	assert_non_null(strstr(db_world.fault.message, "moved"));
	assert_int_equal(keyring_rotate(second, &generation, NULL), TOBI_E_MISMATCH);
	keyring_free(second);
	second = NULL;
	assert_int_equal(open_again(place, &second), TOBI_E_MISMATCH);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_again(other, &second), TOBI_OK);
	expect_plain(second, "c", wr_view(&sealed), secret_text);
	keyring_free(second);
	wr_done(&sealed);
}

static void test_keyring_check__key_rows_gone__not_found(void **state)
{
	struct writer out = wr_init(4096);

	(void)state;
	assert_int_equal(keyring_check(keyring, NULL), TOBI_OK);
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	assert_int_equal(keyring_check(keyring, NULL), TOBI_E_NOT_FOUND);
	assert_int_equal(
	    keyring_seal(keyring, text_bytes("c"), text_bytes("p"), &out, NULL),
	    TOBI_E_NOT_FOUND);
	wr_done(&out);
}

static void test_keyring_seal__too_much__limit(void **state)
{
	const size_t most = 4 << 20;
	uint8_t *large = calloc(1, most + 1);
	struct writer out = wr_init(8 << 20);
	struct secret plain = {0};

	(void)state;
	assert_non_null(large);
	assert_int_equal(keyring_seal(keyring, text_bytes("c"),
				      (struct tobi_bytes){large, most + 1}, &out, NULL),
			 TOBI_E_LIMIT);
	assert_int_equal(keyring_seal(keyring, (struct tobi_bytes){large, 4097},
				      text_bytes("p"), &out, NULL),
			 TOBI_E_LIMIT);
	out.size = 0;
	assert_int_equal(keyring_seal(keyring, text_bytes("c"),
				      (struct tobi_bytes){large, most}, &out, NULL),
			 TOBI_OK);
	assert_int_equal(open_with(keyring, "c", wr_view(&out), &plain), TOBI_OK);
	assert_int_equal(plain.size, most);
	secret_done(&plain);
	wr_done(&out);
	free(large);
}

/* Threads that seal, open and rotate at once. */
static void *work(void *context)
{
	enum tobi_err *err = context;

	for (int i = 0; i < 20 && !*err; i++) {
		struct writer out = wr_init(4096);
		struct secret plain = {0};
		uint64_t generation = 0;

		if (i % 8 == 3)
			*err = keyring_rotate(keyring, &generation, NULL);
		if (!*err)
			*err = keyring_seal(keyring, text_bytes("c"), text_bytes("p"),
					    &out, NULL);
		if (!*err)
			*err = keyring_open_blob(keyring, text_bytes("c"), wr_view(&out),
						 &plain, NULL);
		secret_done(&plain);
		wr_done(&out);
	}
	return NULL;
}

static void test_keyring_rotate__while_others_seal__all_open(void **state)
{
	pthread_t threads[4];
	enum tobi_err errors[4] = {0};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &errors[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(errors[i], TOBI_OK);
	}
	assert_int_equal(
	    db_world_number("SELECT max(generation) FROM store_keys", NO_VALUES),
	    1 + 4 * 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keyring_seal__same_again__opens_and_never_repeats),
	    TEST(test_keyring_open_blob__other_context__signature),
	    TEST(test_keyring_open_blob__each_bit_flipped__refused),
	    TEST(test_keyring_open_blob__other_generation_of_the_same_ring__signature),
	    TEST(test_keyring_init__twice__exists),
	    TEST(test_keyring_open__never_initialised__not_found),
	    TEST(test_keyring_open__wrap_key_lost__says_which),
	    TEST(test_keyring_open__other_wrap_key__mismatch),
	    TEST(test_keyring_open__key_file_others_may_read__denied),
	    TEST(test_keyring_open__damaged_key_file__malformed),
	    TEST(test_keyring_open__rows_changed__refused),
	    TEST(test_keyring_open__odd_location__argument),
	    TEST(test_keyring_rotate__two_brokers__the_second_takes_it),
	    TEST(test_keyring_rewrap__older__moves_to_the_newest),
	    TEST(test_keyring_derive__all_brokers__the_same),
	    TEST(test_keyring_move__to_another_file__the_old_one_opens_nothing),
	    TEST(test_keyring_check__key_rows_gone__not_found),
	    TEST(test_keyring_seal__too_much__limit),
	    TEST(test_keyring_rotate__while_others_seal__all_open),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
