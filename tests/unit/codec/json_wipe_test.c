#include <malloc.h>
#include <stdlib.h>

#include "codec/json.h"
#include "tests/bytes.h"

/* Linked with --wrap=free: what jansson gives back comes by here. */
static struct {
	bool on;
	unsigned blocks, unwiped;
} watch;

static const char mark[] = "c2VjcmV0IG9mIGFuIG93bmVy";

void __real_free(void *ptr);
void __wrap_free(void *ptr);

void __wrap_free(void *ptr)
{
	if (watch.on && ptr) {
		watch.blocks++;
		watch.unwiped +=
		    memmem(ptr, malloc_usable_size(ptr), mark, sizeof(mark) - 1) != NULL;
	}
	__real_free(ptr);
}

static void parse(void)
{
	json_t *json = NULL;
	char text[4000];

	/* Long enough that the parser's buffer grows, with the mark in it. */
	snprintf(text, sizeof(text), "{\"value\": \"%s%03000d\"}", mark, 0);
	assert_int_equal(json_parse(text_bytes(text), sizeof(text), "test", &json, NULL),
			 0);
	json_decref(json);
}

static void test_json_wipe_memory__a_secret_was_read__no_copy_is_left(void **state)
{
	(void)state;
	json_wipe_memory();
	watch.on = true;
	parse();
	watch.on = false;
	assert_true(watch.blocks > 3);
	assert_int_equal(watch.unwiped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json_wipe_memory__a_secret_was_read__no_copy_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
