#include "tee/sgx_report.h"

#include "base/endian.h"
#include "tests/bytes.h"

static enum tobi_err read(const uint8_t *bytes, size_t size, struct sgx_report *report)
{
	struct block block = block_new((struct tobi_bytes){bytes, size});
	enum tobi_err err = sgx_report_read(block_view(block), "report", report, NULL);

	block_done(block);
	return err;
}

static void test_sgx_report_read__each_field__is_where_it_belongs(void **state)
{
	uint8_t bytes[SGX_REPORT_SIZE];
	struct sgx_report report;
	struct tobi_bytes whole = {bytes, sizeof(bytes)};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % 251);
	assert_int_equal(sgx_report_read(whole, "report", &report, NULL), TOBI_OK);
	assert_ptr_equal(report.cpusvn.ptr, bytes);
	assert_ptr_equal(report.miscselect.ptr, bytes + 16);
	assert_int_equal(report.misc, load_u32le(bytes + 16));
	assert_ptr_equal(report.ext_product.ptr, bytes + 32);
	assert_ptr_equal(report.attributes.ptr, bytes + 48);
	assert_true(report.flags == load_u64le(bytes + 48));
	assert_true(report.xfrm == load_u64le(bytes + 56));
	assert_ptr_equal(report.mrenclave.ptr, bytes + 64);
	assert_ptr_equal(report.mrsigner.ptr, bytes + 128);
	assert_ptr_equal(report.config_id.ptr, bytes + 192);
	assert_int_equal(report.product, load_u16le(bytes + 256));
	assert_int_equal(report.svn, load_u16le(bytes + 258));
	assert_int_equal(report.config_svn, load_u16le(bytes + 260));
	assert_ptr_equal(report.family.ptr, bytes + 304);
	assert_ptr_equal(report.report_data.ptr, bytes + 320);
	assert_int_equal(report.report_data.size, 64);
	assert_false(report.reserved_zero);
}

static void test_sgx_report_read__each_reserved_byte__is_told(void **state)
{
	static const size_t reserved[][2] = {{20, 32}, {96, 128}, {160, 192}, {262, 304}};

	(void)state;
	for (size_t at = 0; at < SGX_REPORT_SIZE; at++) {
		uint8_t bytes[SGX_REPORT_SIZE] = {0};
		struct sgx_report report;
		bool is_reserved = false;

		for (size_t i = 0; i < 4; i++)
			is_reserved |= at >= reserved[i][0] && at < reserved[i][1];
		bytes[at] = 1;
		assert_int_equal(
		    sgx_report_read((struct tobi_bytes){bytes, sizeof(bytes)}, "report",
				    &report, NULL),
		    TOBI_OK);
		assert_int_equal(report.reserved_zero, !is_reserved);
	}
}

static void test_sgx_report_read__another_size__fails(void **state)
{
	uint8_t bytes[SGX_REPORT_SIZE + 1] = {0};
	struct sgx_report report = {.product = 77};

	(void)state;
	for (size_t size = 0; size < SGX_REPORT_SIZE; size++)
		assert_int_equal(read(bytes, size, &report), TOBI_E_TRUNCATED);
	assert_int_equal(read(bytes, sizeof(bytes), &report), TOBI_E_TRAILING);
	assert_int_equal(report.product, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sgx_report_read__each_field__is_where_it_belongs),
	    cmocka_unit_test(test_sgx_report_read__each_reserved_byte__is_told),
	    cmocka_unit_test(test_sgx_report_read__another_size__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
