/* For verity.sh: writes the hash tree over the file DATA to TREE and prints its root.
 * Usage: hashtree DATA TREE */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/layout.h"

static enum tobi_err put(void *context, uint64_t offset,
			 const uint8_t block[static HASHTREE_BLOCK])
{
	int fd = *(int *)context;

	return pwrite(fd, block, HASHTREE_BLOCK, (off_t)offset) == HASHTREE_BLOCK
		   ? TOBI_OK
		   : TOBI_E_SYSTEM;
}

int main(int argc, char **argv)
{
	struct root_measurement found;
	struct tobi_fault fault = {0};
	int data, tree;
	struct stat st;

	if (argc != 3)
		return 2;
	data = open(argv[1], O_RDONLY | O_CLOEXEC);
	tree = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (data < 0 || tree < 0 || fstat(data, &st))
		return 2;
	if (root_measure(data, 0, (uint64_t)st.st_size, put, &tree, &found, &fault)) {
		fprintf(stderr, "%s\n", fault.message);
		return 1;
	}
	for (size_t i = 0; i < SHA256_SIZE; i++)
		printf("%02x", found.tree_root[i]);
	printf("\n");
	return 0;
}
