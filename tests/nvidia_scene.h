/*
 * NVIDIA played by the tests: devices under a root of its own, with their reports, the
 * reference values that it signs (with libxmlsec), and a responder that answers for its
 * certificates. Right ones and others, and a policy that takes the right ones.
 */
#ifndef TESTS_NVIDIA_SCENE_H
#define TESTS_NVIDIA_SCENE_H

#include <openssl/x509.h>

#include "base/limits.h"
#include "pki/key.h"
#include "tobichi/verify.h"

enum { NV_NOW = 1900000000, NV_HOUR = 3600, NV_DAY = 24 * NV_HOUR };

/* From the root down, of both trees. */
enum nv_place {
	NV_ROOT,
	NV_IDENTITY,
	NV_PROVISIONER,
	NV_ROM,
	NV_LEAF,
	NV_RIM_ROOT,
	NV_RIM_CA,
	NV_RIM_L3,
	NV_RIM_SIGNER,
	NV_RESPONDER, /* of whom it answers for, each time */
	NV_PLACES,
};

enum { NV_DEVICES_MAX = 4, NV_BLOCKS = 64, NV_PIECES = 16 };

struct nv_certificate {
	enum key_kind kind;
	const char *name, *constraints, *usage, *purpose;
	int64_t not_before, not_after;
	bool weak_digest; /* SHA-256 */
	EVP_PKEY *key;
	X509 *certificate;
};

/* What a file of reference values is changed in: before it is signed, and after. */
struct nv_edit {
	const char *from, *to;
};

struct nv_rim {
	bool absent;
	const char *version, *product, *edition;
	uint64_t active; /* indexes */
	struct nv_edit before, after;
	bool by_another; /* signed by a key that is not the signer's */
	bool short_chain;
	bool wrong_digest; /* of its first active measurement */
};

/* OCSP's, with what a responder can be. */
enum nv_answer { NV_GOOD, NV_HOLD, NV_REVOKED, NV_UNKNOWN, NV_SILENT };

struct nvidia_scene {
	struct nv_certificate certificates[NV_PLACES];
	EVP_PKEY *other_key;
	/* The devices: all alike but in their numbers and nonces. */
	size_t device_count;
	bool twice;	 /* they have one number, too */
	bool json, coco; /* how the evidence is written; neither: the report as it is */
	const char *arch, *chip;
	bool blackwell; /* the form of the firmware's hash */
	uint8_t fwid[48], reported_fwid[48];
	size_t reported_fwid_size; /* 0: not said */
	uint8_t nonces[NV_DEVICES_MAX][32];
	uint8_t said_nonce[32];
	uint8_t digests[NV_BLOCKS][48];
	size_t block_count;
	const char *driver;
	uint8_t vbios[8];
	const char *vbios_text; /* instead, as switches have it */
	uint8_t nvdec, protected_pcie;
	uint32_t board;
	bool damaged, by_another;
	const int *chain; /* places, -1 at the end */
	struct nv_rim driver_rim, vbios_rim;
	/* Of the certificates at these places. */
	enum nv_answer answers[NV_PLACES];
	int64_t this_update, next_update;
	bool forged, by_issuer; /* who answers */
	/* The verifier's. */
	int64_t now;
	struct tobi_bytes nonce;
	const char *gpu, *tiers, *more, *allow; /* of the policy */
	bool vendors_roots;
	/* What was made. */
	struct writer evidence, pem, more_pems[NV_DEVICES_MAX], driver_xml, vbios_xml,
	    ocsp[NV_PLACES];
};

/* All is right: a Hopper, alone. */
void nvidia_scene_init(struct nvidia_scene *scene);
void nvidia_scene_done(struct nvidia_scene *scene);
/* Makes everything anew, as it is set. */
void nvidia_scene_make(struct nvidia_scene *scene);
/* What comes beside the evidence. */
size_t nvidia_scene_pieces(const struct nvidia_scene *scene,
			   struct tobi_bytes pieces[static NV_PIECES]);
/* The roots, as entries of a policy's list. */
void nvidia_scene_roots(const struct nvidia_scene *scene, struct writer *out);
void nvidia_scene_policy(const struct nvidia_scene *scene, struct writer *out);
/* Makes it and appraises it. */
enum tobi_err nvidia_scene_try(struct nvidia_scene *scene,
			       struct tobi_result **ret_result, struct tobi_fault *fault);
/* The test fails when there is an error. */
struct tobi_result *nvidia_scene_appraise(struct nvidia_scene *scene);

/* Pieces of it, for tests of their own. */
void nvidia_scene_certificates(struct nvidia_scene *scene);
void nvidia_scene_report(const struct nvidia_scene *scene, size_t device,
			 struct writer *out);
void nvidia_scene_rim(const struct nvidia_scene *scene, const struct nv_rim *rim,
		      struct writer *out);
/* Any XML that has an empty signature in it, signed (nvidia_scene_xml.c). */
void nvidia_xml_sign(const char *xml, EVP_PKEY *key, X509 *const *certificates,
		     size_t count, struct writer *out);
#define NV_SIGNATURE                                                                     \
	"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"  \
	"<ds:CanonicalizationMethod "                                                    \
	"Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/>"                           \
	"<ds:SignatureMethod "                                                           \
	"Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"/>"            \
	"<ds:Reference URI=\"\"><ds:Transforms>"                                         \
	"<ds:Transform "                                                                 \
	"Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>"          \
	"<ds:Transform Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/>"             \
	"</ds:Transforms><ds:DigestMethod "                                              \
	"Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384\"/>"                  \
	"<ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo>"               \
	"<ds:SignatureValue></ds:SignatureValue></ds:Signature>"

#endif
