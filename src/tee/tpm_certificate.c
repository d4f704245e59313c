#include "tee/tpm_certificate.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/secret.h"
#include "tee/gce_identity.h"

#define MAKER "2.23.133.2.1"
#define MODEL "2.23.133.2.2"
#define VERSION "2.23.133.2.3"

/* 2.25.323456320029760295377808193705512916617 (a UUID) */
static const uint8_t ek_body[] = {0x69, 0x83, 0xe6, 0xd7, 0xb5, 0xf5, 0xd6,
				  0x8a, 0xea, 0x9a, 0xc7, 0x82, 0x8b, 0xef,
				  0xb4, 0xdf, 0x9b, 0xc7, 0xad, 0x09};
const struct extension_name tpm_certificate_ek = {"the endorsement key's hash",
						  {ek_body, sizeof(ek_body)}};

DEFINE_CLEANUP(EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

static bool is_oid(const ASN1_OBJECT *object, const char *oid)
{
	char text[64];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 && strcmp(text, oid) == 0;
}

static bool has_purpose(X509 *certificate, const char *oid)
{
	CLEANUP(EXTENDED_KEY_USAGE_freep)
	EXTENDED_KEY_USAGE *usages =
	    X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);

	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		if (is_oid(sk_ASN1_OBJECT_value(usages, i), oid))
			return true;
	}
	return false;
}

static bool may_sign(X509 *certificate)
{
	return X509_get_extension_flags(certificate) & EXFLAG_KUSAGE &&
	       X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE;
}

/* Google's are of before the purpose had a number (then they have that of an endorsement
 * key), or have no purpose; the instance is named in each. */
static bool is_googles(X509 *certificate)
{
	bool has_purposes = X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE;

	return gce_identity_is(certificate) &&
	       (!has_purposes || has_purpose(certificate, CERT_EK_PURPOSE));
}

const char *tpm_certificate_wrong_ak(X509 *certificate)
{
	if (X509_get_extension_flags(certificate) & EXFLAG_CA)
		return "a certificate of a CA";
	if (!may_sign(certificate))
		return "a certificate without the key usage digitalSignature";
	if (!has_purpose(certificate, CERT_AK_PURPOSE) && !is_googles(certificate))
		return "a certificate without the purpose of an attestation key "
		       "(2.23.133.8.3)";
	return NULL;
}

bool tpm_certificate_is_ek(X509 *certificate)
{
	return has_purpose(certificate, CERT_EK_PURPOSE) && !may_sign(certificate) &&
	       !(X509_get_extension_flags(certificate) & EXFLAG_CA);
}

static void take(const X509_NAME_ENTRY *entry, struct tpm_maker *maker)
{
	static const char *const oids[] = {MAKER, MODEL, VERSION};
	char *const to[] = {maker->manufacturer, maker->model, maker->version};
	const ASN1_STRING *text = X509_NAME_ENTRY_get_data(entry);
	size_t size = (size_t)ASN1_STRING_length(text);

	for (size_t i = 0; i < 3; i++) {
		if (!is_oid(X509_NAME_ENTRY_get_object(entry), oids[i]) || to[i][0])
			continue;
		if (size >= sizeof(maker->model))
			size = sizeof(maker->model) - 1;
		for (size_t j = 0; j < size; j++) {
			unsigned char c = ASN1_STRING_get0_data(text)[j];
			bool printable = c >= ' ' && c < 0x7f;

			to[i][j] = (char)(printable ? c : '?');
		}
		to[i][size] = 0;
	}
}

void tpm_certificate_maker(X509 *certificate, struct tpm_maker *ret_maker)
{
	CLEANUP(GENERAL_NAMES_freep)
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

	*ret_maker = (struct tpm_maker){0};
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DIRNAME)
			continue;
		for (int j = 0; j < X509_NAME_entry_count(name->d.directoryName); j++)
			take(X509_NAME_get_entry(name->d.directoryName, j), ret_maker);
	}
}

bool tpm_certificate_read_ek(const X509 *certificate,
			     uint8_t ret_hash[static SHA256_SIZE])
{
	struct extension extension = {0};

	if (extension_find(certificate, &tpm_certificate_ek, &extension) != 1 ||
	    extension.value.size != SHA256_SIZE)
		return false;
	bytes_copy(ret_hash, SHA256_SIZE, extension.value.ptr, SHA256_SIZE);
	return true;
}
