/*
 * What the compiler's libstdc++.a, made for glibc, wants of its C library beyond what musl has. Only the symbols of
 * cxx-symbols.txt are taken from it.
 */

extern unsigned long getauxval(unsigned long);

#define HIDDEN __attribute__((visibility("hidden")))

/* glibc: whether the process has a single thread, so that locks may be skipped */
HIDDEN char __libc_single_threaded = 0;

HIDDEN void *__dso_handle = &__dso_handle;

/* glibc: finds unwind tables; -1 makes libgcc use dl_iterate_phdr, which musl has */
HIDDEN int _dl_find_object(void *address, void *result)
{
	(void)address;
	(void)result;
	return -1;
}

HIDDEN unsigned long __getauxval(unsigned long type)
{
	return getauxval(type);
}
