#include "atls/binding.h"

#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"

static const char object[] = "session binding";

const char *atls_binding_label(enum tobi_role attester)
{
	return attester == TOBI_ROLE_SERVER ? "EXPERIMENTAL-tobichi-atls1-server"
					    : "EXPERIMENTAL-tobichi-atls1-client";
}

enum tobi_err atls_binding_export(const struct atls_exporter *exporter,
				  enum tobi_role attester,
				  const uint8_t ctx[static SHA256_SIZE],
				  uint8_t ret_ekm[static SHA256_SIZE],
				  struct tobi_fault *fault)
{
	static const uint8_t zeros[SHA256_SIZE];
	uint8_t ekm[SHA256_SIZE] = {0};
	enum tobi_err err;

	err = exporter->run(exporter->context, atls_binding_label(attester), ctx, ekm,
			    fault);
	if (err)
		return fault_set(fault, TOBI_E_CRYPTO, object, "exporter",
				 "the TLS library gave no keying material");
	/* Two sides that both lack an exporter must not agree on nothing. */
	if (bytes_equal_secret((struct tobi_bytes){ekm, sizeof(ekm)},
			       (struct tobi_bytes){zeros, sizeof(zeros)}))
		return fault_set(fault, TOBI_E_CRYPTO, object, "exporter",
				 "the keying material is all zeros");
	bytes_copy(ret_ekm, SHA256_SIZE, ekm, sizeof(ekm));
	explicit_bzero(ekm, sizeof(ekm));
	return TOBI_OK;
}

enum tobi_err atls_binding_binder(const struct atls_binding *binding,
				  const uint8_t ekm[static SHA256_SIZE],
				  uint8_t ret_binder[static SHA256_SIZE],
				  struct tobi_fault *fault)
{
	static const char domain[] = "tobichi-atls1 binder"; /* its NUL is part of it */
	static const uint8_t nobody[SHA256_SIZE];
	CLEANUP(wr_done) struct writer input = wr_init(256);

	wr_bytes(&input, domain, sizeof(domain));
	wr_u8(&input, (uint8_t)binding->role);
	wr_bytes(&input, binding->attester, SHA256_SIZE);
	wr_bytes(&input, binding->verifier ? binding->verifier : nobody, SHA256_SIZE);
	/* Hashed, not shown: evidence may be logged, a raw export must not be. */
	wr_bytes(&input, ekm, SHA256_SIZE);
	if (wr_err(&input) || hash_sha256(wr_view(&input), ret_binder))
		return fault_set(fault, TOBI_E_CRYPTO, object, "binder",
				 "the binder cannot be computed");
	return TOBI_OK;
}

enum tobi_err atls_binding_claims(const struct atls_binding *binding,
				  const struct atls_exporter *exporter,
				  const uint8_t ctx[static SHA256_SIZE],
				  struct writer *out, struct tobi_fault *fault)
{
	uint8_t ekm[SHA256_SIZE], binder[SHA256_SIZE];
	enum tobi_err err;

	err = atls_binding_export(exporter, binding->role, ctx, ekm, fault);
	if (err)
		return err;
	err = atls_binding_binder(binding, ekm, binder, fault);
	explicit_bzero(ekm, sizeof(ekm));
	if (err)
		return err;
	claims_buffer_write(out, binding->nonce, binding->attester, binding->role,
			    (struct tobi_bytes){binder, sizeof(binder)});
	err = wr_err(out);
	if (err)
		return fault_set(fault, err, object, "claims-buffer", "%s",
				 tobi_err_text(err));
	return TOBI_OK;
}
