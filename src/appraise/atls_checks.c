#include "appraise/atls_checks.h"

#define SPEC "Tobichi protocols, section 4"

const struct check check_atls_version = {
    "ATLS-VERSION", "the channel is TLS 1.3", SPEC ".1; RFC 8446",
    "Let nothing between the two ends end TLS; update the peer."};
const struct check check_atls_alpn = {"ATLS-ALPN", "both ends speak tobichi-atls/1",
				      SPEC ".1; RFC 7301",
				      "Connect to a port that an enclave publishes."};
const struct check check_atls_no_resumption = {
    "ATLS-NO-RESUMPTION", "the handshake was full: nothing of an older session is reused",
    SPEC ".1; RFC 8446 section 2.2", "Update the peer; it must not resume sessions."};
const struct check check_atls_group = {
    "ATLS-GROUP", "the key exchange used X25519, P-256 or P-384",
    SPEC ".1; RFC 8446 section 4.2.7", "Update the peer's TLS library."};
const struct check check_atls_exporter = {
    "ATLS-EXPORTER", "the TLS session gave keying material to bind evidence to",
    SPEC ".2; RFC 8446 section 7.5", "Update this machine's TLS library."};
const struct check check_atls_nonce = {
    "ATLS-NONCE", "the evidence was made for this verifier's fresh nonce", SPEC ".2",
    "Evidence of another session was shown: somebody may sit in between. Find out who."};
const struct check check_atls_role = {
    "ATLS-ROLE", "the evidence is of the peer's direction, not our own returned",
    SPEC ".2",
    "Somebody may be reflecting this side's evidence. Find out who sits in between."};
const struct check check_atls_key = {
    "ATLS-KEY", "the evidence names the key that the peer used in this handshake",
    SPEC ".2",
    "Somebody ends TLS between the two ends. Connect to the enclave directly."};
const struct check check_atls_binder = {
    "ATLS-BINDER", "the evidence is bound to this very TLS session", SPEC ".2",
    "Evidence of another session was relayed. Connect to the enclave directly."};
const struct check check_atls_identity = {
    "ATLS-IDENTITY", "the peer is the one that the policy means",
    "Tobichi policy, identity", "Check the address, or the policy's identity."};
const struct check check_atls_gate = {
    "ATLS-GATE", "no data passed before both ends had accepted", SPEC ".1",
    "Update the peer; if it is up to date, somebody interferes with the connection."};

const struct check *const atls_checks[] = {
    &check_atls_version,  &check_atls_alpn,	&check_atls_no_resumption,
    &check_atls_group,	  &check_atls_exporter, &check_atls_nonce,
    &check_atls_role,	  &check_atls_key,	&check_atls_binder,
    &check_atls_identity, &check_atls_gate,	NULL,
};
