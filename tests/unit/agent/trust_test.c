/* Policies of the image and of the launch, and the endpoints made of them. */
#include "tests/check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "tests/evidence.h"
#include "trust.h"

static struct world {
	struct writer yaml;
	char path[64];
	struct manifest manifest;
	struct launch_config launch;
	struct trust trust;
} world;

static struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

static int enter(void **state)
{
	struct test_scene scene;
	int fd;

	(void)state;
	world = (struct world){.yaml = wr_init(LIMIT_POLICY),
			       .path = "/tmp/tobichi-trust-XXXXXX"};
	fd = mkstemp(world.path);
	test_scene_make(&scene);
	scene.identity = "identity:\n  mode: any-instance\n";
	test_scene_policy(&scene, &world.yaml);
	test_scene_done(&scene);
	if (fd < 0 || fd_write_all(fd, wr_view(&world.yaml), "policy", NULL))
		return -1;
	close(fd);
	world.manifest.egress_count = 2;
	world.manifest.egress[0].target = text("plain:80");
	world.manifest.egress[1].target = text("[fd00::1]:443");
	return 0;
}

static int leave(void **state)
{
	(void)state;
	trust_done(&world.trust);
	wr_done(&world.yaml);
	unlink(world.path);
	return 0;
}

static enum tobi_err read_all(struct tobi_fault *fault)
{
	return trust_read(&world.manifest, &world.launch, &world.trust, fault);
}

static void test_trust_read__no_policies__trusts_as_before(void **state)
{
	(void)state;
	assert_int_equal(read_all(NULL), TOBI_OK);
	assert_null(world.trust.clients);
	assert_null(world.trust.egress[0]);
	assert_null(world.trust.egress[1]);
}

static void test_trust_read__clients_for_the_program__is_no_policy(void **state)
{
	(void)state;
	world.manifest.clients = text(CLIENTS_BY_PROGRAM);
	assert_int_equal(read_all(NULL), TOBI_OK);
	assert_null(world.trust.clients);
}

static void test_trust_read__in_the_image__is_read(void **state)
{
	(void)state;
	world.manifest.clients = world.manifest.egress[1].policy = text(world.path);
	assert_int_equal(read_all(NULL), TOBI_OK);
	assert_non_null(world.trust.clients);
	assert_null(world.trust.egress[0]);
	assert_non_null(world.trust.egress[1]);
}

static void test_trust_read__of_the_launch__is_read(void **state)
{
	struct tobi_bytes yaml = wr_view(&world.yaml);

	(void)state;
	world.manifest.clients = world.manifest.egress[0].policy = text(POLICY_AT_LAUNCH);
	world.launch.policies[0] = (struct launch_policy){text("plain:80"), yaml};
	world.launch.policies[1] = (struct launch_policy){text(LAUNCH_CLIENTS), yaml};
	world.launch.policy_count = 2;
	assert_int_equal(read_all(NULL), TOBI_OK);
	assert_non_null(world.trust.clients);
	assert_non_null(world.trust.egress[0]);
	assert_null(world.trust.egress[1]);
}

static void test_trust_read__of_the_broker__is_read(void **state)
{
	(void)state;
	world.launch.policies[0] =
	    (struct launch_policy){text(LAUNCH_BROKER), wr_view(&world.yaml)};
	world.launch.policy_count = 1;
	assert_int_equal(read_all(NULL), TOBI_OK);
	assert_non_null(world.trust.broker);
	assert_null(world.trust.clients);
	trust_done(&world.trust);
	world.launch.policies[0].text = text("version: 2\n");
	assert_int_not_equal(read_all(NULL), TOBI_OK);
	assert_null(world.trust.broker);
}

/* Never is a policy that cannot be read taken for none. */
static void test_trust_read__missing_or_wrong__is_an_error(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	world.manifest.clients = text("/nonexistent/policy.yaml");
	assert_int_not_equal(read_all(&fault), TOBI_OK);
	world.manifest.clients = text("");
	world.manifest.egress[0].policy = text("/dev/null");
	assert_int_not_equal(read_all(&fault), TOBI_OK);
	world.manifest.egress[0].policy = text(POLICY_AT_LAUNCH);
	assert_int_not_equal(read_all(&fault), TOBI_OK);
	world.launch.policies[0] =
	    (struct launch_policy){text("plain:80"), text("version: 2\n")};
	world.launch.policy_count = 1;
	assert_int_not_equal(read_all(&fault), TOBI_OK);
	assert_string_equal(fault.object, "launch config");
}

static int64_t now(void)
{
	return TEST_NOW;
}

static void test_trust_make_endpoints__attested_ways__have_this_ones_key(void **state)
{
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = TEST_NOW - 10,
				       .not_after = TEST_NOW + 10};
	struct writer certificate = wr_init(LIMIT_CERTIFICATE);
	struct atls_endpoint like = {.now = now};

	(void)state;
	assert_int_equal(key_new(KEY_P256, &like.key, NULL), 0);
	request.key = like.key;
	assert_int_equal(cert_make(&request, NULL, NULL, &certificate, NULL), 0);
	like.certificate = wr_view(&certificate);
	world.manifest.egress[1].policy = text(world.path);
	assert_int_equal(read_all(NULL), TOBI_OK);
	assert_int_equal(trust_make_endpoints(&world.trust, &world.manifest, &like, NULL),
			 TOBI_OK);
	assert_null(world.trust.endpoints[0].tls);
	assert_non_null(world.trust.endpoints[1].tls);
	assert_ptr_equal(world.trust.endpoints[1].key, like.key);
	assert_ptr_equal(world.trust.endpoints[1].policy, world.trust.egress[1]);
	assert_true(world.trust.endpoints[1].attests);
	assert_int_equal(world.trust.endpoints[1].role, TOBI_ROLE_CLIENT);
	assert_string_equal(world.trust.endpoints[1].host_name, "fd00::1");
	EVP_PKEY_free(like.key);
	wr_done(&certificate);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_trust_read__no_policies__trusts_as_before),
	    TEST(test_trust_read__clients_for_the_program__is_no_policy),
	    TEST(test_trust_read__in_the_image__is_read),
	    TEST(test_trust_read__of_the_launch__is_read),
	    TEST(test_trust_read__of_the_broker__is_read),
	    TEST(test_trust_read__missing_or_wrong__is_an_error),
	    TEST(test_trust_make_endpoints__attested_ways__have_this_ones_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
