#include "attest/bounded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/logs.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "codec/cbor.h"

static const char object[] = "attester";

/* {0: error} with {1: object, 2: field, 3: message}, or {0: 0, 4: kind, 5: evidence,
 * 6: note, 7: [[kind, name, bytes]]}. Between two processes of one program. */
void bounded_write(enum tobi_err err, const struct tobi_fault *why,
		   const struct attest_output *output, struct writer *out)
{
	cbor_write_map(out, err ? 4 : 5);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, err);
	if (err) {
		const char *const texts[] = {why->object, why->field, why->message};

		for (size_t i = 0; i < 3; i++) {
			cbor_write_uint(out, i + 1);
			cbor_write_bytes(out, bytes_of_text(texts[i]));
		}
		return;
	}
	cbor_write_uint(out, 4);
	cbor_write_text(out, output->kind);
	cbor_write_uint(out, 5);
	cbor_write_bytes(out, wr_view(&output->evidence));
	cbor_write_uint(out, 6);
	cbor_write_bytes(out, bytes_of_text(output->note));
	cbor_write_uint(out, 7);
	cbor_write_array(out, output->piece_count);
	for (size_t i = 0; i < output->piece_count; i++) {
		cbor_write_array(out, 3);
		cbor_write_uint(out, output->pieces[i].kind);
		cbor_write_bytes(out, bytes_of_text(output->pieces[i].name));
		cbor_write_bytes(out, wr_view(&output->pieces[i].bytes));
	}
}

static void take_text(struct cbor *cbor, const char *field, char *out, size_t room)
{
	struct tobi_bytes text = cbor_bytes(cbor, room - 1, field);

	snprintf(out, room, "%.*s", (int)text.size, (const char *)text.ptr);
}

static enum tobi_err read_fault(struct cbor *cbor, struct cbor_map *map,
				enum tobi_err code, struct tobi_fault *fault)
{
	struct tobi_fault why = {.code = code};
	enum tobi_err err;

	cbor_map_expect(cbor, map, 1, "object");
	take_text(cbor, "object", why.object, sizeof(why.object));
	cbor_map_expect(cbor, map, 2, "field");
	take_text(cbor, "field", why.field, sizeof(why.field));
	cbor_map_expect(cbor, map, 3, "message");
	take_text(cbor, "message", why.message, sizeof(why.message));
	err = cbor_finish(cbor, object, fault);
	if (err)
		return err;
	if (fault)
		*fault = why;
	return code;
}

static void read_pieces(struct cbor *cbor, struct attest_output *output)
{
	size_t count = cbor_array(cbor, LIMIT_PIECES, "pieces");

	for (size_t i = 0; i < count && !cbor_failed(cbor); i++) {
		char name[ATTEST_NAME_MAX];
		struct tobi_bytes bytes;
		struct writer *piece;
		enum attest_piece_kind kind;

		if (cbor_array(cbor, 3, "piece") != 3)
			cbor_fail(cbor, TOBI_E_MALFORMED, "piece");
		kind = (enum attest_piece_kind)cbor_uint_max(cbor, ATTEST_EXTRA, "kind");
		take_text(cbor, "name", name, sizeof(name));
		bytes = cbor_bytes(cbor, LIMIT_EVIDENCE, "bytes");
		piece = cbor_failed(cbor) ? NULL : attest_piece_add(output, kind, name);
		if (piece)
			wr_bytes(piece, bytes.ptr, bytes.size);
	}
}

enum tobi_err bounded_read(struct tobi_bytes bytes, struct attest_output *output,
			   struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 5, "answer");
	const char *kind;
	struct tobi_bytes evidence;
	enum tobi_err code;

	cbor_map_expect(&cbor, &map, 0, "error");
	code = (enum tobi_err)cbor_uint_max(&cbor, TOBI_E_REFUSED, "error");
	if (code && !cbor_failed(&cbor))
		return read_fault(&cbor, &map, code, fault);
	cbor_map_expect(&cbor, &map, 4, "kind");
	kind = attest_kind(cbor_text(&cbor, LIMIT_NAME, "kind"));
	cbor_map_expect(&cbor, &map, 5, "evidence");
	evidence = cbor_bytes(&cbor, LIMIT_EVIDENCE, "evidence");
	cbor_map_expect(&cbor, &map, 6, "note");
	take_text(&cbor, "note", output->note, sizeof(output->note));
	cbor_map_expect(&cbor, &map, 7, "pieces");
	read_pieces(&cbor, output);
	if (!kind)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "kind");
	output->kind = kind;
	wr_bytes(&output->evidence, evidence.ptr, evidence.size);
	return cbor_finish(&cbor, object, fault);
}

/* Nothing of the caller's stays open in it, and it does not outlive the caller. */
static bool detach(int *fd)
{
	enum { KEPT = 3 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(*fd, KEPT) < 0 ||
	    syscall(SYS_close_range, KEPT + 1, ~0u, 0))
		return false;
	*fd = KEPT;
	return true;
}

static enum tobi_err ask(const struct attester *attester,
			 const struct attest_request *request,
			 struct attest_output *output, struct tobi_fault *fault)
{
	enum tobi_err err = attester_run(attester, request, output, fault);

	return !err && request->with_logs ? logs_add(request, output, fault) : err;
}

/* Only of what kind its evidence would be. */
static enum tobi_err look(const struct attester *attester,
			  const struct attest_request *request,
			  struct attest_output *output, struct tobi_fault *fault)
{
	return attester->present(request, &output->kind, fault);
}

typedef enum tobi_err task_fn(const struct attester *attester,
			      const struct attest_request *request,
			      struct attest_output *output, struct tobi_fault *fault);

static _Noreturn void work(task_fn *task, const struct attester *attester,
			   const struct attest_request *request, int fd)
{
	struct attest_output output = attest_output_init();
	struct writer out = wr_init(BOUNDED_MAX);
	struct tobi_fault why = {0};
	enum tobi_err err;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (!detach(&fd))
		_exit(1);
	err = task(attester, request, &output, &why);
	bounded_write(err, &why, &output, &out);
	_exit(wr_err(&out) || fd_write_all(fd, wr_view(&out), object, NULL));
}

static enum tobi_err start(task_fn *task, const struct attester *attester,
			   const struct attest_request *request, pid_t *ret_pid,
			   int *ret_fd, struct tobi_fault *fault)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return fault_errno(fault, object, "", "no pipe");
	pid = fork();
	if (pid == 0) {
		close(pipes[0]);
		work(task, attester, request, pipes[1]);
	}
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return fault_errno(fault, object, "", "no process for it");
	}
	*ret_pid = pid;
	*ret_fd = pipes[0];
	return TOBI_OK;
}

enum tobi_err bounded_start(const struct attester *attester,
			    const struct attest_request *request, pid_t *ret_pid,
			    int *ret_fd, struct tobi_fault *fault)
{
	return start(ask, attester, request, ret_pid, ret_fd, fault);
}

/* Until the process has said all. */
static enum tobi_err receive(int fd, int timer, struct writer *out,
			     struct tobi_fault *fault)
{
	struct pollfd waited[] = {{.fd = fd, .events = POLLIN},
				  {.fd = timer, .events = POLLIN}};
	uint8_t chunk[4096];
	ssize_t got = 1;

	while (got > 0) {
		int ready = poll(waited, 2, -1);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0 || waited[1].revents)
			return fault_set(fault, TOBI_E_TIMEOUT, object, "",
					 "the device does not answer; it is left alone");
		do {
			got = read(fd, chunk, sizeof(chunk));
		} while (got < 0 && errno == EINTR);
		if (got > 0)
			wr_bytes(out, chunk, (size_t)got);
	}
	return wr_err(out)
		   ? fault_set(fault, wr_err(out), object, "", "the answer is too large")
		   : TOBI_OK;
}

static int start_timer(unsigned ms)
{
	const struct itimerspec time = {
	    .it_value = {ms / 1000, ms % 1000 * 1000000L + 1}};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (timer >= 0 && timerfd_settime(timer, 0, &time, NULL))
		fd_close(&timer);
	return timer;
}

static enum tobi_err run(task_fn *task, const struct attester *attester,
			 const struct attest_request *request, unsigned timeout_ms,
			 struct attest_output *output, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer answer = wr_init(BOUNDED_MAX);
	CLEANUP(fd_close) int fd = -1;
	CLEANUP(fd_close) int timer = start_timer(timeout_ms);
	pid_t pid = -1;
	enum tobi_err err;

	if (timer < 0)
		return fault_errno(fault, object, "", "no timer");
	err = start(task, attester, request, &pid, &fd, fault);
	if (err)
		return err;
	err = receive(fd, timer, &answer, fault);
	kill(pid, SIGKILL);
	/* One that hangs in a driver ends when that comes back; init waits for it. */
	while (waitpid(pid, NULL, err ? WNOHANG : 0) < 0 && errno == EINTR)
		;
	if (!err && !answer.size)
		err = fault_set(fault, TOBI_E_SYSTEM, object, "", "its process ended");
	return err ? err : bounded_read(wr_view(&answer), output, fault);
}

enum tobi_err bounded_run(const struct attester *attester,
			  const struct attest_request *request, unsigned timeout_ms,
			  struct attest_output *output, struct tobi_fault *fault)
{
	return run(ask, attester, request, timeout_ms, output, fault);
}

enum tobi_err bounded_present(const struct attester *attester,
			      const struct attest_request *request, unsigned timeout_ms,
			      const char **ret_kind, struct tobi_fault *fault)
{
	CLEANUP(attest_output_done) struct attest_output output = attest_output_init();
	enum tobi_err err = run(look, attester, request, timeout_ms, &output, fault);

	if (!err)
		*ret_kind = output.kind;
	return err;
}

enum tobi_err bounded_find(const struct attest_request *request, unsigned timeout_ms,
			   const struct attester **ret_attester, struct tobi_fault *fault)
{
	const struct attester *attester;
	struct tobi_fault why = {0};
	const char *kind = NULL;

	for (size_t i = 0; (attester = attester_at(i)); i++) {
		enum tobi_err err =
		    bounded_present(attester, request, timeout_ms, &kind, &why);

		if (!err) {
			*ret_attester = attester;
			return TOBI_OK;
		}
		/* It is there, and cannot be used: another one would not be what the
		 * caller thinks of. */
		if (err != TOBI_E_NOT_FOUND)
			return fault_set(fault, err, object, attester->name, "%s",
					 why.message);
	}
	return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
			 "this machine has no device that attests; tobichi attest --list "
			 "says what was looked for");
}
