#include "tee/boot_facts.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "tee/event_hash.h"

enum { SHOWN_OF_A_ROLE = 4, TEXT_SHOWN = 400 };

static void show_lists(const struct boot_claims *boot, struct arena *arena,
		       struct tee_claims *claims)
{
	static const char *const names[BOOT_VARIABLES] = {"boot PK", "boot KEK",
							  "boot db", "boot dbx"};
	char hash[2 * BOOT_HASH_SIZE + 1];

	for (size_t i = 0; i < BOOT_VARIABLES; i++) {
		const struct boot_variable *variable = &boot->variables[i];

		if (!variable->found)
			continue;
		hex_write((struct tobi_bytes){variable->hash, BOOT_HASH_SIZE}, hash,
			  sizeof(hash));
		if (variable->size == 0)
			tee_fact(claims, arena, names[i], "empty");
		else
			tee_fact(claims, arena, names[i],
				 "%s (%zu certificates, %zu hashes)", hash,
				 variable->certificates, variable->hashes);
	}
}

/* A text of the log's, or what is proven of it: its hash, and what the log calls it. */
static void show_item(const struct boot_item *item, const char *name, struct arena *arena,
		      struct tee_claims *claims)
{
	char hash[2 * 64 + 1];
	struct writer text = wr_init((size_t)4 * TEXT_SHOWN + 1);
	struct tobi_bytes part = item->text;

	if (item->text.ptr) {
		if (part.size > TEXT_SHOWN)
			part.size = TEXT_SHOWN;
		utf8_write_escaped(&text, part);
		tee_fact(claims, arena, name, "%.*s%s", (int)text.size,
			 text.size ? (const char *)text.ptr : "",
			 part.size < item->text.size ? ".." : "");
	} else {
		hex_write(item->digest, hash, sizeof(hash));
		tee_fact(claims, arena, name, "%s%s%s%s", hash,
			 item->label[0] ? " (the log's name for it: " : "", item->label,
			 item->label[0] ? ")" : "");
	}
	wr_done(&text);
}

static void show_role(const struct boot_claims *boot, enum boot_role role,
		      const char *name, struct arena *arena, struct tee_claims *claims)
{
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < boot->item_count; i++) {
		const struct boot_item *item = &boot->items[i];

		if (item->role != role || item->explained)
			continue;
		if (shown++ < SHOWN_OF_A_ROLE)
			show_item(item, name, arena, claims);
		else
			more++;
	}
	if (more)
		tee_fact(claims, arena, name, "and %zu more", more);
}

static void show_unexplained(const struct boot_claims *boot, struct arena *arena,
			     struct tee_claims *claims)
{
	struct writer names = wr_init(256);

	for (unsigned i = 0; i < 32; i++) {
		if (boot->unexplained & UINT32_C(1) << i)
			wr_printf(&names, "%sPCR %u", names.size ? ", " : "", i);
	}
	if (names.size)
		tee_fact(claims, arena, "boot, unexplained",
			 "%.*s: extended after the start, and no log tells by what",
			 (int)names.size, (const char *)names.ptr);
	wr_done(&names);
}

void boot_facts_add(const struct boot_claims *boot, struct arena *arena,
		    struct tee_claims *claims)
{
	static const char *const states[] = {"not known", "off", "on"};

	tee_fact(claims, arena, "boot, event log", "%zu events, replayed in %s",
		 boot->events, event_hash_name(boot->algorithm));
	tee_fact(claims, arena, "boot, Secure Boot", "%s%s%s", states[boot->secure_boot],
		 boot->debug ? ", in debug mode" : "",
		 boot->no_dma_protection ? ", without DMA protection" : "");
	show_lists(boot, arena, claims);
	if (boot->locality > 0)
		tee_fact(claims, arena, "boot, locality", "%d", boot->locality);
	show_role(boot, BOOT_IMAGE, "boot image", arena, claims);
	show_role(boot, BOOT_DRIVER, "boot driver", arena, claims);
	show_role(boot, BOOT_KERNEL, "boot kernel", arena, claims);
	show_role(boot, BOOT_INITRD, "boot initrd", arena, claims);
	show_role(boot, BOOT_COMMAND_LINE, "boot command line", arena, claims);
	tee_fact(claims, arena, "boot, firmware", "%s",
		 boot->handed_over ? "gave way to the system"
				   : "not shown to have given way to the system");
	if (boot->ima)
		tee_fact(claims, arena, "boot, files", "%zu measured by Linux%s",
			 boot->ima->file_count,
			 boot->ima->violations ? ", of which some changed meanwhile"
					       : "");
	show_unexplained(boot, arena, claims);
	if (boot->algorithm == TCG_SHA1)
		tee_warn(claims, "SHA-1 ONLY: the event log and its registers rest on a "
				 "hash for which collisions are known");
}
