#include "daemons/broker/config_yaml.h"

#include "base/limits.h"
#include "codec/yaml.h"
#include "daemons/broker/config.h"

#define TEXT(key, type, member)                                                          \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, LIMIT_PATH)
#define OPTIONAL_TEXT(key, type, member)                                                 \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,      \
			       member, 1, LIMIT_PATH)
#define OPTIONAL_LIST(key, type, member)                                                 \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,        \
			     member, &text_schema, 1, CONFIG_LIST)
#define OPTIONAL_MAPPING(key, type, member, fields)                                      \
	CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,     \
				member, fields)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_PATH)};

static const cyaml_schema_field_t tls_fields[] = {
    TEXT("certificate", struct yaml_tls, certificate), TEXT("key", struct yaml_tls, key),
    OPTIONAL_TEXT("min-version", struct yaml_tls, min_version), CYAML_FIELD_END};

static const cyaml_schema_field_t attested_fields[] = {
    CYAML_FIELD_SEQUENCE("listen", CYAML_FLAG_POINTER, struct yaml_attested, listen,
			 &text_schema, 1, CONFIG_LIST),
    OPTIONAL_TEXT("certificate", struct yaml_attested, certificate),
    OPTIONAL_TEXT("key", struct yaml_attested, key), CYAML_FIELD_END};

static const cyaml_schema_field_t session_fields[] = {
    OPTIONAL_TEXT("seconds", struct yaml_sessions, seconds),
    OPTIONAL_TEXT("most", struct yaml_sessions, most), CYAML_FIELD_END};

static const cyaml_schema_field_t limit_fields[] = {
    OPTIONAL_TEXT("workers", struct yaml_limits, workers),
    OPTIONAL_TEXT("queue", struct yaml_limits, queue),
    OPTIONAL_TEXT("connections", struct yaml_limits, connections),
    OPTIONAL_TEXT("client-connections", struct yaml_limits, client_connections),
    OPTIONAL_TEXT("connection-requests", struct yaml_limits, connection_requests),
    OPTIONAL_TEXT("rate", struct yaml_limits, rate),
    OPTIONAL_TEXT("burst", struct yaml_limits, burst),
    OPTIONAL_TEXT("client-rate", struct yaml_limits, client_rate),
    OPTIONAL_TEXT("client-burst", struct yaml_limits, client_burst),
    OPTIONAL_TEXT("head-bytes", struct yaml_limits, head_bytes),
    OPTIONAL_TEXT("body-memory", struct yaml_limits, body_memory),
    OPTIONAL_TEXT("head-seconds", struct yaml_limits, head_seconds),
    OPTIONAL_TEXT("body-seconds", struct yaml_limits, body_seconds),
    OPTIONAL_TEXT("idle-seconds", struct yaml_limits, idle_seconds),
    OPTIONAL_TEXT("request-seconds", struct yaml_limits, request_seconds),
    OPTIONAL_TEXT("reply-seconds", struct yaml_limits, reply_seconds),
    OPTIONAL_TEXT("attested-seconds", struct yaml_limits, attested_seconds),
    OPTIONAL_TEXT("stop-seconds", struct yaml_limits, stop_seconds),
    CYAML_FIELD_END};

static const cyaml_schema_field_t broker_fields[] = {
    TEXT("name", struct yaml_broker, name),
    CYAML_FIELD_SEQUENCE("listen", CYAML_FLAG_POINTER, struct yaml_broker, listen,
			 &text_schema, 1, CONFIG_LIST),
    OPTIONAL_LIST("hosts", struct yaml_broker, hosts),
    OPTIONAL_LIST("operators", struct yaml_broker, operators),
    OPTIONAL_MAPPING("tls", struct yaml_broker, tls, tls_fields),
    OPTIONAL_MAPPING("attested", struct yaml_broker, attested, attested_fields),
    OPTIONAL_TEXT("plain", struct yaml_broker, plain),
    TEXT("database", struct yaml_broker, database),
    OPTIONAL_TEXT("database-connections", struct yaml_broker, database_connections),
    TEXT("keys", struct yaml_broker, keys),
    OPTIONAL_TEXT("pin-file", struct yaml_broker, pin_file),
    OPTIONAL_TEXT("token-key", struct yaml_broker, token_key),
    OPTIONAL_TEXT("entry", struct yaml_broker, entry),
    OPTIONAL_LIST("collateral", struct yaml_broker, collateral),
    OPTIONAL_TEXT("user", struct yaml_broker, user),
    OPTIONAL_TEXT("evidence-seconds", struct yaml_broker, evidence_seconds),
    OPTIONAL_TEXT("metrics", struct yaml_broker, metrics),
    OPTIONAL_TEXT("log", struct yaml_broker, log),
    OPTIONAL_MAPPING("sessions", struct yaml_broker, sessions, session_fields),
    OPTIONAL_MAPPING("limits", struct yaml_broker, limits, limit_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t broker_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_broker, broker_fields)};

enum tobi_err config_yaml_load(struct tobi_bytes text, const char *object,
			       struct yaml_broker **ret_yaml, struct tobi_fault *fault)
{
	void *yaml = NULL;
	enum tobi_err err =
	    yaml_read(text, LIMIT_CONFIG, object, &broker_schema, &yaml, fault);

	if (!err)
		*ret_yaml = yaml;
	return err;
}

void config_yaml_free(struct yaml_broker *yaml)
{
	yaml_done(&broker_schema, yaml);
}
