/* Leaves of a log: what is read can be written, and is then the same bytes. */
#include "log/leaf.h"

#include "base/utf8.h"
#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	static struct log_leaf leaf;
	struct writer again = wr_init(LOG_LEAF_MAX);
	struct tobi_bytes *texts[] = {&leaf.channel, &leaf.action,    &leaf.resource,
				      &leaf.remote,  &leaf.principal, &leaf.reason};

	if (log_leaf_read(input, &leaf, NULL))
		return false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		must_be_inside(*texts[i], input);
		must(texts[i]->size <= LOG_TEXT_MAX && utf8_is_text(*texts[i]));
	}
	must(leaf.salt.size == LOG_SALT_SIZE);
	must(leaf.check_count <= LOG_CHECKS_MAX);
	for (size_t i = 0; i < leaf.check_count; i++) {
		must_be_inside(leaf.checks[i].code, input);
		must(leaf.checks[i].outcome < LOG_OUTCOMES);
	}
	must(!log_leaf_write(&leaf, &again, NULL));
	must(bytes_equal(wr_view(&again), input));
	wr_done(&again);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t hash[LOG_DIGEST_SIZE] = {3};
	static struct log_leaf leaf;

	leaf = (struct log_leaf){.kind = number + 1,
				 .accepted = number & 1,
				 .salt = {hash, LOG_SALT_SIZE},
				 .channel = text_of("kbs"),
				 .action = text_of("release"),
				 .resource = text_of("default/key/1")};
	if (number > 1) {
		leaf.time = 1795000000;
		leaf.version = number;
		leaf.remote = text_of("192.0.2.1");
		leaf.principal = text_of("alice");
		leaf.reason = text_of("POLICY-TIER: \xc3\xa4");
		leaf.evidence = leaf.policy = (struct tobi_bytes){hash, LOG_DIGEST_SIZE};
	}
	for (; number > 2 && leaf.check_count < 9; leaf.check_count++)
		leaf.checks[leaf.check_count] =
		    (struct log_check){text_of(leaf.check_count & 1 ? "A-B" : "SNP-TCB"),
				       (unsigned)leaf.check_count % LOG_OUTCOMES};
	if (number > 3)
		return FUZZ_NO_SEED;
	must(!log_leaf_write(&leaf, out, NULL));
	return FUZZ_GOOD;
}
