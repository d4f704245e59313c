#include <ctype.h>
#include <string.h>

#include <openssl/err.h>

#include "base/fault.h"
#include "base/secret.h"
#include "collateral/detect.h"
#include "collateral/set.h"
#include "collateral/text.h"

static const char object[] = "collateral";

enum { NAME_MAX_SIZE = 64, PRODUCT_MAX = 16 };

struct kind_of_name {
	const char *common_name;
	enum collateral_kind kind;
	const char *name;
};

static const struct kind_of_name certificates[] = {
    {"Intel SGX PCK Certificate", COLLATERAL_PCK, ""},
    {"Intel SGX TCB Signing", COLLATERAL_INTEL_ISSUER, "tcb"},
    {"Intel SGX PCK Platform CA", COLLATERAL_INTEL_ISSUER, "platform"},
    {"Intel SGX PCK Processor CA", COLLATERAL_INTEL_ISSUER, "processor"},
    {"Intel SGX Root CA", COLLATERAL_INTEL_ISSUER, "root"},
    {"SEV-VCEK", COLLATERAL_SNP_LEAF, ""},
    {"SEV-VLEK", COLLATERAL_SNP_LEAF, ""},
    {NULL, COLLATERAL_CERTIFICATE, ""},
};
static const struct kind_of_name lists[] = {
    {"Intel SGX Root CA", COLLATERAL_INTEL_ROOT_CRL, ""},
    {"Intel SGX PCK Platform CA", COLLATERAL_PCK_CRL, "platform"},
    {"Intel SGX PCK Processor CA", COLLATERAL_PCK_CRL, "processor"},
    {NULL, COLLATERAL_CERTIFICATE, ""},
};

/* The one common name, of printable ASCII; "" where there is none such. */
static void common_name(const X509_NAME *name, char out[static NAME_MAX_SIZE])
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *text =
	    at >= 0 ? X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)) : NULL;
	size_t size = text ? (size_t)ASN1_STRING_length(text) : 0;

	memset(out, 0, NAME_MAX_SIZE);
	if (!text || size >= NAME_MAX_SIZE ||
	    X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return;
	for (size_t i = 0; i < size; i++) {
		if (!isprint(ASN1_STRING_get0_data(text)[i]))
			return;
	}
	bytes_copy(out, NAME_MAX_SIZE - 1, ASN1_STRING_get0_data(text), size);
}

static bool is_product(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)text[i]))
			return false;
	}
	return size > 0 && size <= PRODUCT_MAX;
}

/* "Milan" of "ARK-Milan", "SEV-Milan" and "SEV-VLEK-Milan"; NULL for another name. */
static const char *product_of(const char *name)
{
	static const char *const forms[] = {"ARK-", "SEV-VLEK-", "SEV-"};

	for (size_t i = 0; i < 3; i++) {
		size_t size = strlen(forms[i]);

		if (strncmp(name, forms[i], size) == 0 && is_product(name + size))
			return name + size;
	}
	return NULL;
}

static struct kind_of_name kind_of(const struct kind_of_name *table, const char *name)
{
	while (table->common_name && strcmp(table->common_name, name) != 0)
		table++;
	return *table;
}

struct named {
	char common_name[NAME_MAX_SIZE];
	struct kind_of_name is;
};

static struct named name_certificate(X509 *certificate)
{
	struct named named;
	const char *product;

	common_name(X509_get_subject_name(certificate), named.common_name);
	named.is = kind_of(certificates, named.common_name);
	product = named.is.common_name ? NULL : product_of(named.common_name);
	if (product)
		named.is = (struct kind_of_name){"", COLLATERAL_SNP_ISSUER, NULL};
	return named;
}

static enum tobi_err put(struct tobi_collateral *set, const struct kind_of_name *is,
			 struct tobi_bytes data, const char *joins,
			 const struct collateral_origin *origin, struct tobi_fault *fault)
{
	const struct collateral_item item = {.kind = is->kind,
					     .name = is->name,
					     .data = data,
					     .source = origin->source,
					     .fetched = origin->fetched};

	return set_put(set, &item, joins, fault);
}

static enum tobi_err put_der(struct tobi_collateral *set, const struct kind_of_name *is,
			     X509 *certificate, const struct collateral_origin *origin,
			     struct tobi_fault *fault)
{
	unsigned char *der = NULL;
	int size = i2d_X509(certificate, &der);
	enum tobi_err err;

	if (size <= 0)
		return fault_openssl(fault, object, "", "cannot encode a certificate");
	err = put(set, is, (struct tobi_bytes){der, (size_t)size}, NULL, origin, fault);
	OPENSSL_free(der);
	return err;
}

/* A PCK certificate, and behind it all of the file that is no such certificate. */
static enum tobi_err put_pck(struct tobi_collateral *set, const struct pem_list *list,
			     size_t index, const struct collateral_origin *origin,
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_DOCUMENT);
	char issuer[NAME_MAX_SIZE];
	struct kind_of_name by;
	enum tobi_err err = pem_write(list->certificates[index], &pem, fault);
	bool alone = true;

	for (size_t i = 0; i < list->count && !err; i++) {
		if (name_certificate(list->certificates[i]).is.kind == COLLATERAL_PCK)
			continue;
		err = pem_write(list->certificates[i], &pem, fault);
		alone = false;
	}
	common_name(X509_get_issuer_name(list->certificates[index]), issuer);
	by = kind_of(certificates, issuer);
	return err ? err
		   : put(set, &(struct kind_of_name){"", COLLATERAL_PCK, ""},
			 wr_view(&pem),
			 alone && by.kind == COLLATERAL_INTEL_ISSUER ? by.name : NULL,
			 origin, fault);
}

/* All issuers of one product in the file, at the place of the first. */
static enum tobi_err put_snp_issuers(struct tobi_collateral *set,
				     const struct pem_list *list, size_t index,
				     const struct collateral_origin *origin,
				     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_DOCUMENT);
	const struct named first = name_certificate(list->certificates[index]);
	const char *product = product_of(first.common_name);
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < list->count && !err; i++) {
		const struct named other = name_certificate(list->certificates[i]);

		if (other.is.kind != COLLATERAL_SNP_ISSUER ||
		    strcmp(product_of(other.common_name), product) != 0)
			continue;
		if (i < index)
			return TOBI_OK;
		err = pem_write(list->certificates[i], &pem, fault);
	}
	return err ? err
		   : put(set, &(struct kind_of_name){"", COLLATERAL_SNP_ISSUER, product},
			 wr_view(&pem), NULL, origin, fault);
}

static enum tobi_err put_issuer(struct tobi_collateral *set,
				const struct kind_of_name *is, X509 *certificate,
				const struct collateral_origin *origin,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_DOCUMENT);
	enum tobi_err err = pem_write(certificate, &pem, fault);

	return err ? err : put(set, is, wr_view(&pem), NULL, origin, fault);
}

enum tobi_err detect_certificates(struct tobi_collateral *set,
				  const struct pem_list *list,
				  const struct collateral_origin *origin,
				  struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < list->count && !err; i++) {
		X509 *certificate = list->certificates[i];
		const struct named named = name_certificate(certificate);

		if (named.is.kind == COLLATERAL_PCK)
			err = put_pck(set, list, i, origin, fault);
		else if (named.is.kind == COLLATERAL_SNP_ISSUER)
			err = put_snp_issuers(set, list, i, origin, fault);
		else if (named.is.kind == COLLATERAL_INTEL_ISSUER)
			err = put_issuer(set, &named.is, certificate, origin, fault);
		else
			err = put_der(set, &named.is, certificate, origin, fault);
	}
	return err;
}

enum tobi_err detect_crl(struct tobi_collateral *set, const void *crl,
			 struct tobi_bytes data, const struct collateral_origin *origin,
			 struct tobi_fault *fault)
{
	char issuer[NAME_MAX_SIZE];
	struct kind_of_name is;
	const char *joins;

	common_name(X509_CRL_get_issuer((const X509_CRL *)crl), issuer);
	is = kind_of(lists, issuer);
	joins = is.kind == COLLATERAL_INTEL_ROOT_CRL ? "root" : is.name;
	if (!is.common_name && strncmp(issuer, "ARK-", 4) == 0 && product_of(issuer)) {
		is = (struct kind_of_name){"", COLLATERAL_SNP_CRL, product_of(issuer)};
		joins = NULL;
	}
	if (!is.common_name)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "CRL",
				 "a list of an issuer of whom no evidence is known here");
	return put(set, &is, data, joins, origin, fault);
}
