/* Manifests and images for these tests, and files to put them in. */
#ifndef TESTS_UNIT_IMAGE_SAMPLE_H
#define TESTS_UNIT_IMAGE_SAMPLE_H

#include "tests/check.h"

#include "base/fault.h"
#include "base/secret.h"
#include "image/image.h"
#include "image/layout.h"

#define LIST(...)                                                                        \
	(struct tobi_bytes[]){__VA_ARGS__},                                              \
	    sizeof((struct tobi_bytes[]){__VA_ARGS__}) / sizeof(struct tobi_bytes)

struct tobi_bytes text(const char *literal);
/* A valid one, with something in every list. Static: only one at a time. */
struct manifest *sample_manifest(void);
/* Its bytes, by the writer under test. */
struct writer sample_manifest_bytes(void);
EVP_PKEY *sample_key(enum key_kind kind);

/* A file without a name with this content. */
int sample_file(struct tobi_bytes content);
/* An image over blocks blocks of root file system, signed by key unless it is NULL, as a
 * nameless file and as bytes. */
struct writer sample_image(size_t blocks, EVP_PKEY *key);
/* A new folder below /tmp; sample_remove() it. */
char *sample_folder(void);
void sample_remove(char *folder);
/* PATH's content. */
struct writer sample_read(const char *path);
size_t sample_open_descriptors(void);

#endif
