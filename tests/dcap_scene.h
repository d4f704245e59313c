/*
 * Intel's part, played for tests: a root, CAs, a platform's certificate, its quoting
 * enclave, lists of revoked certificates, and quotes of SGX and TDX. Everything is right
 * until a test changes a thing; all above that is then signed again.
 *
 * The keys are made at run time, the same in every process: so seeds that one process has
 * signed verify in another.
 */
#ifndef TESTS_DCAP_SCENE_H
#define TESTS_DCAP_SCENE_H

#include "collateral/collateral.h"
#include "tee/dcap_pck.h"
#include "tee/dcap_quote.h"
#include "tee/tee.h"

enum { DCAP_NOW = 1900000000, DCAP_DAY = 24 * 3600 };

/* Keys, by number. */
enum dcap_scene_key {
	DCAP_KEY_ROOT = 1,
	DCAP_KEY_CA,
	DCAP_KEY_PCK,
	DCAP_KEY_TCB_SIGNER,
	DCAP_KEY_ATTESTATION,
	DCAP_KEY_OTHER, /* of nobody */
};

enum dcap_scene_role { DCAP_ROOT, DCAP_CA, DCAP_PCK, DCAP_TCB_SIGNER, DCAP_ROLES };

struct dcap_scene_certificate {
	const char *name, *issuer_name;
	enum dcap_scene_key key, issuer_key;
	int64_t not_before, not_after;
	long serial;
	bool ca;
	int pathlen;		/* of a CA; -1: none */
	long version;		/* 2 is X.509's version 3 */
	bool sha384;		/* signed with that */
	bool p384;		/* its key is of that curve */
	bool critical;		/* has a critical extension that nobody knows */
	bool damage;		/* the signature's last byte */
	bool no_key_identifier; /* it does not say which key of its issuer's */
	/* Of the PCK certificate: the SGX extension is not there, or there twice. */
	unsigned sgx_extensions;
};

struct dcap_scene_crl {
	const char *issuer_name;
	enum dcap_scene_key issuer_key;
	int64_t this_update, next_update;
	long number; /* -1: none */
	bool no_key_identifier, damage, critical, absent;
	long revoked[4]; /* serial numbers; 0: none */
};

struct dcap_scene {
	struct dcap_scene_certificate certificates[DCAP_ROLES];
	struct dcap_pck pck;	     /* what the PCK certificate says */
	struct tobi_bytes extension; /* in place of that, if not empty */
	struct dcap_scene_crl root_crl, pck_crl;

	/* The quote. */
	unsigned version; /* 3, 4, 5 */
	enum dcap_body body_kind;
	unsigned key_type, tee; /* filled in by body_kind */
	uint8_t vendor[16];
	uint8_t body[DCAP_TD15_SIZE]; /* as far as the kind has it */
	uint8_t qe_report[384]; /* REPORTDATA is filled in, unless keep_report_data */
	uint8_t qe_auth[64];
	size_t qe_auth_size;
	unsigned certification; /* the type; the chain's is 5 */
	unsigned outer;		/* of version 4 and 5: 6 */
	/* Which certificates a chain has, in this order. */
	enum dcap_scene_role chain[DCAP_ROLES];
	size_t chain_count;
	const char *between, *after; /* text in the chain; may be NULL */
	size_t nul;		     /* zero bytes at the chain's end */
	struct tobi_bytes padding;   /* behind the quote */
	enum dcap_scene_key qe_signer, signer;
	bool keep_report_data, damage_qe_signature, damage_signature, bad_point;
};

/* An SGX quote of version 3, under the Platform CA. */
void dcap_scene_make(struct dcap_scene *scene);
/* A quote of that version and kind; the body and the quoting enclave become that kind's.
 */
void dcap_scene_kind(struct dcap_scene *scene, unsigned version, enum dcap_body kind);
/* The same under the Processor CA. */
void dcap_scene_processor(struct dcap_scene *scene);

/* EVP_PKEY_free() it. */
EVP_PKEY *dcap_scene_key(enum dcap_scene_key number, bool p384);
/* r and s of a P-256 key over the message. */
void dcap_scene_sign(enum dcap_scene_key number, struct tobi_bytes message,
		     uint8_t ret_signature[static 64]);
/* X509_free() it. */
X509 *dcap_scene_certificate(const struct dcap_scene *scene, enum dcap_scene_role role);
/* The value of the SGX extension. */
void dcap_scene_extension(const struct dcap_pck *pck, struct writer *out);
/* Appends PEM. */
void dcap_scene_pem(const struct dcap_scene *scene, enum dcap_scene_role role,
		    struct writer *out);
/* Appends DER. */
void dcap_scene_list(const struct dcap_scene_crl *crl, struct writer *out);
void dcap_scene_quote(const struct dcap_scene *scene, struct writer *out);
/* Puts both lists into the set, as DER. */
void dcap_scene_put_crls(const struct dcap_scene *scene, struct tobi_collateral *set);
/* The root's key. */
struct key_pins dcap_scene_pins(void);

#endif
