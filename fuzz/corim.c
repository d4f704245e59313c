/*
 * A document of reference values, signed or not: what is read lies in what was given, its
 * counts keep to the ceilings, and nothing of it counts without the key that signed.
 */
#include "corim/signed.h"

#include "corim/write.h"
#include "fuzz/fuzz.h"

static struct tobi_bytes id_of(uint8_t number, uint8_t *room)
{
	for (size_t i = 0; i < SHA384_SIZE; i++)
		room[i] = (uint8_t)(number + i);
	return (struct tobi_bytes){room, SHA384_SIZE};
}

static void check_counts(const struct corim *corim)
{
	must(corim->module_count <= LIMIT_CORIM_TAGS);
	must(corim->triple_count <= LIMIT_CORIM_TRIPLES);
	must(corim->measurement_count <= LIMIT_CORIM_MEASUREMENTS);
	must(corim->id.kind != CORIM_ID_NONE);
	for (size_t i = 0; i < corim->module_count; i++) {
		const struct corim_module *module = &corim->modules[i];

		must(module->id.kind != CORIM_ID_NONE);
		for (size_t j = 0; j < module->references.count; j++) {
			const struct corim_triple *triple = &module->references.items[j];

			must(triple->measurements.count > 0);
			for (size_t k = 0; k < triple->measurements.count; k++) {
				const struct corim_values *values =
				    &triple->measurements.items[k].values;

				must_be_inside(values->raw, corim->bytes);
				must_be_inside(values->name, corim->bytes);
				must(!values->mask.ptr ||
				     values->mask.size == values->raw.size);
			}
		}
	}
}

bool fuzz_one(struct tobi_bytes input)
{
	struct corim_document *document = NULL;
	struct corim_signers nobody = {0};
	struct corim_proof proof = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err = corim_document_read(input, "fuzz", &document, &fault);

	if (err) {
		must(fault.code == err && !document);
		return false;
	}
	check_counts(document->corim);
	must(!corim_document_prove(document, &nobody, &proof, NULL));
	must(document->is_signed || (!proof.holds && !proof.has_signer));
	must(!corim_signer_is_named(document, &nobody, &proof, 1900000000));
	corim_document_free(document);
	return true;
}

/* Unsigned, signed, signed for a time, with a long name. */
enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	uint8_t room[SHA384_SIZE];
	struct corim_image image = {.name = text_of(number == 3 ? "long-name" : "n"),
				    .image_id = id_of((uint8_t)number, room),
				    .svn = number,
				    .product = 7};
	struct writer bytes = wr_init(LIMIT_CORIM);
	struct corim_sign_request request = {.signer = "a seed", .uri = "https://a.b"};
	EVP_PKEY *key = fuzz_key(1);

	if (number < 4) {
		must(!corim_write_image(&image, &bytes, NULL));
		request.corim = wr_view(&bytes);
		request.key = key;
		if (number == 2)
			request.validity =
			    (struct corim_validity){true, true, 0, 2000000000};
		if (number == 0)
			wr_bytes(out, bytes.ptr, bytes.size);
		else
			must(!corim_sign(&request, out, NULL));
	}
	wr_done(&bytes);
	EVP_PKEY_free(key);
	return number < 4 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
