#include <stdlib.h>
#include <string.h>

#include "appraise/policy_files.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "tobichi/trust.h"

struct options {
	const char *policy, *out;
	enum tobi_format format;
};

DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)
DEFINE_CLEANUP(struct tobi_trust *, tobi_trust_free)

static const struct option long_options[] = {{"json", no_argument, NULL, 'j'},
					     {"html", no_argument, NULL, 'h'},
					     {"output", required_argument, NULL, 'o'},
					     {NULL, 0, NULL, 0}};

static enum tobi_err build(const char *path, struct tobi_trust **ret_trust,
			   struct tobi_fault *fault)
{
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	enum tobi_err err = policy_read_file(path, &policy, fault);

	return err ? err : tobi_trust_new(policy, ret_trust, fault);
}

static int run(const struct options *options)
{
	CLEANUP(tobi_trust_freep) struct tobi_trust *trust = NULL;
	CLEANUP(freep) char *text = NULL;
	enum tobi_format format = options->format;
	struct tobi_fault fault = {0};

	if (format == TOBI_FORMAT_TEXT && !options->out && cli_color(stdout))
		format = TOBI_FORMAT_TEXT_COLOR;
	if (build(options->policy, &trust, &fault) ||
	    tobi_trust_write(trust, format, &text, &fault))
		return cli_fail(&fault);
	return cli_put(options->out, (struct tobi_bytes){(uint8_t *)text, strlen(text)});
}

int cmd_trust(int argc, char **argv)
{
	struct options options = {.format = TOBI_FORMAT_TEXT};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1) {
		if (option == 'o') {
			options.out = optarg;
			continue;
		}
		if (option != 'j' && option != 'h')
			return cli_usage("trust", "there is no such option");
		if (options.format != TOBI_FORMAT_TEXT)
			return cli_usage("trust", "--json and --html exclude each other");
		options.format = option == 'j' ? TOBI_FORMAT_JSON : TOBI_FORMAT_HTML;
	}
	if (optind + 1 != argc)
		return cli_usage("trust", "it needs one POLICY file");
	options.policy = argv[optind];
	return run(&options);
}
