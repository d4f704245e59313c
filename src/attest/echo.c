#include "attest/echo.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "tee/cca_token.h"
#include "tee/dcap_quote.h"
#include "tee/nitro_document.h"
#include "tee/tpm_structs.h"

static const char object[] = "evidence";

enum { SNP_REPORT_DATA = 0x50, SGX_REPORT_DATA = 320, TD_REPORT_DATA = 520 };
enum { CCA_ARENA = 1 << 20 };

static enum tobi_err compare(struct tobi_bytes found, struct tobi_bytes asked,
			     struct tobi_fault *fault)
{
	return bytes_equal(found, asked)
		   ? TOBI_OK
		   : fault_set(fault, TOBI_E_MISMATCH, object, "report data",
			       "the device answered another question: somebody else uses "
			       "it, or it does not do what it should");
}

/* The 64 bytes at an offset of a structure. */
static enum tobi_err compare_at(struct tobi_bytes whole, size_t offset,
				const struct attest_request *request,
				struct tobi_fault *fault)
{
	if (whole.size < offset + ATTEST_DATA_SIZE)
		return fault_set(fault, TOBI_E_TRUNCATED, object, "report data",
				 "it has %zu bytes only", whole.size);
	return compare((struct tobi_bytes){whole.ptr + offset, ATTEST_DATA_SIZE},
		       (struct tobi_bytes){request->data, ATTEST_DATA_SIZE}, fault);
}

static enum tobi_err check_quote(struct tobi_bytes evidence, bool tdx,
				 const struct attest_request *request,
				 struct tobi_fault *fault)
{
	struct dcap_quote quote;
	enum tobi_err err;

	if (!dcap_quote_starts(evidence, tdx))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "the device gave no quote");
	err = dcap_quote_read(evidence, object, &quote, fault);
	return err ? err
		   : compare_at(quote.body, tdx ? TD_REPORT_DATA : SGX_REPORT_DATA,
				request, fault);
}

static enum tobi_err check_nitro(struct tobi_bytes evidence,
				 const struct attest_request *request,
				 struct tobi_fault *fault)
{
	struct nitro_document document;
	enum tobi_err err = nitro_document_parse(evidence, &document, fault);

	return err ? err
		   : compare(document.nonce,
			     (struct tobi_bytes){request->data, request->data_size},
			     fault);
}

/* The realm's challenge: the platform's is the hash of the realm's key, and bytes that
 * are equal elsewhere in the token say nothing. */
static enum tobi_err check_cca(struct tobi_bytes evidence,
			       const struct attest_request *request,
			       struct tobi_fault *fault)
{
	CLEANUP(arena_done) struct arena arena = arena_init(CCA_ARENA);
	struct cca_claims *claims = arena_alloc(&arena, sizeof(*claims));
	struct cca_token token;
	enum tobi_err err;

	if (!claims)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = cca_token_parse(evidence, &arena, &token, fault);
	if (!err)
		err = cca_claims_read(&token, claims, fault);
	return err ? err
		   : compare(claims->realm.values[ARM_NONCE],
			     (struct tobi_bytes){request->data, ATTEST_DATA_SIZE}, fault);
}

/* Of a TPM: extraData. */
static enum tobi_err check_tpm(struct tobi_bytes quote,
			       const struct attest_request *request,
			       struct tobi_fault *fault)
{
	struct tpm_attest attest;
	enum tobi_err err = tpm_attest_parse(quote, &attest, fault);

	return err ? err
		   : compare(attest.extra,
			     (struct tobi_bytes){request->data, request->data_size},
			     fault);
}

/* A paravisor writes it in hexadecimal, in either case; an old one has no place for it,
 * and the TPM's quote is bound all the same. */
static enum tobi_err check_azure(struct tobi_bytes report,
				 const struct attest_request *request,
				 struct tobi_fault *fault)
{
	static const char name[] = "\"user-data\":\"";
	const size_t digits = 2 * ATTEST_DATA_SIZE;
	const uint8_t *found = memmem(report.ptr, report.size, name, sizeof(name) - 1);
	uint8_t data[ATTEST_DATA_SIZE];
	char text[2 * ATTEST_DATA_SIZE + 1];
	size_t left;

	if (!found)
		return TOBI_OK;
	found += sizeof(name) - 1;
	left = report.size - (size_t)(found - report.ptr);
	snprintf(text, sizeof(text), "%.*s", (int)(left < digits ? left : digits),
		 (const char *)found);
	if (strlen(text) != digits || !hex_read(text, data, sizeof(data)))
		return fault_set(fault, TOBI_E_MALFORMED, object, "user-data",
				 "it is not %zu hexadecimal digits", digits);
	return compare((struct tobi_bytes){data, sizeof(data)},
		       (struct tobi_bytes){request->data, ATTEST_DATA_SIZE}, fault);
}

enum tobi_err echo_check(const char *kind, struct tobi_bytes evidence,
			 const struct attest_request *request, struct tobi_fault *fault)
{
	if (strcmp(kind, "snp-report") == 0)
		return compare_at(evidence, SNP_REPORT_DATA, request, fault);
	if (strcmp(kind, "sgx-quote") == 0)
		return check_quote(evidence, false, request, fault);
	if (strcmp(kind, "tdx-quote") == 0)
		return check_quote(evidence, true, request, fault);
	if (strcmp(kind, "nitro-doc") == 0 || strcmp(kind, "nitro-tpm-doc") == 0)
		return check_nitro(evidence, request, fault);
	if (strcmp(kind, "tpm-quote") == 0)
		return check_tpm(evidence, request, fault);
	if (strcmp(kind, "azure-snp") == 0 || strcmp(kind, "azure-tdx") == 0)
		return check_azure(evidence, request, fault);
	if (strcmp(kind, "cca-token") == 0)
		return check_cca(evidence, request, fault);
	return fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
			 "no rule says where %s has its report data", kind);
}
