/* Where the kinds of evidence that a certificate may carry have their report data.
 * Whether they are genuine is for their verifiers. */
#include "base/endian.h"
#include "token/ratls.h"

enum {
	REPORT_DATA_SIZE = 64,
	CONTENT_FORMAT_EAT = 263,
	QUOTE_HEADER = 48,
	TEE_TDX = 0x81,
	BODY_SGX = 1, /* of a quote of version 5 */
	BODY_TDX_1_5 = 3,
	IN_SGX_REPORT = 320, /* offsets of the report data */
	IN_TD_REPORT = 520,
	IN_REPORT_MAC = 128, /* of a report of type 2 */
	IN_SNP_REPORT = 0x50,
	SGX_REPORT_SIZE = 432,
	REPORT_2_SIZE = 1024,
	SNP_REPORT_SIZE = 1184,
	BODY_HEADER = 6, /* type, size */
};

static struct tobi_bytes part(struct tobi_bytes evidence, size_t at)
{
	if (evidence.size < at + REPORT_DATA_SIZE)
		return (struct tobi_bytes){0};
	return (struct tobi_bytes){evidence.ptr + at, REPORT_DATA_SIZE};
}

/* Versions 3 (SGX), 4 (the header tells which) and 5 (a header before the body does). */
static struct ratls_kind quote(struct tobi_bytes evidence)
{
	struct ratls_kind kind = {.name = "sgx-quote"};
	unsigned version, tee, body;
	bool tdx;

	if (evidence.size < QUOTE_HEADER + BODY_HEADER)
		return kind;
	version = load_u16le(evidence.ptr);
	tee = load_u32le(evidence.ptr + 4);
	body = load_u16le(evidence.ptr + QUOTE_HEADER);
	tdx = version >= 4 && tee == TEE_TDX;
	if (tdx)
		kind.name = "tdx-quote";
	if (version == 3 || (version == 4 && (tee == 0 || tdx)))
		kind.report_data =
		    part(evidence, QUOTE_HEADER + (tdx ? IN_TD_REPORT : IN_SGX_REPORT));
	else if (version == 5 && body >= BODY_SGX && body <= BODY_TDX_1_5 &&
		 tdx == (body != BODY_SGX))
		kind.report_data =
		    part(evidence, QUOTE_HEADER + BODY_HEADER +
				       (tdx ? IN_TD_REPORT : IN_SGX_REPORT));
	return kind;
}

static struct ratls_kind report(struct tobi_bytes evidence)
{
	bool tdx = evidence.size && evidence.ptr[0] == TEE_TDX;

	return (struct ratls_kind){.name = tdx ? "tdx-report" : "sgx-report-2",
				   .report_data = evidence.size == REPORT_2_SIZE
						      ? part(evidence, IN_REPORT_MAC)
						      : (struct tobi_bytes){0}};
}

/* What surrounds a report of SEV or CSV in librats' evidence is described nowhere. */
struct ratls_kind ratls_kind_of(const struct ratls_evidence *evidence)
{
	struct tobi_bytes bytes = evidence->evidence;
	struct tobi_bytes none = {0};

	switch (evidence->tag) {
	case RATLS_TAG_QUOTE:
		return quote(bytes);
	case RATLS_TAG_REPORT:
		return report(bytes);
	case RATLS_TAG_SGX_REPORT:
		return (struct ratls_kind){
		    "sgx-report", 0,
		    bytes.size == SGX_REPORT_SIZE ? part(bytes, IN_SGX_REPORT) : none};
	case RATLS_TAG_SNP:
		return (struct ratls_kind){
		    "snp-report", 0,
		    bytes.size >= SNP_REPORT_SIZE ? part(bytes, IN_SNP_REPORT) : none};
	case RATLS_TAG_SEV:
		return (struct ratls_kind){.name = "sev"};
	case RATLS_TAG_CSV:
		return (struct ratls_kind){.name = "csv"};
	case RATLS_TAG_EAT:
		return (struct ratls_kind){.name = "eat",
					   .content_format = CONTENT_FORMAT_EAT};
	default:
		return (struct ratls_kind){.name = "unknown"};
	}
}
