/*
 * A CoRIM as it comes: signed (COSE_Sign1) or not, and whose it is.
 *
 * Reading proves nothing. The signature is verified with a key that the document carries
 * (an x5chain, or the confirmation key of its CWT claims) or with one of those that the
 * caller names; whether that key may speak is the caller's list alone.
 *
 * Source: draft-ietf-rats-corim, section 4.2; RFC 9052, RFC 9597, RFC 8747.
 */
#ifndef TOBI_CORIM_SIGNED_H
#define TOBI_CORIM_SIGNED_H

#include "codec/cose.h"
#include "corim/corim.h"
#include "pki/anchor_keys.h"
#include "pki/chain.h"
#include "pki/vendor_roots.h"

#define CORIM_CONTENT_TYPE "application/rim+cbor"

enum { CORIM_SIGNERS_MAX = 32 };

/* Whom a caller lets speak. */
struct corim_signers {
	struct anchor_keys keys; /* bare, and of certificates */
	struct key_pins pins; /* certificates: what chains to one of them counts, too */
	X509 *certificates[KEY_PINS_MAX]; /* owned, pins.count of them */
	const struct tobi_bytes *hashes;  /* SHA-384 of a signer's SubjectPublicKeyInfo */
	size_t hash_count;
};

struct corim_document {
	struct arena arena;
	struct corim *corim;
	bool is_signed;
	struct cose_sign1 sign1;
	/* What the signer says of itself; ptr NULL where it does not. */
	struct tobi_bytes signer_name, signer_uri, issuer, subject;
	bool has_meta, has_claims;
	struct corim_validity signature_validity; /* of both, the narrower */
	EVP_PKEY *carried; /* the key that came with it, or NULL; owned */
};

/* Whether it starts as a COSE_Sign1 with CoRIM's content type. */
bool corim_is_signed(struct tobi_bytes bytes);
/* Signed or not, copied. corim_document_free() it. Errors: those of corim_read(), and of
 * cose_parse(). */
TOBI_MUST_USE enum tobi_err corim_document_read(struct tobi_bytes bytes,
						const char *object,
						struct corim_document **ret_document,
						struct tobi_fault *fault);
/* Accepts NULL. */
void corim_document_free(struct corim_document *document);
DEFINE_CLEANUP(struct corim_document *, corim_document_free)

/* One key more, or the certificates and keys of a PEM text. corim_signers_done() it. */
TOBI_MUST_USE enum tobi_err corim_signers_add_pem(struct corim_signers *signers,
						  struct tobi_bytes pem,
						  const char *object,
						  struct tobi_fault *fault);
void corim_signers_done(struct corim_signers *signers);

/* What a signature proves. */
struct corim_proof {
	bool holds;	 /* some key made it: the one that the document carries, or one of
			  * those that are named */
	bool has_signer; /* which one is known */
	uint8_t signer[SHA384_SIZE];
	EVP_PKEY *key; /* it; borrowed from the document or the signers */
};
/* Works for unsigned documents, too: nothing holds then. */
TOBI_MUST_USE enum tobi_err corim_document_prove(const struct corim_document *document,
						 const struct corim_signers *signers,
						 struct corim_proof *ret_proof,
						 struct tobi_fault *fault);
/* Whether the signer is one of those that are named, or chains to one of them at that
 * time. */
bool corim_signer_is_named(const struct corim_document *document,
			   const struct corim_signers *signers,
			   const struct corim_proof *proof, int64_t time);

/* What signs a document: the claims are in its protected header. */
struct corim_sign_request {
	struct tobi_bytes corim;	  /* unsigned, tag 501 */
	EVP_PKEY *key;			  /* P-256, P-384 or Ed25519 */
	const char *signer;		  /* a name for people */
	const char *uri;		  /* or NULL */
	struct corim_validity validity;	  /* of the signature; has_end, or none at all */
	const struct tobi_bytes *x5chain; /* leaf first, or NULL: then the key itself goes
					   * into the claims */
	size_t x5chain_count;
};
/* Appended. Errors: those of corim_read() for something that is none, TOBI_E_UNSUPPORTED
 * for another kind of key, _ARGUMENT when the certificate is not the key's, _CRYPTO. */
TOBI_MUST_USE enum tobi_err corim_sign(const struct corim_sign_request *request,
				       struct writer *out, struct tobi_fault *fault);

#endif
