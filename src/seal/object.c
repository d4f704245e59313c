#include "seal/object.h"

#include <limits.h>
#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"

#define OBJECT "sealed object"

static const uint8_t magic[8] = "TOBISEAL";

enum { VERSION = 1, FLAG_DEBUG = 1, NONCE_SIZE = 12 };

void seal_header_write(const struct seal_header *header,
		       uint8_t out[static SEAL_HEADER_SIZE])
{
	bytes_copy(out, 8, magic, sizeof(magic));
	store_be(out + 8, 2, VERSION);
	out[10] = (uint8_t)header->to;
	out[11] = header->debug ? FLAG_DEBUG : 0;
	store_be(out + 12, 2, header->product);
	store_be(out + 14, 2, header->svn);
	bytes_copy(out + 16, SHA384_SIZE, header->id, sizeof(header->id));
	bytes_copy(out + 64, SEAL_SALT_SIZE, header->salt, sizeof(header->salt));
	store_be(out + 96, 8, header->size);
}

static void read_fields(struct reader *rd, struct seal_header *header)
{
	struct tobi_bytes start = rd_bytes(rd, sizeof(magic), "magic");
	uint8_t to, flags;

	if (!rd_failed(rd) &&
	    !bytes_equal(start, (struct tobi_bytes){magic, sizeof(magic)}))
		rd_fail(rd, TOBI_E_MALFORMED, "magic");
	if (rd_u16be(rd, "version") != VERSION)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "version");
	to = rd_u8(rd, "policy");
	if (to > TOBI_SEAL_TO_SIGNER)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "policy");
	flags = rd_u8(rd, "flags");
	if (flags & ~FLAG_DEBUG)
		rd_fail(rd, TOBI_E_UNSUPPORTED, "flags");
	header->to = (enum tobi_seal_to)to;
	header->debug = flags & FLAG_DEBUG;
	header->product = rd_u16be(rd, "product");
	header->svn = rd_u16be(rd, "svn");
	if (header->to == TOBI_SEAL_TO_IMAGE && (header->product || header->svn))
		rd_fail(rd, TOBI_E_MALFORMED, "svn");
}

enum tobi_err seal_header_parse(struct tobi_bytes start, uint64_t total,
				struct seal_header *ret_header, struct tobi_fault *fault)
{
	struct seal_header header = {0};
	struct tobi_bytes id, salt;
	struct reader rd;
	enum tobi_err err;

	if (start.size > SEAL_HEADER_SIZE)
		start.size = SEAL_HEADER_SIZE;
	rd = rd_init(start);
	read_fields(&rd, &header);
	id = rd_bytes(&rd, SHA384_SIZE, "id");
	salt = rd_bytes(&rd, SEAL_SALT_SIZE, "salt");
	header.size = rd_u64be(&rd, "size");
	if (header.size > TOBI_SEAL_CONTENT_MAX)
		rd_fail(&rd, TOBI_E_LIMIT, "size");
	err = rd_finish(&rd, OBJECT, fault);
	if (err)
		return err;
	if (total != header.size + TOBI_SEAL_OVERHEAD)
		return fault_at(fault,
				total < header.size + TOBI_SEAL_OVERHEAD
				    ? TOBI_E_TRUNCATED
				    : TOBI_E_TRAILING,
				OBJECT, "size", total,
				"it has %llu bytes, and its header asks for %llu",
				(unsigned long long)total,
				(unsigned long long)header.size + TOBI_SEAL_OVERHEAD);
	bytes_copy(header.id, sizeof(header.id), id.ptr, id.size);
	bytes_copy(header.salt, sizeof(header.salt), salt.ptr, salt.size);
	*ret_header = header;
	return TOBI_OK;
}

struct seal_pass {
	EVP_CIPHER_CTX *cipher;
	bool opens;
};

/* The salt is new and random for each object, and so is the key: the one nonce under it
 * is used once. */
static enum tobi_err object_key(const uint8_t key[static SEAL_KEY_SIZE],
				const uint8_t *salt,
				uint8_t ret_key[static SEAL_KEY_SIZE])
{
	static const char purpose[] = "tobichi-seal/1 object";
	uint8_t info[sizeof(purpose) - 1 + SEAL_SALT_SIZE];

	bytes_copy(info, sizeof(info), purpose, sizeof(purpose) - 1);
	bytes_copy(info + sizeof(purpose) - 1, SEAL_SALT_SIZE, salt, SEAL_SALT_SIZE);
	return hkdf_sha256((struct tobi_bytes){key, SEAL_KEY_SIZE},
			   (struct tobi_bytes){info, sizeof(info)}, ret_key,
			   SEAL_KEY_SIZE);
}

static bool begin(struct seal_pass *pass, const uint8_t *key, const uint8_t *header,
		  struct tobi_bytes associated)
{
	static const uint8_t nonce[NONCE_SIZE];
	int size;

	if (EVP_CipherInit_ex(pass->cipher, EVP_aes_256_gcm(), NULL, key, nonce,
			      !pass->opens) != 1)
		return false;
	/* The header has one size: where it ends and the caller's data begin is certain.
	 */
	if (EVP_CipherUpdate(pass->cipher, NULL, &size, header, SEAL_HEADER_SIZE) != 1)
		return false;
	return !associated.size ||
	       EVP_CipherUpdate(pass->cipher, NULL, &size, associated.ptr,
				(int)associated.size) == 1;
}

enum tobi_err seal_pass_new(bool opens, const uint8_t key[static SEAL_KEY_SIZE],
			    const uint8_t header[static SEAL_HEADER_SIZE],
			    struct tobi_bytes associated, struct seal_pass **ret_pass,
			    struct tobi_fault *fault)
{
	CLEANUP(seal_pass_freep) struct seal_pass *pass = NULL;
	uint8_t own[SEAL_KEY_SIZE];
	bool good;

	if (associated.size > TOBI_SEAL_ASSOCIATED_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "associated data",
				 "over %d bytes", TOBI_SEAL_ASSOCIATED_MAX);
	pass = calloc(1, sizeof(*pass));
	if (pass)
		pass->cipher = EVP_CIPHER_CTX_new();
	if (!pass || !pass->cipher)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	pass->opens = opens;
	good = !object_key(key, header + 64, own) && begin(pass, own, header, associated);
	explicit_bzero(own, sizeof(own));
	if (!good)
		return fault_openssl(fault, OBJECT, "key", "cannot be used");
	*ret_pass = TAKE(pass);
	return TOBI_OK;
}

void seal_pass_free(struct seal_pass *pass)
{
	if (!pass)
		return;
	EVP_CIPHER_CTX_free(pass->cipher); /* wipes its state */
	free(pass);
}

enum tobi_err seal_pass_update(struct seal_pass *pass, struct tobi_bytes in, uint8_t *out,
			       struct tobi_fault *fault)
{
	int size = 0;

	if (in.size > INT_MAX)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "too much at once");
	if (in.size &&
	    EVP_CipherUpdate(pass->cipher, out, &size, in.ptr, (int)in.size) != 1)
		return fault_openssl(fault, OBJECT, "content", "cannot be passed");
	return TOBI_OK;
}

enum tobi_err seal_pass_tag(struct seal_pass *pass, uint8_t ret_tag[static SEAL_TAG_SIZE],
			    struct tobi_fault *fault)
{
	uint8_t nothing[SEAL_TAG_SIZE];
	int size;

	if (pass->opens)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "tag",
				 "what is opened has one");
	if (EVP_CipherFinal_ex(pass->cipher, nothing, &size) != 1 ||
	    EVP_CIPHER_CTX_ctrl(pass->cipher, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE,
				ret_tag) != 1)
		return fault_openssl(fault, OBJECT, "tag", "cannot be made");
	return TOBI_OK;
}

enum tobi_err seal_pass_check(struct seal_pass *pass,
			      const uint8_t tag[static SEAL_TAG_SIZE],
			      struct tobi_fault *fault)
{
	uint8_t nothing[SEAL_TAG_SIZE], copy[SEAL_TAG_SIZE];
	int size;

	if (!pass->opens)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "tag",
				 "what is sealed has none yet");
	bytes_copy(copy, sizeof(copy), tag, SEAL_TAG_SIZE);
	if (EVP_CIPHER_CTX_ctrl(pass->cipher, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE,
				copy) != 1)
		return fault_openssl(fault, OBJECT, "tag", "cannot be checked");
	if (EVP_CipherFinal_ex(pass->cipher, nothing, &size) != 1)
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, "",
				 "it does not open: it was changed, sealed with other "
				 "associated data, or sealed on another platform");
	return TOBI_OK;
}
