#include "tee/boot_replay.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"

static const char object[] = "event log";

enum {
	/* In a CCEL 0 stands for MRTD, which no event extends, and 1 to 4 for RTMR0 to 3.
	 */
	FIRST_RTMR = 1,
	LAST_RTMR = 4,
	/* Registers of firmware: nobody may extend them unheard. */
	FIRMWARE_PCRS = 8,
	PCR_UNIFIED = 11,
	FIRST_DYNAMIC = 17,
	LAST_DYNAMIC = 22
};

void boot_replay_done(struct boot_replay *replay)
{
	event_replay_done(&replay->replay);
}

/* The one event that extends nothing and yet counts: PCR 0 starts with it. */
static enum tobi_err take_locality(struct boot_replay *replay, const struct event *event,
				   struct tobi_fault *fault)
{
	static const char name[] = "StartupLocality";
	uint8_t locality;

	if (event->type != EVENT_NO_ACTION || event->data.size != sizeof(name) + 1 ||
	    memcmp(event->data.ptr, name, sizeof(name)) != 0)
		return TOBI_OK;
	locality = event->data.ptr[sizeof(name)];
	if (event->index != 0 || replay->located || replay->replay.extended[0] ||
	    (locality != 0 && locality != 3 && locality != 4))
		return fault_set(fault, TOBI_E_MALFORMED, object, "StartupLocality",
				 "it is not 0, 3 or 4, or not told once before PCR 0 is "
				 "extended");
	replay->located = true;
	replay->locality = locality;
	replay->replay.registers[0][replay->replay.hash.size - 1] = locality;
	return TOBI_OK;
}

static enum tobi_err check_register(const struct event *event,
				    const struct boot_registers_shown *shown,
				    struct tobi_fault *fault)
{
	if (event->type == EVENT_NO_ACTION || shown->kind == BOOT_PCRS ||
	    (event->index >= FIRST_RTMR && event->index <= LAST_RTMR))
		return TOBI_OK;
	return fault_set(fault, TOBI_E_MISMATCH, object, "pcrIndex",
			 "an event extends register %u, which no event can",
			 event->index);
}

enum tobi_err boot_replay_log(struct boot_replay *replay, struct tobi_bytes log,
			      const struct boot_registers_shown *shown,
			      struct tobi_fault *fault)
{
	struct event_log reader;
	struct event event;
	enum tobi_err err = event_log_open(log, object, &reader, fault);

	if (!err)
		err =
		    event_replay_start(&replay->replay, shown->algorithm, object, fault);
	if (err)
		return err;
	for (unsigned i = FIRST_DYNAMIC; shown->kind == BOOT_PCRS && i <= LAST_DYNAMIC;
	     i++)
		memset(replay->replay.registers[i], 0xff, replay->replay.hash.size);
	while (!err && event_log_next(&reader, &event)) {
		if (shown->kind == BOOT_PCRS)
			err = take_locality(replay, &event, fault);
		if (!err)
			err = check_register(&event, shown, fault);
		if (!err)
			err = event_replay_add(&replay->replay, &event, object, fault);
	}
	return err ? err : event_log_finish(&reader, object, fault);
}

/* What systemd adds to the register of a unified image as the start goes on: always these
 * words, in this order (systemd-pcrphase(8)). */
static enum tobi_err try_phases(struct boot_replay *replay, struct tobi_bytes shown,
				bool *ret_equal, struct tobi_fault *fault)
{
	static const char *const phases[] = {"enter-initrd", "leave-initrd", "sysinit",
					     "ready",	     "shutdown",     "final"};
	struct event_replay *own = &replay->replay;
	uint8_t digest[EVENT_DIGEST_MAX];

	*ret_equal = false;
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]) && !*ret_equal; i++) {
		struct tobi_bytes phase = bytes_of_text(phases[i]);

		if (!event_hash_run(&own->hash, &phase, 1, digest) ||
		    !event_replay_extend(own, PCR_UNIFIED,
					 (struct tobi_bytes){digest, own->hash.size}))
			return fault_set(fault, TOBI_E_CRYPTO, object, "digest",
					 "cannot replay");
		*ret_equal = bytes_equal(event_replay_register(own, PCR_UNIFIED), shown);
	}
	return TOBI_OK;
}

static enum tobi_err differs(const struct boot_registers_shown *shown, unsigned index,
			     struct tobi_fault *fault)
{
	if (shown->kind == BOOT_RTMRS)
		return fault_set(fault, TOBI_E_MISMATCH, object, "RTMR",
				 "its events do not give RTMR%u", index - FIRST_RTMR);
	return fault_set(fault, TOBI_E_MISMATCH, object, "PCR",
			 "its events do not give PCR %u of the %s bank", index,
			 event_hash_name(shown->algorithm));
}

enum tobi_err boot_replay_compare(struct boot_replay *replay,
				  const struct boot_registers_shown *shown,
				  uint32_t *ret_unexplained, struct tobi_fault *fault)
{
	uint32_t unexplained = 0;
	enum tobi_err err;

	for (unsigned i = 0; i < EVENT_REGISTERS; i++) {
		struct tobi_bytes value = shown->values[i];
		bool equal =
		    !value.size || replay->by_ima[i] ||
		    bytes_equal(event_replay_register(&replay->replay, i), value);

		if (!equal && shown->kind == BOOT_PCRS && i == PCR_UNIFIED &&
		    replay->replay.extended[i]) {
			err = try_phases(replay, value, &equal, fault);
			if (err)
				return err;
		}
		if (equal)
			continue;
		if (shown->kind == BOOT_RTMRS || i < FIRMWARE_PCRS ||
		    replay->replay.extended[i])
			return differs(shown, i, fault);
		unexplained |= UINT32_C(1) << i;
	}
	*ret_unexplained = unexplained;
	return TOBI_OK;
}
