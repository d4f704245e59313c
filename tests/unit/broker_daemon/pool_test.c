#include "tests/check.h"

#include <pthread.h>

#include "daemons/broker/pool.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	unsigned inside, done, most;
	struct event_base *base;
	struct job *order[16];
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void run(void *context, struct job *job)
{
	(void)context, (void)job;
	pthread_mutex_lock(&world.lock);
	world.inside++;
	pthread_cond_broadcast(&world.changed);
	while (!world.open)
		pthread_cond_wait(&world.changed, &world.lock);
	world.inside--;
	pthread_mutex_unlock(&world.lock);
}

static void done(void *context, struct job *job)
{
	(void)context;
	world.order[world.done++] = job;
	if (world.done == world.most)
		event_base_loopbreak(world.base);
}

static void wait_inside(unsigned count)
{
	pthread_mutex_lock(&world.lock);
	while (world.inside != count)
		pthread_cond_wait(&world.changed, &world.lock);
	pthread_mutex_unlock(&world.lock);
}

static void open_gate(bool open)
{
	pthread_mutex_lock(&world.lock);
	world.open = open;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
}

static struct pool *start(unsigned workers, unsigned queue)
{
	struct pool_setup setup = {.workers = workers,
				   .queue = queue,
				   .base = event_base_new(),
				   .run = run,
				   .done = done};
	struct pool *pool = NULL;

	world.base = setup.base;
	world.done = 0;
	open_gate(false);
	assert_int_equal(pool_new(&setup, &pool, NULL), TOBI_OK);
	return pool;
}

static void test_pool__queue_full__refused(void **state)
{
	struct pool *pool = start(2, 3);
	struct job *jobs[6];
	uint64_t waiting, working;

	(void)state;
	for (int i = 0; i < 6; i++)
		jobs[i] = job_new(0);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(pool_submit(pool, jobs[i]));
		wait_inside(i + 1);
	}
	for (int i = 2; i < 5; i++)
		assert_true(pool_submit(pool, jobs[i]));
	assert_false(pool_submit(pool, jobs[5]));
	pool_load(pool, &waiting, &working);
	assert_int_equal(waiting, 3);
	assert_int_equal(working, 2);
	world.most = 5;
	open_gate(true);
	event_base_dispatch(world.base);
	assert_int_equal(world.done, 5);
	pool_load(pool, &waiting, &working);
	assert_int_equal(waiting, 0);
	assert_int_equal(working, 0);
	for (int i = 0; i < 6; i++)
		job_free(jobs[i]);
	pool_free(pool);
	event_base_free(world.base);
}

static void test_pool__one_worker__in_order(void **state)
{
	struct pool *pool = start(1, 16);
	struct job *jobs[16];

	(void)state;
	open_gate(true);
	world.most = 16;
	for (int i = 0; i < 16; i++) {
		jobs[i] = job_new(0);
		assert_true(pool_submit(pool, jobs[i]));
	}
	event_base_dispatch(world.base);
	for (int i = 0; i < 16; i++) {
		assert_ptr_equal(world.order[i], jobs[i]);
		job_free(jobs[i]);
	}
	pool_free(pool);
	event_base_free(world.base);
}

/* What waits and what is done and not fetched is freed: the sanitizers look. */
static void test_pool_free__jobs_left__freed(void **state)
{
	struct pool *pool = start(1, 4);

	(void)state;
	assert_true(pool_submit(pool, job_new(10)));
	wait_inside(1);
	assert_true(pool_submit(pool, job_new(10)));
	assert_true(pool_submit(pool, job_new(10)));
	open_gate(true);
	pool_free(pool);
	assert_int_equal(world.done, 0);
	event_base_free(world.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pool__queue_full__refused),
	    cmocka_unit_test(test_pool__one_worker__in_order),
	    cmocka_unit_test(test_pool_free__jobs_left__freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
