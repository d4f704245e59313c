#include "appraise/policy_nitro.h"

#include "appraise/policy_section.h"
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

#define POLICY "Tobichi policy, nitro."

enum { HEX_BYTES_MAX = 1024 };

static const struct check check_pcrs = {
    "POLICY-NITRO-PCRS", "the PCRs have the values that the policy names", POLICY "pcrs",
    "Something else was started than was reviewed; name the new values after review."};
static const struct check check_role = {
    "POLICY-NITRO-ROLE",
    "the instance beside the enclave has an IAM role that the policy names",
    POLICY "role-arns; AWS Nitro Enclaves user guide, PCR3",
    "Give the instance the role that was agreed, or name its role after review."};
static const struct check check_instance = {
    "POLICY-NITRO-INSTANCE", "the enclave runs on an EC2 instance that the policy names",
    POLICY "instance-ids; AWS Nitro Enclaves user guide, PCR4",
    "Check whom you have asked; name the instance if it is one of yours."};
static const struct check check_module = {
    "POLICY-NITRO-MODULE",
    "the module that made the document is one that the policy names", POLICY "module-ids",
    "Each launch of an enclave has another module id: name the one that runs now."};
static const struct check check_public_key = {
    "POLICY-NITRO-PUBLIC-KEY",
    "the document carries the public key that the policy names", POLICY "public-key",
    "Do not encrypt for that key: ask whose it is."};
static const struct check check_user_data = {
    "POLICY-NITRO-USER-DATA", "the document carries the user data that the policy names",
    POLICY "user-data", "Ask the enclave for a document with the agreed user data."};

const struct check *const policy_nitro_rows[] = {
    &check_pcrs,      &check_role, &check_instance, &check_module, &check_public_key,
    &check_user_data, NULL,
};

static enum tobi_err wrong(const struct tobi_policy *policy, const char *section,
			   const char *key, const char *what, struct tobi_fault *fault)
{
	char field[64];

	snprintf(field, sizeof(field), "%s.%s", section, key);
	return fault_set(fault, TOBI_E_MALFORMED, policy->name, field, "%s", what);
}

/* One or two decimal digits without a leading zero; SIZE_MAX for anything else. */
static size_t read_index(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	size_t value = 0;

	if (digits == 0 || digits > 2 || text[digits] || (text[0] == '0' && digits > 1))
		return SIZE_MAX;
	for (size_t i = 0; i < digits; i++)
		value = 10 * value + (size_t)(text[i] - '0');
	return value;
}

static enum tobi_err take_pcrs(struct tobi_policy *policy, const char *section,
			       const struct yaml_nitro *yaml, size_t limit,
			       struct policy_nitro *nitro, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->pcrs_count; i++) {
		size_t index = read_index(yaml->pcrs[i].index);
		uint8_t value[NITRO_PCR_SIZE];

		if (index >= limit)
			return wrong(policy, section, "pcrs.index",
				     limit == NITRO_PCRS ? "0 to 31 are allowed"
							 : "0 to 23 are allowed",
				     fault);
		if (nitro->pcrs[index].size)
			return wrong(policy, section, "pcrs.index",
				     "a PCR is there twice", fault);
		if (!hex_read(yaml->pcrs[i].value, value, sizeof(value)))
			return wrong(policy, section, "pcrs.value",
				     "96 hexadecimal digits are needed", fault);
		nitro->pcrs[index] =
		    arena_copy(&policy->arena, (struct tobi_bytes){value, sizeof(value)});
		if (!nitro->pcrs[index].ptr)
			return policy_no_memory(policy, fault);
	}
	return TOBI_OK;
}

/* A PCR into which one text was measured: SHA-384 of 48 zeros and the text. */
static enum tobi_err measure(struct tobi_policy *policy, const struct bytes_list *texts,
			     struct bytes_list *ret_pcrs, struct tobi_fault *fault)
{
	if (texts->count == 0)
		return TOBI_OK;
	ret_pcrs->items =
	    arena_array(&policy->arena, texts->count, sizeof(*ret_pcrs->items));
	if (!ret_pcrs->items)
		return policy_no_memory(policy, fault);
	for (size_t i = 0; i < texts->count; i++) {
		size_t size = NITRO_PCR_SIZE + texts->items[i].size;
		uint8_t *extended = arena_alloc(&policy->arena, size);
		uint8_t hash[SHA384_SIZE];

		if (!extended)
			return policy_no_memory(policy, fault);
		bytes_copy(extended + NITRO_PCR_SIZE, size - NITRO_PCR_SIZE,
			   texts->items[i].ptr, texts->items[i].size);
		if (hash_sha384((struct tobi_bytes){extended, size}, hash))
			return fault_set(fault, TOBI_E_CRYPTO, policy->name, "nitro",
					 "cannot hash");
		ret_pcrs->items[i] =
		    arena_copy(&policy->arena, (struct tobi_bytes){hash, sizeof(hash)});
		if (!ret_pcrs->items[i].ptr)
			return policy_no_memory(policy, fault);
	}
	ret_pcrs->count = texts->count;
	return TOBI_OK;
}

static enum tobi_err take_measured(struct tobi_policy *policy, const char *key,
				   char **texts, unsigned count, unsigned pcr,
				   struct policy_nitro *nitro,
				   struct bytes_list *ret_texts,
				   struct bytes_list *ret_pcrs, struct tobi_fault *fault)
{
	enum tobi_err err = policy_text_list(policy, texts, count, ret_texts, fault);

	if (!err && count && nitro->pcrs[pcr].size)
		return wrong(policy, "nitro", key,
			     "its PCR is among pcrs, too: name it once", fault);
	return err ? err : measure(policy, ret_texts, ret_pcrs, fault);
}

/* Bytes in hexadecimal, or "none". */
static enum tobi_err take_bytes(struct tobi_policy *policy, const char *section,
				const char *key, const char *text, bool *ret_asked,
				struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	uint8_t value[HEX_BYTES_MAX];
	size_t size = text ? strlen(text) / 2 : 0;

	*ret_asked = text != NULL;
	if (!text || strcmp(text, "none") == 0)
		return TOBI_OK;
	if (size == 0 || size > sizeof(value) || !hex_read(text, value, size))
		return wrong(policy, section, key,
			     "up to 1024 bytes in hexadecimal are needed, or: none",
			     fault);
	*ret_bytes = arena_copy(&policy->arena, (struct tobi_bytes){value, size});
	return ret_bytes->ptr ? TOBI_OK : policy_no_memory(policy, fault);
}

static enum tobi_err take(struct tobi_policy *policy, const char *section,
			  const struct yaml_nitro *yaml, struct policy_nitro **ret_nitro,
			  struct tobi_fault *fault)
{
	bool is_tpm = strcmp(section, "nitro-tpm") == 0;
	struct policy_nitro *nitro;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, section))
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, section,
				 "it belongs to the tier %s, which is not among the "
				 "tiers",
				 section);
	nitro = arena_alloc(&policy->arena, sizeof(*nitro));
	if (!nitro)
		return policy_no_memory(policy, fault);
	err = take_pcrs(policy, section, yaml, is_tpm ? NITRO_TPM_PCRS : NITRO_PCRS,
			nitro, fault);
	if (!err)
		err = policy_text_list(policy, yaml->modules, yaml->modules_count,
				       &nitro->modules, fault);
	if (!err)
		err = take_measured(policy, "role-arns", yaml->roles, yaml->roles_count,
				    NITRO_PCR_ROLE, nitro, &nitro->roles,
				    &nitro->role_pcrs, fault);
	if (!err)
		err = take_measured(policy, "instance-ids", yaml->instances,
				    yaml->instances_count, NITRO_PCR_INSTANCE, nitro,
				    &nitro->instances, &nitro->instance_pcrs, fault);
	if (!err)
		err = take_bytes(policy, section, "public-key", yaml->public_key,
				 &nitro->asks_public_key, &nitro->public_key, fault);
	if (!err)
		err = take_bytes(policy, section, "user-data", yaml->user_data,
				 &nitro->asks_user_data, &nitro->user_data, fault);
	*ret_nitro = nitro;
	return err;
}

enum tobi_err policy_nitro_take(struct tobi_policy *policy,
				const struct yaml_policy *yaml, struct tobi_fault *fault)
{
	enum tobi_err err = take(policy, "nitro", yaml->nitro, &policy->nitro, fault);

	return err ? err
		   : take(policy, "nitro-tpm", yaml->nitro_tpm, &policy->nitro_tpm,
			  fault);
}

void policy_nitro_owe(struct tobi_result *result)
{
	if (!result->claims.nitro)
		return;
	for (size_t i = 0; policy_nitro_rows[i]; i++) {
		/* A TPM's PCRs have no role and no instance in them. */
		if (!result->claims.nitro->tpm ||
		    (policy_nitro_rows[i] != &check_role &&
		     policy_nitro_rows[i] != &check_instance))
			check_owe(&result->list, policy_nitro_rows[i]);
	}
}

/* shown: what the policy says, as texts. */
static void run_list(struct tobi_result *result, const struct check *check,
		     const struct bytes_list *allowed, const struct bytes_list *shown,
		     struct tobi_bytes found, const char *found_text)
{
	const char *expected = "one of those in the policy";

	if (shown && shown->count == 1)
		expected = arena_text(&result->arena, shown->items[0]);
	if (shown && shown->count)
		check_record(&result->list, check, bytes_list_has(allowed, found),
			     expected, found_text);
	else
		check_not_asked(&result->list, check, "the policy names none");
}

/* The first that differs is named. */
static void run_pcrs(struct tobi_result *result, const struct policy_nitro *nitro)
{
	const struct nitro_claims *claims = result->claims.nitro;
	const char *expected = "", *found = "";
	bool asked = false, equal = true;

	for (unsigned i = 0; nitro && i < NITRO_PCRS && equal; i++) {
		if (!nitro->pcrs[i].size)
			continue;
		asked = true;
		equal = bytes_equal(nitro->pcrs[i], claims->pcrs[i]);
		if (!equal) {
			expected = arena_printf(&result->arena, "PCR %u: %s", i,
						policy_hex(result, nitro->pcrs[i]));
			found = arena_printf(&result->arena, "PCR %u: %s", i,
					     policy_hex(result, claims->pcrs[i]));
		}
	}
	if (asked)
		check_record(&result->list, &check_pcrs, equal, expected, found);
	else
		check_not_asked(&result->list, &check_pcrs, "the policy names none");
}

/* Absent is equal to absent only: an empty text is something. */
static void run_bytes(struct tobi_result *result, const struct check *check, bool asked,
		      struct tobi_bytes expected, struct tobi_bytes found)
{
	if (asked)
		check_record(&result->list, check,
			     !expected.ptr == !found.ptr && bytes_equal(expected, found),
			     expected.ptr ? policy_hex(result, expected) : "none",
			     found.ptr ? policy_hex(result, found) : "none");
	else
		check_not_asked(&result->list, check, "the policy names none");
}

void policy_nitro_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_nitro nothing = {0};
	const struct nitro_claims *claims = result->claims.nitro;
	const struct policy_nitro *nitro;
	const char *module;

	if (!claims)
		return;
	nitro = claims->tpm ? policy->nitro_tpm : policy->nitro;
	nitro = nitro ? nitro : &nothing;
	module = arena_text(&result->arena, claims->module_id);
	run_pcrs(result, nitro);
	run_list(result, &check_module, &nitro->modules, &nitro->modules,
		 claims->module_id, module);
	run_bytes(result, &check_public_key, nitro->asks_public_key, nitro->public_key,
		  claims->public_key);
	run_bytes(result, &check_user_data, nitro->asks_user_data, nitro->user_data,
		  claims->user_data);
	if (claims->tpm)
		return;
	run_list(result, &check_role, &nitro->role_pcrs, &nitro->roles,
		 claims->pcrs[NITRO_PCR_ROLE],
		 policy_hex(result, claims->pcrs[NITRO_PCR_ROLE]));
	run_list(result, &check_instance, &nitro->instance_pcrs, &nitro->instances,
		 claims->pcrs[NITRO_PCR_INSTANCE],
		 policy_hex(result, claims->pcrs[NITRO_PCR_INSTANCE]));
}
