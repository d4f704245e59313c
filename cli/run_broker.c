#include "cli/run_broker.h"

#include "base/secret.h"
#include "cli/cli.h"
#include "image/rules.h"

static int take_key(struct run_broker *broker, struct launch_config *config,
		    const char *value)
{
	struct tobi_fault fault = {0};

	if (cli_read_key_hash(value, "broker's key", broker->key, &fault))
		return cli_fail(&fault);
	config->broker_key = (struct tobi_bytes){broker->key, sizeof(broker->key)};
	return 0;
}

int run_broker_option(struct run_broker *broker, struct run_policies *policies,
		      struct launch_config *config, int option, const char *value)
{
	struct tobi_bytes text = bytes_of_text(value);

	switch (option) {
	case RUN_BROKER:
		if (!rule_egress(text))
			return cli_usage("run", "--broker needs HOST:PORT");
		config->broker = text;
		return 0;
	case RUN_BROKER_SECRETS:
		if (!rule_scope(text))
			return cli_usage("run", "--broker-secrets needs REPOSITORY/TYPE");
		config->broker_secrets = text;
		return 0;
	case RUN_BROKER_COUNTERS:
		if (!rule_scope(text))
			return cli_usage("run",
					 "--broker-counters needs REPOSITORY/TYPE");
		config->broker_counters = text;
		return 0;
	case RUN_BROKER_KEY:
		return take_key(broker, config, value);
	default:
		if (launch_config_policy(config, bytes_of_text(LAUNCH_BROKER)).size)
			return cli_usage("run", "--broker-policy is given once");
		return run_policies_broker(policies, config, value);
	}
}

int run_broker_check(const struct launch_config *config)
{
	bool known = config->broker_key.size ||
		     launch_config_policy(config, bytes_of_text(LAUNCH_BROKER)).size;

	if (config->broker.size && !known)
		return cli_usage("run", "whoever answers at --broker is not the broker "
					"for that: give --broker-key or --broker-policy");
	if (!config->broker.size &&
	    (known || config->broker_secrets.size || config->broker_counters.size))
		return cli_usage("run", "--broker HOST:PORT is missing");
	return 0;
}
