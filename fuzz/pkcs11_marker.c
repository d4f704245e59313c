/* The file pkcs11.root: what is read is written again as the same bytes. */
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "root/pkcs11.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_fault fault = {0};
	struct writer out = wr_init(LIMIT_P11_MARKER);
	struct p11_place place;
	bool accepted = !p11_place_read(input, &place, &fault);

	if (accepted) {
		must(place.module[0] == '/' && place.pin_file[0] == '/');
		must(place.label[0] && place.serial[0]);
		must(!p11_place_write(&place, &out, &fault));
		must(bytes_equal(wr_view(&out), input));
	} else {
		must(fault.code != TOBI_OK);
	}
	wr_done(&out);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct p11_place place = {.label = "plat", .serial = "0001"};

	if (number > 1)
		return FUZZ_NO_SEED;
	snprintf(place.module, sizeof(place.module), "/usr/lib/hsm.so");
	snprintf(place.pin_file, sizeof(place.pin_file), "/etc/pin");
	if (number == 1) {
		memset(place.module + 1, 'm', LIMIT_PATH - 1);
		memset(place.label, 'l', P11_LABEL);
		memset(place.serial, 's', P11_SERIAL);
		memset(place.key_id, 0xff, P11_ID);
	}
	must(!p11_place_write(&place, out, NULL));
	return FUZZ_GOOD;
}
