/* Replies of a broker, as an enclave's agent reads them. */
#include "base/limits.h"
#include "codec/http_reply.h"
#include "fuzz/fuzz.h"

enum { BODY_LIMIT = 64 };

/* Each part of a whole reply is good so far: nobody gives up while bytes are coming. */
static void check_parts(struct tobi_bytes whole)
{
	struct http_reply reply = {0};

	for (size_t size = 0; size < whole.size; size++) {
		struct tobi_bytes part = {whole.ptr, size};

		must(http_reply_read(part, BODY_LIMIT, &reply, NULL) == TOBI_E_TRUNCATED);
	}
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_fault fault = {0};
	struct http_reply reply = {0};
	enum tobi_err err = http_reply_read(input, BODY_LIMIT, &reply, &fault);

	if (err) {
		must(fault.code == err && reply.status == 0);
		/* Whoever waits for more has been given a head or a body that can grow.
		 */
		must(err != TOBI_E_TRUNCATED ||
		     input.size < LIMIT_HTTP_REPLY_HEAD + BODY_LIMIT);
		return false;
	}
	must(reply.status >= 200 && reply.status <= 599);
	must(reply.body.size <= BODY_LIMIT);
	must_be_inside(reply.body, input);
	must(reply.body.ptr + reply.body.size == input.ptr + input.size);
	if (input.size < 1024)
		check_parts(input);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const good[] = {
	    "HTTP/1.1 200 OK\r\nDate: Fri, 27 Nov 2026 01:00:00 GMT\r\n"
	    "Content-Type: application/octet-stream\r\nContent-Length: 6\r\n"
	    "Cache-Control: no-store\r\nConnection: close\r\n\r\nsecret",
	    "HTTP/1.1 403 \r\ncontent-length:\t0 \r\n\r\n",
	};
	static const char *const bad[] = {
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	};
	const unsigned goods = sizeof(good) / sizeof(good[0]);

	if (number >= goods + sizeof(bad) / sizeof(bad[0]))
		return FUZZ_NO_SEED;
	wr_printf(out, "%s", number < goods ? good[number] : bad[number - goods]);
	return number < goods ? FUZZ_GOOD : FUZZ_BAD;
}
