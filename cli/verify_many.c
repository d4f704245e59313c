#include "cli/verify_many.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "cli/cli.h"

enum { PROGRESS_MS = 100, TABLE_BYTES_MAX = 256 << 20 };

/* What the threads share. Jobs are taken in order; each is one thread's alone. */
struct crew {
	const struct verify_many *many;
	struct verify_jobs jobs;
	atomic_size_t next, finished, refused;
	atomic_bool stop;
	pthread_mutex_t lock; /* of the fault, and of what follows */
	pthread_cond_t ended;
	size_t running;
	enum tobi_err err;
	struct tobi_fault fault;
};

static volatile sig_atomic_t interrupted; /* NOLINT: a handler has no context */

static void on_interrupt(int number)
{
	interrupted = number;
}

static void keep_fault(struct crew *crew, enum tobi_err err,
		       const struct tobi_fault *fault)
{
	pthread_mutex_lock(&crew->lock);
	if (!crew->err) {
		crew->err = err;
		crew->fault = *fault;
	}
	pthread_mutex_unlock(&crew->lock);
	atomic_store(&crew->stop, true);
}

static void *work(void *argument)
{
	struct crew *crew = argument;

	while (!atomic_load(&crew->stop)) {
		size_t index = atomic_fetch_add(&crew->next, 1);
		struct tobi_fault fault = {0};
		struct verify_job *job;
		enum tobi_err err;

		if (index >= crew->jobs.count)
			break;
		job = &crew->jobs.jobs[index];
		err = verify_job_run(&crew->many->common, crew->many->collateral, job,
				     &fault);
		if (err)
			keep_fault(crew, err, &fault);
		for (size_t i = 0; i < job->count; i++)
			atomic_fetch_add(&crew->refused,
					 job->rows[i].state != VERIFY_ACCEPTED);
		atomic_fetch_add(&crew->finished, 1);
	}
	pthread_mutex_lock(&crew->lock);
	crew->running--;
	pthread_cond_signal(&crew->ended);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static void show_progress(struct crew *crew)
{
	fprintf(stderr, "\r%zu of %zu, %zu not accepted ", atomic_load(&crew->finished),
		crew->jobs.count, atomic_load(&crew->refused));
	fflush(stderr);
}

/* Until all threads have ended; a signal makes them stop at their next job. */
static void wait_for_all(struct crew *crew)
{
	bool terminal = isatty(STDERR_FILENO);
	struct timespec until;

	pthread_mutex_lock(&crew->lock);
	while (crew->running) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		pthread_cond_timedwait(&crew->ended, &crew->lock, &until);
		if (interrupted)
			atomic_store(&crew->stop, true);
		if (terminal)
			show_progress(crew);
	}
	pthread_mutex_unlock(&crew->lock);
	/* The line goes, for what follows is the table. */
	if (terminal)
		fputs("\r\033[K", stderr);
}

static size_t thread_count(const struct crew *crew)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = online < 1 ? 1 : (size_t)online;

	if (count > VERIFY_THREADS_MAX)
		count = VERIFY_THREADS_MAX;
	return count < crew->jobs.count ? count : crew->jobs.count;
}

static enum tobi_err run_threads(struct crew *crew, struct tobi_fault *fault)
{
	pthread_t threads[VERIFY_THREADS_MAX];
	size_t wanted = thread_count(crew), started = 0;

	crew->running = wanted;
	while (started < wanted &&
	       pthread_create(&threads[started], NULL, work, crew) == 0)
		started++;
	pthread_mutex_lock(&crew->lock);
	crew->running -= wanted - started;
	pthread_mutex_unlock(&crew->lock);
	if (wanted && !started)
		return fault_set(fault, TOBI_E_SYSTEM, "threads", "",
				 "cannot start a thread");
	wait_for_all(crew);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (crew->err)
		*fault = crew->fault;
	return crew->err;
}

static int write_table(const struct crew *crew, double seconds)
{
	CLEANUP(wr_done) struct writer out = wr_init(TABLE_BYTES_MAX);
	struct tobi_fault fault = {0};
	bool color = !crew->many->out && !crew->many->json && cli_color(stdout);
	int exit;

	if (verify_table_write(&crew->jobs, crew->many->json, color, seconds, &out,
			       &fault))
		return cli_fail(&fault);
	exit = cli_put(crew->many->out, wr_view(&out));
	if (exit != EXIT_ACCEPTED)
		return exit;
	if (verify_table_count(&crew->jobs, VERIFY_UNREADABLE))
		return EXIT_ERROR;
	return verify_table_count(&crew->jobs, VERIFY_REFUSED) ? EXIT_REFUSED
							       : EXIT_ACCEPTED;
}

/* As a process dies that does not catch it, once nothing of ours is on the terminal. */
static int die_by(int number)
{
	signal(number, SIG_DFL);
	raise(number);
	return EXIT_ERROR;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int run(struct crew *crew)
{
	struct tobi_fault fault = {0};
	double start = now();
	enum tobi_err err = verify_find_jobs(&crew->many->common, crew->many->paths,
					     crew->many->path_count,
					     crew->many->collateral, &crew->jobs, &fault);

	if (!err && crew->jobs.count == 0)
		err = fault_set(&fault, TOBI_E_NOT_FOUND, "evidence", "",
				"there is no file");
	if (!err && !interrupted)
		err = run_threads(crew, &fault);
	if (interrupted) {
		fprintf(stderr, "tobichi: stopped; nothing was written\n");
		return die_by(interrupted);
	}
	return err ? cli_fail(&fault) : write_table(crew, now() - start);
}

int verify_many_run(const struct verify_many *many)
{
	struct crew crew = {.many = many,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .ended = PTHREAD_COND_INITIALIZER};
	struct sigaction action = {.sa_handler = on_interrupt};
	int exit;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* jansson seeds its tables with its first one, which must be one thread's. */
	json_object_seed(0);
	exit = run(&crew);
	verify_jobs_done(&crew.jobs);
	return exit;
}
