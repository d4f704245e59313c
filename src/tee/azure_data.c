#include "tee/azure_data.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/key_library.h"

#define OBJECT "paravisor's data"

DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

static const char ak_name[] = "HCLAkPub";

enum { MODULUS_MIN = 256, MODULUS_MAX = 512, TEXT_MAX = 256, SHOWN_MAX = 16 };

static enum tobi_err wrong(const char *field, const char *what, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, OBJECT, field, "%s", what);
}

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
}

/* What the key is for is not looked at: older paravisors say "encrypt" of it. */
static enum tobi_err read_keys(struct azure_data *data, struct tobi_fault *fault)
{
	json_t *keys, *kid;
	enum tobi_err err =
	    json_member(data->json, "keys", JSON_ARRAY, OBJECT, &keys, fault);

	if (!err && json_array_size(keys) > AZURE_KEYS_MAX)
		err = fault_set(fault, TOBI_E_LIMIT, OBJECT, "keys", "over %d of them",
				AZURE_KEYS_MAX);
	for (size_t i = 0; !err && i < json_array_size(keys); i++) {
		const json_t *key = json_array_get(keys, i);

		if (!json_is_object(key))
			return wrong("keys", "a key is no object", fault);
		err = json_member(key, "kid", JSON_STRING, OBJECT, &kid, fault);
		if (err || strcmp(json_string_value(kid), ak_name) != 0)
			continue;
		data->key = key;
		data->key_count++;
	}
	return err;
}

/* Absent is not said; anything but true and false is wrong. */
static enum tobi_err read_flag(const struct azure_data *data, const char *name,
			       enum azure_flag *ret_flag, struct tobi_fault *fault)
{
	const json_t *flag = json_object_get(data->configuration, name);

	if (flag && !json_is_boolean(flag))
		return wrong(name, "it is neither true nor false", fault);
	if (flag)
		*ret_flag = json_is_true(flag) ? AZURE_YES : AZURE_NO;
	return TOBI_OK;
}

static enum tobi_err read_text(const struct azure_data *data, const char *name,
			       struct arena *arena, const char **ret_text,
			       struct tobi_fault *fault)
{
	const json_t *text = json_object_get(data->configuration, name);

	if (!text)
		return TOBI_OK;
	if (!json_is_string(text) || json_string_length(text) > TEXT_MAX)
		return wrong(name, "it is no text, or too long", fault);
	*ret_text = arena_printf(arena, "%s", json_string_value(text));
	return *ret_text ? TOBI_OK : no_memory(fault);
}

static enum tobi_err read_configuration(struct azure_data *data, struct arena *arena,
					struct tobi_fault *fault)
{
	struct azure_claims *claims = &data->claims;
	json_t *configuration;
	enum tobi_err err = json_member(data->json, "vm-configuration", JSON_OBJECT,
					OBJECT, &configuration, fault);

	if (err)
		return err;
	data->configuration = configuration;
	err = read_flag(data, "secure-boot", &claims->secure_boot, fault);
	if (!err)
		err = read_flag(data, "console-enabled", &claims->console, fault);
	if (!err)
		err = read_text(data, "vmUniqueId", arena, &claims->vm_id, fault);
	return err ? err
		   : read_text(data, "root-cert-thumbprint", arena, &claims->thumbprint,
			       fault);
}

static enum tobi_err read_user_data(struct azure_data *data, struct arena *arena,
				    struct tobi_fault *fault)
{
	const json_t *user = json_object_get(data->json, "user-data");
	uint8_t value[AZURE_USER_DATA_SIZE];

	if (!user)
		return TOBI_OK;
	if (!json_is_string(user) ||
	    !hex_read(json_string_value(user), value, sizeof(value)))
		return wrong("user-data", "it is not 128 hexadecimal digits", fault);
	data->claims.user_data =
	    arena_copy(arena, (struct tobi_bytes){value, sizeof(value)});
	return data->claims.user_data.ptr ? TOBI_OK : no_memory(fault);
}

enum tobi_err azure_data_read(struct tobi_bytes bytes, struct arena *arena,
			      struct azure_data *ret_data, struct tobi_fault *fault)
{
	struct azure_data data = {0};
	enum tobi_err err =
	    json_parse(bytes, LIMIT_AZURE_DATA, OBJECT, &data.json, fault);

	if (!err && !json_is_object(data.json))
		err = wrong("", "it is no object", fault);
	if (!err)
		err = read_keys(&data, fault);
	if (!err)
		err = read_configuration(&data, arena, fault);
	if (!err)
		err = read_user_data(&data, arena, fault);
	if (err)
		azure_data_done(&data);
	else
		*ret_data = data;
	return err;
}

void azure_data_done(struct azure_data *data)
{
	json_decref(data->json);
	data->json = NULL;
}

/* base64url of a number without zeros in front. */
static BIGNUM *read_number(const json_t *key, const char *name, size_t *ret_size)
{
	const char *text = json_string_value(json_object_get(key, name));
	struct writer bytes = wr_init(MODULUS_MAX);
	BIGNUM *number = NULL;

	if (text && !base64url_read(bytes_of_text(text), OBJECT, &bytes, NULL) &&
	    bytes.size && bytes.ptr[0])
		number = BN_bin2bn(bytes.ptr, (int)bytes.size, NULL);
	*ret_size = bytes.size;
	wr_done(&bytes);
	return number;
}

/* OpenSSL's own check of a public key would look for prime factors, for milliseconds: the
 * hardware has vouched for these bytes. */
static enum tobi_err make_key(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **ret_key,
			      struct tobi_fault *fault)
{
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *params = NULL;
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(key_library(), "RSA", NULL);

	if (build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (!params || !context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, ret_key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return fault_openssl(fault, OBJECT, ak_name, "is no key");
	return TOBI_OK;
}

enum tobi_err azure_data_key(const struct azure_data *data, EVP_PKEY **ret_key,
			     struct tobi_fault *fault)
{
	CLEANUP(BN_freep) BIGNUM *n = NULL;
	CLEANUP(BN_freep) BIGNUM *e = NULL;
	const char *type;
	size_t size, ignored;

	if (data->key_count != 1)
		return wrong(ak_name,
			     data->key_count ? "there are two keys of this name"
					     : "there is no key of this name",
			     fault);
	type = json_string_value(json_object_get(data->key, "kty"));
	if (!type || strcmp(type, "RSA") != 0)
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, ak_name,
				 "it is no RSA key");
	n = read_number(data->key, "n", &size);
	e = read_number(data->key, "e", &ignored);
	if (!n || !e)
		return wrong(ak_name, "n or e is no number in base64url", fault);
	if (size < MODULUS_MIN || !BN_is_odd(n) || !BN_is_word(e, RSA_F4))
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, ak_name,
				 "it is not of 2048 to 4096 bits and exponent 65537");
	return make_key(n, e, ret_key, fault);
}

/* Whatever a terminal would not print becomes a dot; a text loses its quotes. */
static const char *printable(struct arena *arena, const char *text)
{
	size_t size = strlen(text);
	char *copy;

	if (size > 1 && text[0] == '"') {
		text++;
		size -= 2;
	}
	copy = arena_printf(arena, "%.*s", (int)size, text);
	for (char *c = copy; c && *c; c++) {
		if (*c < 0x20 || *c > 0x7e)
			*c = '.';
	}
	return copy;
}

void azure_data_facts(const struct azure_data *data, struct arena *arena,
		      struct tee_claims *claims)
{
	json_t *configuration = json_object_get(data->json, "vm-configuration"), *value;
	const char *member;
	size_t shown = 0;

	json_object_foreach(configuration, member, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		const char *name = printable(arena, member);
		const char *says = text ? printable(arena, text) : NULL;

		if (name && says && shown++ < SHOWN_MAX)
			tee_fact(claims, arena, "VM setting", "%s: %s", name, says);
		free(text);
	}
}
