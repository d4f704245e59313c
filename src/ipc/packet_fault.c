#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "codec/cbor.h"
#include "ipc/packet.h"

static void write_text(struct writer *out, const char *text)
{
	struct writer clean = wr_init(4UL * 512);

	utf8_write_escaped(&clean,
			   (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	cbor_write_text_bytes(out, wr_view(&clean));
	wr_done(&clean);
}

void packet_write_fault(struct writer *out, unsigned message,
			const struct tobi_fault *fault)
{
	cbor_write_map(out, fault->has_offset ? 6 : 5);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, message);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, fault->code);
	cbor_write_uint(out, 2);
	write_text(out, fault->object);
	cbor_write_uint(out, 3);
	write_text(out, fault->field);
	cbor_write_uint(out, 4);
	write_text(out, fault->message);
	if (fault->has_offset) {
		cbor_write_uint(out, 5);
		cbor_write_uint(out, fault->offset);
	}
}

static void take_text(struct cbor *cbor, char *out, size_t room, const char *field)
{
	struct tobi_bytes text = cbor_text(cbor, 4096, field);

	snprintf(out, room, "%.*s", (int)text.size,
		 text.size ? (const char *)text.ptr : "");
}

enum tobi_err packet_read_fault(struct tobi_bytes bytes, struct tobi_fault *ret_fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 6, "fault");
	struct tobi_fault fault = {0};
	int64_t key = 0;
	enum tobi_err err;

	while (cbor_map_int(&cbor, &map, &key, "key")) {
		switch (key) {
		case 0:
			cbor_uint(&cbor, "message");
			break;
		case 1:
			fault.code =
			    (enum tobi_err)cbor_uint_max(&cbor, TOBI_E_REFUSED, "code");
			break;
		case 2:
			take_text(&cbor, fault.object, sizeof(fault.object), "object");
			break;
		case 3:
			take_text(&cbor, fault.field, sizeof(fault.field), "field");
			break;
		case 4:
			take_text(&cbor, fault.message, sizeof(fault.message), "message");
			break;
		case 5:
			fault.offset = cbor_uint(&cbor, "offset");
			fault.has_offset = true;
			break;
		default:
			cbor_fail(&cbor, TOBI_E_MALFORMED, "key");
		}
	}
	/* A fault without a code is still a fault. */
	cbor_require(&cbor, fault.code != TOBI_OK, "code");
	err = cbor_finish(&cbor, "fault", ret_fault);
	if (err)
		return err;
	if (ret_fault)
		*ret_fault = fault;
	return fault.code;
}
