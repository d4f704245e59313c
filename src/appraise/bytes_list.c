#include "appraise/bytes_list.h"

#include "base/secret.h"

bool bytes_list_has(const struct bytes_list *list, struct tobi_bytes value)
{
	for (size_t i = 0; i < list->count; i++) {
		if (bytes_equal(list->items[i], value))
			return true;
	}
	return false;
}
