/* What documents are, whatever their files are called. */
#include "collateral/collateral.h"
#include "tests/bytes.h"
#include "tests/vendor_scene.h"

enum { NOW = 1900000000 };

static struct vendor_scene scene;

static int set_up(void **state)
{
	(void)state;
	vendor_scene_make(&scene, NOW);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	vendor_scene_done(&scene);
	return 0;
}

static enum tobi_err add(struct tobi_collateral *set, struct tobi_bytes bytes)
{
	struct block block = block_new(bytes);
	enum tobi_err err = tobi_collateral_add(set, block_view(block), "a file", NULL);

	block_done(block);
	return err;
}

/* The bytes are one document of this kind and name. */
static void is(struct tobi_bytes bytes, enum collateral_kind kind, const char *name)
{
	struct tobi_collateral *set = tobi_collateral_new();
	const struct collateral_item *item;

	assert_int_equal(add(set, bytes), TOBI_OK);
	assert_int_equal(collateral_count(set), 1);
	item = collateral_at(set, 0);
	assert_int_equal(item->kind, kind);
	assert_string_equal(item->name, name);
	assert_string_equal(item->source, "a file");
	assert_null(collateral_at(set, 1));
	tobi_collateral_free(set);
}

static void is_none(struct tobi_bytes bytes, enum tobi_err expected)
{
	struct tobi_collateral *set = tobi_collateral_new();

	assert_int_equal(add(set, bytes), expected);
	assert_int_equal(collateral_count(set), 0);
	tobi_collateral_free(set);
}

static void test_detect__json__is_known(void **state)
{
	(void)state;
	is(wr_view(&scene.sgx_tcb_info), COLLATERAL_SGX_TCB_INFO, VENDOR_FMSPC);
	is(wr_view(&scene.tdx_tcb_info), COLLATERAL_TDX_TCB_INFO, VENDOR_FMSPC);
	is(wr_view(&scene.sgx_identity), COLLATERAL_SGX_QE_IDENTITY, "");
	is(wr_view(&scene.tdx_identity), COLLATERAL_TDX_QE_IDENTITY, "");
}

static void to_hex(struct tobi_bytes der, struct writer *out)
{
	for (size_t i = 0; i < der.size; i++)
		wr_printf(out, "%02X", der.ptr[i]);
	wr_u8(out, '\n');
}

static void test_detect__lists__are_known_by_issuer(void **state)
{
	struct writer hex = wr_init(64 << 10);

	(void)state;
	is(wr_view(&scene.root_crl), COLLATERAL_INTEL_ROOT_CRL, "");
	is(wr_view(&scene.platform_crl), COLLATERAL_PCK_CRL, "platform");
	is(wr_view(&scene.processor_crl), COLLATERAL_PCK_CRL, "processor");
	is(wr_view(&scene.amd_crl), COLLATERAL_SNP_CRL, "Milan");
	to_hex(wr_view(&scene.platform_crl), &hex);
	is(wr_view(&hex), COLLATERAL_PCK_CRL, "platform");
	wr_done(&hex);
}

static void test_detect__list_of_a_stranger__is_none(void **state)
{
	struct vendor_party stranger;
	struct writer crl = wr_init(4096);

	(void)state;
	vendor_party_make("Somebody", KEY_P256, true, NOW, NULL, &stranger);
	vendor_crl(&stranger, NOW, NOW + 60, &crl);
	is_none(wr_view(&crl), TOBI_E_UNSUPPORTED);
	vendor_party_done(&stranger);
	wr_done(&crl);
}

static void is_certificate(const struct vendor_party *party, enum collateral_kind kind,
			   const char *name)
{
	struct writer pem = wr_init(8192);
	unsigned char *der = NULL;
	int size = i2d_X509(party->certificate, &der);

	vendor_pem(party, &pem);
	is(wr_view(&pem), kind, name);
	assert_true(size > 0);
	is((struct tobi_bytes){der, (size_t)size}, kind, name);
	OPENSSL_free(der);
	wr_done(&pem);
}

static void test_detect__certificates__are_known_by_name(void **state)
{
	struct vendor_party other;

	(void)state;
	is_certificate(&scene.pck, COLLATERAL_PCK, "");
	is_certificate(&scene.tcb, COLLATERAL_INTEL_ISSUER, "tcb");
	is_certificate(&scene.platform, COLLATERAL_INTEL_ISSUER, "platform");
	is_certificate(&scene.processor, COLLATERAL_INTEL_ISSUER, "processor");
	is_certificate(&scene.root, COLLATERAL_INTEL_ISSUER, "root");
	is_certificate(&scene.vcek, COLLATERAL_SNP_LEAF, "");
	is_certificate(&scene.ask, COLLATERAL_SNP_ISSUER, "Milan");
	is_certificate(&scene.asvk, COLLATERAL_SNP_ISSUER, "Milan");
	is_certificate(&scene.ark, COLLATERAL_SNP_ISSUER, "Milan");
	vendor_party_make("aws.nitro-enclaves", KEY_P384, true, NOW, NULL, &other);
	is_certificate(&other, COLLATERAL_CERTIFICATE, "");
	vendor_party_done(&other);
	/* A product's name goes into addresses: letters and digits only. */
	vendor_party_make("ARK-../Milan", KEY_P384, true, NOW, NULL, &other);
	is_certificate(&other, COLLATERAL_CERTIFICATE, "");
	vendor_party_done(&other);
}

static void encode(struct tobi_bytes text, struct writer *out)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.ptr[i] == ' ' || text.ptr[i] == '\n' || text.ptr[i] == '+')
			wr_printf(out, "%%%02X", text.ptr[i]);
		else
			wr_u8(out, text.ptr[i]);
	}
}

static void test_detect__pem__several_in_one(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer encoded = wr_init(64 << 10), all = wr_init(64 << 10);

	(void)state;
	is(wr_view(&scene.amd_chain), COLLATERAL_SNP_ISSUER, "Milan");
	encode(wr_view(&scene.tcb_chain), &encoded);
	assert_int_equal(add(set, wr_view(&encoded)), TOBI_OK);
	assert_int_equal(collateral_count(set), 2);
	assert_non_null(collateral_find(set, COLLATERAL_INTEL_ISSUER, "tcb"));
	assert_non_null(collateral_find(set, COLLATERAL_INTEL_ISSUER, "root"));
	wr_done(&encoded);
	/* Azure's form: the leaf in front of its issuers. */
	vendor_pem(&scene.vcek, &all);
	wr_bytes(&all, scene.amd_chain.ptr, scene.amd_chain.size);
	assert_int_equal(add(set, wr_view(&all)), TOBI_OK);
	assert_int_equal(collateral_count(set), 4);
	assert_non_null(collateral_find(set, COLLATERAL_SNP_LEAF, ""));
	assert_bytes_equal(collateral_find(set, COLLATERAL_SNP_ISSUER, "Milan")->data,
			   wr_view(&scene.amd_chain));
	wr_done(&all);
	tobi_collateral_free(set);
}

static void json_text(struct writer *out, const char *name, struct tobi_bytes text)
{
	wr_printf(out, "%c\"%s\":\"", out->size ? ',' : '{', name);
	for (size_t i = 0; i < text.size; i++) {
		if (text.ptr[i] == '\n')
			wr_printf(out, "\\n");
		else if (text.ptr[i] == '"')
			wr_printf(out, "\\\"");
		else
			wr_u8(out, text.ptr[i]);
	}
	wr_u8(out, '"');
}

/* The body and the signature of a document, apart. */
static void split(const struct writer *document, struct tobi_bytes *body,
		  struct tobi_bytes *signature)
{
	const char *start = strchr((const char *)document->ptr + 1, '{');
	const char *end = (const char *)document->ptr + document->size - 130;

	*signature = (struct tobi_bytes){(const uint8_t *)end, 128};
	*body = (struct tobi_bytes){(const uint8_t *)start,
				    (size_t)(end - start) - strlen(",\"signature\":\"")};
}

static void test_detect__dcap_qvl__is_all_of_it(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer file = wr_init(128 << 10), crl = wr_init(16 << 10);
	struct tobi_bytes body, signature;
	const struct collateral_item *item;

	(void)state;
	split(&scene.tdx_tcb_info, &body, &signature);
	json_text(&file, "tcb_info", body);
	json_text(&file, "tcb_info_signature", signature);
	json_text(&file, "tcb_info_issuer_chain", wr_view(&scene.tcb_chain));
	to_hex(wr_view(&scene.root_crl), &crl);
	crl.size--;
	json_text(&file, "root_ca_crl", wr_view(&crl));
	wr_u8(&file, '}');
	assert_int_equal(add(set, wr_view(&file)), TOBI_OK);
	assert_int_equal(collateral_count(set), 2);
	item = collateral_find(set, COLLATERAL_TDX_TCB_INFO, VENDOR_FMSPC);
	assert_non_null(item);
	assert_bytes_equal(item->data, wr_view(&scene.tdx_tcb_info));
	assert_bytes_equal(item->chain, wr_view(&scene.tcb_chain));
	assert_non_null(collateral_find(set, COLLATERAL_INTEL_ROOT_CRL, ""));
	wr_done(&file);
	wr_done(&crl);
	tobi_collateral_free(set);
}

static void put_le(struct writer *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		wr_u8(out, (uint8_t)(value >> 8 * i));
}

/* As Intel's library has it: lists in hexadecimal, each part with its end. */
static void write_dump(struct writer *out, const struct tobi_bytes *first)
{
	struct writer root = wr_init(16 << 10), pck = wr_init(16 << 10);
	struct tobi_bytes parts[7] = {wr_view(&scene.platform_chain),
				      {0},
				      {0},
				      wr_view(&scene.tcb_chain),
				      wr_view(&scene.tdx_tcb_info),
				      wr_view(&scene.tcb_chain),
				      wr_view(&scene.tdx_identity)};

	to_hex(wr_view(&scene.root_crl), &root);
	to_hex(wr_view(&scene.platform_crl), &pck);
	parts[1] = wr_view(&root);
	parts[2] = wr_view(&pck);
	if (first)
		parts[0] = *first;
	put_le(out, 4, 4);
	put_le(out, 0x81, 4);
	for (size_t i = 0; i < 7; i++) {
		put_le(out, 0x2bb97498, 8);
		put_le(out, parts[i].size + 1, 8);
	}
	for (size_t i = 0; i < 7; i++) {
		wr_bytes(out, parts[i].ptr, parts[i].size);
		wr_u8(out, 0);
	}
	assert_int_equal(wr_err(out), TOBI_OK);
	wr_done(&root);
	wr_done(&pck);
}

static void test_detect__dump__is_all_of_it(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer dump = wr_init(128 << 10);

	(void)state;
	write_dump(&dump, NULL);
	assert_int_equal(add(set, wr_view(&dump)), TOBI_OK);
	assert_bytes_equal(
	    collateral_find(set, COLLATERAL_TDX_TCB_INFO, VENDOR_FMSPC)->chain,
	    wr_view(&scene.tcb_chain));
	assert_bytes_equal(collateral_find(set, COLLATERAL_PCK_CRL, "platform")->chain,
			   wr_view(&scene.platform_chain));
	assert_non_null(collateral_find(set, COLLATERAL_TDX_QE_IDENTITY, ""));
	assert_non_null(collateral_find(set, COLLATERAL_INTEL_ROOT_CRL, ""));
	tobi_collateral_free(set);
	wr_done(&dump);
}

static void test_detect__dump_of_another_form__is_none(void **state)
{
	/* version, TEE type, a size, the high end of one, an end of text */
	const size_t changes[] = {0, 4, 16, 23, 0};
	struct writer dump = wr_init(128 << 10), nested = wr_init(256 << 10);
	struct tobi_bytes inner;

	(void)state;
	write_dump(&dump, NULL);
	for (size_t i = 0; i < 5; i++) {
		size_t at = i < 4 ? changes[i] : dump.size - 1;

		dump.ptr[at] ^= 0x40;
		is_none(wr_view(&dump), TOBI_E_UNSUPPORTED);
		dump.ptr[at] ^= 0x40;
	}
	for (size_t size = 0; size < dump.size; size += size < 130 ? 1 : 211)
		is_none((struct tobi_bytes){dump.ptr, size},
			size ? TOBI_E_UNSUPPORTED : TOBI_E_TRUNCATED);
	wr_u8(&dump, 0);
	is_none(wr_view(&dump), TOBI_E_UNSUPPORTED);
	dump.size--;
	inner = wr_view(&dump);
	write_dump(&nested, &inner);
	is_none(wr_view(&nested), TOBI_E_MALFORMED);
	wr_done(&dump);
	wr_done(&nested);
}

static void test_detect__json_in_json__is_refused(void **state)
{
	(void)state;
	is_none(text_bytes("{\"vcekCert\":\"{\\\"vcekCert\\\":\\\"\\\"}\"}"),
		TOBI_E_MALFORMED);
}

/* version, usage and sizes, the rest zero. */
static void amd_certificate(struct writer *out, uint8_t usage, unsigned bits)
{
	uint8_t *bytes = wr_reserve(out, 64 + 3 * bits / 8);

	bytes[0] = 1;
	bytes[36] = usage;
	bytes[57] = bytes[61] = (uint8_t)(bits >> 8);
}

static void sev_certificate(struct writer *out, uint8_t usage)
{
	uint8_t *bytes = wr_reserve(out, 2084);

	bytes[0] = 1;
	bytes[8] = usage;
	bytes[9] = 0x10;
}

static void test_detect__sev__back_to_back(void **state)
{
	struct writer out = wr_init(32 << 10);
	struct tobi_bytes all;

	(void)state;
	amd_certificate(&out, 0x13, 2048);
	is(wr_view(&out), COLLATERAL_SEV, "");
	amd_certificate(&out, 0, 4096);
	is(wr_view(&out), COLLATERAL_SEV, "");
	sev_certificate(&out, 4);
	sev_certificate(&out, 1);
	is(wr_view(&out), COLLATERAL_SEV, "");
	all = wr_view(&out);
	for (size_t cut = 1; cut < 2084; cut += 97)
		is_none((struct tobi_bytes){all.ptr, all.size - cut}, TOBI_E_UNSUPPORTED);
	wr_u8(&out, 1);
	is_none(wr_view(&out), TOBI_E_UNSUPPORTED);
	wr_done(&out);
}

static void test_detect__sev_of_another_form__is_none(void **state)
{
	static const size_t changes[] = {0, 36, 57, 61};
	struct writer out = wr_init(32 << 10);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		amd_certificate(&out, 0x13, 2048);
		out.ptr[changes[i]] ^= 0x40;
		is_none(wr_view(&out), TOBI_E_UNSUPPORTED);
		out.size = 0;
	}
	sev_certificate(&out, 5);
	is_none(wr_view(&out), TOBI_E_UNSUPPORTED);
	wr_done(&out);
}

static void test_detect__sev_too_many__is_none(void **state)
{
	struct writer out = wr_init(64 << 10);

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		amd_certificate(&out, 0, 2048);
	is(wr_view(&out), COLLATERAL_SEV, "");
	amd_certificate(&out, 0, 2048);
	is_none(wr_view(&out), TOBI_E_UNSUPPORTED);
	wr_done(&out);
}

static void test_detect__other_bytes__are_none(void **state)
{
	struct writer large = wr_init(LIMIT_DOCUMENT + 1);

	(void)state;
	is_none((struct tobi_bytes){0}, TOBI_E_TRUNCATED);
	is_none(text_bytes(" \n"), TOBI_E_TRUNCATED);
	is_none(text_bytes("hello"), TOBI_E_UNSUPPORTED);
	is_none(wr_view(&scene.quote), TOBI_E_UNSUPPORTED);
	is_none(wr_view(&scene.report), TOBI_E_UNSUPPORTED);
	is_none(text_bytes("{"), TOBI_E_MALFORMED);
	is_none(text_bytes("-----BEGIN CERTIFICATE-----"), TOBI_E_MALFORMED);
	is_none(text_bytes("-----BEGIN%20CERTIFICATE"), TOBI_E_MALFORMED);
	is_none(text_bytes("3082000"), TOBI_E_MALFORMED);
	is_none(BYTES(0x30, 0x82, 0x01, 0x00), TOBI_E_UNSUPPORTED);
	is_none(BYTES(0xd2, 0x84, 0x40, 0xa0), TOBI_E_UNSUPPORTED);
	wr_reserve(&large, LIMIT_DOCUMENT + 1);
	is_none(wr_view(&large), TOBI_E_LIMIT);
	wr_done(&large);
}

static void test_detect__bytes_behind_der__fail(void **state)
{
	struct writer out = wr_init(8192);

	(void)state;
	wr_bytes(&out, scene.vcek_der.ptr, scene.vcek_der.size);
	wr_u8(&out, 0);
	is_none(wr_view(&out), TOBI_E_TRAILING);
	out.size = 0;
	wr_bytes(&out, scene.root_crl.ptr, scene.root_crl.size);
	wr_u8(&out, 0);
	is_none(wr_view(&out), TOBI_E_TRAILING);
	wr_done(&out);
}

static void test_detect__truncated_anywhere__fails(void **state)
{
	const struct writer *const documents[] = {&scene.sgx_tcb_info, &scene.root_crl,
						  &scene.vcek_der};
	struct tobi_collateral *set = tobi_collateral_new();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t size = 0; size < documents[i]->size; size++)
			assert_int_not_equal(
			    add(set, (struct tobi_bytes){documents[i]->ptr, size}),
			    TOBI_OK);
	}
	assert_int_equal(collateral_count(set), 0);
	tobi_collateral_free(set);
}

static void test_add__no_set__is_an_error(void **state)
{
	(void)state;
	assert_int_equal(tobi_collateral_add(NULL, text_bytes("x"), NULL, NULL),
			 TOBI_E_ARGUMENT);
}

static void test_find__the_newest_of_a_name(void **state)
{
	struct writer old = wr_init(8192);
	struct tobi_collateral *set = tobi_collateral_new();

	(void)state;
	vendor_tcb_info("SGX", VENDOR_FMSPC, NOW - 7200, NOW, scene.tcb.key, &old);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(add(set, wr_view(i ? &old : &scene.sgx_tcb_info)),
				 TOBI_OK);
		assert_bytes_equal(
		    collateral_find(set, COLLATERAL_SGX_TCB_INFO, VENDOR_FMSPC)->data,
		    wr_view(&scene.sgx_tcb_info));
	}
	tobi_collateral_free(set);
	set = tobi_collateral_new();
	assert_int_equal(add(set, wr_view(&old)), TOBI_OK);
	assert_int_equal(add(set, wr_view(&scene.sgx_tcb_info)), TOBI_OK);
	assert_bytes_equal(collateral_find(set, COLLATERAL_SGX_TCB_INFO, NULL)->data,
			   wr_view(&scene.sgx_tcb_info));
	assert_null(collateral_find(set, COLLATERAL_SGX_TCB_INFO, "000000000000"));
	assert_null(collateral_find(NULL, COLLATERAL_SGX_TCB_INFO, NULL));
	tobi_collateral_free(set);
	wr_done(&old);
}

static const struct collateral_item *find_at(const struct tobi_collateral *set,
					     int64_t time)
{
	return collateral_find_at(set, COLLATERAL_SGX_TCB_INFO, VENDOR_FMSPC, time);
}

/* Issued at -7200, -3600 (the scene's) and +60, in each order. */
static void test_find_at__the_newest_that_had_been_issued(void **state)
{
	static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
	struct writer old = wr_init(8192), next = wr_init(8192);
	const struct writer *documents[] = {&old, &scene.sgx_tcb_info, &next};

	(void)state;
	vendor_tcb_info("SGX", VENDOR_FMSPC, NOW - 7200, NOW, scene.tcb.key, &old);
	vendor_tcb_info("SGX", VENDOR_FMSPC, NOW + 60, NOW + 7200, scene.tcb.key, &next);
	for (size_t i = 0; i < 4; i++) {
		struct tobi_collateral *set = tobi_collateral_new();

		for (size_t j = 0; j < 3; j++)
			assert_int_equal(add(set, wr_view(documents[orders[i][j]])),
					 TOBI_OK);
		assert_bytes_equal(find_at(set, NOW + 60)->data, wr_view(&next));
		assert_bytes_equal(find_at(set, NOW + 59)->data,
				   wr_view(&scene.sgx_tcb_info));
		assert_bytes_equal(find_at(set, NOW - 3600)->data,
				   wr_view(&scene.sgx_tcb_info));
		assert_bytes_equal(find_at(set, NOW - 3601)->data, wr_view(&old));
		/* Before all of them: what is wrong is said of the newest. */
		assert_bytes_equal(find_at(set, NOW - 7201)->data, wr_view(&next));
		assert_null(
		    collateral_find_at(set, COLLATERAL_TDX_TCB_INFO, VENDOR_FMSPC, NOW));
		tobi_collateral_free(set);
	}
	assert_null(find_at(NULL, NOW));
	wr_done(&old);
	wr_done(&next);
}

static void test_add__the_same_again__is_there_once(void **state)
{
	struct tobi_collateral *set = tobi_collateral_new();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(add(set, wr_view(&scene.root_crl)), TOBI_OK);
	assert_int_equal(collateral_count(set), 1);
	tobi_collateral_free(set);
}

static void test_dates__of_each_kind(void **state)
{
	const struct writer *const documents[] = {
	    &scene.sgx_tcb_info, &scene.sgx_identity, &scene.root_crl, &scene.amd_crl};
	struct tobi_collateral *set = tobi_collateral_new();
	struct writer sev = wr_init(8192);
	int64_t issued, next;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(add(set, wr_view(documents[i])), TOBI_OK);
		collateral_dates(collateral_at(set, i), &issued, &next);
		assert_int_equal(issued, NOW - 3600);
		assert_int_equal(next, NOW + 24 * 3600);
	}
	assert_int_equal(add(set, wr_view(&scene.vcek_der)), TOBI_OK);
	collateral_dates(collateral_at(set, 4), &issued, &next);
	assert_int_equal(next, NOW + 10 * 24 * 3600);
	amd_certificate(&sev, 0, 2048);
	assert_int_equal(add(set, wr_view(&sev)), TOBI_OK);
	collateral_dates(collateral_at(set, 5), &issued, &next);
	assert_int_equal(issued, 0);
	assert_int_equal(next, 0);
	wr_done(&sev);
	tobi_collateral_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_detect__json__is_known),
	    cmocka_unit_test(test_detect__lists__are_known_by_issuer),
	    cmocka_unit_test(test_detect__list_of_a_stranger__is_none),
	    cmocka_unit_test(test_detect__certificates__are_known_by_name),
	    cmocka_unit_test(test_detect__pem__several_in_one),
	    cmocka_unit_test(test_detect__dcap_qvl__is_all_of_it),
	    cmocka_unit_test(test_detect__dump__is_all_of_it),
	    cmocka_unit_test(test_detect__dump_of_another_form__is_none),
	    cmocka_unit_test(test_detect__json_in_json__is_refused),
	    cmocka_unit_test(test_detect__sev__back_to_back),
	    cmocka_unit_test(test_detect__sev_of_another_form__is_none),
	    cmocka_unit_test(test_detect__sev_too_many__is_none),
	    cmocka_unit_test(test_detect__other_bytes__are_none),
	    cmocka_unit_test(test_detect__bytes_behind_der__fail),
	    cmocka_unit_test(test_detect__truncated_anywhere__fails),
	    cmocka_unit_test(test_add__no_set__is_an_error),
	    cmocka_unit_test(test_find__the_newest_of_a_name),
	    cmocka_unit_test(test_find_at__the_newest_that_had_been_issued),
	    cmocka_unit_test(test_add__the_same_again__is_there_once),
	    cmocka_unit_test(test_dates__of_each_kind),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
