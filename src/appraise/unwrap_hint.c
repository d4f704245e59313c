/* What is given in the place of evidence: each gets a line of its own. */
#include <string.h>

#include "appraise/unwrap.h"
#include "base/endian.h"
#include "base/secret.h"
#include "collateral/bundle.h"
#include "collateral/detect.h"
#include "pki/crl.h"
#include "pki/pinned.h"
#include "tee/snp_report.h"
#include "tee/tee.h"

static bool starts(struct tobi_bytes bytes, const char *text)
{
	size_t size = strlen(text);

	return bytes.size >= size && memcmp(bytes.ptr, text, size) == 0;
}

static bool is_zero(struct tobi_bytes bytes, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (bytes.ptr[i])
			return false;
	}
	return true;
}

/* TDREPORT_STRUCT: REPORTTYPE is type 0x81, subtype 0, version 0 or 1, zero. */
static bool is_tdreport(struct tobi_bytes bytes)
{
	return bytes.size == 1024 && bytes.ptr[0] == 0x81 && bytes.ptr[1] == 0 &&
	       bytes.ptr[2] <= 1 && bytes.ptr[3] == 0;
}

/* REPORT of SGX has no magic: its size, and all that is reserved in it. */
static bool is_sgx_report(struct tobi_bytes bytes)
{
	return bytes.size == 432 && is_zero(bytes, 20, 32) && is_zero(bytes, 96, 128) &&
	       is_zero(bytes, 160, 192) && is_zero(bytes, 262, 304);
}

/* NULL where it is none. */
static X509 *read_certificate(struct tobi_bytes bytes)
{
	X509 *certificate = NULL;

	if ((bytes.size > 2 && bytes.ptr[0] == 0x30) ||
	    starts(bytes, "-----BEGIN CERTIFICATE-----"))
		IGNORE(chain_read_first(bytes, "evidence", &certificate, NULL));
	return certificate;
}

static bool is_vendors_certificate(struct tobi_bytes bytes)
{
	static const char *const names[] = {
	    "SEV-VCEK",
	    "SEV-VLEK",
	    "Intel SGX PCK Certificate",
	    "Intel SGX PCK Platform CA",
	    "Intel SGX PCK Processor CA",
	    "Intel SGX TCB Signing",
	    "Intel SGX Root CA",
	    "aws.nitro-enclaves",
	};
	CLEANUP(X509_freep) X509 *certificate = read_certificate(bytes);
	char name[96] = "";

	if (!certificate)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (certificate_is_named(certificate, names[i]))
			return true;
	}
	/* ARK-Milan, SEV-Milan, ... */
	certificate_name(certificate, name, sizeof(name));
	return strncmp(name, "ARK-", 4) == 0 || strncmp(name, "SEV-", 4) == 0;
}

static bool is_crl(struct tobi_bytes bytes)
{
	CLEANUP(X509_CRL_freep) X509_CRL *crl = NULL;

	return bytes.size > 2 &&
	       (bytes.ptr[0] == 0x30 || starts(bytes, "-----BEGIN X509 CRL-----")) &&
	       !crl_read(bytes, "evidence", &crl, NULL);
}

/* What PCS, PCCS and tools that ask them give: JSON with one of these in it. */
static bool is_intel_document(struct tobi_bytes bytes)
{
	static const char *const members[] = {"\"tcbInfo\"", "\"tcb_info\"",
					      "\"enclaveIdentity\"", "\"qeIdentity\""};

	if (bytes.size == 0 || bytes.ptr[0] != '{')
		return false;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		if (memmem(bytes.ptr, bytes.size, members[i], strlen(members[i])))
			return true;
	}
	return false;
}

static bool is_collateral(struct tobi_bytes bytes)
{
	return is_intel_document(bytes) || is_crl(bytes) || bundle_is(bytes) ||
	       detect_is_rim(bytes) || detect_is_ocsp(bytes);
}

/* A log begins with one event of the first PCR, or of the first register of TDX: what the
 * log is (EV_NO_ACTION), or the firmware's version (EV_S_CRTM_VERSION), with a SHA-1
 * digest. Or with the ACPI table that says where a log is. */
static bool is_event_log(struct tobi_bytes bytes)
{
	enum { NO_ACTION = 3, CRTM_VERSION = 8, HEAD = 32 };
	uint64_t size;

	if (starts(bytes, "CCEL8"))
		return true;
	if (bytes.size <= HEAD || bytes.ptr[0] > 1 || !is_zero(bytes, 1, 4) ||
	    (bytes.ptr[4] != NO_ACTION && bytes.ptr[4] != CRTM_VERSION) ||
	    !is_zero(bytes, 5, 8))
		return false;
	size = load_le(bytes.ptr + HEAD - 4, 4);
	return size && size <= bytes.size - HEAD;
}

/* MSG_REPORT_RSP of the firmware (SEV-SNP ABI, table 26): status, size, 24 zeros. */
static bool is_snp_response(struct tobi_bytes bytes)
{
	const struct tee_verifier *verifier;

	if (bytes.size < 1024 || !is_zero(bytes, 0, 4) || !is_zero(bytes, 8, 32))
		return false;
	verifier =
	    tee_verifier_recognise((struct tobi_bytes){bytes.ptr + 32, bytes.size - 32});
	return verifier && strcmp(verifier->tier, "snp") == 0;
}

/* A report has no magic: what its first fields may be, and the one algorithm. */
static bool is_cut_snp_report(struct tobi_bytes bytes)
{
	enum { VMPL = 0x30, ALGORITHM = 0x34, P384_WITH_SHA384 = 1 };
	uint32_t version;

	if (bytes.size < ALGORITHM + 4 || bytes.size >= SNP_REPORT_SIZE)
		return false;
	version = load_u32le(bytes.ptr);
	return (version == 2 || version == 3 || version == 5) && is_zero(bytes, 12, 16) &&
	       load_u32le(bytes.ptr + VMPL) <= SNP_VMPL_MOST &&
	       load_u32le(bytes.ptr + ALGORITHM) == P384_WITH_SHA384;
}

static bool is_policy(struct tobi_bytes bytes)
{
	return starts(bytes, "version:") || starts(bytes, "# tobichi policy");
}

static bool is_image(struct tobi_bytes bytes)
{
	return starts(bytes, "TOBICHI1");
}

static bool is_sealed(struct tobi_bytes bytes)
{
	return starts(bytes, "TOBISEAL");
}

static const struct {
	bool (*is)(struct tobi_bytes bytes);
	const char *line;
} hints[] = {
    {is_tdreport, "this is a TDREPORT of TDX: only its own machine can check it. Have "
		  "the host's quoting "
		  "service make a TDX quote of it, and give that"},
    {is_sgx_report, "this is a REPORT of SGX: only its own machine can check it. Have "
		    "the quoting enclave "
		    "make a quote of it, and give that"},
    {is_vendors_certificate,
     "this is a vendor's certificate (VCEK, PCK or one of its issuers), not what it "
     "vouches "
     "for. Give the report or quote as the evidence, and this file with --with"},
    {is_collateral,
     "this is collateral: what a vendor says of its hardware, not evidence of an "
     "enclave. "
     "Give the quote or report as the evidence, and this file with --collateral"},
    {is_event_log, "this is an event log: a host's word about what it started. Give the "
		   "quote that covers "
		   "it as the evidence, and this file with --with"},
    {is_snp_response, "this is a SEV-SNP report behind the 32 bytes with which the "
		      "firmware answers. Cut them "
		      "off: tail -c +33 FILE"},
    {is_cut_snp_report,
     "this is a SEV-SNP report that is cut: it has 1184 bytes. Get it again, whole"},
    {is_policy, "this is a policy. Give the evidence first, and this file with --policy"},
    {is_image,
     "this is an image of tobichi build. What runs of it gives evidence: tobichi "
     "attest"},
    {is_sealed, "this is sealed data, not evidence: tobichi unseal, inside the enclave"},
};

const char *unwrap_hint(struct tobi_bytes bytes)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (bytes.size && hints[i].is(bytes))
			return hints[i].line;
	}
	return NULL;
}
