/* Sealed objects. The key is known here, so that good seeds open, and what is accepted
 * was sealed with it. */
#include "seal/object.h"

#include "fuzz/fuzz.h"

static const uint8_t key[SEAL_KEY_SIZE] = {1};

static bool open_object(struct tobi_bytes input, const struct seal_header *header)
{
	CLEANUP(seal_pass_freep) struct seal_pass *pass = NULL;
	struct tobi_bytes content = {input.ptr + SEAL_HEADER_SIZE, (size_t)header->size};
	uint8_t *out = malloc(content.size + 1);
	bool good;

	must(out != NULL);
	must_be_inside(content, input);
	must(!seal_pass_new(true, key, input.ptr, (struct tobi_bytes){0}, &pass, NULL));
	must(!seal_pass_update(pass, content, out, NULL));
	good = !seal_pass_check(pass, input.ptr + input.size - SEAL_TAG_SIZE, NULL);
	free(out);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct seal_header header;
	uint8_t again[SEAL_HEADER_SIZE];

	if (seal_header_parse(input, input.size, &header, NULL))
		return false;
	must(header.size <= TOBI_SEAL_CONTENT_MAX);
	must(header.size + TOBI_SEAL_OVERHEAD == input.size);
	/* There is one way to write a header. */
	seal_header_write(&header, again);
	must(bytes_equal((struct tobi_bytes){input.ptr, SEAL_HEADER_SIZE},
			 (struct tobi_bytes){again, SEAL_HEADER_SIZE}));
	return open_object(input, &header);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	CLEANUP(seal_pass_freep) struct seal_pass *pass = NULL;
	struct seal_header header = {.size = 100 * number};
	uint8_t *object;

	if (number > 2)
		return FUZZ_NO_SEED;
	if (number) {
		header.to = TOBI_SEAL_TO_SIGNER;
		header.product = 3;
		header.svn = 7;
		header.debug = number == 2;
	}
	header.salt[0] = (uint8_t)number;
	object = wr_reserve(out, (size_t)header.size + TOBI_SEAL_OVERHEAD);
	must(object != NULL);
	seal_header_write(&header, object);
	must(!seal_pass_new(false, key, object, (struct tobi_bytes){0}, &pass, NULL));
	must(!seal_pass_update(
	    pass, (struct tobi_bytes){object + SEAL_HEADER_SIZE, (size_t)header.size},
	    object + SEAL_HEADER_SIZE, NULL));
	must(!seal_pass_tag(pass, object + SEAL_HEADER_SIZE + header.size, NULL));
	return FUZZ_GOOD;
}
