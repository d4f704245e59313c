/* Out of a file tree: mounts, roots, devices, files that change who one is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

static enum outcome mount_old(char **arguments)
{
	if (mount("tmpfs", need(arguments, 0), "tmpfs", 0, ""))
		return refused("mount");
	umount2(arguments[0], MNT_DETACH);
	return worked("a file system of its own over %s", arguments[0]);
}

static enum outcome mount_new(char **arguments)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

	(void)arguments;
	if (context < 0)
		return refused("fsopen");
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ||
	    syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0) < 0)
		return refused("fsmount");
	return worked("a file system of its own");
}

/* The read-only root made writable again. */
static enum outcome remount(char **arguments)
{
	if (mount(NULL, need(arguments, 0), NULL, MS_REMOUNT | MS_BIND, NULL))
		return refused("remount");
	return worked("%s is mounted as it likes", arguments[0]);
}

static enum outcome unmount(char **arguments)
{
	const char *path = need(arguments, 0);

	if (umount2(path, MNT_DETACH) && errno != EINVAL)
		return refused("umount2");
	return worked("what covers %s can be taken away", path);
}

static enum outcome pivot(char **arguments)
{
	const char *path = need(arguments, 0);

	/* That it is no mount is found only after who may ask. */
	if (syscall(SYS_pivot_root, path, path) && errno != EINVAL && errno != EBUSY)
		return refused("pivot_root");
	return worked("the kernel looks at the new root");
}

/* Out of a chroot by a second one. */
static enum outcome chroot_out(char **arguments)
{
	const char *folder = need(arguments, 0);
	struct stat root, now;
	int before = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (before < 0 || stat("/", &root))
		return refused("open");
	if (chroot(folder))
		return refused("chroot");
	if (fchdir(before) || chroot(".") || stat("/", &now))
		return refused("the second chroot");
	return root.st_ino == now.st_ino ? worked("into another root and out again")
					 : refused_because("it stayed inside");
}

/* The host's memory as a file, if devices could be made. */
static enum outcome make_device(char **arguments)
{
	char path[256];
	const unsigned memory = 1, null = 3;
	int fd;

	snprintf(path, sizeof(path), "%s/attack-device", need(arguments, 0));
	if (mknod(path, S_IFCHR | 0600, makedev(memory, null)))
		return refused("mknod of a device");
	fd = open(path, O_RDWR | O_CLOEXEC);
	unlink(path);
	return fd < 0 ? refused("open of the device that was made")
		      : worked("a device of its own");
}

static enum outcome make_disk(char **arguments)
{
	char path[256];
	const unsigned loop = 7;

	snprintf(path, sizeof(path), "%s/attack-disk", need(arguments, 0));
	if (mknod(path, S_IFBLK | 0600, makedev(loop, 0)))
		return refused("mknod of a disk");
	unlink(path);
	return worked("a disk of the host");
}

static enum outcome use_device(char **arguments)
{
	int fd = open(need(arguments, 0), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? refused("open") : worked("%s of the host", arguments[0]);
}

/* A file of user 0 with the set-user-id bit: who is it run as? */
static enum outcome gain_user(char **arguments)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execl(need(arguments, 0), arguments[0], "who", (char *)NULL);
		_exit(3);
	}
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return worked("user 0 with its capabilities");
	return WIFEXITED(status) && WEXITSTATUS(status) == 3
		   ? refused("execve")
		   : refused_because("it gains nothing by the bit");
}

/* User 0 and what makes it mighty: in an ordinary user's enclave everybody is user 0. */
static enum outcome who(char **arguments)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};

	(void)arguments;
	_exit(geteuid() == 0 && syscall(SYS_capget, &header, data) == 0 &&
		      data[0].effective
		  ? 0
		  : 1);
}

/* Code of one's own from a place that can be written. */
static enum outcome execute_written(char **arguments)
{
	char path[256];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to, status = 0;
	static char bytes[1 << 16];
	ssize_t size;
	pid_t child;

	snprintf(path, sizeof(path), "%s/attack-copy", need(arguments, 0));
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (from < 0 || to < 0)
		return refused("open");
	while ((size = read(from, bytes, sizeof(bytes))) > 0) {
		if (write(to, bytes, (size_t)size) != size)
			return refused("write");
	}
	close(to);
	child = fork();
	if (child == 0) {
		execl(path, path, "true", (char *)NULL);
		_exit(errno & 0x7f);
	}
	waitpid(child, &status, 0);
	unlink(path);
	errno = WEXITSTATUS(status);
	return errno ? refused("execve of what was written")
		     : worked("a program that was written is executed");
}

/* Lines that the user of the terminal seems to type. */
static enum outcome type_for_user(char **arguments)
{
	(void)arguments;
	for (const char *at = "id\n"; *at; at++) {
		if (ioctl(0, TIOCSTI, at))
			return refused("ioctl TIOCSTI");
	}
	return worked("the user's terminal has 'id' typed into it");
}

/* Version 1 of control groups runs a program of the host when a group is empty. */
static enum outcome release_agent(char **arguments)
{
	char path[256];
	int fd;

	if (mount("cgroup", need(arguments, 0), "cgroup", 0, "none,name=systemd") &&
	    mount("cgroup", arguments[0], "cgroup", 0, "freezer"))
		return errno == ENOENT || errno == EINVAL || errno == ENODEV
			   ? absent("no control groups of version 1")
			   : refused("mount of cgroup");
	snprintf(path, sizeof(path), "%s/release_agent", arguments[0]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	umount2(arguments[0], MNT_DETACH);
	return fd < 0 ? refused("open release_agent")
		      : worked("a program that the host would run as root");
}

static enum outcome succeed(char **arguments)
{
	(void)arguments;
	return WORKED;
}

const struct attack escape_attacks[] = {{"mount", mount_old},
					{"fsmount", mount_new},
					{"remount", remount},
					{"umount", unmount},
					{"pivot", pivot},
					{"chroot", chroot_out},
					{"mknod", make_device},
					{"mknod-disk", make_disk},
					{"device", use_device},
					{"setuid", gain_user},
					{"who", who},
					{"true", succeed},
					{"execute", execute_written},
					{"tiocsti", type_for_user},
					{"release-agent", release_agent},
					{NULL, NULL}};
