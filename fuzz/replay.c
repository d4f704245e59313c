/*
 * Runs a fuzz target without a fuzzer.
 *   NAME --runs N        the seeds, cut and damaged N times: the same on every run
 *   NAME --seeds FOLDER  writes the seeds, for a fuzzer to start from
 *   NAME FILE...         runs the files: a crash that was found, a corpus
 * An input that ends the program is left in NAME.failed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

enum { MAX_SEEDS = 32, INPUT_ROOM = 1 << 20, MAX_CUTS = 512 };

struct seeds {
	struct writer list[MAX_SEEDS];
	size_t count;
};

/* For the last words only. */
static struct tobi_bytes current;
static char failed_path[64];

static void keep_current(void)
{
	int fd = open(failed_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, current.ptr, current.size) < 0)
		return;
	close(fd);
}

static void on_signal(int number)
{
	keep_current();
	signal(number, SIG_DFL);
	raise(number);
}

/* There with a sanitizer, which may end the program without a signal. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* From a block of exactly that size, so that a sanitizer sees a read past the end. */
static bool run(struct tobi_bytes input)
{
	uint8_t *block = malloc(input.size ? input.size : 1);
	bool accepted;

	must(block != NULL);
	bytes_copy(block, input.size, input.ptr, input.size);
	current = (struct tobi_bytes){block, input.size};
	accepted = fuzz_one(current);
	current.size = 0;
	free(block);
	return accepted;
}

static bool make_seeds(struct seeds *seeds)
{
	for (;; seeds->count++) {
		struct writer *one = &seeds->list[seeds->count];
		enum fuzz_seed kind;
		bool accepted;

		must(seeds->count < MAX_SEEDS);
		*one = wr_init(INPUT_ROOM);
		kind = fuzz_seed((unsigned)seeds->count, one);
		if (kind == FUZZ_NO_SEED)
			return seeds->count > 0;
		must(wr_err(one) == TOBI_OK);
		accepted = run(wr_view(one));
		if (accepted != (kind == FUZZ_GOOD)) {
			fprintf(stderr, "error: seed %zu is %s\n", seeds->count,
				accepted ? "accepted" : "refused");
			return false;
		}
	}
}

static void seeds_done(struct seeds *seeds)
{
	for (size_t i = 0; i <= seeds->count; i++)
		wr_done(&seeds->list[i]);
}

/* Puts size bytes in the place of those from `from` to `to`. */
static void replace(struct writer *input, size_t from, size_t to, const uint8_t *bytes,
		    size_t size)
{
	struct writer changed = wr_init(INPUT_ROOM + 64);

	wr_bytes(&changed, input->ptr, from);
	wr_bytes(&changed, bytes, size);
	wr_bytes(&changed, input->ptr + to, input->size - to);
	if (wr_err(&changed)) {
		wr_done(&changed);
		return;
	}
	wr_done(input);
	*input = changed;
}

static void damage(struct writer *input, const struct seeds *seeds, uint64_t *state)
{
	static const uint8_t edges[] = {0x00, 0x01, 0x17, 0x18, 0x1b, 0x40, 0x5f,
					0x60, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xff};
	size_t size = input->size, at = next(state) % (size + 1);
	size_t other = next(state) % (size + 1), from = at < other ? at : other;
	const struct writer *donor = &seeds->list[next(state) % seeds->count];
	uint64_t random[4] = {next(state), next(state), next(state), next(state)};
	size_t start;

	switch (next(state) % 8) {
	case 0:
		input->size = at;
		break;
	case 1:
	case 2:
		if (at < size)
			input->ptr[at] ^= (uint8_t)(1 << next(state) % 8);
		break;
	case 3:
		if (at < size)
			input->ptr[at] = edges[next(state) % sizeof(edges)];
		break;
	case 4:
		replace(input, at, at, (const uint8_t *)random, 1 + next(state) % 32);
		break;
	case 5:
		replace(input, from, at < other ? other : at, NULL, 0);
		break;
	case 6:
		replace(input, at, at, input->ptr + from,
			(size - from) % 64); /* a part twice */
		break;
	default:
		start = next(state) % (donor->size + 1);
		replace(input, at, size, donor->ptr + start, donor->size - start);
	}
}

static int run_damaged(const struct seeds *seeds, unsigned long runs)
{
	uint64_t state = UINT64_C(0x746f626963686921);
	unsigned long accepted = 0, total = 0;

	for (size_t i = 0; i < seeds->count; i++) {
		size_t size = seeds->list[i].size, step = size / MAX_CUTS + 1;

		for (size_t cut = 0; cut < size; cut += step, total++)
			accepted += run((struct tobi_bytes){seeds->list[i].ptr, cut});
	}
	for (unsigned long n = 0; n < runs; n++, total++) {
		const struct writer *seed = &seeds->list[next(&state) % seeds->count];
		struct writer input = wr_init(INPUT_ROOM + 64);

		wr_bytes(&input, seed->ptr, seed->size);
		for (uint64_t times = 1 + next(&state) % 4; times > 0; times--)
			damage(&input, seeds, &state);
		accepted += run(wr_view(&input));
		wr_done(&input);
	}
	printf("%zu seeds, %lu inputs, %lu accepted\n", seeds->count, total, accepted);
	/* A parser that takes all of them would prove nothing. */
	return accepted < total ? 0 : 1;
}

static int write_seeds(const struct seeds *seeds, const char *folder)
{
	char path[512];

	for (size_t i = 0; i < seeds->count; i++) {
		snprintf(path, sizeof(path), "%s/seed-%zu", folder, i);
		if (file_write(path, 0600, wr_view(&seeds->list[i]), "seed", NULL)) {
			fprintf(stderr, "error: cannot write %s\n", path);
			return 2;
		}
	}
	return 0;
}

static int run_files(char **paths, int count)
{
	for (int i = 0; i < count; i++) {
		struct writer input = wr_init(INPUT_ROOM);
		struct tobi_fault fault = {0};

		if (file_read(paths[i], INPUT_ROOM, "input", &input, &fault)) {
			fprintf(stderr, "error: %s\n", fault.message);
			return 2;
		}
		printf("%s: %s\n", paths[i],
		       run(wr_view(&input)) ? "accepted" : "refused");
		wr_done(&input);
	}
	return 0;
}

int main(int count, char **args)
{
	const char *name = strrchr(args[0], '/');
	struct seeds seeds = {0};
	int status = 1;

	snprintf(failed_path, sizeof(failed_path), "%s.failed",
		 name ? name + 1 : args[0]);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_current);
	else
		signal(SIGSEGV, on_signal);
	signal(SIGABRT, on_signal);
	if (count > 1 && args[1][0] != '-')
		return run_files(args + 1, count - 1);
	if (count != 3)
		return 2;
	if (make_seeds(&seeds))
		status = strcmp(args[1], "--seeds") == 0
			     ? write_seeds(&seeds, args[2])
			     : run_damaged(&seeds, strtoul(args[2], NULL, 10));
	seeds_done(&seeds);
	return status;
}
