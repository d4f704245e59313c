/* Tokens that log in once, and sessions that end. */
#include "broker/page_session.h"

#include <pthread.h>
#include <stdio.h>

#include "broker/owners.h"
#include "tests/page_world.h"

/* Who the front page says is logged in by this header: 'a', 'b', 'o', or '-'. */
static char who_by(const char *cookie)
{
	assert_int_equal(look(&(struct look){.target = "/", .cookie = cookie}), 200);
	if (seen("the owner <b>alice</b>"))
		return 'a';
	if (seen("the owner <b>bob</b>"))
		return 'b';
	if (seen("Logged in as the operator"))
		return 'o';
	assert_true(seen("Nobody is logged in"));
	return '-';
}

static int use(const char *token)
{
	char body[128];

	snprintf(body, sizeof(body), "token=%s", token);
	return look(&(struct look){.method = HTTP_POST,
				   .target = "/login",
				   .body = body,
				   .site = "same-origin"});
}

static void test_page_session__logged_in__is_who_signed(void **state)
{
	const struct {
		const struct principal *who;
		char letter;
	} all[] = {{&page.alice, 'a'}, {&page.bob, 'b'}, {&page.operator, 'o' } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *cookie = page_log_in(all[i].who);

		assert_true(page_seen.secret);
		assert_non_null(strstr(page_seen.cookie, "; Path=/"));
		assert_non_null(strstr(page_seen.cookie, "; Secure"));
		assert_non_null(strstr(page_seen.cookie, "; HttpOnly"));
		assert_non_null(strstr(page_seen.cookie, "; SameSite=Strict"));
		assert_null(strstr(page_seen.cookie, "Domain"));
		assert_int_equal(strlen(cookie), strlen("__Host-tobichi=") + 43);
		assert_int_equal(who_by(cookie), all[i].letter);
		free(cookie);
	}
}

static void test_page_login__used__not_again(void **state)
{
	char *token = page_token(&page.alice);

	(void)state;
	/* Looking is not using. */
	for (int i = 0; i < 3; i++) {
		char target[128];

		snprintf(target, sizeof(target), "/login?token=%s", token);
		assert_int_equal(look(&(struct look){.target = target}), 200);
		assert_true(seen("<button class=\"main\">Log in</button>"));
		assert_true(page_seen.secret);
	}
	assert_int_equal(use(token), 303);
	assert_int_equal(use(token), 403);
	assert_true(seen("does not count any more"));
	assert_string_equal(page_seen.cookie, "");
	free(token);
}

static void test_page_login__a_minute__no_longer(void **state)
{
	char *token = page_token(&page.alice);

	(void)state;
	page.now += PAGE_LOGIN_SECONDS - 1;
	assert_int_equal(use(token), 303);
	free(token);
	token = page_token(&page.alice);
	page.now += PAGE_LOGIN_SECONDS;
	assert_int_equal(use(token), 403);
	free(token);
}

static void test_page_login__no_token__denied(void **state)
{
	static const char *const bad[] = {"",
					  "x",
					  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
					  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'--",
					  "%27%20OR%201=1--%20AAAAAAAAAAAAAAAAAAAAAAA"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(use(bad[i]), 403);
}

enum { THREADS = 6 };
static const char *shared_token;

static void *use_shared(void *context)
{
	char cookie[PAGE_TOKEN_TEXT + 1];
	struct tobi_fault fault = {0};
	struct principal who;

	*(enum tobi_err *)context =
	    page_login_use(page.broker, shared_token, page.now, &who, cookie, &fault);
	return NULL;
}

static void test_page_login__used_by_several_at_once__by_one(void **state)
{
	char *token = page_token(&page.alice);
	enum tobi_err errs[THREADS];
	pthread_t threads[THREADS];
	int given = 0;

	(void)state;
	shared_token = token;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_shared, &errs[i]),
				 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		given += errs[i] == TOBI_OK;
		assert_true(errs[i] == TOBI_OK || errs[i] == TOBI_E_DENIED);
	}
	assert_int_equal(given, 1);
	assert_int_equal(db_world_number("SELECT count(*) FROM page_session", NO_VALUES),
			 1);
	free(token);
}

/* What the session of one is, is no login of another, and the other way round. */
static void test_page_session__token_as_cookie__is_nobodys(void **state)
{
	char *token = page_token(&page.alice), *cookie = page_log_in(&page.alice);
	char header[128];

	(void)state;
	snprintf(header, sizeof(header), "__Host-tobichi=%s", token);
	assert_int_equal(who_by(header), '-');
	assert_int_equal(use(cookie + strlen("__Host-tobichi=")), 403);
	/* Neither was used up by that. */
	assert_int_equal(use(token), 303);
	assert_int_equal(who_by(cookie), 'a');
	free(token);
	free(cookie);
}

static void test_page_session__idle__ends(void **state)
{
	char *cookie = page_log_in(&page.alice);

	(void)state;
	for (int i = 0; i < 4; i++) {
		page.now += PAGE_IDLE_SECONDS - 60;
		assert_int_equal(who_by(cookie), 'a');
	}
	page.now += PAGE_IDLE_SECONDS;
	assert_int_equal(who_by(cookie), '-');
	free(cookie);
}

static void test_page_session__eight_hours__end_it(void **state)
{
	char *cookie = page_log_in(&page.alice);
	int64_t start = page.now;

	(void)state;
	while (page.now + 600 < start + PAGE_SESSION_SECONDS) {
		page.now += 600;
		assert_int_equal(who_by(cookie), 'a');
	}
	page.now = start + PAGE_SESSION_SECONDS - 1;
	assert_int_equal(who_by(cookie), 'a');
	page.now = start + PAGE_SESSION_SECONDS;
	assert_int_equal(who_by(cookie), '-');
	free(cookie);
}

static void test_page_session__cookie_changed__is_nobodys(void **state)
{
	char *cookie = page_log_in(&page.alice), twice[256];
	size_t size = strlen(cookie);

	(void)state;
	snprintf(twice, sizeof(twice), "%s; %s", cookie, cookie);
	assert_int_equal(who_by(twice), '-');
	snprintf(twice, sizeof(twice), "a=b; %s; c=d", cookie);
	assert_int_equal(who_by(twice), 'a');
	for (size_t i = strlen("__Host-tobichi="); i < size; i++) {
		char kept = cookie[i];

		cookie[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(who_by(cookie), '-');
		cookie[i] = kept;
	}
	snprintf(twice, sizeof(twice), "%sA", cookie);
	assert_int_equal(who_by(twice), '-');
	cookie[size - 1] = 0;
	assert_int_equal(who_by(cookie), '-');
	free(cookie);
}

static void test_page_session__in_the_clear__counts_not(void **state)
{
	char *cookie = page_log_in(&page.alice);
	struct look asks = {.target = "/decisions", .cookie = cookie, .in_clear = true};

	(void)state;
	assert_int_equal(look(&asks), 401);
	asks.in_clear = false;
	assert_int_equal(look(&asks), 200);
	/* Nor is a token made, or taken. */
	assert_int_equal(look(&(struct look){.method = HTTP_POST,
					     .target = "/v1/login",
					     .signer = &page.alice,
					     .in_clear = true}),
			 403);
	assert_true(seen("in the clear"));
	assert_int_equal(look(&(struct look){.target = "/login", .in_clear = true}), 403);
	assert_int_equal(look(&(struct look){.method = HTTP_POST,
					     .target = "/login",
					     .body = "token=x",
					     .site = "same-origin",
					     .in_clear = true}),
			 403);
	assert_true(seen("without TLS"));
	free(cookie);
}

/* An owner sees that somebody has, and from where. */
static void test_page_login__used__is_in_the_log(void **state)
{
	(void)state;
	free(page_log_in(&page.alice));
	free(page_log_in(&page.operator));
	assert_int_equal(use("x"), 403);
	assert_int_equal(look_as(&page.alice, "/decisions"), 200);
	assert_true(seen("log in") && seen("192.0.2.7, by page") && seen("by a link"));
	assert_int_equal(look_as(&page.bob, "/decisions"), 200);
	assert_false(seen("log in"));
	assert_int_equal(look_as(&page.operator, "/decisions?of=operator"), 200);
	assert_true(seen("log in"));
	assert_int_equal(db_world_number("SELECT count(*) FROM log_leaves", NO_VALUES),
			 2);
}

/* With the key goes what it has opened. */
static void test_page_session__key_taken_away__ends_at_once(void **state)
{
	char *cookie = page_log_in(&page.alice), *bobs = page_log_in(&page.bob);
	char *token = page_token(&page.alice);

	(void)state;
	db_world_do("DELETE FROM owner_key WHERE owner = ?", VALUES(T("alice")));
	assert_int_equal(who_by(cookie), '-');
	assert_int_equal(look_as(&page.alice, "/decisions"), 401);
	assert_int_equal(use(token), 403);
	assert_string_equal(page_seen.cookie, "");
	free(token);
	assert_int_equal(who_by(bobs), 'b');
	assert_int_equal(owner_remove(page.broker, "bob", true, NULL), 0);
	assert_int_equal(who_by(bobs), '-');
	free(cookie);
	free(bobs);
}

/* Who can write to the database, and no more, makes no session, and changes none. */
static void test_page_session__row_forged__is_an_error(void **state)
{
	const struct tobi_bytes bob = {page.bob.id, PRINCIPAL_ID_SIZE};
	char *cookie = page_log_in(&page.alice), *token = page_token(&page.alice);
	char body[128];

	(void)state;
	snprintf(body, sizeof(body), "token=%s", token);
	db_world_do("UPDATE page_session SET key_id = ?", VALUES(B(bob)));
	db_world_do("UPDATE page_login SET key_id = ?", VALUES(B(bob)));
	assert_int_equal(look_fails(&(struct look){.target = "/", .cookie = cookie}),
			 TOBI_E_SIGNATURE);
	assert_int_equal(look_fails(&(struct look){.method = HTTP_POST,
						   .target = "/login",
						   .body = body,
						   .site = "same-origin"}),
			 TOBI_E_SIGNATURE);
	/* Nor does one last longer. */
	db_world_do("UPDATE page_session SET key_id = ?, created = created + 9",
		    VALUES(B(((struct tobi_bytes){page.alice.id, PRINCIPAL_ID_SIZE}))));
	assert_int_equal(look_fails(&(struct look){.target = "/", .cookie = cookie}),
			 TOBI_E_SIGNATURE);
	db_world_do("UPDATE page_session SET created = created - 9", NO_VALUES);
	assert_int_equal(who_by(cookie), 'a');
	free(token);
	free(cookie);
}

static void test_page_session__hashes_alone__are_stored(void **state)
{
	char *token = page_token(&page.alice), *cookie = page_log_in(&page.alice);

	(void)state;
	assert_int_equal(db_world_number("SELECT count(*) FROM page_login", NO_VALUES),
			 1);
	assert_int_equal(db_world_number("SELECT count(*) FROM page_session", NO_VALUES),
			 1);
	assert_int_equal(db_world_number("SELECT count(*) FROM page_login WHERE hash = ?",
					 VALUES(B(text_bytes(token)))),
			 0);
	assert_int_equal(
	    db_world_number("SELECT length(hash) FROM page_session", NO_VALUES), 32);
	free(token);
	free(cookie);
}

static void test_page_session__other_broker__takes_it(void **state)
{
	struct broker *other = page_world_open();
	char *token = page_token(&page.alice), body[128], *cookie;

	(void)state;
	snprintf(body, sizeof(body), "token=%s", token);
	assert_int_equal(look(&(struct look){.method = HTTP_POST,
					     .target = "/login",
					     .body = body,
					     .site = "same-origin",
					     .broker = other}),
			 303);
	cookie = strndup(page_seen.cookie, strcspn(page_seen.cookie, ";"));
	assert_int_equal(who_by(cookie), 'a');
	assert_int_equal(use(token), 403);
	free(token);
	free(cookie);
	broker_free(other);
}

static void test_page_login__too_many_wait__refused(void **state)
{
	const struct look asks = {
	    .method = HTTP_POST, .target = "/v1/login", .signer = &page.alice};

	(void)state;
	for (int i = 0; i < LIMIT_PAGE_LOGINS; i++)
		assert_int_equal(look(&asks), 201);
	assert_int_equal(look(&asks), 400);
	free(page_token(&page.bob));
	page.now += PAGE_LOGIN_SECONDS;
	assert_int_equal(look(&asks), 201);
	/* Those that count no more are gone. */
	assert_int_equal(db_world_number("SELECT count(*) FROM page_login", NO_VALUES),
			 1);
}

static void test_page_session__too_many__the_oldest_ends(void **state)
{
	char *cookies[LIMIT_PAGE_SESSIONS + 1], *bobs = page_log_in(&page.bob);

	(void)state;
	for (int i = 0; i <= LIMIT_PAGE_SESSIONS; i++) {
		cookies[i] = page_log_in(&page.alice);
		page.now++;
	}
	assert_int_equal(who_by(cookies[0]), '-');
	for (int i = 1; i <= LIMIT_PAGE_SESSIONS; i++)
		assert_int_equal(who_by(cookies[i]), 'a');
	assert_int_equal(who_by(bobs), 'b');
	/* Whoever logs in later takes along what has ended. */
	page.now += PAGE_IDLE_SECONDS;
	free(page_log_in(&page.bob));
	assert_int_equal(db_world_number("SELECT count(*) FROM page_session", NO_VALUES),
			 1);
	for (int i = 0; i <= LIMIT_PAGE_SESSIONS; i++)
		free(cookies[i]);
	free(bobs);
}

/* ---- logging out ---- */

static int log_out(const char *cookie, const char *form, const char *site)
{
	char body[128];

	snprintf(body, sizeof(body), "form=%s", form);
	return look(&(struct look){.method = HTTP_POST,
				   .target = "/logout",
				   .body = body,
				   .cookie = cookie,
				   .site = site});
}

static char *form_of(const char *cookie)
{
	const char *at;

	assert_int_equal(look(&(struct look){.target = "/", .cookie = cookie}), 200);
	at = strstr(page_seen.body, "name=\"form\" value=\"");
	assert_non_null(at);
	return strndup(at + strlen("name=\"form\" value=\""), 43);
}

static void test_page_logout__own_form__ends_it(void **state)
{
	char *cookie = page_log_in(&page.alice), *second = page_log_in(&page.alice);
	char *form = form_of(cookie), *other = form_of(second);

	(void)state;
	assert_int_equal(log_out(cookie, form, "cross-site"), 403);
	assert_int_equal(log_out(cookie, form, "same-site"), 403);
	assert_int_equal(log_out(cookie, form, "none"), 403);
	assert_int_equal(log_out(cookie, form, NULL), 403);
	assert_int_equal(log_out(cookie, other, "same-origin"), 400);
	assert_int_equal(log_out(cookie, "", "same-origin"), 400);
	assert_int_equal(
	    log_out(cookie, cookie + strlen("__Host-tobichi="), "same-origin"), 400);
	assert_int_equal(who_by(cookie), 'a');
	assert_int_equal(log_out(cookie, form, "same-origin"), 303);
	assert_non_null(strstr(page_seen.cookie, "__Host-tobichi=; "));
	assert_non_null(strstr(page_seen.cookie, "Max-Age=0"));
	assert_int_equal(who_by(cookie), '-');
	assert_int_equal(log_out(cookie, form, "same-origin"), 401);
	/* Another session of the same owner goes on. */
	assert_int_equal(who_by(second), 'a');
	free(cookie);
	free(second);
	free(form);
	free(other);
}

static void test_page_session__certificate__its_keys_owner(void **state)
{
	struct principal nobody = page.alice;
	char *bobs = page_log_in(&page.bob);

	(void)state;
	assert_int_equal(look_as(&page.alice, "/"), 200);
	assert_true(seen("the owner <b>alice</b>, by the certificate"));
	assert_false(seen("Log out"));
	nobody.id[0] ^= 1;
	assert_int_equal(look_as(&nobody, "/"), 200);
	assert_true(seen("Nobody is logged in"));
	assert_int_equal(look_as(&nobody, "/decisions"), 401);
	/* Who has logged in has said who he wants to be. */
	assert_int_equal(look(&(struct look){
			     .target = "/", .cookie = bobs, .certificate = &page.alice}),
			 200);
	assert_true(seen("<b>bob</b>"));
	free(bobs);
}

#define IN_WORLD(test)                                                                   \
	cmocka_unit_test_setup_teardown(test, page_world_enter, page_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    IN_WORLD(test_page_session__logged_in__is_who_signed),
	    IN_WORLD(test_page_login__used__not_again),
	    IN_WORLD(test_page_login__a_minute__no_longer),
	    IN_WORLD(test_page_login__used_by_several_at_once__by_one),
	    IN_WORLD(test_page_login__no_token__denied),
	    IN_WORLD(test_page_session__token_as_cookie__is_nobodys),
	    IN_WORLD(test_page_session__idle__ends),
	    IN_WORLD(test_page_session__eight_hours__end_it),
	    IN_WORLD(test_page_session__cookie_changed__is_nobodys),
	    IN_WORLD(test_page_session__in_the_clear__counts_not),
	    IN_WORLD(test_page_login__used__is_in_the_log),
	    IN_WORLD(test_page_session__key_taken_away__ends_at_once),
	    IN_WORLD(test_page_session__row_forged__is_an_error),
	    IN_WORLD(test_page_session__hashes_alone__are_stored),
	    IN_WORLD(test_page_session__other_broker__takes_it),
	    IN_WORLD(test_page_login__too_many_wait__refused),
	    IN_WORLD(test_page_session__too_many__the_oldest_ends),
	    IN_WORLD(test_page_logout__own_form__ends_it),
	    IN_WORLD(test_page_session__certificate__its_keys_owner),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
