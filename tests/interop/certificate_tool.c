/*
 * For certificates.sh: makes and verifies certificates with the project's own code.
 *   interop-certificates make FOLDER TIME    ca, platform, tls (PEM), their keys, a
 * request interop-certificates verify ANCHORS.pem CHAIN.pem TIME [HOST] Exit 0 done, 1
 * does not verify, 2 error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "pki/cert.h"

static struct tobi_fault fault;

static int failed(enum tobi_err err)
{
	char text[600];

	tobi_fault_print(&fault, text, sizeof(text));
	printf("%s\n", text);
	return err == TOBI_E_CERTIFICATE ? 1 : 2;
}

enum { DAY = 24 * 3600 };

/* Into NAME.pem and NAME.key; the certificate stays in out. */
static enum tobi_err make(enum cert_role role, const char *name, enum key_kind kind,
			  int64_t time, const struct writer *issuer_der,
			  EVP_PKEY *issuer_key, struct writer *out, EVP_PKEY **ret_key)
{
	CLEANUP(X509_freep) X509 *issuer = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer key_pem = wr_init(LIMIT_PEM);
	struct cert_request request = {.role = role,
				       .common_name = name,
				       .host_name =
					   role == CERT_TLS ? "db.example" : NULL,
				       .not_before = time - DAY,
				       .not_after = time + DAY};
	char path[32];
	enum tobi_err err = key_new(kind, ret_key, &fault);

	request.key = *ret_key;
	if (!err && issuer_der)
		err = chain_read_certificate(wr_view(issuer_der), "issuer", &issuer,
					     &fault);
	if (!err)
		err = cert_make(&request, issuer, issuer_key, out, &fault);
	if (!err)
		err = chain_write_pem(wr_view(out), &pem, &fault);
	if (!err)
		err = key_write_private(*ret_key, &key_pem, &fault);
	snprintf(path, sizeof(path), "%s.pem", name);
	if (!err)
		err = file_write(path, 0600, wr_view(&pem), "certificate", &fault);
	snprintf(path, sizeof(path), "%s.key", name);
	if (!err)
		err = file_write(path, 0600, wr_view(&key_pem), "key", &fault);
	return err;
}

static int make_all(const char *folder, int64_t time)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ca_key = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *platform_key = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *tls_key = NULL;
	CLEANUP(wr_done) struct writer ca = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(wr_done) struct writer platform = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(wr_done) struct writer tls = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(wr_done) struct writer request = wr_init(LIMIT_PEM);
	enum tobi_err err;

	if (chdir(folder))
		return 2;
	err = make(CERT_CA, "ca", KEY_P384, time, NULL, NULL, &ca, &ca_key);
	if (!err)
		err = make(CERT_PLATFORM, "platform", KEY_P256, time, &ca, ca_key,
			   &platform, &platform_key);
	if (!err)
		err =
		    make(CERT_TLS, "tls", KEY_ED25519, time, &ca, ca_key, &tls, &tls_key);
	if (!err)
		err = cert_make_csr(platform_key, "platform", &request, &fault);
	if (!err)
		err = file_write("platform.csr", 0600, wr_view(&request), "request",
				 &fault);
	return err ? failed(err) : 0;
}

static int verify(const char *anchors_path, const char *chain_path, int64_t time,
		  const char *host)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer anchors = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct chain_request request = {.certificates = list,
					.time = time,
					.host_name = host,
					.purpose = CHAIN_PLATFORM};
	enum tobi_err err =
	    file_read(anchors_path, LIMIT_PEM, "anchors", &anchors, &fault);

	if (!err)
		err = file_read(chain_path, LIMIT_PEM, "chain", &pem, &fault);
	if (!err)
		err = chain_read_pem(wr_view(&pem), "chain", &der, list, LIMIT_COSE_CHAIN,
				     &request.count, &fault);
	request.anchors_pem = wr_view(&anchors);
	if (!err)
		err = chain_verify(&request, "chain", &key, &fault);
	return err ? failed(err) : 0;
}

int main(int count, char **args)
{
	if (count == 4 && strcmp(args[1], "make") == 0)
		return make_all(args[2], strtoll(args[3], NULL, 10));
	if (count >= 5 && strcmp(args[1], "verify") == 0)
		return verify(args[2], args[3], strtoll(args[4], NULL, 10),
			      count > 5 ? args[5] : NULL);
	return 2;
}
