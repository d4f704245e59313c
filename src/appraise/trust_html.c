#include <string.h>

#include "appraise/html.h"
#include "appraise/trust.h"

/* Lists in lists, whose lines are borders: a reader of the screen hears a tree, and what
 * is folded opens by keyboard. */
static const char style[] =
    ".tree,.tree ul{list-style:none;margin:0;padding:0}"
    ".tree ul{margin-left:.55rem}"
    ".tree li{position:relative;padding:.25rem 0 .25rem 1.3rem;"
    "border-left:2px solid var(--line)}"
    ".tree li:last-child{border-left-color:transparent}"
    ".tree li::before{content:\"\";position:absolute;left:-2px;top:0;width:1.1rem;"
    "height:1.1rem;border:2px solid var(--line);border-width:0 0 2px 2px;"
    "border-bottom-left-radius:.4rem}"
    "summary{cursor:pointer}summary:focus-visible{outline:2px solid currentColor;"
    "outline-offset:2px}"
    ".name{font-weight:600;overflow-wrap:anywhere}"
    ".kind{display:inline-block;font-size:.75rem;padding:0 .45rem;border-radius:1rem;"
    "border:1px solid currentColor;color:var(--dim);margin-right:.4rem}"
    ".kind.root,.kind.key,.kind.signer{color:var(--bad)}"
    ".kind.allowance{color:var(--warn)}.kind.tier{color:var(--good)}"
    ".tree dl{grid-template-columns:7rem 1fr;gap:.1rem "
    ".8rem;font-size:.92rem;margin:.15rem 0 "
    ".2rem;padding-left:.2rem}"
    ".parties li,.advice li{margin:.2rem 0}"
    "@media(max-width:40rem){body{padding:.8rem}.tree li{padding-left:.9rem}"
    ".tree li::before{width:.7rem}.tree dl,dl{grid-template-columns:1fr;gap:0}"
    ".tree dd{margin-bottom:.25rem}}";

static bool has_children(const struct tobi_trust *trust, size_t at)
{
	return at + 1 < trust->count &&
	       trust->lines[at + 1].depth > trust->lines[at].depth;
}

static void put_value(struct writer *out, const char *text)
{
	if (!text[0])
		return;
	wr_printf(out, "<dt>Value</dt><dd class=\"hex\">");
	html_text(out, text);
	wr_printf(out, "</dd>\n");
}

static void put_name(struct writer *out, const struct tobi_trust_line *line)
{
	if (line->kind != TOBI_TRUST_GROUP)
		wr_printf(out, "<span class=\"kind %s\">%s</span>",
			  trust_kind_name(line->kind), trust_kind_name(line->kind));
	wr_printf(out, "<span class=\"name\">");
	html_text(out, line->name);
	wr_printf(out, "</span>");
}

static void put_texts(struct writer *out, const struct tobi_trust_line *line)
{
	if (!line->value[0] && !line->source[0] && !line->does[0] && !line->bad[0] &&
	    !line->smaller[0])
		return;
	wr_printf(out, "<dl>");
	put_value(out, line->value);
	html_pair(out, "From", line->source);
	html_pair(out, "Means", line->does);
	html_pair(out, "If it turns bad", line->bad);
	html_pair(out, "Smaller", line->smaller);
	wr_printf(out, "</dl>");
}

static void put_lines(const struct tobi_trust *trust, struct writer *out)
{
	unsigned depth = 0;

	wr_printf(out, "<ul class=\"tree\">\n");
	for (size_t i = 0; i < trust->count; i++) {
		const struct tobi_trust_line *line = &trust->lines[i];
		bool folds = has_children(trust, i);

		for (; depth > line->depth; depth--)
			wr_printf(out, "</ul></details></li>\n");
		wr_printf(out, "<li>");
		wr_printf(out, folds ? "<details open><summary>" : "<div>");
		put_name(out, line);
		wr_printf(out, folds ? "</summary>" : "</div>");
		put_texts(out, line);
		wr_printf(out, folds ? "<ul>\n" : "</li>\n");
		depth += folds;
	}
	for (; depth > 0; depth--)
		wr_printf(out, "</ul></details></li>\n");
	wr_printf(out, "</ul>\n");
}

static void put_parties(const struct tobi_trust *trust, struct writer *out)
{
	wr_printf(out, "<h2>Each of these alone could deceive you</h2>\n"
		       "<ul class=\"parties\">\n");
	for (size_t i = 0; i < trust->party_count; i++) {
		wr_printf(out, "<li>");
		html_text(out, trust->parties[i]);
		wr_printf(out, "</li>\n");
	}
	wr_printf(out, "</ul>\n");
}

static bool is_first(const struct tobi_trust *trust, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(trust->lines[i].smaller, trust->lines[at].smaller) == 0)
			return false;
	}
	return true;
}

static void put_advice(const struct tobi_trust *trust, struct writer *out)
{
	wr_printf(out, "<h2>What would make the set smaller</h2>\n"
		       "<ul class=\"advice\">\n");
	for (size_t i = 0; i < trust->count; i++) {
		if (!trust->lines[i].smaller[0] || !is_first(trust, i))
			continue;
		wr_printf(out, "<li>");
		html_text(out, trust->lines[i].smaller);
		wr_printf(out, "</li>\n");
	}
	wr_printf(out, "</ul>\n");
}

void trust_write_html(const struct tobi_trust *trust, struct writer *out)
{
	html_open(out, "Tobichi: whom a policy trusts", "trust", style);
	wr_printf(out, "<header><p class=\"small\">Whom this policy trusts</p>\n<h1>");
	html_text(out, trust->policy_name);
	wr_printf(out,
		  "</h1>\n<p>Whoever uses this policy relies on all that is below: the "
		  "fewer there are, the better.</p>\n</header>\n<main>\n");
	put_parties(trust, out);
	put_advice(trust, out);
	wr_printf(out, "<h2>The whole of it</h2>\n");
	put_lines(trust, out);
	wr_printf(out, "</main>\n");
	html_close(out);
}
