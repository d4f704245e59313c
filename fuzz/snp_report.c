/* A report of AMD SEV-SNP: whatever is read lies within the input, and says one thing
 * only. */
#include "base/cleanup.h"
#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "tee/snp_report.h"

static void check_report(const struct snp_report *report, struct tobi_bytes input)
{
	const struct tobi_bytes parts[] = {
	    report->family_id,	   report->image_id,	      report->current_tcb,
	    report->reported_tcb,  report->committed_tcb,     report->launch_tcb,
	    report->report_data,   report->measurement,	      report->host_data,
	    report->id_key_digest, report->author_key_digest, report->report_id,
	    report->chip_id,	   report->signed_part,	      report->signature,
	};
	uint8_t raw[96];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		must_be_inside(parts[i], input);
	must(report->signed_part.ptr == input.ptr &&
	     report->signed_part.size == SNP_SIGNED_SIZE);
	must(snp_report_has_mitigations(report) ==
	     (report->launch_mitigations.size == 8));
	must(snp_report_has_cpu(report) || report->family == 0);
	if (snp_signature_read(report->signature, raw)) {
		must(raw[47] == report->signature.ptr[0]);
		must(raw[95] == report->signature.ptr[72]);
	}
	IGNORE(snp_product_of_cpu(report->family, report->model));
}

bool fuzz_one(struct tobi_bytes input)
{
	struct snp_report report;
	struct tobi_fault fault = {0};
	bool recognised = snp_report_recognise(input);

	if (snp_report_parse(input, &report, &fault)) {
		must(fault.code && input.size != SNP_REPORT_SIZE);
		return false;
	}
	must(input.size == SNP_REPORT_SIZE);
	check_report(&report, input);
	return recognised;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const uint8_t versions[] = {2, 3, 5, 6};
	uint8_t *report;

	if (number == sizeof(versions)) {
		wr_reserve(out, SNP_REPORT_SIZE - 1);
		return FUZZ_BAD;
	}
	if (number > sizeof(versions))
		return FUZZ_NO_SEED;
	report = wr_reserve(out, SNP_REPORT_SIZE);
	must(report != NULL);
	report[0] = versions[number];
	store_le(report + 8, 8, 0x30000);
	report[0x34] = 1;
	return FUZZ_GOOD;
}
