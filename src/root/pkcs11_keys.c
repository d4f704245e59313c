/* The two objects of a platform in a token: an EC key pair, and a secret for HMAC. */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/fault.h"
#include "root/pkcs11.h"

#define OBJECT "pkcs11"

enum { SEAL_SIZE = 32, OID_MAX = 10, POINT_256 = 65, POINT_384 = 97 };

/* The curves that evidence is signed with; the first that the token has is taken. */
static const struct curve {
	uint8_t oid[OID_MAX]; /* DER, CKA_EC_PARAMS */
	size_t oid_size;
	size_t point_size;
	uint8_t prefix[27]; /* of the SubjectPublicKeyInfo, before the point */
	size_t prefix_size;
} curves[] = {
    {{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
     10,
     POINT_256,
     {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00},
     26},
    {{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22},
     7,
     POINT_384,
     {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
      0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00},
     23},
};

enum { CURVES = sizeof(curves) / sizeof(curves[0]) };

static const unsigned char yes = 1, no = 0;
static const char label_key[] = "tobichi platform key";
static const char label_seal[] = "tobichi seal root";

static ck_rv_t make_pair(struct p11 *p11, const struct curve *curve)
{
	struct ck_mechanism mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
	struct ck_attribute open_half[] = {
	    P11_VALUE(CKA_TOKEN, yes),
	    P11_VALUE(CKA_VERIFY, yes),
	    P11_VALUE(CKA_ENCRYPT, no),
	    P11_VALUE(CKA_WRAP, no),
	    p11_attribute(CKA_EC_PARAMS, curve->oid, curve->oid_size),
	    p11_attribute(CKA_ID, p11->place.key_id, P11_ID),
	    p11_attribute(CKA_LABEL, label_key, sizeof(label_key) - 1),
	};
	struct ck_attribute secret_half[] = {
	    P11_VALUE(CKA_TOKEN, yes),
	    P11_VALUE(CKA_PRIVATE, yes),
	    P11_VALUE(CKA_SENSITIVE, yes),
	    P11_VALUE(CKA_EXTRACTABLE, no),
	    P11_VALUE(CKA_SIGN, yes),
	    P11_VALUE(CKA_DECRYPT, no),
	    P11_VALUE(CKA_UNWRAP, no),
	    p11_attribute(CKA_ID, p11->place.key_id, P11_ID),
	    p11_attribute(CKA_LABEL, label_key, sizeof(label_key) - 1),
	};

	return p11->call->C_GenerateKeyPair(
	    p11->session, &mechanism, open_half, sizeof(open_half) / sizeof(*open_half),
	    secret_half, sizeof(secret_half) / sizeof(*secret_half), &p11->public_key,
	    &p11->key);
}

static ck_rv_t make_seal(struct p11 *p11, struct tobi_bytes prk)
{
	static const ck_object_class_t class = CKO_SECRET_KEY;
	static const ck_key_type_t type = CKK_GENERIC_SECRET;
	static const unsigned long size = SEAL_SIZE;
	struct ck_mechanism mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	struct ck_attribute template[] = {
	    P11_VALUE(CKA_CLASS, class),
	    P11_VALUE(CKA_KEY_TYPE, type),
	    P11_VALUE(CKA_TOKEN, yes),
	    P11_VALUE(CKA_PRIVATE, yes),
	    P11_VALUE(CKA_SENSITIVE, yes),
	    P11_VALUE(CKA_EXTRACTABLE, no),
	    P11_VALUE(CKA_SIGN, yes),
	    P11_VALUE(CKA_VERIFY, no),
	    P11_VALUE(CKA_ENCRYPT, no),
	    P11_VALUE(CKA_DECRYPT, no),
	    P11_VALUE(CKA_WRAP, no),
	    P11_VALUE(CKA_UNWRAP, no),
	    p11_attribute(CKA_ID, p11->place.seal_id, P11_ID),
	    p11_attribute(CKA_LABEL, label_seal, sizeof(label_seal) - 1),
	    prk.size ? p11_attribute(CKA_VALUE, prk.ptr, prk.size)
		     : P11_VALUE(CKA_VALUE_LEN, size),
	};
	unsigned long count = sizeof(template) / sizeof(*template);

	return prk.size
		   ? p11->call->C_CreateObject(p11->session, template, count, &p11->seal)
		   : p11->call->C_GenerateKey(p11->session, &mechanism, template, count,
					      &p11->seal);
}

enum tobi_err p11_new_ids(struct p11_place *place, struct tobi_fault *fault)
{
	if (RAND_bytes(place->key_id, P11_ID) != 1 ||
	    RAND_bytes(place->seal_id, P11_ID) != 1)
		return fault_openssl(fault, OBJECT, "id", "no random bytes");
	return TOBI_OK;
}

enum tobi_err p11_make_keys(struct p11 *p11, struct tobi_bytes prk,
			    struct tobi_fault *fault)
{
	ck_rv_t status = CKR_OK, first = CKR_OK;

	if (prk.size && prk.size != SEAL_SIZE)
		return fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "seal root",
				 "it has %zu bytes, not %d", prk.size, SEAL_SIZE);
	p11->unsaved = true;
	for (size_t i = 0; i < CURVES; i++) {
		status = make_pair(p11, &curves[i]);
		if (status == CKR_OK)
			break;
		first = i == 0 ? status : first;
	}
	if (status != CKR_OK)
		return p11_fault(fault, first, "platform key", "it cannot be made");
	status = make_seal(p11, prk);
	if (status != CKR_OK)
		return p11_fault(fault, status, "seal root",
				 prk.size ? "it cannot be imported"
					  : "it cannot be made");
	return TOBI_OK;
}

static enum tobi_err find(struct p11 *p11, ck_object_class_t class, const uint8_t *id,
			  const char *what, ck_object_handle_t *ret_object,
			  struct tobi_fault *fault)
{
	struct ck_attribute template[] = {
	    P11_VALUE(CKA_CLASS, class),
	    P11_VALUE(CKA_TOKEN, yes),
	    p11_attribute(CKA_ID, id, P11_ID),
	};
	ck_object_handle_t found[2] = {0};
	unsigned long count = 0;
	ck_rv_t status = p11->call->C_FindObjectsInit(
	    p11->session, template, sizeof(template) / sizeof(*template));

	if (status == CKR_OK) {
		status = p11->call->C_FindObjects(p11->session, found, 2, &count);
		p11->call->C_FindObjectsFinal(p11->session);
	}
	if (status != CKR_OK)
		return p11_fault(fault, status, what, "it cannot be looked for");
	if (count != 1)
		return fault_set(
		    fault, TOBI_E_MISMATCH, OBJECT, what, "%s in the token '%s'",
		    count ? "there are several with its id" : "it is not there any more",
		    p11->place.label);
	*ret_object = found[0];
	return TOBI_OK;
}

void p11_find_left(struct p11 *p11)
{
	IGNORE(find(p11, CKO_PRIVATE_KEY, p11->place.key_id, "", &p11->key, NULL));
	IGNORE(find(p11, CKO_PUBLIC_KEY, p11->place.key_id, "", &p11->public_key, NULL));
	IGNORE(find(p11, CKO_SECRET_KEY, p11->place.seal_id, "", &p11->seal, NULL));
}

enum tobi_err p11_find_keys(struct p11 *p11, struct tobi_fault *fault)
{
	enum tobi_err err = find(p11, CKO_PRIVATE_KEY, p11->place.key_id, "platform key",
				 &p11->key, fault);

	if (!err)
		err = find(p11, CKO_PUBLIC_KEY, p11->place.key_id, "public key",
			   &p11->public_key, fault);
	if (!err)
		err = find(p11, CKO_SECRET_KEY, p11->place.seal_id, "seal root",
			   &p11->seal, fault);
	return err;
}

/* At most room bytes; nothing that the module claims of the size is believed. */
static ck_rv_t get(struct p11 *p11, ck_object_handle_t object, ck_attribute_type_t type,
		   void *out, size_t room, size_t *ret_size)
{
	struct ck_attribute wanted = {type, out, room};
	ck_rv_t status = p11->call->C_GetAttributeValue(p11->session, object, &wanted, 1);

	if (status == CKR_OK && wanted.value_len > room)
		status = CKR_BUFFER_TOO_SMALL;
	*ret_size = status == CKR_OK ? wanted.value_len : 0;
	return status;
}

struct promise {
	ck_attribute_type_t type;
	bool value;
	bool of_made; /* only of what the token has made itself */
	const char *text;
};

static const struct promise promises[] = {
    {CKA_TOKEN, true, false, "it is not kept in the token"},
    {CKA_PRIVATE, true, false, "it can be used without the PIN"},
    {CKA_SENSITIVE, true, false, "it can be read"},
    {CKA_EXTRACTABLE, false, false, "it can be exported"},
    {CKA_ALWAYS_SENSITIVE, true, true, "it could once be read"},
    {CKA_NEVER_EXTRACTABLE, true, true, "it could once be exported"},
};

static enum tobi_err check_promises(struct p11 *p11, ck_object_handle_t object, bool made,
				    const char *what, struct tobi_fault *fault)
{
	for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
		unsigned char value = 2;
		size_t size = 0;
		ck_rv_t status;

		if (promises[i].of_made && !made)
			continue;
		status = get(p11, object, promises[i].type, &value, sizeof(value), &size);
		if (status != CKR_OK)
			return p11_fault(fault, status, what, "it cannot be looked at");
		if (size != 1 || value > 1 || value != promises[i].value)
			return fault_set(fault, TOBI_E_MISMATCH, OBJECT, what, "%s",
					 promises[i].text);
	}
	return TOBI_OK;
}

/* Promises are one thing: nothing may come when the value is asked for. */
static enum tobi_err check_hidden(struct p11 *p11, ck_object_handle_t object,
				  const char *what, struct tobi_fault *fault)
{
	uint8_t value[256];
	size_t size = 0;
	ck_rv_t status = get(p11, object, CKA_VALUE, value, sizeof(value), &size);

	OPENSSL_cleanse(value, sizeof(value));
	if (status == CKR_OK || status == CKR_BUFFER_TOO_SMALL)
		return fault_set(fault, TOBI_E_MISMATCH, OBJECT, what,
				 "the module gives it away when it is asked");
	if (status != CKR_ATTRIBUTE_SENSITIVE && status != CKR_ATTRIBUTE_TYPE_INVALID)
		return p11_fault(fault, status, what, "it cannot be looked at");
	return TOBI_OK;
}

enum tobi_err p11_check_keys(struct p11 *p11, bool made, struct tobi_fault *fault)
{
	enum tobi_err err = check_promises(p11, p11->key, true, "platform key", fault);

	if (!err)
		err = check_promises(p11, p11->seal, made, "seal root", fault);
	if (!err)
		err = check_hidden(p11, p11->key, "platform key", fault);
	if (!err)
		err = check_hidden(p11, p11->seal, "seal root", fault);
	return err;
}

/* As an octet string (the standard) or bare (some modules). */
static enum tobi_err take_point(const struct curve *curve, struct tobi_bytes point,
				EVP_PKEY **ret_key, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer spki = wr_init(256);

	if (point.size == curve->point_size + 2 && point.ptr[0] == 0x04 &&
	    point.ptr[1] == curve->point_size) {
		point.ptr += 2;
		point.size -= 2;
	}
	if (point.size != curve->point_size)
		return fault_set(fault, TOBI_E_MALFORMED, OBJECT, "public key",
				 "its point has %zu bytes, not %zu", point.size,
				 curve->point_size);
	wr_bytes(&spki, curve->prefix, curve->prefix_size);
	wr_bytes(&spki, point.ptr, point.size);
	return wr_err(&spki)
		   ? wr_err(&spki)
		   : key_read_spki(wr_view(&spki), "public key", ret_key, fault);
}

enum tobi_err p11_public_key(struct p11 *p11, EVP_PKEY **ret_key,
			     struct tobi_fault *fault)
{
	uint8_t oid[32], point[P11_POINT];
	size_t oid_size = 0, size = 0;
	ck_rv_t status =
	    get(p11, p11->public_key, CKA_EC_PARAMS, oid, sizeof(oid), &oid_size);

	if (status == CKR_OK)
		status =
		    get(p11, p11->public_key, CKA_EC_POINT, point, sizeof(point), &size);
	if (status != CKR_OK)
		return p11_fault(fault, status, "public key", "it cannot be read");
	for (size_t i = 0; i < CURVES; i++) {
		if (bytes_equal((struct tobi_bytes){oid, oid_size},
				(struct tobi_bytes){curves[i].oid, curves[i].oid_size}))
			return take_point(&curves[i], (struct tobi_bytes){point, size},
					  ret_key, fault);
	}
	return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "public key",
			 "its curve is neither P-256 nor P-384");
}

enum tobi_err p11_destroy_keys(struct p11 *p11, struct tobi_fault *fault)
{
	ck_object_handle_t *objects[] = {&p11->key, &p11->public_key, &p11->seal};
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		ck_rv_t status = CKR_OK;

		if (*objects[i] != CK_INVALID_HANDLE)
			status = p11->call->C_DestroyObject(p11->session, *objects[i]);
		if (status != CKR_OK)
			err = p11_fault(fault, status, "keys", "they cannot be removed");
		*objects[i] = CK_INVALID_HANDLE;
	}
	return err;
}

enum tobi_err p11_compute(struct p11 *p11, ck_mechanism_type_t type,
			  ck_object_handle_t key, struct tobi_bytes data,
			  struct writer *ret_result, ck_rv_t *ret_status,
			  struct tobi_fault *fault)
{
	struct ck_mechanism mechanism = {type, NULL, 0};
	const char *field = type == CKM_ECDSA ? "platform key" : "seal root";
	unsigned long size = P11_SIGNATURE;
	uint8_t result[P11_SIGNATURE];

	*ret_status = p11->call->C_SignInit(p11->session, &mechanism, key);
	if (*ret_status == CKR_OK)
		/* It takes what it signs without const, and does not write to it. */
		*ret_status =
		    p11->call->C_Sign(p11->session, (unsigned char *)(uintptr_t)data.ptr,
				      data.size, result, &size);
	if (*ret_status != CKR_OK)
		return p11_fault(fault, *ret_status, field,
				 type == CKM_ECDSA ? "it does not sign"
						   : "it derives no keys");
	if (size > sizeof(result))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, field,
				 "the module speaks of %lu bytes", size);
	wr_bytes(ret_result, result, size);
	OPENSSL_cleanse(result, sizeof(result));
	return wr_err(ret_result);
}
