#include "broker/route.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"

static const struct {
	enum http_method method;
	const char *name;
} names[] = {
    {HTTP_GET, "GET"}, {HTTP_POST, "POST"}, {HTTP_PUT, "PUT"}, {HTTP_DELETE, "DELETE"}};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static bool is_part(const char *pattern, size_t size, const char *text)
{
	return size == strlen(text) && strncmp(pattern, text, size) == 0;
}

/* Both start with a slash, each time round. wanted: the {} to find; ret_part may be NULL.
 */
static bool fits(const char *pattern, const char *path, size_t wanted,
		 struct tobi_bytes *ret_part)
{
	size_t seen = 0;

	while (*pattern == '/' && *path == '/') {
		size_t asked = strcspn(pattern + 1, "/"), given = strcspn(path + 1, "/");
		bool rest = is_part(pattern + 1, asked, "{...}");
		bool one = is_part(pattern + 1, asked, "{}");

		if (rest)
			given = strlen(path + 1);
		if ((rest || one) && !given)
			return false;
		if (!rest && !one &&
		    (asked != given || strncmp(pattern + 1, path + 1, asked) != 0))
			return false;
		if ((rest || one) && seen++ == wanted && ret_part)
			*ret_part = (struct tobi_bytes){(const uint8_t *)path + 1, given};
		pattern += 1 + asked;
		path += 1 + given;
	}
	return !*pattern && !*path;
}

int route_find(const struct broker_route *const *tables, enum http_method method,
	       const char *path, const struct broker_route **ret_route,
	       unsigned *ret_allowed)
{
	unsigned allowed = 0;

	for (; *tables; tables++) {
		for (const struct broker_route *row = *tables; row->pattern; row++) {
			if (!fits(row->pattern, path, 0, NULL))
				continue;
			if (row->methods & method) {
				*ret_route = row;
				return 0;
			}
			allowed |= row->methods;
		}
	}
	*ret_allowed = allowed;
	return allowed ? 405 : 404;
}

void route_allowed(unsigned methods, char out[static ROUTE_ALLOWED_SIZE])
{
	size_t used = 0;

	out[0] = 0;
	for (size_t i = 0; i < NAMES; i++) {
		if (methods & names[i].method)
			used += (size_t)snprintf(out + used, ROUTE_ALLOWED_SIZE - used,
						 "%s%s", used ? ", " : "", names[i].name);
	}
}

const char *route_method(enum http_method method)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (names[i].method == method)
			return names[i].name;
	}
	return "?";
}

struct tobi_bytes route_part(const char *pattern, const char *path, size_t index)
{
	struct tobi_bytes part = {NULL, 0};

	return fits(pattern, path, index, &part) ? part : (struct tobi_bytes){NULL, 0};
}
