/* PCR values as tpm2-tools write them. */
#include <ctype.h>
#include <string.h>

#include "base/endian.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/tpm_parts.h"
#include "tee/tpm_structs.h"

/* `tpm2_quote -o FILE` writes two structures of tpm2-tss as they lie in memory, with
 * little-endian numbers: TPML_PCR_SELECTION, and a number of TPML_DIGESTs (tpm2-tools,
 * pcr.c). */
enum {
	SELECTIONS = 16,
	SELECTION_SIZE = 8,
	SELECTIONS_SIZE = 4 + SELECTIONS * SELECTION_SIZE,
	DIGESTS = 8,
	DIGEST_SIZE = 2 + TPM_HASH_MAX,
	LIST_SIZE = 4 + DIGESTS * DIGEST_SIZE,
	LISTS_MAX = TPM_BANKS_MAX * TPM_PCRS,
	LINE_MAX_SIZE = 256,
};

/* The digests of all lists, one after the other. */
struct digests {
	struct tobi_bytes lists;
	size_t list, digest;
};

static struct tobi_bytes next_digest(struct digests *digests)
{
	while (LIST_SIZE * (digests->list + 1) <= digests->lists.size) {
		const uint8_t *list = digests->lists.ptr + LIST_SIZE * digests->list;
		const uint8_t *digest = list + 4 + DIGEST_SIZE * digests->digest;

		if (digests->digest < DIGESTS && digests->digest < load_le(list, 4)) {
			digests->digest++;
			return (struct tobi_bytes){digest + 2, load_le(digest, 2)};
		}
		digests->list++;
		digests->digest = 0;
	}
	return (struct tobi_bytes){0};
}

static bool add_selection(struct tpm_parts *parts, const uint8_t *selection,
			  struct digests *digests)
{
	unsigned hash = (unsigned)load_le(selection, 2);
	size_t size = tpm_hash_size(hash);

	if (selection[2] > 4)
		return false;
	for (unsigned i = 0; i < 8u * selection[2]; i++) {
		struct tobi_bytes value;

		if (!(selection[3 + i / 8] >> i % 8 & 1))
			continue;
		value = next_digest(digests);
		if (!size || value.size != size)
			return false;
		tpm_parts_add_pcr(parts, hash, i, value);
	}
	return true;
}

bool tpm_pcrs_add_serialized(struct tpm_parts *parts, struct tobi_bytes bytes)
{
	struct digests digests = {0};
	size_t count, lists;

	if (bytes.size < SELECTIONS_SIZE + 4)
		return false;
	count = load_le(bytes.ptr, 4);
	lists = load_le(bytes.ptr + SELECTIONS_SIZE, 4);
	if (count == 0 || count > SELECTIONS || lists == 0 || lists > LISTS_MAX ||
	    bytes.size != SELECTIONS_SIZE + 4 + lists * LIST_SIZE)
		return false;
	digests.lists =
	    (struct tobi_bytes){bytes.ptr + SELECTIONS_SIZE + 4, lists * LIST_SIZE};
	for (size_t i = 0; i < count; i++) {
		if (!add_selection(parts, bytes.ptr + 4 + SELECTION_SIZE * i, &digests))
			return false;
	}
	return true;
}

/* What tpm2_pcrread and tpm2_quote say: a line for a bank, and one for each of its PCRs:
 *   sha256:
 *     0 : 0x3D45...
 */
static void read_value(struct tpm_parts *parts, unsigned hash, const char *line)
{
	size_t size = tpm_hash_size(hash);
	uint8_t value[TPM_HASH_MAX];
	unsigned index = 0, digits = 0;

	for (; isdigit((unsigned char)*line) && digits < 3; line++, digits++)
		index = 10 * index + (unsigned)(*line - '0');
	line += strspn(line, " ");
	if (!digits || *line++ != ':')
		return;
	line += strspn(line, " ");
	if (strncmp(line, "0x", 2) == 0 && hex_read(line + 2, value, size))
		tpm_parts_add_pcr(
		    parts, hash, index,
		    arena_copy(parts->arena, (struct tobi_bytes){value, size}));
}

static void read_line(struct tpm_parts *parts, struct tobi_bytes bytes, unsigned *hash)
{
	char line[LINE_MAX_SIZE];
	char *text = line;
	size_t size;

	if (bytes.size >= sizeof(line))
		return;
	bytes_copy(line, sizeof(line), bytes.ptr, bytes.size);
	line[bytes.size] = 0;
	text += strspn(text, " ");
	size = strcspn(text, " \r");
	if (size > 1 && text[size - 1] == ':' &&
	    !text[size + strspn(text + size, " \r")]) {
		text[size - 1] = 0;
		*hash = tpm_hash_named(text);
	} else if (*hash != TPM_ALG_NULL) {
		text[strcspn(text, "\r")] = 0;
		read_value(parts, *hash, text);
	}
}

bool tpm_pcrs_add_text(struct tpm_parts *parts, struct tobi_bytes text)
{
	size_t banks = parts->bank_count;
	unsigned hash = TPM_ALG_NULL;

	for (size_t i = 0; i < text.size; i++) {
		if (text.ptr[i] >= 0x7f ||
		    (text.ptr[i] < ' ' && text.ptr[i] != '\n' && text.ptr[i] != '\r'))
			return false;
	}
	for (size_t at = 0; at < text.size;) {
		const uint8_t *end = memchr(text.ptr + at, '\n', text.size - at);
		size_t size = end ? (size_t)(end - text.ptr) - at : text.size - at;

		read_line(parts, (struct tobi_bytes){text.ptr + at, size}, &hash);
		at += size + 1;
	}
	return parts->bank_count > banks;
}
