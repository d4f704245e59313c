#include "broker/keyring_blob.h"

#include <openssl/rand.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/reader.h"
#include "pki/key.h"

#define OBJECT "sealed secret"

enum tobi_err keyring_blob_parse(struct tobi_bytes bytes, struct keyring_blob *ret_blob,
				 struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct keyring_blob blob = {0};
	const uint8_t version = rd_u8(&rd, "version");
	enum tobi_err err;

	blob.generation = rd_u64be(&rd, "generation");
	blob.wrapped = rd_bytes(&rd, BLOB_WRAPPED, "data key");
	if (!rd_failed(&rd) && version != BLOB_VERSION)
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "version",
				 "%u is not known here", version);
	if (!rd_failed(&rd) && (blob.generation == 0 || blob.generation > INT64_MAX))
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "generation",
				 "there is none of this number");
	if (!rd_failed(&rd) && rd_left(&rd) < AEAD_MORE)
		rd_fail(&rd, TOBI_E_TRUNCATED, "content");
	blob.body = rd_bytes(&rd, rd_left(&rd), "content");
	err = rd_finish(&rd, OBJECT, fault);
	if (err)
		return err;
	if (blob.body.size > LIMIT_KEYRING_PLAIN + AEAD_MORE)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "over %d bytes",
				 LIMIT_KEYRING_PLAIN);
	blob.header = (struct tobi_bytes){bytes.ptr, BLOB_HEADER};
	*ret_blob = blob;
	return TOBI_OK;
}

/* What is bound: which of the two seals, the header or nothing, and the context. */
static struct writer bound_to(const char *which, struct tobi_bytes header,
			      struct tobi_bytes context)
{
	const size_t room = LIMIT_KEYRING_CONTEXT + strlen(which) + 1 + header.size;
	struct writer out = wr_init(room);

	wr_bytes(&out, which, strlen(which) + 1);
	wr_bytes(&out, header.ptr, header.size);
	wr_bytes(&out, context.ptr, context.size);
	return out;
}

static enum tobi_err seal_under(const uint8_t *data_key, uint64_t generation,
				const uint8_t *store_key, struct tobi_bytes context,
				struct tobi_bytes plain, struct writer *out,
				struct tobi_fault *fault)
{
	uint8_t header[BLOB_HEADER] = {BLOB_VERSION};
	struct writer body = bound_to("tobichi secret", (struct tobi_bytes){0}, context);
	struct writer start = wr_init(BLOB_HEADER);
	struct writer key = {0};
	enum tobi_err err;

	wr_u8(&start, BLOB_VERSION);
	wr_uint_be(&start, generation, 8);
	bytes_copy(header, sizeof(header), start.ptr, start.size);
	key = bound_to("tobichi data key", wr_view(&start), context);
	wr_bytes(out, header, sizeof(header));
	err = wr_err(&start) ? wr_err(&start) : wr_err(&body);
	if (!err)
		err = wr_err(&key);
	if (err)
		err = fault_set(fault, err, OBJECT, "context", "%s", tobi_err_text(err));
	if (!err)
		err = aead_seal(store_key, wr_view(&key),
				(struct tobi_bytes){data_key, AEAD_KEY}, out, fault);
	if (!err)
		err = aead_seal(data_key, wr_view(&body), plain, out, fault);
	wr_done(&start);
	wr_done(&body);
	wr_done(&key);
	return err;
}

enum tobi_err keyring_blob_seal(uint64_t generation,
				const uint8_t store_key[static AEAD_KEY],
				struct tobi_bytes context, struct tobi_bytes plain,
				struct writer *out, struct tobi_fault *fault)
{
	uint8_t data_key[AEAD_KEY];
	enum tobi_err err;

	if (plain.size > LIMIT_KEYRING_PLAIN)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "over %d bytes",
				 LIMIT_KEYRING_PLAIN);
	if (RAND_priv_bytes(data_key, sizeof(data_key)) != 1)
		return fault_openssl(fault, OBJECT, "data key", "no random bytes");
	err = seal_under(data_key, generation, store_key, context, plain, out, fault);
	explicit_bzero(data_key, sizeof(data_key));
	return err;
}

static enum tobi_err open_body(const uint8_t *data_key, struct tobi_bytes body,
			       struct tobi_bytes context, struct secret *ret_plain,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done)
	struct writer bound = bound_to("tobichi secret", (struct tobi_bytes){0}, context);
	struct secret plain = {0};
	enum tobi_err err = wr_err(&bound);

	if (!err)
		err = secret_new(body.size - AEAD_MORE, &plain, fault);
	if (!err)
		err = aead_open(data_key, wr_view(&bound), body, plain.ptr, fault);
	if (err) {
		secret_done(&plain);
		return err;
	}
	*ret_plain = plain;
	return TOBI_OK;
}

enum tobi_err keyring_blob_open(const struct keyring_blob *blob,
				const uint8_t store_key[static AEAD_KEY],
				struct tobi_bytes context, struct secret *ret_plain,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done)
	struct writer bound = bound_to("tobichi data key", blob->header, context);
	uint8_t data_key[AEAD_KEY];
	enum tobi_err err = wr_err(&bound);

	if (err)
		return fault_set(fault, err, OBJECT, "context", "%s", tobi_err_text(err));
	err = aead_open(store_key, wr_view(&bound), blob->wrapped, data_key, fault);
	if (!err)
		err = open_body(data_key, blob->body, context, ret_plain, fault);
	explicit_bzero(data_key, sizeof(data_key));
	return err;
}
