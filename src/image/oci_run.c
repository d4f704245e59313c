/* From the configuration of a container image to a manifest. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "image/oci_tools.h"
#include "image/pack_tools.h"
#include "image/rules.h"

static const char object[] = "image configuration";

enum { DEFAULT_USER = 1000, MAX_USER = 65533 };

static const char usual_path[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static enum tobi_err out_of_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
}

static enum tobi_err add_words(const json_t *list, struct manifest *manifest,
			       struct tobi_fault *fault)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (manifest->argument_count == LIMIT_ARGUMENTS)
			return fault_set(fault, TOBI_E_LIMIT, object, "config.Cmd",
					 "the program has more than %d arguments",
					 LIMIT_ARGUMENTS);
		manifest->arguments[manifest->argument_count++] =
		    bytes_of_text(json_string_value(json_array_get(list, i)));
	}
	return TOBI_OK;
}

enum tobi_err oci_set_program(struct oci *oci, const struct oci_given *given,
			      struct manifest *manifest, struct tobi_fault *fault)
{
	struct tobi_bytes words[LIMIT_ARGUMENTS];
	size_t count = manifest->argument_count;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < count; i++)
		words[i] = manifest->arguments[i];
	manifest->argument_count = 0;
	if (given->entrypoint)
		manifest->arguments[manifest->argument_count++] =
		    bytes_of_text(given->entrypoint);
	else
		err = add_words(oci->config.entrypoint, manifest, fault);
	/* As docker has it: another entry point does not get the image's command. */
	if (!err && !count && !given->entrypoint)
		err = add_words(oci->config.command, manifest, fault);
	for (size_t i = 0; i < count && !err; i++) {
		if (manifest->argument_count == LIMIT_ARGUMENTS)
			err = fault_set(fault, TOBI_E_LIMIT, object, "config.Entrypoint",
					"the program has more than %d arguments",
					LIMIT_ARGUMENTS);
		else
			manifest->arguments[manifest->argument_count++] = words[i];
	}
	if (!err && (!manifest->argument_count || !manifest->arguments[0].size))
		err = fault_set(fault, TOBI_E_ARGUMENT, object, "config.Entrypoint",
				"the image names no program; name one after --");
	return err;
}

static bool has_variable(const struct manifest *manifest, struct tobi_bytes name)
{
	for (size_t i = 0; i < manifest->environment_count; i++) {
		if (bytes_equal(manifest->environment[i].name, name))
			return true;
	}
	return false;
}

static enum tobi_err add_variable(struct manifest *manifest, struct text_pair pair,
				  struct tobi_fault *fault)
{
	if (manifest->environment_count == LIMIT_ARGUMENTS)
		return fault_set(fault, TOBI_E_LIMIT, object, "config.Env",
				 "there are more than %d variables", LIMIT_ARGUMENTS);
	manifest->environment[manifest->environment_count++] = pair;
	return TOBI_OK;
}

/* The last of a name counts; what the user set stays. */
static enum tobi_err set_environment(struct oci *oci, struct manifest *manifest,
				     struct tobi_fault *fault)
{
	const json_t *list = oci->config.environment;
	enum tobi_err err = TOBI_OK;

	for (size_t i = json_array_size(list); i > 0 && !err; i--) {
		const char *entry = json_string_value(json_array_get(list, i - 1));
		size_t size = strcspn(entry, "=");
		struct text_pair pair = {
		    {(const uint8_t *)entry, size},
		    bytes_of_text(entry + size + (entry[size] == '='))};

		if (has_variable(manifest, pair.name))
			continue;
		if (rule_variable(pair.name))
			err = add_variable(manifest, pair, fault);
		else
			oci_note(oci,
				 "the variable '%.*s' is left out: a name has letters, "
				 "digits and _",
				 (int)(size < 64 ? size : 64), entry);
	}
	return err;
}

static enum tobi_err set_standard(struct oci *oci, struct manifest *manifest,
				  struct tobi_fault *fault)
{
	const struct text_pair pairs[] = {
	    {bytes_of_text("HOME"), bytes_of_text(oci->home)},
	    {bytes_of_text("PATH"), bytes_of_text(usual_path)}};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < 2 && !err; i++) {
		if (!has_variable(manifest, pairs[i].name))
			err = add_variable(manifest, pairs[i], fault);
	}
	return err;
}

static enum tobi_err read_inside(struct pack *pack, const char *inside,
				 struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = stage_open(&pack->stage, inside);
	char self[64];

	if (fd < 0)
		return TOBI_OK;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return file_read(self, LIMIT_OCI_ACCOUNTS, inside, out, fault);
}

/* Neither root nor what is not a user of every enclave. */
static uint32_t usable(uint64_t id, uint32_t otherwise)
{
	return id >= 1 && id <= MAX_USER ? (uint32_t)id : otherwise;
}

static enum tobi_err set_user(struct oci *oci, const struct oci_given *given,
			      struct pack *pack, struct manifest *manifest,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer passwd = wr_init(LIMIT_OCI_ACCOUNTS);
	CLEANUP(wr_done) struct writer group = wr_init(LIMIT_OCI_ACCOUNTS);
	struct oci_account account;
	char number[16];
	const char *user = oci->config.user ? oci->config.user : "";
	enum tobi_err err = read_inside(pack, "/etc/passwd", &passwd, fault);

	if (!err)
		err = read_inside(pack, "/etc/group", &group, fault);
	snprintf(number, sizeof(number), "%u", manifest->uid);
	if (!err)
		err = oci_find_account(given->user ? number : user, wr_view(&passwd),
				       wr_view(&group), &account, fault);
	if (err)
		return err;
	if (account.home[0] == '/')
		oci->home = arena_text(&oci->arena, bytes_of_text(account.home));
	if (!oci->home)
		return out_of_memory(fault);
	if (given->user)
		return TOBI_OK;
	manifest->uid = usable(account.uid, DEFAULT_USER);
	manifest->gid = usable(account.gid, manifest->uid);
	if (manifest->uid != account.uid)
		oci_note(oci,
			 "the image's user is %s%.64s (%llu); inside it runs as %u:%u, "
			 "and --user takes another, 1 to %d",
			 user[0] ? "" : "root", user, (unsigned long long)account.uid,
			 manifest->uid, manifest->gid, MAX_USER);
	return TOBI_OK;
}

/* "80/tcp", "80", "53/udp". */
static enum tobi_err add_port(struct oci *oci, const char *name,
			      struct manifest *manifest, struct tobi_fault *fault)
{
	size_t digits = strspn(name, "0123456789");
	unsigned long port = 0;
	const char *rest = name + digits;

	if (digits && digits <= 5)
		port = strtoul(name, NULL, 10);
	if (port < 1 || port > UINT16_MAX || (rest[0] && rest[0] != '/'))
		return fault_set(fault, TOBI_E_MALFORMED, object, "config.ExposedPorts",
				 "'%.64s' is not a port", name);
	if (rest[0] && strcmp(rest, "/tcp") != 0) {
		oci_note(oci, "port %.64s is left out: only TCP can be published", name);
		return TOBI_OK;
	}
	for (size_t i = 0; i < manifest->port_count; i++) {
		if (manifest->ports[i] == port)
			return TOBI_OK;
	}
	if (manifest->port_count == LIMIT_PORTS) {
		oci_note(oci, "port %.64s is left out: an image has at most %d", name,
			 LIMIT_PORTS);
		return TOBI_OK;
	}
	manifest->ports[manifest->port_count++] = (uint16_t)port;
	return TOBI_OK;
}

static bool is_at_or_below(const char *path, struct tobi_bytes folder)
{
	return strncmp(path, (const char *)folder.ptr, folder.size) == 0 &&
	       (!path[folder.size] || path[folder.size] == '/');
}

/* Not where the program is: what is writable cannot be executed. */
static enum tobi_err add_writable(struct oci *oci, const char *name, const char *program,
				  bool from_image, struct manifest *manifest,
				  struct tobi_fault *fault)
{
	char plain[LIMIT_PATH + 1], *path;
	enum tobi_err err = oci_tar_path(name, object, plain, fault);

	if (err)
		return err;
	for (size_t i = 0; i < manifest->writable_count; i++) {
		if (is_at_or_below(plain, manifest->writable[i]))
			return TOBI_OK;
	}
	if (!rule_writable(bytes_of_text(plain)) ||
	    is_at_or_below(program, bytes_of_text(plain))) {
		if (from_image)
			oci_note(oci,
				 "the volume %.128s stays read-only: %s is in it, and "
				 "what is writable cannot be executed",
				 plain, program);
		return TOBI_OK;
	}
	if (manifest->writable_count == LIMIT_WRITABLE)
		return fault_set(fault, TOBI_E_LIMIT, object, "config.Volumes",
				 "there are more than %d writable paths", LIMIT_WRITABLE);
	path = arena_text(&oci->arena, bytes_of_text(plain));
	if (!path)
		return out_of_memory(fault);
	manifest->writable[manifest->writable_count++] = bytes_of_text(path);
	return TOBI_OK;
}

/* Where programs keep what they write, by the Filesystem Hierarchy Standard; not all of
 * /var, /home or /root: images keep programs there, too. */
static const char *const state_folders[] = {
    "/run", "/tmp", "/var/cache", "/var/lib", "/var/log", "/var/spool", "/var/tmp"};

static enum tobi_err set_writable(struct oci *oci, const struct oci_given *given,
				  const char *program, struct pack *pack,
				  struct manifest *manifest, struct tobi_fault *fault)
{
	const uint64_t unit = UINT64_C(1) << 20;
	const char *name;
	json_t *unused;
	uint64_t bytes = 0;
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < manifest->writable_count; i++) {
		if (is_at_or_below(program, manifest->writable[i]))
			return fault_set(fault, TOBI_E_ARGUMENT, object, "",
					 "%s is below the writable path %.*s, where "
					 "nothing can be executed",
					 program, (int)manifest->writable[i].size,
					 (const char *)manifest->writable[i].ptr);
	}
	for (size_t i = 0; i < sizeof(state_folders) / sizeof(*state_folders) && !err;
	     i++)
		err =
		    add_writable(oci, state_folders[i], program, false, manifest, fault);
	json_object_foreach((json_t *)(uintptr_t)oci->config.volumes, name, unused)
	{
		if (!err)
			err = add_writable(oci, name, program, true, manifest, fault);
	}
	/* Room for what the image has there, beside what was always there. */
	for (size_t i = 0; i < manifest->writable_count && !err; i++) {
		char path[LIMIT_PATH + 1];
		struct stage_usage usage = {0};

		snprintf(path, sizeof(path), "%.*s", (int)manifest->writable[i].size,
			 (const char *)manifest->writable[i].ptr);
		err = stage_measure(&pack->stage, path, &usage, fault);
		bytes += usage.bytes + 4096 * (uint64_t)usage.files;
	}
	if (!given->writable_size)
		manifest->limits.writable += (bytes + unit - 1) / unit * unit;
	return err;
}

static bool can_be_executed(struct pack *pack, const char *path)
{
	CLEANUP(fd_close) int fd = stage_open(&pack->stage, path);
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

/* As execvp() would find it; out: LIMIT_PATH + 1, plain. */
static enum tobi_err find_program(struct pack *pack, const struct manifest *manifest,
				  char *out, struct tobi_fault *fault)
{
	char name[LIMIT_PATH], joined[2 * LIMIT_PATH + 2];
	const char *search = usual_path;
	enum tobi_err err;

	if (manifest->arguments[0].size >= sizeof(name))
		return fault_set(fault, TOBI_E_LIMIT, object, "config.Entrypoint",
				 "the program's path is too long");
	snprintf(name, sizeof(name), "%s", (const char *)manifest->arguments[0].ptr);
	if (strchr(name, '/')) {
		snprintf(joined, sizeof(joined), "%s/%s",
			 name[0] == '/' ? "" : (const char *)manifest->directory.ptr,
			 name);
		return oci_tar_path(joined, object, out, fault);
	}
	for (size_t i = 0; i < manifest->environment_count; i++) {
		if (bytes_equal_text(manifest->environment[i].name, "PATH"))
			search = (const char *)manifest->environment[i].value.ptr;
	}
	for (const char *at = search; *at;) {
		size_t size = strcspn(at, ":");

		snprintf(joined, sizeof(joined), "%.*s/%s",
			 (int)(size < LIMIT_PATH ? size : LIMIT_PATH), at, name);
		err = at[0] == '/' && size < LIMIT_PATH
			  ? oci_tar_path(joined, object, out, NULL)
			  : TOBI_E_NOT_FOUND;
		if (!err && can_be_executed(pack, out))
			return TOBI_OK;
		at += size + (at[size] == ':');
	}
	return fault_set(fault, TOBI_E_NOT_FOUND, object, "config.Entrypoint",
			 "there is no program %.64s in the image's PATH, which is %.128s",
			 name, search);
}

static enum tobi_err set_directory(struct oci *oci, const struct oci_given *given,
				   struct manifest *manifest, struct tobi_fault *fault)
{
	const char *wanted = oci->config.directory ? oci->config.directory : "";
	char plain[LIMIT_PATH + 1], *path;
	enum tobi_err err;

	if (given->directory)
		return TOBI_OK;
	err = oci_tar_path(wanted, object, plain, fault);
	if (err)
		return err;
	path = arena_text(&oci->arena, bytes_of_text(plain));
	if (!path)
		return out_of_memory(fault);
	manifest->directory = bytes_of_text(path);
	return TOBI_OK;
}

static enum tobi_err set_ports(struct oci *oci, struct manifest *manifest,
			       struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	const char *name;
	json_t *unused;

	json_object_foreach((json_t *)(uintptr_t)oci->config.ports, name, unused)
	{
		if (!err)
			err = add_port(oci, name, manifest, fault);
	}
	return err;
}

static void note_signal(struct oci *oci)
{
	const char *signal = oci->config.stop_signal;

	if (signal && signal[0] && strcmp(signal, "SIGTERM") != 0 &&
	    strcmp(signal, "TERM") != 0 && strcmp(signal, "15") != 0)
		oci_note(oci, "its stop signal %.32s is not kept: stop sends SIGTERM",
			 signal);
}

/* Every container engine puts these into a container; images have none, or empty ones. */
static enum tobi_err add_names(struct pack *pack, struct tobi_fault *fault)
{
	static const char *const files[][2] = {{"/etc/hosts", PACK_HOSTS},
					       {"/etc/hostname", PACK_HOSTNAME}};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < 2 && !err; i++) {
		CLEANUP(fd_close) int fd = stage_open(&pack->stage, files[i][0]);
		mode_t kind = stage_kind(&pack->stage, files[i][0]);
		struct stat st;

		if (fd >= 0 && !fstat(fd, &st) && (!S_ISREG(st.st_mode) || st.st_size))
			continue;
		/* A link to nowhere means a file that the engine would make. */
		if (kind == 0 || kind == S_IFREG || kind == S_IFLNK)
			err = stage_text(&pack->stage, files[i][0], files[i][1], fault);
	}
	return err;
}

enum tobi_err oci_configure(struct oci *oci, const struct oci_given *given,
			    struct pack *pack, struct manifest *manifest,
			    struct tobi_fault *fault)
{
	char found[LIMIT_PATH + 1] = "", *program = NULL;
	enum tobi_err err = set_directory(oci, given, manifest, fault);

	if (!err)
		err = set_user(oci, given, pack, manifest, fault);
	if (!err)
		err = set_environment(oci, manifest, fault);
	if (!err)
		err = set_standard(oci, manifest, fault);
	if (!err)
		err = find_program(pack, manifest, found, fault);
	if (err)
		return err;
	program = arena_text(&oci->arena, bytes_of_text(found));
	if (!program)
		return out_of_memory(fault);
	manifest->arguments[0] = bytes_of_text(program);
	err = set_ports(oci, manifest, fault);
	if (!err)
		err = set_writable(oci, given, program, pack, manifest, fault);
	if (!err)
		err = add_names(pack, fault);
	/* As container engines do. */
	if (!err)
		err = stage_folder(&pack->stage, (const char *)manifest->directory.ptr,
				   fault);
	note_signal(oci);
	return err;
}
