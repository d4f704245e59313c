#include "appraise/ratls_checks.h"

#define SPEC "Tobichi protocols, section 4.4"
#define CCC "; CCC interoperable RA-TLS"

const struct check check_ratls_mode = {
    "RATLS-MODE", "the policy takes evidence that a certificate carries",
    "Tobichi policy, channel",
    "Ask for attested TLS (tobichi-atls/1). Name `channel: ra-tls` only for a peer that "
    "speaks nothing better."};
const struct check check_ratls_session = {
    "RATLS-SESSION",
    "the channel is a new session of TLS 1.3, by who has the certificate's key",
    SPEC "; RFC 8446 section 4.4.3", "Let nothing in between end TLS; update the peer."};
const struct check check_ratls_certificate = {
    "RATLS-CERTIFICATE",
    "the certificate is whole, valid now, and signed by itself or by the policy's CA",
    SPEC "; RFC 5280", "Check both clocks; have the peer make a new certificate."};
const struct check check_ratls_extension = {
    "RATLS-EXTENSION", "the certificate carries evidence in a form that is known here",
    SPEC CCC, "The peer's certificate is an ordinary one, or damaged."};
const struct check check_ratls_claims = {
    "RATLS-CLAIMS", "the claims that the evidence is bound to can be read", SPEC CCC,
    "The peer is faulty, or its certificate damaged."};
const struct check check_ratls_key = {
    "RATLS-KEY", "the evidence names the key of this very certificate", SPEC CCC,
    "Somebody shows evidence of another. Do not use it."};
const struct check check_ratls_kind = {
    "RATLS-KIND", "evidence of this kind can be examined by this build", SPEC,
    "Use a verifier for that hardware, or an enclave of a tier that this build knows."};
const struct check check_ratls_binding = {
    "RATLS-BINDING", "the evidence was made over exactly these claims", SPEC CCC,
    "Evidence and claims do not belong together. Do not use it."};
const struct check check_ratls_nonce = {
    "RATLS-NONCE", "the evidence was made for your nonce", SPEC CCC,
    "The peer did not get that nonce. Ask it for a new certificate."};

const struct check *const ratls_checks[] = {
    &check_ratls_mode,	      &check_ratls_session,
    &check_ratls_certificate, &check_ratls_extension,
    &check_ratls_claims,      &check_ratls_key,
    &check_ratls_kind,	      &check_ratls_binding,
    &check_ratls_nonce,	      NULL,
};
