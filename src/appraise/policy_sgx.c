#include "appraise/policy_sgx.h"

#include "appraise/policy_section.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/sgx_claims.h"
#include "tee/sgx_report.h"

#define POLICY "Tobichi policy, sgx."

enum { KSS_ID_SIZE = 16 };

static const struct check check_attributes = {
    "POLICY-SGX-ATTRIBUTES",
    "the enclave has no key of the platform that only Intel's own enclaves need",
    POLICY "attributes; Intel SDM volume 3D, ATTRIBUTES",
    "Build the enclave without provision-key and launch-key; or name them, if this "
    "enclave must have them."};
static const struct check check_family = {
    "POLICY-SGX-FAMILY", "the enclave is of the family that the policy names",
    POLICY "family-id", "Run the product's own enclave."};
static const struct check check_ext_product = {
    "POLICY-SGX-EXT-PRODUCT", "the enclave has the extended product id that is asked for",
    POLICY "ext-product-id", "Run the product's own enclave."};
static const struct check check_config_svn = {
    "POLICY-SGX-CONFIG-SVN", "the version of the enclave's configuration is not too old",
    POLICY "min-config-svn", "Launch the enclave with a newer configuration."};

static const struct check *const rows[] = {
    &check_attributes, &check_family, &check_ext_product, &check_config_svn, NULL,
};

/* Attributes that a policy may name. */
static const struct {
	const char *name;
	uint64_t flag;
} attributes[] = {{"provision-key", SGX_PROVISION_KEY},
		  {"launch-key", SGX_EINITTOKEN_KEY}};

enum { ATTRIBUTE_COUNT = sizeof(attributes) / sizeof(attributes[0]) };

const char *policy_sgx_attribute(const struct policy_sgx *sgx, size_t index)
{
	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		if ((sgx->attributes & attributes[i].flag) && index-- == 0)
			return attributes[i].name;
	}
	return NULL;
}

static enum tobi_err take_id(struct tobi_policy *policy, const char *field,
			     const char *text, struct tobi_bytes *ret_id,
			     struct tobi_fault *fault)
{
	uint8_t value[KSS_ID_SIZE];

	if (!text)
		return TOBI_OK;
	if (!hex_read(text, value, sizeof(value)))
		return policy_wrong(policy, field, "32 hexadecimal digits are needed",
				    fault);
	*ret_id = arena_copy(&policy->arena, (struct tobi_bytes){value, sizeof(value)});
	return ret_id->ptr ? TOBI_OK
			   : fault_set(fault, TOBI_E_MEMORY, policy->name, field,
				       "out of memory");
}

static enum tobi_err take_config_svn(struct tobi_policy *policy, const char *text,
				     struct policy_sgx *sgx, struct tobi_fault *fault)
{
	size_t size = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return TOBI_OK;
	if (size == 0 || text[size] || size > 5 || (text[0] == '0' && size > 1))
		return policy_wrong(
		    policy, "sgx.min-config-svn",
		    "a number in decimal digits is needed, without a leading "
		    "zero",
		    fault);
	for (size_t i = 0; i < size; i++)
		sgx->min_config_svn =
		    10 * sgx->min_config_svn + (uint64_t)(text[i] - '0');
	if (sgx->min_config_svn > UINT16_MAX)
		return policy_wrong(policy, "sgx.min-config-svn",
				    "0 to 65535 are allowed", fault);
	sgx->asks_config_svn = true;
	return TOBI_OK;
}

static enum tobi_err take_attributes(struct tobi_policy *policy,
				     const struct yaml_sgx *yaml, struct policy_sgx *sgx,
				     struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->attributes_count; i++) {
		size_t at = 0;

		while (at < ATTRIBUTE_COUNT &&
		       strcmp(attributes[at].name, yaml->attributes[i]) != 0)
			at++;
		if (at == ATTRIBUTE_COUNT)
			return policy_wrong(
			    policy, "sgx.attributes",
			    "what may be named is: provision-key, launch-key", fault);
		sgx->attributes |= attributes[at].flag;
	}
	return TOBI_OK;
}

enum tobi_err policy_sgx_take(struct tobi_policy *policy, const struct yaml_policy *yaml,
			      struct tobi_fault *fault)
{
	struct policy_sgx *sgx = arena_alloc(&policy->arena, sizeof(*sgx));
	enum tobi_err err;

	if (!sgx)
		return fault_set(fault, TOBI_E_MEMORY, policy->name, "sgx",
				 "out of memory");
	policy->sgx = sgx;
	if (!yaml->sgx)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, "sgx"))
		return policy_wrong(
		    policy, "sgx",
		    "it belongs to the tier sgx, which is not among the tiers", fault);
	err = take_id(policy, "sgx.family-id", yaml->sgx->family, &sgx->family, fault);
	if (!err)
		err = take_id(policy, "sgx.ext-product-id", yaml->sgx->ext_product,
			      &sgx->ext_product, fault);
	if (!err)
		err = take_config_svn(policy, yaml->sgx->min_config_svn, sgx, fault);
	return err ? err : take_attributes(policy, yaml->sgx, sgx, fault);
}

void policy_sgx_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.sgx && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

/* Without key separation and sharing the fields are zero, whatever was built. */
static void run_id(struct tobi_result *result, const struct check *check,
		   struct tobi_bytes expected, struct tobi_bytes found)
{
	bool kss = result->claims.sgx->kss;

	if (!expected.size)
		check_not_asked(&result->list, check, "the policy names none");
	else
		check_record(&result->list, check, kss && bytes_equal(expected, found),
			     policy_hex(result, expected),
			     kss ? policy_hex(result, found)
				 : "the enclave has no KSS (key separation and sharing)");
}

static void run_config_svn(struct tobi_result *result, const struct policy_sgx *sgx)
{
	const struct sgx_claims *claims = result->claims.sgx;
	char expected[32], found[32];

	if (!sgx->asks_config_svn) {
		check_not_asked(&result->list, &check_config_svn,
				"the policy names none");
		return;
	}
	snprintf(expected, sizeof(expected), "at least %" PRIu64, sgx->min_config_svn);
	snprintf(found, sizeof(found), "%u%s", claims->config_svn,
		 claims->kss ? "" : ", without KSS");
	check_record(&result->list, &check_config_svn,
		     claims->kss && claims->config_svn >= sgx->min_config_svn, expected,
		     found);
}

static void run_attributes(struct tobi_result *result, const struct policy_sgx *sgx)
{
	struct writer names = wr_init(128);
	uint64_t flags = result->claims.sgx->flags & ~sgx->attributes;
	bool has = false;

	for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
		if (!(flags & attributes[i].flag))
			continue;
		wr_printf(&names, "%s%s", has ? ", " : "", attributes[i].name);
		has = true;
	}
	wr_u8(&names, 0);
	check_record(&result->list, &check_attributes, !has,
		     "neither provision-key nor launch-key",
		     wr_err(&names) ? "" : (char *)names.ptr);
	wr_done(&names);
}

void policy_sgx_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct sgx_claims *claims = result->claims.sgx;

	if (!claims)
		return;
	run_attributes(result, policy->sgx);
	run_id(result, &check_family, policy->sgx->family, claims->family);
	run_id(result, &check_ext_product, policy->sgx->ext_product, claims->ext_product);
	run_config_svn(result, policy->sgx);
}

const char *policy_sgx_allowance(const struct tobi_result *result)
{
	const struct sgx_claims *claims = result->claims.sgx;

	if (!claims || !(claims->flags & (SGX_PROVISION_KEY | SGX_EINITTOKEN_KEY)))
		return NULL;
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (record->check == &check_attributes && record->outcome == TOBI_PASSED)
			return "PLATFORM KEYS: this enclave can get keys by which the "
			       "platform is known to Intel, and the policy allows that";
	}
	return NULL;
}
