#include "root/certificates.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "pki/cert.h"
#include "root/folder.h"

static const int64_t year = 365L * 24 * 3600;
/* Clocks of embedded devices are late now and then. */
static const int64_t back_dating = 24L * 3600;

static enum tobi_err save_certificate(const char *folder, const char *name,
				      struct tobi_bytes der, struct tobi_fault *fault)
{
	struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = chain_write_pem(der, &pem, fault);

	if (!err)
		err = file_write_new(root_in_folder(folder, name).text, 0600,
				     wr_view(&pem), "platform", fault);
	wr_done(&pem);
	return err;
}

/* The names that people see in a chain carry the first digits of the key's hash. */
enum tobi_err root_name_for(EVP_PKEY *key, const char *what, char *out, size_t room,
			    struct tobi_fault *fault)
{
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err = key_spki_sha256(key, hash, fault);

	if (!err)
		snprintf(out, room, "Tobichi %s %02x%02x%02x%02x", what, hash[0], hash[1],
			 hash[2], hash[3]);
	return err;
}

enum tobi_err root_certificates_make(const char *folder, EVP_PKEY *ca, EVP_PKEY *platform,
				     int64_t now, struct tobi_fault *fault)
{
	struct writer ca_der = wr_init(LIMIT_CERTIFICATE),
		      der = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(X509_freep) X509 *issuer = NULL;
	char ca_name[64] = "", name[64] = "";
	struct cert_request request = {CERT_CA,		  ca_name,	   NULL,
				       now - back_dating, now + 10 * year, ca};
	enum tobi_err err =
	    root_name_for(ca, "platform CA", ca_name, sizeof(ca_name), fault);

	if (!err)
		err = root_name_for(platform, "platform", name, sizeof(name), fault);
	if (!err)
		err = cert_make(&request, NULL, NULL, &ca_der, fault);
	if (!err)
		err = chain_read_certificate(wr_view(&ca_der), "platform CA", &issuer,
					     fault);
	request = (struct cert_request){CERT_PLATFORM,	   name,	   NULL,
					now - back_dating, now + 5 * year, platform};
	if (!err)
		err = cert_make(&request, issuer, ca, &der, fault);
	if (!err)
		err =
		    save_certificate(folder, "platform-ca.pem", wr_view(&ca_der), fault);
	if (!err)
		err = save_certificate(folder, "platform.pem", wr_view(&der), fault);
	wr_done(&ca_der);
	wr_done(&der);
	return err;
}

static enum tobi_err load_chain(const char *folder, const char *name,
				struct writer *bytes, struct tobi_bytes *ret_list,
				size_t max, size_t *ret_count, struct tobi_fault *fault)
{
	struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err =
	    file_read(root_in_folder(folder, name).text, LIMIT_PEM, name, &pem, fault);

	if (!err)
		err = chain_read_pem(wr_view(&pem), name, bytes, ret_list, max, ret_count,
				     fault);
	if (!err && *ret_count == 0)
		err = fault_set(fault, TOBI_E_MALFORMED, name, "",
				"there is no certificate in it");
	wr_done(&pem);
	return err;
}

/* The first certificate of the file is one for the platform key. */
static enum tobi_err check_certified(const struct root *root, struct tobi_bytes der,
				     const char *name, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	enum tobi_err err = chain_read_certificate(der, name, &certificate, fault);

	if (!err && EVP_PKEY_eq(X509_get0_pubkey(certificate), root->key) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, name, "",
				"it certifies another key than the platform's");
	return err;
}

/* Nobody could verify a report whose chain does not hold. */
static enum tobi_err check_issued(const struct root *root, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	CLEANUP(X509_freep) X509 *ca = NULL;
	enum tobi_err err =
	    chain_read_certificate(root->chain[0], "platform.pem", &leaf, fault);

	if (!err)
		err =
		    chain_read_certificate(root->chain[1], "platform-ca.pem", &ca, fault);
	if (!err && X509_verify(leaf, X509_get0_pubkey(ca)) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, "platform.pem", "",
				"the CA in platform-ca.pem has not signed it");
	return err;
}

enum tobi_err root_certificates_load(const char *folder, struct root *root,
				     struct tobi_fault *fault)
{
	struct writer ca_bytes = wr_init(LIMIT_PEM);
	struct tobi_bytes ca = {0};
	size_t count = 0;
	enum tobi_err err =
	    load_chain(folder, "platform-ca.pem", &ca_bytes, &ca, 1, &count, fault);

	if (!err)
		err = load_chain(folder, "platform.pem", &root->chain_bytes, root->chain,
				 1, &root->chain_count, fault);
	if (!err) {
		wr_bytes(&root->chain_bytes, ca.ptr, ca.size);
		err = wr_err(&root->chain_bytes);
	}
	if (!err) {
		size_t first = root->chain_bytes.size - ca.size;

		root->chain[0] = (struct tobi_bytes){root->chain_bytes.ptr, first};
		root->chain[1] =
		    (struct tobi_bytes){root->chain_bytes.ptr + first, ca.size};
		root->chain_count = 2;
	}
	wr_done(&ca_bytes);
	if (!err)
		err = check_certified(root, root->chain[0], "platform.pem", fault);
	if (!err)
		err = check_issued(root, fault);
	if (err || access(root_in_folder(folder, "owner.pem").text, F_OK) != 0)
		return err;
	err = load_chain(folder, "owner.pem", &root->owner_bytes, root->owner_chain,
			 LIMIT_COSE_CHAIN, &root->owner_count, fault);
	if (!err)
		err = check_certified(root, root->owner_chain[0], "owner.pem", fault);
	return err;
}
