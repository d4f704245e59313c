/*
 * A maker of processors made of OpenSSL: reports of SEV-SNP, the certificates of its
 * keys, and its list of revoked ones, right and wrong as a test wants. Keys are made when
 * they are needed, once in a process.
 */
#ifndef TESTS_SNP_SCENE_H
#define TESTS_SNP_SCENE_H

#include "collateral/collateral.h"
#include "pki/chain.h"
#include "tests/bytes.h"
#include "tobichi/verify.h"

enum {
	SNP_NOW = 1800000000,
	SNP_DAY = 24 * 3600,
	SNP_EXTRAS_MAX = 20,
	SNP_PIECES_MAX = 8,
};

/* Which key: of CAs P-384, unless the scene asks for RSA as AMD has it. */
enum snp_scene_key {
	SNP_ARK,
	SNP_OTHER_ARK, /* another's, of the same name */
	SNP_ASK,
	SNP_LEAF,
	SNP_OTHER_LEAF,
	SNP_ID,
	SNP_AUTHOR,
	SNP_KEYS
};

/* An extension of AMD's: the arcs behind 1.3.6.1.4.1.3704.1, and the value. */
struct snp_extra {
	uint8_t arcs[2];
	size_t arc_count;
	uint8_t value[140];
	size_t size; /* of the value */
};

struct snp_scene {
	uint8_t report[1184]; /* signed when it is asked for */
	struct snp_extra extras[SNP_EXTRAS_MAX];
	size_t extra_count;
	const char *leaf_name, *ask_name, *ark_name, *between_name;
	enum snp_scene_key leaf_key, leaf_issuer_key, ask_issuer_key, signs, crl_key;
	int64_t now; /* about which the issuers are valid; SNP_NOW */
	int64_t leaf_from, leaf_to, crl_from, crl_to;
	unsigned leaf_serial, ask_serial,
	    revoked;		/* serial numbers; 0: none is revoked */
	const char *crl_issuer; /* NULL: the ARK */
	bool rsa, leaf_is_ca, leaf_p256, ask_no_ca, four_certificates;
	bool without_leaf, without_crl, without_issuers, unsigned_report;
	bool with_id_block, id_block_of_another, other_id_key, other_author_key;
	const char *policy; /* more lines: "snp:\n  max-vmpl: 1\n" */
	const char *more;   /* lines for the whole policy */
	struct tobi_bytes nonce;
	bool in_collection, other_claims; /* a CMW: certificates as endorsements */
	bool without_roots;		  /* the policy names none: AMD's own count */
	int64_t time;
	struct writer files[SNP_PIECES_MAX];
	struct tobi_bytes pieces[SNP_PIECES_MAX];
	size_t piece_count;
};

/* All is right: Milan, version 3, a VCEK; the policy names the measurement. */
void snp_scene_make(struct snp_scene *scene);
void snp_scene_done(struct snp_scene *scene);
/* Another product: the CPU, the layout of TCBs, the chip's id and the certificates. */
void snp_scene_product(struct snp_scene *scene, const char *name);
/* Signed with a VLEK. */
void snp_scene_vlek(struct snp_scene *scene);
/* Of the certificate: changes a value, adds one, takes one away. arcs as "3.1", "4". */
struct snp_extra *snp_scene_extra(struct snp_scene *scene, const char *arcs);
struct snp_extra *snp_scene_add(struct snp_scene *scene, const char *arcs,
				struct tobi_bytes value);
void snp_scene_drop(struct snp_scene *scene, const char *arcs);
/* Integers of the report, little-endian. */
void snp_scene_set(struct snp_scene *scene, size_t offset, size_t size, uint64_t value);

EVP_PKEY *snp_scene_key(const struct snp_scene *scene, enum snp_scene_key which);
/* Appends DER. */
void snp_scene_leaf(const struct snp_scene *scene, struct writer *out);
void snp_scene_ask(const struct snp_scene *scene, struct writer *out);
void snp_scene_ark(const struct snp_scene *scene, struct writer *out);
void snp_scene_crl(const struct snp_scene *scene, struct writer *out);
/* A CA between the ASK and the leaf. */
void snp_scene_between(const struct snp_scene *scene, struct writer *out);
/* Appends the report, signed. */
void snp_scene_report(const struct snp_scene *scene, struct writer *out);
/* Appends the ID block and the ID authentication of the report. */
void snp_scene_id_block(struct snp_scene *scene, struct writer *out);
/* The fields of 512 bytes that a key's signature is. */
void snp_scene_sign(EVP_PKEY *key, struct tobi_bytes message, struct writer *out);

/* Fills in pieces: leaf, ASK, ARK, CRL, ID block; each as the scene says. */
void snp_scene_pieces(struct snp_scene *scene);
/* Appends the report, and the table of an extended one: leaf, ASK, ARK, CRL. */
void snp_scene_extended(struct snp_scene *scene, struct writer *out);
void snp_scene_policy(const struct snp_scene *scene, struct writer *out);
/* Appraises the scene's evidence. tobi_result_free() it. */
struct tobi_result *snp_scene_verify(struct snp_scene *scene);
/* tobi_policy_free() it. */
struct tobi_policy *snp_scene_policy_new(const struct snp_scene *scene);
/* These bytes with the pieces that the scene has now. */
bool snp_scene_accepts(const struct snp_scene *scene, const struct tobi_policy *policy,
		       struct tobi_bytes evidence, const struct tobi_collateral *set);

#endif
