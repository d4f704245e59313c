/*
 * Who administers: owners, and the broker's operator, by their keys. A request is signed
 * with such a key (docs/PROTOCOL.md section 18.3: a short-lived JWT over method, path and
 * the body's hash), or comes over TLS with a certificate of it.
 */
#ifndef TOBI_BROKER_PRINCIPAL_H
#define TOBI_BROKER_PRINCIPAL_H

#include "broker/broker.h"
#include "broker/http.h"

enum { PRINCIPAL_NAME_MAX = 64, PRINCIPAL_ID_SIZE = 48 };

struct principal {
	char name[PRINCIPAL_NAME_MAX + 1];
	uint8_t id[PRINCIPAL_ID_SIZE]; /* SHA-384 of its key's SubjectPublicKeyInfo */
	bool operator;		       /* may manage owners; sees no resource for it */
};

/* TOBI_E_DENIED when nobody known has signed, or a signature was used before; the fault's
 * text may be told to who asks. */
TOBI_MUST_USE enum tobi_err principal_of(struct broker *broker,
					 const struct broker_request *request,
					 struct principal *ret_principal,
					 struct tobi_fault *fault);

#endif
