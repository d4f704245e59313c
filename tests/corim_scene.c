#include "tests/corim_scene.h"

#include <stdarg.h>
#include <stdlib.h>

#include "codec/cbor.h"
#include "tests/bytes.h"

enum { WORD_MAX = 256 };

static void write_bytes(struct writer *out, const char *hex)
{
	struct block block = block_unhex(hex);

	cbor_write_bytes(out, block_view(block));
	block_done(block);
}

static void write_word(struct writer *out, const char *word)
{
	size_t size = strlen(word);

	if (word[0] == '"') {
		char text[WORD_MAX];

		bytes_copy(text, sizeof(text), word + 1, size - 2);
		for (char *at = text; at < text + size - 2; at++)
			*at = *at == '~' ? ' ' : *at;
		cbor_write_text_bytes(
		    out, (struct tobi_bytes){(const uint8_t *)text, size - 2});
	} else if (word[0] == 'm') {
		cbor_write_map(out, strtoull(word + 1, NULL, 10));
	} else if (word[0] == 'a') {
		cbor_write_array(out, strtoull(word + 1, NULL, 10));
	} else if (word[0] == 't') {
		cbor_write_tag(out, strtoull(word + 1, NULL, 10));
	} else if (word[0] == 'h') {
		write_bytes(out, word + 1);
	} else if (word[0] == 'T' || word[0] == 'F') {
		cbor_write_bool(out, word[0] == 'T');
	} else if (word[0] == 'N') {
		cbor_write_null(out);
	} else {
		cbor_write_int(out, strtoll(word, NULL, 10));
	}
}

static void write_words(struct writer *out, const char *words, va_list args)
{
	while (*words) {
		size_t size = strcspn(words, " ");
		char word[WORD_MAX];

		assert_true(size < sizeof(word));
		snprintf(word, sizeof(word), "%.*s", (int)size, words);
		if (word[0] == '%')
			cbor_write_bytes(out, *va_arg(args, const struct tobi_bytes *));
		else if (size)
			write_word(out, word);
		words += size + (words[size] == ' ');
	}
	assert_int_equal(wr_err(out), 0);
}

void corim_diag(struct writer *out, const char *words, ...)
{
	va_list args;

	va_start(args, words);
	write_words(out, words, args);
	va_end(args);
}

void corim_frame(struct writer *out, const struct corim_frame *frame,
		 const struct tobi_bytes *first, const struct tobi_bytes *second)
{
	struct writer module = wr_init(LIMIT_CORIM);
	struct tobi_bytes bytes;
	size_t count = 2 + frame->more_count;

	count += frame->profile ? 1 : 0;
	count += frame->validity ? 1 : 0;
	corim_diag(&module, "m2 1 m1 0 \"module\" 4");
	corim_diag(&module, frame->triples, first, second);
	bytes = wr_view(&module);
	corim_diag(out, "t501");
	cbor_write_map(out, count);
	corim_diag(out, "0 \"document\" 1 a1 t506 %", &bytes);
	if (frame->profile) {
		corim_diag(out, "3");
		corim_diag(out, frame->profile);
	}
	if (frame->validity) {
		corim_diag(out, "4");
		corim_diag(out, frame->validity);
	}
	if (frame->more)
		corim_diag(out, frame->more);
	wr_done(&module);
}

void corim_frame_sign(struct writer *out, struct tobi_bytes corim, EVP_PKEY *key,
		      const struct corim_validity *validity)
{
	const struct corim_sign_request request = {
	    .corim = corim,
	    .key = key,
	    .signer = "a test",
	    .validity = validity ? *validity : (struct corim_validity){0}};

	assert_int_equal(corim_sign(&request, out, NULL), 0);
}

struct corim *corim_frame_read(const struct corim_frame *frame,
			       const struct tobi_bytes *first,
			       const struct tobi_bytes *second)
{
	struct writer bytes = wr_init(LIMIT_CORIM);
	struct tobi_fault fault = {0};
	struct corim *corim = NULL;

	corim_frame(&bytes, frame, first, second);
	if (corim_read(wr_view(&bytes), "test", &corim, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	wr_done(&bytes);
	return corim;
}
