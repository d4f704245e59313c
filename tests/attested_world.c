#include "tests/attested_world.h"

#include <stdlib.h>

#include "broker/route.h"
#include "codec/json.h"

enum { HASH_SIZE = 48 };

struct tobi_bytes attested_hash(uint8_t which)
{
	static uint8_t hashes[16][HASH_SIZE];

	assert_true(which < 16);
	memset(hashes[which], which * 0x11, HASH_SIZE);
	return (struct tobi_bytes){hashes[which], HASH_SIZE};
}

/* One more in the list that begins so. */
static void add_to_list(struct writer *out, const char **at, const char *start,
			uint8_t which)
{
	const char *found = strstr(*at, start);
	char hex[2 * HASH_SIZE + 1];

	assert_non_null(found);
	found += strlen(start);
	hex_write(attested_hash(which), hex, sizeof(hex));
	wr_printf(out, "%.*s%s, ", (int)(found - *at), *at, hex);
	*at = found;
}

void attested_policy(struct writer *out)
{
	struct writer plain = wr_init(LIMIT_POLICY);
	const char *at;

	test_scene_policy(&world.scene, &plain);
	wr_u8(&plain, 0);
	at = (const char *)plain.ptr;
	add_to_list(out, &at, "images: [", 8);
	add_to_list(out, &at, "signers: [", 9);
	wr_bytes(out, at, strlen(at));
	assert_int_equal(wr_err(out), 0);
	wr_done(&plain);
}

void attested_put_policy(const char *scope)
{
	struct writer policy = wr_init(LIMIT_POLICY);

	attested_policy(&policy);
	if (world_put_policy(scope, wr_view(&policy)))
		fail_msg("%s: %s", world.fault.field, world.fault.message);
	wr_done(&policy);
}

void attested_evidence_again(void)
{
	world.evidence.size = 0;
	test_scene_evidence(&world.scene, &world.evidence);
}

void attested_answer_done(struct attested_answer *answer)
{
	wr_done(&answer->body);
	json_decref(answer->json);
	*answer = (struct attested_answer){0};
}

static const char *no_header(const struct broker_request *request, const char *name)
{
	(void)request, (void)name;
	return NULL;
}

static int serve(struct broker *broker, const struct broker_route *routes,
		 const struct broker_request *request, struct broker_reply *reply)
{
	const struct broker_route *const tables[] = {routes, NULL};
	const struct broker_route *route = NULL;
	unsigned allowed = 0;
	int status = route_find(tables, request->method, request->path, &route, &allowed);

	if (status)
		return status;
	assert_int_equal(route->access, ROUTE_ATTESTED);
	if (request->body.size > route->body_limit)
		return 413;
	return route->handler(broker, request, reply, &world.fault) ? 500 : reply->status;
}

struct attested_answer attested_ask(struct broker *broker,
				    const struct broker_route *routes, const char *path,
				    struct tobi_bytes body,
				    const struct presented *presented)
{
	const struct presented own = world_presented();
	const struct broker_request request = {.method = HTTP_POST,
					       .path = path,
					       .query = "",
					       .body = body,
					       .remote = "192.0.2.1",
					       .secure = true,
					       .now = world.now,
					       .presented = presented ? presented : &own,
					       .header = no_header};
	struct broker_reply reply = {.status = 200};
	struct attested_answer answer = {.body = wr_init(1 << 20)};

	answer.status = serve(broker ? broker : world.broker, routes, &request, &reply);
	wr_bytes(&answer.body, reply.body.ptr, reply.body.size);
	if (reply.body.size && strcmp(reply.content_type, "application/json") == 0)
		assert_int_equal(json_parse(wr_view(&reply.body), 1 << 20, "answer",
					    &answer.json, &world.fault),
				 0);
	broker_reply_done(&reply);
	return answer;
}

const char *attested_error(const struct attested_answer *answer)
{
	const char *error = json_string_value(json_object_get(answer->json, "error"));

	return error ? error : "";
}
