#include "pki/extension.h"

#include <openssl/x509v3.h>

#include "base/secret.h"
#include "pki/key.h"

DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_CLEANUP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP(X509_EXTENSION *, X509_EXTENSION_free)

enum { BODY_MAX = 32 };

static struct tobi_bytes body_of(X509_EXTENSION *extension)
{
	const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);

	return (struct tobi_bytes){OBJ_get0_data(object), OBJ_length(object)};
}

size_t extension_find(const X509 *certificate, const struct extension_name *name,
		      struct extension *ret_extension)
{
	size_t found = 0;

	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *extension = X509_get_ext(certificate, i);
		const ASN1_OCTET_STRING *value;

		if (!bytes_equal(body_of(extension), name->body) || found++)
			continue;
		value = X509_EXTENSION_get_data(extension);
		*ret_extension = (struct extension){
		    .value = {ASN1_STRING_get0_data(value),
			      (size_t)ASN1_STRING_length(value)},
		    .critical = X509_EXTENSION_get_critical(extension) != 0,
		};
	}
	return found;
}

static ASN1_OBJECT *make_object(struct tobi_bytes body)
{
	unsigned char der[2 + BODY_MAX] = {V_ASN1_OBJECT, (unsigned char)body.size};
	const unsigned char *at = der;

	if (body.size > BODY_MAX)
		return NULL;
	bytes_copy(der + 2, BODY_MAX, body.ptr, body.size);
	return d2i_ASN1_OBJECT(NULL, &at, (long)(2 + body.size));
}

enum tobi_err extension_add(X509 *certificate, const struct extension_name *name,
			    const struct extension *extension, struct tobi_fault *fault)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *object = make_object(name->body);
	CLEANUP(ASN1_OCTET_STRING_freep)
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	CLEANUP(X509_EXTENSION_freep) X509_EXTENSION *made = NULL;

	if (object && value && extension->value.size <= INT32_MAX &&
	    ASN1_OCTET_STRING_set(value, extension->value.ptr,
				  (int)extension->value.size) == 1)
		made = X509_EXTENSION_create_by_OBJ(NULL, object, extension->critical,
						    value);
	if (!made || X509_add_ext(certificate, made, -1) != 1)
		return fault_openssl(fault, "certificate", name->text, "cannot add it");
	return TOBI_OK;
}
