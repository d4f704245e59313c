/* A whole image file: header, manifest, signatures; and measuring what was opened. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz/fuzz.h"
#include "image/image.h"

static int memory_file(struct tobi_bytes bytes)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	must(fd >= 0 && !fd_write_all(fd, bytes, "image", NULL));
	return fd;
}

bool fuzz_one(struct tobi_bytes input)
{
	CLEANUP(fd_close) int fd = memory_file(input);
	struct image *image = NULL;
	struct tobi_fault fault = {0};
	bool accepted;

	if (image_open(fd, &image, &fault)) {
		must(fault.code != TOBI_OK && image == NULL);
		return false;
	}
	must(image->file_size == input.size && image->root_offset < input.size &&
	     image->root_size <= input.size - image->root_offset);
	accepted = !image_measure(fd, image, &fault);
	must(accepted || fault.code == TOBI_E_MISMATCH);
	image_free(image);
	return accepted;
}

static void make(const char *path, EVP_PKEY *key)
{
	static const uint8_t root[2 * 4096] = "a root file system";
	CLEANUP(fd_close) int fd = memory_file((struct tobi_bytes){root, sizeof(root)});
	struct manifest *manifest = calloc(1, sizeof(*manifest));
	uint8_t id[SHA384_SIZE];
	struct tobi_fault fault = {0};

	must(manifest != NULL);
	manifest->name = text_of("x");
	manifest->architecture = text_of("x86_64");
	manifest->arguments[manifest->argument_count++] = text_of("/x");
	manifest->limits.memory = MANIFEST_MEMORY_MIN;
	manifest->limits.processes = 10;
	manifest->limits.cpu_milli = 1000;
	manifest->limits.files = 100;
	manifest->uid = manifest->gid = 1000;
	manifest->directory = text_of("/");
	must(!image_create(path, manifest, fd, key, id, &fault));
	free(manifest);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	char folder[] = "/tmp/tobichi-fuzz-XXXXXX", path[64];
	EVP_PKEY *key = fuzz_key(1);

	if (number < 2) {
		must(mkdtemp(folder) != NULL);
		snprintf(path, sizeof(path), "%s/image", folder);
		make(path, number ? key : NULL);
		must(!file_read(path, 1 << 20, "image", out, NULL));
		unlink(path);
		rmdir(folder);
	}
	EVP_PKEY_free(key);
	return number < 2 ? FUZZ_GOOD : FUZZ_NO_SEED;
}
