#include <stdlib.h>

#include <openssl/pem.h>

#include "appraise/unwrap.h"
#include "base/limits.h"
#include "collateral/bundle.h"
#include "tests/bytes.h"
#include "pki/chain.h"
#include "tests/nitro_scene.h"

/* Its line has this word in it. */
static void hints(struct tobi_bytes bytes, const char *word)
{
	struct block block = block_new(bytes);
	const char *line = unwrap_hint(block_view(block));

	if (!line || !strstr(line, word))
		fail_msg("%s: %s", word, line ? line : "no line");
	block_done(block);
}

static void hints_nothing(struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);

	assert_null(unwrap_hint(block_view(block)));
	block_done(block);
}

static void test_unwrap_hint__reports_for_one_machine(void **state)
{
	static uint8_t bytes[1025];

	(void)state;
	bytes[0] = 0x81;
	hints((struct tobi_bytes){bytes, 1024}, "TDREPORT");
	bytes[2] = 1;
	hints((struct tobi_bytes){bytes, 1024}, "TDREPORT");
	hints_nothing((struct tobi_bytes){bytes, 1023});
	hints_nothing((struct tobi_bytes){bytes, 1025});
	bytes[1] = 1;
	hints_nothing((struct tobi_bytes){bytes, 1024});
	memset(bytes, 0x55, sizeof(bytes));
	hints_nothing((struct tobi_bytes){bytes, 432});
	memset(bytes + 20, 0, 12);
	memset(bytes + 96, 0, 32);
	memset(bytes + 160, 0, 32);
	memset(bytes + 262, 0, 42);
	hints((struct tobi_bytes){bytes, 432}, "REPORT of SGX");
	hints_nothing((struct tobi_bytes){bytes, 431});
}

static void is_vendors(const char *name, bool expected)
{
	struct test_nitro nitro;
	struct writer document = wr_init(LIMIT_NITRO), pem = wr_init(LIMIT_PEM);

	test_nitro_make(&nitro, NITRO_ENCLAVE);
	nitro.certificates[NITRO_LEAF].name = name;
	test_nitro_document(&nitro, &document);
	assert_int_equal(
	    chain_write_pem(wr_view(&nitro.certificates[NITRO_LEAF].der), &pem, NULL), 0);
	if (expected) {
		hints(wr_view(&nitro.certificates[NITRO_LEAF].der), "--with");
		hints(wr_view(&pem), "--with");
	} else {
		hints_nothing(wr_view(&nitro.certificates[NITRO_LEAF].der));
		hints_nothing(wr_view(&pem));
	}
	wr_done(&document);
	wr_done(&pem);
	test_nitro_done(&nitro);
}

static void test_unwrap_hint__certificates_of_vendors(void **state)
{
	(void)state;
	is_vendors("SEV-VCEK", true);
	is_vendors("SEV-VLEK", true);
	is_vendors("ARK-Milan", true);
	is_vendors("Intel SGX PCK Certificate", true);
	is_vendors("aws.nitro-enclaves", true);
	is_vendors("enclave", false);
}

/* A list of nobody: its form is what counts. */
static void write_crl(struct writer *der, struct writer *pem)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *time = ASN1_TIME_set(NULL, NITRO_NOW);
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *bytes = NULL;
	EVP_PKEY *key = NULL;
	char *text = NULL;
	int size;

	assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set1_lastUpdate(crl, time);
	X509_CRL_set1_nextUpdate(crl, time);
	assert_true(X509_CRL_sign(crl, key, EVP_sha384()) > 0);
	size = i2d_X509_CRL(crl, &bytes);
	assert_true(size > 0);
	wr_bytes(der, bytes, (size_t)size);
	assert_int_equal(PEM_write_bio_X509_CRL(bio, crl), 1);
	size = (int)BIO_get_mem_data(bio, &text);
	wr_bytes(pem, text, (size_t)size);
	OPENSSL_free(bytes);
	BIO_free_all(bio);
	ASN1_TIME_free(time);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
}

static void test_unwrap_hint__lists_and_bundles(void **state)
{
	struct writer der = wr_init(LIMIT_CRL), pem = wr_init(LIMIT_CRL);
	struct writer bundle = wr_init(LIMIT_TOKEN);
	struct tobi_collateral *set = tobi_collateral_new();
	EVP_PKEY *key = NULL;

	(void)state;
	write_crl(&der, &pem);
	hints(wr_view(&der), "--collateral");
	hints(wr_view(&pem), "--collateral");
	wr_u8(&der, 0);
	hints_nothing(wr_view(&der));
	assert_non_null(set);
	assert_int_equal(key_new(KEY_P384, &key, NULL), 0);
	assert_int_equal(bundle_write(set, key, NITRO_NOW, &bundle, NULL), 0);
	hints(wr_view(&bundle), "--collateral");
	EVP_PKEY_free(key);
	tobi_collateral_free(set);
	wr_done(&bundle);
	wr_done(&der);
	wr_done(&pem);
}

/* The firmware's answer to a guest: 32 bytes, then a report of 1184. */
static void test_unwrap_hint__a_report_behind_the_firmwares_answer(void **state)
{
	static uint8_t answer[32 + 1184 + 1];

	(void)state;
	answer[32] = 2;			 /* version */
	answer[32 + 0x34] = 1;		 /* ECDSA on P-384 with SHA-384 */
	answer[4] = 0xa0, answer[5] = 4; /* its size */
	hints((struct tobi_bytes){answer, 32 + 1184}, "tail -c +33");
	hints_nothing((struct tobi_bytes){answer + 32, 1184});
	answer[0] = 1; /* a status other than good */
	hints_nothing((struct tobi_bytes){answer, 32 + 1184});
	answer[0] = 0;
	answer[12] = 1;
	hints_nothing((struct tobi_bytes){answer, 32 + 1184});
}

static void test_unwrap_hint__a_report_that_is_cut(void **state)
{
	static uint8_t report[1184];

	(void)state;
	report[0] = 2;	  /* version */
	report[0x34] = 1; /* ECDSA on P-384 with SHA-384 */
	hints((struct tobi_bytes){report, 1183}, "is cut");
	hints((struct tobi_bytes){report, 0x38}, "is cut");
	hints_nothing((struct tobi_bytes){report, 0x37});
	report[0x30] = 4; /* VMPL */
	hints_nothing((struct tobi_bytes){report, 1183});
	report[0x30] = 0;
	report[15] = 1; /* of the guest policy, which has no such bit */
	hints_nothing((struct tobi_bytes){report, 1183});
	report[15] = 0;
	report[0] = 4; /* a version that is none */
	hints_nothing((struct tobi_bytes){report, 1183});
}

static void test_unwrap_hint__collateral(void **state)
{
	(void)state;
	hints(text_bytes("{\"tcbInfo\":{}}"), "--collateral");
	hints(text_bytes("{ \"enclaveIdentity\":{}}"), "--collateral");
	hints_nothing(text_bytes("{\"x\":{}}"));
	hints_nothing(text_bytes("\"tcbInfo\""));
	hints_nothing(text_bytes("-----BEGIN X509 CRL-----\n"));
}

static void test_unwrap_hint__event_logs(void **state)
{
	uint8_t log[64] = {[4] = 3, [28] = 32};

	(void)state;
	hints((struct tobi_bytes){log, 64}, "event log");
	hints_nothing((struct tobi_bytes){log, 63}); /* the event is not in it */
	log[0] = 1;				     /* of TDX */
	hints((struct tobi_bytes){log, 64}, "event log");
	log[0] = 2;
	hints_nothing((struct tobi_bytes){log, 64});
	log[0] = 0;
	log[4] = 4;
	hints_nothing((struct tobi_bytes){log, 64});
	hints(text_bytes("CCEL8"), "event log");
}

static void test_unwrap_hint__other_things(void **state)
{
	(void)state;
	hints_nothing(BYTES(0xff, 0x54, 0x43, 0x47, 0x80, 0x17, 0, 0));
	hints(text_bytes("version: 1\n"), "--policy");
	hints(text_bytes("TOBICHI1..."), "image");
	hints(text_bytes("TOBISEAL..."), "sealed");
	hints_nothing(text_bytes("hello"));
	hints_nothing((struct tobi_bytes){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unwrap_hint__reports_for_one_machine),
	    cmocka_unit_test(test_unwrap_hint__certificates_of_vendors),
	    cmocka_unit_test(test_unwrap_hint__a_report_that_is_cut),
	    cmocka_unit_test(test_unwrap_hint__collateral),
	    cmocka_unit_test(test_unwrap_hint__lists_and_bundles),
	    cmocka_unit_test(test_unwrap_hint__a_report_behind_the_firmwares_answer),
	    cmocka_unit_test(test_unwrap_hint__event_logs),
	    cmocka_unit_test(test_unwrap_hint__other_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
