/* Who sees which decision, and what of it. */
#include <stdio.h>

#include "tests/page_world.h"

static const char *path_of(uint64_t index, const char *behind)
{
	static char path[64];

	snprintf(path, sizeof(path), "/decisions/%llu%s", (unsigned long long)index,
		 behind);
	return path;
}

/* ---- the list ---- */

static void test_page_decisions__each__sees_his_own(void **state)
{
	(void)state;
	page_decide("alice", "red/key/of-alice", true, "accepted");
	page_decide("bob", "blue/key/of-bob", false, "refused");
	page_decide(NULL, "grey/key/of-nobody", false, "there is no such resource");
	page_decide("operator", "carol", true, "allowed");
	assert_int_equal(look_as(&page.alice, "/decisions"), 200);
	assert_true(seen("red/key/of-alice"));
	assert_false(seen("of-bob") || seen("of-nobody") || seen("carol"));
	assert_int_equal(look_as(&page.bob, "/decisions"), 200);
	assert_true(seen("blue/key/of-bob"));
	assert_false(seen("of-alice") || seen("of-nobody") || seen("carol"));
	assert_int_equal(look_as(&page.operator, "/decisions"), 200);
	assert_true(seen("of-nobody"));
	assert_false(seen("of-alice") || seen("of-bob") || seen("carol"));
	assert_int_equal(look_as(&page.operator, "/decisions?of=operator"), 200);
	assert_true(seen("carol"));
	assert_false(seen("of-alice") || seen("of-bob") || seen("of-nobody"));
	assert_int_equal(look_as(&page.alice, "/decisions?of=operator"), 400);
}

static void test_page_decisions__filters__leave_what_fits(void **state)
{
	(void)state;
	page_decide("alice", "red/key/one", true, "accepted");
	page_decide("alice", "red/key/two", false, "no");
	page_decide("alice", "green/key/one", false, "no");
	assert_int_equal(look_as(&page.alice, "/decisions?verdict=refused"), 200);
	assert_true(!seen("red/key/one") && seen("red/key/two") && seen("green/key/one"));
	assert_true(seen("<option value=\"refused\" selected>"));
	assert_int_equal(look_as(&page.alice, "/decisions?verdict=accepted"), 200);
	assert_true(seen("red/key/one") && !seen("red/key/two") &&
		    !seen("green/key/one"));
	assert_int_equal(look_as(&page.alice, "/decisions?resource=red%2F"), 200);
	assert_true(seen("<bdi>red/key/one") && seen("<bdi>red/key/two") &&
		    !seen("<bdi>green/key/one"));
	assert_true(seen("value=\"red/\""));
	assert_int_equal(
	    look_as(&page.alice, "/decisions?resource=red/key/two&verdict=accepted"),
	    200);
	assert_true(seen("There are none."));
	assert_false(seen("<table"));
}

static void test_page_decisions__many__are_on_pages(void **state)
{
	char target[128];
	int pages = 0, rows = 0;

	(void)state;
	for (int i = 0; i < 130; i++) {
		page_decide("alice", i % 2 ? "red/key/odd" : "red/key/even", i % 3 == 0,
			    "x");
		if (i % 10 == 0)
			page_decide("bob", "blue/key/x", false, "x");
	}
	snprintf(target, sizeof(target), "/decisions?resource=red");
	while (target[0]) {
		const char *at;

		assert_int_equal(look_as(&page.alice, target), 200);
		assert_true(++pages < 5);
		for (at = strstr(page_seen.body, "<tr role=\"row\"><th scope=\"row\"");
		     at; at = strstr(at + 1, "<tr role=\"row\"><th scope=\"row\""))
			rows++;
		assert_false(seen("blue"));
		at = strstr(page_seen.body, "href=\"/decisions?resource=red&amp;"
					    "verdict=&amp;before=");
		target[0] = 0;
		if (at)
			snprintf(target, sizeof(target),
				 "/decisions?resource=red&verdict=&before=%d",
				 atoi(strstr(at, "before=") + 7));
	}
	assert_int_equal(rows, 130);
	assert_int_equal(pages, 3);
	/* A filter that fits nothing ends, too. */
	assert_int_equal(look_as(&page.alice, "/decisions?resource=none"), 200);
	assert_true(seen("There are none."));
}

/* What fits nothing is looked for in a part of the log at once, and then in the next. */
static void test_page_decisions__long_log__is_looked_at_in_parts(void **state)
{
	enum { LEAVES = 8192 };
	char target[96];
	const char *at;

	(void)state;
	page_decide("alice", "red/key/first", true, "accepted");
	for (int64_t count = 1; count < LEAVES; count *= 2)
		db_world_do("INSERT INTO log_leaves (idx, owner, body) "
			    "SELECT idx + ?, owner, body FROM log_leaves",
			    VALUES(N(count)));
	assert_int_equal(look_as(&page.alice, "/decisions?verdict=refused"), 200);
	assert_true(seen("None among those that were looked at now."));
	at = strstr(page_seen.body, "before=");
	assert_non_null(at);
	assert_int_equal(atoi(at + 7), LEAVES - 4000);
	snprintf(target, sizeof(target), "/decisions?verdict=refused&before=%d", 100);
	assert_int_equal(look_as(&page.alice, target), 200);
	assert_true(seen("There are none.") && !seen("before="));
}

static void test_page_decisions__odd_queries__are_refused(void **state)
{
	static const char *const bad[] = {"x=1",
					  "before=-1",
					  "before=1%20OR%201=1",
					  "before=0x10",
					  "before=1e3",
					  "before=01",
					  "before=1;DROP",
					  "verdict=x",
					  "verdict=accepted%27--",
					  "verdict=refused&verdict=refused",
					  "of=nobody",
					  "before=99999999999999999999",
					  "resource=%00",
					  "resource=%ff",
					  "resource",
					  "&",
					  "resource=%0d%0aSet-Cookie:%20x=y"};
	static const char *const harmless[] = {
	    "",
	    "before=",
	    "resource=%27%20OR%20%271%27=%271",
	    "resource=%27;DROP%20TABLE%20log_leaves;--",
	    "resource=%25",
	    "resource=_ed",
	    "resource=%22%3E%3Cscript%3E",
	    "before=0",
	    "before=999999999999999999"};

	(void)state;
	page_decide("alice", "red/key/db", true, "accepted");
	page_decide("bob", "blue/key/db", true, "accepted");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char target[256];

		snprintf(target, sizeof(target), "/decisions?%s", bad[i]);
		if (look_as(&page.alice, target) != 400)
			fail_msg("%s", bad[i]);
		assert_false(seen("red/key/db"));
	}
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		char target[256];

		snprintf(target, sizeof(target), "/decisions?%s", harmless[i]);
		assert_int_equal(look_as(&page.alice, target), 200);
		assert_false(seen("blue") || seen("<script") || seen("\">\">"));
		/* No pattern, no statement: a name that starts so. */
		if (i > 1 && i < 8 && seen("red/key/db"))
			fail_msg("%s", harmless[i]);
	}
	assert_int_equal(db_world_number("SELECT count(*) FROM log_leaves", NO_VALUES),
			 2);
}

/* ---- one ---- */

static void test_page_decision__others__is_as_if_it_were_not(void **state)
{
	uint64_t of_alice = page_decide("alice", "red/key/db", true, "accepted");
	uint64_t of_nobody = page_decide(NULL, "grey/x/y", false, "none");
	char *there;

	(void)state;
	assert_int_equal(look_as(&page.alice, path_of(of_alice, "")), 200);
	assert_true(seen("red/key/db"));
	assert_int_equal(look_as(&page.bob, path_of(of_alice, "")), 404);
	there = strdup(page_seen.body);
	assert_int_equal(look_as(&page.bob, path_of(of_nobody + 100, "")), 404);
	/* Byte by byte: nobody learns which there are. */
	assert_string_equal(page_seen.body, there);
	free(there);
	assert_int_equal(look_as(&page.operator, path_of(of_alice, "")), 404);
	assert_int_equal(look_as(&page.alice, path_of(of_nobody, "")), 404);
	assert_int_equal(look_as(&page.operator, path_of(of_nobody, "")), 200);
	assert_true(seen("<dt>Owner</dt><dd>nobody</dd>"));
}

static void test_page_decision__odd_numbers__are_none(void **state)
{
	static const char *const bad[] = {"/decisions/-1",
					  "/decisions/01",
					  "/decisions/+0",
					  "/decisions/0x0",
					  "/decisions/1e0",
					  "/decisions/0 ",
					  "/decisions/0'--",
					  "/decisions/9999999999999999999",
					  "/decisions/18446744073709551616",
					  "/decisions/\xe2\x80\xae",
					  "/decisions/0/other",
					  "/decisions/x/evidence",
					  "/decisions/0/evidence"};

	(void)state;
	page_decide("alice", "red/key/db", true, "accepted");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (look_as(&page.alice, bad[i]) != 404)
			fail_msg("%s", bad[i]);
	}
}

/* Names and reasons come from outside. */
static void test_page_decision__markup_in_it__is_text(void **state)
{
	static const char evil[] = "<script>alert(1)</script>\"'><img src=x onerror=y>";
	uint64_t index = page_decide("alice", evil, false, evil);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    look_as(&page.alice, i ? path_of(index, "") : "/decisions"), 200);
		assert_true(seen("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&gt;"
				 "&lt;img src=x onerror=y&gt;"));
		assert_false(seen("<script") || seen("<img"));
	}
	index = page_decide("alice", "red/\xe2\x80\xae/gpj.exe", false, "\xc3\x28");
	assert_int_equal(look_as(&page.alice, path_of(index, "")), 200);
	assert_true(seen("red/\\u{202e}/gpj.exe"));
	assert_true(seen("\\xc3("));
}

static struct writer other_image(void)
{
	struct writer policy = wr_init(LIMIT_POLICY);

	test_scene_policy(&page.scene, &policy);
	for (size_t i = 0; i + 12 < policy.size; i++) {
		if (memcmp(policy.ptr + i, "images: [11", 11) == 0) {
			policy.ptr[i + 9] = '7';
			return policy;
		}
	}
	fail();
	return policy;
}

static void test_page_decision__changed_image__names_the_check(void **state)
{
	struct writer policy = other_image();
	uint64_t index;

	(void)state;
	page_put_secret("alice", "red/key/db", 0, RESOURCE_ANY_RELEASES);
	page_put_policy("alice", "red", wr_view(&policy));
	index = page_release("red/key/db");
	assert_int_equal(look_as(&page.alice, path_of(index, "")), 200);
	assert_true(seen(": refused</h1>"));
	assert_true(seen("<li><h3><span class=\"failed\">failed</span> "
			 "<code>POLICY-IMAGE</code>"));
	assert_true(seen("<dt>Expected</dt><dd><bdi>71"));
	assert_true(seen("<dt>Found</dt><dd><bdi>11"));
	assert_true(seen("<dt>What to do</dt><dd>"));
	assert_true(seen(" 1 failed, 0 did not run"));
	assert_true(seen("SOFT-SIGNATURE"));
	assert_true(seen("Download the evidence"));
	assert_false(seen("s3cret"));
	/* What it was decided on comes as it came. */
	assert_int_equal(look_as(&page.alice, path_of(index, "/evidence")), 200);
	assert_string_equal(page_seen.type, "application/octet-stream");
	assert_int_equal(look_as(&page.bob, path_of(index, "/evidence")), 404);
	assert_int_equal(look_as(&page.operator, path_of(index, "/evidence")), 404);
	assert_int_equal(look_as(NULL, path_of(index, "/evidence")), 401);
	wr_done(&policy);
}

static void test_page_decision__evidence_gone__the_names_stay(void **state)
{
	struct writer policy = other_image();
	uint64_t index;

	(void)state;
	page_put_secret("alice", "red/key/db", 0, RESOURCE_ANY_RELEASES);
	page_put_policy("alice", "red", wr_view(&policy));
	index = page_release("red/key/db");
	page.now += DECISION_RETENTION;
	assert_int_equal(look_as(&page.alice, path_of(index, "")), 200);
	assert_true(seen("It is not kept any more."));
	assert_true(seen("is not kept any more; names and outcomes"));
	assert_true(seen("POLICY-IMAGE") && seen("SOFT-SIGNATURE"));
	assert_false(seen("<dt>Expected</dt>"));
	assert_int_equal(look_as(&page.alice, path_of(index, "/evidence")), 404);
	wr_done(&policy);
}

static void test_page_decision__given__has_its_list_of_checks(void **state)
{
	uint64_t index;

	(void)state;
	page_put_secret("alice", "red/key/db", 0, RESOURCE_ANY_RELEASES);
	page_put_policy("alice", "red", wr_view(&page.policy));
	index = page_release("red/key/db");
	assert_int_equal(look_as(&page.alice, path_of(index, "")), 200);
	assert_true(seen(": accepted</h1>"));
	assert_true(seen(" 0 failed, 0 did not run"));
	assert_true(seen("SOFT-SIGNATURE"));
	assert_true(seen("Proof that it is in the log"));
	assert_false(seen("<li><h3>"));
	assert_int_equal(db_world_number("SELECT count(*) FROM log_details", NO_VALUES),
			 0);
}

#define IN_WORLD(test)                                                                   \
	cmocka_unit_test_setup_teardown(test, page_world_enter, page_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    IN_WORLD(test_page_decisions__each__sees_his_own),
	    IN_WORLD(test_page_decisions__filters__leave_what_fits),
	    IN_WORLD(test_page_decisions__many__are_on_pages),
	    IN_WORLD(test_page_decisions__long_log__is_looked_at_in_parts),
	    IN_WORLD(test_page_decisions__odd_queries__are_refused),
	    IN_WORLD(test_page_decision__others__is_as_if_it_were_not),
	    IN_WORLD(test_page_decision__odd_numbers__are_none),
	    IN_WORLD(test_page_decision__markup_in_it__is_text),
	    IN_WORLD(test_page_decision__changed_image__names_the_check),
	    IN_WORLD(test_page_decision__evidence_gone__the_names_stay),
	    IN_WORLD(test_page_decision__given__has_its_list_of_checks),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
