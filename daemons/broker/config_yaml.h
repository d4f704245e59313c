/* The configuration file as it is written: the shape is checked, the values are not. */
#ifndef TOBI_DAEMONS_BROKER_CONFIG_YAML_H
#define TOBI_DAEMONS_BROKER_CONFIG_YAML_H

#include "base/writer.h"

struct yaml_tls {
	char *certificate, *key, *min_version;
};
struct yaml_attested {
	char **listen;
	unsigned listen_count;
	char *certificate, *key;
};
struct yaml_sessions {
	char *seconds, *most;
};
struct yaml_limits {
	char *workers, *queue, *connections, *client_connections, *connection_requests;
	char *rate, *burst, *client_rate, *client_burst, *head_bytes, *body_memory;
	char *head_seconds, *body_seconds, *idle_seconds, *request_seconds,
	    *reply_seconds, *attested_seconds, *stop_seconds;
};
struct yaml_broker {
	char *name, *database, *keys, *pin_file, *token_key, *entry, *user, *metrics,
	    *log, *plain, *database_connections, *evidence_seconds;
	char **listen, **hosts, **operators, **collateral;
	unsigned listen_count, hosts_count, operators_count, collateral_count;
	struct yaml_tls *tls;
	struct yaml_attested *attested;
	struct yaml_sessions *sessions;
	struct yaml_limits *limits;
};

TOBI_MUST_USE enum tobi_err config_yaml_load(struct tobi_bytes text, const char *object,
					     struct yaml_broker **ret_yaml,
					     struct tobi_fault *fault);
void config_yaml_free(struct yaml_broker *yaml);

#endif
