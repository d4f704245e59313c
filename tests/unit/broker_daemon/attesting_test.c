/* The listener of attested TLS: who proves nothing is not heard, evidence is memory that
 * is counted, and nothing else is done there. */
#include "world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "tobichi/atls.h"

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static const char *const broker_protocol[] = {"tobichi-broker/1", NULL};

/* A client, and what it shows. The server keeps evidence and does not judge it. */
static struct client_end {
	size_t size; /* of its evidence */
	bool cannot;
	uint8_t evidence[LIMIT_EVIDENCE];
	struct tobi_atls *atls;
	struct tobi_atls_session *session;
} client;

static int64_t now(void)
{
	return time(NULL);
}

static enum tobi_err give_evidence(void *context, struct tobi_bytes claims_buffer,
				   struct tobi_bytes *ret_collection,
				   struct tobi_fault *fault)
{
	const struct client_end *end = context;

	(void)fault;
	assert_true(claims_buffer.size > 32);
	*ret_collection = (struct tobi_bytes){end->evidence, end->size};
	return end->cannot ? TOBI_E_SYSTEM : TOBI_OK;
}

static enum tobi_err open_as(const char *const *protocols, int fd)
{
	const struct tobi_atls_options options = {.now = now,
						  .protocols = protocols,
						  .evidence = give_evidence,
						  .context = &client};

	assert_int_equal(tobi_atls_client_new(NULL, &options, &client.atls, NULL), 0);
	return tobi_atls_open(client.atls, fd, &client.session, NULL);
}

static enum tobi_err open_session(void)
{
	return open_as(broker_protocol, world_connect_attested());
}

static void end_session(void)
{
	tobi_atls_close(client.session);
	tobi_atls_free(client.atls);
	client.session = NULL;
	client.atls = NULL;
}

static enum tobi_err say(const char *text)
{
	return tobi_atls_write(client.session,
			       (struct tobi_bytes){(const uint8_t *)text, strlen(text)},
			       NULL);
}

/* The status; its body in out. 0: no reply. */
static int hear(char *out, size_t room)
{
	char all[4096] = "";
	size_t got = 0, some, length = 0;
	const char *end, *at;
	int status = 0;

	for (;;) {
		end = strstr(all, "\r\n\r\n");
		at = strstr(all, "Content-Length: ");
		if (end && at && sscanf(at, "Content-Length: %zu", &length) == 1 &&
		    (size_t)(end - all) + 4 + length <= got)
			break;
		if (tobi_atls_read(client.session, all + got, sizeof(all) - 1 - got,
				   &some, NULL) ||
		    !some)
			return 0;
		got += some;
		all[got] = 0;
	}
	assert_int_equal(sscanf(all, "HTTP/1.1 %d", &status), 1);
	snprintf(out, room, "%.*s", (int)length, end + 4);
	return status;
}

static int get(const char *request, char *out, size_t room)
{
	return say(request) ? 0 : hear(out, room);
}

static int setup(void **state)
{
	(void)state;
	memset(&client, 0, sizeof(client));
	client.size = 9;
	return 0;
}

static void test_attesting__evidence__requests_have_it(void **state)
{
	char out[512];

	(void)state;
	world_start_attested("");
	assert_int_equal(open_session(), 0);
	assert_string_equal(tobi_atls_protocol(client.session), "tobichi-broker/1");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 200);
		assert_non_null(strstr(out, "secure 1 key "));
		assert_null(strstr(out, "key -1"));
		assert_non_null(strstr(out, " proven 9 over "));
		assert_non_null(strstr(out, " by atls from 127.0.0.1"));
	}
	assert_int_equal(get("POST /proven/echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
			     "4\r\n\r\nwhat",
			     out, sizeof(out)),
			 200);
	assert_string_equal(out, "what");
	assert_int_equal(world_count()->sessions, 1);
	end_session();
	world_stop();
}

/* They are for those who prove nothing, or who sign. */
static void test_attesting__other_routes__are_not_there(void **state)
{
	static const char *const others[] = {REQUEST("/hello"),	  REQUEST("/seen"),
					     REQUEST("/owner"),	  REQUEST("/secret"),
					     REQUEST("/healthz"), REQUEST("/metrics")};
	char out[512];

	(void)state;
	world_start_attested("");
	assert_int_equal(open_session(), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(get(others[i], out, sizeof(out)), 404);
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 200);
	end_session();
	world_stop();
}

static void test_attesting__elsewhere__is_refused(void **state)
{
	char out[512];
	int fd;

	(void)state;
	world_start_attested("");
	fd = world_connect();
	world_send(fd, REQUEST("/proven"), strlen(REQUEST("/proven")));
	assert_int_equal(world_read_reply(fd, out, sizeof(out)), 403);
	assert_non_null(strstr(out, "attested TLS only"));
	close(fd);
	world_stop();
}

static void wait_until_closed(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) == 1)
		continue;
	close(fd);
}

static void test_attesting__no_evidence__no_session(void **state)
{
	(void)state;
	world_start_attested("");
	client.cannot = true;
	assert_int_not_equal(open_session(), 0);
	end_session();
	world_stop();
	assert_int_equal(world_count_last()->sessions, 0);
	assert_int_equal(world_count_last()->bad_sessions, 1);
}

static void test_attesting__another_protocol__no_session(void **state)
{
	static const char *const other[] = {"tobichi-secrets/1", NULL};
	char out[64];

	(void)state;
	world_start_attested("");
	/* The exchange ends well, and the broker ends the session. */
	IGNORE(open_as(other, world_connect_attested()));
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 0);
	end_session();
	IGNORE(open_as(NULL, world_connect_attested()));
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 0);
	end_session();
	world_stop();
	assert_int_equal(world_count_last()->sessions, 0);
	assert_int_equal(world_count_last()->bad_sessions, 2);
}

static void test_attesting__no_attested_tls__is_closed(void **state)
{
	int fd;

	(void)state;
	world_start_attested("");
	fd = world_connect_attested();
	world_send(fd, REQUEST("/proven"), strlen(REQUEST("/proven")));
	wait_until_closed(fd);
	world_stop();
	assert_int_equal(world_count_last()->bad_sessions, 1);
}

static void test_attesting__silent__is_closed(void **state)
{
	int fd;

	(void)state;
	world_start_attested("  head-seconds: 1\n");
	fd = world_connect_attested();
	wait_until_closed(fd);
	world_stop();
	assert_int_equal(world_count_last()->bad_sessions, 1);
}

/* ---- memory ---- */

/* All that there is, and not a byte more than one exchange takes. */
static void start_small(void)
{
	char limits[64];

	snprintf(limits, sizeof(limits), "  body-memory: %d\n", CONFIG_EVIDENCE_MEMORY);
	world_start_attested(limits);
}

/* The server has seen that the other one has gone. */
static void open_when_there_is_room(void)
{
	while (open_session())
		end_session();
}

static void test_attesting__exchange_goes_on__its_memory_is_put_by(void **state)
{
	char out[512];
	int waits;

	(void)state;
	start_small();
	waits = world_connect_attested();
	/* The first is accepted before the second. */
	wait_until_closed(world_connect_attested());
	close(waits);
	open_when_there_is_room();
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 200);
	end_session();
	world_stop();
	assert_true(world_count_last()->no_memory >= 1);
}

static void test_attesting__session_is_open__its_evidence_counts(void **state)
{
	char out[512];

	(void)state;
	start_small();
	client.size = 600 << 10;
	assert_int_equal(open_session(), 0);
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 200);
	assert_non_null(strstr(out, " proven 614400 over "));
	wait_until_closed(world_connect_attested());
	/* A body has room beside it. */
	assert_int_equal(get("POST /proven/echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
			     "4\r\n\r\nwhat",
			     out, sizeof(out)),
			 200);
	end_session();
	client.size = 9;
	open_when_there_is_room();
	end_session();
	world_stop();
	assert_true(world_count_last()->no_memory >= 1);
}

/* ---- limits ---- */

static void test_attesting__denied_again_and_again__session_ends(void **state)
{
	char out[512];
	int denials = 0;

	(void)state;
	world_start_attested("");
	assert_int_equal(open_session(), 0);
	while (get(REQUEST("/denied"), out, sizeof(out)) == 403)
		denials++;
	assert_int_equal(denials, 32);
	end_session();
	world_stop();
}

/* Its evidence gets no newer, whether it asks or not. */
static void test_attesting__time_is_over__idle_session_is_closed(void **state)
{
	char out[512];

	(void)state;
	world_start_attested("  attested-seconds: 1\n  idle-seconds: 86400\n");
	assert_int_equal(open_session(), 0);
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 200);
	/* With nothing said. */
	assert_int_equal(hear(out, sizeof(out)), 0);
	end_session();
	world_stop();
	assert_int_equal(world_count_last()->idle, 1);
}

static void test_attesting__time_is_over__request_is_refused(void **state)
{
	char out[512];

	(void)state;
	world_start_attested("  attested-seconds: 1\n  head-seconds: 3600\n");
	assert_int_equal(open_session(), 0);
	/* Without its empty line. */
	assert_int_equal(get("GET /proven HTTP/1.1\r\nHost: a\r\n", out, sizeof(out)),
			 408);
	assert_non_null(strstr(out, "the session has ended"));
	end_session();
	world_stop();
	assert_int_equal(world_count_last()->session_over, 1);
}

static void test_attesting__connections_of_one_client__are_limited(void **state)
{
	char out[512];

	(void)state;
	world_start_attested("  client-connections: 1\n");
	assert_int_equal(open_session(), 0);
	assert_int_equal(get(REQUEST("/proven"), out, sizeof(out)), 200);
	wait_until_closed(world_connect_attested());
	end_session();
	world_stop();
	assert_int_equal(world_count_last()->client_full, 1);
}

static void test_attesting__server_ends__exchanges_end(void **state)
{
	int waits;

	(void)state;
	world_start_attested("");
	waits = world_connect_attested();
	/* Whoever is heard has been accepted later. */
	assert_int_equal(open_session(), 0);
	world_ask_to_stop();
	wait_until_closed(waits);
	world_wait();
	end_session();
}

int main(void)
{
#define T_(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
	    T_(test_attesting__evidence__requests_have_it),
	    T_(test_attesting__other_routes__are_not_there),
	    T_(test_attesting__elsewhere__is_refused),
	    T_(test_attesting__no_evidence__no_session),
	    T_(test_attesting__another_protocol__no_session),
	    T_(test_attesting__no_attested_tls__is_closed),
	    T_(test_attesting__silent__is_closed),
	    T_(test_attesting__exchange_goes_on__its_memory_is_put_by),
	    T_(test_attesting__session_is_open__its_evidence_counts),
	    T_(test_attesting__denied_again_and_again__session_ends),
	    T_(test_attesting__time_is_over__idle_session_is_closed),
	    T_(test_attesting__time_is_over__request_is_refused),
	    T_(test_attesting__connections_of_one_client__are_limited),
	    T_(test_attesting__server_ends__exchanges_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
