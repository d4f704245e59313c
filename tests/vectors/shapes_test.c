/*
 * Intel's documents of the wrong shape, from the field: nobody has signed them, so it is
 * their reader that must refuse them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tee/dcap_qe.h"
#include "tests/check.h"
#include "tests/vectors/manifest.h"

#define FOLDER "sgx/openenclave-embedded-bad/"

static struct vectors vectors;

static enum tobi_err read_identity(struct tobi_bytes json, struct arena *arena,
				   struct tobi_fault *fault)
{
	struct dcap_qe_identity identity;

	return dcap_qe_identity_read(json, arena, &identity, fault);
}

static enum tobi_err read_tcb_info(struct tobi_bytes json, struct arena *arena,
				   struct tobi_fault *fault)
{
	struct dcap_tcb_info info;

	return dcap_tcb_info_read(json, arena, &info, fault);
}

static enum tobi_err read_document(const struct vector_row *row, struct tobi_bytes bytes,
				   struct tobi_fault *fault)
{
	bool identity = strstr(row->path, "qe_identity") != NULL;
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct dcap_envelope envelope;
	enum tobi_err err = dcap_envelope_read(
	    bytes, identity ? "enclaveIdentity" : "tcbInfo", row->path, &envelope, fault);

	if (!err)
		err = identity ? read_identity(envelope.signed_part, &arena, fault)
			       : read_tcb_info(envelope.signed_part, &arena, fault);
	arena_done(&arena);
	return err;
}

/* TCB information here is of version 1, which is not known: made to version 2, as which
 * it lacks nothing, so that its own fault is what is left. */
static const struct {
	const char *from, *to;
} changes[] = {
    {"\"version\": 1,", "\"version\": 2, \"pceId\": \"0000\", \"tcbType\": 0, "
			"\"tcbEvaluationDataNumber\": 5,"},
    {"\"status\":", "\"tcbDate\": \"2018-06-06T00:00:00Z\", \"tcbStatus\":"},
};

static const char *change_at(const char *at, const char **ret_to)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (strncmp(at, changes[i].from, strlen(changes[i].from)) == 0) {
			*ret_to = changes[i].to;
			return at + strlen(changes[i].from);
		}
	}
	return NULL;
}

static void write_version_2(struct tobi_bytes bytes, struct writer *out)
{
	char *text = strndup((const char *)bytes.ptr, bytes.size);
	const char *to, *next;

	assert_non_null(text);
	for (const char *at = text; *at; at = next) {
		next = change_at(at, &to);
		if (next)
			wr_printf(out, "%s", to);
		else
			wr_u8(out, (uint8_t)*at);
		next = next ? next : at + 1;
	}
	assert_int_equal(wr_err(out), 0);
	free(text);
}

static bool is_as_listed(struct vector_row *row)
{
	struct writer text = wr_init(LIMIT_DOCUMENT);
	struct tobi_fault fault = {0};
	enum tobi_err err;
	bool good = strncmp(row->expected, "well-formed", 11) == 0;

	write_version_2(vectors_bytes(&vectors, row), &text);
	err = read_document(row, wr_view(&text), &fault);
	print_message("%s: %s: %s %s\n", row->path, row->expected,
		      err ? fault.field : "read", err ? fault.message : "");
	wr_done(&text);
	return good == !err;
}

static void test_vectors__documents_of_wrong_shape__are_not_read(void **state)
{
	size_t wrong = 0, count = 0;

	(void)state;
	for (size_t i = 0; i < vectors.count; i++) {
		struct vector_row *row = &vectors.rows[i];

		if (strncmp(row->path, FOLDER, strlen(FOLDER)) != 0 ||
		    strcmp(row->kind, "collateral") != 0)
			continue;
		count++;
		wrong += !is_as_listed(row);
	}
	assert_true(count > 0);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors__documents_of_wrong_shape__are_not_read),
	};
	int failed = vectors_run(&vectors, tests);

	vectors_close(&vectors);
	return failed;
}
