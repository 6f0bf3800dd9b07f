/* Variables of the caller's environment that must not reach the runtime; for both kinds of executables. */

#ifndef K3OS_ENVIRONMENT_H
#define K3OS_ENVIRONMENT_H

/*
 * Prefixes of variables that would change what the executable runs, or how: options of Bun and of Node.js, of their
 * JavaScript engines, memory allocators and C libraries. Each ends in a NUL, the list in an empty one: a table of
 * pointers would need relocations, which are not yet done where the fused loader reads it.
 */
static const char dropped[] =
	"BUN_\0" "NODE_\0" "JSC_\0" "MIMALLOC_\0" "UV_\0" "ICU_\0" "OPENSSL_\0" "LD_\0" "GLIBC_\0" "MUSL_\0" "MALLOC_\0";

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

/* Removes them from a NULL-terminated environment in place; returns where its new NULL is. */
static char **clean_environment(char **environment)
{
	char **from, **to = environment;
	for (from = environment; *from; from++)
		if (!is_dropped(*from)) *to++ = *from;
	*to = 0;
	return to;
}

#endif
