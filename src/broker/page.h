/*
 * The broker's web page: HTML from here, no script, one style sheet. Owners see what is
 * theirs, the operator what is nobody's, everybody the front page.
 *
 * Each handler begins with page_enter() or page_enter_open(), writes between page_begin()
 * and page_end(), and says what it cannot do by page_refuse().
 */
#ifndef TOBI_BROKER_PAGE_H
#define TOBI_BROKER_PAGE_H

#include "broker/broker.h"
#include "broker/page_html.h"
#include "broker/page_session.h"

struct page_call {
	struct broker *broker;
	const struct broker_request *request;
	struct broker_reply *reply;
	struct writer *out; /* the reply's body */
	bool known;	    /* somebody is logged in */
	struct page_session session;
	bool answered; /* nothing is left to do */
};

enum page_place {
	PAGE_NOWHERE,
	PAGE_FRONT,
	PAGE_DECISIONS,
	PAGE_RESOURCES,
	PAGE_POLICIES,
	PAGE_OPERATOR,
};

/* For everybody; who looks is found out, too. */
TOBI_MUST_USE enum tobi_err page_enter_open(struct broker *broker,
					    const struct broker_request *request,
					    struct broker_reply *reply,
					    struct page_call *ret_call,
					    struct tobi_fault *fault);
/* For who is logged in; others are told how to, and then answered is true. */
TOBI_MUST_USE enum tobi_err page_enter(struct broker *broker,
				       const struct broker_request *request,
				       struct broker_reply *reply,
				       struct page_call *ret_call,
				       struct tobi_fault *fault);
/* Also the operator alone, or an owner alone. */
TOBI_MUST_USE enum tobi_err page_enter_as(struct broker *broker,
					  const struct broker_request *request,
					  struct broker_reply *reply, bool operator,
					  struct page_call * ret_call,
					  struct tobi_fault *fault);

/* Headers of every page, and all up to its heading. title is text, and the heading. */
TOBI_MUST_USE enum tobi_err page_begin(struct page_call *call, int status,
				       enum page_place place, const char *title,
				       struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err page_end(struct page_call *call, struct tobi_fault *fault);
/* A whole page: why not. text is text. */
TOBI_MUST_USE enum tobi_err page_refuse(struct page_call *call, int status,
					const char *title, const char *text,
					struct tobi_fault *fault);
/* What there is not, and what is another's: the same. */
TOBI_MUST_USE enum tobi_err page_not_found(struct page_call *call,
					   struct tobi_fault *fault);
/* 303, so that a browser asks by GET. path is ours. */
TOBI_MUST_USE enum tobi_err page_go(struct page_call *call, const char *path,
				    struct tobi_fault *fault);
/* Whether a form was sent by a page of ours: what the browser says of it must fit. */
bool page_is_ours(const struct broker_request *request);

/* "<dt>name</dt><dd>", and its end; name is a literal. */
#define page_pair(out, name) page_put(out, "<dt>" name "</dt><dd>")
#define page_pair_end(out) page_put(out, "</dd>\n")

/* The style sheet's path, "/style/HASH.css". */
enum { PAGE_STYLE_PATH_SIZE = 48 };
TOBI_MUST_USE enum tobi_err page_style_path(char ret_path[static PAGE_STYLE_PATH_SIZE],
					    struct tobi_fault *fault);
extern const char page_style[];

broker_handler page_front, page_style_get, page_login_form, page_login_do, page_logout,
    page_login_token, page_decisions, page_decision, page_decision_evidence,
    page_resources, page_policies, page_policy, page_operator;

#endif
