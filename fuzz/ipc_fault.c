/* A FAULT packet: what is read has a code, and written again is read as the same. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "ipc/packet.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_fault fault = {0}, again = {0};
	struct writer out = wr_init(1 << 16);
	enum tobi_err err = packet_read_fault(input, &fault);
	bool accepted;

	/* A packet that is no fault is one, too: that of reading it. */
	must(err != TOBI_OK && fault.code == err);
	must(memchr(fault.object, 0, sizeof(fault.object)) &&
	     memchr(fault.field, 0, sizeof(fault.field)) &&
	     memchr(fault.message, 0, sizeof(fault.message)));
	accepted = strcmp(fault.object, "fault") != 0;
	packet_write_fault(&out, 135, &fault);
	must(packet_read_fault(wr_view(&out), &again) == err);
	must(again.offset == fault.offset && again.has_offset == fault.has_offset);
	wr_done(&out);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct tobi_fault fault = {.code = TOBI_E_TRUNCATED,
				   .object = "manifest",
				   .field = "name",
				   .message = "the input ends too early",
				   .offset = 300,
				   .has_offset = number == 0};

	if (number > 1)
		return FUZZ_NO_SEED;
	packet_write_fault(out, 13, &fault);
	return FUZZ_GOOD;
}
