/* What a browser sends to the broker's page: forms, queries and cookies; what is shown of
 * it; and the details of a decision as the database has them. */
#include <string.h>

#include "base/utf8.h"
#include "broker/decision_details.h"
#include "broker/page_form.h"
#include "broker/page_html.h"
#include "fuzz/fuzz.h"
#include "log/leaf.h"

enum { FORM, COOKIE, TEXT, DETAILS, KINDS };

static void check_value(const char *value)
{
	must(strnlen(value, LIMIT_PAGE_VALUE + 1) <= LIMIT_PAGE_VALUE);
	must(utf8_is_text(text_of(value)));
}

static bool read_form(struct tobi_bytes input)
{
	struct page_field fields[] = {{.name = "resource"}, {.name = "before"}};

	if (!page_form_read(input, fields, 2))
		return false;
	for (size_t i = 0; i < 2; i++) {
		check_value(fields[i].value);
		must(fields[i].there || !fields[i].value[0]);
	}
	return true;
}

static bool read_cookie(struct tobi_bytes input)
{
	char *header = malloc(input.size + 1), value[LIMIT_PAGE_VALUE + 1];
	bool found;

	must(header != NULL);
	bytes_copy(header, input.size, input.ptr, input.size);
	header[input.size] = 0;
	found = page_cookie_read(header, "__Host-tobichi", value);
	if (found) {
		must(strnlen(value, LIMIT_PAGE_VALUE + 1) <= LIMIT_PAGE_VALUE);
		must(strstr(header, "__Host-tobichi=") != NULL);
		must(strstr(header, value) != NULL && !strchr(value, ';'));
	}
	free(header);
	return found;
}

/* Whatever it is: text, without a mark that means something to a browser. */
static bool show(struct tobi_bytes input)
{
	struct writer out = wr_init(64 + 16 * input.size);

	page_text(&out, input);
	must(!wr_err(&out));
	for (size_t i = 0; i < out.size; i++)
		must(!strchr("<>\"'", out.ptr[i]));
	must(utf8_is_text(wr_view(&out)));
	wr_done(&out);
	out = wr_init(64 + 4 * input.size);
	page_url(&out, input);
	must(!wr_err(&out));
	for (size_t i = 0; i < out.size; i++)
		must(out.ptr[i] > ' ' && out.ptr[i] < 0x7f &&
		     !strchr("<>\"'&?#/+=", out.ptr[i]));
	wr_done(&out);
	return true;
}

static enum tobi_err take(void *context, const struct decision_detail *detail,
			  struct tobi_fault *fault)
{
	const struct tobi_bytes *whole = context;

	(void)fault;
	must(detail->outcome < LOG_OUTCOMES);
	must_be_inside(detail->code, *whole);
	must_be_inside(detail->found, *whole);
	must(utf8_is_text(detail->expected) && utf8_is_text(detail->remedy));
	return TOBI_OK;
}

bool fuzz_one(struct tobi_bytes input)
{
	switch (take_choice(&input) % KINDS) {
	case FORM:
		return read_form(input);
	case COOKIE:
		return read_cookie(input);
	case TEXT:
		return show(input);
	default:
		return decision_details_read(input, take, &input, NULL) == TOBI_OK;
	}
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const struct {
		uint8_t kind;
		const char *text;
		enum fuzz_seed seed;
	} seeds[] = {
	    {FORM, "resource=red%2Fkey+x&before=12", FUZZ_GOOD},
	    {FORM, "before=%C3%BC", FUZZ_GOOD},
	    {FORM, "resource=%00&before=1", FUZZ_BAD},
	    {FORM, "resource=a&resource=b", FUZZ_BAD},
	    {COOKIE, "a=b; __Host-tobichi=AAAA-_09; c=d", FUZZ_GOOD},
	    {COOKIE, "__Host-tobichi=a; __Host-tobichi=b", FUZZ_BAD},
	    {TEXT, "<a href='\"'>&\xe2\x80\xae\xc3\x28", FUZZ_GOOD},
	    {DETAILS,
	     "\x81\x87\x66POLICY\x02\x61p\x61"
	     "e\x61"
	     "f\x60\x60",
	     FUZZ_GOOD},
	    {DETAILS,
	     "\x81\x87\x66POLICY\x07\x61p\x61"
	     "e\x61"
	     "f\x60\x60",
	     FUZZ_BAD},
	};

	if (number >= sizeof(seeds) / sizeof(seeds[0]))
		return FUZZ_NO_SEED;
	wr_u8(out, seeds[number].kind);
	wr_bytes(out, seeds[number].text, strlen(seeds[number].text));
	return seeds[number].seed;
}
