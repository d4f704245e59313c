/* The values of the extensions of RA-TLS: the first byte chooses which. What is accepted
 * borrows from the input alone, and evidence is written back as it was. */
#include "fuzz/fuzz.h"
#include "token/cmw.h"
#include "token/ratls.h"

enum { CMW_CBOR_STRING = 0x04, CMW_JSON_STRING = 0x0c };

static bool read_evidence(struct tobi_bytes input)
{
	struct writer again = wr_init(LIMIT_CERTIFICATE * 2);
	struct ratls_evidence evidence;
	struct ratls_kind kind;

	if (ratls_evidence_parse(input, &evidence, NULL))
		return false;
	must_be_inside(evidence.evidence, input);
	must_be_inside(evidence.claims_buffer, input);
	kind = ratls_kind_of(&evidence);
	must(kind.name && kind.name[0]);
	must(kind.report_data.size == 0 || kind.report_data.size == 64);
	must_be_inside(kind.report_data, evidence.evidence);
	ratls_evidence_write(&again, &evidence);
	must(!wr_err(&again) && bytes_equal(wr_view(&again), input));
	wr_done(&again);
	return true;
}

static bool read_endorsements(struct tobi_bytes input)
{
	struct ratls_endorsements endorsements;

	if (ratls_endorsements_parse(input, &endorsements, NULL))
		return false;
	must((endorsements.chain.size > 0) == (endorsements.tag == RATLS_TAG_EAT));
	must_be_inside(endorsements.chain, input);
	must(endorsements.collateral_count <= RATLS_COLLATERAL_MAX);
	for (size_t i = 0; i < endorsements.collateral_count; i++)
		must_be_inside(endorsements.collateral[i], input);
	return true;
}

static bool read_cmw(struct tobi_bytes input)
{
	struct arena arena = arena_init(LIMIT_APPRAISAL);
	struct ratls_carried carried;
	bool good = !ratls_cmw_parse(input, &arena, &carried, NULL);

	must(!good || carried.evidence.tag != 0);
	/* Of JSON the values are in the arena. */
	if (good && input.ptr[0] == CMW_CBOR_STRING) {
		must_be_inside(carried.evidence.evidence, input);
		must_be_inside(carried.evidence.claims_buffer, input);
		must_be_inside(carried.endorsements.chain, input);
	} else if (good) {
		must(carried.evidence.evidence.size < input.size);
		must(carried.evidence.claims_buffer.size < input.size);
	}
	arena_done(&arena);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	switch (take_choice(&input) & 3) {
	case 1:
	case 3:
		return read_endorsements(input);
	case 2:
		return read_cmw(input);
	default:
		return read_evidence(input);
	}
}

static void write_cmw(bool json, struct writer *out)
{
	const struct cmw_record records[] = {
	    {text_of("cpu"), text_of(CMW_TYPE_EAT), 0, text_of("t"), 0},
	    {text_of("claims"), text_of(CMW_TYPE_CLAIMS), 0, text_of("c"), 0}};
	struct writer cmw = wr_init(1024);

	(json ? cmw_write_json : cmw_write)(&cmw, records, 2);
	must(cmw.size < 256);
	wr_u8(out, 2);
	wr_u8(out, json ? CMW_JSON_STRING : CMW_CBOR_STRING);
	if (cmw.size >= 128)
		wr_u8(out, 0x81);
	wr_u8(out, (uint8_t)cmw.size);
	wr_bytes(out, cmw.ptr, cmw.size);
	wr_done(&cmw);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint64_t tags[] = {60000,	  60001,    60002,	  0x1a7504,
					0x1a7505, 0x1a7506, RATLS_TAG_EAT};
	static const uint8_t quote[1200] = {3}, chain[] = {0x82, 0x41, 1, 0x41, 2};
	static const uint8_t collateral[] = {0xd9, 0xea, 0x60, 0x88, 1,	   0x40, 0x41,
					     1,	   0x40, 0x40, 0x40, 0x40, 0x40};

	if (number < 7) {
		struct ratls_evidence evidence = {
		    tags[number], {quote, sizeof(quote)}, {quote, 51}};

		wr_u8(out, 0);
		ratls_evidence_write(out, &evidence);
		return FUZZ_GOOD;
	}
	if (number == 9 || number == 10) {
		write_cmw(number == 10, out);
		return FUZZ_GOOD;
	}
	if (number > 10)
		return FUZZ_NO_SEED;
	wr_u8(out, 1);
	if (number == 7)
		ratls_endorsements_write(out, (struct tobi_bytes){chain, sizeof(chain)});
	else
		wr_bytes(out, collateral, sizeof(collateral));
	return FUZZ_GOOD;
}
