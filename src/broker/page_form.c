#include "broker/page_form.h"

#include <string.h>

#include "base/secret.h"
#include "base/utf8.h"

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Terminated. */
static bool decode(struct tobi_bytes text, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < text.size; i++) {
		int byte = text.ptr[i];

		if (byte == '+') {
			byte = ' ';
		} else if (byte == '%') {
			int high = i + 2 < text.size ? digit_of(text.ptr[i + 1]) : -1;
			int low = high < 0 ? -1 : digit_of(text.ptr[i + 2]);

			if (low < 0)
				return false;
			byte = 16 * high + low;
			i += 2;
		}
		if (used + 1 >= room)
			return false;
		out[used++] = (char)byte;
	}
	out[used] = 0;
	return utf8_is_text((struct tobi_bytes){(const uint8_t *)out, used});
}

static struct page_field *find(struct page_field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	}
	return NULL;
}

static bool take_pair(struct tobi_bytes pair, struct page_field *fields, size_t count)
{
	const uint8_t *equals = pair.size ? memchr(pair.ptr, '=', pair.size) : NULL;
	char name[LIMIT_PAGE_VALUE + 1];
	struct page_field *field;
	size_t size;

	if (!equals)
		return false;
	size = (size_t)(equals - pair.ptr);
	if (!decode((struct tobi_bytes){pair.ptr, size}, name, sizeof(name)))
		return false;
	field = find(fields, count, name);
	if (!field || field->there)
		return false;
	field->there = true;
	return decode((struct tobi_bytes){equals + 1, pair.size - size - 1}, field->value,
		      sizeof(field->value));
}

bool page_form_read(struct tobi_bytes text, struct page_field *fields, size_t count)
{
	if (text.size > LIMIT_PAGE_FORM)
		return false;
	while (text.size) {
		const uint8_t *ampersand = memchr(text.ptr, '&', text.size);
		size_t size = ampersand ? (size_t)(ampersand - text.ptr) : text.size;

		if (!take_pair((struct tobi_bytes){text.ptr, size}, fields, count))
			return false;
		if (!ampersand)
			break;
		text.ptr += size + 1;
		text.size -= size + 1;
		if (!text.size)
			return false;
	}
	return true;
}

bool page_cookie_read(const char *header, const char *name,
		      char ret_value[static LIMIT_PAGE_VALUE + 1])
{
	size_t name_size = strlen(name);
	bool found = false;

	if (!header || strnlen(header, LIMIT_PAGE_COOKIES + 1) > LIMIT_PAGE_COOKIES)
		return false;
	while (*header) {
		size_t pair = strcspn(header, ";");

		if (pair > name_size && strncmp(header, name, name_size) == 0 &&
		    header[name_size] == '=') {
			size_t size = pair - name_size - 1;

			if (found || size > LIMIT_PAGE_VALUE)
				return false;
			found = true;
			bytes_copy(ret_value, LIMIT_PAGE_VALUE, header + name_size + 1,
				   size);
			ret_value[size] = 0;
		}
		header += pair;
		header += strspn(header, "; ");
	}
	return found;
}
