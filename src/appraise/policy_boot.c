#include "appraise/policy_boot.h"

#include <stdio.h>
#include <string.h>

#include "appraise/policy_guest.h"
#include "appraise/policy_section.h"
#include "appraise/policy_yaml.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "tee/boot_text.h"

#define POLICY "Tobichi policy, boot."

static const struct check check_log = {
    "POLICY-BOOT-LOG", "an event log says what was started, and its replay proves it",
    "Tobichi policy, boot", "Give the machine's event log beside its evidence (--with)."};
static const struct check check_secure = {
    "POLICY-BOOT-SECURE", "Secure Boot was on when the machine started",
    POLICY "secure-boot", "Switch it on in the firmware's settings; start anew."};
static const struct check check_keys = {
    "POLICY-BOOT-KEYS", "Secure Boot's lists are those that the policy names",
    POLICY "pk, kek, db, dbx",
    "Somebody enrolled other keys, or a list was updated: name the new one after "
    "review."};
static const struct check check_finished = {
    "POLICY-BOOT-FINISHED", "firmware gave way to the system, and was gone after that",
    POLICY "unfinished; UEFI 2.10, ExitBootServices()",
    "Take the log after the start; or say unfinished: allowed, for firmware that does "
    "not "
    "measure it."};
static const struct check check_debug = {
    "POLICY-BOOT-DEBUG", "firmware did not run a debugger",
    "Tobichi policy, allow: debug", "Start the machine without it."};
static const struct check check_loaders = {
    "POLICY-BOOT-LOADERS", "firmware ran nothing but the images that the policy names",
    POLICY "boot-loaders", "Name the new image after review, or put the old one back."};
static const struct check check_kernels = {
    "POLICY-BOOT-KERNELS", "the kernel is one that the policy names", POLICY "kernels",
    "Name the new kernel after review, or start the old one."};
static const struct check check_initrds = {
    "POLICY-BOOT-INITRDS", "the first file system is one that the policy names",
    POLICY "initrds", "Name the new one after review, or start the old one."};
static const struct check check_command_lines = {
    "POLICY-BOOT-COMMAND-LINES", "the kernel's command line is one that the policy names",
    POLICY "command-lines, command-line-digests",
    "Name the new one after review, or start with the old one."};
static const struct check check_others = {
    "POLICY-BOOT-OTHERS",
    "nothing was measured among these but what the policy names or the log proves",
    POLICY "files, others",
    "What a log calls an event is not proven: name its digest under files after review; "
    "or say others: allowed, if whatever the loader reads is good enough for you."};
static const struct check check_files = {
    "POLICY-BOOT-FILES", "Linux read no program but those that the policy names",
    POLICY "ima-files", "Give the kernel's list (IMA); name what is new after review."};

static const struct check *const rows[] = {
    &check_log,		  &check_secure,  &check_keys,	  &check_finished,
    &check_debug,	  &check_loaders, &check_kernels, &check_initrds,
    &check_command_lines, &check_others,  &check_files,	  NULL,
};

static const char *const tiers[] = {"tdx", "tpm", "nitro-tpm", "azure-snp", "azure-tdx"};

/* ---- the rules ---- */

static enum tobi_err take_digest(struct tobi_policy *policy, const char *field,
				 const char *text, size_t least, struct tobi_bytes *out,
				 struct tobi_fault *fault)
{
	static const size_t sizes[] = {20, 32, 48, 64};
	uint8_t value[64];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i] < least || !hex_read(text, value, sizes[i]))
			continue;
		*out = arena_copy(&policy->arena, (struct tobi_bytes){value, sizes[i]});
		return out->ptr ? TOBI_OK : policy_no_memory(policy, fault);
	}
	return policy_wrong(
	    policy, field,
	    "an entry is no digest in hexadecimal, of SHA-256, SHA-384 or "
	    "SHA-512",
	    fault);
}

static enum tobi_err take_digests(struct tobi_policy *policy, const char *field,
				  char **texts, unsigned count, size_t least,
				  struct bytes_list *ret_list, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	struct bytes_list list = {0};

	if (count)
		list.items = arena_array(&policy->arena, count, sizeof(*list.items));
	if (count && !list.items)
		return policy_no_memory(policy, fault);
	for (unsigned i = 0; i < count && !err; i++)
		err = take_digest(policy, field, texts[i], least, &list.items[i], fault);
	list.count = count;
	*ret_list = list;
	return err;
}

static enum tobi_err take_word(const struct tobi_policy *policy, const char *field,
			       const char *text, const char *word, bool *ret_set,
			       struct tobi_fault *fault)
{
	if (text && strcmp(text, word) != 0)
		return fault_set(fault, TOBI_E_MALFORMED, policy->name, field,
				 "%s is all that it may be; leave it out otherwise",
				 word);
	*ret_set = text != NULL;
	return TOBI_OK;
}

static enum tobi_err take_words(const struct tobi_policy *policy,
				const struct yaml_boot *yaml, struct policy_boot *boot,
				struct tobi_fault *fault)
{
	enum tobi_err err = take_word(policy, "boot.secure-boot", yaml->secure_boot,
				      "required", &boot->secure_boot, fault);

	if (!err)
		err = take_word(policy, "boot.others", yaml->others, "allowed",
				&boot->others, fault);
	return err ? err
		   : take_word(policy, "boot.unfinished", yaml->unfinished, "allowed",
			       &boot->unfinished, fault);
}

static enum tobi_err take_lists(struct tobi_policy *policy, const struct yaml_boot *yaml,
				struct policy_boot *boot, struct tobi_fault *fault)
{
	const struct {
		const char *field;
		char **texts;
		unsigned count;
		size_t least;
		struct bytes_list *list;
	} lists[] = {
	    {"boot.pk", yaml->pk, yaml->pk_count, 32, &boot->variables[BOOT_PK]},
	    {"boot.kek", yaml->kek, yaml->kek_count, 32, &boot->variables[BOOT_KEK]},
	    {"boot.db", yaml->db, yaml->db_count, 32, &boot->variables[BOOT_DB]},
	    {"boot.dbx", yaml->dbx, yaml->dbx_count, 32, &boot->variables[BOOT_DBX]},
	    {"boot.boot-loaders", yaml->loaders, yaml->loaders_count, 32, &boot->loaders},
	    {"boot.kernels", yaml->kernels, yaml->kernels_count, 32, &boot->kernels},
	    {"boot.initrds", yaml->initrds, yaml->initrds_count, 32, &boot->initrds},
	    {"boot.files", yaml->files, yaml->files_count, 32, &boot->files},
	    {"boot.command-line-digests", yaml->command_line_digests,
	     yaml->command_line_digests_count, 32, &boot->command_line_digests},
	    {"boot.ima-files", yaml->ima_files, yaml->ima_files_count, 20,
	     &boot->ima_files},
	};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && !err; i++)
		err = take_digests(policy, lists[i].field, lists[i].texts, lists[i].count,
				   lists[i].least, lists[i].list, fault);
	return err ? err
		   : policy_text_list(policy, yaml->command_lines,
				      yaml->command_lines_count, &boot->command_lines,
				      fault);
}

static bool has_log(const char *tier)
{
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (strcmp(tier, tiers[i]) == 0)
			return true;
	}
	return false;
}

enum tobi_err policy_boot_take(struct tobi_policy *policy, const struct yaml_policy *yaml,
			       struct tobi_fault *fault)
{
	const struct policy_guest *guest = policy->guest;
	const char *const *asked = guest ? guest->tiers : policy->tiers;
	size_t count = guest ? guest->tier_count : policy->tier_count;
	struct policy_boot *boot;
	enum tobi_err err;

	if (!yaml->boot)
		return TOBI_OK;
	for (size_t i = 0; i < count; i++) {
		/* No evidence of it could ever be accepted. */
		if (!has_log(asked[i]))
			return policy_wrong(policy, "boot",
					    "it is of the tiers tdx, tpm, nitro-tpm, "
					    "azure-snp, azure-tdx: one of the tiers has "
					    "no event log",
					    fault);
	}
	boot = arena_alloc(&policy->arena, sizeof(*boot));
	if (!boot)
		return policy_no_memory(policy, fault);
	policy->boot = boot;
	err = take_words(policy, yaml->boot, boot, fault);
	return err ? err : take_lists(policy, yaml->boot, boot, fault);
}

static bool asks_for_command_lines(const struct policy_boot *asked)
{
	return asked->command_lines.count || asked->command_line_digests.count;
}

bool policy_boot_names(const struct tobi_policy *policy)
{
	const struct policy_boot *asked = policy->boot;

	/* A loader that is anybody's extends registers with what the policy wants to see.
	 */
	return asked && asked->kernels.count && asks_for_command_lines(asked) &&
	       !asked->others && (asked->loaders.count || asked->secure_boot);
}

/* ---- the checks ---- */

/* What the policy asks is known to policy_boot_run() alone. */
void policy_boot_owe(struct tobi_result *result)
{
	(void)result;
}

static void run_keys(struct tobi_result *result, const struct policy_boot *asked,
		     const struct boot_claims *boot)
{
	static const char *const names[BOOT_VARIABLES] = {"PK", "KEK", "db", "dbx"};
	const char *wrong = NULL, *found = "";
	bool any = false;

	for (size_t i = 0; i < BOOT_VARIABLES && !wrong; i++) {
		struct tobi_bytes hash = {boot->variables[i].hash, BOOT_HASH_SIZE};

		if (!asked->variables[i].count)
			continue;
		any = true;
		if (boot->variables[i].found &&
		    bytes_list_has(&asked->variables[i], hash))
			continue;
		wrong = names[i];
		found =
		    boot->variables[i].found ? policy_hex(result, hash) : "not measured";
	}
	if (any)
		check_record(&result->list, &check_keys, !wrong,
			     wrong ? wrong : "those that the policy names", found);
	else
		check_waive(&result->list, &check_keys, "the policy names none");
}

/* Texts in the forms in which loaders measure them. */
static bool is_command_line(const struct boot_item *item, const struct policy_boot *asked,
			    const struct event_hash *hash)
{
	if (item->explained || bytes_list_has(&asked->command_line_digests, item->digest))
		return true;
	for (size_t i = 0; i < asked->command_lines.count; i++) {
		struct tobi_bytes text = asked->command_lines.items[i];

		if (item->text.ptr ? bytes_equal(item->text, text)
				   : boot_text_is_measured(hash, item->digest, text))
			return true;
	}
	return false;
}

static bool is_listed(const struct boot_item *item, const struct policy_boot *asked,
		      const struct event_hash *hash)
{
	switch (item->role) {
	case BOOT_IMAGE:
		/* A kernel may be run as an image, too. */
		return bytes_list_has(&asked->loaders, item->digest) ||
		       bytes_list_has(&asked->kernels, item->digest);
	case BOOT_KERNEL:
		return bytes_list_has(&asked->kernels, item->digest);
	case BOOT_INITRD:
		return bytes_list_has(&asked->initrds, item->digest);
	case BOOT_COMMAND_LINE:
		return is_command_line(item, asked, hash);
	default:
		return false;
	}
}

static const char *shown(struct tobi_result *result, const struct boot_item *item)
{
	struct writer text = wr_init(4096);
	const char *copy;

	if (!item->text.ptr)
		return arena_printf(&result->arena, "%s %s",
				    policy_hex(result, item->digest), item->label);
	utf8_write_escaped(&text, item->text);
	copy = arena_text(&result->arena, wr_view(&text));
	wr_done(&text);
	return copy;
}

/* Registers in which what the policy names would be hidden. */
static bool matters(const struct boot_claims *boot, const struct policy_boot *asked,
		    unsigned index)
{
	bool system =
	    asked->kernels.count || asked->initrds.count || asks_for_command_lines(asked);

	if (boot->kind == BOOT_RTMRS)
		return index == 2 ? asked->loaders.count > 0 : system && index == 3;
	if (index == 4)
		return asked->loaders.count > 0;
	return system && (index == 8 || index == 9 || index == 11 || index == 12);
}

/* All of a role, and one at least. */
static void run_role(struct tobi_result *result, const struct check *check,
		     enum boot_role role, bool asks, const struct policy_boot *asked,
		     const struct event_hash *hash)
{
	const struct boot_claims *boot = result->claims.boot;
	const struct boot_item *wrong = NULL;
	size_t count = 0;

	if (!asks) {
		check_waive(&result->list, check, "the policy names none");
		return;
	}
	for (size_t i = 0; i < boot->item_count && !wrong; i++) {
		if (boot->items[i].role != role)
			continue;
		/* What runs may extend the others with whatever it likes. */
		count += matters(boot, asked, boot->items[i].index);
		if (!is_listed(&boot->items[i], asked, hash))
			wrong = &boot->items[i];
	}
	check_record(&result->list, check, count && !wrong, "one in the policy",
		     wrong	  ? shown(result, wrong)
		     : count == 0 ? "the log has none"
				  : "");
}

/* A digest whose data is not its own could be of anything, whatever the log calls it: of
 * another kernel, or of another command line. */
static bool is_named(const struct boot_item *item, const struct policy_boot *asked,
		     const struct event_hash *hash)
{
	return item->text.ptr || is_listed(item, asked, hash) ||
	       bytes_list_has(&asked->loaders, item->digest) ||
	       bytes_list_has(&asked->kernels, item->digest) ||
	       bytes_list_has(&asked->initrds, item->digest) ||
	       bytes_list_has(&asked->command_line_digests, item->digest) ||
	       bytes_list_has(&asked->files, item->digest);
}

static void run_others(struct tobi_result *result, const struct policy_boot *asked,
		       const struct event_hash *hash)
{
	const struct boot_claims *boot = result->claims.boot;
	const struct boot_item *other = NULL;
	uint32_t hidden = boot->unexplained | boot->absent;
	bool any = false;

	for (unsigned i = 0; i < 24; i++) {
		if (!matters(boot, asked, i))
			continue;
		any = true;
		/* What was measured there is left out, and what is named may have been
		 * measured later, somewhere else. */
		if (hidden >> i & 1) {
			check_record(
			    &result->list, &check_others, false,
			    "a log of each register that tells what was started",
			    arena_printf(&result->arena,
					 "register %u, of which it tells nothing", i));
			return;
		}
	}
	if (asked->others || !any) {
		check_waive(&result->list, &check_others,
			    asked->others ? "the policy lets them pass (others: allowed)"
					  : "the policy names nothing that was started");
		return;
	}
	for (size_t i = 0; i < boot->item_count && !other; i++) {
		if (matters(boot, asked, boot->items[i].index) &&
		    !is_named(&boot->items[i], asked, hash))
			other = &boot->items[i];
	}
	check_record(&result->list, &check_others, !other, "named in the policy",
		     other ? shown(result, other) : "");
}

static void run_files(struct tobi_result *result, const struct policy_boot *asked)
{
	const struct boot_ima *ima = result->claims.boot->ima;
	const char *wrong = NULL;

	if (!asked->ima_files.count) {
		check_waive(&result->list, &check_files, "the policy names none");
		return;
	}
	if (!ima)
		wrong = "the kernel's list did not come, or does not count";
	else if (ima->violations)
		wrong = "files that changed while they were read";
	for (size_t i = 0; !wrong && i < ima->file_count; i++) {
		if (!bytes_list_has(&asked->ima_files, ima->files[i].digest))
			wrong = arena_printf(&result->arena, "%s %s",
					     policy_hex(result, ima->files[i].digest),
					     ima->files[i].path);
	}
	check_record(&result->list, &check_files, !wrong, "those that the policy names",
		     wrong);
}

static void run_state(struct tobi_result *result, const struct tobi_policy *policy)
{
	static const char *const states[] = {"not known", "off", "on"};
	const struct boot_claims *boot = result->claims.boot;
	const struct policy_boot *asked = policy->boot;

	if (asked->secure_boot)
		check_record(&result->list, &check_secure, boot->secure_boot == BOOT_ON,
			     "on", states[boot->secure_boot]);
	else
		check_waive(&result->list, &check_secure, "the policy does not ask");
	run_keys(result, asked, boot);
	if (asked->unfinished)
		check_waive(&result->list, &check_finished,
			    "the policy lets it pass (unfinished: allowed)");
	else
		check_record(&result->list, &check_finished, boot->handed_over,
			     "ExitBootServices, with success",
			     boot->handed_over ? "" : "not measured");
	if (policy->allow_debug)
		check_waive(&result->list, &check_debug, "the policy allows debugging");
	else
		check_record(&result->list, &check_debug, !boot->debug, "none",
			     boot->debug ? "UEFI Debug Mode" : "");
}

static void run_items(struct tobi_result *result, const struct policy_boot *asked,
		      const struct event_hash *hash)
{
	run_role(result, &check_loaders, BOOT_IMAGE, asked->loaders.count > 0, asked,
		 hash);
	run_role(result, &check_kernels, BOOT_KERNEL, asked->kernels.count > 0, asked,
		 hash);
	run_role(result, &check_initrds, BOOT_INITRD, asked->initrds.count > 0, asked,
		 hash);
	run_role(result, &check_command_lines, BOOT_COMMAND_LINE,
		 asks_for_command_lines(asked), asked, hash);
	run_others(result, asked, hash);
}

void policy_boot_run(struct tobi_result *result, const struct tobi_policy *policy)
{
	const struct boot_claims *boot = result->claims.boot;
	struct event_hash hash = {0};

	for (size_t i = 0; policy->boot && rows[i]; i++)
		check_owe(&result->list, rows[i]);
	if (!policy->boot)
		return;
	check_record(&result->list, &check_log, boot != NULL, "an event log that counts",
		     boot ? "" : "none");
	if (!boot) {
		for (size_t i = 1; rows[i]; i++)
			check_waive(&result->list, rows[i], "there is no event log");
		return;
	}
	run_state(result, policy);
	run_files(result, policy->boot);
	/* Without memory the rest does not run, which refuses. */
	if (event_hash_start(boot->algorithm, "event log", &hash, NULL))
		return;
	run_items(result, policy->boot, &hash);
	event_hash_done(&hash);
}
