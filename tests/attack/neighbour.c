/* One thing of each kind that a neighbour could find, and how to look for it. */
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "attack.h"

enum { KEY = 0x70b1c41, PORT = 7777, MODE = 0666 };

#define SOCKET "\0tobichi-neighbour"
#define QUEUE "/tobichi-neighbour"

static const struct sockaddr_un abstract = {AF_UNIX, SOCKET};
static const struct sockaddr_in port = {.sin_family = AF_INET,
					.sin_port = __builtin_bswap16(PORT),
					.sin_addr = {__builtin_bswap32(0x7f000001)}};

static int connects(const struct sockaddr *address, socklen_t size)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int reached = fd >= 0 && connect(fd, address, size) == 0;

	close(fd);
	return reached;
}

static int listens(const struct sockaddr *address, socklen_t size)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, address, size) == 0 && listen(fd, 8) == 0;
}

/* Makes all of them, says so, and stays. */
static enum outcome make(char **arguments)
{
	(void)arguments;
	if (open("/tmp/tobichi-neighbour", O_CREAT | O_WRONLY | O_CLOEXEC, MODE) < 0 ||
	    open("/dev/shm/tobichi-neighbour", O_CREAT | O_WRONLY | O_CLOEXEC, MODE) <
		0 ||
	    !listens((const struct sockaddr *)&abstract, sizeof(abstract)) ||
	    !listens((const struct sockaddr *)&port, sizeof(port)) ||
	    shmget(KEY, 4096, IPC_CREAT | MODE) < 0 ||
	    semget(KEY, 1, IPC_CREAT | MODE) < 0 || msgget(KEY, IPC_CREAT | MODE) < 0)
		return refused("make");
	/* An enclave has none of these, not even of its own. */
	if (mq_open(QUEUE, O_CREAT | O_RDWR, MODE, NULL) < 0)
		perror("mq_open");
	worked("made");
	for (;;)
		pause();
}

/* Of an unprotected maker; those of an enclave go with it. */
static enum outcome clear(char **arguments)
{
	int memory = shmget(KEY, 0, 0), semaphore = semget(KEY, 0, 0),
	    queue = msgget(KEY, 0);

	(void)arguments;
	unlink("/tmp/tobichi-neighbour");
	unlink("/dev/shm/tobichi-neighbour");
	mq_unlink(QUEUE);
	if (memory >= 0)
		shmctl(memory, IPC_RMID, NULL);
	if (semaphore >= 0)
		semctl(semaphore, 0, IPC_RMID);
	if (queue >= 0)
		msgctl(queue, IPC_RMID, NULL);
	return WORKED;
}

static enum outcome find_file(char **arguments)
{
	if (access(need(arguments, 0), F_OK))
		return refused("access");
	return worked("the neighbour's file");
}

static enum outcome find_socket(char **arguments)
{
	(void)arguments;
	if (!connects((const struct sockaddr *)&abstract, sizeof(abstract)))
		return refused("connect to the abstract socket");
	return worked("the neighbour's socket");
}

static enum outcome find_port(char **arguments)
{
	(void)arguments;
	if (!connects((const struct sockaddr *)&port, sizeof(port)))
		return refused("connect to its port");
	return worked("the neighbour's port");
}

static enum outcome find_memory(char **arguments)
{
	(void)arguments;
	return shmget(KEY, 0, 0) < 0 ? refused("shmget")
				     : worked("the neighbour's memory");
}

static enum outcome find_semaphore(char **arguments)
{
	(void)arguments;
	return semget(KEY, 0, 0) < 0 ? refused("semget")
				     : worked("the neighbour's semaphore");
}

static enum outcome find_messages(char **arguments)
{
	(void)arguments;
	return msgget(KEY, 0) < 0 ? refused("msgget")
				  : worked("the neighbour's messages");
}

static enum outcome find_queue(char **arguments)
{
	(void)arguments;
	return mq_open(QUEUE, O_RDWR) < 0 ? refused("mq_open")
					  : worked("the neighbour's queue");
}

static enum outcome find_process(char **arguments)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	(void)arguments;
	while (proc && (entry = readdir(proc))) {
		char path[300], line[64] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, line, sizeof(line) - 1) > 0 &&
		    strcmp(line + strlen(line) + 1, "neighbour-make") == 0)
			return worked("the neighbour's process %s", entry->d_name);
		close(fd);
	}
	return refused_because("it is not in /proc");
}

const struct attack neighbour_attacks[] = {{"neighbour-make", make},
					   {"neighbour-clear", clear},
					   {"neighbour-file", find_file},
					   {"neighbour-socket", find_socket},
					   {"neighbour-port", find_port},
					   {"neighbour-memory", find_memory},
					   {"neighbour-semaphore", find_semaphore},
					   {"neighbour-messages", find_messages},
					   {"neighbour-queue", find_queue},
					   {"neighbour-process", find_process},
					   {NULL, NULL}};
