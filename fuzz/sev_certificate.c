/* Certificates of AMD SEV, back to back: what is read of them lies within them, and one
 * that is read once has the same form and size when it is read again. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include <string.h>

#include "fuzz/fuzz.h"
#include "tee/sev_chain.h"

static void check_one(const struct sev_certificate *certificate, struct tobi_bytes input)
{
	struct sev_certificate again;
	EVP_PKEY *key = NULL;

	if (!certificate->bytes.size)
		return;
	must_be_inside(certificate->bytes, input);
	must_be_inside(certificate->body, certificate->bytes);
	must_be_inside(certificate->signatures[0].value, certificate->bytes);
	must_be_inside(certificate->signatures[1].value, certificate->bytes);
	must(sev_certificate_size(certificate->bytes) == certificate->bytes.size);
	must(!sev_certificate_parse(certificate->bytes, &again, NULL));
	must(again.usage == certificate->usage);
	if (!sev_certificate_key(certificate, &key, NULL))
		must(key != NULL);
	EVP_PKEY_free(key);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct sev_certificates *all = calloc(1, sizeof(*all));
	bool accepted;

	must(all != NULL);
	accepted = !sev_certificates_add(all, input, NULL) && input.size > 0;
	must(all->ark_count <= SEV_AMD_MAX && all->ask_count <= SEV_AMD_MAX);
	for (size_t i = 0; i < all->ark_count; i++)
		check_one(&all->arks[i], input);
	for (size_t i = 0; i < all->ask_count; i++)
		check_one(&all->asks[i], input);
	check_one(&all->cek, input);
	check_one(&all->pek, input);
	check_one(&all->oca, input);
	check_one(&all->pdh, input);
	free(all);
	return accepted;
}

static void put_platform(struct writer *out, uint32_t usage, uint32_t algorithm)
{
	uint8_t *at = wr_reserve(out, SEV_CERTIFICATE_SIZE);

	must(at != NULL);
	store_le(at, 4, 1);
	store_le(at + 8, 4, usage);
	store_le(at + 12, 4, algorithm);
	if (algorithm == SEV_RSA_SHA256) {
		store_le(at + 16, 4, 2048);
		store_le(at + 20, 4, 65537);
		memset(at + 20 + 512, 0xa5, 256);
	} else {
		store_le(at + 16, 4, usage == SEV_PDH ? 1 : 2);
		at[20] = at[92] = 7;
	}
	store_le(at + 1044, 4, SEV_NONE);
	store_le(at + 1564, 4, SEV_NONE);
}

static void put_amd(struct writer *out, uint32_t usage, size_t size)
{
	uint8_t *at = wr_reserve(out, 64 + 3 * size);

	must(at != NULL);
	store_le(at, 4, 1);
	at[4] = (uint8_t)usage;
	store_le(at + 36, 4, usage);
	store_le(at + 56, 4, 8 * size);
	store_le(at + 60, 4, 8 * size);
	store_le(at + 64, 4, 65537);
	memset(at + 64 + size, 0xa5, size);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	if (number == 0)
		put_platform(out, SEV_PDH, SEV_ECDH_SHA256);
	if (number == 1 || number == 3) {
		put_platform(out, SEV_PEK, SEV_ECDSA_SHA256);
		put_platform(out, SEV_OCA, SEV_RSA_SHA256);
		put_platform(out, SEV_CEK, SEV_ECDSA_SHA384);
	}
	if (number == 2 || number == 3) {
		put_amd(out, SEV_ASK, 256);
		put_amd(out, SEV_ARK, 512);
	}
	if (number == 4)
		put_platform(out, SEV_PEK, SEV_ECDH_SHA256);
	if (number > 4)
		return FUZZ_NO_SEED;
	return number < 4 ? FUZZ_GOOD : FUZZ_BAD;
}
