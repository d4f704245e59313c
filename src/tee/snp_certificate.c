#include "tee/snp_certificate.h"

#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/extension.h"
#include "pki/pinned.h"

#define OBJECT "SNP certificate"

/* 1.3.6.1.4.1.3704.1 */
#define AMD 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01

enum {
	OID_ARC = 8,
	TAG_INTEGER = 2,
	TAG_OCTETS = 4,
	TAG_IA5 = 22,
	STRUCT_VERSION_MOST = 1,
};

/* The last arcs of what AMD's certificates may have. */
enum field {
	STRUCT_VERSION,
	PRODUCT,
	SPL_FIRST, /* .3.1 */
	SPL_LAST = SPL_FIRST + 8,
	HWID,
	CSP,
	FIELDS
};
enum {
	BOOT_LOADER = 1,
	TEE,
	SNP,
	RESERVED_4,
	RESERVED_5,
	RESERVED_6,
	RESERVED_7,
	UCODE,
	FMC
};

/* Which SPL (.3.x) is which byte of TCB_VERSION. */
static const uint8_t layout_classic[SNP_TCB_SIZE] = {
    BOOT_LOADER, TEE, RESERVED_4, RESERVED_5, RESERVED_6, RESERVED_7, SNP, UCODE};
static const uint8_t layout_fmc[SNP_TCB_SIZE] = {
    FMC, BOOT_LOADER, TEE, SNP, RESERVED_5, RESERVED_6, RESERVED_7, UCODE};

struct fields {
	struct tobi_bytes values[FIELDS]; /* ptr NULL: absent */
};

static enum tobi_err malformed(struct tobi_fault *fault, const char *field,
			       const char *what)
{
	return fault_set(fault, TOBI_E_MALFORMED, OBJECT, field, "%s", what);
}

/* FIELDS for an object that is none of these. */
static enum field field_of(struct tobi_bytes object)
{
	const uint8_t *rest = object.ptr + OID_ARC;
	size_t size = object.size - OID_ARC;

	if (size == 1 && (rest[0] == 1 || rest[0] == 2))
		return rest[0] == 1 ? STRUCT_VERSION : PRODUCT;
	if (size == 1 && (rest[0] == 4 || rest[0] == 5))
		return rest[0] == 4 ? HWID : CSP;
	if (size == 2 && rest[0] == 3 && rest[1] >= 1 && rest[1] <= FMC)
		return (enum field)(SPL_FIRST + rest[1] - 1);
	return FIELDS;
}

static bool is_amds(struct tobi_bytes object)
{
	static const uint8_t arc[OID_ARC] = {AMD};

	return object.size > OID_ARC && memcmp(object.ptr, arc, OID_ARC) == 0;
}

static enum tobi_err find_fields(const X509 *certificate, struct fields *fields,
				 struct tobi_fault *fault)
{
	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *extension = X509_get_ext(certificate, i);
		const ASN1_OBJECT *name = X509_EXTENSION_get_object(extension);
		const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
		struct tobi_bytes object = {OBJ_get0_data(name), OBJ_length(name)};
		enum field field;

		if (!is_amds(object))
			continue;
		field = field_of(object);
		if (field == FIELDS)
			return malformed(fault, "extensions",
					 "one of AMD's is not known here");
		if (fields->values[field].ptr)
			return malformed(fault, "extensions", "one is there twice");
		fields->values[field] = (struct tobi_bytes){
		    ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)};
	}
	return TOBI_OK;
}

/* A value of this tag in DER, of less than 128 bytes. */
static bool read_value(struct tobi_bytes der, uint8_t tag, struct tobi_bytes *ret_content)
{
	if (der.size < 2 || der.ptr[0] != tag || der.ptr[1] != der.size - 2 ||
	    der.ptr[1] > 127)
		return false;
	*ret_content = (struct tobi_bytes){der.ptr + 2, der.size - 2};
	return true;
}

/* INTEGER, 0 to 255. */
static bool read_byte(struct tobi_bytes der, uint8_t *ret_byte)
{
	struct tobi_bytes content;

	if (!read_value(der, TAG_INTEGER, &content))
		return false;
	if (content.size == 1 && content.ptr[0] < 0x80) {
		*ret_byte = content.ptr[0];
		return true;
	}
	if (content.size == 2 && content.ptr[0] == 0 && content.ptr[1] >= 0x80) {
		*ret_byte = content.ptr[1];
		return true;
	}
	return false;
}

static bool read_text(struct tobi_bytes der, char *ret_text, size_t room)
{
	struct tobi_bytes content;

	if (!read_value(der, TAG_IA5, &content) || content.size == 0 ||
	    content.size >= room)
		return false;
	for (size_t i = 0; i < content.size; i++) {
		if (content.ptr[i] < 0x20 || content.ptr[i] > 0x7e)
			return false;
	}
	bytes_copy(ret_text, room, content.ptr, content.size);
	ret_text[content.size] = 0;
	return true;
}

/* Each SPL of the layout once, and no other. */
static enum tobi_err read_tcb(const struct fields *fields, struct snp_leaf *leaf,
			      struct tobi_fault *fault)
{
	const uint8_t *layout = leaf->product->has_fmc ? layout_fmc : layout_classic;
	size_t present = 0;

	for (size_t i = 0; i < SNP_TCB_SIZE; i++) {
		if (!read_byte(fields->values[SPL_FIRST + layout[i] - 1], &leaf->tcb[i]))
			return malformed(fault, "SPL",
					 "a version is missing, or no number from 0 to "
					 "255");
	}
	for (size_t i = SPL_FIRST; i <= SPL_LAST; i++)
		present += fields->values[i].ptr != NULL;
	if (present != SNP_TCB_SIZE)
		return malformed(fault, "SPL",
				 "there is a version that this product does not have");
	return TOBI_OK;
}

static enum tobi_err read_product(const struct fields *fields, struct snp_leaf *leaf,
				  struct tobi_fault *fault)
{
	uint8_t version;

	if (!read_byte(fields->values[STRUCT_VERSION], &version))
		return malformed(fault, "structVersion", "missing, or no number");
	if (version > STRUCT_VERSION_MOST)
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "structVersion",
				 "version %u is not known here", version);
	if (!read_text(fields->values[PRODUCT], leaf->product_name,
		       sizeof(leaf->product_name)))
		return malformed(fault, "productName", "missing, or no text");
	leaf->product = snp_product_named(bytes_of_text(leaf->product_name));
	if (!leaf->product || !leaf->product->supported)
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "productName",
				 "%s is newer than this build, which knows Milan, Genoa "
				 "and Turin",
				 leaf->product_name);
	return TOBI_OK;
}

/* In certificates of both forms: the bytes, and an OCTET STRING of them. */
static bool read_chip(struct tobi_bytes value, struct snp_leaf *leaf)
{
	size_t size = leaf->product->chip_size;

	if (value.size == size + 2 && !read_value(value, TAG_OCTETS, &value))
		return false;
	if (value.size != size)
		return false;
	bytes_copy(leaf->chip, sizeof(leaf->chip), value.ptr, size);
	return true;
}

static enum tobi_err read_holder(const struct fields *fields, struct snp_leaf *leaf,
				 struct tobi_fault *fault)
{
	bool vlek = leaf->kind == SNP_KEY_VLEK;

	if ((fields->values[HWID].ptr != NULL) == vlek ||
	    (fields->values[CSP].ptr != NULL) != vlek)
		return malformed(fault, "extensions",
				 vlek ? "a VLEK has a CSP id and no hardware id"
				      : "a VCEK has a hardware id and no CSP id");
	if (!vlek && !read_chip(fields->values[HWID], leaf))
		return malformed(fault, "hwID", "not of the product's size");
	if (vlek && !read_text(fields->values[CSP], leaf->csp, sizeof(leaf->csp)))
		return malformed(fault, "cspID", "no text of up to 125 characters");
	return TOBI_OK;
}

static bool has_right_key(const X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	char group[32] = "";

	return key && EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "secp384r1") == 0;
}

bool snp_leaf_is_named(const X509 *certificate)
{
	return certificate_is_named(certificate, "SEV-VCEK") ||
	       certificate_is_named(certificate, "SEV-VLEK");
}

enum tobi_err snp_leaf_read(const X509 *certificate, struct snp_leaf *ret_leaf,
			    struct tobi_fault *fault)
{
	struct snp_leaf leaf = {.kind = certificate_is_named(certificate, "SEV-VLEK")
					    ? SNP_KEY_VLEK
					    : SNP_KEY_VCEK};
	struct fields fields = {0};
	enum tobi_err err;

	if (!snp_leaf_is_named(certificate))
		return malformed(fault, "subject", "neither SEV-VCEK nor SEV-VLEK");
	if (X509_get_version(certificate) != X509_VERSION_3 ||
	    X509_get_extension_flags((X509 *)certificate) & (EXFLAG_CA | EXFLAG_INVALID))
		return malformed(fault, "", "no end entity's certificate of version 3");
	if (!has_right_key(certificate))
		return malformed(fault, "key", "not of P-384");
	err = find_fields(certificate, &fields, fault);
	if (!err)
		err = read_product(&fields, &leaf, fault);
	if (!err)
		err = read_tcb(&fields, &leaf, fault);
	if (!err)
		err = read_holder(&fields, &leaf, fault);
	if (!err)
		*ret_leaf = leaf;
	return err;
}
