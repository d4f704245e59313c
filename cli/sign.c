#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "cli/cli.h"
#include "image/image.h"

int cmd_sign(int argc, char **argv)
{
	static const struct option known[] = {{"key", required_argument, NULL, 'k'},
					      {NULL, 0, NULL, 0}};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	char hex[2 * SHA384_SIZE + 1];
	uint8_t id[SHA384_SIZE];
	const char *key_path = NULL;
	struct tobi_fault fault = {0};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'k')
			return cli_usage("sign", "wrong option");
		key_path = optarg;
	}
	if (optind + 1 != argc)
		return cli_usage("sign", "one image is needed");
	if (!key_path)
		return cli_usage("sign",
				 "it needs --key FILE; `tobichi keygen` makes one");
	if (cli_read_private_key(key_path, &key, &fault) ||
	    key_spki_sha384(key, id, &fault) || image_sign(argv[optind], key, &fault))
		return cli_fail(&fault);
	hex_write((struct tobi_bytes){id, sizeof(id)}, hex, sizeof(hex));
	printf("signed     %s\nsigner id  %s\n", argv[optind], hex);
	return EXIT_ACCEPTED;
}
