#include "base/fault.h"
#include "base/secret.h"
#include "image/fields.h"

enum {
	KEY_VERSION,
	KEY_ARGUMENTS,
	KEY_ENVIRONMENT,
	KEY_OWNER,
	KEY_BROKER,
	KEY_CONTRACT,
	KEY_RA_TLS = 7,
};

static bool is_not_empty(struct tobi_bytes text)
{
	return text.size > 0;
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
		out->broker = fields_text(in, LIMIT_PATH, is_not_empty, "broker",
					  "an address must not be empty");
		break;
	case KEY_CONTRACT:
		out->contract = cbor_bytes_exact(&in->cbor, SHA384_SIZE, "contract");
		break;
	case KEY_RA_TLS:
		out->ra_tls = cbor_bool(&in->cbor, "ra-tls");
		if (!out->ra_tls)
			fields_refuse(in, TOBI_E_MALFORMED, "ra-tls",
				      "it is true, or absent");
		break;
	default:
		fields_refuse(in, TOBI_E_MALFORMED, "launch config",
			      "it has an unknown key");
	}
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
	map = cbor_map(&in.cbor, 7, "launch config");
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
	err = fields_finish(&in, "launch config", fault);
	if (err)
		return err;
	*ret_config = *out;
	return TOBI_OK;
}

static void write_config(struct writer *wr, const struct launch_config *config)
{
	cbor_write_map(wr, 1 + (size_t)(config->argument_count > 0) +
			       (config->environment_count > 0) +
			       (config->owner.size > 0) + (config->broker.size > 0) +
			       (config->contract.size > 0) + config->ra_tls);
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
	if (config->ra_tls) {
		cbor_write_uint(wr, KEY_RA_TLS);
		cbor_write_bool(wr, true);
	}
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
	return TOBI_OK;
}
