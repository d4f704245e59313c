#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/secret.h"
#include "cli/build_egress.h"
#include "cli/build_oci.h"
#include "cli/build_outputs.h"
#include "cli/build_policy.h"
#include "cli/cli.h"
#include "image/image.h"
#include "image/pack.h"
#include "image/rules.h"

enum { MAX_ADD = 64, DEFAULT_USER = 1000 };

struct build {
	const char *out, *root, *key_file, *tier, *policy, *config_id;
	const char *adds[MAX_ADD];
	size_t add_count;
	struct manifest manifest;
	char program[LIMIT_PATH];
	bool quiet;
	struct build_oci container;
};

/* Set by the signals that end a build. */
static volatile sig_atomic_t stopped; /* NOLINT: a handler has no context */

DEFINE_CLEANUP(struct pack *, pack_free)

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
	manifest->architecture = bytes_of_text(manifest_host_architecture());
	manifest->uid = manifest->gid = DEFAULT_USER;
	manifest->limits.memory = UINT64_C(512) << 20;
	manifest->limits.processes = 256;
	manifest->limits.cpu_milli = 2000;
	manifest->limits.files = 1024;
	manifest->limits.writable = UINT64_C(64) << 20;
	manifest->directory = bytes_of_text("/home");
	manifest->output = OUTPUT_TO_HOST;
}

/* Beside those that the user named. A container image has others. */
static bool add_standard_writable(struct manifest *manifest)
{
	static const char *const writable[] = {"/home", "/run", "/tmp", "/var"};

	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
		if (manifest->writable_count == LIMIT_WRITABLE)
			return false;
		manifest->writable[manifest->writable_count++] =
		    bytes_of_text(writable[i]);
	}
	return true;
}

static const struct text_pair standard_environment[] = {
    {{(const uint8_t *)"HOME", 4}, {(const uint8_t *)"/home", 5}},
    {{(const uint8_t *)"LANG", 4}, {(const uint8_t *)"C.UTF-8", 7}},
    {{(const uint8_t *)"PATH", 4},
     {(const uint8_t *)"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"
		       "/run/tobichi", /* the agent's tool */
      73}},
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
	manifest->environment[manifest->environment_count++] =
	    (struct text_pair){{(const uint8_t *)value, (size_t)(equals - value)},
			       bytes_of_text(equals + 1)};
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
    {"oci", required_argument, NULL, 'I'},
    {"ref", required_argument, NULL, 'r'},
    {"platform", required_argument, NULL, 'l'},
    {"entrypoint", required_argument, NULL, 'E'},
    {"add", required_argument, NULL, 'a'},
    {"env", required_argument, NULL, 'e'},
    {"port", required_argument, NULL, 'p'},
    {"egress", required_argument, NULL, 'g'},
    {"client-policy", required_argument, NULL, 'L'},
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
    {"config-id", required_argument, NULL, 'C'},
    {"quiet", no_argument, NULL, 'q'},
    {NULL, 0, NULL, 0},
};

/* What is not in the manifest: files, and what the policy says. */
static bool take_file_option(struct build *build, int option, char *value)
{
	uint8_t id[SHA384_SIZE];

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
		if (build->add_count == MAX_ADD)
			return false;
		build->adds[build->add_count++] = value;
		return true;
	case 'C':
		build->config_id = value;
		return hex_read(value, id, sizeof(id));
	default:
		return build_oci_take(&build->container, option, value);
	}
}

/* One option; false: its value is not allowed. */
static bool take_option(struct build *build, int option, char *value)
{
	struct manifest *m = &build->manifest;
	uint64_t number = 0;

	switch (option) {
	case 'e':
		return add_environment(m, value);
	case 'p':
		if (m->port_count == LIMIT_PORTS ||
		    !cli_read_number(value, UINT16_MAX, &number))
			return false;
		m->ports[m->port_count++] = (uint16_t)number;
		return number > 0;
	case 'g':
		return build_egress(m, value);
	case 'L':
		m->clients = bytes_of_text(value);
		return value[0] && rule_clients(m->clients);
	case 'u':
		build->container.given.user = true;
		return set_user(m, value);
	case 'm':
		return read_size(value, &m->limits.memory);
	case 'P':
		return cli_read_number(value, MANIFEST_PROCESSES_MAX,
				       &m->limits.processes);
	case 'c':
		return set_cpus(m, value);
	case 'f':
		return cli_read_number(value, MANIFEST_FILES_MAX, &m->limits.files);
	case 'w':
		if (m->writable_count == LIMIT_WRITABLE)
			return false;
		m->writable[m->writable_count++] = bytes_of_text(value);
		return true;
	case 'W':
		build->container.given.writable_size = true;
		return read_size(value, &m->limits.writable);
	case 's':
		if (m->secret_count == LIMIT_SECRETS)
			return false;
		m->secrets[m->secret_count++] = bytes_of_text(value);
		return true;
	case 'd':
		build->container.given.directory = true;
		m->directory = bytes_of_text(value);
		return true;
	case 'i':
		if (!cli_read_number(value, UINT16_MAX, &number))
			return false;
		m->product = (uint16_t)number;
		return true;
	case 'v':
		if (!cli_read_number(value, UINT16_MAX, &number))
			return false;
		m->svn = (uint16_t)number;
		return true;
	case 'D':
		m->debug = true;
		return true;
	case 'O':
		m->output = OUTPUT_DISCARDED;
		return true;
	case 'n':
		m->name = bytes_of_text(value);
		return true;
	default:
		return take_file_option(build, option, value);
	}
}

static int parse_options(int argc, char **argv, struct build *build)
{
	int option, index = -1;

	while ((option = getopt_long(argc, argv, "+o:", known, &index)) != -1) {
		const char *form;
		char said[256];

		if (option == '?')
			return cli_usage("build", "wrong option");
		snprintf(said, sizeof(said), "%s", optarg ? optarg : "");
		form = option == 'g' || option == 'L' ? build_egress_form(option == 'L')
		       : strchr("aepws", option)      ? ", or that many"
						      : "";
		if (!take_option(build, option, optarg))
			return cli_usage("build", "--%s does not allow '%s'%s",
					 index >= 0 ? known[index].name : "output", said,
					 form);
		index = -1;
	}
	return 0;
}

/* A container image may stand where a program would, and options after it. */
static int parse_all(int argc, char **argv, struct build *build)
{
	int status = parse_options(argc, argv, build);

	if (status || optind == argc || build->container.path || build->root ||
	    strcmp(argv[optind - 1], "--") == 0 || !oci_looks_like_image(argv[optind]))
		return status;
	build->container.path = argv[optind++];
	return parse_options(argc, argv, build);
}

static int parse(int argc, char **argv, struct build *build)
{
	struct manifest *manifest = &build->manifest;
	int status;

	optind = 1;
	status = parse_all(argc, argv, build);
	if (!status)
		status = build_oci_check(&build->container, build->root != NULL);
	if (status)
		return status;
	if (!build->container.path && !add_standard_writable(manifest))
		return cli_usage("build", "--writable does not allow that many");
	if (optind == argc && !build->container.path)
		return cli_usage("build", "a program is needed, after --");
	if (argc - optind > LIMIT_ARGUMENTS)
		return cli_usage("build", "more than %d arguments", LIMIT_ARGUMENTS);
	for (int i = optind; i < argc; i++)
		manifest->arguments[manifest->argument_count++] = bytes_of_text(argv[i]);
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

	if (build->container.path) {
		err = build_oci_fill(&build->container, pack, manifest, fault);
	} else if (build->root) {
		err = pack_add_root(pack, build->root, fault);
	} else {
		char program[LIMIT_PATH];

		snprintf(program, sizeof(program), "%.*s",
			 (int)manifest->arguments[0].size,
			 (const char *)manifest->arguments[0].ptr);
		err = pack_add_program(pack, program, manifest->uid, manifest->gid,
				       build->program, sizeof(build->program), fault);
		manifest->arguments[0] = bytes_of_text(build->program);
	}
	for (size_t i = 0; i < build->add_count && !err; i++)
		err = add_one(pack, build->adds[i], fault);
	return err;
}

/* The program's name in lower case, without what a name may not hold. */
static void name_image(struct build *build, char *out, size_t room)
{
	const struct manifest *manifest = &build->manifest;
	char program[LIMIT_PATH], *base;
	size_t used = 0;

	if (manifest->name.size)
		return;
	snprintf(program, sizeof(program), "%.*s", (int)manifest->arguments[0].size,
		 (const char *)manifest->arguments[0].ptr);
	base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	for (; *base && used + 1 < room && used < LIMIT_NAME; base++) {
		int c = *base >= 'A' && *base <= 'Z' ? *base - 'A' + 'a' : *base;

		if (strchr(used ? "abcdefghijklmnopqrstuvwxyz0123456789._-"
				: "abcdefghijklmnopqrstuvwxyz0123456789",
			   c))
			out[used++] = (char)c;
	}
	out[used] = 0;
	build->manifest.name = bytes_of_text(used ? out : "program");
}

/* The argument names a file below the folder in which the program starts. */
static bool in_directory(const struct build *build, const struct pack *pack,
			 const char *argument)
{
	char path[2 * LIMIT_PATH];

	snprintf(path, sizeof(path), "%.*s/%s", (int)build->manifest.directory.size,
		 (const char *)build->manifest.directory.ptr, argument);
	return pack_has(pack, path);
}

/* What a newcomer would wonder about. */
static void print_notes(const struct build *build, const struct pack *pack)
{
	const struct manifest *m = &build->manifest;
	const char *first;
	size_t count = pack_left_out(pack, &first);

	build_oci_print_notes(&build->container);
	if (count)
		fprintf(stderr,
			"tobichi: %zu sockets, devices or pipes were left out, the first "
			"is %s\n",
			count, first);
	for (size_t i = 1; i < m->argument_count; i++) {
		const char *argument = (const char *)m->arguments[i].ptr;
		struct stat st;

		if (stat(argument, &st) || !S_ISREG(st.st_mode) ||
		    (argument[0] == '/' && pack_has(pack, argument)))
			continue;
		if (argument[0] == '/')
			fprintf(stderr,
				"tobichi: note: %s is not in the image; --add %s puts it "
				"there\n",
				argument, argument);
		else if (!in_directory(build, pack, argument))
			fprintf(stderr,
				"tobichi: note: %s is not in the image; --add %s:%.*s/%s "
				"puts it there\n",
				argument, argument, (int)m->directory.size,
				(const char *)m->directory.ptr, argument);
	}
}

static void print_result(const struct build_outputs *out,
			 const uint8_t id[static SHA384_SIZE], const struct pack *pack)
{
	char hex[2 * SHA384_SIZE + 1];

	hex_write((struct tobi_bytes){id, SHA384_SIZE}, hex, sizeof(hex));
	printf("image     %s\nimage id  %s\npolicy    %s\nvalues    %s\n", out->image,
	       hex, out->policy, out->corim);
	if (pack_extras(pack)[0])
		printf("with      %s\n", pack_extras(pack));
}

static enum tobi_err make(struct build *build, struct tobi_fault *fault)
{
	CLEANUP(pack_freep) struct pack *pack = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer host = wr_init(LIMIT_POLICY);
	const char *temporary = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char name[LIMIT_NAME + 1] = "";
	struct build_outputs out;
	uint8_t id[SHA384_SIZE];
	enum tobi_err err = TOBI_OK;

	if (build->container.path)
		err = build_oci_open(&build->container, &build->manifest, temporary,
				     &stopped, fault);
	if (err)
		return err;
	name_image(build, name, sizeof(name));
	err =
	    build_outputs_name(build->out, build->policy, &build->manifest, &out, fault);
	if (!err && build->key_file)
		err = cli_read_private_key(build->key_file, &key, fault);
	if (!err && build->tier)
		err = build_policy_host(&host, fault);
	if (!err)
		err = pack_new(temporary, &stopped, &pack, fault);
	if (!err)
		err = fill(build, pack, fault);
	if (!build->container.path)
		add_standard_environment(&build->manifest);
	if (!err)
		err = pack_finish(pack, out.image, &build->manifest, key, id, fault);
	if (err)
		return err;
	err = build_policy_write(&(struct build_policy){&build->manifest, build->tier, id,
							key, wr_view(&host),
							build->config_id},
				 out.policy, fault);
	if (!err)
		err = build_outputs_corim(&out, &build->manifest, id, key, fault);
	if (!err && stopped)
		err = fault_set(fault, TOBI_E_SYSTEM, "image", "",
				"interrupted; nothing was written");
	if (err) {
		/* An image without its policy is half a result. */
		unlink(out.image);
		unlink(out.corim);
		return err;
	}
	if (!build->quiet) {
		print_result(&out, id, pack);
		print_notes(build, pack);
	}
	return TOBI_OK;
}

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* A build that is interrupted ends as one that fails: it removes what it has made. */
static int make_guarded(struct build *build)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	enum { COUNT = sizeof(signals) / sizeof(signals[0]) };
	const struct sigaction action = {.sa_handler = stop};
	struct sigaction old[COUNT];
	struct tobi_fault fault = {0};
	enum tobi_err err;

	stopped = 0;
	for (int i = 0; i < COUNT; i++) {
		sigaction(signals[i], &action, &old[i]);
		if (old[i].sa_handler == SIG_IGN)
			sigaction(signals[i], &old[i], NULL);
	}
	err = make(build, &fault);
	for (int i = 0; i < COUNT; i++)
		sigaction(signals[i], &old[i], NULL);
	return err ? cli_fail(&fault) : EXIT_ACCEPTED;
}

int cmd_build(int argc, char **argv)
{
	CLEANUP(freep) struct build *build = calloc(1, sizeof(*build));
	int status;

	if (!build)
		return cli_error("out of memory");
	/* The image does not depend on it. */
	umask(022);
	set_defaults(&build->manifest);
	status = parse(argc, argv, build);
	if (!status)
		status = make_guarded(build);
	oci_free(build->container.oci);
	return status;
}
