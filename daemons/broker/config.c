#include "daemons/broker/config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>
#include <arpa/inet.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "broker/decision.h"
#include "daemons/broker/config_yaml.h"

#define YAML_LIMIT(member) offsetof(struct yaml_limits, member)
#define VALUE(member) offsetof(struct config_limits, member)

/* Every limit: where it is written, where it goes, what it may be, what it is unsaid. */
static const struct limit_row {
	const char *key;
	size_t from, to;
	uint64_t least, most, usual;
} limit_rows[] = {
    {"limits.workers", YAML_LIMIT(workers), VALUE(workers), 1, 256, 8},
    {"limits.queue", YAML_LIMIT(queue), VALUE(queue), 1, 65536, 256},
    {"limits.connections", YAML_LIMIT(connections), VALUE(connections), 1, 1000000,
     12000},
    {"limits.client-connections", YAML_LIMIT(client_connections),
     VALUE(client_connections), 1, 1000000, 200},
    {"limits.connection-requests", YAML_LIMIT(connection_requests),
     VALUE(connection_requests), 1, 1000000000, 10000},
    {"limits.rate", YAML_LIMIT(rate), VALUE(rate), 0, 1000000, 5000},
    {"limits.burst", YAML_LIMIT(burst), VALUE(burst), 1, 1000000, 10000},
    {"limits.client-rate", YAML_LIMIT(client_rate), VALUE(client_rate), 0, 1000000, 100},
    {"limits.client-burst", YAML_LIMIT(client_burst), VALUE(client_burst), 1, 1000000,
     300},
    {"limits.head-bytes", YAML_LIMIT(head_bytes), VALUE(head_bytes), 1024, 256 << 10,
     16 << 10},
    {"limits.body-memory", YAML_LIMIT(body_memory), VALUE(body_memory), 1 << 20,
     UINT64_C(16) << 30, 128 << 20},
    {"limits.head-seconds", YAML_LIMIT(head_seconds), VALUE(head_seconds), 1, 3600, 10},
    {"limits.body-seconds", YAML_LIMIT(body_seconds), VALUE(body_seconds), 1, 3600, 30},
    {"limits.idle-seconds", YAML_LIMIT(idle_seconds), VALUE(idle_seconds), 1, 86400, 75},
    {"limits.request-seconds", YAML_LIMIT(request_seconds), VALUE(request_seconds), 1,
     3600, 30},
    {"limits.reply-seconds", YAML_LIMIT(reply_seconds), VALUE(reply_seconds), 1, 3600,
     30},
    {"limits.attested-seconds", YAML_LIMIT(attested_seconds), VALUE(attested_seconds), 1,
     3600, 3600},
    {"limits.stop-seconds", YAML_LIMIT(stop_seconds), VALUE(stop_seconds), 1, 3600, 20},
};

static enum tobi_err take_number(const char *object, const char *field, const char *text,
				 uint64_t least, uint64_t most, uint64_t *value,
				 struct tobi_fault *fault)
{
	uint64_t number = 0;
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return TOBI_OK;
	if (!digits || text[digits] || digits > 15)
		return fault_set(fault, TOBI_E_MALFORMED, object, field,
				 "it is no number");
	for (; *text; text++)
		number = 10 * number + (uint64_t)(*text - '0');
	if (number < least || number > most)
		return fault_set(fault, TOBI_E_MALFORMED, object, field,
				 "it is a number from %llu to %llu",
				 (unsigned long long)least, (unsigned long long)most);
	*value = number;
	return TOBI_OK;
}

static enum tobi_err take_limits(struct config *config, const char *object,
				 struct tobi_fault *fault)
{
	const char *yaml = (const char *)config->yaml->limits;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(limit_rows) / sizeof(limit_rows[0]) && !err; i++) {
		const struct limit_row *row = &limit_rows[i];
		uint64_t *to = (void *)((char *)&config->limits + row->to);

		*to = row->usual;
		if (yaml)
			err =
			    take_number(object, row->key,
					*(char *const *)(const void *)(yaml + row->from),
					row->least, row->most, to, fault);
	}
	return err;
}

/* Below the folder of the configuration, unless it starts with a slash. */
static enum tobi_err take_path(struct config *config, const char *object,
			       const char *text, const char **ret_path,
			       struct tobi_fault *fault)
{
	const char *slash = strrchr(object, '/');
	char *whole = NULL;

	*ret_path = text;
	if (!text || text[0] == '/' || !slash)
		return TOBI_OK;
	if (asprintf(&whole, "%.*s%s", (int)(slash - object) + 1, object, text) < 0)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	config->paths[config->path_count++] = whole;
	*ret_path = whole;
	return TOBI_OK;
}

static enum tobi_err take_paths(struct config *config, const char *object,
				struct tobi_fault *fault)
{
	const struct yaml_broker *yaml = config->yaml;
	enum tobi_err err =
	    take_path(config, object, yaml->pin_file, &config->pin_file, fault);

	if (!err)
		err =
		    take_path(config, object, yaml->token_key, &config->token_key, fault);
	if (!err)
		err = take_path(config, object, yaml->entry, &config->entry, fault);
	if (!err && yaml->tls)
		err = take_path(config, object, yaml->tls->certificate,
				&config->certificate, fault);
	if (!err && yaml->tls)
		err = take_path(config, object, yaml->tls->key, &config->key, fault);
	for (unsigned i = 0; i < yaml->operators_count && !err; i++)
		err = take_path(config, object, yaml->operators[i],
				&config->operators[config->operator_count++], fault);
	for (unsigned i = 0; i < yaml->collateral_count && !err; i++)
		err = take_path(config, object, yaml->collateral[i],
				&config->collateral[config->collateral_count++], fault);
	return err;
}

/* The address, not a name: a name's addresses may change, and an open port with them. */
static bool read_address(const char *text, bool *ret_loopback)
{
	struct sockaddr_storage address = {0};
	int size = sizeof(address);

	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &size))
		return false;
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *four = (const void *)&address;

		*ret_loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
		return four->sin_port != 0;
	}
	*ret_loopback =
	    IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address)->sin6_addr);
	return ((const struct sockaddr_in6 *)&address)->sin6_port != 0;
}

/* Where secrets are put and fetched without TLS, only this host may be listening. */
static enum tobi_err take_listen(struct config *config, const char *object,
				 struct tobi_fault *fault)
{
	const struct yaml_broker *yaml = config->yaml;
	const char *plain = yaml->plain ? yaml->plain : "no";
	bool exposed = strcmp(plain, "exposed") == 0, loopback;

	config->inside = strcmp(plain, "inside") == 0;
	if (strcmp(plain, "no") != 0 && strcmp(plain, "loopback") != 0 && !exposed &&
	    !config->inside)
		return fault_set(fault, TOBI_E_MALFORMED, object, "plain",
				 "it is no, loopback, exposed or inside");
	if (!yaml->tls == (strcmp(plain, "no") == 0))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "tls",
				 "either the section tls, or the key plain");
	for (unsigned i = 0; i < yaml->listen_count; i++) {
		const char *address = yaml->listen[i];

		if (!read_address(address, &loopback))
			return fault_set(fault, TOBI_E_MALFORMED, object, "listen",
					 "an entry is no ADDRESS:PORT such as "
					 "127.0.0.1:8443 or [::]:8443");
		if (!yaml->tls && !exposed && !loopback)
			return fault_set(fault, TOBI_E_ARGUMENT, object, "plain",
					 "without TLS only addresses of this host are "
					 "listened on");
		config->listen[config->listen_count++] = address;
	}
	return TOBI_OK;
}

/* Its own certificate and key, or those of the other listeners. */
static enum tobi_err take_attested_key(struct config *config, const char *object,
				       const struct yaml_attested *yaml,
				       struct tobi_fault *fault)
{
	enum tobi_err err;

	if (!yaml->certificate != !yaml->key)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "attested",
				 "certificate and key come together, or neither");
	if (!yaml->key && !config->key)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "attested.key",
				 "without the section tls a certificate and a key are "
				 "needed here");
	config->attested_certificate = config->certificate;
	config->attested_key = config->key;
	if (!yaml->key)
		return TOBI_OK;
	err = take_path(config, object, yaml->certificate, &config->attested_certificate,
			fault);
	return err ? err
		   : take_path(config, object, yaml->key, &config->attested_key, fault);
}

/* It is never plain: any address will do. */
static enum tobi_err take_attested(struct config *config, const char *object,
				   struct tobi_fault *fault)
{
	const struct yaml_attested *yaml = config->yaml->attested;
	bool unused;

	if (!yaml)
		return TOBI_OK;
	if (config->inside)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "attested",
				 "inside an enclave attested TLS is its agent's");
	if (config->limits.body_memory < CONFIG_EVIDENCE_MEMORY)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "limits.body-memory",
				 "evidence of one session may need %d bytes",
				 CONFIG_EVIDENCE_MEMORY);
	for (unsigned i = 0; i < yaml->listen_count; i++) {
		if (!read_address(yaml->listen[i], &unused))
			return fault_set(fault, TOBI_E_MALFORMED, object,
					 "attested.listen",
					 "an entry is no ADDRESS:PORT such as "
					 "127.0.0.1:9443 or [::]:9443");
		config->attested[config->attested_count++] = yaml->listen[i];
	}
	return take_attested_key(config, object, yaml, fault);
}

static enum tobi_err take_words(struct config *config, const char *object,
				struct tobi_fault *fault)
{
	const struct yaml_broker *yaml = config->yaml;
	const char *version =
	    yaml->tls && yaml->tls->min_version ? yaml->tls->min_version : "1.3";
	const char *log = yaml->log ? yaml->log : "all";
	const char *metrics = yaml->metrics ? yaml->metrics : "none";
	bool unused;

	config->tls12 = strcmp(version, "1.2") == 0;
	if (!config->tls12 && strcmp(version, "1.3") != 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, "tls.min-version",
				 "it is 1.3 or 1.2");
	config->log = strcmp(log, "errors") == 0 ? LOG_ERRORS
		      : strcmp(log, "none") == 0 ? LOG_NONE
						 : LOG_ALL;
	if (config->log == LOG_ALL && strcmp(log, "all") != 0)
		return fault_set(fault, TOBI_E_MALFORMED, object, "log",
				 "it is all, errors or none");
	config->metrics_on_main = strcmp(metrics, "main") == 0;
	if (config->metrics_on_main || strcmp(metrics, "none") == 0)
		return TOBI_OK;
	if (!read_address(metrics, &unused))
		return fault_set(fault, TOBI_E_MALFORMED, object, "metrics",
				 "it is an ADDRESS:PORT, main or none");
	config->metrics = metrics;
	return TOBI_OK;
}

/* It is in tokens, signed heads and pages. */
static enum tobi_err check_name(const char *name, const char *object,
				struct tobi_fault *fault)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++) {
		if (name[i] <= ' ' || name[i] > '~' || strchr("\"\\<>", name[i]))
			return fault_set(fault, TOBI_E_MALFORMED, object, "name",
					 "it is a word or a URI, of plain characters");
	}
	return size <= 128 ? TOBI_OK
			   : fault_set(fault, TOBI_E_LIMIT, object, "name",
				       "it is over 128 bytes");
}

static enum tobi_err take_rest(struct config *config, const char *object,
			       struct tobi_fault *fault)
{
	const struct yaml_broker *yaml = config->yaml;
	const struct yaml_sessions none = {NULL, NULL},
				   *sessions = yaml->sessions ? yaml->sessions : &none;
	enum tobi_err err = check_name(yaml->name, object, fault);

	config->name = yaml->name;
	config->database = yaml->database;
	config->keys = yaml->keys;
	config->user = yaml->user;
	for (unsigned i = 0; i < yaml->hosts_count; i++)
		config->hosts[i] = yaml->hosts[i];
	config->connections = config->limits.workers + 2;
	config->session_seconds = 300;
	config->sessions = 100000;
	config->evidence_seconds = DECISION_RETENTION;
	if (!err)
		err = take_number(object, "database-connections",
				  yaml->database_connections, 1, 1000,
				  &config->connections, fault);
	if (!err)
		err =
		    take_number(object, "evidence-seconds", yaml->evidence_seconds, 0,
				DECISION_RETENTION_MAX, &config->evidence_seconds, fault);
	if (!err)
		err = take_number(object, "sessions.seconds", sessions->seconds, 10,
				  86400, &config->session_seconds, fault);
	return err ? err
		   : take_number(object, "sessions.most", sessions->most, 1, 100000000,
				 &config->sessions, fault);
}

enum tobi_err config_parse(struct tobi_bytes text, const char *path,
			   struct config **ret_config, struct tobi_fault *fault)
{
	CLEANUP(config_freep) struct config *config = calloc(1, sizeof(*config));
	enum tobi_err err;

	if (!config)
		return fault_set(fault, TOBI_E_MEMORY, path, "", "out of memory");
	err = config_yaml_load(text, path, &config->yaml, fault);
	if (!err)
		err = take_limits(config, path, fault);
	if (!err)
		err = take_paths(config, path, fault);
	if (!err)
		err = take_listen(config, path, fault);
	if (!err)
		err = take_attested(config, path, fault);
	if (!err)
		err = take_words(config, path, fault);
	if (!err)
		err = take_rest(config, path, fault);
	if (!err)
		*ret_config = TAKE(config);
	return err;
}

enum tobi_err config_read(const char *path, struct config **ret_config,
			  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_CONFIG);
	enum tobi_err err = file_read(path, LIMIT_CONFIG, "configuration", &text, fault);

	return err ? err : config_parse(wr_view(&text), path, ret_config, fault);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->path_count; i++)
		free(config->paths[i]);
	config_yaml_free(config->yaml);
	free(config);
}
