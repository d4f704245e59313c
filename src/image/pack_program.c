/* A program of this host, its loader and libraries, or its interpreter. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "image/pack_tools.h"
#include "image/rules.h"

enum { HEAD_SIZE = 4096, LIST_SIZE = 64 << 10, MAX_SCRIPTS = 4 };

static const char object[] = "program";

/* The start of a program's file. */
struct head {
	uint8_t bytes[HEAD_SIZE + 1]; /* a zero follows */
	size_t size;
};

/* No path from the environment: the same program for everybody. */
static const char *const search[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
				     "/usr/bin",	"/sbin",	  "/bin"};

static enum tobi_err find_program(const char *program, char *ret_path, size_t room,
				  struct tobi_fault *fault)
{
	char folder[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(program, '/');

	for (size_t i = 0; !slash && i < sizeof(search) / sizeof(search[0]); i++) {
		snprintf(real, sizeof(real), "%s/%s", search[i], program);
		if (access(real, X_OK) == 0) {
			snprintf(ret_path, room, "%s", real);
			return TOBI_OK;
		}
	}
	if (!slash && access(program, F_OK) == 0)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "there is no program %s in /usr/bin and its like; for "
				 "the file here write ./%s",
				 program, program);
	if (!slash)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, object, "",
		    "there is no program %s in /usr/bin and its like; install it, or "
		    "give its path",
		    program);
	if (access(program, F_OK))
		return fault_errno(fault, object, "", "cannot find %s", program);
	/* The last name may be a link whose name matters (busybox): it stays. */
	if (rule_path((struct tobi_bytes){(const uint8_t *)program, strlen(program)})) {
		snprintf(ret_path, room, "%s", program);
		return TOBI_OK;
	}
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - program + 1), program);
	if (!realpath(folder, real))
		return fault_errno(fault, object, "", "cannot find %s", program);
	if ((size_t)snprintf(ret_path, room, "%s%s", strcmp(real, "/") ? real : "",
			     slash) >= room)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "its path is too long");
	return TOBI_OK;
}

/* Writable memory inside takes no programs: files below these paths are put below /opt.
 */
static bool is_memory(const char *path)
{
	static const char *const folders[] = {"/home/", "/run/", "/tmp/", "/var/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	}
	return false;
}

/* Adds a program or a library; ret_inside: where it is inside, PATH_MAX. */
static enum tobi_err add_code(struct pack *pack, const char *path, char *ret_inside,
			      struct tobi_fault *fault)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX], real[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
	if (!realpath(folder, real))
		return fault_errno(fault, object, "", "cannot find %s", path);
	if (!is_memory(real) && !is_memory(path)) {
		snprintf(ret_inside, PATH_MAX, "%s", path);
		return stage_has(&pack->stage, path) ? TOBI_OK
						     : pack_add(pack, path, NULL, fault);
	}
	if ((size_t)snprintf(ret_inside, PATH_MAX, "/opt%s%s", real, slash) >= PATH_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "its path is too long");
	return pack_add(pack, path, ret_inside, fault);
}

static enum tobi_err read_head(int fd, const char *path, struct head *ret_head,
			       struct tobi_fault *fault)
{
	struct stat st;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st))
		return fault_errno(fault, object, "", "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "%s is a folder, not a program", path);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "%s is not a regular file", path);
	if (!(st.st_mode & 0111))
		return fault_set(fault, TOBI_E_DENIED, object, "",
				 "%s is not executable; if it is a program, run: chmod "
				 "+x %s",
				 path, path);
	got = pread(fd, ret_head->bytes, HEAD_SIZE, 0);
	if (got < 0)
		return fault_errno(fault, object, "", "cannot read %s", path);
	ret_head->size = (size_t)got;
	ret_head->bytes[got] = 0;
	return TOBI_OK;
}

static bool is_elf(const struct head *head)
{
	return head->size >= SELFMAG &&
	       strncmp((const char *)head->bytes, ELFMAG, SELFMAG) == 0;
}

static enum tobi_err check_elf(const char *path, const struct head *head,
			       struct tobi_fault *fault)
{
	const uint8_t *bytes = head->bytes;
#if defined(__x86_64__)
	const unsigned machine = EM_X86_64;
#else
	const unsigned machine = EM_AARCH64;
#endif
	unsigned type = load_u16le(bytes + offsetof(Elf64_Ehdr, e_type));
	uint64_t at = load_u64le(bytes + offsetof(Elf64_Ehdr, e_phoff));
	uint64_t size =
	    sizeof(Elf64_Phdr) * load_u16le(bytes + offsetof(Elf64_Ehdr, e_phnum));

	if (head->size < sizeof(Elf64_Ehdr))
		return fault_at(fault, TOBI_E_TRUNCATED, object, "header", head->size,
				"%s is cut off", path);
	if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB ||
	    load_u16le(bytes + offsetof(Elf64_Ehdr, e_machine)) != machine)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "architecture",
				 "%s is for another kind of machine; this host is %s",
				 path, manifest_host_architecture());
	if (type != ET_EXEC && type != ET_DYN)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "type",
				 "%s is an ELF file, but not a program", path);
	if (size == 0 || at > head->size || size > head->size - at)
		return fault_at(fault, TOBI_E_TRUNCATED, object, "program headers", at,
				"%s has none where they should be; it may be cut off",
				path);
	return TOBI_OK;
}

/* PT_INTERP, or an empty text for a static program. After check_elf(). */
static void find_loader(const struct head *head, char *ret_loader, size_t room)
{
	uint64_t at = load_u64le(head->bytes + offsetof(Elf64_Ehdr, e_phoff));
	unsigned count = load_u16le(head->bytes + offsetof(Elf64_Ehdr, e_phnum));

	ret_loader[0] = 0;
	for (unsigned i = 0; i < count; i++, at += sizeof(Elf64_Phdr)) {
		const uint8_t *row = head->bytes + at;
		uint64_t offset = load_u64le(row + offsetof(Elf64_Phdr, p_offset));
		uint64_t size = load_u64le(row + offsetof(Elf64_Phdr, p_filesz));

		if (load_u32le(row) != PT_INTERP)
			continue;
		if (offset < head->size && size <= head->size - offset && size < room)
			snprintf(ret_loader, room, "%.*s", (int)size,
				 (const char *)head->bytes + offset);
		return;
	}
}

/* Takes the output until it ends; false when the child should not go on. */
static bool drain(const struct pack *pack, int fd, char *out, size_t room)
{
	size_t size = 0;
	ssize_t got;

	while (size + 1 < room) {
		got = read(fd, out + size, room - 1 - size);
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		if (got < 0 && pack->stop && *pack->stop)
			return false;
		size += got > 0 ? (size_t)got : 0;
	}
	out[size] = 0;
	return size + 1 < room;
}

enum tobi_err pack_run(const struct pack *pack, char *const *arguments, int *ret_status,
		       char *out, size_t room, struct tobi_fault *fault)
{
	char *environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2] = {-1, -1}, status = -1, failed;
	pid_t pid = -1;

	if (pipe2(pipes, O_CLOEXEC) || posix_spawn_file_actions_init(&actions))
		return fault_errno(fault, object, "", "no pipe");
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (out)
		posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	else
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	failed = posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	fd_close(&pipes[1]);
	if (!failed && out && !drain(pack, pipes[0], out, room))
		kill(pid, SIGTERM);
	fd_close(&pipes[0]);
	if (failed)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "", "cannot start %s",
				 arguments[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
		if (pack->stop && *pack->stop)
			kill(pid, SIGTERM);
	}
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	return pack_stopped(pack, fault);
}

/* A loader is run: only what root put on this host. */
static enum tobi_err check_loader(const char *loader, const char *path,
				  struct tobi_fault *fault)
{
	struct stat st;

	if (stat(loader, &st))
		return fault_errno(fault, object, "loader",
				   "%s needs %s, which is not here", path, loader);
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 022)
		return fault_set(fault, TOBI_E_DENIED, object, "loader",
				 "%s names the loader %s, which is not root's: it is not "
				 "run; pack a root folder with --root",
				 path, loader);
	return TOBI_OK;
}

/*
 * `LOADER --list FILE` resolves the libraries without running the file. Variants for
 * newer processors are not asked for: the image shall be the same on every machine.
 */
static enum tobi_err list_libraries(const struct pack *pack, const char *loader,
				    const char *path, char *out, int *ret_status,
				    struct tobi_fault *fault)
{
	bool glibc = strstr(loader, "/ld-linux");
	char first[PATH_MAX], file[PATH_MAX];
	char *plain[] = {first, "--list", file, NULL};
	char *masked[] = {first, "--glibc-hwcaps-mask", "none", "--list", file, NULL};

	snprintf(first, sizeof(first), "%s", loader);
	snprintf(file, sizeof(file), "%s", path);
	return pack_run(pack, glibc ? masked : plain, ret_status, out, LIST_SIZE, fault);
}

/* The folder in which this host's loader looks without a cache. */
static bool is_default_folder(const char *file)
{
	static const char *const folders[] = {"/lib/", "/lib64/", "/usr/lib/",
					      "/usr/lib64/"};
	const char *slash = strrchr(file, '/');

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t size = strlen(folders[i]);
		const char *rest = file + size;

		if (strncmp(file, folders[i], size) != 0)
			continue;
		if (slash + 1 == rest)
			return true;
		if (strstr(rest, "-linux-gnu/") && strchr(rest, '/') == slash)
			return true;
	}
	return false;
}

/* A library that the loader finds by its cache is found without one by a link. */
static enum tobi_err add_library(struct pack *pack, const char *name, const char *file,
				 const char *libc_folder, struct tobi_fault *fault)
{
	char link[PATH_MAX], inside[PATH_MAX];
	enum tobi_err err = add_code(pack, file, inside, fault);

	if (err || is_default_folder(file) || strchr(name, '/'))
		return err;
	snprintf(link, sizeof(link), "%s%s", libc_folder, name);
	if (stage_has(&pack->stage, link))
		return TOBI_OK;
	return stage_link(&pack->stage, inside, link, fault);
}

struct line {
	char name[256], file[PATH_MAX];
};

/* "\tNAME => FILE (ADDRESS)" or "\tFILE (ADDRESS)"; false for anything else. */
static bool read_line(const char *text, struct line *ret_line)
{
	const char *start = text + strspn(text, " \t"), *arrow = strstr(text, " => ");
	const char *file = arrow ? arrow + 4 : start;

	snprintf(ret_line->name, sizeof(ret_line->name), "%.*s",
		 (int)strcspn(start, " \t"), start);
	snprintf(ret_line->file, sizeof(ret_line->file), "%.*s",
		 (int)strcspn(file, " \t"), file);
	return ret_line->file[0] == '/' && strstr(file, " (0x");
}

static void find_libc(const char *list, char *ret_folder, size_t room)
{
	const char *at = strstr(list, "libc.so.6 => /");

	snprintf(ret_folder, room, "/usr/lib/");
	if (at) {
		at += strlen("libc.so.6 => ");
		snprintf(ret_folder, room, "%.*s", (int)strcspn(at, " \n"), at);
		strrchr(ret_folder, '/')[1] = 0;
	}
}

/* What the loader says of the first library that it does not find, else its usual hint.
 */
static enum tobi_err missing_library(const char *path, const char *list,
				     struct tobi_fault *fault)
{
	static const char before[] = "shared libraries: ";
	const char *why = strstr(list, before);
	const char *name = why ? why + strlen(before) : "";
	size_t size = strcspn(name, ": \n");

	if (!size)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "libraries",
				 "the libraries of %s cannot be found; see: ldd %s", path,
				 path);
	return fault_set(fault, TOBI_E_NOT_FOUND, object, "libraries",
			 "%s needs %.*s, which this host does not have", path, (int)size,
			 name);
}

/* strict: a library that is not there is an error. */
static enum tobi_err add_libraries(struct pack *pack, const char *path, bool strict,
				   struct tobi_fault *fault)
{
	CLEANUP(freep) char *list = malloc(LIST_SIZE);
	char folder[PATH_MAX], *text, *rest = list;
	int status = 0;
	enum tobi_err err;

	if (!list)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = list_libraries(pack, pack->loader, path, list, &status, fault);
	if (err)
		return err;
	if (strict && status)
		return missing_library(path, list, fault);
	find_libc(list, folder, sizeof(folder));
	while (!err && (text = strsep(&rest, "\n"))) {
		struct line line;

		if (read_line(text, &line))
			err = add_library(pack, line.name, line.file, folder, fault);
	}
	return err;
}

static enum tobi_err add_elf(struct pack *pack, const char *path, const struct head *head,
			     struct tobi_fault *fault)
{
	char loader[sizeof(pack->loader)];
	enum tobi_err err = check_elf(path, head, fault);

	if (err)
		return err;
	find_loader(head, loader, sizeof(loader));
	if (!loader[0])
		return TOBI_OK;
	err = check_loader(loader, path, fault);
	if (!err)
		err = pack_add(pack, loader, NULL, fault);
	if (err)
		return err;
	snprintf(pack->loader, sizeof(pack->loader), "%s", loader);
	return add_libraries(pack, path, true, fault);
}

/* The interpreter of a script, and for env the program that it would look for. */
static bool read_script(const struct head *head, char *ret_interpreter, char *ret_program,
			size_t room)
{
	const char *text = (const char *)head->bytes, *word;
	size_t size;

	ret_program[0] = 0;
	if (head->size < 3 || text[0] != '#' || text[1] != '!')
		return false;
	word = text + 2 + strspn(text + 2, " \t");
	size = strcspn(word, " \t\r\n");
	if (word[0] != '/' || size >= room)
		return false;
	snprintf(ret_interpreter, room, "%.*s", (int)size, word);
	word += size;
	word += strspn(word, " \t");
	if (strncmp(word, "-S", 2) == 0) {
		word += 2;
		word += strspn(word, " \t");
	}
	size = strcspn(word, " \t\r\n");
	if (strcmp(strrchr(ret_interpreter, '/'), "/env") == 0 && size && size < room)
		snprintf(ret_program, room, "%.*s", (int)size, word);
	return true;
}

/* A program that is not a script. */
static enum tobi_err add_binary(struct pack *pack, const char *path,
				struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct head head;
	enum tobi_err err = read_head(fd, path, &head, fault);

	if (!err)
		err = pack_add(pack, path, NULL, fault);
	return err ? err : add_elf(pack, path, &head, fault);
}

/* One file of the way from the program to what is loaded. ret_inside: where it is inside,
 * PATH_MAX; ret_next: what it needs then, or "". */
static enum tobi_err add_file(struct pack *pack, const char *path, char *ret_inside,
			      char *ret_next, size_t room, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char interpreter[256], program[256];
	struct head head;
	enum tobi_err err = read_head(fd, path, &head, fault);

	ret_next[0] = 0;
	if (!err)
		err = add_code(pack, path, ret_inside, fault);
	if (!err)
		err = pack_add_known(pack, path, fault);
	if (err)
		return err;
	if (is_elf(&head))
		return add_elf(pack, path, &head, fault);
	if (!read_script(&head, interpreter, program, sizeof(interpreter)))
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "",
		    "%s is neither a program nor a script; a script starts with #!/",
		    path);
	if (access(interpreter, X_OK))
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "interpreter",
				 "the script %s needs %s, which is not here", path,
				 interpreter);
	if (is_memory(interpreter))
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "interpreter",
				 "the script %s needs %s, and inside that place takes no "
				 "programs; install it in /opt or /usr/local",
				 path, interpreter);
	if (!program[0]) {
		snprintf(ret_next, room, "%s", interpreter);
		return TOBI_OK;
	}
	err = add_binary(pack, interpreter, fault);
	return err ? err : find_program(program, ret_next, room, fault);
}

enum tobi_err pack_add_program(struct pack *pack, const char *program, uint32_t uid,
			       uint32_t gid, char *ret_path, size_t room,
			       struct tobi_fault *fault)
{
	char path[PATH_MAX], file[PATH_MAX], next[PATH_MAX], inside[PATH_MAX],
	    first[PATH_MAX];
	int scripts = 0;
	enum tobi_err err = find_program(program, path, sizeof(path), fault);

	snprintf(file, sizeof(file), "%s", err ? "" : path);
	while (!err && file[0]) {
		if (++scripts > MAX_SCRIPTS)
			return fault_set(fault, TOBI_E_LIMIT, object, "interpreter",
					 "%s needs too many interpreters", path);
		err = add_file(pack, file, inside, next, sizeof(next), fault);
		snprintf(file, sizeof(file), "%s", next);
		if (scripts == 1)
			snprintf(first, sizeof(first), "%s", inside);
	}
	if (!err)
		err = pack_add_surroundings(pack, uid, gid, fault);
	/* What the user adds from here on may be modules of the program. */
	pack->note_objects = true;
	if (!err && (size_t)snprintf(ret_path, room, "%s", first) >= room)
		err = fault_set(fault, TOBI_E_LIMIT, object, "", "its path is too long");
	return err;
}

enum tobi_err pack_resolve(struct pack *pack, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	pack->note_objects = false;
	for (size_t i = 0; i < pack->object_count && pack->loader[0] && !err; i++)
		err = add_libraries(pack, pack->objects[i], false, fault);
	return err;
}

enum tobi_err pack_check_entry(const struct pack *pack, const struct manifest *manifest,
			       struct tobi_fault *fault)
{
	char path[LIMIT_PATH + 1], self[64], interpreter[256], unused[256];
	CLEANUP(fd_close) int place = -1;
	CLEANUP(fd_close) int fd = -1;
	struct tobi_bytes entry = manifest->arguments[0];
	struct head head;
	enum tobi_err err;

	if (!manifest->argument_count || !rule_path(entry))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "'%.*s' must be a plain absolute path inside the image",
				 (int)(entry.size < 128 ? entry.size : 128),
				 (const char *)entry.ptr);
	snprintf(path, sizeof(path), "%.*s", (int)entry.size, (const char *)entry.ptr);
	place = stage_open(&pack->stage, path);
	if (place < 0)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "%s is not in the root folder", path);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	err = read_head(fd, path, &head, fault);
	if (err)
		return err;
	if (is_elf(&head))
		return check_elf(path, &head, fault);
	if (!read_script(&head, interpreter, unused, sizeof(interpreter)))
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "",
		    "%s is neither a program nor a script; a script starts with #!/",
		    path);
	if (!stage_has(&pack->stage, interpreter))
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "interpreter",
				 "the script %s needs %s, which is not in the image",
				 path, interpreter);
	return TOBI_OK;
}
