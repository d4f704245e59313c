/* A server of another's whose certificate has a quote of SGX and nothing else: who is
 * given what Intel publishes accepts it, and nobody else does. */
#include "tests/unit/atls/plain.h"

#include "base/hex.h"
#include "tests/dcap_collateral.h"
#include "tests/ratls.h"

enum { REPORT_DATA_AT = 320, MRENCLAVE_AT = 64, REPORT_DATA_SIZE = 64 };

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

static X509 *make_leaf(struct scene *scene, EVP_PKEY *key)
{
	struct writer quote = wr_init(LIMIT_EVIDENCE), der = wr_init(LIMIT_CERTIFICATE);
	struct test_leaf leaf = {.key = key,
				 .from = DCAP_NOW - DCAP_DAY,
				 .to = DCAP_NOW + DCAP_DAY,
				 .extension_count = 1};
	X509 *made = NULL;

	memset(scene->dcap.body + REPORT_DATA_AT, 0, REPORT_DATA_SIZE);
	assert_int_equal(key_spki_sha256(key, scene->dcap.body + REPORT_DATA_AT, NULL),
			 0);
	dcap_scene_quote(&scene->dcap, &quote);
	leaf.extensions[0] =
	    (struct test_extension){&ratls_gramine_name, wr_view(&quote), false};
	test_leaf_write(&leaf, &der);
	assert_int_equal(chain_read_certificate(wr_view(&der), "leaf", &made, NULL), 0);
	wr_done(&quote);
	wr_done(&der);
	return made;
}

static struct tobi_policy *make_policy(const struct scene *scene)
{
	struct writer yaml = wr_init(LIMIT_POLICY), pem = wr_init(LIMIT_PEM);
	const struct tobi_bytes image = {scene->dcap.body + MRENCLAVE_AT, 32};
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	char hex[2 * 32 + 1];

	hex_write(image, hex, sizeof(hex));
	wr_printf(
	    &yaml,
	    "version: 1\ntiers: [sgx]\nimages: [%s]\nchannel: ra-tls\n"
	    "identity: {mode: any-instance}\nroots:\n- tier: sgx\n  anchors: |\n    ",
	    hex);
	dcap_scene_pem(&scene->dcap, DCAP_ROOT, &pem);
	for (size_t i = 0; i < pem.size; i++)
		wr_printf(&yaml, "%c%s", pem.ptr[i], pem.ptr[i] == '\n' ? "    " : "");
	wr_printf(&yaml, "\n");
	if (tobi_policy_parse(wr_view(&yaml), "p.yaml", &policy, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&yaml);
	wr_done(&pem);
	return policy;
}

/* The client connects, with what Intel publishes or without. */
static void meet(struct scene *scene, bool with_collateral)
{
	struct world *world = &scene->world;
	struct atls_endpoint *client = &world->client.endpoint;
	struct dcap_test_collateral documents;
	X509 *leaf;

	world_init(world);
	dcap_scene_make(&scene->dcap);
	scene->collateral = tobi_collateral_new();
	dcap_test_collateral_make(&scene->dcap, &documents);
	dcap_test_put(&scene->dcap, &documents, scene->collateral);
	leaf = make_leaf(scene, world->server.endpoint.key);
	tobi_policy_free(world->policy);
	world->policy = make_policy(scene);
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
