/* Certificates, in DER or PEM. What is read is written as PEM and read again; a PEM text
 * is also verified as chain and anchors in one. The first byte chooses the form. */
#include "fuzz/fuzz.h"
#include "pki/cert.h"

enum { NOW = 1900000000, DAY = 24 * 3600 };

static void write_again(struct tobi_bytes der)
{
	struct writer pem = wr_init(LIMIT_PEM), again = wr_init(LIMIT_PEM);
	struct tobi_bytes list[2];
	size_t count = 0;

	must(!chain_write_pem(der, &pem, NULL));
	must(!chain_read_pem(wr_view(&pem), "pem", &again, list, 2, &count, NULL));
	must(count == 1);
	wr_done(&pem);
	wr_done(&again);
}

static bool read_der(struct tobi_bytes input)
{
	X509 *certificate = NULL;

	if (chain_read_certificate(input, "certificate", &certificate, NULL))
		return false;
	X509_free(certificate);
	write_again(input);
	return true;
}

static bool read_pem(struct tobi_bytes input)
{
	struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct chain_request request = {.certificates = list,
					.anchors_pem = input,
					.time = NOW,
					.host_name = "db.example"};
	EVP_PKEY *key = NULL;
	bool accepted = !chain_read_pem(input, "pem", &der, list, LIMIT_COSE_CHAIN,
					&request.count, NULL) &&
			request.count > 0;

	for (size_t i = 0; accepted && i < request.count; i++)
		must_be_inside(list[i], wr_view(&der));
	if (accepted && !chain_verify(&request, "chain", &key, NULL))
		must(key != NULL);
	EVP_PKEY_free(key);
	wr_done(&der);
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	return take_choice(&input) & 1 ? read_pem(input) : read_der(input);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	EVP_PKEY *keys[2] = {fuzz_key(1), fuzz_key(2)};
	struct cert_request ca = {CERT_CA, "ca", NULL, NOW - DAY, NOW + DAY, keys[0]};
	struct cert_request leaf = {CERT_TLS,  "leaf",	  "db.example",
				    NOW - DAY, NOW + DAY, keys[1]};
	struct writer der = wr_init(LIMIT_CERTIFICATE),
		      leaf_der = wr_init(LIMIT_CERTIFICATE);
	X509 *issuer = NULL;

	must(!cert_make(&ca, NULL, NULL, &der, NULL));
	must(!chain_read_certificate(wr_view(&der), "ca", &issuer, NULL));
	must(!cert_make(&leaf, issuer, keys[0], &leaf_der, NULL));
	if (number == 0) {
		wr_u8(out, 0);
		wr_bytes(out, leaf_der.ptr, leaf_der.size);
	} else if (number == 1) {
		wr_u8(out, 1);
		must(!chain_write_pem(wr_view(&leaf_der), out, NULL));
		must(!chain_write_pem(wr_view(&der), out, NULL));
	}
	X509_free(issuer);
	wr_done(&der);
	wr_done(&leaf_der);
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	return number < 2 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
