#include "idle.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int64_t idle_ms(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return 0;
	return info.tcpi_last_data_sent < info.tcpi_last_data_recv
		   ? info.tcpi_last_data_sent
		   : info.tcpi_last_data_recv;
}
