/* A parsed policy (docs/POLICY.md). Everything is in the policy's own arena. */
#ifndef TOBI_APPRAISE_POLICY_H
#define TOBI_APPRAISE_POLICY_H

#include "appraise/bytes_list.h"
#include "appraise/policy_snp.h"
#include "base/arena.h"
#include "tee/tee.h"
#include "pki/chain_cache.h"
#include "pki/memo.h"
#include "tobichi/verify.h"

enum policy_identity {
	IDENTITY_ANY_INSTANCE, /* said aloud in the result: diversion is possible */
	IDENTITY_HARDWARE,     /* the evidence's hardware id is in the list */
	IDENTITY_CONFIG_ID,
	IDENTITY_OWNER,
	IDENTITY_CA, /* the TLS leaf chains to the named CA, for the host name */
};

/* How evidence may come over a connection. One of them: nothing is negotiated. */
enum policy_channel {
	CHANNEL_ATLS,  /* tobichi-atls/1, bound to the session */
	CHANNEL_RATLS, /* in the certificate: compatibility */
};

struct policy_root {
	const char *tier;
	struct tobi_bytes anchors_pem;
	struct key_pins pins;	 /* their keys */
	struct anchor_keys keys; /* bare public keys among the anchors */
	bool required;		 /* of wrappers: evidence must come in one */
};

struct policy_epid;
struct policy_dcap;
struct policy_tdx;
struct policy_sev;
struct policy_tpm;
struct policy_guest;
struct policy_psa;
struct policy_cca;
struct policy_boot;
struct policy_reference;
struct policy_ear;
struct policy_eat;
struct policy_azure;
struct policy_gpu;

struct tobi_policy {
	struct arena arena;
	const char *name;
	const char **tiers;
	size_t tier_count;
	struct bytes_list images;  /* 32, 48 or 64 bytes each; any of them */
	struct bytes_list signers; /* 32 or 48 bytes each; any of them */
	struct bytes_list agents;  /* 48 bytes each; empty: not asked */
	bool has_product;
	uint64_t product;
	uint64_t min_svn;
	struct tobi_bytes config_id; /* 32, 48 or 64 bytes, or empty: not asked */
	enum policy_channel channel;
	bool allow_debug;
	bool allow_no_nonce;
	bool allow_user_launch;
	bool allow_unknown_config;
	int64_t max_age; /* seconds: of evidence, and of a session */
	enum policy_identity identity;
	struct bytes_list hardware;
	struct tobi_bytes owner; /* 48 */
	struct tobi_bytes ca_pem;
	const char *host_name;
	struct policy_root *roots;
	size_t root_count;
	bool asks_for_tpm;		   /* a quote must come with the evidence */
	struct tobi_bytes tpm_anchors_pem; /* empty: those of the tier */
	struct tobi_bytes pcrs[TEE_PCRS];  /* 32 bytes, or empty: not asked */
	struct chain_cache *chains;	   /* chains to these roots that were verified */
	struct memo *memo;		   /* what else was worked out before */
	int64_t grace;	  /* seconds that collateral counts after its date */
	int64_t baseline; /* collateral that was issued before does not count */
	const struct policy_epid *epid;		/* of the kinds, each; or NULL */
	struct policy_nitro *nitro, *nitro_tpm; /* NULL: no such section */
	/* Without a section, what stands for one. */
	const struct policy_dcap *dcap_sgx, *dcap_tdx;
	const struct policy_tdx *tdx;
	struct policy_sgx *sgx; /* without a section: what stands for one */
	struct policy_snp snp;
	const struct policy_sev *sev;
	const struct policy_tpm *tpm;
	struct policy_guest *guest; /* NULL: none is asked for */
	const struct policy_psa *psa;
	const struct policy_cca *cca;
	const struct policy_boot *boot;	    /* NULL: no such section */
	struct policy_reference *reference; /* NULL: no such section */
	const struct policy_ear *ear;	    /* without a section: what stands for one */
	const struct policy_eat *eat;	    /* the same */
	const struct policy_azure *azure;   /* without a section: what stands for one */
	const struct policy_gpu *gpu;	    /* NULL: no such section */
	/* 48 bytes each: collateral counts from bundles that one of them signed only;
	 * empty: not asked. */
	struct bytes_list bundle_signers;
};

/* The anchors for a tier, PEM; empty when the policy names none. */
struct tobi_bytes policy_anchors(const struct tobi_policy *policy, const char *tier);
/* What the policy asks of evidence of that tier, however the evidence came; the evidence
 * itself and what comes with it are the caller's to add. */
struct tee_request policy_request(const struct tobi_policy *policy, const char *tier,
				  int64_t time);

#endif
