#include <string.h>
#include <time.h>

#include "appraise/explain.h"
#include "base/hex.h"

/* No colour alone carries a meaning: each outcome is a word too. */
static const char style[] =
    ":root{color-scheme:light dark;"
    "--good:light-dark(#176b2c,#7ad694);--good-bg:light-dark(#e7f5ea,#12301b);"
    "--bad:light-dark(#9c1616,#ff9c9c);--bad-bg:light-dark(#fceaea,#3a1414);"
    "--dim:light-dark(#5a5f66,#a2a8b0);--line:light-dark(#d9dce0,#3a3f45)}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1.5rem}"
    "header{border-radius:.6rem;padding:1rem 1.4rem;margin-bottom:1.5rem}"
    "header p{margin:.2rem 0}h1{margin:0;font-size:1.8rem}"
    "h2{font-size:1.15rem;margin:2rem 0 .6rem}"
    ".accepted header{background:var(--good-bg)}.accepted h1{color:var(--good)}"
    ".refused header{background:var(--bad-bg)}.refused h1{color:var(--bad)}"
    ".small{color:var(--dim);font-size:.9rem}"
    ".warn{border:1px solid var(--bad);border-radius:.4rem;padding:.5rem .8rem}"
    "code,dd{overflow-wrap:anywhere}code,dd.hex{font:.9em ui-monospace,monospace}"
    "dl{display:grid;grid-template-columns:9rem 1fr;gap:.3rem 1rem;margin:0}"
    "dt{color:var(--dim)}dd{margin:0}"
    "ol{list-style:none;padding:0;margin:0}"
    "ol>li{display:grid;grid-template-columns:6rem 13rem 1fr;gap:0 "
    "1rem;align-items:baseline;"
    "padding:.45rem .8rem;border-top:1px solid var(--line)}"
    "ol>li>dl{grid-column:2/-1;margin:.4rem 0}"
    ".chain>li{border:1px solid var(--line);border-left:.4rem solid var(--bad);"
    "border-radius:.4rem;margin-bottom:.4rem}.chain>li.passed{border-left-color:var(--"
    "good)}"
    ".passed>b{color:var(--good)}.failed>b,.not-run>b{color:var(--bad)}"
    ".failed,.not-run{background:var(--bad-bg)}.not-asked{color:var(--dim)}"
    "@media(max-width:40rem){ol>li,dl{grid-template-columns:1fr}}";

/* All text goes through here. Control characters and what is not ASCII or UTF-8 text of
 * ours become '?': no byte from outside reaches the page as markup. */
static void put_text(struct writer *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
			wr_printf(out, "&#%u;", c);
		else if (c < 0x20 || c > 0x7e)
			wr_u8(out, '?');
		else
			wr_u8(out, c);
	}
}

static void put_pair(struct writer *out, const char *name, const char *text)
{
	wr_printf(out, "<dt>%s</dt><dd>", name);
	put_text(out, text);
	wr_printf(out, "</dd>\n");
}

static void put_hex(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	char text[2 * 64 + 1];

	if (bytes.size == 0 || bytes.size > 64)
		return;
	hex_write(bytes, text, sizeof(text));
	wr_printf(out, "<dt>%s</dt><dd class=\"hex\">%s</dd>\n", name, text);
}

static void put_written(struct writer *out, const char *name, struct writer *text)
{
	if (text->size) {
		wr_u8(text, 0);
		if (!wr_err(text))
			put_pair(out, name, (const char *)text->ptr);
	}
	wr_done(text);
}

static void put_facts(const struct tobi_result *result, struct writer *out)
{
	const struct tee_claims *claims = &result->claims;
	struct writer platform = wr_init(1024), lacks = wr_init(1024);

	wr_printf(out, "<dl>\n");
	put_pair(out, "Policy", result->policy_name);
	if (claims->tier) {
		put_pair(out, "Tier", claims->tier);
		put_pair(out, "Meaning", explain_tier(claims->tier));
	}
	put_hex(out, "Image", claims->image_id);
	for (size_t i = 0; i < claims->signer_count; i++)
		put_hex(out, "Signer", claims->signers[i]);
	if (result->identity && result->identity[0])
		put_pair(out, result->verdict == TOBI_ACCEPT ? "Identity" : "Meant",
			 result->identity);
	explain_platform(result, &platform);
	put_written(out, "Platform", &platform);
	explain_lacks(result, &lacks);
	put_written(out, "Lacks", &lacks);
	put_hex(out, "Instance", claims->instance);
	wr_printf(out, "</dl>\n");
}

static void open_item(struct writer *out, const char *outcome, const char *code)
{
	wr_printf(out, "<li class=\"%s\"><b>%s</b> <code>%s</code> <span>", outcome,
		  outcome, code);
}

static const struct check_record *find(const struct tobi_result *result, const char *code)
{
	for (size_t i = 0; i < result->list.count; i++) {
		const struct check_record *record = &result->list.records[i];

		if (strcmp(record->check->code, code) == 0)
			return record;
	}
	return NULL;
}

/* From the anchor to the program; each link with the check that proves it. What a session
 * alone, or a file alone, owes is left out of the other's chain. */
static void put_chain(const struct tobi_result *result, struct writer *out)
{
	static const struct {
		const char *code, *name;
	} links[] = {
	    {"SOFT-CHAIN", "an anchor of the policy certifies the platform key"},
	    {"SOFT-SIGNATURE", "the platform key signed the token"},
	    {"SOFT-NONCE", "the token was made for these claims"},
	    {"CLAIMS-NONCE", "the claims were made for your nonce"},
	    {"ATLS-BINDER", "the claims are bound to this TLS session"},
	    {"POLICY-IMAGE", "the token names the image that the policy means"},
	};

	wr_printf(out, "<h2>From the root of trust to the program</h2>\n"
		       "<ol class=\"chain\">\n");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		const struct check_record *record = find(result, links[i].code);

		if (!record)
			continue;
		open_item(out, explain_outcome(record->outcome), links[i].code);
		wr_printf(out, "%s</span></li>\n", links[i].name);
	}
	wr_printf(out, "</ol>\n");
}

static void put_check(const struct check_record *record, struct writer *out)
{
	const char *outcome = explain_outcome(record->outcome);

	open_item(out, outcome, record->check->code);
	put_text(out, record->check->proves);
	wr_printf(out, "</span>");
	if (record->outcome == TOBI_FAILED || record->outcome == TOBI_NOT_RUN) {
		wr_printf(out, "<dl>");
		if (record->expected[0])
			put_pair(out, "Expected", record->expected);
		if (record->found[0])
			put_pair(out, "Found", record->found);
		if (record->outcome == TOBI_NOT_RUN)
			put_pair(out, "Found", "the check did not run");
		put_pair(out, "What to do", record->check->remedy);
		put_pair(out, "Source", record->check->source);
		wr_printf(out, "</dl>");
	}
	wr_printf(out, "</li>\n");
}

static void put_head(const struct tobi_result *result, struct writer *out)
{
	bool accepted = result->verdict == TOBI_ACCEPT;
	const char *word = accepted ? "accepted" : "refused";
	time_t time = (time_t)result->time;
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&time, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	/* The page loads nothing: a reader's browser need not take our word for it. */
	wr_printf(out,
		  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		  "<meta name=\"viewport\" content=\"width=device-width\">\n"
		  "<meta http-equiv=\"Content-Security-Policy\" "
		  "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		  "<title>Tobichi: %s</title>\n<style>%s</style></head>\n"
		  "<body class=\"%s\">\n<header>"
		  "<p class=\"small\">Attestation result, as of %s</p>\n<h1>%s</h1>\n<p>",
		  word, style, word, date, accepted ? "Accepted" : "Refused");
	put_text(out, accepted ? "Every check that is owed has passed." : result->reason);
	wr_printf(out, "</p>\n</header>\n");
}

void explain_html(const struct tobi_result *result, struct writer *out)
{
	const char *allowance;

	put_head(result, out);
	for (size_t i = 0; (allowance = explain_allowance(result, i)); i++) {
		wr_printf(out, "<p class=\"warn\"><b>Warning</b> ");
		put_text(out, allowance);
		wr_printf(out, "</p>\n");
	}
	wr_printf(out, "<h2>What the evidence says</h2>\n");
	if (result->verdict != TOBI_ACCEPT)
		wr_printf(out,
			  "<p>The evidence was refused: none of this is proven.</p>\n");
	put_facts(result, out);
	put_chain(result, out);
	wr_printf(out, "<h2>Every check</h2>\n<ol>\n");
	for (size_t i = 0; i < result->list.count; i++)
		put_check(&result->list.records[i], out);
	wr_printf(out, "</ol>\n</body></html>\n");
}
