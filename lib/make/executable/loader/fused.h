/* What lib/make/executable/fuse.ts writes into the loader of a fused executable. */

#ifndef K3OS_FUSED_H
#define K3OS_FUSED_H

#include <stddef.h>

struct fused {
	char mark[16];  /* fuse.ts finds the structure by it */
	size_t loader;  /* where the kernel mapped this loader */
	size_t entry;   /* entry point of the program */
	size_t phdr;    /* the program's own program headers */
	size_t phnum;
	size_t library; /* where the kernel mapped the C++ support library */
};

/* volatile: the compiler must not believe what it sees here */
extern volatile struct fused __fused __attribute__((visibility("hidden")));

#endif
