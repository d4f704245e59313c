/*
 * What a verifier remembers of one appraisal counts in the next one only where all is the
 * same: another date, root, grace, baseline, or a byte of what came along, is another
 * question. For every kind, and with many threads that ask at once.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/endian.h"
#include "pki/memo.h"
#include "tee/azure.h"
#include "tee/epid.h"
#include "tee/nitro.h"
#include "tee/nvidia.h"
#include "tee/sev.h"
#include "tee/sgx.h"
#include "tee/snp.h"
#include "tee/tdx.h"
#include "tests/azure_scene.h"
#include "tests/bytes.h"
#include "tests/epid_scene.h"
#include "tests/nitro_scene.h"
#include "tests/nvidia_scene_inside.h"
#include "tests/sev_scene.h"
#include "tests/snp_scene.h"
#include "tests/tdx_run.h"

enum { FILES = 10, THREADS = 4, TURNS = 25 };

/* Evidence of one kind, that is good. */
struct subject {
	const struct tee_verifier *verifier;
	struct writer evidence, files[FILES];
	struct tobi_bytes pieces[FILES], images[1];
	struct tobi_collateral *collateral; /* or NULL */
	struct tee_request request;
	/* When a certificate or a list has ended; 0: the kind has no dates. */
	int64_t too_late;
	/* What came along must be as it is: pieces, by number, to this one. */
	size_t bound;
};

static void pin(struct subject *subject, EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(key, &der);

	assert_true(size > 0);
	assert_int_equal(hash_sha256((struct tobi_bytes){der, (size_t)size},
				     subject->request.pins.keys[0]),
			 0);
	subject->request.pins.count = 1;
	OPENSSL_free(der);
}

static void ready(struct subject *subject)
{
	subject->request.evidence = wr_view(&subject->evidence);
	subject->request.collateral = subject->collateral;
	subject->request.pieces = subject->pieces;
	while (subject->request.piece_count < FILES &&
	       subject->files[subject->request.piece_count].size) {
		size_t i = subject->request.piece_count++;

		subject->pieces[i] = wr_view(&subject->files[i]);
	}
}

static void subject_done(struct subject *subject)
{
	wr_done(&subject->evidence);
	for (size_t i = 0; i < FILES; i++)
		wr_done(&subject->files[i]);
	tobi_collateral_free(subject->collateral);
	memo_free(subject->request.memo);
}

static void subject_init(struct subject *subject, const struct tee_verifier *verifier)
{
	*subject = (struct subject){.verifier = verifier,
				    .evidence = wr_init(LIMIT_EVIDENCE),
				    .request.memo = memo_new()};
	assert_non_null(subject->request.memo);
	for (size_t i = 0; i < FILES; i++)
		subject->files[i] = wr_init(LIMIT_EVIDENCE);
}

static bool holds(const struct subject *subject, const struct tee_request *request)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	bool good = !subject->verifier->examine(request, &list, &claims, NULL);

	for (size_t i = 0; i < list.count; i++)
		good &= list.records[i].outcome == TOBI_PASSED ||
			list.records[i].outcome == TOBI_NOT_ASKED;
	arena_done(&arena);
	return good && list.count > 0;
}

/* Refused with the change, and not the worse for it afterwards. */
static void expect_refused(const struct subject *subject,
			   const struct tee_request *changed)
{
	assert_false(holds(subject, changed));
	assert_false(holds(subject, changed));
	assert_true(holds(subject, &subject->request));
}

static void try_date(const struct subject *subject)
{
	struct tee_request changed = subject->request;

	if (!subject->too_late)
		return;
	changed.time = subject->too_late;
	expect_refused(subject, &changed);
}

static void try_root(const struct subject *subject)
{
	struct tee_request changed = subject->request;

	changed.pins.keys[0][7] ^= 1;
	expect_refused(subject, &changed);
	changed.pins.count = 0;
	expect_refused(subject, &changed);
}

/* A bit of every seventh byte of each piece that is bound. */
static void try_bytes(struct subject *subject)
{
	for (size_t i = 0; i < subject->bound; i++) {
		uint8_t *bytes = subject->files[i].ptr;

		for (size_t k = i; k < subject->pieces[i].size; k += 7) {
			bytes[k] ^= 0x20;
			if (holds(subject, &subject->request))
				fail_msg("piece %zu: byte %zu may change", i, k);
			bytes[k] ^= 0x20;
		}
	}
	assert_true(holds(subject, &subject->request));
}

struct turn {
	const struct subject *subject;
	struct tee_request request;
	bool good;
	size_t wrong;
};

static void *take_turns(void *context)
{
	struct turn *turn = context;

	for (size_t i = 0; i < TURNS; i++)
		turn->wrong += holds(turn->subject, &turn->request) != turn->good;
	return NULL;
}

/* Every second thread asks under a root that is none. */
static void try_threads(const struct subject *subject)
{
	struct turn turns[THREADS];
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		turns[i] = (struct turn){subject, subject->request, i % 2 == 0, 0};
		if (!turns[i].good)
			turns[i].request.pins.keys[0][3] ^= 1;
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns, &turns[i]),
				 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(turns[i].wrong, 0);
	}
}

static void try_all(struct subject *subject)
{
	ready(subject);
	try_threads(subject); /* nothing is known yet */
	assert_true(holds(subject, &subject->request));
	try_date(subject);
	try_root(subject);
	try_bytes(subject);
	try_threads(subject);
}

/* ---- Intel ---- */

static void intel_init(struct subject *subject, struct tdx_run *run)
{
	subject_init(subject, run->verifier);
	subject->collateral = tobi_collateral_new();
	assert_non_null(subject->collateral);
	dcap_test_put(&run->scene, &run->collateral, subject->collateral);
	dcap_scene_quote(&run->scene, &subject->evidence);
	subject->request.pins = dcap_scene_pins();
	subject->request.time = DCAP_NOW;
	subject->too_late = DCAP_NOW + 400 * DCAP_DAY;
}

/* Collateral that has ended counts for as long as the grace, whoever asked before; and
 * what was issued before the baseline does not. */
static void try_grace(struct subject *subject, int64_t ended, int64_t issued)
{
	struct tee_request changed = subject->request;

	changed.time = ended + 10;
	changed.grace = 100;
	assert_true(holds(subject, &changed));
	assert_true(holds(subject, &changed));
	changed.grace = 10;
	expect_refused(subject, &changed);
	changed.grace = 0;
	expect_refused(subject, &changed);
	changed = subject->request;
	changed.baseline = issued + 1;
	expect_refused(subject, &changed);
}

static void try_collateral(struct subject *subject, struct tdx_run *run)
{
	struct tee_request changed = subject->request;
	struct tobi_collateral *set = tobi_collateral_new();

	assert_non_null(set);
	dcap_test_put(&run->scene, &run->collateral, set);
	changed.collateral = set;
	expect_refused(subject, &changed);
	tobi_collateral_free(set);
}

static void run_intel(const struct tee_verifier *verifier, unsigned version,
		      enum dcap_body kind)
{
	struct subject subject;
	struct tdx_run run;

	tdx_run_init(&run);
	run.verifier = verifier;
	tdx_run_kind(&run, version, kind);
	intel_init(&subject, &run);
	try_all(&subject);
	try_grace(&subject, run.scene.pck_crl.next_update,
		  run.scene.root_crl.this_update);
	run.scene.pck_crl.revoked[0] = run.scene.certificates[DCAP_PCK].serial;
	try_collateral(&subject, &run);
	run.scene.pck_crl.revoked[0] = 0;
	run.scene.root_crl.revoked[0] = run.scene.certificates[DCAP_TCB_SIGNER].serial;
	try_collateral(&subject, &run);
	run.scene.root_crl.revoked[0] = 0;
	run.collateral.tcb.document.damage_signature = true;
	try_collateral(&subject, &run);
	run.collateral.tcb.document.damage_signature = false;
	run.collateral.qe.document.damage_signature = true;
	try_collateral(&subject, &run);
	subject_done(&subject);
	tdx_run_done(&run);
}

static void test_remembered__sgx__holds_for_the_same_only(void **state)
{
	(void)state;
	run_intel(&tee_sgx, 3, DCAP_SGX);
}

static void test_remembered__tdx__holds_for_the_same_only(void **state)
{
	(void)state;
	run_intel(&tee_tdx, 5, DCAP_TD15);
}

/* Each quote has another key of its platform's, and so is remembered for itself. A
 * sanitizer's allocator counts nothing: there it is a thousand more turns. */
static void test_remembered__a_thousand_platforms__no_more_memory(void **state)
{
	enum { FULL = 300, MANY_PLATFORMS = 1000, SLACK = 64 << 10 };
	size_t before = 0, after;
	struct tdx_run run;

	(void)state;
	tdx_run_init(&run);
	run.memo = memo_new();
	assert_non_null(run.memo);
	for (unsigned i = 0; i < MANY_PLATFORMS; i++) {
		store_be(run.scene.qe_auth, 4, i);
		tdx_run_passes(&run);
		if (i == FULL)
			before = mallinfo2().uordblks;
	}
	after = mallinfo2().uordblks;
	print_message("%zu bytes after %d, %zu after %d\n", before, FULL, after,
		      MANY_PLATFORMS);
	assert_true(after < before + SLACK);
	memo_free(run.memo);
	tdx_run_done(&run);
}

/* ---- AMD ---- */

static void run_snp(bool vlek)
{
	struct snp_scene scene;
	struct subject subject;

	snp_scene_make(&scene);
	if (vlek)
		snp_scene_vlek(&scene);
	scene.leaf_serial = 77;
	subject_init(&subject, &tee_snp);
	snp_scene_leaf(&scene, &subject.files[0]);
	snp_scene_ask(&scene, &subject.files[1]);
	snp_scene_ark(&scene, &subject.files[2]);
	snp_scene_crl(&scene, &subject.files[3]);
	snp_scene_report(&scene, &subject.evidence);
	pin(&subject, snp_scene_key(&scene, SNP_ARK));
	subject.request.time = scene.time;
	subject.too_late = scene.leaf_to + 1;
	subject.bound = 4;
	try_all(&subject);
	try_grace(&subject, scene.crl_to, scene.crl_from);
	/* Another list, of the same name. */
	scene.revoked = scene.leaf_serial;
	wr_done(&subject.files[3]);
	subject.files[3] = wr_init(LIMIT_EVIDENCE);
	snp_scene_crl(&scene, &subject.files[3]);
	subject.pieces[3] = wr_view(&subject.files[3]);
	assert_false(holds(&subject, &subject.request));
	subject_done(&subject);
	snp_scene_done(&scene);
}

static void test_remembered__snp_vcek__holds_for_the_same_only(void **state)
{
	(void)state;
	run_snp(false);
}

static void test_remembered__snp_vlek__holds_for_the_same_only(void **state)
{
	(void)state;
	run_snp(true);
}

static void test_remembered__sev__holds_for_the_same_only(void **state)
{
	struct subject subject;
	struct test_amd amd;
	struct test_sev sev;

	(void)state;
	test_amd_make(&amd, 4096, TEST_KEY_ID_ROME);
	test_sev_make(&sev, &amd);
	subject_init(&subject, &tee_sev);
	test_sev_chain(&sev, &subject.evidence);
	test_sev_launch(&sev, &subject.files[0]);
	pin(&subject, amd.ark_key);
	subject.request.time = SEV_TEST_NOW;
	subject.request.secret = (struct tobi_bytes){sev.tik, sizeof(sev.tik)};
	subject.images[0] = (struct tobi_bytes){sev.digest, sizeof(sev.digest)};
	subject.request.images = subject.images;
	subject.request.image_count = 1;
	try_all(&subject);
	subject_done(&subject);
	test_sev_done(&sev);
	test_amd_done(&amd);
}

/* ---- Microsoft, over AMD ---- */

/* Its hardware's chain is remembered; the paravisor's key and the quote are each its own.
 */
static void test_remembered__azure__holds_for_the_same_only(void **state)
{
	struct azure_scene scene;
	struct subject subject;

	(void)state;
	azure_scene_make(&scene, false);
	scene.form = AZURE_FILES;
	scene.snp.leaf_serial = 77;
	subject_init(&subject, &tee_azure_snp);
	azure_scene_evidence(&scene, &subject.evidence);
	assert_true(scene.piece_count <= FILES);
	for (size_t i = 0; i < scene.piece_count; i++)
		wr_bytes(&subject.files[i], scene.pieces[i].ptr, scene.pieces[i].size);
	pin(&subject, snp_scene_key(&scene.snp, SNP_ARK));
	subject.request.time = scene.snp.time;
	subject.too_late = scene.snp.leaf_to + 1;
	subject.bound = scene.piece_count;
	try_all(&subject);
	try_grace(&subject, scene.snp.crl_to, scene.snp.crl_from);
	subject_done(&subject);
	azure_scene_done(&scene);
}

/* ---- Amazon ---- */

static void run_nitro(enum nitro_kind kind, const struct tee_verifier *verifier)
{
	struct test_nitro nitro;
	struct subject subject;

	test_nitro_make(&nitro, kind);
	subject_init(&subject, verifier);
	test_nitro_document(&nitro, &subject.evidence);
	pin(&subject, nitro.certificates[NITRO_ROOT].key);
	subject.request.time = nitro.now;
	try_all(&subject);
	subject_done(&subject);
	test_nitro_done(&nitro);
}

static void test_remembered__nitro__holds_for_the_same_only(void **state)
{
	(void)state;
	run_nitro(NITRO_ENCLAVE, &tee_nitro);
}

static void test_remembered__nitro_tpm__holds_for_the_same_only(void **state)
{
	(void)state;
	run_nitro(NITRO_TPM, &tee_nitro_tpm);
}

/* ---- NVIDIA ---- */

static void test_remembered__nvidia__holds_for_the_same_only(void **state)
{
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));
	struct tobi_bytes pieces[NV_PIECES];
	struct tee_request changed;
	struct subject subject;
	size_t count;

	(void)state;
	assert_non_null(scene);
	nvidia_scene_init(scene);
	nvidia_scene_make(scene);
	subject_init(&subject, &tee_nvidia);
	wr_bytes(&subject.evidence, scene->evidence.ptr, scene->evidence.size);
	count = nvidia_scene_pieces(scene, pieces);
	assert_true(count <= FILES);
	for (size_t i = 0; i < count; i++)
		wr_bytes(&subject.files[i], pieces[i].ptr, pieces[i].size);
	pin(&subject, scene->certificates[NV_RIM_ROOT].key);
	subject.request.reference_pins = subject.request.pins;
	pin(&subject, scene->certificates[NV_ROOT].key);
	subject.request.time = NV_NOW;
	subject.too_late = NV_NOW + 31 * NV_DAY;
	subject.bound = 3; /* the chain, and both files of reference values */
	try_all(&subject);
	changed = subject.request;
	changed.reference_pins.keys[0][0] ^= 1;
	expect_refused(&subject, &changed);
	/* An answer that was good, and is another one now. */
	scene->answers[NV_ROM] = NV_REVOKED;
	nvidia_scene_make(scene);
	count = nvidia_scene_pieces(scene, pieces);
	changed = subject.request;
	changed.evidence = wr_view(&scene->evidence);
	changed.pieces = pieces;
	changed.piece_count = count;
	expect_refused(&subject, &changed);
	subject_done(&subject);
	nvidia_scene_done(scene);
	free(scene);
}

/* The certificates of a chain that is known are read again for an answer that is new. */
static void test_remembered__nvidia__answers_that_come_later__count(void **state)
{
	static const struct {
		enum nv_place place;
		enum nv_answer answer;
		bool good;
	} later[] = {
	    {NV_ROM, NV_REVOKED, false},	 {NV_ROM, NV_GOOD, true},
	    {NV_RIM_SIGNER, NV_REVOKED, false},	 {NV_RIM_SIGNER, NV_GOOD, true},
	    {NV_PROVISIONER, NV_UNKNOWN, false},
	};
	struct nvidia_scene *scene = calloc(1, sizeof(*scene));
	struct tobi_bytes pieces[NV_PIECES];
	struct subject subject;

	(void)state;
	assert_non_null(scene);
	nvidia_scene_init(scene);
	nvidia_scene_make(scene);
	subject_init(&subject, &tee_nvidia);
	wr_bytes(&subject.evidence, scene->evidence.ptr, scene->evidence.size);
	nvidia_scene_pieces(scene, pieces);
	for (size_t i = 0; i < 3; i++)
		wr_bytes(&subject.files[i], pieces[i].ptr, pieces[i].size);
	pin(&subject, scene->certificates[NV_RIM_ROOT].key);
	subject.request.reference_pins = subject.request.pins;
	pin(&subject, scene->certificates[NV_ROOT].key);
	subject.request.time = NV_NOW;
	ready(&subject);
	assert_true(holds(&subject, &subject.request));
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		struct tee_request with = subject.request;

		scene->answers[later[i].place] = later[i].answer;
		nvidia_scene_answers(scene);
		with.piece_count = nvidia_scene_pieces(scene, pieces);
		with.pieces = pieces;
		assert_int_equal(holds(&subject, &with), later[i].good);
		assert_int_equal(holds(&subject, &with), later[i].good);
	}
	assert_true(holds(&subject, &subject.request));
	subject_done(&subject);
	nvidia_scene_done(scene);
	free(scene);
}

/* ---- Intel's retired service ---- */

static void test_remembered__epid__holds_for_the_same_only(void **state)
{
	struct test_service service;
	struct test_epid epid;
	struct subject subject;

	(void)state;
	test_service_make(&service, NULL, NULL);
	test_epid_make(&epid, &service);
	subject_init(&subject, &tee_epid);
	test_epid_body(&epid, &subject.evidence);
	test_epid_signature(&epid, wr_view(&subject.evidence), &subject.files[0]);
	wr_bytes(&subject.files[1], service.chain.ptr, service.chain.size);
	pin(&subject, service.root_key);
	subject.request.time = epid.time;
	subject.bound = 2;
	try_all(&subject);
	subject_done(&subject);
	test_service_done(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_remembered__sgx__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__tdx__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__a_thousand_platforms__no_more_memory),
	    cmocka_unit_test(test_remembered__snp_vcek__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__snp_vlek__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__sev__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__nitro__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__azure__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__nitro_tpm__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__nvidia__holds_for_the_same_only),
	    cmocka_unit_test(test_remembered__nvidia__answers_that_come_later__count),
	    cmocka_unit_test(test_remembered__epid__holds_for_the_same_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
