#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemons/platform/seal_key.h"
#include "ipc/control.h"
#include "tests/unit/platform/world.h"
#include "token/soft_token.h"

static const uint8_t first_signer[SHA384_SIZE] = {0x11}, no_signer[SHA384_SIZE] = {0x33};

/* ---- ATTEST ---- */

/* The agent has heard of the request with this number and nonce. */
static void expect_attest(unsigned number, const char *nonce)
{
	struct writer out = wr_init(128);
	struct packet packet;

	assert_true(world_hear(&packet));
	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_ATTEST);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, number);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, text_bytes(nonce));
	assert_bytes_equal(wr_view(&packet.bytes), wr_view(&out));
	packet_done(&packet);
	wr_done(&out);
}

static void say_evidence(unsigned number, const char *evidence)
{
	struct writer out = wr_init(128);

	cbor_write_map(&out, 3);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_EVIDENCE);
	cbor_write_uint(&out, 1);
	cbor_write_uint(&out, number);
	cbor_write_uint(&out, 2);
	cbor_write_bytes(&out, text_bytes(evidence));
	world_say(&out);
	wr_done(&out);
}

static void say_fault(void)
{
	struct tobi_fault fault = {.code = TOBI_E_LIMIT, .message = "too busy"};
	struct writer out = wr_init(1024);

	packet_write_fault(&out, AGENT_FAULT, &fault);
	world_say(&out);
	wr_done(&out);
}

static void expect_evidence(int client, const char *evidence)
{
	struct writer out = wr_init(128);
	struct packet packet;

	assert_true(world_answer(client, &packet));
	cbor_write_map(&out, 2);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, REPLY_EVIDENCE);
	cbor_write_uint(&out, 1);
	cbor_write_bytes(&out, text_bytes(evidence));
	assert_bytes_equal(wr_view(&packet.bytes), wr_view(&out));
	packet_done(&packet);
	wr_done(&out);
	world_hang_up(client);
}

static void expect_fault(int client, enum tobi_err err)
{
	struct packet packet;

	assert_true(world_answer(client, &packet));
	assert_int_equal(world_kind(&packet), REPLY_FAULT);
	assert_int_equal(packet_read_fault(wr_view(&packet.bytes), NULL), err);
	packet_done(&packet);
	world_hang_up(client);
}

static void expect_nothing(int client)
{
	struct packet packet;

	assert_false(world_answer(client, &packet));
}

static void test_agent_evidence__its_asker_has_gone__is_not_the_next_ones(void **state)
{
	int client;

	(void)state;
	world_hang_up(world_ask_for_evidence("nonce of A"));
	client = world_ask_for_evidence("nonce of B");
	expect_attest(1, "nonce of A");
	expect_attest(2, "nonce of B");
	say_evidence(1, "for A");
	expect_nothing(client);
	say_evidence(2, "for B");
	expect_evidence(client, "for B");
	client = world_ask_for_evidence("nonce of C");
	say_evidence(3, "for C");
	expect_evidence(client, "for C");
	assert_false(world_enclave_is_killed());
}

static void test_agent_fault__its_asker_has_gone__is_not_the_next_ones(void **state)
{
	int client;

	(void)state;
	world_hang_up(world_ask_for_evidence("nonce of A"));
	client = world_ask_for_evidence("nonce of B");
	say_fault();
	expect_nothing(client);
	say_evidence(2, "for B");
	expect_evidence(client, "for B");
	/* Nor does it end the enclave when nobody waits any more. */
	world_hang_up(world_ask_for_evidence("nonce of C"));
	say_fault();
	assert_false(world_enclave_is_killed());
}

static void test_agent_fault__for_the_only_asker__reaches_it(void **state)
{
	int client;

	(void)state;
	client = world_ask_for_evidence("nonce of A");
	say_fault();
	expect_fault(client, TOBI_E_LIMIT);
	/* The fault was B's, before the answer to A. */
	world_hang_up(world_ask_for_evidence("nonce of A"));
	client = world_ask_for_evidence("nonce of B");
	say_fault();
	say_evidence(2, "for A");
	expect_fault(client, TOBI_E_PROTOCOL);
	assert_false(world_enclave_is_killed());
}

static void test_agent_evidence__nobody_asked__ends_the_enclave(void **state)
{
	(void)state;
	say_evidence(0, "for nobody");
	assert_true(world_enclave_is_killed());
}

static void test_agent_evidence__of_a_later_request__ends_the_enclave(void **state)
{
	int client = world_ask_for_evidence("nonce of A");

	(void)state;
	say_evidence(2, "for whom?");
	expect_nothing(client);
	assert_true(world_enclave_is_killed());
	world_hang_up(client);
}

static void test_agent_fault__nobody_asked__ends_the_enclave(void **state)
{
	siginfo_t info = {0};

	(void)state;
	say_fault();
	assert_int_equal(world.enclave->fault.code, TOBI_E_LIMIT);
	assert_int_equal(
	    waitid(P_PID, (id_t)world.enclave->isolate.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_status, SIGKILL);
}

/* ---- KEY ---- */

static const struct tobi_bytes first = {first_signer, SHA384_SIZE},
			       stranger = {no_signer, SHA384_SIZE}, none = {NULL, 0};

static void write_key(struct writer *out, unsigned kind, struct tobi_bytes signer,
		      unsigned svn, const char *label)
{
	cbor_write_map(out, 5);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, AGENT_KEY);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, kind);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, signer);
	cbor_write_uint(out, 3);
	cbor_write_uint(out, svn);
	cbor_write_uint(out, 4);
	cbor_write_text(out, label);
}

/* What the root itself derives for this, by the letter of section 6.4. */
static void expected_key(unsigned kind, struct tobi_bytes id, unsigned product,
			 unsigned svn, const char *label, uint8_t ret_key[static 32])
{
	struct writer info = wr_init(256);
	struct root *root = NULL;
	char path[128];

	cbor_write_map(&info, 7);
	cbor_write_uint(&info, 0);
	cbor_write_uint(&info, 1);
	cbor_write_uint(&info, 1);
	cbor_write_uint(&info, kind);
	cbor_write_uint(&info, 2);
	cbor_write_bytes(&info, id);
	cbor_write_uint(&info, 3);
	cbor_write_uint(&info, product);
	cbor_write_uint(&info, 4);
	cbor_write_uint(&info, svn);
	cbor_write_uint(&info, 5);
	cbor_write_text(&info, label);
	cbor_write_uint(&info, 6);
	cbor_write_bool(&info, world.enclave->image->manifest->debug);
	snprintf(path, sizeof(path), "%s/state", world.folder);
	assert_int_equal(root_open(path, &root, NULL), 0);
	assert_int_equal(root_derive(root, wr_view(&info), ret_key, NULL), 0);
	root_free(root);
	wr_done(&info);
}

static void expect_key(unsigned kind, struct tobi_bytes signer, unsigned svn,
		       const char *label, const uint8_t expected[static 32])
{
	struct writer out = wr_init(512), reply = wr_init(64);
	struct packet packet;

	write_key(&out, kind, signer, svn, label);
	world_say(&out);
	assert_true(world_hear(&packet));
	cbor_write_map(&reply, 2);
	cbor_write_uint(&reply, 0);
	cbor_write_uint(&reply, AGENT_KEY_REPLY);
	cbor_write_uint(&reply, 1);
	cbor_write_bytes(&reply, (struct tobi_bytes){expected, 32});
	assert_bytes_equal(wr_view(&packet.bytes), wr_view(&reply));
	packet_done(&packet);
	wr_done(&out);
	wr_done(&reply);
}

/* Refused, and the enclave goes on. */
static void expect_no_key(unsigned kind, struct tobi_bytes signer, unsigned svn,
			  const char *label, enum tobi_err err, const char *field)
{
	struct writer out = wr_init(512);
	struct tobi_fault fault = {0};
	struct packet packet;

	write_key(&out, kind, signer, svn, label);
	world_say(&out);
	assert_true(world_hear(&packet));
	assert_int_equal(world_kind(&packet), AGENT_FAULT);
	assert_int_equal(packet_read_fault(wr_view(&packet.bytes), &fault), err);
	assert_string_equal(fault.field, field);
	assert_false(world_enclave_is_killed());
	packet_done(&packet);
	wr_done(&out);
}

static void test_agent_key__of_the_image__is_bound_to_it(void **state)
{
	uint8_t key[32];

	(void)state;
	expected_key(0, (struct tobi_bytes){world.enclave->image->image_id, SHA384_SIZE},
		     0, 0, "disk", key);
	expect_key(0, none, 0, "disk", key);
	expected_key(0, (struct tobi_bytes){world.enclave->image->image_id, SHA384_SIZE},
		     0, 0, "other", key);
	expect_key(0, none, 0, "other", key);
}

static void test_agent_key__of_a_signer__is_bound_to_product_and_svn(void **state)
{
	uint8_t key[32];

	(void)state;
	for (unsigned svn = 0; svn <= 7; svn += 7) {
		expected_key(1, first, 3, svn, "disk", key);
		expect_key(1, first, svn, "disk", key);
	}
}

static void test_agent_key__debug_image__has_keys_of_its_own(void **state)
{
	uint8_t sound[32], debugged[32];

	(void)state;
	expected_key(1, first, 3, 7, "disk", sound);
	world.enclave->image->manifest->debug = true;
	expected_key(1, first, 3, 7, "disk", debugged);
	assert_memory_not_equal(sound, debugged, 32);
	expect_key(1, first, 7, "disk", debugged);
}

static void test_agent_key__not_its_own__is_refused(void **state)
{
	struct tobi_bytes image = {world.enclave->image->image_id, SHA384_SIZE};

	(void)state;
	expect_no_key(1, stranger, 7, "disk", TOBI_E_DENIED, "signer");
	expect_no_key(1, (struct tobi_bytes){first_signer, 47}, 7, "disk", TOBI_E_DENIED,
		      "signer");
	expect_no_key(1, none, 7, "disk", TOBI_E_DENIED, "signer");
	expect_no_key(1, image, 7, "disk", TOBI_E_DENIED, "signer");
	expect_no_key(1, first, 8, "disk", TOBI_E_DENIED, "svn");
	expect_no_key(0, first, 0, "disk", TOBI_E_ARGUMENT, "kind");
	expect_no_key(0, none, 1, "disk", TOBI_E_ARGUMENT, "kind");
	expect_no_key(0, none, 0, "", TOBI_E_ARGUMENT, "label");
}

static void test_agent_key__not_signed_at_all__has_none_of_a_signer(void **state)
{
	(void)state;
	world.enclave->image->signer_count = 0;
	expect_no_key(1, first, 0, "disk", TOBI_E_DENIED, "signer");
}

static void expect_killed(const struct writer *message)
{
	struct packet packet;

	world_say(message);
	assert_false(world_hear(&packet));
	assert_true(world_enclave_is_killed());
}

static void test_agent_key__another_kind__ends_the_enclave(void **state)
{
	struct writer out = wr_init(512);

	(void)state;
	write_key(&out, 2, none, 0, "disk");
	expect_killed(&out);
	wr_done(&out);
}

static void test_agent_key__too_long_a_label__ends_the_enclave(void **state)
{
	struct writer out = wr_init(512);
	char label[SEAL_LABEL_MAX + 2] = {0};

	(void)state;
	memset(label, 'a', SEAL_LABEL_MAX + 1);
	write_key(&out, 0, none, 0, label);
	expect_killed(&out);
	wr_done(&out);
}

static void test_agent_key__before_it_is_ready__ends_the_enclave(void **state)
{
	struct writer out = wr_init(512);

	(void)state;
	world.enclave->was_ready = false;
	write_key(&out, 0, none, 0, "disk");
	expect_killed(&out);
	wr_done(&out);
}

static void test_agent_key__without_its_signer__the_service_ends(void **state)
{
	(void)state;
	fd_close(&world.service.signer.fd);
	expect_no_key(0, none, 0, "disk", TOBI_E_NOT_FOUND, "");
	assert_int_equal(world.failed, 1);
}

/* ---- one that asks without end ---- */

static void say_running(void)
{
	struct writer out = wr_init(64);

	cbor_write_map(&out, 1);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, AGENT_RUNNING);
	world_say(&out);
	wr_done(&out);
}

static void say_note(void)
{
	struct tobi_fault fault = {.code = TOBI_E_REFUSED, .message = "noted"};
	struct writer out = wr_init(1024);

	packet_write_fault(&out, AGENT_NOTE, &fault);
	world_say(&out);
	wr_done(&out);
}

/* The log is standard error. */
static void test_agent_note__without_end__some_are_shown(void **state)
{
	static const char last[] = "fault=\"no more are shown\"\n";
	int log = memfd_create("log", MFD_CLOEXEC), kept = dup(STDERR_FILENO);
	char text[65536] = "";
	unsigned lines = 0;
	ssize_t size;

	(void)state;
	assert_int_equal(dup2(log, STDERR_FILENO), STDERR_FILENO);
	for (unsigned n = 0; n < 3 * LIMIT_NOTES; n++)
		say_note();
	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	size = pread(log, text, sizeof(text) - 1, 0);
	assert_true(size > (ssize_t)sizeof(last));
	for (ssize_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, LIMIT_NOTES + 1);
	assert_string_equal(text + size - (sizeof(last) - 1), last);
	assert_false(world_enclave_is_killed());
	close(kept);
	close(log);
}

static void expect_end_without_pace(void (*say)(void))
{
	say();
	assert_false(world_enclave_is_killed());
	world.enclave->messages.paid_ms = INT64_MAX / 2;
	say();
	assert_true(world_enclave_is_killed());
	assert_int_equal(world.enclave->fault.code, TOBI_E_LIMIT);
}

static void test_agent_pace__messages_without_end__end_the_enclave(void **state)
{
	(void)state;
	expect_end_without_pace(say_running);
}

static void test_agent_pace__notes_without_end__end_the_enclave(void **state)
{
	(void)state;
	expect_end_without_pace(say_note);
}

/* How often that is, clients say. */
static void test_agent_pace__what_clients_ask__is_free(void **state)
{
	int client;

	(void)state;
	world.enclave->messages.paid_ms = INT64_MAX / 2;
	client = world_ask_for_evidence("nonce of A");
	say_evidence(1, "for A");
	expect_evidence(client, "for A");
	client = world_ask_for_evidence("nonce of B");
	say_fault();
	expect_fault(client, TOBI_E_LIMIT);
	assert_false(world_enclave_is_killed());
}

/* What a message has cost at least. */
static int64_t cost_of(const struct writer *out)
{
	int64_t before = world.enclave->messages.paid_ms = pace_now_ms() + 500;
	struct packet packet;

	world_say(out);
	assert_true(world_hear(&packet));
	packet_done(&packet);
	assert_false(world_enclave_is_killed());
	return world.enclave->messages.paid_ms - before;
}

static void test_agent_pace__what_the_signer_does__costs_more(void **state)
{
	struct writer report = wr_init(64), key = wr_init(512), counter = wr_init(512);

	(void)state;
	cbor_write_map(&report, 2);
	cbor_write_uint(&report, 0);
	cbor_write_uint(&report, AGENT_REPORT);
	cbor_write_uint(&report, 1);
	cbor_write_bytes(&report, (struct tobi_bytes){first_signer, 32});
	assert_true(cost_of(&report) >= 2);
	write_key(&key, 0, none, 0, "disk");
	assert_true(cost_of(&key) >= 2);
	cbor_write_map(&counter, 5);
	cbor_write_uint(&counter, 0);
	cbor_write_uint(&counter, AGENT_COUNTER);
	cbor_write_uint(&counter, 1);
	cbor_write_bool(&counter, true);
	cbor_write_uint(&counter, 2);
	cbor_write_uint(&counter, 0);
	cbor_write_uint(&counter, 3);
	cbor_write_bytes(&counter, none);
	cbor_write_uint(&counter, 4);
	cbor_write_text(&counter, "paced");
	assert_true(cost_of(&counter) >= 10);
	wr_done(&report);
	wr_done(&key);
	wr_done(&counter);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_enter, world_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_agent_evidence__its_asker_has_gone__is_not_the_next_ones),
	    TEST(test_agent_fault__its_asker_has_gone__is_not_the_next_ones),
	    TEST(test_agent_fault__for_the_only_asker__reaches_it),
	    TEST(test_agent_evidence__nobody_asked__ends_the_enclave),
	    TEST(test_agent_evidence__of_a_later_request__ends_the_enclave),
	    TEST(test_agent_fault__nobody_asked__ends_the_enclave),
	    TEST(test_agent_key__of_the_image__is_bound_to_it),
	    TEST(test_agent_key__of_a_signer__is_bound_to_product_and_svn),
	    TEST(test_agent_key__debug_image__has_keys_of_its_own),
	    TEST(test_agent_key__not_its_own__is_refused),
	    TEST(test_agent_key__not_signed_at_all__has_none_of_a_signer),
	    TEST(test_agent_key__another_kind__ends_the_enclave),
	    TEST(test_agent_key__too_long_a_label__ends_the_enclave),
	    TEST(test_agent_key__before_it_is_ready__ends_the_enclave),
	    TEST(test_agent_key__without_its_signer__the_service_ends),
	    TEST(test_agent_note__without_end__some_are_shown),
	    TEST(test_agent_pace__messages_without_end__end_the_enclave),
	    TEST(test_agent_pace__notes_without_end__end_the_enclave),
	    TEST(test_agent_pace__what_clients_ask__is_free),
	    TEST(test_agent_pace__what_the_signer_does__costs_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
