/* Who is told what of the log. Who asks is played: principal_of() is here. */
#include "broker/broker.h"
#include "broker/http.h"
#include "broker/principal.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "log/leaf.h"
#include "tests/log_world.h"

static struct broker broker;
static const struct principal alice = {.name = "alice"}, bob = {.name = "bob"},
			      operator= {.name = "root", .operator= true };

struct call {
	struct broker_request request;
	struct broker_reply reply;
	const char *accept, *authorization;
	json_t *json;
};

static const char *header(const struct broker_request *request, const char *name)
{
	const struct call *call = request->context;

	if (strcmp(name, "accept") == 0)
		return call->accept;
	return strcmp(name, "authorization") == 0 ? call->authorization : NULL;
}

/* "Bearer NAME" is believed, of those above. */
enum tobi_err principal_of(struct broker *asked, const struct broker_request *request,
			   struct principal *ret_principal, struct tobi_fault *fault)
{
	const char *who = request->header(request, "authorization");

	assert_ptr_equal(asked, &broker);
	(void)fault;
	if (request->client_key || (who && strcmp(who, "Bearer alice") == 0))
		*ret_principal = alice;
	else if (who && strcmp(who, "Bearer root") == 0)
		*ret_principal = operator;
	else
		return who && strcmp(who, "Bearer broken") == 0 ? TOBI_E_SYSTEM
								: TOBI_E_DENIED;
	return TOBI_OK;
}

static const struct broker_route *find(enum http_method method, const char *path)
{
	for (const struct broker_route *route = log_routes; route->pattern; route++) {
		size_t size = strcspn(route->pattern, "{");

		if (route->methods & method && strncmp(route->pattern, path, size) == 0 &&
		    (route->pattern[size] || !path[size]))
			return route;
	}
	fail_msg("no route for %s", path);
	return NULL;
}

static enum tobi_err run(struct call *call, enum http_method method, const char *path,
			 const char *query)
{
	const struct broker_route *route = find(method, path);
	struct tobi_fault fault = {0};

	broker.log = log_world.log;
	broker.db = db_world.db;
	call->request.method = method;
	call->request.path = path;
	call->request.query = query;
	call->request.now = call->request.now ? call->request.now : 2000;
	call->request.header = header;
	call->request.context = call;
	call->reply = (struct broker_reply){.body = wr_init(16 << 20)};
	/* Those routes are never reached without. */
	if (route->access != ROUTE_OPEN)
		assert_non_null(call->request.principal);
	assert_true(call->request.body.size <= route->body_limit);
	return route->handler(&broker, &call->request, &call->reply, &fault);
}

static void done(struct call *call)
{
	json_decref(call->json);
	call->json = NULL;
	broker_reply_done(&call->reply);
}

/* The answer's status; its JSON is in the call. */
static int get(struct call *call, const char *path, const char *query)
{
	assert_int_equal(run(call, HTTP_GET, path, query), 0);
	if (call->reply.content_type &&
	    strcmp(call->reply.content_type, "application/json") == 0)
		assert_int_equal(json_parse(wr_view(&call->reply.body), LIMIT_JSON,
					    "reply", &call->json, NULL),
				 0);
	assert_true(call->reply.header_count > 0);
	assert_string_equal(call->reply.headers[0].value, "no-store");
	return call->reply.status ? call->reply.status : 200;
}

static int get_done(const char *path, const char *query)
{
	struct call call = {0};
	int status = get(&call, path, query);

	done(&call);
	return status;
}

static void test_log_head__json_and_cbor__the_same(void **state)
{
	struct call call = {0}, raw = {.accept = "application/cbor, */*;q=0.1"};
	struct writer bytes = wr_init(LOG_HEAD_MAX);
	struct log_head head;

	(void)state;
	log_world_fill(5);
	assert_int_equal(get(&call, "/v1/log/head", ""), 200);
	assert_int_equal(get(&raw, "/v1/log/head", ""), 200);
	assert_string_equal(raw.reply.content_type, "application/cbor");
	assert_int_equal(
	    log_head_read(wr_view(&raw.reply.body), log_world.id, &head, NULL), 0);
	assert_int_equal(head.size, 5);
	/* Asked for a thousand seconds after the last decision. */
	assert_int_equal(head.time, 2000);
	assert_int_equal(json_integer_value(json_object_get(call.json, "size")), 5);
	assert_string_equal(json_string_value(json_object_get(call.json, "log")),
			    "test log");
	assert_int_equal(base64url_read(text_bytes(json_string_value(
					    json_object_get(call.json, "signed"))),
					"head", &bytes, NULL),
			 0);
	assert_bytes_equal(wr_view(&bytes), wr_view(&raw.reply.body));
	wr_done(&bytes);
	done(&call);
	done(&raw);
	assert_int_equal(get_done("/v1/log/head", "x=1"), 400);
}

static void test_log_proofs__cbor__verify(void **state)
{
	struct call leaf = {.accept = "application/cbor"}, grown = leaf, json = {0};
	struct log_inclusion in;
	struct log_consistency con;
	struct decision_head head;
	struct log_hash hash;

	(void)state;
	log_world_fill(5);
	assert_int_equal(decision_log_head(log_world.log, 0, &head, NULL), 0);
	assert_int_equal(get(&leaf, "/v1/log/inclusion", "index=3&size=5"), 200);
	assert_int_equal(log_inclusion_read(wr_view(&leaf.reply.body), &in, NULL), 0);
	assert_int_equal(get(&grown, "/v1/log/consistency", "to=5&from=3"), 200);
	assert_int_equal(log_consistency_read(wr_view(&grown.reply.body), &con, NULL), 0);
	assert_int_equal(con.from, 3);
	assert_int_equal(get(&json, "/v1/log/leaves", "from=3&count=1"), 200);
	assert_true(hex_read(
	    json_string_value(json_object_get(
		json_array_get(json_object_get(json.json, "leaves"), 0), "hash")),
	    hash.bytes, LOG_HASH_SIZE));
	assert_int_equal(log_inclusion_verify(&in, &hash, &head.root, NULL), 0);
	done(&leaf);
	done(&grown);
	done(&json);
	assert_int_equal(get(&json, "/v1/log/inclusion", "index=3&size=5"), 200);
	assert_int_equal(json_array_size(json_object_get(json.json, "path")),
			 in.path.count);
	done(&json);
	assert_int_equal(get(&json, "/v1/log/consistency", "to=5&from=3"), 200);
	assert_int_equal(json_array_size(json_object_get(json.json, "path")),
			 con.path.count);
	done(&json);
}

static void test_log_proofs__what_there_is_not__404(void **state)
{
	(void)state;
	log_world_fill(5);
	assert_int_equal(get_done("/v1/log/inclusion", "index=5&size=5"), 404);
	assert_int_equal(get_done("/v1/log/inclusion", "index=3&size=6"), 404);
	assert_int_equal(get_done("/v1/log/inclusion", "index=3&size=0"), 404);
	assert_int_equal(get_done("/v1/log/consistency", "from=3&to=6"), 404);
	assert_int_equal(get_done("/v1/log/consistency", "from=4&to=3"), 404);
	assert_int_equal(
	    get_done("/v1/log/inclusion", "index=3&size=18446744073709551615"), 404);
}

static void test_log_queries__wrong__400(void **state)
{
	static const char *const wrong[] = {"",
					    "index=3",
					    "index=3&size",
					    "index=3&size=",
					    "index=3&size=5&",
					    "&index=3&size=5",
					    "index=3&&size=5",
					    "index=3&size=5&index=3",
					    "index=3&size=5&x=1",
					    "index=-1&size=5",
					    "index=+1&size=5",
					    "index=0x1&size=5",
					    "index=3&size=5 ",
					    "index=3&size=18446744073709551616",
					    "index=3;size=5",
					    "index=%33&size=5",
					    "Index=3&size=5"};

	(void)state;
	log_world_fill(5);
	assert_int_equal(get_done("/v1/log/inclusion", "index=3&size=5"), 200);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(get_done("/v1/log/inclusion", wrong[i]), 400);
	assert_int_equal(get_done("/v1/log/consistency", "from=3"), 400);
	assert_int_equal(get_done("/v1/log/leaves", "count=0"), 400);
	assert_int_equal(get_done("/v1/log/leaves", "count=1001"), 400);
	assert_int_equal(get_done("/v1/log/leaves", "count=1000"), 200);
	assert_int_equal(get_done("/v1/log/leaves", "begin=1"), 400);
}

/* Of alice, bob, nobody, and the operator's own. */
static void fill_mixed(void)
{
	static const char *const owners[] = {"alice", "bob", NULL, "root"};

	for (size_t i = 0; i < 4; i++) {
		struct decision decision = log_world_decision(owners[i], 1000);

		decision.evidence = text_bytes(owners[i] ? owners[i] : "nobody");
		assert_int_equal(
		    decision_log_append(log_world.log, &decision, NULL, NULL), 0);
	}
}

/* Which of the four leaves are told, a bit for each; and they are what their hash says.
 */
static unsigned told(const struct principal *who, const char *authorization)
{
	struct call call = {.accept = "application/cbor",
			    .authorization = authorization,
			    .request = {.principal = who}};
	struct call json = {.authorization = authorization, .request = call.request};
	struct cbor cbor;
	unsigned seen = 0;

	assert_int_equal(get(&call, "/v1/log/leaves", ""), 200);
	assert_int_equal(get(&json, "/v1/log/leaves", ""), 200);
	cbor = cbor_init(wr_view(&call.reply.body), CBOR_DETERMINISTIC);
	assert_int_equal(cbor_array(&cbor, 4, "leaves"), 4);
	for (unsigned i = 0; i < 4; i++) {
		const json_t *one =
		    json_array_get(json_object_get(json.json, "leaves"), i);
		struct tobi_bytes hash, leaf;
		struct log_hash own;

		assert_int_equal(cbor_array(&cbor, 3, "entry"), 3);
		assert_int_equal(cbor_uint(&cbor, "index"), i);
		assert_int_equal(json_integer_value(json_object_get(one, "index")), i);
		hash = cbor_bytes_exact(&cbor, LOG_HASH_SIZE, "hash");
		/* In both forms or in neither. */
		assert_int_equal(json_object_get(one, "leaf") != NULL,
				 cbor_peek(&cbor) == CBOR_BYTES);
		assert_int_equal(json_object_get(one, "decision") != NULL,
				 cbor_peek(&cbor) == CBOR_BYTES);
		if (cbor_peek(&cbor) == CBOR_NULL) {
			cbor_null(&cbor, "leaf");
			continue;
		}
		leaf = cbor_bytes(&cbor, LOG_LEAF_MAX, "leaf");
		assert_int_equal(log_hash_leaf(leaf, &own), 0);
		assert_bytes_equal(hash, log_hash_view(&own));
		seen |= 1u << i;
	}
	assert_int_equal(cbor_finish(&cbor, "leaves", NULL), 0);
	done(&call);
	done(&json);
	return seen;
}

static void test_log_leaves__who_asks__sees_his_own(void **state)
{
	(void)state;
	fill_mixed();
	assert_int_equal(told(NULL, NULL), 0);
	assert_int_equal(told(&alice, NULL), 1);
	assert_int_equal(told(&bob, NULL), 2);
	/* What is nobody's, and what he has done himself; nothing of an owner's. */
	assert_int_equal(told(&operator, NULL), 4 + 8);
	assert_int_equal(told(NULL, "Bearer alice"), 1);
	assert_int_equal(told(NULL, "Bearer root"), 4 + 8);
}

/* What a leaf says stands nowhere in what others are told. */
static void test_log_leaves__somebody_else__nothing_of_it(void **state)
{
	struct call call = {.request = {.principal = &bob}};

	(void)state;
	log_world_fill(3);
	assert_int_equal(get(&call, "/v1/log/leaves", ""), 200);
	assert_null(memmem(call.reply.body.ptr, call.reply.body.size, "default", 7));
	assert_null(memmem(call.reply.body.ptr, call.reply.body.size, "alice", 5));
	assert_null(memmem(call.reply.body.ptr, call.reply.body.size, "192.0.2", 7));
	done(&call);
	call.request.principal = &alice;
	assert_int_equal(get(&call, "/v1/log/leaves", ""), 200);
	assert_non_null(memmem(call.reply.body.ptr, call.reply.body.size, "192.0.2", 7));
	done(&call);
}

static void test_log_leaves__false_name__401(void **state)
{
	struct call call = {.authorization = "Bearer mallory"};
	const uint8_t key[SHA384_SIZE] = {1};

	(void)state;
	log_world_fill(1);
	assert_int_equal(get(&call, "/v1/log/leaves", ""), 401);
	assert_null(json_object_get(call.json, "leaves"));
	done(&call);
	call.authorization = "Bearer broken";
	assert_int_equal(run(&call, HTTP_GET, "/v1/log/leaves", ""), TOBI_E_SYSTEM);
	done(&call);
	/* By the certificate of the connection. */
	call.authorization = NULL;
	call.request.client_key = key;
	assert_int_equal(get(&call, "/v1/log/leaves", ""), 200);
	assert_non_null(json_object_get(
	    json_array_get(json_object_get(call.json, "leaves"), 0), "decision"));
	done(&call);
}

static void test_log_leaves__long_ones__fewer(void **state)
{
	static char code[64];
	static struct tobi_check_result lines[CHECKLIST_MAX];
	static struct tobi_result result;
	struct call call = {.request = {.principal = &alice},
			    .accept = "application/cbor"};
	struct decision decision = log_world_decision("alice", 1);
	struct cbor cbor;
	size_t count;

	(void)state;
	/* Leaves of 25 kilobytes, of checks. */
	memset(code, 'A', sizeof(code) - 1);
	result.line_count = CHECKLIST_MAX;
	result.lines = lines;
	for (size_t i = 0; i < CHECKLIST_MAX; i++)
		lines[i].code = code;
	decision.result = &result;
	for (int i = 0; i < 60; i++)
		assert_int_equal(
		    decision_log_append(log_world.log, &decision, NULL, NULL), 0);
	assert_int_equal(get(&call, "/v1/log/leaves", "count=1000"), 200);
	cbor = cbor_init(wr_view(&call.reply.body), CBOR_DETERMINISTIC);
	count = cbor_array(&cbor, 1000, "leaves");
	assert_true(count > 1 && count < 60);
	assert_true(call.reply.body.size < 2 << 20);
	done(&call);
}

static void digest_path(const char *evidence, char out[static 160])
{
	char hex[2 * SHA384_SIZE + 1];
	uint8_t digest[SHA384_SIZE];

	assert_int_equal(hash_sha384(text_bytes(evidence), digest), 0);
	hex_write((struct tobi_bytes){digest, sizeof(digest)}, hex, sizeof(hex));
	snprintf(out, 160, "/v1/log/evidence/%s", hex);
}

static int get_evidence(const struct principal *who, const char *evidence, int64_t now)
{
	struct call call = {.request = {.principal = who, .now = now},
			    .accept = "application/octet-stream"};
	char path[160];
	int status;

	digest_path(evidence, path);
	status = get(&call, path, "");
	if (status == 200)
		assert_bytes_equal(wr_view(&call.reply.body), text_bytes(evidence));
	done(&call);
	return status;
}

static void test_log_evidence__owner__alone_gets_it(void **state)
{
	struct call call = {.request = {.principal = &alice}};
	char path[160];

	(void)state;
	fill_mixed();
	assert_int_equal(get_evidence(&alice, "alice", 0), 200);
	assert_int_equal(get_evidence(&bob, "alice", 0), 404);
	assert_int_equal(get_evidence(&operator, "alice", 0), 404);
	assert_int_equal(get_evidence(&operator, "nobody", 0), 200);
	assert_int_equal(get_evidence(&alice, "nobody", 0), 404);
	assert_int_equal(get_evidence(&alice, "alice", 1000 + DECISION_RETENTION), 404);
	digest_path("alice", path);
	assert_int_equal(get(&call, path, ""), 200);
	assert_string_equal(json_string_value(json_object_get(call.json, "evidence")),
			    "YWxpY2U");
	done(&call);
	assert_int_equal(get(&call, "/v1/log/evidence/00", ""), 400);
	done(&call);
	assert_int_equal(get(&call, "/v1/log/evidence/", ""), 400);
	done(&call);
	assert_int_equal(find(HTTP_GET, "/v1/log/evidence/00")->access, ROUTE_OWNER);
}

static int put_retention(const struct principal *who, const char *body)
{
	struct call call = {.request = {.principal = who, .body = text_bytes(body)}};
	int status;

	assert_int_equal(run(&call, HTTP_PUT, "/v1/log/retention", ""), 0);
	status = call.reply.status ? call.reply.status : 200;
	done(&call);
	return status;
}

static int64_t retention(const struct principal *who)
{
	int64_t seconds = 0;

	assert_int_equal(
	    decision_log_retention(log_world.log, who ? who->name : NULL, &seconds, NULL),
	    0);
	return seconds;
}

static void test_log_retention__put__of_who_asks(void **state)
{
	(void)state;
	assert_int_equal(put_retention(&alice, "{\"seconds\": 60}"), 200);
	assert_int_equal(retention(&alice), 60);
	assert_int_equal(retention(&bob), DECISION_RETENTION);
	assert_int_equal(put_retention(&operator, "{\"seconds\": 0}"), 200);
	assert_int_equal(retention(NULL), 0);
	assert_int_equal(retention(&alice), 60);
	assert_int_equal(put_retention(&alice, ""), 400);
	assert_int_equal(put_retention(&alice, "60"), 400);
	assert_int_equal(put_retention(&alice, "{}"), 400);
	assert_int_equal(put_retention(&alice, "{\"seconds\": \"60\"}"), 400);
	assert_int_equal(put_retention(&alice, "{\"seconds\": -1}"), 400);
	assert_int_equal(put_retention(&alice, "{\"seconds\": 1e400}"), 400);
	assert_int_equal(put_retention(&alice, "{\"seconds\": 999999999999}"), 400);
	assert_int_equal(put_retention(&alice, "{\"seconds\": 1, \"owner\": \"bob\"}"),
			 400);
	assert_int_equal(retention(&alice), 60);
	assert_int_equal(find(HTTP_PUT, "/v1/log/retention")->access, ROUTE_OWNER);
}

static void test_log_retention__get__the_seconds(void **state)
{
	struct call call = {.request = {.principal = &alice}};

	(void)state;
	assert_int_equal(run(&call, HTTP_GET, "/v1/log/retention", ""), 0);
	assert_bytes_equal(wr_view(&call.reply.body),
			   text_bytes("{\"seconds\": 2592000}\n"));
	done(&call);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_world_enter, log_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_log_head__json_and_cbor__the_same),
	    TEST(test_log_proofs__cbor__verify),
	    TEST(test_log_proofs__what_there_is_not__404),
	    TEST(test_log_queries__wrong__400),
	    TEST(test_log_leaves__who_asks__sees_his_own),
	    TEST(test_log_leaves__somebody_else__nothing_of_it),
	    TEST(test_log_leaves__false_name__401),
	    TEST(test_log_leaves__long_ones__fewer),
	    TEST(test_log_evidence__owner__alone_gets_it),
	    TEST(test_log_retention__put__of_who_asks),
	    TEST(test_log_retention__get__the_seconds),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
