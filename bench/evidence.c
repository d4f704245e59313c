/*
 * What verifying the evidence of hardware costs beside its bare signature checks with the
 * same OpenSSL, on real evidence (TOBICHI_VECTORS).
 *
 * Usage: evidence KIND times ROUNDS COUNT
 *            prints for each round microseconds on a core: cold (a policy that knows
 *            nothing yet), all its signature checks alone, warm (the policy knows the
 *            platform), its own signature checks alone, and of all those with P-384
 *        evidence KIND threads ROUNDS COUNT
 *            verifications a second, platform known: two threads, one
 *        evidence KIND memory COUNT
 *            bytes: the most of one cold, of one warm; KiB resident after a hundredth of
 *            COUNT warm ones, and after all
 * Exit status 77: there is no such evidence here.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hex.h"
#include "bench/bare.h"
#include "codec/json.h"
#include "pki/chain.h"
#include "tests/check.h"
#include "tests/vectors/stage.h"

/* The signatures that are in it. Of certificates the issuer's over them, but for roots,
 * which are known by their keys. */
static const struct {
	const char *name, *path;
	struct bare_part parts[BARE_PARTS];
	bool plain;
} kinds[] = {
    /* Quote, report of the quoting enclave; PCK certificate, its CA, signer of the TCB
     * information, both lists; TCB information; identity of the quoting enclave. */
    {"sgx",
     "sgx/dcapqvl-v3-configandswhardening/quote.dat",
     {{BARE_P256, 2, 432, true}, {BARE_P256, 5, 900}, {BARE_P256, 2, 4000}}},
    {"tdx",
     "tdx/dcapqvl-v4-uptodate/quote.dat",
     {{BARE_P256, 1, 632, true},
      {BARE_P256, 1, 384, true},
      {BARE_P256, 5, 900},
      {BARE_P256, 2, 3000}}},
    /* Report; VCEK or VLEK, and its issuer; the list of the root. */
    {"snp-vcek",
     "snp/steward-milan-v2-with-crl/report.bin",
     {{BARE_P384, 1, 672, true}, {BARE_RSA4096, 3, 1000}}},
    {"snp-vlek",
     "snp/trustee-aws-vlek-v3/report.bin",
     {{BARE_P384, 1, 672, true}, {BARE_RSA4096, 2, 1000}}},
    /* PDH by PEK; PEK by CEK and by OCA, OCA by itself; CEK by ASK, ASK by ARK. None is
     * made for one piece of evidence. */
    {"sev",
     "sev/virtee-rome-chain/pdh.cert",
     {{BARE_P384, 4, 1044}, {BARE_RSA4096, 2, 1044}}},
    /* Document; three CAs below the root, and the leaf. */
    {"nitro",
     "nitro/evervault-prod/document.cose",
     {{BARE_P384, 1, 4300, true}, {BARE_P384, 4, 700}}},
    /* The realm's token; the platform's, which is the same for as long as the realm runs.
     */
    {"cca",
     "cca/tfm-cmw-collection-realm-2/token.cbor",
     {{BARE_P384, 1, 620, true}, {BARE_P384, 1, 1420}}},
    /* The token. */
    {"psa", "psa/veraison-tfm-psa2/token.cbor", {{BARE_P256, 1, 480, true}}},
    /* Report; the device's certificates below the root; two files of reference values and
     * their signers' certificates; seven answers on revocation and who gave them. */
    {"nvidia",
     "nvidia/gonvattest-hopper-full/report.bin",
     {{BARE_P384, 1, 4021, true},
      {BARE_P384, 4, 700},
      {BARE_P384, 8, 700},
      {BARE_P384, 14, 500}}},
    /* Quote; the AK's certificate, and its issuer. With PCR values and an event log. */
    {"tpm-rsa",
     "tpm/gce-cos85-rsa-nonce9009/sha256_quote.msg",
     {{BARE_RSA2048, 1, 115, true}, {BARE_RSA2048, 1, 1080}, {BARE_RSA4096, 1, 1050}}},
    {"tpm-ecc",
     "tpm/vaportpm-gcp-amd-ecc/quote.msg",
     {{BARE_P256, 1, 145, true}, {BARE_RSA4096, 2, 1000}},
     true},
    /* Quote, by a key that the policy names; no PCR values. */
    {"tpm-key", "tpm/trustee-rsa-quote/quote.msg", {{BARE_RSA2048, 1, 177, true}}},
    /* Report; the service's certificate. */
    {"epid",
     "sgx-epid/oasis-v5-body-sw-hardening-needed/report.json",
     {{BARE_RSA2048, 1, 1065, true}, {BARE_RSA3072, 1, 900}}},
};

enum { SKIP = 77 };

/* ---- memory: every allocation of the process passes here ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

static atomic_size_t used, most;
/* Set before anything is allocated. Two threads that counted would wait for each other.
 */
static bool counting;

static void *note(void *ptr)
{
	size_t now, before;

	if (!counting)
		return ptr;
	now = atomic_fetch_add(&used, malloc_usable_size(ptr)) + malloc_usable_size(ptr);
	before = atomic_load(&most);
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	return ptr;
}

TOBI_API void *malloc(size_t size)
{
	return note(__libc_malloc(size));
}

TOBI_API void *calloc(size_t count, size_t size)
{
	return note(__libc_calloc(count, size));
}

TOBI_API void *realloc(void *ptr, size_t size)
{
	size_t before = counting ? malloc_usable_size(ptr) : 0;
	void *grown = __libc_realloc(ptr, size);

	if (grown || size == 0)
		atomic_fetch_sub(&used, before);
	return note(grown);
}

TOBI_API void free(void *ptr)
{
	if (counting)
		atomic_fetch_sub(&used, malloc_usable_size(ptr));
	__libc_free(ptr);
}

static long resident_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && kib < 0 && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	if (file)
		fclose(file);
	return kib;
}

/* ---- */

/* As tpm2-tools write them: JSON beside a quote becomes the bare values of its SHA-256
 * PCRs, and PEM certificates in DER. */
static void make_plain(struct stage *stage)
{
	static uint8_t values[24 * 32];
	static struct writer der;
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	size_t count = 0, size = 0;

	for (size_t i = 0; i < stage->piece_count; i++) {
		struct tobi_bytes piece = stage->pieces[i];
		json_t *json = NULL;
		char name[8];

		if (piece.ptr[0] == '-') {
			der = wr_init(LIMIT_PEM);
			assert_int_equal(chain_read_pem(piece, "chain", &der, list,
							LIMIT_COSE_CHAIN, &count, NULL),
					 0);
			stage->pieces[i] = list[--count];
		}
		if (piece.ptr[0] != '{' ||
		    json_parse(piece, LIMIT_JSON, "piece", &json, NULL))
			continue;
		for (unsigned j = 0; j < 24; j++, size += 32) {
			const json_t *bank =
			    json_object_get(json_object_get(json, "pcrs"), "sha256");

			snprintf(name, sizeof(name), "%u", j);
			assert_true(
			    hex_read(json_string_value(json_object_get(bank, name)),
				     values + size, 32));
		}
		json_decref(json);
		stage->pieces[i] = (struct tobi_bytes){values, size};
	}
	while (count)
		stage->pieces[stage->piece_count++] = list[--count];
}

static const struct vector_case *find_case(const char *path)
{
	const struct vector_case *what;

	for (size_t i = 0; (what = vector_case_at(i)); i++) {
		if (strcmp(what->path, path) == 0 && what->takes)
			return what;
	}
	fail_msg("no case takes %s", path);
	return NULL;
}

static struct tobi_policy *new_policy(const struct stage *stage)
{
	return stage_policy(stage, stage->image, stage->what->takes);
}

static double verify(const struct stage *stage, const struct tobi_policy *policy)
{
	struct tobi_verify_request request = {
	    .evidence = stage->evidence,
	    .nonce = {stage->nonce, stage->nonce_size},
	    .time = stage->time,
	    .collateral = stage->collateral,
	    .pieces = stage->pieces,
	    .piece_count = stage->piece_count,
	    .secret = {stage->secret, stage->secret_size}};
	struct tobi_result *result = NULL;
	double start = bare_now(), took;

	if (tobi_verify(policy, &request, &result, NULL) ||
	    tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s: %s", stage->row->path, tobi_result_reason(result));
	tobi_result_free(result);
	took = bare_now() - start;
	return took;
}

static void times(const struct stage *stage, const struct bare *bare, long rounds,
		  long count)
{
	for (long round = 0; round < rounds; round++) {
		double cold = 0, all = 0, warm = 0, own = 0, p384 = 0;

		/* Interleaved, so that all have the same neighbours. */
		for (long i = 0; i < count; i++) {
			struct tobi_policy *policy = new_policy(stage);

			cold += verify(stage, policy);
			all += bare_run(bare, false);
			warm += verify(stage, policy);
			own += bare_run(bare, true);
			p384 += bare_run_kind(bare, BARE_P384);
			tobi_policy_free(policy);
		}
		printf("%.1f %.1f %.1f %.1f %.1f\n", cold / (double)count,
		       all / (double)count, warm / (double)count, own / (double)count,
		       p384 / (double)count);
	}
}

struct job {
	const struct stage *stage;
	const struct tobi_policy *policy;
	long count;
};

static void *work(void *context)
{
	const struct job *job = context;

	for (long i = 0; i < job->count; i++)
		verify(job->stage, job->policy);
	return NULL;
}

/* On the clock: it is whether one waits for the other. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double rate(struct job *job, size_t threads)
{
	pthread_t ids[2];
	double start = seconds();

	for (size_t i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, work, job), 0);
	for (size_t i = 0; i < threads; i++)
		assert_int_equal(pthread_join(ids[i], NULL), 0);
	return (double)(job->count * (long)threads) / (seconds() - start);
}

static void threads(const struct stage *stage, long rounds, long count)
{
	struct tobi_policy *policy = new_policy(stage);
	struct job job = {stage, policy, count};

	for (long round = 0; round < rounds; round++) {
		double one = rate(&job, 1);

		printf("%.1f %.1f\n", rate(&job, 2), one);
	}
	tobi_policy_free(policy);
}

static size_t most_of_one(const struct stage *stage, const struct tobi_policy *policy)
{
	size_t before = atomic_load(&used);

	atomic_store(&most, before);
	verify(stage, policy);
	return atomic_load(&most) - before;
}

static void memory(const struct stage *stage, long count)
{
	struct tobi_policy *policy;
	size_t cold, warm;
	long early = 0;

	/* What OpenSSL makes once for the process is no verification's. */
	policy = new_policy(stage);
	verify(stage, policy);
	tobi_policy_free(policy);
	policy = new_policy(stage);
	cold = most_of_one(stage, policy);
	warm = most_of_one(stage, policy);
	for (long i = 0; i < count; i++) {
		if (i == count / 100)
			early = resident_kib();
		verify(stage, policy);
	}
	printf("%zu %zu %ld %ld\n", cold, warm, early, resident_kib());
	tobi_policy_free(policy);
}

int main(int argc, char **argv)
{
	long first = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	long second = argc > 4 ? strtol(argv[4], NULL, 10) : 0;
	struct vectors vectors;
	struct stage stage;
	struct bare bare;
	size_t kind = 0;

	while (kind < sizeof(kinds) / sizeof(kinds[0]) && argc > 2 &&
	       strcmp(argv[1], kinds[kind].name) != 0)
		kind++;
	counting = argc > 2 && strcmp(argv[2], "memory") == 0;
	if (first < 1 || kind == sizeof(kinds) / sizeof(kinds[0]))
		return 2;
	if (!vectors_open(&vectors))
		return SKIP;
	stage_make(&stage, &vectors, find_case(kinds[kind].path));
	if (kinds[kind].plain)
		make_plain(&stage);
	bare_make(&bare, kinds[kind].parts);
	if (strcmp(argv[2], "times") == 0)
		times(&stage, &bare, first, second);
	else if (strcmp(argv[2], "threads") == 0)
		threads(&stage, first, second);
	else
		memory(&stage, first);
	bare_done(&bare);
	stage_done(&stage);
	vectors_close(&vectors);
	return 0;
}
