/* Takes the form off a file: what comes out was known, and lies in the file or in the
 * storage; a file that was refused has a line that says why. */
#include <string.h>

#include "appraise/unwrap.h"
#include "base/hex.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"
#include "tests/nitro_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct writer storage = wr_init(LIMIT_EVIDENCE);
	struct unwrapped unwrapped = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err =
	    unwrap_evidence(input, unwrap_is_evidence, &storage, &unwrapped, &fault);
	bool known = false;

	if (err) {
		must(fault.code == err && strlen(fault.message) > 20);
	} else {
		must_be_inside(unwrapped.bytes,
			       unwrapped.form ? wr_view(&storage) : input);
		known = unwrap_is_evidence(unwrapped.bytes);
		must(known || !unwrapped.form);
	}
	wr_done(&storage);
	return known;
}

static void put_hex(struct tobi_bytes bytes, struct writer *out)
{
	for (size_t i = 0; i < bytes.size; i++)
		wr_printf(out, "%02x%s", bytes.ptr[i], i % 32 == 31 ? "\n" : "");
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const others[] = {"version: 1\n", "{\"tcbInfo\":{}}",
					     "-----BEGIN X-----\nAAAA\n-----END X-----\n",
					     "\x81"};
	struct writer document = wr_init(LIMIT_NITRO);
	struct test_nitro nitro;

	if (number >= 8)
		return FUZZ_NO_SEED;
	if (number >= 4) {
		wr_printf(out, "%s", others[number - 4]);
		return FUZZ_BAD;
	}
	test_nitro_make(&nitro, NITRO_ENCLAVE);
	test_nitro_document(&nitro, &document);
	if (number == 0)
		wr_bytes(out, document.ptr, document.size);
	else if (number == 1)
		put_hex(wr_view(&document), out);
	else
		wr_printf(out, "%s", number == 3 ? "-----BEGIN X-----\n" : "");
	if (number >= 2) {
		struct writer text = wr_init(LIMIT_EVIDENCE);

		base64url_write(&text, wr_view(&document));
		for (size_t i = 0; i < text.size && number == 3; i++) {
			if (text.ptr[i] == '-' || text.ptr[i] == '_')
				text.ptr[i] = text.ptr[i] == '-' ? '+' : '/';
		}
		wr_bytes(out, text.ptr, text.size);
		wr_printf(out, "%s", number == 3 ? "\n-----END X-----\n" : "");
		wr_done(&text);
	}
	wr_done(&document);
	test_nitro_done(&nitro);
	return FUZZ_GOOD;
}
