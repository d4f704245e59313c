#include "tee/dcap_certificates.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/der.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

/* A certificate that is only read: whether it counts is asked each time. */
struct known {
	struct memo_value head;
	X509 *certificate;
};

static void free_known(struct memo_value *value)
{
	struct known *known = (struct known *)value;

	X509_free(known->certificate);
	free(known);
}

/* NULL: not known. */
static X509 *recall(struct memo *memo, const struct memo_name *name)
{
	struct memo_value *value = memo_find(memo, name, 0);
	X509 *certificate = value ? ((struct known *)value)->certificate : NULL;

	if (certificate && X509_up_ref(certificate) != 1)
		certificate = NULL;
	memo_unref(value);
	return certificate;
}

/* What cannot be remembered is read again. */
static void remember(struct memo *memo, const struct memo_name *name, X509 *certificate)
{
	const struct chain_window always = {INT64_MIN, INT64_MAX};
	struct known *known;

	if (!memo || !X509_check_ca(certificate))
		return; /* one for each platform: they would push out the others */
	known = calloc(1, sizeof(*known));
	if (!known)
		return;
	known->head = (struct memo_value){1, free_known};
	if (X509_up_ref(certificate) == 1) {
		known->certificate = certificate;
		memo_keep(memo, name, &always, &known->head);
	}
	memo_unref(&known->head);
}

static enum tobi_err add(struct tobi_bytes der, const char *object,
			 struct dcap_certificates *certificates, struct tobi_fault *fault)
{
	X509 **at = &certificates->list[certificates->count];
	struct memo_name name;
	enum tobi_err err;

	if (certificates->count == PINNED_CERTIFICATES_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "certificates",
				 "more than %d", PINNED_CERTIFICATES_MAX);
	err = memo_name_make("certificate", &der, 1, &name);
	if (err)
		return fault_set(fault, err, object, "certificates", "cannot hash");
	*at = recall(certificates->memo, &name);
	if (!*at) {
		err = chain_read_certificate(der, object, at, fault);
		if (!err)
			remember(certificates->memo, &name, *at);
	}
	certificates->count += !err;
	return err;
}

/* Skips what may stand between blocks, and at the end. */
static void skip(struct reader *rd, bool zeros)
{
	while (rd_left(rd)) {
		struct reader ahead = *rd;
		uint8_t byte = rd_u8(&ahead, "PEM");

		if (byte != '\n' && byte != '\r' && (byte != 0 || !zeros))
			return;
		*rd = ahead;
	}
}

static bool next_is(struct reader *rd, const char *text)
{
	struct reader ahead = *rd;

	if (!bytes_equal_text(rd_bytes(&ahead, strlen(text), "PEM"), text))
		return false;
	*rd = ahead;
	return true;
}

/* Up to the mark, which is then behind. */
static struct tobi_bytes read_until(struct reader *rd, const char *mark)
{
	struct reader ahead = *rd;
	struct tobi_bytes rest = rd_bytes(&ahead, rd_left(rd), "PEM"), text;
	const uint8_t *found =
	    rest.size ? memmem(rest.ptr, rest.size, mark, strlen(mark)) : NULL;

	if (!found)
		rd_fail(rd, TOBI_E_TRUNCATED, "PEM");
	text = rd_bytes(rd, found ? (size_t)(found - rest.ptr) : 0, "PEM");
	rd_bytes(rd, strlen(mark), "PEM");
	return text;
}

static enum tobi_err read_block(struct tobi_bytes text, const char *object,
				struct dcap_certificates *certificates,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_CERTIFICATE);
	EVP_ENCODE_CTX *decoder = EVP_ENCODE_CTX_new();
	uint8_t *to = wr_reserve(&der, text.size);
	int first = 0, last = 0;
	bool good;

	if (!decoder || !to) {
		EVP_ENCODE_CTX_free(decoder);
		return fault_set(fault, wr_err(&der) ? wr_err(&der) : TOBI_E_MEMORY,
				 object, "PEM", "it is too large");
	}
	EVP_DecodeInit(decoder);
	/* OpenSSL would stop at a dash, and be content. */
	good = !memchr(text.ptr, '-', text.size) &&
	       EVP_DecodeUpdate(decoder, to, &first, text.ptr, (int)text.size) >= 0 &&
	       EVP_DecodeFinal(decoder, to + first, &last) == 1;
	EVP_ENCODE_CTX_free(decoder);
	ERR_clear_error();
	if (!good)
		return fault_set(fault, TOBI_E_MALFORMED, object, "PEM",
				 "a certificate is not in base64");
	return add((struct tobi_bytes){to, (size_t)(first + last)}, object, certificates,
		   fault);
}

static enum tobi_err read_pem(struct tobi_bytes bytes, const char *object,
			      struct dcap_certificates *certificates,
			      struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	enum tobi_err err = TOBI_OK;

	skip(&rd, false);
	while (!err && next_is(&rd, BEGIN)) {
		struct tobi_bytes text = read_until(&rd, END);

		err = rd_status(&rd, object, fault);
		if (!err)
			err = read_block(text, object, certificates, fault);
		skip(&rd, false);
	}
	skip(&rd, true);
	if (!err && rd_left(&rd))
		err = fault_at(fault, TOBI_E_TRAILING, object, "PEM", rd_offset(&rd),
			       "there is something else than certificates");
	return err;
}

enum tobi_err dcap_certificates_read(struct tobi_bytes bytes, const char *object,
				     struct dcap_certificates *certificates,
				     struct tobi_fault *fault)
{
	if (bytes.size > LIMIT_PEM)
		return fault_set(fault, TOBI_E_LIMIT, object, "certificates",
				 "over %d bytes", LIMIT_PEM);
	if (bytes.size && bytes.ptr[0] == DER_SEQUENCE)
		return add(bytes, object, certificates, fault);
	return read_pem(bytes, object, certificates, fault);
}

void dcap_certificates_done(struct dcap_certificates *certificates)
{
	for (size_t i = 0; i < certificates->count; i++)
		X509_free(certificates->list[i]);
	certificates->count = 0;
}

bool dcap_certificates_are(struct tobi_bytes bytes)
{
	struct dcap_certificates list = {0};
	bool are =
	    !dcap_certificates_read(bytes, "certificates", &list, NULL) && list.count;

	dcap_certificates_done(&list);
	return are;
}
