#include "broker/authority.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pki/cert.h"
#include "tests/broker_world.h"
#include "tests/csr_make.h"

static struct authority get(struct broker *broker, const char *owner)
{
	struct authority authority = {0};

	if (authority_get(broker, owner, world.now, &authority, &world.fault))
		fail_msg("%s: %s", world.fault.object, world.fault.message);
	return authority;
}

static bool same(const struct authority *a, const struct authority *b)
{
	return EVP_PKEY_eq(a->key, b->key) == 1 &&
	       X509_cmp(a->certificate, b->certificate) == 0;
}

static void test_authority_get__first_use__one_for_each_owner(void **state)
{
	struct broker *second = broker_world_open();
	struct authority one = get(world.broker, "alice"), again = get(second, "alice"),
			 other = get(world.broker, "bob");

	(void)state;
	assert_true(same(&one, &again));
	assert_false(same(&one, &other));
	assert_int_equal(X509_check_ca(one.certificate), 1);
	assert_int_equal(X509_get_pathlen(one.certificate), 0);
	assert_int_equal(X509_self_signed(one.certificate, 1), 1);
	/* Its key is nowhere as it is. */
	assert_int_equal(
	    db_world_number("SELECT count(*) FROM certificate_authority", NO_VALUES), 2);
	authority_done(&one);
	authority_done(&again);
	authority_done(&other);
	broker_free(second);
}

static void test_authority_get__changed_in_the_database__refused(void **state)
{
	struct authority authority = get(world.broker, "bob");

	(void)state;
	authority_done(&authority);
	/* Another owner's, under this one's name. */
	db_world_do("UPDATE certificate_authority SET owner = 'alice'", NO_VALUES);
	assert_int_equal(
	    authority_get(world.broker, "alice", world.now, &authority, &world.fault),
	    TOBI_E_SIGNATURE);
	authority = get(world.broker, "bob");
	authority_done(&authority);
	db_world_do("UPDATE certificate_authority SET chain = ? WHERE owner = 'bob'",
		    VALUES(B(text_bytes("x"))));
	assert_int_equal(
	    authority_get(world.broker, "bob", world.now, &authority, &world.fault),
	    TOBI_E_SIGNATURE);
}

static void test_authority_delete__next_use__another(void **state)
{
	struct authority one = get(world.broker, "alice"), two;

	(void)state;
	assert_int_equal(authority_delete(world.broker, "alice", &world.fault), 0);
	assert_int_equal(authority_delete(world.broker, "alice", &world.fault),
			 TOBI_E_NOT_FOUND);
	two = get(world.broker, "alice");
	assert_false(same(&one, &two));
	authority_done(&one);
	authority_done(&two);
}

/* ---- signed by another CA ---- */

struct root {
	EVP_PKEY *key;
	X509 *certificate;
	struct writer pem;
};

static void write_pem(X509 *certificate, struct writer *out)
{
	unsigned char *der = NULL;
	int size = i2d_X509(certificate, &der);

	assert_int_equal(
	    chain_write_pem((struct tobi_bytes){der, (size_t)size}, out, NULL), 0);
	OPENSSL_free(der);
}

static struct root make_root(const char *basic)
{
	struct root root = {.key = csr_make_key("EC:P-256"), .pem = wr_init(1 << 16)};

	root.certificate = csr_make_ca(root.key, "house root", NULL, root.key, basic,
				       world.now - 100, world.now + 1000000);
	write_pem(root.certificate, &root.pem);
	return root;
}

static void root_done(struct root *root)
{
	EVP_PKEY_free(root->key);
	X509_free(root->certificate);
	wr_done(&root->pem);
}

/* What the root signs for alice's CA: imported with the root behind it, or alone. */
static enum tobi_err import(const struct root *root, EVP_PKEY *of, const char *basic,
			    int64_t from, int64_t until, bool with_root)
{
	struct authority before = get(world.broker, "alice");
	X509 *signed_one = csr_make_ca(of ? of : before.key, "alice's enclaves",
				       root->certificate, root->key, basic, from, until);
	struct writer pem = wr_init(1 << 16);
	enum tobi_err err;

	write_pem(signed_one, &pem);
	if (with_root)
		wr_bytes(&pem, root->pem.ptr, root->pem.size);
	err = authority_import(world.broker, "alice", wr_view(&pem), world.now,
			       &world.fault);
	X509_free(signed_one);
	authority_done(&before);
	wr_done(&pem);
	return err;
}

#define CA_0 "critical,CA:TRUE,pathlen:0"

static void test_authority_import__signed_by_another__takes_its_place(void **state)
{
	struct root root = make_root("critical,CA:TRUE");
	struct authority before = get(world.broker, "alice"), after;

	(void)state;
	assert_int_equal(
	    import(&root, NULL, CA_0, world.now - 10, world.now + 5000, true), 0);
	broker_world_again();
	after = get(world.broker, "alice");
	assert_int_equal(EVP_PKEY_eq(before.key, after.key), 1);
	assert_int_equal(X509_verify(after.certificate, root.key), 1);
	authority_done(&before);
	authority_done(&after);
	/* And once more, alone. */
	assert_int_equal(
	    import(&root, NULL, CA_0, world.now - 10, world.now + 5000, false), 0);
	root_done(&root);
}

static void test_authority_import__not_fit__refused(void **state)
{
	struct root root = make_root("critical,CA:TRUE"),
		    flat = make_root("critical,CA:TRUE,pathlen:0");
	EVP_PKEY *other = csr_make_key("EC:P-384");
	const int64_t from = world.now - 10, until = world.now + 5000;
	struct authority before = get(world.broker, "alice"), after;

	(void)state;
	assert_int_equal(import(&root, other, CA_0, from, until, true),
			 TOBI_E_CERTIFICATE);
	assert_int_equal(import(&root, NULL, "CA:FALSE", from, until, true),
			 TOBI_E_CERTIFICATE);
	assert_int_equal(import(&root, NULL, CA_0, from, world.now, true),
			 TOBI_E_CERTIFICATE);
	assert_int_equal(import(&root, NULL, CA_0, world.now + 1, until, true),
			 TOBI_E_CERTIFICATE);
	assert_int_equal(import(&flat, NULL, CA_0, from, until, true),
			 TOBI_E_CERTIFICATE);
	/* Not signed by the next one, which has its name. */
	EVP_PKEY_free(root.key);
	root.key = csr_make_key("EC:P-256");
	assert_int_equal(import(&root, NULL, CA_0, from, until, true),
			 TOBI_E_CERTIFICATE);
	assert_int_equal(authority_import(world.broker, "alice", text_bytes("nothing"),
					  world.now, &world.fault),
			 TOBI_E_CERTIFICATE);
	after = get(world.broker, "alice");
	assert_true(same(&before, &after));
	authority_done(&before);
	authority_done(&after);
	root_done(&root);
	root_done(&flat);
	EVP_PKEY_free(other);
}

static void test_authority_import__no_key_identifier__refused(void **state)
{
	struct root root = make_root("critical,CA:TRUE");
	struct authority before = get(world.broker, "alice");
	X509 *bare = csr_make_ca(before.key, "alice's enclaves", root.certificate,
				 root.key, CA_0, world.now - 10, world.now + 5000);
	struct writer pem = wr_init(1 << 16);

	(void)state;
	X509_EXTENSION_free(X509_delete_ext(
	    bare, X509_get_ext_by_NID(bare, NID_subject_key_identifier, -1)));
	assert_true(X509_sign(bare, root.key, EVP_sha256()) > 0);
	write_pem(bare, &pem);
	assert_int_equal(authority_import(world.broker, "alice", wr_view(&pem), world.now,
					  &world.fault),
			 TOBI_E_CERTIFICATE);
	assert_non_null(strstr(world.fault.message, "identifier"));
	X509_free(bare);
	authority_done(&before);
	wr_done(&pem);
	root_done(&root);
}

static void test_authority_request__signed_by_the_key__for_a_ca(void **state)
{
	struct authority authority = get(world.broker, "alice");
	struct writer pem = wr_init(1 << 16);
	X509_REQ *request;
	BIO *bio;

	(void)state;
	assert_int_equal(authority_request(&authority, "alice", &pem, &world.fault), 0);
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	request = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	assert_non_null(request);
	assert_int_equal(X509_REQ_verify(request, authority.key), 1);
	X509_REQ_free(request);
	BIO_free(bio);
	wr_done(&pem);
	authority_done(&authority);
}

/* ---- by signed requests ---- */

static void test_authority__by_signed_requests__owners_alone(void **state)
{
	struct authority authority;
	json_t *answer;

	(void)state;
	answer = ask_json(world.alice, HTTP_GET, "/v1/certificate-authority", NULL);
	authority = get(world.broker, "alice");
	assert_bytes_equal(
	    text_bytes(json_string_value(json_object_get(answer, "certificate"))),
	    wr_view(&authority.chain));
	assert_non_null(strstr(json_string_value(json_object_get(answer, "request")),
			       "CERTIFICATE REQUEST"));
	json_decref(answer);
	authority_done(&authority);
	assert_int_equal(
	    ask_for(world.operator_key, HTTP_GET, "/v1/certificate-authority", NULL),
	    403);
	assert_int_equal(ask_for(NULL, HTTP_GET, "/v1/certificate-authority", NULL), 401);
	assert_int_equal(ask_for(world.alice, HTTP_PUT, "/v1/certificate-authority",
				 "{\"certificate\": \"x\"}"),
			 400);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, "/v1/certificate-authority", NULL), 200);
	assert_int_equal(
	    ask_for(world.alice, HTTP_DELETE, "/v1/certificate-authority", NULL), 404);
}

#define T_(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, broker_world_enter, broker_world_leave)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    T_(test_authority_get__first_use__one_for_each_owner),
	    T_(test_authority_get__changed_in_the_database__refused),
	    T_(test_authority_delete__next_use__another),
	    T_(test_authority_import__signed_by_another__takes_its_place),
	    T_(test_authority_import__not_fit__refused),
	    T_(test_authority_import__no_key_identifier__refused),
	    T_(test_authority_request__signed_by_the_key__for_a_ca),
	    T_(test_authority__by_signed_requests__owners_alone),
	};

	db_world_argument(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
