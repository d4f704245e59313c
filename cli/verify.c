#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "appraise/beside.h"
#include "appraise/policy_files.h"
#include "appraise/unwrap.h"
#include "base/cleanup.h"
#include "base/date.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/collateral_load.h"
#include "cli/ear.h"
#include "cli/extract.h"
#include "cli/verify_many.h"
#include "tobichi/verify.h"

struct options {
	const char *evidence, *policy, *nonce, *at, *out, *extract, *secret;
	const char *pieces[LIMIT_PIECES];
	size_t piece_count;
	struct collateral_paths collateral;
	enum tobi_format format;
	struct ear_options ear;
};

DEFINE_CLEANUP(struct tobi_policy *, tobi_policy_free)
DEFINE_CLEANUP(struct tobi_result *, tobi_result_free)

static const struct option long_options[] = {
    {"policy", required_argument, NULL, 'p'},
    {"nonce", required_argument, NULL, 'n'},
    {"at", required_argument, NULL, 'a'},
    {"json", no_argument, NULL, 'j'},
    {"html", no_argument, NULL, 'h'},
    {"output", required_argument, NULL, 'o'},
    {"with", required_argument, NULL, 'w'},
    {"collateral", required_argument, NULL, 'c'},
    {"secret", required_argument, NULL, 's'},
    {"cache", optional_argument, NULL, 'C'},
    {"extract-tpm", required_argument, NULL, 'x'},
    {"ear", required_argument, NULL, 'E'},
    {"ear-key", required_argument, NULL, 'K'},
    {"ear-certificate", required_argument, NULL, 'T'},
    {"ear-format", required_argument, NULL, 'F'},
    {"ear-profile", required_argument, NULL, 'P'},
    {"ear-verifier", required_argument, NULL, 'V'},
    {"ear-lifetime", required_argument, NULL, 'L'},
    {NULL, 0, NULL, 0}};

/* What came beside the evidence, in memory for as long as the appraisal takes. */
struct pieces {
	struct writer files[LIMIT_PIECES];
	struct tobi_bytes bytes[LIMIT_PIECES];
	size_t count;
};

static void pieces_done(struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++)
		wr_done(&pieces->files[i]);
}

static enum tobi_err read_pieces(const struct options *options, struct pieces *pieces,
				 struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < options->piece_count && !err; i++) {
		pieces->files[i] = wr_init(LIMIT_EVIDENCE);
		pieces->count = i + 1;
		err = file_read(options->pieces[i], LIMIT_EVIDENCE, "--with",
				&pieces->files[i], fault);
		pieces->bytes[i] = wr_view(&pieces->files[i]);
	}
	return err;
}

/* A file that nothing used is not passed over in silence: it was given for something. */
static void warn_of_unused(const struct options *options, const struct pieces *pieces,
			   const struct tobi_result *result)
{
	for (size_t i = 0; i < pieces->count; i++) {
		const char *why = beside_why_unused(result, pieces->bytes[i]);

		if (why)
			fprintf(stderr, "tobichi: warning: --with %s is not used: %s\n",
				options->pieces[i], why);
	}
}

/* A key that is shared with the platform is small. */
enum { SECRET_MAX = 4096 };

static enum tobi_err appraise(const struct options *options,
			      const struct tobi_verify_request *given,
			      struct tobi_result **ret_result, struct tobi_fault *fault)
{
	struct tobi_verify_request request = *given;
	CLEANUP(wr_done) struct writer evidence = wr_init(LIMIT_EVIDENCE_TEXT);
	CLEANUP(wr_done) struct writer decoded = wr_init(LIMIT_EVIDENCE);
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	CLEANUP(pieces_done) struct pieces pieces = {0};
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *collateral = NULL;
	CLEANUP(secret_done) struct secret secret = {0};
	struct unwrapped unwrapped = {0};
	enum tobi_err err;

	err = policy_read_file(options->policy, &policy, fault);
	if (!err)
		err = file_read(options->evidence, LIMIT_EVIDENCE_TEXT, "evidence",
				&evidence, fault);
	if (!err && evidence.size == 0)
		err = fault_set(fault, TOBI_E_MALFORMED, "evidence", "",
				"the file is empty");
	if (!err)
		err = unwrap_evidence(wr_view(&evidence), unwrap_is_evidence, &decoded,
				      &unwrapped, fault);
	if (!err)
		err = read_pieces(options, &pieces, fault);
	if (!err)
		err = collateral_paths_load(&options->collateral, &collateral, fault);
	if (!err && options->secret)
		err = file_read_secret(options->secret, SECRET_MAX, "secret", &secret,
				       fault);
	if (err)
		return err;
	request.secret = secret_view(&secret);
	request.evidence = unwrapped.bytes;
	request.pieces = pieces.bytes;
	request.piece_count = pieces.count;
	request.collateral = collateral;
	if (options->extract)
		err = extract_tpm(request.evidence, options->extract, fault);
	if (err)
		return err;
	err = tobi_verify(policy, &request, ret_result, fault);
	if (!err)
		warn_of_unused(options, &pieces, *ret_result);
	return err;
}

static int run(const struct options *options, const struct tobi_verify_request *request)
{
	CLEANUP(tobi_result_freep) struct tobi_result *result = NULL;
	CLEANUP(freep) char *text = NULL;
	enum tobi_format format = options->format;
	struct tobi_fault fault = {0};

	if (format == TOBI_FORMAT_TEXT && !options->out && cli_color(stdout))
		format = TOBI_FORMAT_TEXT_COLOR;
	if (appraise(options, request, &result, &fault) ||
	    tobi_result_write(result, format, &text, &fault) ||
	    ear_write(&options->ear, result, &fault))
		return cli_fail(&fault);
	if (options->out) {
		if (file_write(options->out, 0644,
			       (struct tobi_bytes){(uint8_t *)text, strlen(text)},
			       "output", &fault))
			return cli_fail(&fault);
	} else if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		return cli_error("cannot write the explanation");
	}
	return tobi_result_verdict(result) == TOBI_ACCEPT ? EXIT_ACCEPTED : EXIT_REFUSED;
}

static bool take_ear_option(struct ear_options *ear, int option)
{
	const char **const places[] = {&ear->out,     &ear->key,     &ear->certificate,
				       &ear->form,    &ear->profile, &ear->verifier,
				       &ear->lifetime};
	static const char letters[] = "EKTFPVL"; /* in the order of places */
	const char *letter = option ? strchr(letters, option) : NULL;

	if (!letter)
		return false;
	*places[letter - letters] = optarg;
	return true;
}

static const char *take_option(struct options *options, int option)
{
	if (take_ear_option(&options->ear, option))
		return NULL;
	switch (option) {
	case 'p':
		options->policy = optarg;
		return NULL;
	case 'n':
		options->nonce = optarg;
		return NULL;
	case 'a':
		options->at = optarg;
		return NULL;
	case 'o':
		options->out = optarg;
		return NULL;
	case 's':
		options->secret = optarg;
		return NULL;
	case 'x':
		options->extract = optarg;
		return NULL;
	case 'w':
		if (options->piece_count == LIMIT_PIECES)
			return "there are too many --with";
		options->pieces[options->piece_count++] = optarg;
		return NULL;
	case 'c':
		return collateral_paths_add(&options->collateral, optarg);
	case 'C':
		options->collateral.cache = optarg ? optarg : "";
		return NULL;
	case 'j':
	case 'h':
		if (options->format != TOBI_FORMAT_TEXT)
			return "--json and --html exclude each other";
		options->format = option == 'j' ? TOBI_FORMAT_JSON : TOBI_FORMAT_HTML;
		return NULL;
	default:
		return "there is no such option";
	}
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder, or several. */
static int run_many(const struct options *options,
		    const struct tobi_verify_request *request, char *const *paths,
		    size_t count)
{
	CLEANUP(tobi_policy_freep) struct tobi_policy *policy = NULL;
	CLEANUP(tobi_collateral_freep) struct tobi_collateral *collateral = NULL;
	CLEANUP(secret_done) struct secret secret = {0};
	struct verify_many many = {.paths = paths,
				   .path_count = count,
				   .json = options->format == TOBI_FORMAT_JSON,
				   .out = options->out};
	struct tobi_fault fault = {0};
	enum tobi_err err = policy_read_file(options->policy, &policy, &fault);

	if (!err)
		err = collateral_paths_load(&options->collateral, &collateral, &fault);
	if (!err && !collateral) {
		collateral = tobi_collateral_new();
		if (!collateral)
			err = fault_set(&fault, TOBI_E_MEMORY, "collateral", "",
					"out of memory");
	}
	if (!err && options->secret)
		err = file_read_secret(options->secret, SECRET_MAX, "secret", &secret,
				       &fault);
	if (err)
		return cli_fail(&fault);
	many.common = (struct verify_common){.policy = policy,
					     .policy_path = options->policy,
					     .nonce = request->nonce,
					     .secret = secret_view(&secret),
					     .time = request->time};
	many.collateral = collateral;
	return verify_many_run(&many);
}

/* Options that are of one piece of evidence. */
static const char *wrong_for_many(const struct options *options)
{
	if (options->piece_count)
		return "--with belongs to one piece of evidence: put both into a folder "
		       "of their own";
	if (options->extract)
		return "--extract-tpm needs one EVIDENCE file";
	if (options->ear.out)
		return "--ear needs one EVIDENCE file";
	return options->format == TOBI_FORMAT_HTML ? "--html needs one EVIDENCE file"
						   : NULL;
}

int cmd_verify(int argc, char **argv)
{
	struct options options = {.format = TOBI_FORMAT_TEXT};
	struct tobi_verify_request request = {.time = time(NULL)};
	const char *wrong = NULL;
	bool many;
	uint8_t nonce[LIMIT_NONCE];
	int option;

	optind = 1;
	while (!wrong && (option = getopt_long(argc, argv, "p:n:a:o:w:s:", long_options,
					       NULL)) != -1)
		wrong = take_option(&options, option);
	if (wrong)
		return cli_usage("verify", "%s", wrong);
	if (optind == argc)
		return cli_usage("verify", "it needs EVIDENCE: a file, or a folder");
	many = optind + 1 != argc || is_folder(argv[optind]);
	wrong = many ? wrong_for_many(&options) : NULL;
	if (wrong)
		return cli_usage("verify", "%s", wrong);
	options.evidence = argv[optind];
	if (!options.policy)
		return cli_usage("verify",
				 "it needs --policy FILE: what the evidence must prove");
	wrong = ear_options_wrong(&options.ear);
	if (wrong)
		return cli_usage("verify", "%s", wrong);
	if (options.nonce) {
		size_t digits = strlen(options.nonce);

		if (digits < 16 || digits / 2 > LIMIT_NONCE || digits % 2 ||
		    !hex_read(options.nonce, nonce, digits / 2))
			return cli_usage("verify",
					 "--nonce needs 16 to 2048 hexadecimal digits");
		request.nonce = (struct tobi_bytes){nonce, digits / 2};
	}
	if (options.at && !date_read(options.at, &request.time))
		return cli_usage("verify", "--at needs a time like 2026-05-17T12:00:00Z");
	return many ? run_many(&options, &request, argv + optind, (size_t)(argc - optind))
		    : run(&options, &request);
}
