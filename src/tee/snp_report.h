/*
 * The attestation report of AMD SEV-SNP: AMD 56860 (SEV-SNP firmware ABI), table
 * ATTESTATION_REPORT; docs/PROTOCOL.md section 14.3.
 */
#ifndef TOBI_TEE_SNP_REPORT_H
#define TOBI_TEE_SNP_REPORT_H

#include <stdbool.h>

#include "tobichi/bytes.h"
#include "tobichi/error.h"

enum {
	SNP_REPORT_SIZE = 1184,
	SNP_SIGNED_SIZE = 0x2a0,
	SNP_SIGNATURE_SIZE = 512, /* in every structure of SNP: R, S, zeros */
	SNP_TCB_SIZE = 8,
	SNP_CHIP_SIZE = 64,
	SNP_VMPL_MOST = 3, /* above: the host asked for the report, not the guest */
};

/* GUEST_POLICY. */
#define SNP_POLICY_SMT (UINT64_C(1) << 16)
#define SNP_POLICY_ONE (UINT64_C(1) << 17)
#define SNP_POLICY_MIGRATE_MA (UINT64_C(1) << 18)
#define SNP_POLICY_DEBUG (UINT64_C(1) << 19)
#define SNP_POLICY_SINGLE_SOCKET (UINT64_C(1) << 20)
#define SNP_POLICY_CXL (UINT64_C(1) << 21)
#define SNP_POLICY_AES_256_XTS (UINT64_C(1) << 22)
#define SNP_POLICY_RAPL_OFF (UINT64_C(1) << 23)
#define SNP_POLICY_HIDING (UINT64_C(1) << 24)
#define SNP_POLICY_NO_PAGE_SWAP (UINT64_C(1) << 25)
#define SNP_POLICY_KNOWN ((UINT64_C(1) << 26) - 1)

/* PLATFORM_INFO. Bit 6 has no name in the public documents; Turin sets it. */
#define SNP_PLATFORM_SMT (UINT64_C(1) << 0)
#define SNP_PLATFORM_TSME (UINT64_C(1) << 1)
#define SNP_PLATFORM_ECC (UINT64_C(1) << 2)
#define SNP_PLATFORM_RAPL_OFF (UINT64_C(1) << 3)
#define SNP_PLATFORM_HIDING (UINT64_C(1) << 4)
#define SNP_PLATFORM_ALIAS_CHECK (UINT64_C(1) << 5)
#define SNP_PLATFORM_TIO (UINT64_C(1) << 7)
#define SNP_PLATFORM_KNOWN ((UINT64_C(1) << 8) - 1)

enum snp_key { SNP_KEY_VCEK = 0, SNP_KEY_VLEK = 1, SNP_KEY_NONE = 7 };

/* A generation of processors. */
struct snp_product {
	const char *name; /* as AMD's certificates call it: "Milan" */
	bool supported;	  /* else only its name is known */
	bool has_fmc;	  /* the layout of TCB_VERSION that starts with the FMC */
	size_t chip_size; /* bytes of CHIP_ID that name the chip */
};

struct snp_firmware {
	uint8_t major, minor, build;
};

struct snp_report {
	uint32_t version, guest_svn;
	uint64_t policy;
	struct tobi_bytes family_id, image_id; /* 16 each; all borrow from the input */
	uint32_t vmpl;
	uint32_t algorithm;
	struct tobi_bytes current_tcb, reported_tcb, committed_tcb, launch_tcb;
	uint64_t platform;
	uint32_t key_info;
	struct tobi_bytes report_data, measurement, host_data;
	struct tobi_bytes id_key_digest, author_key_digest; /* SHA-384 */
	struct tobi_bytes report_id, migration_agent;	    /* 32 each */
	uint8_t family, model, stepping; /* of the CPU; 0 in version 2 */
	struct tobi_bytes chip_id;
	struct snp_firmware current, committed;
	struct tobi_bytes launch_mitigations, current_mitigations; /* 8 each, LE */
	struct tobi_bytes signed_part, signature;
	const char *not_zero; /* the reserved field that is not zero, or NULL */
};

/* Exactly SNP_REPORT_SIZE bytes. What the fields say is not checked, but whether those
 * that must be zero in the report's version are. Errors: TOBI_E_TRUNCATED, _TRAILING. */
TOBI_MUST_USE enum tobi_err snp_report_parse(struct tobi_bytes bytes,
					     struct snp_report *ret_report,
					     struct tobi_fault *fault);
/* Whether bytes start like a report of any version. */
bool snp_report_recognise(struct tobi_bytes bytes);

bool snp_report_has_cpu(const struct snp_report *report);
bool snp_report_has_mitigations(const struct snp_report *report);
enum snp_key snp_report_key(const struct snp_report *report);
bool snp_report_masked(const struct snp_report *report);
bool snp_report_author_key(const struct snp_report *report);

/* NULL where it is not known here. */
const struct snp_product *snp_product_of_cpu(uint8_t family, uint8_t model);
/* By the name of a certificate: "Milan-B0" is Milan, too. */
const struct snp_product *snp_product_named(struct tobi_bytes name);
/* Of those that are supported; NULL past the end. */
const struct snp_product *snp_product_at(size_t index);

bool snp_is_zero(struct tobi_bytes bytes);
/* ECDSA P-384 as SNP writes it: R and S of 72 bytes each, little-endian. False when the
 * upper bytes, or what follows to the end of the 512, are not zero. */
bool snp_signature_read(struct tobi_bytes field, uint8_t ret_raw[static 96]);

#endif
