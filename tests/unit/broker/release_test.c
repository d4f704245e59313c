#include "broker/release.h"

#include <pthread.h>
#include <stdatomic.h>

#include "broker/policy_source.h"
#include "tests/broker_world.h"
#include "token/claims_buffer.h"

#define GIVEN RELEASE_GIVEN
#define DENIED RELEASE_DENIED

static struct tobi_bytes scene_policy(void)
{
	return wr_view(&world.policy);
}

/* One that asks for another image. */
static void other_policy(struct writer *out)
{
	world.scene.claims.image_id = (struct tobi_bytes){0};
	test_scene_policy(&world.scene, out);
	for (size_t i = 0; i + 8 < out->size; i++) {
		if (memcmp(out->ptr + i, "images: [11", 11) == 0) {
			out->ptr[i + 9] = '7';
			return;
		}
	}
	fail();
}

static void expect_denied(const char *name, uint64_t version, const char *reason)
{
	assert_int_equal(world_release(name, version, ""), DENIED);
	if (!strstr(last_note()->reason, reason))
		fail_msg("'%s' is not '%s'", last_note()->reason, reason);
	assert_false(last_note()->accepted);
}

static void test_broker_release__accepted__gives_the_secret(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/db", scene_policy()), 0);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	assert_int_equal(last_note()->kind, DECISION_RELEASE);
	assert_true(last_note()->accepted && last_note()->has_result);
	assert_string_equal(last_note()->resource, "red/key/db");
	assert_string_equal(last_note()->principal, "alice");
	assert_int_equal(last_note()->version, 1);
	assert_int_equal(stand_in.count, 1);
}

static void test_broker_release__absent__denied_and_logged(void **state)
{
	(void)state;
	expect_denied("red/key/none", 0, "no such resource");
	expect_denied("nobody/key/none", 0, "no such resource");
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/db", scene_policy()), 0);
	expect_denied("red/key/db", 2, "no such resource");
	expect_denied("red/key/db", UINT64_MAX, "no such resource");
	assert_int_equal(stand_in.opened, 0);
}

/* What is absent is appraised under a policy that was used of late: its verdict does not
 * count. */
static void test_broker_release__absent_and_accepted_elsewhere__denied(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put("green/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/db", scene_policy()), 0);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	expect_denied("red/key/none", 0, "no such resource");
	assert_false(last_note()->has_result || last_note()->has_policy);
	expect_denied("green/key/db", 0, "no policy");
	assert_false(last_note()->has_result || last_note()->has_policy);
	assert_int_equal(stand_in.opened, 1);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
}

static void test_broker_release__no_policy__denied(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	expect_denied("red/key/db", 0, "no policy");
	assert_false(last_note()->has_result);
	/* Of another repository, and of a name that only begins so. */
	assert_int_equal(world_put_policy("green", scene_policy()), 0);
	assert_int_equal(world_put_policy("red/ke", scene_policy()), 0);
	assert_int_equal(world_put_policy("red/key/d", scene_policy()), 0);
	expect_denied("red/key/db", 0, "no policy");
	assert_int_equal(stand_in.opened, 0);
}

static void test_broker_release__policy_refuses__denied_with_the_check(void **state)
{
	struct writer other = wr_init(LIMIT_POLICY);

	(void)state;
	other_policy(&other);
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/db", wr_view(&other)), 0);
	expect_denied("red/key/db", 0, "POLICY-IMAGE");
	assert_true(last_note()->has_result && last_note()->has_policy);
	assert_int_equal(stand_in.opened, 0);
	wr_done(&other);
}

static void test_broker_release__policies_of_prefixes__the_longest_counts(void **state)
{
	struct writer other = wr_init(LIMIT_POLICY);

	(void)state;
	other_policy(&other);
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	assert_int_equal(world_put_policy("red/key", wr_view(&other)), 0);
	expect_denied("red/key/db", 0, "POLICY-IMAGE");
	assert_int_equal(world_put_policy("red/key/db", scene_policy()), 0);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	/* What was parsed before is not what counts now. */
	assert_int_equal(world_put_policy("red/key/db", wr_view(&other)), 0);
	expect_denied("red/key/db", 0, "POLICY-IMAGE");
	wr_done(&other);
}

static void test_broker_release__expired__denied(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", TEST_NOW + 5, -1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	world.now = TEST_NOW + 4;
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	world.now = TEST_NOW + 5;
	expect_denied("red/key/db", 0, "expired");
}

static void test_broker_release__counted__no_more_than_that(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, 2), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
	expect_denied("red/key/db", 0, "used up");
	broker_world_again();
	expect_denied("red/key/db", 0, "used up");
}

/* ---- many at once ---- */

enum { THREADS = 8 };

static atomic_int given, denied, failed;

static void *ask_once(void *context)
{
	const struct resource_name name = named("red/key/db");
	const struct presented presented = world_presented();
	struct broker *broker = context;
	struct release release = {0};
	struct tobi_fault fault = {0};

	if (broker_release(broker, &name, 0, &presented, &release, &fault))
		atomic_fetch_add(&failed, 1);
	else if (release.outcome == GIVEN)
		atomic_fetch_add(&given, 1);
	else
		atomic_fetch_add(&denied, 1);
	secret_done(&release.secret);
	return NULL;
}

/* All have been accepted when the first of them counts. */
static pthread_barrier_t accepted;

static void wait_for_all(const struct decision *decision)
{
	if (decision->accepted)
		pthread_barrier_wait(&accepted);
}

static void test_broker_release__one_left_and_many_ask__one_is_given(void **state)
{
	struct broker *second = broker_world_open();
	pthread_t threads[THREADS];

	(void)state;
	atomic_store(&given, 0);
	atomic_store(&denied, 0);
	atomic_store(&failed, 0);
	assert_int_equal(world_put("red/key/db", "s3cret", 0, 1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	pthread_barrier_init(&accepted, NULL, THREADS);
	stand_in.on_append = wait_for_all;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_once,
						i % 2 ? second : world.broker),
				 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&accepted);
	assert_int_equal(atomic_load(&given), 1);
	assert_int_equal(atomic_load(&denied), THREADS - 1);
	assert_int_equal(atomic_load(&failed), 0);
	assert_int_equal(stand_in.opened, 1);
	/* The log has for each that was not given that it was not. */
	assert_int_equal(stand_in.count, 2 * THREADS - 1);
	broker_free(second);
}

/* ---- what fails ---- */

static void test_broker_release__log_fails__nothing_is_given(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, 1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	stand_in.log_fails = true;
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SYSTEM);
	assert_int_equal(stand_in.opened, 0);
	/* And nothing was counted. */
	stand_in.log_fails = false;
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
}

static void test_broker_release__keyring_fails__not_counted(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, 1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	stand_in.open_fails = true;
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SYSTEM);
	assert_false(last_note()->accepted);
	stand_in.open_fails = false;
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), GIVEN);
}

static void delete_it(const struct decision *decision)
{
	if (decision->accepted)
		db_world_do("DELETE FROM resource_version", NO_VALUES);
}

static void test_broker_release__deleted_meanwhile__denied(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	stand_in.on_append = delete_it;
	expect_denied("red/key/db", 0, "deleted meanwhile");
}

/* ---- the database is another's ---- */

static void test_broker_release__blob_of_another_name__not_opened(void **state)
{
	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put("red/key/lax", "nothing", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/lax", scene_policy()), 0);
	assert_int_equal(world_release("red/key/lax", 0, "nothing"), GIVEN);
	db_world_do("UPDATE resource_version SET sealed = (SELECT sealed FROM "
		    "resource_version WHERE tag = 'db') WHERE tag = 'lax'",
		    NO_VALUES);
	assert_int_equal(world_release("red/key/lax", 0, ""), -TOBI_E_SYSTEM);
}

static void test_broker_release__policy_changed_in_the_database__refused(void **state)
{
	struct writer other = wr_init(LIMIT_POLICY);

	(void)state;
	other_policy(&other);
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red/key/db", wr_view(&other)), 0);
	/* The text alone is not what its row names. */
	db_world_do("UPDATE policy SET content = ?", VALUES(B(scene_policy())));
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SIGNATURE);
	/* A lax policy of the owner's, moved to a name that has a strict one. */
	assert_int_equal(world_put_policy("red/key/db", wr_view(&other)), 0);
	assert_int_equal(world_put_policy("red/key/lax", scene_policy()), 0);
	db_world_do("DELETE FROM policy WHERE scope = 'red/key/db'", NO_VALUES);
	db_world_do("UPDATE policy SET scope = 'red/key/db'", NO_VALUES);
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SIGNATURE);
	assert_int_equal(stand_in.opened, 0);
	wr_done(&other);
}

/* All of it fits together, but for the key that the writer has not. */
static void test_broker_release__policy_made_in_the_database__refused(void **state)
{
	const struct policy_source source = {.scope = "red/key/db",
					     .text = scene_policy()};
	uint8_t hash[SHA384_SIZE], text_hash[SHA384_SIZE], mac[32] = {0};

	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(policy_source_hash(&source, hash, text_hash, NULL), 0);
	db_world_do(
	    "INSERT INTO policy (scope, owner, hash, text_hash, content, changed, "
	    "mac) VALUES ('red/key/db', 'alice', ?, ?, ?, 1, ?)",
	    VALUES(B(((struct tobi_bytes){hash, sizeof(hash)})),
		   B(((struct tobi_bytes){text_hash, sizeof(text_hash)})),
		   B(scene_policy()), B(((struct tobi_bytes){mac, sizeof(mac)}))));
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SIGNATURE);
	assert_int_equal(stand_in.opened, 0);
}

static void test_broker_release__policy_of_another_owner__does_not_count(void **state)
{
	const struct policy_source source = {.scope = "red/key/db",
					     .text = scene_policy()};

	(void)state;
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	db_world_do("UPDATE owner_repository SET owner = 'bob' WHERE repository = 'red'",
		    NO_VALUES);
	assert_int_equal(
	    policy_put(world.broker, "bob", &source, world.now, &world.fault), 0);
	expect_denied("red/key/db", 0, "no policy");
}

/* ---- what is presented ---- */

static int release_with(const struct presented *presented)
{
	const struct resource_name name = named("red/key/db");
	struct release release = {0};
	enum tobi_err err =
	    broker_release(world.broker, &name, 0, presented, &release, &world.fault);

	secret_done(&release.secret);
	return err ? -(int)err : (int)release.outcome;
}

static void put_any(void)
{
	assert_int_equal(world_put("red/key/db", "s3cret", 0, -1), 0);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
}

static void test_broker_release__another_nonce__denied(void **state)
{
	static const uint8_t other[32] = {1, 2, 3};
	struct presented presented = world_presented();

	(void)state;
	put_any();
	presented.nonce = (struct tobi_bytes){other, sizeof(other)};
	assert_int_equal(release_with(&presented), DENIED);
	assert_non_null(strstr(last_note()->reason, "CLAIMS-NONCE"));
}

static void test_broker_release__nothing_binds_it__denied(void **state)
{
	struct presented presented = world_presented();

	(void)state;
	put_any();
	presented.nonce = (struct tobi_bytes){0};
	assert_int_equal(release_with(&presented), DENIED);
	assert_non_null(strstr(last_note()->reason, "nothing binds"));
	/* Not even when the policy allows a file without a nonce. */
	world.scene.more = "allow: [no-nonce]\n";
	world.policy.size = 0;
	test_scene_policy(&world.scene, &world.policy);
	assert_int_equal(world_put_policy("red", scene_policy()), 0);
	assert_int_equal(release_with(&presented), DENIED);
	presented.nonce = (struct tobi_bytes){world.scene.given_nonce.ptr, 7};
	assert_int_equal(release_with(&presented), DENIED);
}

static void test_broker_release__no_evidence__denied(void **state)
{
	struct presented presented = world_presented();

	(void)state;
	put_any();
	for (size_t size = 0; size < world.evidence.size; size += 97) {
		presented.evidence.size = size;
		assert_int_equal(release_with(&presented), DENIED);
	}
	presented.evidence.size = world.evidence.size - 1;
	assert_int_equal(release_with(&presented), DENIED);
	assert_false(last_note()->has_result);
	presented.evidence.size = world.evidence.size;
	assert_int_equal(release_with(&presented), GIVEN);
	presented.evidence.size = LIMIT_EVIDENCE + 1;
	assert_int_equal(release_with(&presented), DENIED);
}

static void test_broker_release__certificate__denied(void **state)
{
	struct presented presented = world_presented();

	(void)state;
	put_any();
	presented.evidence = wr_view(&world.scene.platform.certificate);
	assert_int_equal(release_with(&presented), DENIED);
	assert_non_null(strstr(last_note()->reason, "certificate"));
}

static void test_broker_release__session_claims__bind_it(void **state)
{
	struct writer session = wr_init(LIMIT_EVIDENCE);
	struct presented presented = {
	    .claims_buffer = wr_view(&world.scene.claims_buffer), .channel = "atls"};
	uint8_t other[LIMIT_CLAIMS_BUFFER];

	(void)state;
	put_any();
	test_scene_session_evidence(&world.scene, presented.claims_buffer, &session);
	presented.evidence = wr_view(&session);
	assert_int_equal(release_with(&presented), GIVEN);
	/* The claims of another session: the last byte is of the nonce or the key. */
	bytes_copy(other, sizeof(other), presented.claims_buffer.ptr,
		   presented.claims_buffer.size);
	other[presented.claims_buffer.size - 1] ^= 1;
	presented.claims_buffer.ptr = other;
	assert_int_equal(release_with(&presented), DENIED);
	wr_done(&session);
}

static void test_broker_release__claims_that_came_along__do_not_count(void **state)
{
	struct presented presented = {.evidence = wr_view(&world.evidence),
				      .channel = "atls"};
	struct writer expected = wr_init(LIMIT_CLAIMS_BUFFER);
	static const uint8_t key[32] = {9};

	(void)state;
	put_any();
	/* Another key than the one that the evidence and its claims are of. */
	claims_buffer_write(&expected, world.scene.given_nonce, key, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	presented.claims_buffer = wr_view(&expected);
	assert_int_equal(release_with(&presented), DENIED);
	assert_true(last_note()->has_result);
	wr_done(&expected);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_broker_release__accepted__gives_the_secret),
	    T_(test_broker_release__absent__denied_and_logged),
	    T_(test_broker_release__absent_and_accepted_elsewhere__denied),
	    T_(test_broker_release__no_policy__denied),
	    T_(test_broker_release__policy_refuses__denied_with_the_check),
	    T_(test_broker_release__policies_of_prefixes__the_longest_counts),
	    T_(test_broker_release__expired__denied),
	    T_(test_broker_release__counted__no_more_than_that),
	    T_(test_broker_release__one_left_and_many_ask__one_is_given),
	    T_(test_broker_release__log_fails__nothing_is_given),
	    T_(test_broker_release__keyring_fails__not_counted),
	    T_(test_broker_release__deleted_meanwhile__denied),
	    T_(test_broker_release__blob_of_another_name__not_opened),
	    T_(test_broker_release__policy_changed_in_the_database__refused),
	    T_(test_broker_release__policy_made_in_the_database__refused),
	    T_(test_broker_release__policy_of_another_owner__does_not_count),
	    T_(test_broker_release__another_nonce__denied),
	    T_(test_broker_release__nothing_binds_it__denied),
	    T_(test_broker_release__no_evidence__denied),
	    T_(test_broker_release__certificate__denied),
	    T_(test_broker_release__session_claims__bind_it),
	    T_(test_broker_release__claims_that_came_along__do_not_count),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
