/* The functions of libcurl that are used, found when they are needed. */
#ifndef TOBI_COLLATERAL_HTTP_CURL_H
#define TOBI_COLLATERAL_HTTP_CURL_H

/* The checks of its macros are for direct calls. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
/* They would take members of these names for calls. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_share_setopt
#undef curl_multi_setopt

#include "tobichi/error.h"

struct curl_api {
	void *library;
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_url_get) *url_get;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_free) *free;
};

TOBI_MUST_USE enum tobi_err curl_api_load(struct curl_api *ret_api,
					  struct tobi_fault *fault);

#endif
