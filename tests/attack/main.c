/* Usage: attack NAME [ARGUMENT...] | attack batch FILE PID */
#include <stdio.h>
#include <string.h>

#include "attack.h"

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "batch") == 0)
		return attack_batch(argv[2], argv[3]);
	return attack_one(argv + 1);
}
