#include "sample.h"

/* {0: 1, 1: ["a", ""], 2: {"B": "2"}, 3: h'01...', 4: "broker:1", 5: h'02...',
 * 6: {"h:1": 'x: 1', "broker": 'z', "clients": 'y'}, 7: true, 8: h'03...',
 * 9: "r/t"} */
static const char golden[] = "\xaa\x00\x01\x01\x82\x61"
			     "a\x60\x02\xa1\x61"
			     "B\x61"
			     "2\x03\x58\x30"
			     "\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			     "\x04\x68"
			     "broker:1\x05\x58\x30"
			     "\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			     "\x06\xa3\x63h:1\x44x: 1\x66"
			     "broker\x41z\x67"
			     "clients\x41y"
			     "\x07\xf5\x08\x58\x30"
			     "\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			     "\x09\x63r/t";

static const struct tobi_bytes golden_bytes = {(const uint8_t *)golden,
					       sizeof(golden) - 1};

static struct launch_config config;

static enum tobi_err parse(struct tobi_bytes bytes, struct tobi_fault *fault)
{
	return launch_config_parse(bytes, &config, fault);
}

static enum tobi_err rewrite(struct writer *out, struct tobi_fault *fault)
{
	*out = wr_init(LIMIT_CONFIG);
	return launch_config_write(&config, out, fault);
}

static void test_launch_config_golden__round_trip(void **state)
{
	struct writer out;

	(void)state;
	assert_int_equal(parse(golden_bytes, NULL), TOBI_OK);
	assert_int_equal(config.argument_count, 2);
	assert_true(bytes_equal_text(config.broker, "broker:1"));
	assert_int_equal(config.owner.ptr[0], 1);
	assert_int_equal(config.contract.ptr[0], 2);
	assert_true(config.ra_tls);
	assert_int_equal(config.broker_key.ptr[0], 3);
	assert_true(bytes_equal_text(config.broker_secrets, "r/t"));
	assert_true(bytes_equal_text(launch_config_policy(&config, text("broker")), "z"));
	assert_true(bytes_equal_text(launch_config_policy(&config, text("h:1")), "x: 1"));
	assert_true(
	    bytes_equal_text(launch_config_policy(&config, text("clients")), "y"));
	assert_int_equal(launch_config_policy(&config, text("h:2")).size, 0);
	assert_int_equal(rewrite(&out, NULL), TOBI_OK);
	assert_true(bytes_equal(wr_view(&out), golden_bytes));
	wr_done(&out);
}

static void test_launch_config_without_additions__is_three_bytes(void **state)
{
	struct writer out;

	(void)state;
	config = (struct launch_config){0};
	assert_int_equal(rewrite(&out, NULL), TOBI_OK);
	assert_true(bytes_equal(wr_view(&out),
				(struct tobi_bytes){(const uint8_t *)"\xa1\0\1", 3}));
	wr_done(&out);
}

static void test_launch_config_truncated_or_trailing__fails(void **state)
{
	struct tobi_fault fault = {0};

	(void)state;
	for (size_t size = 0; size < golden_bytes.size; size++) {
		assert_int_not_equal(
		    parse((struct tobi_bytes){golden_bytes.ptr, size}, &fault), TOBI_OK);
		assert_string_equal(fault.object, "launch config");
		assert_true(fault.has_offset);
	}
	assert_int_equal(
	    parse((struct tobi_bytes){golden_bytes.ptr, sizeof(golden)}, &fault),
	    TOBI_E_TRAILING);
}

static void test_launch_config_bit_flips__all_seen(void **state)
{
	uint8_t flipped[sizeof(golden) - 1];
	struct tobi_bytes bytes = {flipped, sizeof(flipped)};

	(void)state;
	for (size_t bit = 0; bit < sizeof(flipped) * 8; bit++) {
		struct writer out;

		memcpy(flipped, golden, sizeof(flipped));
		flipped[bit / 8] = (uint8_t)(flipped[bit / 8] ^ 1 << bit % 8);
		if (parse(bytes, NULL))
			continue;
		assert_int_equal(rewrite(&out, NULL), TOBI_OK);
		assert_true(bytes_equal(wr_view(&out), bytes));
		wr_done(&out);
	}
}

static void expect(const char *bytes, size_t size, enum tobi_err err, const char *field,
		   uint64_t offset)
{
	struct tobi_fault fault = {0};

	assert_int_equal(parse((struct tobi_bytes){(const uint8_t *)bytes, size}, &fault),
			 err);
	assert_string_equal(fault.field, field);
	assert_int_equal(fault.offset, offset);
}
#define EXPECT(bytes, err, field, offset)                                                \
	expect(bytes, sizeof(bytes) - 1, err, field, offset)

static void test_launch_config_rules__are_kept(void **state)
{
	(void)state;
	EXPECT("\xa0", TOBI_E_MALFORMED, "version", 1);
	EXPECT("\xa1\x00\x02", TOBI_E_UNSUPPORTED, "version", 2);
	EXPECT("\xa2\x00\x01\x0b\x00", TOBI_E_MALFORMED, "launch config", 3);
	/* false would be a second way to say nothing. */
	EXPECT("\xa2\x00\x01\x07\xf4", TOBI_E_MALFORMED, "ra-tls", 3);
	EXPECT("\xa2\x00\x01\x07\x01", TOBI_E_MALFORMED, "ra-tls", 4);
	EXPECT("\xa2\x00\x01\x06\xa0", TOBI_E_MALFORMED, "policies", 4);
	EXPECT("\xa2\x00\x01\x06\xa1\x61h\x41y", TOBI_E_MALFORMED, "policies", 5);
	EXPECT("\xa2\x00\x01\x06\xa1\x63h:1\x40", TOBI_E_MALFORMED, "policies", 9);
	EXPECT("\xa2\x00\x01\x20\x00", TOBI_E_MALFORMED, "launch config", 3);
	EXPECT("\xa2\x00\x01\x01\x80", TOBI_E_MALFORMED, "arguments", 4);
	EXPECT("\xa2\x00\x01\x02\xa0", TOBI_E_MALFORMED, "environment", 4);
	EXPECT("\xa2\x00\x01\x02\xa1\x61"
	       "9\x60",
	       TOBI_E_MALFORMED, "environment", 5);
	EXPECT("\xa2\x00\x01\x04\x60", TOBI_E_MALFORMED, "broker", 4);
	assert_int_not_equal(
	    parse((struct tobi_bytes){(const uint8_t *)"\xa2\x00\x01\x03\x41\x00", 6},
		  NULL),
	    TOBI_OK);
	/* Twice, and in another order. */
	assert_int_not_equal(
	    parse(
		(struct tobi_bytes){
		    (const uint8_t *)"\xa3\x00\x01\x01\x81\x60\x01\x81\x60", 9},
		NULL),
	    TOBI_OK);
	assert_int_not_equal(
	    parse((struct tobi_bytes){(const uint8_t *)"\xa3\x00\x01\x04\x61"
						       "b\x01\x81\x60",
				      9},
		  NULL),
	    TOBI_OK);
}

#define BROKER "\x04\x63\x62:1"
#define POLICY                                                                           \
	"\x06\xa1\x66"                                                                   \
	"broker\x41y"
#define PIN                                                                              \
	"\x08\x58\x30"                                                                   \
	"0123456789abcdef0123456789abcdef0123456789abcdef"

/* Whoever answers at the address is not the broker for that. */
static void test_launch_config_broker__is_recognised_or_refused(void **state)
{
	(void)state;
	EXPECT("\xa2\x00\x01" BROKER, TOBI_E_MALFORMED, "broker", 8);
	EXPECT("\xa3\x00\x01" BROKER "\x09\x63r/t", TOBI_E_MALFORMED, "broker", 13);
	EXPECT("\xa2\x00\x01" PIN, TOBI_E_MALFORMED, "broker", 54);
	EXPECT("\xa2\x00\x01" POLICY, TOBI_E_MALFORMED, "broker", 14);
	EXPECT("\xa2\x00\x01\x09\x63r/t", TOBI_E_MALFORMED, "broker", 8);
	EXPECT("\xa3\x00\x01" BROKER "\x08\x41x", TOBI_E_MALFORMED, "broker-key", 9);
#define GOOD(bytes)                                                                      \
	assert_int_equal(                                                                \
	    parse((struct tobi_bytes){(const uint8_t *)(bytes), sizeof(bytes) - 1},      \
		  NULL),                                                                 \
	    TOBI_OK)
	GOOD("\xa3\x00\x01" BROKER PIN);
	GOOD("\xa3\x00\x01" BROKER POLICY);
	GOOD("\xa4\x00\x01" BROKER POLICY PIN);
	GOOD("\xa4\x00\x01" BROKER PIN "\x09\x63r/t");
	GOOD("\xa4\x00\x01" BROKER PIN "\x0a\x63r/c");
#undef GOOD
}

static void expect_place(const char *place, enum tobi_err err)
{
	struct writer out;

	config = (struct launch_config){.broker = text("b:1"),
					.broker_key = text("0123456789abcdef01234567"
							   "89abcdef0123456789abcdef"),
					.broker_secrets = text(place)};
	assert_int_equal(rewrite(&out, NULL), err);
	wr_done(&out);
}

static void test_launch_config_place_of_secrets__is_repository_and_type(void **state)
{
	char part[130], place[300];

	(void)state;
	expect_place("Shop-1/my.keys_", TOBI_OK);
	expect_place("shop", TOBI_E_MALFORMED);
	expect_place("shop/", TOBI_E_MALFORMED);
	expect_place("/keys", TOBI_E_MALFORMED);
	expect_place("shop/keys/one", TOBI_E_MALFORMED);
	expect_place("shop//keys", TOBI_E_MALFORMED);
	expect_place("shop/..", TOBI_E_MALFORMED);
	expect_place(".shop/keys", TOBI_E_MALFORMED);
	expect_place("shop/ke ys", TOBI_E_MALFORMED);
	expect_place("shop/keys?", TOBI_E_MALFORMED);
	memset(part, 'a', sizeof(part));
	part[128] = 0;
	snprintf(place, sizeof(place), "%s/%s", part, part);
	expect_place(place, TOBI_OK);
	part[128] = 'a';
	part[129] = 0;
	snprintf(place, sizeof(place), "%s/b", part);
	expect_place(place, TOBI_E_MALFORMED);
	snprintf(place, sizeof(place), "b/%s", part);
	expect_place(place, TOBI_E_MALFORMED);
}

static void test_launch_config_place_of_counters__is_kept_and_needs_a_broker(void **state)
{
	struct writer out;

	(void)state;
	config = (struct launch_config){.broker = text("b:1"),
					.broker_key = text("0123456789abcdef01234567"
							   "89abcdef0123456789abcdef"),
					.broker_counters = text("r/c")};
	assert_int_equal(rewrite(&out, NULL), TOBI_OK);
	assert_int_equal(parse(wr_view(&out), NULL), TOBI_OK);
	assert_true(bytes_equal_text(config.broker_counters, "r/c"));
	wr_done(&out);
	config = (struct launch_config){.broker_counters = text("r/c")};
	assert_int_equal(rewrite(&out, NULL), TOBI_E_MALFORMED);
	wr_done(&out);
	config = (struct launch_config){.broker = text("b:1"),
					.broker_key = text("0123456789abcdef01234567"
							   "89abcdef0123456789abcdef"),
					.broker_counters = text("r")};
	assert_int_equal(rewrite(&out, NULL), TOBI_E_MALFORMED);
	wr_done(&out);
}

static void test_launch_config_suits__a_place_needs_secrets(void **state)
{
	struct manifest *m = sample_manifest();
	struct tobi_fault fault = {0};

	(void)state;
	m->clients = text("");
	config = (struct launch_config){.broker_secrets = text("r/t")};
	assert_true(m->secret_count > 0);
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
	m->secret_count = 0;
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	assert_string_equal(fault.field, "broker-secrets");
	/* No image leaves it to the launch who the broker is. */
	config = (struct launch_config){.policies = {{text("broker"), text("y")}},
					.policy_count = 1};
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
}

static void test_launch_config_size__limit(void **state)
{
	static uint8_t large[LIMIT_CONFIG + 1];
	static char filler[LIMIT_ARGUMENT];
	struct tobi_fault fault = {0};
	struct writer out;

	(void)state;
	assert_int_equal(parse((struct tobi_bytes){large, sizeof(large)}, &fault),
			 TOBI_E_LIMIT);
	assert_string_equal(fault.field, "size");
	memset(filler, 'x', sizeof(filler));
	config = (struct launch_config){.argument_count = 16};
	for (size_t i = 0; i < 16; i++)
		config.arguments[i] =
		    (struct tobi_bytes){(uint8_t *)filler, sizeof(filler)};
	assert_int_equal(rewrite(&out, &fault), TOBI_E_LIMIT);
	config.argument_count = 15;
	assert_int_equal(rewrite(&out, NULL), TOBI_OK);
	wr_done(&out);
}

static void test_launch_config_suits__adds_and_never_changes(void **state)
{
	struct manifest *m = sample_manifest();
	struct tobi_fault fault = {0};

	(void)state;
	m->clients = text("");
	config = (struct launch_config){.environment = {{text("C"), text("3")}},
					.environment_count = 1};
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
	config.environment[0].name = text("AA");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	assert_non_null(strstr(fault.message, "AA"));
	config = (struct launch_config){.argument_count = LIMIT_ARGUMENTS - 3};
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
	config.argument_count++;
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "arguments");
	config = (struct launch_config){.environment_count = LIMIT_ARGUMENTS - 2};
	for (size_t i = 0; i < LIMIT_ARGUMENTS; i++)
		config.environment[i].name = text("X");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
	config.environment_count++;
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_LIMIT);
	assert_string_equal(fault.field, "environment");
}

static void test_launch_config_suits__policies_that_the_image_leaves_to_it(void **state)
{
	struct manifest *m = sample_manifest();
	struct tobi_fault fault = {0};

	(void)state;
	config = (struct launch_config){0};
	/* The sample leaves its clients' policy to the launch. */
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_NOT_FOUND);
	assert_string_equal(fault.field, "policies");
	config.policies[0] = (struct launch_policy){text("clients"), text("y")};
	config.policy_count = 1;
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
	m->egress[0].policy = text("launch");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_NOT_FOUND);
	config.policies[1] = (struct launch_policy){m->egress[0].target, text("y")};
	config.policy_count = 2;
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
	/* Plain bytes stay plain, and a policy of the image stays that one. */
	m->egress[0].policy = text("");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	m->egress[0].policy = text("/other.yaml");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	config.policies[1].name = text("example.org:443"); /* not listed */
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	config.policy_count = 1;
	m->clients = text("");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	m->clients = text("/clients.yaml");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	/* Who must attest cannot do so in ra-tls. */
	config = (struct launch_config){.ra_tls = true};
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_E_DENIED);
	assert_string_equal(fault.field, "ra-tls");
	m->clients = text("");
	assert_int_equal(launch_config_suits(&config, m, &fault), TOBI_OK);
}

static void test_launch_config_sort__brings_the_order_required(void **state)
{
	struct writer out;

	(void)state;
	config = (struct launch_config){
	    .environment = {{text("AA"), text("1")}, {text("B"), text("2")}},
	    .environment_count = 2,
	    .policies = {{text("clients"), text("y")}, {text("h:1"), text("y")}},
	    .policy_count = 2};
	assert_int_not_equal(rewrite(&out, NULL), TOBI_OK);
	launch_config_sort(&config);
	assert_int_equal(rewrite(&out, NULL), TOBI_OK);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_launch_config_golden__round_trip),
	    cmocka_unit_test(test_launch_config_without_additions__is_three_bytes),
	    cmocka_unit_test(test_launch_config_truncated_or_trailing__fails),
	    cmocka_unit_test(test_launch_config_bit_flips__all_seen),
	    cmocka_unit_test(test_launch_config_rules__are_kept),
	    cmocka_unit_test(test_launch_config_broker__is_recognised_or_refused),
	    cmocka_unit_test(test_launch_config_place_of_secrets__is_repository_and_type),
	    cmocka_unit_test(
		test_launch_config_place_of_counters__is_kept_and_needs_a_broker),
	    cmocka_unit_test(test_launch_config_suits__a_place_needs_secrets),
	    cmocka_unit_test(test_launch_config_size__limit),
	    cmocka_unit_test(test_launch_config_suits__adds_and_never_changes),
	    cmocka_unit_test(
		test_launch_config_suits__policies_that_the_image_leaves_to_it),
	    cmocka_unit_test(test_launch_config_sort__brings_the_order_required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
