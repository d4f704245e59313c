#include "cli/attest_platform.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "attest/bounded.h"
#include "attest/collection.h"
#include "attest/system.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "tee/tee.h"
#include "token/claims_buffer.h"

enum { NONCE_SIZE = 32, MILLISECONDS = 1000 };

/* Who is asked, what for, and what came. */
struct job {
	const struct attester *attester;
	struct attest_request request;
	struct writer claims, key;
	struct attest_output output;
};

static void job_done(struct job *job)
{
	wr_done(&job->claims);
	wr_done(&job->key);
	attest_output_done(&job->output);
}

static struct attest_request request_of(const struct attest_options *options)
{
	return (struct attest_request){
	    .device = attest_system(),
	    .privilege = options->privilege == UINT64_MAX ? -1 : (int)options->privilege,
	    .with_logs = options->logs,
	    .tpm = options->device,
	    .tpm_ak = options->ak == UINT64_MAX ? 0 : (uint32_t)options->ak,
	    .pcrs = options->pcrs,
	    .metadata = options->metadata ? options->metadata : ATTEST_METADATA,
	    .quotes = options->quotes};
}

/* --timeout is of each question that a device is asked. */
static unsigned look_ms(const struct attest_options *options)
{
	return options->timeout == UINT64_MAX ? BOUNDED_LOOK_MS
					      : (unsigned)options->timeout * MILLISECONDS;
}

int attest_list(const struct attest_options *options)
{
	const struct attest_request request = request_of(options);
	const struct attester *attester;
	bool any = false;

	for (size_t i = 0; (attester = attester_at(i)); i++) {
		struct tobi_fault why = {0};
		const char *kind = NULL;
		bool present =
		    !bounded_present(attester, &request, look_ms(options), &kind, &why);

		any |= present;
		printf("%-10s %-4s %s\n", attester->name, present ? "yes" : "no",
		       attester->title);
		printf("%16s", "");
		if (present)
			printf("gives %s", kind);
		else
			cli_print_text(stdout, bytes_of_text(why.message));
		printf("\n");
	}
	return any ? EXIT_ACCEPTED : EXIT_REFUSED;
}

/* Of the key that is named; else of one that is made, and that nobody keeps. */
static enum tobi_err take_key(const char *path, struct writer *spki,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err;

	if (!path) {
		err = key_new(KEY_P256, &key, fault);
	} else {
		err = file_read(path, LIMIT_PEM, "--key", &pem, fault);
		if (!err)
			err = key_read_public(wr_view(&pem), "--key", &key, fault);
	}
	return err ? err : key_spki(key, spki, fault);
}

/* The evidence is bound to the hash of claims: the nonce, and a key. */
static enum tobi_err make_claims(struct attest_options *options, struct job *job,
				 struct tobi_fault *fault)
{
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err;

	if (!options->nonce_size) {
		options->nonce_size = NONCE_SIZE;
		if (RAND_bytes(options->nonce, NONCE_SIZE) != 1)
			return fault_set(fault, TOBI_E_CRYPTO, "nonce", "",
					 "no random bytes");
	}
	err = take_key(options->key, &job->key, fault);
	if (!err)
		err = hash_sha256(wr_view(&job->key), hash);
	if (err)
		return err;
	claims_buffer_write(&job->claims,
			    (struct tobi_bytes){options->nonce, options->nonce_size},
			    hash, TOBI_ROLE_SERVER, (struct tobi_bytes){0});
	job->request.claims_buffer = wr_view(&job->claims);
	if (options->key)
		job->request.public_key = wr_view(&job->key);
	job->request.data_size = SHA256_SIZE;
	return hash_sha256(wr_view(&job->claims), job->request.data);
}

/* An option that the device does not know is no wish that was granted. */
static enum tobi_err check_privilege(const struct attest_options *options,
				     const struct attester *attester,
				     struct tobi_fault *fault)
{
	if (options->privilege == UINT64_MAX || strcmp(attester->name, "tsm") == 0 ||
	    strcmp(attester->name, "sev-guest") == 0)
		return TOBI_OK;
	return fault_set(fault, TOBI_E_ARGUMENT, "attest", "--privilege",
			 "only tsm and sev-guest have levels of it, not %s",
			 attester->name);
}

static enum tobi_err prepare(struct attest_options *options, struct job *job,
			     struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	job->request = request_of(options);
	if (strcmp(options->platform, "auto") == 0)
		err =
		    bounded_find(&job->request, look_ms(options), &job->attester, fault);
	else
		job->attester = attester_named(options->platform);
	if (!err && !job->attester)
		err = fault_set(fault, TOBI_E_ARGUMENT, "attest", "--platform",
				"'%.40s' is none that is known; tobichi attest --list "
				"shows them",
				options->platform);
	return err ? err : check_privilege(options, job->attester, fault);
}

static unsigned get_ms(const struct attest_options *options)
{
	return options->timeout == UINT64_MAX ? BOUNDED_TIMEOUT_MS
					      : (unsigned)options->timeout * MILLISECONDS;
}

enum tobi_err attest_session(struct attest_options *options,
			     struct tobi_bytes claims_buffer, struct writer *out,
			     struct tobi_fault *fault)
{
	CLEANUP(job_done) struct job job = {.output = attest_output_init()};
	enum tobi_err err = prepare(options, &job, fault);

	job.request.claims_buffer = claims_buffer;
	job.request.data_size = SHA256_SIZE;
	if (!err)
		err = hash_sha256(claims_buffer, job.request.data);
	if (!err)
		err = bounded_run(job.attester, &job.request, get_ms(options),
				  &job.output, fault);
	return err ? err
		   : collection_write(&job.output, (struct tobi_bytes){0}, out, fault);
}

/* The evidence under its kind's name, and each piece under its own. */
static enum tobi_err write_folder(const struct job *job, const char *folder,
				  struct tobi_fault *fault)
{
	const struct attest_output *output = &job->output;
	char path[LIMIT_PATH];
	enum tobi_err err;

	if (strlen(folder) > LIMIT_PATH - 2 * ATTEST_NAME_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, "output", "",
				 "the path is too long");
	if (mkdir(folder, 0755) && errno != EEXIST)
		return fault_errno(fault, "output", "", "cannot make %s", folder);
	snprintf(path, sizeof(path), "%s/%s.bin", folder, output->kind);
	err = file_write(path, 0644, wr_view(&output->evidence), "output", fault);
	for (size_t i = 0; i < output->piece_count && !err; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, output->pieces[i].name);
		err = file_write(path, 0644, wr_view(&output->pieces[i].bytes), "output",
				 fault);
	}
	if (!err && job->claims.size) {
		snprintf(path, sizeof(path), "%s/claims.cbor", folder);
		err = file_write(path, 0644, wr_view(&job->claims), "output", fault);
	}
	return err;
}

static enum tobi_err write_all(const struct attest_options *options,
			       const struct job *job, const char *path,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer collection = wr_init(LIMIT_CMW);
	enum tobi_err err;

	if (options->raw)
		return write_folder(job, path, fault);
	err = collection_write(&job->output, wr_view(&job->claims), &collection, fault);
	return err ? err : attest_write(options, wr_view(&collection), path, fault);
}

/* What to go on with: the nonce that a verifier gives. Evidence that is taken as it is
 * shows what it is bound to, and no claims. */
static void tell(const struct attest_options *options, const struct job *job,
		 const char *path)
{
	const struct attest_request *request = &job->request;
	struct tobi_bytes bound = {request->data, request->data_size};
	char hex[2 * ATTEST_DATA_SIZE + 1];

	if (!options->raw && job->claims.size)
		bound = (struct tobi_bytes){options->nonce, options->nonce_size};
	hex_write(bound, hex, sizeof(hex));
	printf("platform  %s\nkind      %s\nevidence  %s\nnonce     %s\n",
	       job->attester->name, job->output.kind, path, hex);
	if (job->output.note[0]) {
		printf("note      ");
		cli_print_text(stdout, bytes_of_text(job->output.note));
		printf("\n");
	}
	if (!options->raw) {
		printf("next      tobichi verify %s --policy FILE --nonce %s\n", path,
		       hex);
		return;
	}
	printf("next      tobichi verify %s/%s.bin --policy FILE --nonce %s", path,
	       job->output.kind, hex);
	for (size_t i = 0; i < job->output.piece_count; i++) {
		if (job->output.pieces[i].kind != ATTEST_EXTRA)
			printf(" --with %s/%s", path, job->output.pieces[i].name);
	}
	printf("\n");
}

int attest_platform(struct attest_options *options)
{
	CLEANUP(job_done)
	struct job job = {.claims = wr_init(LIMIT_CLAIMS_BUFFER),
			  .key = wr_init(LIMIT_CERTIFICATE),
			  .output = attest_output_init()};
	struct tobi_fault fault = {0};
	char usual[LIMIT_NAME + 16];
	const char *path = options->out ? options->out : usual;
	enum tobi_err err = prepare(options, &job, &fault);

	if (!err && options->report_data_size) {
		job.request.data_size = options->report_data_size;
		bytes_copy(job.request.data, ATTEST_DATA_SIZE, options->report_data,
			   options->report_data_size);
	} else if (!err) {
		err = make_claims(options, &job, &fault);
	}
	if (!err)
		err = bounded_run(job.attester, &job.request, get_ms(options),
				  &job.output, &fault);
	if (err)
		return cli_fail(&fault);
	snprintf(usual, sizeof(usual), "%s%s", job.attester->name,
		 options->raw ? "" : ".evidence");
	if (write_all(options, &job, path, &fault))
		return cli_fail(&fault);
	tell(options, &job, path);
	return EXIT_ACCEPTED;
}
