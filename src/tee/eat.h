/* Tokens of attesters of any make (EAT): docs/PROTOCOL.md section 17.2. */
#ifndef TOBI_TEE_EAT_H
#define TOBI_TEE_EAT_H

#include "tee/tee.h"

extern const struct tee_verifier tee_eat;

#endif
