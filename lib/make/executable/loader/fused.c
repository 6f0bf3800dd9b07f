/*
 * The first code that runs in a fused executable. The kernel sees a static program whose entry point is the loader's;
 * the loader needs to believe that it was mapped as the interpreter of the program beside it, so the auxiliary
 * vector gets the four entries that the kernel would then have written.
 *
 * This runs before the loader has relocated itself: hidden functions and data only, no tables of pointers.
 */

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "syscall.h"
#include "environment.h"
#include "fused.h"

volatile struct fused __fused = { .mark = "k3os fused musl" };

static size_t corrected(size_t tag, size_t value)
{
	if (tag == AT_BASE) return __fused.loader;
	if (tag == AT_ENTRY) return __fused.entry;
	if (tag == AT_PHDR) return __fused.phdr;
	if (tag == AT_PHNUM) return __fused.phnum;
	return value;
}

/*
 * An initramfs may hold nothing but this file. Early in the boot of a machine whose processor gives no random numbers
 * the runtime falls back to /dev/urandom, and aborts without it. Only a node is made: mounting is for the boot to do,
 * and a devtmpfs that we mounted in a container would be the machine's own.
 */
static void make_urandom(void)
{
	if (!__syscall(SYS_faccessat, AT_FDCWD, "/dev/urandom", 0)) return;
	__syscall(SYS_mkdirat, AT_FDCWD, "/dev", 0755);
	__syscall(SYS_mknodat, AT_FDCWD, "/dev/urandom", S_IFCHR | 0666, makedev(1, 9));
}

/* Works on the initial stack: argc, argv, NULL, environment, NULL, auxiliary vector. */
__attribute__((visibility("hidden")))
void __fused_enter(size_t *stack)
{
	char **environment = (char **)(stack + 1 + stack[0] + 1), **end = environment;
	while (*end) end++;
	size_t *in = (size_t *)(end + 1), tag;

	/* the vector must follow the environment's end, wherever that now is */
	size_t *out = (size_t *)(clean_environment(environment) + 1);
	do {
		tag = in[0];
		out[1] = corrected(tag, in[1]);
		out[0] = tag;
		in += 2;
		out += 2;
	} while (tag != AT_NULL);

	if (__syscall(SYS_getpid) == 1) make_urandom();
}
