#include "tests/vectors/cases.h"

#include <string.h>

#define NO_TCB_INFO "valid signature chain"

/* Of Intel's platforms: its status, and all that Intel advises. */
#define AS_IT_IS(tier, status)                                                           \
	tier ":\n  tcb-status: [" status "]\n  advisories: [" CASE_ADVISORIES "]\n"
/* Before Intel's documents had advisories. */
#define STATUS_IS(tier, status) tier ":\n  tcb-status: [" status "]\n"
/* The checks of how current an Intel platform is. */
#define NO_LEVEL_SAID                                                                    \
	"POLICY-DCAP-TCB-STATUS?", "POLICY-DCAP-ADVISORIES?", "POLICY-DCAP-EVALUATION?"
#define PLATFORM_ONLY "allow: [no-nonce]\nsev:\n  platform-only: allowed\n"
#define MILAN "roots/amd-snp/ask_ark_milan.pem"
#define MILAN_CRL "snp/steward-milan-v2-with-crl/crl_ark-milan.der"
#define NO_LEAF                                                                          \
	"SNP-PRODUCT?", "SNP-CERTIFICATE", "SNP-LEAF-KIND?", "SNP-CHAIN?",               \
	    "SNP-ISSUER?", NO_LIST, "SNP-SIGNATURE?", "SNP-TCB?", "SNP-CHIP?"
#define NO_LIST "SNP-CRL?", "SNP-REVOKED?"

#define AZURE "azure-vtpm/"
#define GENOA "roots/amd-snp/ask_ark_genoa.pem"
#define NO_VALUES "AZURE-QUOTE-VALUES", "AZURE-QUOTE-PCRS?"
#define FORTANIX "nitro/fortanix-debug-and-tampered/"
#define NO_NITRO_CHAIN                                                                   \
	"NITRO-CHAIN", "NITRO-BUNDLE?", "NITRO-PROFILE?", "NITRO-MODULE?",               \
	    "NITRO-SIGNATURE?"
#define NO_TCB "DCAP-TCB-INFO", "DCAP-TCB-MODEL?", "DCAP-TCB-LEVEL?"
#define STEWARD_ROOT_CRL "sgx/steward-v3-outofdate-noqeid/root_ca.crl.der"
#define FORTANIX_ENCLAVE                                                                 \
	"04d285fd1b0f11a7e29392d7481f2d94dcdb298ba7619b04e7fc320d81f2970e"
/* No TCB information, identity of the quoting enclave, nor list of the revoked. */
#define NO_DOCUMENTS                                                                     \
	"DCAP-TCB-INFO", "DCAP-TCB-MODEL?", "DCAP-TCB-LEVEL?", "DCAP-QE-IDENTITY",       \
	    "DCAP-QE-MATCH?", "DCAP-QE-LEVEL?"
/* None was looked for: the chain does not hold. */
#define NO_CHAIN "DCAP-PCK-CHAIN", "DCAP-PCK-REVOCATION?"
#define NO_LOOK                                                                          \
	"DCAP-TCB-INFO?", "DCAP-TCB-MODEL?", "DCAP-TCB-LEVEL?", "DCAP-QE-IDENTITY?",     \
	    "DCAP-QE-MATCH?", "DCAP-QE-LEVEL?"

static const struct vector_case vendors[] = {
    /* SGX */
    {"sgx/dcapqvl-v3-configandswhardening/quote.dat", "sgx",
     "TCB status ConfigurationAndSWHardeningNeeded", .image = "mrenclave",
     .fails = {"POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES"},
     .takes = AS_IT_IS("sgx", "ConfigurationAndSWHardeningNeeded")},
    {"sgx/teepot-v3-swhardening/quote.dat", "sgx", "TCB status SWHardeningNeeded",
     .image = "mrenclave", .fails = {"POLICY-DCAP-TCB-STATUS"},
     .takes = STATUS_IS("sgx", "SWHardeningNeeded")},
    {"sgx/teepot-v3-outofdate/quote.dat", "sgx", "TCB status OutOfDate",
     .image = "mrenclave", .fails = {"POLICY-DCAP-TCB-STATUS"},
     .takes = STATUS_IS("sgx", "OutOfDate")},
    {"sgx/cmc-v3-outofdate/quote.dat", "sgx", "TCB status OutOfDate",
     .image = "mrenclave", .fails = {"POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES"},
     .takes = AS_IT_IS("sgx", "OutOfDate")},
    /* Of another model, and its CA's list is not there either. */
    {"sgx/cmc-v3-outofdate/quote-invalid-signature.dat", "sgx",
     "quote signature does not verify",
     .fails = {"DCAP-PCK-REVOCATION", "DCAP-QUOTE-SIGNATURE", NO_TCB, "CLAIMS-NONCE",
	       "POLICY-IMAGE", NO_LEVEL_SAID}},
    {"sgx/oasis-v3-swhardening-nocrl/quote.dat", "sgx", "TCB status SWHardeningNeeded",
     .image = "mrenclave", .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, NO_LEVEL_SAID},
     .lacks = "no CRL"},
    /* With a list of the root's of those days, that of the CA is still not there. */
    {"sgx/oasis-v3-swhardening-nocrl/quote.dat", "sgx", "TCB status SWHardeningNeeded",
     .image = "mrenclave", .also = {STEWARD_ROOT_CRL},
     .fails = {"DCAP-PCK-REVOCATION", "POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES"},
     .lacks = "no CRL"},
    {"sgx/oasis-v3-swhardening-nocrl/quote.dat", "sgx", "wrong signer chain",
     .also = {STEWARD_ROOT_CRL},
     .without = {"sgx/oasis-v3-swhardening-nocrl/tcb_info_issuer_chain.pem",
		 "sgx/oasis-v3-swhardening-nocrl/qe_identity_issuer_chain.pem"},
     .instead = "sgx/oasis-v3-swhardening-nocrl/tcb_info_issuer_chain-bad.pem",
     .image = "mrenclave", .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, NO_LEVEL_SAID}},
    {"sgx/oasis-v3-eppid-certtype3/quote.dat", "sgx", "parse only", .image = "mrenclave",
     .fails = {NO_CHAIN, "DCAP-QE-SIGNATURE?", NO_LOOK, NO_LEVEL_SAID}},
    {"sgx/mobilecoin-v3-crl-window-mismatch/quote.dat", "sgx", "invalid at any one time",
     .image = "mrenclave",
     .fails = {"DCAP-PCK-REVOCATION", "POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES"},
     .takes = "collateral:\n  grace: 6000000\n" AS_IT_IS("sgx", "SWHardeningNeeded")},
    {"sgx/mobilecoin-v3-debug-nocollateral/quote.dat", "sgx", NO_TCB_INFO,
     .image = "mrenclave",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "POLICY-DEBUG", NO_LEVEL_SAID},
     .lacks = NO_TCB_INFO},
    {"sgx/fortanix-v3-certtype3-rawtcb/quote_raw_tcb.bin", "sgx", "parse only",
     .image = "mrenclave",
     .fails = {NO_CHAIN, "DCAP-QE-SIGNATURE?", NO_LOOK, "POLICY-DEBUG", NO_LEVEL_SAID}},
    {"sgx/fortanix-v3-chain-misordered/quote_pck_cert_chain.bin", "sgx",
     "valid if the verifier orders the chain", .image = FORTANIX_ENCLAVE,
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "CLAIMS-NONCE", "POLICY-DEBUG",
	       NO_LEVEL_SAID},
     .lacks = "valid if the verifier orders the chain"},
    {"sgx/fortanix-v3-chain-misordered/quote_pck_cert_chain_corrupted.bin", "sgx",
     "quote signature fails",
     .fails = {"DCAP-PCK-REVOCATION", "DCAP-QUOTE-SIGNATURE", NO_DOCUMENTS,
	       "CLAIMS-NONCE", "POLICY-DEBUG", "POLICY-IMAGE", NO_LEVEL_SAID}},
    {"sgx/fortanix-v3-old-root/quote.dat", "sgx", "2018 form of the Intel SGX Root CA",
     .image = "mrenclave",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "POLICY-DEBUG", NO_LEVEL_SAID},
     .lacks = "valid chain"},
    /* Quotes in the certificates and the framing of others. */
    {"sgx/openenclave-embedded-bad/sgx_cert_ec_bad.der", "sgx",
     "PCK leaf to CA signature fails", .offset = 397, .fails = {"trailing"}},
    {"sgx/openenclave-embedded-bad/sgx_cert_ec_bad.der", "sgx",
     "PCK leaf to CA signature fails", .offset = 397, .cut = 87,
     .fails = {NO_CHAIN, "DCAP-QE-SIGNATURE?", NO_LOOK, "CLAIMS-NONCE", "POLICY-DEBUG",
	       "POLICY-IMAGE", NO_LEVEL_SAID}},
    {"sgx/openenclave-embedded-bad/sgx_cert_rsa_bad.der", "sgx",
     "root certificate damaged", .offset = 601, .cut = 276,
     .fails = {NO_CHAIN, NO_LOOK, "CLAIMS-NONCE", "POLICY-DEBUG", "POLICY-IMAGE",
	       NO_LEVEL_SAID}},
    {"sgx/openenclave-embedded-bad/sgx_report_bad.bin", "sgx",
     "CA to root signature fails", .offset = 16,
     .fails = {NO_CHAIN, NO_LOOK, "CLAIMS-NONCE", "POLICY-DEBUG", "POLICY-IMAGE",
	       NO_LEVEL_SAID}},
    {"sgx/openenclave-embedded-bad/oe_evidence.bin", "sgx", NO_TCB_INFO, .offset = 81,
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "CLAIMS-NONCE", "POLICY-DEBUG",
	       "POLICY-IMAGE", NO_LEVEL_SAID},
     .lacks = NO_TCB_INFO},
    {"sgx/trustee-v3-occlum-debug/quote.dat", "sgx", "TCB OutOfDate",
     .image = "mrenclave",
     .also = {"sgx/teepot-v3-swhardening/tcb_info.json",
	      "sgx/teepot-v3-swhardening/tcb_info_issuer_chain.pem",
	      "sgx/teepot-v3-swhardening/qe_identity.json",
	      "sgx/teepot-v3-swhardening/root_ca.crl.der",
	      "sgx/teepot-v3-swhardening/pck.crl.der"},
     .fails = {"POLICY-DEBUG", "POLICY-DCAP-TCB-STATUS"},
     .takes = "allow: [debug]\n" STATUS_IS("sgx", "OutOfDate")},
    {"sgx/intelqvl-synthetic/quote.dat", "sgx", "own test root CA",
     .fails = {NO_CHAIN, NO_LOOK, "SGX-ATTRIBUTES", "CLAIMS-NONCE", "POLICY-IMAGE",
	       NO_LEVEL_SAID}},
    {"sgx/steward-v3-outofdate-noqeid/quote.dat", "sgx", "TCB status OutOfDate",
     .image = "mrenclave",
     .fails = {"DCAP-QE-IDENTITY", "DCAP-QE-MATCH?", "DCAP-QE-LEVEL?", NO_LEVEL_SAID},
     .lacks = "no QE identity"},
    {"sgx/steward-v3-outofdate-noqeid/quote.dat", "sgx", "TCB status OutOfDate",
     .image = "mrenclave",
     .also = {"sgx/oasis-v3-swhardening-nocrl/qe_identity.json",
	      "sgx/oasis-v3-swhardening-nocrl/qe_identity_issuer_chain.pem"},
     .fails = {"DCAP-QE-IDENTITY", "DCAP-QE-MATCH?", "DCAP-QE-LEVEL?", NO_LEVEL_SAID},
     .takes = "collateral:\n  grace: 2592000\n" AS_IT_IS("sgx", "OutOfDate")},

    /* TDX */
    {"tdx/dcapqvl-v4-uptodate/quote.dat", "tdx", "TCB status UpToDate", .loose = 70,
     .image = "mrtd", .takes = ""},
    {"tdx/dcapqvl-v5-tcb-not-supported/quote.dat", "tdx", "no TCB level matches",
     .image = "mrtd", .fails = {"DCAP-TCB-LEVEL", NO_LEVEL_SAID}},
    {"tdx/teepot-v4-gcp-uptodate/quote.dat", "tdx", "TCB status UpToDate", .loose = 3065,
     .image = "mrtd", .takes = ""},
    {"tdx/cmc-v4-outofdate/quote.dat", "tdx", "TCB status OutOfDate", .loose = 70,
     .image = "mrtd", .fails = {"POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES"},
     .takes = AS_IT_IS("tdx", "OutOfDate")},
    {"tdx/cmc-v4-outofdate/quote-invalid-signature.dat", "tdx",
     "quote signature does not verify",
     .fails = {"DCAP-QUOTE-SIGNATURE", "POLICY-IMAGE", "POLICY-DCAP-TCB-STATUS",
	       "POLICY-DCAP-ADVISORIES"}},
    {"tdx/cmc-v4-outofdate/quote.dat", "tdx", "TCB info signature",
     .without = {"tdx/cmc-v4-outofdate/tcb_info.json"},
     .instead = "tdx/cmc-v4-outofdate/tcb_info-invalid-signature.json", .image = "mrtd",
     .fails = {"DCAP-TCB-INFO", "DCAP-TCB-MODEL?", "DCAP-TCB-LEVEL?", "TDX-SEAM?",
	       NO_LEVEL_SAID}},
    {"tdx/cmc-v4-outofdate/quote.dat", "tdx", "invalid when verified after",
     .without = {"tdx/cmc-v4-outofdate/tcb_info.json"},
     .instead = "tdx/cmc-v4-outofdate/tcb_info-same-as-valid.json", .image = "mrtd",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "TDX-SEAM?", NO_LEVEL_SAID},
     .at = "2026-04-16T10:30:04Z"},
    {"tdx/oasis-v4-uptodate-trailing-nocrl/quote.dat", "tdx", "TCB status UpToDate",
     .image = "mrtd",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "TDX-SEAM?", NO_LEVEL_SAID},
     .lacks = "no CRL"},
    {"tdx/intelqvl-synthetic/quote.dat", "tdx", "own test root CA",
     .fails = {NO_CHAIN, "DCAP-QE-SIGNATURE?", NO_LOOK, "TDX-SEAM?", "TDX-XFAM",
	       "CLAIMS-NONCE", "POLICY-IMAGE", NO_LEVEL_SAID, "POLICY-TDX-ATTRIBUTES"}},
    {"tdx/gotdxguest-v4-tdx10-tcb-not-supported/quote.dat", "tdx", "no TCB level matches",
     .image = "mrtd", .fails = {"trailing"}},
    {"tdx/gotdxguest-v4-tdx10-tcb-not-supported/quote.dat", "tdx", "no TCB level matches",
     .cut = 39, .image = "mrtd",
     .fails = {"DCAP-TCB-LEVEL", NO_LEVEL_SAID, "POLICY-TDX-ATTRIBUTES"}},
    {"tdx/gotdxguest-v5-uptodate-cross/quote.dat", "tdx", "TCB status UpToDate",
     .image = "mrtd", .takes = ""},
    {"tdx/gotdxguest-v4-gcp-ccel-cross/quote.dat", "tdx", "TCB status UpToDate",
     .loose = 3065, .image = "mrtd", .takes = ""},
    {"tdx/gotdxguest-v4-gcp-ccel-cross/quote.dat", "tdx", "does not replay",
     .without = {"tdx/gotdxguest-v4-gcp-ccel-cross/ccel_data.dat"},
     .instead = "tdx/gotdxguest-v4-gcp-ccel-cross/ccel-dupe-separator.bin",
     .image = "mrtd", .fails = {"TDX-EVENT-LOG"}},
    {"tdx/openenclave-v5-outofdate/quote.dat", "tdx", "TDX module OutOfDate",
     .image = "mrtd",
     .fails = {"POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES",
	       "POLICY-TDX-ATTRIBUTES", "POLICY-TDX-SERVICE-TD"},
     .takes = "tdx:\n  tcb-status: [OutOfDate]\n"
	      "  advisories: [" CASE_ADVISORIES ", INTEL-SA-01314, INTEL-SA-01397]\n"
	      "  attributes: [migratable]\n"
	      "  mr-service-td: [fe137531a4f9ec8fcba90d1040f3e9ea86ec933ff99570b5"
	      "d0ef6aa752d69abb1d0ece885d22e8289345ab90ed084cea]\n"},
    {"tdx/trustee-v4-tdx10-debug-outofdate-cross/quote.dat", "tdx", "DEBUG",
     .image = "mrtd",
     .fails = {"POLICY-DEBUG", "POLICY-DCAP-TCB-STATUS", "POLICY-DCAP-ADVISORIES"},
     .takes = "allow: [debug]\n" AS_IT_IS("tdx", "OutOfDate")},
    {"tdx/trustee-v5-tcb-not-supported-cross/quote.dat", "tdx", "no TCB level matches",
     .image = "mrtd",
     .fails = {"DCAP-TCB-LEVEL", NO_LEVEL_SAID, "POLICY-TDX-SERVICE-TD"}},
    {"tdx/lunal-v4-ccel/quote.dat", "tdx", NO_TCB_INFO, .loose = 307, .image = "mrtd",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "TDX-SEAM?", NO_LEVEL_SAID},
     .lacks = "not in this directory"},
    {"tdx/lunal-v4-ccel/quote.dat", "tdx", NO_TCB_INFO, .loose = 307, .image = "mrtd",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "TDX-SEAM?", NO_LEVEL_SAID},
     .also = {"tdx/dcapqvl-v4-uptodate/tcb_info.json",
	      "tdx/dcapqvl-v4-uptodate/tcb_info_issuer_chain.pem",
	      "tdx/dcapqvl-v4-uptodate/qe_identity.json",
	      "tdx/dcapqvl-v4-uptodate/root_ca.crl.der",
	      "tdx/dcapqvl-v4-uptodate/pck.crl.der"},
     .takes = "collateral:\n  grace: 30000000\n"},
    {"tdx/lunal-v4-ccel/quote.dat", "tdx", "does not replay", .loose = 307,
     .without = {"tdx/lunal-v4-ccel/ccel.dat"},
     .instead = "tdx/lunal-v4-ccel/ccel-earlier.dat", .image = "mrtd",
     .fails = {"DCAP-PCK-REVOCATION", NO_DOCUMENTS, "TDX-SEAM?", "TDX-EVENT-LOG",
	       NO_LEVEL_SAID}},
    {"tdx/lunal-v4-ccel/tdreport.bin", "tdx", "parse only", .fails = {"unsupported"}},
    {"tdx/ccapi-v4-preproduction-root/quote.dat", "tdx", "not the Intel SGX Root CA",
     .image = "mrtd",
     .fails = {NO_CHAIN, NO_LOOK, "TDX-SEAM?", "TDX-EVENT-LOG", NO_LEVEL_SAID}},

    /* SEV-SNP. The only lists of AMD's that there are, are in one folder. */
    {"snp/gosevguest-milan-v2-debug/report.bin", "snp", "guest policy allows DEBUG",
     .also = {MILAN, MILAN_CRL}, .image = "measurement", .fails = {"POLICY-DEBUG"},
     .takes = "allow: [debug]\n"},
    {"snp/gosevguest-milan-v2-debug/report.bin", "snp", "guest policy allows DEBUG",
     .also = {MILAN}, .image = "measurement", .fails = {NO_LIST, "POLICY-DEBUG"},
     .takes = "allow: [debug]\nsnp:\n  crl: not-required\n"},
    {"snp/trustee-milan-v2/report.bin", "snp", "valid", .also = {MILAN, MILAN_CRL},
     .image = "measurement",
     .fails = {"SNP-CRL", "SNP-REVOKED?", "POLICY-SNP-PROVISIONAL"},
     .takes = "collateral:\n  grace: 2592000\n"
	      "snp:\n  provisional-firmware: allowed\n"},
    {"snp/trustee-milan-v2/report.bin", "snp", "not made by the Milan ASK",
     .also = {MILAN}, .without = {"snp/trustee-milan-v2/vcek.der"},
     .instead = "snp/trustee-milan-v2/vcek-invalid-legacy.der", .image = "measurement",
     .fails = {NO_LEAF, "POLICY-SNP-PROVISIONAL"}},
    {"snp/trustee-milan-v2/report.bin", "snp", "not made by the Milan ASK",
     .also = {MILAN}, .without = {"snp/trustee-milan-v2/vcek.der"},
     .instead = "snp/trustee-milan-v2/vcek-invalid-new.der", .image = "measurement",
     .fails = {NO_LEAF, "POLICY-SNP-PROVISIONAL"}},
    {"snp/trustee-aws-vlek-v3/report.bin", "snp", "valid",
     .also = {"roots/amd-snp/ask_ark_milan_vlek.pem"}, .image = "measurement",
     .fails = {NO_LIST, "POLICY-SNP-PROVISIONAL", "POLICY-SNP-VMPL"},
     .takes = "snp:\n  crl: not-required\n  provisional-firmware: allowed\n"
	      "  max-vmpl: 1\n"},
    {"snp/lunal-genoa-v5/report.bin", "snp", "valid",
     .also = {"roots/amd-snp/ask_ark_genoa.pem"}, .image = "measurement",
     .fails = {NO_LIST}, .takes = "snp:\n  crl: not-required\n"},
    {"snp/oak-turin-v5/report.bin", "snp", "valid",
     .also = {"roots/amd-snp/ask_ark_turin_vcek.pem"}, .image = "measurement",
     .fails = {NO_LIST}, .takes = "snp:\n  crl: not-required\n"},
    {"snp/steward-milan-v2-with-crl/report.bin", "snp", "valid", .also = {MILAN},
     .image = "measurement", .takes = ""},
    {"snp/cmc-milan-v2/report.bin", "snp", "valid", .also = {MILAN, MILAN_CRL},
     .image = "measurement", .takes = ""},
    {"snp/cmc-milan-v2/report-invalid-signature.bin", "snp", "invalid: signature",
     .also = {MILAN, MILAN_CRL}, .image = "measurement", .fails = {"SNP-SIGNATURE"}},
    {"snp/cmc-milan-v2/report-wrong-length.bin", "snp", "not a report",
     .also = {MILAN, MILAN_CRL}, .image = "measurement", .fails = {"malformed"}},
    {"snp/cmc-milan-v2/report.bin", "snp", "unrelated self-signed certificate",
     .also = {MILAN, MILAN_CRL}, .without = {"snp/cmc-milan-v2/vcek.der"},
     .instead = "snp/cmc-milan-v2/vcek-unrelated.der", .image = "measurement",
     .fails = {NO_LEAF}},
    /* AMD's, of another product, and of the other kind of key. */
    {"snp/cmc-milan-v2/report.bin", "snp", "valid", .also = {GENOA},
     .image = "measurement", .fails = {"SNP-CHAIN", "SNP-ISSUER?", NO_LIST},
     .lacks = "valid"},
    {"snp/trustee-aws-vlek-v3/report.bin", "snp", "valid", .also = {MILAN, MILAN_CRL},
     .image = "measurement",
     .fails = {"SNP-CHAIN", "SNP-ISSUER?", NO_LIST, "POLICY-SNP-PROVISIONAL",
	       "POLICY-SNP-VMPL"},
     .lacks = "valid"},
    {"snp/microsoft-aci-milan-v2/report.bin", "snp", "valid", .also = {MILAN_CRL},
     .image = "measurement", .fails = {"SNP-CRL", "SNP-REVOKED?"},
     .takes = "collateral:\n  grace: 2592000\n"},
    {"snp/dstack-milan-v3/report.bin", "snp", "valid", .also = {MILAN},
     .image = "measurement", .fails = {NO_LIST}, .takes = "snp:\n  crl: not-required\n"},

    /* Nitro */
    {"nitro/evervault-prod/document.cose", "nitro", "valid", .image = "pcrs.0",
     .fails = {"CLAIMS-NONCE"}, .takes = "allow: [no-nonce]\n"},
    {"nitro/evervault-debug/document.cose", "nitro", "DEBUG mode enclave",
     .image = "pcrs.0", .fails = {"CLAIMS-NONCE", "POLICY-DEBUG"},
     .takes = "allow: [debug, no-nonce]\n"},
    {FORTANIX "document.cose", "nitro", "DEBUG mode enclave", .image = "pcrs.0",
     .fails = {"POLICY-DEBUG"}, .takes = "allow: [debug]\n"},
    {FORTANIX "document.cose", "nitro", "trust anchor", .image = "pcrs.0",
     .anchors = FORTANIX "aws.crt", .fails = {"POLICY-DEBUG"},
     .takes = "allow: [debug]\n"},
    {FORTANIX "document.cose", "nitro", "invalid as trust anchor: unrelated CA",
     .anchors = FORTANIX "unknown_ca.crt", .image = "pcrs.0",
     .fails = {"NITRO-CHAIN", "NITRO-BUNDLE?", "NITRO-PROFILE?", "POLICY-DEBUG"}},
    {FORTANIX "document.cose", "nitro", "invalid as trust anchor",
     .anchors = FORTANIX "tampered_root_cert.crt", .image = "pcrs.0",
     .fails = {CASE_NO_POLICY}},
    {FORTANIX "tampered-certificate.cose", "nitro", "leaf certificate damaged",
     .image = "pcrs.0", .fails = {NO_NITRO_CHAIN, "POLICY-DEBUG"}},
    {FORTANIX "tampered-signature.cose", "nitro", "COSE signature fails",
     .image = "pcrs.0", .fails = {"NITRO-SIGNATURE", "POLICY-DEBUG"}},
    {"nitro/vaportpm-nitrotpm/document.cose", "nitro-tpm", "NitroTPM document",
     .image = "pcrs_sha384.4", .takes = ""},

    /* EPID */
    {"sgx-epid/oasis-v4-body-sw-hardening-needed/report.json", "sgx-epid",
     "quote status SW_HARDENING_NEEDED; DEBUG", .image = "mrenclave",
     .fails = {"POLICY-DEBUG", "POLICY-EPID-STATUS", "POLICY-EPID-ADVISORIES"},
     .takes = "allow: [debug]\nsgx-epid:\n  status: [SW_HARDENING_NEEDED]\n"
	      "  advisories: [INTEL-SA-00334]\n"},
    {"sgx-epid/oasis-v5-body-sw-hardening-needed/report.json", "sgx-epid",
     "quote status SW_HARDENING_NEEDED; DEBUG", .image = "mrenclave",
     .fails = {"POLICY-DEBUG", "POLICY-EPID-STATUS", "POLICY-EPID-ADVISORIES"},
     .takes = "allow: [debug]\nsgx-epid:\n  status: [SW_HARDENING_NEEDED]\n"
	      "  advisories: [INTEL-SA-00334, INTEL-SA-00615]\n"},
    {"sgx-epid/oasis-v2-body-group-out-of-date/report.json", "sgx-epid",
     "quote status GROUP_OUT_OF_DATE; DEBUG", .image = "mrenclave",
     .fails = {"POLICY-DEBUG", "POLICY-EPID-STATUS"},
     .takes = "allow: [debug]\nsgx-epid:\n  status: [GROUP_OUT_OF_DATE]\n"},
    {"sgx-epid/pdo-group-out-of-date/report.json", "sgx-epid",
     "quote status GROUP_OUT_OF_DATE; DEBUG", .image = "mrenclave",
     .fails = {"POLICY-DEBUG", "POLICY-EPID-STATUS"},
     .takes = "allow: [debug]\nsgx-epid:\n  status: [GROUP_OUT_OF_DATE]\n"},
    {"sgx-epid/pdo-group-out-of-date/report.json", "sgx-epid",
     "one signature byte changed",
     .fails = {"EPID-SIGNATURE", "POLICY-DEBUG", "POLICY-EPID-STATUS"},
     .without = {"sgx-epid/pdo-group-out-of-date/report.sig.b64"},
     .instead = "sgx-epid/pdo-group-out-of-date/bad_signature.b64", .image = "mrenclave"},

    /* SEV: platforms on which nothing was launched. */
    {"sev/virtee-naples-chain/pdh.cert", "sev", "ARK self-signed",
     .also = {"sev/virtee-naples-chain/pek.cert"}, .image = "",
     .fails = {"SEV-MEASUREMENT", "CLAIMS-NONCE", "POLICY-IMAGE"}, .takes = PLATFORM_ONLY,
     .differs = PLATFORM_ONLY "  generations: [milan]\n",
     .differs_code = "POLICY-SEV-GENERATION"},
    {"sev/virtee-naples-chain/pek.cert", "sev", "ARK self-signed",
     .also = {"sev/virtee-naples-chain/pdh.cert"}, .image = "",
     .fails = {"SEV-MEASUREMENT", "CLAIMS-NONCE", "POLICY-IMAGE"}, .takes = PLATFORM_ONLY,
     .differs = PLATFORM_ONLY "  generations: [milan]\n",
     .differs_code = "POLICY-SEV-GENERATION"},
    {"sev/virtee-naples-chain/pdh.cert", "sev", "truncated ARK",
     .also = {"sev/virtee-naples-chain/pek.cert"}, .image = "",
     .without = {"sev/virtee-naples-chain/ark.cert"},
     .instead = "sev/virtee-naples-chain/ark-bad.cert", .fails = {"malformed"}},
    /* A chip of Naples, with AMD's certificates of Rome. */
    {"sev/virtee-naples-chain/pdh.cert", "sev", "ARK self-signed",
     .also = {"sev/virtee-naples-chain/pek.cert", "sev/virtee-rome-chain/ark.cert",
	      "sev/virtee-rome-chain/ask.cert"},
     .without = {"sev/virtee-naples-chain/ark.cert", "sev/virtee-naples-chain/ask.cert"},
     .image = "", .fails = {"SEV-CEK", "SEV-MEASUREMENT", "CLAIMS-NONCE", "POLICY-IMAGE"},
     .lacks = "CEK under ASK"},
    {"sev/virtee-rome-chain/pdh.cert", "sev", "ARK self-signed",
     .also = {"sev/virtee-rome-chain/pek.cert"}, .image = "",
     .fails = {"SEV-MEASUREMENT", "CLAIMS-NONCE", "POLICY-IMAGE"}, .takes = PLATFORM_ONLY,
     .differs = PLATFORM_ONLY "  generations: [milan]\n",
     .differs_code = "POLICY-SEV-GENERATION"},
    {"sev/virtee-rome-chain/pek.cert", "sev", "ARK self-signed",
     .also = {"sev/virtee-rome-chain/pdh.cert"}, .image = "",
     .fails = {"SEV-MEASUREMENT", "CLAIMS-NONCE", "POLICY-IMAGE"}, .takes = PLATFORM_ONLY,
     .differs = PLATFORM_ONLY "  generations: [milan]\n",
     .differs_code = "POLICY-SEV-GENERATION"},
    /* Azure: with the values of the PCRs only where they are in the JSON. */
    {AZURE "trustee-snp-milan-v1/evidence.json", "azure-snp", "valid composite",
     .image = "6a063be9dd79f6371c842e480f8dc3b5c725961344e57130"
	      "e88c5adf49e8f7f6c79b75a5eb77fc769959f4aeb2f9401e",
     .also = {MILAN}, .fails = {NO_LIST}, .takes = "snp:\n  crl: not-required\n",
     .text = true, .loose = 1, .free = {{5, 12}},
     .without = {AZURE "trustee-snp-milan-v1/tpm_quote.msg",
		 AZURE "trustee-snp-milan-v1/tpm_quote.sig",
		 AZURE "trustee-snp-milan-v1/vcek.der"}},
    {AZURE "trustee-snp-milan-v1/hcl_report.bin", "azure-snp", "valid composite",
     .image = "6a063be9dd79f6371c842e480f8dc3b5c725961344e57130"
	      "e88c5adf49e8f7f6c79b75a5eb77fc769959f4aeb2f9401e",
     .also = {MILAN}, .fails = {NO_VALUES, NO_LIST}, .lacks = "PCR digest"},
    {AZURE "trustee-snp-genoa/evidence.json", "azure-snp", "valid composite",
     .image = "f57dc09a507c6ecd82369bffb600f0003792f4d99bc26e98"
	      "5ec0c266fc34faf3706faf814c9e61065768a6ff917c89ae",
     .also = {GENOA}, .fails = {NO_LIST}, .takes = "snp:\n  crl: not-required\n",
     .text = true,
     .without = {AZURE "trustee-snp-genoa/tpm_quote.msg",
		 AZURE "trustee-snp-genoa/tpm_quote.sig",
		 AZURE "trustee-snp-genoa/vcek.der"}},
    {AZURE "trustee-snp-genoa/hcl_report.bin", "azure-snp", "valid composite",
     .image = "f57dc09a507c6ecd82369bffb600f0003792f4d99bc26e98"
	      "5ec0c266fc34faf3706faf814c9e61065768a6ff917c89ae",
     .also = {GENOA}, .fails = {NO_VALUES, NO_LIST}, .lacks = "PCR digest"},
    {AZURE "lunal-tdx-live/evidence.json", "azure-tdx", "valid composite",
     .image = "273828c46252fcbdd8ad2dd907130222b03466d52a2911d7"
	      "0c1a5950895d6bd1ae451d382d5a9b1b4c0ed0e5ae9a3dbd",
     .takes = "", .text = true,
     /* Of the TDREPORT, what only its own machine can check; PEM, in which a line may end
      * in other ways. */
     .free = {{4, 12}, {2723, 169}, {2976, 428}, {3936, 150}, {7840, 4903}},
     .without = {AZURE "lunal-tdx-live/tpm_quote.msg",
		 AZURE "lunal-tdx-live/tpm_quote.sig",
		 AZURE "lunal-tdx-live/td_quote.dat"}},
    {AZURE "lunal-tdx-live/hcl_report.bin", "azure-tdx", "valid composite",
     .image = "273828c46252fcbdd8ad2dd907130222b03466d52a2911d7"
	      "0c1a5950895d6bd1ae451d382d5a9b1b4c0ed0e5ae9a3dbd",
     .fails = {NO_VALUES}, .lacks = "PCR digest"},
    {AZURE "kinvolk-hcl-report-snp-old/hcl_report.bin", "azure-snp", "HCL binding valid",
     .image = "5a71e4ba7e0b83e44c8e853130a65557db0a7782cdb2d906"
	      "c54b0bf5878202805ab159bfe0cf7d5749aa6f62b7094508",
     .fails = {"AZURE-QUOTE-SIGNATURE", NO_LEAF, "CLAIMS-NONCE",
	       "POLICY-SNP-PROVISIONAL"}},
    {0}};

static const struct vector_case *const tables[] = {vendors, vector_cases_arm,
						   vector_cases_tpm, vector_cases_nvidia};

const struct vector_case *vector_case_at(size_t index)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct vector_case *row = tables[i];

		while (row->path && index) {
			row++;
			index--;
		}
		if (row->path)
			return row;
	}
	return NULL;
}

const struct vector_unused vector_unused[] = {
    {"tpm/eventlogs/*", "event logs, without evidence: eventlogs_test.c"},
    {"sgx/fortanix-v3-certtype3-rawtcb/encrypted_ppid.bin",
     "a part of the quote, once more"},
    {"tdx/gotdxguest-v4-gcp-ccel-cross/ccel_table.dat",
     "the ACPI table that says where the log is"},
    {"tdx/openenclave-v5-outofdate/endorsement.orig.bin",
     "a dump of memory; its documents are beside it"},
    {"tdx/gotdxguest-v4-gcp-ccel-cross/nonce.dat",
     "the report data, which expected.json has, too"},
    {"sgx/steward-v3-outofdate-noqeid/source.csr.der",
     "a request for a certificate that carries evidence: the evidence is beside it"},
    {"snp/steward-milan-v2-with-crl/source.csr.der",
     "a request for a certificate that carries evidence: the evidence is beside it"},
    {"snp/microsoft-aci-milan-v2/uvm_reference_info.cose.bin",
     "reference values of Azure's guest image: a policy names the measurement"},
    {"snp/microsoft-aci-milan-v2/security_policy.base64",
     "what host data is the hash of; expected.json has the hash"},
    {"sgx/openenclave-embedded-bad/qe_identity*", "nobody has signed it: shapes_test.c"},
    {"sgx/openenclave-embedded-bad/tcbInfo*", "nobody has signed it: shapes_test.c"},
    {"roots/*", "its key: roots_test.c"},
    {"sev/virtee-naples-chain/ark.sig", "the signature in ark.cert, once more"},
    {0}};

const struct vector_unused *vector_unused_find(const char *path)
{
	for (const struct vector_unused *unused = vector_unused; unused->path; unused++) {
		size_t size = strlen(unused->path);

		if (unused->path[size - 1] == '*'
			? strncmp(unused->path, path, size - 1) == 0
			: strcmp(unused->path, path) == 0)
			return unused;
	}
	return NULL;
}
