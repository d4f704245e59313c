#include <string.h>

#include "appraise/explain.h"
#include "base/hex.h"
#include "base/utf8.h"

struct colors {
	const char *good, *bad, *dim, *bold, *off;
};

static const struct colors none = {"", "", "", "", ""};
static const struct colors ansi = {"\033[32m", "\033[31m", "\033[2m", "\033[1m",
				   "\033[0m"};

enum { NAME_WIDTH = 10, FACT_WIDTH = 30, CODE_WIDTH = 30 };

/* "name:   text", the text escaped; the names that stand together have one width. */
static void put_wide(struct writer *out, const char *indent, size_t width,
		     const char *name, const char *text)
{
	wr_printf(out, "%s%-*s", indent, (int)width, name);
	utf8_write_escaped(out, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	wr_u8(out, '\n');
}

static void put_line(struct writer *out, const char *indent, const char *name,
		     const char *text)
{
	put_wide(out, indent, NAME_WIDTH, name, text);
}

static void put_hex(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	char text[2 * 64 + 1];

	if (bytes.size == 0 || bytes.size > 64)
		return;
	hex_write(bytes, text, sizeof(text));
	put_line(out, "  ", name, text);
}

static void put_written(struct writer *out, const char *name, struct writer *text)
{
	if (text->size) {
		wr_u8(text, 0);
		if (!wr_err(text))
			put_line(out, "  ", name, (const char *)text->ptr);
	}
	wr_done(text);
}

static void put_platform(const struct tobi_result *result, struct writer *out)
{
	struct writer platform = wr_init(1024), lacks = wr_init(1024);

	explain_platform(result, &platform);
	put_written(out, "platform", &platform);
	explain_lacks(result, &lacks);
	put_written(out, "lacks", &lacks);
	put_hex(out, "instance", result->claims.instance);
}

/* What this kind of evidence says, in its own words. */
static void put_facts(const struct tee_claims *claims, const struct colors *colors,
		      struct writer *out)
{
	size_t width = 0;

	for (size_t i = 0; i < claims->fact_count; i++) {
		size_t size = strlen(claims->facts[i].name);

		width = size > width && size <= FACT_WIDTH ? size : width;
	}
	if (claims->fact_count)
		wr_printf(out, "\n%sThe evidence says%s\n", colors->bold, colors->off);
	for (size_t i = 0; i < claims->fact_count; i++)
		put_wide(out, "  ", width + 2, claims->facts[i].name,
			 claims->facts[i].value);
}

static void put_header(const struct tobi_result *result, const struct colors *colors,
		       struct writer *out)
{
	bool accepted = result->verdict == TOBI_ACCEPT;
	const struct tee_claims *claims = &result->claims;
	const char *allowance;

	wr_printf(out, "%s%s%s%s\n", colors->bold, accepted ? colors->good : colors->bad,
		  accepted ? "ACCEPTED" : "REFUSED", colors->off);
	if (!accepted)
		put_line(out, "  ", "reason", result->reason);
	put_line(out, "  ", "policy", result->policy_name);
	if (result->kind)
		put_line(out, "  ", "evidence", result->kind);
	if (claims->tier) {
		put_line(out, "  ", "tier", claims->tier);
		put_line(out, "  ", "", explain_tier(claims->tier));
	}
	put_hex(out, "image", claims->image_id);
	for (size_t i = 0; i < claims->signer_count; i++)
		put_hex(out, "signer", claims->signers[i]);
	if (result->identity && result->identity[0])
		put_line(out, "  ", accepted ? "identity" : "meant", result->identity);
	put_platform(result, out);
	for (size_t i = 0; (allowance = explain_allowance(result, i)); i++) {
		wr_printf(out, "%s", colors->bad);
		put_line(out, "  ", "WARNING", allowance);
		wr_printf(out, "%s", colors->off);
	}
	put_facts(claims, colors, out);
	/* Claims of evidence that was refused are what it says, not what is so. */
	if (!accepted && claims->tier)
		wr_printf(
		    out,
		    "  The lines above are what the evidence says; it is not proven.\n");
	wr_u8(out, '\n');
}

/* One line for the whole list: what there is to look for in it. */
static void put_summary(const struct tobi_result *result, const char *title,
			const struct colors *colors, struct writer *out)
{
	size_t counts[TOBI_NOT_ASKED + 1] = {0};

	for (size_t i = 0; i < result->list.count; i++)
		counts[result->list.records[i].outcome]++;
	wr_printf(out, "%s%s: %zu ok", colors->bold, title, counts[TOBI_PASSED]);
	if (counts[TOBI_FAILED])
		wr_printf(out, ", %zu FAIL", counts[TOBI_FAILED]);
	if (counts[TOBI_NOT_RUN])
		wr_printf(out, ", %zu MISS (did not run)", counts[TOBI_NOT_RUN]);
	if (counts[TOBI_NOT_ASKED])
		wr_printf(out, ", %zu - (not asked)", counts[TOBI_NOT_ASKED]);
	wr_printf(out, "%s\n", colors->off);
}

static int code_width(const struct tobi_result *result)
{
	size_t width = 0;

	for (size_t i = 0; i < result->list.count; i++) {
		size_t size = strlen(result->list.records[i].check->code);

		width = size > width && size <= CODE_WIDTH ? size : width;
	}
	return (int)width;
}

static void put_missing(const struct check_record *record, bool failed_before,
			const char *indent, struct writer *out)
{
	put_line(out, indent, "found",
		 "the check did not run: what it needs did not come, or has failed");
	put_line(out, indent, "do", explain_remedy(record, failed_before));
}

/* How a list is written: that of a guest is set in. */
struct list_style {
	const char *indent, *deeper;
	int width; /* of codes */
	const struct colors *colors;
};

static void put_check(const struct check_record *record, const struct list_style *style,
		      bool failed_before, struct writer *out)
{
	const struct colors *colors = style->colors;
	static const char *const marks[] = {
	    [TOBI_NOT_RUN] = "MISS",
	    [TOBI_PASSED] = "ok",
	    [TOBI_FAILED] = "FAIL",
	    [TOBI_NOT_ASKED] = "-",
	};
	const char *color = record->outcome == TOBI_PASSED	? colors->good
			    : record->outcome == TOBI_NOT_ASKED ? colors->dim
								: colors->bad;

	wr_printf(out, "%s%s%-4s%s  %s%-*s  %s", style->indent, color,
		  marks[record->outcome], colors->off,
		  record->outcome == TOBI_NOT_ASKED ? colors->dim : "", style->width,
		  record->check->code, record->check->proves);
	if (record->outcome == TOBI_NOT_ASKED)
		wr_printf(out, " (not asked%s%s)", record->found[0] ? ": " : "",
			  record->found);
	wr_printf(out, "%s\n", colors->off);
	if (record->outcome == TOBI_NOT_RUN)
		put_missing(record, failed_before, style->deeper, out);
	if (record->outcome != TOBI_FAILED)
		return;
	if (record->expected[0])
		put_line(out, style->deeper, "expected", record->expected);
	if (record->found[0])
		put_line(out, style->deeper, "found", record->found);
	put_line(out, style->deeper, "do", record->check->remedy);
	put_line(out, style->deeper, "see", record->check->source);
}

static void put_checks(const struct tobi_result *result, const struct list_style *style,
		       struct writer *out)
{
	bool failed = false;

	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		put_check(record, style, failed, out);
		failed |= record->outcome == TOBI_FAILED;
	}
}

void explain_text(const struct tobi_result *result, bool color, struct writer *out)
{
	const struct colors *colors = color ? &ansi : &none;
	const struct list_style plain = {"", "      ", code_width(result), colors};
	const struct tobi_result *guest = result->guest;
	struct list_style inset = {"  ", "        ", 0, colors};

	put_header(result, colors, out);
	put_summary(result, "Checks", colors, out);
	put_checks(result, &plain, out);
	if (!guest)
		return;
	inset.width = code_width(guest);
	wr_u8(out, '\n');
	put_summary(guest, "Checks of the guest around", colors, out);
	put_checks(guest, &inset, out);
}
