/* TPM 2.0: quotes of Google's and AWS's virtual TPMs, and of others under keys that a
 * policy names. */
#include "tests/vectors/cases.h"

#define GCE "tpm/gce-cos85-rsa-nonce9009/"
#define VAPORTPM "tpm/vaportpm-gcp-amd-ecc/"
#define TRUSTEE "tpm/trustee-rsa-quote/"
#define PARSEC "tpm/veraison-parsec-tpm/"
#define NITRO "nitro/vaportpm-nitrotpm/"
/* The nonce is shorter than one may be. */
#define NO_NONCE "allow: [no-nonce]\n"
#define NO_IMAGE "POLICY-IMAGE"
/* Of a document only the quote is signed, and what its digest and key are of. */
#define DOCUMENT .free = {{0, 1 << 20}}
#define ZEROS_64 "0000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS_96 ZEROS_64 "00000000000000000000000000000000"
#define PCR_15(zeros) "tpm:\n  pcrs:\n    - index: 15\n      value: " zeros "\n"
#define PCR_9(zeros) "tpm:\n  pcrs:\n    - index: 9\n      value: " zeros "\n"

const struct vector_case vector_cases_tpm[] = {
    {GCE "sha256_quote.msg", "tpm", "RSA-2048 RSASSA AK", .also = {GCE "expected.json"},
     .image = "", .fails = {"CLAIMS-NONCE", NO_IMAGE}, .takes = NO_NONCE PCR_15(ZEROS_64),
     .differs = NO_NONCE PCR_9(ZEROS_64), .differs_code = "POLICY-PCRS"},
    {GCE "sha384_quote.msg", "tpm", "RSA-2048 RSASSA AK", .also = {GCE "expected.json"},
     .image = "", .fails = {"CLAIMS-NONCE", NO_IMAGE}, .takes = NO_NONCE PCR_15(ZEROS_96),
     .differs = NO_NONCE PCR_9(ZEROS_96), .differs_code = "POLICY-PCRS"},
    {GCE "sha1_quote.msg", "tpm", "RSA-2048 RSASSA AK", .also = {GCE "expected.json"},
     .image = "", .fails = {"CLAIMS-NONCE", NO_IMAGE, "POLICY-TPM-BANK"},
     .takes = NO_NONCE "tpm:\n  banks: [sha1]\n  pcrs:\n    - index: 15\n      value: "
		       "0000000000000000000000000000000000000000\n",
     .differs = NO_NONCE PCR_15(ZEROS_64), .differs_code = "POLICY-PCRS POLICY-TPM-BANK"},
    {GCE "attestation.pb", "tpm", "RSA-2048 RSASSA AK", DOCUMENT,
     .without = {GCE "ak_cert.der"}, .image = "", .fails = {"CLAIMS-NONCE", NO_IMAGE},
     .takes = NO_NONCE PCR_15(ZEROS_64) "boot:\n  secure-boot: required\n",
     .differs = NO_NONCE PCR_9(ZEROS_64), .differs_code = "POLICY-PCRS"},
    {VAPORTPM "source.json", "tpm", "ECDSA P-256 AK", DOCUMENT, .image = "",
     .fails = {NO_IMAGE}, .takes = PCR_15(ZEROS_64), .differs = PCR_9(ZEROS_64),
     .differs_code = "POLICY-PCRS"},
    {VAPORTPM "quote.msg", "tpm", "ECDSA P-256 AK", .also = {VAPORTPM "source.json"},
     .image = "", .fails = {NO_IMAGE}, .takes = PCR_15(ZEROS_64),
     .differs = PCR_9(ZEROS_64), .differs_code = "POLICY-PCRS"},
    {TRUSTEE "source.json", "tpm", "valid under the given AK", .loose = 1, DOCUMENT,
     .key = TRUSTEE "ak_public.spki.der", .image = "", .fails = {NO_IMAGE},
     .takes = PCR_15(ZEROS_64), .differs = "tpm:\n  pcr-digests: [" ZEROS_64 "]\n",
     .differs_code = "POLICY-TPM-DIGEST"},
    {TRUSTEE "quote.msg", "tpm", "valid under the given AK",
     .key = TRUSTEE "ak_public.spki.der", .image = "", .fails = {NO_IMAGE},
     .takes = "tpm:\n  pcr-digests: "
	      "[019de64c9318655e422c3d03831169896e31f02a1d74e4d8fef575bf4e0d75fa]\n",
     .differs = PCR_15(ZEROS_64), .differs_code = "POLICY-PCRS"},
    /* The key is not among the rows: nobody says whose the signature is. */
    {PARSEC "evidence.cbor", "tpm", "AK given by endorsement, not in the evidence",
     .fails = {"TPM-AK-CHAIN", "TPM-QUOTE-SIGNATURE?", "TPM-CERTIFY", "CLAIMS-NONCE",
	       NO_IMAGE}},
    {PARSEC "pat_quote.msg", "tpm", "AK given by endorsement, not in the evidence",
     .without = {PARSEC "kat_pubarea.tpmt"},
     .fails = {"TPM-AK-CHAIN", "TPM-QUOTE-SIGNATURE?", "TPM-CERTIFY", "CLAIMS-NONCE",
	       NO_IMAGE}},
    {NITRO "source.json", "tpm", "whose public_key is the TPM AK", DOCUMENT,
     .without = {NITRO "tpm_quote.msg", NITRO "tpm_quote.sig.der"}, .image = "",
     .fails = {NO_IMAGE}, .takes = PCR_15(ZEROS_96), .differs = PCR_9(ZEROS_96),
     .differs_code = "POLICY-PCRS"},
    {NITRO "tpm_quote.msg", "tpm", "whose public_key is the TPM AK",
     .also = {NITRO "document.cose", NITRO "source.json"}, .image = "",
     .fails = {NO_IMAGE}, .takes = PCR_15(ZEROS_96), .differs = PCR_9(ZEROS_96),
     .differs_code = "POLICY-PCRS"},
    {0}};
