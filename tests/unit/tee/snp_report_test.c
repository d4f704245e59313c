/* The report as bytes: every field, every end, what is recognised, products, signatures.
 */
#include "tee/snp_report.h"

#include "base/endian.h"
#include "tests/bytes.h"
#include "tests/check.h"

static struct block make(uint32_t version)
{
	struct block block = {malloc(SNP_REPORT_SIZE), SNP_REPORT_SIZE};

	assert_non_null(block.ptr);
	memset(block.ptr, 0, block.size);
	store_le(block.ptr, 4, version);
	store_le(block.ptr + 0x34, 4, 1);
	return block;
}

static void test_snp_report_parse__each_field__is_at_its_place(void **state)
{
	struct block block = make(5);
	struct snp_report report;
	uint8_t *at = block.ptr;

	(void)state;
	store_le(at + 0x04, 4, 0x01020304);
	store_le(at + 0x08, 8, 0x1122334455667788);
	store_le(at + 0x30, 4, 2);
	store_le(at + 0x40, 8, 0x99);
	store_le(at + 0x48, 4, 1 | 1 << 1 | 1 << 2);
	at[0x10] = 0x10, at[0x20] = 0x20, at[0x38] = 0x38, at[0x50] = 0x50;
	at[0x90] = 0x90, at[0xc0] = 0xc0, at[0xe0] = 0xe0, at[0x110] = 0x11;
	at[0x140] = 0x14, at[0x160] = 0x16, at[0x180] = 0x18, at[0x188] = 0x1a;
	at[0x189] = 0x02, at[0x18a] = 0x01, at[0x1a0] = 0x1a, at[0x1e0] = 0x1e;
	at[0x1e8] = 29, at[0x1e9] = 55, at[0x1ea] = 1;
	at[0x1ec] = 28, at[0x1ed] = 54, at[0x1ee] = 2;
	at[0x1f0] = 0x1f, at[0x1f8] = 0x0b, at[0x200] = 0x0c, at[0x2a0] = 0x2a;
	assert_int_equal(snp_report_parse(block_view(block), &report, NULL), 0);
	assert_null(report.not_zero);
	assert_int_equal(report.guest_svn, 0x01020304);
	assert_true(report.policy == 0x1122334455667788);
	assert_int_equal(report.vmpl, 2);
	assert_int_equal(report.algorithm, 1);
	assert_true(report.platform == 0x99);
	assert_int_equal(snp_report_key(&report), SNP_KEY_VLEK);
	assert_true(snp_report_masked(&report) && snp_report_author_key(&report));
	assert_int_equal(report.family_id.ptr[0], 0x10);
	assert_int_equal(report.image_id.ptr[0], 0x20);
	assert_int_equal(report.current_tcb.ptr[0], 0x38);
	assert_int_equal(report.report_data.ptr[0], 0x50);
	assert_int_equal(report.measurement.ptr[0], 0x90);
	assert_int_equal(report.host_data.ptr[0], 0xc0);
	assert_int_equal(report.id_key_digest.ptr[0], 0xe0);
	assert_int_equal(report.author_key_digest.ptr[0], 0x11);
	assert_int_equal(report.report_id.ptr[0], 0x14);
	assert_int_equal(report.migration_agent.ptr[0], 0x16);
	assert_int_equal(report.reported_tcb.ptr[0], 0x18);
	assert_int_equal(report.family, 0x1a);
	assert_int_equal(report.model, 2);
	assert_int_equal(report.stepping, 1);
	assert_int_equal(report.chip_id.ptr[0], 0x1a);
	assert_int_equal(report.committed_tcb.ptr[0], 0x1e);
	assert_int_equal(report.current.build, 29);
	assert_int_equal(report.current.minor, 55);
	assert_int_equal(report.current.major, 1);
	assert_int_equal(report.committed.build, 28);
	assert_int_equal(report.committed.minor, 54);
	assert_int_equal(report.committed.major, 2);
	assert_int_equal(report.launch_tcb.ptr[0], 0x1f);
	assert_int_equal(report.launch_mitigations.ptr[0], 0x0b);
	assert_int_equal(report.current_mitigations.ptr[0], 0x0c);
	assert_int_equal(report.signature.ptr[0], 0x2a);
	assert_int_equal(report.signed_part.size, SNP_SIGNED_SIZE);
	block_done(block);
}

static void test_snp_report_parse__cut_or_too_long__fails(void **state)
{
	struct block block = make(3);
	struct block longer = {calloc(1, SNP_REPORT_SIZE + 1), SNP_REPORT_SIZE + 1};
	struct snp_report report;

	(void)state;
	for (size_t size = 0; size < SNP_REPORT_SIZE; size++) {
		struct block cut = block_new((struct tobi_bytes){block.ptr, size});

		assert_int_equal(snp_report_parse(block_view(cut), &report, NULL),
				 TOBI_E_TRUNCATED);
		assert_false(snp_report_recognise(block_view(cut)));
		block_done(cut);
	}
	assert_int_equal(snp_report_parse(block_view(longer), &report, NULL),
			 TOBI_E_TRAILING);
	block_done(block);
	block_done(longer);
}

/* Every byte that a version keeps zero, alone. */
static void test_snp_report_parse__reserved_not_zero__is_named(void **state)
{
	static const struct {
		uint32_t version;
		size_t from, size;
	} ranges[] = {
	    {2, 0x4c, 4},    {2, 0x188, 3},  {2, 0x18b, 21},  {2, 0x1eb, 1},
	    {2, 0x1ef, 1},   {2, 0x1f8, 16}, {2, 0x208, 152}, {3, 0x4c, 4},
	    {3, 0x18b, 21},  {3, 0x1f8, 16}, {3, 0x208, 152}, {5, 0x18b, 21},
	    {5, 0x208, 152},
	};
	struct snp_report report;

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		for (size_t at = 0; at < ranges[i].size; at++) {
			struct block block = make(ranges[i].version);

			block.ptr[ranges[i].from + at] = 0x80;
			assert_int_equal(
			    snp_report_parse(block_view(block), &report, NULL), 0);
			assert_non_null(report.not_zero);
			block_done(block);
		}
	}
}

static void test_snp_report_recognise__other_kinds__are_not(void **state)
{
	struct block block = make(6);

	(void)state;
	assert_true(snp_report_recognise(block_view(block)));
	block.ptr[0] = 1; /* a certificate of SEV */
	assert_false(snp_report_recognise(block_view(block)));
	block.ptr[0] = 3;
	block.ptr[2] = 2; /* a quote of SGX: a key type behind the version */
	assert_false(snp_report_recognise(block_view(block)));
	block.ptr[2] = 0;
	assert_true(snp_report_recognise(block_view(block)));
	block.ptr[0x0f] = 1;
	assert_false(snp_report_recognise(block_view(block)));
	block.ptr[0x0f] = 0;
	block.ptr[0x35] = 1;
	assert_false(snp_report_recognise(block_view(block)));
	block.ptr[0x35] = 0;
	block.ptr[0x49] = 1;
	assert_false(snp_report_recognise(block_view(block)));
	block_done(block);
}

static void test_snp_product__of_cpus_and_names__is_known_or_not(void **state)
{
	static const struct {
		uint8_t family, model;
		const char *name;
	} cpus[] = {
	    {0x19, 0x00, "Milan"},  {0x19, 0x0f, "Milan"},  {0x19, 0x10, "Genoa"},
	    {0x19, 0x1f, "Genoa"},  {0x19, 0x20, NULL},	    {0x19, 0x9f, NULL},
	    {0x19, 0xa0, "Genoa"},  {0x19, 0xaf, "Genoa"},  {0x19, 0xb0, NULL},
	    {0x1a, 0x00, "Turin"},  {0x1a, 0x11, "Turin"},  {0x1a, 0x12, NULL},
	    {0x1a, 0x50, "Venice"}, {0x1a, 0x57, "Venice"}, {0x1a, 0x58, NULL},
	    {0x1a, 0x90, "Venice"}, {0x1a, 0xaf, "Venice"}, {0x1a, 0xc0, "Venice"},
	    {0x1a, 0xc7, "Venice"}, {0x1a, 0xc8, NULL},	    {0x17, 0x31, NULL},
	    {0x1b, 0x00, NULL},	    {0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		const struct snp_product *product =
		    snp_product_of_cpu(cpus[i].family, cpus[i].model);

		assert_int_equal(product != NULL, cpus[i].name != NULL);
		if (product)
			assert_string_equal(product->name, cpus[i].name);
	}
	assert_string_equal(snp_product_named(text_bytes("Milan-B0"))->name, "Milan");
	assert_false(snp_product_named(text_bytes("Venice"))->supported);
	assert_null(snp_product_named(text_bytes("Mila")));
	assert_null(snp_product_named(text_bytes("MilanX")));
	assert_null(snp_product_named(text_bytes("-Milan")));
	assert_null(snp_product_named(text_bytes("")));
	assert_null(snp_product_at(3));
}

static void test_snp_signature_read__upper_bytes__must_be_zero(void **state)
{
	uint8_t field[SNP_SIGNATURE_SIZE] = {0}, raw[96];
	const struct tobi_bytes bytes = {field, sizeof(field)};

	(void)state;
	field[0] = 1, field[47] = 2, field[72] = 3, field[119] = 4;
	assert_true(snp_signature_read(bytes, raw));
	assert_int_equal(raw[47], 1);
	assert_int_equal(raw[0], 2);
	assert_int_equal(raw[95], 3);
	assert_int_equal(raw[48], 4);
	for (size_t i = 0; i < sizeof(field); i++) {
		if (i < 48 || (i >= 72 && i < 120))
			continue;
		field[i] = 1;
		assert_false(snp_signature_read(bytes, raw));
		field[i] = 0;
	}
	assert_false(snp_signature_read((struct tobi_bytes){field, 511}, raw));
}

#define TEST(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_snp_report_parse__each_field__is_at_its_place),
	    TEST(test_snp_report_parse__cut_or_too_long__fails),
	    TEST(test_snp_report_parse__reserved_not_zero__is_named),
	    TEST(test_snp_report_recognise__other_kinds__are_not),
	    TEST(test_snp_product__of_cpus_and_names__is_known_or_not),
	    TEST(test_snp_signature_read__upper_bytes__must_be_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
