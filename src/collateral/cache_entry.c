#include "collateral/cache_entry.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "codec/cbor.h"

static const char object[] = "cache";

enum {
	ENTRY_MODE = 0600,
	MISS_MAX = 2048,
	MISS_VERSION = 1,
	/* Seconds. A document that does not exist may exist soon. */
	MISS_NOT_FOUND = 60,
	MISS_OTHER = 10,
};

enum tobi_err entry_read(const char *path, struct tobi_collateral *set,
			 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_BUNDLE);
	struct collateral_list about;
	struct tobi_bytes view;
	uint8_t hash[SHA256_SIZE];
	size_t count = 0;
	enum tobi_err err = file_read(path, LIMIT_BUNDLE, object, &bytes, fault);

	if (err)
		return err;
	view = wr_view(&bytes);
	if (view.size <= SHA256_SIZE)
		return fault_set(fault, TOBI_E_TRUNCATED, object, "", "%s is cut off",
				 path);
	view.size -= SHA256_SIZE;
	if (hash_sha256(view, hash) ||
	    !bytes_equal((struct tobi_bytes){hash, SHA256_SIZE},
			 (struct tobi_bytes){view.ptr + view.size, SHA256_SIZE}))
		return fault_set(fault, TOBI_E_MALFORMED, object, "", "%s is damaged",
				 path);
	return list_read(view, object, NULL, set, &about, &count, fault);
}

enum tobi_err entry_write(const char *path, const struct tobi_collateral *set,
			  int64_t now, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_BUNDLE);
	const struct collateral_list about = {.created = now};
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err = list_write(set, &about, &bytes, fault);

	if (!err)
		err = hash_sha256(wr_view(&bytes), hash);
	if (err)
		return err;
	wr_bytes(&bytes, hash, sizeof(hash));
	if (wr_err(&bytes))
		return fault_set(fault, wr_err(&bytes), object, "", "no room");
	return file_write(path, ENTRY_MODE, wr_view(&bytes), object, fault);
}

enum tobi_err miss_write(const char *path, const struct tobi_fault *why, int64_t now,
			 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(MISS_MAX);

	cbor_write_array(&bytes, 4);
	cbor_write_uint(&bytes, MISS_VERSION);
	cbor_write_uint(&bytes, (uint64_t)now);
	cbor_write_uint(&bytes, why->code);
	cbor_write_bytes(&bytes, bytes_of_text(why->message));
	if (wr_err(&bytes))
		return fault_set(fault, wr_err(&bytes), object, "", "no room");
	return file_write(path, ENTRY_MODE, wr_view(&bytes), object, fault);
}

bool miss_read(const char *path, int64_t now, struct tobi_fault *ret_why)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(MISS_MAX);
	struct tobi_bytes message;
	struct cbor cbor;
	enum tobi_err code;
	int64_t then;

	if (file_read(path, MISS_MAX, object, &bytes, NULL))
		return false;
	cbor = cbor_init(wr_view(&bytes), CBOR_DETERMINISTIC);
	if (cbor_array(&cbor, 4, "miss") != 4 ||
	    cbor_uint(&cbor, "version") != MISS_VERSION)
		return false;
	then = (int64_t)cbor_uint_max(&cbor, UINT64_C(1) << 53, "time");
	code = (enum tobi_err)cbor_uint_max(&cbor, TOBI_E_REFUSED, "code");
	message = cbor_bytes(&cbor, sizeof(ret_why->message) - 1, "message");
	if (cbor_finish(&cbor, object, NULL) || code == TOBI_OK || now < then ||
	    now - then >= (code == TOBI_E_NOT_FOUND ? MISS_NOT_FOUND : MISS_OTHER))
		return false;
	fault_set(ret_why, code, "fetch", "", "%.*s", (int)message.size,
		  (const char *)message.ptr);
	return true;
}
