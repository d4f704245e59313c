#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "cli/broker.h"

enum { YEAR = 365, EARLIER = 3600, HOST_MAX = 253, SERIAL_BITS = 127 };

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

/* "host", "host:port", "1.2.3.4:port", "[::1]:port": without the port. */
static bool take_host(const char *text, char out[static HOST_MAX + 1])
{
	const char *start = text[0] == '[' ? text + 1 : text;
	size_t size = text[0] == '[' ? strcspn(start, "]") : strcspn(start, ":");

	/* An address of IPv6 without brackets has no port. */
	if (text[0] != '[' && strchr(start, ':') != strrchr(start, ':'))
		size = strlen(start);
	if (!size || size > HOST_MAX)
		return false;
	bytes_copy(out, HOST_MAX, start, size);
	out[size] = 0;
	return true;
}

static bool add_name(GENERAL_NAMES *names, const char *host)
{
	unsigned char address[16];
	bool four = inet_pton(AF_INET, host, address) == 1;
	bool six = !four && inet_pton(AF_INET6, host, address) == 1;
	ASN1_STRING *value = four || six ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!value || !name ||
	    !ASN1_STRING_set(value, four || six ? (const void *)address : host,
			     four  ? 4
			     : six ? 16
				   : (int)strlen(host))) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, four || six ? GEN_IPADD : GEN_DNS, value);
	if (sk_GENERAL_NAME_push(names, name))
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool add_extension(X509 *cert, int kind, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
	bool good = extension && X509_add_ext(cert, extension, -1);

	X509_EXTENSION_free(extension);
	return good;
}

static bool set_serial(X509 *cert)
{
	BIGNUM *serial = BN_new();
	bool good = serial &&
		    BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));

	BN_free(serial);
	return good;
}

/* It certifies no other: who trusts it trusts this server alone. */
static bool fill_in(X509 *cert, EVP_PKEY *key, GENERAL_NAMES *names)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	time_t now = time(NULL);

	return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
					  (const unsigned char *)"Tobichi broker", -1, -1,
					  0) &&
	       X509_set_issuer_name(cert, subject) &&
	       X509_time_adj_ex(X509_getm_notBefore(cert), 0, -EARLIER, &now) &&
	       X509_time_adj_ex(X509_getm_notAfter(cert), YEAR, 0, &now) &&
	       X509_set_pubkey(cert, key) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	       X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1 &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

enum tobi_err broker_certificate(EVP_PKEY *key, const char *const *hosts, size_t count,
				 struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *cert = X509_new();
	CLEANUP(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
	CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = GENERAL_NAMES_new();
	char host[HOST_MAX + 1];
	char *pem = NULL;
	long size;

	if (!cert || !bio || !names)
		return fault_openssl(fault, "broker", "certificate", "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (!take_host(hosts[i], host))
			return fault_set(fault, TOBI_E_ARGUMENT, "broker", "host",
					 "it is a name or an address, with a port or "
					 "without");
		if (!add_name(names, host))
			return fault_openssl(fault, "broker", "certificate",
					     "out of memory");
	}
	if (!fill_in(cert, key, names) || PEM_write_bio_X509(bio, cert) != 1)
		return fault_openssl(fault, "broker", "certificate",
				     "it could not be made");
	size = BIO_get_mem_data(bio, &pem);
	wr_bytes(out, pem, (size_t)size);
	return wr_err(out);
}
