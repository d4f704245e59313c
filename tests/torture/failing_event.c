/*
 * libevent 2.1 does not survive want of memory: where it has none for a loop it frees
 * twice, where it has none for a stream or a callback it writes to NULL. An agent that
 * runs out there crashes, and its enclave ends with it. What can be tortured is how its
 * users take a NULL: so its own allocations succeed, and what it makes fails as a whole.
 */
#include <stdlib.h>

#include <openssl/ssl.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>

#include "tests/torture/failing.h"

struct event *__real_event_new(struct event_base *base, evutil_socket_t fd, short what,
			       event_callback_fn callback, void *context);
struct event *__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what,
			       event_callback_fn callback, void *context);
struct event_base *__real_event_base_new(void);
struct event_base *__wrap_event_base_new(void);
struct bufferevent *
__real_bufferevent_openssl_socket_new(struct event_base *base, evutil_socket_t fd,
				      SSL *ssl, enum bufferevent_ssl_state state,
				      int options);
struct bufferevent *
__wrap_bufferevent_openssl_socket_new(struct event_base *base, evutil_socket_t fd,
				      SSL *ssl, enum bufferevent_ssl_state state,
				      int options);

static void *spared_malloc(size_t size)
{
	bool counted = failing_pause();
	void *block = malloc(size);

	failing_resume(counted);
	return block;
}

static void *spared_realloc(void *block, size_t size)
{
	bool counted = failing_pause();
	void *moved = realloc(block, size);

	failing_resume(counted);
	return moved;
}

void failing_spare_libevent(void)
{
	event_set_mem_functions(spared_malloc, spared_realloc, free);
}

struct event *__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what,
			       event_callback_fn callback, void *context)
{
	return failing_now() ? NULL : __real_event_new(base, fd, what, callback, context);
}

struct event_base *__wrap_event_base_new(void)
{
	return failing_now() ? NULL : __real_event_base_new();
}

struct bufferevent *
__wrap_bufferevent_openssl_socket_new(struct event_base *base, evutil_socket_t fd,
				      SSL *ssl, enum bufferevent_ssl_state state,
				      int options)
{
	if (!failing_now())
		return __real_bufferevent_openssl_socket_new(base, fd, ssl, state,
							     options);
	SSL_free(ssl); /* as libevent does with BEV_OPT_CLOSE_ON_FREE */
	return NULL;
}
