#include "cli/corim.h"

#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"

enum { SIGNERS_MAX = 16 };

struct options {
	const char *file, *key, *out, *name, *uri, *chain;
	const char *signers[SIGNERS_MAX];
	size_t signer_count;
	int64_t time, from, until;
	bool has_from, has_until, allow_unsigned;
};

enum tobi_err corim_load(const char *path, struct corim_document **ret_document,
			 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_CORIM);
	enum tobi_err err = file_read(path, LIMIT_CORIM, "CoRIM", &bytes, fault);

	return err ? err
		   : corim_document_read(wr_view(&bytes), path, ret_document, fault);
}

/* Of an unsigned document all; of a signed one what was signed: a new signature takes the
 * place of the old one. */
static enum tobi_err sign(const struct options *options, struct writer *out,
			  uint8_t ret_signer[static SHA384_SIZE],
			  struct tobi_fault *fault)
{
	CLEANUP(corim_document_freep) struct corim_document *document = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	struct tobi_bytes chain[LIMIT_COSE_CHAIN];
	struct corim_sign_request request = {
	    .signer = options->name ? options->name : "tobichi corim sign",
	    .uri = options->uri,
	    .validity = {options->has_from, options->has_until, options->from,
			 options->until},
	    .x5chain = chain};
	enum tobi_err err = corim_load(options->file, &document, fault);

	if (!err)
		err = cli_read_private_key(options->key, &key, fault);
	if (!err && options->chain)
		err = file_read(options->chain, LIMIT_PEM, "certificates", &pem, fault);
	if (!err && options->chain)
		err = chain_read_pem(wr_view(&pem), options->chain, &der, chain,
				     LIMIT_COSE_CHAIN, &request.x5chain_count, fault);
	if (err)
		return err;
	request.corim = document->corim->bytes;
	request.key = key;
	err = corim_sign(&request, out, fault);
	return err ? err : key_spki_sha384(key, ret_signer, fault);
}

static int run_sign(const struct options *options)
{
	CLEANUP(wr_done) struct writer out = wr_init(2 * LIMIT_CORIM);
	const char *path = options->out ? options->out : options->file;
	char hex[2 * SHA384_SIZE + 1];
	uint8_t signer[SHA384_SIZE];
	struct tobi_fault fault = {0};

	if (!options->key)
		return cli_usage(CORIM_COMMAND,
				 "sign needs --key FILE; `tobichi keygen` makes one");
	if (options->has_from && !options->has_until)
		return cli_usage(CORIM_COMMAND, "--from needs --until");
	if (sign(options, &out, signer, &fault) ||
	    file_write(path, 0644, wr_view(&out), "CoRIM", &fault))
		return cli_fail(&fault);
	hex_write((struct tobi_bytes){signer, sizeof(signer)}, hex, sizeof(hex));
	printf("signed     %s\nsigner id  %s\n", path, hex);
	return EXIT_ACCEPTED;
}

/* A file with keys or certificates, or a signer's id. */
static enum tobi_err add_signer(const char *value, struct corim_signers *signers,
				uint8_t *hash, struct tobi_bytes *hashes,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err;

	if (hex_read(value, hash, SHA384_SIZE)) {
		hashes[signers->hash_count++] = (struct tobi_bytes){hash, SHA384_SIZE};
		return TOBI_OK;
	}
	err = file_read(value, LIMIT_PEM, "--signer", &pem, fault);
	return err ? err : corim_signers_add_pem(signers, wr_view(&pem), value, fault);
}

static const char *judge(const struct options *options,
			 const struct corim_document *document,
			 const struct corim_signers *signers,
			 const struct corim_proof *proof)
{
	if (!document->is_signed)
		return options->allow_unsigned ? NULL : "it is not signed";
	if (!proof->holds)
		return proof->has_signer ? "it was changed after it was signed"
					 : "none of the signers has signed it, and it "
					   "carries no key";
	if (!corim_signer_is_named(document, signers, proof, options->time))
		return "its signer is none of those that were named";
	if (!corim_validity_has(&document->signature_validity, options->time))
		return "its signature is not valid at this time";
	return NULL;
}

static int say(const struct options *options, const struct corim_document *document,
	       const struct corim_proof *proof, const char *wrong)
{
	char hex[2 * SHA384_SIZE + 1];

	if (!wrong && !corim_validity_has(&document->corim->validity, options->time))
		wrong = "it is not valid at this time";
	if (proof->has_signer) {
		hex_write((struct tobi_bytes){proof->signer, SHA384_SIZE}, hex,
			  sizeof(hex));
		printf("signer id  %s\n", hex);
	}
	printf("verdict    %s%s%s\n", wrong ? "REFUSE: " : "ACCEPT",
	       wrong		     ? wrong
	       : document->is_signed ? ""
				     : ": not signed, and you allow that",
	       "");
	return wrong ? EXIT_REFUSED : EXIT_ACCEPTED;
}

static int run_verify(const struct options *options)
{
	CLEANUP(corim_document_freep) struct corim_document *document = NULL;
	CLEANUP(corim_signers_done) struct corim_signers signers = {0};
	uint8_t hashes[SIGNERS_MAX][SHA384_SIZE];
	struct tobi_bytes list[SIGNERS_MAX];
	struct corim_proof proof = {0};
	struct tobi_fault fault = {0};
	enum tobi_err err = corim_load(options->file, &document, &fault);

	if (!options->signer_count && !options->allow_unsigned)
		return cli_usage(
		    CORIM_COMMAND,
		    "verify needs --signer: a file with a key or certificate, "
		    "or a signer's id");
	signers.hashes = list;
	for (size_t i = 0; i < options->signer_count && !err; i++)
		err = add_signer(options->signers[i], &signers, hashes[i], list, &fault);
	if (!err)
		err = corim_document_prove(document, &signers, &proof, &fault);
	if (err)
		return cli_fail(&fault);
	return say(options, document, &proof, judge(options, document, &signers, &proof));
}

static const struct option known[] = {
    {"key", required_argument, NULL, 'k'},
    {"output", required_argument, NULL, 'o'},
    {"name", required_argument, NULL, 'n'},
    {"uri", required_argument, NULL, 'u'},
    {"from", required_argument, NULL, 'f'},
    {"until", required_argument, NULL, 't'},
    {"chain", required_argument, NULL, 'c'},
    {"signer", required_argument, NULL, 's'},
    {"at", required_argument, NULL, 'a'},
    {"unsigned", no_argument, NULL, 'U'},
    {NULL, 0, NULL, 0},
};

/* A wrong value's option; NULL when it is good. */
static const char *take_option(struct options *options, int option)
{
	switch (option) {
	case 'k':
		options->key = optarg;
		return NULL;
	case 'o':
		options->out = optarg;
		return NULL;
	case 'n':
		options->name = optarg;
		return NULL;
	case 'u':
		options->uri = optarg;
		return NULL;
	case 'c':
		options->chain = optarg;
		return NULL;
	case 'f':
		options->has_from = true;
		return date_read(optarg, &options->from) ? NULL : "--from";
	case 't':
		options->has_until = true;
		return date_read(optarg, &options->until) ? NULL : "--until";
	case 'a':
		return date_read(optarg, &options->time) ? NULL : "--at";
	case 's':
		if (options->signer_count == SIGNERS_MAX)
			return "--signer";
		options->signers[options->signer_count++] = optarg;
		return NULL;
	case 'U':
		options->allow_unsigned = true;
		return NULL;
	default:
		return "option";
	}
}

int cmd_corim(int argc, char **argv)
{
	struct options options = {.time = time(NULL)};
	bool signs = argc > 1 && strcmp(argv[1], "sign") == 0;
	int option;

	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return corim_show(argc - 1, argv + 1);
	if (!signs && (argc < 2 || strcmp(argv[1], "verify") != 0))
		return cli_usage(CORIM_COMMAND, "it needs show, sign or verify");
	argc--;
	argv++;
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		const char *wrong = take_option(&options, option);

		if (wrong)
			return cli_usage(CORIM_COMMAND, "wrong %s", wrong);
		/* What the other part is for would look like a check, and be none. */
		if (!strchr(signs ? "konuftc" : "saU", option))
			return cli_usage(CORIM_COMMAND, "%s has no such option", argv[0]);
	}
	if (optind + 1 != argc)
		return cli_usage(CORIM_COMMAND, "%s needs one FILE", argv[0]);
	options.file = argv[optind];
	return signs ? run_sign(&options) : run_verify(&options);
}
