/* The parts of `tobichi collateral`. */
#ifndef CLI_COLLATERAL_H
#define CLI_COLLATERAL_H

#include "cli/cli.h"
#include "cli/collateral_load.h"
#include "collateral/cache.h"

DEFINE_CLEANUP(struct http_client *, http_client_free)

/* Usage errors of the command. */
#define COLLATERAL_COMMAND "collateral"

int collateral_show(int argc, char **argv);
int collateral_fetch(int argc, char **argv);
int collateral_bundle(int argc, char **argv);
int collateral_update(int argc, char **argv);

/* What fetch and update have in common. */
struct source_options {
	const char *pcs, *kds, *rim, *ocsp, *ca_file, *root, *cache;
	uint64_t timeout, max_age, grace; /* seconds */
	bool no_cache;
};
#define SOURCE_OPTIONS                                                                   \
	{"pcs", required_argument, NULL, 'P'}, {"kds", required_argument, NULL, 'K'},    \
	    {"rim", required_argument, NULL, 'I'},                                       \
	    {"ocsp", required_argument, NULL, 'O'},                                      \
	    {"tls-ca", required_argument, NULL, 'T'},                                    \
	    {"root", required_argument, NULL, 'R'},                                      \
	    {"cache", required_argument, NULL, 'C'},                                     \
	    {"timeout", required_argument, NULL, 't'},                                   \
	    {"max-age", required_argument, NULL, 'M'},                                   \
	{                                                                                \
		"grace", required_argument, NULL, 'G'                                    \
	}
struct source_options source_options_new(void);
/* NULL when it was one of them, else what is wrong; *ret_mine says whether it was. */
const char *source_option(struct source_options *options, int option, bool *ret_mine);

/* Ready to fetch. */
struct source {
	struct fetch_settings fetch;
	struct cache_settings cache;
	char folder[LIMIT_PATH];
};
/* caching: the cache's folder is made. http_client_free() its client. */
TOBI_MUST_USE enum tobi_err source_open(const struct source_options *options,
					bool caching, struct source *ret_source,
					struct tobi_fault *fault);

/* named, or the user's own: $TOBICHI_STATE_FOLDER/collateral, else in
 * $XDG_CACHE_HOME/tobichi or ~/.cache/tobichi. */
TOBI_MUST_USE enum tobi_err collateral_cache_folder(const char *named,
						    char out[static LIMIT_PATH],
						    struct tobi_fault *fault);

/* The set of all paths; warnings go to standard error. */
TOBI_MUST_USE enum tobi_err collateral_load_all(char **paths, size_t count,
						struct tobi_collateral **ret_set,
						struct tobi_fault *fault);
/* "sgx-tcb-info 00A067110000", padded for a table when wide. */
void collateral_print_name(FILE *stream, const struct collateral_item *item, bool wide);
/* A line of a fault on standard error, with what it is about. */
void collateral_say(const char *what, const struct tobi_fault *fault);

/* The same of a document that could not be had; *unreachable becomes true where its
 * service gave no answer. */
void collateral_say_missing(const char *what, const struct tobi_fault *fault,
			    bool *unreachable);
/* What to do then, once for all documents. */
void collateral_say_ways(bool unreachable);

/* "valid", "expired", "future" or "undated". */
const char *collateral_state(const struct collateral_item *item, int64_t now);

#endif
