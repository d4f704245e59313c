#include "base/address.h"

#include <arpa/inet.h>

void address_write(const struct sockaddr *address, char ret_text[static INET6_ADDRSTRLEN])
{
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	ret_text[0] = 0;
	if (address->sa_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, ret_text, INET6_ADDRSTRLEN);
	else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, ret_text,
			  INET6_ADDRSTRLEN);
	else if (address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &six->sin6_addr, ret_text, INET6_ADDRSTRLEN);
}
