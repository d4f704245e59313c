#include "keymem.h"

#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"

/* Blocks are cut from the arena in size classes and kept in a list for each class when
 * freed. The lists' links lie in the free blocks, which are otherwise zero. */
enum { CLASS_STEP = 64, CLASSES = KEYMEM_SMALL / CLASS_STEP };

struct block {
	size_t size; /* usable; a multiple of CLASS_STEP, or any size on the heap */
	struct block *next;
	_Alignas(16) uint8_t data[];
};

static struct {
	struct secret memory;
	bool hiding;
	size_t used;
	struct block *free_lists[CLASSES + 1];
} arena; /* NOLINT: OpenSSL's hooks take no context */

static struct block *block_of(void *ptr)
{
	return (struct block *)((uint8_t *)ptr - offsetof(struct block, data));
}

static struct block *from_arena(size_t class)
{
	size_t need = sizeof(struct block) + class * CLASS_STEP;
	struct block *block = arena.free_lists[class];

	if (block) {
		arena.free_lists[class] = block->next;
		block->next = NULL;
		return block;
	}
	if (need > arena.memory.size - arena.used)
		return NULL;
	block = (struct block *)(arena.memory.ptr + arena.used);
	arena.used += need;
	block->size = class * CLASS_STEP;
	return block;
}

/* Arrays of pointers and names of algorithms: half of what is asked for after
 * keymem_hide(), and never a key. OpenSSL says for which of its sources it asks; what
 * does not say so gets the arena. */
static bool is_public(const char *file)
{
	static const char *const sources[] = {"crypto/stack/stack.c",
					      "crypto/property/property.c"};
	size_t size = file ? strlen(file) : 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		size_t tail = strlen(sources[i]);

		if (size >= tail && strcmp(file + size - tail, sources[i]) == 0)
			return true;
	}
	return false;
}

static void *allocate(size_t size, bool hide)
{
	struct block *block;

	if (hide && size <= KEYMEM_SMALL) {
		block = from_arena(size ? (size + CLASS_STEP - 1) / CLASS_STEP : 1);
		return block ? block->data : NULL;
	}
	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	return block->data;
}

static void release(void *ptr)
{
	struct block *block;

	if (!ptr)
		return;
	block = block_of(ptr);
	explicit_bzero(block->data, block->size);
	if (keymem_holds(ptr)) {
		block->next = arena.free_lists[block->size / CLASS_STEP];
		arena.free_lists[block->size / CLASS_STEP] = block;
	} else {
		free(block);
	}
}

static void *resize(void *ptr, size_t size, bool hide)
{
	void *grown;

	hide = hide || keymem_holds(ptr); /* nothing moves out */
	if (!ptr)
		return allocate(size, hide);
	if (!size) {
		release(ptr);
		return NULL;
	}
	if (size <= block_of(ptr)->size &&
	    (keymem_holds(ptr) || !hide || size > KEYMEM_SMALL))
		return ptr;
	grown = allocate(size, hide);
	if (!grown)
		return NULL;
	bytes_copy(grown, size, ptr,
		   block_of(ptr)->size < size ? block_of(ptr)->size : size);
	release(ptr);
	return grown;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)line;
	return allocate(size, arena.hiding && !is_public(file));
}

static void *openssl_realloc(void *ptr, size_t size, const char *file, int line)
{
	(void)line;
	return resize(ptr, size, arena.hiding && !is_public(file));
}

static void openssl_free(void *ptr, const char *file, int line)
{
	(void)file;
	(void)line;
	release(ptr);
}

/* libevent holds plain text of sessions and secrets on their way: heap, but wiped. */
static void *event_allocate(size_t size)
{
	struct block *block =
	    size <= SIZE_MAX - sizeof(*block) ? malloc(sizeof(*block) + size) : NULL;

	if (!block)
		return NULL;
	block->size = size;
	return block->data;
}

static void *event_resize(void *ptr, size_t size)
{
	void *grown;

	if (ptr && size <= block_of(ptr)->size)
		return ptr;
	grown = event_allocate(size);
	if (!grown || !ptr)
		return grown;
	bytes_copy(grown, size, ptr, block_of(ptr)->size);
	release(ptr);
	return grown;
}

/* The largest that can be locked. Hidden memory is filled only as it is used; locked
 * memory at once, so less of it is taken. */
static enum tobi_err reserve(struct tobi_fault *fault)
{
	static const size_t sizes[] = {16 << 20, (8 << 20) - (64 << 10), 4 << 20,
				       2 << 20};
	const size_t most_locked = 4 << 20;
	enum tobi_err err = TOBI_E_MEMORY;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		err = secret_new(sizes[i], &arena.memory, fault);
		if (!err && (arena.memory.hidden || sizes[i] <= most_locked))
			return TOBI_OK;
		secret_done(&arena.memory);
	}
	return err;
}

enum tobi_err keymem_init(struct tobi_fault *fault)
{
	enum tobi_err err = reserve(fault);

	if (err)
		return err;
	if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free))
		return fault_set(fault, TOBI_E_CRYPTO, "key memory", "",
				 "OpenSSL does not take the allocator");
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return fault_set(fault, TOBI_E_CRYPTO, "key memory", "",
				 "OpenSSL does not start");
	event_set_mem_functions(event_allocate, event_resize, release);
	return TOBI_OK;
}

void keymem_hide(void)
{
	arena.hiding = true;
}

bool keymem_is_hidden(void)
{
	return arena.memory.hidden;
}

size_t keymem_size(void)
{
	return arena.memory.size;
}

bool keymem_holds(const void *ptr)
{
	uintptr_t at = (uintptr_t)ptr, start = (uintptr_t)arena.memory.ptr;

	return start && at >= start && at - start < arena.memory.size;
}

void keymem_wipe(void)
{
	if (arena.memory.ptr)
		explicit_bzero(arena.memory.ptr, arena.used);
}
