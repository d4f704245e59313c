/* Chains to a root that is known by its key: certificates in any order, and every way in
 * which somebody could make one up around that key. */
#include <openssl/x509v3.h>

#include "pki/pinned.h"
#include "odd.h"

#define CA "critical,CA:TRUE"
#define NOT_CA "critical,CA:FALSE"
#define SIGNS "critical,keyCertSign,cRLSign"
#define LEAF "critical,digitalSignature"

enum { ROOT, MIDDLE, END, COUNT };

struct scene {
	struct odd odd[COUNT];
	struct writer der[COUNT];
	X509 *read[COUNT];
	X509 *others[PINNED_CERTIFICATES_MAX + 1];
	struct key_pins pins;
	struct pinned_request request;
};

static void scene_make(struct scene *scene)
{
	*scene = (struct scene){.odd = {
				    {"root", odd_key(KEY_P384), CA, SIGNS},
				    {"middle", odd_key(KEY_P256), CA, SIGNS},
				    {"leaf", odd_key(KEY_P256), NOT_CA, LEAF},
				}};
}

static void pin(struct key_pins *pins, EVP_PKEY *key)
{
	assert_int_equal(key_spki_sha256(key, pins->keys[pins->count++], NULL), 0);
}

static X509 *read(const struct writer *der)
{
	X509 *certificate = NULL;

	assert_int_equal(
	    chain_read_certificate(wr_view(der), "certificate", &certificate, NULL), 0);
	return certificate;
}

static void scene_build(struct scene *scene)
{
	odd_make(&scene->odd[ROOT], NULL, NULL, &scene->der[ROOT]);
	odd_make(&scene->odd[MIDDLE], &scene->der[ROOT], scene->odd[ROOT].key,
		 &scene->der[MIDDLE]);
	odd_make(&scene->odd[END], &scene->der[MIDDLE], scene->odd[MIDDLE].key,
		 &scene->der[END]);
	for (size_t i = 0; i < COUNT; i++)
		scene->others[i] = scene->read[i] = read(&scene->der[i]);
	pin(&scene->pins, scene->odd[ROOT].key);
	scene->request = (struct pinned_request){.leaf = scene->read[END],
						 .others = scene->others,
						 .count = COUNT,
						 .pins = &scene->pins,
						 .time = NOW,
						 .strict = true};
}

static void scene_done(struct scene *scene)
{
	for (size_t i = 0; i < COUNT; i++) {
		EVP_PKEY_free(scene->odd[i].key);
		wr_done(&scene->der[i]);
		X509_free(scene->read[i]);
	}
}

static void accepted(const struct scene *scene)
{
	struct pinned_chain chain = {0};

	assert_int_equal(pinned_chain_verify(&scene->request, "thing", &chain, NULL), 0);
	assert_int_equal(chain.count, COUNT);
	assert_ptr_equal(chain.certificates[0], scene->read[END]);
	assert_int_equal(X509_cmp(chain.certificates[1], scene->read[MIDDLE]), 0);
	assert_int_equal(X509_cmp(chain.certificates[2], scene->read[ROOT]), 0);
	pinned_chain_done(&chain);
	assert_int_equal(chain.count, 0);
}

static void refused(const struct scene *scene, const char *why)
{
	struct tobi_fault fault = {0};
	struct pinned_chain chain = {0};

	assert_int_equal(pinned_chain_verify(&scene->request, "thing", &chain, &fault),
			 TOBI_E_CERTIFICATE);
	assert_int_equal(chain.count, 0);
	assert_string_equal(fault.object, "thing");
	if (!strstr(fault.message, why))
		fail_msg("%s, not %s", fault.message, why);
}

/* Builds with the change, and it is refused. */
#define WITH(change, why)                                                                \
	do {                                                                             \
		struct scene scene;                                                      \
                                                                                         \
		scene_make(&scene);                                                      \
		change;                                                                  \
		scene_build(&scene);                                                     \
		refused(&scene, why);                                                    \
		scene_done(&scene);                                                      \
	} while (0)

static void test_pinned_chain__any_order__accepted(void **state)
{
	static const size_t orders[][COUNT] = {
	    {ROOT, MIDDLE, END}, {END, MIDDLE, ROOT},	 {MIDDLE, END, ROOT},
	    {MIDDLE, ROOT, END}, {ROOT, MIDDLE, MIDDLE}, {ROOT, ROOT, MIDDLE},
	};
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		for (size_t j = 0; j < COUNT; j++)
			scene.others[j] = scene.read[orders[i][j]];
		accepted(&scene);
	}
	scene_done(&scene);
}

static void test_pinned_chain__others_beside__accepted(void **state)
{
	struct scene scene, other;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	scene_make(&other);
	scene_build(&other);
	for (size_t i = 0; i < COUNT; i++)
		scene.others[COUNT + i] = other.read[i];
	scene.request.count = 2 * COUNT;
	pin(&scene.pins, other.odd[ROOT].key);
	accepted(&scene);
	scene_done(&scene);
	scene_done(&other);
}

static void test_pinned_chain__key_not_pinned__refused(void **state)
{
	struct scene scene, other;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	scene_make(&other);
	scene_build(&other);
	scene.pins.count = 0;
	refused(&scene, "none of the certificates");
	pin(&scene.pins, other.odd[ROOT].key);
	refused(&scene, "none of the certificates");
	/* The pinned root is there, and nothing that it signed. */
	scene.others[COUNT] = other.read[ROOT];
	scene.request.count = COUNT + 1;
	refused(&scene, "certificate");
	scene_done(&scene);
	scene_done(&other);
}

static void test_pinned_chain__root_or_middle_missing__refused(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	scene.others[ROOT] = scene.read[MIDDLE];
	refused(&scene, "none of the certificates");
	scene.others[ROOT] = scene.read[ROOT];
	scene.others[MIDDLE] = scene.read[END];
	refused(&scene, "local issuer");
	scene.request.count = 0;
	refused(&scene, "none of the certificates");
	scene_done(&scene);
}

/* A key on the list of roots is none in the middle of somebody's chain: only a root's own
 * certificate is an anchor. */
static void test_pinned_chain__pinned_key_in_the_middle__refused(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	scene.pins.count = 0;
	pin(&scene.pins, scene.odd[MIDDLE].key);
	refused(&scene, "none of the certificates");
	scene.pins.count = 0;
	pin(&scene.pins, scene.odd[END].key);
	refused(&scene, "none of the certificates");
	scene_done(&scene);
}

/* Whatever an attacker writes around the vendor's public key: he cannot sign it. */
static void test_pinned_chain__made_up_root_with_the_pinned_key__refused(void **state)
{
	struct scene scene;
	EVP_PKEY *attackers = odd_key(KEY_P384);
	X509 *certificate, *real;
	X509_NAME *name;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	/* Longer valid than the real one, self-issued, and signed with another key. */
	real = scene.read[ROOT];
	certificate = X509_dup(real);
	ASN1_TIME_set(X509_getm_notAfter(certificate), NOW + 100 * DAY);
	assert_true(X509_sign(certificate, attackers, EVP_sha256()) > 0);
	scene.others[ROOT] = certificate;
	refused(&scene, "signature");
	scene.request.time = NOW + DAY + 1;
	scene.others[COUNT] = real;
	scene.request.count = COUNT + 1;
	refused(&scene, "");
	X509_free(certificate);

	/* Another name, so that no signature of a child speaks against it. */
	certificate = X509_dup(real);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				   (const unsigned char *)"mine", -1, -1, 0);
	X509_set_subject_name(certificate, name);
	X509_set_issuer_name(certificate, name);
	assert_true(X509_sign(certificate, attackers, EVP_sha256()) > 0);
	X509_NAME_free(name);
	scene.request.time = NOW;
	scene.others[ROOT] = certificate;
	scene.request.count = COUNT;
	refused(&scene, "");
	/* It is its own leaf. */
	scene.request.leaf = certificate;
	refused(&scene, "signature");
	X509_free(certificate);
	EVP_PKEY_free(attackers);
	scene_done(&scene);
}

/* The attacker's own root has the pinned one's name and all but its key. */
static void test_pinned_chain__same_name_other_key__refused(void **state)
{
	struct scene scene, other;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	scene_make(&other);
	scene_build(&other);
	other.request.pins = &scene.pins;
	refused(&other, "none of the certificates");
	other.others[COUNT] = scene.read[ROOT];
	other.request.count = COUNT + 1;
	refused(&other, "");
	scene_done(&scene);
	scene_done(&other);
}

static void test_pinned_chain__time__each_certificates_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct pinned_chain chain = {0};
		struct scene scene;

		scene_make(&scene);
		scene.odd[i].from = NOW - 100;
		scene.odd[i].to = NOW + 100;
		scene_build(&scene);
		assert_int_equal(
		    pinned_chain_verify(&scene.request, "thing", &chain, NULL), 0);
		assert_int_equal(chain.window.not_before, NOW - 100);
		assert_int_equal(chain.window.not_after, NOW + 100);
		pinned_chain_done(&chain);
		scene.request.time = NOW - 100;
		accepted(&scene);
		scene.request.time = NOW + 99;
		accepted(&scene);
		scene.request.time = NOW - 101;
		refused(&scene, "not yet valid");
		scene.request.time = NOW + 100;
		refused(&scene, "expired");
		scene_done(&scene);
	}
}

static void test_pinned_chain__issuer_is_no_ca__refused(void **state)
{
	(void)state;
	WITH(scene.odd[MIDDLE].basic = NOT_CA, "CA");
	WITH(scene.odd[MIDDLE].basic = NULL, "CA");
	WITH(scene.odd[MIDDLE].usage = LEAF, "");
	WITH(scene.odd[ROOT].basic = NOT_CA, "CA");
	WITH(scene.odd[ROOT].basic = CA ",pathlen:0", "path length");
}

static void test_pinned_chain__unknown_critical_extension__refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		WITH((scene.odd[i].more_nid = NID_netscape_comment,
		      scene.odd[i].more = "critical,unknown"),
		     "critical extension");
}

static void test_pinned_chain__weak_digest__refused(void **state)
{
	(void)state;
	WITH(scene.odd[END].digest = EVP_sha1(), "too weak");
	WITH(scene.odd[MIDDLE].digest = EVP_sha1(), "too weak");
}

static void test_pinned_chain__damaged_signature__refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct scene scene;
		X509 *damaged;

		scene_make(&scene);
		scene_build(&scene);
		scene.der[i].ptr[scene.der[i].size - 1] ^= 1;
		damaged = read(&scene.der[i]);
		scene.others[i] = damaged;
		if (i == END)
			scene.request.leaf = damaged;
		refused(&scene, "signature");
		X509_free(damaged);
		scene_done(&scene);
	}
}

static void test_pinned_chain__too_many__limit(void **state)
{
	struct pinned_chain chain = {0};
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	for (size_t i = COUNT; i < PINNED_CERTIFICATES_MAX + 1; i++)
		scene.others[i] = scene.read[MIDDLE];
	scene.request.count = PINNED_CERTIFICATES_MAX;
	accepted(&scene);
	scene.request.count++;
	assert_int_equal(pinned_chain_verify(&scene.request, "thing", &chain, NULL),
			 TOBI_E_LIMIT);
	scene_done(&scene);
}

/* A chain of as many as there may be, and of one more. */
static void test_pinned_chain__length__bounded(void **state)
{
	enum { LONG = LIMIT_COSE_CHAIN + 1 };
	struct writer der[LONG] = {{0}};
	X509 *list[LONG];
	EVP_PKEY *keys[LONG];
	struct key_pins pins = {0};
	struct pinned_chain chain = {0};
	struct pinned_request request = {
	    .others = list, .count = LONG, .pins = &pins, .time = NOW, .strict = true};
	static const char *const names[LONG] = {"0", "1", "2", "3", "4",
						"5", "6", "7", "8"};

	(void)state;
	for (size_t i = 0; i < LONG; i++) {
		struct odd odd = {names[i], keys[i] = odd_key(KEY_P256), CA, SIGNS};

		odd_make(&odd, i ? &der[i - 1] : NULL, i ? keys[i - 1] : NULL, &der[i]);
		list[i] = read(&der[i]);
	}
	pin(&pins, keys[0]);
	request.leaf = list[LONG - 2];
	assert_int_equal(pinned_chain_verify(&request, "thing", &chain, NULL), TOBI_OK);
	assert_int_equal(chain.count, LIMIT_COSE_CHAIN);
	pinned_chain_done(&chain);
	request.leaf = list[LONG - 1];
	assert_int_not_equal(pinned_chain_verify(&request, "thing", &chain, NULL),
			     TOBI_OK);
	assert_int_equal(chain.count, 0);
	for (size_t i = 0; i < LONG; i++) {
		wr_done(&der[i]);
		X509_free(list[i]);
		EVP_PKEY_free(keys[i]);
	}
}

/* AMD's certificates have no key identifiers; the rest is asked of them all the same. */
static void test_pinned_chain__not_strict__lets_identifiers_be_missing(void **state)
{
	struct pinned_chain chain = {0};
	struct scene scene;
	X509 *bare;
	int at;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	bare = X509_dup(scene.read[END]);
	at = X509_get_ext_by_NID(bare, NID_authority_key_identifier, -1);
	X509_EXTENSION_free(X509_delete_ext(bare, at));
	assert_true(X509_sign(bare, scene.odd[MIDDLE].key, EVP_sha256()) > 0);
	scene.request.leaf = bare;
	refused(&scene, "Authority Key Identifier");
	scene.request.strict = false;
	assert_int_equal(pinned_chain_verify(&scene.request, "thing", &chain, NULL), 0);
	pinned_chain_done(&chain);
	X509_free(bare);
	scene_done(&scene);
}

static X509 *named(const char *first, int size, const char *second)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	if (first)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					   (const unsigned char *)first, size, -1, 0);
	if (second)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					   (const unsigned char *)second, -1, -1, 0);
	return certificate;
}

static void test_certificate_is_named__exactly__and_once(void **state)
{
	static const struct {
		const char *first;
		int size;
		const char *second;
		bool is;
	} cases[] = {
	    {"ARK-Milan", -1, NULL, true},	   {"ARK-Mila", -1, NULL, false},
	    {"ARK-Milan2", -1, NULL, false},	   {"ark-milan", -1, NULL, false},
	    {"ARK-Milan\0x", 11, NULL, false},	   {NULL, 0, NULL, false},
	    {"ARK-Milan", -1, "other", false},	   {"other", -1, "ARK-Milan", false},
	    {"ARK-Milan", -1, "ARK-Milan", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		X509 *certificate = named(cases[i].first, cases[i].size, cases[i].second);

		assert_true(certificate_is_named(certificate, "ARK-Milan") ==
			    cases[i].is);
		X509_free(certificate);
	}
}

static void test_certificate_name__shown__cut_and_printable(void **state)
{
	X509 *certificate = named("a<\x01\x1b[0m\x7f\xc3\xa4z", -1, NULL);
	char name[32], small[4];

	(void)state;
	certificate_name(certificate, name, sizeof(name));
	assert_string_equal(name, "a<??[0m?????z");
	certificate_name(certificate, small, sizeof(small));
	assert_string_equal(small, "a<?");
	X509_free(certificate);
	certificate = named(NULL, 0, NULL);
	certificate_name(certificate, name, sizeof(name));
	assert_string_equal(name, "");
	X509_free(certificate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pinned_chain__any_order__accepted),
	    cmocka_unit_test(test_pinned_chain__others_beside__accepted),
	    cmocka_unit_test(test_pinned_chain__key_not_pinned__refused),
	    cmocka_unit_test(test_pinned_chain__root_or_middle_missing__refused),
	    cmocka_unit_test(test_pinned_chain__pinned_key_in_the_middle__refused),
	    cmocka_unit_test(
		test_pinned_chain__made_up_root_with_the_pinned_key__refused),
	    cmocka_unit_test(test_pinned_chain__same_name_other_key__refused),
	    cmocka_unit_test(test_pinned_chain__time__each_certificates_own),
	    cmocka_unit_test(test_pinned_chain__issuer_is_no_ca__refused),
	    cmocka_unit_test(test_pinned_chain__unknown_critical_extension__refused),
	    cmocka_unit_test(test_pinned_chain__weak_digest__refused),
	    cmocka_unit_test(test_pinned_chain__damaged_signature__refused),
	    cmocka_unit_test(test_pinned_chain__too_many__limit),
	    cmocka_unit_test(test_pinned_chain__length__bounded),
	    cmocka_unit_test(test_pinned_chain__not_strict__lets_identifiers_be_missing),
	    cmocka_unit_test(test_certificate_is_named__exactly__and_once),
	    cmocka_unit_test(test_certificate_name__shown__cut_and_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
