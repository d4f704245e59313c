#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/service_client.h"
#include "image/image.h"
#include "image/pack.h"
#include "pki/chain.h"
#include "root/root.h"

enum { MAX_ADD = 64, DEFAULT_USER = 1000 };

struct build {
	const char *out, *root, *key_file, *tier, *policy;
	const char *adds[MAX_ADD];
	size_t add_count;
	struct manifest manifest;
	char program[LIMIT_PATH];
	bool quiet;
};

DEFINE_CLEANUP(struct pack *, pack_free)
DEFINE_CLEANUP(struct root *, root_free)

static struct tobi_bytes text(const char *value)
{
	return (struct tobi_bytes){(const uint8_t *)value, strlen(value)};
}

/* A number with an optional K, M or G (of 1024). */
static bool read_size(const char *value, uint64_t *ret_size)
{
	char *end;
	uint64_t size = strtoull(value, &end, 10);
	unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

	if (value[0] < '0' || value[0] > '9' || end[shift != 0] ||
	    size > UINT64_MAX >> shift)
		return false;
	*ret_size = size << shift;
	return true;
}

static void set_defaults(struct manifest *manifest)
{
	static const char *const writable[] = {"/home", "/run", "/tmp", "/var"};

	manifest->architecture = text(manifest_host_architecture());
	manifest->uid = manifest->gid = DEFAULT_USER;
	manifest->limits.memory = UINT64_C(512) << 20;
	manifest->limits.processes = 256;
	manifest->limits.cpu_milli = 2000;
	manifest->limits.files = 1024;
	manifest->limits.writable = UINT64_C(64) << 20;
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		manifest->writable[manifest->writable_count++] = text(writable[i]);
	manifest->directory = text("/home");
	manifest->output = OUTPUT_TO_HOST;
}

static const struct text_pair standard_environment[] = {
    {{(const uint8_t *)"HOME", 4}, {(const uint8_t *)"/home", 5}},
    {{(const uint8_t *)"LANG", 4}, {(const uint8_t *)"C.UTF-8", 7}},
    {{(const uint8_t *)"PATH", 4},
     {(const uint8_t *)"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      60}},
};

static void add_standard_environment(struct manifest *manifest)
{
	for (size_t i = 0; i < 3; i++) {
		const struct text_pair *pair = &standard_environment[i];
		bool there = false;

		for (size_t j = 0; j < manifest->environment_count; j++)
			there |= bytes_equal(manifest->environment[j].name, pair->name);
		if (!there && manifest->environment_count < LIMIT_ARGUMENTS)
			manifest->environment[manifest->environment_count++] = *pair;
	}
}

static bool add_environment(struct manifest *manifest, const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals || manifest->environment_count == LIMIT_ARGUMENTS)
		return false;
	manifest->environment[manifest->environment_count++] = (struct text_pair){
	    {(const uint8_t *)value, (size_t)(equals - value)}, text(equals + 1)};
	return true;
}

static bool set_user(struct manifest *manifest, char *value)
{
	char *colon = strchr(value, ':');
	uint64_t uid = 0, gid = 0;

	if (colon)
		*colon = 0;
	if (!cli_read_number(value, UINT16_MAX, &uid) ||
	    !cli_read_number(colon ? colon + 1 : value, UINT16_MAX, &gid))
		return false;
	manifest->uid = (uint32_t)uid;
	manifest->gid = (uint32_t)gid;
	return true;
}

static bool set_cpus(struct manifest *manifest, const char *value)
{
	char *end;
	double cpus = strtod(value, &end);

	if (*end || !(cpus >= 0.01 && cpus <= 1024))
		return false;
	manifest->limits.cpu_milli = (uint64_t)(cpus * 1000);
	return true;
}

static const struct option known[] = {
    {"output", required_argument, NULL, 'o'},
    {"root", required_argument, NULL, 'R'},
    {"add", required_argument, NULL, 'a'},
    {"env", required_argument, NULL, 'e'},
    {"port", required_argument, NULL, 'p'},
    {"user", required_argument, NULL, 'u'},
    {"memory", required_argument, NULL, 'm'},
    {"processes", required_argument, NULL, 'P'},
    {"cpus", required_argument, NULL, 'c'},
    {"files", required_argument, NULL, 'f'},
    {"writable", required_argument, NULL, 'w'},
    {"writable-size", required_argument, NULL, 'W'},
    {"secret", required_argument, NULL, 's'},
    {"directory", required_argument, NULL, 'd'},
    {"product", required_argument, NULL, 'i'},
    {"svn", required_argument, NULL, 'v'},
    {"debug", no_argument, NULL, 'D'},
    {"discard-output", no_argument, NULL, 'O'},
    {"name", required_argument, NULL, 'n'},
    {"key", required_argument, NULL, 'k'},
    {"tier", required_argument, NULL, 't'},
    {"policy", required_argument, NULL, 'y'},
    {"quiet", no_argument, NULL, 'q'},
    {NULL, 0, NULL, 0},
};

/* One option; false: its value is not allowed. */
static bool take_option(struct build *build, int option, char *value)
{
	struct manifest *m = &build->manifest;
	uint64_t number = 0;

	switch (option) {
	case 'o':
		build->out = value;
		return true;
	case 'R':
		build->root = value;
		return true;
	case 'k':
		build->key_file = value;
		return true;
	case 'q':
		build->quiet = true;
		return true;
	case 'y':
		build->policy = value;
		return true;
	case 't':
		build->tier = value;
		return strcmp(value, "soft") == 0;
	case 'a':
		if (build->add_count < MAX_ADD)
			build->adds[build->add_count++] = value;
		return true;
	case 'e':
		return add_environment(m, value);
	case 'p':
		if (m->port_count == LIMIT_PORTS ||
		    !cli_read_number(value, UINT16_MAX, &number))
			return false;
		m->ports[m->port_count++] = (uint16_t)number;
		return number > 0;
	case 'u':
		return set_user(m, value);
	case 'm':
		return read_size(value, &m->limits.memory);
	case 'P':
		return cli_read_number(value, MANIFEST_PROCESSES_MAX, &m->limits.processes);
	case 'c':
		return set_cpus(m, value);
	case 'f':
		return cli_read_number(value, MANIFEST_FILES_MAX, &m->limits.files);
	case 'w':
		if (m->writable_count < LIMIT_WRITABLE)
			m->writable[m->writable_count++] = text(value);
		return true;
	case 'W':
		return read_size(value, &m->limits.writable);
	case 's':
		if (m->secret_count < LIMIT_SECRETS)
			m->secrets[m->secret_count++] = text(value);
		return true;
	case 'd':
		m->directory = text(value);
		return true;
	case 'i':
		m->product =
		    cli_read_number(value, UINT16_MAX, &number) ? (uint16_t)number : 0;
		return value[0] >= '0' && value[0] <= '9' && number <= UINT16_MAX;
	case 'v':
		m->svn = cli_read_number(value, UINT16_MAX, &number) ? (uint16_t)number : 0;
		return value[0] >= '0' && value[0] <= '9' && number <= UINT16_MAX;
	case 'D':
		m->debug = true;
		return true;
	case 'O':
		m->output = OUTPUT_DISCARDED;
		return true;
	case 'n':
		m->name = text(value);
		return true;
	default:
		return false;
	}
}

static int parse(int argc, char **argv, struct build *build)
{
	struct manifest *manifest = &build->manifest;
	int option, index = -1;

	optind = 1;
	while ((option = getopt_long(argc, argv, "+o:", known, &index)) != -1) {
		if (option == '?')
			return cli_usage("build", "wrong option");
		if (!take_option(build, option, optarg))
			return cli_usage("build", "--%s does not allow '%s'",
					 index >= 0 ? known[index].name : "output",
					 optarg ? optarg : "");
		index = -1;
	}
	if (optind == argc)
		return cli_usage("build", "a program is needed, after --");
	if (argc - optind > LIMIT_ARGUMENTS)
		return cli_usage("build", "more than %d arguments", LIMIT_ARGUMENTS);
	for (int i = optind; i < argc; i++)
		manifest->arguments[manifest->argument_count++] = text(argv[i]);
	return 0;
}

static enum tobi_err add_one(struct pack *pack, const char *value,
			     struct tobi_fault *fault)
{
	char path[LIMIT_PATH];
	const char *colon = strchr(value, ':');

	if (!colon)
		return pack_add(pack, value, NULL, fault);
	snprintf(path, sizeof(path), "%.*s", (int)(colon - value), value);
	return pack_add(pack, path, colon + 1, fault);
}

static enum tobi_err fill(struct build *build, struct pack *pack,
			  struct tobi_fault *fault)
{
	struct manifest *manifest = &build->manifest;
	enum tobi_err err;

	if (build->root) {
		err = pack_add_root(pack, build->root, fault);
	} else {
		char program[LIMIT_PATH];

		snprintf(program, sizeof(program), "%.*s",
			 (int)manifest->arguments[0].size,
			 (const char *)manifest->arguments[0].ptr);
		err = pack_add_program(pack, program, build->program,
				       sizeof(build->program), fault);
		manifest->arguments[0] = text(build->program);
	}
	for (size_t i = 0; i < build->add_count && !err; i++)
		err = add_one(pack, build->adds[i], fault);
	return err;
}

/* The anchor and the hardware id of this host, indented for YAML. */
static enum tobi_err write_host(struct writer *out, struct tobi_fault *fault)
{
	struct service_folders folders;
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	const struct tobi_bytes *chain = NULL;
	size_t count;
	uint8_t ueid[33];
	char hex[67];
	enum tobi_err err = service_folders(&folders, fault);

	if (!err)
		err = root_open(folders.state, &root, fault);
	if (err == TOBI_E_NOT_FOUND) {
		err = root_init(folders.state, "file", time(NULL), fault);
		if (!err) {
			fprintf(stderr, "tobichi: made this host's platform keys in %s\n",
				folders.state);
			err = root_open(folders.state, &root, fault);
		}
	}
	if (err)
		return err;
	count = root_chain(root, &chain);
	err = chain_write_pem(chain[count - 1], &pem, fault);
	if (err)
		return err;
	root_ueid(root, ueid);
	hex_write((struct tobi_bytes){ueid, sizeof(ueid)}, hex, sizeof(hex));
	wr_printf(
	    out,
	    "\n# Only this host will do: its hardware id.\nidentity:\n  mode: hardware\n"
	    "  hardware: [%s]\n\n# Whom you trust for the tier soft: this host's "
	    "platform CA.\n"
	    "roots:\n  - tier: soft\n    anchors: |\n",
	    hex);
	for (size_t at = 0; at < pem.size;) {
		const uint8_t *end = memchr(pem.ptr + at, '\n', pem.size - at);
		size_t size = end ? (size_t)(end - (pem.ptr + at)) + 1 : pem.size - at;

		wr_printf(out, "      ");
		wr_bytes(out, pem.ptr + at, size);
		at += size;
	}
	return wr_err(out);
}

static enum tobi_err write_policy(const struct build *build,
				  const uint8_t id[static SHA384_SIZE], EVP_PKEY *key,
				  const char *path, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_POLICY);
	char hex[2 * SHA384_SIZE + 1];
	uint8_t signer[SHA384_SIZE];
	enum tobi_err err = TOBI_OK;

	hex_write((struct tobi_bytes){id, SHA384_SIZE}, hex, sizeof(hex));
	wr_printf(&out,
		  "# Who may be trusted with what: see tobichi-policy(5).\nversion: "
		  "1\nname: %.*s\n\n",
		  (int)build->manifest.name.size, (const char *)build->manifest.name.ptr);
	if (build->tier)
		wr_printf(&out, "# soft keeps out other processes and users; not root or "
				"the kernel.\n"
				"tiers: [soft]\n");
	else
		wr_printf(&out, "# Hardware only. `tobichi build --tier soft` accepts "
				"this host without it.\n"
				"tiers: [sgx, tdx, snp, cca, nitro]\n");
	wr_printf(&out,
		  "\n# Exactly this image; another build of other content is "
		  "refused.\nimages: [%s]\n",
		  hex);
	if (key) {
		err = key_spki_sha384(key, signer, fault);
		hex_write((struct tobi_bytes){signer, SHA384_SIZE}, hex, sizeof(hex));
		wr_printf(&out, "signers: [%s]\n", hex);
	}
	wr_printf(&out, "product: %u\nmin-svn: %u\n", build->manifest.product,
		  build->manifest.svn);
	if (!err && build->tier)
		err = write_host(&out, fault);
	else
		wr_printf(&out,
			  "\n# Any enclave of this image will do, whoever runs it.\n"
			  "identity:\n  mode: any-instance\n");
	if (!err)
		err = wr_err(&out);
	return err ? err : file_write(path, 0644, wr_view(&out), "policy", fault);
}

static void name_image(struct build *build, char *out, size_t room)
{
	const struct manifest *manifest = &build->manifest;
	char program[LIMIT_PATH], *base;

	snprintf(program, sizeof(program), "%.*s", (int)manifest->arguments[0].size,
		 (const char *)manifest->arguments[0].ptr);
	base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	if (!manifest->name.size) {
		/* What a name may not hold is left out. */
		size_t used = 0;

		for (; *base && used + 1 < room && used < LIMIT_NAME; base++) {
			if (strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", *base))
				out[used++] = *base;
		}
		out[used] = 0;
		build->manifest.name = text(out);
	}
}

static enum tobi_err make(struct build *build, struct tobi_fault *fault)
{
	CLEANUP(pack_freep) struct pack *pack = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	const char *temporary = getenv("TMPDIR");
	char name[LIMIT_NAME + 1] = "", out[LIMIT_PATH], policy[LIMIT_PATH + 16];
	uint8_t id[SHA384_SIZE];
	char hex[2 * SHA384_SIZE + 1];
	size_t stem;
	enum tobi_err err = TOBI_OK;

	name_image(build, name, sizeof(name));
	snprintf(out, sizeof(out), "%.*s.tobi", (int)build->manifest.name.size,
		 (const char *)build->manifest.name.ptr);
	if (build->out)
		snprintf(out, sizeof(out), "%s", build->out);
	stem = strlen(out) > 5 && strcmp(out + strlen(out) - 5, ".tobi") == 0
		   ? strlen(out) - 5
		   : strlen(out);
	snprintf(policy, sizeof(policy), "%.*s.policy.yaml", (int)stem, out);
	if (build->policy)
		snprintf(policy, sizeof(policy), "%s", build->policy);
	if (build->key_file)
		err = cli_read_private_key(build->key_file, &key, fault);
	if (!err)
		err = pack_new(temporary ? temporary : "/tmp", &pack, fault);
	if (!err)
		err = fill(build, pack, fault);
	add_standard_environment(&build->manifest);
	if (!err)
		err = pack_finish(pack, out, &build->manifest, key, id, fault);
	if (!err)
		err = write_policy(build, id, key, policy, fault);
	if (err)
		return err;
	if (build->quiet)
		return TOBI_OK;
	hex_write((struct tobi_bytes){id, sizeof(id)}, hex, sizeof(hex));
	printf("image     %s\nimage id  %s\npolicy    %s\n", out, hex, policy);
	return TOBI_OK;
}

int cmd_build(int argc, char **argv)
{
	CLEANUP(freep) struct build *build = calloc(1, sizeof(*build));
	struct tobi_fault fault = {0};
	int status;

	if (!build)
		return cli_error("out of memory");
	/* The image does not depend on it. */
	umask(022);
	set_defaults(&build->manifest);
	status = parse(argc, argv, build);
	if (status)
		return status;
	return make(build, &fault) ? cli_fail(&fault) : EXIT_ACCEPTED;
}
