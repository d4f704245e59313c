#include "tests/kbs_world.h"

#include <stdio.h>

#include "broker/route.h"
#include "codec/jose.h"
#include "tests/jwe_open.h"

struct kbs_world kbs;
struct kbs_answer kbs_answer;

enum { REPORT_DATA = 0x50, HOST_DATA = 0xc0 };

/* ---- the world ---- */

static void make_guest(void)
{
	struct snp_scene *guest = &kbs.guest;

	snp_scene_make(guest);
	guest->now = guest->time = world.now;
	guest->leaf_from = guest->crl_from = world.now - SNP_DAY;
	guest->leaf_to = world.now + 7 * SNP_DAY;
	guest->crl_to = world.now + SNP_DAY;
	memset(guest->report + HOST_DATA, 0, 32);
	snp_scene_pieces(guest);
}

int kbs_world_enter(void **state)
{
	struct writer policy = wr_init(LIMIT_POLICY);
	EVP_PKEY *token_key = NULL;

	broker_world_enter(state);
	kbs = (struct kbs_world){.additional = ""};
	kbs_answer = (struct kbs_answer){0};
	assert_int_equal(key_new(KEY_P256, &token_key, NULL), 0);
	EVP_PKEY_free(world.broker->setup.token_key);
	world.broker->setup.token_key = token_key;
	make_guest();
	assert_int_equal(key_new(KEY_P256, &kbs.key, NULL), 0);
	kbs.jwk = jwk_write(kbs.key);
	json_object_set_new(kbs.jwk, "alg", json_string("ECDH-ES+A256KW"));
	snp_scene_policy(&kbs.guest, &policy);
	assert_int_equal(
	    world_put("red/secret/one", "the first secret", 0, RESOURCE_ANY_RELEASES), 0);
	assert_int_equal(
	    world_put("green/secret/none", "of nobody", 0, RESOURCE_ANY_RELEASES), 0);
	assert_int_equal(world_put_policy("red", wr_view(&policy)), 0);
	wr_done(&policy);
	return 0;
}

int kbs_world_leave(void **state)
{
	json_decref(kbs.jwk);
	EVP_PKEY_free(kbs.key);
	snp_scene_done(&kbs.guest);
	return broker_world_leave(state);
}

/* ---- requests ---- */

struct headers {
	const char *cookie, *authorization;
};

static const char *header_of(const struct broker_request *request, const char *name)
{
	const struct headers *headers = request->context;

	if (strcmp(name, "cookie") == 0)
		return headers->cookie;
	return strcmp(name, "authorization") == 0 ? headers->authorization : NULL;
}

static void take_answer(const struct broker_reply *reply, enum tobi_err err)
{
	kbs_answer = (struct kbs_answer){.status = err		   ? 500
						   : reply->status ? reply->status
								   : 200,
					 .secret = reply->secret};
	if (!err && reply->body.size) {
		assert_true(reply->body.size < sizeof(kbs_answer.body));
		bytes_copy(kbs_answer.body, sizeof(kbs_answer.body), reply->body.ptr,
			   reply->body.size);
	}
	snprintf(kbs_answer.content_type, sizeof(kbs_answer.content_type), "%s",
		 reply->content_type ? reply->content_type : "");
	for (size_t i = 0; i < reply->header_count; i++) {
		assert_string_equal(reply->headers[i].name, "Set-Cookie");
		snprintf(kbs_answer.set_cookie, sizeof(kbs_answer.set_cookie), "%s",
			 reply->headers[i].value);
	}
}

int kbs_send(enum http_method method, const char *path, const char *body, size_t size,
	     const char *cookie, const char *authorization)
{
	static const struct broker_route *const tables[] = {kbs_routes, NULL};
	struct headers headers = {cookie, authorization};
	/* Exactly as large as it is, so that a sanitizer sees a read past it. */
	struct block block =
	    block_new((struct tobi_bytes){(const uint8_t *)(body ? body : ""), size});
	const struct broker_request request = {.method = method,
					       .path = path,
					       .query = "",
					       .body = block_view(block),
					       .remote = "192.0.2.7",
					       .now = world.now,
					       .header = header_of,
					       .context = &headers};
	struct broker_reply reply = {.status = 200, .body = wr_init(KBS_ANSWER_MAX)};
	const struct broker_route *route = NULL;
	unsigned allowed = 0;
	int status = route_find(tables, method, path, &route, &allowed);

	world.fault = (struct tobi_fault){0};
	if (status) {
		reply.status = status;
		take_answer(&reply, TOBI_OK);
	} else {
		assert_true(!body || size <= route->body_limit);
		take_answer(&reply,
			    route->handler(world.broker, &request, &reply, &world.fault));
	}
	broker_reply_done(&reply);
	block_done(block);
	return kbs_answer.status;
}

int kbs_post(const char *path, const char *body, const char *cookie)
{
	return kbs_send(HTTP_POST, path, body, strlen(body), cookie, NULL);
}

int kbs_get(const char *path, const char *cookie, const char *authorization)
{
	return kbs_send(HTTP_GET, path, NULL, 0, cookie, authorization);
}

/* ---- a client's steps ---- */

static void keep_cookie(void)
{
	assert_true(strlen(kbs_answer.set_cookie) > 0);
	snprintf(kbs.cookie, sizeof(kbs.cookie), "%.*s",
		 (int)strcspn(kbs_answer.set_cookie, ";"), kbs_answer.set_cookie);
}

static void keep_text(const char *name, char *to, size_t size)
{
	json_t *json = json_loads(kbs_answer.body, 0, NULL);

	assert_non_null(json_string_value(json_object_get(json, name)));
	snprintf(to, size, "%s", json_string_value(json_object_get(json, name)));
	json_decref(json);
}

void kbs_auth(void)
{
	static const char body[] = "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-"
				   "params\":{\"supported-hash-algorithms\":[\"sha256\","
				   "\"sha384\",\"sha512\",\"sm3\"]}}";

	assert_int_equal(kbs_post("/kbs/v0/auth", body, NULL), 200);
	keep_cookie();
	keep_text("nonce", kbs.nonce, sizeof(kbs.nonce));
}

json_t *kbs_evidence_for(const char *nonce, const json_t *jwk, const char *additional)
{
	struct writer report = wr_init(LIMIT_EVIDENCE);
	json_t *json;

	assert_int_equal(kbs_binding_primary(nonce, jwk, additional,
					     kbs.guest.report + REPORT_DATA, NULL),
			 0);
	snp_scene_report(&kbs.guest, &report);
	json =
	    snp_json_evidence(report.ptr, false, kbs.guest.pieces, kbs.guest.piece_count);
	wr_done(&report);
	return json;
}

static json_t *init_data(void)
{
	return kbs.init_data ? json_loads(kbs.init_data, JSON_DECODE_ANY, NULL)
			     : json_null();
}

char *kbs_attestation_body(void)
{
	json_t *json = json_pack(
	    "{s:o, s:{s:s, s:O}, s:{s:o, s:s}}", "init-data", init_data(), "runtime-data",
	    "nonce", kbs.nonce, "tee-pubkey", kbs.jwk, "tee-evidence", "primary_evidence",
	    kbs_evidence_for(kbs.nonce, kbs.jwk, kbs.additional), "additional_evidence",
	    kbs.additional);
	char *body = json_dumps(json, JSON_COMPACT);

	assert_non_null(body);
	json_decref(json);
	return body;
}

int kbs_attest(void)
{
	char *body = kbs_attestation_body();
	int status = kbs_post("/kbs/v0/attest", body, kbs.cookie);

	free(body);
	if (status == 200) {
		keep_cookie();
		keep_text("token", kbs.token, sizeof(kbs.token));
	}
	return status;
}

const char *kbs_error_type(void)
{
	static char type[64];
	json_t *json = json_loads(kbs_answer.body, 0, NULL);
	const char *text = json_string_value(json_object_get(json, "type"));
	const char *slash = text ? strrchr(text, '/') : NULL;

	snprintf(type, sizeof(type), "%s", slash ? slash + 1 : "");
	json_decref(json);
	return type;
}

bool kbs_answer_opens(const char *secret)
{
	struct writer plain = wr_init(1 << 16);
	bool opens = jwe_open(text_bytes(kbs_answer.body), kbs.key, &plain) &&
		     bytes_equal_text(wr_view(&plain), secret);

	wr_done(&plain);
	return opens;
}
