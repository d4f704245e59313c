/* Sockets: the host's, other programs', and kinds that reach into the kernel. */
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "attack.h"

enum { PATIENCE_SECONDS = 5 };

static const struct timeval patience = {PATIENCE_SECONDS, 0};

/* A path, or a name without a file after '@'. Says a word and waits for the answer. */
static enum outcome connect_local(int type, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size;
	char answer[64] = "";
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	if (fd < 0)
		return refused("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, size))
		return refused("connect");
	/* LIST, in the words of the control socket: {0: 3} */
	if (send(fd, "\xa1\x00\x03", 3, MSG_NOSIGNAL) != 3)
		return refused("send");
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return refused_because("it hangs up without an answer");
	return worked("an answer");
}

static enum outcome by_stream(char **arguments)
{
	return connect_local(SOCK_STREAM, need(arguments, 0));
}

static enum outcome by_packets(char **arguments)
{
	return connect_local(SOCK_SEQPACKET, need(arguments, 0));
}

/* In the words of an agent, on a socket that is for the owner's commands. */
static enum outcome as_agent(char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char report[6 + 32] = "\xa2\x00\x04\x01\x58\x20", answer[4096] = "";
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const int token = 5;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", need(arguments, 0));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return refused("connect");
	if (send(fd, report, sizeof(report), MSG_NOSIGNAL) < 0 ||
	    recv(fd, answer, sizeof(answer) - 1, 0) < 3)
		return refused_because("it hangs up without an answer");
	return answer[2] == token ? worked("a report for whoever asks")
				  : refused_because("the answer is a fault");
}

static enum outcome by_tcp(char **arguments)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET,
	    .sin_port = htons((unsigned short)number(need(arguments, 0))),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[64] = "";

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return refused("connect to 127.0.0.1");
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return refused_because("nobody answers");
	return worked("the host's loopback says '%s'", answer);
}

/* Out into the world. What has a route is sent; nobody has to answer. */
static enum outcome by_udp(char **arguments)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(9),
				      .sin_addr = {htonl(0xc0000201)}}; /* 192.0.2.1 */
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)arguments;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return errno == ENETUNREACH ? refused("a route into the world")
					    : refused("connect");
	return worked("a way into the world");
}

static enum outcome open_kind(int family, int type, int protocol, const char *what)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return refused("socket");
	close(fd);
	return worked("%s", what);
}

static enum outcome raw(char **arguments)
{
	(void)arguments;
	return open_kind(AF_INET, SOCK_RAW, IPPROTO_ICMP, "packets with any sender");
}

static enum outcome packet(char **arguments)
{
	(void)arguments;
	return open_kind(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL),
			 "every packet of the network");
}

static enum outcome netlink(char **arguments)
{
	return open_kind(AF_NETLINK, SOCK_RAW, (int)number(need(arguments, 0)),
			 "a part of the kernel that speaks netlink");
}

static enum outcome vsock(char **arguments)
{
	(void)arguments;
	return open_kind(AF_VSOCK, SOCK_STREAM, 0, "a way to the hypervisor");
}

static enum outcome alg(char **arguments)
{
	(void)arguments;
	return open_kind(AF_ALG, SOCK_SEQPACKET, 0, "the kernel's ciphers");
}

static enum outcome key(char **arguments)
{
	(void)arguments;
	return open_kind(AF_KEY, SOCK_RAW, 2, "the kernel's IPsec keys");
}

const struct attack socket_attacks[] = {{"connect-stream", by_stream},
					{"connect-packets", by_packets},
					{"connect-as-agent", as_agent},
					{"connect-tcp", by_tcp},
					{"connect-world", by_udp},
					{"socket-raw", raw},
					{"socket-packet", packet},
					{"socket-netlink", netlink},
					{"socket-vsock", vsock},
					{"socket-alg", alg},
					{"socket-key", key},
					{NULL, NULL}};
