/*
 * The checks that a session of tobichi-atls/1 owes besides those of its evidence. They
 * are recorded by atls/; appraisal_run() owes them all when it is told of a session.
 */
#ifndef TOBI_APPRAISE_ATLS_CHECKS_H
#define TOBI_APPRAISE_ATLS_CHECKS_H

#include "tee/check.h"

extern const struct check check_atls_version;	    /* TLS 1.3 */
extern const struct check check_atls_alpn;	    /* tobichi-atls/1 was negotiated */
extern const struct check check_atls_no_resumption; /* a full handshake */
extern const struct check check_atls_group;	    /* X25519, P-256 or P-384 */
extern const struct check check_atls_exporter; /* keying material, not empty or zero */
extern const struct check check_atls_nonce;
extern const struct check check_atls_role;
extern const struct check check_atls_key;
extern const struct check check_atls_binder;
extern const struct check check_atls_identity;
extern const struct check check_atls_gate;

/* All of them; NULL at the end. */
extern const struct check *const atls_checks[];

#endif
