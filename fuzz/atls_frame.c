/* Reads bytes as each message of tobichi-atls/1. */
#include "atls/message.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tobi_bytes item = {data, size};
	struct atls_evidence evidence;
	struct atls_result result;
	struct atls_hello hello;
	enum atls_type type;

	if (atls_read_type(item, &type, NULL))
		return 0;
	if (type == ATLS_EVIDENCE)
		IGNORE(atls_read_evidence(item, &evidence, NULL));
	else if (type == ATLS_RESULT)
		IGNORE(atls_read_result(item, &result, NULL));
	else
		IGNORE(atls_read_hello(item, type, &hello, NULL));
	return 0;
}
