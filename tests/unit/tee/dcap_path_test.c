/* Where the platform's certificate is found, for quotes that bring no chain of it; and
 * what may not be on its way to Intel's root. */
#include "tee/dcap_path.h"

#include "codec/cbor.h"
#include "tests/unit/tee/dcap_world.h"

static struct tobi_bytes pem_of(struct world *world, const enum dcap_scene_role *roles,
				size_t count)
{
	world->pem.size = 0;
	for (size_t i = 0; i < count; i++)
		dcap_scene_pem(&world->scene, roles[i], &world->pem);
	return wr_view(&world->pem);
}

static const enum dcap_scene_role whole[] = {DCAP_PCK, DCAP_CA, DCAP_ROOT};
static const unsigned without_chain[] = {1, 2, 3, 4, 7};

static void test_dcap_examine__no_chain_and_nothing_beside__told(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 5; i++) {
		world->scene.certification = without_chain[i];
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
		assert_int_equal(outcome(world, "DCAP-QUOTE-SIGNATURE"), TOBI_PASSED);
		if (without_chain[i] != 4)
			assert_non_null(
			    strstr(found(world, "DCAP-PCK-CHAIN"),
				   "no PCK certificate came beside the quote"));
	}
}

static void test_dcap_examine__no_chain__pieces_help(void **state)
{
	struct world *world = *state;
	struct tobi_bytes pieces[2] = {BYTES('l', 'o', 'g'), {0}};

	world->request.pieces = pieces;
	world->request.piece_count = 2;
	for (size_t i = 0; i < 5; i++) {
		pieces[1] = pem_of(world, whole, 3);
		world->scene.certification = without_chain[i];
		make_and_examine(world);
		assert_true(all_passed(world));
	}
}

static void test_dcap_examine__no_chain__collateral_helps(void **state)
{
	struct world *world = *state;
	struct dcap_scene other = world->scene;
	struct collateral_item item = {.kind = COLLATERAL_PCK, .name = ""};

	/* Another platform's, before and behind. */
	other.certificates[DCAP_PCK].key = DCAP_KEY_OTHER;
	for (unsigned i = 0; i < 3; i++) {
		world->pem.size = 0;
		dcap_scene_pem(i == 1 ? &world->scene : &other, DCAP_PCK, &world->pem);
		dcap_scene_pem(&world->scene, DCAP_CA, &world->pem);
		dcap_scene_pem(&world->scene, DCAP_ROOT, &world->pem);
		item.data = wr_view(&world->pem);
		assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	}
	for (size_t i = 0; i < 5; i++) {
		world->scene.certification = without_chain[i];
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_PASSED);
		/* A leaf of its own has issuers in no item. */
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"),
				 without_chain[i] == 4 ? TOBI_FAILED : TOBI_PASSED);
	}
}

static void test_dcap_examine__leaf_alone__issuers_among_the_certificates(void **state)
{
	struct world *world = *state;
	struct collateral_item item = {.kind = COLLATERAL_CERTIFICATE, .name = ""};

	for (size_t i = 1; i < 3; i++) {
		item.data = pem_of(world, &whole[i], 1);
		assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	}
	world->scene.certification = DCAP_PCK_LEAF;
	make_and_examine(world);
	assert_true(all_passed(world));
}

static void test_dcap_examine__certificate_of_another_platform__told(void **state)
{
	struct world *world = *state;
	struct dcap_scene other = world->scene;
	struct tobi_bytes piece;

	other.certificates[DCAP_PCK].key = DCAP_KEY_OTHER;
	dcap_scene_pem(&other, DCAP_PCK, &world->pem);
	dcap_scene_pem(&other, DCAP_CA, &world->pem);
	dcap_scene_pem(&other, DCAP_ROOT, &world->pem);
	piece = wr_view(&world->pem);
	world->request.pieces = &piece;
	world->request.piece_count = 1;
	world->scene.certification = DCAP_PPID_RSA3072;
	make_and_examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_NOT_RUN);
	assert_non_null(strstr(found(world, "DCAP-PCK-CHAIN"), "is of its platform"));
}

/* The quote names another than the one whose key signed the report: a clear PPID, and a
 * PCE-ID in each form. */
static void
test_dcap_examine__certificate_that_the_quote_does_not_name__none(void **state)
{
	static const unsigned named[] = {1, 1, 2, 3};
	struct world *world = *state;

	for (size_t i = 0; i < 4; i++) {
		struct dcap_scene other = world->scene;
		struct tobi_bytes piece;

		if (i == 0)
			other.pck.ppid[15] ^= 1;
		else
			other.pck.pce_id[1] ^= 1;
		world->pem.size = 0;
		for (size_t j = 0; j < 3; j++)
			dcap_scene_pem(&other, whole[j], &world->pem);
		piece = wr_view(&world->pem);
		world->request.pieces = &piece;
		world->request.piece_count = 1;
		world->scene.certification = named[i];
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
		assert_int_equal(outcome(world, "DCAP-QE-SIGNATURE"), TOBI_NOT_RUN);
	}
}

/* A quote with a whole chain takes no help: what is in it is what counts. */
static void test_dcap_examine__chain_without_a_root__pieces_do_not_help(void **state)
{
	struct world *world = *state;
	struct tobi_bytes piece = pem_of(world, whole, 3);

	world->request.pieces = &piece;
	world->request.piece_count = 1;
	world->scene.chain_count = 2;
	make_and_examine(world);
	expect_alone(world, "DCAP-PCK-CHAIN");
}

static void test_dcap_examine__known_with_help__not_without(void **state)
{
	struct world *world = *state;
	struct tobi_bytes piece = pem_of(world, whole, 3);

	world->request.memo = memo_new();
	world->request.pieces = &piece;
	world->request.piece_count = 1;
	world->scene.certification = DCAP_PPID_RSA3072;
	make_and_examine(world);
	assert_true(all_passed(world));
	examine(world);
	assert_true(all_passed(world));
	world->request.piece_count = 0;
	examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
}

/* The same lists, byte for byte, and no certificate of a platform. */
static struct tobi_collateral *without_pck(const struct world *world)
{
	struct tobi_collateral *set = tobi_collateral_new();
	const struct collateral_item *item;

	assert_non_null(set);
	for (size_t i = 0; (item = collateral_at(world->set, i)); i++) {
		if (item->kind != COLLATERAL_PCK)
			assert_int_equal(collateral_put(set, item, NULL), TOBI_OK);
	}
	return set;
}

static void test_dcap_examine__known_with_collateral__not_without(void **state)
{
	struct world *world = *state;
	struct collateral_item item = {.kind = COLLATERAL_PCK, .name = ""};
	struct tobi_collateral *without;

	item.data = pem_of(world, whole, 3);
	assert_int_equal(collateral_put(world->set, &item, NULL), TOBI_OK);
	world->request.memo = memo_new();
	world->scene.certification = DCAP_PPID_RSA3072;
	make_and_examine(world);
	assert_true(all_passed(world));
	without = without_pck(world);
	world->request.collateral = without;
	examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	tobi_collateral_free(without);
}

static void test_dcap_examine__known_with_endorsements__not_without(void **state)
{
	struct world *world = *state;
	struct writer record = wr_init(LIMIT_PEM);

	cbor_write_array(&record, 1);
	cbor_write_bytes(&record, pem_of(world, whole, 3));
	world->request.endorsements = wr_view(&record);
	world->request.memo = memo_new();
	world->scene.certification = DCAP_PPID_RSA3072;
	make_and_examine(world);
	assert_true(all_passed(world));
	world->request.endorsements = (struct tobi_bytes){0};
	examine(world);
	assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
	wr_done(&record);
}

/* ---- what is wrong with the path, and with the lists ---- */

/* In place of the scene's own root. */
static void pin(struct world *world, enum dcap_scene_key number, bool p384)
{
	EVP_PKEY *key = dcap_scene_key(number, p384);

	assert_int_equal(key_spki_sha256(key, world->request.pins.keys[0], NULL),
			 TOBI_OK);
	EVP_PKEY_free(key);
}
static void no_roots(struct world *world)
{
	world->request.pins.count = 0;
}
static void root_not_there(struct world *world)
{
	world->scene.chain_count = 2;
}
static void ca_not_there(struct world *world)
{
	world->scene.chain[1] = DCAP_ROOT;
	world->scene.chain_count = 2;
}
static void damaged_leaf(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->damage = true;
}
static void damaged_ca(struct world *world)
{
	CERTIFICATE(DCAP_CA)->damage = true;
}
static void damaged_root(struct world *world)
{
	CERTIFICATE(DCAP_ROOT)->damage = true;
}
static void leaf_of_another_ca(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->issuer_key = DCAP_KEY_OTHER;
}
static void leaf_not_yet_valid(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->not_before = DCAP_NOW + 1;
}
static void ca_not_yet_valid(struct world *world)
{
	CERTIFICATE(DCAP_CA)->not_before = DCAP_NOW + 1;
}
static void root_not_yet_valid(struct world *world)
{
	CERTIFICATE(DCAP_ROOT)->not_before = DCAP_NOW + 1;
}
static void leaf_expired(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->not_after = DCAP_NOW;
}
static void ca_expired(struct world *world)
{
	CERTIFICATE(DCAP_CA)->not_after = DCAP_NOW - 1;
}
static void root_expired(struct world *world)
{
	CERTIFICATE(DCAP_ROOT)->not_after = DCAP_NOW - 1;
}
static void ca_is_none(struct world *world)
{
	CERTIFICATE(DCAP_CA)->ca = false;
}
static void root_with_short_path(struct world *world)
{
	CERTIFICATE(DCAP_ROOT)->pathlen = 0;
}
/* Without a platform instance: there is nothing else that would tell it from a CA of
 * processors. */
static void ca_with_another_name(struct world *world)
{
	dcap_scene_processor(&world->scene);
	CERTIFICATE(DCAP_CA)->name = "Intel SGX PCK CA";
	CERTIFICATE(DCAP_PCK)->issuer_name = "Intel SGX PCK CA";
	world->scene.pck_crl.issuer_name = "Intel SGX PCK CA";
}
static void root_with_another_name(struct world *world)
{
	CERTIFICATE(DCAP_ROOT)->name = "Intel Root";
	CERTIFICATE(DCAP_ROOT)->issuer_name = "Intel Root";
	CERTIFICATE(DCAP_CA)->issuer_name = "Intel Root";
}
/* One that the root has made between them, and named as itself. */
static void path_of_four(struct world *world)
{
	struct dcap_scene_certificate *between = CERTIFICATE(DCAP_TCB_SIGNER);

	between->name = CERTIFICATE(DCAP_ROOT)->name;
	between->ca = true;
	between->pathlen = 1;
	CERTIFICATE(DCAP_ROOT)->pathlen = 2;
	CERTIFICATE(DCAP_CA)->issuer_key = DCAP_KEY_TCB_SIGNER;
	world->scene.chain[2] = DCAP_TCB_SIGNER;
	world->scene.chain[3] = DCAP_ROOT;
	world->scene.chain_count = 4;
}
static void leaf_under_the_root(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->issuer_name = "Intel SGX Root CA";
	CERTIFICATE(DCAP_PCK)->issuer_key = DCAP_KEY_ROOT;
}
static void leaf_is_a_ca(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->ca = true;
	CERTIFICATE(DCAP_PCK)->pathlen = 0;
}
static void leaf_with_critical(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->critical = true;
}
static void leaf_without_key_identifier(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->no_key_identifier = true;
}
static void ca_with_another_hash(struct world *world)
{
	CERTIFICATE(DCAP_CA)->sha384 = true;
}
static void ca_of_version_1(struct world *world)
{
	CERTIFICATE(DCAP_CA)->version = 0;
}
static void leaf_without_extension(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->sgx_extensions = 0;
}
static void leaf_with_two(struct world *world)
{
	CERTIFICATE(DCAP_PCK)->sgx_extensions = 2;
}
static void extension_cut(struct world *world)
{
	static const uint8_t empty[] = {0x30, 0};

	world->scene.extension = (struct tobi_bytes){empty, sizeof(empty)};
}
static void processor_with_instance(struct world *world)
{
	dcap_scene_processor(&world->scene);
	world->scene.pck.has_instance = true;
}
static void platform_without_instance(struct world *world)
{
	world->scene.pck.has_instance = false;
}
static void root_list_absent(struct world *world)
{
	world->scene.root_crl.absent = true;
}
static void pck_list_absent(struct world *world)
{
	world->scene.pck_crl.absent = true;
}
static void root_revoked(struct world *world)
{
	world->scene.root_crl.revoked[3] = CERTIFICATE(DCAP_ROOT)->serial;
}
static void list_of_another(struct world *world)
{
	world->scene.pck_crl.issuer_key = DCAP_KEY_ROOT;
}
static void list_expired(struct world *world)
{
	world->scene.pck_crl.next_update = DCAP_NOW;
}
static void list_of_the_future(struct world *world)
{
	world->scene.pck_crl.this_update = DCAP_NOW + 1;
}
static void root_list_expired(struct world *world)
{
	world->scene.root_crl.next_update = DCAP_NOW;
}
static void root_list_of_the_future(struct world *world)
{
	world->scene.root_crl.this_update = DCAP_NOW + 1;
}
static void list_damaged(struct world *world)
{
	world->scene.root_crl.damage = true;
}

static const struct failure failures[] = {
    FAILS("DCAP-PCK-CHAIN", other_root),
    FAILS("DCAP-PCK-CHAIN", no_roots),
    FAILS("DCAP-PCK-CHAIN", root_not_there),
    FAILS("DCAP-PCK-CHAIN", ca_not_there),
    FAILS("DCAP-PCK-CHAIN", damaged_leaf),
    FAILS("DCAP-PCK-CHAIN", damaged_ca),
    FAILS("DCAP-PCK-CHAIN", damaged_root),
    FAILS("DCAP-PCK-CHAIN", leaf_of_another_ca),
    FAILS("DCAP-PCK-CHAIN", leaf_not_yet_valid),
    FAILS("DCAP-PCK-CHAIN", ca_not_yet_valid),
    FAILS("DCAP-PCK-CHAIN", root_not_yet_valid),
    FAILS("DCAP-PCK-CHAIN", leaf_expired),
    FAILS("DCAP-PCK-CHAIN", ca_expired),
    FAILS("DCAP-PCK-CHAIN", root_expired),
    FAILS("DCAP-PCK-CHAIN", ca_is_none),
    FAILS("DCAP-PCK-CHAIN", root_with_short_path),
    FAILS("DCAP-PCK-CHAIN", ca_with_another_name),
    FAILS("DCAP-PCK-CHAIN", root_with_another_name),
    FAILS("DCAP-PCK-CHAIN", path_of_four),
    FAILS("DCAP-PCK-CHAIN", leaf_under_the_root),
    FAILS("DCAP-PCK-CHAIN", leaf_is_a_ca),
    FAILS("DCAP-PCK-CHAIN", leaf_with_critical),
    FAILS("DCAP-PCK-CHAIN", leaf_without_key_identifier),
    FAILS("DCAP-PCK-CHAIN", ca_with_another_hash),
    FAILS("DCAP-PCK-CHAIN", ca_of_version_1),
    FAILS("DCAP-PCK-CHAIN", leaf_without_extension),
    FAILS("DCAP-PCK-CHAIN", leaf_with_two),
    FAILS("DCAP-PCK-CHAIN", extension_cut),
    FAILS("DCAP-PCK-CHAIN", processor_with_instance),
    FAILS("DCAP-PCK-CHAIN", platform_without_instance),
    FAILS("DCAP-PCK-REVOCATION", root_list_absent),
    FAILS("DCAP-PCK-REVOCATION", pck_list_absent),
    FAILS("DCAP-PCK-REVOCATION", ca_revoked),
    FAILS("DCAP-PCK-REVOCATION", root_revoked),
    FAILS("DCAP-PCK-REVOCATION", leaf_revoked),
    FAILS("DCAP-PCK-REVOCATION", list_of_another),
    FAILS("DCAP-PCK-REVOCATION", list_expired),
    FAILS("DCAP-PCK-REVOCATION", list_of_the_future),
    FAILS("DCAP-PCK-REVOCATION", root_list_expired),
    FAILS("DCAP-PCK-REVOCATION", root_list_of_the_future),
    FAILS("DCAP-PCK-REVOCATION", list_damaged),
};

static void test_dcap_path__one_thing_wrong__that_check_alone_fails(void **state)
{
	expect_each(state, failures, sizeof(failures) / sizeof(failures[0]));
}

/* Each of the three is of the one form that Intel's have: the key's curve, and what it is
 * signed with. All that hangs on it is signed to fit. */
static void test_dcap_path__another_curve_or_hash__that_is_told(void **state)
{
	struct world *world = *state;

	for (enum dcap_scene_role role = DCAP_ROOT; role <= DCAP_PCK; role++) {
		CERTIFICATE(role)->sha384 = true;
		make_and_examine(world);
		expect_alone(world, "DCAP-PCK-CHAIN");
		assert_non_null(strstr(found(world, "DCAP-PCK-CHAIN"), "and SHA-256"));
		CERTIFICATE(role)->sha384 = false;
		CERTIFICATE(role)->p384 = true;
		if (role == DCAP_ROOT)
			pin(world, DCAP_KEY_ROOT, true);
		make_and_examine(world);
		assert_int_equal(outcome(world, "DCAP-PCK-CHAIN"), TOBI_FAILED);
		assert_non_null(strstr(found(world, "DCAP-PCK-CHAIN"), "curve P-256"));
		CERTIFICATE(role)->p384 = false;
		world->request.pins = dcap_scene_pins();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_dcap_examine__no_chain_and_nothing_beside__told),
	    TEST(test_dcap_examine__no_chain__pieces_help),
	    TEST(test_dcap_examine__no_chain__collateral_helps),
	    TEST(test_dcap_examine__leaf_alone__issuers_among_the_certificates),
	    TEST(test_dcap_examine__certificate_of_another_platform__told),
	    TEST(test_dcap_examine__certificate_that_the_quote_does_not_name__none),
	    TEST(test_dcap_examine__chain_without_a_root__pieces_do_not_help),
	    TEST(test_dcap_examine__known_with_help__not_without),
	    TEST(test_dcap_examine__known_with_collateral__not_without),
	    TEST(test_dcap_examine__known_with_endorsements__not_without),
	    TEST(test_dcap_path__one_thing_wrong__that_check_alone_fails),
	    TEST(test_dcap_path__another_curve_or_hash__that_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
