/* `tobichi collateral fetch`: what one piece of evidence, or one platform, needs. */
#include "cli/collateral.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "appraise/unwrap.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "tee/nvidia_evidence.h"
#include "tee/nvidia_needs.h"

struct options {
	struct source_options source;
	const char *evidence, *out;
	const char *fmspc, *ca, *product, *chip, *tcb;
	bool tdx, vlek;
};

static const char *take_option(struct options *options, int option)
{
	bool mine;
	const char *wrong = source_option(&options->source, option, &mine);

	if (mine)
		return wrong;
	switch (option) {
	case 'o':
		options->out = optarg;
		return NULL;
	case 'f':
		options->fmspc = optarg;
		return NULL;
	case 'a':
		options->ca = optarg;
		return strcmp(optarg, "platform") != 0 && strcmp(optarg, "processor") != 0
			   ? "--ca is platform or processor"
			   : NULL;
	case 'p':
		options->product = optarg;
		return NULL;
	case 'c':
		options->chip = optarg;
		return NULL;
	case 'b':
		options->tcb = optarg;
		return NULL;
	case 'x':
		options->tdx = true;
		return NULL;
	case 'v':
		options->vlek = true;
		return NULL;
	default:
		return "there is no such option";
	}
}

static const char *wrong_options(const struct options *options)
{
	if (!options->evidence && !options->fmspc && !options->product)
		return "fetch needs EVIDENCE, --fmspc or --product";
	if (options->evidence && (options->fmspc || options->chip))
		return "EVIDENCE names its platform itself";
	if ((options->tdx || options->ca) && !options->fmspc)
		return "--tdx and --ca belong to --fmspc";
	if ((options->chip != NULL) != (options->tcb != NULL))
		return "--chip and --tcb belong together";
	if ((options->chip || options->vlek) && !options->product)
		return "--chip and --vlek need --product";
	return options->chip && options->vlek ? "a VLEK is not of one chip" : NULL;
}

static enum tobi_err read_hex(const char *text, const char *what, uint8_t *ret_bytes,
			      size_t max, struct tobi_bytes *ret_view,
			      struct tobi_fault *fault)
{
	size_t digits = strlen(text);

	if (digits % 2 || digits > 2 * max || !hex_read(text, ret_bytes, digits / 2))
		return fault_set(fault, TOBI_E_ARGUMENT, "fetch", what,
				 "hexadecimal digits are needed, at most %zu", 2 * max);
	*ret_view = (struct tobi_bytes){ret_bytes, digits / 2};
	return TOBI_OK;
}

static enum tobi_err needs_by_name(const struct options *options, struct needs *needs,
				   struct tobi_fault *fault)
{
	uint8_t chip[CHIP_ID_SIZE], tcb[8];
	struct tobi_bytes chip_view, tcb_view;
	enum tobi_err err = TOBI_OK;

	if (options->fmspc) {
		err = needs_of_platform(options->fmspc,
					options->ca ? options->ca : "platform",
					options->tdx, needs, fault);
		if (!err && !options->ca)
			err = needs_of_platform(options->fmspc, "processor", options->tdx,
						needs, fault);
	}
	if (err || !options->product)
		return err;
	if (!options->chip)
		return needs_of_product(options->product, options->vlek, needs, fault);
	err = read_hex(options->chip, "chip", chip, sizeof(chip), &chip_view, fault);
	if (!err)
		err = read_hex(options->tcb, "tcb", tcb, sizeof(tcb), &tcb_view, fault);
	return err ? err
		   : needs_of_chip(options->product, chip_view, tcb_view, needs, fault);
}

/* Of each piece of hardware that the evidence has inside. What needs nothing is an error
 * where nothing else does. */
static enum tobi_err needs_inside(struct tobi_bytes evidence,
				  const struct needs_hint *hint, struct needs *needs,
				  struct tobi_fault *fault)
{
	CLEANUP(arena_done) struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tobi_fault first = {0};
	struct hardware_parts parts;
	enum tobi_err err = unwrap_hardware(evidence, &arena, &parts, fault);

	for (size_t i = 0; i < parts.count && !err; i++) {
		struct tobi_bytes part = parts.list[i];

		err = nvidia_evidence_is(part)
			  ? nvidia_needs(part, needs, fault)
			  : needs_of_evidence(part, hint, needs, fault);
		if (err != TOBI_E_UNSUPPORTED)
			continue;
		first = first.code ? first : *fault;
		err = TOBI_OK;
	}
	if (err || needs->count)
		return err;
	*fault = first;
	return first.code;
}

static enum tobi_err find_needs(const struct options *options, struct needs *needs,
				struct tobi_fault *fault)
{
	const struct needs_hint hint = {.product = options->product};
	CLEANUP(wr_done) struct writer file = wr_init(LIMIT_EVIDENCE_TEXT);
	CLEANUP(wr_done) struct writer decoded = wr_init(LIMIT_EVIDENCE);
	struct unwrapped evidence = {0};
	enum tobi_err err;

	if (!options->evidence)
		return needs_by_name(options, needs, fault);
	err = file_read(options->evidence, LIMIT_EVIDENCE_TEXT, "evidence", &file, fault);
	if (!err)
		err = unwrap_evidence(wr_view(&file), unwrap_is_evidence, &decoded,
				      &evidence, fault);
	return err ? err : needs_inside(evidence.bytes, &hint, needs, fault);
}

static void say_got(const struct collateral_item *item, const struct cache_report *report)
{
	static const char *const how[] = {"fetched", "kept", "in need"};
	int64_t issued, next;
	char until[CLI_TIME_SIZE] = "-";

	collateral_dates(item, &issued, &next);
	if (next)
		cli_format_time(next, until);
	printf("%-8s  ", how[report->how]);
	collateral_print_name(stdout, item, true);
	printf("  until %s%s\n", until,
	       report->checked == COLLATERAL_NOT_CHECKED
		   ? "  (its signature is checked when it is used)"
		   : "");
}

/* One document; false when it could not be had. */
static bool get(const struct source *source, const struct need *need,
		struct tobi_collateral *set, bool *unreachable)
{
	size_t before = collateral_count(set);
	const struct collateral_item *item;
	struct tobi_fault fault = {0};
	struct cache_report report;
	enum tobi_err err =
	    cache_get(&source->cache, &source->fetch, need, set, &report, &fault);

	if (report.dropped)
		collateral_say("warning: thrown out of the cache", &report.why);
	if (err) {
		collateral_say_missing("error", &fault, unreachable);
		return false;
	}
	if (report.how == CACHE_IN_NEED)
		collateral_say("warning: the copy in the cache is used, which is still "
			       "valid",
			       &report.why);
	for (size_t i = before; (item = collateral_at(set, i)); i++)
		say_got(item, &report);
	return true;
}

static enum tobi_err add_needs_of_pck(const struct tobi_collateral *set,
				      struct needs *needs, struct tobi_fault *fault)
{
	const struct collateral_item *pck = collateral_find(set, COLLATERAL_PCK, NULL);

	return pck ? needs_of_pck(pck, needs->tdx, needs, fault) : TOBI_OK;
}

/* What a document itself is the reason for: who signed reference values may be revoked.
 */
static enum tobi_err add_needs_of(const struct tobi_collateral *set, size_t before,
				  struct needs *needs, struct tobi_fault *fault)
{
	const struct collateral_item *item;
	enum tobi_err err = TOBI_OK;

	for (size_t i = before; (item = collateral_at(set, i)) && !err; i++) {
		if (item->kind == COLLATERAL_NVIDIA_RIM)
			err = nvidia_needs_of_rim(item->data, needs, fault);
	}
	return err;
}

static int get_all(const struct source *source, struct tobi_collateral *set,
		   struct needs *needs)
{
	struct tobi_fault fault = {0};
	bool all = true, unreachable = false;

	for (size_t i = 0; i < needs->count; i++) {
		size_t before = collateral_count(set);

		all &= get(source, &needs->list[i], set, &unreachable);
		if (add_needs_of(set, before, needs, &fault))
			return cli_fail(&fault);
		if (i == 0 && needs->pck_first && add_needs_of_pck(set, needs, &fault))
			return cli_fail(&fault);
	}
	collateral_say_ways(unreachable);
	if (needs->note)
		fprintf(stderr, "tobichi: %s\n", needs->note);
	return all ? EXIT_ACCEPTED : EXIT_ERROR;
}

static const char *suffix_of(struct tobi_bytes data)
{
	switch (data.size ? data.ptr[0] : 0) {
	case '{':
		return "json";
	case '-':
		return "pem";
	case 0x30:
		return "der";
	default:
		return "bin";
	}
}

/* NAME.json, and the issuers as NAME.issuers.pem. The number tells leaves apart. */
static enum tobi_err write_item(const char *folder, size_t index,
				const struct collateral_item *item,
				struct tobi_fault *fault)
{
	char path[LIMIT_PATH], name[64];
	enum tobi_err err;

	snprintf(name, sizeof(name), "%02zu-%s%s%s", index + 1,
		 collateral_kind_name(item->kind), item->name[0] ? "-" : "", item->name);
	if (snprintf(path, sizeof(path), "%s/%s.%s", folder, name,
		     suffix_of(item->data)) >= (int)sizeof(path) - 16)
		return fault_set(fault, TOBI_E_LIMIT, "fetch", "output",
				 "the path is over %d bytes", LIMIT_PATH);
	err = file_write(path, 0644, item->data, "output", fault);
	if (err || !item->chain.size)
		return err;
	snprintf(path, sizeof(path), "%s/%s.issuers.pem", folder, name);
	return file_write(path, 0644, item->chain, "output", fault);
}

static int write_folder(const char *folder, const struct tobi_collateral *set)
{
	const struct collateral_item *item;
	struct tobi_fault fault = {0};

	if (mkdir(folder, 0755) && errno != EEXIST)
		return cli_error("cannot make the folder %s: %s", folder,
				 strerror(errno));
	for (size_t i = 0; (item = collateral_at(set, i)); i++) {
		if (write_item(folder, i, item, &fault))
			return cli_fail(&fault);
	}
	return EXIT_ACCEPTED;
}

static int run(const struct options *options)
{
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *set = tobi_collateral_new();
	CLEANUP(freep) struct needs *needs = calloc(1, sizeof(*needs));
	CLEANUP(http_client_freep) struct http_client *client = NULL;
	struct tobi_fault fault = {0};
	struct source source;
	int status, written;

	if (!set || !needs)
		return cli_error("out of memory");
	if (find_needs(options, needs, &fault) ||
	    source_open(&options->source, true, &source, &fault))
		return cli_fail(&fault);
	client = source.fetch.client;
	source.cache.folder = source.folder;
	status = get_all(&source, set, needs);
	written = options->out ? write_folder(options->out, set) : EXIT_ACCEPTED;
	return status ? status : written;
}

int collateral_fetch(int argc, char **argv)
{
	static const struct option known[] = {SOURCE_OPTIONS,
					      {"output", required_argument, NULL, 'o'},
					      {"fmspc", required_argument, NULL, 'f'},
					      {"ca", required_argument, NULL, 'a'},
					      {"product", required_argument, NULL, 'p'},
					      {"chip", required_argument, NULL, 'c'},
					      {"tcb", required_argument, NULL, 'b'},
					      {"tdx", no_argument, NULL, 'x'},
					      {"vlek", no_argument, NULL, 'v'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.source = source_options_new()};
	const char *wrong = NULL;
	int option;

	optind = 1;
	while (!wrong && (option = getopt_long(argc, argv, "o:", known, NULL)) != -1)
		wrong = take_option(&options, option);
	if (!wrong && optind + 1 < argc)
		wrong = "fetch takes one EVIDENCE";
	if (!wrong && optind < argc)
		options.evidence = argv[optind];
	if (!wrong)
		wrong = wrong_options(&options);
	return wrong ? cli_usage(COLLATERAL_COMMAND, "%s", wrong) : run(&options);
}
