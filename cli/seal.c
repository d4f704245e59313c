#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/seal_policy.h"

struct options {
	const char *to, *signer, *associated, *output, *input;
};

static const struct option seal_options[] = {{"to", required_argument, NULL, 't'},
					     {"signer", required_argument, NULL, 's'},
					     {"aad", required_argument, NULL, 'a'},
					     {"output", required_argument, NULL, 'o'},
					     {NULL, 0, NULL, 0}};
static const struct option unseal_options[] = {{"aad", required_argument, NULL, 'a'},
					       {"output", required_argument, NULL, 'o'},
					       {NULL, 0, NULL, 0}};

static int read_options(int argc, char **argv, const struct option *known,
			struct options *ret_options)
{
	struct options options = {0};
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		switch (option) {
		case 't':
			options.to = optarg;
			break;
		case 's':
			options.signer = optarg;
			break;
		case 'a':
			options.associated = optarg;
			break;
		case 'o':
			options.output = optarg;
			break;
		default:
			return cli_usage(argv[0], "there is no such option");
		}
	}
	if (argc - optind > 1)
		return cli_usage(argv[0], "it takes one file");
	if (optind < argc && strcmp(argv[optind], "-") != 0)
		options.input = argv[optind];
	*ret_options = options;
	return EXIT_ACCEPTED;
}

/* The whole of a file or of standard input, at most ceiling bytes. */
static enum tobi_err read_all(const char *path, size_t ceiling, struct writer *out,
			      struct tobi_fault *fault)
{
	CLEANUP(fd_close) int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int fd = path ? file : STDIN_FILENO;
	uint8_t part[16 << 10];
	ssize_t size;

	if (fd < 0)
		return fault_errno(fault, "input", "", "cannot open %s", path);
	while ((size = read(fd, part, sizeof(part))) > 0 ||
	       (size < 0 && errno == EINTR)) {
		if (size > 0)
			wr_bytes(out, part, (size_t)size);
		if (wr_err(out))
			break;
	}
	explicit_bzero(part, sizeof(part));
	if (wr_err(out))
		return fault_set(fault, wr_err(out), "input", "",
				 "at most %zu bytes are allowed", ceiling);
	return size < 0 ? fault_errno(fault, "input", "", "cannot be read") : TOBI_OK;
}

int cmd_seal(int argc, char **argv)
{
	CLEANUP(wr_done) struct writer content = wr_init(TOBI_SEAL_CONTENT_MAX);
	struct tobi_fault fault = {0};
	struct seal_policy policy;
	struct options options;
	uint8_t *sealed = NULL;
	size_t size = 0;
	int status = read_options(argc, argv, seal_options, &options);

	if (!status)
		status = seal_policy_read("seal", options.to, options.signer, &policy);
	if (status)
		return status;
	if (read_all(options.input, TOBI_SEAL_CONTENT_MAX, &content, &fault))
		return cli_fail(&fault);
	if (tobi_seal(&policy.policy, wr_view(&content),
		      bytes_of_text(options.associated), &sealed, &size, &fault))
		return seal_fail(&fault);
	status = cli_put(options.output, (struct tobi_bytes){sealed, size});
	tobi_seal_free(sealed, size);
	return status;
}

/* As for a key: nobody else's to read. */
static int put_private(const char *path, struct tobi_bytes content)
{
	struct tobi_fault fault = {0};

	if (!path)
		return cli_put(NULL, content);
	return file_write(path, 0600, content, "output", &fault) ? cli_fail(&fault)
								 : EXIT_ACCEPTED;
}

int cmd_unseal(int argc, char **argv)
{
	const size_t ceiling = TOBI_SEAL_CONTENT_MAX + TOBI_SEAL_OVERHEAD;
	CLEANUP(wr_done) struct writer sealed = wr_init(ceiling);
	struct tobi_fault fault = {0};
	struct options options;
	uint8_t *content = NULL;
	size_t size = 0;
	int status = read_options(argc, argv, unseal_options, &options);

	if (status)
		return status;
	if (read_all(options.input, ceiling, &sealed, &fault))
		return cli_fail(&fault);
	if (tobi_unseal(wr_view(&sealed), bytes_of_text(options.associated), &content,
			&size, &fault))
		return seal_fail(&fault);
	status = put_private(options.output, (struct tobi_bytes){content, size});
	tobi_seal_free(content, size);
	return status;
}
