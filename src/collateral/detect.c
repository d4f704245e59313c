#include "collateral/detect.h"

#include <ctype.h>
#include <string.h>

#include <openssl/err.h>

#include "base/fault.h"
#include "base/secret.h"
#include "collateral/bundle.h"
#include "collateral/set.h"
#include "collateral/text.h"

static const char object[] = "collateral";

enum { DER_SEQUENCE = 0x30, DER_LONG = 0x80 };

static bool starts_with(struct tobi_bytes bytes, const char *text)
{
	return bytes.size >= strlen(text) && memcmp(bytes.ptr, text, strlen(text)) == 0;
}

static struct tobi_bytes without_space(struct tobi_bytes bytes)
{
	while (bytes.size && isspace(bytes.ptr[0])) {
		bytes.ptr++;
		bytes.size--;
	}
	return bytes;
}

static enum tobi_err unknown(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
			 "no document of a vendor that is known here: a TCB info, a QE "
			 "identity, a certificate, a CRL, an OCSP answer, a RIM");
}

/* kept: the document as it came, of which der are the bytes. */
static enum tobi_err detect_der(struct tobi_collateral *set, struct tobi_bytes der,
				struct tobi_bytes kept,
				const struct collateral_origin *origin,
				struct tobi_fault *fault)
{
	CLEANUP(X509_CRL_freep) X509_CRL *crl = NULL;
	CLEANUP(X509_freep) X509 *certificate = NULL;
	struct tobi_fault why = {0};
	enum tobi_err err = chain_read_certificate(der, object, &certificate, &why);

	if (!err) {
		const struct pem_list list = {{certificate}, 1, NULL};

		return detect_certificates(set, &list, origin, fault);
	}
	if (err == TOBI_E_TRAILING) {
		if (fault)
			*fault = why;
		return err;
	}
	err = crl_read(der, object, &crl, fault);
	return err == TOBI_E_MALFORMED ? unknown(fault)
	       : err		       ? err
				       : detect_crl(set, crl, kept, origin, fault);
}

static enum tobi_err detect_pem(struct tobi_collateral *set, struct tobi_bytes pem,
				const struct collateral_origin *origin,
				struct tobi_fault *fault)
{
	CLEANUP(pem_list_done) struct pem_list list = {0};
	enum tobi_err err = pem_list_read(pem, object, &list, fault);

	if (err)
		return err;
	return list.crl ? detect_crl(set, list.crl, pem, origin, fault)
			: detect_certificates(set, &list, origin, fault);
}

static enum tobi_err detect_encoded(struct tobi_collateral *set, struct tobi_bytes text,
				    const struct collateral_origin *origin,
				    struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_DOCUMENT);
	enum tobi_err err = text_percent_decode(text, object, &pem, fault);

	return err ? err : detect_pem(set, wr_view(&pem), origin, fault);
}

static enum tobi_err detect_hex(struct tobi_collateral *set, struct tobi_bytes text,
				const struct collateral_origin *origin,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_DOCUMENT);
	enum tobi_err err = text_hex_decode(text, object, &der, fault);

	return err ? err : detect_der(set, wr_view(&der), text, origin, fault);
}

static bool is_hex_of_der(struct tobi_bytes text)
{
	return text.size > 4 && text.ptr[0] == '3' && text.ptr[1] == '0' &&
	       isxdigit(text.ptr[2]) && isxdigit(text.ptr[3]);
}

static enum tobi_err detect_sev(struct tobi_collateral *set, struct tobi_bytes bytes,
				const struct collateral_origin *origin,
				struct tobi_fault *fault)
{
	const struct collateral_item item = {.kind = COLLATERAL_SEV,
					     .data = bytes,
					     .source = origin->source,
					     .fetched = origin->fetched};

	return set_put(set, &item, NULL, fault);
}

enum tobi_err collateral_detect(struct tobi_collateral *set, struct tobi_bytes bytes,
				const struct collateral_origin *origin,
				struct tobi_fault *fault)
{
	struct tobi_bytes text = without_space(bytes);

	if (bytes.size > LIMIT_DOCUMENT)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_DOCUMENT);
	if (text.size == 0)
		return fault_set(fault, TOBI_E_TRUNCATED, object, "", "it is empty");
	if (detect_is_ocsp(bytes))
		return detect_ocsp(set, bytes, origin, fault);
	if (detect_is_rim(bytes))
		return detect_rim(set, bytes, origin, fault);
	if (bytes.size > 1 && bytes.ptr[0] == DER_SEQUENCE && bytes.ptr[1] > DER_LONG)
		return detect_der(set, bytes, bytes, origin, fault);
	if (text.ptr[0] == '{')
		return detect_json(set, text, origin, fault);
	if (starts_with(text, "-----BEGIN%20"))
		return detect_encoded(set, text, origin, fault);
	if (starts_with(text, "-----BEGIN "))
		return detect_pem(set, text, origin, fault);
	if (is_hex_of_der(text))
		return detect_hex(set, text, origin, fault);
	if (detect_is_dump(bytes))
		return detect_dump(set, bytes, origin, fault);
	if (detect_is_sev(bytes))
		return detect_sev(set, bytes, origin, fault);
	return unknown(fault);
}

enum tobi_err tobi_collateral_add(struct tobi_collateral *set, struct tobi_bytes bytes,
				  const char *name, struct tobi_fault *fault)
{
	const struct collateral_origin origin = {name ? name : "", 0};

	if (!set || (bytes.size && !bytes.ptr))
		return fault_set(fault, TOBI_E_ARGUMENT, object, "",
				 "a set and a document are needed");
	if (bundle_is(bytes))
		return tobi_collateral_read_bundle(set, bytes, name, fault);
	return collateral_detect(set, bytes, &origin, fault);
}
