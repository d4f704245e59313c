/* The style sheet of the pages. Its name has its hash, so browsers may keep it. */
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/page.h"
#include "pki/key.h"

enum { NAME_BYTES = 12 };

/* No colour alone carries a meaning: each is a word, too. Contrast is 4.5 at least, in
 * light and in dark. In a narrow window each row of a table is a block of its own. */
const char page_style[] =
    ":root{color-scheme:light dark;--ink:#16181b;--paper:#fff;--dim:#50555c;"
    "--line:#c3c8cf;--soft:#f2f4f7;--link:#0b4fa8;--good:#125c25;--bad:#9c1616;"
    "--bad-paper:#fceaea;--focus:#0b4fa8}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#15171a;--dim:#b0b6be;"
    "--line:#454b53;--soft:#1f2226;--link:#8ab8ff;--good:#86d99c;--bad:#ff9f9f;"
    "--bad-paper:#371717;--focus:#8ab8ff}}\n"
    "*{box-sizing:border-box}\n"
    "html{background:var(--paper);color:var(--ink);font:100%/1.5 system-ui,sans-serif}\n"
    "body{max-width:76rem;margin:0 auto;padding:0 1rem 3rem}\n"
    "a{color:var(--link)}\n"
    ":focus-visible{outline:3px solid var(--focus);outline-offset:2px}\n"
    "main:focus{outline:none}\n"
    ".skip{position:absolute;left:-100rem;background:var(--paper);padding:.5rem 1rem}\n"
    ".skip:focus{left:1rem;top:.5rem}\n"
    "header{display:flex;flex-wrap:wrap;gap:.3rem 2rem;align-items:baseline;"
    "padding:.8rem 0;border-bottom:1px solid var(--line);margin-bottom:1.5rem}\n"
    "header p{margin:0}header ul{display:flex;flex-wrap:wrap;gap:.2rem "
    "1.2rem;list-style:none;margin:0;padding:0}\n"
    "nav a{display:inline-block;padding:.25rem 0}\n"
    "nav a[aria-current]{font-weight:bold;color:var(--ink);text-decoration-thickness:3px}"
    "\n"
    ".who{margin-left:auto;display:flex;flex-wrap:wrap;gap:.2rem 1rem;"
    "align-items:baseline}\n"
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}\n"
    "h2{font-size:1.2rem;margin:2rem 0 .6rem}h3{font-size:1rem;margin:0 0 .3rem}\n"
    "h1,h2,h3,p,li,dd,code,pre,caption,bdi{overflow-wrap:anywhere}\n"
    "td,th,th code,th bdi{overflow-wrap:break-word}\n"
    "code,pre{font:.92em/1.45 ui-monospace,monospace}\n"
    "pre{white-space:pre-wrap;background:var(--soft);border:1px solid var(--line);"
    "border-radius:.4rem;padding:.8rem;margin:0}\n"
    "dl{display:grid;grid-template-columns:minmax(7rem,11rem) 1fr;gap:.35rem "
    "1.2rem;margin:0}\n"
    "dt{color:var(--dim)}dd{margin:0}\n"
    ".small{color:var(--dim);font-size:.92rem}\n"
    ".accepted,.passed{color:var(--good);font-weight:bold}\n"
    ".refused,.failed,.not-run{color:var(--bad);font-weight:bold}\n"
    ".checks{list-style:none;margin:0;padding:0}\n"
    ".checks>li{background:var(--bad-paper);border-left:.4rem solid var(--bad);"
    "border-radius:.3rem;padding:.7rem 1rem;margin-bottom:.8rem}\n"
    ".checks dt{color:var(--ink)}.checks bdi{font:.92em/1.45 ui-monospace,monospace}\n"
    "details{margin-top:1rem}summary{cursor:pointer;padding:.3rem 0}\n"
    "table{width:100%;border-collapse:collapse}\n"
    "caption{text-align:left;color:var(--dim);padding-bottom:.4rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem "
    "0;border-bottom:1px solid var(--line)}\n"
    "tbody th{font-weight:normal}\n"
    "form.filter{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;align-items:end;"
    "background:var(--soft);border-radius:.4rem;padding:.8rem;margin-bottom:1.2rem}\n"
    "label{display:block;font-size:.92rem}\n"
    "input,select,button{font:inherit;color:var(--ink);background:var(--paper);"
    "border:1px solid var(--dim);border-radius:.3rem;padding:.3rem .6rem;max-width:100%}"
    "\n"
    "button{cursor:pointer}\n"
    "button.main{background:var(--link);border-color:var(--link);color:var(--paper);"
    "padding:.5rem 1.4rem}\n"
    ".what{display:none}\n"
    "@media(max-width:44rem){.who{margin-left:0}dl{grid-template-columns:1fr;gap:0}"
    "dd{margin-bottom:.5rem}thead{position:absolute;left:-100rem}"
    "table,tbody,tr,td,tbody th,caption{display:block}tr{border-bottom:1px solid "
    "var(--line);padding:.5rem 0}th,td{border:0;padding:.1rem 0}"
    ".what{display:inline;color:var(--dim)}}\n"
    "@media print{.skip,nav,form{display:none}}\n";

enum tobi_err page_style_path(char ret_path[static PAGE_STYLE_PATH_SIZE],
			      struct tobi_fault *fault)
{
	uint8_t hash[SHA256_SIZE];
	char name[2 * NAME_BYTES + 1];

	if (hash_sha256(bytes_of_text(page_style), hash))
		return fault_set(fault, TOBI_E_CRYPTO, "page", "style", "cannot hash");
	hex_write((struct tobi_bytes){hash, NAME_BYTES}, name, sizeof(name));
	snprintf(ret_path, PAGE_STYLE_PATH_SIZE, "/style/%s.css", name);
	return TOBI_OK;
}

enum tobi_err page_style_get(struct broker *broker, const struct broker_request *request,
			     struct broker_reply *reply, struct tobi_fault *fault)
{
	char path[PAGE_STYLE_PATH_SIZE];
	struct page_call call;
	enum tobi_err err = page_style_path(path, fault);

	if (err)
		return err;
	if (strcmp(path, request->path) != 0) {
		err = page_enter_open(broker, request, reply, &call, fault);
		return err ? err : page_not_found(&call, fault);
	}
	reply->content_type = "text/css; charset=utf-8";
	wr_bytes(&reply->body, page_style, sizeof(page_style) - 1);
	return broker_reply_header(reply, "Cache-Control",
				   "public, max-age=31536000, immutable");
}
