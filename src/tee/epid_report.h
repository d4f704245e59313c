/*
 * The body of a report of Intel's Attestation Service for SGX with EPID signatures: JSON,
 * of versions 2 (which has no member "version") to 5.
 *
 * Source: Intel, Attestation Service for SGX, API specification, versions 3 to 5, section
 * 4.2; docs/PROTOCOL.md section 14.6.
 */
#ifndef TOBI_TEE_EPID_REPORT_H
#define TOBI_TEE_EPID_REPORT_H

#include "base/arena.h"
#include "tee/epid_claims.h"

enum {
	EPID_QUOTE_SIZE = 432, /* without its signature, which the service has checked */
	EPID_NONCE_MAX = 32,
	EPID_SVN_SIZE = 16,
	EPID_BLOB_MAX = 128,
};

/* What is meant by a platform info blob, which the service gives out for the platform's
 * own software; shown, never relied on. */
struct epid_platform_info {
	bool known; /* of the one type and size that is described */
	uint8_t group_flags;
	uint16_t tcb_flags, pse_flags;
	struct tobi_bytes latest_cpu_svn; /* 16 */
	uint16_t latest_isv_svn;
	uint32_t group;
};

/* In the arena. Texts are "" where an optional member is absent. */
struct epid_report {
	uint64_t version;
	const char *id, *status, *nonce, *advisory_url;
	const char *pse_status, *pseudonym;
	int64_t timestamp; /* seconds since 1970 */
	const char *const *advisories;
	size_t advisory_count;
	bool has_revocation_reason;
	int64_t revocation_reason;
	struct tobi_bytes quote; /* 432 bytes */
	struct tobi_bytes blob;	 /* platformInfoBlob, or empty */
	struct epid_platform_info platform;
};

/* Members that are not known here are skipped: later versions add some, and all are
 * signed. Errors: TOBI_E_LIMIT, _MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err epid_report_parse(struct tobi_bytes body, struct arena *arena,
					      struct epid_report *ret_report,
					      struct tobi_fault *fault);

/* A quote without its signature; what is in it is borrowed. */
struct epid_quote {
	unsigned version;   /* 2 */
	unsigned sign_type; /* 0: unlinkable, 1: linkable */
	uint32_t group;
	uint16_t qe_svn, pce_svn;
	struct tobi_bytes basename;    /* 32 */
	struct tobi_bytes cpu_svn;     /* 16 */
	struct tobi_bytes measurement; /* MRENCLAVE, 32 */
	struct tobi_bytes signer;      /* MRSIGNER, 32 */
	struct tobi_bytes config_id;   /* 64 */
	struct tobi_bytes family_id;   /* ISVFAMILYID, 16 */
	struct tobi_bytes product_id;  /* ISVEXTPRODID, 16 */
	struct tobi_bytes report_data; /* 64 */
	uint32_t misc_select;
	uint64_t flags, xfrm;
	uint16_t product, svn, config_svn;
};

enum {
	EPID_FLAG_INITTED = 0x01,
	EPID_FLAG_DEBUG = 0x02,
	EPID_FLAG_MODE64 = 0x04,
	EPID_FLAG_PROVISION = 0x10,
	EPID_FLAG_EINITTOKEN = 0x20,
	EPID_FLAG_KSS = 0x80,
};

/* Exactly 432 bytes. Errors: TOBI_E_TRUNCATED, _TRAILING. */
TOBI_MUST_USE enum tobi_err epid_quote_parse(struct tobi_bytes bytes,
					     struct epid_quote *ret_quote,
					     struct tobi_fault *fault);

#endif
