/* Opening and measuring an image: what the service does before it launches one. */
#include "tests/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/torture/alloc.h"
#include "tests/unit/image/sample.h"

struct file {
	int fd;
};

enum change { NOTHING, ROOT, TREE, MANIFEST };

/* A manifest's sixth byte is the first of the name, and another letter a valid one: so
 * its signature alone tells. */
static size_t place_of(enum change change, const struct writer *image)
{
	switch (change) {
	case ROOT:
		return 8192 + 77;
	case TREE:
		return image->size - 4096;
	default:
		return 56 + 5;
	}
}

static void *with_change(enum change change)
{
	struct file *file = calloc(1, sizeof(*file));
	EVP_PKEY *key = sample_key(KEY_P256);
	struct writer image = sample_image(40, key);

	assert_non_null(file);
	if (change != NOTHING)
		image.ptr[place_of(change, &image)] ^= 1;
	file->fd = sample_file(wr_view(&image));
	wr_done(&image);
	EVP_PKEY_free(key);
	return file;
}

static void *good(void)
{
	return with_change(NOTHING);
}

static void *changed_root(void)
{
	return with_change(ROOT);
}

static void *changed_tree(void)
{
	return with_change(TREE);
}

static void *changed_manifest(void)
{
	return with_change(MANIFEST);
}

static enum ending measure(void *context)
{
	const struct file *file = context;
	struct image *image = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = image_open(file->fd, &image, &fault);

	if (!err)
		err = image_measure(file->fd, image, &fault);
	image_free(image);
	if (!err)
		return ACCEPTED;
	return err == TOBI_E_MEMORY || err == TOBI_E_CRYPTO ? FAILED : REFUSED;
}

static void done(void *context)
{
	struct file *file = context;

	close(file->fd);
	free(file);
}

const struct scenario alloc_image[] = {
    {"measure a good image", ACCEPTED, good, measure, done},
    {"measure a changed root", REFUSED, changed_root, measure, done},
    {"measure a changed hash tree", REFUSED, changed_tree, measure, done},
    {"measure a changed manifest", REFUSED, changed_manifest, measure, done},
    {0},
};
