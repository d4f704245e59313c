#include "base/fault.h"
#include "base/secret.h"
#include "image/fields.h"
#include "image/rules.h"

enum {
	KEY_VERSION,
	KEY_ARGUMENTS,
	KEY_ENVIRONMENT,
	KEY_OWNER,
	KEY_BROKER,
	KEY_CONTRACT,
	KEY_POLICIES,
	KEY_RA_TLS,
	KEY_BROKER_KEY,
	KEY_BROKER_SECRETS,
	KEY_BROKER_COUNTERS,
	KEY_COUNT,
};

static bool is_policy_name(struct tobi_bytes name)
{
	return rule_egress(name) || bytes_equal_text(name, LAUNCH_CLIENTS) ||
	       bytes_equal_text(name, LAUNCH_BROKER);
}

static void parse_policies(struct fields *in, struct launch_config *out)
{
	struct launch_policy *at;
	struct cbor_map map;

	in->start = rd_offset(&in->cbor.rd);
	map = cbor_map(&in->cbor, LAUNCH_POLICIES, "policies");
	if (!map.left)
		fields_refuse(in, TOBI_E_MALFORMED, "policies", "it must not be empty");
	while (!fields_failed(in) && out->policy_count < LAUNCH_POLICIES) {
		at = &out->policies[out->policy_count];
		in->start = rd_offset(&in->cbor.rd);
		if (!cbor_map_text(&in->cbor, &map, &at->name, "policies"))
			break;
		if (!is_policy_name(at->name))
			fields_refuse(in, TOBI_E_MALFORMED, "policies",
				      "a policy is for a target, host:port, or for "
				      "clients or broker");
		if (!fields_failed(in))
			in->start = rd_offset(&in->cbor.rd);
		at->text = cbor_bytes(&in->cbor, LIMIT_CONFIG, "policies");
		if (!at->text.size)
			fields_refuse(in, TOBI_E_MALFORMED, "policies",
				      "a policy must not be empty");
		out->policy_count++;
	}
}

static void parse_value(struct fields *in, int64_t key, struct launch_config *out)
{
	switch (key) {
	case KEY_ARGUMENTS:
		out->argument_count = fields_arguments(in, out->arguments);
		break;
	case KEY_ENVIRONMENT:
		out->environment_count = fields_environment(in, 1, out->environment);
		break;
	case KEY_OWNER:
		out->owner = cbor_bytes_exact(&in->cbor, SHA384_SIZE, "owner");
		break;
	case KEY_BROKER:
		out->broker = fields_text(in, LIMIT_TARGET, rule_egress, "broker",
					  "host:port is needed");
		break;
	case KEY_CONTRACT:
		out->contract = cbor_bytes_exact(&in->cbor, SHA384_SIZE, "contract");
		break;
	case KEY_POLICIES:
		parse_policies(in, out);
		break;
	case KEY_RA_TLS:
		out->ra_tls = cbor_bool(&in->cbor, "ra-tls");
		if (!out->ra_tls)
			fields_refuse(in, TOBI_E_MALFORMED, "ra-tls",
				      "it is true, or absent");
		break;
	case KEY_BROKER_KEY:
		out->broker_key = cbor_bytes_exact(&in->cbor, SHA384_SIZE, "broker-key");
		break;
	case KEY_BROKER_SECRETS:
		out->broker_secrets =
		    fields_text(in, LIMIT_PATH, rule_scope, "broker-secrets",
				"repository/type is needed");
		break;
	case KEY_BROKER_COUNTERS:
		out->broker_counters =
		    fields_text(in, LIMIT_PATH, rule_scope, "broker-counters",
				"repository/type is needed");
		break;
	default:
		fields_refuse(in, TOBI_E_MALFORMED, "launch config",
			      "it has an unknown key");
	}
}

/* A broker whom nobody has to recognise could be anybody. */
static void check_broker(struct fields *in, const struct launch_config *config)
{
	bool policy = launch_config_policy(config, bytes_of_text(LAUNCH_BROKER)).size > 0;

	if (config->broker.size && !config->broker_key.size && !policy)
		fields_refuse(in, TOBI_E_MALFORMED, "broker",
			      "its key, or a policy for it, is needed");
	if (!config->broker.size && (config->broker_key.size || policy))
		fields_refuse(in, TOBI_E_MALFORMED, "broker",
			      "a key or a policy for it, and no address");
	if (!config->broker.size && config->broker_secrets.size)
		fields_refuse(in, TOBI_E_MALFORMED, "broker",
			      "a place of secrets, and no address");
	if (!config->broker.size && config->broker_counters.size)
		fields_refuse(in, TOBI_E_MALFORMED, "broker",
			      "a place of counters, and no address");
}

enum tobi_err launch_config_parse(struct tobi_bytes bytes,
				  struct launch_config *ret_config,
				  struct tobi_fault *fault)
{
	CLEANUP(freep) struct launch_config *out = NULL;
	struct fields in = fields_init(bytes);
	struct cbor_map map;
	enum tobi_err err;
	int64_t key;

	if (bytes.size > LIMIT_CONFIG)
		return fault_at(fault, TOBI_E_LIMIT, "launch config", "size",
				LIMIT_CONFIG, "it has %zu bytes; at most %d are allowed",
				bytes.size, LIMIT_CONFIG);
	out = calloc(1, sizeof(*out));
	if (!out)
		return fault_set(fault, TOBI_E_MEMORY, "launch config", "",
				 "out of memory");
	map = cbor_map(&in.cbor, KEY_COUNT, "launch config");
	fields_key(&in, &map, KEY_VERSION, "version");
	if (cbor_uint(&in.cbor, "version") != 1)
		fields_refuse(&in, TOBI_E_UNSUPPORTED, "version",
			      "only version 1 is known");
	while (!fields_failed(&in)) {
		in.start = rd_offset(&in.cbor.rd);
		if (!cbor_map_int(&in.cbor, &map, &key, "launch config"))
			break;
		parse_value(&in, key, out);
	}
	check_broker(&in, out);
	err = fields_finish(&in, "launch config", fault);
	if (err)
		return err;
	*ret_config = *out;
	return TOBI_OK;
}

/* Whom the enclave takes for its broker, and where its secrets and counters are there. */
static void write_broker(struct writer *wr, const struct launch_config *config)
{
	if (config->broker_key.size) {
		cbor_write_uint(wr, KEY_BROKER_KEY);
		cbor_write_bytes(wr, config->broker_key);
	}
	if (config->broker_secrets.size) {
		cbor_write_uint(wr, KEY_BROKER_SECRETS);
		cbor_write_text_bytes(wr, config->broker_secrets);
	}
	if (config->broker_counters.size) {
		cbor_write_uint(wr, KEY_BROKER_COUNTERS);
		cbor_write_text_bytes(wr, config->broker_counters);
	}
}

static void write_config(struct writer *wr, const struct launch_config *config)
{
	cbor_write_map(wr, 1 + (size_t)(config->argument_count > 0) +
			       (config->environment_count > 0) +
			       (config->owner.size > 0) + (config->broker.size > 0) +
			       (config->contract.size > 0) + (config->policy_count > 0) +
			       config->ra_tls + (config->broker_key.size > 0) +
			       (config->broker_secrets.size > 0) +
			       (config->broker_counters.size > 0));
	cbor_write_uint(wr, KEY_VERSION);
	cbor_write_uint(wr, 1);
	if (config->argument_count) {
		cbor_write_uint(wr, KEY_ARGUMENTS);
		fields_write_texts(wr, config->arguments, config->argument_count);
	}
	if (config->environment_count) {
		cbor_write_uint(wr, KEY_ENVIRONMENT);
		fields_write_environment(wr, config->environment,
					 config->environment_count);
	}
	if (config->owner.size) {
		cbor_write_uint(wr, KEY_OWNER);
		cbor_write_bytes(wr, config->owner);
	}
	if (config->broker.size) {
		cbor_write_uint(wr, KEY_BROKER);
		cbor_write_text_bytes(wr, config->broker);
	}
	if (config->contract.size) {
		cbor_write_uint(wr, KEY_CONTRACT);
		cbor_write_bytes(wr, config->contract);
	}
	if (config->policy_count) {
		cbor_write_uint(wr, KEY_POLICIES);
		cbor_write_map(wr, config->policy_count);
		for (size_t i = 0; i < config->policy_count; i++) {
			cbor_write_text_bytes(wr, config->policies[i].name);
			cbor_write_bytes(wr, config->policies[i].text);
		}
	}
	if (config->ra_tls) {
		cbor_write_uint(wr, KEY_RA_TLS);
		cbor_write_bool(wr, true);
	}
	write_broker(wr, config);
}

enum tobi_err launch_config_write(const struct launch_config *config, struct writer *out,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer wr = wr_init(LIMIT_CONFIG);
	CLEANUP(freep) struct launch_config *copy = calloc(1, sizeof(*copy));
	enum tobi_err err;

	if (!copy)
		return fault_set(fault, TOBI_E_MEMORY, "launch config", "",
				 "out of memory");
	write_config(&wr, config);
	if (wr_err(&wr))
		return fault_set(fault, wr_err(&wr), "launch config", "size",
				 "it would have more than %d bytes", LIMIT_CONFIG);
	err = launch_config_parse(wr_view(&wr), copy, fault);
	if (err)
		return err;
	wr_bytes(out, wr.ptr, wr.size);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), "launch config", "",
				 "no room for it");
	return TOBI_OK;
}

enum tobi_err launch_config_id(const struct launch_config *config,
			       uint8_t ret_id[static SHA384_SIZE],
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_CONFIG);
	enum tobi_err err = launch_config_write(config, &bytes, fault);

	return err ? err : hash_sha384(wr_view(&bytes), ret_id);
}

struct tobi_bytes launch_config_policy(const struct launch_config *config,
				       struct tobi_bytes name)
{
	for (size_t i = 0; i < config->policy_count; i++) {
		if (bytes_equal(config->policies[i].name, name))
			return config->policies[i].text;
	}
	return (struct tobi_bytes){0};
}

static bool leaves_to_launch(const struct manifest *manifest, struct tobi_bytes name)
{
	if (bytes_equal_text(name, LAUNCH_CLIENTS))
		return bytes_equal_text(manifest->clients, POLICY_AT_LAUNCH);
	for (size_t i = 0; i < manifest->egress_count; i++) {
		if (bytes_equal(manifest->egress[i].target, name))
			return bytes_equal_text(manifest->egress[i].policy,
						POLICY_AT_LAUNCH);
	}
	return false;
}

static enum tobi_err lacks_policy(struct tobi_bytes name, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_NOT_FOUND, "launch config", "policies",
			 "the image leaves the policy for %.*s to the launch: %s",
			 (int)name.size, (const char *)name.ptr,
			 bytes_equal_text(name, LAUNCH_CLIENTS)
			     ? "run --client-policy FILE"
			     : "run --egress-policy TARGET=FILE");
}

/* Whom an enclave trusts is the image's to say, unless it leaves that to the launch. */
static enum tobi_err policies_suit(const struct launch_config *config,
				   const struct manifest *manifest,
				   struct tobi_fault *fault)
{
	const struct tobi_bytes clients = {(const uint8_t *)LAUNCH_CLIENTS,
					   sizeof(LAUNCH_CLIENTS) - 1};

	/* There the clients prove nothing. */
	if (config->ra_tls && manifest->clients.size)
		return fault_set(fault, TOBI_E_DENIED, "launch config", "ra-tls",
				 "the image's clients must attest, and in ra-tls none "
				 "does");
	for (size_t i = 0; i < config->policy_count; i++) {
		struct tobi_bytes name = config->policies[i].name;

		if (!bytes_equal_text(name, LAUNCH_BROKER) &&
		    !leaves_to_launch(manifest, name))
			return fault_set(fault, TOBI_E_DENIED, "launch config",
					 "policies",
					 "the image does not leave the policy for %.*s "
					 "to the launch",
					 (int)name.size, (const char *)name.ptr);
	}
	if (leaves_to_launch(manifest, clients) &&
	    !launch_config_policy(config, clients).size)
		return lacks_policy(clients, fault);
	for (size_t i = 0; i < manifest->egress_count; i++) {
		struct tobi_bytes name = manifest->egress[i].target;

		if (leaves_to_launch(manifest, name) &&
		    !launch_config_policy(config, name).size)
			return lacks_policy(name, fault);
	}
	return TOBI_OK;
}

enum tobi_err launch_config_suits(const struct launch_config *config,
				  const struct manifest *manifest,
				  struct tobi_fault *fault)
{
	if (config->argument_count + manifest->argument_count > LIMIT_ARGUMENTS)
		return fault_set(fault, TOBI_E_LIMIT, "launch config", "arguments",
				 "with those of the image they are more than %d",
				 LIMIT_ARGUMENTS);
	if (config->environment_count + manifest->environment_count > LIMIT_ARGUMENTS)
		return fault_set(fault, TOBI_E_LIMIT, "launch config", "environment",
				 "with that of the image it has more than %d variables",
				 LIMIT_ARGUMENTS);
	for (size_t i = 0; i < config->environment_count; i++) {
		struct tobi_bytes name = config->environment[i].name;

		for (size_t j = 0; j < manifest->environment_count; j++) {
			if (bytes_equal(name, manifest->environment[j].name))
				return fault_set(fault, TOBI_E_DENIED, "launch config",
						 "environment",
						 "the image sets %.*s; a launch may add "
						 "variables, not change them",
						 (int)name.size, (const char *)name.ptr);
		}
	}
	if (config->broker_secrets.size && !manifest->secret_count)
		return fault_set(fault, TOBI_E_DENIED, "launch config", "broker-secrets",
				 "the image declares no secrets; build it with --secret");
	return policies_suit(config, manifest, fault);
}
