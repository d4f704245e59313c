/* What may be started, by a policy's section boot. */
#include "appraise/policy_boot.h"
#include "appraise/trust.h"

static void add_list(struct trust_writer *wr, const char *name, const char *key,
		     const struct bytes_list *list, bool hex, const char *bad)
{
	for (size_t i = 0; i < list->count; i++)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_IMAGE,
				  .name = name,
				  .value = trust_list(wr, &list->items[i], 1, hex),
				  .source = key,
				  .does = "may be started",
				  .bad = bad});
}

static void add_lists(struct trust_writer *wr, const struct policy_boot *boot)
{
	static const char bad[] =
	    "its holes are yours: what it starts, and what it lets in";

	add_list(wr, "boot loader", "boot: boot-loaders", &boot->loaders, true, bad);
	add_list(wr, "kernel", "boot: kernels", &boot->kernels, true, bad);
	add_list(wr, "initrd", "boot: initrds", &boot->initrds, true, bad);
	add_list(wr, "command line", "boot: command-lines", &boot->command_lines, false,
		 "opens whatever it opens");
	add_list(wr, "command line", "boot: command-line-digests",
		 &boot->command_line_digests, true, "opens whatever it opens");
}

static void add_allowances(struct trust_writer *wr, const struct policy_boot *boot)
{
	if (boot->others)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = "whatever else loaders measure",
				  .source = "boot: others",
				  .does = "is not looked at",
				  .bad = "could be another kernel, under a file's name",
				  .smaller = "name them under boot: files"});
	if (boot->unfinished)
		trust_add(wr, &(struct tobi_trust_line){
				  .kind = TOBI_TRUST_ALLOWANCE,
				  .name = "firmware that does not say that it gave way",
				  .source = "boot: unfinished",
				  .does = "is accepted",
				  .bad = "could be there still",
				  .smaller = "leave boot: unfinished out"});
}

void trust_boot(struct trust_writer *wr)
{
	const struct policy_boot *boot = wr->policy->boot;

	if (!boot)
		return;
	trust_open(wr, &(struct tobi_trust_line){.name = "what a machine starts"});
	add_lists(wr, boot);
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "boot: secure-boot",
				      "Secure Boot was on", "Secure Boot on or off",
				      "name boot: secure-boot"},
		  boot->secure_boot, NULL);
	trust_key(wr,
		  &(struct trust_key){TOBI_TRUST_FLOOR, "boot: db",
				      "who may sign what is run (db)",
				      "whoever is in the machine's own list (db)",
				      "name boot: db and boot: dbx"},
		  boot->variables[BOOT_DB].count > 0,
		  trust_list(wr, boot->variables[BOOT_DB].items,
			     boot->variables[BOOT_DB].count, true));
	add_allowances(wr, boot);
	trust_close(wr);
}
