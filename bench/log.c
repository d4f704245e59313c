/*
 * The log of decisions as it grows: what one leaf more costs, and one proof, beside the
 * bare hashes of the same; in a SQLite file, by the broker's own statements.
 *
 * Usage: log FOLDER MOST
 *            prints a line at 1000, 2000, 5000, 10000, ... leaves, to MOST:
 *            leaves, then microseconds: append, its hashes, inclusion proof, consistency
 *            proof, hashes of verifying one; then bytes of the file for each leaf
 *
 * An append is one of a batch of 1000 that is committed at once, without a head's
 * signature, which a batch has once whatever the log's size. Times are medians.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "broker/decision_inside.h"
#include "broker/schema.h"
#include "tests/check.h"

enum { BATCH = 1000, PROOFS = 200, LEAF = 200 };

struct times {
	double values[PROOFS];
	size_t count;
};

static struct db *db;
static struct db_conn *conn;
static struct log_frontier frontier;
static uint64_t random_state = 88172645463325252u;

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* xorshift64: the same proofs in each run. */
static uint64_t below(uint64_t most)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % most;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void add(struct times *times, double value)
{
	if (times->count < PROOFS)
		times->values[times->count++] = value;
}

static double median(struct times *times)
{
	qsort(times->values, times->count, sizeof(double), compare);
	return times->count ? times->values[times->count / 2] : 0;
}

/* A leaf of the size that a release has, each another. */
static struct tobi_bytes leaf_of(uint64_t index, uint8_t leaf[static LEAF])
{
	for (size_t i = 0; i < sizeof(index); i++)
		leaf[i] = (uint8_t)(index >> 8 * i);
	return (struct tobi_bytes){leaf, LEAF};
}

/* Microseconds for each leaf of a batch, with its commit. */
static double append_batch(void)
{
	static uint8_t leaf[LEAF];
	double start = microseconds();

	assert_int_equal(db_begin(conn, NULL), 0);
	for (size_t i = 0; i < BATCH; i++) {
		struct stored_leaf stored = {.leaf = leaf_of(frontier.size, leaf),
					     .owner = "alice",
					     .time = 1795000000};

		assert_int_equal(log_leaf_store(conn, &frontier, &stored, 0, NULL), 0);
	}
	assert_int_equal(db_commit(conn, NULL), 0);
	return (microseconds() - start) / BATCH;
}

/* The hashes of such a batch alone: on a frontier of the same size. */
static double hash_batch(void)
{
	static uint8_t leaf[LEAF];
	struct log_frontier copy = frontier;
	struct log_hash hash;
	double start = microseconds();

	for (size_t i = 0; i < BATCH; i++) {
		assert_int_equal(log_hash_leaf(leaf_of(copy.size, leaf), &hash), 0);
		assert_int_equal(log_frontier_append(&copy, &hash, NULL, NULL, NULL), 0);
	}
	return (microseconds() - start) / BATCH;
}

static void time_proofs(struct times *inclusion, struct times *consistency,
			struct times *verify)
{
	struct log_hash root, leaf;

	assert_int_equal(log_frontier_root(&frontier, &root), 0);
	for (size_t i = 0; i < PROOFS; i++) {
		uint64_t index = below(frontier.size), from;
		struct log_inclusion in;
		struct log_consistency con;
		double start = microseconds();

		assert_int_equal(log_inclusion_make(frontier.size, index, log_node_load,
						    conn, &in, NULL),
				 0);
		add(inclusion, microseconds() - start);
		/* Of another place: the first has warmed its own. */
		from = below(frontier.size);
		start = microseconds();
		assert_int_equal(log_consistency_make(from, frontier.size, log_node_load,
						      conn, &con, NULL),
				 0);
		add(consistency, microseconds() - start);
		assert_int_equal(log_node_load(conn, 0, index, &leaf, NULL), 0);
		start = microseconds();
		assert_int_equal(log_inclusion_verify(&in, &leaf, &root, NULL), 0);
		add(verify, microseconds() - start);
	}
}

static void report(const char *path, struct times *append, struct times *hashes)
{
	struct times inclusion = {0}, consistency = {0}, verify = {0};
	char wal[512];
	struct stat st = {0}, more = {0};

	time_proofs(&inclusion, &consistency, &verify);
	/* What is not in the file yet is beside it. */
	snprintf(wal, sizeof(wal), "%s-wal", path);
	stat(path, &st);
	stat(wal, &more);
	printf("%" PRIu64 " %.2f %.2f %.2f %.2f %.2f %.0f\n", frontier.size,
	       median(append), median(hashes), median(&inclusion), median(&consistency),
	       median(&verify),
	       (double)(st.st_size + more.st_size) / (double)frontier.size);
	fflush(stdout);
}

/* 1, 2 and 5 times each power of ten. */
static uint64_t next_of(uint64_t size)
{
	uint64_t power = 1;

	while (10 * power <= size)
		power *= 10;
	return size < 2 * power ? 2 * power : size < 5 * power ? 5 * power : 10 * power;
}

static void run(const char *path, uint64_t most)
{
	struct times append = {0}, hashes = {0};

	for (uint64_t next = BATCH; next <= most; next = next_of(next)) {
		/* The newest batches count: the log has about that size. */
		while (frontier.size < next) {
			double hashed = hash_batch(), took = append_batch();

			if (frontier.size + PROOFS / 2 * BATCH >= next) {
				add(&append, took);
				add(&hashes, hashed);
			}
		}
		report(path, &append, &hashes);
		append.count = hashes.count = 0;
	}
}

int main(int argc, char **argv)
{
	static const struct db_migration rows[] = {{"log", schema_log}};
	uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	char location[512], path[500];

	if (argc != 3 || most < BATCH)
		return 2;
	snprintf(path, sizeof(path), "%.400s/log.db", argv[1]);
	snprintf(location, sizeof(location), "sqlite:%s", path);
	assert_int_equal(db_open(location, 2, &db, NULL), 0);
	assert_int_equal(db_migrate(db, rows, 1, NULL), 0);
	assert_int_equal(db_take(db, &conn, NULL), 0);
	run(path, most);
	db_give(conn);
	db_free(db);
	return 0;
}
