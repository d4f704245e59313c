/*
 * The log over HTTP (docs/PROTOCOL.md section 18.4). Heads, proofs and the hashes of
 * leaves are everybody's: whoever follows the log needs no more. What a leaf says is for
 * its owner, or, where it is nobody's, for the operator; nobody else learns who asked for
 * what, and the salt in it keeps the hash from being guessed.
 */
#include <inttypes.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "broker/broker.h"
#include "broker/decision.h"
#include "broker/log_reply.h"
#include "broker/principal.h"
#include "codec/cbor.h"
#include "codec/json.h"

enum { LEAVES_USUAL = 100, LEAVES_MAX = 1000, LEAVES_BYTES = 1 << 20 };

#define EVIDENCE_PATH "/v1/log/evidence/"

/* ---- What is asked ---- */

/* Digits alone; false for a number that does not fit. */
static bool read_number(const char *text, size_t size, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
			return false;
	}
	*ret_number = number;
	return size > 0;
}

/* "name=1&other=2": only these names, each once; what is not named stays as it is, unless
 * it is needed. */
struct number_asked {
	const char *name;
	uint64_t *value;
	bool needed, there;
};

static bool take_pair(const char *pair, size_t size, struct number_asked *asked,
		      size_t count)
{
	const char *equals = memchr(pair, '=', size);
	size_t name = equals ? (size_t)(equals - pair) : size;

	for (size_t i = 0; equals && i < count; i++) {
		if (strlen(asked[i].name) != name ||
		    memcmp(asked[i].name, pair, name) != 0)
			continue;
		if (asked[i].there)
			return false;
		asked[i].there = true;
		return read_number(equals + 1, size - name - 1, asked[i].value);
	}
	return false;
}

static bool read_query(const char *query, struct number_asked *asked, size_t count)
{
	while (*query) {
		size_t size = strcspn(query, "&");

		if (!take_pair(query, size, asked, count))
			return false;
		query += size;
		if (*query && !*++query)
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (asked[i].needed && !asked[i].there)
			return false;
	}
	return true;
}

/* ---- Heads and proofs ---- */

static enum tobi_err get_head(struct broker *broker, const struct broker_request *request,
			      struct broker_reply *reply, struct tobi_fault *fault)
{
	struct decision_head head;
	enum tobi_err err;

	if (request->query[0])
		return log_reply_error(reply, 400, "a head is asked for without a query",
				       fault);
	decision_log_sweep_sometimes(broker->log, request->now);
	err = decision_log_head(broker->log, request->now, &head, fault);
	return err ? err : log_reply_head(request, reply, &head, fault);
}

static enum tobi_err get_inclusion(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	uint64_t index = 0, size = 0;
	struct number_asked asked[] = {{"index", &index, true, false},
				       {"size", &size, true, false}};
	struct log_inclusion proof;
	enum tobi_err err;

	if (!read_query(request->query, asked, 2))
		return log_reply_error(reply, 400, "?index=NUMBER&size=NUMBER is needed",
				       fault);
	err = decision_log_inclusion(broker->log, size, index, &proof, fault);
	if (err == TOBI_E_ARGUMENT)
		return log_reply_error(reply, 404, "the log has no such leaf or size",
				       fault);
	return err ? err : log_reply_inclusion(request, reply, &proof, fault);
}

static enum tobi_err get_consistency(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	uint64_t from = 0, to = 0;
	struct number_asked asked[] = {{"from", &from, true, false},
				       {"to", &to, true, false}};
	struct log_consistency proof;
	enum tobi_err err;

	if (!read_query(request->query, asked, 2))
		return log_reply_error(reply, 400, "?from=SIZE&to=SIZE is needed", fault);
	err = decision_log_consistency(broker->log, from, to, &proof, fault);
	if (err == TOBI_E_ARGUMENT)
		return log_reply_error(reply, 404, "the log has not had these sizes",
				       fault);
	return err ? err : log_reply_consistency(request, reply, &proof, fault);
}

/* ---- Leaves ---- */

/* Who may read it. An owner's is the owner's alone, the operator included. */
static bool may_read(const struct principal *who, struct tobi_bytes owner)
{
	if (!who)
		return false;
	return owner.size ? bytes_equal_text(owner, who->name) : who->operator;
}

struct leaves {
	struct log_reply_leaves reply;
	const struct principal *who;
	size_t bytes;
};

static enum tobi_err add_leaf(void *context, const struct decision_entry *entry,
			      struct tobi_fault *fault)
{
	struct leaves *leaves = context;
	bool readable = may_read(leaves->who, entry->owner);

	/* Fewer than were asked for: who asks goes on behind the last one. */
	if (readable)
		leaves->bytes += entry->leaf.size;
	if (leaves->bytes > LEAVES_BYTES && leaves->reply.count)
		return TOBI_OK;
	return log_reply_leaf(&leaves->reply, entry, readable, fault);
}

/* Everybody may ask; who says who he is must be believed. */
static enum tobi_err who_asks(struct broker *broker, const struct broker_request *request,
			      struct principal *room, const struct principal **ret_who,
			      struct tobi_fault *fault)
{
	enum tobi_err err;

	*ret_who = request->principal;
	if (request->principal ||
	    (!request->client_key && !request->header(request, "authorization")))
		return TOBI_OK;
	err = principal_of(broker, request, room, fault);
	if (!err)
		*ret_who = room;
	return err;
}

static enum tobi_err get_leaves(struct broker *broker,
				const struct broker_request *request,
				struct broker_reply *reply, struct tobi_fault *fault)
{
	uint64_t from = 0, count = LEAVES_USUAL;
	struct number_asked asked[] = {{"from", &from, false, false},
				       {"count", &count, false, false}};
	struct principal room;
	struct leaves leaves = {0};
	enum tobi_err err;

	if (!read_query(request->query, asked, 2) || !count || count > LEAVES_MAX)
		return log_reply_error(reply, 400,
				       "?from=NUMBER&count=NUMBER is needed, at most "
				       "1000 of them",
				       fault);
	err = who_asks(broker, request, &room, &leaves.who, fault);
	if (err == TOBI_E_DENIED)
		return log_reply_error(reply, 401, "who asks is not known", fault);
	if (err)
		return err;
	log_reply_leaves_init(&leaves.reply, request);
	err = decision_log_leaves(broker->log, from, count, add_leaf, &leaves, fault);
	if (!err)
		err = log_reply_leaves_end(&leaves.reply, reply, fault);
	log_reply_leaves_done(&leaves.reply);
	return err;
}

/* ---- Evidence, and how long it is kept ---- */

static const char *owner_of(const struct principal *who)
{
	return who->operator? NULL : who->name;
}

static enum tobi_err get_evidence(struct broker *broker,
				  const struct broker_request *request,
				  struct broker_reply *reply, struct tobi_fault *fault)
{
	const char *hex = strlen(request->path) > sizeof(EVIDENCE_PATH) - 1
			      ? request->path + sizeof(EVIDENCE_PATH) - 1
			      : "";
	CLEANUP(wr_done) struct writer evidence = wr_init(LIMIT_EVIDENCE);
	uint8_t digest[SHA384_SIZE];
	enum tobi_err err;

	if (!hex_read(hex, digest, sizeof(digest)))
		return log_reply_error(reply, 400, "96 hexadecimal digits are needed",
				       fault);
	err = decision_log_evidence(broker->log, owner_of(request->principal), digest,
				    request->now, &evidence, fault);
	if (err == TOBI_E_NOT_FOUND)
		return log_reply_error(
		    reply, 404, "there is no such evidence, or not any more", fault);
	return err ? err : log_reply_evidence(request, reply, wr_view(&evidence), fault);
}

static enum tobi_err reply_retention(struct broker *broker,
				     const struct broker_request *request,
				     struct broker_reply *reply, struct tobi_fault *fault)
{
	int64_t seconds = 0;
	enum tobi_err err = decision_log_retention(
	    broker->log, owner_of(request->principal), &seconds, fault);

	if (err)
		return err;
	reply->content_type = "application/json";
	wr_printf(&reply->body, "{\"seconds\": %" PRIi64 "}\n", seconds);
	return wr_err(&reply->body);
}

static enum tobi_err put_retention(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	json_t *json = NULL, *seconds = NULL;
	enum tobi_err err = json_parse(request->body, LIMIT_JSON, "request", &json, NULL);

	if (!err)
		err =
		    json_member(json, "seconds", JSON_INTEGER, "request", &seconds, NULL);
	if (!err && json_object_size(json) != 1)
		err = TOBI_E_MALFORMED;
	if (!err)
		err =
		    decision_log_retention_set(broker->log, owner_of(request->principal),
					       json_integer_value(seconds), fault);
	json_decref(json);
	if (err == TOBI_E_MALFORMED || err == TOBI_E_ARGUMENT || err == TOBI_E_LIMIT ||
	    err == TOBI_E_TRUNCATED || err == TOBI_E_TRAILING)
		return log_reply_error(reply, 400,
				       "{\"seconds\": NUMBER} is needed, at most ten "
				       "years",
				       fault);
	return err ? err : reply_retention(broker, request, reply, fault);
}

static enum tobi_err retention(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	return request->method == HTTP_PUT
		   ? put_retention(broker, request, reply, fault)
		   : reply_retention(broker, request, reply, fault);
}

const struct broker_route log_routes[] = {
    {HTTP_GET, "/v1/log/head", ROUTE_OPEN, 0, get_head, "log-head"},
    {HTTP_GET, "/v1/log/leaves", ROUTE_OPEN, 0, get_leaves, "log-leaves"},
    {HTTP_GET, "/v1/log/inclusion", ROUTE_OPEN, 0, get_inclusion, "log-inclusion"},
    {HTTP_GET, "/v1/log/consistency", ROUTE_OPEN, 0, get_consistency, "log-consistency"},
    {HTTP_GET, "/v1/log/evidence/{}", ROUTE_OWNER, 0, get_evidence, "log-evidence"},
    {HTTP_GET | HTTP_PUT, "/v1/log/retention", ROUTE_OWNER, 256, retention,
     "log-retention"},
    {0},
};
