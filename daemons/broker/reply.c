/* A reply in bytes, with the headers that every reply of the broker has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "daemons/broker/conn.h"

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} known[] = {{200, "OK"},
		     {201, "Created"},
		     {202, "Accepted"},
		     {204, "No Content"},
		     {303, "See Other"},
		     {304, "Not Modified"},
		     {400, "Bad Request"},
		     {401, "Unauthorized"},
		     {403, "Forbidden"},
		     {404, "Not Found"},
		     {405, "Method Not Allowed"},
		     {408, "Request Timeout"},
		     {409, "Conflict"},
		     {410, "Gone"},
		     {411, "Length Required"},
		     {413, "Content Too Large"},
		     {414, "URI Too Long"},
		     {415, "Unsupported Media Type"},
		     {417, "Expectation Failed"},
		     {422, "Unprocessable Content"},
		     {429, "Too Many Requests"},
		     {431, "Request Header Fields Too Large"},
		     {500, "Internal Server Error"},
		     {501, "Not Implemented"},
		     {503, "Service Unavailable"},
		     {505, "HTTP Version Not Supported"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].status == status)
			return known[i].phrase;
	}
	return "-";
}

/* What a page or a secret must not be without; a handler may say something else. */
static const struct {
	const char *name, *value;
	bool secure; /* with TLS only */
} usual[] = {
    {"Cache-Control", "no-store", false},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'", false},
    {"X-Content-Type-Options", "nosniff", false},
    {"Referrer-Policy", "no-referrer", false},
    {"Cross-Origin-Resource-Policy", "same-origin", false},
    {"Strict-Transport-Security", "max-age=31536000", true},
};

static bool has_header(const struct broker_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		if (strcasecmp(reply->headers[i].name, name) == 0)
			return true;
	}
	return false;
}

static const char *date_now(struct server *server)
{
	time_t now = time(NULL);
	struct tm tm = {0};

	if (now != server->date_of && gmtime_r(&now, &tm)) {
		server->date_of = now;
		strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT",
			 &tm);
	}
	return server->date;
}

static void wipe_body(const void *body, size_t size, void *unused)
{
	(void)unused;
	explicit_bzero((void *)body, size);
	free((void *)body);
}

static bool write_usual(struct evbuffer *out, const struct broker_reply *reply,
			bool secure)
{
	bool good = true;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		/* What is secret is in no cache, whatever a handler says. */
		bool forced = i == 0 && reply->secret;

		if ((!usual[i].secure || secure) &&
		    (forced || !has_header(reply, usual[i].name)))
			good &= evbuffer_add_printf(out, "%s: %s\r\n", usual[i].name,
						    usual[i].value) >= 0;
	}
	return good;
}

/* What has none says no length, either (RFC 9110, 8.6). */
static bool has_body(int status)
{
	return status != 204 && status != 304;
}

/* False when there was no memory for all of it. */
static bool write_head(struct conn *conn, struct evbuffer *out,
		       const struct broker_reply *reply)
{
	bool secure = conn_has_tls(conn);
	bool good =
	    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", reply->status,
				phrase(reply->status), date_now(conn->server)) >= 0;

	if (reply->body.size && reply->content_type)
		good &= evbuffer_add_printf(out, "Content-Type: %s\r\n",
					    reply->content_type) >= 0;
	if (has_body(reply->status))
		good &= evbuffer_add_printf(out, "Content-Length: %zu\r\n",
					    reply->body.size) >= 0;
	good &= write_usual(out, reply, secure);
	for (size_t i = 0; i < reply->header_count; i++) {
		if (!reply->secret ||
		    strcasecmp(reply->headers[i].name, "Cache-Control") != 0)
			good &=
			    evbuffer_add_printf(out, "%s: %s\r\n", reply->headers[i].name,
						reply->headers[i].value) >= 0;
	}
	return good &&
	       evbuffer_add_printf(out, "Connection: %s\r\n\r\n",
				   conn->close_after ? "close" : "keep-alive") >= 0;
}

void conn_write_reply(struct conn *conn, struct broker_reply *reply)
{
	struct evbuffer *out = bufferevent_get_output(conn->stream);
	bool good = write_head(conn, out, reply);

	if (good && reply->body.size && has_body(reply->status)) {
		good = evbuffer_add_reference(out, reply->body.ptr, reply->body.size,
					      wipe_body, NULL) == 0;
		if (good)
			reply->body = wr_init(0);
	}
	if (!good) {
		/* Half a reply is worse than none: nothing is sent, and it ends. */
		evbuffer_drain(out, evbuffer_get_length(out));
		conn->close_after = true;
		conn->deadline_ms = 0;
	}
	broker_reply_done(reply);
}
