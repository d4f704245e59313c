#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "odd.h"

#define CA "critical,CA:TRUE"
#define NOT_CA "critical,CA:FALSE"
#define SIGNS "critical,keyCertSign"
#define LEAF "critical,digitalSignature"

/* A root, an intermediate and a leaf: a test changes what it likes, then builds. */
struct scene {
	struct odd odd[3];
	struct writer der[3], anchor;
	struct tobi_bytes list[LIMIT_COSE_CHAIN + 1];
	struct chain_request request;
};

static struct scene scene_new(void)
{
	return (struct scene){.odd = {
				  {"root", odd_key(KEY_P256), CA, SIGNS},
				  {"middle", odd_key(KEY_P256), CA, SIGNS},
				  {"leaf", odd_key(KEY_P256), NOT_CA, LEAF},
			      }};
}

static void scene_build(struct scene *scene)
{
	odd_make(&scene->odd[0], NULL, NULL, &scene->der[0]);
	odd_make(&scene->odd[1], &scene->der[0], scene->odd[0].key, &scene->der[1]);
	odd_make(&scene->odd[2], &scene->der[1], scene->odd[1].key, &scene->der[2]);
	scene->anchor = wr_init(LIMIT_PEM);
	assert_int_equal(chain_write_pem(wr_view(&scene->der[0]), &scene->anchor, NULL),
			 0);
	scene->list[0] = wr_view(&scene->der[2]);
	scene->list[1] = wr_view(&scene->der[1]);
	scene->request = (struct chain_request){.certificates = scene->list,
						.count = 2,
						.anchors_pem = wr_view(&scene->anchor),
						.time = NOW,
						.purpose = CHAIN_TLS_SERVER};
}

static void scene_done(struct scene *scene)
{
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY_free(scene->odd[i].key);
		wr_done(&scene->der[i]);
	}
	wr_done(&scene->anchor);
}

static enum tobi_err verify(const struct scene *scene, struct tobi_fault *fault)
{
	EVP_PKEY *key = NULL;
	enum tobi_err err = chain_verify(&scene->request, "thing", &key, fault);

	assert_true((key != NULL) == (err == TOBI_OK));
	if (key)
		assert_int_equal(EVP_PKEY_eq(key, scene->odd[2].key), 1);
	EVP_PKEY_free(key);
	return err;
}

static void accepted(const struct scene *scene)
{
	assert_int_equal(verify(scene, NULL), TOBI_OK);
}

/* why: a part of OpenSSL's reason, so that it is the right one. */
static void refused(const struct scene *scene, const char *why)
{
	struct tobi_fault fault = {0};

	assert_int_equal(verify(scene, &fault), TOBI_E_CERTIFICATE);
	assert_string_equal(fault.object, "thing");
	if (!strstr(fault.message, why))
		fail_msg("%s, not %s", fault.message, why);
}

/* Builds with the change, and it is refused. */
#define WITH(change, why)                                                                \
	do {                                                                             \
		struct scene scene = scene_new();                                        \
                                                                                         \
		change;                                                                  \
		scene_build(&scene);                                                     \
		refused(&scene, why);                                                    \
		scene_done(&scene);                                                      \
	} while (0)

static void test_chain_verify__good__gives_the_leafs_key(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene_build(&scene);
	accepted(&scene);
	scene_done(&scene);
}

static void test_chain_verify__time__one_second_outside_is_refused(void **state)
{
	(void)state;
	/* Each certificate in turn, the root included, has a span of its own. */
	for (size_t i = 0; i < 3; i++) {
		struct scene scene = scene_new();

		scene.odd[i].from = NOW - 100;
		scene.odd[i].to = NOW + 100;
		scene_build(&scene);
		scene.request.time = NOW - 100;
		accepted(&scene);
		scene.request.time = NOW - 101;
		refused(&scene, "not yet valid");
		scene.request.time = NOW + 99;
		accepted(&scene);
		scene.request.time = NOW + 101;
		refused(&scene, "expired");
		scene.request.time = 0;
		refused(&scene, "not yet valid");
		scene_done(&scene);
	}
}

static void test_chain_verify__wrong_anchor__refused(void **state)
{
	struct scene scene = scene_new(), other = scene_new();

	(void)state;
	scene_build(&scene);
	scene_build(&other);
	/* One of the same name, with another key. */
	scene.request.anchors_pem = wr_view(&other.anchor);
	refused(&scene, "certificate");
	/* The right one comes along with the chain: it is not trusted for that. */
	scene.list[2] = wr_view(&scene.der[0]);
	scene.request.count = 3;
	refused(&scene, "");
	/* One of two anchors is enough. */
	wr_bytes(&other.anchor, scene.anchor.ptr, scene.anchor.size);
	scene.request.anchors_pem = wr_view(&other.anchor);
	accepted(&scene);
	scene_done(&scene);
	scene_done(&other);
}

static void test_chain_verify__no_anchor_or_bad_one__refused(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene_build(&scene);
	scene.request.anchors_pem = (struct tobi_bytes){0};
	refused(&scene, "no trust anchor");
	scene.request.anchors_pem = text_bytes("nothing of that kind\n");
	refused(&scene, "no trust anchor");
	scene.request.anchors_pem =
	    text_bytes("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	assert_int_equal(verify(&scene, NULL), TOBI_E_MALFORMED);
	scene_done(&scene);
}

static void test_chain_verify__anchor_is_an_intermediate__accepted(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene_build(&scene);
	wr_done(&scene.anchor);
	assert_int_equal(chain_write_pem(wr_view(&scene.der[1]), &scene.anchor, NULL), 0);
	scene.request.anchors_pem = wr_view(&scene.anchor);
	scene.request.count = 1;
	accepted(&scene);
	scene_done(&scene);
}

static void test_chain_verify__intermediate_missing__refused(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene_build(&scene);
	scene.request.count = 1;
	refused(&scene, "unable to get local issuer");
	scene_done(&scene);
}

static void test_chain_verify__issuer_is_no_ca__refused(void **state)
{
	(void)state;
	WITH(scene.odd[1].basic = NOT_CA, "CA");
	WITH(scene.odd[1].basic = NULL, "CA");
	WITH(scene.odd[0].basic = NOT_CA, "CA");
}

static void test_chain_verify__issuer_may_not_sign__refused(void **state)
{
	(void)state;
	WITH(scene.odd[1].usage = LEAF, "invalid CA");
	WITH(scene.odd[1].usage = "critical,cRLSign", "invalid CA");
	WITH(scene.odd[0].usage = LEAF, "invalid CA");
}

static void test_chain_verify__path_length__exceeded_is_refused(void **state)
{
	struct scene good = scene_new();

	(void)state;
	good.odd[0].basic = CA ",pathlen:1";
	good.odd[1].basic = CA ",pathlen:0";
	scene_build(&good);
	accepted(&good);
	scene_done(&good);
	WITH(scene.odd[0].basic = CA ",pathlen:0", "path length");
}

static void test_chain_verify__unknown_critical_extension__refused(void **state)
{
	(void)state;
	WITH((scene.odd[1].more_nid = NID_netscape_comment,
	      scene.odd[1].more = "critical,DER:0500"),
	     "critical extension");
}

static void test_chain_verify__weak_key_or_hash__refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		WITH((EVP_PKEY_free(scene.odd[i].key),
		      scene.odd[i].key = EVP_RSA_gen(1024)),
		     "key too weak");
	WITH((EVP_PKEY_free(scene.odd[2].key), scene.odd[2].key = EVP_EC_gen("P-192")),
	     "key too weak");
	WITH(scene.odd[1].digest = EVP_sha1(), "digest algorithm too weak");
	WITH(scene.odd[2].digest = EVP_sha1(), "digest algorithm too weak");
}

static void test_chain_verify__host_name__must_be_in_the_leaf(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene.odd[2].more_nid = NID_subject_alt_name;
	scene.odd[2].more = "DNS:db.example";
	scene_build(&scene);
	scene.request.host_name = "db.example";
	accepted(&scene);
	scene.request.host_name = "DB.example";
	accepted(&scene);
	scene.request.host_name = "example";
	refused(&scene, "ostname mismatch");
	scene.request.host_name = "x.db.example";
	refused(&scene, "ostname mismatch");
	scene_done(&scene);
}

static void test_chain_verify__length__none_or_over_long_is_refused(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene_build(&scene);
	for (size_t i = 2; i <= LIMIT_COSE_CHAIN; i++)
		scene.list[i] = wr_view(&scene.der[0]);
	scene.request.count = LIMIT_COSE_CHAIN;
	accepted(&scene);
	scene.request.count = LIMIT_COSE_CHAIN + 1;
	refused(&scene, "9 certificates");
	scene.request.count = 0;
	refused(&scene, "0 certificates");
	scene_done(&scene);
}

static void test_chain_verify__signature_changed__refused(void **state)
{
	(void)state;
	for (size_t i = 1; i < 3; i++) {
		struct scene scene = scene_new();

		scene_build(&scene);
		scene.der[i].ptr[scene.der[i].size - 1] ^= 1;
		refused(&scene, "signature");
		scene_done(&scene);
	}
}

static void test_chain_verify__not_der_in_the_chain__malformed(void **state)
{
	struct scene scene = scene_new();

	(void)state;
	scene_build(&scene);
	for (size_t i = 0; i < 2; i++) {
		struct tobi_bytes kept = scene.list[i];

		scene.list[i] = text_bytes("no");
		assert_int_equal(verify(&scene, NULL), TOBI_E_MALFORMED);
		scene.list[i] = kept;
	}
	scene_done(&scene);
}

static enum tobi_err read_der(struct tobi_bytes der, struct tobi_fault *fault)
{
	struct block block = block_new(der);
	X509 *certificate = NULL;
	enum tobi_err err =
	    chain_read_certificate(block_view(block), "thing", &certificate, fault);

	assert_true((certificate != NULL) == (err == TOBI_OK));
	X509_free(certificate);
	block_done(block);
	return err;
}

static void test_chain_read_certificate__cut_or_longer__refused(void **state)
{
	struct scene scene = scene_new();
	struct tobi_fault fault = {0};
	size_t size;

	(void)state;
	scene_build(&scene);
	size = scene.der[2].size;
	assert_int_equal(read_der(wr_view(&scene.der[2]), NULL), TOBI_OK);
	for (size_t cut = 1; cut < size; cut++)
		assert_int_equal(
		    read_der((struct tobi_bytes){scene.der[2].ptr, cut}, NULL),
		    TOBI_E_MALFORMED);
	assert_int_equal(read_der((struct tobi_bytes){0}, NULL), TOBI_E_LIMIT);
	wr_u8(&scene.der[2], 0);
	assert_int_equal(read_der(wr_view(&scene.der[2]), &fault), TOBI_E_TRAILING);
	assert_int_equal(fault.offset, size);
	assert_non_null(wr_reserve(&scene.der[2], LIMIT_CERTIFICATE - size - 1));
	assert_int_equal(read_der(wr_view(&scene.der[2]), NULL), TOBI_E_TRAILING);
	scene.der[2].ceiling++;
	wr_u8(&scene.der[2], 0);
	assert_int_equal(read_der(wr_view(&scene.der[2]), NULL), TOBI_E_LIMIT);
	scene_done(&scene);
}

static enum tobi_err read_pem(struct tobi_bytes pem, size_t max, size_t *ret_count)
{
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	struct writer out = wr_init(1 << 20);
	enum tobi_err err;

	*ret_count = 99;
	err = chain_read_pem(pem, "thing", &out, list, max, ret_count, NULL);
	assert_true((*ret_count == 99) == (err != TOBI_OK));
	for (size_t i = 0; !err && i < *ret_count; i++)
		assert_int_equal(read_der(list[i], NULL), TOBI_OK);
	wr_done(&out);
	return err;
}

static void test_chain_read_pem__several__each_as_der(void **state)
{
	struct scene scene = scene_new();
	struct writer pem = wr_init(LIMIT_PEM), out = wr_init(1 << 20);
	struct tobi_bytes list[3];
	size_t count = 0;

	(void)state;
	scene_build(&scene);
	assert_int_equal(read_pem((struct tobi_bytes){0}, 3, &count), TOBI_OK);
	assert_int_equal(count, 0);
	for (size_t i = 0; i < 3; i++) {
		wr_printf(&pem, "a remark\n");
		assert_int_equal(chain_write_pem(wr_view(&scene.der[i]), &pem, NULL), 0);
	}
	wr_u8(&out, 0xee); /* what is there already stays */
	assert_int_equal(
	    chain_read_pem(wr_view(&pem), "thing", &out, list, 3, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_int_equal(out.ptr[0], 0xee);
	for (size_t i = 0; i < 3; i++)
		assert_bytes_equal(list[i], wr_view(&scene.der[i]));
	assert_int_equal(read_pem(wr_view(&pem), 2, &count), TOBI_E_LIMIT);
	wr_done(&pem);
	wr_done(&out);
	scene_done(&scene);
}

static void test_chain_read_pem__broken__malformed(void **state)
{
	struct scene scene = scene_new();
	struct writer *pem = &scene.anchor;
	size_t count = 0;

	(void)state;
	scene_build(&scene);
	/* Cut anywhere after the first line it is not an empty list. */
	for (size_t size = strlen("-----BEGIN CERTIFICATE-----\n") + 1;
	     size < pem->size - 1; size++)
		assert_int_equal(read_pem((struct tobi_bytes){pem->ptr, size}, 3, &count),
				 TOBI_E_MALFORMED);
	pem->ptr[60] = '!';
	assert_int_equal(read_pem(wr_view(pem), 3, &count), TOBI_E_MALFORMED);
	assert_int_equal(
	    read_pem(text_bytes("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
				"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n"
				"\nAAAA\n-----END CERTIFICATE-----\n"),
		     3, &count),
	    TOBI_E_MALFORMED);
	scene_done(&scene);
}

static void test_chain_read_pem__over_limit__limit(void **state)
{
	struct writer pem = wr_init(LIMIT_PEM + 1);
	size_t count = 0;

	(void)state;
	memset(wr_reserve(&pem, LIMIT_PEM), '\n', LIMIT_PEM);
	assert_int_equal(read_pem(wr_view(&pem), 3, &count), TOBI_OK);
	wr_u8(&pem, '\n');
	assert_int_equal(read_pem(wr_view(&pem), 3, &count), TOBI_E_LIMIT);
	wr_done(&pem);
}

static enum tobi_err read_first(struct tobi_bytes file, const struct writer *expected)
{
	X509 *certificate = NULL;
	uint8_t *der = NULL;
	enum tobi_err err = chain_read_first(file, "thing", &certificate, NULL);
	int size = err ? 0 : i2d_X509(certificate, &der);

	assert_true((certificate == NULL) == (err != TOBI_OK));
	if (!err)
		assert_bytes_equal(((struct tobi_bytes){der, (size_t)size}),
				   wr_view(expected));
	OPENSSL_free(der);
	X509_free(certificate);
	return err;
}

static void test_chain_read_first__der_or_pem__the_first(void **state)
{
	struct scene scene = scene_new();
	struct writer pem = wr_init(LIMIT_PEM);

	(void)state;
	scene_build(&scene);
	assert_int_equal(read_first(wr_view(&scene.der[1]), &scene.der[1]), TOBI_OK);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(chain_write_pem(wr_view(&scene.der[i]), &pem, NULL), 0);
	assert_int_equal(read_first(wr_view(&pem), &scene.der[0]), TOBI_OK);
	assert_int_equal(read_first((struct tobi_bytes){0}, NULL), TOBI_E_LIMIT);
	assert_int_equal(read_first(text_bytes("no certificate"), NULL),
			 TOBI_E_MALFORMED);
	for (size_t i = 2; i <= LIMIT_COSE_CHAIN; i++)
		assert_int_equal(chain_write_pem(wr_view(&scene.der[0]), &pem, NULL), 0);
	assert_int_equal(read_first(wr_view(&pem), NULL), TOBI_E_LIMIT);
	wr_done(&pem);
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chain_verify__good__gives_the_leafs_key),
	    cmocka_unit_test(test_chain_verify__time__one_second_outside_is_refused),
	    cmocka_unit_test(test_chain_verify__wrong_anchor__refused),
	    cmocka_unit_test(test_chain_verify__no_anchor_or_bad_one__refused),
	    cmocka_unit_test(test_chain_verify__anchor_is_an_intermediate__accepted),
	    cmocka_unit_test(test_chain_verify__intermediate_missing__refused),
	    cmocka_unit_test(test_chain_verify__issuer_is_no_ca__refused),
	    cmocka_unit_test(test_chain_verify__issuer_may_not_sign__refused),
	    cmocka_unit_test(test_chain_verify__path_length__exceeded_is_refused),
	    cmocka_unit_test(test_chain_verify__unknown_critical_extension__refused),
	    cmocka_unit_test(test_chain_verify__weak_key_or_hash__refused),
	    cmocka_unit_test(test_chain_verify__host_name__must_be_in_the_leaf),
	    cmocka_unit_test(test_chain_verify__length__none_or_over_long_is_refused),
	    cmocka_unit_test(test_chain_verify__signature_changed__refused),
	    cmocka_unit_test(test_chain_verify__not_der_in_the_chain__malformed),
	    cmocka_unit_test(test_chain_read_certificate__cut_or_longer__refused),
	    cmocka_unit_test(test_chain_read_pem__several__each_as_der),
	    cmocka_unit_test(test_chain_read_pem__broken__malformed),
	    cmocka_unit_test(test_chain_read_pem__over_limit__limit),
	    cmocka_unit_test(test_chain_read_first__der_or_pem__the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
