/** Where the new root is put together; not below /run, which moves into it. */
export const NEW_ROOT = "/sysroot";

/** A network boot has no disk or CD to find: it brings the ISO as a file in an archive appended to the initrd. */
export const EMBEDDED_MEDIUM = "/k3os.iso";
