/* Lists of revoked certificates: in each form that they come in, and every way in which
 * one must not be relied on. */
#include <ctype.h>
#include <stdio.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "pki/crl.h"
#include "odd.h"

#define CA "critical,CA:TRUE"

enum { HOUR = 3600, GRACE = 7 * DAY };

/* A list that is right: a test changes what it likes, then builds. */
struct scene {
	struct odd issuer;
	struct writer issuer_der, der, pem, hex;
	X509 *certificate;
	EVP_PKEY *signs; /* the issuer's key, or another */
	const char *says_issuer;
	bool without_number, without_key_id, without_next_update;
	int number_critical;
	long number;
	const char *more; /* an extension of the list that nobody knows */
	int more_critical;
	int entry_critical; /* -1: the entry has no extension */
	int64_t from, to;
	bool damage;
};

static void scene_make(struct scene *scene)
{
	*scene = (struct scene){
	    .issuer = {"issuer", odd_key(KEY_P256), CA, "critical,keyCertSign,cRLSign"},
	    .number = 5,
	    .entry_critical = -1,
	    .from = NOW - HOUR,
	    .to = NOW + HOUR};
	scene->signs = scene->issuer.key;
}

static void add_extension(X509_CRL *crl, const struct scene *scene, int nid, void *value)
{
	int critical = nid == NID_crl_number ? scene->number_critical : 0;

	assert_int_equal(
	    X509_CRL_add1_ext_i2d(crl, nid, value, critical, X509V3_ADD_APPEND), 1);
}

static void add_unknown(X509_CRL *crl, const struct scene *scene)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *name = OBJ_txt2obj(scene->more, 1);
	X509_EXTENSION *extension =
	    X509_EXTENSION_create_by_OBJ(NULL, name, scene->more_critical, value);

	assert_int_equal(X509_CRL_add_ext(crl, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OBJECT_free(name);
	ASN1_OCTET_STRING_free(value);
}

static void add_extensions(X509_CRL *crl, const struct scene *scene)
{
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();

	id->keyid = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(scene->certificate));
	ASN1_INTEGER_set(number, scene->number);
	if (!scene->without_number)
		add_extension(crl, scene, NID_crl_number, number);
	if (!scene->without_key_id)
		add_extension(crl, scene, NID_authority_key_identifier, id);
	if (scene->more)
		add_unknown(crl, scene);
	ASN1_INTEGER_free(number);
	AUTHORITY_KEYID_free(id);
}

/* odd_make()'s serial number. */
static void add_entry(X509_CRL *crl, const struct scene *scene)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
	ASN1_TIME *time = ASN1_TIME_set(NULL, NOW - DAY);

	ASN1_INTEGER_set(serial, 7);
	ASN1_ENUMERATED_set(reason, CRL_REASON_KEY_COMPROMISE);
	X509_REVOKED_set_serialNumber(entry, serial);
	X509_REVOKED_set_revocationDate(entry, time);
	if (scene->entry_critical >= 0)
		assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason,
							   scene->entry_critical,
							   X509V3_ADD_APPEND),
				 1);
	assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
	ASN1_INTEGER_free(serial);
	ASN1_ENUMERATED_free(reason);
	ASN1_TIME_free(time);
}

static void write_texts(struct scene *scene, X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
	size = BIO_get_mem_data(bio, &text);
	scene->pem = wr_init(LIMIT_CRL);
	wr_bytes(&scene->pem, text, (size_t)size);
	BIO_free(bio);
	scene->hex = wr_init(LIMIT_CRL);
	for (size_t i = 0; i < scene->der.size; i++)
		wr_printf(&scene->hex, "%02x", scene->der.ptr[i]);
}

static void scene_build(struct scene *scene)
{
	X509_CRL *crl = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)scene->from);
	ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)scene->to);
	unsigned char *der = NULL;
	int size;

	odd_make(&scene->issuer, NULL, NULL, &scene->issuer_der);
	assert_int_equal(chain_read_certificate(wr_view(&scene->issuer_der), "issuer",
						&scene->certificate, NULL),
			 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				   (const unsigned char *)(scene->says_issuer
							       ? scene->says_issuer
							       : scene->issuer.name),
				   -1, -1, 0);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, name);
	X509_CRL_set1_lastUpdate(crl, from);
	if (!scene->without_next_update)
		X509_CRL_set1_nextUpdate(crl, to);
	add_entry(crl, scene);
	add_extensions(crl, scene);
	assert_true(X509_CRL_sign(crl, scene->signs, EVP_sha256()) > 0);
	size = i2d_X509_CRL(crl, &der);
	scene->der = wr_init(LIMIT_CRL);
	wr_bytes(&scene->der, der, (size_t)size);
	scene->der.ptr[scene->der.size - 1] ^= scene->damage;
	write_texts(scene, crl);
	OPENSSL_free(der);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_NAME_free(name);
	X509_CRL_free(crl);
}

static void scene_done(struct scene *scene)
{
	X509_free(scene->certificate);
	EVP_PKEY_free(scene->issuer.key);
	wr_done(&scene->issuer_der);
	wr_done(&scene->der);
	wr_done(&scene->pem);
	wr_done(&scene->hex);
}

static enum tobi_err verify_at(const struct scene *scene, int64_t time, int64_t grace,
			       struct chain_window *ret_window, struct tobi_fault *fault)
{
	X509_CRL *crl = NULL;
	enum tobi_err err;

	assert_int_equal(crl_read(wr_view(&scene->der), "list", &crl, NULL), 0);
	err = crl_verify(crl, scene->certificate, time, grace, "list", ret_window, fault);
	X509_CRL_free(crl);
	return err;
}

static void accepted(const struct scene *scene, int64_t time, int64_t grace)
{
	struct chain_window window = {0};

	assert_int_equal(verify_at(scene, time, grace, &window, NULL), TOBI_OK);
	assert_int_equal(window.not_before, scene->from);
	assert_int_equal(window.not_after, scene->to + grace);
}

static void refused(const struct scene *scene, int64_t time, int64_t grace,
		    const char *why)
{
	struct chain_window window = {1, 2};
	struct tobi_fault fault = {0};

	assert_int_equal(verify_at(scene, time, grace, &window, &fault),
			 TOBI_E_CERTIFICATE);
	assert_string_equal(fault.message, why);
	assert_int_equal(window.not_before, 1);
}

#define WITH(change, why)                                                                \
	do {                                                                             \
		struct scene scene;                                                      \
                                                                                         \
		scene_make(&scene);                                                      \
		change;                                                                  \
		scene_build(&scene);                                                     \
		refused(&scene, NOW, 0, why);                                            \
		scene_done(&scene);                                                      \
	} while (0)

#define WITH_ACCEPTED(change)                                                            \
	do {                                                                             \
		struct scene scene;                                                      \
                                                                                         \
		scene_make(&scene);                                                      \
		change;                                                                  \
		scene_build(&scene);                                                     \
		accepted(&scene, NOW, 0);                                                \
		scene_done(&scene);                                                      \
	} while (0)

static void test_crl_verify__good__has_its_window_date_and_number(void **state)
{
	struct scene good;
	X509_CRL *crl = NULL;

	(void)state;
	scene_make(&good);
	scene_build(&good);
	accepted(&good, NOW, 0);
	assert_int_equal(crl_read(wr_view(&good.der), "list", &crl, NULL), 0);
	assert_int_equal(crl_issued(crl), good.from);
	assert_int_equal(crl_number(crl), 5);
	X509_CRL_free(crl);
	scene_done(&good);
	/* RFC 5280 has it not critical; a list that says otherwise can be understood. */
	WITH_ACCEPTED(scene.number_critical = 1);
	WITH_ACCEPTED(scene.more = "1.2.3.4");
	WITH_ACCEPTED(scene.entry_critical = 0);
}

static void test_crl_verify__time__from_its_issue_until_the_next(void **state)
{
	struct scene good;

	(void)state;
	scene_make(&good);
	scene_build(&good);
	accepted(&good, NOW - HOUR, 0);
	refused(&good, NOW - HOUR - 1, 0, "it is issued in the future");
	refused(&good, NOW - HOUR - 1, GRACE, "it is issued in the future");
	accepted(&good, NOW + HOUR - 1, 0);
	refused(&good, NOW + HOUR, 0, "it has expired");
	accepted(&good, NOW + HOUR, 1);
	refused(&good, NOW + HOUR + 1, 1, "it has expired");
	accepted(&good, NOW + HOUR + GRACE - 1, GRACE);
	refused(&good, NOW + HOUR + GRACE, GRACE, "it has expired");
	scene_done(&good);
	WITH(scene.without_next_update = true, "its dates cannot be read");
}

static void test_crl_verify__another_issuer__refused(void **state)
{
	EVP_PKEY *other = odd_key(KEY_P256);

	(void)state;
	WITH(scene.says_issuer = "other", "it is of another issuer");
	WITH(scene.signs = other, "its signature does not verify");
	WITH(scene.damage = true, "its signature does not verify");
	WITH(scene.issuer.usage = "critical,keyCertSign",
	     "its issuer may not issue lists");
	WITH_ACCEPTED(scene.issuer.usage = NULL);
	EVP_PKEY_free(other);
}

static void test_crl_verify__extensions__missing_or_not_known_refused(void **state)
{
	(void)state;
	WITH(scene.without_number = true, "it has no number");
	WITH(scene.without_key_id = true, "it does not name its issuer's key");
	WITH((scene.more = "1.2.3.4", scene.more_critical = 1),
	     "a critical extension is not known here");
	/* issuingDistributionPoint: it may be about some certificates only; and a delta
	 * list. */
	WITH((scene.more = "2.5.29.28", scene.more_critical = 1),
	     "a critical extension is not known here");
	WITH((scene.more = "2.5.29.27", scene.more_critical = 1),
	     "a critical extension is not known here");
	WITH(scene.entry_critical = 1, "a critical extension is not known here");
}

static void test_crl_number__too_large_or_none__minus_one(void **state)
{
	static const struct {
		long number;
		int64_t shown;
	} cases[] = {
	    {0, 0}, {1L << 53, INT64_C(1) << 53}, {(1L << 53) + 1, -1}, {-1, -1}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct scene scene;
		X509_CRL *crl = NULL;

		scene_make(&scene);
		scene.number = cases[i].number;
		scene_build(&scene);
		assert_int_equal(crl_read(wr_view(&scene.der), "list", &crl, NULL), 0);
		assert_int_equal(crl_number(crl), cases[i].shown);
		X509_CRL_free(crl);
		scene_done(&scene);
	}
}

static void test_crl_revokes__listed_serial__and_no_other(void **state)
{
	struct scene scene;
	X509_CRL *crl = NULL;
	X509 *other;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	assert_int_equal(crl_read(wr_view(&scene.der), "list", &crl, NULL), 0);
	assert_true(crl_revokes(crl, scene.certificate));
	other = X509_dup(scene.certificate);
	ASN1_INTEGER_set(X509_get_serialNumber(other), 8);
	assert_false(crl_revokes(crl, other));
	ASN1_INTEGER_set(X509_get_serialNumber(other), -7);
	assert_false(crl_revokes(crl, other));
	X509_free(other);
	X509_CRL_free(crl);
	scene_done(&scene);
}

static enum tobi_err read_bytes(struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	X509_CRL *crl = NULL;
	enum tobi_err err = crl_read(block_view(block), "list", &crl, NULL);

	assert_true((crl != NULL) == (err == TOBI_OK));
	X509_CRL_free(crl);
	block_done(block);
	return err;
}

/* The text, with others around it. */
static enum tobi_err read_around(const char *before, const struct writer *text,
				 const char *after)
{
	CLEANUP(wr_done) struct writer all = wr_init(LIMIT_CRL);

	wr_printf(&all, "%s", before);
	wr_bytes(&all, text->ptr, text->size);
	wr_printf(&all, "%s", after);
	return read_bytes(wr_view(&all));
}

static void test_crl_read__each_form__the_same_list(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	assert_int_equal(read_around("", &scene.der, ""), TOBI_OK);
	assert_int_equal(read_around("", &scene.pem, ""), TOBI_OK);
	assert_int_equal(read_around("\r\n ", &scene.pem, "\n\n"), TOBI_OK);
	assert_int_equal(read_around("", &scene.hex, ""), TOBI_OK);
	assert_int_equal(read_around("", &scene.hex, "\r\n"), TOBI_OK);
	for (size_t i = 0; i < scene.hex.size; i++)
		scene.hex.ptr[i] = (uint8_t)toupper(scene.hex.ptr[i]);
	assert_int_equal(read_around("", &scene.hex, ""), TOBI_OK);
	scene_done(&scene);
}

static void test_crl_read__something_around_it__refused(void **state)
{
	struct scene scene;
	char pem[4096];

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	assert_int_equal(read_around("", &scene.der, "x"), TOBI_E_TRAILING);
	assert_int_equal(read_around("", &scene.der, "\n"), TOBI_E_TRAILING);
	assert_int_equal(read_around("", &scene.hex, "00"), TOBI_E_TRAILING);
	assert_int_equal(read_around("", &scene.hex, "0"), TOBI_E_MALFORMED);
	assert_int_equal(read_around("", &scene.hex, "\nff"), TOBI_E_MALFORMED);
	assert_int_equal(read_around("", &scene.pem, "x"), TOBI_E_TRAILING);
	assert_int_equal(read_around("text\n", &scene.pem, ""), TOBI_E_MALFORMED);
	/* Two lists; the second one may be damaged, too. */
	snprintf(pem, sizeof(pem), "%.*s", (int)scene.pem.size, (char *)scene.pem.ptr);
	assert_int_equal(read_around(pem, &scene.pem, ""), TOBI_E_TRAILING);
	assert_int_equal(read_around("", &scene.pem,
				     "-----BEGIN X509 CRL-----\nAAAA\n"
				     "-----END X509 CRL-----\n"),
			 TOBI_E_TRAILING);
	assert_int_equal(read_around("-----BEGIN CERTIFICATE-----\nAAAA\n"
				     "-----END CERTIFICATE-----\n",
				     &scene.pem, ""),
			 TOBI_E_MALFORMED);
	scene_done(&scene);
}

/* The one that is not signed; to OpenSSL an RSA signature's parameters are all one. */
static void test_crl_read__another_algorithm_than_is_signed__malformed(void **state)
{
	static const uint8_t end[] = {0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
	struct scene scene;
	uint8_t *at = NULL;

	(void)state;
	scene_make(&scene);
	EVP_PKEY_free(scene.issuer.key);
	scene.signs = scene.issuer.key = EVP_RSA_gen(2048);
	scene_build(&scene);
	accepted(&scene, NOW, 0);
	for (size_t i = 0; i + sizeof(end) <= scene.der.size; i++) {
		if (memcmp(scene.der.ptr + i, end, sizeof(end)) == 0)
			at = scene.der.ptr + i + 5;
	}
	assert_non_null(at);
	*at = 4; /* no NULL, but octets: none */
	assert_int_equal(read_around("", &scene.der, ""), TOBI_E_MALFORMED);
	scene_done(&scene);
}

/* OpenSSL would ask the terminal for a password. */
static void test_crl_read__encrypted_pem__malformed(void **state)
{
	(void)state;
	assert_int_equal(
	    read_bytes(text_bytes("-----BEGIN X509 CRL-----\n"
				  "Proc-Type: 4,ENCRYPTED\n"
				  "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF"
				  "\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
				  "-----END X509 CRL-----\n")),
	    TOBI_E_MALFORMED);
}

static void test_crl_read__truncated__refused_in_each_form(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	for (size_t size = 0; size < scene.der.size; size++)
		assert_int_not_equal(read_bytes((struct tobi_bytes){scene.der.ptr, size}),
				     TOBI_OK);
	for (size_t size = 0; size < scene.hex.size; size++)
		assert_int_not_equal(read_bytes((struct tobi_bytes){scene.hex.ptr, size}),
				     TOBI_OK);
	/* But for the end of its last line. */
	for (size_t size = 0; size < scene.pem.size - 1; size++)
		assert_int_not_equal(read_bytes((struct tobi_bytes){scene.pem.ptr, size}),
				     TOBI_OK);
	scene_done(&scene);
}

static void test_crl_read__other_things__malformed(void **state)
{
	struct scene scene;

	(void)state;
	scene_make(&scene);
	scene_build(&scene);
	assert_int_equal(read_around("", &scene.issuer_der, ""), TOBI_E_MALFORMED);
	assert_int_equal(read_bytes(text_bytes("{}")), TOBI_E_MALFORMED);
	assert_int_equal(read_bytes(text_bytes("30820")), TOBI_E_MALFORMED);
	assert_int_equal(read_bytes(text_bytes("3")), TOBI_E_MALFORMED);
	assert_int_equal(read_bytes(text_bytes("\n \n")), TOBI_E_MALFORMED);
	assert_int_equal(read_bytes((struct tobi_bytes){0}), TOBI_E_LIMIT);
	scene_done(&scene);
}

static void test_crl_read__size__limited(void **state)
{
	CLEANUP(wr_done) struct writer large = wr_init(LIMIT_CRL + 1);
	X509_CRL *crl = NULL;

	(void)state;
	assert_non_null(wr_reserve(&large, LIMIT_CRL + 1));
	large.ptr[0] = 0x30;
	large.ptr[1] = 0x83;
	assert_int_equal(crl_read(wr_view(&large), "list", &crl, NULL), TOBI_E_LIMIT);
	large.size--;
	assert_int_equal(crl_read(wr_view(&large), "list", &crl, NULL), TOBI_E_MALFORMED);
	for (size_t i = 0; i < large.size; i++)
		large.ptr[i] = '0';
	assert_int_equal(crl_read(wr_view(&large), "list", &crl, NULL), TOBI_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_crl_verify__good__has_its_window_date_and_number),
	    cmocka_unit_test(test_crl_verify__time__from_its_issue_until_the_next),
	    cmocka_unit_test(test_crl_verify__another_issuer__refused),
	    cmocka_unit_test(test_crl_verify__extensions__missing_or_not_known_refused),
	    cmocka_unit_test(test_crl_number__too_large_or_none__minus_one),
	    cmocka_unit_test(test_crl_revokes__listed_serial__and_no_other),
	    cmocka_unit_test(test_crl_read__each_form__the_same_list),
	    cmocka_unit_test(test_crl_read__something_around_it__refused),
	    cmocka_unit_test(test_crl_read__another_algorithm_than_is_signed__malformed),
	    cmocka_unit_test(test_crl_read__encrypted_pem__malformed),
	    cmocka_unit_test(test_crl_read__truncated__refused_in_each_form),
	    cmocka_unit_test(test_crl_read__other_things__malformed),
	    cmocka_unit_test(test_crl_read__size__limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
