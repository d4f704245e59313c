#include "broker/page.h"

#include <string.h>
#include <strings.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"

/* The pages load the style sheet and nothing else, run nothing, and are in no frame. */
static const struct {
	const char *name, *value;
} headers[] = {
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
     "base-uri 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Permissions-Policy",
     "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
     "clipboard-read=(), clipboard-write=(), display-capture=(), "
     "fullscreen=(), publickey-credentials-get=()"},
};

static const struct {
	enum page_place place;
	const char *path, *name;
	bool owner, operator, anybody;
} places[] = {
    {PAGE_FRONT, "/", "Broker", true, true, true},
    {PAGE_DECISIONS, "/decisions", "Decisions", true, true, false},
    {PAGE_RESOURCES, "/resources", "Resources", true, false, false},
    {PAGE_POLICIES, "/policies", "Policies", true, false, false},
    {PAGE_OPERATOR, "/operator", "Owners", false, true, false},
};

/* ---- who looks ---- */

enum tobi_err page_enter_open(struct broker *broker, const struct broker_request *request,
			      struct broker_reply *reply, struct page_call *ret_call,
			      struct tobi_fault *fault)
{
	struct page_call call = {.broker = broker, .request = request, .reply = reply};
	enum tobi_err err = page_session_find(broker, request, &call.session, fault);

	if (err && err != TOBI_E_DENIED)
		return err;
	call.known = !err;
	if (!reply->body.ceiling)
		reply->body = wr_init(LIMIT_BROKER_REPLY);
	call.out = &reply->body;
	*ret_call = call;
	return TOBI_OK;
}

static enum tobi_err ask_to_log_in(struct page_call *call, struct tobi_fault *fault)
{
	enum tobi_err err =
	    broker_reply_header(call->reply, "WWW-Authenticate", "Bearer");

	call->answered = true;
	if (!err)
		err = page_begin(call, 401, PAGE_NOWHERE, "Log in first", fault);
	page_put(call->out, "<p>This page is for the owners of secrets, and for the "
			    "operator. <a href=\"/login\">How to log in</a></p>\n");
	return err ? err : page_end(call, fault);
}

enum tobi_err page_enter(struct broker *broker, const struct broker_request *request,
			 struct broker_reply *reply, struct page_call *ret_call,
			 struct tobi_fault *fault)
{
	enum tobi_err err = page_enter_open(broker, request, reply, ret_call, fault);

	return err || ret_call->known ? err : ask_to_log_in(ret_call, fault);
}

enum tobi_err page_enter_as(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, bool operator,
			    struct page_call * ret_call, struct tobi_fault *fault)
{
	enum tobi_err err = page_enter(broker, request, reply, ret_call, fault);

	if (err || ret_call->answered || ret_call->session.who.operator== operator)
		return err;
	ret_call->answered = true;
	return page_refuse(ret_call, 403,
			   "Not for you",
			   operator? "This page is for the operator."
				   : "This page is for owners; the operator has no "
				     "secrets, and sees none.",
			   fault);
}

/* A browser of today says where a form was sent from, and never lies about it to please a
 * page. One that does not say it must name the page itself. */
bool page_is_ours(const struct broker_request *request)
{
	static const char scheme[] = "https://";
	const char *site = request->header(request, "sec-fetch-site");
	const char *origin = request->header(request, "origin");
	const char *host = request->header(request, "host");
	bool null = origin && strcmp(origin, "null") == 0;
	bool own = origin && host && strncmp(origin, scheme, sizeof(scheme) - 1) == 0 &&
		   strcasecmp(origin + sizeof(scheme) - 1, host) == 0;

	/* "null" comes of our own pages, as their policy is to tell no referrer. */
	if (site)
		return strcmp(site, "same-origin") == 0 && (!origin || null || own);
	return own;
}

/* ---- the frame ---- */

static void put_places(struct page_call *call, enum page_place place)
{
	struct writer *out = call->out;

	page_put(out, "<nav aria-label=\"Pages\"><ul>\n");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool mine = call->known && (call->session.who.operator
						? places[i].operator
						: places[i].owner);

		if (!mine && !places[i].anybody)
			continue;
		page_put(out, "<li><a href=\"");
		page_line(out, places[i].path);
		page_put(out, "\"");
		if (places[i].place == place)
			page_put(out, " aria-current=\"page\"");
		page_put(out, ">");
		page_line(out, places[i].name);
		page_put(out, "</a></li>\n");
	}
	page_put(out, "</ul></nav>\n");
}

static void put_who(struct page_call *call)
{
	struct writer *out = call->out;

	if (!call->known) {
		page_put(out, "<p class=\"who\">Nobody is logged in. "
			      "<a href=\"/login\">How to log in</a></p>\n");
		return;
	}
	page_put(out, "<div class=\"who\"><p>Logged in as ");
	if (call->session.who.operator)
		page_put(out, "the operator");
	else
		page_put(out, "the owner ");
	page_put(out, "<b>");
	if (!call->session.who.operator)
		page_line(out, call->session.who.name);
	page_put(out, "</b>");
	if (!call->session.by_cookie) {
		page_put(out, ", by the certificate of this connection</p></div>\n");
		return;
	}
	page_put(out, "</p>\n<form method=\"post\" action=\"/logout\">"
		      "<input type=\"hidden\" name=\"form\" value=\"");
	page_line(out, call->session.form);
	page_put(out, "\"><button>Log out</button></form></div>\n");
}

static enum tobi_err put_headers(struct page_call *call, int status)
{
	enum tobi_err err = TOBI_OK;

	call->reply->status = status;
	call->reply->content_type = "text/html; charset=utf-8";
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]) && !err; i++)
		err = broker_reply_header(call->reply, headers[i].name, "%s",
					  headers[i].value);
	return err;
}

enum tobi_err page_begin(struct page_call *call, int status, enum page_place place,
			 const char *title, struct tobi_fault *fault)
{
	char style[PAGE_STYLE_PATH_SIZE];
	struct writer *out = call->out;
	enum tobi_err err = page_style_path(style, fault);

	if (!err)
		err = put_headers(call, status);
	if (err)
		return err;
	page_put(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		      "<meta charset=\"utf-8\">\n<title>");
	page_line(out, title);
	page_put(out, " – ");
	page_line(out, call->broker->setup.name);
	page_put(out, "</title>\n<meta name=\"viewport\" "
		      "content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"color-scheme\" content=\"light dark\">\n"
		      "<link rel=\"stylesheet\" href=\"");
	page_line(out, style);
	page_put(out, "\">\n</head>\n<body>\n"
		      "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
		      "<header>\n<p class=\"name\">Tobichi broker <b>");
	page_line(out, call->broker->setup.name);
	page_put(out, "</b></p>\n");
	put_places(call, place);
	put_who(call);
	page_put(out, "</header>\n<main id=\"main\" tabindex=\"-1\">\n<h1>");
	page_line(out, title);
	page_put(out, "</h1>\n");
	return TOBI_OK;
}

enum tobi_err page_end(struct page_call *call, struct tobi_fault *fault)
{
	page_put(call->out, "</main>\n</body>\n</html>\n");
	return wr_err(call->out) ? fault_set(fault, wr_err(call->out), "page", "",
					     "there is no room for it")
				 : TOBI_OK;
}

enum tobi_err page_refuse(struct page_call *call, int status, const char *title,
			  const char *text, struct tobi_fault *fault)
{
	enum tobi_err err = page_begin(call, status, PAGE_NOWHERE, title, fault);

	page_put(call->out, "<p>");
	page_line(call->out, text);
	page_put(call->out, "</p>\n");
	return err ? err : page_end(call, fault);
}

enum tobi_err page_not_found(struct page_call *call, struct tobi_fault *fault)
{
	return page_refuse(call, 404, "There is nothing here",
			   "It does not exist, or it is not yours.", fault);
}

enum tobi_err page_go(struct page_call *call, const char *path, struct tobi_fault *fault)
{
	enum tobi_err err = put_headers(call, 303);

	if (!err)
		err = broker_reply_header(call->reply, "Location", "%s", path);
	return err ? fault_set(fault, err, "page", "", "there is no room for it")
		   : TOBI_OK;
}

/* Those with one part after those without. */
const struct broker_route page_routes[] = {
    {HTTP_GET, "/", ROUTE_OPEN, 0, page_front, "page-front"},
    {HTTP_GET, "/style/{}", ROUTE_OPEN, 0, page_style_get, "page-style"},
    {HTTP_GET, "/login", ROUTE_OPEN, 0, page_login_form, "page-login"},
    {HTTP_POST, "/login", ROUTE_OPEN, LIMIT_PAGE_BODY, page_login_do, "page-login-do"},
    {HTTP_POST, "/logout", ROUTE_OPEN, LIMIT_PAGE_BODY, page_logout, "page-logout"},
    {HTTP_POST, "/v1/login", ROUTE_OWNER, 0, page_login_token, "login-token"},
    {HTTP_GET, "/decisions", ROUTE_OPEN, 0, page_decisions, "page-decisions"},
    {HTTP_GET, "/decisions/{}", ROUTE_OPEN, 0, page_decision, "page-decision"},
    {HTTP_GET, "/decisions/{}/evidence", ROUTE_OPEN, 0, page_decision_evidence,
     "page-evidence"},
    {HTTP_GET, "/resources", ROUTE_OPEN, 0, page_resources, "page-resources"},
    {HTTP_GET, "/policies", ROUTE_OPEN, 0, page_policies, "page-policies"},
    {HTTP_GET, "/policies/{...}", ROUTE_OPEN, 0, page_policy, "page-policy"},
    {HTTP_GET, "/operator", ROUTE_OPEN, 0, page_operator, "page-operator"},
    {0, NULL, ROUTE_OPEN, 0, NULL, NULL},
};
