#include "daemons/platform/request.h"

#include <stdio.h>

#include "base/fault.h"
#include "codec/cbor.h"

enum { NONCE_MIN = 8, NONCE_MAX = 64, SIGNAL_MAX = 31, MAX_ENTRIES = 5 };

static const char *const names[] = {
    [REQUEST_LAUNCH] = "launch", [REQUEST_SIGNAL] = "signal", [REQUEST_LIST] = "list",
    [REQUEST_STOP] = "stop",	 [REQUEST_LOGS] = "logs",     [REQUEST_ATTEST] = "attest",
    [REQUEST_STATUS] = "status",
};

static void read_port(struct cbor *cbor, struct published *port)
{
	struct tobi_bytes address;

	if (cbor_array(cbor, 3, "port") != 3)
		cbor_fail(cbor, TOBI_E_MALFORMED, "port");
	address = cbor_text(cbor, sizeof(port->address) - 1, "address");
	snprintf(port->address, sizeof(port->address), "%.*s", (int)address.size,
		 address.size ? (const char *)address.ptr : "");
	port->port = (uint16_t)cbor_uint_max(cbor, UINT16_MAX, "port");
	port->inner = (uint16_t)cbor_uint_max(cbor, UINT16_MAX, "inner port");
}

static void read_launch(struct cbor *cbor, struct cbor_map *map,
			struct launch_request *launch)
{
	if (cbor_map_expect(cbor, map, 1, "name"))
		launch->name = cbor_text(cbor, LIMIT_NAME, "name");
	if (cbor_map_expect(cbor, map, 2, "launch config"))
		launch->config = cbor_bytes(cbor, LIMIT_CONFIG, "launch config");
	if (cbor_map_expect(cbor, map, 3, "ports"))
		launch->port_count = cbor_array(cbor, LIMIT_PORTS, "ports");
	for (size_t i = 0; i < launch->port_count; i++)
		read_port(cbor, &launch->ports[i]);
	if (cbor_map_expect(cbor, map, 4, "detach"))
		launch->detach = cbor_bool(cbor, "detach");
}

static void read_entries(struct cbor *cbor, struct cbor_map *map, struct request *request)
{
	enum control_request kind = request->kind;

	if (kind == REQUEST_LAUNCH)
		read_launch(cbor, map, &request->launch);
	if ((kind == REQUEST_STOP || kind == REQUEST_LOGS || kind == REQUEST_ATTEST) &&
	    cbor_map_expect(cbor, map, 1, "id"))
		request->id = cbor_text(cbor, CONTROL_ID_MAX, "id");
	if (kind == REQUEST_STOP && cbor_map_expect(cbor, map, 2, "grace"))
		request->grace =
		    (unsigned)cbor_uint_max(cbor, CONTROL_GRACE_MAX, "grace");
	if (kind == REQUEST_ATTEST && cbor_map_expect(cbor, map, 2, "nonce"))
		request->nonce = cbor_bytes(cbor, NONCE_MAX, "nonce");
	if (kind == REQUEST_SIGNAL && cbor_map_expect(cbor, map, 1, "signal"))
		request->signal = (unsigned)cbor_uint_max(cbor, SIGNAL_MAX, "signal");
}

enum tobi_err request_parse(struct tobi_bytes packet, struct request *ret_request,
			    struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(packet, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, MAX_ENTRIES, "request");
	struct request request = {0};
	enum tobi_err err;
	uint64_t kind = 0;

	if (cbor_map_expect(&cbor, &map, 0, "request"))
		kind = cbor_uint(&cbor, "request");
	if (cbor_failed(&cbor))
		return cbor_status(&cbor, "request", fault);
	if (kind < REQUEST_LAUNCH || kind > REQUEST_STATUS)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "request", "",
				 "it is not known here");
	request.kind = (enum control_request)kind;
	read_entries(&cbor, &map, &request);
	err = cbor_finish(&cbor, names[kind], fault);
	if (err)
		return err;
	if (request.kind == REQUEST_ATTEST && request.nonce.size < NONCE_MIN)
		return fault_set(fault, TOBI_E_ARGUMENT, "attest", "nonce",
				 "8 to 64 bytes are needed");
	if (request.kind == REQUEST_SIGNAL && request.signal == 0)
		return fault_set(fault, TOBI_E_ARGUMENT, "signal", "signal",
				 "1 to 31 are allowed");
	*ret_request = request;
	return TOBI_OK;
}
