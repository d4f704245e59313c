#include "seal_job.h"

#include <unistd.h>

#include "base/file.h"
#include "seal/memfile.h"
#include "tests/bytes.h"

static const uint8_t key[SEAL_KEY_SIZE] = {5};

static struct seal_identity sample(void)
{
	struct seal_identity identity = {.signer_count = 2, .product = 3, .svn = 7};

	identity.image[0] = 0xaa;
	identity.signers[0][0] = 0x11;
	identity.signers[1][0] = 0x22;
	return identity;
}

static struct tobi_bytes signer(const struct seal_identity *identity, size_t i)
{
	return (struct tobi_bytes){identity->signers[i], SHA384_SIZE};
}

/* The result's memory file, or an error of any step. */
static enum tobi_err work(const struct seal_identity *identity, const struct ask *ask,
			  int content, struct key_wanted *ret_wanted, int *ret_result)
{
	CLEANUP(seal_job_freep) struct seal_job *job = NULL;
	enum tobi_err err = seal_job_new(identity, ask, content, &job, ret_wanted, NULL);
	int result = -1;

	if (!err)
		err = seal_job_key(job, key, NULL);
	while (!err && result < 0)
		err = seal_job_step(job, &result, NULL);
	if (!err)
		*ret_result = result;
	return err;
}

/* An object of this identity, to the image or to its first signer. */
static int sealed_by(const struct seal_identity *identity, enum tobi_seal_to to)
{
	struct ask ask = {.kind = ASK_SEAL, .to = to};
	struct key_wanted wanted;
	int content = -1, result = -1;

	if (to == TOBI_SEAL_TO_SIGNER)
		ask.signer = signer(identity, 0);
	assert_int_equal(memfile_new(text_bytes("content"), &content, NULL), TOBI_OK);
	assert_int_equal(work(identity, &ask, content, &wanted, &result), TOBI_OK);
	close(content);
	return result;
}

static enum tobi_err open_as(const struct seal_identity *identity, int object,
			     struct key_wanted *ret_wanted)
{
	struct ask ask = {.kind = ASK_UNSEAL};
	char content[8] = "";
	size_t size = 0;
	int result = -1;
	enum tobi_err err = work(identity, &ask, object, ret_wanted, &result);

	if (err)
		return err;
	assert_int_equal(memfile_size(result, 16, &size, NULL), TOBI_OK);
	assert_int_equal(size, 7);
	assert_int_equal(fd_pread_all(result, content, 7, 0, "content", NULL), TOBI_OK);
	assert_string_equal(content, "content");
	close(result);
	return TOBI_OK;
}

static void test_seal_choose_signer(void **state)
{
	struct seal_identity identity = sample();
	static const uint8_t other[SHA384_SIZE] = {0x33};
	struct tobi_bytes chosen = {0};

	(void)state;
	assert_int_equal(seal_choose_signer(&identity, TOBI_SEAL_TO_SIGNER,
					    signer(&identity, 1), &chosen, NULL),
			 TOBI_OK);
	assert_bytes_equal(chosen, signer(&identity, 1));
	/* Two have signed: which is meant? */
	assert_int_equal(seal_choose_signer(&identity, TOBI_SEAL_TO_SIGNER,
					    (struct tobi_bytes){0}, &chosen, NULL),
			 TOBI_E_ARGUMENT);
	assert_int_equal(seal_choose_signer(&identity, TOBI_SEAL_TO_SIGNER,
					    (struct tobi_bytes){other, sizeof(other)},
					    &chosen, NULL),
			 TOBI_E_DENIED);
	identity.signer_count = 1;
	assert_int_equal(seal_choose_signer(&identity, TOBI_SEAL_TO_SIGNER,
					    (struct tobi_bytes){0}, &chosen, NULL),
			 TOBI_OK);
	assert_bytes_equal(chosen, signer(&identity, 0));
	identity.signer_count = 0;
	assert_int_equal(seal_choose_signer(&identity, TOBI_SEAL_TO_SIGNER,
					    (struct tobi_bytes){0}, &chosen, NULL),
			 TOBI_E_DENIED);
	assert_int_equal(seal_choose_signer(&identity, TOBI_SEAL_TO_IMAGE,
					    (struct tobi_bytes){0}, &chosen, NULL),
			 TOBI_OK);
	assert_int_equal(chosen.size, 0);
}

static void test_seal_job__to_the_image__opens_there_only(void **state)
{
	struct seal_identity identity = sample();
	struct key_wanted wanted;
	int object = sealed_by(&identity, TOBI_SEAL_TO_IMAGE);

	(void)state;
	assert_int_equal(open_as(&identity, object, &wanted), TOBI_OK);
	assert_int_equal(wanted.to, TOBI_SEAL_TO_IMAGE);
	assert_int_equal(wanted.svn, 0);
	/* Whatever else is the same. */
	identity.image[47] ^= 1;
	assert_int_equal(open_as(&identity, object, &wanted), TOBI_E_DENIED);
	close(object);
}

static void test_seal_job__to_the_signer__follows_the_rules(void **state)
{
	struct seal_identity identity = sample(), other;
	struct key_wanted wanted;
	int object = sealed_by(&identity, TOBI_SEAL_TO_SIGNER);

	(void)state;
	other = identity;
	other.image[0] ^= 1;
	assert_int_equal(open_as(&other, object, &wanted), TOBI_OK);
	/* The key of the version that has sealed it. */
	other.svn = 9;
	assert_int_equal(open_as(&other, object, &wanted), TOBI_OK);
	assert_int_equal(wanted.to, TOBI_SEAL_TO_SIGNER);
	assert_int_equal(wanted.svn, 7);
	assert_bytes_equal(wanted.signer, signer(&other, 0));
	other.svn = 6;
	assert_int_equal(open_as(&other, object, &wanted), TOBI_E_DENIED);
	other = identity;
	other.product = 4;
	assert_int_equal(open_as(&other, object, &wanted), TOBI_E_DENIED);
	other = identity;
	other.signers[0][0] ^= 1;
	assert_int_equal(open_as(&other, object, &wanted), TOBI_E_DENIED);
	close(object);
}

static void test_seal_job__debug__is_another_world(void **state)
{
	struct seal_identity identity = sample(), debug = sample();
	struct key_wanted wanted;
	int object;

	(void)state;
	debug.debug = true;
	for (int to = TOBI_SEAL_TO_IMAGE; to <= TOBI_SEAL_TO_SIGNER; to++) {
		object = sealed_by(&identity, (enum tobi_seal_to)to);
		assert_int_equal(open_as(&debug, object, &wanted), TOBI_E_DENIED);
		close(object);
		object = sealed_by(&debug, (enum tobi_seal_to)to);
		assert_int_equal(open_as(&identity, object, &wanted), TOBI_E_DENIED);
		assert_int_equal(open_as(&debug, object, &wanted), TOBI_OK);
		close(object);
	}
}

/* The header is what the key is asked by: a changed one that is accepted asks for a key
 * with which the tag does not fit. */
static void test_seal_job__a_lower_svn_written_into_the_header__fails(void **state)
{
	struct seal_identity identity = sample();
	uint8_t bytes[TOBI_SEAL_OVERHEAD + 7];
	int object = sealed_by(&identity, TOBI_SEAL_TO_SIGNER), changed = -1;
	struct key_wanted wanted;

	(void)state;
	assert_int_equal(fd_pread_all(object, bytes, sizeof(bytes), 0, "object", NULL),
			 TOBI_OK);
	bytes[15] = 1;
	assert_int_equal(
	    memfile_new((struct tobi_bytes){bytes, sizeof(bytes)}, &changed, NULL),
	    TOBI_OK);
	identity.svn = 1;
	assert_int_equal(open_as(&identity, changed, &wanted), TOBI_E_MISMATCH);
	close(object);
	close(changed);
}

static void test_seal_job__every_truncation__fails(void **state)
{
	struct seal_identity identity = sample();
	uint8_t bytes[TOBI_SEAL_OVERHEAD + 7];
	int object = sealed_by(&identity, TOBI_SEAL_TO_IMAGE);
	struct key_wanted wanted;

	(void)state;
	assert_int_equal(fd_pread_all(object, bytes, sizeof(bytes), 0, "object", NULL),
			 TOBI_OK);
	for (size_t size = 0; size < sizeof(bytes); size++) {
		int cut = -1;

		assert_int_equal(
		    memfile_new((struct tobi_bytes){bytes, size}, &cut, NULL), TOBI_OK);
		assert_int_equal(open_as(&identity, cut, &wanted), TOBI_E_TRUNCATED);
		close(cut);
	}
	close(object);
}

static void test_seal_job__steps_out_of_order__fail(void **state)
{
	struct seal_identity identity = sample();
	CLEANUP(seal_job_freep) struct seal_job *job = NULL;
	struct ask ask = {.kind = ASK_SEAL};
	struct key_wanted wanted;
	int content = -1, result = 99;

	(void)state;
	assert_int_equal(memfile_new(text_bytes("x"), &content, NULL), TOBI_OK);
	assert_int_equal(seal_job_new(&identity, &ask, content, &job, &wanted, NULL),
			 TOBI_OK);
	assert_int_equal(seal_job_step(job, &result, NULL), TOBI_E_PROTOCOL);
	assert_int_equal(seal_job_key(job, key, NULL), TOBI_OK);
	assert_int_equal(seal_job_key(job, key, NULL), TOBI_E_PROTOCOL);
	close(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seal_choose_signer),
	    cmocka_unit_test(test_seal_job__to_the_image__opens_there_only),
	    cmocka_unit_test(test_seal_job__to_the_signer__follows_the_rules),
	    cmocka_unit_test(test_seal_job__debug__is_another_world),
	    cmocka_unit_test(test_seal_job__a_lower_svn_written_into_the_header__fails),
	    cmocka_unit_test(test_seal_job__every_truncation__fails),
	    cmocka_unit_test(test_seal_job__steps_out_of_order__fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
