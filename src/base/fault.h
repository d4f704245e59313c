/* Filling in struct tobi_fault. Every function here returns the code it was given. */
#ifndef TOBI_BASE_FAULT_H
#define TOBI_BASE_FAULT_H

#include "tobichi/error.h"

/* No offset. fault may be NULL. */
enum tobi_err fault_set(struct tobi_fault *fault, enum tobi_err code, const char *object,
			const char *field, const char *format, ...) TOBI_PRINTF(5, 6);

/* The same, with a byte offset into the object. */
enum tobi_err fault_at(struct tobi_fault *fault, enum tobi_err code, const char *object,
		       const char *field, uint64_t offset, const char *format, ...)
    TOBI_PRINTF(6, 7);

/* TOBI_E_SYSTEM with the text of errno after the message. */
enum tobi_err fault_errno(struct tobi_fault *fault, const char *object, const char *field,
			  const char *format, ...) TOBI_PRINTF(4, 5);

#ifdef __clang_analyzer__
/* It sees one file at a time, and would think that each of these may return TOBI_OK. */
#define fault_set(fault, code, ...)                                                      \
	((void)fault_set(fault, code, __VA_ARGS__), (enum tobi_err)(code))
#define fault_at(fault, code, ...)                                                       \
	((void)fault_at(fault, code, __VA_ARGS__), (enum tobi_err)(code))
#define fault_errno(...) ((void)fault_errno(__VA_ARGS__), (enum tobi_err)TOBI_E_SYSTEM)
#endif

#endif
