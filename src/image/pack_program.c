/* What a program of this host needs to run elsewhere. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/file.h"
#include "image/pack_tools.h"

enum { HEAD_SIZE = 4096, LIST_SIZE = 64 << 10 };

/* No path from the environment: the same program for everybody. */
static const char *const search[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
				     "/usr/bin",	"/sbin",	  "/bin"};

static enum tobi_err find_program(const char *program, char *ret_path, size_t room,
				  struct tobi_fault *fault)
{
	char real[PATH_MAX];

	if (strchr(program, '/')) {
		if (!realpath(program, real))
			return fault_errno(fault, "program", "", "cannot find %s",
					   program);
		/* The name that was given may be a link whose name matters (busybox). */
		snprintf(ret_path, room, "%s", program[0] == '/' ? program : real);
		return TOBI_OK;
	}
	for (size_t i = 0; i < sizeof(search) / sizeof(search[0]); i++) {
		snprintf(real, sizeof(real), "%s/%s", search[i], program);
		if (access(real, X_OK) == 0) {
			snprintf(ret_path, room, "%s", real);
			return TOBI_OK;
		}
	}
	return fault_set(fault, TOBI_E_NOT_FOUND, "program", "",
			 "there is no program %s in /usr/bin and its like; give its path",
			 program);
}

/* The start of the file; *ret_size bytes of it. */
static enum tobi_err read_head(const char *path, uint8_t *head, size_t *ret_size,
			       struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd >= 0 ? pread(fd, head, HEAD_SIZE, 0) : -1;

	if (got < 0)
		return fault_errno(fault, "program", "", "cannot read %s", path);
	*ret_size = (size_t)got;
	return TOBI_OK;
}

static enum tobi_err check_elf(const char *path, const uint8_t *head, size_t size,
			       struct tobi_fault *fault)
{
#if defined(__x86_64__)
	const unsigned machine = EM_X86_64;
#else
	const unsigned machine = EM_AARCH64;
#endif
	if (size < sizeof(Elf64_Ehdr) || head[EI_CLASS] != ELFCLASS64 ||
	    head[EI_DATA] != ELFDATA2LSB ||
	    load_u16le(head + offsetof(Elf64_Ehdr, e_machine)) != machine)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "program", "architecture",
				 "%s is for another kind of machine than this host",
				 path);
	return TOBI_OK;
}

/* PT_INTERP, or an empty text for a static program. */
static void find_loader(const uint8_t *head, size_t size, char *ret_loader, size_t room)
{
	uint64_t at = load_u64le(head + offsetof(Elf64_Ehdr, e_phoff));
	unsigned count = load_u16le(head + offsetof(Elf64_Ehdr, e_phnum));

	ret_loader[0] = 0;
	for (unsigned i = 0; i < count; i++, at += sizeof(Elf64_Phdr)) {
		uint64_t offset, length;

		if (at > size || size - at < sizeof(Elf64_Phdr))
			return;
		if (load_u32le(head + at) != PT_INTERP)
			continue;
		offset = load_u64le(head + at + offsetof(Elf64_Phdr, p_offset));
		length = load_u64le(head + at + offsetof(Elf64_Phdr, p_filesz));
		if (offset < size && length <= size - offset && length < room)
			snprintf(ret_loader, room, "%.*s", (int)length,
				 (const char *)head + offset);
		return;
	}
}

/* `LOADER --list PROGRAM` resolves the libraries without running the program. */
static enum tobi_err list_libraries(const char *loader, const char *path, char *out,
				    size_t room, struct tobi_fault *fault)
{
	char first[PATH_MAX], program[PATH_MAX];
	char *arguments[] = {first, "--list", program, NULL};
	char *environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2], status = -1, failed;
	size_t size = 0;
	ssize_t got;
	pid_t pid;

	snprintf(first, sizeof(first), "%s", loader);
	snprintf(program, sizeof(program), "%s", path);
	if (pipe2(pipes, O_CLOEXEC) || posix_spawn_file_actions_init(&actions))
		return fault_errno(fault, "program", "", "no pipe");
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	failed = posix_spawn(&pid, loader, &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	while (!failed && size + 1 < room &&
	       ((got = read(pipes[0], out + size, room - 1 - size)) > 0 ||
		(got < 0 && errno == EINTR)))
		size += got > 0 ? (size_t)got : 0;
	out[size] = 0;
	close(pipes[0]);
	if (failed)
		return fault_set(fault, TOBI_E_SYSTEM, "program", "loader",
				 "%s cannot be run", loader);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fault_set(fault, TOBI_E_NOT_FOUND, "program", "libraries",
				 "the libraries of %s cannot be found; see: ldd %s", path,
				 path);
	return TOBI_OK;
}

static enum tobi_err add_libraries(struct pack *pack, const char *path,
				   const uint8_t *head, size_t size,
				   struct tobi_fault *fault)
{
	char loader[256], *line, *rest;
	CLEANUP(freep) char *list = malloc(LIST_SIZE);
	enum tobi_err err;

	find_loader(head, size, loader, sizeof(loader));
	if (!loader[0])
		return TOBI_OK;
	if (!list)
		return fault_set(fault, TOBI_E_MEMORY, "program", "", "out of memory");
	err = pack_add(pack, loader, NULL, fault);
	if (!err)
		err = list_libraries(loader, path, list, LIST_SIZE, fault);
	for (rest = list; !err && (line = strsep(&rest, "\n"));) {
		char *at = strstr(line, " => ");
		char file[PATH_MAX];

		at = at ? at + 4 : line + strspn(line, " \t");
		snprintf(file, sizeof(file), "%.*s", (int)strcspn(at, " \t"), at);
		if (strstr(line, "not found"))
			err = fault_set(fault, TOBI_E_NOT_FOUND, "program", "libraries",
					"%s needs%s", path, line);
		else if (file[0] == '/')
			err = pack_add(pack, file, NULL, fault);
	}
	return err;
}

/* Patterns of what is loaded later, by name: found for the program by its own path. */
struct family {
	const char *program; /* the start of its file's name */
	const char *patterns[8];
};

static const struct family families[] = {
    {"python3", {"/usr/lib/python3*", "/usr/lib/*-linux-gnu/lib{ssl,crypto,ffi,bz2,lzma,z,uuid}.so.*", NULL}},
    {"perl", {"/usr/share/perl*", "/usr/lib/*-linux-gnu/perl*", NULL}},
    {"nginx",
     {"/etc/nginx", "/usr/share/nginx", "/usr/lib/nginx", "/var/lib/nginx",
      "/var/log/nginx", "/var/www/html", NULL}},
    {"redis", {"/etc/redis", NULL}},
};

static const char *const name_services[] = {
    "/lib/*-linux-gnu/libnss_files.so.2",
    "/lib/*-linux-gnu/libnss_dns.so.2",
    "/lib/*-linux-gnu/libresolv.so.2",
    NULL,
};
static const char *const surroundings[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/openssl.cnf",
    "/usr/lib/ssl",
    "/usr/lib/locale/C.utf8",
    "/etc/services",
    "/etc/protocols",
    "/etc/mime.types",
    "/usr/share/zoneinfo/UTC",
    NULL,
};

static enum tobi_err add_patterns(struct pack *pack, const char *const *patterns,
				  struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (; *patterns && !err; patterns++) {
		glob_t found = {0};

		if (glob(*patterns, GLOB_BRACE, NULL, &found) == 0) {
			for (size_t i = 0; i < found.gl_pathc && !err; i++)
				err = pack_add(pack, found.gl_pathv[i], NULL, fault);
		}
		globfree(&found);
	}
	return err;
}

/* Accounts of the image's own: nothing of the host's. */
static enum tobi_err add_accounts(struct pack *pack, struct tobi_fault *fault)
{
	static const char *const files[][2] = {
	    {"/etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n"
			    "app:x:1000:1000:app:/home:/sbin/nologin\n"
			    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"},
	    {"/etc/group", "root:x:0:\napp:x:1000:\nnogroup:x:65534:\n"},
	    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"
				   "services: files\nprotocols: files\n"},
	    {"/etc/hosts", "127.0.0.1 localhost enclave\n::1 localhost\n"},
	    {"/etc/hostname", "enclave\n"},
	};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++) {
		if (!pack_has(pack, files[i][0]))
			err = pack_write(pack, files[i][0], files[i][1], fault);
	}
	return err;
}

static enum tobi_err add_family(struct pack *pack, const char *path,
				struct tobi_fault *fault)
{
	char real[PATH_MAX];
	const char *name;

	if (!realpath(path, real))
		return fault_errno(fault, "program", "", "cannot find %s", path);
	name = strrchr(real, '/') + 1;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (strncmp(name, families[i].program, strlen(families[i].program)) == 0)
			return add_patterns(pack, families[i].patterns, fault);
	}
	return TOBI_OK;
}

static enum tobi_err add_file(struct pack *pack, const char *path, bool may_be_script,
			      struct tobi_fault *fault)
{
	uint8_t head[HEAD_SIZE + 1] = {0};
	char interpreter[256];
	size_t size = 0;
	enum tobi_err err = read_head(path, head, &size, fault);

	if (err)
		return err;
	err = pack_add(pack, path, NULL, fault);
	if (!err)
		err = add_family(pack, path, fault);
	if (err)
		return err;
	if (size > 4 && head[0] == ELFMAG0 && head[1] == ELFMAG1 && head[2] == ELFMAG2 &&
	    head[3] == ELFMAG3) {
		err = check_elf(path, head, size, fault);
		return err ? err : add_libraries(pack, path, head, size, fault);
	}
	if (!may_be_script || sscanf((const char *)head, "#! %255s", interpreter) != 1)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "program", "",
				 "%s is neither a program nor a script", path);
	if (access(interpreter, X_OK))
		return fault_set(fault, TOBI_E_NOT_FOUND, "program", "",
				 "the script %s needs %s, which is not here", path,
				 interpreter);
	/* One level: an interpreter is a program. */
	memset(head, 0, sizeof(head));
	err = read_head(interpreter, head, &size, fault);
	if (!err)
		err = pack_add(pack, interpreter, NULL, fault);
	if (!err)
		err = add_family(pack, interpreter, fault);
	if (!err)
		err = check_elf(interpreter, head, size, fault);
	return err ? err : add_libraries(pack, interpreter, head, size, fault);
}

enum tobi_err pack_add_program(struct pack *pack, const char *program, char *ret_path,
			       size_t room, struct tobi_fault *fault)
{
	char path[PATH_MAX];
	enum tobi_err err = find_program(program, path, sizeof(path), fault);

	if (!err)
		err = add_file(pack, path, true, fault);
	if (!err)
		err = add_patterns(pack, name_services, fault);
	if (!err)
		err = add_patterns(pack, surroundings, fault);
	if (!err)
		err = add_accounts(pack, fault);
	if (!err)
		snprintf(ret_path, room, "%s", path);
	return err;
}
