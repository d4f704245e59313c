/* Policies of resources: their files of reference values, and what is kept of them. */
#include "broker/policies.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "broker/policy_source.h"
#include "codec/base64.h"
#include "tests/broker_world.h"
#include "tests/corim_scene.h"

#define ENVIRONMENT "m1 0 m2 1 \"Tobichi\" 2 \"image\""
#define TRIPLES "m1 0 a1 a2 " ENVIRONMENT " a1 m2 0 \"image\" 1 m1 2 a1 a2 7 %"

static struct writer document, policy;

/* The scene's policy, with a file of reference values that lists its image. */
static int enter(void **state)
{
	const struct corim_frame frame = {.triples = TRIPLES, .more = ""};

	broker_world_enter(state);
	document = wr_init(LIMIT_CORIM);
	policy = wr_init(LIMIT_POLICY);
	corim_frame(&document, &frame, &world.scene.claims.image_id, NULL);
	world.scene.more = "reference-values:\n  files: [values/web.corim]\n"
			   "  unsigned: allowed\n";
	test_scene_policy(&world.scene, &policy);
	return (int)world_put("red/key/db", "s3cret", 0, -1);
}

static int leave(void **state)
{
	wr_done(&document);
	wr_done(&policy);
	return broker_world_leave(state);
}

static enum tobi_err put(const struct policy_file *files, size_t count)
{
	const struct policy_source source = {"red", wr_view(&policy), files, count};

	return policy_put(world.broker, "alice", &source, world.now, &world.fault);
}

static void test_policy_put__with_its_file__counts(void **state)
{
	const struct policy_file file = {"values/web.corim", wr_view(&document)};

	(void)state;
	assert_int_equal(put(&file, 1), 0);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), RELEASE_GIVEN);
	broker_world_again();
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), RELEASE_GIVEN);
}

static void test_policy_put__file_of_another_image__refuses(void **state)
{
	const struct corim_frame frame = {.triples = TRIPLES, .more = ""};
	static const uint8_t other[48] = {1, 2, 3};
	const struct tobi_bytes image = {other, sizeof(other)};
	struct writer wrong = wr_init(LIMIT_CORIM);
	struct policy_file file = {"values/web.corim", {0}};

	(void)state;
	corim_frame(&wrong, &frame, &image, NULL);
	file.content = wr_view(&wrong);
	assert_int_equal(put(&file, 1), 0);
	assert_int_equal(world_release("red/key/db", 0, ""), RELEASE_DENIED);
	assert_non_null(strstr(last_note()->reason, "POLICY-REFERENCE"));
	wr_done(&wrong);
}

static void test_policy_put__other_files_than_it_names__refused(void **state)
{
	const struct policy_file files[] = {{"values/web.corim", wr_view(&document)},
					    {"other.corim", wr_view(&document)}};
	const struct policy_file damaged = {"values/web.corim",
					    {document.ptr, document.size - 1}};

	(void)state;
	assert_int_equal(put(NULL, 0), TOBI_E_NOT_FOUND);
	assert_non_null(strstr(world.fault.message, "values/web.corim"));
	assert_int_equal(put(files + 1, 1), TOBI_E_NOT_FOUND);
	assert_int_equal(put(files, 2), TOBI_E_ARGUMENT);
	assert_int_equal(put(&damaged, 1), TOBI_E_TRUNCATED);
	assert_int_equal(world_release("red/key/db", 0, ""), RELEASE_DENIED);
	assert_int_equal(put(files, 1), 0);
}

static void test_policy_put__over_the_limits__refused(void **state)
{
	struct policy_source source = {.scope = "red", .text = wr_view(&policy)};
	struct policy_file files[LIMIT_CORIM_DOCUMENTS + 1];
	struct policy_row row;
	uint8_t *large = calloc(1, LIMIT_BROKER_REFERENCES);

	(void)state;
	for (size_t i = 0; i < LIMIT_CORIM_DOCUMENTS + 1; i++)
		files[i] = (struct policy_file){"a", {large, 1}};
	source.files = files;
	source.file_count = LIMIT_CORIM_DOCUMENTS + 1;
	assert_int_equal(
	    policy_prepare(world.broker, "alice", &source, world.now, &row, &world.fault),
	    TOBI_E_LIMIT);
	files[0].content.size = LIMIT_BROKER_REFERENCES;
	source.file_count = 2;
	assert_int_equal(
	    policy_prepare(world.broker, "alice", &source, world.now, &row, &world.fault),
	    TOBI_E_LIMIT);
	source.text = (struct tobi_bytes){large, LIMIT_POLICY + 1};
	source.file_count = 0;
	assert_int_equal(
	    policy_prepare(world.broker, "alice", &source, world.now, &row, &world.fault),
	    TOBI_E_LIMIT);
	free(large);
}

static void test_policy_put__too_many_of_one_owner__refused(void **state)
{
	char sql[600];

	(void)state;
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
	snprintf(
	    sql, sizeof(sql),
	    "INSERT INTO policy (scope, owner, hash, text_hash, content, changed, mac) "
	    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
	    "%d) SELECT 'red/' || CAST(i AS TEXT), 'alice', hash, text_hash, content, "
	    "1, mac FROM n, policy",
	    LIMIT_BROKER_POLICIES - 1);
	db_world_do(sql, NO_VALUES);
	assert_int_equal(world_put_policy("red/more", wr_view(&world.policy)),
			 TOBI_E_LIMIT);
	/* One that is there is replaced. */
	assert_int_equal(world_put_policy("red", wr_view(&world.policy)), 0);
}

static void test_policy_put__scope_that_is_none__refused(void **state)
{
	static const char *const wrong[] = {
	    "", "/", "red/", "red//a", "red/a/b/c", "red/../blue", "red/*", "red/a'"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (world_put_policy(wrong[i], wr_view(&world.policy)) !=
		    TOBI_E_MALFORMED)
			fail_msg("%s", wrong[i]);
	}
	assert_int_equal(world_put_policy("blue", wr_view(&world.policy)), TOBI_E_DENIED);
	assert_int_equal(world_put_policy("re", wr_view(&world.policy)), TOBI_E_DENIED);
}

static void test_policy__file_changed_in_the_database__refused(void **state)
{
	const struct policy_file file = {"values/web.corim", wr_view(&document)};

	(void)state;
	assert_int_equal(put(&file, 1), 0);
	db_world_do("UPDATE policy_file SET content = ?", VALUES(B(text_bytes("x"))));
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SIGNATURE);
	db_world_do("DELETE FROM policy_file", NO_VALUES);
	assert_int_equal(world_release("red/key/db", 0, ""), -TOBI_E_SIGNATURE);
}

/* ---- by the handlers ---- */

static void test_policy_show__text_and_files(void **state)
{
	struct writer content = wr_init(2 * LIMIT_CORIM);
	json_t *body, *answer;
	char *text;

	(void)state;
	base64_write(&content, wr_view(&document));
	body = json_pack("{s:s%, s:[{s:s, s:s%}]}", "policy", (char *)policy.ptr,
			 policy.size, "files", "name", "values/web.corim", "content",
			 (char *)content.ptr, content.size);
	text = json_dumps(body, 0);
	assert_int_equal(ask_for(world.alice, HTTP_PUT, "/v1/policies/red", text), 200);
	assert_true(last_note()->has_policy);
	assert_int_equal(world_release("red/key/db", 0, "s3cret"), RELEASE_GIVEN);
	answer = ask_json(world.alice, HTTP_GET, "/v1/policies/red", NULL);
	assert_bytes_equal(
	    text_bytes(json_string_value(json_object_get(answer, "policy"))),
	    wr_view(&policy));
	assert_int_equal(
	    json_integer_value(json_object_get(
		json_array_get(json_object_get(answer, "files"), 0), "size")),
	    document.size);
	json_decref(answer);
	answer = ask_json(world.alice, HTTP_GET, "/v1/policies", NULL);
	assert_int_equal(json_array_size(json_object_get(answer, "policies")), 1);
	json_decref(answer);
	assert_int_equal(ask_for(world.bob, HTTP_GET, "/v1/policies/red", NULL), 404);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, "/v1/policies/red", NULL),
			 200);
	assert_int_equal(ask_for(world.alice, HTTP_DELETE, "/v1/policies/red", NULL),
			 404);
	assert_int_equal(world_release("red/key/db", 0, ""), RELEASE_DENIED);
	assert_int_equal(db_world_number("SELECT count(*) FROM policy_file", NO_VALUES),
			 0);
	json_decref(body);
	free(text);
	wr_done(&content);
}

/* ---- the cache ---- */

static const uint8_t *hash_of(unsigned number)
{
	static uint8_t hash[SHA384_SIZE];

	memset(hash, 0, sizeof(hash));
	hash[0] = (uint8_t)number;
	hash[1] = (uint8_t)(number >> 8);
	return hash;
}

static struct tobi_policy *parsed(void)
{
	struct tobi_policy *one = NULL;

	assert_int_equal(tobi_policy_parse(wr_view(&world.policy), "scene", &one, NULL),
			 0);
	return one;
}

static const struct cached_policy *keep(unsigned number, size_t size)
{
	const struct cached_policy *kept = NULL;

	assert_int_equal(policy_cache_keep(world.broker->policies, hash_of(number),
					   hash_of(number), size, parsed(), &kept, NULL),
			 0);
	return kept;
}

static bool is_kept(unsigned number)
{
	const struct cached_policy *found =
	    policy_cache_find(world.broker->policies, hash_of(number));

	policy_unref(world.broker, found);
	return found != NULL;
}

static void test_policy_cache__full__the_oldest_goes(void **state)
{
	const struct cached_policy *first = keep(0, 10);

	(void)state;
	for (unsigned i = 1; i < LIMIT_BROKER_CACHED; i++)
		policy_unref(world.broker, keep(i, 10));
	assert_true(is_kept(0));
	policy_unref(world.broker, keep(LIMIT_BROKER_CACHED, 10));
	assert_true(is_kept(0)); /* it was looked for */
	assert_false(is_kept(1));
	for (unsigned i = 2; i <= LIMIT_BROKER_CACHED; i++)
		assert_true(is_kept(i));
	policy_unref(world.broker, keep(LIMIT_BROKER_CACHED + 1, 10));
	assert_false(is_kept(0));
	/* One that went, and is in use, is still there for its user. */
	assert_string_equal(first->policy->name, "scene");
	policy_unref(world.broker, first);
}

static void test_policy_cache__large_ones__bounded_together(void **state)
{
	(void)state;
	policy_unref(world.broker, keep(1, LIMIT_BROKER_CACHE / 2));
	policy_unref(world.broker, keep(2, LIMIT_BROKER_CACHE / 2));
	assert_true(is_kept(1) && is_kept(2));
	policy_unref(world.broker, keep(3, 1));
	assert_false(is_kept(1));
	assert_true(is_kept(2) && is_kept(3));
}

static void test_policy_cache__the_same_twice__is_one(void **state)
{
	const struct cached_policy *one = keep(1, 10), *two = keep(1, 10);

	(void)state;
	assert_ptr_equal(one, two);
	policy_unref(world.broker, one);
	policy_unref(world.broker, two);
}

/* ---- workers ---- */

enum { THREADS = 6, ROUNDS = 12 };

static atomic_int given;

static void *release_some(void *context)
{
	const struct resource_name name = named("red/key/db");
	const struct presented presented = world_presented();

	(void)context;
	for (int i = 0; i < ROUNDS; i++) {
		struct release release = {0};
		struct tobi_fault fault = {0};

		if (!broker_release(world.broker, &name, 0, &presented, &release,
				    &fault) &&
		    release.outcome == RELEASE_GIVEN)
			atomic_fetch_add(&given, 1);
		secret_done(&release.secret);
	}
	return NULL;
}

/* One policy, appraised under by all of them at once: run with ThreadSanitizer, too. */
static void test_policy__shared_by_workers__each_is_given(void **state)
{
	const struct policy_file file = {"values/web.corim", wr_view(&document)};
	pthread_t threads[THREADS];

	(void)state;
	assert_int_equal(put(&file, 1), 0);
	atomic_store(&given, 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, release_some, NULL),
				 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&given), THREADS * ROUNDS);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_policy_put__with_its_file__counts),
	    T_(test_policy_put__file_of_another_image__refuses),
	    T_(test_policy_put__other_files_than_it_names__refused),
	    T_(test_policy_put__over_the_limits__refused),
	    T_(test_policy_put__too_many_of_one_owner__refused),
	    T_(test_policy_put__scope_that_is_none__refused),
	    T_(test_policy__file_changed_in_the_database__refused),
	    T_(test_policy_show__text_and_files),
	    T_(test_policy_cache__full__the_oldest_goes),
	    T_(test_policy_cache__large_ones__bounded_together),
	    T_(test_policy_cache__the_same_twice__is_one),
	    T_(test_policy__shared_by_workers__each_is_given),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
