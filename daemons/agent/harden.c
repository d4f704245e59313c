#include "harden.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "keymem.h"
#include "token/soft_token.h"

enum tobi_err harden(uint64_t *protections, struct tobi_fault *fault)
{
	struct rlimit none = {0, 0}, files;
	enum tobi_err err;

	if (prctl(PR_SET_DUMPABLE, 0) || setrlimit(RLIMIT_CORE, &none))
		return fault_errno(fault, "agent", "", "cannot forbid dumps");
	*protections |= SOFT_NOT_DUMPABLE;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		IGNORE(setrlimit(RLIMIT_NOFILE, &files));
	}
	signal(SIGPIPE, SIG_IGN);
	err = keymem_init(fault);
	if (!err && keymem_is_hidden())
		*protections |= SOFT_SECRET_MEMORY;
	return err;
}
