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
#include "fused.h"

volatile struct fused __fused = { .mark = "k3os fused musl" };

/*
 * Prefixes of variables that would change what the executable runs or how: options of Bun and of Node.js, of its
 * JavaScript engine, its memory allocator and its C library. Each ends in a NUL, the list in an empty one.
 */
static const char dropped[] = "BUN_\0" "NODE_\0" "JSC_\0" "MIMALLOC_\0" "LD_\0" "MUSL_\0";

static int is_dropped(const char *variable)
{
	const char *prefix = dropped;
	while (*prefix) {
		const char *v = variable;
		while (*prefix && *prefix == *v) prefix++, v++;
		if (!*prefix) return 1;
		while (*prefix) prefix++;
		prefix++;
	}
	return 0;
}

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
	char **from = (char **)(stack + 1 + stack[0] + 1), **to = from;
	for (; *from; from++) if (!is_dropped(*from)) *to++ = *from;
	*to = 0;

	/* the vector follows the environment's end, wherever that now is */
	size_t *in = (size_t *)(from + 1), *out = (size_t *)(to + 1), tag;
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
