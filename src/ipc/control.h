/* The kinds of packets on the platform service's control socket (docs/PROTOCOL.md section
 * 6.1). */
#ifndef TOBI_IPC_CONTROL_H
#define TOBI_IPC_CONTROL_H

enum control_request {
	REQUEST_LAUNCH = 1,
	REQUEST_SIGNAL,
	REQUEST_LIST,
	REQUEST_STOP,
	REQUEST_LOGS,
	REQUEST_ATTEST,
	REQUEST_STATUS,
};

enum control_reply {
	REPLY_STARTED = 129,
	REPLY_EXITED,
	REPLY_ENCLAVES,
	REPLY_LOG,
	REPLY_EVIDENCE,
	REPLY_PLATFORM,
	REPLY_FAULT,
};

enum { CONTROL_ID_MAX = 64, CONTROL_GRACE_MAX = 3600 };

#endif
