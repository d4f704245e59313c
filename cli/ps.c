#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "cli/service_client.h"
#include "codec/cbor.h"

struct row {
	struct tobi_bytes id, name, image_id, state;
	int64_t started;
	uint64_t pid, memory, processes;
	size_t port_count;
	struct {
		struct tobi_bytes address;
		unsigned port, inner;
	} ports[LIMIT_PORTS];
};

static void read_ports(struct cbor *cbor, struct row *row)
{
	row->port_count = cbor_array(cbor, LIMIT_PORTS, "ports");
	for (size_t i = 0; i < row->port_count; i++) {
		if (cbor_array(cbor, 3, "port") != 3)
			cbor_fail(cbor, TOBI_E_MALFORMED, "port");
		row->ports[i].address = cbor_text(cbor, 64, "address");
		row->ports[i].port = (unsigned)cbor_uint_max(cbor, UINT16_MAX, "port");
		row->ports[i].inner =
		    (unsigned)cbor_uint_max(cbor, UINT16_MAX, "inner port");
	}
}

static void read_row(struct cbor *cbor, struct row *ret_row)
{
	struct cbor_map map = cbor_map(cbor, 16, "enclave");
	struct row row = {0};
	int64_t key = 0;

	while (cbor_map_int(cbor, &map, &key, "key")) {
		switch (key) {
		case 0:
			row.id = cbor_text(cbor, 16, "id");
			break;
		case 1:
			row.name = cbor_text(cbor, LIMIT_NAME, "name");
			break;
		case 2:
			row.image_id = cbor_bytes_exact(cbor, SHA384_SIZE, "image id");
			break;
		case 3:
			row.started = (int64_t)cbor_uint_max(cbor, INT64_MAX, "started");
			break;
		case 4:
			row.state = cbor_text(cbor, 64, "state");
			break;
		case 5:
			row.pid = cbor_uint(cbor, "pid");
			break;
		case 6:
			read_ports(cbor, &row);
			break;
		case 7:
			row.memory = cbor_uint(cbor, "memory");
			break;
		case 8:
			row.processes = cbor_uint(cbor, "processes");
			break;
		default:
			cbor_skip(cbor, "value");
		}
	}
	*ret_row = row;
}

static void print_ago(int64_t seconds)
{
	char text[32];

	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		snprintf(text, sizeof(text), "%llds", (long long)seconds);
	else if (seconds < 7200)
		snprintf(text, sizeof(text), "%lldmin", (long long)seconds / 60);
	else
		snprintf(text, sizeof(text), "%lldh", (long long)seconds / 3600);
	printf("%-7s", text);
}

static void print_row(const struct row *row, int64_t now)
{
	char hex[17];

	hex_write((struct tobi_bytes){row->image_id.ptr, 8}, hex, sizeof(hex));
	cli_print_text(stdout, row->id);
	printf("  %-16.*s  %-19.*s  ", (int)row->name.size, (const char *)row->name.ptr,
	       (int)row->state.size, (const char *)row->state.ptr);
	print_ago(now - row->started);
	printf("  %5.1f MiB  %5llu  %s  ", (double)row->memory / (1 << 20),
	       (unsigned long long)row->processes, hex);
	for (size_t i = 0; i < row->port_count; i++)
		printf("%s%.*s:%u", i ? "," : "", (int)row->ports[i].address.size,
		       (const char *)row->ports[i].address.ptr, row->ports[i].port);
	printf("\n");
}

static json_t *json_row(const struct row *row)
{
	char hex[2 * SHA384_SIZE + 1], started[CLI_TIME_SIZE];
	json_t *ports = json_array();

	for (size_t i = 0; i < row->port_count; i++)
		json_array_append_new(ports, json_pack("{s:s%,s:i,s:i}", "address",
						       row->ports[i].address.ptr,
						       row->ports[i].address.size, "port",
						       (int)row->ports[i].port, "inner",
						       (int)row->ports[i].inner));
	hex_write(row->image_id, hex, sizeof(hex));
	cli_format_time(row->started, started);
	return json_pack("{s:s%,s:s%,s:s%,s:s,s:s,s:I,s:I,s:I,s:o}", "id", row->id.ptr,
			 row->id.size, "name", row->name.ptr, row->name.size, "state",
			 row->state.ptr, row->state.size, "started", started, "image-id",
			 hex, "pid", (json_int_t)row->pid, "memory",
			 (json_int_t)row->memory, "processes", (json_int_t)row->processes,
			 "ports", ports);
}

static enum tobi_err ask(struct packet *ret_reply, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int service = -1;
	CLEANUP(wr_done) struct writer request = wr_init(16);
	enum tobi_err err = service_connect(false, &service, fault);

	if (err)
		return err;
	service_request(&request, REQUEST_LIST, 0);
	return service_ask(service, &request, REPLY_ENCLAVES, ret_reply, fault);
}

/* rows is NULL for text. */
static enum tobi_err show(struct tobi_bytes reply, json_t *rows, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(reply, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 2, "enclaves");
	int64_t key = 0, now = (int64_t)time(NULL);
	size_t count = 0;

	cbor_map_int(&cbor, &map, &key, "kind");
	cbor_skip(&cbor, "kind");
	if (cbor_map_int(&cbor, &map, &key, "enclaves"))
		count = cbor_array(&cbor, LIMIT_ENCLAVES, "enclaves");
	if (!rows && !cbor_failed(&cbor))
		printf("%-8s  %-16s  %-19s  %-7s  %9s  %5s  %-16s  %s\n", "ID", "NAME",
		       "STATE", "SINCE", "MEMORY", "TASKS", "IMAGE", "PORTS");
	for (size_t i = 0; i < count; i++) {
		struct row row;

		read_row(&cbor, &row);
		if (cbor_failed(&cbor))
			break;
		if (rows)
			json_array_append_new(rows, json_row(&row));
		else
			print_row(&row, now);
	}
	return cbor_finish(&cbor, "enclaves", fault);
}

int cmd_ps(int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(packet_done) struct packet reply = {0};
	struct tobi_fault fault = {0};
	json_t *rows = NULL;
	bool json = false;
	enum tobi_err err;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'j')
			return cli_usage("ps", "wrong option");
		json = true;
	}
	if (optind != argc)
		return cli_usage("ps", "it takes no argument");
	err = ask(&reply, &fault);
	/* No service is no enclave. */
	if (err && err != TOBI_E_NOT_FOUND)
		return cli_fail(&fault);
	if (json)
		rows = json_array();
	else if (err)
		fprintf(stderr, "tobichi: no enclave runs\n");
	if (!err && show(wr_view(&reply.bytes), rows, &fault)) {
		json_decref(rows);
		return cli_fail(&fault);
	}
	return json ? cli_put_json(NULL, rows) : EXIT_ACCEPTED;
}
