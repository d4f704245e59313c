#include "daemons/broker/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

/* Files, database, provider, the loop's own. */
enum { OTHER_FILES = 256 };

static const char object[] = "sandbox";

enum tobi_err sandbox_self(uint64_t connections, struct tobi_fault *fault)
{
	struct rlimit files, none = {0, 0};

	/* At one byte neither a dump nor a program that takes it from a pipe; in an
	 * enclave there may be none already. */
	if (!getrlimit(RLIMIT_CORE, &none) && none.rlim_max)
		none.rlim_cur = none.rlim_max = 1;
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fault_errno(fault, object, "", "cannot forbid dumps");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fault_errno(fault, object, "", "cannot forbid privileges");
	if (getrlimit(RLIMIT_NOFILE, &files))
		return fault_errno(fault, object, "", "cannot read the limits");
	if (files.rlim_max != RLIM_INFINITY && files.rlim_max < connections + OTHER_FILES)
		return fault_set(fault, TOBI_E_LIMIT, object, "limits.connections",
				 "only %llu files may be open (LimitNOFILE=): ask for "
				 "fewer connections, or raise that",
				 (unsigned long long)files.rlim_max);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		return fault_errno(fault, object, "", "cannot raise the limit of files");
	return TOBI_OK;
}

static enum tobi_err drop_capabilities(struct tobi_fault *fault)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
	    syscall(SYS_capset, &head, none))
		return fault_errno(fault, object, "", "cannot drop capabilities");
	return TOBI_OK;
}

enum tobi_err sandbox_user(const char *name, struct tobi_fault *fault)
{
	const struct passwd *user;

	if (!name && geteuid() == 0)
		return fault_set(fault, TOBI_E_ARGUMENT, object, "user",
				 "started by root, it needs the name of a user that it "
				 "becomes");
	if (!name)
		return drop_capabilities(fault);
	errno = 0;
	user = getpwnam(name);
	if (!user)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "user",
				 "there is no user %s", name);
	if (geteuid() != 0)
		return user->pw_uid == geteuid()
			   ? drop_capabilities(fault)
			   : fault_set(fault, TOBI_E_DENIED, object, "user",
				       "only root can become %s", name);
	if (user->pw_uid == 0)
		return drop_capabilities(fault);
	if (initgroups(name, user->pw_gid) ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		return fault_errno(fault, object, "user", "cannot become %s", name);
	/* The change has made it dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fault_errno(fault, object, "", "cannot forbid dumps");
	return drop_capabilities(fault);
}
