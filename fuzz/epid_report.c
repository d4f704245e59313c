/* The body of a report of Intel's retired Attestation Service, and the quote in it. What
 * is taken from it is bounded, and plain text. */
#include <string.h>

#include "codec/base64.h"
#include "fuzz/fuzz.h"
#include "tee/epid_report.h"

static void check_text(const char *text, size_t max)
{
	must(text && strlen(text) <= max);
	for (; *text; text++)
		must(*text >= 0x20 && *text <= 0x7e);
}

bool fuzz_one(struct tobi_bytes input)
{
	struct arena arena = arena_init(1 << 20);
	struct epid_report report = {0};
	struct epid_quote quote = {0};
	struct tobi_fault fault = {0};
	bool accepted = !epid_report_parse(input, &arena, &report, &fault);

	if (accepted) {
		check_text(report.status, 256);
		check_text(report.nonce, EPID_NONCE_MAX);
		check_text(report.id, 256);
		must(report.timestamp >= 0);
		must(report.advisory_count <= EPID_ADVISORIES_MAX);
		for (size_t i = 0; i < report.advisory_count; i++)
			check_text(report.advisories[i], EPID_NONCE_MAX);
		must(report.blob.size <= EPID_BLOB_MAX);
		must(!epid_quote_parse(report.quote, &quote, NULL));
		must_be_inside(quote.report_data, report.quote);
		must(quote.report_data.size == 64);
	} else {
		must(fault.code != TOBI_OK);
	}
	arena_done(&arena);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	uint8_t quote[EPID_QUOTE_SIZE] = {2};
	static const char *const more[] = {
	    "",
	    "\"version\":5,\"nonce\":\"35E8FB64ACFB4A8E\",\"advisoryIDs\":"
	    "[\"INTEL-SA-00334\",\"INTEL-SA-00615\"],\"revocationReason\":1,",
	    "\"version\":4,\"platformInfoBlob\":\"1502006504\",\"epidPseudonym\":\"ab=\","
	    "\"pseManifestStatus\":\"OK\",\"tcbEvaluationDataNumber\":16,",
	    "\"version\":\"4\",",
	};

	if (number >= sizeof(more) / sizeof(more[0]))
		return FUZZ_NO_SEED;
	wr_printf(out,
		  "{\"id\":\"1\",\"timestamp\":\"2020-05-11T09:21:15.483498\",%s"
		  "\"isvEnclaveQuoteStatus\":\"OK\",\"isvEnclaveQuoteBody\":\"",
		  more[number]);
	base64_write(out, (struct tobi_bytes){quote, sizeof(quote)});
	wr_printf(out, "\"}");
	return number < 3 ? FUZZ_GOOD : FUZZ_BAD;
}
