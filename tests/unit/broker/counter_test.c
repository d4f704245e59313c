#include "broker/counter.h"

#include "base/endian.h"
#include "broker/decision.h"
#include "broker/policies.h"
#include "broker/row_seal.h"
#include "tests/attested_world.h"

#define RED "/v1/counter/red/counter/volume"

static struct attested_answer ask_as(const char *path, const char *body,
				     const struct presented *presented)
{
	return attested_ask(NULL, counter_routes, path, text_bytes(body), presented);
}

/* Its value, or the status as a negative number. */
static int64_t ask(const char *path, const char *body)
{
	struct attested_answer answer = ask_as(path, body, NULL);
	int64_t value = -answer.status;

	if (answer.status == 200)
		value = json_integer_value(json_object_get(answer.json, "value"));
	attested_answer_done(&answer);
	return value;
}

#define READ "{\"op\": \"read\"}"
#define INCREMENT "{\"op\": \"increment\"}"
#define SIGNER_READ "{\"op\": \"read\", \"to\": \"signer\"}"
#define SIGNER_INCREMENT "{\"op\": \"increment\", \"to\": \"signer\"}"

static void other_image(void)
{
	world.scene.claims.image_id = attested_hash(8);
	attested_evidence_again();
}

/* ---- what it is for ---- */

static void test_counter__increment__goes_up_and_stays(void **state)
{
	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, READ), 0);
	assert_int_equal(ask(RED, INCREMENT), 1);
	assert_int_equal(ask(RED, INCREMENT), 2);
	assert_int_equal(ask(RED, READ), 2);
	assert_int_equal(ask("/v1/counter/red/counter/other", READ), 0);
	broker_world_again();
	assert_int_equal(ask(RED, READ), 2);
	assert_int_equal(ask(RED, INCREMENT), 3);
}

static void test_counter__answered__in_the_log_before(void **state)
{
	(void)state;
	attested_put_policy("red/counter");
	assert_int_equal(ask(RED, INCREMENT), 1);
	assert_int_equal(last_note()->kind, DECISION_COUNTER);
	assert_true(last_note()->accepted && last_note()->has_result &&
		    last_note()->has_policy);
	assert_string_equal(last_note()->action, "increment");
	assert_string_equal(last_note()->resource, "red/counter/volume");
	assert_string_equal(last_note()->principal, "alice");
	assert_int_equal(ask(RED, READ), 1);
	assert_string_equal(last_note()->action, "read");
	stand_in.log_fails = true;
	assert_int_equal(ask(RED, INCREMENT), -500);
	stand_in.log_fails = false;
	assert_int_equal(ask(RED, READ), 1);
}

/* ---- who may ---- */

static void expect_denied(const char *path, const char *body, const char *reason)
{
	struct attested_answer answer = ask_as(path, body, NULL);

	assert_int_equal(answer.status, 403);
	assert_string_equal(attested_error(&answer), "denied");
	/* One answer, whatever the reason. */
	assert_string_equal(json_string_value(json_object_get(answer.json, "message")),
			    "access is denied");
	assert_false(last_note()->accepted);
	assert_int_equal(last_note()->kind, DECISION_COUNTER);
	if (!strstr(last_note()->reason, reason))
		fail_msg("'%s' is not '%s'", last_note()->reason, reason);
	attested_answer_done(&answer);
}

static void test_counter__no_policy__denied_and_logged(void **state)
{
	(void)state;
	expect_denied(RED, READ, "no policy");
	expect_denied(RED, INCREMENT, "no policy");
	attested_put_policy("green");
	attested_put_policy("red/count");
	expect_denied(RED, INCREMENT, "no policy");
	expect_denied("/v1/counter/nobodys/counter/volume", INCREMENT, "nobody's");
	/* Not bob's repository by a policy of alice's. */
	expect_denied("/v1/counter/blue/counter/volume", INCREMENT, "no policy");
	assert_int_equal(db_world_number("SELECT count(*) FROM counter", NO_VALUES), 0);
}

static void test_counter__evidence_refused__denied(void **state)
{
	struct presented presented = world_presented();
	struct attested_answer answer;

	(void)state;
	attested_put_policy("red");
	world.scene.claims.svn = 2;
	attested_evidence_again();
	expect_denied(RED, INCREMENT, "POLICY-");
	assert_true(last_note()->has_result);
	/* Nothing that binds it to who asks. */
	presented.nonce = (struct tobi_bytes){0};
	answer = ask_as(RED, INCREMENT, &presented);
	assert_int_equal(answer.status, 403);
	attested_answer_done(&answer);
	assert_int_equal(db_world_number("SELECT count(*) FROM counter", NO_VALUES), 0);
}

static void test_counter__another_image__denied(void **state)
{
	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	other_image();
	expect_denied(RED, READ, "another identity");
	expect_denied(RED, INCREMENT, "another identity");
	expect_denied(RED, SIGNER_READ, "another identity");
	/* Its own. */
	assert_int_equal(ask("/v1/counter/red/counter/b", INCREMENT), 1);
	world.scene.claims.image_id = attested_hash(1);
	attested_evidence_again();
	assert_int_equal(ask(RED, READ), 1);
	expect_denied(RED, SIGNER_INCREMENT, "another identity");
	expect_denied("/v1/counter/red/counter/b", READ, "another identity");
}

/* Reading alone makes it nobody's. */
static void test_counter__only_read__still_free(void **state)
{
	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, READ), 0);
	other_image();
	assert_int_equal(ask(RED, INCREMENT), 1);
}

static void test_counter__of_the_signer__newer_images_have_it(void **state)
{
	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, SIGNER_INCREMENT), 1);
	world.scene.claims.svn = 4;
	other_image();
	assert_int_equal(ask(RED, SIGNER_INCREMENT), 2);
	expect_denied(RED, READ, "another identity");
	world.scene.claims.signers[0] = attested_hash(9);
	attested_evidence_again();
	expect_denied(RED, SIGNER_READ, "another identity");
}

static void test_counter__several_signers__one_is_named(void **state)
{
	char body[256], hex[97];

	(void)state;
	attested_put_policy("red");
	world.scene.claims.signers[1] = attested_hash(9);
	world.scene.claims.signer_count = 2;
	attested_evidence_again();
	expect_denied(RED, SIGNER_INCREMENT, "several");
	hex_write(attested_hash(9), hex, sizeof(hex));
	snprintf(body, sizeof(body),
		 "{\"op\": \"increment\", \"to\": \"signer\", \"signer\": \"%s\"}", hex);
	assert_int_equal(ask(RED, body), 1);
	world.scene.claims.signer_count = 1;
	attested_evidence_again();
	expect_denied(RED, body, "has not signed");
}

static void test_counter_identity_of__debug_and_product__are_others(void **state)
{
	const struct counter_request to_signer = {.to = COUNTER_TO_SIGNER};
	const struct counter_request to_image = {.to = COUNTER_TO_IMAGE};
	struct tee_claims claims = {.tier = "soft",
				    .image_id = attested_hash(1),
				    .signers = {attested_hash(2)},
				    .signer_count = 1,
				    .has_product = true,
				    .product = 7};
	struct counter_identity one, two;

	(void)state;
	assert_int_equal(counter_identity_of(&claims, &to_image, &one, NULL), 0);
	claims.debug = true;
	assert_int_equal(counter_identity_of(&claims, &to_image, &two, NULL), 0);
	assert_memory_not_equal(one.id, two.id, sizeof(one.id));
	claims.debug = false;
	claims.tier = "tdx";
	assert_int_equal(counter_identity_of(&claims, &to_image, &two, NULL), 0);
	assert_memory_not_equal(one.id, two.id, sizeof(one.id));
	assert_int_equal(counter_identity_of(&claims, &to_signer, &one, NULL), 0);
	claims.product = 8;
	assert_int_equal(counter_identity_of(&claims, &to_signer, &two, NULL), 0);
	assert_memory_not_equal(one.id, two.id, sizeof(one.id));
	claims.image_id = (struct tobi_bytes){0};
	assert_int_equal(counter_identity_of(&claims, &to_image, &two, NULL),
			 TOBI_E_DENIED);
	claims.signer_count = 0;
	assert_int_equal(counter_identity_of(&claims, &to_signer, &two, NULL),
			 TOBI_E_DENIED);
}

/* Both find it free; the log has both as accepted, and then who was too late. */
static void take_it_first(const struct decision *decision)
{
	static const uint8_t other[COUNTER_ID_SIZE] = {1};
	struct resource_name name = named("red/counter/volume");
	struct counter_key key = {.name = &name, .owner = "alice"};
	uint64_t value;

	(void)decision;
	stand_in.on_append = NULL;
	bytes_copy(key.identity.id, sizeof(key.identity.id), other, sizeof(other));
	assert_int_equal(
	    counter_increment(world.broker, &key, world.now, &value, &world.fault), 0);
}

static void test_counter__another_was_faster__denied_and_taken_back(void **state)
{
	(void)state;
	attested_put_policy("red");
	stand_in.on_append = take_it_first;
	expect_denied(RED, INCREMENT, "another identity");
	assert_int_equal(stand_in.count, 2);
	assert_true(stand_in.notes[0].accepted);
}

/* ---- what is asked ---- */

static void expect_wrong(const char *body, int status, const char *error)
{
	size_t notes = stand_in.count;
	struct attested_answer answer = ask_as(RED, body, NULL);

	if (answer.status != status || strcmp(attested_error(&answer), error) != 0)
		fail_msg("%s: %d %s", body, answer.status, attested_error(&answer));
	assert_int_equal(stand_in.count, notes);
	attested_answer_done(&answer);
}

static void test_counter__request_is_wrong__refused(void **state)
{
	(void)state;
	attested_put_policy("red");
	expect_wrong("{\"op\": \"decrement\"}", 400, "unsupported");
	expect_wrong("{\"op\": \"set\"}", 400, "unsupported");
	expect_wrong("{\"op\": 1}", 400, "malformed");
	expect_wrong("{}", 400, "malformed");
	expect_wrong("[]", 400, "malformed");
	expect_wrong("", 400, "malformed");
	expect_wrong("{\"op\": \"read\", \"value\": \"7\"}", 400, "malformed");
	expect_wrong("{\"op\": \"read\", \"to\": \"all\"}", 400, "malformed");
	expect_wrong(
	    "{\"op\": \"read\", \"signer\": \"00112233445566778899aabbccddeeff\"}", 400,
	    "malformed");
	expect_wrong("{\"op\": \"read\", \"to\": \"signer\", \"signer\": \"0011\"}", 400,
		     "malformed");
	expect_wrong("{\"op\": \"read\", \"to\": \"signer\", \"signer\": \"zz\"}", 400,
		     "malformed");
	expect_wrong("{\"op\": \"read\", \"op\": \"increment\"}", 400, "malformed");
	expect_wrong("{\"op\": \"read\\u0000\"}", 400, "malformed");
	assert_int_equal(ask("/v1/counter/red/.x/volume", READ), -400);
	assert_int_equal(ask("/v1/counter/red/volume", READ), -404);
}

static void test_counter_request_read__truncated__refused(void **state)
{
	static const char body[] = "{\"op\":\"read\",\"to\":\"signer\",\"signer\":"
				   "\"00112233445566778899aabbccddeeff\"}";
	struct counter_request request;

	(void)state;
	assert_int_equal(counter_request_read(text_bytes(body), &request, NULL), 0);
	assert_int_equal(request.signer.size, 16);
	for (size_t size = 0; size < strlen(body); size++)
		assert_int_not_equal(
		    counter_request_read((struct tobi_bytes){(const uint8_t *)body, size},
					 &request, NULL),
		    0);
}

/* ---- bounds ---- */

/* A row as the broker writes it: sealed as docs/PROTOCOL.md section 18.6 says. */
static void seal_row(const char *tag, int64_t value, uint8_t ret_mac[static 32])
{
	const struct counter_request to_image = {.to = COUNTER_TO_IMAGE};
	const struct tee_claims claims = {.tier = "soft",
					  .image_id = world.scene.claims.image_id};
	struct counter_identity identity;
	uint8_t number[8], to = COUNTER_TO_IMAGE;
	const struct tobi_bytes parts[] = {text_bytes("red"),
					   text_bytes("counter"),
					   text_bytes(tag),
					   text_bytes("alice"),
					   {&to, 1},
					   {identity.id, sizeof(identity.id)},
					   {number, sizeof(number)}};

	assert_int_equal(counter_identity_of(&claims, &to_image, &identity, NULL), 0);
	store_be(number, sizeof(number), (uint64_t)value);
	assert_int_equal(row_seal(world.broker, "counter", parts, 7, ret_mac, NULL), 0);
}

static void set_row(int64_t value)
{
	uint8_t mac[32];

	seal_row("volume", value, mac);
	assert_int_equal(
	    db_world_do("UPDATE counter SET value = ?, mac = ? WHERE tag = "
			"'volume'",
			VALUES(N(value), B(((struct tobi_bytes){mac, sizeof(mac)})))),
	    1);
}

static void test_counter__at_its_end__refused(void **state)
{
	struct attested_answer answer;

	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	set_row(INT64_MAX - 1);
	assert_int_equal(ask(RED, INCREMENT), INT64_MAX);
	answer = ask_as(RED, INCREMENT, NULL);
	assert_int_equal(answer.status, 409);
	assert_string_equal(attested_error(&answer), "limit");
	assert_false(last_note()->accepted);
	attested_answer_done(&answer);
	assert_int_equal(ask(RED, READ), INT64_MAX);
}

static void test_counter__too_many_of_an_owner__refused(void **state)
{
	(void)state;
	attested_put_policy("red");
	db_world_do("INSERT INTO counter (repository, type, tag, owner, bound_to, "
		    "identity, value, changed, mac) WITH RECURSIVE n(i) AS (SELECT 1 "
		    "UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT 'red', 'many', "
		    "CAST(i AS TEXT), 'alice', 0, ?, 1, 1, ? FROM n",
		    VALUES(B(text_bytes("x")), B(text_bytes("y"))));
	assert_int_equal(ask(RED, INCREMENT), 1);
	assert_int_equal(ask("/v1/counter/red/counter/more", INCREMENT), -409);
	assert_int_equal(ask("/v1/counter/red/counter/more", READ), 0);
	assert_int_equal(ask(RED, INCREMENT), 2);
}

/* ---- the database is another's ---- */

static void expect_broken(void)
{
	assert_int_equal(ask(RED, READ), -500);
	assert_int_equal(world.fault.code, TOBI_E_SIGNATURE);
	assert_int_equal(ask(RED, INCREMENT), -500);
}

static void test_counter__row_changed_in_the_database__refused(void **state)
{
	uint8_t mac[32];

	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	db_world_do("UPDATE counter SET value = 7", NO_VALUES);
	expect_broken();
	set_row(7);
	assert_int_equal(ask(RED, READ), 7);
	db_world_do("UPDATE counter SET bound_to = 1", NO_VALUES);
	expect_broken();
	db_world_do("UPDATE counter SET bound_to = 0", NO_VALUES);
	db_world_do("UPDATE counter SET identity = ?", VALUES(B(attested_hash(8))));
	assert_int_equal(ask(RED, READ), -500);
	db_world_do("DELETE FROM counter", NO_VALUES);
	/* One of another name. */
	assert_int_equal(ask("/v1/counter/red/counter/b", INCREMENT), 1);
	db_world_do("UPDATE counter SET tag = 'volume'", NO_VALUES);
	expect_broken();
	seal_row("volume", 0, mac);
	db_world_do("UPDATE counter SET value = 0, mac = ?",
		    VALUES(B(((struct tobi_bytes){mac, sizeof(mac)}))));
	expect_broken();
}

/* Its new owner's policy does not open the old one's. */
static void test_counter__repository_changed_hands__denied(void **state)
{
	struct writer policy = wr_init(LIMIT_POLICY);
	const struct policy_source source = {.scope = "red"};
	struct policy_source with_text = source;

	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	db_world_do("UPDATE owner_repository SET owner = 'bob' WHERE repository = 'red'",
		    NO_VALUES);
	attested_policy(&policy);
	with_text.text = wr_view(&policy);
	assert_int_equal(
	    policy_put(world.broker, "bob", &with_text, world.now, &world.fault), 0);
	expect_denied(RED, READ, "another identity");
	wr_done(&policy);
}

/* ---- the owner's side ---- */

static enum tobi_err count_it(void *context, const struct counter_info *info,
			      struct tobi_fault *fault)
{
	(void)fault;
	assert_int_equal(info->value, 1);
	(*(unsigned *)context)++;
	return TOBI_OK;
}

static void test_counter_list__pages__each_once(void **state)
{
	const struct resource_name after = named("red/counter/a");
	unsigned count = 0;

	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask("/v1/counter/red/counter/a", INCREMENT), 1);
	assert_int_equal(ask("/v1/counter/red/counter/b", INCREMENT), 1);
	assert_int_equal(ask("/v1/counter/red/d/a", INCREMENT), 1);
	assert_int_equal(
	    counter_list(world.broker, "alice", NULL, 10, count_it, &count, &world.fault),
	    0);
	assert_int_equal(count, 3);
	count = 0;
	assert_int_equal(counter_list(world.broker, "alice", &after, 1, count_it, &count,
				      &world.fault),
			 0);
	assert_int_equal(count, 1);
	count = 0;
	assert_int_equal(
	    counter_list(world.broker, "bob", NULL, 10, count_it, &count, &world.fault),
	    0);
	assert_int_equal(count, 0);
}

static void test_counter_delete__own__begins_anew_for_anyone(void **state)
{
	const struct resource_name name = named("red/counter/volume");

	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	assert_int_equal(counter_delete(world.broker, "bob", &name, &world.fault),
			 TOBI_E_DENIED);
	assert_int_equal(ask(RED, READ), 1);
	assert_int_equal(counter_delete(world.broker, "alice", &name, &world.fault), 0);
	assert_int_equal(counter_delete(world.broker, "alice", &name, &world.fault),
			 TOBI_E_NOT_FOUND);
	other_image();
	assert_int_equal(ask(RED, INCREMENT), 1);
}

static void test_counters__by_signed_requests__own_alone(void **state)
{
	json_t *answer, *counters;

	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	answer = ask_json(world.alice, HTTP_GET, "/v1/counters", NULL);
	counters = json_object_get(answer, "counters");
	assert_int_equal(json_array_size(counters), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(counters, 0), "name")),
	    "red/counter/volume");
	json_decref(answer);
	answer = ask_json(world.bob, HTTP_GET, "/v1/counters", NULL);
	assert_int_equal(json_array_size(json_object_get(answer, "counters")), 0);
	json_decref(answer);
	assert_int_equal(
	    ask_for(world.bob, HTTP_DELETE, "/v1/counters/red/counter/volume", NULL),
	    403);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, "/v1/counters/red/counter/none", NULL),
	    404);
	assert_int_equal(ask(RED, READ), 1);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, "/v1/counters/red/counter/volume", NULL),
	    200);
	assert_string_equal(last_note()->action, "counter delete");
	assert_int_equal(ask(RED, READ), 0);
}

static void test_owner_remove__counters_left__refused(void **state)
{
	(void)state;
	attested_put_policy("red");
	assert_int_equal(ask(RED, INCREMENT), 1);
	assert_int_equal(policy_delete(world.broker, "alice", "red", &world.fault), 0);
	assert_int_equal(ask_for(world.operator_key, HTTP_DELETE,
				 "/v1/owners/alice/repositories/red", NULL),
			 409);
	assert_int_equal(
	    ask_for(world.operator_key, HTTP_DELETE, "/v1/owners/alice", NULL), 409);
	assert_int_equal(ask_for(world.operator_key, HTTP_DELETE,
				 "/v1/owners/alice?secrets=delete", NULL),
			 200);
	assert_int_equal(db_world_number("SELECT count(*) FROM counter", NO_VALUES), 0);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_counter__increment__goes_up_and_stays),
	    T_(test_counter__answered__in_the_log_before),
	    T_(test_counter__no_policy__denied_and_logged),
	    T_(test_counter__evidence_refused__denied),
	    T_(test_counter__another_image__denied),
	    T_(test_counter__only_read__still_free),
	    T_(test_counter__of_the_signer__newer_images_have_it),
	    T_(test_counter__several_signers__one_is_named),
	    T_(test_counter_identity_of__debug_and_product__are_others),
	    T_(test_counter__another_was_faster__denied_and_taken_back),
	    T_(test_counter__request_is_wrong__refused),
	    T_(test_counter_request_read__truncated__refused),
	    T_(test_counter__at_its_end__refused),
	    T_(test_counter__too_many_of_an_owner__refused),
	    T_(test_counter__row_changed_in_the_database__refused),
	    T_(test_counter__repository_changed_hands__denied),
	    T_(test_counter_list__pages__each_once),
	    T_(test_counter_delete__own__begins_anew_for_anyone),
	    T_(test_counters__by_signed_requests__own_alone),
	    T_(test_owner_remove__counters_left__refused),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
