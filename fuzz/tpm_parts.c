/*
 * Tells by its form what came as a TPM's evidence, or beside it: the first byte says as
 * which. What is told lies in the input or was made of it, within the bounds of its list;
 * a document with a quote in it is known by its start.
 */
#include <string.h>

#include "codec/base64.h"
#include "codec/cbor.h"
#include "fuzz/fuzz.h"
#include "tee/tpm_parts.h"
#include "tee/tpm_structs.h"
#include "tests/quote_scene.h"

/* A sanitizer sees a byte that is not there. */
static unsigned touch(struct tobi_bytes bytes)
{
	unsigned sum = 0;

	for (size_t i = 0; i < bytes.size; i++)
		sum += bytes.ptr[i];
	return sum;
}

static unsigned touch_list(const struct tpm_bytes_list *list)
{
	unsigned sum = 0;

	must(list->count <= TPM_PARTS_EACH);
	for (size_t i = 0; i < list->count; i++)
		sum += touch(list->items[i]);
	return sum;
}

static bool check(const struct tpm_parts *parts)
{
	unsigned sum = touch(parts->quote) + touch(parts->certify) + touch(parts->log) +
		       touch(parts->nitro) + touch_list(&parts->signatures) +
		       touch_list(&parts->publics) + touch_list(&parts->keys) +
		       touch_list(&parts->plain);

	must(parts->certificate_count <= TPM_PARTS_CERTIFICATES);
	for (size_t i = 0; i < parts->certificate_count; i++)
		sum += touch(parts->certificates[i]);
	must(parts->bank_count <= TPM_BANKS_MAX);
	for (size_t i = 0; i < parts->bank_count; i++) {
		for (unsigned j = 0; j < TPM_PCRS; j++)
			sum += touch(parts->banks[i].pcrs[j]);
	}
	return sum != 0;
}

bool fuzz_one(struct tobi_bytes input)
{
	static const uint8_t quote[] = {0xff, 0x54, 0x43, 0x47, 0x80, 0x18};
	bool beside = take_choice(&input) & 1;
	const struct tee_request request = {
	    .evidence = beside ? (struct tobi_bytes){quote, sizeof(quote)} : input,
	    .pieces = &input,
	    .piece_count = beside,
	};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tpm_parts parts = {0};
	struct tobi_fault fault = {0};
	bool known = beside || tpm_parts_recognise(input);
	enum tobi_err err = tpm_parts_read(&request, &arena, &parts, &fault);
	bool good = false;

	must(err == fault.code);
	if (!err) {
		must(parts.quote.size > 0);
		check(&parts);
		good = known && !parts.unread.code && !parts.twice && !parts.too_many &&
		       (!beside || parts.bank_count || parts.signatures.count ||
			parts.publics.count || parts.certificate_count ||
			parts.certify.size);
	}
	arena_done(&arena);
	return good;
}

static void put_base64(struct writer *out, const char *name, struct tobi_bytes bytes)
{
	wr_printf(out, "\"%s\": \"", name);
	base64_write(out, bytes);
	wr_printf(out, "\"");
}

static void write_document(const struct quote_scene *scene,
			   const struct quote_parts *parts, struct writer *out)
{
	struct writer pcrs = wr_init(LIMIT_EVIDENCE);

	quote_scene_pcrs(scene, &pcrs);
	wr_printf(out, "{");
	put_base64(out, "tpm2-quote", wr_view(&parts->quote));
	wr_printf(out, ", ");
	put_base64(out, "signature", wr_view(&parts->pieces[0]));
	wr_printf(out, ", %.*s", (int)pcrs.size - 1, (const char *)pcrs.ptr + 1);
	wr_done(&pcrs);
}

static void write_parsec(const struct quote_parts *parts, struct writer *out)
{
	cbor_write_map(out, 2);
	cbor_write_text(out, "kat");
	cbor_write_map(out, 1);
	cbor_write_text(out, "pubArea");
	cbor_write_bytes(out, wr_view(&parts->pieces[1]));
	cbor_write_text(out, "pat");
	cbor_write_map(out, 2);
	cbor_write_text(out, "sig");
	cbor_write_bytes(out, wr_view(&parts->pieces[0]));
	cbor_write_text(out, "attestInfo");
	cbor_write_bytes(out, wr_view(&parts->quote));
}

/* As tpm2_quote writes PCR 1 of the SHA-1 bank. */
static void write_serialized(struct writer *out)
{
	static const uint8_t zeros[600];

	wr_bytes(out, "\x01\0\0\0\x04\0\x03\x02\0\0\0\0", 12);
	wr_bytes(out, zeros, 15 * 8);
	wr_bytes(out, "\x01\0\0\0\x01\0\0\0\x14\0", 10);
	wr_bytes(out, zeros, 4 + 8 * 66 - 6);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct quote_scene scene;
	struct quote_parts parts;

	quote_scene_make(&scene, QUOTE_P256);
	scene.with_certify = true;
	quote_scene_parts(&scene, &parts);
	wr_u8(out, number != 0 && number < 4 + parts.count);
	if (number == 0)
		wr_bytes(out, parts.quote.ptr, parts.quote.size);
	else if (number <= parts.count)
		wr_bytes(out, parts.pieces[number - 1].ptr,
			 parts.pieces[number - 1].size);
	else if (number == parts.count + 1)
		write_serialized(out);
	else if (number == parts.count + 2)
		wr_printf(out,
			  "sha1:\n  1 : 0x0000000000000000000000000000000000000000\n");
	else if (number == parts.count + 3)
		wr_bytes(out, scene.root_pem.ptr, scene.root_pem.size);
	else if (number == parts.count + 4)
		write_document(&scene, &parts, out);
	else if (number == parts.count + 5)
		write_parsec(&parts, out);
	else
		number = 0xff;
	quote_parts_done(&parts);
	quote_scene_done(&scene);
	return number == 0xff ? FUZZ_NO_SEED : FUZZ_GOOD;
}
