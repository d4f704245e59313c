/*
 * XML that somebody has signed as a whole (XML Signature 1.1), in the one way that is
 * accepted here: one ds:Signature, a child of the root, enveloped, over all of the
 * document (URI=""), canonicalised by C14N 1.1, SHA-384, ECDSA with SHA-384.
 *
 * No document type, so no entities; nothing is fetched, and nothing included; size, depth
 * and number of nodes are bounded. The certificates in it are handed out, not believed.
 * What was signed is handed out as well: its canonical bytes, from which alone values are
 * read, so that nothing that was moved or wrapped can be taken for signed.
 */
#ifndef TOBI_PKI_XMLSIG_H
#define TOBI_PKI_XMLSIG_H

#include "base/limits.h"
#include "pki/key.h"
#include "pki/xml.h"

enum { XMLSIG_CERTIFICATES_MAX = LIMIT_COSE_CHAIN };

struct xmlsig;

/*
 * Reads the document and what its signature claims. xmlsig_free() it. Errors:
 * TOBI_E_LIMIT, _MALFORMED; _UNSUPPORTED for a signature of another form; _NOT_FOUND when
 * the libraries are not installed; _MEMORY.
 */
TOBI_MUST_USE enum tobi_err xmlsig_read(struct tobi_bytes bytes, const char *object,
					struct xmlsig **ret_signature,
					struct tobi_fault *fault);
/* Accepts NULL. */
void xmlsig_free(struct xmlsig *signature);
DEFINE_CLEANUP(struct xmlsig *, xmlsig_free)

/* The certificates that came in it, DER, in their order; borrowed. */
/* What it was found in; for as long as the signature is there. */
const struct xml_document *xmlsig_document(const struct xmlsig *signature);
size_t xmlsig_certificates(const struct xmlsig *signature,
			   const struct tobi_bytes **ret_list);
/* Whether this key has signed it, and what exactly: *out gets the canonical bytes.
 * TOBI_E_SIGNATURE, _LIMIT, _MEMORY. */
TOBI_MUST_USE enum tobi_err xmlsig_verify(struct xmlsig *signature, EVP_PKEY *key,
					  struct writer *out, struct tobi_fault *fault);

#endif
