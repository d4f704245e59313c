#include "tee/boot_text.h"

#include <string.h>

#include "base/secret.h"
#include "base/writer.h"

enum {
	/* An image's place, size and link address, before its device path. */
	IMAGE_EVENT_HEADER = 24,
	PATH_MEDIA = 4,
	PATH_FILE = 4,
	TEXT_MAX = 8 << 10,
};
/* Linux's stub, drivers/firmware/efi/libstub/efistub.h; systemd's, measure.h. */
#define TAG_LINUX_INITRD 0x8f3b22ecu
#define TAG_LINUX_OPTIONS 0x8f3b22edu
#define TAG_SYSTEMD_INITRD 0x49dffe0fu

static struct tobi_bytes behind(struct tobi_bytes bytes, const char *start)
{
	size_t size = strlen(start);

	if (bytes.size < size || memcmp(bytes.ptr, start, size) != 0)
		return (struct tobi_bytes){0};
	return (struct tobi_bytes){bytes.ptr + size, bytes.size - size};
}

bool boot_text_grub(struct tobi_bytes data, struct tobi_bytes *ret_text,
		    bool *ret_command_line)
{
	static const struct {
		const char *word;
		bool command_line;
	} words[] = {{"grub_cmd: ", false},	  {"kernel_cmdline: ", true},
		     {"module_cmdline: ", false}, {"grub_kernel_cmdline: ", true},
		     {"grub_cmd ", false},	  {"grub_kernel_cmdline ", true}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct tobi_bytes text = behind(data, words[i].word);

		if (!text.ptr)
			continue;
		if (text.size && text.ptr[text.size - 1] == 0)
			text.size--;
		*ret_text = text;
		*ret_command_line = words[i].command_line;
		return true;
	}
	return false;
}

static void put_utf8(struct writer *out, uint32_t c)
{
	if (c < 0x80) {
		wr_u8(out, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		wr_u8(out, (uint8_t)(0xc0 | c >> 6));
	} else {
		wr_u8(out, (uint8_t)(0xe0 | c >> 12));
		wr_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	wr_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* Surrogates are no text that a loader writes. */
bool boot_text_utf16(struct tobi_bytes data, struct arena *arena,
		     struct tobi_bytes *ret_text)
{
	struct writer out = wr_init((size_t)2 * TEXT_MAX);
	bool good = data.size >= 4 && data.size % 2 == 0 && data.size <= TEXT_MAX &&
		    data.ptr[data.size - 1] == 0 && data.ptr[data.size - 2] == 0;

	for (size_t i = 0; good && i + 2 < data.size; i += 2) {
		uint32_t c = (uint32_t)data.ptr[i] | (uint32_t)data.ptr[i + 1] << 8;

		good = c != 0 && (c < 0xd800 || c > 0xdfff);
		put_utf8(&out, c);
	}
	if (good)
		*ret_text = arena_copy(arena, wr_view(&out));
	wr_done(&out);
	return good;
}

enum boot_tag boot_text_tag(struct tobi_bytes data, struct tobi_bytes *ret_label)
{
	struct reader rd = rd_init(data);
	uint32_t id = rd_u32le(&rd, "taggedEventID");
	struct tobi_bytes label =
	    rd_bytes(&rd, rd_u32le(&rd, "taggedEventDataSize"), "taggedEventData");

	if (rd_failed(&rd))
		return BOOT_TAG_NONE;
	*ret_label = label;
	switch (id) {
	case TAG_LINUX_INITRD:
	case TAG_SYSTEMD_INITRD:
		return BOOT_TAG_INITRD;
	case TAG_LINUX_OPTIONS:
		return BOOT_TAG_OPTIONS;
	default:
		return BOOT_TAG_OTHER;
	}
}

struct tobi_bytes boot_text_image_path(struct tobi_bytes data, struct arena *arena)
{
	struct reader rd = rd_init(data);
	struct tobi_bytes path = {0};
	struct reader nodes;

	rd_bytes(&rd, IMAGE_EVENT_HEADER, "image");
	nodes = rd_sub(&rd, (size_t)rd_u64le(&rd, "LengthOfDevicePath"), "DevicePath");
	while (!rd_failed(&nodes) && rd_left(&nodes) >= 4) {
		uint8_t type = rd_u8(&nodes, "Type"), subtype = rd_u8(&nodes, "SubType");
		uint16_t size = rd_u16le(&nodes, "Length");
		struct tobi_bytes node =
		    rd_bytes(&nodes, size >= 4 ? size - 4u : SIZE_MAX, "node");

		if (!rd_failed(&nodes) && type == PATH_MEDIA && subtype == PATH_FILE)
			boot_text_utf16(node, arena, &path);
	}
	return rd_failed(&nodes) ? (struct tobi_bytes){0} : path;
}

static struct tobi_bytes behind_any(struct tobi_bytes command, const char *const *words)
{
	struct tobi_bytes rest = {0};

	for (size_t i = 0; words[i] && !rest.ptr; i++)
		rest = behind(command, words[i]);
	return rest;
}

struct tobi_bytes boot_text_linux(struct tobi_bytes command)
{
	static const char *const words[] = {"linux ",	"linuxefi ", "linux16 ",
					    "linux32 ", "kernel ",   NULL};

	return behind_any(command, words);
}

struct tobi_bytes boot_text_initrd(struct tobi_bytes command)
{
	static const char *const words[] = {"initrd ", "initrdefi ", "initrd16 ",
					    "initrd32 ", NULL};

	return behind_any(command, words);
}

bool boot_text_has_word(struct tobi_bytes words, struct tobi_bytes word)
{
	for (size_t at = 0; word.size && at < words.size;) {
		const uint8_t *end = memchr(words.ptr + at, ' ', words.size - at);
		size_t size = end ? (size_t)(end - words.ptr) - at : words.size - at;

		if (bytes_equal(word, (struct tobi_bytes){words.ptr + at, size}))
			return true;
		at += size + 1;
	}
	return false;
}

static bool is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '\\';
}

bool boot_text_same(struct tobi_bytes a, struct tobi_bytes b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.size && is_quote(a.ptr[i]))
			i++;
		while (k < b.size && is_quote(b.ptr[k]))
			k++;
		if (i == a.size || k == b.size)
			return i == a.size && k == b.size;
		if (a.ptr[i++] != b.ptr[k++])
			return false;
	}
}

/* As it is and in UTF-16LE, each with an end and without. Text beyond ASCII has no form
 * that is known here but its own. */
static bool is_form(const struct event_hash *hash, struct tobi_bytes digest,
		    struct tobi_bytes text, struct writer *room)
{
	bool found = false;

	for (unsigned wide = 0; wide < 2 && !found; wide++) {
		room->size = 0;
		for (size_t i = 0; i < text.size; i++) {
			wr_u8(room, text.ptr[i]);
			if (wide)
				wr_u8(room, 0);
		}
		found = event_hash_is(hash, digest, wr_view(room));
		wr_bytes(room, "\0\0", wide ? 2 : 1);
		found = found || event_hash_is(hash, digest, wr_view(room));
	}
	return found && !wr_err(room);
}

bool boot_text_is_measured(const struct event_hash *hash, struct tobi_bytes digest,
			   struct tobi_bytes text)
{
	struct writer with = wr_init((size_t)2 * TEXT_MAX),
		      room = wr_init((size_t)4 * TEXT_MAX);
	bool found = is_form(hash, digest, text, &room);

	wr_bytes(&with, "BOOT_IMAGE=", 11);
	wr_bytes(&with, text.ptr, text.size);
	found = found || (!wr_err(&with) && is_form(hash, digest, wr_view(&with), &room));
	wr_done(&with);
	wr_done(&room);
	return found;
}
