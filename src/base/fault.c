#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *tobi_err_name(enum tobi_err err)
{
	static const char *const names[] = {
#define X(code, name, text) [code] = name,
	    TOBI_ERRORS(X)
#undef X
	};
	size_t count = sizeof(names) / sizeof(names[0]);

	return (size_t)err < count ? names[err] : "unknown";
}

const char *tobi_err_text(enum tobi_err err)
{
	static const char *const texts[] = {
#define X(code, name, text) [code] = text,
	    TOBI_ERRORS(X)
#undef X
	};
	size_t count = sizeof(texts) / sizeof(texts[0]);

	return (size_t)err < count ? texts[err] : "unknown error";
}

void tobi_fault_print(const struct tobi_fault *fault, char *out, size_t size)
{
	char at[48] = "";

	if (fault->has_offset)
		snprintf(at, sizeof(at), " at byte %llu",
			 (unsigned long long)fault->offset);
	snprintf(out, size, "%s%s%s%s: %s", fault->object, fault->field[0] ? ": " : "",
		 fault->field, at,
		 fault->message[0] ? fault->message : tobi_err_text(fault->code));
}

static void fill(struct tobi_fault *fault, enum tobi_err code, const char *object,
		 const char *field, const char *format, va_list args)
{
	fault->code = code;
	fault->has_offset = false;
	fault->offset = 0;
	snprintf(fault->object, sizeof(fault->object), "%s", object ? object : "");
	snprintf(fault->field, sizeof(fault->field), "%s", field ? field : "");
	vsnprintf(fault->message, sizeof(fault->message), format, args);
}

#undef fault_set
#undef fault_at
#undef fault_errno

enum tobi_err fault_set(struct tobi_fault *fault, enum tobi_err code, const char *object,
			const char *field, const char *format, ...)
{
	va_list args;

	if (!fault)
		return code;
	va_start(args, format);
	fill(fault, code, object, field, format, args);
	va_end(args);
	return code;
}

enum tobi_err fault_at(struct tobi_fault *fault, enum tobi_err code, const char *object,
		       const char *field, uint64_t offset, const char *format, ...)
{
	va_list args;

	if (!fault)
		return code;
	va_start(args, format);
	fill(fault, code, object, field, format, args);
	va_end(args);
	fault->offset = offset;
	fault->has_offset = true;
	return code;
}

enum tobi_err fault_errno(struct tobi_fault *fault, const char *object, const char *field,
			  const char *format, ...)
{
	int number = errno;
	va_list args;
	size_t used;

	if (!fault)
		return TOBI_E_SYSTEM;
	va_start(args, format);
	fill(fault, TOBI_E_SYSTEM, object, field, format, args);
	va_end(args);
	used = strlen(fault->message);
	snprintf(fault->message + used, sizeof(fault->message) - used, ": %s",
		 strerror(number));
	return TOBI_E_SYSTEM;
}
