/* A Nitro document that is read borrows from the input only; what breaks no rule of its
 * kind has the fields of that kind; and what is read is known by its start. */
#include "fuzz/fuzz.h"
#include "tests/nitro_scene.h"

static void check_whole(const struct nitro_document *document, enum nitro_kind kind)
{
	unsigned least = kind == NITRO_TPM ? NITRO_TPM_PCRS : 3;

	must(document->module_id.size && document->timestamp);
	must(document->certificate.size && document->certificate.size <= 1024);
	must(document->bundle_count && document->bundle_count < LIMIT_COSE_CHAIN);
	must(document->has_pcrs == (kind == NITRO_ENCLAVE));
	must(document->has_tpm_pcrs == (kind == NITRO_TPM));
	must(document->public_key.size <= 1024 && document->user_data.size <= 1024 &&
	     document->nonce.size <= 1024);
	for (unsigned i = 0; i < least; i++)
		must(document->pcrs[i].size >= 32 && document->pcrs[i].size <= 64);
}

static void check_inside(const struct nitro_document *document, struct tobi_bytes input)
{
	must_be_inside(document->module_id, input);
	must_be_inside(document->digest, input);
	must_be_inside(document->certificate, input);
	must_be_inside(document->public_key, input);
	must_be_inside(document->user_data, input);
	must_be_inside(document->nonce, input);
	must_be_inside(document->unknown, input);
	for (size_t i = 0; i < document->bundle_count; i++)
		must_be_inside(document->bundle[i], input);
	for (size_t i = 0; i < NITRO_PCRS; i++)
		must_be_inside(document->pcrs[i], input);
}

bool fuzz_one(struct tobi_bytes input)
{
	enum nitro_kind kind = nitro_document_kind(input);
	struct nitro_document document;
	struct tobi_fault fault = {0};
	enum tobi_err err = nitro_document_parse(input, &document, &fault);

	if (err) {
		must(fault.code == err && fault.has_offset && fault.offset <= input.size);
		return false;
	}
	check_inside(&document, input);
	must(!nitro_document_wrong(&document, NITRO_ENCLAVE) +
		 !nitro_document_wrong(&document, NITRO_TPM) <=
	     1);
	for (int each = NITRO_ENCLAVE; each <= NITRO_TPM; each++) {
		if (nitro_document_wrong(&document, (enum nitro_kind)each))
			continue;
		check_whole(&document, (enum nitro_kind)each);
		must(kind == (enum nitro_kind)each);
		return true;
	}
	return false;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct test_nitro nitro;

	if (number >= 6)
		return FUZZ_NO_SEED;
	test_nitro_make(&nitro, number & 1 ? NITRO_TPM : NITRO_ENCLAVE);
	nitro.tagged = number & 2;
	nitro.indefinite = number == 1;
	if (number == 3)
		nitro.public_key = text_of("key");
	if (number == 4)
		nitro.more_field = "more";
	if (number == 5)
		nitro.both_pcrs = true;
	test_nitro_document(&nitro, out);
	test_nitro_done(&nitro);
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
