/* tobichi secret counter: a counter at a broker, for a machine whose hardware proves what
 * it runs. */
#ifndef CLI_COUNTER_BROKER_H
#define CLI_COUNTER_BROKER_H

/* argv[0] is the subcommand; an exit status. */
int counter_at_broker(int argc, char **argv);

#endif
