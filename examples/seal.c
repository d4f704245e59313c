/*
 * Usage: seal FILE, inside an enclave: adds one to a number that it keeps sealed in FILE,
 * a place that others can write. An old copy of the file is noticed: the counter's value
 * at the time of sealing is bound to it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <tobichi/seal.h>

/* This image alone can open it; the first version of a product would say
 * TOBI_SEAL_TO_SIGNER, so that the next one can, too. */
static const struct tobi_seal_policy policy = {.to = TOBI_SEAL_TO_IMAGE};

static int fail(const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	fprintf(stderr, "seal: %s\n", text);
	return 2;
}

/* The counter's value as associated data. */
static struct tobi_bytes stamp(const struct tobi_counter *counter, uint8_t room[static 8])
{
	for (int i = 0; i < 8; i++)
		room[i] = (uint8_t)(counter->value >> (56 - 8 * i));
	return (struct tobi_bytes){room, 8};
}

static int load(const char *path, const struct tobi_counter *counter,
		unsigned *ret_number)
{
	uint8_t sealed[256], now[8], *content;
	struct tobi_bytes bytes = {sealed, 0};
	struct tobi_fault fault = {0};
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file) {
		bytes.size = fread(sealed, 1, sizeof(sealed), file);
		fclose(file);
	} else if (counter->value == 0) {
		return 0; /* the first start */
	}
	if (tobi_unseal(bytes, stamp(counter, now), &content, &size, &fault))
		return fail(&fault);
	*ret_number = size == 1 ? content[0] : 0;
	tobi_seal_free(content, size);
	return 0;
}

static int save(const char *path, const struct tobi_counter *counter, unsigned number)
{
	uint8_t content = (uint8_t)number, next[8], *sealed;
	struct tobi_fault fault = {0};
	FILE *file;
	size_t size;

	if (tobi_seal(&policy, (struct tobi_bytes){&content, 1}, stamp(counter, next),
		      &sealed, &size, &fault))
		return fail(&fault);
	file = fopen(path, "wb");
	if (!file || fwrite(sealed, 1, size, file) != size || fclose(file)) {
		perror(path);
		return 2;
	}
	tobi_seal_free(sealed, size);
	return 0;
}

int main(int argc, char **argv)
{
	struct tobi_counter counter;
	struct tobi_fault fault = {0};
	unsigned number = 0;
	int status;

	if (argc != 2)
		return 2;
	if (tobi_counter_read(&policy, "number", &counter, &fault))
		return fail(&fault);
	status = load(argv[1], &counter, &number);
	if (status)
		return status;
	/* The old file is of no use from here on. A program that must survive a power cut
	 * between the two keeps it until the new one is written, and takes the newer. */
	if (tobi_counter_increment(&policy, "number", &counter, &fault))
		return fail(&fault);
	status = save(argv[1], &counter, number + 1);
	if (!status)
		printf("%u%s\n", number + 1,
		       counter.anchored ? "" : " (a restored platform is not noticed)");
	return status;
}
