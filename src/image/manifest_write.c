#include "image/manifest.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "image/fields.h"

static void write_key(struct writer *out, uint64_t key)
{
	cbor_write_uint(out, key);
}

static void write_number(struct writer *out, uint64_t key, uint64_t value)
{
	cbor_write_uint(out, key);
	cbor_write_uint(out, value);
}

/* Keys 0 to 6. */
static void write_program(struct writer *out, const struct manifest *m)
{
	write_number(out, 0, 1);
	write_key(out, 1);
	cbor_write_text_bytes(out, m->name);
	write_key(out, 2);
	cbor_write_text_bytes(out, m->architecture);
	write_key(out, 3);
	cbor_write_map(out, 5);
	write_key(out, 0);
	cbor_write_text(out, "erofs");
	write_number(out, 1, m->root.size);
	write_key(out, 2);
	cbor_write_bytes(out, m->root.tree_root);
	write_key(out, 3);
	cbor_write_bytes(out, m->root.sha384);
	write_number(out, 4, m->root.tree_size);
	write_key(out, 4);
	fields_write_texts(out, m->arguments, m->argument_count);
	write_key(out, 5);
	fields_write_environment(out, m->environment, m->environment_count);
	write_key(out, 6);
	cbor_write_map(out, 2);
	write_number(out, 0, m->uid);
	write_number(out, 1, m->gid);
}

static void write_egress(struct writer *out, const struct manifest *m)
{
	cbor_write_array(out, m->egress_count);
	for (size_t i = 0; i < m->egress_count; i++) {
		cbor_write_array(out, 3);
		cbor_write_text_bytes(out, m->egress[i].target);
		cbor_write_uint(out, m->egress[i].port);
		cbor_write_text_bytes(out, m->egress[i].policy);
	}
}

/* Keys 7 to 18. */
static void write_surroundings(struct writer *out, const struct manifest *m)
{
	write_key(out, 7);
	cbor_write_array(out, m->port_count);
	for (size_t i = 0; i < m->port_count; i++)
		cbor_write_uint(out, m->ports[i]);
	write_key(out, 8);
	write_egress(out, m);
	write_key(out, 9);
	fields_write_texts(out, m->volumes, m->volume_count);
	write_key(out, 10);
	cbor_write_map(out, 5);
	write_number(out, 0, m->limits.memory);
	write_number(out, 1, m->limits.processes);
	write_number(out, 2, m->limits.cpu_milli);
	write_number(out, 3, m->limits.files);
	write_number(out, 4, m->limits.writable);
	write_key(out, 11);
	cbor_write_bool(out, m->debug);
	write_number(out, 12, m->product);
	write_number(out, 13, m->svn);
	write_key(out, 14);
	fields_write_texts(out, m->writable, m->writable_count);
	write_key(out, 15);
	fields_write_texts(out, m->secrets, m->secret_count);
	write_key(out, 16);
	cbor_write_text_bytes(out, m->directory);
	write_number(out, 17, m->output);
	write_key(out, 18);
	cbor_write_text_bytes(out, m->clients);
}

/* The rules live in the parser alone: what was written is read back under them. */
static enum tobi_err check_written(const struct writer *wr, struct tobi_fault *fault)
{
	CLEANUP(freep) struct manifest *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return fault_set(fault, TOBI_E_MEMORY, "manifest", "", "out of memory");
	return manifest_parse(wr_view(wr), copy, fault);
}

enum tobi_err manifest_write(const struct manifest *manifest, struct writer *out,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer wr = wr_init(LIMIT_MANIFEST);
	enum tobi_err err;

	cbor_write_map(&wr, 19);
	write_program(&wr, manifest);
	write_surroundings(&wr, manifest);
	if (wr_err(&wr))
		return fault_set(
		    fault, wr_err(&wr), "manifest", "size",
		    "it would have more than %d bytes; shorten arguments or environment",
		    LIMIT_MANIFEST);
	err = check_written(&wr, fault);
	if (err)
		return err;
	wr_bytes(out, wr.ptr, wr.size);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), "manifest", "", "no room for it");
	return TOBI_OK;
}

static int compare_texts(const void *a, const void *b)
{
	return bytes_compare(*(const struct tobi_bytes *)a,
			     *(const struct tobi_bytes *)b);
}

static int compare_ports(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static int compare_egress(const void *a, const void *b)
{
	return ((const struct manifest_egress *)a)->port -
	       ((const struct manifest_egress *)b)->port;
}

/* The order of map keys in deterministic CBOR: shorter first, then bytewise. */
static int compare_pairs(const void *a, const void *b)
{
	const struct text_pair *left = a, *right = b;

	if (left->name.size != right->name.size)
		return left->name.size < right->name.size ? -1 : 1;
	return bytes_compare(left->name, right->name);
}

void manifest_sort(struct manifest *m)
{
	qsort(m->environment, m->environment_count, sizeof(m->environment[0]),
	      compare_pairs);
	qsort(m->ports, m->port_count, sizeof(m->ports[0]), compare_ports);
	qsort(m->egress, m->egress_count, sizeof(m->egress[0]), compare_egress);
	qsort(m->writable, m->writable_count, sizeof(m->writable[0]), compare_texts);
	qsort(m->secrets, m->secret_count, sizeof(m->secrets[0]), compare_texts);
}

static int compare_policies(const void *a, const void *b)
{
	const struct launch_policy *left = a, *right = b;

	if (left->name.size != right->name.size)
		return left->name.size < right->name.size ? -1 : 1;
	return bytes_compare(left->name, right->name);
}

void launch_config_sort(struct launch_config *config)
{
	qsort(config->environment, config->environment_count,
	      sizeof(config->environment[0]), compare_pairs);
	qsort(config->policies, config->policy_count, sizeof(config->policies[0]),
	      compare_policies);
}
