/* Whence collateral comes, and where it is kept meanwhile. */
#include "cli/collateral.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/file.h"

enum {
	TIMEOUT = 30,
	TIMEOUT_MAX = 3600,
	MAX_AGE = 24 * 3600,
	SECONDS_MAX = 366 * 24 * 3600,
	TRIES = 5,
	WAIT_EXTRA = 5, /* seconds longer than another may take */
};

struct source_options source_options_new(void)
{
	return (struct source_options){.timeout = TIMEOUT, .max_age = MAX_AGE};
}

const char *source_option(struct source_options *options, int option, bool *ret_mine)
{
	*ret_mine = true;
	switch (option) {
	case 'P':
		options->pcs = optarg;
		return NULL;
	case 'K':
		options->kds = optarg;
		return NULL;
	case 'I':
		options->rim = optarg;
		return NULL;
	case 'O':
		options->ocsp = optarg;
		return NULL;
	case 'T':
		options->ca_file = optarg;
		return NULL;
	case 'R':
		options->root = optarg;
		return NULL;
	case 'C':
		options->cache = optarg;
		return NULL;
	case 't':
		return cli_read_number(optarg, TIMEOUT_MAX, &options->timeout) &&
			       options->timeout
			   ? NULL
			   : "--timeout needs 1 to 3600 seconds";
	case 'M':
		return cli_read_number(optarg, SECONDS_MAX, &options->max_age)
			   ? NULL
			   : "--max-age needs seconds, at most a year's";
	case 'G':
		return cli_read_number(optarg, SECONDS_MAX, &options->grace)
			   ? NULL
			   : "--grace needs seconds, at most a year's";
	default:
		*ret_mine = false;
		return NULL;
	}
}

enum tobi_err collateral_cache_folder(const char *named, char out[static LIMIT_PATH],
				      struct tobi_fault *fault)
{
	const char *state = getenv("TOBICHI_STATE_FOLDER");
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int size;

	if (named)
		size = snprintf(out, LIMIT_PATH, "%s", named);
	else if (state && *state)
		size = snprintf(out, LIMIT_PATH, "%s/collateral", state);
	else if (cache && *cache)
		size = snprintf(out, LIMIT_PATH, "%s/tobichi/collateral", cache);
	else if (home && *home)
		size = snprintf(out, LIMIT_PATH, "%s/.cache/tobichi/collateral", home);
	else
		return fault_set(fault, TOBI_E_NOT_FOUND, "cache", "",
				 "HOME is not set: give --cache FOLDER");
	return size < LIMIT_PATH ? TOBI_OK
				 : fault_set(fault, TOBI_E_LIMIT, "cache", "",
					     "the path is over %d bytes", LIMIT_PATH);
}

/* The keys of a PEM's certificates stand for the vendors'. */
static enum tobi_err read_root(const char *path, struct key_pins *pins,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	size_t count = 0;
	enum tobi_err err = file_read(path, LIMIT_PEM, "root", &pem, fault);

	if (!err)
		err = chain_read_pem(wr_view(&pem), "root", &der, list, LIMIT_COSE_CHAIN,
				     &count, fault);
	*pins = (struct key_pins){0};
	for (size_t i = 0; i < count && !err; i++) {
		CLEANUP(X509_freep) X509 *certificate = NULL;

		err = chain_read_certificate(list[i], "root", &certificate, fault);
		if (!err)
			err = key_spki_sha256(X509_get0_pubkey(certificate),
					      pins->keys[pins->count++], fault);
	}
	return err;
}

enum tobi_err source_open(const struct source_options *options, bool caching,
			  struct source *ret_source, struct tobi_fault *fault)
{
	const struct http_settings http = {.ca_file = options->ca_file,
					   .timeout_ms =
					       1000 * (unsigned)options->timeout,
					   .tries = TRIES};
	struct fetch_settings *fetch = &ret_source->fetch;
	enum tobi_err err = TOBI_OK;

	*ret_source = (struct source){0};
	fetch->pcs = options->pcs;
	fetch->kds = options->kds;
	fetch->rim = options->rim;
	fetch->ocsp = options->ocsp;
	fetch->rules = (struct collateral_rules){.intel = vendor_root_pins("sgx"),
						 .amd = vendor_root_pins("snp"),
						 .time = time(NULL),
						 .grace = (int64_t)options->grace};
	if (options->root) {
		err = read_root(options->root, &fetch->rules.intel, fault);
		fetch->rules.amd = fetch->rules.intel;
	}
	ret_source->cache = (struct cache_settings){
	    .max_age = (int64_t)options->max_age,
	    .wait_ms = 1000 * ((unsigned)options->timeout + WAIT_EXTRA)};
	if (!err && caching)
		err = collateral_cache_folder(options->cache, ret_source->folder, fault);
	if (!err && caching)
		err = cache_open(ret_source->folder, fault);
	return err ? err : http_client_new(&http, &fetch->client, fault);
}
