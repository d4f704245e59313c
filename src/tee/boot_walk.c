#include "tee/boot_walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "pki/key.h"
#include "tee/boot_text.h"
#include "tee/boot_variable.h"

enum {
	SEPARATOR_SIZE = 4,
	SEPARATORS = 3,
	FIRMWARE_PCRS = 8,
	RTMR0 = 1,
	RTMR1 = 2,
	/* Of the PCRs that RTMR0 and RTMR1 stand for: 1 and 7, 2 to 6. */
	RTMR0_PCRS = 2,
	RTMR1_PCRS = 5,
	LINUX_COMMANDS_MAX = 64,
	LABEL_MAX = 256,
};

/* What the events of a register are about. */
enum about { ABOUT_NOTHING, ABOUT_SECURE_BOOT, ABOUT_TABLES, ABOUT_IMAGES, ABOUT_LOADER };

/* With the log's name for it, which is made text at the end. */
struct walk_item {
	struct boot_item item;
	struct tobi_bytes label;
};

struct boot_walk {
	const struct boot_registers_shown *shown;
	const struct event_hash *hash;
	struct arena *arena;
	struct boot_claims *boot;
	struct walk_item *items; /* heap */
	size_t count, room;
	/* What firmware measures to close a register: two that are good, and an error. */
	uint8_t separators[SEPARATORS][EVENT_DIGEST_MAX];
	unsigned separated[EVENT_REGISTERS];
	bool separator_error, secure_boot_said, invoked;
	/* GRUB's last command of each kind. */
	struct tobi_bytes linux_words, initrd_words;
	/* A unified image's section whose content comes next; empty: none. */
	struct tobi_bytes section;
	unsigned section_index;
	size_t linux_commands;
};

static const char object[] = "event log";

static struct tobi_bytes digest_of(const struct boot_walk *walk,
				   const struct event *event)
{
	return event_digest_of(event, walk->hash->algorithm);
}

static bool is_proven(const struct boot_walk *walk, const struct event *event)
{
	return event_data_is_proven(event, walk->hash);
}

/* An image of PE or TE: what is measured of it is a hash over its bytes from the first
 * on, so that a log can bring along what proves it. */
static bool is_image(struct tobi_bytes data)
{
	static const char *const starts[] = {"MZ", "VZ", "PE"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (data.size >= 2 && memcmp(data.ptr, starts[i], 2) == 0)
			return true;
	}
	return false;
}

/* Words, which start nothing: a file system or a program is none. */
static bool is_words(struct tobi_bytes data)
{
	if (data.size && data.ptr[data.size - 1] == 0)
		data.size--;
	for (size_t i = 0; i < data.size; i++) {
		if (data.ptr[i] < ' ' && !(data.ptr[i] >= '\t' && data.ptr[i] <= '\r'))
			return false;
	}
	return true;
}

static enum about about(const struct boot_walk *walk, unsigned index)
{
	if (walk->shown->kind == BOOT_RTMRS)
		return index == RTMR0	? ABOUT_SECURE_BOOT
		       : index == RTMR1 ? ABOUT_IMAGES
					: ABOUT_LOADER;
	switch (index) {
	case 7:
		return ABOUT_SECURE_BOOT;
	case 5:
		return ABOUT_TABLES;
	case 2:
	case 4:
		return ABOUT_IMAGES;
	case 8:
	case 9:
	case 11:
	case 12:
	case 13:
	case 14:
		return ABOUT_LOADER;
	default:
		return ABOUT_NOTHING;
	}
}

/* ---- separators ---- */

static enum tobi_err make_separators(struct boot_walk *walk, struct tobi_fault *fault)
{
	/* The last says that firmware failed (section 10.4.1, EV_SEPARATOR). */
	static const uint8_t data[SEPARATORS][SEPARATOR_SIZE] = {
	    {0}, {0xff, 0xff, 0xff, 0xff}, {1}};

	for (size_t i = 0; i < SEPARATORS; i++) {
		struct tobi_bytes bytes = {data[i], SEPARATOR_SIZE};

		if (!event_hash_run(walk->hash, &bytes, 1, walk->separators[i]))
			return fault_set(fault, TOBI_E_CRYPTO, object, "digest",
					 "cannot hash");
	}
	return TOBI_OK;
}

/* By its digest, which is proven, and not by its type, which is not: else one could be
 * hidden, and what came after it taken for what came before. */
static bool take_separator(struct boot_walk *walk, const struct event *event)
{
	unsigned last = walk->shown->kind == BOOT_RTMRS ? RTMR1 : FIRMWARE_PCRS - 1;
	struct tobi_bytes digest = digest_of(walk, event);

	for (size_t i = 0; event->index <= last && i < SEPARATORS; i++) {
		struct tobi_bytes known = {walk->separators[i], walk->hash->size};

		if (!bytes_equal(digest, known))
			continue;
		/* A boot order of 1, 0 has the digest of an error. */
		if (i == SEPARATORS - 1 && event->type != EVENT_SEPARATOR)
			return false;
		walk->separated[event->index]++;
		walk->separator_error |= i == SEPARATORS - 1;
		return true;
	}
	return false;
}

static const char *wrong_separators(const struct boot_walk *walk)
{
	const struct boot_registers_shown *shown = walk->shown;

	if (walk->separator_error)
		return "firmware says that it failed";
	if (shown->kind == BOOT_RTMRS) {
		if (shown->values[RTMR0].size && !walk->separated[RTMR0])
			return "none in RTMR0";
		return walk->separated[RTMR0] > RTMR0_PCRS ||
			       walk->separated[RTMR1] > RTMR1_PCRS
			   ? "more than PCRs stand behind the register"
			   : NULL;
	}
	for (unsigned i = 0; i < FIRMWARE_PCRS; i++) {
		if (!shown->values[i].size)
			continue;
		if (walk->separated[i] == 0)
			return "none in a PCR of firmware";
		if (walk->separated[i] > 1)
			return "two in one PCR";
	}
	return NULL;
}

/* ---- Secure Boot ---- */

static enum tobi_err take_list(struct boot_walk *walk,
			       const struct uefi_variable *variable,
			       enum boot_variable_name which, struct tobi_fault *fault)
{
	struct boot_variable *out = &walk->boot->variables[which];
	size_t certificates = 0, hashes = 0;

	/* A second one would be another's. */
	if (out->found)
		return fault_set(fault, TOBI_E_MALFORMED, object, "variable",
				 "one of Secure Boot's is measured twice");
	uefi_signatures_count(variable->data, &certificates, &hashes);
	out->found = true;
	out->size = variable->data.size;
	out->certificates = certificates;
	out->hashes = hashes;
	return hash_sha256(variable->data, out->hash)
		   ? fault_set(fault, TOBI_E_CRYPTO, object, "variable", "cannot hash")
		   : TOBI_OK;
}

static void take_state(struct boot_walk *walk, struct tobi_bytes data)
{
	enum boot_state state = BOOT_UNKNOWN;

	/* Firmware that has no keys has no variable, and measures that. */
	if (data.size == 0 || (data.size == 1 && data.ptr[0] == 0))
		state = BOOT_OFF;
	else if (data.size == 1 && data.ptr[0] == 1)
		state = BOOT_ON;
	if (walk->secure_boot_said && state != walk->boot->secure_boot)
		state = BOOT_UNKNOWN;
	walk->secure_boot_said = true;
	walk->boot->secure_boot = state;
}

/* Only what came before the separator is firmware's: anybody may extend later. */
static enum tobi_err take_secure_boot(struct boot_walk *walk, const struct event *event,
				      struct tobi_fault *fault)
{
	static const char *const names[BOOT_VARIABLES] = {"PK", "KEK", "db", "dbx"};
	struct uefi_variable variable;
	bool before = walk->separated[event->index] == 0;

	if (bytes_equal_text(event->data, "UEFI Debug Mode"))
		walk->boot->debug |= is_proven(walk, event);
	if (bytes_equal_text(event->data, "DMA Protection Disabled"))
		walk->boot->no_dma_protection |= is_proven(walk, event);
	if (!uefi_variable_read(event->data, &variable) ||
	    !event_hash_is(walk->hash, digest_of(walk, event), variable.whole))
		return TOBI_OK;
	if (before && uefi_variable_is(&variable, "SecureBoot")) {
		take_state(walk, variable.data);
		return TOBI_OK;
	}
	for (unsigned i = 0; before && i < BOOT_VARIABLES; i++) {
		if (uefi_variable_is(&variable, names[i]))
			return take_list(walk, &variable, (enum boot_variable_name)i,
					 fault);
	}
	if (event->type == EVENT_EFI_VARIABLE_AUTHORITY)
		walk->boot->authority_count++;
	return TOBI_OK;
}

/* ---- items ---- */

/* Spans are the log's until the end of the walk, which keeps what starts something. */
static enum tobi_err add_item(struct boot_walk *walk, const struct event *event,
			      enum boot_role role, struct tobi_bytes text,
			      struct tobi_bytes label, struct tobi_fault *fault)
{
	if (walk->count == walk->room)
		return fault_set(fault, TOBI_E_LIMIT, object, "events",
				 "over %d that tell what was started", BOOT_ITEMS_MAX);
	walk->items[walk->count++] =
	    (struct walk_item){.item = {.role = role,
					.index = event->index,
					.digest = digest_of(walk, event),
					.text = text},
			       .label = label};
	return TOBI_OK;
}

static const struct tobi_bytes none;

static void take_action(struct boot_walk *walk, const struct event *event)
{
	bool after = walk->shown->kind == BOOT_RTMRS || walk->separated[event->index];

	if (!after || !is_proven(walk, event))
		return;
	if (bytes_equal_text(event->data, "Exit Boot Services Invocation"))
		walk->invoked = true;
	if (walk->invoked &&
	    bytes_equal_text(event->data, "Exit Boot Services Returned with Success"))
		walk->boot->handed_over = true;
}

/* In the register of images all is one whose data does not prove it to be something else.
 * In RTMR1, which stands for other PCRs too, the log's word must do. */
static enum tobi_err take_image(struct boot_walk *walk, const struct event *event,
				struct tobi_fault *fault)
{
	bool driver = event->type == EVENT_EFI_BOOT_DRIVER ||
		      event->type == EVENT_EFI_RUNTIME_DRIVER;
	enum boot_role role = BOOT_OTHER;

	take_action(walk, event);
	if (is_proven(walk, event) && !is_image(event->data))
		return TOBI_OK;
	if (driver || (walk->shown->kind == BOOT_PCRS && event->index == 2))
		role = BOOT_DRIVER;
	else if (event->type == EVENT_EFI_APPLICATION || walk->shown->kind == BOOT_PCRS)
		role = BOOT_IMAGE;
	return add_item(walk, event, role, none,
			boot_text_image_path(event->data, walk->arena), fault);
}

static enum tobi_err take_grub(struct boot_walk *walk, const struct event *event,
			       struct tobi_bytes text, bool command_line,
			       struct tobi_fault *fault)
{
	struct tobi_bytes end = {(const uint8_t *)"", 1}, parts[] = {text, end};
	struct tobi_bytes digest = digest_of(walk, event);
	uint8_t made[EVENT_DIGEST_MAX];
	bool proven = event_hash_is(walk->hash, digest, text);

	/* The word before it is not covered: behind it could be a whole file. */
	if (!is_words(text))
		return add_item(walk, event, BOOT_OTHER, none, event->data, fault);
	if (!proven && !event_hash_run(walk->hash, parts, 2, made))
		return fault_set(fault, TOBI_E_CRYPTO, object, "digest", "cannot hash");
	if (!proven && !bytes_equal(digest, (struct tobi_bytes){made, walk->hash->size}))
		return add_item(walk, event, BOOT_OTHER, none, event->data, fault);
	if (boot_text_linux(text).ptr)
		walk->linux_words = boot_text_linux(text);
	if (boot_text_initrd(text).ptr)
		walk->initrd_words = boot_text_initrd(text);
	return add_item(walk, event, command_line ? BOOT_COMMAND_LINE : BOOT_TEXT, text,
			none, fault);
}

/* A section of a unified image: its name's event proves what the next one is. */
static bool take_section_name(struct boot_walk *walk, const struct event *event,
			      struct tobi_bytes name)
{
	struct tobi_bytes end = {(const uint8_t *)"", 1}, parts[] = {name, end};
	uint8_t made[EVENT_DIGEST_MAX];

	if (name.size < 2 || name.ptr[0] != '.' ||
	    !event_hash_run(walk->hash, parts, 2, made) ||
	    !bytes_equal(digest_of(walk, event),
			 (struct tobi_bytes){made, walk->hash->size}))
		return false;
	walk->section = name;
	walk->section_index = event->index;
	return true;
}

static enum boot_role role_of_section(struct tobi_bytes name)
{
	if (bytes_equal_text(name, ".linux"))
		return BOOT_KERNEL;
	if (bytes_equal_text(name, ".initrd"))
		return BOOT_INITRD;
	return bytes_equal_text(name, ".cmdline") ? BOOT_COMMAND_LINE : BOOT_FILE;
}

static enum tobi_err take_wide(struct boot_walk *walk, const struct event *event,
			       struct tobi_bytes text, struct tobi_fault *fault)
{
	if (!text.ptr)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (take_section_name(walk, event, text))
		return add_item(walk, event, BOOT_TEXT, text, none, fault);
	/* In registers of a loader the text that is measured is the kernel's. */
	if (is_proven(walk, event))
		return add_item(walk, event, BOOT_COMMAND_LINE, text, none, fault);
	return add_item(walk, event, BOOT_FILE, none, text, fault);
}

static enum tobi_err take_tag(struct boot_walk *walk, const struct event *event,
			      struct tobi_fault *fault)
{
	static const enum boot_role roles[] = {
	    [BOOT_TAG_NONE] = BOOT_OTHER,
	    [BOOT_TAG_INITRD] = BOOT_INITRD,
	    [BOOT_TAG_OPTIONS] = BOOT_COMMAND_LINE,
	    [BOOT_TAG_OTHER] = BOOT_FILE,
	};
	struct tobi_bytes label = {0};
	enum boot_tag tag = boot_text_tag(event->data, &label);

	return add_item(walk, event, roles[tag], none, label, fault);
}

/* A file that GRUB read, by its path in the log. */
static enum tobi_err take_file(struct boot_walk *walk, const struct event *event,
			       struct tobi_fault *fault)
{
	struct tobi_bytes path = event->data, words = walk->linux_words;
	const uint8_t *space = words.size ? memchr(words.ptr, ' ', words.size) : NULL;
	enum boot_role role = BOOT_FILE;

	if (path.size && path.ptr[path.size - 1] == 0)
		path.size--;
	if (space)
		words.size = (size_t)(space - words.ptr);
	if (path.size && bytes_equal(path, words))
		role = BOOT_KERNEL;
	else if (boot_text_has_word(walk->initrd_words, path))
		role = BOOT_INITRD;
	return add_item(walk, event, role, none, path, fault);
}

static enum tobi_err take_loader(struct boot_walk *walk, const struct event *event,
				 struct tobi_fault *fault)
{
	struct tobi_bytes section = walk->section, text;
	bool command_line;

	walk->section = none;
	if (section.ptr && walk->section_index == event->index)
		return add_item(walk, event, role_of_section(section), none, section,
				fault);
	if (boot_text_grub(event->data, &text, &command_line))
		return take_grub(walk, event, text, command_line, fault);
	if (event->type == EVENT_IPL && boot_text_utf16(event->data, walk->arena, &text))
		return take_wide(walk, event, text, fault);
	if (is_proven(walk, event) && is_words(event->data))
		return add_item(walk, event, BOOT_TEXT, event->data, none, fault);
	return event->type == EVENT_TAG ? take_tag(walk, event, fault)
					: take_file(walk, event, fault);
}

static enum tobi_err take(struct boot_walk *walk, const struct event *event,
			  struct tobi_fault *fault)
{
	if (event->type == EVENT_NO_ACTION || event->index >= EVENT_REGISTERS ||
	    !walk->shown->values[event->index].size)
		return TOBI_OK;
	if (take_separator(walk, event))
		return TOBI_OK;
	switch (about(walk, event->index)) {
	case ABOUT_SECURE_BOOT:
		return take_secure_boot(walk, event, fault);
	case ABOUT_TABLES:
		take_action(walk, event);
		return TOBI_OK;
	case ABOUT_IMAGES:
		return take_image(walk, event, fault);
	case ABOUT_LOADER:
		return take_loader(walk, event, fault);
	default:
		return TOBI_OK;
	}
}

/* ---- command lines ---- */

/* The word before a text is not proven. So a text that follows a command to load a kernel
 * and says the same is its command line, whatever the log calls it; and without such a
 * text the command itself is. */
static enum tobi_err find_command_lines(struct boot_walk *walk, struct tobi_fault *fault)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct boot_item *command = &walk->items[i].item;
		struct tobi_bytes words = boot_text_linux(command->text);
		bool found = false;

		if (command->role != BOOT_TEXT || !words.ptr)
			continue;
		if (++walk->linux_commands > LINUX_COMMANDS_MAX)
			return fault_set(fault, TOBI_E_LIMIT, object, "events",
					 "over %d commands to load a kernel",
					 LINUX_COMMANDS_MAX);
		for (size_t k = i + 1; k < walk->count; k++) {
			struct boot_item *item = &walk->items[k].item;

			if (!item->text.ptr || !boot_text_same(words, item->text))
				continue;
			item->role = BOOT_COMMAND_LINE;
			found = true;
		}
		if (!found) {
			command->role = BOOT_COMMAND_LINE;
			command->text = words;
		}
	}
	return TOBI_OK;
}

/* Linux's stub measures the command line that it was given once more, in another form. */
static void explain_forms(struct boot_walk *walk)
{
	size_t tried = 0;

	for (size_t i = 0; i < walk->count; i++) {
		struct boot_item *item = &walk->items[i].item;

		if (item->role != BOOT_COMMAND_LINE || item->text.ptr)
			continue;
		for (size_t k = 0; k < walk->count && !item->explained; k++) {
			const struct boot_item *other = &walk->items[k].item;

			if (other->role != BOOT_COMMAND_LINE || !other->text.ptr ||
			    ++tried > LINUX_COMMANDS_MAX)
				continue;
			item->explained =
			    boot_text_is_measured(walk->hash, item->digest, other->text);
		}
	}
}

/* ---- what is kept ---- */

static const char *label_of(struct boot_walk *walk, struct tobi_bytes bytes)
{
	struct writer out = wr_init((size_t)4 * LABEL_MAX + 1);
	const char *label;

	while (bytes.size && bytes.ptr[bytes.size - 1] == 0)
		bytes.size--;
	if (bytes.size > LABEL_MAX)
		bytes.size = LABEL_MAX;
	utf8_write_escaped(&out, bytes);
	label = arena_text(walk->arena, wr_view(&out));
	wr_done(&out);
	return label ? label : "";
}

static bool keep_item(struct boot_walk *walk, const struct walk_item *from)
{
	struct boot_item *item = &walk->boot->items[walk->boot->item_count++];

	*item = from->item;
	item->label = label_of(walk, from->label);
	item->digest = arena_copy(walk->arena, from->item.digest);
	if (from->item.text.ptr)
		item->text = arena_copy(walk->arena, from->item.text);
	return item->digest.ptr && (!from->item.text.ptr || item->text.ptr);
}

/* A text that its digest proves, and that starts nothing, says nothing more. */
static enum tobi_err keep_items(struct boot_walk *walk, struct tobi_fault *fault)
{
	struct boot_claims *boot = walk->boot;
	size_t kept = 0;
	bool good;

	for (size_t i = 0; i < walk->count; i++)
		kept += walk->items[i].item.role != BOOT_TEXT;
	if (kept == 0)
		return TOBI_OK;
	boot->items = arena_array(walk->arena, kept, sizeof(*boot->items));
	good = boot->items != NULL;
	for (size_t i = 0; i < walk->count && good; i++) {
		if (walk->items[i].item.role != BOOT_TEXT)
			good = keep_item(walk, &walk->items[i]);
	}
	return good ? TOBI_OK
		    : fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

static enum tobi_err run(struct boot_walk *walk, struct tobi_bytes log,
			 struct tobi_fault *fault)
{
	struct event_log reader;
	struct event event;
	enum tobi_err err = event_log_open(log, object, &reader, fault);

	if (!err)
		err = make_separators(walk, fault);
	while (!err && event_log_next(&reader, &event))
		err = take(walk, &event, fault);
	if (!err)
		err = event_log_finish(&reader, object, fault);
	if (!err)
		err = find_command_lines(walk, fault);
	if (err)
		return err;
	explain_forms(walk);
	return keep_items(walk, fault);
}

enum tobi_err boot_walk(struct tobi_bytes log, const struct boot_registers_shown *shown,
			const struct event_hash *hash, struct arena *arena,
			struct boot_claims *boot, const char **ret_wrong,
			struct tobi_fault *fault)
{
	struct boot_walk walk = {.shown = shown,
				 .hash = hash,
				 .arena = arena,
				 .boot = boot,
				 .room = boot->events < BOOT_ITEMS_MAX ? boot->events
								       : BOOT_ITEMS_MAX};
	enum tobi_err err;

	walk.items = calloc(walk.room + 1, sizeof(*walk.items));
	if (!walk.items)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = run(&walk, log, fault);
	free(walk.items);
	if (!err)
		*ret_wrong = wrong_separators(&walk);
	return err;
}
