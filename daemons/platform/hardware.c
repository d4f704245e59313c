#include "daemons/platform/hardware.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/bounded.h"
#include "attest/collection.h"
#include "base/fault.h"
#include "base/secret.h"

static const char object[] = "attester";

enum { HUNG_MAX = 8 };

struct job {
	TAILQ_ENTRY(job) entry;
	struct enclave *enclave; /* NULL: it has ended */
	uint8_t hash[32];
};

struct hardware {
	struct event_base *base;
	struct hardware_setup setup;
	const struct attester *attester;
	TAILQ_HEAD(, job) jobs; /* the first one runs, when pid is one */
	pid_t pid;
	pid_t hung[HUNG_MAX]; /* were killed, and were not gone at once */
	size_t hung_count;
	int fd;
	struct event *readable, *timer;
	struct writer answer;
};

static void run_next(struct hardware *hardware);

static struct attest_request request_of(const struct hardware *hardware)
{
	const struct hardware_setup *setup = &hardware->setup;

	return (struct attest_request){.device = setup->device,
				       .data_size = 32,
				       .privilege = -1,
				       .with_logs = setup->with_logs,
				       .tpm = setup->tpm,
				       .metadata = setup->metadata ? setup->metadata
								   : ATTEST_METADATA,
				       .quotes = setup->quotes};
}

/* Those that hang in a driver are gone when it lets them go. */
static void reap_hung(struct hardware *hardware)
{
	size_t left = 0;

	for (size_t i = 0; i < hardware->hung_count; i++) {
		if (waitpid(hardware->hung[i], NULL, WNOHANG) == 0)
			hardware->hung[left++] = hardware->hung[i];
	}
	hardware->hung_count = left;
}

/* The process is over, or is made to be. ended: it has closed its end, as it does last.
 */
static void stop(struct hardware *hardware, bool ended)
{
	if (hardware->readable)
		event_free(hardware->readable);
	hardware->readable = NULL;
	event_del(hardware->timer);
	fd_close(&hardware->fd);
	reap_hung(hardware);
	if (hardware->pid > 0) {
		kill(hardware->pid, SIGKILL);
		if (waitpid(hardware->pid, NULL, ended ? 0 : WNOHANG) == 0)
			hardware->hung[hardware->hung_count++] = hardware->pid;
	}
	hardware->pid = -1;
}

/* The largest of those that leave no room: what asks for it refuses then. */
static bool leave_out_a_log(struct attest_output *output)
{
	size_t largest = output->piece_count;

	for (size_t i = 0; i < output->piece_count; i++) {
		if (output->pieces[i].kind == ATTEST_LOG &&
		    (largest == output->piece_count ||
		     output->pieces[i].bytes.size > output->pieces[largest].bytes.size))
			largest = i;
	}
	if (largest == output->piece_count)
		return false;
	fprintf(stderr, "event=note fault=\"%s is left out: it leaves no room\"\n",
		output->pieces[largest].name);
	attest_piece_drop(output, largest);
	return true;
}

static enum tobi_err write_guest(struct attest_output *output, struct writer *guest,
				 struct tobi_fault *fault)
{
	enum tobi_err err;

	do {
		wr_done(guest);
		*guest = wr_init(LIMIT_GUEST);
		err = collection_write(output, (struct tobi_bytes){0}, guest, fault);
	} while (err == TOBI_E_LIMIT && leave_out_a_log(output));
	return err;
}

static enum tobi_err read_answer(const struct hardware *hardware, struct writer *guest,
				 struct tobi_fault *fault)
{
	CLEANUP(attest_output_done) struct attest_output output = attest_output_init();
	enum tobi_err err =
	    wr_err(&hardware->answer)
		? fault_set(fault, wr_err(&hardware->answer), object, "",
			    "the answer is too large")
		: bounded_read(wr_view(&hardware->answer), &output, fault);

	return err ? err : write_guest(&output, guest, fault);
}

/* The first job has its answer. done() may ask again. */
static void finish(struct hardware *hardware, bool ended, const struct tobi_fault *why)
{
	CLEANUP(wr_done) struct writer guest = wr_init(LIMIT_GUEST);
	struct job *job = TAILQ_FIRST(&hardware->jobs);
	struct tobi_fault fault = {0};

	stop(hardware, ended);
	if (!why && read_answer(hardware, &guest, &fault))
		why = &fault;
	wr_done(&hardware->answer);
	TAILQ_REMOVE(&hardware->jobs, job, entry);
	if (job->enclave)
		hardware->setup.done(job->enclave, job->hash, wr_view(&guest), why);
	free(job);
	run_next(hardware);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct hardware *hardware = context;
	uint8_t chunk[4096];
	ssize_t got = read(fd, chunk, sizeof(chunk));

	(void)what;
	if (got > 0)
		wr_bytes(&hardware->answer, chunk, (size_t)got);
	else if (got == 0 || (errno != EINTR && errno != EAGAIN))
		finish(hardware, got == 0, NULL);
}

static void on_late(evutil_socket_t fd, short what, void *context)
{
	struct tobi_fault fault = {0};

	(void)fd, (void)what;
	fault_set(&fault, TOBI_E_TIMEOUT, object, "", "the device does not answer");
	finish(context, false, &fault);
}

static enum tobi_err start(struct hardware *hardware, const struct job *job,
			   struct tobi_fault *fault)
{
	struct attest_request request = request_of(hardware);
	const struct timeval wait = {hardware->setup.timeout_ms / 1000,
				     hardware->setup.timeout_ms % 1000 * 1000L};
	enum tobi_err err;

	reap_hung(hardware);
	if (hardware->hung_count == HUNG_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "",
				 "the device hangs: %d of those who asked it did not end",
				 HUNG_MAX);
	bytes_copy(request.data, sizeof(request.data), job->hash, sizeof(job->hash));
	hardware->answer = wr_init(BOUNDED_MAX);
	err = bounded_start(hardware->attester, &request, &hardware->pid, &hardware->fd,
			    fault);
	if (err)
		return err;
	hardware->readable = event_new(hardware->base, hardware->fd, EV_READ | EV_PERSIST,
				       on_readable, hardware);
	if (fcntl(hardware->fd, F_SETFL, O_NONBLOCK) || !hardware->readable ||
	    event_add(hardware->readable, NULL) || event_add(hardware->timer, &wait))
		return fault_set(fault, TOBI_E_MEMORY, object, "",
				 "no room for an event");
	return TOBI_OK;
}

/* Those of enclaves that have ended are left out. */
static void run_next(struct hardware *hardware)
{
	struct tobi_fault fault = {0};
	struct job *job;

	if (hardware->pid >= 0)
		return; /* the first one runs, whether somebody still waits or not */
	while ((job = TAILQ_FIRST(&hardware->jobs)) != NULL && !job->enclave) {
		TAILQ_REMOVE(&hardware->jobs, job, entry);
		free(job);
	}
	if (job && start(hardware, job, &fault))
		finish(hardware, false, &fault);
}

enum tobi_err hardware_report(struct hardware *hardware, struct enclave *enclave,
			      const uint8_t hash[static 32], struct tobi_fault *fault)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	job->enclave = enclave;
	bytes_copy(job->hash, sizeof(job->hash), hash, sizeof(job->hash));
	TAILQ_INSERT_TAIL(&hardware->jobs, job, entry);
	run_next(hardware);
	return TOBI_OK;
}

bool hardware_forget(struct hardware *hardware, const struct enclave *enclave)
{
	struct job *job;
	bool found = false;

	TAILQ_FOREACH(job, &hardware->jobs, entry)
	{
		if (job->enclave != enclave)
			continue;
		job->enclave = NULL;
		found = true;
	}
	return found;
}

enum tobi_err hardware_new(struct service *service, const struct hardware_setup *setup,
			   struct hardware **ret_hardware, struct tobi_fault *fault)
{
	struct hardware *hardware = calloc(1, sizeof(*hardware));
	struct attest_request request;
	const char *kind = NULL;
	enum tobi_err err;

	if (!hardware)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	hardware->base = service->base;
	hardware->setup = *setup;
	hardware->pid = hardware->fd = -1;
	TAILQ_INIT(&hardware->jobs);
	hardware->attester = attester_named(setup->attester);
	hardware->timer = evtimer_new(service->base, on_late, hardware);
	request = request_of(hardware);
	if (!hardware->timer)
		err = fault_set(fault, TOBI_E_MEMORY, object, "", "no room for an event");
	else if (!hardware->attester)
		err = fault_set(fault, TOBI_E_ARGUMENT, object, "",
				"'%.40s' is none that is known; tobichi attest --list "
				"shows them",
				setup->attester);
	else if (hardware->attester->one_process)
		err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				"%s is of one process, and no enclave can run inside: "
				"there, run tobichi attest",
				setup->attester);
	else
		err = bounded_present(hardware->attester, &request, setup->timeout_ms,
				      &kind, fault);
	if (err) {
		hardware_free(hardware);
		return err;
	}
	*ret_hardware = hardware;
	return TOBI_OK;
}

void hardware_free(struct hardware *hardware)
{
	struct job *job;

	if (!hardware)
		return;
	if (hardware->timer) {
		stop(hardware, false);
		event_free(hardware->timer);
	}
	while ((job = TAILQ_FIRST(&hardware->jobs)) != NULL) {
		TAILQ_REMOVE(&hardware->jobs, job, entry);
		free(job);
	}
	wr_done(&hardware->answer);
	free(hardware);
}
