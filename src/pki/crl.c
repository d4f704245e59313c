#include "pki/crl.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/der.h"
#include "codec/key_library.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(ASN1_INTEGER *, ASN1_INTEGER_free)

/* A list says twice how it is signed, and only once of it is signed: OpenSSL takes the
 * other (RFC 5280 section 5.1.1.2). */
static bool says_one_algorithm(struct tobi_bytes der)
{
	struct reader outer = rd_init(der);
	struct reader list = der_enter(&outer, DER_SEQUENCE, "CRL");
	struct reader inner = der_enter(&list, DER_SEQUENCE, "tbsCertList");
	struct tobi_bytes is_signed, signs;

	if (rd_left(&inner) && inner.start[inner.pos] == DER_INTEGER)
		der_bytes(&inner, DER_INTEGER, "version");
	is_signed = der_bytes(&inner, DER_SEQUENCE, "signature");
	signs = der_bytes(&list, DER_SEQUENCE, "signatureAlgorithm");
	return !rd_failed(&inner) && !rd_failed(&list) && bytes_equal(is_signed, signs);
}

static enum tobi_err read_der(struct tobi_bytes der, const char *object,
			      X509_CRL **ret_crl, struct tobi_fault *fault)
{
	const unsigned char *at = der.ptr;
	CLEANUP(X509_CRL_freep) X509_CRL *crl = X509_CRL_new_ex(key_library(), NULL);

	if (!crl)
		return fault_openssl(fault, object, "CRL", "cannot be read");
	/* Where it fails it has freed the object that it was given. */
	if (!d2i_X509_CRL(&crl, &at, (long)der.size)) {
		ERR_clear_error();
		return fault_set(fault, TOBI_E_MALFORMED, object, "CRL",
				 "not a list of revoked certificates in DER");
	}
	if (at != der.ptr + der.size)
		return fault_at(fault, TOBI_E_TRAILING, object, "CRL",
				(uint64_t)(at - der.ptr),
				"there are bytes after the list");
	if (!says_one_algorithm(der))
		return fault_set(fault, TOBI_E_MALFORMED, object, "CRL",
				 "how it is signed is not what it says that it is");
	*ret_crl = TAKE(crl);
	return TOBI_OK;
}

static size_t skip_space(struct tobi_bytes text, size_t at)
{
	while (at < text.size && isspace(text.ptr[at]))
		at++;
	return at;
}

/* One block, and nothing around it: what OpenSSL would skip is not looked at by anybody.
 */
static enum tobi_err read_pem(struct tobi_bytes pem, const char *object,
			      X509_CRL **ret_crl, struct tobi_fault *fault)
{
	static const char begin[] = "-----BEGIN X509 CRL-----";
	size_t at = skip_space(pem, 0);
	CLEANUP(BIO_free_allp)
	BIO *bio = BIO_new_mem_buf(pem.ptr + at, (int)(pem.size - at));
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	long size = 0;
	bool good = bio && pem.size - at >= sizeof(begin) - 1 &&
		    bytes_equal((struct tobi_bytes){pem.ptr + at, sizeof(begin) - 1},
				bytes_of_text(begin)) &&
		    PEM_read_bio(bio, &name, &header, &der, &size) == 1 && !header[0];
	enum tobi_err err = TOBI_OK;

	ERR_clear_error();
	at = skip_space(pem, bio ? pem.size - BIO_ctrl_pending(bio) : pem.size);
	if (!good)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "CRL",
				"neither DER nor PEM nor hexadecimal digits");
	else if (at < pem.size)
		err = fault_at(fault, TOBI_E_TRAILING, object, "CRL", at,
			       "there are bytes after the list");
	else
		err = read_der((struct tobi_bytes){der, (size_t)size}, object, ret_crl,
			       fault);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return err;
}

/* Digits of either case; whitespace may follow. */
static enum tobi_err read_hex(struct tobi_bytes text, const char *object,
			      X509_CRL **ret_crl, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer copy = wr_init(LIMIT_CRL + 1);
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CRL);
	size_t size = text.size;
	uint8_t *bytes;

	while (size && isspace(text.ptr[size - 1]))
		size--;
	wr_bytes(&copy, text.ptr, size);
	wr_u8(&copy, 0);
	bytes = wr_reserve(&der, size / 2);
	if (wr_err(&copy) || !bytes)
		return fault_set(fault, TOBI_E_MEMORY, object, "CRL", "out of memory");
	if (!hex_read((const char *)copy.ptr, bytes, size / 2))
		return fault_set(fault, TOBI_E_MALFORMED, object, "CRL",
				 "neither DER nor PEM nor hexadecimal digits");
	return read_der(wr_view(&der), object, ret_crl, fault);
}

enum tobi_err crl_read(struct tobi_bytes bytes, const char *object, X509_CRL **ret_crl,
		       struct tobi_fault *fault)
{
	if (bytes.size == 0 || bytes.size > LIMIT_CRL)
		return fault_set(fault, TOBI_E_LIMIT, object, "CRL",
				 "empty, or over %d bytes", LIMIT_CRL);
	if (bytes.ptr[0] == DER_SEQUENCE && bytes.size > 1 && bytes.ptr[1] > 0x7f)
		return read_der(bytes, object, ret_crl, fault);
	if (isxdigit(bytes.ptr[0]))
		return read_hex(bytes, object, ret_crl, fault);
	return read_pem(bytes, object, ret_crl, fault);
}

/* An extension that is there once, and can be read. */
static bool has_extension(const X509_CRL *crl, int nid)
{
	int critical = -1;
	void *value = X509_CRL_get_ext_d2i(crl, nid, &critical, NULL);

	if (!value)
		return false;
	if (nid == NID_crl_number)
		ASN1_INTEGER_free(value);
	else
		AUTHORITY_KEYID_free(value);
	return true;
}

/* None that an entry may have (whose issuer, what to do with the certificate) is known.
 */
static bool entry_has_critical(const X509_REVOKED *entry)
{
	return X509_REVOKED_get_ext_by_critical(entry, 1, -1) >= 0;
}

static bool has_unknown_critical(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);

		if (X509_EXTENSION_get_critical(extension) &&
		    OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_crl_number)
			return true;
	}
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		if (entry_has_critical(sk_X509_REVOKED_value(entries, i)))
			return true;
	}
	return false;
}

static const char *wrong_form(X509_CRL *crl, X509 *issuer)
{
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
		return "it is of another issuer";
	/* All bits are set for one that does not say. */
	if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN))
		return "its issuer may not issue lists";
	if (!has_extension(crl, NID_crl_number))
		return "it has no number";
	if (!has_extension(crl, NID_authority_key_identifier))
		return "it does not name its issuer's key";
	if (has_unknown_critical(crl))
		return "a critical extension is not known here";
	if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		return "its signature does not verify";
	return NULL;
}

enum tobi_err crl_verify(X509_CRL *crl, X509 *issuer, int64_t time, int64_t grace,
			 const char *object, struct chain_window *ret_window,
			 struct tobi_fault *fault)
{
	const char *wrong = wrong_form(crl, issuer);
	int64_t from, to;

	ERR_clear_error();
	if (!wrong && (!chain_seconds(X509_CRL_get0_lastUpdate(crl), &from) ||
		       !chain_seconds(X509_CRL_get0_nextUpdate(crl), &to)))
		wrong = "its dates cannot be read";
	if (!wrong && time < from)
		wrong = "it is issued in the future";
	if (!wrong && time >= to + grace)
		wrong = "it has expired";
	if (wrong)
		return fault_set(fault, TOBI_E_CERTIFICATE, object, "CRL", "%s", wrong);
	*ret_window = (struct chain_window){from, to + grace};
	return TOBI_OK;
}

bool crl_revokes(X509_CRL *crl, const X509 *certificate)
{
	X509_REVOKED *entry = NULL;

	/* 2 means "removed from the list": only delta lists have such entries, and these
	 * are not taken. Whatever is listed is revoked. */
	return X509_CRL_get0_by_serial(crl, &entry,
				       X509_get0_serialNumber(certificate)) != 0;
}

int64_t crl_issued(const X509_CRL *crl)
{
	int64_t seconds = 0;

	return chain_seconds(X509_CRL_get0_lastUpdate(crl), &seconds) ? seconds : 0;
}

int64_t crl_number(const X509_CRL *crl)
{
	CLEANUP(ASN1_INTEGER_freep)
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	int64_t value = -1;

	if (!number || ASN1_INTEGER_get_int64(&value, number) != 1 || value < 0 ||
	    value > INT64_C(1) << 53)
		value = -1;
	ERR_clear_error();
	return value;
}
