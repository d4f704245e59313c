/*
 * A layer over a small tree, with small limits: whatever it is, the tree stays within
 * them, and what is beside the tree stays as it was. The first byte chooses: more than
 * one layer (the input is applied twice), packed or not.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz/fuzz.h"
#include "image/oci_apply.h"
#include "tests/tar.h"

enum { MAX_ENTRIES = 40, MAX_BYTES = 20000 };

static char folder[64]; /* holds tree, layer and outside */
static size_t found;

static int count_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)kind;
	must(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode));
	must(!(st->st_mode & (S_ISUID | S_ISGID)));
	found += at->level > 0;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/* Not by file_write(): nobody waits for a disk here. */
static void put(const char *path, struct tobi_bytes bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0 && !fd_write_all(fd, bytes, "fuzz", NULL));
	close(fd);
}

/* The folder beside the tree, to which a layer must not get. */
static void check_outside(void)
{
	struct dirent *entry;
	DIR *outside = opendir("outside");
	unsigned names = 0;

	must(outside != NULL);
	while ((entry = readdir(outside)))
		names++;
	closedir(outside);
	must(names == 3 && access("outside/kept", F_OK) == 0);
}

static bool apply(struct stage *stage)
{
	const struct oci_descriptor descriptor = {.name = "layer", .media_type = ""};
	struct oci_budget budget = {1 << 20, 200};
	struct oci_tree tree = {.stage = stage};
	struct oci_source *source = NULL;
	struct oci_layer layer = {
	    .descriptor = &descriptor, .budget = &budget, .object = "layer"};
	bool accepted;

	must(!oci_source_open(".", "/tmp", NULL, &source, NULL));
	layer.source = source;
	accepted = !oci_apply_layer(&layer, &tree, NULL);
	oci_source_free(source);
	return accepted;
}

bool fuzz_one(struct tobi_bytes input)
{
	uint8_t choice = take_choice(&input);
	struct stage stage = {.root = -1};
	struct writer packed = wr_init(2 << 20);
	bool accepted;
	int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	snprintf(folder, sizeof(folder), "%s/tobichi-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(back >= 0 && mkdtemp(folder) && chdir(folder) == 0);
	must(mkdir("tree", 0755) == 0 && mkdir("outside", 0755) == 0);
	put("outside/kept", text_of("kept"));
	if (choice & 2)
		tar_pack(input, choice & 4, &packed);
	put("layer", choice & 2 ? wr_view(&packed) : input);
	must(!stage_init("tree", &stage, NULL));
	stage.max_entries = MAX_ENTRIES;
	stage.max_bytes = MAX_BYTES;
	/* A way to the host, as a layer below could have made it. */
	must(!stage_link(&stage, "../outside", "/way", NULL));
	accepted = apply(&stage);
	if (accepted && choice & 1)
		accepted = apply(&stage);
	check_outside();
	found = 0;
	must(nftw("tree", count_one, 16, FTW_PHYS) == 0);
	must(found <= MAX_ENTRIES && stage.bytes <= MAX_BYTES);
	must(!accepted || found == stage.entries);
	stage_done(&stage);
	must(fchdir(back) == 0);
	close(back);
	must(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	wr_done(&packed);
	return accepted;
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const struct tar_entry layers[][6] = {
	    {{"a", '0', "", "content"},
	     {"d/", '5', "", NULL, 0, 01777},
	     {"d/l", '2', "../a"},
	     {"h", '1', "a"},
	     {"n", '3'},
	     {"s", '0', "", "x", 0, 06755}},
	    {{".wh.a", '0', "", ""},
	     {"d/.wh..wh..opq", '0', "", ""},
	     {"d/b", '0', "", "b"},
	     {"way/kept", '0', "", "x"}},
	    {{"way", '5', "", NULL, 0, 0755},
	     {"way/.wh.kept", '0', "", ""},
	     {"way/kept", '0', "", "x"},
	     {"./way", '2', "/"},
	     {"way/etc/x", '0', "", "x"}},
	};
	const unsigned count = sizeof(layers) / sizeof(layers[0]);

	if (number >= 2 * count + 1)
		return FUZZ_NO_SEED;
	wr_u8(out, (uint8_t)(number % 8));
	if (number == 2 * count) { /* a sparse file */
		const struct tar_record records[] = {
		    {"GNU.sparse.size", text_of("10000")},
		    {"GNU.sparse.map", text_of("4096,4")}};
		struct writer tar = wr_init(1 << 16);

		tar_pax_list(&tar, records, 2);
		tar_file(&tar, "sparse", "data");
		tar_end(&tar);
		wr_bytes(out, tar.ptr, tar.size);
		wr_done(&tar);
		return FUZZ_GOOD;
	}
	/* Blocks are counted from here. */
	struct writer tar = wr_init(1 << 16);
	for (size_t i = 0; i < 6 && layers[number % count][i].name; i++)
		tar_add(&tar, &layers[number % count][i]);
	tar_end(&tar);
	wr_bytes(out, tar.ptr, tar.size);
	wr_done(&tar);
	return number % count == 1 ? FUZZ_BAD : FUZZ_GOOD;
}
