#include "desk_world.h"

#include "seal/peer.h"

static void test_desk__seal_then_unseal__gives_the_content(void **state)
{
	struct block sealed = seal_text("hello"), content;
	int fd;

	(void)state;
	assert_int_equal(sealed.size, 5 + TOBI_SEAL_OVERHEAD);
	assert_int_equal(world.key.to, TOBI_SEAL_TO_IMAGE);
	assert_int_equal(world.key.signer.size, 0);
	fd = visit_with(&unseal, block_view(sealed));
	give_key();
	content = content_of(fd);
	assert_bytes_equal(block_view(content), text_bytes("hello"));
	assert_int_equal(world.keys_asked, 2);
	close(fd);
	block_done(sealed);
	block_done(content);
}

static void test_desk__two_of_the_same__are_not_alike(void **state)
{
	struct block one = seal_text("hello"), two = seal_text("hello");

	(void)state;
	assert_memory_not_equal(one.ptr + 64, two.ptr + 64, SEAL_SALT_SIZE);
	assert_memory_not_equal(one.ptr + SEAL_HEADER_SIZE, two.ptr + SEAL_HEADER_SIZE,
				5);
	block_done(one);
	block_done(two);
}

static void test_desk__seal_to_signer__asks_for_that_key(void **state)
{
	struct ask ask = {.kind = ASK_SEAL, .to = TOBI_SEAL_TO_SIGNER};
	int fd = visit_with(&ask, text_bytes("x"));

	(void)state;
	assert_int_equal(world.key.to, TOBI_SEAL_TO_SIGNER);
	assert_int_equal(world.key.signer.size, 48);
	assert_int_equal(world.key.signer.ptr[0], 0x11);
	assert_int_equal(world.key.svn, 7);
	close(fd);
}

static void test_desk__counter__is_asked_and_answered(void **state)
{
	struct ask ask = {.kind = ASK_COUNTER, .increment = true};
	struct tobi_counter counter = {.value = 41, .anchored = true};
	struct answer answer;
	int fd = visit(), none = -1;

	(void)state;
	ask.name = text_bytes("state");
	say(fd, &ask, -1);
	assert_int_equal(world.counters_asked, 1);
	assert_true(world.counter.increment);
	assert_string_equal(world.name, "state");
	assert_int_equal(told(fd), TOBI_E_TIMEOUT);
	assert_int_equal(desk_counter(world.desk, &counter, NULL), TOBI_OK);
	assert_int_equal(hear(fd, &answer, &none), TOBI_OK);
	assert_int_equal(answer.kind, ANSWER_COUNTER);
	assert_int_equal(answer.counter.value, 41);
	assert_true(answer.counter.anchored);
	close(fd);
}

/* Who waits for such a one keeps nobody else waiting. */
static void test_desk__counters_elsewhere__any_number_at_once(void **state)
{
	struct ask ask = {.kind = ASK_COUNTER, .increment = true};
	const struct tobi_counter counter = {.value = 42, .anchored = true};
	const struct tobi_fault why = {.code = TOBI_E_DENIED, .message = "denied"};
	int first = visit(), second = visit(), gone = visit(), sealing, none = -1;
	struct answer answer;

	(void)state;
	ask.name = text_bytes("state");
	say(first, &ask, -1);
	say(second, &ask, -1);
	say(gone, &ask, -1);
	close(gone);
	assert_int_equal(world.counts_asked, 3);
	assert_int_equal(world.counters_asked, 0);
	assert_true(world.counter.increment);
	sealing = visit_with(&seal, text_bytes("x"));
	assert_int_equal(world.keys_asked, 1);
	/* The service has not been asked for a counter. */
	assert_int_equal(desk_counter(world.desk, &counter, NULL), TOBI_E_PROTOCOL);
	desk_counted(world.desk, world.counts[1], NULL, &why);
	desk_counted(world.desk, world.counts[0], &counter, NULL);
	run();
	desk_counted(world.desk, world.counts[2], &counter, NULL);
	desk_counted(world.desk, 999, &counter, NULL);
	assert_int_equal(told(second), TOBI_E_DENIED);
	assert_int_equal(hear(first, &answer, &none), TOBI_OK);
	assert_int_equal(answer.counter.value, 42);
	close(first);
	close(second);
	close(sealing);
}

static void test_desk__the_service_refuses__so_does_the_desk(void **state)
{
	struct tobi_fault why = {.code = TOBI_E_LIMIT, .message = "too many counters"};
	int fd = visit_with(&seal, text_bytes("x"));

	(void)state;
	assert_int_equal(desk_refused(world.desk, &why, NULL), TOBI_OK);
	assert_int_equal(told(fd), TOBI_E_LIMIT);
	close(fd);
}

static void test_desk__answers_that_were_not_asked_for__fail(void **state)
{
	struct tobi_counter counter = {0};
	struct tobi_fault why = {.code = TOBI_E_LIMIT};
	struct ask ask = {.kind = ASK_COUNTER, .name = text_bytes("a")};
	int fd;

	(void)state;
	assert_int_equal(desk_key(world.desk, key, NULL), TOBI_E_PROTOCOL);
	assert_int_equal(desk_counter(world.desk, &counter, NULL), TOBI_E_PROTOCOL);
	assert_int_equal(desk_refused(world.desk, &why, NULL), TOBI_E_PROTOCOL);
	fd = visit();
	say(fd, &ask, -1);
	assert_int_equal(desk_key(world.desk, key, NULL), TOBI_E_PROTOCOL);
	close(fd);
}

static void test_desk__an_agent_that_cannot_begin__says_so(void **state)
{
	struct answer answer;
	int fd, none;

	(void)state;
	world.begun = TOBI_E_CRYPTO;
	fd = visit_with(&seal, text_bytes("x"));
	assert_int_not_equal(hear(fd, &answer, &none), TOBI_OK);
	assert_int_equal(world.keys_asked, 0);
	close(fd);
}

static void test_desk__peer__is_told_at_once(void **state)
{
	struct ask ask = {.kind = ASK_PEER, .source = 40000, .port = 8080};
	static const uint8_t claims[40] = {1}, hash[48] = {2};
	struct tobi_peer *peer = NULL;
	struct packet packet = {0};
	int fd = visit(), waiting;
	uint8_t peer_key[48];

	(void)state;
	/* Not behind one that waits for the service. */
	waiting = visit_with(&seal, text_bytes("x"));
	world.told = (struct peer_told){.claims_buffer = {claims, sizeof(claims)},
					.address = text_bytes("192.0.2.7"),
					.key = {hash, sizeof(hash)}};
	world.collection = text_bytes("evidence");
	say(fd, &ask, -1);
	assert_int_equal(world.source, 40000);
	assert_int_equal(world.port, 8080);
	assert_int_equal(packet_receive(fd, LIMIT_ASK, &packet, NULL), TOBI_OK);
	assert_int_equal(peer_take(&packet, &peer, NULL), TOBI_OK);
	assert_bytes_equal(tobi_peer_collection(peer), text_bytes("evidence"));
	assert_bytes_equal(tobi_peer_claims_buffer(peer),
			   ((struct tobi_bytes){claims, sizeof(claims)}));
	assert_string_equal(tobi_peer_address(peer), "192.0.2.7");
	assert_true(tobi_peer_key(peer, peer_key));
	assert_memory_equal(peer_key, hash, sizeof(hash));
	tobi_peer_free(peer);
	packet_done(&packet);
	close(fd);
	close(waiting);
}

static void test_desk__no_such_peer__says_so(void **state)
{
	struct ask ask = {.kind = ASK_PEER, .source = 1, .port = 2};
	int fd = visit();

	(void)state;
	world.no_peer = TOBI_E_NOT_FOUND;
	say(fd, &ask, -1);
	assert_int_equal(told(fd), TOBI_E_NOT_FOUND);
	close(fd);
}

static void test_desk__peer_with_a_descriptor__is_refused(void **state)
{
	struct ask ask = {.kind = ASK_PEER, .source = 1, .port = 2};
	int fd = visit_with(&ask, text_bytes("x"));

	(void)state;
	assert_int_equal(told(fd), TOBI_E_PROTOCOL);
	assert_int_equal(world.source, 0);
	close(fd);
}

/* ---- who asks wrongly ---- */

static void test_desk__nonsense__is_answered_with_a_fault(void **state)
{
	int fd = visit();

	(void)state;
	assert_int_equal(packet_send(fd, text_bytes("nonsense"), NULL, 0, NULL), TOBI_OK);
	run();
	assert_int_equal(told(fd), TOBI_E_MALFORMED);
	close(fd);
	assert_int_equal(world.keys_asked, 0);
}

static void test_desk__a_packet_over_the_limit__is_refused(void **state)
{
	uint8_t *large = calloc(1, LIMIT_ASK + 1);
	int fd = visit();

	(void)state;
	assert_int_equal(
	    packet_send(fd, (struct tobi_bytes){large, LIMIT_ASK + 1}, NULL, 0, NULL),
	    TOBI_OK);
	run();
	assert_int_equal(told(fd), TOBI_E_LIMIT);
	close(fd);
	free(large);
}

/* What could make the agent wait, or change while it reads. */
static void test_desk__content_that_is_no_sealed_memory__is_refused(void **state)
{
	int pipes[2], memory = memfd_create("open", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < 3; i++) {
		int fd = visit();

		say(fd, &seal, i == 0 ? pipes[0] : i == 1 ? memory : file);
		assert_int_equal(told(fd), TOBI_E_DENIED);
		close(fd);
	}
	assert_int_equal(world.keys_asked, 0);
	close(pipes[0]);
	close(pipes[1]);
	close(memory);
	close(file);
}

static void test_desk__descriptors_missing_or_too_many__are_refused(void **state)
{
	struct ask counter = {.kind = ASK_COUNTER, .name = text_bytes("a")};
	int file = -1, fd = visit();

	(void)state;
	say(fd, &seal, -1);
	assert_int_equal(told(fd), TOBI_E_PROTOCOL);
	close(fd);
	assert_int_equal(memfile_new(text_bytes("x"), &file, NULL), TOBI_OK);
	fd = visit();
	say(fd, &counter, file);
	assert_int_equal(told(fd), TOBI_E_PROTOCOL);
	close(fd);
	close(file);
}

static void test_desk__an_object_that_is_not_for_this_image__asks_for_no_key(void **state)
{
	struct block sealed = seal_text("x");
	int fd;

	(void)state;
	world.keys_asked = 0;
	world.identity.image[0] = 0xbb;
	fd = visit_with(&unseal, block_view(sealed));
	assert_int_equal(told(fd), TOBI_E_DENIED);
	assert_int_equal(world.keys_asked, 0);
	close(fd);
	block_done(sealed);
}

static void test_desk__a_changed_object__gives_nothing(void **state)
{
	struct block sealed = seal_text("secret");
	int fd;

	(void)state;
	sealed.ptr[sealed.size - 1] ^= 1;
	fd = visit_with(&unseal, block_view(sealed));
	give_key();
	assert_int_equal(told(fd), TOBI_E_MISMATCH);
	close(fd);
	block_done(sealed);
}

/* ---- one at a time, and nobody waits for somebody who does not come ---- */

static void test_desk__many__are_served_in_order(void **state)
{
	int fds[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		fds[i] = visit_with(&seal, text_bytes("x"));
	assert_int_equal(world.keys_asked, 1);
	for (int i = 0; i < 4; i++) {
		struct block sealed;

		for (int j = i; j < 4; j++)
			assert_int_equal(told(fds[j]), TOBI_E_TIMEOUT);
		give_key();
		sealed = content_of(fds[i]);
		block_done(sealed);
		close(fds[i]);
		run();
	}
	assert_int_equal(world.keys_asked, 4);
}

static void test_desk__one_who_leaves_while_served__holds_nobody_up(void **state)
{
	int gone = visit_with(&seal, text_bytes("x"));
	int stays = visit_with(&seal, text_bytes("y"));
	struct block sealed;

	(void)state;
	close(gone);
	run();
	give_key();
	assert_int_equal(world.keys_asked, 2);
	give_key();
	sealed = content_of(stays);
	block_done(sealed);
	close(stays);
}

static void test_desk__as_many_as_there_is_room_for__and_the_next_waits(void **state)
{
	int fds[DESK_VISITORS], late;

	(void)state;
	for (int i = 0; i < DESK_VISITORS; i++)
		fds[i] = visit();
	late = visit_with(&seal, text_bytes("x"));
	assert_int_equal(world.keys_asked, 0);
	close(fds[3]);
	run();
	assert_int_equal(world.keys_asked, 1);
	assert_int_equal(told(late), TOBI_E_TIMEOUT);
	for (int i = 0; i < DESK_VISITORS; i++) {
		if (i != 3)
			close(fds[i]);
	}
	close(late);
}

/* No key for ever: after a burst there is a rate. Increments cost more. */
static void test_desk__more_than_a_burst__waits(void **state)
{
	struct ask ask = {
	    .kind = ASK_COUNTER, .increment = true, .name = text_bytes("a")};
	struct tobi_counter counter = {0};
	unsigned answered = 0;

	(void)state;
	for (int i = 0; i < 30; i++) {
		int fd = visit();

		say(fd, &ask, -1);
		if (world.counters_asked == answered) {
			close(fd);
			break;
		}
		assert_int_equal(desk_counter(world.desk, &counter, NULL), TOBI_OK);
		answered++;
		close(fd);
		run();
	}
	/* 20 in a burst; a slow machine lets a few more pass meanwhile. */
	assert_in_range(answered, 20, 29);
	while (world.counters_asked == answered)
		event_base_loop(world.base, EVLOOP_ONCE);
}

static void test_desk__one_who_says_nothing__is_sent_away(void **state)
{
	uint8_t byte;
	int fd = -1;

	(void)state;
	leave(NULL);
	assert_int_equal(enter_with(20), 0);
	assert_int_equal(client_connect_to(world.path, &fd, NULL), TOBI_OK);
	/* The loop ends when there is nothing to wait for but the listener: it is asked
	 * until the other end is closed. */
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (recv(fd, &byte, 1, 0) < 0)
		event_base_loop(world.base, EVLOOP_ONCE);
	close(fd);
}

/* 16 MiB are worked through in slices: between two of them others are heard. */
static void test_desk__a_large_object__lets_others_in_between(void **state)
{
	uint8_t *large = calloc(1, TOBI_SEAL_CONTENT_MAX + 1);
	struct answer answer;
	unsigned turns = 0;
	int fd, file = -1;

	(void)state;
	fd = visit_with(&seal, (struct tobi_bytes){large, TOBI_SEAL_CONTENT_MAX});
	assert_int_equal(desk_key(world.desk, key, NULL), TOBI_OK);
	while (hear(fd, &answer, &file) == TOBI_E_TIMEOUT) {
		event_base_loop(world.base, EVLOOP_ONCE);
		turns++;
	}
	assert_int_equal(answer.kind, ANSWER_CONTENT);
	assert_true(turns >= 128);
	close(file);
	close(fd);
	run();
	fd = visit_with(&seal, (struct tobi_bytes){large, TOBI_SEAL_CONTENT_MAX + 1});
	assert_int_equal(told(fd), TOBI_E_LIMIT);
	close(fd);
	free(large);
}

/* ---- sessions out of the enclave ---- */

static const struct ask a_connect = {.kind = ASK_CONNECT,
				     .target = {(const uint8_t *)"db:1", 4}};

static int ask_for_session(void)
{
	int fd = visit();

	say(fd, &a_connect, -1);
	return fd;
}

/* The session's own ends, and those that the agent keeps. */
static void make_session(int ret_given[static 2], int ret_kept[static 2])
{
	int pair[2], ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(ends), 0);
	ret_given[0] = pair[1], ret_given[1] = ends[0];
	ret_kept[0] = pair[0], ret_kept[1] = ends[1];
}

static void test_desk_connect__opened__hands_both_over(void **state)
{
	int given[2], kept[2], fd = ask_for_session();
	struct packet packet = {0};
	struct answer answer;
	char byte = 0;

	(void)state;
	assert_int_equal(world.connects_asked, 1);
	assert_string_equal(world.target, "db:1");
	make_session(given, kept);
	desk_connected(world.desk, world.connects[0], given, NULL);
	assert_int_equal(packet_receive(fd, LIMIT_ASK, &packet, NULL), TOBI_OK);
	assert_int_equal(answer_parse(wr_view(&packet.bytes), &answer, NULL), TOBI_OK);
	assert_int_equal(answer.kind, ANSWER_CONNECTED);
	assert_int_equal(packet.fd_count, 2);
	assert_int_equal(write(kept[0], "x", 1), 1);
	assert_int_equal(read(packet.fds[0], &byte, 1), 1);
	close(kept[1]);
	assert_int_equal(read(packet.fds[1], &byte, 1), 0);
	packet_done(&packet);
	/* The desk has kept no copy. */
	assert_int_equal(read(kept[0], &byte, 1), 0);
	close(kept[0]);
	close(fd);
}

static void test_desk_connect__while_one_waits__others_are_served(void **state)
{
	struct tobi_fault why = {.code = TOBI_E_REFUSED, .message = "no"};
	struct ask sealing = {.kind = ASK_SEAL};
	struct answer answer;
	int first = ask_for_session(), second = ask_for_session(), content = -1, sealer;

	(void)state;
	sealer = visit_with(&sealing, (struct tobi_bytes){key, 9});
	assert_int_equal(world.keys_asked, 1);
	desk_connected(world.desk, world.connects[1], NULL, &why);
	assert_int_equal(hear(second, &answer, &content), TOBI_E_REFUSED);
	assert_int_equal(hear(first, &answer, &content), TOBI_E_TIMEOUT);
	/* Twice, or for nobody, is nothing. */
	desk_connected(world.desk, world.connects[1], NULL, &why);
	desk_connected(world.desk, 99, NULL, &why);
	give_key();
	close(first);
	close(second);
	close(sealer);
}

static void test_desk_connect__who_asked_is_not_there__session_is_closed(void **state)
{
	int given[2], kept[2];
	char byte;

	(void)state;
	make_session(given, kept);
	desk_connected(world.desk, 7, given, NULL);
	assert_int_equal(read(kept[0], &byte, 1), 0);
	close(kept[0]);
	close(kept[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
	    TEST(test_desk__seal_then_unseal__gives_the_content),
	    TEST(test_desk__two_of_the_same__are_not_alike),
	    TEST(test_desk__seal_to_signer__asks_for_that_key),
	    TEST(test_desk__counter__is_asked_and_answered),
	    cmocka_unit_test_setup_teardown(
		test_desk__counters_elsewhere__any_number_at_once, enter_counting, leave),
	    TEST(test_desk__the_service_refuses__so_does_the_desk),
	    TEST(test_desk__answers_that_were_not_asked_for__fail),
	    TEST(test_desk__an_agent_that_cannot_begin__says_so),
	    TEST(test_desk__peer__is_told_at_once),
	    TEST(test_desk__no_such_peer__says_so),
	    TEST(test_desk__peer_with_a_descriptor__is_refused),
	    TEST(test_desk__nonsense__is_answered_with_a_fault),
	    TEST(test_desk__a_packet_over_the_limit__is_refused),
	    TEST(test_desk__content_that_is_no_sealed_memory__is_refused),
	    TEST(test_desk__descriptors_missing_or_too_many__are_refused),
	    TEST(test_desk__an_object_that_is_not_for_this_image__asks_for_no_key),
	    TEST(test_desk__a_changed_object__gives_nothing),
	    TEST(test_desk__many__are_served_in_order),
	    TEST(test_desk__one_who_leaves_while_served__holds_nobody_up),
	    TEST(test_desk__as_many_as_there_is_room_for__and_the_next_waits),
	    TEST(test_desk__more_than_a_burst__waits),
	    TEST(test_desk__one_who_says_nothing__is_sent_away),
	    TEST(test_desk__a_large_object__lets_others_in_between),
	    TEST(test_desk_connect__opened__hands_both_over),
	    TEST(test_desk_connect__while_one_waits__others_are_served),
	    TEST(test_desk_connect__who_asked_is_not_there__session_is_closed),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
