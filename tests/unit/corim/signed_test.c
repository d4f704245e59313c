/* Signed documents: whose they are, and what a change of any byte does. */
#include "corim/signed.h"

#include "codec/cbor.h"
#include "corim/key.h"
#include "pki/cert.h"
#include "tests/bytes.h"
#include "tests/corim_scene.h"

enum { NOW = 1900000000 };

static const struct corim_frame frame = {.triples =
					     "m1 0 a1 a2 m1 0 m1 1 \"V\" a1 m1 1 m1 1 3"};
static const struct corim_validity validity = {true, true, NOW - 10, NOW + 10};
static EVP_PKEY *key, *stranger;
static struct writer unsigned_bytes, signed_bytes;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
	assert_int_equal(key_new(KEY_P256, &stranger, NULL), 0);
	unsigned_bytes = wr_init(LIMIT_CORIM);
	signed_bytes = wr_init(LIMIT_CORIM);
	corim_frame(&unsigned_bytes, &frame, NULL, NULL);
	corim_frame_sign(&signed_bytes, wr_view(&unsigned_bytes), key, &validity);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	EVP_PKEY_free(stranger);
	wr_done(&unsigned_bytes);
	wr_done(&signed_bytes);
	return 0;
}

static struct corim_document *read_good(struct tobi_bytes bytes)
{
	struct corim_document *document = NULL;
	struct tobi_fault fault = {0};

	if (corim_document_read(bytes, "test", &document, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	return document;
}

static void add_key(struct corim_signers *signers, EVP_PKEY *one)
{
	struct writer pem = wr_init(LIMIT_PEM);

	assert_int_equal(key_write_public(one, &pem, NULL), 0);
	assert_int_equal(corim_signers_add_pem(signers, wr_view(&pem), "test", NULL), 0);
	wr_done(&pem);
}

static void test_corim_signed__a_signed_document__is_read(void **state)
{
	struct corim_document *document = read_good(wr_view(&signed_bytes));

	(void)state;
	assert_true(corim_is(wr_view(&signed_bytes)) &&
		    corim_is_signed(wr_view(&signed_bytes)));
	assert_true(document->is_signed && document->has_meta && document->has_claims);
	assert_true(bytes_equal_text(document->signer_name, "a test"));
	assert_true(bytes_equal_text(document->issuer, "a test"));
	assert_int_equal(document->signature_validity.start, NOW - 10);
	assert_int_equal(document->signature_validity.end, NOW + 10);
	assert_int_equal(EVP_PKEY_eq(document->carried, key), 1);
	assert_bytes_equal(document->corim->bytes, wr_view(&unsigned_bytes));
	corim_document_free(document);
}

static void test_corim_signed__an_unsigned_one__proves_nothing(void **state)
{
	struct corim_document *document = read_good(wr_view(&unsigned_bytes));
	struct corim_signers signers = {0};
	struct corim_proof proof = {.holds = true};

	(void)state;
	add_key(&signers, key);
	assert_true(corim_is(wr_view(&unsigned_bytes)) &&
		    !corim_is_signed(wr_view(&unsigned_bytes)));
	assert_int_equal(corim_document_prove(document, &signers, &proof, NULL), 0);
	assert_false(proof.holds || proof.has_signer ||
		     corim_signer_is_named(document, &signers, &proof, NOW));
	corim_signers_done(&signers);
	corim_document_free(document);
}

/* Named by its key, by its id, and not at all. */
static void test_corim_signed__the_signer__must_be_named(void **state)
{
	struct corim_document *document = read_good(wr_view(&signed_bytes));
	struct corim_signers by_key = {0}, by_id = {0}, other = {0};
	uint8_t id[SHA384_SIZE];
	struct tobi_bytes ids[1] = {{id, sizeof(id)}};
	struct corim_proof proof = {0};

	(void)state;
	assert_int_equal(key_spki_sha384(key, id, NULL), 0);
	add_key(&by_key, key);
	add_key(&other, stranger);
	by_id.hashes = ids;
	by_id.hash_count = 1;
	assert_int_equal(corim_document_prove(document, &other, &proof, NULL), 0);
	assert_true(proof.holds && proof.has_signer);
	assert_memory_equal(proof.signer, id, sizeof(id));
	assert_true(corim_signer_is_named(document, &by_key, &proof, NOW));
	assert_true(corim_signer_is_named(document, &by_id, &proof, NOW));
	assert_false(corim_signer_is_named(document, &other, &proof, NOW));
	corim_signers_done(&by_key);
	corim_signers_done(&other);
	corim_document_free(document);
}

/* No byte may be another one: it is refused, or its signature does not hold. */
static void test_corim_signed__every_changed_byte__is_noticed(void **state)
{
	struct corim_signers signers = {0};

	(void)state;
	add_key(&signers, key);
	for (size_t at = 0; at < signed_bytes.size; at++) {
		struct block block = block_new(wr_view(&signed_bytes));
		struct corim_document *document = NULL;
		struct corim_proof proof = {0};

		block.ptr[at] ^= 1;
		if (!corim_document_read(block_view(block), "test", &document, NULL)) {
			assert_int_equal(
			    corim_document_prove(document, &signers, &proof, NULL), 0);
			assert_false(proof.holds && corim_signer_is_named(
							document, &signers, &proof, NOW));
		}
		corim_document_free(document);
		block_done(block);
	}
	corim_signers_done(&signers);
}

static void test_corim_signed__every_truncation__fails(void **state)
{
	(void)state;
	for (size_t size = 0; size < signed_bytes.size; size++) {
		struct block block =
		    block_new((struct tobi_bytes){signed_bytes.ptr, size});
		struct corim_document *document = NULL;

		assert_int_not_equal(
		    corim_document_read(block_view(block), "test", &document, NULL), 0);
		block_done(block);
	}
}

/* Signed by hand, with the headers that are given as encoded items. */
static enum tobi_err read_with(const char *content_type, struct tobi_bytes payload,
			       bool detached, const char *meta, const char *claims,
			       struct corim_document **ret_document)
{
	struct writer bytes = wr_init(LIMIT_CORIM), inner = wr_init(4096),
		      items[2] = {wr_init(4096), wr_init(4096)};
	struct cose_extra extras[2];
	struct cose_headers headers = {.content_type = content_type, .extras = extras};
	struct cose_signer signer;
	struct tobi_bytes view;
	enum tobi_err err;

	if (meta) {
		corim_diag(&inner, meta);
		view = wr_view(&inner);
		corim_diag(&items[0], "%", &view);
		extras[headers.extra_count++] =
		    (struct cose_extra){8, wr_view(&items[0])};
	}
	if (claims) {
		corim_diag(&items[1], claims);
		extras[headers.extra_count++] =
		    (struct cose_extra){15, wr_view(&items[1])};
	}
	assert_int_equal(cose_signer_for_key(key, &signer, NULL), 0);
	assert_int_equal(cose_write(&bytes, &signer, &headers, payload, detached, NULL),
			 0);
	err = corim_document_read(wr_view(&bytes), "test", ret_document, NULL);
	wr_done(&bytes);
	wr_done(&inner);
	wr_done(&items[0]);
	wr_done(&items[1]);
	return err;
}

static void test_corim_signed__what_the_envelope_lacks__is_refused(void **state)
{
	static const char meta[] = "m1 0 m1 0 \"A\"";
	const struct tobi_bytes payload = wr_view(&unsigned_bytes);
	struct corim_document *document = NULL;

	(void)state;
	assert_int_equal(
	    read_with(CORIM_CONTENT_TYPE, payload, false, meta, NULL, &document), 0);
	corim_document_free(document);
	document = NULL;
	assert_int_equal(
	    read_with("application/x", payload, false, meta, NULL, &document),
	    TOBI_E_UNSUPPORTED);
	assert_int_equal(
	    read_with(CORIM_CONTENT_TYPE, payload, true, meta, NULL, &document),
	    TOBI_E_UNSUPPORTED);
	assert_int_equal(
	    read_with(CORIM_CONTENT_TYPE, payload, false, NULL, NULL, &document),
	    TOBI_E_MALFORMED);
	assert_int_equal(read_with(CORIM_CONTENT_TYPE, payload, false, "m1 1 m1 1 t1 5",
				   NULL, &document),
			 TOBI_E_MALFORMED);
	assert_int_equal(read_with(CORIM_CONTENT_TYPE, payload, false, NULL,
				   "m1 2 \"subject\"", &document),
			 TOBI_E_MALFORMED);
	assert_int_equal(
	    read_with(CORIM_CONTENT_TYPE, text_bytes("x"), false, meta, NULL, &document),
	    TOBI_E_TRUNCATED);
	assert_null(document);
}

/* The narrower of both counts. */
static void test_corim_signed__two_validities__the_narrower_counts(void **state)
{
	struct corim_document *document = NULL;

	(void)state;
	assert_int_equal(read_with(CORIM_CONTENT_TYPE, wr_view(&unsigned_bytes), false,
				   "m2 0 m1 0 \"A\" 1 m2 0 t1 10 1 t1 100",
				   "m3 1 \"A\" 4 90 5 20", &document),
			 0);
	assert_int_equal(document->signature_validity.start, 20);
	assert_int_equal(document->signature_validity.end, 90);
	corim_document_free(document);
}

/* Without its key in it, those that are named are tried. */
static void test_corim_signed__no_key_in_it__the_named_ones_are_tried(void **state)
{
	struct corim_document *document = NULL;
	struct corim_signers signers = {0}, other = {0};
	struct corim_proof proof = {0};

	(void)state;
	assert_int_equal(read_with(CORIM_CONTENT_TYPE, wr_view(&unsigned_bytes), false,
				   "m1 0 m1 0 \"A\"", NULL, &document),
			 0);
	add_key(&other, stranger);
	add_key(&signers, stranger);
	add_key(&signers, key);
	assert_int_equal(corim_document_prove(document, &signers, &proof, NULL), 0);
	assert_true(proof.holds &&
		    corim_signer_is_named(document, &signers, &proof, NOW));
	assert_int_equal(corim_document_prove(document, &other, &proof, NULL), 0);
	assert_false(proof.holds || proof.has_signer);
	corim_signers_done(&signers);
	corim_signers_done(&other);
	corim_document_free(document);
}

struct chain {
	EVP_PKEY *ca_key;
	struct writer ca, leaf, pem;
	struct tobi_bytes list[2];
};

/* A certificate of the key, of that role, by a CA of its own. */
static void make_chain(struct chain *chain, enum cert_role role)
{
	struct cert_request request = {.role = CERT_CA,
				       .common_name = "CA",
				       .not_before = NOW - 100,
				       .not_after = NOW + 100};
	X509 *issuer = NULL;

	assert_int_equal(key_new(KEY_P384, &chain->ca_key, NULL), 0);
	chain->ca = wr_init(4096);
	chain->leaf = wr_init(4096);
	chain->pem = wr_init(8192);
	request.key = chain->ca_key;
	assert_int_equal(cert_make(&request, NULL, chain->ca_key, &chain->ca, NULL), 0);
	assert_int_equal(chain_read_certificate(wr_view(&chain->ca), "ca", &issuer, NULL),
			 0);
	request.role = role;
	request.common_name = "signer";
	request.key = key;
	assert_int_equal(cert_make(&request, issuer, chain->ca_key, &chain->leaf, NULL),
			 0);
	assert_int_equal(chain_write_pem(wr_view(&chain->ca), &chain->pem, NULL), 0);
	X509_free(issuer);
	chain->list[0] = wr_view(&chain->leaf);
	chain->list[1] = wr_view(&chain->ca);
}

static void chain_done(struct chain *chain)
{
	EVP_PKEY_free(chain->ca_key);
	wr_done(&chain->ca);
	wr_done(&chain->leaf);
	wr_done(&chain->pem);
}

static bool named_by_ca(enum cert_role role, int64_t time)
{
	struct chain chain = {0};
	struct corim_sign_request request = {.corim = wr_view(&unsigned_bytes),
					     .key = key,
					     .signer = "a test",
					     .x5chain = chain.list,
					     .x5chain_count = 1};
	struct writer bytes = wr_init(LIMIT_CORIM);
	struct corim_signers signers = {0};
	struct corim_document *document;
	struct corim_proof proof = {0};
	bool named;

	make_chain(&chain, role);
	assert_int_equal(corim_sign(&request, &bytes, NULL), 0);
	document = read_good(wr_view(&bytes));
	assert_int_equal(document->sign1.x5chain_count, 1);
	assert_int_equal(corim_signers_add_pem(&signers, wr_view(&chain.pem), "ca", NULL),
			 0);
	assert_int_equal(corim_document_prove(document, &signers, &proof, NULL), 0);
	assert_true(proof.holds);
	named = corim_signer_is_named(document, &signers, &proof, time);
	corim_signers_done(&signers);
	corim_document_free(document);
	wr_done(&bytes);
	chain_done(&chain);
	return named;
}

static void test_corim_signed__a_certificate_of_a_named_ca__counts(void **state)
{
	(void)state;
	assert_true(named_by_ca(CERT_TLS, NOW));
	assert_false(named_by_ca(CERT_TLS, NOW + 101)); /* no more */
	assert_false(named_by_ca(CERT_CA, NOW));	/* not for signing documents */
}

static void test_corim_sign__a_certificate_of_another_key__is_refused(void **state)
{
	struct chain chain = {0};
	struct corim_sign_request request = {.corim = wr_view(&unsigned_bytes),
					     .key = stranger,
					     .signer = "a test",
					     .x5chain = chain.list,
					     .x5chain_count = 1};
	struct writer bytes = wr_init(LIMIT_CORIM);

	(void)state;
	make_chain(&chain, CERT_TLS);
	assert_int_equal(corim_sign(&request, &bytes, NULL), TOBI_E_ARGUMENT);
	wr_done(&bytes);
	chain_done(&chain);
}

static void test_corim_sign__what_is_no_document__is_refused(void **state)
{
	const struct corim_sign_request request = {
	    .corim = wr_view(&signed_bytes), .key = key, .signer = "a test"};
	struct writer bytes = wr_init(LIMIT_CORIM);

	(void)state;
	assert_int_equal(corim_sign(&request, &bytes, NULL), TOBI_E_MALFORMED);
	wr_done(&bytes);
}

static void test_corim_sign__a_name_that_is_too_long__is_refused(void **state)
{
	char name[8192];
	const struct corim_sign_request request = {
	    .corim = wr_view(&unsigned_bytes), .key = key, .signer = name};
	struct writer bytes = wr_init(LIMIT_CORIM);

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(corim_sign(&request, &bytes, NULL), TOBI_E_LIMIT);
	wr_done(&bytes);
}

static void test_corim_signers__what_holds_no_key__is_refused(void **state)
{
	struct corim_signers signers = {0};

	(void)state;
	assert_int_equal(
	    corim_signers_add_pem(&signers, text_bytes("no key"), "test", NULL),
	    TOBI_E_MALFORMED);
	corim_signers_done(&signers);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_corim_signed__a_signed_document__is_read),
	    cmocka_unit_test(test_corim_signed__an_unsigned_one__proves_nothing),
	    cmocka_unit_test(test_corim_signed__the_signer__must_be_named),
	    cmocka_unit_test(test_corim_signed__every_changed_byte__is_noticed),
	    cmocka_unit_test(test_corim_signed__every_truncation__fails),
	    cmocka_unit_test(test_corim_signed__what_the_envelope_lacks__is_refused),
	    cmocka_unit_test(test_corim_signed__two_validities__the_narrower_counts),
	    cmocka_unit_test(test_corim_signed__no_key_in_it__the_named_ones_are_tried),
	    cmocka_unit_test(test_corim_signed__a_certificate_of_a_named_ca__counts),
	    cmocka_unit_test(test_corim_sign__a_certificate_of_another_key__is_refused),
	    cmocka_unit_test(test_corim_sign__what_is_no_document__is_refused),
	    cmocka_unit_test(test_corim_sign__a_name_that_is_too_long__is_refused),
	    cmocka_unit_test(test_corim_signers__what_holds_no_key__is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
