/* What the agent does to itself, and to the program just before it executes it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "isolate/inside.h"
#include "isolate/sys.h"
#include "seccomp_filters.h"
#include "token/soft_token.h"

#define OBJECT "isolation"

struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};

static enum tobi_err install_filter(const struct sock_filter *filter, size_t count,
				    struct tobi_fault *fault)
{
	/* The kernel copies the filter; it does not write to it. */
	struct sock_fprog program = {(unsigned short)count,
				     (struct sock_filter *)(uintptr_t)filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_errno(fault, OBJECT, "no_new_privs", "cannot be set");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return fault_errno(fault, OBJECT, "seccomp",
				   "the filter cannot be installed");
	return TOBI_OK;
}

enum {
	FS_READ = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
		  LANDLOCK_ACCESS_FS_READ_DIR,
	FS_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
		   LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
		   LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
		   LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
		   LANDLOCK_ACCESS_FS_REFER,
};

/* All that this kernel's Landlock can restrict. */
static struct ruleset known_rights(int abi)
{
	struct ruleset set = {.handled_fs = FS_READ | FS_WRITE};

	if (abi < 2)
		set.handled_fs &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		set.handled_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		set.handled_fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	if (abi >= 6)
		set.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return set;
}

/* required: a path that is not there is an error. */
static enum tobi_err allow_below(int ruleset, const char *path, uint64_t rights,
				 bool required, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {.allowed_access = rights,
						  .parent_fd = fd};

	if (fd < 0 && errno == ENOENT && !required)
		return TOBI_OK;
	if (fd < 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		return fault_errno(fault, OBJECT, "Landlock", "no rule for %s", path);
	return TOBI_OK;
}

static enum tobi_err allow_program(int ruleset, uint64_t rights, const void *context,
				   struct tobi_fault *fault)
{
	const struct manifest *manifest = context;
	const uint64_t device =
	    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_IOCTL_DEV | LANDLOCK_ACCESS_FS_TRUNCATE;
	char path[LIMIT_PATH + 1];
	enum tobi_err err = allow_below(ruleset, "/", FS_READ & rights, true, fault);

	for (size_t i = 0; i < manifest->writable_count && !err; i++) {
		snprintf(path, sizeof(path), "%.*s", (int)manifest->writable[i].size,
			 (const char *)manifest->writable[i].ptr);
		/* The folders are mounted without exec: writable is never executable. */
		err = allow_below(ruleset, path,
				  rights & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE, true,
				  fault);
	}
	if (!err)
		err = allow_below(ruleset, "/dev", device & rights, true, fault);
	if (!err)
		err = allow_below(ruleset, "/dev/shm",
				  rights & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE, false,
				  fault);
	/* A process may set its own name and OOM score; the kernel guards the rest. */
	if (!err)
		err = allow_below(ruleset, "/proc",
				  LANDLOCK_ACCESS_FS_WRITE_FILE & rights, true, fault);
	return err;
}

/* Who is confined is in the context. */
typedef enum tobi_err fill(int ruleset, uint64_t rights, const void *context,
			   struct tobi_fault *fault);

static enum tobi_err confine_files(fill *fill_ruleset, const void *context,
				   struct tobi_fault *fault)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset set = known_rights(abi);
	CLEANUP(fd_close) int ruleset = -1;
	enum tobi_err err;
	size_t size = abi >= 6 ? sizeof(set) : abi >= 4 ? 16 : 8;

	if (abi < 1)
		return fault_errno(fault, OBJECT, "Landlock",
				   "this kernel does not have it");
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (ruleset < 0)
		return fault_errno(fault, OBJECT, "Landlock", "no ruleset");
	err = fill_ruleset(ruleset, set.handled_fs, context, fault);
	if (err)
		return err;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		return fault_errno(fault, OBJECT, "Landlock", "cannot be put in force");
	return TOBI_OK;
}

static enum tobi_err set_capabilities(uint32_t low, struct tobi_fault *fault)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{low, low, 0}, {0, 0, 0}};

	if (syscall(SYS_capset, &header, data))
		return fault_errno(fault, OBJECT, "capabilities", "cannot be dropped");
	return TOBI_OK;
}

/* From here on nothing that is executed gains capabilities: not as user 0 and not by a
 * file's. Inherited by all that the agent starts. */
static enum tobi_err lock_capabilities(struct tobi_fault *fault)
{
	const int locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
			   SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
			   SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (prctl(PR_SET_SECUREBITS, locked, 0, 0, 0))
		return fault_errno(fault, OBJECT, "capabilities",
				   "the secure bits cannot be set");
	/* One that the kernel does not know can be neither dropped nor read. */
	for (int i = 0; i < 64; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) &&
		    prctl(PR_CAPBSET_READ, i, 0, 0, 0) != -1)
			return fault_errno(fault, OBJECT, "capabilities",
					   "the bounding set stays");
	}
	return TOBI_OK;
}

static enum tobi_err allow_unpacker(int ruleset, uint64_t rights, const void *context,
				    struct tobi_fault *fault)
{
	static const char *const read_only[] = {"/usr", "/bin",	  "/sbin",
						"/lib", "/lib32", "/lib64"};
	enum tobi_err err = allow_below(ruleset, context, rights, true, fault);

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]) && !err; i++)
		err = allow_below(ruleset, read_only[i], FS_READ & rights, false, fault);
	return err ? err
		   : allow_below(ruleset, "/etc/ld.so.cache",
				 LANDLOCK_ACCESS_FS_READ_FILE & rights, false, fault);
}

enum tobi_err confine_unpacker(const char *folder, struct tobi_fault *fault)
{
	/* To give files their owners, and to fill folders that are not its own. */
	const uint32_t needed = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE |
				1u << CAP_FOWNER | 1u << CAP_FSETID;
	enum tobi_err err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_errno(fault, OBJECT, "no_new_privs", "cannot be set");
	err = set_capabilities(needed, fault);
	if (!err)
		err = confine_files(allow_unpacker, folder, fault);
	return err ? err
		   : install_filter(filter_program,
				    sizeof(filter_program) / sizeof(filter_program[0]),
				    fault);
}

/* A token's module may read all that its user may, and write where devices, sockets and
 * what services keep are. It makes no folders, links, devices or sockets, and executes
 * nothing. */
static enum tobi_err allow_signer(int ruleset, uint64_t rights, const void *context,
				  struct tobi_fault *fault)
{
	static const char *const written[] = {"/dev", "/run", "/tmp", "/var"};
	const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	const uint64_t write = LANDLOCK_ACCESS_FS_WRITE_FILE |
			       LANDLOCK_ACCESS_FS_REMOVE_FILE |
			       LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_TRUNCATE |
			       LANDLOCK_ACCESS_FS_IOCTL_DEV;
	enum tobi_err err = allow_below(ruleset, "/", read & rights, true, fault);

	(void)context;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]) && !err; i++)
		err = allow_below(ruleset, written[i], (read | write) & rights, false,
				  fault);
	return err;
}

enum tobi_err isolate_confine_signer(struct tobi_fault *fault)
{
	/* To reach a token's files, whoever has them, and to lock memory. */
	const uint32_t needed =
	    1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_IPC_LOCK;
	enum tobi_err err = TOBI_OK;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_errno(fault, OBJECT, "no_new_privs", "cannot be set");
	if (geteuid() == 0)
		err = set_capabilities(needed, fault);
	return err ? err : confine_files(allow_signer, NULL, fault);
}

/* What looking a name up reads: settings, and the libraries that they name. An ordinary
 * user's courier is the same user as the service, whose keys are in a file of theirs. */
static enum tobi_err allow_courier(int ruleset, uint64_t rights, const void *context,
				   struct tobi_fault *fault)
{
	static const char *const folders[] = {
	    "/etc", "/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/var/lib/sss"};
	/* Links to where some service keeps them, often enough. */
	static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts",
					    "/etc/nsswitch.conf", "/etc/gai.conf"};
	const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	enum tobi_err err = TOBI_OK;

	(void)context;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !err; i++)
		err = allow_below(ruleset, folders[i], read & rights, false, fault);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !err; i++)
		err = allow_below(ruleset, files[i],
				  LANDLOCK_ACCESS_FS_READ_FILE & rights, false, fault);
	return err;
}

enum tobi_err isolate_confine_courier(struct tobi_fault *fault)
{
	const uid_t nobody = 65534;
	const struct rlimit none = {0, 0};
	enum tobi_err err;

	if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(nobody, nobody, nobody) ||
			       setresuid(nobody, nobody, nobody)))
		return fault_errno(fault, OBJECT, "user", "cannot become nobody");
	/* A change of user takes the signal away: so only now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_errno(fault, OBJECT, "courier", "cannot be confined");
	err = set_capabilities(0, fault);
	if (!err)
		err = confine_files(allow_courier, NULL, fault);
	return err ? err
		   : install_filter(filter_program,
				    sizeof(filter_program) / sizeof(filter_program[0]),
				    fault);
}

enum tobi_err isolate_confine_program(const struct manifest *manifest,
				      struct tobi_fault *fault)
{
	enum tobi_err err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_errno(fault, OBJECT, "no_new_privs", "cannot be set");
	err = set_capabilities(0, fault);
	if (!err)
		err = confine_files(allow_program, manifest, fault);
	if (err)
		return err;
	if (manifest->debug)
		return install_filter(
		    filter_debug, sizeof(filter_debug) / sizeof(filter_debug[0]), fault);
	return install_filter(filter_program,
			      sizeof(filter_program) / sizeof(filter_program[0]), fault);
}

/* A read-only mount over the writable one, which stays with whoever has it open: the
 * agent. Landlock cannot take away below /run what it allows in /run, and an ordinary
 * user's program is the same user inside as the agent. allowed: attributes that only the
 * read-only one is without. */
static enum tobi_err freeze(const char *folder, uint64_t allowed,
			    struct tobi_fault *fault)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .attr_clr = allowed};
	CLEANUP(fd_close)
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, folder,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 ||
	    syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    syscall(SYS_move_mount, tree, "", AT_FDCWD, folder, MOVE_MOUNT_F_EMPTY_PATH))
		return fault_errno(fault, OBJECT, "agent's files",
				   "%s cannot be protected", folder);
	return TOBI_OK;
}

enum tobi_err isolate_confine_agent(const struct manifest *manifest,
				    uint64_t *ret_protections, struct tobi_fault *fault)
{
	/* To write secrets for the program's user, to start it as that user, to stop it.
	 */
	const uint32_t needed = 1u << CAP_CHOWN | 1u << CAP_SETUID | 1u << CAP_SETGID |
				1u << CAP_KILL | 1u << CAP_DAC_OVERRIDE |
				1u << CAP_FOWNER;
	const struct rlimit none = {0, 0};
	enum tobi_err err;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
		return fault_errno(fault, OBJECT, "not dumpable", "cannot be set");
	err = freeze("/run/secrets", 0, fault);
	if (!err)
		err = freeze("/run/tobichi", MOUNT_ATTR_NOEXEC, fault);
	if (!err)
		err = lock_capabilities(fault);
	if (!err)
		err = set_capabilities(needed, fault);
	if (err)
		return err;
	/* Filters stack: the agent's must let through what the program's lets through. In
	 * debug images that is more than this filter allows, so there it is left out. */
	if (!manifest->debug)
		err = install_filter(
		    filter_agent, sizeof(filter_agent) / sizeof(filter_agent[0]), fault);
	if (err)
		return err;
	*ret_protections =
	    SOFT_NO_CAPABILITIES | SOFT_SECCOMP | SOFT_LANDLOCK | SOFT_NOT_DUMPABLE;
	return TOBI_OK;
}
