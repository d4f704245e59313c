#include "codec/key_library.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

enum { ALGORITHMS_MAX = 16 };

/* Written once, before anybody has the context: it is the process's, as OpenSSL's own is.
 */
static struct {
	pthread_once_t once;
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *provider; /* OpenSSL's default one */
	EVP_MD *sha256, *sha384;
	/* The last one ends them. */
	OSSL_ALGORITHM decoders[ALGORITHMS_MAX + 1], key_kinds[ALGORITHMS_MAX + 1];
} key_library_made = {.once = PTHREAD_ONCE_INIT}; /* NOLINT: of the process */

/* By the first of an algorithm's names, which have colons between them. */
static bool is_wanted(const OSSL_ALGORITHM *algorithm, const char *property)
{
	static const char *const names[] = {"EC", "RSA", "RSA-PSS", "ED25519"};
	size_t size = strcspn(algorithm->algorithm_names, ":");

	if (!strstr(algorithm->property_definition, property))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == size &&
		    memcmp(names[i], algorithm->algorithm_names, size) == 0)
			return true;
	}
	return false;
}

static bool choose(int operation, const char *property,
		   OSSL_ALGORITHM ret_list[static ALGORITHMS_MAX + 1])
{
	int no_store = 0;
	size_t count = 0;
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(
	    key_library_made.provider, operation, &no_store);

	for (; all && all->algorithm_names; all++) {
		if (!is_wanted(all, property))
			continue;
		if (count == ALGORITHMS_MAX)
			return false;
		ret_list[count++] = *all;
	}
	return count > 0;
}

static bool choose_all(void)
{
	return choose(OSSL_OP_DECODER, "input=der,structure=SubjectPublicKeyInfo",
		      key_library_made.decoders) &&
	       choose(OSSL_OP_KEYMGMT, "", key_library_made.key_kinds);
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *ret_no_store)
{
	(void)context;
	*ret_no_store = 0;
	switch (operation) {
	case OSSL_OP_DECODER:
		return key_library_made.decoders;
	case OSSL_OP_KEYMGMT:
		return key_library_made.key_kinds;
	default:
		return OSSL_PROVIDER_query_operation(key_library_made.provider, operation,
						     ret_no_store);
	}
}

static int get_parameters(void *context, OSSL_PARAM parameters[])
{
	OSSL_PARAM *status = OSSL_PARAM_locate(parameters, OSSL_PROV_PARAM_STATUS);

	(void)context;
	return !status || OSSL_PARAM_set_int(status, 1);
}

/* The algorithms work with the default provider's own state, which outlives this one. */
static int start(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *from_core,
		 const OSSL_DISPATCH **ret_functions, void **ret_context)
{
	static const OSSL_DISPATCH functions[] = {
	    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
	    {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_parameters},
	    {0, NULL},
	};

	(void)core, (void)from_core;
	*ret_functions = functions;
	*ret_context = OSSL_PROVIDER_get0_provider_ctx(key_library_made.provider);
	return 1;
}

static void make(void)
{
	static const char name[] = "tobichi-keys";
	OSSL_LIB_CTX *made = NULL;

	key_library_made.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	key_library_made.sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	/* Else it would be loaded beside what the application wants instead. */
	if (OSSL_PROVIDER_available(NULL, "default") == 1)
		key_library_made.provider = OSSL_PROVIDER_load(NULL, "default");
	if (key_library_made.provider && choose_all())
		made = OSSL_LIB_CTX_new();
	if (made && OSSL_PROVIDER_add_builtin(made, name, start) == 1 &&
	    OSSL_PROVIDER_load(made, name))
		key_library_made.context = made;
	else
		OSSL_LIB_CTX_free(made);
	ERR_clear_error();
}

OSSL_LIB_CTX *key_library(void)
{
	pthread_once(&key_library_made.once, make);
	return key_library_made.context;
}

const EVP_MD *key_library_sha256(void)
{
	pthread_once(&key_library_made.once, make);
	return key_library_made.sha256 ? key_library_made.sha256 : EVP_sha256();
}

const EVP_MD *key_library_sha384(void)
{
	pthread_once(&key_library_made.once, make);
	return key_library_made.sha384 ? key_library_made.sha384 : EVP_sha384();
}
