/* The platform's folder: one user's own, mode 0700, changed by one at a time. */
#ifndef TOBI_ROOT_FOLDER_H
#define TOBI_ROOT_FOLDER_H

#include <stdbool.h>

#include "base/limits.h"
#include "tobichi/bytes.h"
#include "tobichi/error.h"

struct root_path {
	char text[LIMIT_PATH + 64];
};

struct root_path root_in_folder(const char *folder, const char *name);
/* TOBI_E_NOT_FOUND when there is none; TOBI_E_DENIED when it is not this user's alone. */
TOBI_MUST_USE enum tobi_err root_folder_check(const char *folder,
					      struct tobi_fault *fault);
/* Makes it with what is missing above it, or takes the one that is there. */
TOBI_MUST_USE enum tobi_err root_folder_make(const char *folder,
					     struct tobi_fault *fault);
/* Locks end with the descriptor, and are waited for: that of the folder to change it, or
 * to read what does not change meanwhile. */
TOBI_MUST_USE enum tobi_err root_folder_lock(const char *folder, int *ret_fd,
					     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err root_folder_share(const char *folder, int *ret_fd,
					      struct tobi_fault *fault);
/* Of the platform itself, by who has it open. alone: TOBI_E_DENIED, at once, when
 * somebody else has. */
TOBI_MUST_USE enum tobi_err root_folder_use(const char *folder, bool alone, int *ret_fd,
					    struct tobi_fault *fault);

#endif
