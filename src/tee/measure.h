/*
 * What evidence measured, in the words of reference values (docs/PROTOCOL.md, section
 * 16.5): for the kinds that leave it to be filled in when something asks for it.
 */
#ifndef TOBI_TEE_MEASURE_H
#define TOBI_TEE_MEASURE_H

#include "tee/tee.h"

/* Mkeys of Tobichi's own images. */
#define MEASURE_IMAGE "image"
#define MEASURE_SIGNER "signer"
#define MEASURE_PRODUCT "product"
#define MEASURE_CONFIG "config"
#define MEASURE_AGENT "agent"
#define MEASURE_VENDOR "Tobichi"
#define MEASURE_MODEL "image" /* whatever the tier: that is the policy's to say */

/* Fills claims->environment and the measurements of sgx, tdx, snp, nitro, nitro-tpm, sev,
 * sgx-epid and soft. Does nothing where they are there already, and for other kinds. */
void tee_measure(struct tee_claims *claims, struct arena *arena);

#endif
