#include "tests/check.h"

#include <arpa/inet.h>

#include "daemons/broker/clients.h"

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in6 *six = (void *)&address;
	struct sockaddr_in *four = (void *)&address;

	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
		six->sin6_family = AF_INET6;
	}
	return address;
}

static struct client *join(struct clients *clients, const char *text)
{
	struct sockaddr_storage address = address_of(text);

	return clients_join(clients, (struct sockaddr *)&address, 0);
}

static struct clients *clients_of(unsigned connections, uint64_t rate, uint64_t burst)
{
	const struct clients_limits limits = {connections, rate, burst};
	struct clients *clients = NULL;

	assert_int_equal(clients_new(&limits, &clients, NULL), TOBI_OK);
	return clients;
}

static void test_bucket__empty__fills_with_time(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_fill(&bucket, 2, 1000);
	assert_true(bucket_take(&bucket, 10, 2, 1000));
	assert_true(bucket_take(&bucket, 10, 2, 1000));
	assert_false(bucket_take(&bucket, 10, 2, 1000));
	/* Ten a second: one each tenth of it. */
	assert_false(bucket_take(&bucket, 10, 2, 1099));
	assert_true(bucket_take(&bucket, 10, 2, 1100));
	assert_false(bucket_take(&bucket, 10, 2, 1100));
	/* Never more than the burst. */
	assert_true(bucket_take(&bucket, 10, 2, INT64_MAX));
	assert_true(bucket_take(&bucket, 10, 2, INT64_MAX));
	assert_false(bucket_take(&bucket, 10, 2, INT64_MAX));
	/* A clock that jumps back gives nothing. */
	assert_false(bucket_take(&bucket, 10, 2, 0));
}

static void test_bucket__no_rate__no_limit(void **state)
{
	struct bucket bucket;

	(void)state;
	bucket_fill(&bucket, 1, 0);
	for (int i = 0; i < 100; i++)
		assert_true(bucket_take(&bucket, 0, 1, 0));
}

static void test_clients__one_address__bounded(void **state)
{
	struct clients *clients = clients_of(2, 1, 2);
	struct client *client = join(clients, "192.0.2.1");

	(void)state;
	assert_non_null(client);
	assert_ptr_equal(join(clients, "192.0.2.1"), client);
	assert_null(join(clients, "192.0.2.1"));
	assert_non_null(join(clients, "192.0.2.2"));
	clients_leave(clients, client);
	assert_ptr_equal(join(clients, "192.0.2.1"), client);
	assert_true(clients_may(clients, client, 0));
	assert_true(clients_may(clients, client, 0));
	assert_false(clients_may(clients, client, 0));
	clients_free(clients);
}

/* One customer has 2^64 addresses of IPv6, and an IPv4 address has two spellings. */
static void test_clients__same_customer__one_client(void **state)
{
	struct clients *clients = clients_of(10, 1, 1);

	(void)state;
	assert_ptr_equal(join(clients, "2001:db8::1"), join(clients, "2001:db8::2:3"));
	assert_ptr_not_equal(join(clients, "2001:db8::1"),
			     join(clients, "2001:db8:0:1::1"));
	assert_ptr_equal(join(clients, "192.0.2.1"), join(clients, "::ffff:192.0.2.1"));
	assert_ptr_not_equal(join(clients, "0.0.0.1"), join(clients, "::"));
	clients_free(clients);
}

/* The table is full of addresses that are connected: a new one is refused. When they have
 * gone, it finds room. */
static void test_clients__table_full__refused(void **state)
{
	static struct client *joined[1 << 16];
	struct clients *clients = clients_of(1, 1, 1);
	unsigned refused = 0, again = 0;

	(void)state;
	for (unsigned i = 0; i < 1 << 16; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(i)};

		joined[i] = clients_join(clients, (struct sockaddr *)&address, i);
		refused += !joined[i];
	}
	/* 8192 have room. */
	assert_true(refused >= (1 << 16) - 8192);
	assert_true(refused < 1 << 16);
	for (unsigned i = 0; i < 1 << 16; i++) {
		if (joined[i])
			clients_leave(clients, joined[i]);
	}
	for (unsigned i = 1 << 16; i < (1 << 16) + 100; i++) {
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(i)};
		struct client *client =
		    clients_join(clients, (struct sockaddr *)&address, i);

		again += client != NULL;
		if (client)
			clients_leave(clients, client);
	}
	assert_int_equal(again, 100);
	clients_free(clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bucket__empty__fills_with_time),
	    cmocka_unit_test(test_bucket__no_rate__no_limit),
	    cmocka_unit_test(test_clients__one_address__bounded),
	    cmocka_unit_test(test_clients__same_customer__one_client),
	    cmocka_unit_test(test_clients__table_full__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
