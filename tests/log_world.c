#include "tests/log_world.h"

#include "broker/schema.h"

struct log_world log_world;

static void migrate(void)
{
	static const struct db_migration rows[] = {{"log", schema_log},
						   {"details", schema_details}};

	assert_int_equal(db_migrate(db_world.db, rows, 2, NULL), 0);
}

static void open_log(void)
{
	struct tobi_fault fault = {0};

	if (decision_log_open(db_world.db, log_world.key, "test log", &log_world.log,
			      &fault))
		fail_msg("%s", fault.message);
}

int log_world_enter(void **state)
{
	assert_int_equal(db_world_enter(state), 0);
	migrate();
	assert_int_equal(key_new(KEY_P256, &log_world.key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &log_world.stranger, NULL), 0);
	assert_int_equal(key_spki_sha384(log_world.key, log_world.id, NULL), 0);
	open_log();
	return 0;
}

int log_world_leave(void **state)
{
	decision_log_free(log_world.log);
	EVP_PKEY_free(log_world.key);
	EVP_PKEY_free(log_world.stranger);
	log_world = (struct log_world){0};
	return db_world_leave(state);
}

void log_world_again(void)
{
	decision_log_free(log_world.log);
	log_world.log = NULL;
	db_world_again();
	open_log();
}

struct decision log_world_decision(const char *owner, int64_t time)
{
	return (struct decision){.kind = DECISION_RELEASE,
				 .time = time,
				 .accepted = true,
				 .remote = "192.0.2.1",
				 .channel = "kbs",
				 .principal = owner,
				 .resource = "default/key/1",
				 .version = 1,
				 .action = "release",
				 .reason = "accepted"};
}

void log_world_fill(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct decision decision = log_world_decision("alice", 1000 + i);
		struct tobi_fault fault = {0};

		if (decision_log_append(log_world.log, &decision, NULL, &fault))
			fail_msg("%s", fault.message);
	}
}
