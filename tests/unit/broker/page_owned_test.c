/* The pages of resources and policies, and the operator's of owners. */
#include <stdio.h>

#include "broker/owners.h"
#include "tests/page_world.h"

static size_t rows(void)
{
	static const char row[] = "<tr role=\"row\"><th scope=\"row\"";
	size_t count = 0;

	for (const char *at = strstr(page_seen.body, row); at; at = strstr(at + 1, row))
		count++;
	return count;
}

static void test_page_resources__own__are_listed(void **state)
{
	(void)state;
	assert_int_equal(look_as(&page.alice, "/resources"), 200);
	assert_true(seen("There are none."));
	page_put_secret("alice", "red/key/db", page.now + 60, 3);
	page_put_secret("alice", "green/key/web", 0, RESOURCE_ANY_RELEASES);
	page_put_secret("bob", "blue/key/his", 0, RESOURCE_ANY_RELEASES);
	page_put_policy("alice", "red/key", wr_view(&page.policy));
	assert_int_equal(look_as(&page.alice, "/resources"), 200);
	assert_int_equal(rows(), 2);
	assert_true(seen("red/key/db") && seen("green/key/web"));
	assert_true(seen("Releases left: </span>3<") && seen("any number"));
	assert_true(seen("href=\"/policies/red/key\""));
	assert_true(seen("none: it is given to nobody"));
	assert_false(seen("blue") || seen("s3cret") || seen("expired"));
	page.now += 60;
	assert_int_equal(look_as(&page.alice, "/resources"), 200);
	assert_true(seen("expired"));
	assert_int_equal(look_as(&page.bob, "/resources"), 200);
	assert_true(seen("blue/key/his") && !seen("red") && !seen("green"));
}

/* A resource with many versions is on one page, never on half of two. */
static void test_page_resources__many__are_on_pages(void **state)
{
	const struct resource_value value = {text_bytes("x"), 0, RESOURCE_ANY_RELEASES};
	struct resource_name name;
	uint64_t version;
	size_t first;

	(void)state;
	for (int i = 0; i < 180; i++) {
		char text[64];

		snprintf(text, sizeof(text), "red/key/a%03d", i);
		page_put_secret("alice", text, 0, RESOURCE_ANY_RELEASES);
	}
	page_put_secret("alice", "red/key/b", 0, RESOURCE_ANY_RELEASES);
	assert_int_equal(resource_name_read("red/key/b", &name, NULL), 0);
	for (int i = 1; i < 40; i++)
		assert_int_equal(resource_rotate(page.broker, "alice", &name, &value,
						 3600, page.now, &version, NULL),
				 0);
	page_put_secret("alice", "red/key/c", 0, RESOURCE_ANY_RELEASES);
	assert_int_equal(look_as(&page.alice, "/resources"), 200);
	first = rows();
	assert_int_equal(first, 180);
	assert_false(seen("red/key/b"));
	assert_true(seen("href=\"/resources?after=red%2Fkey%2Fa179\""));
	assert_int_equal(look_as(&page.alice, "/resources?after=red%2Fkey%2Fa179"), 200);
	assert_int_equal(rows(), 41);
	assert_true(seen("<bdi>red/key/c</bdi>") && !seen("Resources after"));
}

static void test_page_resources__odd_queries__are_refused(void **state)
{
	static const char *const bad[] = {"after=red",
					  "after=red/key/a'--",
					  "after=red%2f..%2fx/y",
					  "x=y",
					  "after=a/b/c&after=a/b/c",
					  "after=%00/b/c",
					  "after=%3Cb%3E/b/c"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char target[128];

		snprintf(target, sizeof(target), "/resources?%s", bad[i]);
		if (look_as(&page.alice, target) != 400)
			fail_msg("%s", bad[i]);
	}
}

static void test_page_policies__own__are_shown_as_text(void **state)
{
	struct writer policy = wr_init(LIMIT_POLICY);

	(void)state;
	wr_printf(&policy, "# <script>alert('1')</script> & \"2\"\n");
	wr_bytes(&policy, page.policy.ptr, page.policy.size);
	assert_int_equal(look_as(&page.alice, "/policies"), 200);
	assert_true(seen("nothing of yours is given to anybody"));
	page_put_policy("alice", "red", wr_view(&policy));
	page_put_policy("alice", "green/key/web", wr_view(&page.policy));
	page_put_policy("bob", "blue", wr_view(&page.policy));
	assert_int_equal(look_as(&page.alice, "/policies"), 200);
	assert_int_equal(rows(), 2);
	assert_true(seen("href=\"/policies/red\"") &&
		    seen("href=\"/policies/green/key/web\""));
	assert_false(seen("blue"));
	assert_int_equal(look_as(&page.alice, "/policies/red"), 200);
	assert_true(seen("# &lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; "
			 "&#34;2&#34;\n"));
	assert_false(seen("<script"));
	assert_int_equal(look_as(&page.alice, "/policies/green/key/web"), 200);
	assert_int_equal(look_as(&page.bob, "/policies/red"), 404);
	assert_int_equal(look_as(&page.alice, "/policies/blue"), 404);
	wr_done(&policy);
}

static void test_page_policies__many__are_on_pages(void **state)
{
	(void)state;
	for (int i = 0; i < 201; i++) {
		char scope[64];

		snprintf(scope, sizeof(scope), "red/key/a%03d", i);
		page_put_policy("alice", scope, wr_view(&page.policy));
	}
	assert_int_equal(look_as(&page.alice, "/policies"), 200);
	assert_int_equal(rows(), 200);
	assert_true(seen("href=\"/policies?from=200\""));
	assert_int_equal(look_as(&page.alice, "/policies?from=200"), 200);
	assert_int_equal(rows(), 1);
	assert_true(seen("red/key/a200") && !seen("More policies"));
}

static void test_page_policies__odd_names__are_none(void **state)
{
	static const char *const bad[] = {"/policies/red'--", "/policies/a/b/c/d",
					  "/policies/.red",   "/policies/red key",
					  "/policies/%",      "/policies/\xe2\x80\xae"};

	(void)state;
	page_put_policy("alice", "red", wr_view(&page.policy));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (look_as(&page.alice, bad[i]) != 404)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(look_as(&page.alice, "/policies?from=1'"), 400);
	assert_int_equal(look_as(&page.alice, "/policies?from=1"), 200);
	assert_int_equal(rows(), 0);
}

static void test_page_operator__owners__are_counted(void **state)
{
	(void)state;
	page_put_secret("alice", "red/key/db", 0, RESOURCE_ANY_RELEASES);
	assert_int_equal(look_as(&page.operator, "/operator"), 200);
	assert_int_equal(rows(), 2);
	assert_true(seen("<bdi>alice</bdi>") && seen("<bdi>bob</bdi>"));
	assert_true(seen("Repositories: </span>2<") && seen("Repositories: </span>1<"));
	/* No name of what is in them. */
	assert_false(seen("red") || seen("blue"));
	assert_int_equal(look_as(&page.operator, "/operator?after=alice"), 200);
	assert_int_equal(rows(), 1);
	assert_int_equal(look_as(&page.operator, "/operator?after=%27%20OR%20%27%27=%27"),
			 200);
	assert_int_equal(look_as(&page.operator, "/operator?x=1"), 400);
	assert_int_equal(owner_remove(page.broker, "alice", true, NULL), 0);
	assert_int_equal(owner_remove(page.broker, "bob", true, NULL), 0);
	assert_int_equal(look_as(&page.operator, "/operator"), 200);
	assert_true(seen("There are none."));
}

static void test_page_operator__many__are_on_pages(void **state)
{
	(void)state;
	for (int i = 0; i < 199; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%03d", i);
		page_add_owner(name, NULL, 0);
	}
	assert_int_equal(look_as(&page.operator, "/operator"), 200);
	assert_int_equal(rows(), 200);
	assert_true(seen("href=\"/operator?after=c197\""));
	assert_int_equal(look_as(&page.operator, "/operator?after=c197"), 200);
	assert_int_equal(rows(), 1);
	assert_true(seen("c198") && !seen("More owners"));
}

#define IN_WORLD(test)                                                                   \
	cmocka_unit_test_setup_teardown(test, page_world_enter, page_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    IN_WORLD(test_page_resources__own__are_listed),
	    IN_WORLD(test_page_resources__many__are_on_pages),
	    IN_WORLD(test_page_resources__odd_queries__are_refused),
	    IN_WORLD(test_page_policies__own__are_shown_as_text),
	    IN_WORLD(test_page_policies__many__are_on_pages),
	    IN_WORLD(test_page_policies__odd_names__are_none),
	    IN_WORLD(test_page_operator__owners__are_counted),
	    IN_WORLD(test_page_operator__many__are_on_pages),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
