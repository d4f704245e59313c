/* Requests of clients to the platform service. */
#include <string.h>

#include "codec/cbor.h"
#include "daemons/platform/request.h"
#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct request request;

	if (request_parse(input, &request, NULL))
		return false;
	must(request.kind >= REQUEST_LAUNCH && request.kind <= REQUEST_STATUS);
	must_be_inside(request.launch.name, input);
	must_be_inside(request.launch.config, input);
	must(request.launch.port_count <= LIMIT_PORTS);
	must(request.launch.name.size <= LIMIT_NAME);
	for (size_t i = 0; i < request.launch.port_count; i++)
		must(memchr(request.launch.ports[i].address, 0,
			    sizeof(request.launch.ports[i].address)));
	must_be_inside(request.id, input);
	must(request.id.size <= CONTROL_ID_MAX && request.grace <= CONTROL_GRACE_MAX);
	must_be_inside(request.nonce, input);
	must((request.kind == REQUEST_ATTEST) ==
	     (request.nonce.size >= 8 && request.nonce.size <= 64));
	must((request.kind == REQUEST_SIGNAL) ==
	     (request.signal >= 1 && request.signal <= 31));
	return true;
}

static void write_launch(struct writer *out)
{
	cbor_write_uint(out, 1);
	cbor_write_text(out, "redis");
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, text_of("a launch configuration"));
	cbor_write_uint(out, 3);
	cbor_write_array(out, 2);
	for (unsigned i = 0; i < 2; i++) {
		cbor_write_array(out, 3);
		cbor_write_text(out, i ? "::1" : "");
		cbor_write_uint(out, 7443 * i);
		cbor_write_uint(out, 6379 + i);
	}
	cbor_write_uint(out, 4);
	cbor_write_bool(out, true);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const unsigned entries[] = {
	    [REQUEST_LAUNCH] = 5, [REQUEST_SIGNAL] = 2, [REQUEST_LIST] = 1,
	    [REQUEST_STOP] = 3,	  [REQUEST_LOGS] = 2,	[REQUEST_ATTEST] = 3,
	    [REQUEST_STATUS] = 1,
	};
	unsigned kind = number + REQUEST_LAUNCH;

	if (kind > REQUEST_STATUS)
		return FUZZ_NO_SEED;
	cbor_write_map(out, entries[kind]);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, kind);
	if (kind == REQUEST_LAUNCH)
		write_launch(out);
	if (kind == REQUEST_SIGNAL) {
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 15);
	}
	if (kind == REQUEST_STOP || kind == REQUEST_LOGS || kind == REQUEST_ATTEST) {
		cbor_write_uint(out, 1);
		cbor_write_text(out, "redis");
	}
	if (kind == REQUEST_STOP || kind == REQUEST_ATTEST)
		cbor_write_uint(out, 2);
	if (kind == REQUEST_STOP)
		cbor_write_uint(out, 10);
	if (kind == REQUEST_ATTEST)
		cbor_write_bytes(out, text_of("eight or more"));
	return FUZZ_GOOD;
}
