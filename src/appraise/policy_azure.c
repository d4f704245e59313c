#include "appraise/policy_azure.h"

#include <ctype.h>
#include <string.h>

#include "appraise/policy_section.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/azure_claims.h"

#define POLICY "Tobichi policy, azure."

enum { ID_MAX = 64 };

static const struct check check_secure_boot = {
    "POLICY-AZURE-SECURE-BOOT", "the paravisor says that Secure Boot is on",
    POLICY "secure-boot", "Turn Secure Boot on in the VM's security profile."};
static const struct check check_console = {
    "POLICY-AZURE-CONSOLE",
    "the paravisor says that the host has no console into the machine", POLICY "console",
    "Create the VM without a serial console, or allow it."};
static const struct check check_vm = {
    "POLICY-AZURE-VM", "the machine is one that the policy names", POLICY "vm-ids",
    "Check whom you have asked; name the VM's id if it is one of yours."};
static const struct check check_root = {
    "POLICY-AZURE-ROOT-CERT",
    "the machine was set up with a root certificate that the policy names",
    POLICY "root-cert-thumbprints",
    "Create the VM with that certificate, or name this one's thumbprint."};
static const struct check check_user_data = {
    "POLICY-AZURE-USER-DATA", "the guest has put in what the policy names",
    POLICY "user-data",
    "Write it to NV index 0x01400002, and read the paravisor's report anew."};

static const struct check *const rows[] = {
    &check_secure_boot, &check_console, &check_vm, &check_root, &check_user_data, NULL,
};

/* ---- the rules ---- */

/* One word, or none. */
static enum tobi_err take_word(struct tobi_policy *policy, const char *field,
			       const char *text, const char *word, bool *ret_said,
			       struct tobi_fault *fault)
{
	if (text && strcmp(text, word) != 0)
		return policy_wrong(policy, field,
				    strcmp(word, "required") == 0
					? "required is all that it may be; leave it out "
					  "otherwise"
					: "refused is all that it may be; leave it out "
					  "otherwise",
				    fault);
	*ret_said = text != NULL;
	return TOBI_OK;
}

static enum tobi_err take_texts(struct tobi_policy *policy, const char *field,
				char **texts, unsigned count, bool lower,
				struct bytes_list *ret_list, struct tobi_fault *fault)
{
	if (count == 0)
		return TOBI_OK;
	ret_list->items = arena_array(&policy->arena, count, sizeof(*ret_list->items));
	if (!ret_list->items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count; i++) {
		char *copy = arena_printf(&policy->arena, "%s", texts[i]);

		if (!copy)
			return policy_no_memory(policy, fault);
		if (strlen(copy) > ID_MAX)
			return policy_wrong(policy, field, "an entry is too long", fault);
		for (char *c = copy; lower && *c; c++)
			*c = (char)tolower((unsigned char)*c);
		ret_list->items[i] = bytes_of_text(copy);
	}
	ret_list->count = count;
	return TOBI_OK;
}

/* Filled up with zeros, as the index that it is written to is. */
static enum tobi_err take_user_data(struct tobi_policy *policy, const char *text,
				    struct policy_azure *azure, struct tobi_fault *fault)
{
	uint8_t value[AZURE_USER_DATA_SIZE] = {0};
	size_t size = text ? strlen(text) / 2 : 0;

	if (!text)
		return TOBI_OK;
	if (size == 0 || size > sizeof(value) || !hex_read(text, value, size))
		return policy_wrong(policy, "azure.user-data",
				    "up to 64 bytes in hexadecimal are needed", fault);
	azure->user_data =
	    arena_copy(&policy->arena, (struct tobi_bytes){value, sizeof(value)});
	return azure->user_data.ptr ? TOBI_OK : policy_no_memory(policy, fault);
}

enum tobi_err policy_azure_take(struct tobi_policy *policy,
				const struct yaml_policy *whole, struct tobi_fault *fault)
{
	const struct yaml_azure *yaml = whole->azure;
	struct policy_azure *azure = arena_alloc(&policy->arena, sizeof(*azure));
	enum tobi_err err;

	if (!azure)
		return policy_no_memory(policy, fault);
	policy->azure = azure;
	if (!yaml)
		return TOBI_OK;
	/* It would look like a check, and be none. */
	if (!policy_names_tier(policy, "azure-snp") &&
	    !policy_names_tier(policy, "azure-tdx"))
		return policy_wrong(policy, "azure",
				    "it belongs to the tiers azure-snp and azure-tdx, "
				    "which are not among the tiers",
				    fault);
	err = take_word(policy, "azure.secure-boot", yaml->secure_boot, "required",
			&azure->secure_boot, fault);
	if (!err)
		err = take_word(policy, "azure.console", yaml->console, "refused",
				&azure->no_console, fault);
	if (!err)
		err = take_texts(policy, "azure.vm-ids", yaml->vm_ids, yaml->vm_ids_count,
				 true, &azure->vms, fault);
	if (!err)
		err = take_texts(policy, "azure.root-cert-thumbprints", yaml->thumbprints,
				 yaml->thumbprints_count, false, &azure->thumbprints,
				 fault);
	return err ? err : take_user_data(policy, yaml->user_data, azure, fault);
}

/* ---- the checks ---- */

void policy_azure_owe(struct tobi_result *result)
{
	for (size_t i = 0; result->claims.azure && rows[i]; i++)
		check_owe(&result->list, rows[i]);
}

/* What a paravisor does not say is not so. */
static void run_flag(struct tobi_result *result, const struct check *check, bool asked,
		     enum azure_flag flag, enum azure_flag wanted)
{
	static const char *const words[] = {
	    [AZURE_NOT_SAID] = "it does not say", [AZURE_NO] = "off", [AZURE_YES] = "on"};

	if (asked)
		check_record(&result->list, check, flag == wanted, words[wanted],
			     words[flag]);
	else
		check_waive(&result->list, check, "the policy does not ask");
}

static void run_text(struct tobi_result *result, const struct check *check,
		     const struct bytes_list *allowed, const char *found, bool lower)
{
	char *text = arena_printf(&result->arena, "%s", found ? found : "");

	for (char *c = text; lower && c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (allowed->count == 0)
		check_waive(&result->list, check, "the policy names none");
	else
		check_record(&result->list, check,
			     found && text &&
				 bytes_list_has(allowed, bytes_of_text(text)),
			     "one of those in the policy", found ? text : "none");
}

void policy_azure_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct azure_claims *claims = result->claims.azure;
	const struct policy_azure *asked = policy->azure;

	if (!claims)
		return;
	run_flag(result, &check_secure_boot, asked->secure_boot, claims->secure_boot,
		 AZURE_YES);
	run_flag(result, &check_console, asked->no_console, claims->console, AZURE_NO);
	run_text(result, &check_vm, &asked->vms, claims->vm_id, true);
	run_text(result, &check_root, &asked->thumbprints, claims->thumbprint, false);
	if (asked->user_data.size)
		check_record_equal(&result->list, &check_user_data, asked->user_data,
				   claims->user_data);
	else
		check_waive(&result->list, &check_user_data, "the policy names none");
}
