/* The secrets that an image declares, from the broker into the store. */
#include "broker_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "broker_secrets.h"

static struct {
	char folder[40];
	struct manifest manifest;
	struct secret_store *store;
	struct broker_secrets *secrets;
	unsigned stored, waits, failed;
	struct tobi_fault why;
} here;

static void on_stored(void *context)
{
	(void)context;
	here.stored++;
}

static void on_waits(void *context, const struct tobi_fault *why)
{
	(void)context;
	here.waits++;
	here.why = *why;
}

static void on_failed(void *context, const struct tobi_fault *why)
{
	(void)context;
	here.failed++;
	here.why = *why;
}

static int enter(void **state)
{
	broker_world_enter(state);
	memset(&here, 0, sizeof(here));
	snprintf(here.folder, sizeof(here.folder), "/tmp/tobichi-fetch-XXXXXX");
	assert_non_null(mkdtemp(here.folder));
	here.manifest.secrets[0] = bytes_of_text("db");
	here.manifest.secrets[1] = bytes_of_text("token");
	here.manifest.secret_count = 2;
	return secret_store_new(here.folder, &here.manifest, (uid_t)-1, (gid_t)-1,
				&here.store, NULL)
		   ? -1
		   : 0;
}

static int leave(void **state)
{
	broker_client_free(world.client);
	world.client = NULL;
	broker_secrets_free(here.secrets);
	secret_store_free(here.store);
	assert_int_equal(rmdir(here.folder), 0);
	return broker_world_leave(state);
}

static void fetch(const struct broker_answer *answers, size_t count)
{
	const struct broker_secrets_setup setup = {
	    .base = world.base,
	    .client = world.client,
	    .manifest = &here.manifest,
	    .place = bytes_of_text("shop/keys"),
	    .store = here.store,
	    .retry_ms = 1,
	    .retry_most_ms = 4,
	    .stored = on_stored,
	    .waits = on_waits,
	    .failed = on_failed,
	};

	world.answers = answers;
	world.answer_count = count;
	assert_int_equal(broker_secrets_new(&setup, &here.secrets, NULL), 0);
}

static void assert_content(const char *name, const char *content)
{
	CLEANUP(wr_done) struct writer read = wr_init(1024);
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", here.folder, name);
	assert_int_equal(file_read(path, 1024, "secret", &read, NULL), 0);
	assert_true(bytes_equal_text(wr_view(&read), content));
}

static void assert_no_more_is_asked(size_t asked)
{
	for (int i = 0; i < 40; i++)
		broker_world_turn();
	assert_int_equal(world.asked, asked);
}

static const struct broker_answer both[] = {{.bytes = BROKER_OK("3\r\n\r\none")},
					    {.bytes = BROKER_OK("0\r\n\r\n")}};

static void test_broker_secrets_declared__are_stored(void **state)
{
	(void)state;
	fetch(both, 2);
	broker_world_until(secret_store_is_complete(here.store));
	assert_int_equal(here.stored, 2);
	assert_int_equal(here.failed + here.waits, 0);
	assert_content("db", "one");
	assert_content("token", "");
	assert_non_null(strstr(world.heard[0], "GET /v1/secret/shop/keys/db HTTP"));
	assert_non_null(strstr(world.heard[1], "GET /v1/secret/shop/keys/token HTTP"));
	assert_no_more_is_asked(2);
}

/* The launch's owner may send as well; what is there stays as it is. */
static void test_broker_secrets_sent_by_the_owner__are_not_asked_for(void **state)
{
	const struct secrets_message sent = {.name = bytes_of_text("db"),
					     .content = bytes_of_text("sent"),
					     .name_is_valid = true};

	(void)state;
	assert_int_equal(secret_store_put(here.store, &sent), SECRET_STORED);
	fetch(both, 2);
	broker_world_until(secret_store_is_complete(here.store));
	assert_content("db", "sent");
	assert_content("token", "one");
	assert_no_more_is_asked(1);
}

static void test_broker_secrets_sent_meanwhile__stay(void **state)
{
	const struct secrets_message sent = {.name = bytes_of_text("db"),
					     .content = bytes_of_text("sent"),
					     .name_is_valid = true};

	(void)state;
	fetch(both, 2);
	assert_int_equal(secret_store_put(here.store, &sent), SECRET_STORED);
	broker_world_until(secret_store_is_complete(here.store));
	assert_content("db", "sent");
	assert_int_equal(here.failed, 0);
}

static void expect_end(const struct broker_answer *answer, enum tobi_err code)
{
	fetch(answer, 1);
	broker_world_until(here.failed);
	assert_int_equal(here.why.code, code);
	assert_false(secret_store_is_complete(here.store));
	assert_int_equal(here.stored, 0);
	/* It is the last word. */
	assert_no_more_is_asked(1);
	assert_int_equal(here.failed, 1);
	assert_int_equal(here.waits, 0);
}

static void test_broker_secrets_denied__ends_it(void **state)
{
	static const struct broker_answer answer = {
	    .bytes = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"};

	(void)state;
	expect_end(&answer, TOBI_E_DENIED);
	assert_non_null(strstr(here.why.message, "shop/keys/db"));
	assert_non_null(strstr(here.why.message, "config-id"));
}

static void test_broker_secrets_other_answer__ends_it(void **state)
{
	static const struct broker_answer answer = {
	    .bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};

	(void)state;
	expect_end(&answer, TOBI_E_PROTOCOL);
}

static void test_broker_secrets_redirected__ends_it(void **state)
{
	static const struct broker_answer answer = {
	    .bytes =
		"HTTP/1.1 303 See Other\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"};

	(void)state;
	expect_end(&answer, TOBI_E_PROTOCOL);
}

static void test_broker_secrets_other_key__ends_it(void **state)
{
	(void)state;
	world.broker_key[0] ^= 1;
	expect_end(&both[0], TOBI_E_DENIED);
}

static void test_broker_secrets_too_large__ends_it(void **state)
{
	static char bytes[64];
	const struct broker_answer answer = {.bytes = bytes};

	(void)state;
	snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
		 LIMIT_SECRET + 1);
	expect_end(&answer, TOBI_E_LIMIT);
}

/* Whoever waits for a broker is told once, until there is another reason. */
static void test_broker_secrets_unreachable__are_asked_for_again(void **state)
{
	static const struct broker_answer answers[] = {
	    {.connect = TOBI_E_SYSTEM},
	    {.connect = TOBI_E_SYSTEM},
	    {.connect = TOBI_E_SYSTEM},
	    {.bytes = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"},
	    {.bytes = "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"},
	    {.bytes = BROKER_OK("3\r\n\r\no"), .cut = true},
	    {.bytes = BROKER_OK("3\r\n\r\none")},
	    {.bytes = BROKER_OK("0\r\n\r\n")}};

	(void)state;
	fetch(answers, 8);
	broker_world_until(secret_store_is_complete(here.store));
	assert_int_equal(here.failed, 0);
	assert_int_equal(here.waits, 4);
	assert_content("db", "one");
	assert_int_equal(world.asked, 8);
}

static void test_broker_secrets_freed_while_it_waits__is_silent(void **state)
{
	static const struct broker_answer answers[] = {{.connect = TOBI_E_SYSTEM}};

	(void)state;
	fetch(answers, 1);
	broker_world_until(here.waits);
	broker_client_free(world.client);
	world.client = NULL;
	broker_secrets_free(here.secrets);
	here.secrets = NULL;
	assert_no_more_is_asked(world.asked);
	assert_int_equal(here.failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_broker_secrets_declared__are_stored),
	    TEST(test_broker_secrets_sent_by_the_owner__are_not_asked_for),
	    TEST(test_broker_secrets_sent_meanwhile__stay),
	    TEST(test_broker_secrets_denied__ends_it),
	    TEST(test_broker_secrets_other_answer__ends_it),
	    TEST(test_broker_secrets_redirected__ends_it),
	    TEST(test_broker_secrets_other_key__ends_it),
	    TEST(test_broker_secrets_too_large__ends_it),
	    TEST(test_broker_secrets_unreachable__are_asked_for_again),
	    TEST(test_broker_secrets_freed_while_it_waits__is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
