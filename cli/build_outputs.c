#include "cli/build_outputs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/file.h"
#include "corim/signed.h"
#include "corim/write.h"

/* Said before the work, and never is a device replaced by a file. */
static enum tobi_err check_path(const char *what, const char *path,
				struct tobi_fault *fault)
{
	struct stat st;

	if (stat(path, &st) || S_ISREG(st.st_mode))
		return TOBI_OK;
	return fault_set(fault, TOBI_E_ARGUMENT, what, "",
			 "%s is %s; give the name of a file", path,
			 S_ISDIR(st.st_mode) ? "a folder" : "not a file");
}

enum tobi_err build_outputs_name(const char *image, const char *policy,
				 const struct manifest *manifest,
				 struct build_outputs *ret_outputs,
				 struct tobi_fault *fault)
{
	struct build_outputs out = {0};
	size_t stem;
	enum tobi_err err;

	if (image && strlen(image) >= sizeof(out.image))
		return fault_set(fault, TOBI_E_LIMIT, "image", "",
				 "its path is too long");
	if (policy && strlen(policy) >= sizeof(out.policy))
		return fault_set(fault, TOBI_E_LIMIT, "policy", "",
				 "its path is too long");
	if (image)
		snprintf(out.image, sizeof(out.image), "%s", image);
	else
		snprintf(out.image, sizeof(out.image), "%.*s.tobi",
			 (int)manifest->name.size, (const char *)manifest->name.ptr);
	stem = strlen(out.image);
	if (stem > 5 && strcmp(out.image + stem - 5, ".tobi") == 0)
		stem -= 5;
	snprintf(out.policy, sizeof(out.policy), "%.*s.policy.yaml", (int)stem,
		 out.image);
	snprintf(out.corim, sizeof(out.corim), "%.*s.corim", (int)stem, out.image);
	if (policy)
		snprintf(out.policy, sizeof(out.policy), "%s", policy);
	err = check_path("image", out.image, fault);
	if (!err)
		err = check_path("policy", out.policy, fault);
	if (!err)
		err = check_path("reference values", out.corim, fault);
	if (!err)
		*ret_outputs = out;
	return err;
}

enum tobi_err build_outputs_corim(const struct build_outputs *outputs,
				  const struct manifest *manifest,
				  const uint8_t *image_id, EVP_PKEY *key,
				  struct tobi_fault *fault)
{
	const struct corim_image image = {.name = manifest->name,
					  .image_id = {image_id, SHA384_SIZE},
					  .svn = manifest->svn,
					  .product = manifest->product,
					  .debug = manifest->debug};
	CLEANUP(wr_done) struct writer corim = wr_init(LIMIT_CORIM);
	CLEANUP(wr_done) struct writer signed_corim = wr_init(LIMIT_CORIM);
	struct tobi_bytes written;
	enum tobi_err err = corim_write_image(&image, &corim, fault);

	written = wr_view(&corim);
	if (!err && key) {
		err = corim_sign(&(struct corim_sign_request){.corim = written,
							      .key = key,
							      .signer = "tobichi build"},
				 &signed_corim, fault);
		written = wr_view(&signed_corim);
	}
	return err ? err
		   : file_write(outputs->corim, 0644, written, "reference values", fault);
}
