/* NVIDIA: what its devices and its RIM service gave, and files that were made wrong. */
#include "tests/vectors/cases.h"

#define HOPPER "nvidia/gonvattest-hopper-full/"
#define NEGATIVE "nvidia/nvidia-rim-negative/"
#define MISMATCH "nvidia/nvidia-hopper-rim-mismatch/"
#define EXPIRED "nvidia/nvidia-hopper-rim-expired/"
#define SWITCH "nvidia/nvidia-nvswitch-ls10/"
#define GENUINE "valid: SPDM 1.1 MEASUREMENTS signature"
#define FWID(hash) "gpu: {rim: optional, fwids: [" hash "]}\n"
/* The report with a driver's file that is wrong, in place of the right one; times are
 * those of the wrong one. */
#define WITH_DRIVER(file, says_, ...)                                                    \
	{                                                                                \
		HOPPER "report.bin", "nvidia-gpu", says_,                                \
		    .without = {HOPPER "rim_driver.xml"}, .instead = NEGATIVE file,      \
		    .at = "2025-06-01T00:00:00Z", .fails = {                             \
			    __VA_ARGS__                                                  \
		    }                                                                    \
	}
#define NO_FORM "GPU-RIM-FORM", "GPU-RIM-SIGNATURE", "POLICY-IMAGE"

const struct vector_case vector_cases_nvidia[] = {
    {HOPPER "report.bin", "nvidia-gpu", GENUINE, .image = "",
     .also = {NEGATIVE "NV_GPU_DRIVER_GH100_550.144.03.xml"}, .fails = {"POLICY-IMAGE"},
     .takes = "gpu: {min-count: 1}\n", .differs = "gpu: {drivers: [550.90.08]}\n",
     .differs_code = "POLICY-GPU-DRIVER"},
    /* The answers are of two days, and none counts for both. */
    {HOPPER "report.bin", "nvidia-gpu", GENUINE, .image = "", .fails = {"POLICY-IMAGE"},
     .takes = "collateral: {grace: 6000000}\ngpu: {ocsp: required}\n",
     .differs = "gpu: {ocsp: required}\n", .differs_code = "POLICY-GPU-OCSP"},
    {"nvidia/nvidia-blackwell/report.bin", "nvidia-gpu", GENUINE, .image = "",
     .fails = {"POLICY-IMAGE", "POLICY-GPU-RIM"},
     .takes = FWID("d090cab1b6e6ffddca83d1781e25b3f040fa1f3c7608230cb5f41b1c1b99f5f748349"
		   "e59d0ef8eb830c9bc79ccf77502"),
     .differs = "gpu: {min-count: 1}\n", .differs_code = "POLICY-GPU-RIM"},
    {MISMATCH "report.bin", "nvidia-gpu", GENUINE, .image = "",
     .fails = {"POLICY-IMAGE", "POLICY-GPU-RIM"},
     .takes = FWID("faa77bfbd8678d4817df3ce941a3cb6dba3ae120dba3b2faae7cf0f19057c566d50d7"
		   "b86afbf6aa91ab76821e8724f76"),
     .differs = "gpu: {min-count: 1}\n", .differs_code = "POLICY-GPU-RIM"},
    {MISMATCH "report.bin", "nvidia-gpu", "golden value edited, XML digest fails",
     .instead = MISMATCH "rim_driver-measurement-mismatch.xml",
     .fails = {"GPU-RIM-SIGNATURE", "GPU-RIM-MATCH?", "POLICY-IMAGE", "POLICY-GPU-RIM"}},
    {MISMATCH "report.bin", "nvidia-gpu", "golden value edited",
     .instead = MISMATCH "rim_vbios-measurement-mismatch.xml",
     .fails = {"GPU-RIM-MATCH", "POLICY-IMAGE", "POLICY-GPU-RIM"}},
    {EXPIRED "report.bin", "nvidia-gpu", GENUINE, .image = "",
     .fails = {"POLICY-IMAGE", "POLICY-GPU-RIM"},
     .takes = FWID("e9960d6a289c80281e29b85287ca5ec342297589d2f5a95aef82cf3fd2520f3370756"
		   "e5d63633c2b2c9c1f10e7775033"),
     .differs = "gpu: {min-count: 1}\n", .differs_code = "POLICY-GPU-RIM"},
    {EXPIRED "report.bin", "nvidia-gpu", "RIM signer certificate valid only",
     .instead = EXPIRED "rim_driver-expired.xml",
     .fails = {"GPU-RIM-CHAIN", "GPU-RIM-SIGNATURE", "GPU-RIM-MATCH?", "POLICY-IMAGE",
	       "POLICY-GPU-RIM"}},
    /* With the chain of another device. */
    {"nvidia/nvidia-hopper-invalid-signature/report.bin", "nvidia-gpu",
     "SPDM signature fails",
     .fails = {"GPU-SIGNATURE", "GPU-FWID", "POLICY-IMAGE", "POLICY-GPU-RIM"}},
    {"nvidia/nvidia-nvswitch-invalid-signature/report.bin", "nvidia-gpu",
     "SPDM signature fails",
     .fails = {"GPU-SIGNATURE", "POLICY-IMAGE", "POLICY-GPU-RIM"}},
    {SWITCH "report.bin", "nvidia-gpu", GENUINE, .image = "", .fails = {"POLICY-IMAGE"},
     .takes = "gpu: {architectures: [ls10]}\n",
     .differs = "gpu: {architectures: [hopper]}\n", .differs_code = "POLICY-GPU-ARCH"},
    {SWITCH "report.bin", "nvidia-gpu", "XML digest fails",
     .without = {SWITCH "rim_switch_bios.xml"},
     .instead = SWITCH "rim_switch_bios-invalid.xml",
     .fails = {"GPU-RIM-CHAIN", "GPU-RIM-SIGNATURE", "GPU-RIM-MATCH?", "POLICY-IMAGE"}},
    /* Files of reference values. */
    WITH_DRIVER("incorrect_signature_driver_rim.xml", "SignedInfo signature fails",
		"GPU-RIM-SIGNATURE", "GPU-RIM-VERSION", "POLICY-IMAGE"),
    {HOPPER "report.bin", "nvidia-gpu", "certificate chain cut to 2",
     .without = {HOPPER "rim_vbios.xml"},
     .instead = NEGATIVE "incorrect_cert_chain_driver_rim.xml",
     .at = "2025-06-01T00:00:00Z",
     .fails = {"GPU-RIM-CHAIN", "GPU-RIM-VERSION", "GPU-RIM-INDEX", "POLICY-IMAGE"}},
    WITH_DRIVER("failure_duplicate_index.xml", "duplicate index", NO_FORM),
    WITH_DRIVER("failure_empty_payload.xml", "empty payload", NO_FORM),
    WITH_DRIVER("failure_invalid_size.xml", "invalid size", NO_FORM),
    WITH_DRIVER("failure_missing_hash.xml", "missing hash", NO_FORM),
    WITH_DRIVER("failure_missing_x509_certificate.xml", "missing x509", NO_FORM),
    WITH_DRIVER("failure_invalid_index.xml", "invalid index", NO_FORM),
    /* A root of somebody else. */
    {HOPPER "report.bin", "nvidia-gpu", "not the RIM root",
     .anchors = NEGATIVE "incorrect_rim_root.crt", .at = "2025-06-01T00:00:00Z",
     .fails = {"GPU-CHAIN", "POLICY-IMAGE"}},
    /* As NVIDIA's tool writes it. */
    {"nvidia/nvidia-serialized-evidence/hopper_evidence.json", "nvidia-gpu",
     "valid: SPDM signature and chain", .image = "",
     .free = {{6482, 1}, {12212, 74}}, /* a line's end; the nonce, once more */
     .fails = {"CLAIMS-NONCE", "POLICY-IMAGE", "POLICY-GPU-RIM"},
     .takes = "allow: [no-nonce]\n" FWID("956ecf09ee4191f115224d1cb09e76b897b77591c3ea7c2"
					 "a22e1c50546aeba7961cd67edbb4a274e29"
					 "4fe1402036211d"),
     .differs =
	 "allow: [no-nonce]\ngpu: {ocsp: required, rim: optional, fwids: "
	 "[956ecf09ee4191f115224d1cb09e76b897b77591c3ea7c2a22e1c50546aeba7961cd67edb"
	 "b4a274e294fe1402036211d]}\n",
     .differs_code = "POLICY-GPU-OCSP"},
    /* That a certificate is on hold would an answer say, and none is there. */
    {"nvidia/nvidia-serialized-evidence/hopper_evidence_cert_hold.json", "nvidia-gpu",
     "invalid by revocation",
     .fails = {"CLAIMS-NONCE", "POLICY-IMAGE", "POLICY-GPU-RIM"}},
    {0}};
