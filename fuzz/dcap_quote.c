/* A quote of SGX or TDX: every span that is read lies within the input, and is of the
 * size that its kind has. */
#include "tee/dcap_quote.h"

#include "fuzz/fuzz.h"
#include "tee/sgx_report.h"
#include "tests/dcap_scene.h"

static void check_spans(const struct dcap_quote *quote, struct tobi_bytes input)
{
	const struct tobi_bytes parts[] = {quote->signed_part,
					   quote->body,
					   quote->vendor,
					   quote->user_data,
					   quote->signature,
					   quote->key_part,
					   quote->attestation_key,
					   quote->qe_report,
					   quote->qe_report_signature,
					   quote->qe_auth,
					   quote->certification_data,
					   quote->ppid,
					   quote->cpusvn,
					   quote->pce_id};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		must_be_inside(parts[i], input);
	must(quote->signed_part.ptr == input.ptr);
	must(quote->body.ptr + quote->body.size ==
	     quote->signed_part.ptr + quote->signed_part.size);
	must(quote->body.size == (quote->body_kind == DCAP_SGX	  ? SGX_REPORT_SIZE
				  : quote->body_kind == DCAP_TD10 ? DCAP_TD10_SIZE
								  : DCAP_TD15_SIZE));
	must(quote->signature.size == 64 && quote->attestation_key.size == 64);
	must(quote->qe_report.size == SGX_REPORT_SIZE);
	must(quote->qe_report_signature.size == 64);
	must(quote->qe_auth.size <= LIMIT_DCAP_AUTH);
	must(quote->certification_data.size <= LIMIT_DCAP_CERTIFICATION);
	must(quote->version >= 3 && quote->version <= 5);
	must(quote->certification >= 1 && quote->certification <= 7 &&
	     quote->certification != DCAP_QE_REPORT);
	must((quote->ppid.size != 0) == (quote->certification <= DCAP_PPID_RSA3072));
}

bool fuzz_one(struct tobi_bytes input)
{
	struct dcap_quote quote;
	struct tobi_fault fault = {0};

	if (dcap_quote_read(input, "quote", &quote, &fault)) {
		must(fault.code && (!fault.has_offset || fault.offset <= input.size));
		return false;
	}
	check_spans(&quote, input);
	must(dcap_quote_starts(input, quote.body_kind != DCAP_SGX));
	return true;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const struct {
		unsigned version;
		enum dcap_body kind;
		unsigned certification;
	} seeds[] = {{3, DCAP_SGX, 5},	{3, DCAP_SGX, 1},  {3, DCAP_SGX, 2},
		     {3, DCAP_SGX, 3},	{3, DCAP_SGX, 4},  {3, DCAP_SGX, 7},
		     {4, DCAP_SGX, 5},	{4, DCAP_TD10, 5}, {5, DCAP_SGX, 3},
		     {5, DCAP_TD10, 5}, {5, DCAP_TD15, 5}};
	static const uint8_t zeros[70];
	struct dcap_scene scene;

	if (number >= sizeof(seeds) / sizeof(seeds[0]))
		return FUZZ_NO_SEED;
	dcap_scene_make(&scene);
	dcap_scene_kind(&scene, seeds[number].version, seeds[number].kind);
	scene.certification = seeds[number].certification;
	scene.chain_count = 1;
	if (number % 2)
		scene.padding = (struct tobi_bytes){zeros, sizeof(zeros)};
	dcap_scene_quote(&scene, out);
	return FUZZ_GOOD;
}
