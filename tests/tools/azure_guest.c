/*
 * The paravisor and the host of a confidential VM of Azure, played for end-to-end tests
 * of its attester:
 *   azure_guest FOLDER snp|tdx AK.PEM USER-DATA
 * writes there hcl.bin (the paravisor's report that names the key; USER-DATA is 128
 * digits), what the metadata service answers (certification.json or tdquote.json), and
 * policy.yaml, collateral/ and time for `tobichi verify`. With "-" in its place it does
 * so for each line of the standard input, under the same keys, and says "done".
 */
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/endian.h"
#include "base/file.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "pki/key.h"
#include "tests/snp_scene.h"
#include "tests/tdx_run.h"

enum {
	HARDWARE = 32,
	DATA = 1236,
	SNP_REPORT_DATA = 0x50,
	TDREPORT_DATA = 128,
	TDREPORT_INFO = 512,
	TYPE_SNP = 2,
	TYPE_TDX = 4,
};

static char **arguments;
static const char *user_data;
static struct snp_scene snp;
static struct tdx_run td;

static void put(const char *name, struct tobi_bytes bytes)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", arguments[1], name);
	assert_int_equal(file_write(path, 0644, bytes, name, NULL), 0);
}

static void put_time(int64_t seconds)
{
	const time_t now = (time_t)seconds;
	char text[32];
	struct tm tm;

	assert_non_null(gmtime_r(&now, &tm));
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put("time", text_bytes(text));
}

static void write_number(EVP_PKEY *key, const char *name, struct writer *out)
{
	uint8_t bytes[512];
	BIGNUM *number = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	base64url_write(out,
			(struct tobi_bytes){bytes, (size_t)BN_bn2bin(number, bytes)});
	BN_free(number);
}

/* What the paravisor says, as the hash of it is in the hardware's report. */
static void write_data(struct writer *out)
{
	struct writer pem = wr_init(LIMIT_PEM);
	EVP_PKEY *key = NULL;
	BIO *bio;

	assert_int_equal(file_read(arguments[3], LIMIT_PEM, "key", &pem, NULL), 0);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	assert_non_null(key);
	wr_printf(out, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"key_ops\":[\"sign\"],"
		       "\"kty\":\"RSA\",\"e\":\"");
	write_number(key, OSSL_PKEY_PARAM_RSA_E, out);
	wr_printf(out, "\",\"n\":\"");
	write_number(key, OSSL_PKEY_PARAM_RSA_N, out);
	wr_printf(out,
		  "\"}],\"vm-configuration\":{\"secure-boot\":true,\"tpm-enabled\":true,"
		  "\"vmUniqueId\":\"00000000-0000-0000-0000-000000000000\"},"
		  "\"user-data\":\"%s\"}",
		  user_data);
	EVP_PKEY_free(key);
	BIO_free(bio);
	wr_done(&pem);
}

static void put_report(const uint8_t *hardware, size_t size, unsigned type,
		       struct tobi_bytes data)
{
	struct writer out = wr_init(LIMIT_EVIDENCE);
	uint8_t *bytes = wr_reserve(&out, DATA);

	bytes_copy(bytes, 4, "HCLA", 4);
	store_le(bytes + 4, 4, 2);
	store_le(bytes + 8, 4, DATA + data.size);
	store_le(bytes + 12, 4, 2);
	bytes_copy(bytes + HARDWARE, 1184, hardware, size);
	store_le(bytes + 1216, 4, 20 + data.size);
	store_le(bytes + 1220, 4, 1);
	store_le(bytes + 1224, 4, type);
	store_le(bytes + 1228, 4, 1);
	store_le(bytes + 1232, 4, data.size);
	wr_bytes(&out, data.ptr, data.size);
	put("hcl.bin", wr_view(&out));
	wr_done(&out);
}

static json_t *pem_of(struct tobi_bytes *certificates, size_t count)
{
	struct writer pem = wr_init(LIMIT_PEM);
	json_t *text;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(chain_write_pem(certificates[i], &pem, NULL), 0);
	text = json_stringn((const char *)pem.ptr, pem.size);
	wr_done(&pem);
	return text;
}

static void put_json(const char *name, json_t *json)
{
	struct writer out = wr_init(LIMIT_JSON);

	assert_int_equal(json_write(json, false, &out, NULL), 0);
	put(name, wr_view(&out));
	json_decref(json);
	wr_done(&out);
}

/* Of today, as what else is appraised with it. */
static void prepare_snp(void)
{
	snp_scene_make(&snp);
	snp.now = snp.time = time(NULL);
	snp.leaf_from = snp.crl_from = snp.now - SNP_DAY;
	snp.leaf_to = snp.crl_to = snp.now + SNP_DAY;
	snp_scene_pieces(&snp);
}

static void make_snp(struct tobi_bytes data, const uint8_t *hash)
{
	struct writer report = wr_init(LIMIT_EVIDENCE), policy = wr_init(LIMIT_POLICY);

	memset(snp.report + SNP_REPORT_DATA, 0, 64);
	bytes_copy(snp.report + SNP_REPORT_DATA, 64, hash, SHA256_SIZE);
	snp_scene_report(&snp, &report);
	put_report(report.ptr, report.size, TYPE_SNP, data);
	put("crl.der", snp.pieces[3]);
	put("collateral/crl.der", snp.pieces[3]);
	put_json("certification.json",
		 json_pack("{s:o, s:s, s:o}", "vcekCert", pem_of(snp.pieces, 1), "tcbm",
			   "DB18000000000004", "certificateChain",
			   pem_of(snp.pieces + 1, 2)));
	snp_scene_policy(&snp, &policy);
	put("policy.yaml", wr_view(&policy));
	put_time(snp.time);
	wr_done(&report);
	wr_done(&policy);
}

static void prepare_tdx(void)
{
	char path[1024];

	tdx_run_init(&td);
	tdx_run_move(&td, time(NULL));
	snprintf(path, sizeof(path), "%s/collateral", arguments[1]);
	tdx_run_put_collateral(&td, path);
}

/* TDREPORT_STRUCT: what identifies the TD is as in the quote's body. */
static void make_tdx(struct tobi_bytes data, const uint8_t *hash)
{
	uint8_t report[1024] = {0x81};
	struct writer quote = wr_init(LIMIT_EVIDENCE), text = wr_init(LIMIT_JSON);
	struct writer policy = wr_init(LIMIT_POLICY);

	bytes_copy(report + TDREPORT_DATA, 64, hash, SHA256_SIZE);
	bytes_copy(report + TDREPORT_INFO, 16, td.scene.body + 120, 16);
	bytes_copy(report + TDREPORT_INFO + 16, 8 * 48, td.scene.body + 136, 8 * 48);
	put_report(report, sizeof(report), TYPE_TDX, data);
	bytes_copy(td.scene.body + 520, 64, report + TDREPORT_DATA, 64);
	dcap_scene_quote(&td.scene, &quote);
	put("td-quote", wr_view(&quote));
	base64url_write(&text, wr_view(&quote));
	put_json("tdquote.json",
		 json_pack("{s:s#}", "quote", (const char *)text.ptr, (int)text.size));
	tdx_run_policy(&td, "", &policy);
	put("policy.yaml", wr_view(&policy));
	put_time(td.time);
	wr_done(&quote);
	wr_done(&text);
	wr_done(&policy);
}

static void make_one(bool tdx)
{
	struct writer data = wr_init(LIMIT_EVIDENCE);
	uint8_t hash[SHA256_SIZE];

	write_data(&data);
	assert_int_equal(wr_err(&data), 0);
	assert_int_equal(hash_sha256(wr_view(&data), hash), 0);
	if (tdx)
		make_tdx(wr_view(&data), hash);
	else
		make_snp(wr_view(&data), hash);
	wr_done(&data);
}

static void test_write(void **state)
{
	bool tdx = strcmp(arguments[2], "tdx") == 0;
	char line[256], path[1024];

	(void)state;
	snprintf(path, sizeof(path), "%s/collateral", arguments[1]);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	if (tdx)
		prepare_tdx();
	else
		prepare_snp();
	user_data = arguments[4];
	if (strcmp(user_data, "-") != 0) {
		make_one(tdx);
		return;
	}
	user_data = line;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		make_one(tdx);
		printf("done\n");
		fflush(stdout);
	}
}

/* Its steps assert, as those of a test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {cmocka_unit_test(test_write)};

	if (argc != 5) {
		fprintf(stderr, "usage: azure_guest FOLDER snp|tdx AK.PEM USER-DATA\n");
		return 2;
	}
	arguments = argv;
	return cmocka_run_group_tests(steps, NULL, NULL);
}
