/*
 * Errors: one code, one name, one sentence each; and the fault that says where.
 *
 * An error means that something could not be done. A refusal is not an error: it is
 * a verdict (tobichi/verify.h).
 *
 * Threads: everything here is reentrant.
 */
#ifndef TOBICHI_ERROR_H
#define TOBICHI_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(code, name, sentence). The order is part of the ABI: append only. */
#define TOBI_ERRORS(X)                                                                   \
	X(TOBI_OK, "ok", "no error")                                                     \
	X(TOBI_E_ARGUMENT, "argument", "a value that the caller gave is not allowed")    \
	X(TOBI_E_MEMORY, "memory", "out of memory, or over a memory ceiling")            \
	X(TOBI_E_TRUNCATED, "truncated", "the input ends too early")                     \
	X(TOBI_E_TRAILING, "trailing", "there are bytes after the end")                  \
	X(TOBI_E_MALFORMED, "malformed", "the input does not have the form required")    \
	X(TOBI_E_LIMIT, "limit", "the input is over a limit on size, count or depth")    \
	X(TOBI_E_UNSUPPORTED, "unsupported",                                             \
	  "well formed, but not something known here")                                   \
	X(TOBI_E_SIGNATURE, "signature", "a signature does not verify")                  \
	X(TOBI_E_CERTIFICATE, "certificate", "a certificate chain does not verify")      \
	X(TOBI_E_MISMATCH, "mismatch", "a measured value differs from the one declared") \
	X(TOBI_E_CRYPTO, "crypto", "the cryptographic library failed")                   \
	X(TOBI_E_SYSTEM, "system", "the operating system refused a request")             \
	X(TOBI_E_NOT_FOUND, "not-found", "a thing that was named does not exist")        \
	X(TOBI_E_EXISTS, "exists", "a thing by that name exists already")                \
	X(TOBI_E_DENIED, "denied", "not permitted")                                      \
	X(TOBI_E_PROTOCOL, "protocol", "a peer broke the protocol")                      \
	X(TOBI_E_TIMEOUT, "timeout", "it took too long")                                 \
	X(TOBI_E_REFUSED, "refused", "the evidence was refused")

enum tobi_err {
#define X(code, name, text) code,
	TOBI_ERRORS(X)
#undef X
};

#if defined(__GNUC__)
#define TOBI_API __attribute__((visibility("default")))
#define TOBI_MUST_USE __attribute__((warn_unused_result))
#define TOBI_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define TOBI_API
#define TOBI_MUST_USE
#define TOBI_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The short name ("truncated") and the sentence of a code: literals; never NULL, also for
 * a number that is no code ("unknown"). */
TOBI_API const char *tobi_err_name(enum tobi_err err);
TOBI_API const char *tobi_err_text(enum tobi_err err);

/*
 * What went wrong, where. The caller owns it; nothing in it points anywhere. Functions
 * that take one accept NULL. It is meaningful only after a non-zero return. Texts are
 * terminated, and cut when they are too long. They may quote input and paths: escape
 * them before they go to a terminal or a page.
 */
struct tobi_fault {
	enum tobi_err code;
	char object[48];   /* what was being read: "manifest", "policy", ... */
	char field[64];	   /* the field in it; empty where there is none */
	char message[320]; /* what is wrong and what to do about it */
	uint64_t offset;   /* bytes from the start of the object */
	bool has_offset;
};

/* Writes "object: field at byte N: message" of a fault (not NULL) into out, which has
 * size bytes (at least 1): always terminated, cut when it is too long. Without a message
 * the code's sentence stands there. */
TOBI_API void tobi_fault_print(const struct tobi_fault *fault, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
