/* Making a certificate: what is in it comes from the profile's names, the request's key
 * and the verdict, and from nothing else. */
#include <openssl/asn1.h>
#include <string.h>

#include "appraise/ear_result.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/authority.h"
#include "pki/cert.h"
#include "token/ratls.h"

static const char object[] = "certificate";

enum { COMMON_NAME_MAX = 64, CERTIFICATE_MAX = 64 << 10 };

void issued_done(struct issued *issued)
{
	wr_done(&issued->der);
}

/* When the CA's certificate holds. */
static enum tobi_err take_times(const struct authority *authority, int64_t seconds,
				int64_t now, struct cert_request *request,
				struct tobi_fault *fault)
{
	struct chain_window window = {INT64_MIN, INT64_MAX};

	if (!chain_window_narrow(&window, authority->certificate))
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "CA",
				 "its dates cannot be read");
	if (now < window.not_before || now >= window.not_after)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "CA",
				 "the CA's certificate is not valid now");
	request->not_before = now - AUTHORITY_BACK_SECONDS;
	if (request->not_before < window.not_before)
		request->not_before = window.not_before;
	request->not_after = now + seconds;
	if (request->not_after > window.not_after)
		request->not_after = window.not_after;
	return TOBI_OK;
}

/* The CMW of id-pe-cmw: in CBOR, as an OCTET STRING. */
static enum tobi_err write_result(const struct broker *broker,
				  const struct tobi_result *result, const struct csr *csr,
				  int64_t not_after, struct writer *out,
				  struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer record = wr_init(CERTIFICATE_MAX);
	const struct ear_record content = {.key = broker->setup.token_key,
					   .developer = broker->setup.name,
					   .key_spki = csr->spki,
					   .expires = not_after};
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	unsigned char *der = NULL;
	int size = -1;
	enum tobi_err err = ear_record_write(result, &content, &record, fault);

	if (!err && octets &&
	    ASN1_OCTET_STRING_set(octets, record.ptr, (int)record.size) == 1)
		size = i2d_ASN1_OCTET_STRING(octets, &der);
	if (size > 0)
		wr_bytes(out, der, (size_t)size);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(octets);
	if (!err && (size <= 0 || wr_err(out)))
		err = fault_set(fault, TOBI_E_MEMORY, object, "", "no room");
	return err;
}

static size_t take_names(const struct csr *csr, struct cert_name names[CSR_NAMES_MAX])
{
	for (size_t i = 0; i < csr->name_count; i++) {
		const struct certificate_name *name = &csr->names[i];

		names[i] =
		    name->address_size
			? (struct cert_name){true, {name->address, name->address_size}}
			: (struct cert_name){false, bytes_of_text(name->text)};
	}
	return csr->name_count;
}

static enum tobi_err describe(struct issued *issued, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	const ASN1_INTEGER *serial;
	enum tobi_err err =
	    chain_read_certificate(wr_view(&issued->der), object, &certificate, fault);

	if (!err)
		err = hash_sha256(wr_view(&issued->der), issued->sha256);
	if (err)
		return err;
	serial = X509_get0_serialNumber(certificate);
	if (ASN1_STRING_length(serial) > ISSUED_SERIAL_SIZE)
		return fault_set(fault, TOBI_E_CRYPTO, object, "serial",
				 "it is too long");
	hex_write((struct tobi_bytes){ASN1_STRING_get0_data(serial),
				      (size_t)ASN1_STRING_length(serial)},
		  issued->serial, sizeof(issued->serial));
	return TOBI_OK;
}

enum tobi_err authority_issue(const struct broker *broker,
			      const struct authority *authority, const struct csr *csr,
			      const struct profile *profile,
			      const struct tobi_result *result, int64_t now,
			      struct issued *ret_issued, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer extension = wr_init(CERTIFICATE_MAX);
	struct issued issued = {.der = wr_init(CERTIFICATE_MAX)};
	struct cert_name names[CSR_NAMES_MAX];
	struct cert_extra extra = {.name = &ratls_cmw_name};
	const char *first = csr->names[0].text;
	struct cert_request request = {
	    .role = CERT_TLS,
	    .common_name = strlen(first) <= COMMON_NAME_MAX ? first : NULL,
	    .names = names,
	    .name_count = take_names(csr, names),
	    .only_server = !profile->client,
	    .only_client = !profile->server,
	    .key = csr->key,
	    .extras = &extra,
	    .extra_count = 1};
	enum tobi_err err = take_times(authority, profile->seconds, now, &request, fault);

	if (!err)
		err = write_result(broker, result, csr, request.not_after, &extension,
				   fault);
	extra.value = wr_view(&extension);
	if (!err)
		err = cert_make(&request, authority->certificate, authority->key,
				&issued.der, fault);
	issued.not_after = request.not_after;
	if (!err)
		err = describe(&issued, fault);
	if (err)
		issued_done(&issued);
	else
		*ret_issued = issued;
	return err;
}
