#include "appraise/unwrap.h"

#include <string.h>

#include "appraise/parts.h"
#include "appraise/ratls.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/jose.h"
#include "pki/chain.h"
#include "tee/tee.h"

static const char object[] = "evidence";

enum { FORMS_MAX = 4, LABEL_MAX = 64, CBOR_MAP_FIRST = 0xa0, CBOR_MAP_LAST = 0xbf };

/* ---- what is known ---- */

static bool is_certificate(struct tobi_bytes bytes)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;

	return !chain_read_certificate(bytes, object, &certificate, NULL);
}

bool unwrap_is_evidence(struct tobi_bytes bytes)
{
	return tee_verifier_recognise(bytes) || evidence_is_wrapped(bytes) ||
	       is_certificate(bytes);
}

/* ---- text ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_text(struct tobi_bytes file)
{
	for (size_t i = 0; i < file.size; i++) {
		if (!is_blank(file.ptr[i]) && (file.ptr[i] < 0x20 || file.ptr[i] > 0x7e))
			return false;
	}
	return true;
}

static struct tobi_bytes trim(struct tobi_bytes text)
{
	while (text.size && is_blank(text.ptr[0]))
		text = (struct tobi_bytes){text.ptr + 1, text.size - 1};
	while (text.size && is_blank(text.ptr[text.size - 1]))
		text.size--;
	return text;
}

/* Without blanks, terminated; NULL when there is no memory. free() it. */
static char *squeeze(struct tobi_bytes text, size_t *ret_size)
{
	char *squeezed = malloc(text.size + 1);
	size_t size = 0;

	for (size_t i = 0; squeezed && i < text.size; i++) {
		if (!is_blank(text.ptr[i]))
			squeezed[size++] = (char)text.ptr[i];
	}
	if (squeezed)
		squeezed[size] = 0;
	*ret_size = size;
	return squeezed;
}

static bool decode_hex(const char *text, size_t size, struct writer *out)
{
	uint8_t *bytes;

	if (size > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		text += 2;
		size -= 2;
	}
	if (size < 2 || size % 2 || strspn(text, "0123456789abcdefABCDEF") != size)
		return false;
	bytes = wr_reserve(out, size / 2);
	return bytes && hex_read(text, bytes, size / 2);
}

/* RFC 4648, sections 4 and 5. Padding may be left out, but not be wrong. */
static bool decode_base64(char *text, size_t size, bool url, struct writer *out)
{
	size_t padding = 0;

	while (padding < 2 && size > padding && text[size - 1 - padding] == '=')
		padding++;
	if (padding && (size % 4 || size == padding))
		return false;
	size -= padding;
	if (size % 4 == 1 || (padding && (4 - size % 4) % 4 != padding))
		return false;
	for (size_t i = 0; i < size && !url; i++) {
		if (text[i] == '-' || text[i] == '_')
			return false;
		if (text[i] == '+')
			text[i] = '-';
		else if (text[i] == '/')
			text[i] = '_';
	}
	return size && !base64url_read((struct tobi_bytes){(const uint8_t *)text, size},
				       object, out, NULL);
}

/* ---- armour ---- */

/* "-----BEGIN x-----" at the start of the text; what follows it stays. */
static bool take_line(struct tobi_bytes *text, const char *word,
		      struct tobi_bytes *ret_label)
{
	static const char dashes[] = "-----";
	size_t start = 5 + strlen(word) + 1;
	const uint8_t *end;

	if (text->size < start || memcmp(text->ptr, dashes, 5) != 0 ||
	    memcmp(text->ptr + 5, word, strlen(word)) != 0 || text->ptr[start - 1] != ' ')
		return false;
	end = memmem(text->ptr + start, text->size - start, dashes, 5);
	if (!end || end == text->ptr + start ||
	    (size_t)(end - text->ptr) - start > LABEL_MAX ||
	    memchr(text->ptr, '\n', (size_t)(end - text->ptr)))
		return false;
	*ret_label =
	    (struct tobi_bytes){text->ptr + start, (size_t)(end - text->ptr) - start};
	end += 5;
	*text = (struct tobi_bytes){end, text->size - (size_t)(end - text->ptr)};
	return true;
}

/* One block, with the same label at both ends, and nothing beside it. A certificate's is
 * not taken off: its reader takes PEM, with a chain behind it. */
static bool open_armour(struct tobi_bytes text, struct tobi_bytes *ret_content)
{
	struct tobi_bytes label, last, rest;
	const uint8_t *end;

	if (!take_line(&text, "BEGIN", &label) || bytes_equal_text(label, "CERTIFICATE"))
		return false;
	end = text.size ? memmem(text.ptr, text.size, "-----", 5) : NULL;
	if (!end)
		return false;
	rest = (struct tobi_bytes){end, text.size - (size_t)(end - text.ptr)};
	*ret_content = (struct tobi_bytes){text.ptr, (size_t)(end - text.ptr)};
	return take_line(&rest, "END", &last) && bytes_equal(label, last) &&
	       rest.size == 0;
}

/* ---- all of it ---- */

/* A reading of the text that was possible, whatever came of it. */
struct reading {
	const char *form;
	struct writer bytes;
};
struct readings {
	struct reading list[FORMS_MAX];
	size_t count;
	bool is_text;
	bool failed; /* no memory */
};

static void readings_done(struct readings *readings)
{
	for (size_t i = 0; i < readings->count; i++)
		wr_done(&readings->list[i].bytes);
}

static void add(struct readings *readings, const char *form, bool decoded,
		struct writer *bytes)
{
	if (wr_err(bytes) == TOBI_E_MEMORY)
		readings->failed = true;
	if (decoded && readings->count < FORMS_MAX)
		readings->list[readings->count++] = (struct reading){form, *bytes};
	else
		wr_done(bytes);
}

static void read_base64(struct readings *readings, const char *form,
			struct tobi_bytes text, bool url)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	size_t size;
	char *squeezed = squeeze(text, &size);
	bool decoded = squeezed && decode_base64(squeezed, size, url, &bytes);

	readings->failed |= !squeezed;
	add(readings, form, decoded, &bytes);
	free(squeezed);
}

static void read_hex(struct readings *readings, struct tobi_bytes text)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	size_t size;
	char *squeezed = squeeze(text, &size);
	bool decoded = squeezed && decode_hex(squeezed, size, &bytes);

	readings->failed |= !squeezed;
	add(readings, "hexadecimal", decoded, &bytes);
	free(squeezed);
}

/* A token with a line's end behind it: none may be in it. JSON does not mind. */
static void read_plain(struct readings *readings, struct tobi_bytes text)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE);

	wr_bytes(&bytes, text.ptr, text.size);
	add(readings, "text", !wr_err(&bytes), &bytes);
}

static void read_text(struct readings *readings, struct tobi_bytes file,
		      bool (*known)(struct tobi_bytes))
{
	struct tobi_bytes text = trim(file), content;
	bool url = memchr(text.ptr, '-', text.size) || memchr(text.ptr, '_', text.size);

	if (text.size > 5 && memcmp(text.ptr, "-----", 5) == 0) {
		if (open_armour(text, &content))
			read_base64(readings, "armour", content, false);
		return;
	}
	/* Evidence with blanks around it, as some kinds allow, is no second reading. */
	if (text.size != file.size && !known(file))
		if (text.size != file.size && jws_is(text))
			read_plain(readings, text);
	read_hex(readings, text);
	if (url)
		read_base64(readings, "base64url", text, true);
	else
		read_base64(readings, "base64", text, false);
}

static void put_known(struct writer *out)
{
	const struct tee_verifier *verifier;

	wr_printf(out, "a collection of tobichi attest, a certificate");
	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		if (verifier->recognise)
			wr_printf(out, ", %s", verifier->name);
	}
}

static enum tobi_err refuse(const struct readings *readings, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer known = wr_init(512), tried = wr_init(128);

	put_known(&known);
	for (size_t i = 0; i < readings->count; i++)
		wr_printf(&tried, ", as %s", readings->list[i].form);
	if (readings->is_text && readings->count == 0)
		wr_printf(&tried, ", and no whole hexadecimal, base64 or armour");
	wr_u8(&known, 0);
	wr_u8(&tried, 0);
	if (wr_err(&known) || wr_err(&tried))
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
			 "no kind known here, as it is%s; known are: %s",
			 (const char *)tried.ptr, (const char *)known.ptr);
}

/* The one reading that is evidence; NULL where none is, or two are. */
static struct reading *choose(struct readings *readings, bool (*known)(struct tobi_bytes),
			      bool *ret_several)
{
	struct reading *chosen = NULL;

	*ret_several = false;
	for (size_t i = 0; i < readings->count; i++) {
		if (!known(wr_view(&readings->list[i].bytes)))
			continue;
		*ret_several |= chosen != NULL;
		chosen = &readings->list[i];
	}
	return *ret_several ? NULL : chosen;
}

/* A vendor's evidence is never anything else; a certificate may be. */
static const char *hint_of(struct tobi_bytes bytes)
{
	return tee_verifier_recognise(bytes) ? NULL : unwrap_hint(bytes);
}

static const char *find_hint(struct tobi_bytes file, const struct readings *readings)
{
	const char *hint = hint_of(file);

	for (size_t i = 0; i < readings->count && !hint; i++)
		hint = hint_of(wr_view(&readings->list[i].bytes));
	return hint;
}

/* Who reads collections and certificates says what is wrong in one, and where. */
static bool is_left_alone(struct tobi_bytes file)
{
	return file.size == 0 || (ratls_is_certificate(file) && file.ptr[0] != '{') ||
	       (file.ptr[0] >= CBOR_MAP_FIRST && file.ptr[0] <= CBOR_MAP_LAST);
}

enum tobi_err unwrap_evidence(struct tobi_bytes file, bool (*known)(struct tobi_bytes),
			      struct writer *storage, struct unwrapped *ret_unwrapped,
			      struct tobi_fault *fault)
{
	CLEANUP(readings_done) struct readings readings = {0};
	struct reading *chosen;
	const char *hint;
	bool several;

	readings.is_text = file.size && is_text(file);
	if (readings.is_text)
		read_text(&readings, file, known);
	if (readings.failed)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	hint = find_hint(file, &readings);
	if (hint)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "", "%s", hint);
	chosen = choose(&readings, known, &several);
	several |= chosen && known(file);
	if (several)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "the text can be read in two ways that are evidence: "
				 "give the bytes themselves");
	if (chosen) {
		*ret_unwrapped = (struct unwrapped){.form = chosen->form};
		wr_bytes(storage, chosen->bytes.ptr, chosen->bytes.size);
		ret_unwrapped->bytes = wr_view(storage);
		return wr_err(storage) ? fault_set(fault, wr_err(storage), object, "",
						   "there is no room for it")
				       : TOBI_OK;
	}
	if (!known(file) && !is_left_alone(file))
		return refuse(&readings, fault);
	*ret_unwrapped = (struct unwrapped){.bytes = file};
	return TOBI_OK;
}
