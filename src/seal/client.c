#include "seal/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "ipc/packet.h"
#include "seal/memfile.h"

#define OBJECT "agent socket"

/* One that waits for its turn among many, with a slow TPM behind. */
enum { ANSWER_TIMEOUT_MS = 120000, AGENT_PID = 1 };

/* flags: SOCK_NONBLOCK, or none. */
static enum tobi_err reach(const char *path, int flags, int *ret_fd,
			   struct tobi_fault *fault)
{
	CLEANUP(fd_close)
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (fd < 0)
		return fault_errno(fault, OBJECT, "", "no socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "", "its path is too long");
	bytes_copy(address.sun_path, sizeof(address.sun_path), path, strlen(path));
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		*ret_fd = fd;
		fd = -1;
		return TOBI_OK;
	}
	if (errno == EAGAIN)
		return fault_set(fault, TOBI_E_TIMEOUT, OBJECT, "",
				 "others are asking the agent");
	if (errno == ENOENT || errno == ENOTDIR || errno == EACCES ||
	    errno == ECONNREFUSED)
		return fault_set(fault, TOBI_E_NOT_FOUND, OBJECT, "",
				 "there is no agent at %s: this works only inside an "
				 "enclave",
				 path);
	return fault_errno(fault, OBJECT, "", "cannot reach the agent");
}

enum tobi_err client_connect_to(const char *path, int *ret_fd, struct tobi_fault *fault)
{
	return reach(path, 0, ret_fd, fault);
}

static enum tobi_err reach_agent(int flags, int *ret_fd, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int fd = -1;
	pid_t pid = 0;
	uid_t uid = 0;
	enum tobi_err err = reach(ASK_FOLDER "/" ASK_SOCKET, flags, &fd, fault);

	if (!err)
		err = packet_peer(fd, &uid, &pid, fault);
	/* Elsewhere than in an enclave that path may be anybody's. */
	if (!err && pid != AGENT_PID)
		err = fault_set(fault, TOBI_E_DENIED, OBJECT, "",
				"it is not the agent of an enclave who listens there");
	if (err)
		return err;
	*ret_fd = fd;
	fd = -1;
	return TOBI_OK;
}

enum tobi_err client_connect(int *ret_fd, struct tobi_fault *fault)
{
	return reach_agent(0, ret_fd, fault);
}

enum tobi_err client_connect_now(int *ret_fd, struct tobi_fault *fault)
{
	return reach_agent(SOCK_NONBLOCK, ret_fd, fault);
}

static enum tobi_err wait_for_answer(int fd, struct tobi_fault *fault)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&wait, 1, ANSWER_TIMEOUT_MS);
	while (ready < 0 && errno == EINTR);
	return ready > 0 ? TOBI_OK
			 : fault_set(fault, TOBI_E_TIMEOUT, OBJECT, "",
				     "the agent does not answer");
}

enum tobi_err client_exchange(int fd, const struct ask *ask, int content,
			      struct packet *ret_packet, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_ASK);
	enum tobi_err err;

	ask_write(&out, ask);
	if (wr_err(&out))
		return fault_set(fault, wr_err(&out), OBJECT, "",
				 "it is too much to ask; shorten the policy");
	err = packet_send(fd, wr_view(&out), &content, content >= 0, fault);
	if (!err)
		err = wait_for_answer(fd, fault);
	return err ? err : packet_receive(fd, LIMIT_ASK, ret_packet, fault);
}

enum tobi_err client_ask(int fd, const struct ask *ask, struct tobi_bytes content,
			 struct answer *ret_answer, int *ret_content,
			 struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	CLEANUP(fd_close) int file = -1;
	struct answer answer;
	enum tobi_err err = TOBI_OK;

	if (ask->kind != ASK_COUNTER)
		err = memfile_new(content, &file, fault);
	if (!err)
		err = client_exchange(fd, ask, file, &packet, fault);
	if (!err)
		err = answer_parse(wr_view(&packet.bytes), &answer, fault);
	if (!err &&
	    answer.kind != (ask->kind == ASK_COUNTER ? ANSWER_COUNTER : ANSWER_CONTENT))
		err = fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "answer",
				"it is to another question");
	if (!err && packet.fd_count != (answer.kind == ANSWER_CONTENT))
		err = fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "answer",
				"it came with %zu descriptors", packet.fd_count);
	if (err)
		return err;
	*ret_answer = answer;
	*ret_content = packet_take_fd(&packet, 0);
	return TOBI_OK;
}

enum tobi_err client_ask_connection(int fd, const struct ask *ask, int *ret_stream,
				    int *ret_ended, struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct answer answer;
	enum tobi_err err = client_exchange(fd, ask, -1, &packet, fault);

	if (!err)
		err = answer_parse(wr_view(&packet.bytes), &answer, fault);
	if (!err && (answer.kind != ANSWER_CONNECTED || packet.fd_count != 2))
		err = fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "answer",
				"it is to another question");
	if (err)
		return err;
	*ret_stream = packet_take_fd(&packet, 0);
	*ret_ended = packet_take_fd(&packet, 1);
	return TOBI_OK;
}

static enum tobi_err read_content(int fd, size_t ceiling, uint8_t **ret_content,
				  size_t *ret_size, struct tobi_fault *fault)
{
	uint8_t *content;
	size_t size = 0;
	enum tobi_err err = memfile_size(fd, ceiling, &size, fault);

	if (err)
		return err;
	content = malloc(size ? size : 1);
	if (!content)
		return fault_set(fault, TOBI_E_MEMORY, "content", "", "out of memory");
	err = fd_pread_all(fd, content, size, 0, "content", fault);
	if (err) {
		tobi_seal_free(content, size);
		return err;
	}
	*ret_content = content;
	*ret_size = size;
	return TOBI_OK;
}

static enum tobi_err ask_for_content(const struct ask *ask, struct tobi_bytes content,
				     size_t ceiling, uint8_t **ret_content,
				     size_t *ret_size, struct tobi_fault *fault)
{
	CLEANUP(fd_close) int agent = -1;
	CLEANUP(fd_close) int file = -1;
	struct answer answer;
	enum tobi_err err = TOBI_OK;

	if (ask->associated.size > TOBI_SEAL_ASSOCIATED_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "associated data", "size",
				 "%zu bytes; %d are allowed", ask->associated.size,
				 TOBI_SEAL_ASSOCIATED_MAX);
	err = client_connect(&agent, fault);
	if (!err)
		err = client_ask(agent, ask, content, &answer, &file, fault);
	return err ? err : read_content(file, ceiling, ret_content, ret_size, fault);
}

enum tobi_err tobi_seal(const struct tobi_seal_policy *policy, struct tobi_bytes content,
			struct tobi_bytes associated, uint8_t **ret_sealed,
			size_t *ret_size, struct tobi_fault *fault)
{
	struct ask ask = {.kind = ASK_SEAL,
			  .to = policy->to,
			  .signer = policy->signer,
			  .associated = associated};
	enum tobi_err err = ask_check_policy(ask.to, ask.signer, fault);

	if (err)
		return err;
	if (content.size > TOBI_SEAL_CONTENT_MAX)
		return fault_set(fault, TOBI_E_LIMIT, "content", "size",
				 "%zu bytes; %d are allowed", content.size,
				 TOBI_SEAL_CONTENT_MAX);
	return ask_for_content(&ask, content, TOBI_SEAL_CONTENT_MAX + TOBI_SEAL_OVERHEAD,
			       ret_sealed, ret_size, fault);
}

enum tobi_err tobi_unseal(struct tobi_bytes sealed, struct tobi_bytes associated,
			  uint8_t **ret_content, size_t *ret_size,
			  struct tobi_fault *fault)
{
	struct ask ask = {.kind = ASK_UNSEAL, .associated = associated};

	if (sealed.size > TOBI_SEAL_CONTENT_MAX + TOBI_SEAL_OVERHEAD)
		return fault_set(fault, TOBI_E_LIMIT, "sealed object", "size",
				 "%zu bytes; %d are allowed", sealed.size,
				 TOBI_SEAL_CONTENT_MAX + TOBI_SEAL_OVERHEAD);
	return ask_for_content(&ask, sealed, TOBI_SEAL_CONTENT_MAX, ret_content, ret_size,
			       fault);
}

void tobi_seal_free(uint8_t *content, size_t size)
{
	if (content)
		explicit_bzero(content, size);
	free(content);
}

static enum tobi_err ask_counter(const struct tobi_seal_policy *policy, const char *name,
				 bool increment, struct tobi_counter *ret_counter,
				 struct tobi_fault *fault)
{
	CLEANUP(fd_close) int agent = -1;
	CLEANUP(fd_close) int none = -1;
	struct ask ask = {.kind = ASK_COUNTER,
			  .to = policy->to,
			  .signer = policy->signer,
			  .increment = increment,
			  .name = {(const uint8_t *)name, strlen(name)}};
	struct answer answer;
	enum tobi_err err = ask_check_policy(ask.to, ask.signer, fault);

	if (!err && !ask_name_is_valid(ask.name))
		err = fault_set(fault, TOBI_E_ARGUMENT, "counter", "name",
				"it has 1 to %d of A-Z a-z 0-9 . _ -",
				TOBI_COUNTER_NAME_MAX);
	if (!err)
		err = client_connect(&agent, fault);
	if (!err)
		err = client_ask(agent, &ask, (struct tobi_bytes){0}, &answer, &none,
				 fault);
	if (!err)
		*ret_counter = answer.counter;
	return err;
}

enum tobi_err tobi_counter_read(const struct tobi_seal_policy *policy, const char *name,
				struct tobi_counter *ret_counter,
				struct tobi_fault *fault)
{
	return ask_counter(policy, name, false, ret_counter, fault);
}

enum tobi_err tobi_counter_increment(const struct tobi_seal_policy *policy,
				     const char *name, struct tobi_counter *ret_counter,
				     struct tobi_fault *fault)
{
	return ask_counter(policy, name, true, ret_counter, fault);
}
