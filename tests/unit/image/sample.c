#include "sample.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

struct tobi_bytes text(const char *literal)
{
	return (struct tobi_bytes){(const uint8_t *)literal, strlen(literal)};
}

struct manifest *sample_manifest(void)
{
	static const uint8_t hash[SHA384_SIZE] = {1, 2, 3};
	static struct manifest manifest;
	struct manifest *m = &manifest;

	*m = (struct manifest){
	    .name = text("redis-7.0_x"),
	    .architecture = text("x86_64"),
	    .root = {8192, 4096, {hash, SHA256_SIZE}, {hash, SHA384_SIZE}},
	    .arguments = {text("/usr/bin/redis-server"), text("--save"), text("")},
	    .argument_count = 3,
	    .environment = {{text("B"), text("2")}, {text("AA"), text("")}},
	    .environment_count = 2,
	    .uid = 1000,
	    .gid = 1001,
	    .ports = {80, 6379},
	    .port_count = 2,
	    .egress = {{text("[::1]:80"), 81, text("")},
		       {text("example.com:443"), 443, text("/peer.yaml")}},
	    .egress_count = 2,
	    .volumes = {text("/data")},
	    .volume_count = 1,
	    .limits = {64 << 20, 10, 500, 64, 1 << 20},
	    .product = 7,
	    .svn = 3,
	    .writable = {text("/run"), text("/tmp")},
	    .writable_count = 2,
	    .secrets = {text("key.pem"), text("password")},
	    .secret_count = 2,
	    .directory = text("/"),
	    .output = OUTPUT_TO_HOST,
	    .clients = text("launch"),
	};
	return m;
}

struct writer sample_manifest_bytes(void)
{
	struct writer out = wr_init(LIMIT_MANIFEST);

	assert_int_equal(manifest_write(sample_manifest(), &out, NULL), TOBI_OK);
	return out;
}

EVP_PKEY *sample_key(enum key_kind kind)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(key_new(kind, &key, NULL), TOBI_OK);
	return key;
}

int sample_file(struct tobi_bytes content)
{
	int fd = memfd_create("sample", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, content, "sample", NULL), TOBI_OK);
	return fd;
}

struct writer sample_image(size_t blocks, EVP_PKEY *key)
{
	struct writer root = wr_init(blocks * HASHTREE_BLOCK), image;
	char *folder = sample_folder(), path[64];
	uint8_t id[SHA384_SIZE];
	int fd;

	for (size_t i = 0; i < blocks * HASHTREE_BLOCK; i++)
		wr_u8(&root, (uint8_t)(i % 251));
	fd = sample_file(wr_view(&root));
	snprintf(path, sizeof(path), "%s/image", folder);
	assert_int_equal(image_create(path, sample_manifest(), fd, key, id, NULL),
			 TOBI_OK);
	image = sample_read(path);
	close(fd);
	wr_done(&root);
	sample_remove(folder);
	return image;
}

char *sample_folder(void)
{
	char *folder = strdup("/tmp/tobichi-test-XXXXXX");

	assert_non_null(mkdtemp(folder));
	return folder;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void sample_remove(char *folder)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

struct writer sample_read(const char *path)
{
	struct writer out = wr_init(64 << 20);

	assert_int_equal(file_read(path, 64 << 20, "sample", &out, NULL), TOBI_OK);
	return out;
}

size_t sample_open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}
