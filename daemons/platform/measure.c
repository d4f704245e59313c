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
	PIECE = 64 << 10, /* two of them stay in a cache near the processor */
	KEPT_CEILING = 64 << 20,
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

/* Does the file have the bytes of the copy, as it is read here? What it has afterwards
 * does not matter: the copy runs. */
static bool is_same(int fd, int copy)
{
	CLEANUP(freep) uint8_t *read = malloc(PIECE);
	CLEANUP(freep) uint8_t *known = malloc(PIECE);
	struct stat st, copied;
	bool same = read && known && copy >= 0 && !fstat(fd, &st) &&
		    !fstat(copy, &copied) && S_ISREG(st.st_mode) &&
		    st.st_size == copied.st_size;

	for (off_t at = 0; same && at < st.st_size; at += PIECE) {
		size_t size = st.st_size - at < PIECE ? (size_t)(st.st_size - at) : PIECE;
		uint64_t from = (uint64_t)at;

		same = !fd_pread_all(fd, read, size, from, "image", NULL) &&
		       !fd_pread_all(copy, known, size, from, "image", NULL) &&
		       bytes_equal((struct tobi_bytes){read, size},
				   (struct tobi_bytes){known, size});
	}
	return same;
}

/* Where it is small enough; else nothing is kept. */
static void keep(int copy, uint64_t size, int *kept_fd)
{
	fd_close(kept_fd);
	if (size <= KEPT_CEILING)
		*kept_fd = fcntl(copy, F_DUPFD_CLOEXEC, 0);
}

enum tobi_err measure_image(int fd, int *kept_fd, int *ret_fd, struct image **ret_image,
			    struct tobi_fault *fault)
{
	const uint64_t overhead = UINT64_C(1) << 30; /* hash tree, manifest, signatures */
	CLEANUP(fd_close) int copy = -1;
	CLEANUP(image_freep) struct image *image = NULL;
	bool same = is_same(fd, *kept_fd);
	enum tobi_err err = TOBI_OK;

	if (same && (copy = fcntl(*kept_fd, F_DUPFD_CLOEXEC, 0)) < 0)
		err = fault_errno(fault, "image", "", "no descriptor for its copy");
	else if (!same)
		err = measure_copy(fd, LIMIT_ROOTFS + overhead, "image", &copy, fault);
	if (!err)
		err = image_open(copy, &image, fault);
	if (!err && !same)
		err = image_measure(copy, image, fault);
	if (err)
		return err;
	if (!same)
		keep(copy, image->file_size, kept_fd);
	*ret_fd = copy;
	copy = -1;
	*ret_image = TAKE(image);
	return TOBI_OK;
}
