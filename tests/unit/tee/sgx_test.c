#include "tee/sgx.h"

#include "base/endian.h"
#include "tee/sgx_claims.h"
#include "tee/sgx_report.h"
#include "tests/bytes.h"
#include "tests/dcap_scene.h"

struct world {
	struct dcap_scene scene;
	struct tobi_collateral *set;
	struct arena arena;
	struct checklist list;
	struct tee_claims claims;
	struct tee_request request;
	struct writer quote;
};

static int setup(void **state)
{
	static struct world world;

	world = (struct world){.set = tobi_collateral_new(),
			       .arena = arena_init(1 << 20),
			       .quote = wr_init(LIMIT_EVIDENCE)};
	world.list.arena = &world.arena;
	dcap_scene_make(&world.scene);
	world.request = (struct tee_request){
	    .time = DCAP_NOW, .pins = dcap_scene_pins(), .collateral = world.set};
	assert_non_null(world.set);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	tobi_collateral_free(world->set);
	arena_done(&world->arena);
	wr_done(&world->quote);
	return 0;
}

static enum tobi_err examine_bytes(struct world *world, struct tobi_bytes evidence)
{
	struct block block = block_new(evidence);
	struct tobi_fault fault = {0};
	enum tobi_err err;

	world->list = (struct checklist){.arena = world->list.arena};
	world->claims = (struct tee_claims){0};
	world->request.evidence = block_view(block);
	err = tee_sgx.examine(&world->request, &world->list, &world->claims, &fault);
	assert_int_equal(err, fault.code);
	/* Nothing of the claims may point into the evidence. */
	memset(block.ptr, 0xee, block.size);
	block_done(block);
	return err;
}

static enum tobi_err examine(struct world *world)
{
	world->quote.size = 0;
	dcap_scene_quote(&world->scene, &world->quote);
	dcap_scene_put_crls(&world->scene, world->set);
	return examine_bytes(world, wr_view(&world->quote));
}

static const struct check_record *record(const struct world *world, const char *code)
{
	for (size_t i = 0; i < world->list.count; i++) {
		if (strcmp(world->list.records[i].check->code, code) == 0)
			return &world->list.records[i];
	}
	fail_msg("%s is not owed", code);
	return NULL;
}

/* Among those that this test is about: the rest wants TCB information. */
static void expect_alone(const struct world *world, const char *failed)
{
	static const char *const codes[] = {"SGX-FORMAT",	   "DCAP-PCK-CHAIN",
					    "DCAP-PCK-REVOCATION", "DCAP-QE-SIGNATURE",
					    "DCAP-QE-BINDING",	   "DCAP-QUOTE-SIGNATURE",
					    "SGX-ATTRIBUTES",	   "SGX-REPORT-DATA"};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		enum tobi_outcome outcome = record(world, codes[i])->outcome;

		if (strcmp(codes[i], failed) == 0)
			assert_int_equal(outcome, TOBI_FAILED);
		else
			assert_true(outcome == TOBI_PASSED ||
				    (outcome == TOBI_NOT_ASKED &&
				     strcmp(codes[i], "SGX-REPORT-DATA") == 0));
	}
}

static void test_sgx_examine__good__claims(void **state)
{
	struct world *world = *state;
	uint8_t *body = world->scene.body;

	store_le(body + 48, 8, SGX_INITTED | SGX_MODE64BIT | SGX_KSS);
	memset(body + 32, 0x21, 16);
	memset(body + 192, 0x22, 64);
	memset(body + 304, 0x23, 16);
	store_le(body + 260, 2, 9);
	assert_int_equal(examine(world), TOBI_OK);
	expect_alone(world, "");
	assert_string_equal(world->claims.tier, "sgx");
	assert_string_equal(world->claims.root_kind, "hardware");
	assert_bytes_equal(world->claims.image_id, ((struct tobi_bytes){body + 64, 32}));
	assert_int_equal(world->claims.signer_count, 1);
	assert_bytes_equal(world->claims.signers[0],
			   ((struct tobi_bytes){body + 128, 32}));
	assert_bytes_equal(world->claims.config_id,
			   ((struct tobi_bytes){body + 192, 64}));
	assert_bytes_equal(world->claims.report_data,
			   ((struct tobi_bytes){body + 320, 64}));
	assert_bytes_equal(world->claims.nonce, world->claims.report_data);
	assert_bytes_equal(world->claims.hardware,
			   ((struct tobi_bytes){world->scene.pck.ppid, 16}));
	assert_int_equal(world->claims.product, 7);
	assert_int_equal(world->claims.svn, 3);
	assert_true(world->claims.timeless);
	assert_false(world->claims.debug);
	assert_true(world->claims.sgx->kss);
	assert_int_equal(world->claims.sgx->config_svn, 9);
	assert_bytes_equal(world->claims.sgx->ext_product,
			   ((struct tobi_bytes){body + 32, 16}));
	assert_bytes_equal(world->claims.sgx->family,
			   ((struct tobi_bytes){body + 304, 16}));
}

static void test_sgx_examine__debug__told(void **state)
{
	struct world *world = *state;

	world->scene.body[48] |= SGX_DEBUG;
	assert_int_equal(examine(world), TOBI_OK);
	assert_true(world->claims.debug);
}

static void test_sgx_examine__each_version__read(void **state)
{
	struct world *world = *state;

	for (unsigned version = 3; version <= 5; version++) {
		dcap_scene_kind(&world->scene, version, DCAP_SGX);
		assert_int_equal(examine(world), TOBI_OK);
		expect_alone(world, "");
	}
}

static void test_sgx_examine__quote_of_a_td__error(void **state)
{
	struct world *world = *state;

	dcap_scene_kind(&world->scene, 4, DCAP_TD10);
	assert_int_equal(examine(world), TOBI_E_MALFORMED);
}

struct failure {
	const char *code;
	void (*damage)(struct world *world);
};
#define FAILS(code, damage)                                                              \
	{                                                                                \
		code, damage                                                             \
	}

static void vendor_of_another(struct world *world)
{
	world->scene.vendor[0] ^= 1;
}
static void reserved_set(struct world *world)
{
	world->scene.body[20] = 1;
}
static void not_initialised(struct world *world)
{
	world->scene.body[48] &= (uint8_t)~SGX_INITTED;
}
static void other_claims(struct world *world)
{
	world->request.claims_buffer = text_bytes("x");
}

static const struct failure failures[] = {
    FAILS("SGX-FORMAT", vendor_of_another),
    FAILS("SGX-FORMAT", reserved_set),
    FAILS("SGX-ATTRIBUTES", not_initialised),
    FAILS("SGX-REPORT-DATA", other_claims),
};

static void test_sgx_examine__one_thing_wrong__that_check_alone_fails(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct world *world = *state;

		failures[i].damage(world);
		assert_int_equal(examine(world), TOBI_OK);
		expect_alone(world, failures[i].code);
		teardown(state);
		setup(state);
	}
}

static void test_sgx_examine__each_attribute__known_ones_pass(void **state)
{
	/* INITTED itself is set already. */
	static const uint64_t known = SGX_DEBUG | SGX_MODE64BIT | SGX_PROVISION_KEY |
				      SGX_EINITTOKEN_KEY | SGX_CET | SGX_KSS |
				      SGX_AEX_NOTIFY;
	struct world *world = *state;

	for (unsigned bit = 1; bit < 64; bit++) {
		world->scene.body[48 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(examine(world), TOBI_OK);
		expect_alone(world, known >> bit & 1 ? "" : "SGX-ATTRIBUTES");
		world->scene.body[48 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_sgx_examine__report_data_of_the_claims__passes(void **state)
{
	struct world *world = *state;

	world->request.claims_buffer = text_bytes("x");
	memset(world->scene.body + 320, 0, 64);
	assert_int_equal(
	    hash_sha256(world->request.claims_buffer, world->scene.body + 320), TOBI_OK);
	assert_int_equal(examine(world), TOBI_OK);
	assert_int_equal(record(world, "SGX-REPORT-DATA")->outcome, TOBI_PASSED);
}

static void test_sgx_examine__every_truncation__error(void **state)
{
	struct world *world = *state;

	assert_int_equal(examine(world), TOBI_OK);
	for (size_t size = 0; size < world->quote.size; size++)
		assert_true(
		    examine_bytes(world, (struct tobi_bytes){world->quote.ptr, size}));
}

/* What the quote signs, and what vouches for it: no bit of it may be turned. */
static void test_sgx_examine__every_byte_changed__refused(void **state)
{
	struct world *world = *state;

	assert_int_equal(examine(world), TOBI_OK);
	/* Up to the certificates: a newline more between two of them is no change. */
	for (size_t at = 0; at < 48 + 384 + 4 + 584 + 32; at++) {
		bool refused = false;

		world->quote.ptr[at] ^= 0x10;
		refused = examine_bytes(world, wr_view(&world->quote)) != TOBI_OK;
		for (size_t i = 0; i < world->list.count; i++)
			refused |= world->list.records[i].outcome == TOBI_FAILED &&
				   strncmp(world->list.records[i].check->code, "DCAP-TCB",
					   8) != 0 &&
				   strcmp(world->list.records[i].check->code,
					  "DCAP-QE-IDENTITY") != 0;
		assert_true(refused);
		world->quote.ptr[at] ^= 0x10;
	}
}

/* Open Enclave's 16 bytes. */
static struct block framed(const struct world *world, uint32_t version, uint32_t kind,
			   uint64_t size)
{
	struct writer out = wr_init(LIMIT_EVIDENCE);
	uint8_t head[16];
	struct block block;

	store_le(head, 4, version);
	store_le(head + 4, 4, kind);
	store_le(head + 8, 8, size);
	wr_bytes(&out, head, sizeof(head));
	wr_bytes(&out, world->quote.ptr, world->quote.size);
	block = block_new(wr_view(&out));
	wr_done(&out);
	return block;
}

static bool recognised(const struct world *world, uint32_t version, uint32_t kind,
		       uint64_t size)
{
	struct block block = framed(world, version, kind, size);
	bool known = tee_sgx.recognise(block_view(block));

	block_done(block);
	return known;
}

static void test_sgx_examine__behind_open_enclaves_header__read(void **state)
{
	struct world *world = *state;
	struct block block;

	assert_int_equal(examine(world), TOBI_OK);
	block = framed(world, 1, 2, world->quote.size);
	assert_int_equal(examine_bytes(world, block_view(block)), TOBI_OK);
	expect_alone(world, "");
	block_done(block);
}

static void test_sgx_recognise__quotes_of_sgx_alone(void **state)
{
	struct world *world = *state;

	assert_int_equal(examine(world), TOBI_OK);
	assert_true(tee_sgx.recognise(wr_view(&world->quote)));
	assert_true(recognised(world, 1, 2, world->quote.size));
	assert_false(recognised(world, 2, 2, world->quote.size));
	assert_false(recognised(world, 1, 1, world->quote.size));
	assert_false(recognised(world, 1, 2, world->quote.size - 1));
	assert_false(recognised(world, 1, 2, world->quote.size + 1));
	assert_false(tee_sgx.recognise((struct tobi_bytes){0}));
	world->quote.ptr[4] = 0x81;
	assert_false(tee_sgx.recognise(wr_view(&world->quote)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_sgx_examine__good__claims),
	    TEST(test_sgx_examine__debug__told),
	    TEST(test_sgx_examine__each_version__read),
	    TEST(test_sgx_examine__quote_of_a_td__error),
	    TEST(test_sgx_examine__one_thing_wrong__that_check_alone_fails),
	    TEST(test_sgx_examine__each_attribute__known_ones_pass),
	    TEST(test_sgx_examine__report_data_of_the_claims__passes),
	    TEST(test_sgx_examine__every_truncation__error),
	    TEST(test_sgx_examine__every_byte_changed__refused),
	    TEST(test_sgx_examine__behind_open_enclaves_header__read),
	    TEST(test_sgx_recognise__quotes_of_sgx_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
