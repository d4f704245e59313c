#include "tee/tpm_credential.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"

enum { HASH_MAX = 48, CURVE_MAX = 48, POINT_MAX = 1 + 2 * CURVE_MAX, RSA_BITS = 2048 };

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

/* What an endorsement key's template fixes beside its algorithm. */
struct kind {
	size_t hash_size, key_size, curve_size;
	const char *group; /* NULL: RSA */
};

static const struct kind rsa_kind = {32, 16, 0, NULL};
static const struct kind p256_kind = {32, 16, 32, "prime256v1"};
static const struct kind p384_kind = {48, 32, 48, "secp384r1"};

static const EVP_MD *hash_of(const struct kind *kind)
{
	return kind->hash_size == 48 ? EVP_sha384() : EVP_sha256();
}

static const struct kind *kind_of(EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) == RSA_BITS ? &rsa_kind : NULL;
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return NULL;
	if (strcmp(group, p256_kind.group) == 0)
		return &p256_kind;
	return strcmp(group, p384_kind.group) == 0 ? &p384_kind : NULL;
}

/* KDFa, part 1 section 11.4.10.2, of at most one hash. label with its zero. */
static bool kdfa(const struct kind *kind, const uint8_t *key, const char *label,
		 struct tobi_bytes context, size_t size, uint8_t *out)
{
	struct writer input = wr_init(1024);
	uint8_t hash[HASH_MAX];
	bool done;

	wr_uint_be(&input, 1, 4);
	wr_bytes(&input, label, strlen(label) + 1);
	wr_bytes(&input, context.ptr, context.size);
	wr_uint_be(&input, 8 * size, 4);
	done = !wr_err(&input) && HMAC(hash_of(kind), key, (int)kind->hash_size,
				       input.ptr, input.size, hash, NULL);
	if (done)
		bytes_copy(out, size, hash, size);
	explicit_bzero(hash, sizeof(hash));
	wr_done(&input);
	return done;
}

static bool encrypt_to_rsa(EVP_PKEY *key, const struct kind *kind, const uint8_t *seed,
			   struct writer *out)
{
	static const char identity[] = "IDENTITY"; /* its zero belongs to it */
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	unsigned char *label = OPENSSL_memdup(identity, sizeof(identity));
	size_t size = 0;
	uint8_t *to;

	if (!context || !label || EVP_PKEY_encrypt_init(context) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(context, hash_of(kind)) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash_of(kind)) <= 0 ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, sizeof(identity)) <= 0) {
		OPENSSL_free(label);
		return false;
	}
	if (EVP_PKEY_encrypt(context, NULL, &size, seed, kind->hash_size) != 1)
		return false;
	to = wr_reserve(out, size);
	return to && EVP_PKEY_encrypt(context, to, &size, seed, kind->hash_size) == 1;
}

static bool get_point(EVP_PKEY *key, const struct kind *kind, uint8_t *point)
{
	size_t size = 0;

	return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					       point, POINT_MAX, &size) == 1 &&
	       size == 1 + 2 * kind->curve_size && point[0] == 4;
}

/* KDFe, part 1 section 11.4.10.3. */
static bool kdfe(const struct kind *kind, const uint8_t *z, const uint8_t *own_point,
		 const uint8_t *peer_point, uint8_t *seed)
{
	struct writer input = wr_init(512);
	bool done;

	wr_uint_be(&input, 1, 4);
	wr_bytes(&input, z, kind->curve_size);
	wr_bytes(&input, "IDENTITY", 9);
	wr_bytes(&input, own_point + 1, kind->curve_size);
	wr_bytes(&input, peer_point + 1, kind->curve_size);
	done = !wr_err(&input) &&
	       EVP_Digest(input.ptr, input.size, seed, NULL, hash_of(kind), NULL) == 1;
	wr_done(&input);
	return done;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *peer, const struct kind *kind, uint8_t *z)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
	size_t size = CURVE_MAX;

	return context && EVP_PKEY_derive_init(context) == 1 &&
	       EVP_PKEY_derive_set_peer(context, peer) == 1 &&
	       EVP_PKEY_derive(context, z, &size) == 1 && size == kind->curve_size;
}

/* The seed is what both sides derive; the point goes to the TPM. */
static bool encrypt_to_point(EVP_PKEY *key, const struct kind *kind, uint8_t *seed,
			     struct writer *out)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ephemeral = EVP_EC_gen(kind->group);
	uint8_t own[POINT_MAX], peer[POINT_MAX], z[CURVE_MAX];
	bool done = ephemeral && get_point(ephemeral, kind, own) &&
		    get_point(key, kind, peer) && agree(ephemeral, key, kind, z) &&
		    kdfe(kind, z, own, peer, seed);

	explicit_bzero(z, sizeof(z));
	if (!done)
		return false;
	for (size_t i = 0; i < 2; i++) {
		wr_uint_be(out, kind->curve_size, 2);
		wr_bytes(out, own + 1 + i * kind->curve_size, kind->curve_size);
	}
	return !wr_err(out);
}

/* AES-CFB with an IV of zeros over the sized secret. */
static bool encrypt_secret(const struct kind *kind, const uint8_t *key,
			   struct tobi_bytes secret, struct writer *out)
{
	static const uint8_t zeros[16] = {0};
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	CLEANUP(wr_done) struct writer plain = wr_init(2 + TPM_CREDENTIAL_SECRET);
	uint8_t *to;
	int size = 0;

	wr_uint_be(&plain, secret.size, 2);
	wr_bytes(&plain, secret.ptr, secret.size);
	if (wr_err(&plain) || !context ||
	    EVP_EncryptInit_ex2(context,
				kind->key_size == 32 ? EVP_aes_256_cfb128()
						     : EVP_aes_128_cfb128(),
				key, zeros, NULL) != 1)
		return false;
	to = wr_reserve(out, plain.size);
	return to &&
	       EVP_EncryptUpdate(context, to, &size, plain.ptr, (int)plain.size) == 1;
}

static bool wrap(const struct kind *kind, const uint8_t *seed, struct tobi_bytes name,
		 struct tobi_bytes secret, struct writer *out)
{
	CLEANUP(wr_done) struct writer identity = wr_init(TPM_CREDENTIAL_MAX);
	uint8_t key[32], mac_key[HASH_MAX], mac[HASH_MAX];
	size_t encrypted_size;
	bool done = kdfa(kind, seed, "STORAGE", name, kind->key_size, key) &&
		    kdfa(kind, seed, "INTEGRITY", (struct tobi_bytes){0}, kind->hash_size,
			 mac_key) &&
		    encrypt_secret(kind, key, secret, &identity);

	encrypted_size = identity.size;
	wr_bytes(&identity, name.ptr, name.size);
	done = done && !wr_err(&identity) &&
	       HMAC(hash_of(kind), mac_key, (int)kind->hash_size, identity.ptr,
		    identity.size, mac, NULL);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(mac_key, sizeof(mac_key));
	if (!done)
		return false;
	wr_uint_be(out, kind->hash_size, 2);
	wr_bytes(out, mac, kind->hash_size);
	wr_bytes(out, identity.ptr, encrypted_size);
	return !wr_err(out);
}

enum tobi_err tpm_credential_make(EVP_PKEY *endorsement_key, struct tobi_bytes name,
				  struct tobi_bytes secret, struct writer *ret_credential,
				  struct writer *ret_encrypted, struct tobi_fault *fault)
{
	const struct kind *kind = kind_of(endorsement_key);
	uint8_t seed[HASH_MAX];
	bool done;

	if (!kind)
		return fault_set(fault, TOBI_E_UNSUPPORTED, "endorsement key", "",
				 "it is neither RSA-2048, P-256 nor P-384");
	if (kind->group)
		done = encrypt_to_point(endorsement_key, kind, seed, ret_encrypted);
	else
		done = RAND_priv_bytes(seed, (int)kind->hash_size) == 1 &&
		       encrypt_to_rsa(endorsement_key, kind, seed, ret_encrypted);
	done = done && wrap(kind, seed, name, secret, ret_credential);
	explicit_bzero(seed, sizeof(seed));
	return done ? TOBI_OK : fault_openssl(fault, "credential", "", "cannot be made");
}
