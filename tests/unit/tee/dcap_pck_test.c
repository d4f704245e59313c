#include "tee/dcap_pck.h"

#include "base/endian.h"
#include "tests/bytes.h"
#include "tests/dcap_scene.h"

static struct block value_of(const struct dcap_pck *pck)
{
	struct writer out = wr_init(8192);
	struct block block;

	dcap_scene_extension(pck, &out);
	block = block_new(wr_view(&out));
	wr_done(&out);
	return block;
}

static enum tobi_err read(struct tobi_bytes value, struct dcap_pck *pck)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = dcap_pck_read_value(value, "certificate", pck, &fault);

	assert_int_equal(err, fault.code);
	return err;
}

static void test_dcap_pck_read_value__each_member__as_it_was_written(void **state)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block;

	(void)state;
	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	assert_int_equal(read(block_view(block), &pck), TOBI_OK);
	block_done(block);
	assert_memory_equal(pck.ppid, scene.pck.ppid, 16);
	assert_memory_equal(pck.components, scene.pck.components, 16);
	assert_memory_equal(pck.cpusvn, scene.pck.cpusvn, 16);
	assert_memory_equal(pck.pce_id, scene.pck.pce_id, 2);
	assert_memory_equal(pck.fmspc, scene.pck.fmspc, 6);
	assert_memory_equal(pck.instance, scene.pck.instance, 16);
	assert_int_equal(pck.pcesvn, scene.pck.pcesvn);
	assert_int_equal(pck.platform, DCAP_SCALABLE);
	assert_true(pck.has_instance && pck.has_configuration);
	assert_true(!pck.dynamic_platform && pck.cached_keys && pck.smt);
}

static void test_dcap_pck_read_value__without_what_may_be_absent__read(void **state)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block;

	(void)state;
	dcap_scene_make(&scene);
	scene.pck.has_instance = scene.pck.has_configuration = false;
	block = value_of(&scene.pck);
	assert_int_equal(read(block_view(block), &pck), TOBI_OK);
	assert_false(pck.has_instance || pck.has_configuration);
	block_done(block);
}

static void
test_dcap_pck_read_value__every_truncation_and_a_byte_more__fails(void **state)
{
	struct dcap_scene scene;
	struct dcap_pck pck = {.pcesvn = 77};
	struct block block, longer;

	(void)state;
	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	for (size_t size = 0; size < block.size; size++) {
		struct block cut = block_new((struct tobi_bytes){block.ptr, size});

		assert_int_equal(read(block_view(cut), &pck), TOBI_E_MALFORMED);
		block_done(cut);
	}
	longer = block_new((struct tobi_bytes){block.ptr, block.size});
	longer.ptr = realloc(longer.ptr, ++longer.size);
	assert_non_null(longer.ptr);
	longer.ptr[block.size] = 0;
	assert_int_equal(read(block_view(longer), &pck), TOBI_E_MALFORMED);
	assert_int_equal(pck.pcesvn, 77);
	block_done(longer);
	block_done(block);
}

/* The name of a member, wherever it is in the value: its last number becomes another. */
static enum tobi_err renamed(struct tobi_bytes name, uint8_t to)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block;
	uint8_t *at;
	enum tobi_err err;

	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	at = memmem(block.ptr, block.size, name.ptr, name.size);
	assert_non_null(at);
	at[name.size - 1] = to;
	err = read(block_view(block), &pck);
	block_done(block);
	return err;
}

static void test_dcap_pck_read_value__member_twice_missing_or_unknown__fails(void **state)
{
	const struct tobi_bytes first =
	    BYTES(6, 10, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, 1);
	const struct tobi_bytes component =
	    BYTES(6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, 2, 3);
	const struct tobi_bytes setting =
	    BYTES(6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, 7, 1);
	const struct tobi_bytes prefix = BYTES(6, 10, 0x2a, 0x86);

	(void)state;
	assert_int_equal(renamed(first, 1), TOBI_OK);
	assert_int_equal(renamed(first, 6), TOBI_E_MALFORMED); /* twice */
	assert_int_equal(renamed(first, 8), TOBI_E_MALFORMED);
	assert_int_equal(renamed(first, 0), TOBI_E_MALFORMED);
	assert_int_equal(renamed(first, 40), TOBI_E_MALFORMED);
	assert_int_equal(renamed(component, 4), TOBI_E_MALFORMED);
	assert_int_equal(renamed(component, 18), TOBI_E_MALFORMED);
	assert_int_equal(renamed(component, 19), TOBI_E_MALFORMED);
	assert_int_equal(renamed(setting, 2), TOBI_E_MALFORMED);
	assert_int_equal(renamed(setting, 4), TOBI_E_MALFORMED);
	assert_int_equal(renamed(prefix, 0x87), TOBI_E_MALFORMED); /* another's */
	/* A component that is not below the TCB, and a setting not below its own. */
	assert_int_equal(
	    renamed(BYTES(6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, 2), 7),
	    TOBI_E_MALFORMED);
	assert_int_equal(
	    renamed(BYTES(6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, 7), 2),
	    TOBI_E_MALFORMED);
}

/* OIDs below that of the extension. */
#define NAME(size, ...)                                                                  \
	BYTES(6, size, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1, __VA_ARGS__)

static size_t find(const struct block *block, struct tobi_bytes name)
{
	const uint8_t *at = memmem(block->ptr, block->size, name.ptr, name.size);

	assert_non_null(at);
	return (size_t)(at - block->ptr);
}

/* A length of two bytes, at an offset. */
static void change_length(struct block *block, size_t at, int by)
{
	store_be(block->ptr + at, 2, (uint64_t)((int)load_u16be(block->ptr + at) + by));
}

/* Without the member of that name; parent, if not empty, is whose value it is in. */
static enum tobi_err without(struct tobi_bytes name, struct tobi_bytes parent)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block;
	size_t at, size;
	enum tobi_err err;

	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	at = find(&block, name) - 2;
	size = 2u + block.ptr[at + 1];
	if (parent.size && block.ptr[find(&block, parent) - 4] == 0x30) {
		size_t whole = find(&block, parent);

		change_length(&block, whole - 2, -(int)size);
		change_length(&block, whole + parent.size + 2, -(int)size);
	} else if (parent.size) { /* lengths of one byte */
		size_t whole = find(&block, parent);

		block.ptr[whole - 1] = (uint8_t)(block.ptr[whole - 1] - size);
		block.ptr[whole + parent.size + 1] =
		    (uint8_t)(block.ptr[whole + parent.size + 1] - size);
	}
	change_length(&block, 2, -(int)size);
	memmove(block.ptr + at, block.ptr + at + size, block.size - at - size);
	block.size -= size;
	err = read(block_view(block), &pck);
	block_done(block);
	return err;
}

static void test_dcap_pck_read_value__member_missing__fails(void **state)
{
	const struct tobi_bytes none = {0}, tcb = NAME(10, 2), settings = NAME(10, 7);
	struct dcap_pck pck;

	(void)state;
	assert_int_equal(read(BYTES(0x30, 0), &pck), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(10, 1), none), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(10, 3), none), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(10, 4), none), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(10, 5), none), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(10, 6), none), TOBI_OK);
	assert_int_equal(without(NAME(11, 2, 1), tcb), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(11, 2, 17), tcb), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(11, 2, 18), tcb), TOBI_E_MALFORMED);
	assert_int_equal(without(NAME(11, 7, 2), settings), TOBI_E_MALFORMED);
}

/* Behind the name is the value: its tag, its length, its content. */
static enum tobi_err changed(struct tobi_bytes name, size_t offset, uint8_t to)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block;
	enum tobi_err err;

	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	block.ptr[find(&block, name) + name.size + offset] = to;
	err = read(block_view(block), &pck);
	block_done(block);
	return err;
}

/* A number that is cut to its size would be another: 511 no less than 255. */
static void test_dcap_pck_read_value__number_out_of_range__fails(void **state)
{
	(void)state;
	assert_int_equal(changed(NAME(11, 2, 6), 2, 1), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 2, 16), 2, 1), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 2, 17), 2, 1), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 2, 1), 2, 0x85), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 2, 6), 3, 5), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(10, 5), 2, DCAP_SCALABLE_INTEGRITY), TOBI_OK);
	assert_int_equal(changed(NAME(10, 5), 2, DCAP_SCALABLE_INTEGRITY + 1),
			 TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 7, 1), 2, 1), TOBI_E_MALFORMED);
}

static void test_dcap_pck_read_value__value_of_another_type__fails(void **state)
{
	(void)state;
	assert_int_equal(changed(NAME(10, 1), 0, 0x0c), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(10, 2), 0, 0x31), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(10, 3), 0, 0x0c), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(10, 4), 0, 0x0c), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(10, 5), 0, 0x02), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 2, 1), 0, 0x0a), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 2, 18), 0, 0x0c), TOBI_E_MALFORMED);
	assert_int_equal(changed(NAME(11, 7, 1), 0, 0x02), TOBI_E_MALFORMED);
}

/* More bytes in the member of the FMSPC, from an offset behind the start of its name on;
 * of that name if it is said so. */
static enum tobi_err grown(size_t offset, struct tobi_bytes more, bool of_name)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block, longer;
	size_t at;
	enum tobi_err err;

	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	at = find(&block, NAME(10, 4));
	change_length(&block, 2, (int)more.size);
	block.ptr[at - 1] = (uint8_t)(block.ptr[at - 1] + more.size);
	if (of_name)
		block.ptr[at + 1] = (uint8_t)(block.ptr[at + 1] + more.size);
	longer = (struct block){malloc(block.size + more.size), block.size + more.size};
	assert_non_null(longer.ptr);
	at += offset;
	bytes_copy(longer.ptr, longer.size, block.ptr, at);
	bytes_copy(longer.ptr + at, longer.size - at, more.ptr, more.size);
	bytes_copy(longer.ptr + at + more.size, longer.size - at - more.size,
		   block.ptr + at, block.size - at);
	err = read(block_view(longer), &pck);
	block_done(longer);
	block_done(block);
	return err;
}

static void test_dcap_pck_read_value__more_in_a_member__fails(void **state)
{
	(void)state;
	assert_int_equal(grown(12, (struct tobi_bytes){0}, false), TOBI_OK);
	assert_int_equal(grown(12, BYTES(1), true), TOBI_E_MALFORMED);
	assert_int_equal(grown(12 + 2 + DCAP_FMSPC_SIZE, BYTES(5, 0), false),
			 TOBI_E_MALFORMED);
}

/* All that must be there is, and the first member once more behind. */
static void test_dcap_pck_read_value__member_added_again__fails(void **state)
{
	struct dcap_scene scene;
	struct dcap_pck pck;
	struct block block, longer;
	size_t size;

	(void)state;
	dcap_scene_make(&scene);
	block = value_of(&scene.pck);
	size = 2u + block.ptr[5];
	longer = (struct block){malloc(block.size + size), block.size + size};
	assert_non_null(longer.ptr);
	bytes_copy(longer.ptr, longer.size, block.ptr, block.size);
	bytes_copy(longer.ptr + block.size, size, block.ptr + 4, size);
	change_length(&longer, 2, (int)size);
	assert_int_equal(read(block_view(longer), &pck), TOBI_E_MALFORMED);
	block_done(longer);
	block_done(block);
}

static void test_dcap_pck_read__extension_absent_or_twice__fails(void **state)
{
	(void)state;
	for (unsigned count = 0; count <= 2; count++) {
		struct dcap_scene scene;
		struct dcap_pck pck;
		X509 *certificate;

		dcap_scene_make(&scene);
		scene.certificates[DCAP_PCK].sgx_extensions = count;
		certificate = dcap_scene_certificate(&scene, DCAP_PCK);
		assert_int_equal(dcap_pck_read(certificate, "certificate", &pck, NULL),
				 count == 1 ? TOBI_OK : TOBI_E_MALFORMED);
		X509_free(certificate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dcap_pck_read_value__each_member__as_it_was_written),
	    cmocka_unit_test(test_dcap_pck_read_value__without_what_may_be_absent__read),
	    cmocka_unit_test(
		test_dcap_pck_read_value__every_truncation_and_a_byte_more__fails),
	    cmocka_unit_test(
		test_dcap_pck_read_value__member_twice_missing_or_unknown__fails),
	    cmocka_unit_test(test_dcap_pck_read_value__member_missing__fails),
	    cmocka_unit_test(test_dcap_pck_read_value__number_out_of_range__fails),
	    cmocka_unit_test(test_dcap_pck_read_value__value_of_another_type__fails),
	    cmocka_unit_test(test_dcap_pck_read_value__more_in_a_member__fails),
	    cmocka_unit_test(test_dcap_pck_read_value__member_added_again__fails),
	    cmocka_unit_test(test_dcap_pck_read__extension_absent_or_twice__fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
