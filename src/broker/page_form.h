/* What a browser sends: forms, queries and cookies. Read strictly: what is not expected,
 * is there twice, or is no text, is refused and never guessed at. */
#ifndef TOBI_BROKER_PAGE_FORM_H
#define TOBI_BROKER_PAGE_FORM_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/writer.h"

struct page_field {
	const char *name;
	bool there;
	char value[LIMIT_PAGE_VALUE + 1]; /* decoded; text without control characters */
};

/*
 * "a=b&c=d+e%20f" (application/x-www-form-urlencoded) into these fields. False for a name
 * that is none of them or comes twice, for a broken escape, for what is no text
 * (utf8_is_text()), and for what is too long.
 */
bool page_form_read(struct tobi_bytes text, struct page_field *fields, size_t count);
/*
 * The value of one cookie, at most LIMIT_PAGE_VALUE bytes. False when it is not there,
 * when it is there twice (nobody knows which of them is ours), and when the header is too
 * long.
 */
bool page_cookie_read(const char *header, const char *name,
		      char ret_value[static LIMIT_PAGE_VALUE + 1]);

#endif
