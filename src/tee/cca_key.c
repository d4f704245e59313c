#include "tee/cca_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "pki/signature.h"
#include "tee/arm_facts.h"

static const char object[] = "realm key";

enum { KTY = 1, KEY_ALG = 3, CURVE = -1, X = -2, Y = -3, EC2 = 2, ENTRIES_MAX = 16 };
enum { HALF_MAX = 66, POINT_MAX = 1 + 2 * HALF_MAX, UNCOMPRESSED = 4 };

/* ---- reading it ---- */

struct cose_ec_key {
	int64_t type, curve, algorithm;
	struct tobi_bytes x, y;
};

/* RFC 9053 section 7.1; other labels (kid, key_ops) are passed over. */
static enum tobi_err parse_cose_key(struct tobi_bytes bytes, struct cose_ec_key *key,
				    struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct cbor_map map = cbor_map(&cbor, ENTRIES_MAX, "COSE_Key");
	int64_t label = 0;

	while (cbor_map_int(&cbor, &map, &label, "label")) {
		switch (label) {
		case KTY:
			key->type = cbor_int(&cbor, "kty");
			break;
		case KEY_ALG:
			key->algorithm = cbor_int(&cbor, "alg");
			break;
		case CURVE:
			key->curve = cbor_int(&cbor, "crv");
			break;
		case X:
			key->x = cbor_bytes(&cbor, HALF_MAX, "x");
			break;
		case Y:
			key->y = cbor_bytes(&cbor, HALF_MAX, "y");
			break;
		default:
			cbor_skip(&cbor, "COSE_Key");
		}
	}
	return cbor_finish(&cbor, object, fault);
}

static const struct {
	int64_t curve, algorithm;
	size_t half;
} curves[] = {{1, COSE_ES256, 32}, {2, COSE_ES384, 48}, {3, COSE_ES512, 66}};

static enum tobi_err read_cose_key(struct tobi_bytes bytes, EVP_PKEY **ret_key,
				   struct tobi_fault *fault)
{
	struct cose_ec_key key = {0};
	uint8_t point[POINT_MAX] = {UNCOMPRESSED};
	size_t i = 0;
	enum tobi_err err = parse_cose_key(bytes, &key, fault);

	if (err)
		return err;
	while (i < 3 && curves[i].curve != key.curve)
		i++;
	if (key.type != EC2 || i == 3 || key.x.size != curves[i].half ||
	    key.y.size != curves[i].half ||
	    (key.algorithm && key.algorithm != curves[i].algorithm))
		return fault_set(fault, TOBI_E_MALFORMED, object, "COSE_Key",
				 "it is no whole point of P-256, P-384 or P-521");
	bytes_copy(point + 1, sizeof(point) - 1, key.x.ptr, key.x.size);
	bytes_copy(point + 1 + key.x.size, sizeof(point) - 1 - key.x.size, key.y.ptr,
		   key.y.size);
	return ec_key_read_sec1((struct tobi_bytes){point, 1 + 2 * key.x.size}, object,
				ret_key, fault);
}

enum tobi_err cca_key_read(struct tobi_bytes bytes, enum cca_key_form form,
			   EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	return form == CCA_KEY_COSE ? read_cose_key(bytes, ret_key, fault)
				    : ec_key_read_sec1(bytes, object, ret_key, fault);
}

bool cca_key_hash(struct tobi_bytes bytes, struct tobi_bytes algorithm,
		  uint8_t ret_hash[static 64], size_t *ret_size)
{
	size_t size = arm_hash_size(algorithm);
	const EVP_MD *md = size == 32	? EVP_sha256()
			   : size == 48 ? EVP_sha384()
					: EVP_sha512();
	unsigned written = 0;

	if (!size || EVP_Digest(bytes.ptr, bytes.size, ret_hash, &written, md, NULL) != 1)
		return false;
	*ret_size = written;
	return true;
}

/* ---- what was found, and is remembered ---- */

static void key_free(struct memo_value *value)
{
	struct cca_key *key = (struct cca_key *)value;

	EVP_PKEY_free(key->rak);
	free(key);
}

static void key_unref(struct cca_key **key)
{
	if (*key)
		memo_unref(&(*key)->head);
}

static struct cca_key *new_key(void)
{
	struct cca_key *key = calloc(1, sizeof(*key));

	if (key) {
		atomic_init(&key->head.references, 1);
		key->head.free = key_free;
	}
	return key;
}

/* All that it depends on: the platform's token, the realm's key and how it is written,
 * and whom the policy trusts. */
static enum tobi_err make_name(const struct cca_token *token, struct tobi_bytes rak,
			       enum cca_key_form form, const struct anchor_keys *keys,
			       struct memo_name *ret_name)
{
	const uint8_t written = (uint8_t)form;
	const struct tobi_bytes parts[] = {
	    token->platform_bytes,
	    rak,
	    {&written, 1},
	    keys ? (struct tobi_bytes){keys->spki[0], keys->count * SHA256_SIZE}
		 : (struct tobi_bytes){0},
	};

	return memo_name_make("cca-platform", parts, sizeof(parts) / sizeof(parts[0]),
			      ret_name);
}

static void look_for_signer(const struct cca_token *token,
			    const struct cca_claims *claims,
			    const struct tee_request *request, struct cca_key *key)
{
	struct tee_environment environment = arm_environment(&claims->platform);
	const uint8_t *spki = NULL;
	const char *why = "";

	key->is_signed =
	    arm_token_signer(&token->platform, request, &environment, &spki, &why);
	if (key->is_signed)
		bytes_copy(key->signer, sizeof(key->signer), spki, SHA256_SIZE);
	else
		bytes_copy(key->why, sizeof(key->why), why, strlen(why) + 1);
}

enum tobi_err cca_key_get(const struct cca_token *token, const struct cca_claims *claims,
			  enum cca_key_form form, const struct tee_request *request,
			  struct cca_key **ret_key, struct tobi_fault *fault)
{
	static const struct chain_window always = {INT64_MIN, INT64_MAX};
	struct tobi_bytes rak = claims->realm.values[ARM_KEY];
	CLEANUP(key_unref) struct cca_key *key = NULL;
	struct tobi_fault why = {0};
	struct memo_name name;
	bool by_policy;

	if (make_name(token, rak, form, request->keys, &name))
		return fault_set(fault, TOBI_E_CRYPTO, object, "", "cannot hash it");
	*ret_key = (struct cca_key *)memo_find(request->memo, &name, request->time);
	if (*ret_key)
		return TOBI_OK;
	key = new_key();
	if (!key)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (cca_key_read(rak, form, &key->rak, &why))
		tobi_fault_print(&why, key->rak_wrong, sizeof(key->rak_wrong));
	look_for_signer(token, claims, request, key);
	/* What reference values say is not in the name. */
	by_policy = key->is_signed && anchor_keys_find(request->keys, key->signer);
	if (key->rak && by_policy)
		memo_keep(request->memo, &name, &always, &key->head);
	*ret_key = TAKE(key);
	return TOBI_OK;
}
