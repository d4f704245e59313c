#include "collateral/text.h"

#include <ctype.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)

static void openssl_free(void *pointer)
{
	OPENSSL_free(*(void **)pointer);
}

enum tobi_err text_percent_decode(struct tobi_bytes text, const char *object,
				  struct writer *out, struct tobi_fault *fault)
{
	for (size_t i = 0; i < text.size; i++) {
		char digits[3] = {0};
		uint8_t byte = text.ptr[i];

		if (byte == '%') {
			if (text.size - i < 3)
				digits[0] = 'x';
			else
				bytes_copy(digits, 2, text.ptr + i + 1, 2);
			if (!hex_read(digits, &byte, 1))
				return fault_at(fault, TOBI_E_MALFORMED, object, "", i,
						"a %% without two hexadecimal digits");
			i += 2;
		}
		wr_u8(out, byte);
	}
	return wr_err(out) ? fault_set(fault, wr_err(out), object, "", "it is too large")
			   : TOBI_OK;
}

enum tobi_err text_hex_decode(struct tobi_bytes text, const char *object,
			      struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer copy = wr_init(2 * LIMIT_DOCUMENT + 1);
	size_t size = text.size;
	uint8_t *bytes;

	while (size && isspace(text.ptr[size - 1]))
		size--;
	wr_bytes(&copy, text.ptr, size);
	wr_u8(&copy, 0);
	bytes = wr_reserve(out, size / 2);
	if (wr_err(&copy) || !bytes)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "it is too large");
	if (size % 2 || !hex_read((const char *)copy.ptr, bytes, size / 2))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "not an even number of hexadecimal digits");
	return TOBI_OK;
}

static enum tobi_err take_block(const char *name, struct tobi_bytes der,
				const char *object, struct pem_list *list,
				struct tobi_fault *fault)
{
	X509 *certificate = NULL;
	enum tobi_err err;

	if (strcmp(name, PEM_STRING_X509_CRL) == 0) {
		if (list->crl || list->count)
			return fault_set(fault, TOBI_E_MALFORMED, object, "",
					 "a list of revoked certificates must be alone "
					 "in its file");
		return crl_read(der, object, &list->crl, fault);
	}
	if (strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				 "a PEM block that is neither a certificate nor a CRL");
	if (list->crl)
		return fault_set(
		    fault, TOBI_E_MALFORMED, object, "",
		    "a list of revoked certificates must be alone in its file");
	if (list->count == PEM_BLOCKS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "more than %d certificates in one file", PEM_BLOCKS_MAX);
	err = chain_read_certificate(der, object, &certificate, fault);
	if (!err)
		list->certificates[list->count++] = certificate;
	return err;
}

static enum tobi_err take_blocks(BIO *bio, const char *object, struct pem_list *list,
				 struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;
	unsigned long why;

	while (!err) {
		CLEANUP(openssl_free) char *name = NULL, *header = NULL;
		CLEANUP(openssl_free) unsigned char *data = NULL;
		long size = 0;

		if (PEM_read_bio(bio, &name, &header, &data, &size) != 1)
			break;
		err = take_block(name, (struct tobi_bytes){data, (size_t)size}, object,
				 list, fault);
	}
	why = ERR_peek_last_error();
	ERR_clear_error();
	if (err)
		return err;
	if (ERR_GET_REASON(why) != PEM_R_NO_START_LINE || (!list->count && !list->crl))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "not PEM, or a block of it is damaged");
	return TOBI_OK;
}

enum tobi_err pem_list_read(struct tobi_bytes pem, const char *object,
			    struct pem_list *ret_list, struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	CLEANUP(pem_list_done) struct pem_list list = {0};
	enum tobi_err err;

	if (pem.size > LIMIT_DOCUMENT)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_DOCUMENT);
	bio = BIO_new_mem_buf(pem.size ? pem.ptr : (const uint8_t *)"", (int)pem.size);
	if (!bio)
		return fault_openssl(fault, object, "", "cannot read it");
	ERR_clear_error();
	err = take_blocks(bio, object, &list, fault);
	if (err)
		return err;
	*ret_list = list;
	list = (struct pem_list){0};
	return TOBI_OK;
}

void pem_list_done(struct pem_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		X509_free(list->certificates[i]);
	X509_CRL_free(list->crl);
	*list = (struct pem_list){0};
}

enum tobi_err pem_write(X509 *certificate, struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long size;

	if (!bio || PEM_write_bio_X509(bio, certificate) != 1)
		return fault_openssl(fault, "certificate", "", "cannot write it");
	size = BIO_get_mem_data(bio, &data);
	wr_bytes(out, data, (size_t)size);
	return wr_err(out) ? fault_set(fault, wr_err(out), "certificate", "", "no room")
			   : TOBI_OK;
}
