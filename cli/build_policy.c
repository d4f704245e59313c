#include "cli/build_policy.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/service_client.h"
#include "pki/chain.h"
#include "root/root.h"

DEFINE_CLEANUP(struct root *, root_free)

enum tobi_err build_policy_host(struct writer *out, struct tobi_fault *fault)
{
	struct service_folders folders;
	CLEANUP(root_freep) struct root *root = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	const struct tobi_bytes *chain = NULL;
	size_t count;
	uint8_t ueid[33];
	char hex[67];
	enum tobi_err err = service_folders(&folders, fault);

	if (!err)
		err = root_open(folders.state, &root, fault);
	if (err == TOBI_E_NOT_FOUND) {
		err = root_init(folders.state, "file", NULL, time(NULL), fault);
		if (!err)
			fprintf(stderr, "tobichi: made this host's platform keys in %s\n",
				folders.state);
		/* Another command may have been faster. */
		if (!err || err == TOBI_E_EXISTS)
			err = root_open(folders.state, &root, fault);
	}
	if (err)
		return err;
	count = root_chain(root, &chain);
	err = chain_write_pem(chain[count - 1], &pem, fault);
	if (err)
		return err;
	root_ueid(root, ueid);
	hex_write((struct tobi_bytes){ueid, sizeof(ueid)}, hex, sizeof(hex));
	wr_printf(
	    out,
	    "\n# Only this host will do: its hardware id.\nidentity:\n  mode: hardware\n"
	    "  hardware: [%s]\n\n# Whom you trust for the tier soft: this host's "
	    "platform CA.\n"
	    "roots:\n  - tier: soft\n    anchors: |\n",
	    hex);
	for (size_t at = 0; at < pem.size;) {
		const uint8_t *end = memchr(pem.ptr + at, '\n', pem.size - at);
		size_t size = end ? (size_t)(end - (pem.ptr + at)) + 1 : pem.size - at;

		wr_printf(out, "      ");
		wr_bytes(out, pem.ptr + at, size);
		at += size;
	}
	return wr_err(out);
}

/* Whoever launches could otherwise lead the program astray with an argument. */
static enum tobi_err write_config_id(struct writer *out, const char *given,
				     struct tobi_fault *fault)
{
	const struct launch_config none = {0};
	uint8_t id[SHA384_SIZE];
	char hex[2 * SHA384_SIZE + 1];
	enum tobi_err err;

	if (given) {
		wr_printf(out, "\n# What is added at launch, exactly.\nconfig-id: %s\n",
			  given);
		return TOBI_OK;
	}
	err = launch_config_id(&none, id, fault);
	if (err)
		return err;
	hex_write((struct tobi_bytes){id, sizeof(id)}, hex, sizeof(hex));
	wr_printf(out,
		  "\n# Nothing is added at launch: no --arg, --env or --owner. "
		  "Where something is,\n# `tobichi run` prints the id to put here.\n"
		  "config-id: %s\n",
		  hex);
	return TOBI_OK;
}

enum tobi_err build_policy_write(const struct build_policy *policy, const char *path,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_POLICY);
	const struct manifest *m = policy->manifest;
	char hex[2 * SHA384_SIZE + 1];
	uint8_t signer[SHA384_SIZE];
	enum tobi_err err = TOBI_OK;

	hex_write((struct tobi_bytes){policy->image_id, SHA384_SIZE}, hex, sizeof(hex));
	/* Nothing of what the user may choose freely stands here: no text can change it.
	 */
	wr_printf(&out,
		  "# Who may be trusted with what: see tobichi-policy(5).\nversion: "
		  "1\nname: \"%.*s\"\n\n",
		  (int)m->name.size, (const char *)m->name.ptr);
	if (policy->tier)
		wr_printf(&out, "# soft keeps out other processes and users; not root or "
				"the kernel.\n"
				"tiers: [soft]\n");
	else
		wr_printf(&out, "# Hardware only. `tobichi build --tier soft` accepts "
				"this host without it.\n"
				"tiers: [sgx, tdx, snp, cca, nitro]\n");
	wr_printf(&out,
		  "\n# Exactly this image; another build of other content is "
		  "refused.\nimages: [%s]\n",
		  hex);
	if (policy->key) {
		err = key_spki_sha384(policy->key, signer, fault);
		hex_write((struct tobi_bytes){signer, SHA384_SIZE}, hex, sizeof(hex));
		wr_printf(&out, "signers: [%s]\n", hex);
	}
	wr_printf(&out, "product: %u\nmin-svn: %u\n", m->product, m->svn);
	if (!err)
		err = write_config_id(&out, policy->config_id, fault);
	if (m->debug)
		wr_printf(&out, "\n# A debug image: its operator can look in. To accept "
				"that, write:\n# allow: [debug]\n");
	/* Only this user's own service can launch it here: a policy for this host that
	 * leaves that out would refuse everything. */
	if (policy->tier && geteuid() != 0)
		wr_printf(&out,
			  "\n# You are an ordinary user: other processes of yours can "
			  "look in.\n# A service that root runs does not need this.\n"
			  "allow: [user-launch]\n");
	wr_bytes(&out, policy->host.ptr, policy->host.size);
	if (!policy->tier)
		wr_printf(&out,
			  "\n# Any enclave of this image will do, whoever runs it.\n"
			  "identity:\n  mode: any-instance\n");
	if (!err)
		err = wr_err(&out);
	return err ? err : file_write(path, 0644, wr_view(&out), "policy", fault);
}
