/* Logging in: a one-time token is asked for by a signed request (POST /v1/login), opened
 * as a link, and used up by a button, as whatever looks at links only does not press any.
 */
#include <jansson.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/admin.h"
#include "broker/decision.h"
#include "broker/page.h"
#include "broker/page_form.h"

#define COOKIE_TAIL "; Path=/; Secure; HttpOnly; SameSite=Strict"

/* ---- the token ---- */

static enum tobi_err make_token(const struct admin_call *call, struct tobi_fault *fault)
{
	char token[PAGE_TOKEN_TEXT + 1];
	json_int_t expires = call->request->now + PAGE_LOGIN_SECONDS;
	enum tobi_err err;

	if (!call->request->secure)
		return fault_set(fault, TOBI_E_DENIED, "page", "",
				 "this broker has no TLS here: nobody logs in in the "
				 "clear");
	err = page_login_make(call->broker, call->who, call->request->now, token, fault);
	if (err)
		return err;
	call->reply->secret = true;
	err = admin_answer(
	    call, 201,
	    json_pack("{s:s+, s:I}", "path", "/login?token=", token, "expires", expires),
	    fault);
	explicit_bzero(token, sizeof(token));
	return err;
}

enum tobi_err page_login_token(struct broker *broker,
			       const struct broker_request *request,
			       struct broker_reply *reply, struct tobi_fault *fault)
{
	struct admin_call call;
	enum tobi_err err = admin_begin(broker, request, reply, &call, fault);

	return err ? err : admin_end(&call, make_token(&call, fault), fault);
}

/* ---- the pages ---- */

static enum tobi_err refuse_in_clear(struct page_call *call, struct tobi_fault *fault)
{
	return page_refuse(
	    call, 403, "Nobody logs in here",
	    "This page came without TLS: whoever listens on the way would "
	    "have your session. The broker's configuration says how to give "
	    "it a certificate (tls:).",
	    fault);
}

static enum tobi_err explain(struct page_call *call, struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err = page_begin(call, 200, PAGE_NOWHERE, "How to log in", fault);

	if (err)
		return err;
	page_put(out,
		 "<h2>By a link that counts once</h2>\n"
		 "<p>On the machine that has your key:</p>\n<pre>tobichi owner login "
		 "--broker https://");
	page_line(out, call->request->header(call->request, "host"));
	page_put(
	    out,
	    " --key KEY.pem</pre>\n<p>It prints a link to this page. Open it within a "
	    "minute. A session ends after 15 minutes without a page, after 8 hours, "
	    "and when you log out.</p>\n"
	    "<h2>By a certificate</h2>\n<p>A browser that has a certificate of your "
	    "key, and its private key, shows it by itself; whoever has signed it "
	    "and what it says does not count, the key does.</p>\n");
	return page_end(call, fault);
}

static enum tobi_err put_button(struct page_call *call, const char *token,
				struct tobi_fault *fault)
{
	struct writer *out = call->out;
	enum tobi_err err = page_begin(call, 200, PAGE_NOWHERE, "Log in", fault);

	if (err)
		return err;
	call->reply->secret = true;
	page_put(out, "<p>The link counts once, and for a minute.</p>\n"
		      "<form method=\"post\" action=\"/login\">"
		      "<input type=\"hidden\" name=\"token\" value=\"");
	page_line(out, token);
	page_put(out, "\"><button class=\"main\">Log in</button></form>\n");
	return page_end(call, fault);
}

static enum tobi_err refuse_form(struct page_call *call, struct tobi_fault *fault)
{
	return page_refuse(call, 400, "That was not understood",
			   "What your browser has sent is no form of this page's.",
			   fault);
}

static enum tobi_err refuse_foreign(struct page_call *call, struct tobi_fault *fault)
{
	return page_refuse(
	    call, 403, "Refused",
	    "Your browser says that another site has sent this, or does not "
	    "say who has. Press the button on this broker's own page; an old "
	    "browser that does not tell cannot log in.",
	    fault);
}

enum tobi_err page_login_form(struct broker *broker, const struct broker_request *request,
			      struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_field field = {.name = "token"};
	struct page_call call;
	enum tobi_err err = page_enter_open(broker, request, reply, &call, fault);

	if (err)
		return err;
	if (!request->secure)
		return refuse_in_clear(&call, fault);
	if (!page_form_read(bytes_of_text(request->query), &field, 1))
		return refuse_form(&call, fault);
	err = field.there ? put_button(&call, field.value, fault) : explain(&call, fault);
	explicit_bzero(field.value, sizeof(field.value));
	return err;
}

/* Its owner sees it among the decisions: somebody else may have used the link. */
static enum tobi_err write_down(const struct page_call *call, const struct principal *who,
				struct tobi_fault *fault)
{
	const struct decision decision = {.kind = DECISION_ADMIN,
					  .time = call->request->now,
					  .accepted = true,
					  .remote = call->request->remote,
					  .channel = "page",
					  .principal = who->name,
					  .action = "log in",
					  .reason = "by a link"};

	return decision_log_append(call->broker->log, &decision, NULL, fault);
}

static enum tobi_err use_token(struct page_call *call, const char *token,
			       struct tobi_fault *fault)
{
	char cookie[PAGE_TOKEN_TEXT + 1];
	struct principal who;
	enum tobi_err err =
	    page_login_use(call->broker, token, call->request->now, &who, cookie, fault);

	if (err == TOBI_E_DENIED)
		return page_refuse(
		    call, 403, "This link does not count any more",
		    "It was used, is older than a minute, or was never made "
		    "here. Ask for another: tobichi owner login.",
		    fault);
	if (!err)
		err = write_down(call, &who, fault);
	if (err)
		return err;
	err = broker_reply_header(call->reply, "Set-Cookie",
				  PAGE_COOKIE "=%s" COOKIE_TAIL "; Max-Age=%d", cookie,
				  PAGE_SESSION_SECONDS);
	explicit_bzero(cookie, sizeof(cookie));
	call->reply->secret = true;
	return err ? err : page_go(call, "/", fault);
}

enum tobi_err page_login_do(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_field field = {.name = "token"};
	struct page_call call;
	enum tobi_err err = page_enter_open(broker, request, reply, &call, fault);

	if (err)
		return err;
	if (!request->secure)
		return refuse_in_clear(&call, fault);
	if (!page_is_ours(request))
		return refuse_foreign(&call, fault);
	if (request->query[0] || !page_form_read(request->body, &field, 1) ||
	    !field.there)
		return refuse_form(&call, fault);
	err = use_token(&call, field.value, fault);
	explicit_bzero(field.value, sizeof(field.value));
	return err;
}

static enum tobi_err log_out(struct page_call *call, struct tobi_fault *fault)
{
	enum tobi_err err = page_session_end(call->broker, &call->session, fault);

	if (!err)
		err = broker_reply_header(call->reply, "Set-Cookie",
					  PAGE_COOKIE "=" COOKIE_TAIL "; Max-Age=0");
	return err ? err : page_go(call, "/", fault);
}

enum tobi_err page_logout(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct tobi_fault *fault)
{
	struct page_field field = {.name = "form"};
	struct page_call call;
	enum tobi_err err = page_enter(broker, request, reply, &call, fault);

	if (err || call.answered)
		return err;
	if (!page_is_ours(request))
		return refuse_foreign(&call, fault);
	if (request->query[0] || !page_form_read(request->body, &field, 1) ||
	    !field.there || !call.session.by_cookie ||
	    !bytes_equal_secret(bytes_of_text(field.value),
				bytes_of_text(call.session.form)))
		return refuse_form(&call, fault);
	return log_out(&call, fault);
}
