#include "seal/client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/packet.h"
#include "seal/memfile.h"
#include "tests/bytes.h"

/* An agent that has its answer ready: the socket pair keeps both packets. */
static int agent_that_says(struct tobi_bytes answer, int content, int *ret_agent)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(packet_send(pair[1], answer, &content, content >= 0, NULL),
			 TOBI_OK);
	*ret_agent = pair[1];
	return pair[0];
}

static enum tobi_err ask_and_hear(const struct ask *ask, const struct answer *says,
				  int content, struct answer *ret_answer)
{
	struct writer out = wr_init(64);
	int agent, got = -1, fd;
	enum tobi_err err;

	answer_write(&out, says);
	fd = agent_that_says(wr_view(&out), content, &agent);
	err = client_ask(fd, ask, text_bytes("content"), ret_answer, &got, NULL);
	if (got >= 0)
		close(got);
	close(fd);
	close(agent);
	wr_done(&out);
	return err;
}

static const struct ask seal = {.kind = ASK_SEAL};
static const struct ask counter = {.kind = ASK_COUNTER, .name = {(uint8_t *)"a", 1}};
static const struct answer content_answer = {.kind = ANSWER_CONTENT};
static const struct answer counter_answer = {.kind = ANSWER_COUNTER,
					     .counter = {7, true}};

static void test_client_ask__the_right_answer__is_taken(void **state)
{
	struct answer answer = {0};
	int file = -1;

	(void)state;
	assert_int_equal(memfile_new(text_bytes("x"), &file, NULL), TOBI_OK);
	assert_int_equal(ask_and_hear(&seal, &content_answer, file, &answer), TOBI_OK);
	assert_int_equal(ask_and_hear(&counter, &counter_answer, -1, &answer), TOBI_OK);
	assert_int_equal(answer.counter.value, 7);
	close(file);
}

static void test_client_ask__what_was_sent__is_the_question(void **state)
{
	struct writer out = wr_init(64);
	struct packet packet = {0};
	struct answer answer;
	struct ask ask;
	size_t size = 0;
	int agent, none = -1, fd;

	(void)state;
	answer_write(&out, &counter_answer);
	fd = agent_that_says(wr_view(&out), -1, &agent);
	/* An answer to another question. */
	assert_int_equal(
	    client_ask(fd, &seal, text_bytes("content"), &answer, &none, NULL),
	    TOBI_E_PROTOCOL);
	assert_int_equal(packet_receive(agent, LIMIT_ASK, &packet, NULL), TOBI_OK);
	assert_int_equal(ask_parse(wr_view(&packet.bytes), &ask, NULL), TOBI_OK);
	assert_int_equal(ask.kind, ASK_SEAL);
	assert_int_equal(packet.fd_count, 1);
	assert_int_equal(memfile_size(packet.fds[0], 7, &size, NULL), TOBI_OK);
	assert_int_equal(size, 7);
	packet_done(&packet);
	wr_done(&out);
	close(fd);
	close(agent);
}

static void test_client_ask__wrong_answers__fail(void **state)
{
	struct answer answer;
	int file = -1;

	(void)state;
	assert_int_equal(memfile_new(text_bytes("x"), &file, NULL), TOBI_OK);
	assert_int_equal(ask_and_hear(&seal, &content_answer, -1, &answer),
			 TOBI_E_PROTOCOL);
	assert_int_equal(ask_and_hear(&counter, &content_answer, file, &answer),
			 TOBI_E_PROTOCOL);
	assert_int_equal(ask_and_hear(&counter, &counter_answer, file, &answer),
			 TOBI_E_PROTOCOL);
	close(file);
}

static void test_client_ask__an_agent_that_leaves__fails(void **state)
{
	struct answer answer;
	int pair[2], none = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(
	    client_ask(pair[0], &counter, (struct tobi_bytes){0}, &answer, &none, NULL),
	    TOBI_E_NOT_FOUND);
	close(pair[0]);
}

static void test_client_connect_to__nobody_there__says_where_it_works(void **state)
{
	struct tobi_fault fault = {0};
	char path[200];
	int fd = -1;

	(void)state;
	assert_int_equal(client_connect_to("/tmp/tobichi-none/agent.sock", &fd, &fault),
			 TOBI_E_NOT_FOUND);
	assert_non_null(strstr(fault.message, "only inside an enclave"));
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = 0;
	assert_int_equal(client_connect_to(path, &fd, NULL), TOBI_E_LIMIT);
	assert_int_equal(fd, -1);
}

/* ---- what is refused before the agent is asked ---- */

static void test_tobi_seal__wrong_arguments__fail(void **state)
{
	struct tobi_seal_policy policy = {.to = (enum tobi_seal_to)2};
	uint8_t *large = calloc(1, TOBI_SEAL_CONTENT_MAX + TOBI_SEAL_OVERHEAD + 1);
	struct tobi_bytes none = {0};
	uint8_t *out = NULL;
	size_t size;

	(void)state;
	assert_int_equal(tobi_seal(&policy, none, none, &out, &size, NULL),
			 TOBI_E_ARGUMENT);
	policy = (struct tobi_seal_policy){.to = TOBI_SEAL_TO_IMAGE};
	policy.signer = (struct tobi_bytes){large, 48};
	assert_int_equal(tobi_seal(&policy, none, none, &out, &size, NULL),
			 TOBI_E_ARGUMENT);
	policy.signer = none;
	assert_int_equal(tobi_seal(&policy,
				   (struct tobi_bytes){large, TOBI_SEAL_CONTENT_MAX + 1},
				   none, &out, &size, NULL),
			 TOBI_E_LIMIT);
	assert_int_equal(
	    tobi_seal(&policy, none,
		      (struct tobi_bytes){large, TOBI_SEAL_ASSOCIATED_MAX + 1}, &out,
		      &size, NULL),
	    TOBI_E_LIMIT);
	assert_int_equal(
	    tobi_unseal((struct tobi_bytes){large, TOBI_SEAL_CONTENT_MAX +
						       TOBI_SEAL_OVERHEAD + 1},
			none, &out, &size, NULL),
	    TOBI_E_LIMIT);
	assert_null(out);
	free(large);
}

static void test_tobi_counter__wrong_arguments__fail(void **state)
{
	struct tobi_seal_policy policy = {.to = TOBI_SEAL_TO_IMAGE};
	struct tobi_counter got = {99, false};
	char name[66];

	(void)state;
	memset(name, 'n', 65);
	name[65] = 0;
	assert_int_equal(tobi_counter_read(&policy, "", &got, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(tobi_counter_increment(&policy, "a/b", &got, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(tobi_counter_increment(&policy, name, &got, NULL),
			 TOBI_E_ARGUMENT);
	policy.to = (enum tobi_seal_to)7;
	assert_int_equal(tobi_counter_read(&policy, "a", &got, NULL), TOBI_E_ARGUMENT);
	assert_int_equal(got.value, 99);
}

static void test_tobi_seal_free__nothing__is_accepted(void **state)
{
	(void)state;
	tobi_seal_free(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_client_ask__the_right_answer__is_taken),
	    cmocka_unit_test(test_client_ask__what_was_sent__is_the_question),
	    cmocka_unit_test(test_client_ask__wrong_answers__fail),
	    cmocka_unit_test(test_client_ask__an_agent_that_leaves__fails),
	    cmocka_unit_test(test_client_connect_to__nobody_there__says_where_it_works),
	    cmocka_unit_test(test_tobi_seal__wrong_arguments__fail),
	    cmocka_unit_test(test_tobi_counter__wrong_arguments__fail),
	    cmocka_unit_test(test_tobi_seal_free__nothing__is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
