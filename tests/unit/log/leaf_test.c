#include "codec/cbor.h"
#include "log/leaf.h"
#include "tests/bytes.h"

static const uint8_t salt[LOG_SALT_SIZE] = {9}, digest[LOG_DIGEST_SIZE] = {1},
		     policy[LOG_DIGEST_SIZE] = {2};

static struct log_leaf least_leaf(void)
{
	return (struct log_leaf){.kind = 1,
				 .salt = {salt, sizeof(salt)},
				 .channel = text_bytes("kbs"),
				 .action = text_bytes("release"),
				 .resource = text_bytes("a/b/c")};
}

static struct log_leaf full_leaf(void)
{
	struct log_leaf leaf = least_leaf();

	leaf.time = 1795000000;
	leaf.accepted = true;
	leaf.version = 7;
	leaf.remote = text_bytes("192.0.2.7");
	leaf.principal = text_bytes("alice");
	leaf.reason = text_bytes("accepted");
	leaf.evidence = (struct tobi_bytes){digest, sizeof(digest)};
	leaf.policy = (struct tobi_bytes){policy, sizeof(policy)};
	leaf.checks[0] = (struct log_check){text_bytes("POLICY-TIER"), 1};
	leaf.checks[1] = (struct log_check){text_bytes("POLICY-NONCE"), 3};
	leaf.checks[2] = (struct log_check){text_bytes("SOFT-SIGNATURE"), 1};
	leaf.check_count = 3;
	return leaf;
}

static struct writer written(const struct log_leaf *leaf)
{
	struct writer out = wr_init(LOG_LEAF_MAX);

	assert_int_equal(log_leaf_write(leaf, &out, NULL), 0);
	return out;
}

static void test_log_leaf_read__what_was_written__the_same(void **state)
{
	static struct log_leaf leaf, again;
	struct writer out;
	struct block block;

	(void)state;
	leaf = full_leaf();
	out = written(&leaf);
	block = block_new(wr_view(&out));
	assert_int_equal(log_leaf_read(block_view(block), &again, NULL), 0);
	assert_int_equal(again.kind, 1);
	assert_int_equal(again.time, leaf.time);
	assert_true(again.accepted);
	assert_int_equal(again.version, 7);
	assert_bytes_equal(again.salt, leaf.salt);
	assert_bytes_equal(again.channel, leaf.channel);
	assert_bytes_equal(again.action, leaf.action);
	assert_bytes_equal(again.resource, leaf.resource);
	assert_bytes_equal(again.remote, leaf.remote);
	assert_bytes_equal(again.principal, leaf.principal);
	assert_bytes_equal(again.reason, leaf.reason);
	assert_bytes_equal(again.evidence, leaf.evidence);
	assert_bytes_equal(again.policy, leaf.policy);
	assert_int_equal(again.check_count, 3);
	/* In the order of outcomes, and within one as they came. */
	assert_bytes_equal(again.checks[0].code, text_bytes("POLICY-TIER"));
	assert_bytes_equal(again.checks[1].code, text_bytes("SOFT-SIGNATURE"));
	assert_int_equal(again.checks[1].outcome, 1);
	assert_bytes_equal(again.checks[2].code, text_bytes("POLICY-NONCE"));
	assert_int_equal(again.checks[2].outcome, 3);
	block_done(block);
	wr_done(&out);
}

static void test_log_leaf_read__least__the_rest_is_empty(void **state)
{
	static struct log_leaf leaf, again;
	struct writer out;

	(void)state;
	leaf = least_leaf();
	out = written(&leaf);
	assert_int_equal(log_leaf_read(wr_view(&out), &again, NULL), 0);
	assert_false(again.accepted);
	assert_int_equal(again.version, 0);
	assert_int_equal(again.remote.size + again.principal.size + again.reason.size +
			     again.evidence.size + again.policy.size + again.check_count,
			 0);
	wr_done(&out);
}

/* Written by hand: what a leaf is may never change. */
static void test_log_leaf_write__known_bytes(void **state)
{
	static const char wanted[] = "a9000101010200"
				     "03f4"
				     "045009000000000000000000000000000000"
				     "05636b6273"
				     "066772656c65617365"
				     "0765612f622f63"
				     "0807";
	struct block block = block_unhex(wanted);
	static struct log_leaf leaf;
	struct writer out;

	(void)state;
	leaf = least_leaf();
	leaf.version = 7;
	out = written(&leaf);
	assert_bytes_equal(wr_view(&out), block_view(block));
	block_done(block);
	wr_done(&out);
}

static void test_log_leaf_read__cut_or_longer__refused(void **state)
{
	static struct log_leaf leaf, again;
	struct writer out;

	(void)state;
	leaf = full_leaf();
	out = written(&leaf);
	again.kind = 77;
	for (size_t size = 0; size < out.size; size++) {
		struct block block = block_new((struct tobi_bytes){out.ptr, size});

		assert_int_equal(log_leaf_read(block_view(block), &again, NULL),
				 TOBI_E_TRUNCATED);
		block_done(block);
	}
	wr_u8(&out, 0);
	assert_int_equal(log_leaf_read(wr_view(&out), &again, NULL), TOBI_E_TRAILING);
	assert_int_equal(again.kind, 77);
	wr_done(&out);
}

static void write_refused(void (*damage)(struct log_leaf *leaf))
{
	static struct log_leaf leaf;
	struct writer out = wr_init(LOG_LEAF_MAX);

	leaf = full_leaf();
	damage(&leaf);
	assert_int_equal(log_leaf_write(&leaf, &out, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(out.size, 0);
	wr_done(&out);
}

static void kind_zero(struct log_leaf *leaf)
{
	leaf->kind = 0;
}
static void kind_large(struct log_leaf *leaf)
{
	leaf->kind = 256;
}
static void time_negative(struct log_leaf *leaf)
{
	leaf->time = -1;
}
static void salt_short(struct log_leaf *leaf)
{
	leaf->salt.size--;
}
static void channel_none(struct log_leaf *leaf)
{
	leaf->channel.size = 0;
}
static void action_none(struct log_leaf *leaf)
{
	leaf->action.size = 0;
}
static void resource_none(struct log_leaf *leaf)
{
	leaf->resource.size = 0;
}
static void reason_control(struct log_leaf *leaf)
{
	leaf->reason = text_bytes("a\x1b[31m");
}
static void reason_long(struct log_leaf *leaf)
{
	static char text[LOG_TEXT_MAX + 2];

	memset(text, 'x', LOG_TEXT_MAX + 1);
	leaf->reason = text_bytes(text);
}
static void evidence_short(struct log_leaf *leaf)
{
	leaf->evidence.size--;
}
static void policy_short(struct log_leaf *leaf)
{
	leaf->policy.size = 32;
}
static void outcome_large(struct log_leaf *leaf)
{
	leaf->checks[1].outcome = LOG_OUTCOMES;
}
static void code_small(struct log_leaf *leaf)
{
	leaf->checks[1].code = text_bytes("policy-tier");
}
static void code_empty(struct log_leaf *leaf)
{
	leaf->checks[1].code.size = 0;
}
static void checks_many(struct log_leaf *leaf)
{
	leaf->check_count = LOG_CHECKS_MAX + 1;
}

static void test_log_leaf_write__wrong_field__argument(void **state)
{
	void (*const damages[])(struct log_leaf *) = {
	    kind_zero,	  kind_large,	 time_negative,	 salt_short,  channel_none,
	    action_none,  resource_none, reason_control, reason_long, evidence_short,
	    policy_short, outcome_large, code_small,	 code_empty,  checks_many};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		write_refused(damages[i]);
}

static void test_log_leaf__most_checks__fit(void **state)
{
	static struct log_leaf leaf, again;
	static char code[LOG_WORD_MAX + 1];
	struct writer out;

	(void)state;
	memset(code, 'A', LOG_WORD_MAX);
	leaf = full_leaf();
	for (size_t i = 0; i < LOG_CHECKS_MAX; i++)
		leaf.checks[i] =
		    (struct log_check){text_bytes(code), (unsigned)i % LOG_OUTCOMES};
	leaf.check_count = LOG_CHECKS_MAX;
	out = written(&leaf);
	assert_int_equal(log_leaf_read(wr_view(&out), &again, NULL), 0);
	assert_int_equal(again.check_count, LOG_CHECKS_MAX);
	wr_done(&out);
}

#define START "a9000101010200"
#define SALT "045009000000000000000000000000000000"
#define NAMES "05636b6273066772656c656173650765612f622f63"

static void refused(const char *hex, enum tobi_err err)
{
	static struct log_leaf again;
	struct block block = block_unhex(hex);

	assert_int_equal(log_leaf_read(block_view(block), &again, NULL), err);
	block_done(block);
}

static void test_log_leaf_read__wrong_shape__refused(void **state)
{
	(void)state;
	refused(START "03f4" SALT NAMES "0807", TOBI_OK);
	refused("a0", TOBI_E_MALFORMED);
	refused("a9000201010200"
		"03f4" SALT NAMES "0807",
		TOBI_E_UNSUPPORTED);
	refused("a9000101000200"
		"03f4" SALT NAMES "0807",
		TOBI_E_MALFORMED);
	refused("a900010119010002"
		"0003f4" SALT NAMES "0807",
		TOBI_E_LIMIT);
	refused("a90001010102"
		"1b8000000000000000"
		"03f4" SALT NAMES "0807",
		TOBI_E_LIMIT);
	refused(START "0300" SALT NAMES "0807", TOBI_E_MALFORMED);
	refused(START "03f4"
		      "044109" NAMES "0807",
		TOBI_E_MALFORMED);
	/* A field that is needed is not there: its place, and the last. */
	refused("a8000101010200" SALT NAMES "0807", TOBI_E_MALFORMED);
	refused("a7000101010200"
		"03f4" SALT "05636b6273066772656c65617365",
		TOBI_E_MALFORMED);
	/* A version that is zero, a text and a hash that are empty: a second way. */
	refused(START "03f4" SALT NAMES "0800", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "0960", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "0c40", TOBI_E_MALFORMED);
	/* Checks: none, none of an outcome, another outcome, another code. */
	refused(START "03f4" SALT NAMES "0ea0", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "0ea10180", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "0ea104816141", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "0ea101816161", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "0ea101816141", TOBI_OK);
	/* A key that is not known, and one of an unknown kind. */
	refused(START "03f4" SALT NAMES "0f00", TOBI_E_MALFORMED);
	refused(START "03f4" SALT NAMES "616100", TOBI_E_MALFORMED);
}

static void test_log_leaf_read__over_the_limit__limit(void **state)
{
	static uint8_t bytes[LOG_LEAF_MAX + 1];
	static struct log_leaf again;

	(void)state;
	assert_int_equal(
	    log_leaf_read((struct tobi_bytes){bytes, sizeof(bytes)}, &again, NULL),
	    TOBI_E_LIMIT);
	/* More checks than fit, each outcome within its own limit. */
	{
		struct writer out = wr_init(LOG_LEAF_MAX);
		struct block start = block_unhex(START "03f4" SALT NAMES "0ea2");

		wr_bytes(&out, start.ptr, start.size);
		for (unsigned outcome = 1; outcome < 3; outcome++) {
			cbor_write_uint(&out, outcome);
			cbor_write_array(&out, LOG_CHECKS_MAX - outcome);
			for (size_t i = 0; i < LOG_CHECKS_MAX - outcome; i++)
				cbor_write_text(&out, "A");
		}
		assert_int_equal(wr_err(&out), 0);
		assert_int_equal(log_leaf_read(wr_view(&out), &again, NULL),
				 TOBI_E_LIMIT);
		wr_done(&out);
		block_done(start);
	}
}

static void test_log_names__each_number__a_word(void **state)
{
	(void)state;
	assert_string_equal(log_kind_name(1), "release");
	assert_string_equal(log_kind_name(5), "certificate");
	assert_string_equal(log_kind_name(6), "other");
	assert_string_equal(log_kind_name(0), "other");
	assert_string_equal(log_outcome_name(2), "failed");
	assert_string_equal(log_outcome_name(4), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log_leaf_read__what_was_written__the_same),
	    cmocka_unit_test(test_log_leaf_read__least__the_rest_is_empty),
	    cmocka_unit_test(test_log_leaf_write__known_bytes),
	    cmocka_unit_test(test_log_leaf_read__cut_or_longer__refused),
	    cmocka_unit_test(test_log_leaf_write__wrong_field__argument),
	    cmocka_unit_test(test_log_leaf__most_checks__fit),
	    cmocka_unit_test(test_log_leaf_read__wrong_shape__refused),
	    cmocka_unit_test(test_log_leaf_read__over_the_limit__limit),
	    cmocka_unit_test(test_log_names__each_number__a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
