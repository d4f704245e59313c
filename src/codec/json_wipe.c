#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

static void wipe_and_free(void *ptr)
{
	if (ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	free(ptr);
}

void json_wipe_memory(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}
