/* The kernel's list of files: what is read lies within it or was made of it, and what is
 * taken from text has the digest that stands there, if any has. */
#include "tee/ima_log.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/boot_scene.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct ima_log log;
	struct ima_entry entry;
	bool good = !ima_log_open(input, &log, NULL);
	size_t count = 0;

	must(!good || ima_log_starts(input));
	while (good && ima_log_next(&log, &entry)) {
		count++;
		must(entry.index < 24 && entry.digest.size == log.digest_size);
		must(strlen(entry.algorithm) <= IMA_ALGORITHM_MAX);
		must_be_inside(entry.path, input);
		if (!log.is_text) {
			must_be_inside(entry.digest, input);
			must_be_inside(entry.file, input);
		}
		must(entry.file.size < input.size && entry.data.size > 0);
	}
	good = good && !ima_log_finish(&log, NULL) && count <= LIMIT_IMA_ENTRIES;
	ima_log_done(&log);
	return good;
}

static const char digest[] = "0123456789abcdef0123456789abcdef01234567";

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const lines[] = {
	    "ima 0123456789abcdef0123456789abcdef01234567 /a",
	    "ima-ng sha1:0123456789abcdef0123 /a b",
	    "ima-ngv2 ima:sha256:0123 /a",
	    "ima-sig sha256:0123 /a b 0302",
	    "ima-sig sha256:0123 /a ",
	    "ima-sigv2 verity:sha256:0123 /a 03",
	    "ima-buf sha256:0123 kexec-cmdline 6162"};
	struct writer data;

	if (number > 1)
		return FUZZ_NO_SEED;
	for (unsigned i = 0; number == 0 && i < 4; i++) {
		boot_scene_ima_entry(out, 10, text_of("0123456789abcdef0123456789abcdef"),
				     i ? "/usr/bin/init" : "boot_aggregate", &data);
		wr_done(&data);
	}
	for (size_t i = 0; number == 1 && i < sizeof(lines) / sizeof(lines[0]); i++)
		wr_printf(out, "10 %s %s\n", digest, lines[i]);
	return FUZZ_GOOD;
}
