#include "base/reader.h"

#include "base/endian.h"
#include "base/fault.h"

struct reader rd_init(struct tobi_bytes bytes)
{
	return (struct reader){.start = bytes.ptr, .size = bytes.size};
}

void rd_fail(struct reader *rd, enum tobi_err err, const char *field)
{
	if (rd->err)
		return;
	rd->err = err;
	rd->fail_offset = rd->origin + rd->pos;
	rd->fail_field = field;
}

struct tobi_bytes rd_bytes(struct reader *rd, size_t size, const char *field)
{
	struct tobi_bytes out = {0};

	if (rd->err)
		return out;
	if (size > rd->size - rd->pos) {
		rd_fail(rd, TOBI_E_TRUNCATED, field);
		return out;
	}
	out.ptr = rd->start ? rd->start + rd->pos : NULL;
	out.size = size;
	rd->pos += size;
	return out;
}

uint8_t rd_u8(struct reader *rd, const char *field)
{
	struct tobi_bytes bytes = rd_bytes(rd, 1, field);

	return bytes.ptr ? bytes.ptr[0] : 0;
}

#define GETTER(name, type, width, load)                                                  \
	type name(struct reader *rd, const char *field)                                  \
	{                                                                                \
		struct tobi_bytes bytes = rd_bytes(rd, width, field);                    \
                                                                                         \
		return (type)(bytes.ptr ? load(bytes.ptr) : 0);                          \
	}
GETTER(rd_u16be, uint16_t, 2, load_u16be)
GETTER(rd_u32be, uint32_t, 4, load_u32be)
GETTER(rd_u64be, uint64_t, 8, load_u64be)
GETTER(rd_u16le, uint16_t, 2, load_u16le)
GETTER(rd_u32le, uint32_t, 4, load_u32le)
GETTER(rd_u64le, uint64_t, 8, load_u64le)
#undef GETTER

struct reader rd_sub(struct reader *rd, size_t size, const char *field)
{
	size_t origin = rd->origin + rd->pos;
	struct tobi_bytes bytes = rd_bytes(rd, size, field);
	struct reader sub = rd_init(bytes);

	sub.origin = origin;
	sub.err = rd->err;
	sub.fail_offset = rd->fail_offset;
	sub.fail_field = rd->fail_field;
	return sub;
}

size_t rd_count(struct reader *rd, uint64_t count, size_t min_size, const char *field)
{
	size_t left = rd_left(rd);

	if (rd->err)
		return 0;
	if (count > left || (min_size && count > left / min_size)) {
		rd_fail(rd, TOBI_E_TRUNCATED, field);
		return 0;
	}
	return (size_t)count;
}

size_t rd_left(const struct reader *rd)
{
	return rd->err ? 0 : rd->size - rd->pos;
}

bool rd_failed(const struct reader *rd)
{
	return rd->err != TOBI_OK;
}

size_t rd_offset(const struct reader *rd)
{
	return rd->origin + rd->pos;
}

enum tobi_err rd_status(const struct reader *rd, const char *object,
			struct tobi_fault *fault)
{
	if (!rd->err)
		return TOBI_OK;
	return fault_at(fault, rd->err, object, rd->fail_field, rd->fail_offset, "%s",
			tobi_err_text(rd->err));
}

enum tobi_err rd_finish(struct reader *rd, const char *object, struct tobi_fault *fault)
{
	if (!rd->err && rd->pos != rd->size)
		rd_fail(rd, TOBI_E_TRAILING, "end");
	return rd_status(rd, object, fault);
}
