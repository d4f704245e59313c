#include "base/file.h"
#include "base/limits.h"
#include "cli/cli.h"

enum tobi_err cli_read_private_key(const char *path, EVP_PKEY **ret_key,
				   struct tobi_fault *fault)
{
	struct secret pem = {0};
	enum tobi_err err = file_read_secret(path, LIMIT_PEM, "key", &pem, fault);

	if (!err)
		err = key_read_private(secret_view(&pem), "key", ret_key, fault);
	secret_done(&pem);
	return err;
}
