#include "tests/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/secret.h"

static void put(uint8_t *block, size_t at, size_t room, const char *text)
{
	size_t size = strlen(text);

	bytes_copy(block + at, room, text, size < room ? size : room);
}

static void add_header(struct writer *out, const struct tar_entry *entry, uint64_t size)
{
	uint8_t block[TAR_BLOCK] = {0};
	unsigned sum = 0;
	char number[16];

	put(block, 0, 100, entry->name);
	snprintf(number, sizeof(number), "%07o", entry->mode ? entry->mode : 0644);
	put(block, 100, 8, number);
	put(block, 108, 8, "0000000");
	put(block, 116, 8, "0000000");
	if (size >> 33) { /* in binary, as GNU tar does */
		block[124] = 0x80;
		for (int i = 0; i < 8; i++)
			block[135 - i] = (uint8_t)(size >> (8 * i));
	} else {
		snprintf(number, sizeof(number), "%011llo", (unsigned long long)size);
		put(block, 124, 12, number);
	}
	put(block, 136, 12, "00000000000");
	put(block, 148, 8, "        ");
	block[156] = (uint8_t)entry->type;
	put(block, 157, 100, entry->link ? entry->link : "");
	put(block, 257, 8, "ustar");
	block[263] = block[264] = '0';
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += block[i];
	snprintf(number, sizeof(number), "%06o", sum);
	put(block, 148, 8, number);
	block[154] = 0;
	block[155] = ' ';
	wr_bytes(out, block, TAR_BLOCK);
}

static void pad(struct writer *out)
{
	while (out->size % TAR_BLOCK && !wr_err(out))
		wr_u8(out, 0);
}

void tar_add(struct writer *out, const struct tar_entry *entry)
{
	uint64_t size = entry->content ? strlen(entry->content) : 0;

	add_header(out, entry, entry->size ? entry->size : size);
	if (entry->content)
		wr_bytes(out, entry->content, size);
	pad(out);
}

static void add_record(struct writer *out, const char *key, struct tobi_bytes value)
{
	size_t body = 1 + strlen(key) + 1 + value.size + 1, digits = 1;
	char prefix[32];

	while (snprintf(prefix, sizeof(prefix), "%zu", digits + body) > (int)digits)
		digits++;
	wr_printf(out, "%zu %s=", digits + body, key);
	wr_bytes(out, value.ptr, value.size);
	wr_u8(out, '\n');
}

void tar_pax_list(struct writer *out, const struct tar_record *records, size_t count)
{
	struct writer body = wr_init(1 << 20);

	for (size_t i = 0; i < count; i++)
		add_record(&body, records[i].key, records[i].value);
	add_header(out, &(struct tar_entry){"PaxHeaders/x", 'x'}, body.size);
	wr_bytes(out, body.ptr, body.size);
	pad(out);
	wr_done(&body);
}

void tar_pax(struct writer *out, const char *key, struct tobi_bytes value)
{
	tar_pax_list(out, &(struct tar_record){key, value}, 1);
}

void tar_end(struct writer *out)
{
	for (int i = 0; i < 2 * TAR_BLOCK; i++)
		wr_u8(out, 0);
}

static void must(bool holds)
{
	if (!holds)
		abort();
}

void tar_pack(struct tobi_bytes bytes, bool zstd, struct writer *out)
{
	size_t room = bytes.size + (bytes.size >> 4) + 65536, used = 0;
	uint8_t *packed = malloc(room);
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	must(packed && archive && entry);
	must(archive_write_set_format_raw(archive) == ARCHIVE_OK);
	must((zstd ? archive_write_add_filter_zstd(archive)
		   : archive_write_add_filter_gzip(archive)) == ARCHIVE_OK);
	must(archive_write_set_bytes_per_block(archive, 0) == ARCHIVE_OK);
	must(archive_write_open_memory(archive, packed, room, &used) == ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	must(archive_write_header(archive, entry) == ARCHIVE_OK);
	must(archive_write_data(archive, bytes.ptr, bytes.size) ==
	     (la_ssize_t)bytes.size);
	must(archive_write_close(archive) == ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(archive);
	wr_bytes(out, packed, used);
	free(packed);
}

void tar_digest(struct tobi_bytes bytes, char *out)
{
	uint8_t hash[32];
	unsigned size = 0;

	must(EVP_Digest(bytes.ptr, bytes.size, hash, &size, EVP_sha256(), NULL) == 1);
	snprintf(out, 8, "sha256:");
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, out + 7, 65);
}
