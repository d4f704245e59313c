/*
 * The enclave's file tree. Everything is put together in a tmpfs over /sys of the new
 * mount namespace (a folder that every Linux has and that nothing here needs), then it
 * becomes the root and the host's tree is let go.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/file.h"
#include "image/rules.h"
#include "isolate/copytree.h"
#include "isolate/inroot.h"
#include "isolate/inside.h"
#include "isolate/sys.h"

#define OBJECT "isolation"
#define BASE "/sys"
#define ROOT BASE "/root"
#define KEEP BASE "/keep" /* what is below writable paths */

enum {
	SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC,
	SAFE_ATTRIBUTES = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
};

static enum tobi_err make_folder(const char *path, mode_t mode, struct tobi_fault *fault)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return fault_errno(fault, OBJECT, "folder", "cannot make %s", path);
	return TOBI_OK;
}

static enum tobi_err mount_tmpfs(const char *path, uint64_t size, const char *mode,
				 unsigned long flags, struct tobi_fault *fault)
{
	char options[96];

	/* A tmpfs of size 0 would have no limit. */
	snprintf(options, sizeof(options), "size=%" PRIu64 ",mode=%s", size ? size : 4096,
		 mode);
	if (mount("tmpfs", path, "tmpfs", flags, options))
		return fault_errno(fault, OBJECT, "tmpfs", "cannot be mounted");
	return TOBI_OK;
}

/* Onto exactly the open folder or file `target`; the attributes hold before it is seen.
 */
static enum tobi_err bind_onto(int target, const char *from, uint64_t attributes,
			       const char *name, struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, from,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attr = {.attr_set = attributes};

	if (tree < 0)
		return fault_errno(fault, OBJECT, "mount", "%s cannot be put in place",
				   name);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		return fault_errno(fault, OBJECT, "mount", "%s cannot be protected",
				   name);
	if (syscall(SYS_move_mount, tree, "", target, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return fault_errno(fault, OBJECT, "mount", "%s cannot be put in place",
				   name);
	return TOBI_OK;
}

/* For paths below /proc and /dev: mounts of this file, where there are no foreign links.
 */
static enum tobi_err bind(const char *from, const char *to, uint64_t attributes,
			  struct tobi_fault *fault)
{
	const char *name = to + strlen(ROOT);
	CLEANUP(fd_close) int target = open(to, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (target < 0)
		return fault_errno(fault, OBJECT, "mount", "%s cannot be put in place",
				   name);
	return bind_onto(target, from, attributes, name, fault);
}

/*
 * Room for the image's files in memory, where each takes whole pages: in EROFS the ends
 * of small ones share a block. Room for what compression or holes saved is not needed:
 * images are not compressed. How many files there are stands in the superblock, after 16
 * bytes.
 */
static uint64_t unpacked_size(const struct isolate_spec *spec)
{
	enum { SUPERBLOCK = 1024, COUNT = SUPERBLOCK + 16, PAGE = 4096 };
	const uint64_t slack = UINT64_C(16) << 20;
	uint8_t raw[8] = {0};
	uint64_t files = 0;

	if (!fd_pread_all(spec->image_fd, raw, sizeof(raw),
			  spec->image->root_offset + COUNT, OBJECT, NULL))
		files = load_u64le(raw);
	return spec->image->root_size + slack +
	       PAGE * (files < LIMIT_ROOTFS_FILES ? files : LIMIT_ROOTFS_FILES);
}

static enum tobi_err place_root(const struct isolate_spec *spec, int root_fd,
				struct tobi_fault *fault)
{
	if (root_fd < 0) {
		enum tobi_err err = mount_tmpfs(ROOT, unpacked_size(spec), "755",
						MS_NOSUID | MS_NODEV, fault);

		return err ? err : unpack_image(spec, ROOT, fault);
	}
	if (syscall(SYS_move_mount, root_fd, "", AT_FDCWD, ROOT, MOVE_MOUNT_F_EMPTY_PATH))
		return fault_errno(fault, OBJECT, "image",
				   "its file system cannot be put in place");
	return TOBI_OK;
}

/* The folder that a writable path means. The manifest's rule holds for where its links
 * lead, too. */
static enum tobi_err open_writable(int root, struct tobi_bytes path, int *ret_fd,
				   struct tobi_fault *fault)
{
	char text[LIMIT_PATH + 1], real[LIMIT_PATH];
	CLEANUP(fd_close) int fd = -1;
	enum tobi_err err;

	snprintf(text, sizeof(text), "%.*s", (int)path.size, (const char *)path.ptr);
	err = inroot_open(root, text, &fd, fault);
	if (err == TOBI_E_NOT_FOUND)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, "image", "writable paths",
		    "the image has no folder %s; add it, or leave the path out", text);
	if (!err)
		err = inroot_path(root, fd, real, fault);
	if (err)
		return err;
	if (!rule_writable((struct tobi_bytes){(const uint8_t *)real, strlen(real)}))
		return fault_set(fault, TOBI_E_DENIED, "image", "writable paths",
				 "%s leads to %s, which cannot be writable", text, real);
	*ret_fd = fd;
	fd = -1;
	return TOBI_OK;
}

static enum tobi_err copy_writable(const struct manifest *manifest, int folder,
				   bool is_tmp, const char *keep,
				   struct tobi_fault *fault)
{
	char from[64];
	struct stat st;
	enum tobi_err err;

	/* The dot: the folder, and not the link to it. */
	snprintf(from, sizeof(from), "%s/.", inroot_name(folder).text);
	if (fstat(folder, &st))
		return fault_errno(fault, "image", "writable paths", "cannot be read");
	err = copytree(from, keep, manifest->uid, manifest->gid, fault);
	/* Everybody's folders stay everybody's. */
	if (!err && (st.st_mode & S_ISVTX || is_tmp) && chmod(keep, 01777))
		err = fault_errno(fault, "image", "writable paths", "%s", keep);
	return err;
}

/* All writable paths share one tmpfs, and so one limit. What the image has below them is
 * copied, and belongs to the program's user. */
static enum tobi_err place_writable(const struct manifest *manifest, int root,
				    struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	char keep[64];

	for (size_t i = 0; i < manifest->writable_count && !err; i++) {
		struct tobi_bytes path = manifest->writable[i];
		CLEANUP(fd_close) int folder = -1;

		snprintf(keep, sizeof(keep), KEEP "/%zu", i);
		err = open_writable(root, path, &folder, fault);
		if (!err)
			err = copy_writable(manifest, folder,
					    bytes_equal_text(path, "/tmp"), keep, fault);
	}
	/* Two loops: what is mounted must not be copied. */
	for (size_t i = 0; i < manifest->writable_count && !err; i++) {
		CLEANUP(fd_close) int folder = -1;

		snprintf(keep, sizeof(keep), KEEP "/%zu", i);
		err = open_writable(root, manifest->writable[i], &folder, fault);
		if (!err)
			err = bind_onto(folder, keep, SAFE_ATTRIBUTES, "a writable path",
					fault);
	}
	return err;
}

static enum tobi_err place_devices(struct tobi_fault *fault)
{
	static const char *const devices[] = {"null",	"zero",	   "full",
					      "random", "urandom", "tty"};
	static const char *const links[][2] = {{"/proc/self/fd", "fd"},
					       {"/proc/self/fd/0", "stdin"},
					       {"/proc/self/fd/1", "stdout"},
					       {"/proc/self/fd/2", "stderr"}};
	enum tobi_err err =
	    mount_tmpfs(ROOT "/dev", 64 << 10, "755", MS_NOSUID | MS_NOEXEC, fault);
	char from[32], to[64];

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]) && !err; i++) {
		snprintf(from, sizeof(from), "/dev/%s", devices[i]);
		snprintf(to, sizeof(to), ROOT "/dev/%s", devices[i]);
		IGNORE(mknod(to, S_IFREG | 0644, 0));
		err = bind(from, to, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, fault);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && !err; i++) {
		snprintf(to, sizeof(to), ROOT "/dev/%s", links[i][1]);
		if (symlink(links[i][0], to))
			err = fault_errno(fault, OBJECT, "devices", "no %s", links[i][1]);
	}
	if (!err)
		err = make_folder(ROOT "/dev/shm", 01777, fault);
	if (!err)
		err = make_folder(KEEP "/shm", 01777, fault);
	if (!err && chmod(KEEP "/shm", 01777))
		err = fault_errno(fault, OBJECT, "devices", "no shm");
	if (!err)
		err = bind(KEEP "/shm", ROOT "/dev/shm", SAFE_ATTRIBUTES, fault);
	if (!err && mount(NULL, ROOT "/dev", NULL,
			  MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL))
		err = fault_errno(fault, OBJECT, "devices", "cannot be made read-only");
	return err;
}

/* What of /proc tells about the host or its kernel, or changes it: nothing that programs
 * ask for to find memory, processors and limits. */
static const char *const hidden_files[] = {
    "buddyinfo",   "cmdline",	  "config.gz",	   "consoles",	   "diskstats",
    "dma",	   "interrupts",  "iomem",	   "ioports",	   "kallsyms",
    "kcore",	   "key-users",	  "keys",	   "kmsg",	   "kpagecgroup",
    "kpagecount",  "kpageflags",  "latency_stats", "locks",	   "mdstat",
    "misc",	   "modules",	  "mtrr",	   "pagetypeinfo", "partitions",
    "sched_debug", "schedstat",	  "slabinfo",	   "softirqs",	   "sysrq-trigger",
    "timer_list",  "timer_stats", "vmallocinfo",   "vmcore",	   "zoneinfo",
};
static const char *const hidden_folders[] = {"acpi",	      "asound",	  "driver",
					     "dynamic_debug", "pressure", "scsi"};
static const char *const frozen[] = {"bus", "fs", "irq", "sys"};

/* from, or the place itself where it is NULL, read-only over each that this kernel has.
 */
static enum tobi_err cover(const char *const *names, size_t count, const char *from,
			   struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	char path[64];

	for (size_t i = 0; i < count && !err; i++) {
		snprintf(path, sizeof(path), ROOT "/proc/%s", names[i]);
		if (access(path, F_OK) == 0)
			err = bind(from ? from : path, path,
				   SAFE_ATTRIBUTES | MOUNT_ATTR_RDONLY, fault);
		else if (errno != ENOENT)
			err = fault_errno(fault, OBJECT, "/proc", "cannot see %s",
					  names[i]);
	}
	return err;
}

static enum tobi_err place_proc(struct tobi_fault *fault)
{
	const char *file = KEEP "/no-file", *folder = KEEP "/no-folder";
	enum tobi_err err;

	if (mount("proc", ROOT "/proc", "proc", SAFE, "hidepid=2"))
		return fault_errno(fault, OBJECT, "/proc", "cannot be mounted");
	if (mknod(file, S_IFREG | 0444, 0) || mkdir(folder, 0555))
		return fault_errno(fault, OBJECT, "/proc", "cannot be hidden");
	err = cover(hidden_files, sizeof(hidden_files) / sizeof(hidden_files[0]), file,
		    fault);
	if (!err)
		err = cover(hidden_folders,
			    sizeof(hidden_folders) / sizeof(hidden_folders[0]), folder,
			    fault);
	return err ? err : cover(frozen, sizeof(frozen) / sizeof(frozen[0]), NULL, fault);
}

/* A file system for the agent to fill: the program cannot change it, nor put another one
 * in its place. */
static enum tobi_err place_agents(int root, const char *name, uint64_t size,
				  struct tobi_fault *fault)
{
	CLEANUP(fd_close) int run = -1;
	CLEANUP(fd_close) int folder = -1;
	enum tobi_err err = inroot_open(root, "/run", &run, fault);

	if (err && err != TOBI_E_NOT_FOUND)
		return err;
	if (!err && (mkdirat(run, name, 0755) == 0 || errno == EEXIST))
		folder = openat(run, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return fault_set(
		    fault, TOBI_E_NOT_FOUND, "image", name,
		    "there is no place for /run/%s; make /run a writable path", name);
	return mount_tmpfs(inroot_name(folder).text, size, "755", SAFE, fault);
}

/* Secrets; and the agent's socket beside a program that asks there. What is writable is
 * not executed: see freeze() in confine.c. */
static enum tobi_err place_all_agents(int root, struct tobi_fault *fault)
{
	enum tobi_err err = place_agents(
	    root, "secrets", LIMIT_SECRETS_TOTAL + (UINT64_C(1) << 20), fault);

	return err ? err : place_agents(root, "tobichi", UINT64_C(4) << 20, fault);
}

static enum tobi_err check_folders(struct tobi_fault *fault)
{
	static const char *const needed[] = {"/proc", "/dev"};

	for (size_t i = 0; i < 2; i++) {
		struct stat st;
		char path[32];

		snprintf(path, sizeof(path), ROOT "%s", needed[i]);
		if (lstat(path, &st) || !S_ISDIR(st.st_mode))
			return fault_set(
			    fault, TOBI_E_NOT_FOUND, "image", "root file system",
			    "the image has no folder %s; build it again", needed[i]);
	}
	return TOBI_OK;
}

static enum tobi_err open_root(int *ret_root, struct tobi_fault *fault)
{
	int root = open(ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return fault_errno(fault, OBJECT, "root", "cannot be opened");
	*ret_root = root;
	return TOBI_OK;
}

static enum tobi_err become_root_folder(bool unpacked, struct tobi_fault *fault)
{
	if (unpacked &&
	    mount(NULL, ROOT, NULL,
		  MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
		return fault_errno(fault, OBJECT, "root", "cannot be made read-only");
	/* The host's tree ends up over the new one, and is let go (pivot_root(2)). */
	if (chdir(ROOT) || sys_pivot_root(".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
		return fault_errno(fault, OBJECT, "root",
				   "the host's files cannot be left");
	return TOBI_OK;
}

enum tobi_err mounts_enter(const struct isolate_spec *spec, int root_fd,
			   struct tobi_fault *fault)
{
	const struct manifest *manifest = spec->image->manifest;
	CLEANUP(fd_close) int root = -1;
	enum tobi_err err;

	umask(022); /* the service's is stricter than the modes here are meant */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return fault_errno(fault, OBJECT, "mount namespace",
				   "cannot be made private");
	err = mount_tmpfs(BASE, manifest->limits.writable + (64 << 10), "755",
			  MS_NOSUID | MS_NODEV, fault);
	if (!err)
		err = make_folder(ROOT, 0755, fault);
	if (!err)
		err = make_folder(KEEP, 0755, fault);
	if (!err)
		err = place_root(spec, root_fd, fault);
	if (!err)
		err = check_folders(fault);
	if (!err)
		err = open_root(&root, fault);
	if (!err)
		err = place_writable(manifest, root, fault);
	if (!err)
		err = place_all_agents(root, fault);
	if (!err)
		err = place_proc(fault);
	if (!err)
		err = place_devices(fault);
	return err ? err : become_root_folder(root_fd < 0, fault);
}
