#include "tee/boot.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tee/boot_facts.h"
#include "tee/boot_ima.h"
#include "tee/boot_replay.h"
#include "tee/boot_walk.h"
#include "tee/ima_log.h"

#define TCG "TCG PC Client Platform Firmware Profile 1.06, "

const struct check boot_check_read = {
    "BOOT-LOG-READ", "the event log that came with the evidence can be read",
    TCG "section 10",
    "Take it as the system gives it: binary_bios_measurements, or the CCEL."};
const struct check boot_check_replay = {
    "BOOT-LOG-REPLAY", "the event log is what the registers of the evidence were made of",
    TCG "section 10; UEFI, CC_EVENT",
    "The log is of another start, or was changed, or something was measured that it does "
    "not tell. Take both at one time."};
const struct check boot_check_separators = {
    "BOOT-SEPARATORS",
    "firmware closed its registers, once each, before it gave way to a boot loader",
    TCG "section 3.3.2.2",
    "The start was cut short, or somebody imitated it. Do not use the machine; start it "
    "anew."};

static const char object[] = "event log";

/* ---- what came ---- */

static enum tobi_err take_piece(struct tobi_bytes piece, struct boot_logs *logs,
				struct tobi_fault *fault)
{
	bool is_log = event_log_starts(piece), is_ima = ima_log_starts(piece);

	if (!is_log && !is_ima)
		return TOBI_OK;
	if (is_log ? logs->found : logs->has_ima)
		return fault_set(fault, TOBI_E_EXISTS, is_log ? object : "IMA log", "",
				 "two came with the evidence");
	if (is_log) {
		logs->found = true;
		logs->log = piece;
	} else {
		logs->has_ima = true;
		logs->ima = piece;
	}
	return TOBI_OK;
}

bool boot_is_log(struct tobi_bytes piece)
{
	return event_log_starts(piece) || ima_log_starts(piece);
}

enum tobi_err boot_logs_find(const struct tee_request *request,
			     struct boot_logs *ret_logs, struct tobi_fault *fault)
{
	struct boot_logs logs = {0};
	struct cbor cbor = cbor_init(request->endorsements, CBOR_DETERMINISTIC);
	enum tobi_err err = TOBI_OK;
	size_t count;

	for (size_t i = 0; i < request->piece_count && !err; i++)
		err = take_piece(request->pieces[i], &logs, fault);
	if (!err && request->endorsements.size) {
		count = cbor_array(&cbor, LIMIT_PIECES, "endorsements");
		for (size_t i = 0; i < count && !err; i++)
			err =
			    take_piece(cbor_bytes(&cbor, LIMIT_EVIDENCE, "endorsements"),
				       &logs, fault);
		if (!err)
			err = cbor_finish(&cbor, "endorsements", fault);
	}
	if (!err)
		*ret_logs = logs;
	return err;
}

/* ---- the rows ---- */

static void not_asked(struct checklist *list, const struct boot_registers_shown *shown,
		      const char *why)
{
	if (shown->instead)
		check_not_asked(list, shown->instead, why);
	check_not_asked(list, &boot_check_read, why);
	check_not_asked(list, &boot_check_replay, why);
	check_not_asked(list, &boot_check_separators, why);
}

static void ima_not_asked(struct checklist *list, const char *why)
{
	check_not_asked(list, &boot_check_ima_read, why);
	check_not_asked(list, &boot_check_ima_replay, why);
	check_not_asked(list, &boot_check_ima_boot, why);
}

/* What the library did not do is nothing that the log has done. */
static bool is_ours(enum tobi_err err)
{
	return err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO;
}

static void fails(struct checklist *list, const struct boot_registers_shown *shown,
		  const struct check *check, const struct tobi_fault *why)
{
	char text[512];

	tobi_fault_print(why, text, sizeof(text));
	check_record(list, shown->instead ? shown->instead : check, false,
		     check == &boot_check_replay ? "the registers of the evidence" : NULL,
		     text);
}

static void passes(struct checklist *list, const struct boot_registers_shown *shown,
		   size_t events)
{
	char text[64];

	snprintf(text, sizeof(text), "%zu events give %s", events,
		 shown->kind == BOOT_RTMRS ? "RTMR0 to RTMR3" : "the PCRs");
	if (shown->instead) {
		check_record(list, shown->instead, true, "", text);
		check_not_asked(list, &boot_check_read, "asked by another row");
		check_not_asked(list, &boot_check_replay, "asked by another row");
		return;
	}
	check_record(list, &boot_check_read, true, "", "");
	check_record(list, &boot_check_replay, true, "", text);
}

/* The rest has nothing to stand on. */
static void stop(struct checklist *list, const struct boot_registers_shown *shown,
		 const struct check *check, const struct tobi_fault *why)
{
	fails(list, shown, check, why);
	not_asked(list, shown, "there is no log that counts");
	ima_not_asked(list, "there is no event log that counts");
}

/* ---- the examination ---- */

static enum tobi_err walk(struct boot_replay *replay, struct boot_logs *logs,
			  const struct boot_registers_shown *shown,
			  struct checklist *list, struct boot_claims *boot,
			  struct tobi_fault *fault)
{
	const char *wrong = NULL;
	enum tobi_err err = boot_walk(logs->log, shown, &replay->replay.hash, list->arena,
				      boot, &wrong, fault);

	if (!err)
		boot->separated = check_record(list, &boot_check_separators, !wrong,
					       "one for each register", wrong);
	return err;
}

static enum tobi_err examine(struct boot_replay *replay, struct boot_logs *logs,
			     const struct boot_registers_shown *shown,
			     struct checklist *list, struct tee_claims *claims,
			     struct tobi_fault *fault)
{
	struct boot_claims *boot = arena_alloc(list->arena, sizeof(*boot));
	struct tobi_fault why = {0};
	enum tobi_err err;

	if (!boot)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = boot_replay_log(replay, logs->log, shown, &why);
	if (!is_ours(err) && err) {
		stop(list, shown, &boot_check_read, &why);
		return TOBI_OK;
	}
	if (!err && logs->has_ima)
		err = boot_ima_examine(replay, logs->ima, shown, list, boot, &why);
	if (!err)
		err = boot_replay_compare(replay, shown, &boot->unexplained, &why);
	if (is_ours(err))
		return fault_set(fault, err, object, "", "%s", why.message);
	if (err) {
		stop(list, shown, &boot_check_replay, &why);
		return TOBI_OK;
	}
	passes(list, shown, replay->replay.events);
	boot->kind = shown->kind;
	boot->algorithm = shown->algorithm;
	boot->events = replay->replay.events;
	for (unsigned i = 0; i < EVENT_REGISTERS; i++)
		boot->absent |= (uint32_t)!shown->values[i].size << i;
	boot->locality =
	    shown->values[0].size && shown->kind == BOOT_PCRS ? replay->locality : -1;
	err = walk(replay, logs, shown, list, boot, &why);
	if (is_ours(err))
		return fault_set(fault, err, object, "", "%s", why.message);
	if (err) {
		fails(list, shown, &boot_check_read, &why);
		return TOBI_OK;
	}
	if (boot->separated) {
		claims->boot = boot;
		boot_facts_add(boot, list->arena, claims);
	}
	return TOBI_OK;
}

enum tobi_err boot_examine(const struct tee_request *request,
			   const struct boot_registers_shown *shown,
			   struct checklist *list, struct tee_claims *claims,
			   struct tobi_fault *fault)
{
	struct boot_logs logs = {0};
	struct boot_replay replay = {0};
	struct tobi_fault why = {0};
	enum tobi_err err = boot_logs_find(request, &logs, &why);

	if (err && !is_ours(err)) {
		stop(list, shown, &boot_check_read, &why);
		return TOBI_OK;
	}
	if (!logs.has_ima)
		ima_not_asked(list, "no IMA log came with it");
	if (!err && !logs.found) {
		not_asked(list, shown, "no event log came with it");
		/* It lists what Linux read after a start that nothing tells of. */
		ima_not_asked(list, "it came without an event log");
		return TOBI_OK;
	}
	if (!err)
		err = examine(&replay, &logs, shown, list, claims, fault);
	boot_replay_done(&replay);
	return err;
}
