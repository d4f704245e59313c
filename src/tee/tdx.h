/* Evidence of a guest under Intel TDX: a quote of version 4 or 5. */
#ifndef TOBI_TEE_TDX_H
#define TOBI_TEE_TDX_H

#include "tee/tee.h"

extern const struct tee_verifier tee_tdx;
/* tee_verifier.takes. */
bool tdx_takes(struct tobi_bytes piece);

#endif
