#include "broker/page_html.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/secret.h"
#include "base/utf8.h"

enum { TIME_SIZE = 40 };

/* Characters that are not seen, or that turn what stands around them; by the bytes of
 * their UTF-8, of which the last is in a range. */
static const struct {
	const char *start;
	uint8_t first, last;
	unsigned point; /* of the first */
} unseen[] = {
    {"\xc2", 0xad, 0xad, 0x00ad},	   /* soft hyphen */
    {"\xcd", 0x8f, 0x8f, 0x034f},	   /* grapheme joiner */
    {"\xd8", 0x9c, 0x9c, 0x061c},	   /* Arabic letter mark */
    {"\xe1\x85", 0x9f, 0xa0, 0x115f},	   /* Hangul fillers */
    {"\xe1\x9e", 0xb4, 0xb5, 0x17b4},	   /* Khmer vowels that are not shown */
    {"\xe1\xa0", 0x8b, 0x8f, 0x180b},	   /* Mongolian selectors */
    {"\xe2\x80", 0x8b, 0x8f, 0x200b},	   /* zero width, marks of direction */
    {"\xe2\x80", 0xa8, 0xae, 0x2028},	   /* separators, embeddings, overrides */
    {"\xe2\x81", 0xa0, 0xaf, 0x2060},	   /* joiner, isolates */
    {"\xe3\x85", 0xa4, 0xa4, 0x3164},	   /* Hangul filler */
    {"\xef\xb8", 0x80, 0x8f, 0xfe00},	   /* selectors of variants */
    {"\xef\xbb", 0xbf, 0xbf, 0xfeff},	   /* byte order mark */
    {"\xef\xbe", 0xa0, 0xa0, 0xffa0},	   /* Hangul filler, half width */
    {"\xf3\xa0\x80", 0x80, 0xbf, 0xe0000}, /* tags */
    {"\xf3\xa0\x81", 0x80, 0xbf, 0xe0040},
};

/* The bytes of such a character at the start; 0 when there is none. */
static size_t find_unseen(struct tobi_bytes text, unsigned *ret_point)
{
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
		size_t size = strlen(unseen[i].start);

		if (text.size <= size || memcmp(text.ptr, unseen[i].start, size) != 0 ||
		    text.ptr[size] < unseen[i].first || text.ptr[size] > unseen[i].last)
			continue;
		*ret_point = unseen[i].point + text.ptr[size] - unseen[i].first;
		return size + 1;
	}
	return 0;
}

static void put_byte(struct writer *out, uint8_t byte)
{
	switch (byte) {
	case '<':
		page_put(out, "&lt;");
		break;
	case '>':
		page_put(out, "&gt;");
		break;
	case '&':
		page_put(out, "&amp;");
		break;
	case '"':
		page_put(out, "&#34;");
		break;
	case '\'':
		page_put(out, "&#39;");
		break;
	default:
		wr_u8(out, byte);
	}
}

void page_text(struct writer *out, struct tobi_bytes text)
{
	/* A byte becomes four at most. */
	struct writer clean = wr_init(4 * text.size);
	struct tobi_bytes left;

	utf8_write_escaped(&clean, text);
	if (wr_err(&clean))
		out->err = out->err ? out->err : wr_err(&clean);
	left = wr_view(&clean);
	while (left.size) {
		unsigned point = 0;
		size_t size = find_unseen(left, &point);

		if (size)
			wr_printf(out, "\\u{%x}", point);
		else
			put_byte(out, left.ptr[0]);
		left.ptr += size ? size : 1;
		left.size -= size ? size : 1;
	}
	wr_done(&clean);
}

void page_line(struct writer *out, const char *text)
{
	page_text(out, bytes_of_text(text));
}

void page_lines(struct writer *out, struct tobi_bytes text)
{
	while (text.size) {
		size_t size = 0;

		while (size < text.size && text.ptr[size] != '\n' &&
		       text.ptr[size] != '\t')
			size++;
		page_text(out, (struct tobi_bytes){text.ptr, size});
		if (size < text.size)
			wr_u8(out, text.ptr[size++]);
		text.ptr += size;
		text.size -= size;
	}
}

void page_number(struct writer *out, uint64_t number)
{
	wr_printf(out, "%" PRIu64, number);
}

void page_time(struct writer *out, int64_t time)
{
	time_t when = (time_t)time;
	char machine[TIME_SIZE] = "", people[TIME_SIZE] = "";
	struct tm tm;

	if (!gmtime_r(&when, &tm) ||
	    !strftime(machine, sizeof(machine), "%Y-%m-%dT%H:%M:%SZ", &tm) ||
	    !strftime(people, sizeof(people), "%Y-%m-%d %H:%M:%S UTC", &tm)) {
		page_put(out, "at a time out of range");
		return;
	}
	page_put(out, "<time datetime=\"");
	page_line(out, machine);
	page_put(out, "\">");
	page_line(out, people);
	page_put(out, "</time>");
}

void page_hash(struct writer *out, struct tobi_bytes hash)
{
	page_put(out, "<code>");
	for (size_t i = 0; i < hash.size; i++)
		wr_printf(out, "%02x", hash.ptr[i]);
	page_put(out, "</code>");
}

void page_url(struct writer *out, struct tobi_bytes value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

	for (size_t i = 0; i < value.size; i++) {
		uint8_t byte = value.ptr[i];

		if (byte && strchr(plain, byte))
			wr_u8(out, byte);
		else
			wr_printf(out, "%%%02X", byte);
	}
}
