#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "broker/resource.h"

static bool is_good(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static enum tobi_err check_part(const char *text, size_t size, struct tobi_fault *fault)
{
	if (size > RESOURCE_PART_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "name", "",
				 "a part has over %d characters", RESOURCE_PART_MAX);
	for (size_t i = 0; i < size; i++) {
		if (!is_good(text[i]))
			return fault_set(fault, TOBI_E_MALFORMED, "name", "",
					 "A-Z a-z 0-9 . _ - are allowed");
	}
	if (size == 0 || text[0] == '.')
		return fault_set(fault, TOBI_E_MALFORMED, "name", "",
				 "a part is empty, or has a dot at its start");
	return TOBI_OK;
}

enum tobi_err resource_part_check(const char *text, struct tobi_fault *fault)
{
	/* Longer than what is allowed is enough to know. */
	return check_part(text, strnlen(text, RESOURCE_PART_MAX + 1), fault);
}

/* Up to three parts; a part more is refused. */
static enum tobi_err read_parts(const char *text, size_t least,
				struct resource_name *ret_name, struct tobi_fault *fault)
{
	struct resource_name name = {0};
	char *parts[] = {name.repository, name.type, name.tag};
	size_t count = 0;

	for (;;) {
		size_t size = strcspn(text, "/");
		enum tobi_err err = check_part(text, size, fault);

		if (err)
			return err;
		if (count == 3)
			return fault_set(fault, TOBI_E_MALFORMED, "name", "",
					 "it has more than three parts");
		bytes_copy(parts[count++], RESOURCE_PART_MAX, text, size);
		if (!text[size])
			break;
		text += size + 1;
	}
	if (count < least)
		return fault_set(fault, TOBI_E_MALFORMED, "name", "",
				 "repository/type/tag is needed");
	*ret_name = name;
	return TOBI_OK;
}

enum tobi_err resource_name_read(const char *text, struct resource_name *ret_name,
				 struct tobi_fault *fault)
{
	return read_parts(text, 3, ret_name, fault);
}

enum tobi_err resource_scope_read(const char *text, struct resource_name *ret_name,
				  struct tobi_fault *fault)
{
	return read_parts(text, 1, ret_name, fault);
}

void resource_name_write(const struct resource_name *name,
			 char ret_text[static RESOURCE_NAME_SIZE])
{
	snprintf(ret_text, RESOURCE_NAME_SIZE, "%s%s%s%s%s", name->repository,
		 name->type[0] ? "/" : "", name->type, name->tag[0] ? "/" : "",
		 name->tag);
}
