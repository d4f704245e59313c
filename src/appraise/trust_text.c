#include <string.h>

#include "appraise/explain.h"
#include "appraise/trust.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "base/utf8.h"

enum { WIDTH = 96 };

struct colors {
	const char *bold, *dim, *bad, *off;
};

static const struct colors none = {"", "", "", ""};
static const struct colors ansi = {"\033[1m", "\033[2m", "\033[31m", "\033[0m"};

/* Text from outside, on as many lines as it takes, each behind the prefix; a word that is
 * wider than a line stays whole. */
static void put_wrapped(struct writer *out, const char *prefix, const char *label,
			const char *text)
{
	CLEANUP(wr_done) struct writer shown = wr_init(LIMIT_EXPLANATION);
	size_t used = strlen(prefix) + strlen(label), at = 0;

	utf8_write_escaped(&shown,
			   (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	if (wr_err(&shown) && !out->err)
		out->err = wr_err(&shown);
	wr_printf(out, "%s%s", prefix, label);
	while (at < shown.size) {
		const uint8_t *word = shown.ptr + at;
		const uint8_t *end = memchr(word, ' ', shown.size - at);
		size_t size = end ? (size_t)(end - word) : shown.size - at;

		if (at && used + 1 + size > WIDTH) {
			wr_printf(out, "\n%s%*s", prefix, (int)strlen(label), "");
			used = strlen(prefix) + strlen(label);
		} else if (at) {
			wr_u8(out, ' ');
			used++;
		}
		wr_bytes(out, word, size);
		used += size;
		at += size + 1;
	}
	wr_u8(out, '\n');
}

static void put_part(struct writer *out, const char *prefix, const char *label,
		     const char *text)
{
	if (text[0])
		put_wrapped(out, prefix, label, text);
}

/* Whether a line of the same depth follows before one that is less deep. */
static bool has_next(const struct tobi_trust *trust, size_t at)
{
	unsigned depth = trust->lines[at].depth;

	for (size_t i = at + 1; i < trust->count && trust->lines[i].depth >= depth; i++) {
		if (trust->lines[i].depth == depth)
			return true;
	}
	return false;
}

static bool has_children(const struct tobi_trust *trust, size_t at)
{
	return at + 1 < trust->count &&
	       trust->lines[at + 1].depth > trust->lines[at].depth;
}

/* The names of the others say it. */
static bool shows_kind(enum tobi_trust_kind kind)
{
	return kind == TOBI_TRUST_ROOT || kind == TOBI_TRUST_KEY ||
	       kind == TOBI_TRUST_SERVICE;
}

static void put_line(const struct tobi_trust *trust, size_t at, bool *open,
		     const struct colors *colors, struct writer *out)
{
	const struct tobi_trust_line *line = &trust->lines[at];
	char prefix[4 * TRUST_DEPTH_MAX + 8] = "";
	size_t size = 0;

	open[line->depth] = has_next(trust, at);
	for (unsigned i = 0; i < line->depth; i++, size += 3)
		bytes_copy(prefix + size, sizeof(prefix) - size, open[i] ? "|  " : "   ",
			   4);
	wr_printf(out, "%s", prefix);
	wr_printf(out, "%s%s", open[line->depth] ? "|- " : "`- ", colors->bold);
	utf8_write_escaped(
	    out, (struct tobi_bytes){(const uint8_t *)line->name, strlen(line->name)});
	wr_printf(out, "%s%s%s%s%s\n", colors->off, colors->dim,
		  shows_kind(line->kind) ? "  " : "",
		  shows_kind(line->kind) ? trust_kind_name(line->kind) : "", colors->off);
	bytes_copy(prefix + size, sizeof(prefix) - size,
		   open[line->depth] ? "|  " : "   ", 4);
	size += 3;
	bytes_copy(prefix + size, sizeof(prefix) - size,
		   has_children(trust, at) ? "|  " : "   ", 4);
	put_part(out, prefix, "", line->value);
	put_part(out, prefix, "from:    ", line->source);
	put_part(out, prefix, "means:   ", line->does);
	put_part(out, prefix, "if bad:  ", line->bad);
	put_part(out, prefix, "smaller: ", line->smaller);
}

static void put_parties(const struct tobi_trust *trust, const struct colors *colors,
			struct writer *out)
{
	wr_printf(out, "\n%sEach of these alone could deceive you%s\n", colors->bad,
		  colors->off);
	for (size_t i = 0; i < trust->party_count; i++)
		put_wrapped(out, "  ", "- ", trust->parties[i]);
}

static bool is_first(const struct tobi_trust *trust, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(trust->lines[i].smaller, trust->lines[at].smaller) == 0)
			return false;
	}
	return true;
}

static void put_advice(const struct tobi_trust *trust, const struct colors *colors,
		       struct writer *out)
{
	wr_printf(out, "\n%sWhat would make the set smaller%s\n", colors->bold,
		  colors->off);
	for (size_t i = 0; i < trust->count; i++) {
		if (trust->lines[i].smaller[0] && is_first(trust, i))
			put_wrapped(out, "  ", "- ", trust->lines[i].smaller);
	}
}

void trust_write_text(const struct tobi_trust *trust, bool color, struct writer *out)
{
	const struct colors *colors = color ? &ansi : &none;
	bool open[TRUST_DEPTH_MAX] = {false};

	wr_printf(out, "%sWhom this policy trusts: ", colors->bold);
	utf8_write_escaped(out, (struct tobi_bytes){(const uint8_t *)trust->policy_name,
						    strlen(trust->policy_name)});
	wr_printf(out, "%s\n", colors->off);
	for (size_t i = 0; i < trust->count; i++)
		put_line(trust, i, open, colors, out);
	put_parties(trust, colors, out);
	put_advice(trust, colors, out);
}
