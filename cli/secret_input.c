#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/secret_input.h"

static enum tobi_err read_stdin(struct secret *ret_secret, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_SECRET + 1);
	enum tobi_err err;
	uint8_t part[4096];
	ssize_t size;

	while ((size = read(STDIN_FILENO, part, sizeof(part))) > 0)
		wr_bytes(&text, part, (size_t)size);
	explicit_bzero(part, sizeof(part));
	if (size < 0)
		return fault_errno(fault, "secret", "-", "cannot read standard input");
	if (wr_err(&text) || text.size > LIMIT_SECRET)
		return fault_set(fault, TOBI_E_LIMIT, "secret", "-",
				 "at most %d bytes are allowed", LIMIT_SECRET);
	err = secret_new(text.size ? text.size : 1, ret_secret, fault);
	if (err)
		return err;
	bytes_copy(ret_secret->ptr, ret_secret->size, text.ptr, text.size);
	ret_secret->size = text.size;
	return TOBI_OK;
}

enum tobi_err cli_read_secret(const char *path, struct secret *ret_secret,
			      struct tobi_fault *fault)
{
	return strcmp(path, "-") == 0
		   ? read_stdin(ret_secret, fault)
		   : file_read_secret(path, LIMIT_SECRET, path, ret_secret, fault);
}
