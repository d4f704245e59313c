#include "appraise/advisories.h"

#include <string.h>

#include "base/cleanup.h"

enum { ROOM = 2048 };

static bool is_named(struct advisory_names named, const char *advisory)
{
	for (size_t i = 0; i < named.count; i++) {
		if (strcmp(named.names[i], advisory) == 0)
			return true;
	}
	return false;
}

static void warn(struct tobi_result *result, const char *names, bool any)
{
	const char *text = arena_printf(&result->arena,
					"ADVISORIES: %s apply to this platform, and the "
					"policy allows %s",
					names, any ? "any" : "them");

	tee_warn(&result->claims,
		 text ? text
		      : "ADVISORIES: some apply to this platform, and the policy allows "
			"that");
}

/* What was written, or what is said where it does not fit. */
static const char *text_of(struct writer *names, const char *otherwise)
{
	wr_u8(names, 0);
	return wr_err(names) ? otherwise : (const char *)names->ptr;
}

void advisories_run(struct tobi_result *result, const struct check *check,
		    struct advisory_names apply, struct advisory_names named, bool any)
{
	CLEANUP(wr_done) struct writer all = wr_init(ROOM), others = wr_init(ROOM);
	const char *found = apply.count ? "each is in the policy" : "none";
	size_t unnamed = 0;

	for (size_t i = 0; i < apply.count; i++) {
		wr_printf(&all, "%s%s", i ? " " : "", apply.names[i]);
		if (is_named(named, apply.names[i]))
			continue;
		wr_printf(&others, "%s%s", unnamed ? " " : "", apply.names[i]);
		unnamed++;
	}
	if (unnamed)
		found = text_of(&others, "too many to list");
	if (apply.count && (any || !unnamed))
		warn(result, text_of(&all, "many"), any);
	check_record(&result->list, check, any || !unnamed,
		     any ? "any" : "those in the policy", found);
}
