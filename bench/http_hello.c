/* libevent's own HTTP server, with the least that a page can be: what /healthz of the
 * broker is measured beside. Usage: http_hello PORT. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

static void answer(struct evhttp_request *request, void *unused)
{
	struct evbuffer *body = evbuffer_new();

	(void)unused;
	evbuffer_add_printf(body, "ok\n");
	evhttp_send_reply(request, HTTP_OK, "OK", body);
	evbuffer_free(body);
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	long port = argc == 2 ? strtol(argv[1], NULL, 10) : 0;

	if (!http || port <= 0 || port > 65535 ||
	    evhttp_bind_socket(http, "127.0.0.1", (unsigned short)port)) {
		fputs("usage: http_hello PORT\n", stderr);
		return 2;
	}
	evhttp_set_gencb(http, answer, NULL);
	return event_base_dispatch(base) < 0 ? 2 : 0;
}
