/** Where the new root is assembled; not below /run, which is moved into it. */
export const NEW_ROOT = "/sysroot";

/** A network boot has no disk or CD: the ISO is a file in an archive appended to the initrd. */
export const EMBEDDED_MEDIUM = "/k3os.iso";
