#include "daemons/platform/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "ipc/packet.h"
#include "isolate/isolate.h"
#include "pki/chain.h"

enum {
	MESSAGE_SIGN = 1,
	MESSAGE_SIGNATURE = 2,
	MESSAGE_DERIVE = 3,
	MESSAGE_KEY = 4,
	MESSAGE_PUBLIC = 5,
	MESSAGE_COUNTER = 6,
	MESSAGE_VALUE = 7,
	MESSAGE_QUOTE = 8,
	MESSAGE_QUOTED = 9,
	MESSAGE_CHECK = 10,
	MESSAGE_CHECKED = 11,
	MESSAGE_FAULT = 13,

	NONCE_SIZE = 32,
	LIMIT_MESSAGE = LIMIT_TOKEN + 256,
	LIMIT_OWNER_CHAIN = LIMIT_COSE_CHAIN * (LIMIT_CERTIFICATE + 8),
	LIMIT_PUBLIC = 2 * LIMIT_OWNER_CHAIN,
	ANSWER_TIMEOUT_MS = 10000,
	COUNTER_SIZE = 8,
};

/* A request, or its answer, which has the same number. */
struct message {
	uint64_t kind, number;
	struct tobi_bytes bytes;
};

static void write_message(struct writer *out, const struct message *message)
{
	cbor_write_map(out, 3);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, message->kind);
	cbor_write_uint(out, 1);
	cbor_write_uint(out, message->number);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, message->bytes);
}

static enum tobi_err read_message(struct tobi_bytes packet, struct message *ret_message,
				  struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(packet, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 3, "message");
	struct message message = {0};
	enum tobi_err err;

	if (cbor_map_expect(&cbor, &map, 0, "kind"))
		message.kind = cbor_uint(&cbor, "kind");
	if (cbor_map_expect(&cbor, &map, 1, "number"))
		message.number = cbor_uint(&cbor, "number");
	if (cbor_map_expect(&cbor, &map, 2, "bytes"))
		message.bytes = cbor_bytes(&cbor, LIMIT_TOKEN, "bytes");
	err = cbor_finish(&cbor, "signer's message", fault);
	if (!err)
		*ret_message = message;
	return err;
}

static bool is_fault(struct tobi_bytes packet)
{
	struct cbor cbor = cbor_init(packet, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 6, "message");

	return cbor_map_expect(&cbor, &map, 0, "kind") &&
	       cbor_uint(&cbor, "kind") == MESSAGE_FAULT;
}

/* One byte: 0 read, 1 increment. */
static enum tobi_err move_counter(struct root *root, struct tobi_bytes what,
				  uint8_t ret_value[static COUNTER_SIZE],
				  struct tobi_fault *fault)
{
	uint64_t value = 0;
	enum tobi_err err;

	if (what.size != 1 || what.ptr[0] > 1)
		return fault_set(fault, TOBI_E_PROTOCOL, "signer's message", "bytes",
				 "neither read nor increment");
	err = root_counter(root, what.ptr[0] == 1, &value, fault);
	store_be(ret_value, COUNTER_SIZE, value);
	return err;
}

static enum tobi_err quote(struct root *root, struct tobi_bytes nonce, struct writer *out,
			   struct tobi_fault *fault)
{
	if (nonce.size != NONCE_SIZE)
		return fault_set(fault, TOBI_E_PROTOCOL, "signer's message", "quote",
				 "its nonce has %d bytes", NONCE_SIZE);
	return root_quote(root, nonce, out, fault);
}

static enum tobi_err answer(struct root *root, struct tobi_bytes packet,
			    struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer made = wr_init(LIMIT_TPM_EVIDENCE);
	struct message message;
	uint8_t key[32], value[COUNTER_SIZE];
	enum tobi_err err = read_message(packet, &message, fault);

	if (err)
		return err;
	switch (message.kind) {
	case MESSAGE_SIGN:
		err = root_sign(root, message.bytes, &made, fault);
		message.kind = MESSAGE_SIGNATURE;
		message.bytes = wr_view(&made);
		break;
	case MESSAGE_DERIVE:
		err = root_derive(root, message.bytes, key, fault);
		message.kind = MESSAGE_KEY;
		message.bytes = (struct tobi_bytes){key, sizeof(key)};
		break;
	case MESSAGE_COUNTER:
		err = move_counter(root, message.bytes, value, fault);
		message.kind = MESSAGE_VALUE;
		message.bytes = (struct tobi_bytes){value, sizeof(value)};
		break;
	case MESSAGE_QUOTE:
		err = quote(root, message.bytes, &made, fault);
		message.kind = MESSAGE_QUOTED;
		message.bytes = wr_view(&made);
		break;
	case MESSAGE_CHECK:
		err = root_check(root, fault);
		message.kind = MESSAGE_CHECKED;
		message.bytes = (struct tobi_bytes){0};
		break;
	default:
		err = fault_set(fault, TOBI_E_PROTOCOL, "signer's message", "kind",
				"not known");
	}
	if (!err)
		write_message(out, &message);
	explicit_bzero(key, sizeof(key));
	return err;
}

/* Before the keys are there: no dumps, nothing of the service's but one socket. */
static bool close_in(int fd)
{
	const struct rlimit none = {0, 0};
	const int only = 3;

	signal(SIGINT, SIG_IGN); /* a terminal's; the service ends this process */
	signal(SIGTERM, SIG_IGN);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return false;
	if (fd != only && dup2(fd, only) < 0)
		return false;
	return !syscall(SYS_close_range, only + 1, ~0u, 0);
}

/* When they are read: no files, or what a device needs of them, and no new processes. */
static bool close_up(const struct root *root)
{
	const struct rlimit none = {0, 0}, few = {64, 64};

	if (setrlimit(RLIMIT_NPROC, &none))
		return false;
	if (root_opens_files(root))
		return !setrlimit(RLIMIT_NOFILE, &few) && !isolate_confine_signer(NULL);
	return !setrlimit(RLIMIT_NOFILE, &none) && !setrlimit(RLIMIT_FSIZE, &none);
}

static void write_public(struct writer *out, const struct root *root, bool locked)
{
	CLEANUP(wr_done) struct writer owner = wr_init(LIMIT_OWNER_CHAIN);
	const struct tobi_bytes *list;
	uint8_t ueid[33];
	size_t count = root_owner_chain(root, &list);

	if (count)
		cbor_write_array(&owner, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_bytes(&owner, list[i]);
	root_ueid(root, ueid);
	count = root_chain(root, &list);
	cbor_write_map(out, 8);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, MESSAGE_PUBLIC);
	cbor_write_uint(out, 1);
	cbor_write_text(out, root_kind(root));
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, (struct tobi_bytes){ueid, sizeof(ueid)});
	cbor_write_uint(out, 3);
	cbor_write_array(out, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_bytes(out, list[i]);
	cbor_write_uint(out, 4);
	cbor_write_bytes(out, wr_view(&owner));
	cbor_write_uint(out, 5);
	cbor_write_bool(out, locked);
	cbor_write_uint(out, 6);
	cbor_write_bool(out, root_has_counter(root));
	cbor_write_uint(out, 7);
	cbor_write_bool(out, root_has_quote(root));
	if (!wr_err(out) && wr_err(&owner))
		out->err = wr_err(&owner);
}

static void reply(int fd, struct writer *out, enum tobi_err err,
		  const struct tobi_fault *fault)
{
	if (err) {
		wr_done(out);
		packet_write_fault(out, MESSAGE_FAULT, fault);
	}
	if (wr_err(out) || packet_send(fd, wr_view(out), NULL, 0, NULL))
		_exit(1);
}

/* All memory, now and later. An ordinary user's limit on locked memory is often too low
 * for that: the service says so. The seal root is in secret memory in any case. Where a
 * token's module is still to be loaded the limit must have room for it: else it could not
 * be, and a token's keys are not in this memory anyway. */
static bool lock_memory(const char *folder)
{
	const size_t room = 64 << 20;
	void *probe;

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		return false;
	if (!root_will_open_files(folder))
		return true;
	probe = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (probe != MAP_FAILED)
		return !munmap(probe, room);
	munlockall();
	return false;
}

static struct root *open_root(const char *folder, int fd)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_PUBLIC);
	struct tobi_fault fault = {0};
	struct root *root = NULL;
	bool locked = lock_memory(folder);
	enum tobi_err err = root_open(folder, &root, &fault);

	if (!err)
		write_public(&out, root, locked);
	if (!err && wr_err(&out))
		err = fault_set(&fault, wr_err(&out), "signer", "certificates",
				"they are too large");
	reply(fd, &out, err, &fault);
	if (err)
		_exit(1);
	return root;
}

static _Noreturn void serve(const char *folder, int fd)
{
	struct root *root;

	if (!close_in(fd))
		_exit(1);
	fd = 3;
	root = open_root(folder, fd);
	if (!close_up(root))
		_exit(1);
	for (;;) {
		CLEANUP(packet_done) struct packet packet = {0};
		CLEANUP(wr_done) struct writer out = wr_init(LIMIT_MESSAGE);
		struct tobi_fault fault = {0};

		if (packet_receive(fd, LIMIT_MESSAGE, &packet, &fault))
			_exit(0);
		reply(fd, &out, answer(root, wr_view(&packet.bytes), &out, &fault),
		      &fault);
	}
}

/* How the platform key signs is in its certificate. */
static enum tobi_err find_alg(struct signer *signer, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	struct cose_signer of_key;
	enum tobi_err err;

	if (!signer->chain_count)
		return fault_set(fault, TOBI_E_PROTOCOL, "signer", "chain",
				 "it is empty");
	err = chain_read_certificate(signer->chain[0], "signer's certificate",
				     &certificate, fault);
	if (!err)
		err = cose_signer_for_key(X509_get0_pubkey(certificate), &of_key, fault);
	if (!err)
		signer->alg = of_key.alg;
	return err;
}

/* Borrows from public_bytes. */
static enum tobi_err read_public(struct signer *signer, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(wr_view(&signer->public_bytes), CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 8, "message");
	struct tobi_bytes kind = {0}, ueid = {0};
	enum tobi_err err;

	if (is_fault(wr_view(&signer->public_bytes)))
		return packet_read_fault(wr_view(&signer->public_bytes), fault);
	if (cbor_map_expect(&cbor, &map, 0, "kind") &&
	    cbor_uint(&cbor, "kind") != MESSAGE_PUBLIC)
		cbor_fail(&cbor, TOBI_E_PROTOCOL, "kind");
	if (cbor_map_expect(&cbor, &map, 1, "root kind"))
		kind = cbor_text(&cbor, LIMIT_NAME, "root kind");
	if (cbor_map_expect(&cbor, &map, 2, "ueid"))
		ueid = cbor_bytes_exact(&cbor, sizeof(signer->ueid), "ueid");
	if (cbor_map_expect(&cbor, &map, 3, "chain"))
		signer->chain_count = cbor_array(&cbor, LIMIT_COSE_CHAIN, "chain");
	for (size_t i = 0; i < signer->chain_count; i++)
		signer->chain[i] = cbor_bytes(&cbor, LIMIT_CERTIFICATE, "chain");
	if (cbor_map_expect(&cbor, &map, 4, "endorse"))
		signer->endorse = cbor_bytes(&cbor, LIMIT_OWNER_CHAIN, "endorse");
	if (cbor_map_expect(&cbor, &map, 5, "locked"))
		signer->locked = cbor_bool(&cbor, "locked");
	if (cbor_map_expect(&cbor, &map, 6, "counter"))
		signer->has_counter = cbor_bool(&cbor, "counter");
	if (cbor_map_expect(&cbor, &map, 7, "quote"))
		signer->has_quote = cbor_bool(&cbor, "quote");
	err = cbor_finish(&cbor, "signer's message", fault);
	if (err)
		return err;
	bytes_copy(signer->ueid, sizeof(signer->ueid), ueid.ptr, ueid.size);
	for (size_t i = 0; root_provider_at(i); i++) {
		const char *known = root_provider_kind(root_provider_at(i));

		if (bytes_equal_text(kind, known))
			signer->root_kind = known;
	}
	if (!signer->root_kind)
		return fault_set(fault, TOBI_E_PROTOCOL, "signer", "root kind",
				 "not known");
	return find_alg(signer, fault);
}

static enum tobi_err wait_readable(int fd, struct tobi_fault *fault)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	int ready;

	do {
		ready = poll(&wait, 1, ANSWER_TIMEOUT_MS);
	} while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return fault_set(fault, TOBI_E_TIMEOUT, "signer", "",
				 "it does not answer");
	return TOBI_OK;
}

enum tobi_err signer_start(const char *folder, struct signer *ret_signer,
			   struct tobi_fault *fault)
{
	struct signer signer = {.pid = -1, .fd = -1};
	CLEANUP(packet_done) struct packet packet = {0};
	int pair[2] = {-1, -1};
	enum tobi_err err = TOBI_OK;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return fault_errno(fault, "signer", "", "no socket");
	signer.pid = fork();
	if (signer.pid == 0)
		serve(folder, pair[1]);
	if (signer.pid < 0)
		err = fault_errno(fault, "signer", "", "cannot be started");
	fd_close(&pair[1]);
	signer.fd = pair[0];
	if (!err)
		err = wait_readable(signer.fd, fault);
	if (!err)
		err = packet_receive(signer.fd, LIMIT_PUBLIC, &packet, fault);
	if (!err) {
		signer.public_bytes = packet.bytes;
		packet.bytes = wr_init(0);
		err = read_public(&signer, fault);
	}
	if (err) {
		signer_stop(&signer);
		return err;
	}
	*ret_signer = signer;
	return TOBI_OK;
}

void signer_stop(struct signer *signer)
{
	fd_close(&signer->fd);
	if (signer->pid > 0) {
		kill(signer->pid, SIGKILL);
		while (waitpid(signer->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	wr_done(&signer->public_bytes);
	signer->pid = -1;
}

bool signer_is_lost(const struct signer *signer)
{
	return signer->fd < 0;
}

static enum tobi_err exchange(struct signer *signer, const struct writer *out,
			      struct packet *ret_packet, struct tobi_fault *fault)
{
	enum tobi_err err = packet_send(signer->fd, wr_view(out), NULL, 0, fault);

	if (!err)
		err = wait_readable(signer->fd, fault);
	if (!err)
		err = packet_receive(signer->fd, LIMIT_MESSAGE, ret_packet, fault);
	if (err == TOBI_E_NOT_FOUND)
		fault_set(fault, err, "signer", "", "it has gone");
	return err;
}

static enum tobi_err ask(struct signer *signer, unsigned kind, struct tobi_bytes bytes,
			 unsigned expected, struct packet *ret_packet,
			 struct tobi_bytes *ret_bytes, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_MESSAGE);
	struct message message = {kind, ++signer->requests, bytes};
	enum tobi_err err;

	if (signer_is_lost(signer))
		return fault_set(fault, TOBI_E_NOT_FOUND, "signer", "", "it is lost");
	write_message(&out, &message);
	if (wr_err(&out))
		return fault_set(fault, wr_err(&out), "signer", "", "too much to ask");
	err = exchange(signer, &out, ret_packet, fault);
	if (!err && is_fault(wr_view(&ret_packet->bytes)))
		return packet_read_fault(wr_view(&ret_packet->bytes), fault);
	if (!err)
		err = read_message(wr_view(&ret_packet->bytes), &message, fault);
	if (!err && (message.kind != expected || message.number != signer->requests))
		err = fault_set(fault, TOBI_E_PROTOCOL, "signer", "",
				"it gave another answer");
	/* An answer that is late would be taken for that of the next request. */
	if (err)
		fd_close(&signer->fd);
	else
		*ret_bytes = message.bytes;
	return err;
}

enum tobi_err signer_sign(void *context, struct tobi_bytes message,
			  struct writer *ret_signature, struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes signature = {0};
	enum tobi_err err = ask(context, MESSAGE_SIGN, message, MESSAGE_SIGNATURE,
				&packet, &signature, fault);

	if (err)
		return err;
	wr_bytes(ret_signature, signature.ptr, signature.size);
	return wr_err(ret_signature);
}

enum tobi_err signer_derive(struct signer *signer, struct tobi_bytes info,
			    uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes key = {0};
	enum tobi_err err =
	    ask(signer, MESSAGE_DERIVE, info, MESSAGE_KEY, &packet, &key, fault);

	if (!err && key.size != 32)
		err = fault_set(fault, TOBI_E_PROTOCOL, "signer", "key",
				"it has the wrong size");
	if (!err)
		bytes_copy(ret_key, 32, key.ptr, key.size);
	return err;
}

enum tobi_err signer_counter(struct signer *signer, bool increment, uint64_t *ret_value,
			     struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	uint8_t what = increment;
	struct tobi_bytes value = {0};
	enum tobi_err err = ask(signer, MESSAGE_COUNTER, (struct tobi_bytes){&what, 1},
				MESSAGE_VALUE, &packet, &value, fault);

	if (!err && value.size != COUNTER_SIZE)
		err = fault_set(fault, TOBI_E_PROTOCOL, "signer", "counter",
				"it has the wrong size");
	if (!err)
		*ret_value = load_u64be(value.ptr);
	return err;
}

enum tobi_err signer_quote(struct signer *signer, struct tobi_bytes nonce,
			   struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes quoted = {0};
	enum tobi_err err =
	    ask(signer, MESSAGE_QUOTE, nonce, MESSAGE_QUOTED, &packet, &quoted, fault);

	if (err)
		return err;
	wr_bytes(out, quoted.ptr, quoted.size);
	return wr_err(out) ? fault_set(fault, wr_err(out), "quote", "", "too large")
			   : TOBI_OK;
}

enum tobi_err signer_check(struct signer *signer, struct tobi_fault *fault)
{
	CLEANUP(packet_done) struct packet packet = {0};
	struct tobi_bytes nothing = {0};

	return ask(signer, MESSAGE_CHECK, nothing, MESSAGE_CHECKED, &packet, &nothing,
		   fault);
}
