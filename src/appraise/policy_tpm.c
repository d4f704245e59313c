#include "appraise/policy_tpm.h"

#include <string.h>

#include "appraise/policy_roots.h"
#include "appraise/policy_section.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "pki/chain.h"
#include "tee/tpm_structs.h"

/* Decimal digits without a leading zero, up to most; false for anything else. */
static bool read_number(const char *text, uint64_t most, uint64_t *ret_value)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value = 0;

	if (digits == 0 || digits > 20 || text[digits] || (text[0] == '0' && digits > 1))
		return false;
	for (size_t i = 0; i < digits; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = 10 * value + digit;
	}
	*ret_value = value;
	return value <= most;
}

static enum tobi_err take_number(struct tobi_policy *policy, const char *field,
				 const char *text, uint64_t most,
				 struct policy_tpm_number *number,
				 struct tobi_fault *fault)
{
	if (text && !read_number(text, most, &number->value))
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
				 "a number is needed, in decimal digits, up to %llu",
				 (unsigned long long)most);
	number->asked = text != NULL;
	return TOBI_OK;
}

/* Its length says of which bank a value is. */
static unsigned hash_of(const char *hex)
{
	static const unsigned hashes[] = {TPM_ALG_SHA1, TPM_ALG_SHA256, TPM_ALG_SHA384,
					  TPM_ALG_SHA512};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		if (strlen(hex) == 2 * tpm_hash_size(hashes[i]))
			return hashes[i];
	}
	return TPM_ALG_NULL;
}

static struct tpm_bank *bank_of(struct policy_tpm *tpm, unsigned hash)
{
	for (size_t i = 0; i < tpm->bank_count; i++) {
		if (tpm->banks[i].hash == hash)
			return &tpm->banks[i];
	}
	tpm->banks[tpm->bank_count].hash = hash;
	return &tpm->banks[tpm->bank_count++];
}

static enum tobi_err take_pcr(struct tobi_policy *policy, const struct yaml_pcr *yaml,
			      struct policy_tpm *tpm, struct tobi_fault *fault)
{
	unsigned hash = hash_of(yaml->value);
	size_t size = tpm_hash_size(hash);
	uint8_t value[TPM_HASH_MAX];
	struct tobi_bytes *pcr;
	uint64_t index;

	if (!read_number(yaml->index, TPM_PCRS - 1, &index))
		return policy_wrong(policy, "tpm.pcrs.index", "0 to 23 are allowed",
				    fault);
	if (hash == TPM_ALG_NULL || !hex_read(yaml->value, value, size))
		return policy_wrong(policy, "tpm.pcrs.value",
				    "64 hexadecimal digits are needed (of the bank of "
				    "SHA-256), or 96, 128, 40 (SHA-384, SHA-512, SHA-1)",
				    fault);
	if (hash == TPM_ALG_SHA1 && !tpm->weak)
		return policy_wrong(policy, "tpm.pcrs.value",
				    "a value of the bank of SHA-1, which does not count "
				    "unless tpm.banks names sha1",
				    fault);
	pcr = &bank_of(tpm, hash)->pcrs[index];
	if (pcr->size)
		return policy_wrong(policy, "tpm.pcrs.index", "a PCR is there twice",
				    fault);
	*pcr = arena_copy(&policy->arena, (struct tobi_bytes){value, size});
	if (!pcr->ptr)
		return policy_no_memory(policy, fault);
	if (hash == TPM_ALG_SHA256)
		policy->pcrs[index] = *pcr;
	return TOBI_OK;
}

static enum tobi_err take_banks(struct tobi_policy *policy, const struct yaml_tpm *yaml,
				struct policy_tpm *tpm, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (unsigned i = 0; i < yaml->banks_count; i++) {
		if (tpm_hash_named(yaml->banks[i]) == TPM_ALG_NULL)
			return policy_wrong(policy, "tpm.banks",
					    "the banks are: sha1 sha256 sha384 sha512",
					    fault);
		tpm->weak |= tpm_hash_named(yaml->banks[i]) == TPM_ALG_SHA1;
	}
	for (unsigned i = 0; i < yaml->pcrs_count && !err; i++)
		err = take_pcr(policy, &yaml->pcrs[i], tpm, fault);
	for (unsigned i = 0; i < yaml->quoted_count && !err; i++) {
		uint64_t index;

		if (!read_number(yaml->quoted[i], TPM_PCRS - 1, &index))
			return policy_wrong(policy, "tpm.quoted", "0 to 23 are allowed",
					    fault);
		tpm->quoted |= UINT32_C(1) << index;
	}
	return err;
}

/* size 0: of any hash of a signature. */
static enum tobi_err take_hex(struct tobi_policy *policy, const char *field, char **texts,
			      unsigned count, size_t size, struct bytes_list *ret_list,
			      struct tobi_fault *fault)
{
	ret_list->items =
	    arena_array(&policy->arena, count + 1u, sizeof(*ret_list->items));
	if (!ret_list->items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		size_t own = size ? size : tpm_hash_size(hash_of(texts[i]));
		uint8_t value[TPM_HASH_MAX];

		if (own < sizeof(uint64_t) || !hex_read(texts[i], value, own))
			return fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
					 "an entry is not %zu hexadecimal digits",
					 2 * (size ? size : SHA256_SIZE));
		ret_list->items[i] =
		    arena_copy(&policy->arena, (struct tobi_bytes){value, own});
		if (!ret_list->items[i].ptr)
			return policy_no_memory(policy, fault);
	}
	ret_list->count = count;
	return TOBI_OK;
}

static enum tobi_err take_required(struct tobi_policy *policy, const char *field,
				   const char *text, bool *ret_asked,
				   struct tobi_fault *fault)
{
	if (text && strcmp(text, "required") != 0)
		return policy_wrong(policy, field, "its one value is: required", fault);
	*ret_asked = text != NULL;
	return TOBI_OK;
}

static enum tobi_err take_numbers(struct tobi_policy *policy, const struct yaml_tpm *yaml,
				  struct policy_tpm *tpm, struct tobi_fault *fault)
{
	const struct {
		const char *field, *text;
		uint64_t most;
		struct policy_tpm_number *to;
	} numbers[] = {
	    {"tpm.resets", yaml->resets, UINT32_MAX, &tpm->resets},
	    {"tpm.min-resets", yaml->min_resets, UINT32_MAX, &tpm->min_resets},
	    {"tpm.restarts", yaml->restarts, UINT32_MAX, &tpm->restarts},
	    {"tpm.min-restarts", yaml->min_restarts, UINT32_MAX, &tpm->min_restarts},
	    {"tpm.min-clock", yaml->min_clock, UINT64_MAX, &tpm->min_clock},
	};
	uint8_t firmware[sizeof(uint64_t)];
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && !err; i++)
		err = take_number(policy, numbers[i].field, numbers[i].text,
				  numbers[i].most, numbers[i].to, fault);
	if (err || !yaml->min_firmware)
		return err;
	if (!hex_read(yaml->min_firmware, firmware, sizeof(firmware)))
		return policy_wrong(policy, "tpm.min-firmware",
				    "16 hexadecimal digits are needed", fault);
	tpm->min_firmware.asked = true;
	for (size_t i = 0; i < sizeof(firmware); i++)
		tpm->min_firmware.value = tpm->min_firmware.value << 8 | firmware[i];
	return TOBI_OK;
}

static enum tobi_err take_lists(struct tobi_policy *policy, const struct yaml_tpm *yaml,
				struct policy_tpm *tpm, struct tobi_fault *fault)
{
	enum tobi_err err = take_hex(policy, "tpm.pcr-digests", yaml->digests,
				     yaml->digests_count, 0, &tpm->digests, fault);

	if (!err)
		err =
		    take_hex(policy, "tpm.firmware", yaml->firmware, yaml->firmware_count,
			     sizeof(uint64_t), &tpm->firmware, fault);
	if (!err)
		err = take_hex(policy, "tpm.eks", yaml->eks, yaml->eks_count, SHA256_SIZE,
			       &tpm->eks, fault);
	if (!err)
		err = take_hex(policy, "tpm.certified-keys", yaml->certified_keys,
			       yaml->certified_keys_count, SHA256_SIZE,
			       &tpm->certified_keys, fault);
	if (!err)
		err = policy_text_list(policy, yaml->projects, yaml->projects_count,
				       &tpm->projects, fault);
	if (!err)
		err = policy_text_list(policy, yaml->zones, yaml->zones_count,
				       &tpm->zones, fault);
	if (!err)
		err = policy_text_list(policy, yaml->instances, yaml->instances_count,
				       &tpm->instances, fault);
	return err;
}

static enum tobi_err take_anchors(struct tobi_policy *policy, const char *anchors,
				  struct policy_tpm *tpm, struct tobi_fault *fault)
{
	enum tobi_err err;

	if (!anchors)
		return TOBI_OK;
	err = policy_take_pem(policy, "tpm.anchors", anchors, &policy->tpm_anchors_pem,
			      fault);
	if (!err)
		err = policy_pins_of(policy, policy->tpm_anchors_pem, &tpm->pins, fault);
	return err ? err
		   : chain_cache_trust(policy->chains, policy->tpm_anchors_pem,
				       policy->name, fault);
}

enum tobi_err policy_tpm_take(struct tobi_policy *policy, const struct yaml_policy *whole,
			      struct tobi_fault *fault)
{
	const struct yaml_tpm *yaml = whole->tpm;
	struct policy_tpm *tpm;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	tpm = arena_alloc(&policy->arena, sizeof(*tpm));
	if (!tpm)
		return policy_no_memory(policy, fault);
	policy->asks_for_tpm = true;
	policy->tpm = tpm;
	err = take_anchors(policy, yaml->anchors, tpm, fault);
	if (!err)
		err = take_banks(policy, yaml, tpm, fault);
	if (!err)
		err = take_numbers(policy, yaml, tpm, fault);
	if (!err)
		err = take_lists(policy, yaml, tpm, fault);
	if (!err)
		err = take_required(policy, "tpm.safe", yaml->safe, &tpm->safe, fault);
	if (!err)
		err = take_required(policy, "tpm.ak-certificate", yaml->ak_certificate,
				    &tpm->needs_certificate, fault);
	return err ? err
		   : take_required(policy, "tpm.ak-public", yaml->ak_public,
				   &tpm->needs_public, fault);
}

bool policy_tpm_names(const struct tobi_policy *policy)
{
	return policy->tpm && (policy->tpm->bank_count || policy->tpm->digests.count);
}
