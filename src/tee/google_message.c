#include "tee/google_message.h"

#include "base/endian.h"
#include "base/fault.h"
#include "codec/protobuf.h"
#include "tee/tpm_structs.h"

#define OBJECT "attestation message"

/* Fields of the messages that are read, by number. */
enum attestation_field {
	AK_PUBLIC = 1,
	QUOTES = 2,
	EVENT_LOG = 3,
	AK_CERTIFICATE = 6,
	INTERMEDIATES = 7,
	SEV_SNP = 8,
	TDX = 9,
};
enum quote_field { QUOTE_MESSAGE = 1, QUOTE_SIGNATURE = 2, QUOTE_PCRS = 3 };
enum pcrs_field { PCRS_HASH = 1, PCRS_VALUES = 2 };
enum value_field { VALUE_INDEX = 1, VALUE_BYTES = 2 };

enum { QUOTES_MAX = 4 };

static enum tobi_err wrong(const char *field, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MALFORMED, OBJECT, field,
			 "it is there twice, or of another form");
}

/* Whether the bytes begin with a field of bytes of this number: these. */
static bool take_start(struct reader *rd, uint32_t number, struct tobi_bytes *ret_bytes)
{
	struct pb_field field;

	if (!pb_next(rd, &field) || field.number != number || field.kind != PB_BYTES)
		return false;
	*ret_bytes = field.bytes;
	return true;
}

bool google_message_starts(struct tobi_bytes bytes)
{
	struct reader rd = rd_init(bytes), inner;
	struct tobi_bytes public, quote, message;
	struct tpm_public area;

	if (bytes.size < 2 || bytes.ptr[0] != (AK_PUBLIC << 3 | PB_BYTES) ||
	    !take_start(&rd, AK_PUBLIC, &public) || !take_start(&rd, QUOTES, &quote))
		return false;
	inner = rd_init(quote);
	return take_start(&inner, QUOTE_MESSAGE, &message) && message.size > 4 &&
	       load_u32be(message.ptr) == TPM_GENERATED &&
	       !tpm_public_parse(public, &area, NULL);
}

/* An entry of a map; what is zero may be left out. */
static enum tobi_err add_value(struct tpm_parts *parts, struct tobi_bytes bytes,
			       unsigned hash, struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tobi_bytes value = {0};
	struct pb_field field;
	uint64_t seen = 0, index = 0;

	while (pb_next(&rd, &field)) {
		if (!pb_once(&seen, &field))
			return wrong("PCR", fault);
		if (field.number == VALUE_INDEX && field.kind == PB_NUMBER)
			index = field.value;
		else if (field.number == VALUE_BYTES && field.kind == PB_BYTES)
			value = field.bytes;
		else
			return wrong("PCR", fault);
	}
	if (rd_failed(&rd))
		return rd_finish(&rd, OBJECT, fault);
	if (value.size == 0 || value.size != tpm_hash_size(hash))
		return wrong("PCR", fault);
	tpm_parts_add_pcr(parts, hash, index, value);
	return TOBI_OK;
}

/* The hash stands before the values. */
static enum tobi_err add_bank(struct tpm_parts *parts, struct tobi_bytes bytes,
			      struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	enum tobi_err err = TOBI_OK;
	struct pb_field field;
	unsigned hash = 0;

	while (!err && pb_next(&rd, &field)) {
		if (field.number == PCRS_HASH && field.kind == PB_NUMBER && !hash &&
		    field.value && field.value <= UINT16_MAX)
			hash = (unsigned)field.value;
		else if (field.number == PCRS_VALUES && field.kind == PB_BYTES && hash)
			err = add_value(parts, field.bytes, hash, fault);
		else
			err = wrong("PCRs", fault);
	}
	return err ? err : rd_finish(&rd, OBJECT, fault);
}

static enum tobi_err add_quote(struct tpm_parts *parts, struct tobi_bytes bytes,
			       struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	struct tobi_bytes message = {0};
	enum tobi_err err = TOBI_OK;
	struct pb_field field;
	uint64_t seen = 0;

	while (!err && pb_next(&rd, &field)) {
		if (!pb_once(&seen, &field) || field.kind != PB_BYTES)
			err = wrong("quote", fault);
		else if (field.number == QUOTE_MESSAGE)
			message = field.bytes;
		else if (field.number == QUOTE_SIGNATURE)
			tpm_parts_add(parts, field.bytes);
		else if (field.number == QUOTE_PCRS)
			err = add_bank(parts, field.bytes, fault);
	}
	if (!err)
		err = rd_finish(&rd, OBJECT, fault);
	if (err)
		return err;
	if (!message.size)
		return wrong("quote", fault);
	if (!parts->quote.size)
		parts->quote = message;
	else if (parts->more_quotes.count < QUOTES_MAX - 1)
		parts->more_quotes.items[parts->more_quotes.count++] = message;
	else
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "quotes", "over %d of them",
				 QUOTES_MAX);
	return TOBI_OK;
}

static bool may_repeat(const struct pb_field *field)
{
	return field->number == QUOTES || field->number == INTERMEDIATES;
}

/* What is not known adds nothing: nobody has signed the message. */
static enum tobi_err add_field(struct tpm_parts *parts, const struct pb_field *field,
			       struct tobi_fault *fault)
{
	switch (field->number) {
	case QUOTES:
		return add_quote(parts, field->bytes, fault);
	case EVENT_LOG:
		parts->log = field->bytes;
		return TOBI_OK;
	case AK_PUBLIC:
	case AK_CERTIFICATE:
	case INTERMEDIATES:
		tpm_parts_add(parts, field->bytes);
		return TOBI_OK;
	case SEV_SNP:
		return google_snp_add(parts, field->bytes, fault);
	case TDX:
		return google_tdx_add(parts, field->bytes, fault);
	default:
		return TOBI_OK;
	}
}

enum tobi_err google_message_add(struct tpm_parts *parts, struct tobi_bytes bytes,
				 struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);
	enum tobi_err err = TOBI_OK;
	struct pb_field field;
	uint64_t seen = 0;

	while (!err && pb_next(&rd, &field)) {
		bool again = !may_repeat(&field) && !pb_once(&seen, &field);

		if (again || (field.number <= TDX && field.kind != PB_BYTES))
			err = wrong("attestation", fault);
		else
			err = add_field(parts, &field, fault);
	}
	if (!err && parts->hardware_report.size && parts->hardware_quote.size)
		err = wrong("tee_attestation", fault);
	return err ? err : rd_finish(&rd, OBJECT, fault);
}
