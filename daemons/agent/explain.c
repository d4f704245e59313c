/* Why a program could not be executed: the kernel's errno says too little. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"
#include "program.h"

#define OBJECT "program"

enum { HEAD_SIZE = 4096, MAX_SEGMENTS = 64 };

struct head {
	uint8_t bytes[HEAD_SIZE];
	size_t size;
};

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "aarch64";
	case EM_386:
		return "i386";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv";
	default:
		return "another machine";
	}
}

static bool is_elf(const struct head *head)
{
	return head->size >= EI_NIDENT &&
	       bytes_equal((struct tobi_bytes){head->bytes, SELFMAG},
			   (struct tobi_bytes){(const uint8_t *)ELFMAG, SELFMAG});
}

/* The architecture that the file is for, or NULL when that is this machine's. */
static const char *foreign_machine(const struct head *head)
{
	struct reader rd = rd_init((struct tobi_bytes){head->bytes, head->size});
	bool little = head->bytes[EI_DATA] == ELFDATA2LSB;
	const char *name;

	rd_bytes(&rd, EI_NIDENT, "identification");
	rd_u16le(&rd, "type");
	name = machine_name(little ? rd_u16le(&rd, "machine") : rd_u16be(&rd, "machine"));
	if (rd_failed(&rd))
		return NULL;
	return strcmp(name, manifest_host_architecture()) != 0 ? name : NULL;
}

/* PT_INTERP of a 64-bit little-endian file, when it lies in the head. */
static bool find_loader(const struct head *head, char *ret_path, size_t room)
{
	struct tobi_bytes all = {head->bytes, head->size};
	struct reader rd = rd_init(all);
	uint64_t segments, offset, size;
	unsigned count;

	if (head->bytes[EI_CLASS] != ELFCLASS64 || head->bytes[EI_DATA] != ELFDATA2LSB)
		return false;
	rd_bytes(&rd, 32, "head");
	segments = rd_u64le(&rd, "segments");
	rd_bytes(&rd, 16, "head");
	count = rd_u16le(&rd, "segment count");
	if (rd_failed(&rd) || segments > all.size || count > MAX_SEGMENTS)
		return false;
	rd =
	    rd_init((struct tobi_bytes){all.ptr + segments, all.size - (size_t)segments});
	for (unsigned i = 0; i < count; i++) {
		struct reader segment = rd_sub(&rd, sizeof(Elf64_Phdr), "segment");
		bool loader = rd_u32le(&segment, "type") == PT_INTERP;

		rd_u32le(&segment, "flags");
		offset = rd_u64le(&segment, "offset");
		rd_bytes(&segment, 16, "addresses");
		size = rd_u64le(&segment, "size");
		if (rd_failed(&segment))
			return false;
		if (!loader)
			continue;
		if (size < 2 || size > room || offset > all.size ||
		    size > all.size - offset)
			return false;
		bytes_copy(ret_path, room, all.ptr + offset, (size_t)size);
		ret_path[size - 1] = '\0';
		return true;
	}
	return false;
}

/* "#! /bin/sh -e" gives "/bin/sh". */
static bool find_interpreter(const struct head *head, char *ret_path, size_t room)
{
	size_t at = 2, size = 0;

	if (head->size < 3 || head->bytes[0] != '#' || head->bytes[1] != '!')
		return false;
	while (at < head->size && (head->bytes[at] == ' ' || head->bytes[at] == '\t'))
		at++;
	while (at < head->size && size + 1 < room && head->bytes[at] > ' ')
		ret_path[size++] = (char)head->bytes[at++];
	ret_path[size] = '\0';
	return size > 0;
}

static void read_head(const char *path, struct head *head)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t size = fd < 0 ? -1 : read(fd, head->bytes, sizeof(head->bytes));

	head->size = size > 0 ? (size_t)size : 0;
}

static enum tobi_err explain_missing(const char *path, const struct head *head,
				     struct tobi_fault *fault)
{
	char other[LIMIT_PATH + 1];

	if (access(path, F_OK))
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "entry point",
				 "%s is not in the image: No such file or directory",
				 path);
	if (is_elf(head) && find_loader(head, other, sizeof(other)))
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "loader",
				 "%s needs the loader %s, which is not in the image",
				 path, other);
	if (find_interpreter(head, other, sizeof(other)))
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "interpreter",
				 "%s needs the interpreter %s, which is not in the image",
				 path, other);
	return fault_set(
	    fault, TOBI_E_NOT_FOUND, OBJECT, "entry point",
	    "%s cannot be started: something that it needs is not in the image", path);
}

enum tobi_err program_explain(const char *path, int error, struct tobi_fault *fault)
{
	struct head head = {.size = 0};
	const char *machine;
	struct statvfs place;
	struct stat status;

	read_head(path, &head);
	if (error == ENOENT)
		return explain_missing(path, &head, fault);
	if (error == EACCES && !stat(path, &status) && S_ISDIR(status.st_mode))
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "entry point",
				 "%s is a folder, not a program", path);
	if (error == EACCES && !statvfs(path, &place) && place.f_flag & ST_NOEXEC)
		return fault_set(
		    fault, TOBI_E_DENIED, OBJECT, "entry point",
		    "%s lies below a writable path of the image, and nothing "
		    "writable is executed; build it with the program elsewhere",
		    path);
	if (error == EACCES)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "entry point",
				 "%s is not executable for the image's user: "
				 "Permission denied",
				 path);
	if (error == ENOEXEC && is_elf(&head)) {
		machine = foreign_machine(&head);
		if (machine)
			return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "entry point",
					 "%s is a program for %s; this machine is %s",
					 path, machine, manifest_host_architecture());
	}
	if (error == ENOEXEC)
		return fault_set(
		    fault, TOBI_E_MALFORMED, OBJECT, "entry point",
		    "%s is neither a program nor a script: Exec format error", path);
	errno = error;
	return fault_errno(fault, OBJECT, "entry point", "cannot execute %s", path);
}
