#include "broker/attested_reply.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "codec/json.h"

enum {
	ANSWER_MAX = 64 << 10,
	DETAIL_MAX = 512,
	WRONG = 400,
	DENIED = 403,
	CONFLICT = 409,
};

enum tobi_err attested_name(const struct broker_request *request, const char *start,
			    struct resource_name *ret_name, struct tobi_fault *fault)
{
	size_t size = strlen(start);

	if (!request->presented)
		return fault_set(fault, TOBI_E_ARGUMENT, "request", "",
				 "nothing was presented");
	return resource_name_read(
	    strncmp(request->path, start, size) == 0 ? request->path + size : "",
	    ret_name, fault);
}

enum tobi_err attested_answer(struct broker_reply *reply, int status, json_t *json,
			      struct tobi_fault *fault)
{
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

enum tobi_err attested_deny(struct broker_reply *reply, struct tobi_fault *fault)
{
	return attested_answer(reply, DENIED,
			       json_pack("{s:s, s:s}", "error",
					 tobi_err_name(TOBI_E_DENIED), "message",
					 "access is denied"),
			       fault);
}

/* 0: the broker's own. */
static int status_of(enum tobi_err err)
{
	switch (err) {
	case TOBI_E_TRUNCATED:
	case TOBI_E_TRAILING:
	case TOBI_E_MALFORMED:
	case TOBI_E_UNSUPPORTED:
	case TOBI_E_SIGNATURE:
		return WRONG;
	case TOBI_E_LIMIT:
	case TOBI_E_CERTIFICATE:
		return CONFLICT;
	default:
		return 0;
	}
}

enum tobi_err attested_refuse(struct broker_reply *reply, enum tobi_err err,
			      const struct tobi_fault *why, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer shown = wr_init(4 * DETAIL_MAX + 1);
	int status = status_of(err);
	char text[DETAIL_MAX];

	if (!status) {
		if (fault)
			*fault = *why;
		return err;
	}
	tobi_fault_print(why, text, sizeof(text));
	/* It may quote what came. */
	utf8_write_escaped(&shown, bytes_of_text(text));
	wr_u8(&shown, 0);
	if (wr_err(&shown))
		return wr_err(&shown);
	wr_done(&reply->body);
	reply->body = wr_init(ANSWER_MAX);
	return attested_answer(reply, status,
			       json_pack("{s:s, s:s}", "error", tobi_err_name(err),
					 "message", (const char *)shown.ptr),
			       fault);
}
