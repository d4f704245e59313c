/* What a TPM says, its signature and keys: everything that is read lies within what was
 * given. The first byte chooses which of the three it is. */
#include "fuzz/fuzz.h"
#include "tee/tpm_structs.h"

static bool read_attest(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct tpm_attest attest;

	if (tpm_attest_parse(input, &attest, fault))
		return false;
	must(attest.selection_count <= TPM_SELECTIONS_MAX);
	must_be_inside(attest.signer, input);
	must_be_inside(attest.extra, input);
	must_be_inside(attest.pcr_digest, input);
	must_be_inside(attest.name, input);
	must_be_inside(attest.qualified_name, input);
	return true;
}

static bool read_signature(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct tpm_signature signature;
	EVP_PKEY *key;

	if (tpm_signature_parse(input, &signature, fault))
		return false;
	must_be_inside(signature.rsa, input);
	must_be_inside(signature.r, input);
	must_be_inside(signature.s, input);
	key = fuzz_key(1);
	must(tpm_signature_verify(&signature, key, NULL, input, NULL));
	EVP_PKEY_free(key);
	return true;
}

static bool read_public(struct tobi_bytes input, struct tobi_fault *fault)
{
	struct tpm_public public;
	EVP_PKEY *key = NULL;

	if (tpm_public_parse(input, &public, fault))
		return false;
	must_be_inside(public.policy, input);
	must_be_inside(public.x, input);
	must_be_inside(public.y, input);
	must_be_inside(public.modulus, input);
	if (!tpm_public_key(&public, &key, NULL))
		must(key != NULL);
	EVP_PKEY_free(key);
	return true;
}

bool fuzz_one(struct tobi_bytes input)
{
	struct tobi_fault fault = {0};
	uint8_t choice = take_choice(&input);
	bool accepted = choice == 0   ? read_attest(input, &fault)
			: choice == 1 ? read_signature(input, &fault)
				      : read_public(input, &fault);

	must(accepted || (fault.code && fault.has_offset && fault.offset <= input.size));
	return accepted;
}

static void write_sized(struct writer *out, unsigned size)
{
	wr_uint_be(out, size, 2);
	wr_reserve(out, size);
}

static void write_attest(struct writer *out, unsigned type)
{
	wr_uint_be(out, TPM_GENERATED, 4);
	wr_uint_be(out, type, 2);
	write_sized(out, 34);
	write_sized(out, 32);
	wr_reserve(out, 16); /* clock, counts */
	wr_u8(out, 1);
	wr_reserve(out, 8);
	if (type == TPM_ATTEST_QUOTE) {
		wr_uint_be(out, 1, 4);
		wr_uint_be(out, TPM_ALG_SHA256, 2);
		wr_uint_be(out, 0x03ff0000, 4);
		write_sized(out, 32);
	} else {
		write_sized(out, 34);
		write_sized(out, 34);
	}
}

static void write_public(struct writer *out, bool rsa)
{
	wr_uint_be(out, rsa ? TPM_ALG_RSA : TPM_ALG_ECC, 2);
	wr_uint_be(out, TPM_ALG_SHA256, 2);
	wr_uint_be(out, 0x50072, 4);
	write_sized(out, rsa ? 32 : 0);
	wr_uint_be(out, rsa ? TPM_ALG_AES : TPM_ALG_NULL, 2);
	if (rsa)
		wr_uint_be(out, 0x00800043, 4);
	wr_uint_be(out, rsa ? TPM_ALG_NULL : TPM_ALG_ECDSA, 2);
	if (!rsa)
		wr_uint_be(out, TPM_ALG_SHA256, 2);
	wr_uint_be(out, rsa ? 2048 : TPM_CURVE_P256, 2);
	wr_uint_be(out, rsa ? 0 : TPM_ALG_NULL, rsa ? 4 : 2);
	write_sized(out, rsa ? 256 : 32);
	if (!rsa)
		write_sized(out, 32);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	wr_u8(out, (uint8_t)(number / 2));
	switch (number) {
	case 0:
		write_attest(out, TPM_ATTEST_QUOTE);
		return FUZZ_GOOD;
	case 1:
		write_attest(out, TPM_ATTEST_CERTIFY);
		return FUZZ_GOOD;
	case 2:
		wr_uint_be(out, TPM_ALG_ECDSA, 2);
		wr_uint_be(out, TPM_ALG_SHA256, 2);
		write_sized(out, 32);
		write_sized(out, 32);
		return FUZZ_GOOD;
	case 3:
		wr_uint_be(out, TPM_ALG_RSASSA, 2);
		wr_uint_be(out, TPM_ALG_SHA256, 2);
		write_sized(out, 256);
		return FUZZ_GOOD;
	case 4:
	case 5:
		write_public(out, number == 5);
		return FUZZ_GOOD;
	default:
		return FUZZ_NO_SEED;
	}
}
