#include "base/secret.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

/* NULL where the kernel has no memfd_secret or the limit on locked memory is reached. */
static void *map_hidden(size_t size)
{
	CLEANUP(fd_close) int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *ptr;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		return NULL;
	ptr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ptr == MAP_FAILED)
		return NULL;
	/* A shared mapping would be seen by children. */
	if (madvise(ptr, size, MADV_DONTFORK)) {
		munmap(ptr, size);
		return NULL;
	}
	return ptr;
}

static void *map_locked(size_t size)
{
	void *ptr =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ptr == MAP_FAILED)
		return NULL;
	if (mlock(ptr, size) || madvise(ptr, size, MADV_DONTDUMP) ||
	    madvise(ptr, size, MADV_WIPEONFORK)) {
		munmap(ptr, size);
		return NULL;
	}
	return ptr;
}

enum tobi_err secret_new(size_t size, struct secret *ret_secret, struct tobi_fault *fault)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct secret secret = {.size = size};

	if (size > SIZE_MAX - page)
		return fault_set(fault, TOBI_E_LIMIT, "secret memory", "size",
				 "too large");
	secret.mapped = (size + page) / page * page;
	secret.ptr = map_hidden(secret.mapped);
	secret.hidden = secret.ptr != NULL;
	if (!secret.ptr)
		secret.ptr = map_locked(secret.mapped);
	if (!secret.ptr)
		return fault_errno(
		    fault, "secret memory", "",
		    "cannot lock %zu bytes; raise the limit on locked memory "
		    "(ulimit -l)",
		    secret.mapped);
	*ret_secret = secret;
	return TOBI_OK;
}

void secret_done(struct secret *secret)
{
	if (secret->ptr) {
		explicit_bzero(secret->ptr, secret->mapped);
		munmap(secret->ptr, secret->mapped);
	}
	*secret = (struct secret){0};
}

struct tobi_bytes secret_view(const struct secret *secret)
{
	return (struct tobi_bytes){secret->ptr, secret->size};
}

bool bytes_equal_secret(struct tobi_bytes a, struct tobi_bytes b)
{
	return a.size == b.size &&
	       (a.size == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.size) == 0);
}

bool bytes_equal(struct tobi_bytes a, struct tobi_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.ptr, b.ptr, a.size) == 0);
}

struct tobi_bytes bytes_of_text(const char *text)
{
	return (struct tobi_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

bool bytes_equal_text(struct tobi_bytes a, const char *text)
{
	return bytes_equal(a, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

int bytes_compare(struct tobi_bytes a, struct tobi_bytes b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	if (order)
		return order;
	return a.size < b.size ? -1 : a.size > b.size;
}

void bytes_copy(void *to, size_t room, const void *from, size_t size)
{
	if (size > room)
		abort();
	if (size)
		memcpy(to, from, size);
}
