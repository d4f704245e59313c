#include "world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/secret.h"
#include "broker/release.h"
#include "broker/route.h"
#include "daemons/broker/attesting.h"
#include "pki/cert.h"
#include "pki/chain.h"

static struct {
	struct config *config;
	struct dispatch dispatch;
	struct server server;
	struct event *stop;
	int stop_fd, port, attested_port;
	char folder[32]; /* of the attested listener's files; or empty */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct metrics_counters last;
	bool released;
	unsigned waiting, echoed;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static enum tobi_err hello(struct broker *broker, const struct broker_request *request,
			   struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)fault;
	reply->content_type = "text/plain";
	wr_printf(&reply->body, "hello %s\n", request->remote);
	return TOBI_OK;
}

static enum tobi_err echo(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)fault;
	pthread_mutex_lock(&world.lock);
	world.echoed++;
	pthread_mutex_unlock(&world.lock);
	reply->content_type = "application/octet-stream";
	wr_bytes(&reply->body, request->body.ptr, request->body.size);
	return TOBI_OK;
}

static enum tobi_err wait(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)request, (void)fault;
	pthread_mutex_lock(&world.lock);
	world.waiting++;
	pthread_cond_broadcast(&world.changed);
	while (!world.released)
		pthread_cond_wait(&world.changed, &world.lock);
	world.waiting--;
	pthread_mutex_unlock(&world.lock);
	reply->content_type = "text/plain";
	wr_printf(&reply->body, "waited\n");
	return TOBI_OK;
}

static enum tobi_err secret(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)request, (void)fault;
	reply->secret = true;
	reply->content_type = "application/octet-stream";
	wr_printf(&reply->body, "s3cret");
	/* Against this the server must stand. */
	return broker_reply_header(reply, "Cache-Control", "max-age=60");
}

static enum tobi_err failing(struct broker *broker, const struct broker_request *request,
			     struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)request;
	wr_printf(&reply->body, "half of it");
	snprintf(fault->message, sizeof(fault->message), "the disk is full");
	return TOBI_E_SYSTEM;
}

static enum tobi_err item(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct tobi_fault *fault)
{
	struct tobi_bytes part = route_part("/item/{}", request->path, 0);

	(void)broker, (void)fault;
	reply->content_type = "text/plain";
	wr_bytes(&reply->body, part.ptr, part.size);
	return TOBI_OK;
}

static enum tobi_err who(struct broker *broker, const struct broker_request *request,
			 struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)fault;
	reply->content_type = "text/plain";
	wr_printf(&reply->body, "%s", request->principal->name);
	return TOBI_OK;
}

static enum tobi_err seen(struct broker *broker, const struct broker_request *request,
			  struct broker_reply *reply, struct tobi_fault *fault)
{
	const struct presented *presented = request->presented;

	(void)broker, (void)fault;
	reply->content_type = "text/plain";
	wr_printf(&reply->body, "secure %d key %d from %s", request->secure,
		  request->client_key ? request->client_key[0] : -1, request->remote);
	if (presented)
		wr_printf(&reply->body, " proven %zu over %zu by %s from %s",
			  presented->evidence.size, presented->claims_buffer.size,
			  presented->channel, presented->remote);
	return TOBI_OK;
}

static enum tobi_err denied(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	(void)broker, (void)request, (void)fault;
	reply->status = 403;
	reply->content_type = "text/plain";
	wr_printf(&reply->body, "denied\n");
	return TOBI_OK;
}

const struct broker_route world_routes[] = {
    {HTTP_GET, "/hello", ROUTE_OPEN, 0, hello, "hello"},
    {HTTP_POST, "/echo", ROUTE_OPEN, 1000, echo, "echo"},
    {HTTP_GET, "/wait", ROUTE_OPEN, 0, wait, "wait"},
    {HTTP_GET, "/secret", ROUTE_OPEN, 0, secret, "secret"},
    {HTTP_GET, "/fail", ROUTE_OPEN, 0, failing, "fail"},
    {HTTP_GET, "/item/{}", ROUTE_OPEN, 0, item, "item"},
    {HTTP_GET, "/seen", ROUTE_OPEN, 0, seen, "seen"},
    {HTTP_GET, "/owner", ROUTE_OWNER, 0, who, "owner"},
    {HTTP_GET, "/attested", ROUTE_ATTESTED, 0, hello, "attested"},
    {HTTP_GET, "/proven", ROUTE_ATTESTED, 0, seen, "proven"},
    {HTTP_POST, "/proven/echo", ROUTE_ATTESTED, 1000, echo, "proven-echo"},
    {HTTP_GET, "/denied", ROUTE_ATTESTED, 0, denied, "denied"},
    {HTTP_PUT, "/operator", ROUTE_ADMIN, 100, who, "operator"},
    {.pattern = NULL}};

/* The header Authorization is the name. */
static enum tobi_err principal(struct broker *broker,
			       const struct broker_request *request,
			       struct principal *ret_principal, struct tobi_fault *fault)
{
	const char *name = request->header(request, "authorization");

	(void)broker;
	if (!name) {
		snprintf(fault->message, sizeof(fault->message), "nobody has \"signed\"");
		return TOBI_E_DENIED;
	}
	snprintf(ret_principal->name, sizeof(ret_principal->name), "%.60s", name);
	ret_principal->operator= strcmp(name, "boss") == 0;
	return TOBI_OK;
}

static int64_t now(void)
{
	return time(NULL);
}

static int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void on_stop(evutil_socket_t fd, short what, void *unused)
{
	uint64_t count;

	(void)what, (void)unused;
	assert_int_equal(read((int)fd, &count, sizeof(count)), sizeof(count));
	server_stop(&world.server);
}

static void *run(void *unused)
{
	event_base_dispatch(world.server.base);
	return unused;
}

void world_start(const char *limits)
{
	world_start_as("loopback", NULL, limits);
}

static const char *file_of(const char *name)
{
	static char path[2][64];
	static unsigned next;
	char *out = path[next++ % 2];

	snprintf(out, sizeof(path[0]), "%s/%s", world.folder, name);
	return out;
}

/* A key of P-256 and a certificate of it. */
static void make_files(void)
{
	struct writer der = wr_init(LIMIT_CERTIFICATE), pem = wr_init(LIMIT_PEM);
	struct cert_request request = {.role = CERT_TLS,
				       .common_name = "test",
				       .not_before = time(NULL) - 60,
				       .not_after = time(NULL) + 3600};

	snprintf(world.folder, sizeof(world.folder), "/tmp/attested.XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	assert_int_equal(key_new(KEY_P256, &request.key, NULL), 0);
	assert_int_equal(cert_make(&request, NULL, NULL, &der, NULL), 0);
	assert_int_equal(chain_write_pem(wr_view(&der), &pem, NULL), 0);
	assert_int_equal(file_write(file_of("pem"), 0600, wr_view(&pem), "test", NULL),
			 0);
	wr_done(&pem);
	pem = wr_init(LIMIT_PEM);
	assert_int_equal(key_write_private(request.key, &pem, NULL), 0);
	assert_int_equal(file_write(file_of("key"), 0600, wr_view(&pem), "test", NULL),
			 0);
	EVP_PKEY_free(request.key);
	wr_done(&pem);
	wr_done(&der);
}

void world_start_attested(const char *limits)
{
	make_files();
	world.attested_port = free_port();
	world_start_as("loopback", NULL, limits);
}

static void remove_files(void)
{
	if (!world.folder[0])
		return;
	unlink(file_of("pem"));
	unlink(file_of("key"));
	rmdir(world.folder);
	world.folder[0] = 0;
}

void world_start_as(const char *plain,
		    enum tobi_err (*reach_agent)(int *ret_fd, struct tobi_fault *fault),
		    const char *limits)
{
	static const struct broker_route *const tables[] = {world_routes, NULL};
	struct tobi_fault fault = {0};
	char text[2048], attested[256] = "";

	do {
		world.port = free_port(); /* the other one is free still */
	} while (world.folder[0] && world.port == world.attested_port);
	if (world.folder[0])
		snprintf(attested, sizeof(attested),
			 "attested:\n  listen: [\"127.0.0.1:%d\"]\n  certificate: %s\n  "
			 "key: %s\n",
			 world.attested_port, file_of("pem"), file_of("key"));
	world.released = false;
	world.waiting = world.echoed = 0;
	snprintf(text, sizeof(text),
		 "name: test\nlisten: [\"127.0.0.1:%d\"]\nplain: %s\n"
		 "database: sqlite:/none\nkeys: file:/none\ntoken-key: /none\n"
		 "metrics: main\nlog: none\n%slimits:\n  stop-seconds: 8\n%s",
		 world.port, plain, attested, limits);
	assert_int_equal(
	    config_parse(bytes_of_text(text), "config", &world.config, &fault), TOBI_OK);
	world.dispatch = (struct dispatch){.principal = principal, .now = now};
	assert_int_equal(dispatch_init(&world.dispatch, &fault), TOBI_OK);
	world.server = (struct server){.config = world.config,
				       .dispatch = &world.dispatch,
				       .tables = tables,
				       .internal_tables = tables,
				       .reach_agent = reach_agent,
				       .base = event_base_new()};
	assert_non_null(world.server.base);
	if (world.folder[0])
		assert_int_equal(
		    attesting_self_load(world.config, &world.server.self, &fault),
		    TOBI_OK);
	assert_int_equal(server_listen(&world.server, &fault), TOBI_OK);
	assert_int_equal(server_open(&world.server, &fault), TOBI_OK);
	world.stop_fd = eventfd(0, EFD_CLOEXEC);
	world.stop = event_new(world.server.base, world.stop_fd, EV_READ | EV_PERSIST,
			       on_stop, NULL);
	event_add(world.stop, NULL);
	assert_int_equal(pthread_create(&world.thread, NULL, run, NULL), 0);
}

void world_ask_to_stop(void)
{
	const uint64_t one = 1;

	assert_int_equal(write(world.stop_fd, &one, sizeof(one)), sizeof(one));
}

void world_wait(void)
{
	pthread_join(world.thread, NULL);
	event_free(world.stop);
	close(world.stop_fd);
	world.last = *world.server.count;
	server_done(&world.server);
	dispatch_done(&world.dispatch);
	event_base_free(world.server.base);
	config_free(world.config);
	remove_files();
}

void world_stop(void)
{
	world_release();
	world_ask_to_stop();
	world_wait();
}

void world_release(void)
{
	pthread_mutex_lock(&world.lock);
	world.released = true;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
}

unsigned world_waiting(void)
{
	unsigned waiting;

	pthread_mutex_lock(&world.lock);
	waiting = world.waiting;
	pthread_mutex_unlock(&world.lock);
	return waiting;
}

void world_wait_for(unsigned count)
{
	pthread_mutex_lock(&world.lock);
	while (world.waiting != count)
		pthread_cond_wait(&world.changed, &world.lock);
	pthread_mutex_unlock(&world.lock);
}

unsigned world_echoed(void)
{
	unsigned echoed;

	pthread_mutex_lock(&world.lock);
	echoed = world.echoed;
	pthread_mutex_unlock(&world.lock);
	return echoed;
}

const struct metrics_counters *world_count(void)
{
	return world.server.count;
}

static int connect_to(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval ten = {10, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof(ten));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

const struct metrics_counters *world_count_last(void)
{
	return &world.last;
}

int world_connect(void)
{
	return connect_to(world.port);
}

int world_connect_attested(void)
{
	return connect_to(world.attested_port);
}

void world_send(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t some = send(fd, bytes, size, MSG_NOSIGNAL);

		/* Who is refused early may find the door closed. */
		if (some <= 0)
			return;
		bytes += some;
		size -= (size_t)some;
	}
}

bool world_read_all(int fd, char *out, size_t room)
{
	size_t got = 0;
	ssize_t some = -1;

	while (got + 1 < room && (some = recv(fd, out + got, room - 1 - got, 0)) > 0)
		got += (size_t)some;
	out[got] = 0;
	return got + 1 < room && some == 0;
}

/* Byte by byte: nothing of the next reply is taken. */
int world_read_reply(int fd, char *out, size_t room)
{
	char head[4096] = "";
	size_t got = 0, length = 0;
	const char *at;
	int status = 0;

	while (!strstr(head, "\r\n\r\n")) {
		if (got + 1 >= sizeof(head) || recv(fd, head + got, 1, 0) != 1)
			return 0;
		head[++got] = 0;
	}
	if (sscanf(head, "HTTP/1.1 %d", &status) != 1)
		return 0;
	at = strstr(head, "Content-Length: ");
	if (at && sscanf(at, "Content-Length: %zu", &length) == 1)
		assert_true(length + 1 <= room);
	for (got = 0; got < length; got++) {
		if (recv(fd, out + got, 1, 0) != 1)
			return 0;
	}
	out[got] = 0;
	return status;
}

int world_status(const char *bytes, bool *ret_closed)
{
	static char out[1 << 16];
	int fd = world_connect();
	int status;
	char byte;

	world_send(fd, bytes, strlen(bytes));
	status = world_read_reply(fd, out, sizeof(out));
	*ret_closed = false;
	if (status) {
		/* Another request shows whether the connection can be used on. */
		world_send(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 33);
		*ret_closed = recv(fd, &byte, 1, 0) <= 0;
	}
	close(fd);
	return status;
}
