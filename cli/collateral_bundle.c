/* `tobichi collateral bundle` and `update`: a set in one signed file. */
#include "cli/collateral.h"

#include <string.h>
#include <time.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "collateral/bundle.h"

/* Whole, or the file that was there stays. */
static int write_bundle(const char *path, const struct tobi_collateral *set,
			EVP_PKEY *key)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_BUNDLE);
	char hex[2 * SHA384_SIZE + 1];
	uint8_t signer[SHA384_SIZE];
	struct tobi_fault fault = {0};

	if (key_spki_sha384(key, signer, &fault) ||
	    bundle_write(set, key, time(NULL), &out, &fault) ||
	    file_write(path, 0644, wr_view(&out), "bundle", &fault))
		return cli_fail(&fault);
	hex_write((struct tobi_bytes){signer, sizeof(signer)}, hex, sizeof(hex));
	printf("bundle     %s\ndocuments  %zu\nsigner id  %s\n", path,
	       collateral_count(set), hex);
	return EXIT_ACCEPTED;
}

static void warn_of_expired(const struct tobi_collateral *set)
{
	const struct collateral_item *item;
	int64_t now = time(NULL);

	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		if (strcmp(collateral_state(item, now), "expired") != 0)
			continue;
		fputs("tobichi: warning: expired: ", stderr);
		collateral_print_name(stderr, item, false);
		fputc('\n', stderr);
	}
}

int collateral_bundle(int argc, char **argv)
{
	static const struct option known[] = {{"output", required_argument, NULL, 'o'},
					      {"key", required_argument, NULL, 'k'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *set = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	const char *out = NULL, *key_path = NULL;
	struct tobi_fault fault = {0};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (option != 'o' && option != 'k')
			return cli_usage(COLLATERAL_COMMAND, "there is no such option");
		*(option == 'o' ? &out : &key_path) = optarg;
	}
	if (!out || !key_path || optind == argc)
		return cli_usage(COLLATERAL_COMMAND,
				 "bundle needs -o FILE, --key FILE and what to put in");
	if (cli_read_private_key(key_path, &key, &fault) ||
	    collateral_load_all(argv + optind, (size_t)(argc - optind), &set, &fault))
		return cli_fail(&fault);
	if (collateral_count(set) == 0)
		return cli_error("there is no collateral to put into the bundle");
	warn_of_expired(set);
	return write_bundle(out, set, key);
}

static enum tobi_err read_bundle(const char *path, struct tobi_collateral *set,
				 struct bundle_about *about, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_BUNDLE);
	enum tobi_err err = file_read(path, LIMIT_BUNDLE, "bundle", &bytes, fault);

	if (!err && !bundle_is(wr_view(&bytes)))
		err = fault_set(fault, TOBI_E_UNSUPPORTED, "bundle", "",
				"%s is no bundle; `tobichi collateral bundle` makes one",
				path);
	return err ? err : bundle_read(wr_view(&bytes), "bundle", set, about, fault);
}

/* A policy that names the old signer would refuse the new bundle. */
static enum tobi_err check_signer(EVP_PKEY *key, const struct bundle_about *about,
				  struct tobi_fault *fault)
{
	uint8_t signer[SHA384_SIZE];
	enum tobi_err err = key_spki_sha384(key, signer, fault);

	if (!err && memcmp(signer, about->signer, SHA384_SIZE) != 0)
		err = fault_set(fault, TOBI_E_MISMATCH, "bundle", "key",
				"the bundle is signed by another key; to sign it by this "
				"one make a new one of it with `tobichi collateral "
				"bundle`");
	return err;
}

struct renewal {
	const struct source *source;
	const struct tobi_collateral *known;
	struct tobi_collateral *set; /* what the bundle will have */
	bool unreachable;	     /* a service gave no answer */
};

/* What its vendor has now, or what there was; false when it could not be had. */
static bool renew(struct renewal *renewal, const struct collateral_item *old,
		  enum tobi_err *ret_err, struct tobi_fault *fault)
{
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *fresh = tobi_collateral_new();
	const struct collateral_item *item;
	enum collateral_checked checked = COLLATERAL_CHECKED;
	struct tobi_fault why = {0};
	struct need need;
	const char *said = "kept     ";
	bool had = true;

	item = old;
	if (need_of_item(old, &need)) {
		had = fresh && !fetch_document(&renewal->source->fetch, &need,
					       renewal->known, fresh, &checked, &why);
		if (!had)
			collateral_say_missing("warning: kept as it was", &why,
					       &renewal->unreachable);
		else if (collateral_is_older(collateral_at(fresh, 0), old))
			fputs("tobichi: warning: the service gave an older document; "
			      "kept as it was\n",
			      stderr);
		else
			item = collateral_at(fresh, 0);
		said = item == old ? said : "fetched  ";
	}
	printf("%s", said);
	collateral_print_name(stdout, old, true);
	puts(item != old && checked == COLLATERAL_NOT_CHECKED
		 ? "  (its signature is checked when it is used)"
		 : "");
	*ret_err = collateral_put(renewal->set, item, fault);
	return had;
}

static int update(const struct source_options *options, const char *path, EVP_PKEY *key)
{
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *old = tobi_collateral_new();
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *set = tobi_collateral_new();
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	const struct collateral_item *item;
	struct bundle_about about;
	struct tobi_fault fault = {0};
	struct source source;
	enum tobi_err err = TOBI_OK;
	struct renewal renewal = {.source = &source, .known = old, .set = set};
	bool all = true;
	int status;

	if (!old || !set)
		return cli_error("out of memory");
	if (read_bundle(path, old, &about, &fault) || check_signer(key, &about, &fault) ||
	    source_open(options, false, &source, &fault))
		return cli_fail(&fault);
	client = source.fetch.client;
	for (size_t i = 0; !err && (item = collateral_at(old, i)); i++)
		all &= renew(&renewal, item, &err, &fault);
	if (err)
		return cli_fail(&fault);
	collateral_say_ways(renewal.unreachable);
	status = write_bundle(path, set, key);
	return status ? status : all ? EXIT_ACCEPTED : EXIT_ERROR;
}

int collateral_update(int argc, char **argv)
{
	static const struct option known[] = {
	    SOURCE_OPTIONS, {"key", required_argument, NULL, 'k'}, {NULL, 0, NULL, 0}};
	struct source_options options = source_options_new();
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	const char *key_path = NULL, *wrong = NULL;
	struct tobi_fault fault = {0};
	int option;
	bool mine;

	optind = 1;
	while (!wrong && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		wrong = source_option(&options, option, &mine);
		if (!mine && option != 'k')
			wrong = "there is no such option";
		else if (!mine)
			key_path = optarg;
	}
	if (!wrong && (optind + 1 != argc || !key_path))
		wrong = "update needs one BUNDLE and --key FILE, to sign it again";
	if (wrong)
		return cli_usage(COLLATERAL_COMMAND, "%s", wrong);
	if (cli_read_private_key(key_path, &key, &fault))
		return cli_fail(&fault);
	return update(&options, argv[optind], key);
}
