/*
 * For cose.py: signs and verifies files with the project's own COSE.
 *   interop-cose sign KEY.pem PAYLOAD OUT attached|detached
 *   interop-cose verify PUBLIC.pem TOKEN PAYLOAD|- AAD|-
 * Exit 0 done, 1 does not verify, 2 error.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "codec/cose.h"
#include "pki/key.h"

static struct tobi_fault fault;

static int failed(enum tobi_err err)
{
	char text[600];

	tobi_fault_print(&fault, text, sizeof(text));
	printf("%s\n", text);
	return err == TOBI_E_SIGNATURE ? 1 : 2;
}

static int sign(char **args)
{
	const struct cose_headers headers = {.content_type = "text/plain"};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer payload = wr_init(LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_EVIDENCE);
	struct cose_signer signer = {0};
	enum tobi_err err = file_read(args[0], LIMIT_PEM, "key", &pem, &fault);

	if (!err)
		err = key_read_private(wr_view(&pem), "key", &key, &fault);
	if (!err)
		err = cose_signer_for_key(key, &signer, &fault);
	if (!err)
		err = file_read(args[1], LIMIT_EVIDENCE, "payload", &payload, &fault);
	if (!err)
		err = cose_write(&token, &signer, &headers, wr_view(&payload),
				 strcmp(args[3], "detached") == 0, &fault);
	if (!err)
		err = file_write(args[2], 0600, wr_view(&token), "token", &fault);
	return err ? failed(err) : 0;
}

/* Any kind of key: key_read_public() takes only those that sign. */
static EVP_PKEY *any_public_key(const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file ? PEM_read_PUBKEY(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	return key;
}

static enum tobi_err read_unless_dash(const char *path, struct writer *out)
{
	if (strcmp(path, "-") == 0)
		return TOBI_OK;
	return file_read(path, LIMIT_EVIDENCE, "file", out, &fault);
}

static int verify(char **args)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = any_public_key(args[0]);
	CLEANUP(wr_done) struct writer token = wr_init(LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer payload = wr_init(LIMIT_EVIDENCE);
	CLEANUP(wr_done) struct writer aad = wr_init(LIMIT_EVIDENCE);
	struct cose_sign1 sign1 = {0};
	enum tobi_err err = read_unless_dash(args[1], &token);

	if (!key)
		return 2;
	if (!err)
		err = read_unless_dash(args[2], &payload);
	if (!err)
		err = read_unless_dash(args[3], &aad);
	if (!err)
		err = cose_parse(wr_view(&token), true, COSE_TAGGED, "token", &sign1,
				 &fault);
	if (!err)
		err = cose_verify(&sign1, key, wr_view(&aad),
				  sign1.payload.ptr ? sign1.payload : wr_view(&payload),
				  "token", &fault);
	return err ? failed(err) : 0;
}

int main(int count, char **args)
{
	if (count == 6 && strcmp(args[1], "sign") == 0)
		return sign(args + 2);
	if (count == 6 && strcmp(args[1], "verify") == 0)
		return verify(args + 2);
	return 2;
}
