/* What the Nitro module answers: a document that is read lies within the answer. */
#include "attest/nsm.h"
#include "codec/cbor.h"
#include "fuzz/fuzz.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_bytes document = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err = nsm_response_read(input, &document, &fault);

	must(!err == (fault.code == TOBI_OK) && !err == (document.size > 0));
	must_be_inside(document, input);
	return !err;
}

static void write_document(struct writer *out, const char *key, const char *inner)
{
	cbor_write_map(out, 1);
	cbor_write_text(out, key);
	cbor_write_map(out, 1);
	cbor_write_text(out, inner);
	cbor_write_bytes(out, text_of("a document"));
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	switch (number) {
	case 0:
		write_document(out, "Attestation", "document");
		return FUZZ_GOOD;
	case 1:
		write_document(out, "Attestation", "documents");
		return FUZZ_BAD;
	case 2:
		cbor_write_map(out, 1);
		cbor_write_text(out, "Error");
		cbor_write_text(out, "InvalidOperation");
		return FUZZ_BAD;
	default:
		return FUZZ_NO_SEED;
	}
}
