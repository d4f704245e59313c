#include "attest/qgs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/reader.h"

enum {
	VERSION_MAJOR = 1,
	VERSION_MINOR = 1,
	GET_QUOTE = 0,
	QUOTE = 1,
	HEADER = 16,
	FRAME = 4,
};

static const char object[] = "quoting service";

static void write_le(struct writer *out, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		wr_u8(out, (uint8_t)(value >> 8 * i));
}

void qgs_request_write(struct writer *out, struct tobi_bytes report)
{
	write_le(out, VERSION_MAJOR, 2);
	write_le(out, VERSION_MINOR, 2);
	write_le(out, GET_QUOTE, 4);
	write_le(out, (uint32_t)(HEADER + 8 + report.size), 4);
	write_le(out, 0, 4); /* error code */
	write_le(out, (uint32_t)report.size, 4);
	write_le(out, 0, 4); /* no list of ids */
	wr_bytes(out, report.ptr, report.size);
}

enum tobi_err qgs_response_read(struct tobi_bytes response, struct tobi_bytes *ret_quote,
				struct tobi_fault *fault)
{
	struct reader rd = rd_init(response);
	unsigned major = rd_u16le(&rd, "version");
	unsigned minor = rd_u16le(&rd, "version");
	uint32_t kind = rd_u32le(&rd, "type");
	uint32_t size = rd_u32le(&rd, "size"), code = rd_u32le(&rd, "error");
	uint32_t ids, quote_size;
	struct tobi_bytes quote;
	enum tobi_err err;

	(void)minor;
	if (!rd_failed(&rd) && (major != VERSION_MAJOR || kind != QUOTE))
		rd_fail(&rd, TOBI_E_PROTOCOL, "type");
	if (!rd_failed(&rd) && size != response.size)
		rd_fail(&rd, TOBI_E_MALFORMED, "size");
	if (!rd_failed(&rd) && code)
		return fault_set(fault, TOBI_E_SYSTEM, object, "",
				 "it makes no quote: error 0x%x", (unsigned)code);
	ids = rd_u32le(&rd, "id size");
	quote_size = rd_u32le(&rd, "quote size");
	rd_bytes(&rd, ids, "id");
	quote = rd_bytes(&rd, quote_size, "quote");
	err = rd_finish(&rd, object, fault);
	if (err)
		return err;
	if (!quote.size)
		return fault_set(fault, TOBI_E_MALFORMED, object, "quote", "it is empty");
	*ret_quote = quote;
	return TOBI_OK;
}

static bool read_where(const char *where, unsigned *ret_cid, unsigned *ret_port)
{
	char *end;
	unsigned long cid = strtoul(where, &end, 10), port;

	if (end == where || *end != ':' || cid > UINT32_MAX)
		return false;
	where = end + 1;
	port = strtoul(where, &end, 10);
	*ret_cid = (unsigned)cid;
	*ret_port = (unsigned)port;
	return end != where && !*end && port <= UINT32_MAX;
}

static enum tobi_err receive(struct device_file *file, struct writer *out,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer frame = wr_init(FRAME);
	struct reader rd;
	uint32_t size;
	enum tobi_err err = device_read_exact(file, FRAME, &frame, fault);

	if (err)
		return err;
	rd = rd_init(wr_view(&frame));
	size = rd_u32be(&rd, "frame");
	if (size > QGS_MESSAGE_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "it announces %u bytes; at most %d are read",
				 (unsigned)size, QGS_MESSAGE_MAX);
	return device_read_exact(file, size, out, fault);
}

enum tobi_err qgs_ask(const struct attest_device *device, const char *where,
		      struct tobi_bytes report, struct writer *quote,
		      struct tobi_fault *fault)
{
	CLEANUP(device_close) struct device_file file = {0};
	CLEANUP(wr_done) struct writer message = wr_init(QGS_MESSAGE_MAX);
	CLEANUP(wr_done) struct writer framed = wr_init(QGS_MESSAGE_MAX + FRAME);
	CLEANUP(wr_done) struct writer response = wr_init(QGS_MESSAGE_MAX);
	struct tobi_bytes found = {0};
	unsigned cid = 0, port = 0;
	enum tobi_err err;
	int fd;

	if (!read_where(where, &cid, &port))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "CID:PORT is needed, such as 2:4050");
	fd = device->connect(device->context, cid, port);
	if (fd < 0)
		return fault_errno(fault, object, "", "nobody answers at vsock %s",
				   where);
	file = (struct device_file){device, object, fd};
	qgs_request_write(&message, report);
	wr_uint_be(&framed, message.size, FRAME);
	wr_bytes(&framed, message.ptr, message.size);
	err = device_write(&file, wr_view(&framed), fault);
	if (!err)
		err = receive(&file, &response, fault);
	if (!err)
		err = qgs_response_read(wr_view(&response), &found, fault);
	if (!err)
		wr_bytes(quote, found.ptr, found.size);
	return err;
}
