#include "appraise/policy.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "pki/chain.h"

enum { HASH_SIZE = 48, UEID_SIZE = 33, DEFAULT_MAX_AGE = 3600, MAX_AGE = 30 * 24 * 3600 };

static const char *const known_tiers[] = {"sgx",   "tdx", "snp", "cca",
					  "nitro", "vm",  "soft"};

/* What the file holds, before its rules are checked. */
struct yaml_root {
	char *tier, *anchors;
};
struct yaml_identity {
	char *mode, *owner, *ca, *name;
	char **hardware;
	unsigned hardware_count;
};
struct yaml_policy {
	unsigned version;
	char *name;
	char **tiers, **images, **signers, **agents, **allow;
	unsigned tiers_count, images_count, signers_count, agents_count, allow_count;
	unsigned *product, *min_svn, *max_age;
	char *config_id;
	struct yaml_identity identity;
	struct yaml_root *roots;
	unsigned roots_count;
};

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, LIMIT_PEM)};

static const cyaml_schema_field_t root_fields[] = {
    CYAML_FIELD_STRING_PTR("tier", CYAML_FLAG_POINTER, struct yaml_root, tier, 1, 16),
    CYAML_FIELD_STRING_PTR("anchors", CYAML_FLAG_POINTER, struct yaml_root, anchors, 1,
			   LIMIT_PEM),
    CYAML_FIELD_END};
static const cyaml_schema_value_t root_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_root, root_fields)};

#define OPTIONAL_LIST(key, type, member)                                                 \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,        \
			     member, &text_schema, 1, LIMIT_POLICY_ITEMS)
#define OPTIONAL_TEXT(key, type, member)                                                 \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type,      \
			       member, 1, LIMIT_PEM)
#define OPTIONAL_UINT(key, type, member)                                                 \
	CYAML_FIELD_UINT_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_schema_field_t identity_fields[] = {
    CYAML_FIELD_STRING_PTR("mode", CYAML_FLAG_POINTER, struct yaml_identity, mode, 1, 32),
    OPTIONAL_TEXT("owner", struct yaml_identity, owner),
    OPTIONAL_TEXT("ca", struct yaml_identity, ca),
    OPTIONAL_TEXT("name", struct yaml_identity, name),
    OPTIONAL_LIST("hardware", struct yaml_identity, hardware),
    CYAML_FIELD_END};

static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_UINT("version", CYAML_FLAG_DEFAULT, struct yaml_policy, version),
    OPTIONAL_TEXT("name", struct yaml_policy, name),
    CYAML_FIELD_SEQUENCE("tiers", CYAML_FLAG_POINTER, struct yaml_policy, tiers,
			 &text_schema, 1, sizeof(known_tiers) / sizeof(known_tiers[0])),
    OPTIONAL_LIST("images", struct yaml_policy, images),
    OPTIONAL_LIST("signers", struct yaml_policy, signers),
    OPTIONAL_LIST("agents", struct yaml_policy, agents),
    OPTIONAL_LIST("allow", struct yaml_policy, allow),
    OPTIONAL_UINT("product", struct yaml_policy, product),
    OPTIONAL_UINT("min-svn", struct yaml_policy, min_svn),
    OPTIONAL_UINT("max-age", struct yaml_policy, max_age),
    OPTIONAL_TEXT("config-id", struct yaml_policy, config_id),
    CYAML_FIELD_MAPPING("identity", CYAML_FLAG_DEFAULT, struct yaml_policy, identity,
			identity_fields),
    CYAML_FIELD_SEQUENCE("roots", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
			 struct yaml_policy, roots, &root_schema, 1, 16),
    CYAML_FIELD_END};
static const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_policy, policy_fields)};

/* libcyaml tells what is wrong through a log callback only. */
struct log {
	char text[256];
};

static void keep_first(cyaml_log_t level, void *context, const char *format, va_list args)
{
	struct log *log = context;
	char line[256];
	const char *start = line;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	if (strncmp(start, "Load: ", 6) == 0)
		start += 6;
	if (strncmp(start, "Backtrace", 9) == 0)
		return;
	if (log->text[0] && strncmp(start, "  in ", 5) != 0)
		return;
	/* The first message, then the places that the backtrace names. */
	if (strlen(log->text) + strlen(start) + 3 < sizeof(log->text)) {
		size_t used = strlen(log->text);

		snprintf(log->text + used, sizeof(log->text) - used, "%s%s",
			 used ? "; " : "", start + strspn(start, " "));
	}
}

/* libcyaml reads the first document of a file and says nothing of others, whose rules a
 * reader of the file would believe in. Markers stand at the start of a line. */
static enum tobi_err check_one_document(struct tobi_bytes yaml, const char *name,
					struct tobi_fault *fault)
{
	bool content = false;

	for (size_t at = 0; at < yaml.size;) {
		const uint8_t *line = yaml.ptr + at;
		const uint8_t *end = memchr(line, '\n', yaml.size - at);
		size_t size = end ? (size_t)(end - line) : yaml.size - at;
		bool ends = size == 3 || (size > 3 && strchr(" \t\r", line[3]));
		bool start = size >= 3 && ends && memcmp(line, "---", 3) == 0;
		bool stop = size >= 3 && ends && memcmp(line, "...", 3) == 0;

		if (stop || (start && content))
			return fault_at(fault, TOBI_E_MALFORMED, name, "", at,
					"one document is allowed in the file, without a "
					"second --- or ...");
		content |= start || (size > 0 && line[0] != '#');
		at += size + 1;
	}
	return TOBI_OK;
}

static enum tobi_err load(struct tobi_bytes yaml, const char *name,
			  struct yaml_policy **ret_yaml, struct tobi_fault *fault)
{
	struct log log = {""};
	cyaml_config_t config = {.log_ctx = &log,
				 .log_fn = keep_first,
				 .log_level = CYAML_LOG_ERROR,
				 .mem_fn = cyaml_mem,
				 .flags = CYAML_CFG_NO_ALIAS};
	cyaml_err_t failed;
	enum tobi_err err;

	if (yaml.size > LIMIT_POLICY)
		return fault_set(fault, TOBI_E_LIMIT, name, "", "over %d bytes",
				 LIMIT_POLICY);
	if (yaml.size == 0)
		return fault_set(fault, TOBI_E_TRUNCATED, name, "",
				 "the policy is empty");
	err = check_one_document(yaml, name, fault);
	if (err)
		return err;
	failed = cyaml_load_data(yaml.ptr, yaml.size, &config, &policy_schema,
				 (cyaml_data_t **)ret_yaml, NULL);
	if (failed) {
		/* It quotes the file. */
		const char *text = log.text[0] ? log.text : cyaml_strerror(failed);
		CLEANUP(wr_done) struct writer shown = wr_init(4 * sizeof(log.text) + 1);

		utf8_write_escaped(
		    &shown, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
		return fault_set(
		    fault, failed == CYAML_ERR_OOM ? TOBI_E_MEMORY : TOBI_E_MALFORMED,
		    name, "", "%.*s", (int)shown.size, (const char *)shown.ptr);
	}
	return TOBI_OK;
}

static void unload(struct yaml_policy *yaml)
{
	const cyaml_config_t config = {.mem_fn = cyaml_mem};

	if (yaml)
		cyaml_free(&config, &policy_schema, yaml, 0);
}
DEFINE_CLEANUP(struct yaml_policy *, unload)
DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)

static enum tobi_err no_memory(const char *name, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, name, "", "out of memory, or too large");
}

static enum tobi_err take_hex(struct tobi_policy *policy, const char *field,
			      const char *text, size_t size, struct tobi_bytes *ret_bytes,
			      struct tobi_fault *fault)
{
	uint8_t value[HASH_SIZE];

	if (!hex_read(text, value, size))
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
				 "an entry is not %zu hexadecimal digits", 2 * size);
	*ret_bytes = arena_copy(&policy->arena, (struct tobi_bytes){value, size});
	return ret_bytes->ptr ? TOBI_OK : no_memory(policy->name, fault);
}

static enum tobi_err take_list(struct tobi_policy *policy, const char *field,
			       char **texts, unsigned count, size_t size,
			       struct bytes_list *ret_list, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (count == 0)
		return TOBI_OK;
	ret_list->items = arena_array(&policy->arena, count, sizeof(*ret_list->items));
	if (!ret_list->items)
		return no_memory(policy->name, fault);
	for (unsigned i = 0; i < count && !err; i++)
		err = take_hex(policy, field, texts[i], size, &ret_list->items[i], fault);
	ret_list->count = count;
	return err;
}

static enum tobi_err check_tier(const char *policy, const char *field, const char *tier,
				struct tobi_fault *fault)
{
	for (size_t i = 0; i < sizeof(known_tiers) / sizeof(known_tiers[0]); i++) {
		if (strcmp(known_tiers[i], tier) == 0)
			return TOBI_OK;
	}
	return fault_set(
	    fault, TOBI_E_MALFORMED, policy, field,
	    "there is no such tier; there are: sgx tdx snp cca nitro vm soft");
}

static enum tobi_err take_tiers(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	policy->tiers =
	    arena_array(&policy->arena, yaml->tiers_count, sizeof(*policy->tiers));
	if (!policy->tiers)
		return no_memory(policy->name, fault);
	for (unsigned i = 0; i < yaml->tiers_count && !err; i++) {
		err = check_tier(policy->name, "tiers", yaml->tiers[i], fault);
		policy->tiers[i] = arena_printf(&policy->arena, "%s", yaml->tiers[i]);
		if (!err && !policy->tiers[i])
			err = no_memory(policy->name, fault);
		policy->tier_count = i + 1;
	}
	return err;
}

static enum tobi_err take_pem(struct tobi_policy *policy, const char *field,
			      const char *text, struct tobi_bytes *ret_pem,
			      struct tobi_fault *fault)
{
	struct tobi_bytes pem = {(const uint8_t *)text, strlen(text)};
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct writer der = wr_init(LIMIT_PEM);
	size_t count = 0;
	enum tobi_err err = chain_read_pem(pem, policy->name, &der, list,
					   LIMIT_COSE_CHAIN, &count, fault);

	wr_done(&der);
	if (!err && count == 0)
		err = fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
				"there is no PEM certificate in it");
	if (err)
		return err;
	*ret_pem = arena_copy(&policy->arena, pem);
	return ret_pem->ptr ? TOBI_OK : no_memory(policy->name, fault);
}

static enum tobi_err take_roots(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	if (yaml->roots_count == 0)
		return TOBI_OK;
	policy->roots =
	    arena_array(&policy->arena, yaml->roots_count, sizeof(*policy->roots));
	if (!policy->roots)
		return no_memory(policy->name, fault);
	for (unsigned i = 0; i < yaml->roots_count && !err; i++) {
		struct policy_root *root = &policy->roots[i];

		err = check_tier(policy->name, "roots", yaml->roots[i].tier, fault);
		if (!err && policy_anchors(policy, yaml->roots[i].tier).size)
			err =
			    fault_set(fault, TOBI_E_MALFORMED, policy->name, "roots",
				      "the tier %s is there twice", yaml->roots[i].tier);
		if (!err)
			err = take_pem(policy, "roots", yaml->roots[i].anchors,
				       &root->anchors_pem, fault);
		root->tier = arena_printf(&policy->arena, "%s", yaml->roots[i].tier);
		if (!err && !root->tier)
			err = no_memory(policy->name, fault);
		if (!err)
			policy->root_count = i + 1;
	}
	return err;
}

static enum tobi_err take_allow(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->allow_count; i++) {
		if (strcmp(yaml->allow[i], "debug") == 0)
			policy->allow_debug = true;
		else if (strcmp(yaml->allow[i], "no-nonce") == 0)
			policy->allow_no_nonce = true;
		else
			return fault_set(fault, TOBI_E_MALFORMED, policy->name, "allow",
					 "what may be allowed is: debug, no-nonce");
	}
	return TOBI_OK;
}

static enum tobi_err missing(struct tobi_policy *policy, const char *field,
			     const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, policy->name, field, "%s", what);
}

static enum tobi_err take_identity(struct tobi_policy *policy,
				   const struct yaml_identity *yaml,
				   struct tobi_fault *fault)
{
	static const char *const modes[] = {"any-instance", "hardware", "config-id",
					    "owner", "ca"};
	size_t mode = 0;

	while (mode < 5 && strcmp(modes[mode], yaml->mode) != 0)
		mode++;
	if (mode == 5)
		return missing(
		    policy, "identity",
		    "the mode is one of: any-instance hardware config-id owner ca",
		    fault);
	policy->identity = (enum policy_identity)mode;
	/* A value that the mode does not use would look like a check, and be none. */
	if ((yaml->hardware_count > 0) != (policy->identity == IDENTITY_HARDWARE))
		return missing(policy, "identity.hardware",
			       "it belongs to the mode hardware, which needs it", fault);
	if ((yaml->owner != NULL) != (policy->identity == IDENTITY_OWNER))
		return missing(policy, "identity.owner",
			       "it belongs to the mode owner, which needs it", fault);
	if ((yaml->ca != NULL) != (policy->identity == IDENTITY_CA))
		return missing(policy, "identity.ca",
			       "it belongs to the mode ca, which needs it", fault);
	if (yaml->name && policy->identity != IDENTITY_CA)
		return missing(policy, "identity.name", "it belongs to the mode ca",
			       fault);
	if (policy->identity == IDENTITY_CONFIG_ID && !policy->config_id.size)
		return missing(policy, "config-id", "the identity's mode needs it",
			       fault);
	if (yaml->name) {
		policy->host_name = arena_printf(&policy->arena, "%s", yaml->name);
		if (!policy->host_name)
			return no_memory(policy->name, fault);
	}
	if (yaml->owner)
		return take_hex(policy, "identity.owner", yaml->owner, HASH_SIZE,
				&policy->owner, fault);
	if (yaml->ca)
		return take_pem(policy, "identity.ca", yaml->ca, &policy->ca_pem, fault);
	return take_list(policy, "identity.hardware", yaml->hardware,
			 yaml->hardware_count, UEID_SIZE, &policy->hardware, fault);
}

static enum tobi_err take_numbers(struct tobi_policy *policy,
				  const struct yaml_policy *yaml,
				  struct tobi_fault *fault)
{
	if (yaml->version != 1)
		return missing(policy, "version", "only version 1 is known here", fault);
	policy->has_product = yaml->product != NULL;
	policy->product = yaml->product ? *yaml->product : 0;
	policy->min_svn = yaml->min_svn ? *yaml->min_svn : 0;
	policy->max_age = yaml->max_age ? (int64_t)*yaml->max_age : DEFAULT_MAX_AGE;
	if (policy->product > UINT16_MAX || policy->min_svn > UINT16_MAX)
		return missing(policy, "min-svn", "product and min-svn are at most 65535",
			       fault);
	if (policy->max_age == 0 || policy->max_age > MAX_AGE)
		return missing(policy, "max-age", "1 second to 30 days are allowed",
			       fault);
	return TOBI_OK;
}

static enum tobi_err check_complete(struct tobi_policy *policy, struct tobi_fault *fault)
{
	if (policy->images.count == 0 && policy->signers.count == 0)
		return missing(policy, "images", "name at least one image or one signer",
			       fault);
	for (size_t i = 0; i < policy->tier_count; i++) {
		if (strcmp(policy->tiers[i], "soft") == 0 &&
		    !policy_anchors(policy, "soft").size)
			return missing(policy, "roots",
				       "the tier soft needs an anchor: the CA of the "
				       "platform that you "
				       "trust",
				       fault);
	}
	return TOBI_OK;
}

static enum tobi_err take_all(struct tobi_policy *policy, const struct yaml_policy *yaml,
			      struct tobi_fault *fault)
{
	enum tobi_err err = take_numbers(policy, yaml, fault);

	if (!err)
		err = take_tiers(policy, yaml, fault);
	if (!err)
		err = take_list(policy, "images", yaml->images, yaml->images_count,
				HASH_SIZE, &policy->images, fault);
	if (!err)
		err = take_list(policy, "signers", yaml->signers, yaml->signers_count,
				HASH_SIZE, &policy->signers, fault);
	if (!err)
		err = take_list(policy, "agents", yaml->agents, yaml->agents_count,
				HASH_SIZE, &policy->agents, fault);
	if (!err && yaml->config_id)
		err = take_hex(policy, "config-id", yaml->config_id, HASH_SIZE,
			       &policy->config_id, fault);
	if (!err)
		err = take_allow(policy, yaml, fault);
	if (!err)
		err = take_roots(policy, yaml, fault);
	if (!err)
		err = take_identity(policy, &yaml->identity, fault);
	return err ? err : check_complete(policy, fault);
}

enum tobi_err tobi_policy_parse(struct tobi_bytes text, const char *name,
				struct tobi_policy **ret_policy, struct tobi_fault *fault)
{
	CLEANUP(unloadp) struct yaml_policy *yaml = NULL;
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	enum tobi_err err = load(text, name, &yaml, fault);

	if (err)
		return err;
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return no_memory(name, fault);
	policy->arena = arena_init(LIMIT_APPRAISAL);
	policy->name = arena_printf(&policy->arena, "%s", yaml->name ? yaml->name : name);
	if (!policy->name)
		return no_memory(name, fault);
	err = take_all(policy, yaml, fault);
	if (err)
		return err;
	*ret_policy = TAKE(policy);
	return TOBI_OK;
}

void tobi_policy_free(struct tobi_policy *policy)
{
	if (!policy)
		return;
	arena_done(&policy->arena);
	free(policy);
}

struct tobi_bytes policy_anchors(const struct tobi_policy *policy, const char *tier)
{
	for (size_t i = 0; i < policy->root_count; i++) {
		if (strcmp(policy->roots[i].tier, tier) == 0)
			return policy->roots[i].anchors_pem;
	}
	return (struct tobi_bytes){0};
}
