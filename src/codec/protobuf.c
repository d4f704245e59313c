#include "codec/protobuf.h"

enum { VARINT_BYTES = 10, NUMBER_MOST = (1 << 29) - 1 };

/* Seven bits of each byte, the lowest first; as few bytes as it needs. */
static uint64_t read_number(struct reader *rd, const char *field)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_BYTES; i++) {
		uint8_t byte = rd_u8(rd, field);

		if (rd_failed(rd))
			return 0;
		if (i == VARINT_BYTES - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte & 0x80)
			continue;
		if (i && byte == 0)
			break;
		return value;
	}
	rd_fail(rd, TOBI_E_MALFORMED, field);
	return 0;
}

bool pb_next(struct reader *rd, struct pb_field *ret_field)
{
	struct pb_field field = {0};
	uint64_t tag, size;

	if (rd_failed(rd) || !rd_left(rd))
		return false;
	tag = read_number(rd, "tag");
	if (!rd_failed(rd) && (tag >> 3 == 0 || tag >> 3 > NUMBER_MOST))
		rd_fail(rd, TOBI_E_MALFORMED, "tag");
	field.number = (uint32_t)(tag >> 3);
	field.kind = (enum pb_kind)(tag & 7);
	switch (field.kind) {
	case PB_NUMBER:
		field.value = read_number(rd, "number");
		break;
	case PB_FIXED64:
		field.value = rd_u64le(rd, "number");
		break;
	case PB_FIXED32:
		field.value = rd_u32le(rd, "number");
		break;
	case PB_BYTES:
		size = read_number(rd, "size");
		if (!rd_failed(rd) && size > rd_left(rd))
			rd_fail(rd, TOBI_E_TRUNCATED, "bytes");
		field.bytes = rd_bytes(rd, rd_failed(rd) ? 0 : (size_t)size, "bytes");
		break;
	default:
		rd_fail(rd, TOBI_E_UNSUPPORTED, "tag");
	}
	if (rd_failed(rd))
		return false;
	*ret_field = field;
	return true;
}

bool pb_once(uint64_t *seen, const struct pb_field *field)
{
	uint64_t bit = field->number < 64 ? UINT64_C(1) << field->number : 0;
	bool first = !(*seen & bit);

	*seen |= bit;
	return first;
}
