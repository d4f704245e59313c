/* `tobichi platform ak-request`, `ak-challenge` and `ak-activate`: an owner's CA
 * certifies the attestation key of a host's TPM. Each gives the exit status. */
#ifndef CLI_PLATFORM_AK_H
#define CLI_PLATFORM_AK_H

#include <stdbool.h>
#include <stdint.h>

/* On the owner's machine, which needs no TPM. */
struct platform_ak_ca {
	const char *ek_roots;  /* PEM: the TPM makers' CAs */
	const char *ek_key;    /* in place of it: the EK, which the owner vouches for */
	const char *key, *pem; /* of the owner's CA */
};

int platform_ak_request(const char *folder, const char *pin_file, const char *out);
int platform_ak_challenge(const struct platform_ak_ca *ca, const char *request,
			  const char *out);
int platform_ak_activate(const char *folder, const char *pin_file, const char *challenge);

/* "0,4,17" as bits; false for anything else. */
bool platform_read_pcrs(const char *text, uint32_t *ret_pcrs);

#endif
