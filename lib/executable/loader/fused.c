/*
 * The first code that runs in a fused executable. The kernel sees a static program whose entry point is the loader's;
 * the loader needs to believe that it was mapped as the interpreter of the program beside it, so the auxiliary
 * vector gets the four entries that the kernel would then have written.
 *
 * This runs before the loader has relocated itself: hidden functions and data only, no tables of pointers.
 */

#include <elf.h>
#include <fcntl.h>
#include <sys/mount.h>
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

static void mount_if_missing(const char *type, const char *directory, const char *witness)
{
	if (!__syscall(SYS_faccessat, AT_FDCWD, witness, 0)) return;
	__syscall(SYS_mkdirat, AT_FDCWD, directory, 0755);
	__syscall(SYS_mount, type, directory, type, MS_NOSUID, 0);
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

	/*
	 * An initramfs may hold nothing but this file. Early in the boot of a machine whose processor gives no random
	 * numbers the runtime falls back to /dev/urandom, and aborts without it.
	 */
	if (__syscall(SYS_getpid) == 1) {
		mount_if_missing("devtmpfs", "/dev", "/dev/urandom");
		mount_if_missing("proc", "/proc", "/proc/self/stat");
	}
}
