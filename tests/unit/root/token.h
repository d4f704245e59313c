/* A token for tests: the fake module in a folder of its own, and options that name it. */
#ifndef TESTS_UNIT_ROOT_TOKEN_H
#define TESTS_UNIT_ROOT_TOKEN_H

#include "root/root.h"
#include "tests/bytes.h"
#include "tests/tools/p11_fake.h"

struct token {
	char base[40], fast[40], module[64], pin_file[64],
	    folder[64]; /* folder: of the platform */
	struct p11_fake *fake;
	struct root_options options;
};

extern struct token token;

/* Of main(): the built module. */
void token_module(int count, char **arguments);
int token_enter(void **state);
int token_leave(void **state);
/* The objects in the token. */
size_t p11_fake_count(void);
/* The PIN file's content. */
void token_write_pin(const char *text);
/* Fails the next so many calls. */
void token_fail(enum fake_call call, ck_rv_t status, unsigned times);
/* Makes a platform in the token and opens it. */
struct root *token_platform(void);
/* Opens it again. */
void token_opens(void);
/* Opening fails: with this code, field and a part of the message. */
void token_refused(enum tobi_err err, const char *field, const char *part);
/* So does making, and it leaves neither a platform nor an object. */
void token_not_made(enum tobi_err err, const char *field, const char *part);

#endif
