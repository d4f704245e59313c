/*
 * What loaders say of what they start, as they measure it.
 *
 * GRUB measures the text of a command and logs it behind a word, with an end. systemd
 * measures text as UTF-16 and logs what it measured; of a unified image it measures each
 * section's name and then its content, and logs the name as UTF-16 for both.
 *
 * Source: GRUB 2.12, grub-core/commands/tpm.c; systemd 256, src/boot/efi/measure.c and
 * stub.c; Linux 6.8, drivers/firmware/efi/libstub.
 */
#ifndef TOBI_TEE_BOOT_TEXT_H
#define TOBI_TEE_BOOT_TEXT_H

#include "base/arena.h"
#include "tee/event_log.h"

enum boot_tag { BOOT_TAG_NONE, BOOT_TAG_INITRD, BOOT_TAG_OPTIONS, BOOT_TAG_OTHER };

/* Whether the data is GRUB's: the text behind the word, without its end, and whether the
 * word is the one of a kernel's command line. */
bool boot_text_grub(struct tobi_bytes data, struct tobi_bytes *ret_text,
		    bool *ret_command_line);
/* Whether the data is UTF-16LE text with an end, of which this is the UTF-8 in the arena;
 * empty without memory. */
bool boot_text_utf16(struct tobi_bytes data, struct arena *arena,
		     struct tobi_bytes *ret_text);
/* The label of a tagged event, and what it is of. */
enum boot_tag boot_text_tag(struct tobi_bytes data, struct tobi_bytes *ret_label);
/* The path in an event of an image that firmware ran; empty where there is none. */
struct tobi_bytes boot_text_image_path(struct tobi_bytes data, struct arena *arena);
/* Behind the command that makes GRUB load a kernel, or an initrd; empty for others. */
struct tobi_bytes boot_text_linux(struct tobi_bytes command);
struct tobi_bytes boot_text_initrd(struct tobi_bytes command);
/* Whether the words have it among them. */
bool boot_text_has_word(struct tobi_bytes words, struct tobi_bytes word);
/* Equal but for quotes and backslashes, which GRUB adds when it measures a command line.
 */
bool boot_text_same(struct tobi_bytes a, struct tobi_bytes b);
/* Whether the digest is that of the text in a form that a loader measures: as it is, with
 * an end, in UTF-16LE, that with an end, each of them with BOOT_IMAGE= before it. */
bool boot_text_is_measured(const struct event_hash *hash, struct tobi_bytes digest,
			   struct tobi_bytes text);

#endif
