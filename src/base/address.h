/* An address of the Internet's as a text. */
#ifndef TOBI_BASE_ADDRESS_H
#define TOBI_BASE_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

/* An IPv4 address that is written as one of IPv6 is shown as what it is; empty for what
 * is no address of the Internet's. */
void address_write(const struct sockaddr *address,
		   char ret_text[static INET6_ADDRSTRLEN]);

#endif
