/* COSE_Mac0 (RFC 9052 section 6) with HMAC (RFC 9053 section 3.1). */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/cose_alg.h"

size_t cose_mac_size(int64_t alg)
{
	switch (alg) {
	case COSE_HMAC256:
		return 32;
	case COSE_HMAC384:
		return 48;
	case COSE_HMAC512:
		return 64;
	default:
		return 0;
	}
}

static const EVP_MD *digest_of(size_t size)
{
	if (size == 32)
		return EVP_sha256();
	return size == 48 ? EVP_sha384() : EVP_sha512();
}

bool cose_mac_holds(const struct cose_sign1 *mac0, struct tobi_bytes secret,
		    struct tobi_bytes payload)
{
	size_t size = cose_mac_size(mac0->alg);
	CLEANUP(wr_done)
	struct writer message = wr_init(mac0->protected_bytes.size + payload.size + 64);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned written = 0;
	bool holds;

	if (!size || !secret.size || secret.size > INT32_MAX)
		return false;
	cbor_write_array(&message, 4);
	cbor_write_text(&message, "MAC0");
	cbor_write_bytes(&message, mac0->protected_bytes);
	cbor_write_bytes(&message, (struct tobi_bytes){0});
	cbor_write_bytes(&message, payload);
	holds = !wr_err(&message) &&
		HMAC(digest_of(size), secret.ptr, (int)secret.size, message.ptr,
		     message.size, mac, &written) &&
		bytes_equal_secret((struct tobi_bytes){mac, written}, mac0->signature);
	OPENSSL_cleanse(mac, sizeof(mac));
	ERR_clear_error();
	return holds;
}
