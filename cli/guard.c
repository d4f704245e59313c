#include "cli/guard.h"

#include <event2/event.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/fault.h"
#include "base/secret.h"

static void wipe_and_free(void *ptr)
{
	if (ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	free(ptr);
}

/* realloc() may leave a copy behind. */
static void *resize(void *ptr, size_t size)
{
	size_t old = ptr ? malloc_usable_size(ptr) : 0;
	void *grown = malloc(size ? size : 1);

	if (!grown)
		return NULL;
	bytes_copy(grown, size, ptr, old < size ? old : size);
	wipe_and_free(ptr);
	return grown;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return malloc(size ? size : 1);
}

static void *openssl_realloc(void *ptr, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	if (ptr && !size) {
		wipe_and_free(ptr);
		return NULL;
	}
	return resize(ptr, size);
}

static void openssl_free(void *ptr, const char *file, int line)
{
	(void)file, (void)line;
	wipe_and_free(ptr);
}

enum tobi_err guard_memory(struct tobi_fault *fault)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
		return fault_errno(fault, "memory", "", "cannot forbid dumps");
	if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free))
		return fault_set(fault, TOBI_E_CRYPTO, "memory", "",
				 "OpenSSL was used too early");
	event_set_mem_functions(malloc, resize, wipe_and_free);
	return TOBI_OK;
}
