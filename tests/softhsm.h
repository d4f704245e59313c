/* A token of SoftHSM's, below a folder of a test's own. */
#ifndef TESTS_SOFTHSM_H
#define TESTS_SOFTHSM_H

/* The module; NULL where SoftHSM is not installed. */
const char *softhsm_module(void);
/* Makes FOLDER/tokens with a token of this label, FOLDER/pin with its PIN (4321), and
 * sets SOFTHSM2_CONF for this process. */
void softhsm_make(const char *folder, const char *label);
/* A folder and all below it. */
int softhsm_remove(const char *folder);
/* A file that is only this user's to read. */
void softhsm_write(const char *path, const char *text);

#endif
