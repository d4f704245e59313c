/*
 * The broker's configuration file (tobichi-broker.yaml(5)): YAML, strict. A path that
 * does not start with a slash is below the file's folder.
 */
#ifndef TOBI_DAEMONS_BROKER_CONFIG_H
#define TOBI_DAEMONS_BROKER_CONFIG_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/writer.h"

enum {
	CONFIG_LIST = 16,
	/* What a session of attested TLS may take until it is open. */
	CONFIG_EVIDENCE_MEMORY = 2 * (LIMIT_EVIDENCE + LIMIT_CLAIMS_BUFFER),
};

enum config_log { LOG_ALL, LOG_ERRORS, LOG_NONE };

struct config_limits {
	uint64_t workers, queue;
	uint64_t connections, client_connections, connection_requests;
	uint64_t rate, burst, client_rate, client_burst; /* requests a second; 0: none */
	uint64_t head_bytes, body_memory;
	uint64_t head_seconds, body_seconds, idle_seconds, request_seconds, reply_seconds,
	    attested_seconds, stop_seconds;
};

/* Texts are the configuration's; NULL where an optional key is absent. */
struct config {
	/* token_key NULL: made of the store keys. */
	const char *name, *database, *keys, *pin_file, *token_key, *entry, *user;
	const char *listen[CONFIG_LIST], *collateral[CONFIG_LIST],
	    *operators[CONFIG_LIST];
	/* NULL ends them: as struct broker_setup has them. */
	const char *hosts[CONFIG_LIST + 1];
	size_t listen_count, collateral_count, operator_count;
	const char *certificate, *key; /* NULL: no TLS */
	/* Attested TLS, in which the clients prove what they are. */
	const char *attested[CONFIG_LIST];
	size_t attested_count;
	const char *attested_certificate, *attested_key;
	bool tls12;
	/* TLS ends at the agent of the enclave in which this broker runs. */
	bool inside;
	const char *metrics;  /* an address, or NULL */
	bool metrics_on_main; /* /metrics is served to everybody */
	enum config_log log;
	uint64_t connections, session_seconds, sessions, evidence_seconds;
	struct config_limits limits;
	struct yaml_broker *yaml;
	char *paths[4 * CONFIG_LIST]; /* that were made absolute */
	size_t path_count;
};

/* path names the file in faults, and whose folder it is. Errors: those of yaml_load(),
 * TOBI_E_MALFORMED (a value), _ARGUMENT (two that do not go together). */
TOBI_MUST_USE enum tobi_err config_parse(struct tobi_bytes text, const char *path,
					 struct config **ret_config,
					 struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err config_read(const char *path, struct config **ret_config,
					struct tobi_fault *fault);
void config_free(struct config *config);
DEFINE_CLEANUP(struct config *, config_free)

#endif
