/*
 * What an enclave does not have: names to look up and modules to load. The libraries in
 * the agent refer to these functions and never need them here; glibc's own, in a static
 * program, would load shared objects at run time from outside what was measured. So the
 * agent brings its own, which say no.
 */
#include <netdb.h>
#include <stddef.h>

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
	(void)name, (void)service, (void)hints, (void)list;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t size,
		char *restrict host, socklen_t host_room, char *restrict service,
		socklen_t service_room, int flags)
{
	(void)address, (void)size, (void)host, (void)host_room;
	(void)service, (void)service_room, (void)flags;
	return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}

struct servent *getservbyname(const char *name, const char *protocol)
{
	(void)name, (void)protocol;
	return NULL;
}

struct protoent *getprotobynumber(int number)
{
	(void)number;
	return NULL;
}

/* glibc keeps its own for itself (iconv); others' calls come here: ld's --wrap. */
void *__wrap_dlopen(const char *path, int mode);
void *__wrap_dlopen(const char *path, int mode)
{
	(void)path, (void)mode;
	return NULL;
}
