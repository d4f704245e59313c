#include "root/counters_file.h"

#include <openssl/hmac.h>

#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"

#define OBJECT "counters"

static const uint8_t magic[8] = "TOBICNTR";

enum { VERSION = 1, FLAG_ANCHORED = 1 };

int counter_compare(const struct counter_entry *a, const struct counter_entry *b)
{
	int order = bytes_compare((struct tobi_bytes){a->owner, sizeof(a->owner)},
				  (struct tobi_bytes){b->owner, sizeof(b->owner)});

	return order ? order
		     : bytes_compare((struct tobi_bytes){a->name, sizeof(a->name)},
				     (struct tobi_bytes){b->name, sizeof(b->name)});
}

static bool make_code(struct tobi_bytes bytes, const uint8_t *key,
		      uint8_t ret_code[static COUNTERS_MAC_SIZE])
{
	unsigned size = 0;

	return HMAC(EVP_sha256(), key, COUNTERS_KEY_SIZE, bytes.ptr, bytes.size, ret_code,
		    &size) &&
	       size == COUNTERS_MAC_SIZE;
}

enum tobi_err counters_file_write(const struct counters_table *table,
				  const uint8_t key[static COUNTERS_KEY_SIZE],
				  struct writer *out, struct tobi_fault *fault)
{
	uint8_t code[COUNTERS_MAC_SIZE];

	wr_bytes(out, magic, sizeof(magic));
	wr_uint_be(out, VERSION, 2);
	wr_uint_be(out, table->anchored ? FLAG_ANCHORED : 0, 2);
	wr_uint_be(out, table->count, 4);
	wr_uint_be(out, table->anchor, 8);
	for (size_t i = 0; i < table->count; i++) {
		wr_bytes(out, table->entries[i].owner, COUNTER_OWNER_SIZE);
		wr_bytes(out, table->entries[i].name, COUNTER_NAME_SIZE);
		wr_uint_be(out, table->entries[i].value, 8);
	}
	if (wr_err(out))
		return fault_set(fault, wr_err(out), OBJECT, "", "cannot be written");
	if (!make_code(wr_view(out), key, code))
		return fault_openssl(fault, OBJECT, "code", "cannot be made");
	wr_bytes(out, code, sizeof(code));
	return wr_err(out);
}

static bool name_is_padded(struct tobi_bytes name)
{
	size_t size = 0;

	while (size < name.size && name.ptr[size])
		size++;
	for (size_t i = size; i < name.size; i++) {
		if (name.ptr[i])
			return false;
	}
	return size > 0;
}

static void read_entry(struct reader *rd, struct counters_table *table, size_t i)
{
	struct tobi_bytes owner = rd_bytes(rd, COUNTER_OWNER_SIZE, "owner");
	struct tobi_bytes name = rd_bytes(rd, COUNTER_NAME_SIZE, "name");
	struct counter_entry *entry = &table->entries[i];

	entry->value = rd_u64be(rd, "value");
	if (rd_failed(rd))
		return;
	bytes_copy(entry->owner, sizeof(entry->owner), owner.ptr, owner.size);
	bytes_copy(entry->name, sizeof(entry->name), name.ptr, name.size);
	if (!entry->value)
		rd_fail(rd, TOBI_E_MALFORMED, "value");
	if (!name_is_padded(name))
		rd_fail(rd, TOBI_E_MALFORMED, "name");
	if (i && counter_compare(entry - 1, entry) >= 0)
		rd_fail(rd, TOBI_E_MALFORMED, "order");
}

enum tobi_err counters_table_parse(struct tobi_bytes bytes, struct counters_table *table,
				   struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tobi_bytes start = rd_bytes(&rd, sizeof(magic), "magic");
	uint16_t flags;
	size_t count;

	if (!rd_failed(&rd) &&
	    !bytes_equal(start, (struct tobi_bytes){magic, sizeof(magic)}))
		rd_fail(&rd, TOBI_E_MALFORMED, "magic");
	if (rd_u16be(&rd, "version") != VERSION)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "version");
	flags = rd_u16be(&rd, "flags");
	if (flags & ~FLAG_ANCHORED)
		rd_fail(&rd, TOBI_E_UNSUPPORTED, "flags");
	count = rd_u32be(&rd, "count");
	table->anchored = flags & FLAG_ANCHORED;
	table->anchor = rd_u64be(&rd, "anchor");
	if (table->anchor && !table->anchored)
		rd_fail(&rd, TOBI_E_MALFORMED, "anchor");
	if (count > LIMIT_COUNTERS)
		rd_fail(&rd, TOBI_E_LIMIT, "count");
	count = rd_count(&rd, count, COUNTER_ENTRY_SIZE, "count");
	for (size_t i = 0; i < count && !rd_failed(&rd); i++)
		read_entry(&rd, table, i);
	table->count = rd_failed(&rd) ? 0 : count;
	return rd_finish(&rd, OBJECT, fault);
}

enum tobi_err counters_file_parse(struct tobi_bytes bytes,
				  const uint8_t key[static COUNTERS_KEY_SIZE],
				  struct counters_table *table, struct tobi_fault *fault)
{
	uint8_t code[COUNTERS_MAC_SIZE];
	struct tobi_bytes body = bytes, found;

	if (bytes.size < COUNTERS_HEADER_SIZE + COUNTERS_MAC_SIZE)
		return fault_at(fault, TOBI_E_TRUNCATED, OBJECT, "", bytes.size,
				"the file ends too early");
	body.size -= COUNTERS_MAC_SIZE;
	found = (struct tobi_bytes){bytes.ptr + body.size, COUNTERS_MAC_SIZE};
	if (!make_code(body, key, code))
		return fault_openssl(fault, OBJECT, "code", "cannot be made");
	if (!bytes_equal_secret(found, (struct tobi_bytes){code, sizeof(code)}))
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, "",
				 "the file was changed, or is another platform's");
	return counters_table_parse(body, table, fault);
}
