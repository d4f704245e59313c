/* What Azure's metadata service answers, and what is asked of it. */
#include "attest/azure_metadata.h"

#include <stdio.h>

#include "collateral/http.h"
#include "tests/unit/attest/world.h"

#define PEM "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"

static const char certificates[] =
    "{\"vcekCert\":\"" PEM "\",\"tcbm\":\"DB\",\"certificateChain\":\"" PEM PEM "\"}";

static enum tobi_err read_certificates(const char *text, size_t size)
{
	struct block block = block_new((struct tobi_bytes){(const uint8_t *)text, size});
	struct writer vcek = wr_init(4096), chain = wr_init(4096);
	enum tobi_err err =
	    azure_certificates_read(block_view(block), &vcek, &chain, NULL);

	if (!err)
		assert_int_equal(chain.size, 2 * vcek.size);
	wr_done(&vcek);
	wr_done(&chain);
	block_done(block);
	return err;
}

static void test_azure_certificates__cut_or_changed__fails(void **state)
{
	static const char *const wrong[] = {
	    "{}",
	    "[]",
	    "{\"vcekCert\":\"" PEM "\"}",
	    "{\"certificateChain\":\"" PEM "\"}",
	    "{\"vcekCert\":1,\"certificateChain\":\"" PEM "\"}",
	    "{\"vcekCert\":\"\",\"certificateChain\":\"" PEM "\"}",
	    "{\"vcekCert\":\"MIIB\",\"certificateChain\":\"" PEM "\"}",
	    "{\"vcekCert\":\"" PEM "\",\"vcekCert\":\"" PEM
	    "\",\"certificateChain\":\"" PEM "\"}",
	};
	const size_t size = sizeof(certificates) - 1;

	(void)state;
	assert_int_equal(read_certificates(certificates, size), 0);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_not_equal(read_certificates(certificates, cut), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(read_certificates(wrong[i], strlen(wrong[i])),
				 TOBI_E_MALFORMED);
}

static enum tobi_err read_quote(const char *text)
{
	struct writer quote = wr_init(64);
	enum tobi_err err = azure_quote_read(text_bytes(text), &quote, NULL);

	if (!err)
		assert_bytes_equal(wr_view(&quote), BYTES(4, 0, 2, 0));
	wr_done(&quote);
	return err;
}

static void test_azure_quote__forms__with_and_without_padding(void **state)
{
	(void)state;
	assert_int_equal(read_quote("{\"quote\":\"BAACAA\"}"), 0);
	assert_int_equal(read_quote("{\"quote\":\"BAACAA==\"}"), 0);
	assert_int_equal(read_quote("{\"quote\":\"BAACAA===\"}"), TOBI_E_MALFORMED);
	assert_int_equal(read_quote("{\"quote\":\"BAAC/A\"}"), TOBI_E_MALFORMED);
	assert_int_equal(read_quote("{\"quote\":\"\"}"), TOBI_E_MALFORMED);
	assert_int_equal(read_quote("{\"quote\":null}"), TOBI_E_MALFORMED);
	assert_int_equal(read_quote("{\"error\":\"x\"}"), TOBI_E_MALFORMED);
	assert_int_equal(read_quote(""), TOBI_E_MALFORMED);
}

/* What was asked, in one line; and the answer. */
static char asked[512];
static enum tobi_err failure;

static enum tobi_err play_http(void *context, const struct http_request *request,
			       struct http_answer *ret_answer, struct tobi_fault *fault)
{
	(void)context;
	snprintf(asked, sizeof(asked), "%s|%s|%s|%.*s|%d", request->url,
		 request->lines[0], request->lines[1] ? request->lines[1] : "",
		 (int)request->body.size, (const char *)request->body.ptr,
		 request->of_this_host);
	if (failure)
		return failure;
	(void)fault;
	*ret_answer = (struct http_answer){wr_init(AZURE_METADATA_MAX), wr_init(16)};
	wr_printf(&ret_answer->body, "%s",
		  request->body.size ? "{\"quote\":\"BAACAA\"}" : certificates);
	return TOBI_OK;
}

static void test_azure_ask__requests__are_what_the_service_takes(void **state)
{
	struct writer quote = wr_init(64), vcek = wr_init(4096), chain = wr_init(4096);
	struct world world;

	(void)state;
	world_make(&world, 0);
	world.machine.device.http = play_http;
	world.request.metadata = "http://127.0.0.1:1";
	failure = TOBI_OK;
	assert_int_equal(azure_ask_quote(&world.request, BYTES(0xfb, 0xff), &quote, NULL),
			 0);
	assert_string_equal(asked,
			    "http://127.0.0.1:1/acc/tdquote|Metadata: true|Content-Type: "
			    "application/json|{\"report\":\"-_8\"}|1");
	assert_int_equal(azure_ask_certificates(&world.request, &vcek, &chain, NULL), 0);
	assert_string_equal(asked, "http://127.0.0.1:1/metadata/THIM/amd/certification|"
				   "Metadata: true|||1");
	failure = TOBI_E_TIMEOUT;
	assert_int_equal(azure_ask_quote(&world.request, BYTES(1), &quote, NULL),
			 TOBI_E_TIMEOUT);
	assert_int_equal(azure_ask_certificates(&world.request, &vcek, &chain, NULL),
			 TOBI_E_TIMEOUT);
	wr_done(&quote);
	wr_done(&vcek);
	wr_done(&chain);
	world_done(&world);
}

static void test_azure_ask__address_that_is_too_long__is_an_argument(void **state)
{
	struct writer quote = wr_init(64);
	struct world world;
	char address[600];

	(void)state;
	memset(address, 'x', sizeof(address) - 1);
	address[sizeof(address) - 1] = 0;
	world_make(&world, 0);
	world.machine.device.http = play_http;
	world.request.metadata = address;
	assert_int_equal(azure_ask_quote(&world.request, BYTES(1), &quote, NULL),
			 TOBI_E_ARGUMENT);
	world_done(&world);
	wr_done(&quote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_azure_certificates__cut_or_changed__fails),
	    cmocka_unit_test(test_azure_quote__forms__with_and_without_padding),
	    cmocka_unit_test(test_azure_ask__requests__are_what_the_service_takes),
	    cmocka_unit_test(test_azure_ask__address_that_is_too_long__is_an_argument),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
