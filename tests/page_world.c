#include "tests/page_world.h"

#include <stdio.h>

#include "base/limits.h"
#include "broker/keyring.h"
#include "broker/owners.h"
#include "broker/policies.h"
#include "broker/route.h"
#include "codec/json.h"

struct page_world page;
struct page_seen page_seen;

static char key_location[128];
static EVP_PKEY *token_key;

static int64_t now(void)
{
	return page.now;
}

static void must(enum tobi_err err)
{
	if (err)
		fail_msg("%s: %s: %s", page.fault.object, page.fault.field,
			 page.fault.message);
}

struct broker *page_world_open(void)
{
	struct broker_setup setup = {.name = "broker <test>",
				     .database = db_world.location,
				     .keys = key_location,
				     .connections = 4,
				     .token_key = token_key,
				     .now = now};
	struct broker *broker = NULL;

	EVP_PKEY_up_ref(token_key);
	must(broker_open(&setup, &broker, &page.fault));
	return broker;
}

/* A key of his own, which only its id is needed of. */
struct principal page_add_owner(const char *name, const char *const *repositories,
				size_t count)
{
	struct principal who = {.operator= strcmp(name, OPERATOR_NAME) == 0};
	struct owner_key key = {0};
	EVP_PKEY *pair = NULL;
	struct writer pem = wr_init(LIMIT_PEM);
	const struct owner_new new = {name, &key, 1, repositories, count};

	must(key_new(KEY_P256, &pair, &page.fault));
	must(key_write_public(pair, &pem, &page.fault));
	must(owner_key_read(wr_view(&pem), &key, &page.fault));
	if (who.operator)
		must(owner_set_operator(page.broker, &key, 1, page.now, &page.fault));
	else
		must(owner_add(page.broker, &new, page.now, &page.fault));
	snprintf(who.name, sizeof(who.name), "%s", name);
	bytes_copy(who.id, sizeof(who.id), key.id, sizeof(key.id));
	wr_done(&pem);
	EVP_PKEY_free(pair);
	return who;
}

int page_world_enter(void **state)
{
	static const char *const of_alice[] = {"red", "green"}, *const of_bob[] = {
								    "blue"};

	db_world_enter(state);
	page = (struct page_world){.now = PAGE_NOW,
				   .policy = wr_init(LIMIT_POLICY),
				   .evidence = wr_init(LIMIT_EVIDENCE)};
	snprintf(key_location, sizeof(key_location), "file:%s/wrap.key", db_world.folder);
	must(db_migrate(db_world.db, broker_migrations, broker_migration_count,
			&page.fault));
	must(keyring_init(db_world.db, key_location, NULL, &page.fault));
	must(key_new(KEY_P256, &token_key, &page.fault));
	page.broker = page_world_open();
	test_scene_make(&page.scene);
	test_scene_policy(&page.scene, &page.policy);
	test_scene_evidence(&page.scene, &page.evidence);
	page.operator= page_add_owner(OPERATOR_NAME, NULL, 0);
	page.alice = page_add_owner("alice", of_alice, 2);
	page.bob = page_add_owner("bob", of_bob, 1);
	return 0;
}

static void forget(void)
{
	free(page_seen.body);
	page_seen = (struct page_seen){0};
}

int page_world_leave(void **state)
{
	forget();
	broker_free(page.broker);
	EVP_PKEY_free(token_key);
	token_key = NULL;
	test_scene_done(&page.scene);
	wr_done(&page.policy);
	wr_done(&page.evidence);
	return db_world_leave(state);
}

/* ---- looking ---- */

static const char *header_of(const struct broker_request *request, const char *name)
{
	const struct look *look = request->context;

	if (strcmp(name, "host") == 0)
		return "broker.test:8443";
	if (strcmp(name, "cookie") == 0)
		return look->cookie;
	if (strcmp(name, "sec-fetch-site") == 0)
		return look->site;
	return strcmp(name, "origin") == 0 ? look->origin : NULL;
}

static void keep(char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		fail_msg("a header of %zu bytes", strlen(value));
	snprintf(to, size, "%s", value);
}

static void keep_reply(struct broker_reply *reply)
{
	static const struct {
		const char *name;
		char *to;
		size_t size;
	} kept[] = {
	    {"Location", page_seen.location, sizeof(page_seen.location)},
	    {"Set-Cookie", page_seen.cookie, sizeof(page_seen.cookie)},
	    {"Cache-Control", page_seen.cache, sizeof(page_seen.cache)},
	    {"Content-Security-Policy", page_seen.policy, sizeof(page_seen.policy)}};

	page_seen.status = reply->status ? reply->status : 200;
	page_seen.secret = reply->secret;
	if (reply->content_type)
		keep(page_seen.type, sizeof(page_seen.type), reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++) {
		for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
			if (strcmp(kept[k].name, reply->headers[i].name) == 0)
				keep(kept[k].to, kept[k].size, reply->headers[i].value);
		}
	}
	wr_u8(&reply->body, 0);
	assert_int_equal(wr_err(&reply->body), 0);
	page_seen.body = strdup((const char *)reply->body.ptr);
	assert_non_null(page_seen.body);
}

/* *ret_err is the handler's. */
static int serve(const struct look *look, enum tobi_err *ret_err,
		 struct tobi_fault *fault)
{
	static const struct broker_route *const tables[] = {page_routes, NULL};
	const char *query = strchr(look->target, '?');
	char path[2048];
	struct broker_request request = {
	    .method = look->method ? look->method : HTTP_GET,
	    .path = path,
	    .query = query ? query + 1 : "",
	    .body = bytes_of_text(look->body),
	    .remote = "192.0.2.7",
	    .secure = !look->in_clear,
	    .client_key = look->certificate ? look->certificate->id : NULL,
	    .now = page.now,
	    .principal = look->signer,
	    .header = header_of,
	    .context = (void *)(uintptr_t)look};
	struct broker_reply reply = {.body = wr_init(LIMIT_BROKER_REPLY)};
	const struct broker_route *route = NULL;
	unsigned allowed = 0;
	int status;

	forget();
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(look->target, "?"),
		 look->target);
	status = route_find(tables, request.method, path, &route, &allowed);
	if (status)
		return page_seen.status = status;
	if (request.body.size > route->body_limit)
		return page_seen.status = 413;
	assert_true(route->access == ROUTE_OPEN || look->signer);
	*ret_err = route->handler(look->broker ? look->broker : page.broker, &request,
				  &reply, fault);
	keep_reply(&reply);
	broker_reply_done(&reply);
	return page_seen.status;
}

int look(const struct look *look)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_OK;
	int status = serve(look, &err, &fault);

	if (err)
		fail_msg("%s: %s: %s: %s", look->target, fault.object, fault.field,
			 fault.message);
	return status;
}

enum tobi_err look_fails(const struct look *look)
{
	enum tobi_err err = TOBI_OK;

	serve(look, &err, NULL);
	return err;
}

bool seen(const char *text)
{
	return page_seen.body && strstr(page_seen.body, text);
}

int look_as(const struct principal *who, const char *target)
{
	return look(&(struct look){.target = target, .certificate = who});
}

/* ---- sessions ---- */

char *page_token(const struct principal *who)
{
	const char *path;
	json_t *answer = NULL;
	char *token;

	assert_int_equal(look(&(struct look){
			     .method = HTTP_POST, .target = "/v1/login", .signer = who}),
			 201);
	assert_true(page_seen.secret);
	assert_int_equal(
	    json_parse(text_bytes(page_seen.body), 4096, "answer", &answer, NULL), 0);
	path = json_string_value(json_object_get(answer, "path"));
	assert_memory_equal(path, "/login?token=", 13);
	token = strdup(path + 13);
	json_decref(answer);
	return token;
}

char *page_log_in(const struct principal *who)
{
	char *token = page_token(who), body[128];

	snprintf(body, sizeof(body), "token=%s", token);
	free(token);
	assert_int_equal(look(&(struct look){.method = HTTP_POST,
					     .target = "/login",
					     .body = body,
					     .site = "same-origin"}),
			 303);
	assert_string_equal(page_seen.location, "/");
	return strndup(page_seen.cookie, strcspn(page_seen.cookie, ";"));
}

/* ---- what there is to see ---- */

uint64_t page_decide(const char *owner, const char *resource, bool accepted,
		     const char *reason)
{
	const struct decision decision = {.kind = DECISION_RELEASE,
					  .time = page.now,
					  .accepted = accepted,
					  .remote = "192.0.2.1",
					  .channel = "kbs",
					  .principal = owner,
					  .resource = resource,
					  .action = "release",
					  .reason = reason};
	uint64_t index = 0;

	must(decision_log_append(page.broker->log, &decision, &index, &page.fault));
	return index;
}

uint64_t page_release(const char *resource)
{
	const struct presented presented = {.evidence = wr_view(&page.evidence),
					    .nonce = page.scene.given_nonce,
					    .remote = "192.0.2.1",
					    .channel = "kbs"};
	struct release release = {0};
	struct resource_name name;

	must(resource_name_read(resource, &name, &page.fault));
	must(broker_release(page.broker, &name, 0, &presented, &release, &page.fault));
	secret_done(&release.secret);
	return release.index;
}

void page_put_secret(const char *owner, const char *name, int64_t expires,
		     int64_t releases)
{
	const struct resource_value value = {text_bytes("the s3cret itself"), expires,
					     releases};
	struct resource_name read;
	uint64_t version = 0;

	must(resource_name_read(name, &read, &page.fault));
	must(resource_put(page.broker, owner, &read, &value, NULL, page.now, &version,
			  &page.fault));
}

void page_put_policy(const char *owner, const char *scope, struct tobi_bytes text)
{
	const struct policy_source source = {.scope = scope, .text = text};

	must(policy_put(page.broker, owner, &source, page.now, &page.fault));
}
