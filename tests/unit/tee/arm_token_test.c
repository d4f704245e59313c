/* Whose key signed a token: the policy's, or one that reference values name for exactly
 * that device. */
#include "tee/arm_token.h"

#include "tests/bytes.h"
#include "tests/psa_scene.h"

enum { NOW = 1900000000 };

struct world {
	struct test_psa psa;
	struct arena arena;
	struct writer bytes;
	struct arm_token token;
	struct anchor_keys keys;
	struct anchor_keys device; /* that reference values name */
	struct tee_request request;
	struct tee_environment environment;
};

static void make(struct world *world)
{
	*world = (struct world){.arena = arena_init(LIMIT_APPRAISAL),
				.bytes = wr_init(LIMIT_TOKEN),
				.environment = {.class_kind = TEE_CLASS_BYTES,
						.class_id = test_bytes_of(0x1a, 32),
						.instance = test_bytes_of(0x1d, 33)}};
	test_psa_make(&world->psa, PSA_TFM);
	test_token_write(&world->psa.token, &world->bytes);
	assert_int_equal(arm_token_parse(wr_view(&world->bytes), "token", &world->arena,
					 &world->token, NULL),
			 0);
	world->device.keys[0] = world->psa.other_key;
	world->device.keys[1] = world->psa.key;
	world->device.count = 2;
	world->request = (struct tee_request){.time = NOW, .keys = &world->keys};
}

static void done(struct world *world)
{
	test_psa_done(&world->psa);
	arena_done(&world->arena);
	wr_done(&world->bytes);
}

static const char *signer(struct world *world, const uint8_t **ret_spki)
{
	const char *why = "";

	return arm_token_signer(&world->token, &world->request, &world->environment,
				ret_spki, &why)
		   ? NULL
		   : why;
}

static void test_arm_token__key_of_the_policy__signed(void **state)
{
	const uint8_t *spki = NULL;
	struct world world;

	(void)state;
	make(&world);
	assert_string_equal(signer(&world, &spki),
			    "no public key is named for this tier, nor for this device");
	world.keys.keys[0] = world.psa.other_key;
	world.keys.count = 1;
	assert_string_equal(signer(&world, &spki), "none of the keys signed this token");
	world.keys.keys[1] = world.psa.key;
	world.keys.count = 2;
	assert_null(signer(&world, &spki));
	assert_ptr_equal(spki, world.keys.spki[1]);
	done(&world);
}

/* Asked with what the token says of itself. */
static const struct anchor_keys *find_keys(const void *context,
					   const struct tee_environment *environment)
{
	const struct world *world = context;

	return bytes_equal(environment->class_id, world->environment.class_id) &&
		       bytes_equal(environment->instance, test_bytes_of(0x1d, 33))
		   ? &world->device
		   : NULL;
}

static void test_arm_token__key_of_the_device__signed(void **state)
{
	const uint8_t *spki = NULL;
	struct world world;

	(void)state;
	make(&world);
	world.request.find_keys = find_keys;
	world.request.find_keys_context = &world;
	assert_null(signer(&world, &spki));
	assert_ptr_equal(spki, world.device.spki[1]);
	world.device.count = 1;
	assert_string_equal(signer(&world, &spki), "none of the keys signed this token");
	/* Of another device, or none at all. */
	world.device.count = 2;
	world.environment.instance = test_bytes_of(0x1e, 33);
	assert_string_equal(signer(&world, &spki),
			    "no public key is named for this tier, nor for this device");
	world.environment.instance = test_bytes_of(0x1d, 33);
	world.device.count = 0;
	assert_null(arm_device_keys(&world.request, &world.environment));
	done(&world);
}

static void test_arm_token__over_the_limit__is_an_error(void **state)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct block block = {calloc(1, LIMIT_TOKEN + 1), LIMIT_TOKEN + 1};
	struct arm_token token;

	(void)state;
	assert_int_equal(
	    arm_token_parse(block_view(block), "token", &arena, &token, NULL),
	    TOBI_E_LIMIT);
	block_done(block);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arm_token__key_of_the_policy__signed),
	    cmocka_unit_test(test_arm_token__key_of_the_device__signed),
	    cmocka_unit_test(test_arm_token__over_the_limit__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
