#include "broker/row_seal.h"

#include <openssl/hmac.h>

#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"

enum { ROW_MAX = 16 << 10 };

static void add(struct writer *row, struct tobi_bytes part)
{
	wr_uint_be(row, part.size, 8);
	wr_bytes(row, part.ptr, part.size);
}

enum tobi_err row_seal(const struct broker *broker, const char *kind,
		       const struct tobi_bytes *parts, size_t count,
		       uint8_t ret_mac[static ROW_SEAL_SIZE], struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer row = wr_init(ROW_MAX);
	unsigned size = ROW_SEAL_SIZE;

	add(&row, bytes_of_text(kind));
	for (size_t i = 0; i < count; i++)
		add(&row, parts[i]);
	if (wr_err(&row))
		return fault_set(fault, wr_err(&row), "row", "", "it is too large");
	if (!HMAC(EVP_sha256(), broker->row_key, sizeof(broker->row_key), row.ptr,
		  row.size, ret_mac, &size))
		return fault_openssl(fault, "row", "", "no HMAC");
	return TOBI_OK;
}

enum tobi_err row_seal_check(const struct broker *broker, const char *kind,
			     const struct tobi_bytes *parts, size_t count,
			     struct tobi_bytes mac, struct tobi_fault *fault)
{
	uint8_t wanted[ROW_SEAL_SIZE];
	enum tobi_err err = row_seal(broker, kind, parts, count, wanted, fault);

	if (err)
		return err;
	if (!bytes_equal_secret((struct tobi_bytes){wanted, sizeof(wanted)}, mac))
		return fault_set(fault, TOBI_E_SIGNATURE, "database", "",
				 "a row of the table %s was not written by this broker",
				 kind);
	return TOBI_OK;
}
