#include "cli/platform_ak.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "root/ak.h"
#include "root/root.h"
#include "tee/tpm_ek.h"

enum { PCR_COUNT = 24 };

DEFINE_CLEANUP(struct root *, root_free)

int platform_ak_request(const char *folder, const char *pin_file, const char *out)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer request = wr_init(LIMIT_AK_REQUEST);
	struct ak_request parsed;
	struct tobi_fault fault = {0};

	if (root_open(folder, &root, &fault) ||
	    root_ak_request(root, pin_file, &request, &fault) ||
	    ak_request_parse(wr_view(&request), &parsed, &fault))
		return cli_fail(&fault);
	if (!parsed.ek_certificate.size)
		fputs("tobichi: note: the TPM's maker put no endorsement certificate "
		      "into it: the owner needs its endorsement key from who runs it "
		      "(ak-challenge --ek-key)\n",
		      stderr);
	return cli_put(out, wr_view(&request));
}

/* The owner's word for it is all there is, so it is said what it was given for. */
static enum tobi_err read_vouched(const char *path, EVP_PKEY **ret_ek,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ek = NULL;
	uint8_t hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	enum tobi_err err = file_read(path, LIMIT_PEM, "endorsement key", &bytes, fault);

	if (!err)
		err = tpm_ek_read(wr_view(&bytes), &ek, fault);
	if (!err)
		err = key_spki_sha256(ek, hash, fault);
	if (err)
		return err;
	hex_write((struct tobi_bytes){hash, sizeof(hash)}, hex, sizeof(hex));
	fprintf(stderr,
		"tobichi: note: no certificate vouches for endorsement key %s: you do. "
		"Have it from who runs that TPM, over a channel that proves who sent "
		"it; never from the host itself\n",
		hex);
	*ret_ek = TAKE(ek);
	return TOBI_OK;
}

static enum tobi_err read_ek(const struct platform_ak_ca *ca,
			     const struct ak_request *request, int64_t now,
			     EVP_PKEY **ret_ek, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer roots = wr_init(LIMIT_PEM);
	enum tobi_err err;

	if (ca->ek_key)
		return read_vouched(ca->ek_key, ret_ek, fault);
	err = file_read(ca->ek_roots, LIMIT_PEM, "roots", &roots, fault);
	return err ? err : ak_request_check(request, wr_view(&roots), now, ret_ek, fault);
}

int platform_ak_challenge(const struct platform_ak_ca *ca, const char *path,
			  const char *out)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_AK_REQUEST);
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer challenge = wr_init(LIMIT_AK_CHALLENGE);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ek = NULL;
	struct ak_request request;
	struct tobi_fault fault = {0};
	int64_t now = time(NULL);

	if (!ca->ek_roots == !ca->ek_key || !ca->key || !ca->pem)
		return cli_usage("platform",
				 "ak-challenge needs --ek-roots or --ek-key, one of the "
				 "two, and --ca-key and --ca-cert");
	if (file_read(path, LIMIT_AK_REQUEST, "request", &bytes, &fault) ||
	    ak_request_parse(wr_view(&bytes), &request, &fault) ||
	    read_ek(ca, &request, now, &ek, &fault) ||
	    file_read(ca->pem, LIMIT_PEM, "CA", &pem, &fault) ||
	    cli_read_private_key(ca->key, &key, &fault) ||
	    ak_challenge_make(ek, request.ak_public, wr_view(&pem), key, now, &challenge,
			      &fault))
		return cli_fail(&fault);
	return cli_put(out, wr_view(&challenge));
}

int platform_ak_activate(const char *folder, const char *pin_file, const char *path)
{
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer challenge = wr_init(LIMIT_AK_CHALLENGE);
	struct tobi_fault fault = {0};

	if (root_open(folder, &root, &fault) ||
	    file_read(path, LIMIT_AK_CHALLENGE, "challenge", &challenge, &fault) ||
	    root_ak_accept(root, folder, pin_file, wr_view(&challenge), &fault))
		return cli_fail(&fault);
	printf(
	    "The TPM has proven itself, and the attestation key's certificate is kept. A "
	    "running service takes it at its next start.\n");
	return EXIT_ACCEPTED;
}

bool platform_read_pcrs(const char *text, uint32_t *ret_pcrs)
{
	uint32_t pcrs = 0;

	for (;;) {
		size_t size = strcspn(text, ",");
		char number[4];
		uint64_t pcr;

		if (size >= sizeof(number))
			return false;
		snprintf(number, sizeof(number), "%.*s", (int)size, text);
		if (!cli_read_number(number, PCR_COUNT - 1, &pcr))
			return false;
		pcrs |= UINT32_C(1) << pcr;
		if (!text[size])
			break;
		text += size + 1;
	}
	*ret_pcrs = pcrs;
	return true;
}
