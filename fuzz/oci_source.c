/* An archive as the source of an image: what it lists can be read, or is refused; and an
 * image is found in it, or is not. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz/fuzz.h"
#include "image/oci_tools.h"
#include "tests/tar.h"

bool fuzz_one(struct tobi_bytes input)
{
	static const char *const names[] = {"oci-layout", "index.json", "manifest.json",
					    "blobs/sha256/a", "link"};
	char path[] = "/tmp/tobichi-fuzz-XXXXXX";
	int fd = mkstemp(path);
	struct oci_source *source = NULL;
	struct oci_manifest manifest = {0};
	bool accepted;

	must(fd >= 0 && !fd_write_all(fd, input, "fuzz", NULL));
	close(fd);
	accepted = !oci_source_open(path, "/tmp", NULL, &source, NULL);
	for (size_t i = 0; accepted && i < sizeof(names) / sizeof(names[0]); i++) {
		struct oci_stream stream = {.fd = -1};
		uint8_t chunk[512];
		size_t size = 1;
		uint64_t total = 0;
		bool there = oci_source_has(source, names[i]);
		enum tobi_err err = oci_stream_open(source, names[i], &stream, NULL);

		must(there || err);
		while (!err && size) {
			err = oci_stream_read(&stream, chunk, sizeof(chunk), &size, NULL);
			total += err ? 0 : size;
		}
		must(err || total <= stream.size);
		oci_stream_done(&stream);
	}
	if (accepted && !oci_select(source, NULL, "x86_64", &manifest, NULL))
		oci_manifest_done(&manifest);
	oci_source_free(source);
	unlink(path);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	struct writer tar = wr_init(1 << 16);

	if (number >= 4)
		return FUZZ_NO_SEED;
	if (number & 1) {
		tar_file(&tar, "manifest.json",
			 "[{\"Config\":\"c.json\",\"Layers\":[\"link\"]}]");
		tar_link(&tar, "link", "blobs/../other");
		tar_hard(&tar, "hard", "link");
		tar_link(&tar, "other", "../../etc/passwd");
	} else {
		tar_file(&tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
		tar_file(&tar, "./index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
		tar_file(&tar, "blobs/sha256/a", "content");
		tar_link(&tar, "link", "blobs/sha256/a");
	}
	tar_end(&tar);
	if (number & 2)
		tar_pack(wr_view(&tar), number & 1, out);
	else
		wr_bytes(out, tar.ptr, tar.size);
	wr_done(&tar);
	return FUZZ_GOOD;
}
