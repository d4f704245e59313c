/* Heads of requests, and the routes that their paths lead to. */
#include <string.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "broker/http_head.h"
#include "broker/route.h"
#include "fuzz/fuzz.h"

static const struct broker_route routes[] = {
    {HTTP_GET, "/a/{}/{}", ROUTE_OPEN, 0, NULL, "a"},
    {HTTP_POST | HTTP_PUT, "/b/{...}", ROUTE_OPEN, 0, NULL, "b"},
    {.pattern = NULL}};

/* One spelling: decoded paths are text without anything that leads elsewhere. */
static void check_path(const char *path)
{
	must(path[0] == '/' && utf8_is_text(bytes_of_text(path)));
	must(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
	must(!strchr(path, '\\') && strlen(path) <= HTTP_HEAD_TARGET);
}

static void check_headers(const struct http_head *head)
{
	must(head->header_count <= HTTP_HEAD_HEADERS);
	for (size_t i = 0; i < head->header_count; i++) {
		const char *name = head->headers[i].name, *value = head->headers[i].value;

		must(name[0] && !strpbrk(name, " \t:ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
		must(!strpbrk(value, "\r\n\x7f"));
		/* Each name once: the first that is found is this one. */
		must(http_head_find(head, name) == value);
	}
	must(!http_head_find(head, "transfer-encoding"));
}

static void check_route(const struct http_head *head)
{
	static const struct broker_route *const tables[] = {routes, NULL};
	const struct broker_route *route = NULL;
	unsigned allowed = 0;
	int status = route_find(tables, head->method, head->path, &route, &allowed);
	struct tobi_bytes part;

	must(status == 0 || status == 404 || status == 405);
	must((status == 0) == (route != NULL) && (status == 405) == (allowed != 0));
	if (!route)
		return;
	part = route_part(route->pattern, head->path, 0);
	must(part.size > 0);
	must_be_inside(part, bytes_of_text(head->path));
	must(route == &routes[1] || !memchr(part.ptr, '/', part.size));
}

bool fuzz_one(struct tobi_bytes input)
{
	char *text = malloc(input.size + 1);
	struct http_head head;
	int status;

	must(text != NULL);
	bytes_copy(text, input.size, input.ptr, input.size);
	text[input.size] = 0;
	status = http_head_read(text, input.size, &head);
	must(status == 0 || (status >= 400 && status <= 505 && head.wrong));
	if (status == 0) {
		check_path(head.path);
		check_headers(&head);
		check_route(&head);
		must(!strpbrk(head.query, " \r\n#"));
	}
	free(text);
	return status == 0;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const good[] = {
	    "GET /a/b/c HTTP/1.1\r\nHost: h\r\n\r\n",
	    "POST /b/c%20d?e=%2F HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\n"
	    "Expect: 100-continue\r\nCookie: a=b; c=\"d\"\r\n\r\n",
	    "PUT http://h/b/%c3%a9 HTTP/1.0\r\nhost: h\r\nConnection: a, "
	    "keep-alive\r\n\r\n",
	};
	static const char *const bad[] = {
	    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "GET /%2e%2e/ HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
	};
	const unsigned goods = sizeof(good) / sizeof(good[0]);

	if (number >= goods + sizeof(bad) / sizeof(bad[0]))
		return FUZZ_NO_SEED;
	wr_printf(out, "%s", number < goods ? good[number] : bad[number - goods]);
	return number < goods ? FUZZ_GOOD : FUZZ_BAD;
}
