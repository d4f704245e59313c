/*
 * Two vendors for tests, who have the names of Intel and AMD and keys of their own, and
 * what they publish: certificates, signed JSON, lists of revoked certificates; with one
 * quote and one report that name what they need. The evidence is not signed.
 */
#ifndef TESTS_VENDOR_SCENE_H
#define TESTS_VENDOR_SCENE_H

#include "pki/chain.h"
#include "pki/vendor_roots.h"

#define VENDOR_FMSPC "00A1B2C3D4E5"

struct vendor_party {
	EVP_PKEY *key;
	X509 *certificate;
};

struct vendor_scene {
	int64_t now;
	struct vendor_party root, tcb, platform, processor, pck; /* Intel's */
	struct vendor_party ark, ask, asvk, vcek;		 /* AMD's */
	/* As they are served. */
	struct writer sgx_tcb_info, tdx_tcb_info, sgx_identity, tdx_identity;
	struct writer root_crl, platform_crl, processor_crl, amd_crl; /* DER */
	/* PEM, leaf first. */
	struct writer tcb_chain, platform_chain, processor_chain, pck_chain, amd_chain,
	    vlek_chain;
	struct writer vcek_der;
	struct writer quote, report; /* SGX, version 3; SEV-SNP, version 3: Milan */
	uint8_t chip[64];
	struct key_pins pins; /* both roots' */
};

/* Documents are issued an hour before now, and the next are due in a day. */
void vendor_scene_make(struct vendor_scene *scene, int64_t now);
void vendor_scene_done(struct vendor_scene *scene);

/* Pieces, for what a test wants otherwise. Appended. */
void vendor_json(const char *member, const char *body, EVP_PKEY *key, struct writer *out);
void vendor_tcb_info(const char *id, const char *fmspc, int64_t issued, int64_t next,
		     EVP_PKEY *key, struct writer *out);
void vendor_crl(const struct vendor_party *issuer, int64_t issued, int64_t next,
		struct writer *out);
void vendor_pem(const struct vendor_party *party, struct writer *out);
/* A party of its own, valid from a day before now until ten days after. issuer NULL:
 * self-signed. */
void vendor_party_make(const char *common_name, enum key_kind kind, bool ca, int64_t now,
		       const struct vendor_party *issuer, struct vendor_party *ret_party);
void vendor_party_done(struct vendor_party *party);

#endif
