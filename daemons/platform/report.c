/* Reports: the claims are those of the enclave whose channel asked, never the asker's. */
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/secret.h"
#include "daemons/platform/service.h"
#include "token/soft_token.h"

enum tobi_err report_make(struct enclave *enclave, const uint8_t nonce[static 32],
			  struct writer *out, struct tobi_fault *fault)
{
	struct service *service = enclave->service;
	const struct manifest *manifest = enclave->image->manifest;
	CLEANUP(wr_done) struct writer claims_bytes = wr_init(LIMIT_TOKEN);
	CLEANUP(wr_done) struct writer quote = wr_init(LIMIT_TPM_EVIDENCE);
	struct cose_signer signer = {service->signer.alg, signer_sign, &service->signer};
	struct cose_headers headers = {NULL, service->signer.chain,
				       service->signer.chain_count};
	struct soft_claims claims = {
	    .issued = (uint64_t)time(NULL),
	    .nonce = {nonce, 32},
	    .ueid = {service->signer.ueid, sizeof(service->signer.ueid)},
	    .dbgstat = manifest->debug ? 0 : 1,
	    .profile = bytes_of_text(SOFT_PROFILE),
	    .swname = bytes_of_text("tobichid"),
	    .swversion = bytes_of_text(TOBICHI_VERSION),
	    .tier = bytes_of_text("soft"),
	    .image_id = {enclave->image->image_id, SHA384_SIZE},
	    .signer_count = enclave->image->signer_count,
	    .config_id = {enclave->config_id, SHA384_SIZE},
	    .product = manifest->product,
	    .svn = manifest->svn,
	    .agent = {service->agent_hash, SHA384_SIZE},
	    .service = {service->own_hash, SHA384_SIZE},
	    .protections = enclave->protections,
	    .instance = {enclave->instance, sizeof(enclave->instance)},
	    .root_kind = bytes_of_text(service->signer.root_kind),
	    .by_user = geteuid() != 0,
	    .owner = enclave->config->owner,
	};

	for (size_t i = 0; i < claims.signer_count; i++)
		claims.signers[i] =
		    (struct tobi_bytes){enclave->image->signers[i], SHA384_SIZE};
	if (service->signer.has_quote) {
		enum tobi_err err =
		    signer_quote(&service->signer, claims.nonce, &quote, fault);

		if (err)
			return err;
		claims.tpm = wr_view(&quote);
	}
	soft_claims_write(&claims_bytes, &claims);
	if (wr_err(&claims_bytes))
		return fault_set(fault, wr_err(&claims_bytes), "report", "", "too large");
	return cose_write(out, &signer, &headers, wr_view(&claims_bytes), false, fault);
}
