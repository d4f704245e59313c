#include "tests/key_world.h"

#include "broker/broker.h"

struct keyring *key_world_make(const char *place, const char *pin_file)
{
	struct keyring *keyring = NULL;

	if (db_migrate(db_world.db, broker_migrations, broker_migration_count,
		       &db_world.fault) ||
	    keyring_init(db_world.db, place, pin_file, &db_world.fault) ||
	    key_world_open(place, pin_file, &keyring))
		fail_msg("%s: %s: %s", db_world.fault.object, db_world.fault.field,
			 db_world.fault.message);
	return keyring;
}

enum tobi_err key_world_open(const char *place, const char *pin_file,
			     struct keyring **ret_keyring)
{
	db_world.fault = (struct tobi_fault){0};
	return keyring_open(db_world.db, place, pin_file, ret_keyring, &db_world.fault);
}

void key_world_round(struct keyring *keyring, const char *place, const char *pin_file)
{
	struct writer one = wr_init(4096), two = wr_init(4096);
	struct keyring *second = NULL;
	struct secret plain = {0};
	uint64_t generation = 0;

	assert_int_equal(
	    keyring_seal(keyring, text_bytes("c"), text_bytes("first"), &one, NULL),
	    TOBI_OK);
	assert_int_equal(key_world_open(place, pin_file, &second), TOBI_OK);
	assert_int_equal(keyring_rotate(keyring, &generation, NULL), TOBI_OK);
	assert_int_equal(generation, 2);
	assert_int_equal(
	    keyring_seal(keyring, text_bytes("c"), text_bytes("second"), &two, NULL),
	    TOBI_OK);
	assert_int_equal(
	    keyring_open_blob(second, text_bytes("c"), wr_view(&one), &plain, NULL),
	    TOBI_OK);
	assert_bytes_equal(secret_view(&plain), text_bytes("first"));
	secret_done(&plain);
	assert_int_equal(
	    keyring_open_blob(second, text_bytes("c"), wr_view(&two), &plain, NULL),
	    TOBI_OK);
	assert_bytes_equal(secret_view(&plain), text_bytes("second"));
	secret_done(&plain);
	assert_int_equal(keyring_check(second, NULL), TOBI_OK);
	keyring_free(second);
	wr_done(&one);
	wr_done(&two);
}

struct row {
	uint8_t bytes[8192];
	size_t size;
};

static enum tobi_err take_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct row *row = context;

	(void)count;
	(void)fault;
	assert_int_equal(values[0].kind, DB_BYTES);
	row->size = values[0].bytes.size;
	bytes_copy(row->bytes, sizeof(row->bytes), values[0].bytes.ptr, row->size);
	return TOBI_OK;
}

static void put_row(const uint8_t *bytes, size_t size)
{
	db_world_do("UPDATE store_keys SET wrapped = ? WHERE generation = 1",
		    VALUES(B(((struct tobi_bytes){bytes, size}))));
}

void key_world_damage(const char *place, const char *pin_file)
{
	static struct row row;
	struct keyring *none = NULL;

	assert_int_equal(db_run(db_world.conn,
				"SELECT wrapped FROM store_keys WHERE generation = 1",
				NO_VALUES, take_row, &row, NULL, NULL),
			 TOBI_OK);
	assert_null(memmem(row.bytes, row.size, "TBK1", 4));
	for (size_t i = 0; i < row.size; i += 1 + row.size / 16) {
		put_row(row.bytes, i);
		assert_int_not_equal(key_world_open(place, pin_file, &none), TOBI_OK);
		row.bytes[i] ^= 0x10;
		put_row(row.bytes, row.size);
		assert_int_not_equal(key_world_open(place, pin_file, &none), TOBI_OK);
		row.bytes[i] ^= 0x10;
	}
	assert_null(none);
	put_row(row.bytes, row.size);
	assert_int_equal(key_world_open(place, pin_file, &none), TOBI_OK);
	keyring_free(none);
}
