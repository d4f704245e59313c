#include "broker/decision_details.h"

#include "base/secret.h"
#include "base/utf8.h"
#include "codec/cbor.h"
#include "log/leaf.h"

enum { FIELDS = 7 };

/* ---- writing ---- */

/* Whole characters alone, at most that many bytes. */
static struct tobi_bytes cut(struct tobi_bytes text)
{
	if (text.size <= DETAILS_TEXT_MAX)
		return text;
	text.size = DETAILS_TEXT_MAX;
	while (text.size && (text.ptr[text.size] & 0xc0) == 0x80)
		text.size--;
	return text;
}

/* What is no text is shown as what it is. */
static void put_text(struct writer *out, const char *text)
{
	CLEANUP(wr_done) struct writer clean = wr_init((size_t)4 * DETAILS_TEXT_MAX);

	utf8_write_escaped(&clean, cut(bytes_of_text(text)));
	cbor_write_text_bytes(out, cut(wr_view(&clean)));
}

static void put_check(struct writer *out, const struct tobi_check_result *check,
		      bool guest)
{
	CLEANUP(wr_done) struct writer code = wr_init(LOG_WORD_MAX);
	bool wrong = check->outcome == TOBI_FAILED || check->outcome == TOBI_NOT_RUN;

	wr_printf(&code, "%s%s", guest ? "GUEST-" : "", check->code);
	cbor_write_array(out, FIELDS);
	cbor_write_text_bytes(out, wr_view(&code));
	cbor_write_uint(out, check->outcome);
	put_text(out, check->proves);
	put_text(out, check->expected);
	put_text(out, check->found);
	put_text(out, wrong ? check->remedy : "");
	put_text(out, wrong ? check->source : "");
}

static void put_checks(struct writer *out, const struct tobi_result *result, bool guest)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++)
		put_check(out, tobi_result_check(result, i), guest);
}

void decision_details_write(const struct tobi_result *result, struct writer *out)
{
	const struct tobi_result *guest = result->guest;
	size_t count = tobi_result_check_count(result) +
		       (guest ? tobi_result_check_count(guest) : 0);

	cbor_write_array(out, count);
	put_checks(out, result, false);
	if (guest)
		put_checks(out, guest, true);
}

/* ---- reading ---- */

static struct decision_detail read_one(struct cbor *cbor)
{
	struct decision_detail detail = {0};

	if (cbor_array(cbor, FIELDS, "check") != FIELDS && !cbor_failed(cbor))
		cbor_fail(cbor, TOBI_E_MALFORMED, "check");
	detail.code = cbor_text(cbor, LOG_WORD_MAX, "code");
	detail.outcome = (unsigned)cbor_uint_max(cbor, LOG_OUTCOMES - 1, "outcome");
	detail.proves = cbor_text(cbor, DETAILS_TEXT_MAX, "proves");
	detail.expected = cbor_text(cbor, DETAILS_TEXT_MAX, "expected");
	detail.found = cbor_text(cbor, DETAILS_TEXT_MAX, "found");
	detail.remedy = cbor_text(cbor, DETAILS_TEXT_MAX, "remedy");
	detail.source = cbor_text(cbor, DETAILS_TEXT_MAX, "source");
	return detail;
}

/* Twice: what is damaged is found before any of it is used. */
static enum tobi_err run(struct tobi_bytes bytes, decision_detail_each *each,
			 void *context, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	size_t count = cbor_array(&cbor, DETAILS_CHECKS_MAX, "checks");
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < count && !cbor_failed(&cbor) && !err; i++) {
		struct decision_detail detail = read_one(&cbor);

		if (!cbor_failed(&cbor) && each)
			err = each(context, &detail, fault);
	}
	return err ? err : cbor_finish(&cbor, "details", fault);
}

enum tobi_err decision_details_read(struct tobi_bytes bytes, decision_detail_each *each,
				    void *context, struct tobi_fault *fault)
{
	enum tobi_err err = run(bytes, NULL, NULL, fault);

	return err ? err : run(bytes, each, context, fault);
}
