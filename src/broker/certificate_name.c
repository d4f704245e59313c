#include "broker/certificate_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/secret.h"

enum { LABEL_MAX = 63, V4_SIZE = 4 };

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* How long a label is at the start of text; 0 for none that is good. */
static size_t label_size(const char *text)
{
	size_t size = strcspn(text, ".");

	if (!size || size > LABEL_MAX || !is_letter_or_digit(text[0]) ||
	    !is_letter_or_digit(text[size - 1]))
		return 0;
	for (size_t i = 0; i < size; i++) {
		if (!is_letter_or_digit(text[i]) && text[i] != '-')
			return 0;
	}
	return size;
}

/* Labels up to the end, the last of which is no number: "1.2.3.4" is no DNS name. */
static bool is_name(const char *text, size_t *ret_labels)
{
	const char *at = text;
	size_t size;

	for (*ret_labels = 1; (size = label_size(at)) && at[size]; at += size + 1)
		(*ret_labels)++;
	return size && strspn(at, "0123456789") < size;
}

bool certificate_name_dns(struct tobi_bytes text, struct certificate_name *ret_name)
{
	struct certificate_name name = {.wildcard = false};
	size_t labels;

	if (!text.size || text.size > CERTIFICATE_NAME_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.ptr[i];

		if (c <= ' ' || c > '~')
			return false;
		name.text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	name.wildcard = strncmp(name.text, "*.", 2) == 0;
	if (!is_name(name.text + (name.wildcard ? 2 : 0), &labels) ||
	    (name.wildcard && labels < 2))
		return false;
	*ret_name = name;
	return true;
}

bool certificate_name_address(struct tobi_bytes address,
			      struct certificate_name *ret_name)
{
	struct certificate_name name = {.address_size = address.size};

	if (address.size != V4_SIZE && address.size != CERTIFICATE_ADDRESS_MAX)
		return false;
	bytes_copy(name.address, sizeof(name.address), address.ptr, address.size);
	if (!inet_ntop(address.size == V4_SIZE ? AF_INET : AF_INET6, name.address,
		       name.text, sizeof(name.text)))
		return false;
	*ret_name = name;
	return true;
}

bool certificate_name_read(const char *text, struct certificate_name *ret_name)
{
	uint8_t address[CERTIFICATE_ADDRESS_MAX];

	if (inet_pton(AF_INET, text, address) == 1)
		return certificate_name_address((struct tobi_bytes){address, V4_SIZE},
						ret_name);
	if (inet_pton(AF_INET6, text, address) == 1)
		return certificate_name_address(
		    (struct tobi_bytes){address, sizeof(address)}, ret_name);
	return certificate_name_dns(bytes_of_text(text), ret_name);
}

bool certificate_name_allows(const struct certificate_name *allowed, bool wildcards,
			     const struct certificate_name *name)
{
	const char *rest;

	if (allowed->address_size || name->address_size)
		return allowed->address_size == name->address_size &&
		       memcmp(allowed->address, name->address, name->address_size) == 0;
	if (name->wildcard)
		return wildcards && strcmp(allowed->text, name->text) == 0;
	if (!allowed->wildcard)
		return strcmp(allowed->text, name->text) == 0;
	rest = strchr(name->text, '.');
	return rest && strcmp(rest, allowed->text + 1) == 0;
}
