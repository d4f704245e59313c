/* The shared libraries of a program, as this host's loader finds them. */
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
#include "base/fault.h"
#include "image/pack_tools.h"

enum { LIST_SIZE = 64 << 10 };

static const char object[] = "program";

/* Writable memory inside takes no programs: files below these paths are put below /opt.
 */
bool pack_is_memory(const char *path)
{
	static const char *const folders[] = {"/home/", "/run/", "/tmp/", "/var/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	}
	return false;
}

enum tobi_err pack_add_code(struct pack *pack, const char *path, char *ret_inside,
			    struct tobi_fault *fault)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX], real[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path + 1), path);
	if (!realpath(folder, real))
		return fault_errno(fault, object, "", "cannot find %s", path);
	if (!pack_is_memory(real) && !pack_is_memory(path)) {
		snprintf(ret_inside, PATH_MAX, "%s", path);
		return stage_has(&pack->stage, path) ? TOBI_OK
						     : pack_add(pack, path, NULL, fault);
	}
	if ((size_t)snprintf(ret_inside, PATH_MAX, "/opt%s%s", real, slash) >= PATH_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "its path is too long");
	return pack_add(pack, path, ret_inside, fault);
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

enum tobi_err pack_check_loader(const char *loader, const char *path,
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
	enum tobi_err err = pack_add_code(pack, file, inside, fault);

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

enum tobi_err pack_add_libraries(struct pack *pack, const char *path, bool strict,
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

enum tobi_err pack_resolve(struct pack *pack, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	pack->note_objects = false;
	for (size_t i = 0; i < pack->object_count && pack->loader[0] && !err; i++)
		err = pack_add_libraries(pack, pack->objects[i], false, fault);
	return err;
}
