#include "tee/boot_ima.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "tee/ima_log.h"

#define KERNEL "Linux 6.8, security/integrity/ima"

const struct check boot_check_ima_read = {
    "BOOT-IMA-READ", "the list of files that Linux measured can be read", KERNEL,
    "Take it as the kernel gives it: binary_runtime_measurements, or "
    "ascii_runtime_measurements."};
const struct check boot_check_ima_replay = {
    "BOOT-IMA-REPLAY",
    "the list of files is what the kernel's register was made of, up to the evidence",
    KERNEL "/ima_queue.c",
    "The list is older than the evidence, or was changed. Take it after the evidence."};
const struct check boot_check_ima_boot = {
    "BOOT-IMA-BOOT", "the list of files begins with the start that the registers show",
    KERNEL "/ima_crypto.c (boot_aggregate)",
    "The list is of another start of the machine. Take both at one time."};

static const char object[] = "IMA log";

enum {
	/* What RTMR2 stands for: PCR 8 to 15. */
	FIRST_OF_RTMR2 = 8,
	LAST_OF_RTMR2 = 15,
	RTMR2 = 3,
	PCRS_OF_SHA1 = 8,
	PCRS_OF_OTHERS = 10
};

/* Older kernels extend each bank with the SHA-1 digest, zeros behind it; newer ones with
 * a digest of the bank's own. */
struct ima_replay {
	struct boot_replay *boot;
	const struct boot_registers_shown *shown;
	struct arena *arena;
	struct event_hash logged; /* of the log's digests */
	struct event_replay own, padded;
	unsigned index; /* the register, by the event log's number */
	size_t count, files;
	/* Up to here the register is what the evidence shows. */
	size_t proven, proven_files, violations, proven_violations;
	struct boot_ima *out;
	size_t room;
	/* The first entry's. */
	char algorithm[IMA_ALGORITHM_MAX + 1];
	uint8_t aggregate[EVENT_DIGEST_MAX];
	size_t aggregate_size;
};

static enum tobi_err crypto(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_CRYPTO, object, "digest", "cannot replay");
}

static enum tobi_err map_register(struct ima_replay *ima, const struct ima_entry *entry,
				  struct tobi_fault *fault)
{
	unsigned index = entry->index;

	if (ima->shown->kind == BOOT_RTMRS)
		index = index >= FIRST_OF_RTMR2 && index <= LAST_OF_RTMR2 ? RTMR2 : 0;
	if (ima->count == 0)
		ima->index = index;
	if (index != ima->index || !ima->shown->values[index].size)
		return fault_set(fault, TOBI_E_MISMATCH, object, "pcr",
				 "its entries are not all of one register that the "
				 "evidence shows");
	return TOBI_OK;
}

/* What the entry claims to be of is what its digest is of. */
static enum tobi_err extend(struct ima_replay *ima, const struct ima_entry *entry,
			    struct tobi_fault *fault)
{
	const struct event_hash *bank = &ima->own.hash;
	uint8_t own[EVENT_DIGEST_MAX], padded[EVENT_DIGEST_MAX] = {0};
	struct tobi_bytes digest = {own, bank->size};

	if (entry->violation) {
		memset(own, 0xff, sizeof(own));
		return event_replay_extend(&ima->own, ima->index, digest) &&
			       event_replay_extend(&ima->padded, ima->index, digest)
			   ? TOBI_OK
			   : crypto(fault);
	}
	if (!event_hash_is(&ima->logged, entry->digest, entry->data))
		return fault_set(fault, TOBI_E_MISMATCH, object, "template digest",
				 "entry %zu is not what its digest is of",
				 ima->count + 1);
	if (!event_hash_run(bank, &entry->data, 1, own))
		return crypto(fault);
	if (entry->digest.size <= bank->size)
		bytes_copy(padded, sizeof(padded), entry->digest.ptr, entry->digest.size);
	return event_replay_extend(&ima->own, ima->index, digest) &&
		       event_replay_extend(&ima->padded, ima->index,
					   (struct tobi_bytes){padded, bank->size})
		   ? TOBI_OK
		   : crypto(fault);
}

static const char *shown_text(struct arena *arena, struct tobi_bytes bytes)
{
	struct writer out = wr_init(4 * bytes.size + 1);
	const char *text;

	utf8_write_escaped(&out, bytes);
	text = arena_text(arena, wr_view(&out));
	wr_done(&out);
	return text;
}

static enum tobi_err keep_file(struct ima_replay *ima, const struct ima_entry *entry,
			       struct tobi_fault *fault)
{
	struct boot_file *files = ima->out->files, *file;

	if (ima->files == ima->room) {
		size_t room = ima->room ? 2 * ima->room : 64;

		files = arena_array(ima->arena, room, sizeof(*files));
		if (!files)
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
		if (ima->files)
			bytes_copy(files, room * sizeof(*files), ima->out->files,
				   ima->files * sizeof(*files));
		ima->out->files = files;
		ima->room = room;
	}
	file = &files[ima->files];
	file->digest = arena_copy(ima->arena, entry->file);
	file->algorithm = arena_printf(ima->arena, "%s",
				       entry->algorithm[0] ? entry->algorithm : "sha1");
	file->path = shown_text(ima->arena, entry->path);
	if (!file->digest.ptr || !file->algorithm || !file->path)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	ima->files++;
	return TOBI_OK;
}

static enum tobi_err take_entry(struct ima_replay *ima, const struct ima_entry *entry,
				struct tobi_fault *fault)
{
	bool aggregate = bytes_equal_text(entry->path, "boot_aggregate");
	enum tobi_err err = map_register(ima, entry, fault);
	struct tobi_bytes shown;

	if (!err && aggregate != (ima->count == 0))
		err = fault_set(fault, TOBI_E_MALFORMED, object, "boot_aggregate",
				"it is the first entry, and no other one");
	if (!err)
		err = extend(ima, entry, fault);
	if (err)
		return err;
	if (aggregate && entry->file.size <= sizeof(ima->aggregate)) {
		bytes_copy(ima->aggregate, sizeof(ima->aggregate), entry->file.ptr,
			   entry->file.size);
		ima->aggregate_size = entry->file.size;
		bytes_copy(ima->algorithm, sizeof(ima->algorithm), entry->algorithm,
			   sizeof(entry->algorithm));
	} else if (!aggregate) {
		err = keep_file(ima, entry, fault);
	}
	ima->count++;
	ima->violations += entry->violation;
	shown = ima->shown->values[ima->index];
	if (!err &&
	    (bytes_equal(event_replay_register(&ima->own, ima->index), shown) ||
	     bytes_equal(event_replay_register(&ima->padded, ima->index), shown))) {
		ima->proven = ima->count;
		ima->proven_files = ima->files;
		ima->proven_violations = ima->violations;
	}
	return err;
}

/* From where the event log has left the registers. */
static enum tobi_err start(struct ima_replay *ima, uint16_t logged,
			   struct tobi_fault *fault)
{
	const struct event_replay *before = &ima->boot->replay;
	enum tobi_err err = event_hash_start(logged, object, &ima->logged, fault);

	if (!err)
		err =
		    event_replay_start(&ima->own, before->hash.algorithm, object, fault);
	if (!err)
		err = event_replay_start(&ima->padded, before->hash.algorithm, object,
					 fault);
	if (err)
		return err;
	bytes_copy(ima->own.registers, sizeof(ima->own.registers), before->registers,
		   sizeof(before->registers));
	bytes_copy(ima->padded.registers, sizeof(ima->padded.registers),
		   before->registers, sizeof(before->registers));
	return TOBI_OK;
}

/* PCRs 0 to 7 together, and since Linux 5.8 in other banks than SHA-1 up to 9. */
static enum tobi_err aggregate_is(const struct ima_replay *ima, size_t pcrs,
				  bool *ret_equal, struct tobi_fault *fault)
{
	uint8_t made[EVENT_DIGEST_MAX];

	if (!event_hash_run(&ima->own.hash, ima->shown->values, pcrs, made))
		return crypto(fault);
	*ret_equal |=
	    bytes_equal((struct tobi_bytes){made, ima->own.hash.size},
			(struct tobi_bytes){ima->aggregate, ima->aggregate_size});
	return TOBI_OK;
}

static const char *kernel_name(uint16_t algorithm)
{
	return algorithm == TCG_SHA1	 ? "sha1"
	       : algorithm == TCG_SHA256 ? "sha256"
	       : algorithm == TCG_SHA384 ? "sha384"
					 : "sha512";
}

static enum tobi_err check_boot(struct ima_replay *ima, struct checklist *list,
				struct tobi_fault *fault)
{
	const struct boot_registers_shown *shown = ima->shown;
	const char *name = ima->algorithm[0] ? ima->algorithm : "sha1";
	bool sha1 = shown->algorithm == TCG_SHA1, equal = false;
	enum tobi_err err;

	if (shown->kind == BOOT_RTMRS) {
		check_not_asked(list, &boot_check_ima_boot,
				"the kernel writes none for registers of TDX");
		return TOBI_OK;
	}
	for (size_t i = 0; i < (sha1 ? PCRS_OF_SHA1 : PCRS_OF_OTHERS); i++) {
		if (shown->values[i].size)
			continue;
		check_not_asked(list, &boot_check_ima_boot,
				"the evidence does not show all that it is made of");
		return TOBI_OK;
	}
	if (strcmp(name, kernel_name(shown->algorithm)) != 0) {
		check_not_asked(list, &boot_check_ima_boot,
				"its first entry is of another bank");
		return TOBI_OK;
	}
	err = aggregate_is(ima, PCRS_OF_SHA1, &equal, fault);
	if (!err && !sha1)
		err = aggregate_is(ima, PCRS_OF_OTHERS, &equal, fault);
	if (!err)
		check_record(list, &boot_check_ima_boot, equal,
			     "the registers of firmware", equal ? "" : "others");
	return err;
}

static enum tobi_err run(struct ima_replay *ima, struct tobi_bytes bytes,
			 struct tobi_fault *fault)
{
	struct ima_entry entry;
	struct ima_log log;
	enum tobi_err err = ima_log_open(bytes, &log, fault);

	if (!err)
		err = start(ima, log.algorithm, fault);
	while (!err && ima_log_next(&log, &entry))
		err = take_entry(ima, &entry, fault);
	if (!err)
		err = ima_log_finish(&log, fault);
	ima_log_done(&log);
	return err;
}

static enum tobi_err conclude(struct ima_replay *ima, struct checklist *list,
			      struct boot_claims *boot, struct tobi_fault *fault)
{
	char text[96];

	check_record(list, &boot_check_ima_read, true, "", "");
	if (!ima->proven) {
		check_record(list, &boot_check_ima_replay, false,
			     "the register of the evidence", "its entries give another");
		check_not_asked(list, &boot_check_ima_boot,
				"there is no list that counts");
		return TOBI_OK;
	}
	snprintf(text, sizeof(text), "%zu of %zu entries give it", ima->proven,
		 ima->count);
	check_record(list, &boot_check_ima_replay, true, "", text);
	ima->boot->by_ima[ima->index] = true;
	ima->out->count = ima->proven;
	ima->out->file_count = ima->proven_files;
	ima->out->violations = ima->proven_violations;
	boot->ima = ima->out;
	return check_boot(ima, list, fault);
}

enum tobi_err boot_ima_examine(struct boot_replay *replay, struct tobi_bytes bytes,
			       const struct boot_registers_shown *shown,
			       struct checklist *list, struct boot_claims *boot,
			       struct tobi_fault *fault)
{
	struct ima_replay ima = {.boot = replay, .shown = shown, .arena = list->arena};
	struct tobi_fault why = {0};
	char text[512];
	enum tobi_err err;

	ima.out = arena_alloc(list->arena, sizeof(*ima.out));
	if (!ima.out)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = run(&ima, bytes, &why);
	if (err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO) {
		fault_set(fault, err, object, "", "%s", why.message);
	} else if (err) {
		tobi_fault_print(&why, text, sizeof(text));
		check_record(list, &boot_check_ima_read, false, NULL, text);
		check_not_asked(list, &boot_check_ima_replay,
				"there is no list that counts");
		check_not_asked(list, &boot_check_ima_boot,
				"there is no list that counts");
		err = TOBI_OK;
	} else {
		err = conclude(&ima, list, boot, fault);
	}
	event_hash_done(&ima.logged);
	event_replay_done(&ima.own);
	event_replay_done(&ima.padded);
	return err;
}
