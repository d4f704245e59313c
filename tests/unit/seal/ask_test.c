#include "seal/ask.h"

#include "codec/cbor.h"
#include "ipc/packet.h"
#include "tests/bytes.h"

static const uint8_t signer[48] = {1, 2, 3};

static const struct ask asks[] = {
    {.kind = ASK_SEAL, .to = TOBI_SEAL_TO_IMAGE},
    {.kind = ASK_SEAL,
     .to = TOBI_SEAL_TO_SIGNER,
     .signer = {signer, sizeof(signer)},
     .associated = {signer, 7}},
    {.kind = ASK_UNSEAL, .associated = {signer, 9}},
    {.kind = ASK_COUNTER, .name = {(const uint8_t *)"a.b-C_9", 7}},
    {.kind = ASK_COUNTER,
     .increment = true,
     .to = TOBI_SEAL_TO_SIGNER,
     .name = {(const uint8_t *)"x", 1}},
    {.kind = ASK_CONNECT, .target = {(const uint8_t *)"h:1", 3}, .policy = {signer, 9}},
    {.kind = ASK_CONNECT, .target = {(const uint8_t *)"h:1", 3}},
    {.kind = ASK_PEER, .source = 65535, .port = 1},
};

static void assert_asks_equal(const struct ask *a, const struct ask *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->to, b->to);
	assert_int_equal(a->increment, b->increment);
	assert_bytes_equal(a->signer, b->signer);
	assert_bytes_equal(a->associated, b->associated);
	assert_bytes_equal(a->name, b->name);
	assert_bytes_equal(a->target, b->target);
	assert_bytes_equal(a->policy, b->policy);
	assert_int_equal(a->source, b->source);
	assert_int_equal(a->port, b->port);
}

static void test_ask__written_and_parsed__is_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct writer out = wr_init(LIMIT_ASK);
		struct ask read;

		ask_write(&out, &asks[i]);
		assert_int_equal(ask_parse(wr_view(&out), &read, NULL), TOBI_OK);
		assert_asks_equal(&read, &asks[i]);
		wr_done(&out);
	}
}

static void test_ask__truncated_or_longer__fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		struct writer out = wr_init(LIMIT_ASK);
		struct ask read;

		ask_write(&out, &asks[i]);
		for (size_t size = 0; size < out.size; size++) {
			struct block cut = block_new((struct tobi_bytes){out.ptr, size});

			assert_int_not_equal(ask_parse(block_view(cut), &read, NULL),
					     TOBI_OK);
			block_done(cut);
		}
		wr_u8(&out, 0);
		assert_int_equal(ask_parse(wr_view(&out), &read, NULL), TOBI_E_TRAILING);
		wr_done(&out);
	}
}

static enum tobi_err parse_written(const struct ask *ask)
{
	struct writer out = wr_init(4UL * LIMIT_ASK);
	struct ask read;
	enum tobi_err err;

	ask_write(&out, ask);
	err = ask_parse(wr_view(&out), &read, NULL);
	wr_done(&out);
	return err;
}

static void test_ask__limits(void **state)
{
	uint8_t *large = calloc(1, TOBI_SEAL_ASSOCIATED_MAX + 1);
	struct ask ask = {.kind = ASK_UNSEAL,
			  .associated = {large, TOBI_SEAL_ASSOCIATED_MAX}};
	struct ask counter = {.kind = ASK_COUNTER, .name = {large, 64}};

	(void)state;
	assert_int_equal(parse_written(&ask), TOBI_OK);
	ask.associated.size++;
	assert_int_equal(parse_written(&ask), TOBI_E_LIMIT);
	memset(large, 'n', 65);
	assert_int_equal(parse_written(&counter), TOBI_OK);
	counter.name.size++;
	assert_int_equal(parse_written(&counter), TOBI_E_LIMIT);
	free(large);
}

static void test_ask__what_is_not_allowed__fails(void **state)
{
	struct ask ask = {.kind = ASK_SEAL, .signer = {signer, 48}};
	struct ask counter = {.kind = ASK_COUNTER};
	static const char *const names[] = {"", "a/b", "a b", "\xc3\xa9", "a\n"};
	static const uint8_t kind_6[] = {0xa1, 0x00, 0x06};
	struct ask peer = {.kind = ASK_PEER, .source = 1, .port = 1};
	static const uint8_t more[] = {0xa3, 0x00, 0x02, 0x01, 0x40, 0x02, 0x00};
	struct ask read;

	(void)state;
	/* A signer for the image; a short one. */
	assert_int_equal(parse_written(&ask), TOBI_E_ARGUMENT);
	ask.to = TOBI_SEAL_TO_SIGNER;
	assert_int_equal(parse_written(&ask), TOBI_OK);
	ask.signer.size = 47;
	assert_int_equal(parse_written(&ask), TOBI_E_ARGUMENT);
	ask.signer.size = 0;
	ask.to = (enum tobi_seal_to)2;
	assert_int_equal(parse_written(&ask), TOBI_E_LIMIT);
	/* A port is one. */
	assert_int_equal(parse_written(&peer), TOBI_OK);
	peer.source = 0;
	assert_int_equal(parse_written(&peer), TOBI_E_MALFORMED);
	peer = (struct ask){.kind = ASK_PEER, .source = 1};
	assert_int_equal(parse_written(&peer), TOBI_E_MALFORMED);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		counter.name = text_bytes(names[i]);
		assert_int_not_equal(parse_written(&counter), TOBI_OK);
	}
	assert_int_equal(
	    ask_parse((struct tobi_bytes){kind_6, sizeof(kind_6)}, &read, NULL),
	    TOBI_E_UNSUPPORTED);
	assert_int_equal(ask_parse((struct tobi_bytes){more, sizeof(more)}, &read, NULL),
			 TOBI_E_MALFORMED);
}

static void test_answer__written_and_parsed__is_the_same(void **state)
{
	static const struct answer answers[] = {
	    {.kind = ANSWER_CONTENT},
	    {.kind = ANSWER_COUNTER, .counter = {UINT64_MAX, true}},
	    {.kind = ANSWER_COUNTER, .counter = {0, false}},
	    {.kind = ANSWER_PEER},
	    {.kind = ANSWER_PEER,
	     .peer = {.claims_buffer = {signer, 40},
		      .address = {(const uint8_t *)"::1", 3},
		      .key = {signer, 48}}}};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct writer out = wr_init(256);
		struct answer read;

		answer_write(&out, &answers[i]);
		assert_int_equal(answer_parse(wr_view(&out), &read, NULL), TOBI_OK);
		assert_int_equal(read.kind, answers[i].kind);
		assert_int_equal(read.counter.value, answers[i].counter.value);
		assert_int_equal(read.counter.anchored, answers[i].counter.anchored);
		assert_bytes_equal(read.peer.claims_buffer,
				   answers[i].peer.claims_buffer);
		assert_bytes_equal(read.peer.address, answers[i].peer.address);
		assert_bytes_equal(read.peer.key, answers[i].peer.key);
		for (size_t size = 0; size < out.size; size++)
			assert_int_not_equal(
			    answer_parse((struct tobi_bytes){out.ptr, size}, &read, NULL),
			    TOBI_OK);
		wr_u8(&out, 0);
		assert_int_equal(answer_parse(wr_view(&out), &read, NULL),
				 TOBI_E_TRAILING);
		wr_done(&out);
	}
}

static enum tobi_err parse_told(const struct peer_told *told)
{
	struct answer answer = {.kind = ANSWER_PEER, .peer = *told}, read;
	struct writer out = wr_init(2UL * LIMIT_ASK);
	enum tobi_err err;

	answer_write(&out, &answer);
	err = answer_parse(wr_view(&out), &read, NULL);
	wr_done(&out);
	return err;
}

static void test_answer__a_peer_that_is_none__fails(void **state)
{
	uint8_t *large = calloc(1, LIMIT_CLAIMS_BUFFER + 1);
	struct peer_told told = {.key = {signer, 47}};

	(void)state;
	assert_int_equal(parse_told(&told), TOBI_E_MALFORMED);
	told = (struct peer_told){.claims_buffer = {large, LIMIT_CLAIMS_BUFFER}};
	assert_int_equal(parse_told(&told), TOBI_OK);
	told.claims_buffer.size++;
	assert_int_equal(parse_told(&told), TOBI_E_LIMIT);
	memset(large, '1', 46);
	told = (struct peer_told){.address = {large, 45}};
	assert_int_equal(parse_told(&told), TOBI_OK);
	told.address.size++;
	assert_int_equal(parse_told(&told), TOBI_E_LIMIT);
	free(large);
}

static void test_answer__a_fault__is_the_error(void **state)
{
	struct tobi_fault fault = {.code = TOBI_E_DENIED, .object = "sealed object"};
	struct tobi_fault told = {0};
	struct writer out = wr_init(LIMIT_ASK);
	struct answer read;

	(void)state;
	packet_write_fault(&out, ANSWER_FAULT, &fault);
	assert_int_equal(answer_parse(wr_view(&out), &read, &told), TOBI_E_DENIED);
	assert_string_equal(told.object, "sealed object");
	/* One that names no error is the agent's mistake, and no success. */
	wr_done(&out);
	fault.code = TOBI_OK;
	packet_write_fault(&out, ANSWER_FAULT, &fault);
	assert_int_not_equal(answer_parse(wr_view(&out), &read, &told), TOBI_OK);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ask__written_and_parsed__is_the_same),
	    cmocka_unit_test(test_ask__truncated_or_longer__fails),
	    cmocka_unit_test(test_ask__limits),
	    cmocka_unit_test(test_ask__what_is_not_allowed__fails),
	    cmocka_unit_test(test_answer__written_and_parsed__is_the_same),
	    cmocka_unit_test(test_answer__a_peer_that_is_none__fails),
	    cmocka_unit_test(test_answer__a_fault__is_the_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
