#include <string.h>

#include "appraise/explain.h"
#include "base/hex.h"

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:auto;padding:1rem}"
    "h1{border-left:.5rem solid;padding-left:.8rem}"
    ".accepted h1,.passed b{color:light-dark(#176b2c,#6fd68a)}"
    ".refused h1,.failed b,.not-run b,.warn{color:light-dark(#a01818,#ff8f8f)}"
    ".not-asked{opacity:.6}"
    "code,dd{overflow-wrap:anywhere}"
    "dt{font-weight:600}dd{margin:0 0 .5rem}"
    "ol.chain,ul.checks{list-style:none;padding:0}"
    "ol.chain li{border:1px solid;border-radius:.4rem;padding:.4rem .8rem}"
    "ol.chain li+li{margin-top:1.6rem;position:relative}"
    "ol.chain li+li::before{content:'\\2193';position:absolute;top:-1.6rem;left:1rem}"
    "ul.checks>li{border-top:1px solid #8886;padding:.6rem 0}";

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
	put_pair(out, name, text);
}

static void put_facts(const struct tobi_result *result, struct writer *out)
{
	const struct tee_claims *claims = &result->claims;

	wr_printf(out, "<dl>\n");
	put_pair(out, "Policy", result->policy_name);
	if (claims->tier) {
		put_pair(out, "Tier", claims->tier);
		put_pair(out, "What the tier means", explain_tier(claims->tier));
	}
	put_hex(out, "Image", claims->image_id);
	for (size_t i = 0; i < claims->signer_count; i++)
		put_hex(out, "Signer", claims->signers[i]);
	if (result->identity && result->identity[0])
		put_pair(out, "Identity", result->identity);
	wr_printf(out, "</dl>\n");
}

/* From the anchor to the program; each link with the check that proves it. */
static void put_chain(const struct tobi_result *result, struct writer *out)
{
	static const struct {
		const char *code, *name;
	} links[] = {
	    {"SOFT-CHAIN", "An anchor of the policy certifies the platform key"},
	    {"SOFT-SIGNATURE", "The platform key signed the token"},
	    {"SOFT-NONCE", "The token is bound to the claims and the nonce"},
	    {"POLICY-IMAGE", "The token names the image"},
	};

	wr_printf(out, "<h2>Chain</h2>\n<ol class=\"chain\">\n");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		const char *outcome = "not-run";

		for (size_t k = 0; k < result->list.count; k++) {
			const struct check_record *record = &result->list.records[k];

			if (strcmp(record->check->code, links[i].code) == 0)
				outcome = explain_outcome(record->outcome);
		}
		wr_printf(out, "<li class=\"%s\">%s: <b>%s</b> (%s)</li>\n", outcome,
			  links[i].name, outcome, links[i].code);
	}
	wr_printf(out, "</ol>\n");
}

static void put_check(const struct check_record *record, struct writer *out)
{
	const char *outcome = explain_outcome(record->outcome);

	wr_printf(out, "<li class=\"%s\"><b>%s</b> <code>%s</code> ", outcome, outcome,
		  record->check->code);
	put_text(out, record->check->proves);
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

void explain_html(const struct tobi_result *result, struct writer *out)
{
	bool accepted = result->verdict == TOBI_ACCEPT;
	const char *allowance;

	wr_printf(out,
		  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		  "<meta name=\"viewport\" content=\"width=device-width\">\n"
		  "<title>Tobichi: %s</title>\n<style>%s</style></head>\n"
		  "<body class=\"%s\">\n<h1>%s</h1>\n<p>",
		  accepted ? "accepted" : "refused", style,
		  accepted ? "accepted" : "refused", accepted ? "ACCEPTED" : "REFUSED");
	put_text(out, accepted ? "Every check that is owed has passed." : result->reason);
	wr_printf(out, "</p>\n");
	for (size_t i = 0; (allowance = explain_allowance(result, i)); i++) {
		wr_printf(out, "<p class=\"warn\"><b>Warning</b> ");
		put_text(out, allowance);
		wr_printf(out, "</p>\n");
	}
	if (!accepted)
		wr_printf(out, "<p>What follows is what the evidence says; it is not "
			       "proven.</p>\n");
	put_facts(result, out);
	put_chain(result, out);
	wr_printf(out, "<h2>Checks</h2>\n<ul class=\"checks\">\n");
	for (size_t i = 0; i < result->list.count; i++)
		put_check(&result->list.records[i], out);
	wr_printf(out, "</ul>\n</body></html>\n");
}
