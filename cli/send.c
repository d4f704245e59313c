#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "cli/channel.h"
#include "cli/cli.h"
#include "cli/guard.h"
#include "cli/secret_input.h"
#include "codec/cbor.h"

/* The client's side of tobichi-secrets/1 (docs/PROTOCOL.md section 5). */

enum { PUT = 1, DONE, REPLY };
enum { HEADER = 4, LIMIT_REPLY = 1 << 10, LIMIT_PUT = LIMIT_SECRET + (1 << 10) };

struct item {
	const char *name;
	struct secret content;
};

struct sending {
	struct channel *channel;
	struct atls_conn *conn;
	struct item items[LIMIT_SECRETS];
	size_t count;
	size_t replied;
	bool opened, over, refused;
	struct tobi_fault fault;
};

static void stop(struct sending *sending, const struct tobi_fault *fault)
{
	sending->over = true;
	if (fault)
		sending->fault = *fault;
	event_base_loopbreak(sending->channel->base);
}

static const char *status_text(uint64_t status)
{
	static const char *const texts[] = {"stored",
					    "the image does not allow this name",
					    "there is one by this name already",
					    "it is too large",
					    "this key is not the owner's; use --key",
					    "the enclave failed"};

	return status < sizeof(texts) / sizeof(texts[0]) ? texts[status]
							 : "unknown answer";
}

/* ---- messages ---- */

static enum tobi_err write_put(struct bufferevent *stream, const struct item *item)
{
	CLEANUP(wr_done) struct writer out = wr_init(HEADER + LIMIT_PUT);

	wr_uint_be(&out, 0, HEADER);
	cbor_write_map(&out, item ? 3 : 1);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, item ? PUT : DONE);
	if (item) {
		cbor_write_uint(&out, 1);
		cbor_write_text(&out, item->name);
		cbor_write_uint(&out, 2);
		cbor_write_bytes(&out, secret_view(&item->content));
	}
	if (wr_err(&out))
		return wr_err(&out);
	store_be(out.ptr, HEADER, out.size - HEADER);
	return bufferevent_write(stream, out.ptr, out.size) == 0 ? TOBI_OK
								 : TOBI_E_MEMORY;
}

static enum tobi_err read_reply(struct tobi_bytes bytes, uint64_t *ret_status,
				struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 3, "reply");
	bool typed = false, answered = false;
	uint64_t status = 0;
	enum tobi_err err;
	int64_t key;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		if (key == 0)
			typed = cbor_uint(&cbor, "type") == REPLY;
		else if (key == 1 && (answered = true))
			status = cbor_uint_max(&cbor, 255, "status");
		else if (key == 2)
			cbor_text(&cbor, LIMIT_REPLY, "text");
		else
			cbor_fail(&cbor, TOBI_E_MALFORMED, "unknown key");
	}
	cbor_require(&cbor, typed, "type");
	cbor_require(&cbor, answered, "status");
	err = cbor_finish(&cbor, "REPLY", fault);
	if (err)
		return err;
	*ret_status = status;
	return TOBI_OK;
}

/* One reply for each PUT, and one for DONE. */
static void take_reply(struct sending *sending, uint64_t status)
{
	bool done = sending->replied == sending->count;

	if (status) {
		fprintf(stderr, "tobichi: %s%s: %s\n", done ? "" : "secret ",
			done ? "the enclave did not finish"
			     : sending->items[sending->replied].name,
			status_text(status));
		sending->refused = true;
	}
	sending->replied++;
	if (done)
		stop(sending, NULL);
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct sending *sending = context;
	struct evbuffer *input = bufferevent_get_input(stream);
	struct tobi_fault fault;
	uint8_t header[HEADER], body[LIMIT_REPLY];
	uint64_t status;
	size_t size;

	while (!sending->over && evbuffer_copyout(input, header, HEADER) == HEADER) {
		size = load_u32be(header);
		if (size == 0 || size > LIMIT_REPLY) {
			fault_at(&fault, TOBI_E_LIMIT, "REPLY", "size", 0,
				 "the enclave sent an answer of %zu bytes", size);
			stop(sending, &fault);
			return;
		}
		if (evbuffer_get_length(input) < HEADER + size)
			return;
		evbuffer_drain(input, HEADER);
		evbuffer_remove(input, body, size);
		if (read_reply((struct tobi_bytes){body, size}, &status, &fault))
			stop(sending, &fault);
		else
			take_reply(sending, status);
	}
}

/* ---- the session ---- */

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct tobi_fault fault;

	(void)stream;
	(void)what;
	fault_set(&fault, TOBI_E_PROTOCOL, "secrets", "",
		  "the enclave ended the session early");
	stop(context, &fault);
}

static void on_opened(struct atls_conn *conn, void *context)
{
	struct sending *sending = context;
	struct bufferevent *stream = atls_conn_stream(conn);
	struct tobi_fault fault;
	enum tobi_err err = TOBI_OK;

	sending->opened = true;
	/* Without it the bytes would go to the program's own port. */
	if (strcmp(atls_conn_protocol(conn), ATLS_PROTOCOL_SECRETS) != 0) {
		fault_set(&fault, TOBI_E_UNSUPPORTED, "secrets", "protocol",
			  "the peer takes no secrets");
		stop(sending, &fault);
		return;
	}
	bufferevent_setcb(stream, on_read, NULL, on_event, sending);
	for (size_t i = 0; i < sending->count && !err; i++)
		err = write_put(stream, &sending->items[i]);
	if (!err)
		err = write_put(stream, NULL);
	if (err) {
		fault_set(&fault, err, "secrets", "", "they cannot be sent");
		stop(sending, &fault);
	}
}

static void on_closed(struct atls_conn *conn, const struct tobi_fault *fault,
		      void *context)
{
	(void)conn;
	stop(context, fault);
}

static void on_need_evidence(struct atls_conn *conn, struct tobi_bytes claims_buffer,
			     void *context)
{
	(void)claims_buffer;
	(void)context;
	atls_conn_cannot_attest(conn, NULL);
}

static int run(struct channel *channel, struct sending *sending)
{
	static const struct atls_events events = {on_need_evidence, on_opened, on_closed};
	int status;

	sending->channel = channel;
	if (channel_connect(channel, &events, sending, &sending->conn, &sending->fault))
		return cli_fail(&sending->fault);
	while (!sending->over && !channel->interrupted)
		event_base_dispatch(channel->base);
	if (channel->interrupted)
		return cli_error("interrupted");
	status = channel_report(channel, sending->conn,
				sending->opened ? NULL : &sending->fault);
	if (status)
		return status;
	if (sending->fault.code)
		return cli_fail(&sending->fault);
	if (sending->refused)
		return EXIT_REFUSED;
	if (!channel->options.quiet)
		fprintf(stderr, "sent: %zu secret%s\n", sending->count,
			sending->count == 1 ? "" : "s");
	return EXIT_ACCEPTED;
}

/* ---- arguments ---- */

static enum tobi_err read_item(char *argument, struct item *ret_item,
			       struct tobi_fault *fault)
{
	char *equals = strchr(argument, '=');

	if (!equals || equals == argument)
		return fault_set(fault, TOBI_E_ARGUMENT, argument, "",
				 "it is not NAME=FILE");
	*equals = '\0';
	ret_item->name = argument;
	return cli_read_secret(equals + 1, &ret_item->content, fault);
}

static const struct option long_options[] = {{"policy", required_argument, NULL, 'p'},
					     {"key", required_argument, NULL, 'k'},
					     {"name", required_argument, NULL, 'n'},
					     {"collateral", required_argument, NULL, 'c'},
					     {"cache", optional_argument, NULL, 'C'},
					     {"quiet", no_argument, NULL, 'q'},
					     {"verbose", no_argument, NULL, 'v'},
					     {NULL, 0, NULL, 0}};

int cmd_send(int argc, char **argv)
{
	static const char *const protocols[] = {ATLS_PROTOCOL_SECRETS, NULL};
	struct channel_options options = {.protocols = protocols};
	struct sending sending = {0};
	struct tobi_fault fault = {0};
	struct channel channel;
	int option, status = 0;

	optind = 1;
	while ((option = getopt_long(argc, argv, "p:k:n:qv", long_options, NULL)) != -1) {
		switch (option) {
		case 'p':
			options.policy = optarg;
			break;
		case 'k':
			options.key = optarg;
			break;
		case 'n':
			options.name = optarg;
			break;
		case 'c':
			if (collateral_paths_add(&options.collateral, optarg))
				return cli_usage("send",
						 "there are too many --collateral");
			break;
		case 'C':
			options.collateral.cache = optarg ? optarg : "";
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		default:
			return cli_usage("send", "there is no such option");
		}
	}
	if (guard_memory(&fault))
		return cli_fail(&fault);
	if (argc - optind < 2 || argc - optind - 1 > LIMIT_SECRETS)
		return cli_usage("send", "it needs HOST:PORT and 1 to %d times NAME=FILE",
				 LIMIT_SECRETS);
	options.target = argv[optind++];
	for (; optind < argc && !status; optind++) {
		if (read_item(argv[optind], &sending.items[sending.count++], &fault))
			status = cli_fail(&fault);
	}
	if (!status) {
		status = channel_init(&channel, "send", &options);
		if (!status)
			status = run(&channel, &sending);
		atls_conn_free(sending.conn);
		channel_done(&channel);
	}
	for (size_t i = 0; i < sending.count; i++)
		secret_done(&sending.items[i].content);
	return status;
}
