#include "tests/broker_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "broker/owners.h"
#include "broker/route.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "token/request_token.h"

struct broker_world world;

static int64_t now(void)
{
	return world.now;
}

struct broker *broker_world_open(void)
{
	struct broker_setup setup = {.name = "test",
				     .database = db_world.location,
				     .keys = "file:none",
				     .connections = 8,
				     .now = now};
	struct broker *broker = NULL;

	if (broker_open(&setup, &broker, &world.fault))
		fail_msg("%s: %s: %s", world.fault.object, world.fault.field,
			 world.fault.message);
	return broker;
}

void broker_world_again(void)
{
	broker_free(world.broker);
	world.broker = broker_world_open();
}

static struct owner_key owner_key_of(EVP_PKEY *key)
{
	char *pem = key_pem(key);
	struct owner_key read;

	assert_int_equal(owner_key_read(text_bytes(pem), &read, NULL), 0);
	free(pem);
	return read;
}

static void add_owner(const char *name, EVP_PKEY *key, const char *const *repositories,
		      size_t count)
{
	const struct owner_key read = owner_key_of(key);
	const struct owner_new new = {name, &read, 1, repositories, count};

	if (owner_add(world.broker, &new, world.now, &world.fault))
		fail_msg("%s", world.fault.message);
}

int broker_world_enter(void **state)
{
	static const char *const of_alice[] = {"red", "green"}, *const of_bob[] = {
								    "blue"};
	struct owner_key operator_key;

	db_world_enter(state);
	/* The world's own connection would keep a lock. */
	stand_in_reset();
	world = (struct broker_world){.now = TEST_NOW,
				      .policy = wr_init(LIMIT_POLICY),
				      .evidence = wr_init(LIMIT_EVIDENCE),
				      .host = "broker.test:8443"};
	test_scene_make(&world.scene);
	test_scene_policy(&world.scene, &world.policy);
	test_scene_evidence(&world.scene, &world.evidence);
	assert_int_equal(key_new(KEY_P256, &world.operator_key, NULL), 0);
	assert_int_equal(key_new(KEY_P384, &world.alice, NULL), 0);
	assert_int_equal(key_new(KEY_ED25519, &world.bob, NULL), 0);
	world.broker = broker_world_open();
	operator_key = owner_key_of(world.operator_key);
	assert_int_equal(
	    owner_set_operator(world.broker, &operator_key, 1, world.now, &world.fault),
	    0);
	add_owner("alice", world.alice, of_alice, 2);
	add_owner("bob", world.bob, of_bob, 1);
	return 0;
}

int broker_world_leave(void **state)
{
	broker_free(world.broker);
	EVP_PKEY_free(world.operator_key);
	EVP_PKEY_free(world.alice);
	EVP_PKEY_free(world.bob);
	test_scene_done(&world.scene);
	wr_done(&world.policy);
	wr_done(&world.evidence);
	return db_world_leave(state);
}

/* ---- secrets ---- */

struct resource_name named(const char *text)
{
	struct resource_name name;

	assert_int_equal(resource_name_read(text, &name, NULL), 0);
	return name;
}

enum tobi_err world_put(const char *name, const char *value, int64_t expires,
			int64_t releases)
{
	const struct resource_name place = named(name);
	const struct resource_value version = {text_bytes(value), expires, releases};
	uint64_t number;

	return resource_put(world.broker, "alice", &place, &version, NULL, world.now,
			    &number, &world.fault);
}

enum tobi_err world_put_policy(const char *scope, struct tobi_bytes text)
{
	const struct policy_source source = {.scope = scope, .text = text};

	return policy_put(world.broker, "alice", &source, world.now, &world.fault);
}

struct presented world_presented(void)
{
	return (struct presented){.evidence = wr_view(&world.evidence),
				  .nonce = world.scene.given_nonce,
				  .remote = "192.0.2.1",
				  .channel = "kbs"};
}

int world_release(const char *name, uint64_t version, const char *value)
{
	const struct resource_name place = named(name);
	const struct presented presented = world_presented();
	struct release release = {0};
	enum tobi_err err = broker_release(world.broker, &place, version, &presented,
					   &release, &world.fault);

	if (err)
		return -(int)err;
	if (release.outcome == RELEASE_GIVEN)
		assert_bytes_equal(secret_view(&release.secret), text_bytes(value));
	else
		assert_int_equal(release.secret.size, 0);
	secret_done(&release.secret);
	return (int)release.outcome;
}

/* ---- requests ---- */

static const char *header_of(const struct broker_request *request, const char *name)
{
	const struct ask *ask = request->context;

	if (strcmp(name, "host") == 0)
		return world.host;
	return strcmp(name, "authorization") == 0 ? ask->authorization : NULL;
}

static void sign(struct ask *ask)
{
	struct writer token = wr_init(8192);
	const char *body = ask->signed_body ? ask->signed_body : ask->body;
	const struct request_token request = {
	    .method = ask->signed_method ? ask->signed_method : route_method(ask->method),
	    .target = ask->signed_target ? ask->signed_target : ask->target,
	    .audience = ask->audience ? ask->audience : world.host,
	    .body = bytes_of_text(body ? body : ""),
	    .now = ask->signed_now ? ask->signed_now : world.now};

	wr_printf(&token, "Bearer ");
	assert_int_equal(request_token_write(&request, ask->key, &token, NULL), 0);
	wr_u8(&token, 0);
	ask->token = strdup((const char *)token.ptr);
	wr_done(&token);
}

/* What the server does: who asks, whether he may, and the handler. */
static int serve(struct broker_request *request, struct broker_reply *reply)
{
	static const struct broker_route *const tables[] = {admin_routes, NULL};
	const struct broker_route *route = NULL;
	struct principal principal = {0};
	unsigned allowed = 0;
	enum tobi_err err;
	int status = route_find(tables, request->method, request->path, &route, &allowed);

	if (status)
		return status;
	if (request->body.size > route->body_limit)
		return 413;
	err = principal_of(world.broker, request, &principal, &world.fault);
	if (err)
		return err == TOBI_E_DENIED ? 401 : 500;
	if (route->access == ROUTE_ADMIN && !principal.operator)
		return 403;
	request->principal = &principal;
	err = route->handler(world.broker, request, reply, &world.fault);
	request->principal = NULL;
	return err ? 500 : reply->status;
}

int ask_send(struct ask *ask, json_t **ret_answer)
{
	char path[2048];
	const char *query = strchr(ask->target, '?');
	struct broker_request request = {.method = ask->method,
					 .path = path,
					 .query = query ? query + 1 : "",
					 .body =
					     bytes_of_text(ask->body ? ask->body : ""),
					 .remote = "192.0.2.2",
					 .secure = true,
					 .client_key = ask->client_key,
					 .now = world.now,
					 .header = header_of,
					 .context = ask};
	struct broker_reply reply = {.status = 200};
	int status;

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(ask->target, "?"), ask->target);
	if (!ask->token && ask->key)
		sign(ask);
	if (!ask->authorization)
		ask->authorization = ask->token;
	status = serve(&request, &reply);
	if (ret_answer)
		*ret_answer = NULL;
	if (reply.body.size) {
		json_t *answer = NULL;

		assert_int_equal(json_parse(wr_view(&reply.body), 8 << 20, "answer",
					    &answer, &world.fault),
				 0);
		if (ret_answer)
			*ret_answer = answer;
		else
			json_decref(answer);
	}
	broker_reply_done(&reply);
	return status;
}

int ask_for(EVP_PKEY *key, enum http_method method, const char *target, const char *body)
{
	struct ask ask = {.method = method, .target = target, .body = body, .key = key};
	int status = ask_send(&ask, NULL);

	free(ask.token);
	return status;
}

json_t *ask_json(EVP_PKEY *key, enum http_method method, const char *target,
		 const char *body)
{
	struct ask ask = {.method = method, .target = target, .body = body, .key = key};
	json_t *answer = NULL;
	int status = ask_send(&ask, &answer);

	free(ask.token);
	if (status / 100 != 2)
		fail_msg("%s: %d: %s", target, status,
			 json_string_value(json_object_get(answer, "message")));
	return answer;
}

char *body_of(const char *value, const char *more)
{
	struct writer text = wr_init(8 << 20);
	char *body;

	wr_printf(&text, "{\"value\": \"");
	base64_write(&text, text_bytes(value));
	wr_printf(&text, "\"%s}", more);
	wr_u8(&text, 0);
	assert_int_equal(wr_err(&text), 0);
	body = strdup((const char *)text.ptr);
	wr_done(&text);
	return body;
}

char *key_pem(EVP_PKEY *key)
{
	struct writer pem = wr_init(LIMIT_PEM);
	char *text;

	assert_int_equal(key_write_public(key, &pem, NULL), 0);
	wr_u8(&pem, 0);
	text = strdup((const char *)pem.ptr);
	wr_done(&pem);
	return text;
}

void key_id(EVP_PKEY *key, char ret_hex[static 2 * SHA384_SIZE + 1])
{
	uint8_t id[SHA384_SIZE];

	assert_int_equal(key_spki_sha384(key, id, NULL), 0);
	hex_write((struct tobi_bytes){id, sizeof(id)}, ret_hex, 2 * SHA384_SIZE + 1);
}
