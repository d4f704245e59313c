/* What go-tpm-tools writes on Google's cloud: quotes of several banks, and reports of
 * hardware that were taken apart; the right one is accepted, each wrong one is not. */
#include "tee/google_message.h"

#include "base/endian.h"
#include "tee/tdx.h"
#include "tests/bytes.h"
#include "tests/dcap_collateral.h"
#include "tests/quote_scene.h"
#include "tests/snp_scene.h"

/* ---- the message ---- */

static void put_number(struct writer *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		wr_u8(out, (uint8_t)(value | 0x80));
	wr_u8(out, (uint8_t)value);
}

static void put_bytes(struct writer *out, uint32_t number, struct tobi_bytes bytes)
{
	put_number(out, number << 3 | 2);
	put_number(out, bytes.size);
	wr_bytes(out, bytes.ptr, bytes.size);
}

static void put_value(struct writer *out, uint32_t number, uint64_t value)
{
	if (!value)
		return;
	put_number(out, number << 3);
	put_number(out, value);
}

struct message {
	struct quote_scene scene;
	struct snp_scene snp;
	struct dcap_scene td;
	bool with_snp, with_td, other_nonce_of_second, other_hardware_nonce;
	bool twice_the_key, hash_behind, short_value, number_for_bytes;
	bool twice_a_field_of_the_report, long_field_of_the_report;
};

static void write_bank(const struct message *message, size_t index, struct writer *out)
{
	const struct quote_scene *scene = &message->scene;
	const struct tpm_selection *selection = &scene->selections[index];
	size_t size = tpm_hash_size(selection->hash);

	if (!message->hash_behind)
		put_value(out, 1, selection->hash);
	for (unsigned i = 0; i < TPM_PCRS; i++) {
		struct writer entry = wr_init(256);

		if (selection->pcrs >> i & 1) {
			put_value(&entry, 1, i);
			put_bytes(&entry, 2,
				  (struct tobi_bytes){scene->values[index][i],
						      size - message->short_value});
			put_bytes(out, 2, wr_view(&entry));
		}
		wr_done(&entry);
	}
	if (message->hash_behind)
		put_value(out, 1, selection->hash);
}

/* One quote for each bank. */
static void write_quote(struct message *message, size_t index, struct writer *out)
{
	struct writer attest = wr_init(1024), signature = wr_init(1024),
		      bank = wr_init(1 << 14), quote = wr_init(1 << 15);
	struct quote_scene one = message->scene;

	one.selections[0] = message->scene.selections[index];
	one.banks[0] = message->scene.banks[index];
	memcpy(one.values[0], message->scene.values[index], sizeof(one.values[0]));
	one.selection_count = one.bank_count = 1;
	one.banks[1].hash = one.banks[2].hash = 0;
	if (index && message->other_nonce_of_second)
		one.extra = text_bytes("another nonce");
	quote_scene_quote(&one, &attest);
	quote_scene_sign(&one, one.signs, wr_view(&attest), index && one.damage_signature,
			 &signature);
	write_bank(message, index, &bank);
	put_bytes(&quote, 1, wr_view(&attest));
	put_bytes(&quote, 2, wr_view(&signature));
	put_bytes(&quote, 3, wr_view(&bank));
	put_bytes(out, 2, wr_view(&quote));
	wr_done(&attest);
	wr_done(&signature);
	wr_done(&bank);
	wr_done(&quote);
}

/* Of the nonce, filled up with zeros. */
static void set_report_data(struct message *message, uint8_t *report_data)
{
	memset(report_data, 0, 64);
	memcpy(report_data, message->scene.extra.ptr, message->scene.extra.size);
	report_data[63] ^= message->other_hardware_nonce;
}

/* sevsnp.Report: offset and size of each field, by number; 0: a number. */
static void write_snp_report(const struct message *message, const uint8_t *at,
			     struct writer *out)
{
	static const struct {
		uint16_t at;
		uint8_t size;
		bool is_number;
	} fields[] = {
	    {0x00, 4, true},	{0x04, 4, true},   {0x08, 8, true},    {0x10, 16, false},
	    {0x20, 16, false},	{0x30, 4, true},   {0x34, 4, true},    {0x38, 8, true},
	    {0x40, 8, true},	{0x48, 4, true},   {0x50, 64, false},  {0x90, 48, false},
	    {0xc0, 32, false},	{0xe0, 48, false}, {0x110, 48, false}, {0x140, 32, false},
	    {0x160, 32, false}, {0x180, 8, true},  {0x1a0, 64, false}, {0x1e0, 8, true},
	    {0x1e8, 1, true},	{0x1e9, 1, true},  {0x1ea, 1, true},   {0x1ec, 1, true},
	    {0x1ed, 1, true},	{0x1ee, 1, true},  {0x1f0, 8, true}};
	uint32_t family = at[0x188], model = at[0x189];
	uint32_t base = family > 15 ? 15 : family;

	for (uint32_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].is_number)
			put_value(out, i + 1, load_le(at + fields[i].at, fields[i].size));
		else
			put_bytes(out, i + 1,
				  (struct tobi_bytes){at + fields[i].at, fields[i].size});
	}
	put_bytes(out, 28, (struct tobi_bytes){at + 0x2a0, 512});
	put_value(out, 29,
		  (family - base) << 20 | (model >> 4) << 16 | base << 8 |
		      (model & 15) << 4 | (at[0x18a] & 15));
	put_value(out, 30, load_le(at + 0x1f8, 8));
	put_value(out, 31, load_le(at + 0x200, 8));
	if (message->twice_a_field_of_the_report)
		put_value(out, 1, 3);
	if (message->long_field_of_the_report)
		put_value(out, 21, 0x100);
}

static void write_snp(struct message *message, struct writer *out)
{
	static const uint32_t numbers[] = {1, 2, 3}; /* VCEK, ASK, ARK */
	struct writer report = wr_init(4096), fields = wr_init(8192),
		      chain = wr_init(1 << 16), whole = wr_init(1 << 17);

	set_report_data(message, message->snp.report + 0x50);
	snp_scene_pieces(&message->snp);
	snp_scene_report(&message->snp, &report);
	write_snp_report(message, report.ptr, &fields);
	for (size_t i = 0; i < 3; i++)
		put_bytes(&chain, numbers[i], message->snp.pieces[i]);
	put_bytes(&whole, 1, wr_view(&fields));
	put_bytes(&whole, 2, wr_view(&chain));
	put_bytes(out, 8, wr_view(&whole));
	wr_done(&report);
	wr_done(&fields);
	wr_done(&chain);
	wr_done(&whole);
}

static struct tobi_bytes part(const uint8_t **at, size_t size)
{
	struct tobi_bytes bytes = {*at, size};

	*at += size;
	return bytes;
}

/* Sizes of the fields of a structure, in the order of their numbers. */
static void put_parts(struct writer *out, const uint8_t *at, const uint8_t *sizes,
		      size_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put_bytes(out, i + 1, part(&at, sizes[i]));
}

/* EnclaveReport: numbers among the bytes. */
static void put_qe_report(struct writer *out, const uint8_t *at)
{
	static const uint8_t sizes[] = {16, 4, 28, 16, 32, 32, 32, 96, 2, 2, 60, 64};

	for (uint32_t i = 0; i < sizeof(sizes); i++) {
		struct tobi_bytes bytes = part(&at, sizes[i]);

		if (sizes[i] <= 4)
			put_value(out, i + 1, load_le(bytes.ptr, bytes.size));
		else
			put_bytes(out, i + 1, bytes);
	}
}

/* tdx.QuoteV4, of a quote's bytes. */
static void write_td(struct message *message, struct writer *out)
{
	static const uint8_t body_sizes[] = {16, 48, 48, 8, 8, 8, 48, 48, 48, 48};
	struct writer quote = wr_init(LIMIT_EVIDENCE), header = wr_init(1024),
		      body = wr_init(4096), qe = wr_init(1024), auth = wr_init(1024),
		      pck = wr_init(1 << 16), inner = wr_init(1 << 16),
		      certification = wr_init(1 << 16), data = wr_init(1 << 17),
		      whole = wr_init(1 << 17);
	struct dcap_quote read;

	set_report_data(message, message->td.body + 520);
	dcap_scene_quote(&message->td, &quote);
	assert_int_equal(dcap_quote_read(wr_view(&quote), "quote", &read, NULL), 0);
	put_value(&header, 1, 4);
	put_value(&header, 2, load_le(quote.ptr + 2, 2));
	put_value(&header, 3, load_le(quote.ptr + 4, 4));
	put_bytes(&header, 4, (struct tobi_bytes){quote.ptr + 10, 2});
	put_bytes(&header, 5, (struct tobi_bytes){quote.ptr + 8, 2});
	put_bytes(&header, 6, (struct tobi_bytes){quote.ptr + 12, 16});
	put_bytes(&header, 7, (struct tobi_bytes){quote.ptr + 28, 20});
	put_parts(&body, read.body.ptr, body_sizes, sizeof(body_sizes));
	for (size_t i = 0; i < 4; i++)
		put_bytes(&body, 11,
			  (struct tobi_bytes){read.body.ptr + 328 + 48 * i, 48});
	put_bytes(&body, 12, (struct tobi_bytes){read.body.ptr + 520, 64});
	put_qe_report(&qe, read.qe_report.ptr);
	put_bytes(&auth, 2, read.qe_auth);
	put_value(&pck, 1, 5);
	put_bytes(&pck, 3, read.certification_data);
	put_bytes(&inner, 1, wr_view(&qe));
	put_bytes(&inner, 2, read.qe_report_signature);
	put_bytes(&inner, 3, wr_view(&auth));
	put_bytes(&inner, 4, wr_view(&pck));
	put_value(&certification, 1, 6);
	put_bytes(&certification, 3, wr_view(&inner));
	put_bytes(&data, 1, read.signature);
	put_bytes(&data, 2, read.attestation_key);
	put_bytes(&data, 3, wr_view(&certification));
	put_bytes(&whole, 1, wr_view(&header));
	put_bytes(&whole, 2, wr_view(&body));
	put_bytes(&whole, 4, wr_view(&data));
	put_bytes(out, 9, wr_view(&whole));
	wr_done(&quote);
	wr_done(&header);
	wr_done(&body);
	wr_done(&qe);
	wr_done(&auth);
	wr_done(&pck);
	wr_done(&inner);
	wr_done(&certification);
	wr_done(&data);
	wr_done(&whole);
}

static void make(struct message *message)
{
	*message = (struct message){0};
	quote_scene_make(&message->scene, QUOTE_RSA);
	snp_scene_make(&message->snp);
	dcap_scene_make(&message->td);
	dcap_scene_kind(&message->td, 4, DCAP_TD10);
	message->snp.now = QUOTE_NOW;
	message->snp.leaf_to = QUOTE_NOW + SNP_DAY;
}

static void done(struct message *message)
{
	quote_scene_done(&message->scene);
	snp_scene_done(&message->snp);
}

static void write_message(struct message *message, struct writer *out)
{
	struct writer public = wr_init(4096);

	quote_scene_certificates(&message->scene);
	quote_scene_public(&message->scene, message->scene.ak, message->scene.attributes,
			   &public);
	put_bytes(out, 1, wr_view(&public));
	for (size_t i = 0; i < message->scene.selection_count; i++)
		write_quote(message, i, out);
	put_bytes(out, 6, wr_view(&message->scene.ak_certificate.der));
	put_bytes(out, 7, wr_view(&message->scene.root));
	if (message->twice_the_key)
		put_bytes(out, 1, wr_view(&public));
	if (message->number_for_bytes)
		put_value(out, 5, 1);
	if (message->with_snp)
		write_snp(message, out);
	if (message->with_td)
		write_td(message, out);
	assert_int_equal(wr_err(out), 0);
	wr_done(&public);
}

static enum tobi_err try(struct message *message, struct tobi_result **ret_result,
			 struct tobi_fault *fault)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE), root = wr_init(LIMIT_CERTIFICATE);
	enum tobi_err err;

	write_message(message, &bytes);
	if (message->with_snp)
		snp_scene_ark(&message->snp, &root);
	message->scene.more_root = wr_view(&root);
	err = quote_scene_try_bytes(&message->scene, wr_view(&bytes), ret_result, fault);
	message->scene.more_root = (struct tobi_bytes){0};
	wr_done(&bytes);
	wr_done(&root);
	return err;
}

typedef void (*change)(struct message *message);
#define CHANGE(name, ...)                                                                \
	static void name(struct message *message)                                        \
	{                                                                                \
		(void)message;                                                           \
		__VA_ARGS__;                                                             \
	}

static void accepted_with(change to)
{
	struct message message;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};

	make(&message);
	to(&message);
	if (try(&message, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	if (tobi_result_verdict(result) != TOBI_ACCEPT)
		fail_msg("%s", tobi_result_reason(result));
	tobi_result_free(result);
	done(&message);
}

/* This check, and no other. */
static void FAILS(const char *code, change to)
{
	struct message message;
	struct tobi_result *result = NULL;
	struct tobi_fault fault = {0};
	bool failed = false;

	make(&message);
	to(&message);
	if (try(&message, &result, &fault))
		fail_msg("%s: %s", fault.field, fault.message);
	assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);
		bool same = strcmp(check->code, code) == 0;

		failed |= same && check->outcome == TOBI_FAILED;
		if (!same && check->outcome == TOBI_FAILED)
			fail_msg("%s: %s fails, too: %s", code, check->code,
				 check->found);
	}
	assert_true(failed);
	tobi_result_free(result);
	done(&message);
}

static void unreadable(change to, enum tobi_err expected)
{
	struct message message;
	struct tobi_result *result = NULL;

	make(&message);
	to(&message);
	assert_int_equal(try(&message, &result, NULL), expected);
	assert_null(result);
	done(&message);
}

#define WITHOUT_CRL "snp:\n  crl: not-required\n"

CHANGE(as_it_is)
CHANGE(of_one_bank, message->scene.selection_count = 1)
/* Beside the message nothing came: AMD's list of revoked keys is not in it. */
static void with_sev_snp(struct message *message)
{
	message->with_snp = true;
	message->scene.more = WITHOUT_CRL;
}
CHANGE(with_sev_snp_for_another_nonce, with_sev_snp(message);
       message->other_hardware_nonce = true)
CHANGE(with_sev_snp_of_nobody, with_sev_snp(message); message->snp.signs = SNP_OTHER_LEAF)

static void test_google_message__right_one__is_accepted(void **state)
{
	(void)state;
	accepted_with(as_it_is);
	accepted_with(of_one_bank);
}

CHANGE(of_another_nonce, message->other_nonce_of_second = true)
CHANGE(with_a_damaged_second, message->scene.damage_signature = true)

static void test_google_message__every_quote__is_checked(void **state)
{
	(void)state;
	FAILS("TPM-BINDING", of_another_nonce);
	FAILS("TPM-QUOTE-SIGNATURE", with_a_damaged_second);
}

CHANGE(with_a_key_twice, message->twice_the_key = true)
CHANGE(with_the_hash_behind, message->hash_behind = true)
CHANGE(with_short_values, message->short_value = true)
CHANGE(with_a_number_for_bytes, message->number_for_bytes = true)
CHANGE(with_both_kinds_of_hardware, message->with_snp = message->with_td = true)
CHANGE(with_a_field_of_the_report_twice, message->with_snp = true;
       message->twice_a_field_of_the_report = true)
CHANGE(with_a_number_that_is_too_large, message->with_snp = true;
       message->long_field_of_the_report = true)

static void test_google_message__of_another_form__is_not_read(void **state)
{
	(void)state;
	unreadable(with_a_key_twice, TOBI_E_MALFORMED);
	unreadable(with_the_hash_behind, TOBI_E_MALFORMED);
	unreadable(with_short_values, TOBI_E_MALFORMED);
	unreadable(with_a_number_for_bytes, TOBI_E_MALFORMED);
	unreadable(with_both_kinds_of_hardware, TOBI_E_MALFORMED);
	unreadable(with_a_field_of_the_report_twice, TOBI_E_MALFORMED);
	unreadable(with_a_number_that_is_too_large, TOBI_E_MALFORMED);
}

/* Its report is what AMD's processor signed, byte for byte. */
static void test_google_message__sev_snp__is_checked_as_by_itself(void **state)
{
	(void)state;
	accepted_with(with_sev_snp);
	FAILS("TPM-HARDWARE", with_sev_snp_for_another_nonce);
	FAILS("SNP-SIGNATURE", with_sev_snp_of_nobody);
}

/* Certificates of more than one report are more than there is room for. */
static void test_google_message__reports_beside_it__are_refused(void **state)
{
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	struct tobi_bytes pieces[4];
	struct tpm_parts parts = {0};
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct message message;
	enum tobi_err err = TOBI_OK;

	(void)state;
	make(&message);
	with_sev_snp(&message);
	write_message(&message, &bytes);
	parts.arena = &arena;
	for (size_t i = 0; i < 4 && !err; i++) {
		pieces[i] = wr_view(&bytes);
		err = google_message_add(&parts, pieces[i], NULL);
		assert_true(parts.hardware_pieces.count <= TPM_PARTS_EACH);
	}
	assert_true(err || parts.twice);
	arena_done(&arena);
	wr_done(&bytes);
	done(&message);
}

static void test_google_message__cut_short__is_not_accepted(void **state)
{
	struct message message;
	struct writer bytes = wr_init(LIMIT_EVIDENCE);

	(void)state;
	make(&message);
	write_message(&message, &bytes);
	for (size_t size = 0; size < bytes.size; size += size < 600 ? 1 : 7) {
		struct block block = block_new((struct tobi_bytes){bytes.ptr, size});
		struct tobi_result *result = NULL;

		IGNORE(quote_scene_try_bytes(&message.scene, block_view(block), &result,
					     NULL));
		assert_int_equal(tobi_result_verdict(result), TOBI_REFUSE);
		tobi_result_free(result);
		block_done(block);
	}
	wr_done(&bytes);
	done(&message);
}

static enum tobi_outcome outcome_of(const struct checklist *list, const char *code)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->records[i].check->code, code) == 0)
			return list->records[i].outcome;
	}
	return TOBI_NOT_RUN;
}

/* Put together again every signature of it verifies. */
static void test_google_message__td_quote__is_what_was_signed(void **state)
{
	static const char *const codes[] = {"DCAP-PCK-CHAIN",  "DCAP-QE-SIGNATURE",
					    "DCAP-QE-BINDING", "DCAP-QUOTE-SIGNATURE",
					    "DCAP-QE-MATCH",   "TDX-SEAM"};
	struct message message;
	struct writer bytes = wr_init(LIMIT_EVIDENCE);
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tpm_parts parts = {.arena = &arena};
	struct checklist list = {.arena = &arena};
	struct tee_claims claims = {0};
	struct dcap_test_collateral documents;
	struct tobi_collateral *set = tobi_collateral_new();
	struct tee_request request = {
	    .collateral = set, .pins = dcap_scene_pins(), .time = DCAP_NOW};

	(void)state;
	make(&message);
	message.with_td = true;
	write_message(&message, &bytes);
	assert_int_equal(google_message_add(&parts, wr_view(&bytes), NULL), 0);
	dcap_test_collateral_make(&message.td, &documents);
	dcap_test_put(&message.td, &documents, set);
	request.evidence = parts.hardware_quote;
	assert_int_equal(tee_tdx.examine(&request, &list, &claims, NULL), 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_int_equal(outcome_of(&list, codes[i]), TOBI_PASSED);
	assert_memory_equal(claims.report_data.ptr, message.scene.extra.ptr,
			    message.scene.extra.size);
	tobi_collateral_free(set);
	arena_done(&arena);
	wr_done(&bytes);
	done(&message);
}

static void test_google_message__snp_report__is_what_was_signed(void **state)
{
	struct message message;
	struct writer bytes = wr_init(LIMIT_EVIDENCE), report = wr_init(4096);
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct tpm_parts parts = {.arena = &arena};

	(void)state;
	make(&message);
	message.with_snp = true;
	write_message(&message, &bytes);
	snp_scene_report(&message.snp, &report);
	assert_int_equal(google_message_add(&parts, wr_view(&bytes), NULL), 0);
	assert_int_equal(parts.hardware_report.size, report.size);
	assert_memory_equal(parts.hardware_report.ptr, report.ptr, 0x2a0);
	assert_int_equal(parts.hardware_pieces.count, 3);
	arena_done(&arena);
	wr_done(&bytes);
	wr_done(&report);
	done(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_google_message__right_one__is_accepted),
	    cmocka_unit_test(test_google_message__every_quote__is_checked),
	    cmocka_unit_test(test_google_message__of_another_form__is_not_read),
	    cmocka_unit_test(test_google_message__sev_snp__is_checked_as_by_itself),
	    cmocka_unit_test(test_google_message__reports_beside_it__are_refused),
	    cmocka_unit_test(test_google_message__cut_short__is_not_accepted),
	    cmocka_unit_test(test_google_message__td_quote__is_what_was_signed),
	    cmocka_unit_test(test_google_message__snp_report__is_what_was_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
