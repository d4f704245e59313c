/* `tobichi collateral show`: what there is, of which platforms, and until when. */
#include "cli/collateral.h"

#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/file.h"
#include "base/hex.h"
#include "collateral/bundle.h"

/* Bundles among the paths: whose they are. */
struct bundles {
	struct bundle_about about[COLLATERAL_PATHS_MAX];
	const char *path[COLLATERAL_PATHS_MAX];
	size_t count;
};

static void find_bundle(const char *path, struct bundles *bundles)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_BUNDLE);
	struct bundle_about *about = &bundles->about[bundles->count];

	if (file_read(path, LIMIT_BUNDLE, "collateral", &bytes, NULL) ||
	    !bundle_is(wr_view(&bytes)) ||
	    bundle_read(wr_view(&bytes), "bundle", NULL, about, NULL))
		return;
	bundles->path[bundles->count++] = path;
}

static void print_bundle(const struct bundles *bundles, size_t index)
{
	const struct bundle_about *about = &bundles->about[index];
	char signer[2 * SHA384_SIZE + 1], created[CLI_TIME_SIZE];

	hex_write((struct tobi_bytes){about->signer, SHA384_SIZE}, signer,
		  sizeof(signer));
	cli_format_time(about->created, created);
	cli_print_text(stdout, bytes_of_text(bundles->path[index]));
	printf("\n  signed by  %s\n  made       %s, %zu documents\n", signer, created,
	       about->count);
}

static void print_date(int64_t date)
{
	char text[CLI_TIME_SIZE] = "-";

	if (date)
		cli_format_time(date, text);
	printf("  %-20s", text);
}

static void print_item(const struct collateral_item *item, int64_t now)
{
	int64_t issued, next;

	collateral_dates(item, &issued, &next);
	collateral_print_name(stdout, item, true);
	print_date(issued);
	print_date(next);
	printf("  %s\n", collateral_state(item, now));
}

static void print_text(const struct tobi_collateral *set, const struct bundles *bundles,
		       int64_t now)
{
	const struct collateral_item *item;

	for (size_t i = 0; i < bundles->count; i++)
		print_bundle(bundles, i);
	printf("%-16s  %-12s  %-20s  %-20s  %s\n", "document", "of", "issued",
	       "next update", "state");
	for (size_t i = 0; (item = collateral_at(set, i)); i++)
		print_item(item, now);
}

static json_t *json_date(int64_t date)
{
	char text[CLI_TIME_SIZE];

	if (!date)
		return json_null();
	cli_format_time(date, text);
	return json_string(text);
}

static json_t *json_item(const struct collateral_item *item, int64_t now)
{
	char hash[2 * SHA256_SIZE + 1] = "", signer[2 * SHA384_SIZE + 1] = "";
	uint8_t digest[SHA256_SIZE];
	int64_t issued, next;

	collateral_dates(item, &issued, &next);
	if (!hash_sha256(item->data, digest))
		hex_write((struct tobi_bytes){digest, SHA256_SIZE}, hash, sizeof(hash));
	if (item->bundled)
		hex_write((struct tobi_bytes){item->signer, SHA384_SIZE}, signer,
			  sizeof(signer));
	return json_pack("{ss ss so so ss sb ss ss so ss}", "kind",
			 collateral_kind_name(item->kind), "of", item->name, "issued",
			 json_date(issued), "next-update", json_date(next), "state",
			 collateral_state(item, now), "issuers", item->chain.size > 0,
			 "signer", signer, "source", item->source, "fetched",
			 json_date(item->fetched), "sha256", hash);
}

static json_t *to_json(const struct tobi_collateral *set, const struct bundles *bundles,
		       int64_t now)
{
	json_t *items = json_array(), *list = json_array();
	const struct collateral_item *item;
	char signer[2 * SHA384_SIZE + 1];

	for (size_t i = 0; i < bundles->count; i++) {
		hex_write((struct tobi_bytes){bundles->about[i].signer, SHA384_SIZE},
			  signer, sizeof(signer));
		json_array_append_new(
		    list, json_pack("{ss ss so sI}", "path", bundles->path[i], "signer",
				    signer, "made", json_date(bundles->about[i].created),
				    "documents", (json_int_t)bundles->about[i].count));
	}
	for (size_t i = 0; (item = collateral_at(set, i)); i++)
		json_array_append_new(items, json_item(item, now));
	return json_pack("{so so}", "bundles", list, "documents", items);
}

int collateral_show(int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
					      {"at", required_argument, NULL, 'a'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *set = NULL;
	struct bundles bundles = {0};
	struct tobi_fault fault = {0};
	int64_t now = time(NULL);
	bool as_json = false;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "a:", known, NULL)) != -1) {
		if (option == 'j')
			as_json = true;
		else if (option != 'a')
			return cli_usage(COLLATERAL_COMMAND, "there is no such option");
		else if (!date_read(optarg, &now))
			return cli_usage(COLLATERAL_COMMAND,
					 "--at needs a time like 2026-05-17T12:00:00Z");
	}
	if (optind == argc || argc - optind > COLLATERAL_PATHS_MAX)
		return cli_usage(COLLATERAL_COMMAND,
				 "show needs 1 to %d files or folders",
				 COLLATERAL_PATHS_MAX);
	if (collateral_load_all(argv + optind, (size_t)(argc - optind), &set, &fault))
		return cli_fail(&fault);
	for (int i = optind; i < argc; i++)
		find_bundle(argv[i], &bundles);
	if (as_json)
		return cli_put_json(NULL, to_json(set, &bundles, now));
	print_text(set, &bundles, now);
	return fflush(stdout) == EOF ? cli_error("cannot write to the standard output")
				     : EXIT_ACCEPTED;
}
