/* Event logs of whole starts, written for tests, with the registers that they make. */
#ifndef TESTS_BOOT_SCENE_H
#define TESTS_BOOT_SCENE_H

#include "base/writer.h"
#include "tee/boot.h"

enum { BOOT_SCENE_DIGEST = 48 };

struct boot_scene {
	enum boot_registers kind;
	struct writer log; /* SHA-384 */
	uint8_t registers[EVENT_REGISTERS][BOOT_SCENE_DIGEST];
};

/* Nothing but the event that names the bank. boot_scene_done() it. */
void boot_scene_start(struct boot_scene *scene, enum boot_registers kind);
void boot_scene_done(struct boot_scene *scene);
/* An event of a PCR, or of the RTMR that stands for it, whose digest is its data's. */
void boot_scene_event(struct boot_scene *scene, unsigned pcr, uint32_t type,
		      struct tobi_bytes data);
/* One whose digest is of something else. */
void boot_scene_measured(struct boot_scene *scene, unsigned pcr, uint32_t type,
			 struct tobi_bytes measured, struct tobi_bytes data);
/* GRUB's: the word is logged, and not measured. */
void boot_scene_grub(struct boot_scene *scene, const char *word, const char *text);
/* A variable of Secure Boot in PCR 7, by its name. */
void boot_scene_variable(struct boot_scene *scene, const char *name,
			 struct tobi_bytes data);
/* Text in UTF-16LE with an end, into out. */
void boot_scene_wide(struct writer *out, const char *text);
/* One in each of firmware's registers. */
void boot_scene_separators(struct boot_scene *scene);
void boot_scene_hand_over(struct boot_scene *scene);

/* What the start below measures. */
extern const struct tobi_bytes boot_scene_loader, boot_scene_kernel, boot_scene_initrd,
    boot_scene_config;
#define BOOT_SCENE_COMMAND_LINE "/vmlinuz root=/dev/vda ro"
/* A whole start: Secure Boot on, a loader, GRUB with a kernel, a command line and an
 * initrd. */
void boot_scene_whole(struct boot_scene *scene, enum boot_registers kind);
/* Appends a policy's section that takes that start, and no other. */
void boot_scene_policy(struct writer *out);
/* All registers, as evidence shows them. Borrows. */
struct boot_registers_shown boot_scene_shown(const struct boot_scene *scene);
/* SHA-384. */
void boot_scene_hash(struct tobi_bytes bytes, uint8_t out[static BOOT_SCENE_DIGEST]);

/* ---- logs of SHA-1 alone, and lists of files (IMA) ---- */

void boot_scene_sha1_event(struct writer *out, uint32_t index, uint32_t type,
			   struct tobi_bytes data);
/* An entry of ima-ng in the binary form; its data is for the caller to extend with. */
void boot_scene_ima_entry(struct writer *out, uint32_t pcr, struct tobi_bytes file_sha256,
			  const char *path, struct writer *ret_data);

#endif
