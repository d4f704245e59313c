#include "tests/unit/atls/world.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "appraise/atls_checks.h"
#include "atls/pump.h"

static void check_conn__refused_before_data(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.scene.damage_signature = true;
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	turn(&world);
	/* Both learn it, nobody opens. */
	assert_true(world.client.closed && world.server.closed);
	assert_false(world.client.opened || world.server.opened);
	assert_int_equal(world.client.fault.code, TOBI_E_DENIED);
	assert_non_null(strstr(world.client.fault.message, "(reason 6)"));
	assert_int_equal(tobi_result_verdict(atls_conn_result(world.server.conn)),
			 TOBI_REFUSE);
	world_done(&world);
}

static void check_conn__cannot_attest(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	world.client.scene = NULL;
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	turn(&world);
	assert_true(world.client.closed && world.server.closed);
	assert_non_null(strstr(world.server.fault.message, "(reason 4)"));
	world_done(&world);
}

struct pumped {
	struct atls_pump *pump;
	bool ended, orderly;
};

static void pump_ended(struct atls_pump *pump, const struct tobi_fault *fault,
		       void *context)
{
	struct pumped *pumped = context;

	(void)pump;
	pumped->ended = true;
	pumped->orderly = !fault;
}

/* Both accept; then a megabyte goes each way through two pumps, and both ends end. */
static void check_conn__open_and_pump(void **state)
{
	enum { SIZE = 1 << 20 };
	CLEANUP(wr_done) struct writer sent = wr_init(SIZE);
	struct pumped pumps[2] = {0};
	int plain[2][2];
	uint8_t *got[2] = {malloc(SIZE), malloc(SIZE)};
	size_t written[2] = {0}, read_size[2] = {0};
	struct world world;

	(void)state;
	world_init(&world);
	end_start(&world.client, world.base, world.fds[0]);
	end_start(&world.server, world.base, world.fds[1]);
	turn(&world);
	assert_true(world.server.opened);
	assert_true(world.client.opened);
	for (size_t i = 0; i < SIZE / 4; i++)
		wr_uint_be(&sent, i * 2654435761u, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, plain[i]), 0);
		assert_int_equal(atls_pump_new(world.base,
					       i ? world.server.conn : world.client.conn,
					       plain[i][1], plain[i][1], pump_ended,
					       &pumps[i], &pumps[i].pump, NULL),
				 0);
	}
	for (int turns = 0; turns < 20000 && !(pumps[0].ended && pumps[1].ended);
	     turns++) {
		for (int i = 0; i < 2; i++) {
			ssize_t size =
			    write(plain[i][0], sent.ptr + written[i], SIZE - written[i]);

			if (size > 0)
				written[i] += (size_t)size;
			if (written[i] == SIZE)
				shutdown(plain[i][0], SHUT_WR);
			size =
			    read(plain[i][0], got[i] + read_size[i], SIZE - read_size[i]);
			if (size > 0)
				read_size[i] += (size_t)size;
		}
		event_base_loop(world.base, EVLOOP_NONBLOCK);
	}
	for (int i = 0; i < 2; i++) {
		assert_true(pumps[i].ended && pumps[i].orderly);
		for (ssize_t size = 1; size > 0;
		     read_size[i] += size > 0 ? (size_t)size : 0)
			size =
			    read(plain[i][0], got[i] + read_size[i], SIZE - read_size[i]);
		assert_int_equal(read_size[i], SIZE);
		assert_memory_equal(got[i], sent.ptr, SIZE);
		atls_pump_free(pumps[i].pump);
		close(plain[i][0]);
		free(got[i]);
	}
	world_done(&world);
}

/* Identity "ca": the leaf chains to the policy's CA at that time, for the name that the
 * policy gives, or nothing opens. */
enum ca_case { CA_GOOD, CA_EXPIRED, CA_OTHER, CA_NONE, CA_NAME, CA_NO_NAME };

static void issue_leaf(struct end *end, enum ca_case which, struct writer *ret_ca_pem)
{
	CLEANUP(wr_done) struct writer ca = wr_init(1 << 14);
	CLEANUP(wr_done) struct writer unused = wr_init(1 << 14);
	struct cert_request request = {.role = CERT_CA,
				       .common_name = "ca",
				       .not_before = TEST_NOW - 100,
				       .not_after = which == CA_EXPIRED ? TEST_NOW - 50
									: TEST_NOW + 50};
	EVP_PKEY *keys[2] = {NULL, NULL};
	const uint8_t *der;
	X509 *issuer;

	for (int i = 0; i < 2; i++)
		assert_int_equal(key_new(KEY_P256, &keys[i], NULL), 0);
	request.key = keys[0];
	assert_int_equal(cert_make(&request, NULL, NULL, &ca, NULL), 0);
	if (which == CA_OTHER) { /* the same name, another key */
		request.key = keys[1];
		assert_int_equal(cert_make(&request, NULL, NULL, &unused, NULL), 0);
		assert_int_equal(chain_write_pem(wr_view(&unused), ret_ca_pem, NULL), 0);
	} else {
		assert_int_equal(chain_write_pem(wr_view(&ca), ret_ca_pem, NULL), 0);
	}
	der = ca.ptr;
	issuer = d2i_X509(NULL, &der, (long)ca.size);
	request = (struct cert_request){.role = CERT_TLS,
					.common_name = "leaf",
					.host_name = "peer.example",
					.not_before = TEST_NOW - 10,
					.not_after = TEST_NOW + 10,
					.key = end->endpoint.key};
	if (which != CA_NONE) {
		wr_done(&end->certificate);
		assert_int_equal(
		    cert_make(&request, issuer, keys[0], &end->certificate, NULL), 0);
		end->endpoint.certificate = wr_view(&end->certificate);
		SSL_CTX_free(end->endpoint.tls);
		assert_int_equal(atls_tls_new(&end->endpoint, &end->endpoint.tls, NULL),
				 0);
	}
	X509_free(issuer);
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
}

static void check_identity__ca(void **state)
{
	(void)state;
	for (enum ca_case which = CA_GOOD; which <= CA_NO_NAME; which++) {
		CLEANUP(wr_done) struct writer pem = wr_init(1 << 14);
		struct world world;

		world_init(&world);
		issue_leaf(&world.client, which, &pem);
		world.policy->identity = IDENTITY_CA;
		world.policy->ca_pem = wr_view(&pem);
		world.policy->host_name = which == CA_NO_NAME ? NULL
					  : which == CA_NAME  ? "leaf"
							      : "peer.example";
		end_start(&world.client, world.base, world.fds[0]);
		end_start(&world.server, world.base, world.fds[1]);
		turn(&world);
		if (which == CA_GOOD)
			assert_true(world.server.opened && world.client.opened);
		else
			assert_true(world.server.closed && world.client.closed);
		assert_int_equal(conn_outcome(world.server.conn, &check_atls_identity),
				 which == CA_GOOD ? TOBI_PASSED : TOBI_FAILED);
		world_done(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_conn__refused_before_data),
	    cmocka_unit_test(check_conn__cannot_attest),
	    cmocka_unit_test(check_conn__open_and_pump),
	    cmocka_unit_test(check_identity__ca),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
