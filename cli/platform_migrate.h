/* `tobichi platform migrate`: the platform's keys move to another provider. */
#ifndef CLI_PLATFORM_MIGRATE_H
#define CLI_PLATFORM_MIGRATE_H

#include "root/migrate.h"

/* The exit status. */
int platform_migrate(const char *folder, const struct root_migration *migration);

#endif
