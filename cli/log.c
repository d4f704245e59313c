#include "cli/log.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"

enum { INTERVAL = 60, SECONDS_MAX = 366 * 24 * 3600 };

const uint8_t *log_options_id(const struct log_options *options)
{
	return options->has_id ? options->id : NULL;
}

/* The log's public key: a PEM file, or its id in hexadecimal. */
static enum tobi_err read_id(struct log_options *options, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err;

	options->has_id = options->key != NULL;
	if (!options->key || hex_read(options->key, options->id, sizeof(options->id)))
		return TOBI_OK;
	err = file_read(options->key, LIMIT_PEM, "log key", &pem, fault);
	if (!err)
		err = key_read_public(wr_view(&pem), "log key", &key, fault);
	return err ? err : key_spki_sha384(key, options->id, fault);
}

enum {
	OPTION_BROKER = 256,
	OPTION_CA,
	OPTION_OWNER,
	OPTION_KEY,
	OPTION_HEAD,
	OPTION_SINCE,
	OPTION_STATE,
	OPTION_INTERVAL,
	OPTION_MAX_AGE,
	OPTION_ONCE,
	OPTION_ENTRIES,
	OPTION_JSON,
};

static const struct option known[] = {
    {"broker", required_argument, NULL, OPTION_BROKER},
    {"tls-ca", required_argument, NULL, OPTION_CA},
    {"key", required_argument, NULL, OPTION_OWNER},
    {"log-key", required_argument, NULL, OPTION_KEY},
    {"head", required_argument, NULL, OPTION_HEAD},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"state", required_argument, NULL, OPTION_STATE},
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"max-age", required_argument, NULL, OPTION_MAX_AGE},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"entries", no_argument, NULL, OPTION_ENTRIES},
    {"output", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

struct subcommand {
	const char *name;
	int (*run)(const struct log_options *options);
	/* What it takes: what an option of another does not do would look like a check.
	 */
	const int *takes;
};

static const int of_prove[] = {OPTION_BROKER, OPTION_CA, OPTION_OWNER, OPTION_KEY,
			       OPTION_SINCE,  'o',	 OPTION_JSON,  0};
static const int of_verify[] = {OPTION_KEY, OPTION_HEAD, OPTION_JSON, 0};
static const int of_follow[] = {OPTION_OWNER,
				OPTION_BROKER,
				OPTION_CA,
				OPTION_KEY,
				OPTION_STATE,
				OPTION_INTERVAL,
				OPTION_MAX_AGE,
				OPTION_ONCE,
				OPTION_ENTRIES,
				OPTION_JSON,
				0};
static const int of_evidence[] = {OPTION_BROKER, OPTION_CA,   OPTION_OWNER,
				  'o',		 OPTION_JSON, 0};
static const int of_retention[] = {OPTION_BROKER, OPTION_CA, OPTION_OWNER, OPTION_JSON,
				   0};
static const struct subcommand subcommands[] = {
    {"prove", log_prove, of_prove},
    {"verify", log_verify, of_verify},
    {"follow", log_follow, of_follow},
    {"evidence", log_evidence, of_evidence},
    {"retention", log_retention, of_retention},
};

static const struct subcommand *find_subcommand(const char *name)
{
	for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	}
	return NULL;
}

static bool takes(const struct subcommand *subcommand, int option)
{
	for (const int *one = subcommand->takes; *one; one++) {
		if (*one == option)
			return true;
	}
	return false;
}

static const char *take_option(struct log_options *options, int option)
{
	switch (option) {
	case OPTION_BROKER:
		options->broker.url = optarg;
		return NULL;
	case OPTION_CA:
		options->broker.ca = optarg;
		return NULL;
	case OPTION_OWNER:
		options->broker.key = optarg;
		return NULL;
	case OPTION_KEY:
		options->key = optarg;
		return NULL;
	case OPTION_HEAD:
		options->head = optarg;
		return NULL;
	case OPTION_SINCE:
		options->since = optarg;
		return NULL;
	case OPTION_STATE:
		options->state = optarg;
		return NULL;
	case 'o':
		options->out = optarg;
		return NULL;
	case OPTION_INTERVAL:
		return cli_read_number(optarg, SECONDS_MAX, &options->interval) &&
			       options->interval
			   ? NULL
			   : "--interval needs seconds, 1 at least";
	case OPTION_MAX_AGE:
		return cli_read_number(optarg, SECONDS_MAX, &options->max_age) &&
			       options->max_age
			   ? NULL
			   : "--max-age needs seconds, 1 at least";
	case OPTION_ONCE:
		options->once = true;
		return NULL;
	case OPTION_ENTRIES:
		options->entries = true;
		return NULL;
	case OPTION_JSON:
		options->broker.json = true;
		return NULL;
	default:
		return "there is no such option";
	}
}

int cmd_log(int argc, char **argv)
{
	struct log_options options = {.interval = INTERVAL};
	const struct subcommand *subcommand = argc > 1 ? find_subcommand(argv[1]) : NULL;
	struct tobi_fault fault = {0};
	int option;

	if (!subcommand)
		return cli_usage(LOG_COMMAND,
				 "it needs prove, verify, follow, evidence or "
				 "retention");
	argc--;
	argv++;
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		const char *wrong = takes(subcommand, option) || option == '?'
					? take_option(&options, option)
					: "it has no such option";

		if (wrong)
			return cli_usage(LOG_COMMAND, "%s: %s", subcommand->name, wrong);
	}
	if (!options.broker.url)
		options.broker.url = getenv("TOBICHI_BROKER");
	options.files = argv + optind;
	options.file_count = argc - optind;
	if (read_id(&options, &fault))
		return cli_fail(&fault);
	return subcommand->run(&options);
}
