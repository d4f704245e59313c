/* tobichi certificate request: a machine that attests has its request signed. */
#ifndef CLI_CERTIFICATE_REQUEST_H
#define CLI_CERTIFICATE_REQUEST_H

/* argv[0] is the subcommand; an exit status. */
int certificate_request(int argc, char **argv);

#endif
