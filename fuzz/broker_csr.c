/* What one who has attested sends to be signed: a PKCS#10 request, DER or PEM. What is
 * taken has a strong key, and names that are names. */
#include "broker/csr.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "tests/csr_make.h"

bool fuzz_one(struct tobi_bytes input)
{
	struct csr csr = {0};

	if (csr_read(input, &csr, NULL))
		return false;
	must(csr.key && csr.name_count >= 1 && csr.name_count <= CSR_NAMES_MAX);
	for (size_t i = 0; i < csr.name_count; i++) {
		struct certificate_name again;

		must(certificate_name_read(csr.names[i].text, &again));
		must(strcmp(again.text, csr.names[i].text) == 0 &&
		     again.wildcard == csr.names[i].wildcard &&
		     again.address_size == csr.names[i].address_size);
	}
	csr_done(&csr);
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const char *const kinds[] = {"EC:P-256", "EC:P-384", "ED25519"};
	struct csr_make make = {.names = "DNS:web.example,DNS:*.in.example,IP:192.0.2.7",
				.common_name = number ? "web.example" : NULL,
				.pem = number == 2};

	if (number >= sizeof(kinds) / sizeof(kinds[0]))
		return FUZZ_NO_SEED;
	make.key = csr_make_key(kinds[number]);
	csr_make(&make, out);
	EVP_PKEY_free(make.key);
	return FUZZ_GOOD;
}
