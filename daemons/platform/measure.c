#include "daemons/platform/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"

enum {
	PIECE = 1 << 20,
	SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL
};

DEFINE_CLEANUP(struct image *, image_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

enum tobi_err measure_copy(int fd, uint64_t ceiling, const char *object, int *ret_fd,
			   struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int copy = memfd_create(object, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	off_t at = 0;

	if (copy < 0)
		return fault_errno(fault, object, "", "no memory for a private copy");
	if (fstat(fd, &st))
		return fault_errno(fault, object, "", "cannot look at the file");
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, TOBI_E_MALFORMED, object, "",
				 "not a regular file");
	if ((uint64_t)st.st_size > ceiling)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "over the limit on its size");
	/* To the end that it has now: what grows later is not looked at, what shrinks is
	 * found to be truncated when the copy is measured. */
	while (at < st.st_size) {
		ssize_t done = sendfile(copy, fd, &at, (size_t)(st.st_size - at));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fault_errno(fault, object, "",
					   "cannot make a private copy");
		if (done == 0)
			break;
	}
	if (fcntl(copy, F_ADD_SEALS, SEALS))
		return fault_errno(fault, object, "",
				   "the private copy cannot be sealed");
	*ret_fd = copy;
	copy = -1;
	return TOBI_OK;
}

enum tobi_err measure_hash(int fd, uint8_t ret_hash[static SHA384_SIZE],
			   struct tobi_fault *fault)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	CLEANUP(freep) uint8_t *piece = malloc(PIECE);
	uint8_t hash[SHA384_SIZE];
	struct stat st;
	enum tobi_err err = TOBI_OK;

	if (!md || !piece || fstat(fd, &st) ||
	    EVP_DigestInit_ex(md, EVP_sha384(), NULL) != 1)
		return fault_set(fault, TOBI_E_MEMORY, "measurement", "", "cannot start");
	for (off_t at = 0; at < st.st_size && !err; at += PIECE) {
		size_t size = st.st_size - at < PIECE ? (size_t)(st.st_size - at) : PIECE;

		err = fd_pread_all(fd, piece, size, (uint64_t)at, "measurement", fault);
		if (!err && EVP_DigestUpdate(md, piece, size) != 1)
			err = fault_openssl(fault, "measurement", "", "cannot hash");
	}
	if (!err && EVP_DigestFinal_ex(md, hash, NULL) != 1)
		err = fault_openssl(fault, "measurement", "", "cannot hash");
	if (!err)
		bytes_copy(ret_hash, SHA384_SIZE, hash, sizeof(hash));
	return err;
}

enum tobi_err measure_image(int fd, int *ret_fd, struct image **ret_image,
			    struct tobi_fault *fault)
{
	const uint64_t overhead = UINT64_C(1) << 30; /* hash tree, manifest, signatures */
	CLEANUP(fd_close) int copy = -1;
	CLEANUP(image_freep) struct image *image = NULL;
	enum tobi_err err =
	    measure_copy(fd, LIMIT_ROOTFS + overhead, "image", &copy, fault);

	if (!err)
		err = image_open(copy, &image, fault);
	if (!err)
		err = image_measure(copy, image, fault);
	if (err)
		return err;
	*ret_fd = copy;
	copy = -1;
	*ret_image = TAKE(image);
	return TOBI_OK;
}
