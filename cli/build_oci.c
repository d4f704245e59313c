#include "cli/build_oci.h"

#include <string.h>

#include "cli/cli.h"

static const char *find_architecture(const char *platform)
{
	if (strcmp(platform, "linux/amd64") == 0)
		return "x86_64";
	if (strcmp(platform, "linux/arm64") == 0 ||
	    strcmp(platform, "linux/arm64/v8") == 0)
		return "aarch64";
	return NULL;
}

bool build_oci_take(struct build_oci *image, int option, const char *value)
{
	switch (option) {
	case 'I':
		image->path = value;
		return true;
	case 'r':
		image->ref = value;
		return true;
	case 'l':
		image->platform = value;
		return find_architecture(value) != NULL;
	case 'E':
		image->given.entrypoint = value;
		return value[0] != 0;
	default:
		return false;
	}
}

int build_oci_check(const struct build_oci *image, bool root)
{
	if (image->path && root)
		return cli_usage("build",
				 "--root and a container image exclude each other");
	if (!image->path && (image->ref || image->platform || image->given.entrypoint))
		return cli_usage("build", "--ref, --platform and --entrypoint are for a "
					  "container image; name one with --oci");
	return 0;
}

enum tobi_err build_oci_open(struct build_oci *image, struct manifest *manifest,
			     const char *temporary, const volatile sig_atomic_t *stop,
			     struct tobi_fault *fault)
{
	const char *architecture = image->platform ? find_architecture(image->platform)
						   : manifest_host_architecture();
	const struct oci_request request = {
	    .path = image->path,
	    .ref = image->ref,
	    .architecture = architecture,
	    .temporary = temporary,
	    .stop = stop,
	};
	enum tobi_err err = oci_open(&request, &image->oci, fault);

	if (err)
		return err;
	manifest->architecture =
	    (struct tobi_bytes){(const uint8_t *)architecture, strlen(architecture)};
	return oci_set_program(image->oci, &image->given, manifest, fault);
}

enum tobi_err build_oci_fill(struct build_oci *image, struct pack *pack,
			     struct manifest *manifest, struct tobi_fault *fault)
{
	enum tobi_err err = oci_unpack(image->oci, pack, fault);

	return err ? err
		   : oci_configure(image->oci, &image->given, pack, manifest, fault);
}

void build_oci_print_notes(const struct build_oci *image)
{
	const char *const *notes = NULL;
	size_t count = image->oci ? oci_notes(image->oci, &notes) : 0;

	for (size_t i = 0; i < count; i++) {
		fputs("tobichi: note: ", stderr);
		cli_print_text(stderr, (struct tobi_bytes){(const uint8_t *)notes[i],
							   strlen(notes[i])});
		fputc('\n', stderr);
	}
}
