#include "image/manifest.h"

#include "base/fault.h"
#include "base/secret.h"
#include "image/fields.h"
#include "image/hashtree.h"
#include "image/rules.h"
#include "pki/key.h"

static const char path_rule[] =
    "a path must be absolute, without '.', '..', '//' or a slash at the end";

static void parse_root(struct fields *in, struct manifest *out)
{
	struct cbor_map map = cbor_map(&in->cbor, 5, "root");
	struct tobi_bytes kind;

	fields_key(in, &map, 0, "root.type");
	kind = cbor_text(&in->cbor, 16, "root.type");
	if (!fields_failed(in) && !bytes_equal_text(kind, "erofs"))
		fields_refuse(in, TOBI_E_UNSUPPORTED, "root.type", "only erofs is known");
	fields_key(in, &map, 1, "root.size");
	out->root.size = fields_uint(in, HASHTREE_BLOCK, LIMIT_ROOTFS, "root.size");
	if (out->root.size % HASHTREE_BLOCK)
		fields_refuse(in, TOBI_E_MALFORMED, "root.size",
			      "it must be a multiple of 4096");
	fields_key(in, &map, 2, "root.tree-root");
	out->root.tree_root = cbor_bytes_exact(&in->cbor, SHA256_SIZE, "root.tree-root");
	fields_key(in, &map, 3, "root.sha384");
	out->root.sha384 = cbor_bytes_exact(&in->cbor, SHA384_SIZE, "root.sha384");
	fields_key(in, &map, 4, "root.tree-size");
	out->root.tree_size = fields_uint(in, 0, LIMIT_ROOTFS, "root.tree-size");
	if (!fields_failed(in) && out->root.tree_size != hashtree_size(out->root.size))
		fields_refuse(in, TOBI_E_MALFORMED, "root.tree-size",
			      "it is not the size of a tree over root.size");
	fields_map_end(in, &map, "root");
}

static void parse_user(struct fields *in, struct manifest *out)
{
	struct cbor_map map = cbor_map(&in->cbor, 2, "user");

	fields_key(in, &map, 0, "user.uid");
	out->uid = (uint32_t)fields_uint(in, 1, 65533, "user.uid");
	fields_key(in, &map, 1, "user.gid");
	out->gid = (uint32_t)fields_uint(in, 1, 65533, "user.gid");
	fields_map_end(in, &map, "user");
}

static void parse_ports(struct fields *in, struct manifest *out)
{
	size_t count = cbor_array(&in->cbor, LIMIT_PORTS, "ports");

	for (size_t i = 0; i < count && !fields_failed(in); i++) {
		out->ports[i] = (uint16_t)fields_uint(in, 1, 65535, "ports");
		if (i > 0 && out->ports[i - 1] >= out->ports[i])
			fields_refuse(in, TOBI_E_MALFORMED, "ports",
				      "the ports must be in ascending order, each once");
	}
	out->port_count = count;
}

static void check_egress(struct fields *in, const struct manifest *out, size_t i)
{
	const struct manifest_egress *entry = &out->egress[i];

	if (i > 0 && out->egress[i - 1].port >= entry->port)
		fields_refuse(in, TOBI_E_MALFORMED, "egress",
			      "the local ports must be in ascending order, each once");
	for (size_t j = 0; j < out->port_count; j++) {
		if (out->ports[j] == entry->port)
			fields_refuse(in, TOBI_E_MALFORMED, "egress",
				      "a local port is one on which the program listens");
	}
	for (size_t j = 0; j < i; j++) {
		if (bytes_equal(out->egress[j].target, entry->target))
			fields_refuse(in, TOBI_E_MALFORMED, "egress",
				      "a target is listed twice");
	}
}

static void parse_egress(struct fields *in, struct manifest *out)
{
	static const char policy_rule[] = "a policy is empty, 'launch' or a file's path";
	size_t count = cbor_array(&in->cbor, LIMIT_PORTS, "egress");

	for (size_t i = 0; i < count && !fields_failed(in); i++) {
		struct manifest_egress *entry = &out->egress[i];

		in->start = rd_offset(&in->cbor.rd);
		if (cbor_array(&in->cbor, 3, "egress") != 3)
			fields_refuse(in, TOBI_E_MALFORMED, "egress",
				      "an entry is target, local port and policy");
		entry->target = fields_text(in, LIMIT_TARGET, rule_egress, "egress",
					    "a target is host:port");
		entry->port = (uint16_t)fields_uint(in, 1, 65535, "egress");
		check_egress(in, out, i);
		entry->policy =
		    fields_text(in, LIMIT_PATH, rule_policy, "egress", policy_rule);
	}
	out->egress_count = count;
}

static void parse_limits(struct fields *in, struct manifest *out)
{
	struct cbor_map map = cbor_map(&in->cbor, 5, "resources");

	fields_key(in, &map, 0, "resources.memory");
	out->limits.memory =
	    fields_uint(in, MANIFEST_MEMORY_MIN, MANIFEST_MEMORY_MAX, "resources.memory");
	fields_key(in, &map, 1, "resources.processes");
	out->limits.processes =
	    fields_uint(in, 1, MANIFEST_PROCESSES_MAX, "resources.processes");
	fields_key(in, &map, 2, "resources.cpu");
	out->limits.cpu_milli = fields_uint(in, 10, MANIFEST_CPU_MAX, "resources.cpu");
	fields_key(in, &map, 3, "resources.files");
	out->limits.files = fields_uint(in, 16, MANIFEST_FILES_MAX, "resources.files");
	fields_key(in, &map, 4, "resources.writable");
	out->limits.writable =
	    fields_uint(in, 0, MANIFEST_MEMORY_MAX, "resources.writable");
	fields_map_end(in, &map, "resources");
}

/* Keys 0 to 6. */
static void parse_program(struct fields *in, struct cbor_map *map, struct manifest *out)
{
	fields_key(in, map, 0, "version");
	if (cbor_uint(&in->cbor, "version") != 1)
		fields_refuse(in, TOBI_E_UNSUPPORTED, "version",
			      "only version 1 is known");
	fields_key(in, map, 1, "name");
	out->name = fields_text(
	    in, LIMIT_NAME, rule_name, "name",
	    "a name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit");
	fields_key(in, map, 2, "architecture");
	out->architecture = cbor_text(&in->cbor, LIMIT_NAME, "architecture");
	if (!fields_failed(in) && !bytes_equal_text(out->architecture, "x86_64") &&
	    !bytes_equal_text(out->architecture, "aarch64"))
		fields_refuse(in, TOBI_E_UNSUPPORTED, "architecture",
			      "only x86_64 and aarch64 are known");
	fields_key(in, map, 3, "root");
	parse_root(in, out);
	fields_key(in, map, 4, "arguments");
	out->argument_count = fields_arguments(in, out->arguments);
	if (!fields_failed(in) && !rule_path(out->arguments[0]))
		fields_refuse(in, TOBI_E_MALFORMED, "arguments",
			      "the first, the program, must be an absolute path");
	fields_key(in, map, 5, "environment");
	out->environment_count = fields_environment(in, 0, out->environment);
	fields_key(in, map, 6, "user");
	parse_user(in, out);
}

/* Keys 7 to 18. */
static void parse_surroundings(struct fields *in, struct cbor_map *map,
			       struct manifest *out)
{
	const struct fields_list volumes = {0,	   LIMIT_PORTS, LIMIT_PATH, rule_path,
					    false, "volumes",	path_rule};
	const struct fields_list writable = {0,
					     LIMIT_WRITABLE,
					     LIMIT_PATH,
					     rule_writable,
					     true,
					     "writable",
					     "a writable path must be absolute, plain, "
					     "not / and not in /proc, /sys or /dev"};
	const struct fields_list secrets = {0,
					    LIMIT_SECRETS,
					    LIMIT_NAME,
					    secret_name_is_valid,
					    true,
					    "secrets",
					    "a secret's name is 1 to 64 of A-Z a-z 0-9 . "
					    "_ - and does not start with a dot"};

	fields_key(in, map, 7, "ports");
	parse_ports(in, out);
	fields_key(in, map, 8, "egress");
	parse_egress(in, out);
	fields_key(in, map, 9, "volumes");
	out->volume_count = fields_texts(in, &volumes, out->volumes);
	fields_key(in, map, 10, "resources");
	parse_limits(in, out);
	fields_key(in, map, 11, "debug");
	out->debug = cbor_bool(&in->cbor, "debug");
	fields_key(in, map, 12, "product");
	out->product = (uint16_t)fields_uint(in, 0, 65535, "product");
	fields_key(in, map, 13, "svn");
	out->svn = (uint16_t)fields_uint(in, 0, 65535, "svn");
	fields_key(in, map, 14, "writable");
	out->writable_count = fields_texts(in, &writable, out->writable);
	fields_key(in, map, 15, "secrets");
	out->secret_count = fields_texts(in, &secrets, out->secrets);
	fields_key(in, map, 16, "directory");
	out->directory = fields_text(in, LIMIT_PATH, rule_path, "directory", path_rule);
	fields_key(in, map, 17, "output");
	out->output = fields_uint(in, 0, 1, "output") ? OUTPUT_TO_HOST : OUTPUT_DISCARDED;
	fields_key(in, map, 18, "clients");
	out->clients = fields_text(
	    in, LIMIT_PATH, rule_clients, "clients",
	    "a policy of clients is empty, 'launch', 'program' or a file's path");
}

enum tobi_err manifest_parse(struct tobi_bytes bytes, struct manifest *ret_manifest,
			     struct tobi_fault *fault)
{
	CLEANUP(freep) struct manifest *out = NULL;
	struct fields in = fields_init(bytes);
	struct cbor_map map;
	enum tobi_err err;

	if (bytes.size > LIMIT_MANIFEST)
		return fault_at(fault, TOBI_E_LIMIT, "manifest", "size", LIMIT_MANIFEST,
				"it has %zu bytes; at most %d are allowed", bytes.size,
				LIMIT_MANIFEST);
	out = calloc(1, sizeof(*out));
	if (!out)
		return fault_set(fault, TOBI_E_MEMORY, "manifest", "", "out of memory");
	map = cbor_map(&in.cbor, 19, "manifest");
	parse_program(&in, &map, out);
	parse_surroundings(&in, &map, out);
	fields_map_end(&in, &map, "manifest");
	err = fields_finish(&in, "manifest", fault);
	if (err)
		return err;
	*ret_manifest = *out;
	return TOBI_OK;
}

const char *manifest_host_architecture(void)
{
#if defined(__x86_64__)
	return "x86_64";
#elif defined(__aarch64__)
	return "aarch64";
#else
#error "this architecture has no name in the manifest"
#endif
}
