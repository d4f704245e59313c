#include "tee/ima_log.h"

#include <ctype.h>
#include <string.h>

#include "base/endian.h"
#include "base/hex.h"
#include "base/secret.h"

enum {
	TEMPLATE_NAME_MAX = 32,
	LEGACY_NAME_SIZE = 256, /* of a file's name in the template "ima", with zeros */
	SHA1_SIZE = 20,
	DATA_MAX = 64 << 10,
	REGISTERS = 24
};

static const uint16_t algorithms[] = {TCG_SHA1, TCG_SHA256, TCG_SHA384, TCG_SHA512};

/* ---- what it is ---- */

static bool starts_binary(struct tobi_bytes bytes, uint16_t algorithm)
{
	struct reader rd = rd_init(bytes);
	uint32_t index = rd_u32le(&rd, "pcr");
	struct tobi_bytes name;

	rd_bytes(&rd, event_hash_size(algorithm), "digest");
	name = rd_bytes(&rd, rd_u32le(&rd, "name length"), "name");
	return !rd_failed(&rd) && index < REGISTERS && name.size >= 3 &&
	       name.size <= TEMPLATE_NAME_MAX && memcmp(name.ptr, "ima", 3) == 0;
}

/* A number, a digest, and a template's name, with one space between them. */
static bool starts_text(struct tobi_bytes bytes, uint16_t algorithm)
{
	size_t digits = 2 * event_hash_size(algorithm), at = 0;

	while (at < bytes.size && at < 3 &&
	       (isdigit(bytes.ptr[at]) || bytes.ptr[at] == ' '))
		at++;
	if (at < 2 || bytes.size - at < digits + 4 || bytes.ptr[at - 1] != ' ')
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (!isxdigit(bytes.ptr[at + i]))
			return false;
	}
	return memcmp(bytes.ptr + at + digits, " ima", 4) == 0;
}

static bool find_form(struct tobi_bytes bytes, uint16_t *ret_algorithm, bool *ret_text)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		*ret_algorithm = algorithms[i];
		*ret_text = starts_text(bytes, algorithms[i]);
		if (*ret_text || starts_binary(bytes, algorithms[i]))
			return true;
	}
	return false;
}

bool ima_log_starts(struct tobi_bytes bytes)
{
	uint16_t algorithm;
	bool text;

	return find_form(bytes, &algorithm, &text);
}

enum tobi_err ima_log_open(struct tobi_bytes bytes, struct ima_log *ret_log,
			   struct tobi_fault *fault)
{
	struct ima_log log = {.rd = rd_init(bytes), .data = wr_init(DATA_MAX)};
	struct reader odd = rd_init(bytes);

	*ret_log = log;
	if (!find_form(bytes, &log.algorithm, &log.is_text)) {
		rd_fail(&odd, TOBI_E_UNSUPPORTED, "start");
		return rd_status(&odd, "IMA log", fault);
	}
	log.digest_size = event_hash_size(log.algorithm);
	*ret_log = log;
	return TOBI_OK;
}

void ima_log_done(struct ima_log *log)
{
	wr_done(&log->data);
}

enum tobi_err ima_log_finish(const struct ima_log *log, struct tobi_fault *fault)
{
	return rd_status(&log->rd, "IMA log", fault);
}

/* ---- what an entry says of its file ---- */

static bool set_algorithm(struct ima_entry *entry, struct tobi_bytes name)
{
	if (name.size > IMA_ALGORITHM_MAX ||
	    (name.size && memchr(name.ptr, 0, name.size)))
		return false;
	bytes_copy(entry->algorithm, sizeof(entry->algorithm), name.ptr, name.size);
	entry->algorithm[name.size] = 0;
	return true;
}

/* "sha256:", or "ima:sha256:", as it stands before the digest; without the last colon. */
static bool take_prefix(struct ima_entry *entry, struct tobi_bytes prefix)
{
	const uint8_t *colon = prefix.size ? memrchr(prefix.ptr, ':', prefix.size) : NULL;

	if (colon) {
		size_t skip = (size_t)(colon - prefix.ptr) + 1;

		prefix = (struct tobi_bytes){colon + 1, prefix.size - skip};
	}
	return set_algorithm(entry, prefix);
}

/* The first two fields of every template but "ima": the digest and the path. Others may
 * follow, which are covered by the digest like these. */
static void take_fields(struct ima_log *log, struct ima_entry *entry)
{
	struct reader rd = rd_init(entry->data);
	struct tobi_bytes digest =
	    rd_bytes(&rd, rd_u32le(&rd, "field length"), "file digest");
	struct tobi_bytes path = rd_bytes(&rd, rd_u32le(&rd, "field length"), "path");
	const uint8_t *end = digest.size ? memchr(digest.ptr, 0, digest.size) : NULL;
	size_t prefix = end ? (size_t)(end - digest.ptr) : 0;

	if (rd_failed(&rd) || !path.size || path.ptr[path.size - 1] != 0 || prefix < 2 ||
	    digest.ptr[prefix - 1] != ':' ||
	    !take_prefix(entry, (struct tobi_bytes){digest.ptr, prefix - 1})) {
		rd_fail(&log->rd, TOBI_E_MALFORMED, "template data");
		return;
	}
	entry->file =
	    (struct tobi_bytes){digest.ptr + prefix + 1, digest.size - prefix - 1};
	entry->path = (struct tobi_bytes){path.ptr, path.size - 1};
}

static void put_length(struct ima_log *log, size_t size)
{
	uint8_t *room = wr_reserve(&log->data, 4);

	if (room)
		store_le(room, 4, size);
}

static void put_path(struct ima_log *log, struct tobi_bytes path)
{
	put_length(log, path.size + 1);
	wr_bytes(&log->data, path.ptr, path.size);
	wr_u8(&log->data, 0);
}

/* The template "ima": no lengths, and a name of always the same size. */
static void put_legacy(struct ima_log *log, struct ima_entry *entry)
{
	uint8_t *room;

	if (entry->file.size != SHA1_SIZE || entry->path.size >= LEGACY_NAME_SIZE) {
		rd_fail(&log->rd, TOBI_E_MALFORMED, "template data");
		return;
	}
	wr_bytes(&log->data, entry->file.ptr, entry->file.size);
	room = wr_reserve(&log->data, LEGACY_NAME_SIZE);
	if (room)
		bytes_copy(room, LEGACY_NAME_SIZE, entry->path.ptr, entry->path.size);
	entry->data = wr_view(&log->data);
}

/* ---- the binary form ---- */

static void read_binary(struct ima_log *log, struct ima_entry *entry)
{
	struct reader *rd = &log->rd;
	struct tobi_bytes name;

	entry->index = rd_u32le(rd, "pcr");
	entry->digest = rd_bytes(rd, log->digest_size, "template digest");
	name = rd_bytes(rd, rd_u32le(rd, "template name length"), "template name");
	if (name.size > TEMPLATE_NAME_MAX)
		rd_fail(rd, TOBI_E_LIMIT, "template name length");
	if (bytes_equal_text(name, "ima")) {
		entry->file = rd_bytes(rd, SHA1_SIZE, "file digest");
		entry->path = rd_bytes(rd, rd_u32le(rd, "path length"), "path");
		if (!rd_failed(rd))
			put_legacy(log, entry);
		return;
	}
	entry->data = rd_bytes(rd, rd_u32le(rd, "template data length"), "template data");
	if (!rd_failed(rd))
		take_fields(log, entry);
}

/* ---- the form of text ---- */

static const struct {
	const char *name;
	bool kind;	/* the digest names what it is of: "ima:sha256:" */
	bool signature; /* a signature, or a buffer, comes last, in hexadecimal */
} templates[] = {
    {"ima", false, false},    {"ima-ng", false, false},	 {"ima-ngv2", true, false},
    {"ima-sig", false, true}, {"ima-sigv2", true, true}, {"ima-buf", false, true},
};

static struct tobi_bytes next_word(struct tobi_bytes *line)
{
	const uint8_t *end = line->size ? memchr(line->ptr, ' ', line->size) : NULL;
	size_t size = end ? (size_t)(end - line->ptr) : line->size;
	struct tobi_bytes word = {line->ptr, size};

	*line = end ? (struct tobi_bytes){end + 1, line->size - size - 1}
		    : (struct tobi_bytes){0};
	return word;
}

static bool read_hex(struct tobi_bytes word, uint8_t out[static EVENT_DIGEST_MAX],
		     struct tobi_bytes *ret_bytes)
{
	char text[2 * EVENT_DIGEST_MAX + 1];
	size_t size = word.size / 2;

	if (word.size % 2 || size == 0 || size > EVENT_DIGEST_MAX)
		return false;
	bytes_copy(text, sizeof(text), word.ptr, word.size);
	text[word.size] = 0;
	*ret_bytes = (struct tobi_bytes){out, size};
	return hex_read(text, out, size);
}

static bool put_hex_field(struct ima_log *log, struct tobi_bytes word)
{
	char digits[3] = "";

	put_length(log, word.size / 2);
	for (size_t i = 0; i + 1 < word.size; i += 2) {
		uint8_t byte;

		digits[0] = (char)word.ptr[i];
		digits[1] = (char)word.ptr[i + 1];
		if (!hex_read(digits, &byte, 1))
			return false;
		wr_u8(&log->data, byte);
	}
	return word.size % 2 == 0;
}

/* "sha256:0123..", with what it is of before it in newer templates. */
static bool read_file_digest(struct ima_log *log, struct ima_entry *entry,
			     struct tobi_bytes word, struct tobi_bytes *ret_prefix)
{
	const uint8_t *colon = word.size ? memrchr(word.ptr, ':', word.size) : NULL;
	size_t size = colon ? (size_t)(colon - word.ptr) : 0;

	if (!colon || !take_prefix(entry, (struct tobi_bytes){word.ptr, size}))
		return false;
	*ret_prefix = (struct tobi_bytes){word.ptr, size + 1};
	return read_hex((struct tobi_bytes){colon + 1, word.size - size - 1}, log->file,
			&entry->file);
}

/* A path may have spaces; what comes behind it has none, and is there even if empty. */
static bool split_last(struct tobi_bytes rest, struct tobi_bytes *ret_path,
		       struct tobi_bytes *ret_last)
{
	const uint8_t *space = rest.size ? memrchr(rest.ptr, ' ', rest.size) : NULL;
	size_t size = space ? (size_t)(space - rest.ptr) : 0;

	if (!space)
		return false;
	*ret_path = (struct tobi_bytes){rest.ptr, size};
	*ret_last = (struct tobi_bytes){space + 1, rest.size - size - 1};
	return true;
}

static bool rebuild(struct ima_log *log, struct ima_entry *entry, struct tobi_bytes name,
		    struct tobi_bytes rest)
{
	struct tobi_bytes word = next_word(&rest), prefix, last = {0};
	size_t i = 0, count = sizeof(templates) / sizeof(templates[0]);

	while (i < count && !bytes_equal_text(name, templates[i].name))
		i++;
	if (i == count) {
		rd_fail(&log->rd, TOBI_E_UNSUPPORTED, "template name");
		return true;
	}
	entry->path = rest;
	if (i == 0) {
		if (!read_hex(word, log->file, &entry->file))
			return false;
		put_legacy(log, entry);
		return true;
	}
	if (!read_file_digest(log, entry, word, &prefix) ||
	    (templates[i].kind != (memchr(prefix.ptr, ':', prefix.size - 1) != NULL)) ||
	    (templates[i].signature && !split_last(rest, &entry->path, &last)))
		return false;
	put_length(log, prefix.size + 1 + entry->file.size);
	wr_bytes(&log->data, prefix.ptr, prefix.size);
	wr_u8(&log->data, 0);
	wr_bytes(&log->data, entry->file.ptr, entry->file.size);
	put_path(log, entry->path);
	if (templates[i].signature && !put_hex_field(log, last))
		return false;
	entry->data = wr_view(&log->data);
	return true;
}

static bool read_number(struct tobi_bytes word, uint32_t *ret_number)
{
	uint32_t number = 0;

	for (size_t i = 0; i < word.size; i++) {
		if (!isdigit(word.ptr[i]))
			return false;
		number = 10 * number + (uint32_t)(word.ptr[i] - '0');
	}
	*ret_number = number;
	return word.size > 0 && word.size <= 2;
}

static void read_line(struct ima_log *log, struct ima_entry *entry)
{
	struct reader *rd = &log->rd;
	const uint8_t *start = rd->start + rd->pos;
	const uint8_t *end = memchr(start, '\n', rd_left(rd));
	struct tobi_bytes line, name;
	bool good;

	line = rd_bytes(rd, end ? (size_t)(end - start) : SIZE_MAX, "line");
	rd_bytes(rd, 1, "line");
	/* Below 10 a space stands before the number. */
	if (line.size && line.ptr[0] == ' ')
		next_word(&line);
	if (rd_failed(rd))
		return;
	good = read_number(next_word(&line), &entry->index) &&
	       read_hex(next_word(&line), log->digest, &entry->digest) &&
	       entry->digest.size == log->digest_size;
	name = next_word(&line);
	if (!good || !rebuild(log, entry, name, line))
		rd_fail(rd, TOBI_E_MALFORMED, "line");
}

bool ima_log_next(struct ima_log *log, struct ima_entry *ret_entry)
{
	struct reader *rd = &log->rd;
	struct ima_entry entry = {0};
	static const uint8_t zeros[EVENT_DIGEST_MAX];

	if (rd_failed(rd) || rd_left(rd) == 0)
		return false;
	if (++log->read > LIMIT_IMA_ENTRIES)
		rd_fail(rd, TOBI_E_LIMIT, "entries");
	log->data.size = 0;
	if (log->is_text)
		read_line(log, &entry);
	else
		read_binary(log, &entry);
	if (wr_err(&log->data))
		rd_fail(rd, wr_err(&log->data), "template data");
	if (entry.index >= REGISTERS)
		rd_fail(rd, TOBI_E_MALFORMED, "pcr");
	if (rd_failed(rd))
		return false;
	entry.violation =
	    bytes_equal(entry.digest, (struct tobi_bytes){zeros, log->digest_size});
	*ret_entry = entry;
	return true;
}
