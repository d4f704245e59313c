#include "daemons/broker/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"

struct queue {
	struct job *first, **last;
	unsigned count;
};

struct pool {
	struct pool_setup setup;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct queue waiting, done;
	unsigned working, started;
	bool ending;
	int wake;
	struct event *woken;
	pthread_t *threads;
};

static void queue_init(struct queue *queue)
{
	*queue = (struct queue){.last = &queue->first};
}

static void queue_put(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
	queue->count++;
}

static struct job *queue_take(struct queue *queue)
{
	struct job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->count--;
	return job;
}

static void *work(void *context)
{
	struct pool *pool = context;
	const uint64_t one = 1;

	pthread_mutex_lock(&pool->lock);
	while (true) {
		struct job *job = queue_take(&pool->waiting);

		if (!job && pool->ending)
			break;
		if (!job) {
			pthread_cond_wait(&pool->wanted, &pool->lock);
			continue;
		}
		pool->working++;
		pthread_mutex_unlock(&pool->lock);
		pool->setup.run(pool->setup.context, job);
		pthread_mutex_lock(&pool->lock);
		pool->working--;
		queue_put(&pool->done, job);
		/* Once for all that is done until the loop looks; and without the lock,
		 * which who is woken would wait for. */
		if (pool->done.count == 1) {
			pthread_mutex_unlock(&pool->lock);
			IGNORE(write(pool->wake, &one, sizeof(one)) < 0);
			pthread_mutex_lock(&pool->lock);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void on_woken(evutil_socket_t fd, short what, void *context)
{
	struct pool *pool = context;
	struct queue done;
	struct job *job;
	uint64_t count;

	(void)what;
	IGNORE(read((int)fd, &count, sizeof(count)) < 0);
	pthread_mutex_lock(&pool->lock);
	done = pool->done;
	if (!done.first)
		done.last = &done.first;
	queue_init(&pool->done);
	pthread_mutex_unlock(&pool->lock);
	while ((job = queue_take(&done)))
		pool->setup.done(pool->setup.context, job);
}

/* Signals are the loop's thread's. */
static enum tobi_err start_threads(struct pool *pool, struct tobi_fault *fault)
{
	sigset_t all, before;
	int failed = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->started < pool->setup.workers && !failed) {
		failed = pthread_create(&pool->threads[pool->started], NULL, work, pool);
		pool->started += !failed;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = failed;
	return failed ? fault_errno(fault, "broker", "workers", "no thread") : TOBI_OK;
}

enum tobi_err pool_new(const struct pool_setup *setup, struct pool **ret_pool,
		       struct tobi_fault *fault)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	enum tobi_err err = TOBI_OK;

	if (!pool)
		return fault_set(fault, TOBI_E_MEMORY, "broker", "", "out of memory");
	pool->setup = *setup;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wanted, NULL);
	queue_init(&pool->waiting);
	queue_init(&pool->done);
	pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pool->threads = calloc(setup->workers, sizeof(*pool->threads));
	if (pool->wake >= 0)
		pool->woken = event_new(setup->base, pool->wake, EV_READ | EV_PERSIST,
					on_woken, pool);
	if (!pool->threads || !pool->woken || event_add(pool->woken, NULL))
		err = fault_set(fault, TOBI_E_MEMORY, "broker", "workers",
				"out of memory or descriptors");
	if (!err)
		err = start_threads(pool, fault);
	if (err)
		pool_free(pool);
	else
		*ret_pool = pool;
	return err;
}

void pool_free(struct pool *pool)
{
	struct job *job;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	while ((job = queue_take(&pool->waiting)))
		job_free(job);
	pthread_cond_broadcast(&pool->wanted);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	while ((job = queue_take(&pool->done)))
		job_free(job);
	if (pool->woken)
		event_free(pool->woken);
	fd_close(&pool->wake);
	free(pool->threads);
	pthread_cond_destroy(&pool->wanted);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

bool pool_submit(struct pool *pool, struct job *job)
{
	bool room;

	pthread_mutex_lock(&pool->lock);
	room = pool->waiting.count < pool->setup.queue;
	if (room)
		queue_put(&pool->waiting, job);
	pthread_mutex_unlock(&pool->lock);
	if (room)
		pthread_cond_signal(&pool->wanted);
	return room;
}

void pool_load(struct pool *pool, uint64_t *ret_waiting, uint64_t *ret_working)
{
	pthread_mutex_lock(&pool->lock);
	*ret_waiting = pool->waiting.count;
	*ret_working = pool->working;
	pthread_mutex_unlock(&pool->lock);
}
