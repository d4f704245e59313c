/* A server of another's whose certificate has a quote of SGX and nothing else: who is
 * given what Intel publishes accepts it, and nobody else does. */
#include "tests/unit/atls/plain.h"

#include "tests/dcap_collateral.h"
#include "tests/unit/atls/vendor_leaf.h"

struct scene {
	struct world world;
	struct dcap_scene dcap;
	struct tobi_collateral *collateral;
	struct plain plain;
};

static int64_t then(void)
{
	return DCAP_NOW;
}

/* The client connects, with what Intel publishes or without. */
static void meet(struct scene *scene, bool with_collateral)
{
	struct world *world = &scene->world;
	struct atls_endpoint *client = &world->client.endpoint;
	struct dcap_test_collateral documents;
	struct writer der = wr_init(LIMIT_CERTIFICATE);
	X509 *leaf = NULL;

	world_init(world);
	dcap_scene_make(&scene->dcap);
	scene->collateral = tobi_collateral_new();
	dcap_test_collateral_make(&scene->dcap, &documents);
	dcap_test_put(&scene->dcap, &documents, scene->collateral);
	vendor_leaf_write(&scene->dcap, world->server.endpoint.key, &der);
	assert_int_equal(chain_read_certificate(wr_view(&der), "leaf", &leaf, NULL), 0);
	wr_done(&der);
	tobi_policy_free(world->policy);
	world->policy = vendor_leaf_policy(&scene->dcap);
	world->server.endpoint.policy = NULL;
	client->policy = world->policy;
	client->collateral = with_collateral ? scene->collateral : NULL;
	client->attests = false;
	client->now = then;
	SSL_CTX_free(client->tls);
	assert_int_equal(atls_tls_new(client, &client->tls, NULL), 0);
	plain_init(&scene->plain, TOBI_ROLE_SERVER, world->server.endpoint.key, leaf,
		   world->fds[1]);
	X509_free(leaf);
	end_start(&world->client, world->base, world->fds[0]);
	assert_true(plain_shake(&scene->plain, world));
}

static void part(struct scene *scene)
{
	plain_done(&scene->plain);
	tobi_collateral_free(scene->collateral);
	world_done(&scene->world);
}

static void test_ratls_vendor__with_collateral__opens(void **state)
{
	struct scene scene = {0};

	(void)state;
	meet(&scene, true);
	assert_true(eventually(&scene.world, &scene.world.client.opened));
	assert_string_equal(tobi_result_tier(atls_conn_result(scene.world.client.conn)),
			    "sgx");
	part(&scene);
}

static void test_ratls_vendor__without_collateral__refused(void **state)
{
	struct scene scene = {0};
	const struct tobi_result *result;

	(void)state;
	meet(&scene, false);
	assert_true(eventually(&scene.world, &scene.world.client.closed));
	assert_false(scene.world.client.opened);
	result = atls_conn_result(scene.world.client.conn);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	assert_non_null(strstr(tobi_result_reason(result), "DCAP-PCK-REVOCATION"));
	part(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ratls_vendor__with_collateral__opens),
	    cmocka_unit_test(test_ratls_vendor__without_collateral__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
