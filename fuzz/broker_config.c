/* The broker's configuration file. */
#include <string.h>

#include "daemons/broker/config.h"
#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct config *config = NULL;

	if (config_parse(input, "/etc/broker.yaml", &config, NULL))
		return false;
	must(config->name && config->database && config->keys);
	must(config->listen_count >= 1 && config->listen_count <= CONFIG_LIST);
	must(config->operator_count <= CONFIG_LIST);
	must(config->collateral_count <= CONFIG_LIST && !config->hosts[CONFIG_LIST]);
	must(!config->certificate == !config->key);
	/* Paths are whole. */
	must(!config->token_key || config->token_key[0] == '/');
	must(!config->certificate || config->certificate[0] == '/');
	must(!config->entry || config->entry[0] == '/');
	must(config->limits.workers >= 1 && config->limits.workers <= 256);
	must(config->limits.head_bytes >= 1024);
	must(config->connections >= 1 && config->session_seconds >= 10);
	config_free(config);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const seeds[] = {
	    "name: a\nlisten: ['127.0.0.1:1']\nplain: loopback\ndatabase: sqlite:/d\n"
	    "keys: file:/k\ntoken-key: t\n",
	    "name: https://a\nlisten:\n  - '[::]:8443'\nhosts: [a, 'b:1']\ntls:\n"
	    "  certificate: c\n  key: k\n  min-version: '1.2'\ndatabase: "
	    "postgres:host=a\n"
	    "keys: vault:https://v/k\npin-file: p\ntoken-key: /t\nentry: e.yaml\n"
	    "operators: [o]\ncollateral: [a, /b]\nmetrics: main\nlog: none\nuser: u\n"
	    "sessions:\n  seconds: 60\nlimits:\n  workers: 3\n  rate: 0\n",
	};

	if (number >= sizeof(seeds) / sizeof(seeds[0]))
		return FUZZ_NO_SEED;
	wr_printf(out, "%s", seeds[number]);
	return FUZZ_GOOD;
}
