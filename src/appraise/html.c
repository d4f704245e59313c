#include "appraise/html.h"

/* No colour alone carries a meaning: each outcome is a word too. */
static const char style[] =
    ":root{color-scheme:light dark;"
    "--good:light-dark(#176b2c,#7ad694);--good-bg:light-dark(#e7f5ea,#12301b);"
    "--bad:light-dark(#9c1616,#ff9c9c);--bad-bg:light-dark(#fceaea,#3a1414);"
    "--warn:light-dark(#7a4b00,#f3c26b);--warn-bg:light-dark(#fdf3e0,#33260d);"
    "--dim:light-dark(#5a5f66,#a2a8b0);--line:light-dark(#d9dce0,#3a3f45);"
    "--soft:light-dark(#f5f6f8,#1d2024)}"
    "*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1.5rem}"
    "header{border-radius:.6rem;padding:1rem 1.4rem;margin-bottom:1.5rem;background:var("
    "--soft)}"
    "header p{margin:.2rem "
    "0;overflow-wrap:anywhere}h1{margin:0;font-size:1.8rem;overflow-wrap:anywhere}"
    "h2{font-size:1.15rem;margin:2rem 0 .6rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}"
    ".accepted header{background:var(--good-bg)}.accepted h1{color:var(--good)}"
    ".refused header{background:var(--bad-bg)}.refused h1{color:var(--bad)}"
    ".small{color:var(--dim);font-size:.9rem}"
    ".warn{border:1px solid var(--warn);background:var(--warn-bg);border-radius:.4rem;"
    "padding:.5rem .8rem}.warn b{color:var(--warn)}"
    "p,li,code,dd{overflow-wrap:anywhere}code,dd.hex{font:.9em ui-monospace,monospace}"
    "dl{display:grid;grid-template-columns:9rem 1fr;gap:.3rem 1rem;margin:0}"
    "dt{color:var(--dim)}dd{margin:0}";

void html_text(struct writer *out, const char *text)
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

void html_pair(struct writer *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	wr_printf(out, "<dt>%s</dt><dd>", name);
	html_text(out, text);
	wr_printf(out, "</dd>\n");
}

void html_open(struct writer *out, const char *title, const char *class_name,
	       const char *more)
{
	/* The page loads nothing: a reader's browser need not take our word for it. */
	wr_printf(out,
		  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		  "<meta name=\"viewport\" content=\"width=device-width\">\n"
		  "<meta http-equiv=\"Content-Security-Policy\" "
		  "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		  "<title>%s</title>\n<style>%s%s</style></head>\n"
		  "<body class=\"%s\">\n",
		  title, style, more, class_name);
}

void html_close(struct writer *out)
{
	wr_printf(out, "</body></html>\n");
}
