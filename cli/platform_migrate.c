#include "cli/platform_migrate.h"

#include "base/hex.h"
#include "cli/cli.h"

static void print_id(const char *label, const uint8_t ueid[static 33])
{
	char hex[67];

	hex_write((struct tobi_bytes){ueid, 33}, hex, sizeof(hex));
	printf("%-15s%s\n", label, hex);
}

static void print_old_keys(const struct root_migrated *migrated)
{
	if (migrated->from_files)
		printf("old keys       overwritten and removed; backups of the folder "
		       "still hold them\n");
	else if (migrated->left_keys)
		printf("old keys       still in their device ('%s'), which could not be "
		       "reached: remove them there\n",
		       migrated->before.kind);
	else
		printf("old keys       removed from their device ('%s')\n",
		       migrated->before.kind);
}

/* What has to be changed elsewhere, by people. */
static void print_migrated(const char *folder, const struct root_migrated *migrated)
{
	printf("root of trust  %s, before: %s\n", migrated->after.kind,
	       migrated->before.kind);
	print_id("hardware id", migrated->after.ueid);
	print_id("  before", migrated->before.ueid);
	printf("platform CA    %s, in %s/platform-ca.pem\n", migrated->after.ca, folder);
	printf("  before       %s\n", migrated->before.ca);
	printf("seal root      %s\n",
	       migrated->kept_seal_root
		   ? "the same: what enclaves have sealed here can be opened"
		   : "new: what enclaves have sealed here before can never be opened");
	if (migrated->had_counters)
		printf("counters       %s\n", migrated->kept_seal_root
						  ? "moved with the seal root"
						  : "lost: all are 0 again");
	print_old_keys(migrated);
	if (migrated->lost_owner)
		printf("owner          the owner's certificate was for the old key; "
		       "`tobichi platform csr` asks for a new one\n");
	printf(
	    "next           change policies that name this host: the hardware id under "
	    "`identity`, and the CA under `roots`\n"
	    "               (`tobichi platform anchor` prints it)\n");
}

int platform_migrate(const char *folder, const struct root_migration *migration)
{
	struct root_migrated migrated;
	struct tobi_fault fault = {0};

	if (root_migrate(folder, migration, &migrated, &fault))
		return cli_fail(&fault);
	print_migrated(folder, &migrated);
	return EXIT_ACCEPTED;
}
