#include "tests/unit/root/token.h"

#include <dlfcn.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct token token;

static const char *built;

void token_module(int count, char **arguments)
{
	if (count == 2)
		built = arguments[1];
}

static void copy_module(void)
{
	struct writer content = wr_init(16 << 20);

	assert_non_null(built);
	assert_int_equal(file_read(built, 16 << 20, "module", &content, NULL), TOBI_OK);
	assert_int_equal(
	    file_write(token.module, 0755, wr_view(&content), "module", NULL), TOBI_OK);
	wr_done(&content);
}

static struct p11_fake *control(void)
{
	union {
		void *symbol;
		struct p11_fake *(*get)(void);
	} entry;
	void *library = dlopen(token.module, RTLD_NOW | RTLD_LOCAL);

	assert_non_null(library);
	entry.symbol = dlsym(library, "p11_fake");
	assert_non_null(entry.symbol);
	return entry.get();
}

void token_write_pin(const char *text)
{
	assert_int_equal(file_write(token.pin_file, 0600, text_bytes(text), "pin", NULL),
			 TOBI_OK);
}

int token_enter(void **state)
{
	(void)state;
	token = (struct token){0};
	snprintf(token.base, sizeof(token.base), "/tmp/tobichi-token-XXXXXX");
	assert_non_null(mkdtemp(token.base));
	/* In memory, where syncing a thousand times costs nothing; modules cannot always
	 * be loaded from there. */
	snprintf(token.fast, sizeof(token.fast), "%s/tobichi-token-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(token.fast));
	snprintf(token.module, sizeof(token.module), "%s/fake.so", token.base);
	snprintf(token.pin_file, sizeof(token.pin_file), "%s/pin", token.base);
	snprintf(token.folder, sizeof(token.folder), "%s/state", token.fast);
	copy_module();
	token_write_pin("1234\n");
	token.fake = control();
	*token.fake = (struct p11_fake){
	    .tokens = {{"plat", "0001", false}}, .token_count = 1, .pin = "1234"};
	token.options = (struct root_options){
	    .device = token.module, .token = "plat", .pin_file = token.pin_file};
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

int token_leave(void **state)
{
	(void)state;
	return nftw(token.base, remove_one, 8, FTW_DEPTH | FTW_PHYS) |
	       nftw(token.fast, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void token_fail(enum fake_call call, ck_rv_t status, unsigned times)
{
	token.fake->fail = call;
	token.fake->fail_status = status;
	token.fake->fail_times = times;
}

static void check_fault(const struct tobi_fault *fault, const char *field,
			const char *part)
{
	assert_string_equal(fault->field, field);
	if (!strstr(fault->message, part))
		fail_msg("'%s' is not in '%s'", part, fault->message);
}

struct root *token_platform(void)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	if (root_init(token.folder, "pkcs11", &token.options, 1800000000, &fault) ||
	    root_open(token.folder, &root, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	return root;
}

void token_opens(void)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	if (root_open(token.folder, &root, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	root_free(root);
}

void token_refused(enum tobi_err err, const char *field, const char *part)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	assert_int_equal(root_open(token.folder, &root, &fault), err);
	assert_null(root);
	check_fault(&fault, field, part);
}

size_t p11_fake_count(void)
{
	union {
		void *symbol;
		struct p11_fake *(*get)(void);
	} entry = {dlsym(dlopen(token.module, RTLD_NOW | RTLD_NOLOAD), "p11_fake")};

	assert_non_null(entry.symbol);
	return entry.get()->objects;
}

void token_not_made(enum tobi_err err, const char *field, const char *part)
{
	struct tobi_fault fault = {0};
	struct root *root = NULL;

	assert_int_equal(
	    root_init(token.folder, "pkcs11", &token.options, 1800000000, &fault), err);
	check_fault(&fault, field, part);
	assert_int_equal(p11_fake_count(), 0);
	assert_int_equal(root_open(token.folder, &root, NULL), TOBI_E_NOT_FOUND);
}
