/* Which levels a platform reaches, and what they come to together: nothing but rules. */
#include "tee/dcap_tcb.h"

static bool reaches(const uint8_t *has, const uint8_t *wanted, size_t from)
{
	for (size_t i = from; i < DCAP_COMPONENTS; i++) {
		if (has[i] < wanted[i])
			return false;
	}
	return true;
}

static unsigned module_version(struct tobi_bytes tee_tcb_svn)
{
	return tee_tcb_svn.ptr[1];
}

static const struct dcap_module *find_module(const struct dcap_tcb_info *info,
					     unsigned version)
{
	if (version == 0)
		return &info->module;
	for (size_t i = 0; i < info->module_count; i++) {
		if (info->modules[i].version == version)
			return &info->modules[i];
	}
	return NULL;
}

/* Both conditions of TDX must hold at the same level. The components of SGX are those
 * that the certificate vouches for, not what the quote says of itself. svn is a
 * TEE_TCB_SVN; empty for SGX. */
static void find_levels(const struct dcap_tcb_info *info, const struct dcap_pck *pck,
			struct tobi_bytes svn, struct dcap_match *out)
{
	/* Of a module with a version, that has levels of its own. */
	const size_t from = svn.size && module_version(svn) ? 2 : 0;

	for (size_t i = 0; i < info->level_count; i++) {
		const struct dcap_tcb_level *level = &info->levels[i];

		if (!reaches(pck->components, level->sgx, 0) ||
		    pck->pcesvn < level->pcesvn)
			continue;
		if (!out->sgx)
			out->sgx = level;
		if (!svn.size || reaches(svn.ptr, level->tdx, from)) {
			out->level = level;
			return;
		}
	}
}

const struct dcap_svn_level *dcap_svn_match(const struct dcap_svn_levels *levels,
					    uint16_t svn)
{
	for (size_t i = 0; i < levels->count; i++) {
		if (svn >= levels->items[i].svn)
			return &levels->items[i];
	}
	return NULL;
}

/* It sees all of the guest's memory, whichever module the guest was started under. */
static const char *running_module_refused(const struct dcap_tcb_info *info,
					  const struct dcap_pck *pck,
					  const struct dcap_module *running,
					  struct tobi_bytes svn)
{
	const struct dcap_svn_level *level;
	struct dcap_match now = {0};

	if (!running)
		return "Intel lists no TDX module of the version that runs now "
		       "(TEE_TCB_SVN_2)";
	find_levels(info, pck, svn, &now);
	if (!now.level)
		return "the TDX components of what runs now (TEE_TCB_SVN_2) are below "
		       "every level";
	if (now.level->advice.status == DCAP_REVOKED)
		return "the level of what runs now (TEE_TCB_SVN_2) is revoked";
	if (!running->version)
		return NULL;
	level = dcap_svn_match(&running->levels, svn.ptr[0]);
	if (!level)
		return "the TDX module that runs now (TEE_TCB_SVN_2) is below every "
		       "level of its version";
	return level->advice.status == DCAP_REVOKED
		   ? "the TDX module that runs now (TEE_TCB_SVN_2) is revoked"
		   : NULL;
}

const char *dcap_tcb_match(const struct dcap_tcb_info *info, const struct dcap_pck *pck,
			   const struct tdx_report *td, struct dcap_match *ret_match)
{
	struct dcap_match match = {0};
	unsigned version = td ? module_version(td->tee_tcb_svn) : 0;

	find_levels(info, pck, td ? td->tee_tcb_svn : (struct tobi_bytes){0}, &match);
	if (td)
		match.module = find_module(info, version);
	if (version && match.module)
		match.module_level =
		    dcap_svn_match(&match.module->levels, td->tee_tcb_svn.ptr[0]);
	if (td && td->tee_tcb_svn_2.size)
		match.running = find_module(info, module_version(td->tee_tcb_svn_2));
	*ret_match = match;
	if (td && !match.module)
		return "Intel lists no TDX module of this version";
	if (!match.level)
		return match.sgx ? "the TDX components are below every level that the "
				   "SGX components reach"
				 : "the platform's components are below every level";
	if (version && !match.module_level)
		return "the TDX module is below every level of its version";
	return td && td->tee_tcb_svn_2.size
		   ? running_module_refused(info, pck, match.running, td->tee_tcb_svn_2)
		   : NULL;
}

enum dcap_status dcap_converge(enum dcap_status status, enum dcap_status part)
{
	if (status == DCAP_REVOKED || part == DCAP_REVOKED)
		return DCAP_REVOKED;
	if (part != DCAP_OUT_OF_DATE)
		return status;
	switch (status) {
	case DCAP_UP_TO_DATE:
	case DCAP_SW_HARDENING_NEEDED:
		return DCAP_OUT_OF_DATE;
	case DCAP_CONFIGURATION_NEEDED:
	case DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED;
	default:
		return status;
	}
}

static bool needs_configuration(enum dcap_status status)
{
	return status == DCAP_CONFIGURATION_NEEDED ||
	       status == DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
	       status == DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* Whether the module that runs now is at the newest level. */
static bool module_is_latest(const struct dcap_tcb_info *info,
			     const struct dcap_module *running, struct tobi_bytes svn)
{
	const struct dcap_tcb_level *latest = &info->levels[0];
	uint16_t wanted =
	    running->version ? running->levels.items[0].svn : latest->tdx[0];

	return svn.ptr[0] >= wanted && svn.ptr[2] >= latest->tdx[2];
}

enum dcap_status dcap_relaunch(const struct dcap_tcb_info *info,
			       const struct tdx_report *td,
			       const struct dcap_match *match, enum dcap_status status,
			       enum dcap_status qe)
{
	enum dcap_status sgx = match->sgx->advice.status;
	bool guest_is_old = (status == DCAP_OUT_OF_DATE ||
			     status == DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED) &&
			    match->module_level &&
			    match->module_level->advice.status == DCAP_OUT_OF_DATE;
	bool platform_is_good =
	    qe == DCAP_UP_TO_DATE && sgx <= DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED;

	if (!match->running || !guest_is_old || !platform_is_good ||
	    !module_is_latest(info, match->running, td->tee_tcb_svn_2))
		return status;
	return needs_configuration(sgx) || needs_configuration(status)
		   ? DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
		   : DCAP_TD_RELAUNCH_ADVISED;
}
