/* The table of store keys: what of it is taken, and what somebody has who stole it. On
 * both databases, with a wrap key in a file. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "broker/keyring_aead.h"
#include "tests/key_world.h"

static struct keyring *keyring;
static char place[160], path[128];

static const char secret_text[] = "correct horse battery staple, 42 times over";

static int enter(void **state)
{
	if (db_world_enter(state))
		return -1;
	snprintf(path, sizeof(path), "%s/wrap.key", db_world.folder);
	snprintf(place, sizeof(place), "file:%s", path);
	keyring = key_world_make(place, NULL);
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
	return key_world_open(from, NULL, ret_keyring);
}

/* ---- limits of the table ---- */

static const char known_line[] = "tobichi-wrap-key-1 "
				 "0707070707070707070707070707070707070707070707070707"
				 "070707070707\n";

/* The row of a generation, as a keyring with the known key would have written it. */
static void put_generation(uint64_t generation)
{
	uint8_t wrap_key[AEAD_KEY], plain[44] = "TBK1";
	struct writer wrapped = wr_init(4096);

	memset(wrap_key, 7, sizeof(wrap_key));
	for (int i = 0; i < 8; i++)
		plain[4 + i] = (uint8_t)(generation >> (56 - 8 * i));
	assert_int_equal(aead_seal(wrap_key, text_bytes("tobichi store key"),
				   (struct tobi_bytes){plain, sizeof(plain)}, &wrapped,
				   NULL),
			 TOBI_OK);
	db_world_do("INSERT INTO store_keys (generation, provider, wrap_key, wrapped) "
		    "SELECT ?, provider, wrap_key, ? FROM store_keys WHERE generation = "
		    "1",
		    VALUES(N((int64_t)generation), B(wr_view(&wrapped))));
	wr_done(&wrapped);
}

static void test_keyring_rotate__last_generation__limit(void **state)
{
	uint64_t generation = 0;

	(void)state;
	db_world_do("DELETE FROM store_keys", NO_VALUES);
	assert_int_equal(file_write(path, 0600, text_bytes(known_line), "test", NULL),
			 TOBI_OK);
	assert_int_equal(keyring_init(db_world.db, place, NULL, NULL), TOBI_OK);
	put_generation(1022);
	keyring_free(keyring);
	assert_int_equal(open_again(place, &keyring), TOBI_OK);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	assert_int_equal(generation, 1023);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_E_LIMIT);
	assert_int_equal(generation, 1023);
}

static void test_keyring_open__too_many_rows__limit(void **state)
{
	struct keyring *none = NULL;

	(void)state;
	db_world_do("INSERT INTO store_keys (generation, provider, wrap_key, wrapped) "
		    "WITH RECURSIVE more (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM "
		    "more WHERE n < 1024) SELECT more.n, s.provider, s.wrap_key, "
		    "s.wrapped FROM more, store_keys s WHERE s.generation = 1",
		    NO_VALUES);
	assert_int_equal(db_world_number("SELECT count(*) FROM store_keys", NO_VALUES),
			 1025);
	assert_int_equal(open_again(place, &none), TOBI_E_LIMIT);
	/* One fewer is read, and then refused for what it is. */
	db_world_do("DELETE FROM store_keys WHERE generation = 1024", NO_VALUES);
	assert_int_equal(open_again(place, &none), TOBI_E_SIGNATURE);
}

static void test_keyring_open__large_row__malformed(void **state)
{
	static const uint8_t large[8193];
	struct keyring *none = NULL;

	(void)state;
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(((struct tobi_bytes){large, sizeof(large)}))));
	assert_int_equal(open_again(place, &none), TOBI_E_MALFORMED);
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(((struct tobi_bytes){large, sizeof(large) - 1}))));
	assert_int_equal(open_again(place, &none), TOBI_E_SIGNATURE);
}

/* ---- a database that was stolen ---- */

static const char *needle;
static size_t files_seen, files_with_it;

static int look_into(const char *name, const struct stat *st, int kind, struct FTW *at)
{
	struct writer content = wr_init(256 << 20);

	(void)at;
	if (kind != FTW_F || !S_ISREG(st->st_mode) || strstr(name, "wrap.key"))
		return 0;
	assert_int_equal(file_read(name, 256 << 20, "stolen", &content, NULL), TOBI_OK);
	files_seen++;
	files_with_it +=
	    content.size && memmem(content.ptr, content.size, needle, strlen(needle));
	wr_done(&content);
	return 0;
}

/* How many of the database's files have the text. */
static size_t stolen_with(const char *text)
{
	char folder[300];

	/* Of the server: beside its control script. */
	if (db_world.postgres)
		snprintf(folder, sizeof(folder), "%.*s/data",
			 (int)(strrchr(getenv("TOBICHI_TEST_POSTGRES"), '/') -
			       getenv("TOBICHI_TEST_POSTGRES")),
			 getenv("TOBICHI_TEST_POSTGRES"));
	else
		snprintf(folder, sizeof(folder), "%s", db_world.folder);
	needle = text;
	files_seen = files_with_it = 0;
	assert_int_equal(nftw(folder, look_into, 16, FTW_PHYS), 0);
	assert_true(files_seen > 0);
	return files_with_it;
}

static void test_keyring__stolen_database__has_no_plain_text(void **state)
{
	static const char in_the_open[] = "this text is in the open, to be found";
	struct writer sealed = wr_init(1 << 16);
	struct keyring *none = NULL;
	char thief[160];

	(void)state;
	assert_int_equal(keyring_seal(keyring, text_bytes("a/b/c 1"),
				      text_bytes(secret_text), &sealed, NULL),
			 TOBI_OK);
	db_world_do("CREATE TABLE resources_of_test (name TEXT, content BYTEA)",
		    NO_VALUES);
	db_world_do("INSERT INTO resources_of_test VALUES (?, ?)",
		    VALUES(T(in_the_open), B(wr_view(&sealed))));
	db_world_do(db_world.postgres ? "CHECKPOINT" : "PRAGMA wal_checkpoint(FULL)",
		    NO_VALUES);
	assert_true(stolen_with(in_the_open) > 0);
	assert_int_equal(stolen_with(secret_text), 0);
	assert_int_equal(stolen_with("battery staple"), 0);
	assert_int_equal(stolen_with("TBK1"), 0);
	/* All of the database, without the wrap key, or with the thief's own. */
	snprintf(thief, sizeof(thief), "file:%s/thief.key", db_world.folder);
	assert_int_equal(open_again(thief, &none), TOBI_E_NOT_FOUND);
	assert_int_equal(file_write(thief + 5, 0600,
				    text_bytes("tobichi-wrap-key-1 "
					       "0123456789abcdef0123456789abcdef"
					       "0123456789abcdef0123456789abcdef\n"),
				    "test", NULL),
			 TOBI_OK);
	assert_int_equal(open_again(thief, &none), TOBI_E_MISMATCH);
	/* Not even when the thief writes its key's name into the table. */
	db_world_do("UPDATE store_keys SET wrap_key = ?",
		    VALUES(T(strstr(db_world.fault.message, "has the wrap key ") + 17)));
	assert_int_equal(open_again(thief, &none), TOBI_E_SIGNATURE);
	wr_done(&sealed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keyring_rotate__last_generation__limit),
	    TEST(test_keyring_open__too_many_rows__limit),
	    TEST(test_keyring_open__large_row__malformed),
	    TEST(test_keyring__stolen_database__has_no_plain_text),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
