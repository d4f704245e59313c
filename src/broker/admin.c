#include "broker/admin.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "broker/decision.h"
#include "broker/owners.h"
#include "broker/store.h"
#include "codec/json.h"

DEFINE_CLEANUP(struct db_conn *, db_give)

/* The longest is a list of all policies of an owner. */
enum { ANSWER_MAX = 8 << 20 };

enum tobi_err admin_begin(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct admin_call *ret_call,
			  struct tobi_fault *fault)
{
	if (!request->principal)
		return fault_set(fault, TOBI_E_ARGUMENT, "request", "",
				 "nobody has looked at who asks");
	*ret_call = (struct admin_call){broker, request, reply, request->principal};
	return TOBI_OK;
}

/* ---- what comes ---- */

static enum tobi_err wrong(const char *field, const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, "request", field, "%s", what);
}

static const struct admin_field *find_field(const struct admin_field *fields,
					    const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

static enum tobi_err check_members(json_t *body, const struct admin_field *fields,
				   struct tobi_fault *fault)
{
	const char *name;
	json_t *member;

	json_object_foreach(body, name, member)
	{
		const struct admin_field *field = find_field(fields, name);

		if (!field)
			return wrong("", "it has a member that is not known here", fault);
		if (json_typeof(member) != field->type)
			return wrong(field->name, "it has the wrong type", fault);
	}
	for (; fields->name; fields++) {
		if (fields->needed && !json_object_get(body, fields->name))
			return wrong(fields->name, "it is missing", fault);
	}
	return TOBI_OK;
}

enum tobi_err admin_body(const struct admin_call *call, const struct admin_field *fields,
			 json_t **ret_body, struct tobi_fault *fault)
{
	json_t *body = NULL;
	enum tobi_err err =
	    json_parse(call->request->body, LIMIT_BROKER_BODY, "request", &body, fault);

	if (!err && !json_is_object(body))
		err = wrong("", "a JSON object is needed", fault);
	if (!err)
		err = check_members(body, fields, fault);
	if (err)
		json_decref(body);
	else
		*ret_body = body;
	return err;
}

enum tobi_err admin_text(const json_t *object, const char *name, const char **ret_text,
			 struct tobi_fault *fault)
{
	const json_t *member = json_object_get(object, name);
	const char *text = json_string_value(member);

	for (const char *at = text; at && *at; at++) {
		if (((unsigned char)*at < ' ' && !strchr("\n\r\t", *at)) || *at == 0x7f)
			return wrong(name, "it has control characters", fault);
	}
	if (member && (!text || strlen(text) != json_string_length(member)))
		return wrong(name, "it is no text", fault);
	*ret_text = text;
	return TOBI_OK;
}

enum tobi_err admin_number(const json_t *object, const char *name, int64_t other,
			   int64_t *ret_number, struct tobi_fault *fault)
{
	const json_t *member = json_object_get(object, name);

	*ret_number = member ? json_integer_value(member) : other;
	return member && (!json_is_integer(member) || *ret_number < 0 ||
			  *ret_number > INT64_C(1) << 53)
		   ? wrong(name, "a whole number, 0 upward, is needed", fault)
		   : TOBI_OK;
}

const char *admin_rest(const struct admin_call *call, const char *start)
{
	size_t size = strlen(start);

	return strncmp(call->request->path, start, size) == 0 ? call->request->path + size
							      : "";
}

static bool is_in(const char *const *names, const char *text, size_t size)
{
	for (; *names; names++) {
		if (strlen(*names) == size && strncmp(*names, text, size) == 0)
			return true;
	}
	return false;
}

enum tobi_err admin_query(const struct admin_call *call, const char *const *names,
			  const char *name, char ret_value[static ADMIN_VALUE_SIZE],
			  struct tobi_fault *fault)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-/";
	const char *at = call->request->query ? call->request->query : "";
	bool found = false;

	ret_value[0] = 0;
	while (*at) {
		size_t key = strcspn(at, "=&");
		const char *value = at[key] == '=' ? at + key + 1 : at + key;
		size_t size = strcspn(value, "&");

		if (!is_in(names, at, key))
			return wrong("query", "it has a name that is not known here",
				     fault);
		if (size >= ADMIN_VALUE_SIZE || strspn(value, allowed) < size)
			return wrong("query",
				     "a value has other characters than "
				     "A-Z a-z 0-9 . _ - /",
				     fault);
		if (strlen(name) == key && strncmp(at, name, key) == 0) {
			if (found)
				return wrong("query", "a name is there twice", fault);
			found = true;
			bytes_copy(ret_value, ADMIN_VALUE_SIZE, value, size);
			ret_value[size] = 0;
		}
		at = value + size + (value[size] == '&');
	}
	return TOBI_OK;
}

/* ---- what goes ---- */

enum tobi_err admin_answer(const struct admin_call *call, int status, json_t *json,
			   struct tobi_fault *fault)
{
	struct broker_reply *reply = call->reply;
	enum tobi_err err;

	if (!json)
		return fault_set(fault, TOBI_E_MEMORY, "reply", "", "out of memory");
	reply->status = status;
	reply->content_type = "application/json";
	if (!reply->body.ceiling)
		reply->body = wr_init(ANSWER_MAX);
	err = json_write(json, false, &reply->body, fault);
	json_decref(json);
	return err;
}

/* 0: the broker's own. */
static int status_of(enum tobi_err err)
{
	switch (err) {
	case TOBI_E_ARGUMENT:
	case TOBI_E_TRUNCATED:
	case TOBI_E_TRAILING:
	case TOBI_E_MALFORMED:
	case TOBI_E_LIMIT:
	case TOBI_E_UNSUPPORTED:
	case TOBI_E_CERTIFICATE:
		return 400;
	case TOBI_E_DENIED:
		return 403;
	case TOBI_E_NOT_FOUND:
		return 404;
	case TOBI_E_EXISTS:
	case TOBI_E_MISMATCH:
		return 409;
	default:
		return 0;
	}
}

enum tobi_err admin_end(const struct admin_call *call, enum tobi_err err,
			struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer shown = wr_init(4 * sizeof(fault->message) + 512);
	int status = err && !store_failed(err, fault) ? status_of(err) : 0;
	char text[512];

	if (!status)
		return err;
	tobi_fault_print(fault, text, sizeof(text));
	/* It may quote what came. */
	utf8_write_escaped(&shown, bytes_of_text(text));
	wr_u8(&shown, 0);
	if (wr_err(&shown))
		return wr_err(&shown);
	/* Nothing of an answer that was begun. */
	wr_done(&call->reply->body);
	call->reply->body = wr_init(ANSWER_MAX);
	call->reply->secret = false;
	return admin_answer(call, status,
			    json_pack("{s:s, s:s}", "error", tobi_err_name(err),
				      "message", (const char *)shown.ptr),
			    fault);
}

/* ---- changes ---- */

static enum tobi_err write_down(const struct admin_call *call,
				const struct admin_change *change, bool accepted,
				const char *reason, struct tobi_fault *fault)
{
	const struct decision decision = {.kind = DECISION_ADMIN,
					  .time = call->request->now,
					  .accepted = accepted,
					  .remote = call->request->remote,
					  .channel = "admin",
					  .principal = call->who->name,
					  .resource = change->resource,
					  .version = change->version,
					  .action = change->action,
					  .reason = reason,
					  .policy = change->policy};

	/* Whatever the log says, it is not about what the caller sent. */
	return decision_log_append(call->broker->log, &decision, NULL, fault)
		   ? TOBI_E_SYSTEM
		   : TOBI_OK;
}

static enum tobi_err is_own(const struct admin_call *call,
			    const struct admin_change *change, struct tobi_fault *fault)
{
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	enum tobi_err err = TOBI_OK;

	if (change->repository)
		err = db_take(call->broker->db, &conn, fault);
	if (!err && change->repository)
		err = owner_must_have(conn, call->who->name, change->repository, fault);
	return err;
}

enum tobi_err admin_apply(const struct admin_call *call,
			  const struct admin_change *change, struct tobi_fault *fault)
{
	struct tobi_fault second = {0};
	char text[512];
	enum tobi_err err = is_own(call, change, fault);

	if (err == TOBI_E_DENIED)
		IGNORE(write_down(call, change, false, fault->message, &second));
	if (!err)
		err = write_down(call, change, true, "allowed", fault);
	if (err)
		return err;
	err = change->run(call, change->input, fault);
	if (err) {
		tobi_fault_print(fault, text, sizeof(text));
		IGNORE(write_down(call, change, false, text, &second));
	}
	return err;
}

enum tobi_err admin_must_operate(const struct admin_call *call, struct tobi_fault *fault)
{
	return call->who->operator? TOBI_OK
				  : fault_set(fault, TOBI_E_DENIED, "request", "",
					      "only the broker's operator may do that");
}
