/* Arm CCA and PSA: tokens of Arm's reference firmware, under its test keys. */
#include "tests/vectors/cases.h"

#define CCA(folder) "cca/" folder "/token.cbor"
#define CPAK(folder) "cca/" folder "/cpak_public.pem"
#define BOUND "valid: platform token under the CPAK"

#define IAT "psa/tfm-iatverifier/"
#define TFM_SIGNERS                                                                      \
	"allow: [no-nonce]\n"                                                            \
	"psa:\n"                                                                         \
	"  components:\n"                                                                \
	"    - type: SPE\n"                                                              \
	"      signer: "                                                                 \
	"bfe6d86f8826f4ff97fb96c4e6fbc4993e4619fc565da26adf34c329489adc38\n"             \
	"    - type: NSPE\n"                                                             \
	"      signer: "                                                                 \
	"b360caf5c98c6b942a4882fa9d4823efb166a9ef6a6e4aa37c1919ed1fccc049\n"
#define IAT_SIGNERS                                                                      \
	"allow: [no-nonce]\n"                                                            \
	"psa:\n"                                                                         \
	"  components:\n"                                                                \
	"    - signer: "                                                                 \
	"07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918\n"
/* A PSA token has no image, and these have no nonce that anybody chose. */
#define NO_IMAGE "CLAIMS-NONCE", "POLICY-IMAGE"

const struct vector_case vector_cases_arm[] = {
    {CCA("veraison-tfrmm-legacy-profile"), "cca", BOUND, .image = "realm.44238",
     .key = CPAK("veraison-tfrmm-legacy-profile"), .takes = ""},
    {CCA("veraison-draft-ffm-profile-2023"), "cca", BOUND, .image = "realm.44238",
     .key = CPAK("veraison-draft-ffm-profile-2023"), .takes = ""},
    {CCA("trustee-realm-sha512"), "cca", BOUND, .image = "realm.44238",
     .key = CPAK("trustee-realm-sha512"), .takes = ""},
    {CCA("tfm-cmw-collection-realm-2"), "cca", BOUND, .image = "realm.44238",
     .key = CPAK("tfm-cmw-collection-realm-2"), .takes = "cca:\n  mec: private\n"},
    {CCA("tfm-cmw-collection-legacy"), "cca", BOUND, .image = "realm.44238",
     .key = CPAK("tfm-cmw-collection-legacy"), .takes = ""},
    {CCA("veraison-bug33-unbound"), "cca", "platform challenge is not a hash of the RAK",
     .image = "realm.44238", .key = CPAK("veraison-bug33-unbound"),
     .fails = {"CCA-BINDING"}},

    {"psa/veraison-tfm-psa2/token.cbor", "psa", "valid under the given IAK", .image = "",
     .key = "psa/veraison-tfm-psa2/iak_public.pem", .fails = {NO_IMAGE},
     .takes = TFM_SIGNERS, .differs = TFM_SIGNERS "  client-ids: [-1]\n",
     .differs_code = "POLICY-PSA-CLIENT"},
    {"psa/veraison-tfm-psa2/token-mac0.cbor", "psa",
     "must not be accepted under an asymmetric anchor", .image = "",
     .key = "psa/veraison-tfm-psa2/iak_public.pem", .fails = {"PSA-SIGNATURE", NO_IMAGE}},
    {"psa/veraison-tfm-psaiot1/token.cbor", "psa", "valid under the given IAK",
     .image = "", .key = "psa/veraison-tfm-psaiot1/iak_public.pem", .fails = {NO_IMAGE},
     .takes = TFM_SIGNERS, .differs = TFM_SIGNERS "  lifecycle: [decommissioned]\n",
     .differs_code = "POLICY-PSA-LIFECYCLE"},
    {"psa/veraison-tfm-psaiot1/token-mac0.cbor", "psa",
     "must not be accepted under an asymmetric anchor", .image = "",
     .key = "psa/veraison-tfm-psaiot1/iak_public.pem",
     .fails = {"PSA-SIGNATURE", NO_IMAGE}},

    /* The profile of this one is not registered: a policy has to name it. */
    {IAT "iat.cbor", "psa", "valid", .image = "", .key = IAT "iak_public.pem",
     .fails = {NO_IMAGE, "POLICY-PSA-PROFILE"},
     .takes = IAT_SIGNERS "  profiles: [\"http://example.com\"]\n",
     .differs = IAT_SIGNERS, .differs_code = "POLICY-PSA-PROFILE"},
    /* None of these says in its protected header with what it is signed. */
    {IAT "invalid-profile-id.cbor", "psa", "invalid profile id", .image = "",
     .key = IAT "iak_public.pem",
     .fails = {"PSA-ALGORITHM", "PSA-CLAIMS", "PSA-SIGNATURE", NO_IMAGE,
	       "POLICY-PSA-PROFILE", "POLICY-PSA-LIFECYCLE"}},
    {IAT "missing-claim.cbor", "psa", "missing claim", .image = "",
     .key = IAT "iak_public.pem",
     .fails = {"PSA-ALGORITHM", "PSA-CLAIMS", "PSA-SIGNATURE", NO_IMAGE,
	       "POLICY-PSA-LIFECYCLE"}},
    {IAT "submod-missing-claim.cbor", "psa", "submod missing claim", .image = "",
     .key = IAT "iak_public.pem",
     .fails = {"PSA-ALGORITHM", "PSA-CLAIMS", "PSA-SIGNATURE", NO_IMAGE,
	       "POLICY-PSA-LIFECYCLE"}},
    {IAT "missing-sw-comps.cbor", "psa", "missing sw comps", .image = "",
     .key = IAT "iak_public.pem",
     .fails = {"PSA-ALGORITHM", "PSA-CLAIMS", "PSA-SIGNATURE", NO_IMAGE,
	       "POLICY-PSA-PROFILE", "POLICY-PSA-LIFECYCLE"}},
    {IAT "no-sw-measurements.cbor", "psa", "no sw measurements", .image = "",
     .key = IAT "iak_public.pem",
     .fails = {"PSA-ALGORITHM", "PSA-SIGNATURE", NO_IMAGE, "POLICY-PSA-PROFILE",
	       "POLICY-PSA-LIFECYCLE", "POLICY-PSA-COMPONENTS"},
     .lacks = "valid or policy failure"},
    {IAT "malformed.cbor", "psa", "invalid: malformed", .image = "",
     .key = IAT "iak_public.pem", .fails = {"trailing"}},
    /* Claims of nobody's: no PSA token, whatever their tags. */
    {IAT "synthetic_correct_tagging.cbor", "psa", "correct tagging", .image = "",
     .key = IAT "iak_public.pem", .fails = {"malformed"}},
    {IAT "synthetic_invalid_tags.cbor", "psa", "invalid tags", .image = "",
     .key = IAT "iak_public.pem", .fails = {"malformed"}},
    {IAT "synthetic_missing_tags.cbor", "psa", "missing tags", .image = "",
     .key = IAT "iak_public.pem", .fails = {"malformed"}},
    {IAT "synthetic_p_header_off.cbor", "psa", "p header off", .image = "",
     .key = IAT "iak_public.pem", .fails = {"malformed"}},
    {IAT "synthetic_unexpected_tags.cbor", "psa", "unexpected tags", .image = "",
     .key = IAT "iak_public.pem", .fails = {"malformed"}},
    {IAT "synthetic_unknown_claims.cbor", "psa", "unknown claims", .image = "",
     .key = IAT "iak_public.pem", .fails = {"malformed"}},
    {0}};
