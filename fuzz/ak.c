/* A request for the certificate of an attestation key, the answer, and an endorsement
 * key that came by itself. The first byte chooses which of the three it is. */
#include "codec/cbor.h"
#include "fuzz/fuzz.h"
#include "root/ak.h"
#include "tee/tpm_ek.h"

static bool read_request(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct writer out = wr_init(input.size);
	struct ak_request request;

	if (ak_request_parse(input, &request, fault))
		return false;
	ak_request_write(&out, &request);
	must(bytes_equal(wr_view(&out), input));
	wr_done(&out);
	return true;
}

static bool read_challenge(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct ak_challenge challenge;

	if (ak_challenge_parse(input, &challenge, fault))
		return false;
	must_be_inside(challenge.credential, input);
	must_be_inside(challenge.encrypted, input);
	must_be_inside(challenge.sealed, input);
	must(challenge.nonce.size == 12 && challenge.sealed.size > 16);
	return true;
}

static bool read_ek(struct tobi_bytes input)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct tobi_fault fault = {0};
	bool accepted = !tpm_ek_read(input, &key, &fault);

	must(accepted == (key != NULL) && accepted == !fault.code);
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_fault fault = {0};
	uint8_t choice = take_choice(&input);
	bool accepted;

	/* 0 and 2 are requests. */
	if (choice > 2)
		return read_ek(input);
	accepted =
	    choice == 1 ? read_challenge(input, &fault) : read_request(input, &fault);
	must(accepted || (fault.code && fault.has_offset && fault.offset <= input.size));
	return accepted;
}

/* The template L-1, with some odd number as the modulus. */
static void write_public(struct writer *out)
{
	wr_uint_be(out, TPM_ALG_RSA, 2);
	wr_uint_be(out, TPM_ALG_SHA256, 2);
	wr_uint_be(out, 0x300b2, 4);
	wr_uint_be(out, 0, 2);
	wr_uint_be(out, TPM_ALG_AES, 2);
	wr_uint_be(out, 0x00800043, 4);
	wr_uint_be(out, TPM_ALG_NULL, 2);
	wr_uint_be(out, 2048, 2);
	wr_uint_be(out, 0, 4);
	wr_uint_be(out, 256, 2);
	for (size_t i = 0; i < 256; i++)
		wr_u8(out, 0xc3);
}

/* An endorsement key in each form. */
static void write_ek(unsigned form, struct writer *out)
{
	CLEANUP(wr_done) struct writer public = wr_init(1024);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;

	write_public(&public);
	must(!tpm_ek_read(wr_view(&public), &key, NULL));
	if (form == 0)
		wr_bytes(out, public.ptr, public.size);
	else if (form == 1)
		must(!key_spki(key, out, NULL));
	else
		must(!key_write_public(key, out, NULL));
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	const struct ak_request request = {text_of("certificate"), text_of("key")};
	const struct ak_request without = {{0}, text_of("key")};

	wr_u8(out, (uint8_t)number);
	switch (number) {
	case 0:
		ak_request_write(out, &request);
		return FUZZ_GOOD;
	case 1:
		cbor_write_map(out, 5);
		cbor_write_uint(out, 0);
		cbor_write_uint(out, 1);
		cbor_write_uint(out, 1);
		cbor_write_bytes(out, text_of("credential"));
		cbor_write_uint(out, 2);
		cbor_write_bytes(out, text_of("encrypted"));
		cbor_write_uint(out, 3);
		cbor_write_bytes(out, text_of("twelve bytes"));
		cbor_write_uint(out, 4);
		cbor_write_bytes(out, text_of("a tag, and more than that"));
		return FUZZ_GOOD;
	case 2:
		ak_request_write(out, &without);
		return FUZZ_GOOD;
	case 3:
	case 4:
	case 5:
		write_ek(number - 3, out);
		return FUZZ_GOOD;
	default:
		return FUZZ_NO_SEED;
	}
}
