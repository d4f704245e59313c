/*
 * The calls that change a folder, counted: at one of them this process ends, as by
 * kill -9, or the call fails. Linked with --wrap for each (interrupted_calls in
 * meson.build).
 */
#ifndef TESTS_UNIT_ROOT_INTERRUPT_H
#define TESTS_UNIT_ROOT_INTERRUPT_H

#include <stdbool.h>

enum interrupt { INTERRUPT_NONE, INTERRUPT_KILL, INTERRUPT_FAIL };

enum { INTERRUPT_KILLED = 99 };

/* Before call number step, from 1 on. */
void interrupt_at(enum interrupt how, unsigned step);
/* It has not come to that call. */
bool interrupt_waits(void);
/* In a child of its own: its exit status, INTERRUPT_KILLED when it came to that call. */
int interrupt_in_child(unsigned step, int (*run)(void));

#endif
