#include "image/rules.h"

#include <string.h>

#include "base/limits.h"
#include "base/secret.h"
#include "image/manifest.h"

enum { SCOPE_PART_MAX = 128 };

static bool in_range(uint8_t c, char first, char last)
{
	return c >= (uint8_t)first && c <= (uint8_t)last;
}

static bool is_lower_or_digit(uint8_t c)
{
	return in_range(c, 'a', 'z') || in_range(c, '0', '9');
}

static bool is_alphanumeric(uint8_t c)
{
	return is_lower_or_digit(c) || in_range(c, 'A', 'Z');
}

static bool is_mark(uint8_t c)
{
	return c == '.' || c == '_' || c == '-';
}

bool rule_name(struct tobi_bytes text)
{
	if (text.size == 0 || text.size > LIMIT_NAME || !is_lower_or_digit(text.ptr[0]))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!is_lower_or_digit(text.ptr[i]) && !is_mark(text.ptr[i]))
			return false;
	}
	return true;
}

bool rule_path(struct tobi_bytes text)
{
	size_t start = 1; /* of the component */

	if (text.size == 0 || text.size > LIMIT_PATH || text.ptr[0] != '/')
		return false;
	if (text.size == 1)
		return true;
	for (size_t i = 1; i <= text.size; i++) {
		size_t size = i - start;

		if (i < text.size && text.ptr[i] == 0)
			return false;
		if (i < text.size && text.ptr[i] != '/')
			continue;
		if (size == 0 || (size == 1 && text.ptr[start] == '.') ||
		    (size == 2 && text.ptr[start] == '.' && text.ptr[start + 1] == '.'))
			return false;
		start = i + 1;
	}
	return true;
}

static bool is_at_or_below(struct tobi_bytes path, const char *folder)
{
	size_t size = strlen(folder);
	struct tobi_bytes head = {path.ptr, size};

	if (path.size < size || !bytes_equal_text(head, folder))
		return false;
	return path.size == size || path.ptr[size] == '/';
}

bool rule_writable(struct tobi_bytes text)
{
	return rule_path(text) && text.size > 1 && !is_at_or_below(text, "/proc") &&
	       !is_at_or_below(text, "/sys") && !is_at_or_below(text, "/dev");
}

bool rule_variable(struct tobi_bytes text)
{
	if (text.size == 0 || text.size > 256 || in_range(text.ptr[0], '0', '9'))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!is_alphanumeric(text.ptr[i]) && text.ptr[i] != '_')
			return false;
	}
	return true;
}

static bool is_host(struct tobi_bytes host)
{
	bool bracketed = host.size > 2 && host.ptr[0] == '[';

	if (host.size == 0 || host.size > 255 || host.ptr[0] == '-')
		return false;
	if (bracketed && host.ptr[host.size - 1] != ']')
		return false;
	for (size_t i = bracketed ? 1 : 0; i < host.size - (bracketed ? 1 : 0); i++) {
		uint8_t c = host.ptr[i];

		if (bracketed
			? !(in_range(c, 'a', 'f') || in_range(c, '0', '9') || c == ':')
			: !(is_alphanumeric(c) || c == '.' || c == '-'))
			return false;
	}
	return true;
}

bool rule_egress(struct tobi_bytes text)
{
	size_t colon = text.size;
	uint32_t port = 0;

	while (colon > 0 && text.ptr[colon - 1] != ':')
		colon--;
	if (colon == 0 || colon == text.size || text.size - colon > 5)
		return false;
	for (size_t i = colon; i < text.size; i++) {
		if (!in_range(text.ptr[i], '0', '9'))
			return false;
		port = port * 10 + (uint32_t)(text.ptr[i] - '0');
	}
	if (port == 0 || port > 65535 || text.ptr[colon] == '0')
		return false;
	return is_host((struct tobi_bytes){text.ptr, colon - 1});
}

static bool is_part(struct tobi_bytes part)
{
	if (part.size == 0 || part.size > SCOPE_PART_MAX || part.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < part.size; i++) {
		if (!is_alphanumeric(part.ptr[i]) && !is_mark(part.ptr[i]))
			return false;
	}
	return true;
}

bool rule_scope(struct tobi_bytes text)
{
	size_t slash = 0;

	while (slash < text.size && text.ptr[slash] != '/')
		slash++;
	return slash < text.size && is_part((struct tobi_bytes){text.ptr, slash}) &&
	       is_part((struct tobi_bytes){text.ptr + slash + 1, text.size - slash - 1});
}

bool rule_policy(struct tobi_bytes text)
{
	return text.size == 0 || bytes_equal_text(text, POLICY_AT_LAUNCH) ||
	       (text.size > 1 && rule_path(text));
}

bool rule_clients(struct tobi_bytes text)
{
	return rule_policy(text) || bytes_equal_text(text, CLIENTS_BY_PROGRAM);
}

bool secret_name_is_valid(struct tobi_bytes name)
{
	if (name.size == 0 || name.size > LIMIT_NAME || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.size; i++) {
		if (!is_alphanumeric(name.ptr[i]) && !is_mark(name.ptr[i]))
			return false;
	}
	return true;
}
