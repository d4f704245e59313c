#include <stdlib.h>
#include <string.h>

#include "appraise/explain.h"
#include "appraise/trust.h"
#include "base/cleanup.h"
#include "base/fault.h"

const char *trust_kind_name(enum tobi_trust_kind kind)
{
	static const char *const names[] = {
	    [TOBI_TRUST_GROUP] = "group",	  [TOBI_TRUST_TIER] = "tier",
	    [TOBI_TRUST_ROOT] = "root",		  [TOBI_TRUST_KEY] = "key",
	    [TOBI_TRUST_FLOOR] = "floor",	  [TOBI_TRUST_SERVICE] = "service",
	    [TOBI_TRUST_SIGNER] = "signer",	  [TOBI_TRUST_IMAGE] = "image",
	    [TOBI_TRUST_INSTANCE] = "instance",	  [TOBI_TRUST_FRESHNESS] = "freshness",
	    [TOBI_TRUST_ALLOWANCE] = "allowance",
	};

	return names[kind];
}

enum tobi_err tobi_trust_write(const struct tobi_trust *trust, enum tobi_format format,
			       char **ret_text, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_EXPLANATION);
	enum tobi_err err = TOBI_OK;

	if (!trust || !ret_text)
		return fault_set(fault, TOBI_E_ARGUMENT, "trust", "", "there is none");
	switch (format) {
	case TOBI_FORMAT_TEXT:
	case TOBI_FORMAT_TEXT_COLOR:
		trust_write_text(trust, format == TOBI_FORMAT_TEXT_COLOR, &out);
		break;
	case TOBI_FORMAT_JSON:
		err = trust_write_json(trust, &out, fault);
		break;
	case TOBI_FORMAT_HTML:
		trust_write_html(trust, &out);
		break;
	default:
		return fault_set(fault, TOBI_E_ARGUMENT, "format", "",
				 "there is no such format");
	}
	return err ? err : explain_hand_over(&out, "trust", ret_text, fault);
}
