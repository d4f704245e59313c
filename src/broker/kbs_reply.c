#include "broker/kbs_reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "broker/store.h"
#include "codec/json.h"

#define TYPE "https://github.com/confidential-containers/kbs/errors/"

enum { DETAIL_MAX = 512, UNAUTHORIZED = 401, NOT_FOUND = 404 };

static const struct {
	const char *type;
	int status;
} errors[] = {
    [KBS_ATTESTATION] = {TYPE "AttestationError", UNAUTHORIZED},
    [KBS_TOKEN_NOT_FOUND] = {TYPE "TokenNotFound", UNAUTHORIZED},
    [KBS_TOKEN_VERIFIER] = {TYPE "TokenVerifierError", UNAUTHORIZED},
    [KBS_POLICY_DENY] = {TYPE "PolicyDeny", UNAUTHORIZED},
    [KBS_JWE] = {TYPE "JweError", UNAUTHORIZED},
    [KBS_PLUGIN_NOT_FOUND] = {TYPE "PluginNotFound", NOT_FOUND},
    [KBS_INVALID_PATH] = {TYPE "InvalidRequestPath", NOT_FOUND},
    [KBS_ADMIN] = {TYPE "AdminAuthAccess", UNAUTHORIZED},
    [KBS_PLUGIN_INTERNAL] = {TYPE "PluginInternalError", UNAUTHORIZED},
    [KBS_PARSE_POLICY] = {TYPE "ParsePolicyError", UNAUTHORIZED},
};

enum tobi_err kbs_refuse(struct broker_reply *reply, enum kbs_error error,
			 const char *format, ...)
{
	CLEANUP(wr_done) struct writer plain = wr_init(4 * DETAIL_MAX + 1);
	CLEANUP(json_decrefp) json_t *json = NULL;
	char detail[DETAIL_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(detail, sizeof(detail), format, list);
	va_end(list);
	utf8_write_escaped(&plain, bytes_of_text(detail));
	wr_u8(&plain, '\0');
	if (wr_err(&plain))
		return wr_err(&plain);
	json = json_pack("{s:s, s:s}", "type", errors[error].type, "detail",
			 (const char *)plain.ptr);
	if (!json)
		return TOBI_E_MEMORY;
	reply->status = errors[error].status;
	reply->content_type = "application/json";
	return json_write(json, false, &reply->body, NULL);
}

enum tobi_err kbs_refuse_fault(struct broker_reply *reply, enum kbs_error error,
			       enum tobi_err err, const struct tobi_fault *fault)
{
	char text[DETAIL_MAX];

	if (store_failed(err, fault))
		return err;
	switch (err) {
	case TOBI_E_MEMORY:
	case TOBI_E_CRYPTO:
	case TOBI_E_SYSTEM:
	case TOBI_E_TIMEOUT:
	case TOBI_E_ARGUMENT:
		return err;
	default:
		tobi_fault_print(fault, text, sizeof(text));
		return kbs_refuse(reply, error, "%s", text);
	}
}

/* RFC 9110 section 5.6.7, in any locale. */
enum tobi_err kbs_set_cookie(struct broker_reply *reply,
			     const struct kbs_session *session, int64_t expires)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed",
					   "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const time_t when = (time_t)expires;
	struct tm tm;

	if (!gmtime_r(&when, &tm))
		return TOBI_E_ARGUMENT;
	return broker_reply_header(
	    reply, "Set-Cookie",
	    KBS_COOKIE "=%s; Expires=%s, %02d %s %04d %02d:%02d:%02d GMT", session->text,
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], 1900 + tm.tm_year,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}
