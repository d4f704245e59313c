/* A manifest that is read is written again as the same bytes: there is one encoding. */
#include "fuzz/fuzz.h"
#include "image/hashtree.h"
#include "image/manifest.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct manifest *manifest = calloc(1, sizeof(*manifest));
	struct writer out = wr_init(LIMIT_MANIFEST);
	struct tobi_fault fault = {0};
	bool accepted;

	must(manifest != NULL);
	accepted = !manifest_parse(input, manifest, &fault);
	if (accepted) {
		must(!manifest_write(manifest, &out, &fault));
		must(bytes_equal(wr_view(&out), input));
	} else {
		must(fault.code != TOBI_OK);
	}
	wr_done(&out);
	free(manifest);
	return accepted;
}

static void fill_in(struct manifest *m, bool full)
{
	static const uint8_t some[48] = {1, 2, 3};

	m->name = text_of("redis");
	m->architecture = text_of("x86_64");
	m->root.size = 8192;
	m->root.tree_size = hashtree_size(m->root.size);
	m->root.tree_root = (struct tobi_bytes){some, 32};
	m->root.sha384 = (struct tobi_bytes){some, 48};
	m->arguments[m->argument_count++] = text_of("/usr/bin/redis-server");
	m->limits.memory = UINT64_C(1) << 30;
	m->limits.processes = 100;
	m->limits.cpu_milli = 1000;
	m->limits.files = 1024;
	m->limits.writable = 1 << 20;
	m->uid = m->gid = 1000;
	m->directory = text_of("/");
	if (!full)
		return;
	m->arguments[m->argument_count++] = text_of("--save");
	m->arguments[m->argument_count++] = text_of("x");
	m->environment[m->environment_count++] =
	    (struct text_pair){text_of("LANG"), text_of("C.UTF-8")};
	m->environment[m->environment_count++] =
	    (struct text_pair){text_of("PATH"), text_of("/usr/bin:/bin")};
	m->debug = true;
	m->ports[m->port_count++] = 6379;
	m->ports[m->port_count++] = 6380;
	m->product = 7;
	m->svn = 3;
	m->writable[m->writable_count++] = text_of("/tmp");
	m->writable[m->writable_count++] = text_of("/var/lib/redis");
	m->secrets[m->secret_count++] = text_of("password");
	m->output = OUTPUT_TO_HOST;
	m->egress[m->egress_count++] =
	    (struct manifest_egress){text_of("db:5432"), 5432, text_of("")};
	m->egress[m->egress_count++] =
	    (struct manifest_egress){text_of("[::1]:443"), 443, text_of("/p.yaml")};
	m->clients = text_of(POLICY_AT_LAUNCH);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct manifest *manifest = calloc(1, sizeof(*manifest));

	must(manifest != NULL);
	if (number < 2) {
		fill_in(manifest, number);
		manifest_sort(manifest);
		must(!manifest_write(manifest, out, NULL));
	}
	free(manifest);
	return number < 2 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
