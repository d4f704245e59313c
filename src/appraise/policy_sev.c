#include "appraise/policy_sev.h"

#include "appraise/policy_section.h"
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/sev_claims.h"
#include "tee/sev_launch.h"

#define POLICY "Tobichi policy, sev"

static const struct check check_generation = {
    "POLICY-SEV-GENERATION", "the processor is of a generation that the policy names",
    POLICY ".generations", "Run the guest on a processor that the policy names."};
static const struct check check_guest_policy = {
    "POLICY-SEV-GUEST-POLICY",
    "the guest was launched under the restrictions that the policy asks for",
    POLICY ".guest-policy", "Launch the guest with these bits in its SEV policy."};
static const struct check check_api = {
    "POLICY-SEV-API", "the firmware's API is not older than the policy allows",
    POLICY ".min-api", "Update the platform's SEV firmware."};
static const struct check check_build = {
    "POLICY-SEV-BUILD", "the firmware's build is not older than the policy allows",
    POLICY ".min-build",
    "Update the platform's SEV firmware; without a measured launch its build is not "
    "known."};
static const struct check check_owner = {
    "POLICY-SEV-OWNER", "the platform has the owner that the policy asks for",
    POLICY ".oca; " POLICY ".owner",
    "Compare with the SHA-256 of the owner's public key; export the certificates with "
    "the owner's."};

static const struct check *const rows[] = {
    &check_generation, &check_guest_policy, &check_api, &check_build, &check_owner, NULL};

static const char *const generations[] = {"naples", "rome", "milan"};

static const struct {
	const char *name;
	uint32_t bit;
} restrictions[] = {
    {"nodbg", SEV_POLICY_NODBG},   {"noks", SEV_POLICY_NOKS},	  {"es", SEV_POLICY_ES},
    {"nosend", SEV_POLICY_NOSEND}, {"domain", SEV_POLICY_DOMAIN}, {"sev", SEV_POLICY_SEV},
};

static enum tobi_err take_generations(struct tobi_policy *policy,
				      const struct yaml_sev *yaml, struct policy_sev *sev,
				      struct tobi_fault *fault)
{
	sev->generations = arena_array(&policy->arena, yaml->generations_count + 1u,
				       sizeof(*sev->generations));
	if (!sev->generations)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->generations_count; i++) {
		for (size_t j = 0; j < sizeof(generations) / sizeof(generations[0]); j++)
			if (strcmp(yaml->generations[i], generations[j]) == 0)
				sev->generations[i] = generations[j];
		if (!sev->generations[i])
			return policy_wrong(policy, "sev.generations",
					    "the generations are: naples rome milan",
					    fault);
	}
	sev->generation_count = yaml->generations_count;
	return TOBI_OK;
}

static enum tobi_err take_restrictions(struct tobi_policy *policy,
				       const struct yaml_sev *yaml,
				       struct policy_sev *sev, struct tobi_fault *fault)
{
	for (unsigned i = 0; i < yaml->guest_policy_count; i++) {
		uint32_t bit = 0;

		for (size_t j = 0; j < sizeof(restrictions) / sizeof(restrictions[0]);
		     j++)
			if (strcmp(yaml->guest_policy[i], restrictions[j].name) == 0)
				bit = restrictions[j].bit;
		if (!bit)
			return policy_wrong(
			    policy, "sev.guest-policy",
			    "the restrictions are: nodbg noks es nosend domain "
			    "sev",
			    fault);
		sev->guest_policy |= bit;
	}
	return TOBI_OK;
}

/* Up to 255, in decimal digits without a leading zero; what follows it, or NULL. */
static const char *read_byte(const char *text, uint8_t *ret_value)
{
	size_t digits = strspn(text, "0123456789");
	unsigned value = 0;

	if (digits == 0 || digits > 3 || (text[0] == '0' && digits > 1))
		return NULL;
	for (size_t i = 0; i < digits; i++)
		value = 10 * value + (unsigned)(text[i] - '0');
	if (value > UINT8_MAX)
		return NULL;
	*ret_value = (uint8_t)value;
	return text + digits;
}

static enum tobi_err take_firmware(struct tobi_policy *policy,
				   const struct yaml_sev *yaml, struct policy_sev *sev,
				   struct tobi_fault *fault)
{
	const char *rest;

	if (yaml->min_api) {
		rest = read_byte(yaml->min_api, &sev->min_major);
		if (rest && *rest == '.')
			rest = read_byte(rest + 1, &sev->min_minor);
		else
			rest = NULL;
		if (!rest || *rest)
			return policy_wrong(policy, "sev.min-api",
					    "a version like 0.17 is needed", fault);
		sev->has_min_api = true;
	}
	if (yaml->min_build) {
		rest = read_byte(yaml->min_build, &sev->min_build);
		if (!rest || *rest)
			return policy_wrong(policy, "sev.min-build",
					    "0 to 255 are allowed", fault);
		sev->has_min_build = true;
	}
	return TOBI_OK;
}

static enum tobi_err take_owners(struct tobi_policy *policy, const struct yaml_sev *yaml,
				 struct policy_sev *sev, struct tobi_fault *fault)
{
	if (yaml->owner && strcmp(yaml->owner, "required") != 0)
		return policy_wrong(policy, "sev.owner", "its one value is: required",
				    fault);
	sev->owner_required = yaml->owner || yaml->oca_count;
	sev->owners.items =
	    arena_array(&policy->arena, yaml->oca_count + 1u, sizeof(*sev->owners.items));
	if (!sev->owners.items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < yaml->oca_count; i++) {
		uint8_t hash[SHA256_SIZE];

		if (!hex_read(yaml->oca[i], hash, sizeof(hash)))
			return policy_wrong(policy, "sev.oca",
					    "an entry is not 64 hexadecimal digits",
					    fault);
		sev->owners.items[i] =
		    arena_copy(&policy->arena, (struct tobi_bytes){hash, sizeof(hash)});
		if (!sev->owners.items[i].ptr)
			return policy_no_memory(policy, fault);
	}
	sev->owners.count = yaml->oca_count;
	return TOBI_OK;
}

enum tobi_err policy_sev_take(struct tobi_policy *policy, const struct yaml_policy *whole,
			      struct tobi_fault *fault)
{
	const struct yaml_sev *yaml = whole->sev;
	struct policy_sev *sev;
	enum tobi_err err;

	if (!yaml)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, "sev"))
		return policy_wrong(
		    policy, "sev",
		    "it belongs to the tier sev, which is not among the tiers", fault);
	sev = arena_alloc(&policy->arena, sizeof(*sev));
	if (!sev)
		return policy_no_memory(policy, fault);
	if (yaml->platform_only && strcmp(yaml->platform_only, "allowed") != 0)
		return policy_wrong(policy, "sev.platform-only",
				    "its one value is: allowed", fault);
	sev->platform_only = yaml->platform_only != NULL;
	err = take_generations(policy, yaml, sev, fault);
	if (!err)
		err = take_restrictions(policy, yaml, sev, fault);
	if (!err)
		err = take_firmware(policy, yaml, sev, fault);
	if (!err)
		err = take_owners(policy, yaml, sev, fault);
	if (!err)
		policy->sev = sev;
	return err;
}

void policy_sev_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.sev && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

static void run_generation(struct tobi_result *result, const struct policy_sev *asked)
{
	const char *found = result->claims.sev->generation;
	struct writer names = wr_init(64);
	bool named = false;

	if (asked->generation_count == 0) {
		check_waive(&result->list, &check_generation, "the policy names none");
		return;
	}
	for (size_t i = 0; i < asked->generation_count; i++) {
		wr_printf(&names, "%s%s", i ? " or " : "", asked->generations[i]);
		named |= strcmp(asked->generations[i], found) == 0;
	}
	wr_u8(&names, 0);
	check_record(&result->list, &check_generation, named,
		     wr_err(&names) ? "" : (char *)names.ptr,
		     found[0] ? found : "one that is not known here");
	wr_done(&names);
}

static void run_guest_policy(struct tobi_result *result, const struct policy_sev *asked)
{
	const struct sev_claims *claims = result->claims.sev;
	char expected[32], found[32] = "no launch was measured";

	if (!asked->guest_policy) {
		check_waive(&result->list, &check_guest_policy, "the policy names none");
		return;
	}
	snprintf(expected, sizeof(expected), "at least 0x%08x",
		 (unsigned)asked->guest_policy);
	if (claims->measured)
		snprintf(found, sizeof(found), "0x%08x", (unsigned)claims->policy);
	check_record(&result->list, &check_guest_policy,
		     claims->measured && !(asked->guest_policy & ~claims->policy),
		     expected, found);
}

static void run_firmware(struct tobi_result *result, const struct policy_sev *asked)
{
	const struct sev_claims *claims = result->claims.sev;
	char expected[32], found[32] = "no launch was measured";

	if (asked->has_min_api) {
		unsigned have = (unsigned)claims->api_major << 8 | claims->api_minor;
		unsigned need = (unsigned)asked->min_major << 8 | asked->min_minor;
		char version[32];

		snprintf(expected, sizeof(expected), "at least %u.%u", asked->min_major,
			 asked->min_minor);
		snprintf(version, sizeof(version), "%u.%u", claims->api_major,
			 claims->api_minor);
		check_record(&result->list, &check_api, have >= need, expected, version);
	} else {
		check_waive(&result->list, &check_api, "the policy names none");
	}
	if (!asked->has_min_build) {
		check_waive(&result->list, &check_build, "the policy names none");
		return;
	}
	snprintf(expected, sizeof(expected), "at least %u", asked->min_build);
	if (claims->measured)
		snprintf(found, sizeof(found), "%u", claims->build);
	check_record(&result->list, &check_build,
		     claims->measured && claims->build >= asked->min_build, expected,
		     found);
}

static void run_owner(struct tobi_result *result, const struct policy_sev *asked)
{
	const struct sev_claims *claims = result->claims.sev;
	const struct tobi_bytes found = {claims->owner, sizeof(claims->owner)};
	char text[2 * SHA256_SIZE + 1] = "no owner's certificate";
	bool named = asked->owners.count == 0;

	if (!asked->owner_required) {
		check_waive(&result->list, &check_owner, "the policy names none");
		return;
	}
	for (size_t i = 0; i < asked->owners.count; i++)
		named |= bytes_equal(asked->owners.items[i], found);
	if (claims->has_owner)
		hex_write(found, text, sizeof(text));
	check_record(&result->list, &check_owner, claims->has_owner && named,
		     asked->owners.count ? "an owner that the policy names" : "an owner",
		     text);
}

void policy_sev_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const struct policy_sev nothing;
	const struct policy_sev *asked = policy->sev ? policy->sev : &nothing;

	if (!result->claims.sev)
		return;
	run_generation(result, asked);
	run_guest_policy(result, asked);
	run_firmware(result, asked);
	run_owner(result, asked);
}

bool policy_sev_names(const struct tobi_policy *policy)
{
	return policy->sev && policy->sev->platform_only;
}
