/* The checks that certificate-borne evidence owes besides those of its kind. */
#ifndef TOBI_APPRAISE_RATLS_CHECKS_H
#define TOBI_APPRAISE_RATLS_CHECKS_H

#include "tee/check.h"

extern const struct check check_ratls_mode;
extern const struct check check_ratls_session; /* of a connection; recorded by atls/ */
extern const struct check check_ratls_certificate;
extern const struct check check_ratls_extension;
extern const struct check check_ratls_claims;
extern const struct check check_ratls_key;
extern const struct check check_ratls_kind;
extern const struct check check_ratls_binding;
extern const struct check check_ratls_nonce;

/* All of them; NULL at the end. */
extern const struct check *const ratls_checks[];

#endif
