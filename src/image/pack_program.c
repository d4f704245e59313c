/* A program of this host: finding it, what kind it is, a script's interpreter. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "image/pack_tools.h"
#include "image/rules.h"

enum { HEAD_SIZE = 4096, MAX_SCRIPTS = 4 };

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
		    "there is no program %s in /usr/bin and its like, nor a file of "
		    "that name here; install it, or give its path",
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
	*ret_head = (struct head){0};
	got = pread(fd, ret_head->bytes, HEAD_SIZE, 0);
	if (got < 0)
		return fault_errno(fault, object, "", "cannot read %s", path);
	ret_head->size = (size_t)got;
	return TOBI_OK;
}

static bool is_elf(const struct head *head)
{
	return head->size >= SELFMAG &&
	       strncmp((const char *)head->bytes, ELFMAG, SELFMAG) == 0;
}

static enum tobi_err check_elf(const char *path, const struct head *head,
			       struct tobi_bytes architecture, struct tobi_fault *fault)
{
	const uint8_t *bytes = head->bytes;
	const unsigned machine =
	    bytes_equal_text(architecture, "x86_64") ? EM_X86_64 : EM_AARCH64;
	unsigned type = load_u16le(bytes + offsetof(Elf64_Ehdr, e_type));
	uint64_t at = load_u64le(bytes + offsetof(Elf64_Ehdr, e_phoff));
	uint64_t size =
	    sizeof(Elf64_Phdr) * load_u16le(bytes + offsetof(Elf64_Ehdr, e_phnum));

	if (head->size < sizeof(Elf64_Ehdr))
		return fault_at(fault, TOBI_E_TRUNCATED, object, "header", head->size,
				"%s is cut off", path);
	if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB ||
	    load_u16le(bytes + offsetof(Elf64_Ehdr, e_machine)) != machine)
		return fault_set(
		    fault, TOBI_E_UNSUPPORTED, object, "architecture",
		    "%s is for another kind of machine; %s %.*s", path,
		    bytes_equal_text(architecture, manifest_host_architecture())
			? "this host is"
			: "the image is for",
		    (int)architecture.size, (const char *)architecture.ptr);
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

static enum tobi_err add_elf(struct pack *pack, const char *path, const struct head *head,
			     struct tobi_fault *fault)
{
	char loader[sizeof(pack->loader)];
	const char *host = manifest_host_architecture();
	enum tobi_err err = check_elf(
	    path, head, (struct tobi_bytes){(const uint8_t *)host, strlen(host)}, fault);

	if (err)
		return err;
	find_loader(head, loader, sizeof(loader));
	if (!loader[0])
		return TOBI_OK;
	err = pack_check_loader(loader, path, fault);
	if (!err)
		err = pack_add(pack, loader, NULL, fault);
	if (err)
		return err;
	snprintf(pack->loader, sizeof(pack->loader), "%s", loader);
	return pack_add_libraries(pack, path, true, fault);
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
		err = pack_add_code(pack, path, ret_inside, fault);
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
	if (pack_is_memory(interpreter))
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
		return check_elf(path, &head, manifest->architecture, fault);
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
