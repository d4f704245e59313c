/* The program's side of PEER: what is taken for an answer. */
#include "seal/peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "seal/memfile.h"
#include "tests/bytes.h"

static const uint8_t claims[40] = {3}, key[48] = {4};

static const struct answer proven = {
    .kind = ANSWER_PEER,
    .peer = {.claims_buffer = {claims, sizeof(claims)},
	     .address = {(const uint8_t *)"2001:db8::7", 11},
	     .key = {key, sizeof(key)}}};

/* What peer_take() makes of this answer with this file; -1: none came. */
static enum tobi_err take(const struct answer *says, int file,
			  struct tobi_peer **ret_peer)
{
	struct packet packet = {.bytes = wr_init(LIMIT_ASK)};
	enum tobi_err err;

	answer_write(&packet.bytes, says);
	if (file >= 0) {
		packet.fds[0] = file;
		packet.fd_count = 1;
	}
	err = peer_take(&packet, ret_peer, NULL);
	packet_done(&packet);
	return err;
}

static int file_of(size_t size)
{
	uint8_t *content = calloc(1, size + 1);
	int fd = -1;

	memset(content, 9, size);
	assert_int_equal(memfile_new((struct tobi_bytes){content, size}, &fd, NULL), 0);
	free(content);
	return fd;
}

static void test_peer_take__proven__is_told(void **state)
{
	struct tobi_peer *peer = NULL;
	uint8_t got[48];

	(void)state;
	assert_int_equal(take(&proven, file_of(LIMIT_EVIDENCE), &peer), TOBI_OK);
	assert_int_equal(tobi_peer_collection(peer).size, LIMIT_EVIDENCE);
	assert_int_equal(tobi_peer_collection(peer).ptr[LIMIT_EVIDENCE - 1], 9);
	assert_bytes_equal(tobi_peer_claims_buffer(peer),
			   ((struct tobi_bytes){claims, sizeof(claims)}));
	assert_string_equal(tobi_peer_address(peer), "2001:db8::7");
	assert_true(tobi_peer_key(peer, got));
	assert_memory_equal(got, key, sizeof(got));
	tobi_peer_free(peer);
}

static void test_peer_take__nothing_proven__is_empty(void **state)
{
	const struct answer nothing = {.kind = ANSWER_PEER};
	struct tobi_peer *peer = NULL;
	uint8_t got[48] = {1};

	(void)state;
	assert_int_equal(take(&nothing, file_of(0), &peer), TOBI_OK);
	assert_int_equal(tobi_peer_collection(peer).size, 0);
	assert_int_equal(tobi_peer_claims_buffer(peer).size, 0);
	assert_string_equal(tobi_peer_address(peer), "");
	assert_false(tobi_peer_key(peer, got));
	assert_int_equal(got[0], 1);
	tobi_peer_free(peer);
}

static void test_peer_take__what_is_no_answer__fails(void **state)
{
	const struct answer nothing = {.kind = ANSWER_PEER};
	const struct answer content = {.kind = ANSWER_CONTENT};
	struct tobi_peer *peer = NULL;

	(void)state;
	assert_int_equal(take(&content, file_of(1), &peer), TOBI_E_PROTOCOL);
	assert_int_equal(take(&proven, -1, &peer), TOBI_E_PROTOCOL);
	/* Claims without evidence, and evidence that is over nothing. */
	assert_int_equal(take(&proven, file_of(0), &peer), TOBI_E_PROTOCOL);
	assert_int_equal(take(&nothing, file_of(1), &peer), TOBI_E_PROTOCOL);
	assert_int_equal(take(&proven, file_of(LIMIT_EVIDENCE + 1), &peer), TOBI_E_LIMIT);
	/* What could change while it is read. */
	assert_int_equal(take(&proven, memfd_create("open", MFD_CLOEXEC), &peer),
			 TOBI_E_DENIED);
	assert_null(peer);
}

static void test_peer_take__a_fault__is_the_error(void **state)
{
	struct tobi_fault fault = {.code = TOBI_E_NOT_FOUND};
	struct packet packet = {.bytes = wr_init(LIMIT_ASK)};
	struct tobi_peer *peer = NULL;

	(void)state;
	packet_write_fault(&packet.bytes, ANSWER_FAULT, &fault);
	assert_int_equal(peer_take(&packet, &peer, NULL), TOBI_E_NOT_FOUND);
	assert_null(peer);
	packet_done(&packet);
}

static void test_tobi_peer_verify__nothing_to_judge__says_so(void **state)
{
	const struct answer nothing = {.kind = ANSWER_PEER};
	struct tobi_result *result = NULL;
	struct tobi_policy *policy = NULL;
	struct tobi_peer *peer = NULL;
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		 "version: 1\ntiers: [snp]\nidentity: {mode: any-instance}\n"
		 "images: [%096d]\n",
		 0);
	assert_int_equal(tobi_policy_parse(text_bytes(text), "p", &policy, NULL),
			 TOBI_OK);
	assert_int_equal(tobi_peer_verify(NULL, NULL, NULL, 1, &result, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(take(&nothing, file_of(0), &peer), TOBI_OK);
	assert_int_equal(tobi_peer_verify(peer, policy, NULL, 1, &result, NULL),
			 TOBI_E_NOT_FOUND);
	tobi_peer_free(peer);
	assert_int_equal(tobi_peer_verify(NULL, policy, NULL, 1, &result, NULL),
			 TOBI_E_NOT_FOUND);
	/* What is no collection at all. */
	assert_int_equal(take(&proven, file_of(10), &peer), TOBI_OK);
	assert_int_not_equal(tobi_peer_verify(peer, policy, NULL, 1, &result, NULL),
			     TOBI_OK);
	assert_null(result);
	tobi_peer_free(peer);
	tobi_policy_free(policy);
}

/* Both ends of a connection at this address; false: there is none here. */
static bool connect_at(const char *address, int ret_fds[static 3])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);

	inet_pton(AF_INET, address, &at.sin_addr);
	ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(ret_fds[0], (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(ret_fds[0], 1), 0);
	assert_int_equal(getsockname(ret_fds[0], (struct sockaddr *)&at, &size), 0);
	ret_fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ret_fds[1], (struct sockaddr *)&at, size), 0);
	ret_fds[2] = accept(ret_fds[0], NULL, NULL);
	return ret_fds[2] >= 0;
}

static void close_all(const int fds[static 3])
{
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_peer_question__both_ports__are_those_of_the_program(void **state)
{
	struct sockaddr_in far = {0}, near = {0};
	socklen_t size = sizeof(far);
	struct ask ask;
	int fds[3];

	(void)state;
	assert_true(connect_at("127.0.0.1", fds));
	assert_int_equal(getsockname(fds[1], (struct sockaddr *)&far, &size), 0);
	assert_int_equal(getsockname(fds[0], (struct sockaddr *)&near, &size), 0);
	assert_int_equal(peer_question(fds[2], &ask, NULL), TOBI_OK);
	assert_int_equal(ask.source, ntohs(far.sin_port));
	assert_int_equal(ask.port, ntohs(near.sin_port));
	assert_int_equal(peer_is_still(fds[2], &ask, NULL), TOBI_OK);
	close_all(fds);
}

static void test_peer_question__not_of_the_loopback__argument(void **state)
{
	struct ask ask;
	int fds[3], pair[2];

	(void)state;
	/* The agent comes from 127.0.0.1 alone. */
	assert_true(connect_at("127.0.0.2", fds));
	assert_int_equal(peer_question(fds[2], &ask, NULL), TOBI_E_ARGUMENT);
	close_all(fds);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(peer_question(pair[0], &ask, NULL), TOBI_E_ARGUMENT);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(peer_question(-1, &ask, NULL), TOBI_E_ARGUMENT);
}

/* A reset frees the ports for others at once: its answer might be about one of them. */
static void test_peer_is_still__reset_meanwhile__not_found(void **state)
{
	const struct linger now = {1, 0};
	struct ask ask;
	int fds[3];

	(void)state;
	assert_true(connect_at("127.0.0.1", fds));
	assert_int_equal(peer_question(fds[2], &ask, NULL), TOBI_OK);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fds[1]);
	fds[1] = -1;
	assert_int_equal(peer_is_still(fds[2], &ask, NULL), TOBI_E_NOT_FOUND);
	close_all(fds);
}

static void test_tobi_peer__no_agent_or_no_socket__says_so(void **state)
{
	struct tobi_peer *peer = NULL;
	uint8_t got[48];
	int fds[3];

	(void)state;
	assert_int_equal(tobi_peer_new(-1, &peer, NULL), TOBI_E_ARGUMENT);
	assert_true(connect_at("127.0.0.1", fds));
	assert_int_equal(tobi_peer_new(fds[2], &peer, NULL), TOBI_E_NOT_FOUND);
	close_all(fds);
	assert_null(peer);
	tobi_peer_free(NULL);
	assert_int_equal(tobi_peer_collection(NULL).size, 0);
	assert_int_equal(tobi_peer_claims_buffer(NULL).size, 0);
	assert_string_equal(tobi_peer_address(NULL), "");
	assert_false(tobi_peer_key(NULL, got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_peer_take__proven__is_told),
	    cmocka_unit_test(test_peer_take__nothing_proven__is_empty),
	    cmocka_unit_test(test_peer_take__what_is_no_answer__fails),
	    cmocka_unit_test(test_peer_take__a_fault__is_the_error),
	    cmocka_unit_test(test_tobi_peer_verify__nothing_to_judge__says_so),
	    cmocka_unit_test(test_peer_question__both_ports__are_those_of_the_program),
	    cmocka_unit_test(test_peer_question__not_of_the_loopback__argument),
	    cmocka_unit_test(test_peer_is_still__reset_meanwhile__not_found),
	    cmocka_unit_test(test_tobi_peer__no_agent_or_no_socket__says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
