/* A launch config that is read is written again as the same bytes. */
#include "fuzz/fuzz.h"
#include "image/manifest.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct launch_config *config = calloc(1, sizeof(*config));
	struct writer out = wr_init(LIMIT_CONFIG);
	struct tobi_fault fault = {0};
	bool accepted;

	must(config != NULL);
	accepted = !launch_config_parse(input, config, &fault);
	if (accepted) {
		must(!launch_config_write(config, &out, &fault));
		must(bytes_equal(wr_view(&out), input));
	} else {
		must(fault.code != TOBI_OK);
	}
	wr_done(&out);
	free(config);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t some[48] = {1, 2, 3};
	struct launch_config *config = calloc(1, sizeof(*config));

	must(config != NULL);
	if (number == 1) {
		config->arguments[config->argument_count++] = text_of("--verbose");
		config->environment[config->environment_count++] =
		    (struct text_pair){text_of("A"), text_of("1")};
		config->environment[config->environment_count++] =
		    (struct text_pair){text_of("B"), text_of("\xc3\xa9")};
		config->owner = (struct tobi_bytes){some, 48};
		config->ra_tls = true;
	} else if (number == 2) {
		config->policies[config->policy_count++] =
		    (struct launch_policy){text_of("a:1"), text_of("version: 1\n")};
		config->policies[config->policy_count++] =
		    (struct launch_policy){text_of("clients"), text_of("version: 1\n")};
	}
	if (number == 3) {
		config->broker = text_of("[::1]:8443");
		config->broker_key = (struct tobi_bytes){some, 48};
		config->broker_secrets = text_of("shop/keys");
		config->policies[config->policy_count++] =
		    (struct launch_policy){text_of("broker"), text_of("version: 1\n")};
	}
	if (number < 4)
		must(!launch_config_write(config, out, NULL));
	free(config);
	return number < 4 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
