#include "cli/run_policies.h"

#include <string.h>

#include "appraise/policy_files.h"
#include "base/file.h"
#include "cli/cli.h"
#include "tobichi/verify.h"

/* Its text is measured with the rest of the launch config. */
static int add(struct run_policies *policies, struct launch_config *config,
	       struct tobi_bytes name, const char *path)
{
	struct tobi_policy *policy = NULL;
	struct tobi_fault fault = {0};
	struct writer *text;

	if (config->policy_count == LAUNCH_POLICIES)
		return cli_usage("run", "too many policies");
	text = &policies->texts[config->policy_count];
	*text = wr_init(LIMIT_CONFIG);
	/* What the agent could not read is said here, where its file has a name. */
	if (file_read(path, LIMIT_CONFIG, "policy", text, &fault) ||
	    tobi_policy_parse(wr_view(text), path, &policy, &fault) ||
	    policy_is_whole(policy, path, &fault)) {
		tobi_policy_free(policy);
		wr_done(text);
		return cli_fail(&fault);
	}
	tobi_policy_free(policy);
	config->policies[config->policy_count++] =
	    (struct launch_policy){name, wr_view(text)};
	return 0;
}

int run_policies_egress(struct run_policies *policies, struct launch_config *config,
			const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals)
		return cli_usage("run", "--egress-policy needs HOST:PORT=FILE");
	return add(policies, config,
		   (struct tobi_bytes){(const uint8_t *)value, (size_t)(equals - value)},
		   equals + 1);
}

int run_policies_clients(struct run_policies *policies, struct launch_config *config,
			 const char *path)
{
	const struct tobi_bytes clients = {(const uint8_t *)LAUNCH_CLIENTS,
					   sizeof(LAUNCH_CLIENTS) - 1};

	return add(policies, config, clients, path);
}

int run_policies_broker(struct run_policies *policies, struct launch_config *config,
			const char *path)
{
	const struct tobi_bytes broker = {(const uint8_t *)LAUNCH_BROKER,
					  sizeof(LAUNCH_BROKER) - 1};

	return add(policies, config, broker, path);
}

void run_policies_done(struct run_policies *policies)
{
	for (size_t i = 0; i < LAUNCH_POLICIES; i++)
		wr_done(&policies->texts[i]);
}
