/* What each page has, who gets which, and what a browser must say of a form. */
#include "broker/page.h"

#include <stdio.h>

#include "tests/page_world.h"

static const char *const pages[] = {
    "/",	 "/login",	"/decisions", "/decisions/0", "/resources",
    "/policies", "/policies/x", "/operator",  "/style/x.css", "/decisions/0/evidence"};
enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

static size_t count_of(const char *text)
{
	size_t count = 0;

	for (const char *at = strstr(page_seen.body, text); at; at = strstr(at + 1, text))
		count++;
	return count;
}

/* ---- the frame ---- */

static void test_page__each__is_whole_and_alone(void **state)
{
	(void)state;
	page_put_policy("alice", "red", wr_view(&page.policy));
	for (size_t i = 0; i < PAGES; i++) {
		const struct principal *const who[] = {NULL, &page.alice, &page.operator};

		for (size_t w = 0; w < 3; w++) {
			look_as(who[w], pages[i]);
			assert_string_equal(page_seen.type, "text/html; charset=utf-8");
			assert_string_equal(
			    page_seen.policy,
			    "default-src 'none'; style-src 'self'; form-action 'self'; "
			    "frame-ancestors 'none'; base-uri 'none'");
			assert_memory_equal(page_seen.body, "<!DOCTYPE html>\n", 16);
			assert_true(seen("<html lang=\"en\">"));
			assert_int_equal(count_of("<title>"), 1);
			assert_int_equal(count_of("<h1>"), 1);
			assert_int_equal(count_of("<main id=\"main\""), 1);
			assert_int_equal(count_of("<nav aria-label="), 1);
			assert_int_equal(count_of("href=\"#main\""), 1);
			assert_true(seen("broker &lt;test&gt;"));
			assert_false(seen("broker <test>"));
			assert_null(strstr(page_seen.body, "<script"));
			assert_null(strstr(page_seen.body, "style="));
			assert_null(strstr(page_seen.body, "http://"));
			assert_true(seen("</html>\n"));
			assert_int_equal(count_of("<table"), count_of("<caption>"));
		}
	}
}

static void test_page_style__by_its_hash__is_kept(void **state)
{
	char path[64];
	const char *at;

	(void)state;
	assert_int_equal(look_as(NULL, "/"), 200);
	at = strstr(page_seen.body, "href=\"/style/");
	assert_non_null(at);
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(at + 6, "\""), at + 6);
	assert_int_equal(look_as(NULL, path), 200);
	assert_string_equal(page_seen.type, "text/css; charset=utf-8");
	assert_string_equal(page_seen.body, page_style);
	assert_non_null(strstr(page_seen.cache, "immutable"));
	/* It loads nothing, either. */
	assert_false(seen("url(") || seen("@import"));
	path[strlen(path) - 5] ^= 1;
	assert_int_equal(look_as(NULL, path), 404);
}

static void test_page_front__anybody__sees_the_logs_head(void **state)
{
	struct decision_head head;
	char root[2 * LOG_HASH_SIZE + 1], key[2 * SHA384_SIZE + 1];
	struct log_head said;

	(void)state;
	page_decide("alice", "red/key/db", false, "a secret reason");
	assert_int_equal(decision_log_head(page.broker->log, page.now, &head, NULL), 0);
	assert_int_equal(
	    log_head_read((struct tobi_bytes){head.bytes, head.size}, NULL, &said, NULL),
	    0);
	hex_write(log_hash_view(&head.root), root, sizeof(root));
	hex_write((struct tobi_bytes){said.key, SHA384_SIZE}, key, sizeof(key));
	assert_int_equal(look_as(NULL, "/"), 200);
	assert_true(seen(root));
	assert_true(seen(key));
	assert_true(seen("<dt>Entries</dt><dd>1</dd>"));
	/* What makes a device work is not for everybody. */
	assert_false(seen("<dt>Keys</dt>"));
	/* And nothing of what is in it. */
	assert_false(seen("red/key") || seen("secret reason") || seen("alice"));
}

static void test_page_front__known__sees_whether_keys_are_there(void **state)
{
	(void)state;
	assert_int_equal(look_as(&page.alice, "/"), 200);
	assert_true(seen("<dt>Keys</dt><dd>there</dd>"));
}

static void test_page_front__keys_away__says_so(void **state)
{
	(void)state;
	/* Wrapped by another key than this broker has. */
	db_world_do("INSERT INTO store_keys (generation, provider, wrap_key, wrapped) "
		    "SELECT generation + 9, provider, 'another', wrapped FROM store_keys",
		    NO_VALUES);
	assert_int_equal(look_as(&page.alice, "/"), 200);
	assert_true(seen("away: no secret can be given out"));
	assert_false(seen("another"));
}

/* ---- who gets which ---- */

static void test_page__nobody__is_told_to_log_in(void **state)
{
	(void)state;
	page_decide("alice", "red/key/db", false, "no");
	for (size_t i = 2; i < PAGES; i++) {
		if (strncmp(pages[i], "/style", 6) == 0)
			continue;
		assert_int_equal(look_as(NULL, pages[i]), 401);
		assert_true(seen("Log in first"));
		assert_false(seen("red"));
	}
}

static void test_page__owner_and_operator__each_his_own(void **state)
{
	(void)state;
	assert_int_equal(look_as(&page.alice, "/resources"), 200);
	assert_int_equal(look_as(&page.alice, "/policies"), 200);
	assert_int_equal(look_as(&page.alice, "/operator"), 403);
	assert_false(seen("bob"));
	assert_int_equal(look_as(&page.operator, "/operator"), 200);
	assert_true(seen("alice") && seen("bob"));
	assert_int_equal(look_as(&page.operator, "/resources"), 403);
	assert_int_equal(look_as(&page.operator, "/policies"), 403);
	assert_int_equal(look_as(&page.operator, "/policies/red"), 403);
	/* The pages that are linked are those that one gets. */
	assert_int_equal(look_as(&page.alice, "/"), 200);
	assert_true(seen("href=\"/resources\"") && !seen("href=\"/operator\""));
	assert_int_equal(look_as(&page.operator, "/"), 200);
	assert_true(!seen("href=\"/resources\"") && seen("href=\"/operator\""));
}

static void test_page__current_place__is_marked(void **state)
{
	(void)state;
	assert_int_equal(look_as(&page.alice, "/decisions"), 200);
	assert_int_equal(count_of("aria-current=\"page\""), 1);
	assert_true(seen("<a href=\"/decisions\" aria-current=\"page\">"));
}

/* ---- forms ---- */

static int send_form(const char *site, const char *origin)
{
	return look(&(struct look){.method = HTTP_POST,
				   .target = "/login",
				   .body = "token=x",
				   .site = site,
				   .origin = origin});
}

static void test_page_form__foreign__refused(void **state)
{
	static const char own[] = "https://broker.test:8443";

	(void)state;
	/* 403 of both, but one has looked at the token. */
	assert_int_equal(send_form("same-origin", NULL), 403);
	assert_true(seen("does not count any more"));
	send_form("same-origin", "null");
	assert_true(seen("does not count any more"));
	send_form("same-origin", own);
	assert_true(seen("does not count any more"));
	send_form(NULL, own);
	assert_true(seen("does not count any more"));
	send_form(NULL, "https://BROKER.test:8443");
	assert_true(seen("does not count any more"));
	send_form("same-origin", "https://evil.test");
	assert_true(seen("another site"));
	send_form(NULL, NULL);
	assert_true(seen("another site"));
	send_form(NULL, "null");
	assert_true(seen("another site"));
	send_form(NULL, "http://broker.test:8443");
	assert_true(seen("another site"));
	send_form(NULL, "https://broker.test:8443.evil.test");
	assert_true(seen("another site"));
	send_form(NULL, "https://broker.test");
	assert_true(seen("another site"));
	send_form("cross-site", own);
	assert_true(seen("another site"));
	send_form("same-site", own);
	assert_true(seen("another site"));
	send_form("none", own);
	assert_true(seen("another site"));
	send_form("same-origin, same-origin", own);
	assert_true(seen("another site"));
}

static void test_page_form__no_form__400(void **state)
{
	static const char *const bad[] = {
	    "",		  "token",	 "token=a&token=b",
	    "x=y",	  "token=%",	 "{\"token\":\"x\"}",
	    "token=\xff", "token=a&x=y", "token=%0a"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(look(&(struct look){.method = HTTP_POST,
						     .target = "/login",
						     .body = bad[i],
						     .site = "same-origin"}),
				 400);
	assert_int_equal(look(&(struct look){.method = HTTP_POST,
					     .target = "/login?token=x",
					     .body = "token=x",
					     .site = "same-origin"}),
			 400);
	assert_int_equal(look_as(NULL, "/login?token=a&token=b"), 400);
	assert_int_equal(look_as(NULL, "/login?next=https://evil.test"), 400);
	assert_int_equal(
	    look_as(NULL, "/login?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"), 200);
	assert_true(seen("value=\"&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""));
}

#define IN_WORLD(test)                                                                   \
	cmocka_unit_test_setup_teardown(test, page_world_enter, page_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    IN_WORLD(test_page__each__is_whole_and_alone),
	    IN_WORLD(test_page_style__by_its_hash__is_kept),
	    IN_WORLD(test_page_front__anybody__sees_the_logs_head),
	    IN_WORLD(test_page_front__known__sees_whether_keys_are_there),
	    IN_WORLD(test_page_front__keys_away__says_so),
	    IN_WORLD(test_page__nobody__is_told_to_log_in),
	    IN_WORLD(test_page__owner_and_operator__each_his_own),
	    IN_WORLD(test_page__current_place__is_marked),
	    IN_WORLD(test_page_form__foreign__refused),
	    IN_WORLD(test_page_form__no_form__400),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
