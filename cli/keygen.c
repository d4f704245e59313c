#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "cli/cli.h"

static const struct {
	const char *name;
	enum key_kind kind;
} kinds[] = {{"p256", KEY_P256}, {"p384", KEY_P384}, {"ed25519", KEY_ED25519}};

/* The private half first: a public key without it is of no use. */
static enum tobi_err make(enum key_kind kind, const char *name, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer private = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer public = wr_init(LIMIT_PEM);
	char private_path[LIMIT_PATH], public_path[LIMIT_PATH];
	char hex[2 * SHA384_SIZE + 1];
	uint8_t id[SHA384_SIZE];
	enum tobi_err err;

	size_t stem = strlen(name);

	if (stem > 4 && strcmp(name + stem - 4, ".key") == 0)
		stem -= 4;
	if (stem + sizeof(".key") > sizeof(private_path))
		return fault_set(fault, TOBI_E_LIMIT, "key", "", "its path is too long");
	if (stem == 0 || name[stem - 1] == '/')
		return fault_set(fault, TOBI_E_ARGUMENT, "key", "",
				 "'%s' is not the name of a file", name);
	snprintf(private_path, sizeof(private_path), "%.*s.key", (int)stem, name);
	snprintf(public_path, sizeof(public_path), "%.*s.pub", (int)stem, name);
	err = key_new(kind, &key, fault);
	if (!err)
		err = key_write_private(key, &private, fault);
	if (!err)
		err = key_write_public(key, &public, fault);
	if (!err)
		err = key_spki_sha384(key, id, fault);
	if (!err)
		err = file_write_new(private_path, 0600, wr_view(&private), "key", fault);
	if (err)
		return err;
	err = file_write_new(public_path, 0644, wr_view(&public), "public key", fault);
	if (err) {
		unlink(private_path);
		return err;
	}
	hex_write((struct tobi_bytes){id, sizeof(id)}, hex, sizeof(hex));
	printf("private key  %s  (yours alone)\npublic key   %s\nsigner id    %s\n",
	       private_path, public_path, hex);
	return TOBI_OK;
}

int cmd_keygen(int argc, char **argv)
{
	static const struct option known[] = {{"output", required_argument, NULL, 'o'},
					      {"type", required_argument, NULL, 't'},
					      {NULL, 0, NULL, 0}};
	const char *stem = "tobichi", *type = "p384";
	struct tobi_fault fault = {0};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (option == 'o')
			stem = optarg;
		else if (option == 't')
			type = optarg;
		else
			return cli_usage("keygen", "wrong option");
	}
	if (optind != argc)
		return cli_usage("keygen", "it takes no argument");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, type) == 0)
			return make(kinds[i].kind, stem, &fault) ? cli_fail(&fault)
								 : EXIT_ACCEPTED;
	}
	return cli_usage("keygen", "--type is p256, p384 or ed25519");
}
