#include "tests/check.h"

#include "codec/cbor.h"
#include "daemons/platform/request.h"

static struct writer begin(unsigned entries, unsigned kind)
{
	struct writer out = wr_init(1024);

	cbor_write_map(&out, entries);
	cbor_write_uint(&out, 0);
	cbor_write_uint(&out, kind);
	return out;
}

static void add_text(struct writer *out, unsigned key, const char *text)
{
	cbor_write_uint(out, key);
	cbor_write_text(out, text);
}

static void add_uint(struct writer *out, unsigned key, uint64_t value)
{
	cbor_write_uint(out, key);
	cbor_write_uint(out, value);
}

static void add_bytes(struct writer *out, unsigned key, size_t size)
{
	static const uint8_t bytes[128] = {1};

	assert_in_range(size, 0, sizeof(bytes));
	cbor_write_uint(out, key);
	cbor_write_bytes(out, (struct tobi_bytes){bytes, size});
}

static struct writer launch(const char *address, uint64_t port, uint64_t inner)
{
	struct writer out = begin(5, REQUEST_LAUNCH);

	add_text(&out, 1, "redis");
	add_bytes(&out, 2, 20);
	cbor_write_uint(&out, 3);
	cbor_write_array(&out, 1);
	cbor_write_array(&out, 3);
	cbor_write_text(&out, address);
	cbor_write_uint(&out, port);
	cbor_write_uint(&out, inner);
	cbor_write_uint(&out, 4);
	cbor_write_bool(&out, true);
	return out;
}

/* Ends out. A refusal names the field and writes nothing. */
static void expect_refused(struct writer *out, enum tobi_err wanted, const char *field)
{
	struct request request, untouched;
	struct tobi_fault fault = {0};

	memset(&request, 0x5a, sizeof(request));
	untouched = request;
	assert_int_equal(request_parse(wr_view(out), &request, &fault), wanted);
	assert_int_equal(fault.code, wanted);
	assert_string_equal(fault.field, field);
	assert_memory_equal(&request, &untouched, sizeof(request));
	wr_done(out);
}

static void test_request__launch__is_read_whole(void **state)
{
	struct writer out = launch("127.0.0.1", 7443, 6379);
	struct request request;

	(void)state;
	assert_int_equal(request_parse(wr_view(&out), &request, NULL), TOBI_OK);
	assert_int_equal(request.kind, REQUEST_LAUNCH);
	assert_int_equal(request.launch.name.size, 5);
	assert_int_equal(request.launch.config.size, 20);
	assert_int_equal(request.launch.port_count, 1);
	assert_string_equal(request.launch.ports[0].address, "127.0.0.1");
	assert_int_equal(request.launch.ports[0].port, 7443);
	assert_int_equal(request.launch.ports[0].inner, 6379);
	assert_true(request.launch.detach);
	wr_done(&out);
}

static void test_request__launch_cut_anywhere_or_longer__is_refused(void **state)
{
	struct writer out = launch("127.0.0.1", 7443, 6379);
	struct tobi_bytes whole = wr_view(&out);
	struct request request;

	(void)state;
	for (size_t size = 0; size < whole.size; size++)
		assert_int_not_equal(
		    request_parse((struct tobi_bytes){whole.ptr, size}, &request, NULL),
		    TOBI_OK);
	wr_u8(&out, 0);
	assert_int_not_equal(request_parse(wr_view(&out), &request, NULL), TOBI_OK);
	wr_done(&out);
}

static void test_request__port_or_address_too_large__is_refused(void **state)
{
	char address[sizeof(((struct published *)NULL)->address) + 1];
	struct writer out = launch("", 65536, 80);

	(void)state;
	expect_refused(&out, TOBI_E_LIMIT, "port");
	out = launch("", 80, 65536);
	expect_refused(&out, TOBI_E_LIMIT, "inner port");
	memset(address, 'a', sizeof(address));
	address[sizeof(address) - 1] = '\0';
	out = launch(address, 80, 80);
	expect_refused(&out, TOBI_E_LIMIT, "address");
}

static void test_request__unknown_kind__is_refused(void **state)
{
	struct writer out = begin(1, REQUEST_STATUS + 1);

	(void)state;
	expect_refused(&out, TOBI_E_UNSUPPORTED, "");
	out = begin(1, 0);
	expect_refused(&out, TOBI_E_UNSUPPORTED, "");
}

static void test_request__stop__has_an_id_and_a_bounded_grace(void **state)
{
	struct writer out = begin(3, REQUEST_STOP);
	struct request request;

	(void)state;
	add_text(&out, 1, "redis");
	add_uint(&out, 2, CONTROL_GRACE_MAX);
	assert_int_equal(request_parse(wr_view(&out), &request, NULL), TOBI_OK);
	assert_int_equal(request.grace, CONTROL_GRACE_MAX);
	wr_done(&out);
	out = begin(3, REQUEST_STOP);
	add_text(&out, 1, "redis");
	add_uint(&out, 2, CONTROL_GRACE_MAX + 1);
	expect_refused(&out, TOBI_E_LIMIT, "grace");
	out = begin(2, REQUEST_STOP);
	add_uint(&out, 2, 1);
	expect_refused(&out, TOBI_E_MALFORMED, "id");
}

static void test_request__id_too_long__is_refused(void **state)
{
	char id[CONTROL_ID_MAX + 2];
	struct writer out = begin(2, REQUEST_LOGS);

	(void)state;
	memset(id, 'a', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	add_text(&out, 1, id);
	expect_refused(&out, TOBI_E_LIMIT, "id");
}

static void test_request__nonce_too_short_or_long__is_refused(void **state)
{
	static const struct {
		size_t size;
		enum tobi_err err;
	} cases[] = {{0, TOBI_E_ARGUMENT}, {7, TOBI_E_ARGUMENT}, {65, TOBI_E_LIMIT}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct writer out = begin(3, REQUEST_ATTEST);

		add_text(&out, 1, "redis");
		add_bytes(&out, 2, cases[i].size);
		expect_refused(&out, cases[i].err, "nonce");
	}
}

static void test_request__signal_out_of_range__is_refused(void **state)
{
	struct writer out = begin(2, REQUEST_SIGNAL);

	(void)state;
	add_uint(&out, 1, 0);
	expect_refused(&out, TOBI_E_ARGUMENT, "signal");
	out = begin(2, REQUEST_SIGNAL);
	add_uint(&out, 1, 32);
	expect_refused(&out, TOBI_E_LIMIT, "signal");
}

static void test_request__entries_that_are_not_its_own__is_refused(void **state)
{
	struct writer out = begin(2, REQUEST_LIST);
	struct request request;

	(void)state;
	add_uint(&out, 1, 1);
	assert_int_not_equal(request_parse(wr_view(&out), &request, NULL), TOBI_OK);
	wr_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request__launch__is_read_whole),
	    cmocka_unit_test(test_request__launch_cut_anywhere_or_longer__is_refused),
	    cmocka_unit_test(test_request__port_or_address_too_large__is_refused),
	    cmocka_unit_test(test_request__unknown_kind__is_refused),
	    cmocka_unit_test(test_request__stop__has_an_id_and_a_bounded_grace),
	    cmocka_unit_test(test_request__id_too_long__is_refused),
	    cmocka_unit_test(test_request__nonce_too_short_or_long__is_refused),
	    cmocka_unit_test(test_request__signal_out_of_range__is_refused),
	    cmocka_unit_test(test_request__entries_that_are_not_its_own__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
