/*
 * A PKCS#11 module for tests: it keeps its objects in memory for as long as the process
 * lives, and fails or lies as it is told (p11_fake.h).
 */
#include "tests/tools/p11_fake.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

enum { OBJECTS = 32, ID = 16 };

#define SHOWN __attribute__((visibility("default")))

struct object {
	ck_object_class_t class;
	bool used, made;
	unsigned char id[ID], value[32];
	EVP_PKEY *key;
};

static struct p11_fake fake;
static struct object objects[OBJECTS];
static EVP_PKEY *another;
static bool initialized, logged_in;
static ck_session_handle_t session, next_session = 1;
static struct ck_attribute *wanted;
static unsigned long wanted_count;
static size_t find_at;
static ck_object_handle_t signing;
static ck_mechanism_type_t signing_by;

SHOWN struct p11_fake *p11_fake(void)
{
	fake.objects = 0;
	for (size_t i = 0; i < OBJECTS; i++)
		fake.objects += objects[i].used;
	return &fake;
}

static ck_rv_t enter(enum fake_call call)
{
	fake.calls[call]++;
	if (fake.fail != call || !fake.fail_times)
		return CKR_OK;
	fake.fail_times--;
	return fake.fail_status;
}

/* The same, for what needs a session and a login. */
static ck_rv_t enter_session(enum fake_call call, ck_session_handle_t given)
{
	ck_rv_t status = enter(call);

	if (status != CKR_OK)
		return status;
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	if (fake.lose_session) {
		fake.lose_session = logged_in = false;
		session = 0;
	}
	if (given != session || !session)
		return CKR_SESSION_HANDLE_INVALID;
	if (fake.tokens[0].absent)
		return CKR_DEVICE_REMOVED;
	return logged_in ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

static ck_rv_t initialize(void *arguments)
{
	ck_rv_t status = enter(FAKE_INITIALIZE);

	(void)arguments;
	if (status == CKR_OK && initialized)
		return CKR_CRYPTOKI_ALREADY_INITIALIZED;
	initialized |= status == CKR_OK;
	return status;
}

static ck_rv_t finalize(void *reserved)
{
	(void)reserved;
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	initialized = logged_in = false;
	session = 0;
	return CKR_OK;
}

static ck_rv_t get_slot_list(unsigned char present, ck_slot_id_t *slots,
			     unsigned long *count)
{
	unsigned long room = *count;
	ck_rv_t status = enter(FAKE_SLOT_LIST);

	(void)present;
	if (status != CKR_OK)
		return status;
	if (!initialized)
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	*count = fake.slot_count ? fake.slot_count : fake.token_count;
	if (fake.huge_count) {
		*count = ~0UL;
		return CKR_OK;
	}
	if (*count > room)
		return CKR_BUFFER_TOO_SMALL;
	for (size_t i = 0; i < *count; i++)
		slots[i] = i;
	return CKR_OK;
}

static void pad(unsigned char *out, size_t size, const char *text)
{
	memset(out, ' ', size);
	memcpy(out, text, strlen(text));
}

static ck_rv_t get_token_info(ck_slot_id_t slot, struct ck_token_info *info)
{
	ck_rv_t status = enter(FAKE_TOKEN_INFO);

	if (status != CKR_OK)
		return status;
	if (slot >= fake.token_count || fake.tokens[slot].absent)
		return CKR_TOKEN_NOT_PRESENT;
	memset(info, 0, sizeof(*info));
	pad(info->label, sizeof(info->label), fake.tokens[slot].label);
	pad(info->serial_number, sizeof(info->serial_number), fake.tokens[slot].serial);
	info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | fake.flags;
	return CKR_OK;
}

static ck_rv_t open_session(ck_slot_id_t slot, ck_flags_t flags, void *application,
			    ck_notify_t notify, ck_session_handle_t *out)
{
	ck_rv_t status = enter(FAKE_OPEN_SESSION);

	(void)application, (void)notify;
	if (status != CKR_OK)
		return status;
	if (!(flags & CKF_SERIAL_SESSION))
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	if (slot >= fake.token_count || fake.tokens[slot].absent)
		return CKR_TOKEN_NOT_PRESENT;
	*out = session = next_session++;
	return CKR_OK;
}

static ck_rv_t close_session(ck_session_handle_t given)
{
	if (given != session)
		return CKR_SESSION_HANDLE_INVALID;
	session = 0;
	logged_in = false;
	return CKR_OK;
}

static ck_rv_t login(ck_session_handle_t given, ck_user_type_t user, unsigned char *pin,
		     unsigned long size)
{
	ck_rv_t status = enter(FAKE_LOGIN);

	if (status != CKR_OK)
		return status;
	if (given != session || user != CKU_USER)
		return CKR_SESSION_HANDLE_INVALID;
	if (size != strlen(fake.pin) || memcmp(pin, fake.pin, size) != 0) {
		fake.flags |= fake.after_wrong;
		return CKR_PIN_INCORRECT;
	}
	logged_in = true;
	return CKR_OK;
}

/* ---- objects ---- */

static const struct ck_attribute *of_type(const struct ck_attribute *list,
					  unsigned long count, ck_attribute_type_t type)
{
	for (unsigned long i = 0; i < count; i++) {
		if (list[i].type == type)
			return &list[i];
	}
	return NULL;
}

static ck_object_handle_t add(ck_object_class_t class, const struct ck_attribute *list,
			      unsigned long count)
{
	const struct ck_attribute *id = of_type(list, count, CKA_ID);

	for (size_t i = 0; i < OBJECTS; i++) {
		if (objects[i].used)
			continue;
		objects[i] = (struct object){.class = class, .used = true, .made = true};
		memcpy(objects[i].id, id->value, ID);
		return i + 1;
	}
	return 0;
}

static struct object *object_at(ck_object_handle_t handle)
{
	return handle && handle <= OBJECTS && objects[handle - 1].used
		   ? &objects[handle - 1]
		   : NULL;
}

static ck_rv_t generate_key_pair(ck_session_handle_t given, struct ck_mechanism *by,
				 struct ck_attribute *open_half, unsigned long open_count,
				 struct ck_attribute *secret_half,
				 unsigned long secret_count, ck_object_handle_t *ret_open,
				 ck_object_handle_t *ret_secret)
{
	ck_rv_t status = enter_session(FAKE_GENERATE_PAIR, given);
	const struct ck_attribute *curve = of_type(open_half, open_count, CKA_EC_PARAMS);
	bool is_p256 = curve->value_len == 10;

	if (status != CKR_OK)
		return status;
	if (by->mechanism != CKM_EC_KEY_PAIR_GEN || (is_p256 && fake.no_p256))
		return CKR_MECHANISM_INVALID;
	*ret_open = add(CKO_PUBLIC_KEY, open_half, open_count);
	*ret_secret = add(CKO_PRIVATE_KEY, secret_half, secret_count);
	object_at(*ret_open)->key = EVP_EC_gen(is_p256 ? "P-256" : "P-384");
	object_at(*ret_secret)->key = object_at(*ret_open)->key;
	return EVP_PKEY_up_ref(object_at(*ret_open)->key) ? CKR_OK : CKR_HOST_MEMORY;
}

static ck_rv_t generate_key(ck_session_handle_t given, struct ck_mechanism *by,
			    struct ck_attribute *list, unsigned long count,
			    ck_object_handle_t *ret_key)
{
	ck_rv_t status = enter_session(FAKE_GENERATE, given);

	if (status != CKR_OK)
		return status;
	if (by->mechanism != CKM_GENERIC_SECRET_KEY_GEN)
		return CKR_MECHANISM_INVALID;
	*ret_key = add(CKO_SECRET_KEY, list, count);
	RAND_bytes(object_at(*ret_key)->value, 32);
	return CKR_OK;
}

static ck_rv_t create_object(ck_session_handle_t given, struct ck_attribute *list,
			     unsigned long count, ck_object_handle_t *ret_object)
{
	ck_rv_t status = enter_session(FAKE_CREATE, given);
	const struct ck_attribute *value = of_type(list, count, CKA_VALUE);

	if (status != CKR_OK)
		return status;
	*ret_object = add(CKO_SECRET_KEY, list, count);
	memcpy(object_at(*ret_object)->value, value->value, 32);
	object_at(*ret_object)->value[0] ^= fake.wrong_import;
	object_at(*ret_object)->made = false;
	return CKR_OK;
}

static ck_rv_t destroy_object(ck_session_handle_t given, ck_object_handle_t handle)
{
	struct object *object = object_at(handle);

	if (given != session || !object)
		return CKR_OBJECT_HANDLE_INVALID;
	if (fake.keeps)
		return CKR_ACTION_PROHIBITED;
	EVP_PKEY_free(object->key);
	*object = (struct object){0};
	return CKR_OK;
}

static ck_rv_t find_objects_init(ck_session_handle_t given, struct ck_attribute *list,
				 unsigned long count)
{
	ck_rv_t status = enter_session(FAKE_FIND_INIT, given);

	wanted = list;
	wanted_count = count;
	find_at = 0;
	return status;
}

static ck_rv_t find_objects(ck_session_handle_t given, ck_object_handle_t *out,
			    unsigned long room, unsigned long *count)
{
	ck_rv_t status = enter_session(FAKE_FIND, given);
	const struct ck_attribute *id = of_type(wanted, wanted_count, CKA_ID);
	const struct ck_attribute *class = of_type(wanted, wanted_count, CKA_CLASS);

	if (status != CKR_OK)
		return status;
	*count = 0;
	for (; find_at < OBJECTS && *count < room; find_at++) {
		if (!objects[find_at].used ||
		    memcmp(objects[find_at].id, id->value, ID) ||
		    objects[find_at].class != *(ck_object_class_t *)class->value ||
		    (fake.hides && objects[find_at].class == fake.hidden_class))
			continue;
		out[(*count)++] = find_at + 1;
		if (fake.twice && *count < room)
			out[(*count)++] = find_at + 1;
	}
	if (fake.huge_count)
		*count = ~0UL;
	return CKR_OK;
}

static ck_rv_t find_objects_final(ck_session_handle_t given)
{
	return given == session ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

/* Into the caller's room, whose size is in the attribute. */
static ck_rv_t give(struct ck_attribute *out, const void *value, size_t size)
{
	if (fake.huge_size) {
		out->value_len = 1UL << 40;
		return CKR_OK;
	}
	if (out->value_len < size) {
		out->value_len = ~0UL;
		return CKR_BUFFER_TOO_SMALL;
	}
	memcpy(out->value, value, size);
	out->value_len = size;
	return CKR_OK;
}

static ck_rv_t give_point(struct ck_attribute *out, EVP_PKEY *key)
{
	unsigned char point[128];
	size_t size = 0, skip = fake.bare_point ? 0 : 2;

	EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
					point + skip, sizeof(point) - skip, &size);
	if (skip) {
		point[0] = 0x04;
		point[1] = (unsigned char)size;
	}
	if (fake.bad_point)
		point[skip + 5] ^= 1;
	return give(out, point, size + skip - fake.short_point);
}

static ck_rv_t give_curve(struct ck_attribute *out, EVP_PKEY *key)
{
	static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
					     0xce, 0x3d, 0x03, 0x01, 0x07};
	static const unsigned char p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
	static const unsigned char p521[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

	if (fake.odd_curve)
		return give(out, p521, sizeof(p521));
	return EVP_PKEY_get_bits(key) > 256 ? give(out, p384, sizeof(p384))
					    : give(out, p256, sizeof(p256));
}

static ck_rv_t give_flag(struct ck_attribute *out, const struct object *object, bool flag)
{
	unsigned char value =
	    flag ^ (fake.broken == out->type && fake.broken_class == object->class);

	return give(out, &value, 1);
}

static ck_rv_t get_attribute_value(ck_session_handle_t given, ck_object_handle_t handle,
				   struct ck_attribute *out, unsigned long count)
{
	ck_rv_t status = enter_session(FAKE_GET_ATTRIBUTE, given);
	const struct object *object = object_at(handle);

	if (status != CKR_OK)
		return status;
	if (!object || count != 1)
		return CKR_OBJECT_HANDLE_INVALID;
	switch (out->type) {
	case CKA_TOKEN:
	case CKA_PRIVATE:
	case CKA_SENSITIVE:
		return give_flag(out, object, true);
	case CKA_ALWAYS_SENSITIVE:
	case CKA_NEVER_EXTRACTABLE:
		return give_flag(out, object, object->made);
	case CKA_EXTRACTABLE:
		return give_flag(out, object, false);
	case CKA_EC_POINT:
		return give_point(out, object->key);
	case CKA_EC_PARAMS:
		return give_curve(out, object->key);
	case CKA_VALUE:
		if (fake.gives_values && object->class == fake.broken_class)
			return give(out, object->value, 32);
		out->value_len = ~0UL;
		return CKR_ATTRIBUTE_SENSITIVE;
	default:
		return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

/* ---- signatures ---- */

static ck_rv_t sign_init(ck_session_handle_t given, struct ck_mechanism *by,
			 ck_object_handle_t key)
{
	ck_rv_t status = enter_session(FAKE_SIGN_INIT, given);

	if (status != CKR_OK)
		return status;
	if (!object_at(key))
		return CKR_KEY_HANDLE_INVALID;
	if (by->mechanism == CKM_SHA256_HMAC && fake.no_hmac)
		return CKR_MECHANISM_INVALID;
	signing = key;
	signing_by = by->mechanism;
	return CKR_OK;
}

static ck_rv_t sign_ecdsa(EVP_PKEY *key, const unsigned char *digest, unsigned long size,
			  unsigned char *out, unsigned long *out_size)
{
	size_t half = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8, der_size = 256;
	unsigned char der[256];
	const unsigned char *at = der;
	EVP_PKEY_CTX *context;
	ECDSA_SIG *pair = NULL;

	if (fake.other_key) {
		if (!another)
			another = EVP_EC_gen("P-256");
		key = another;
	}
	context = EVP_PKEY_CTX_new(key, NULL);
	if (EVP_PKEY_sign_init(context) == 1 &&
	    EVP_PKEY_sign(context, der, &der_size, digest, size) == 1)
		pair = d2i_ECDSA_SIG(NULL, &at, (long)der_size);
	EVP_PKEY_CTX_free(context);
	if (!pair || *out_size < 2 * half)
		return CKR_FUNCTION_FAILED;
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, (int)half);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + half, (int)half);
	ECDSA_SIG_free(pair);
	*out_size = 2 * half - fake.short_signature;
	return CKR_OK;
}

static ck_rv_t sign(ck_session_handle_t given, unsigned char *data, unsigned long size,
		    unsigned char *out, unsigned long *out_size)
{
	ck_rv_t status = enter_session(FAKE_SIGN, given);
	const struct object *object = object_at(signing);
	unsigned int mac_size = 32;

	if (status != CKR_OK)
		return status;
	if (!object)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (signing_by == CKM_ECDSA) {
		status = sign_ecdsa(object->key, data, size, out, out_size);
	} else {
		HMAC(EVP_sha256(), object->value, 32, data, size, out, &mac_size);
		*out_size = mac_size - fake.wrong_hmac;
	}
	if (fake.huge_size)
		*out_size = 1UL << 40;
	return status;
}

static struct ck_function_list functions = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetSlotList = get_slot_list,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_Login = login,
    .C_GenerateKeyPair = generate_key_pair,
    .C_GenerateKey = generate_key,
    .C_CreateObject = create_object,
    .C_DestroyObject = destroy_object,
    .C_FindObjectsInit = find_objects_init,
    .C_FindObjects = find_objects,
    .C_FindObjectsFinal = find_objects_final,
    .C_GetAttributeValue = get_attribute_value,
    .C_SignInit = sign_init,
    .C_Sign = sign,
};

SHOWN ck_rv_t C_GetFunctionList(struct ck_function_list **list)
{
	ck_rv_t status = enter(FAKE_FUNCTION_LIST);

	functions.C_Sign = fake.old ? NULL : sign;
	*list = &functions;
	return status;
}
