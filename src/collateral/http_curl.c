#include "collateral/http_curl.h"

#include <dlfcn.h>

#include "base/fault.h"

/* The name is that of the interface, which has not changed since 2006. */
static const char library[] = "libcurl.so.4";

/* dlsym() gives a pointer to data, and a function's is needed. */
#define FIND(member, name)                                                               \
	do {                                                                             \
		void *symbol_ = dlsym(api.library, name);                                \
		api.member =                                                             \
		    symbol_ ? __extension__(__typeof__(api.member)) symbol_ : NULL;      \
		all = all && api.member;                                                 \
	} while (0)

enum tobi_err curl_api_load(struct curl_api *ret_api, struct tobi_fault *fault)
{
	struct curl_api api = {.library = dlopen(library, RTLD_NOW | RTLD_LOCAL)};
	bool all = true;

	if (!api.library)
		return fault_set(fault, TOBI_E_NOT_FOUND, "fetch", "",
				 "fetching needs libcurl: install the package libcurl4");
	FIND(global_init, "curl_global_init");
	FIND(easy_init, "curl_easy_init");
	FIND(easy_setopt, "curl_easy_setopt");
	FIND(easy_perform, "curl_easy_perform");
	FIND(easy_getinfo, "curl_easy_getinfo");
	FIND(easy_cleanup, "curl_easy_cleanup");
	FIND(easy_strerror, "curl_easy_strerror");
	FIND(slist_append, "curl_slist_append");
	FIND(slist_free_all, "curl_slist_free_all");
	FIND(url, "curl_url");
	FIND(url_set, "curl_url_set");
	FIND(url_get, "curl_url_get");
	FIND(url_cleanup, "curl_url_cleanup");
	FIND(free, "curl_free");
	/* It stays loaded: it keeps state of the process's, and does not give all back.
	 */
	if (!all || api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "fetch", "", "%s is too old",
				 library);
	*ret_api = api;
	return TOBI_OK;
}
