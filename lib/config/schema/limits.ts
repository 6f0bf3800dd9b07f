/** Maximum size of a source in bytes; base64 in `write_files` needs some room. */
export const MAX_BYTES = 4 * 1024 * 1024;
/** Maximum nesting of lists and maps; the schema needs four levels. */
export const MAX_DEPTH = 64;
/** Maximum number of lists, maps, keys and values in one source, with each use of an alias counted. */
export const MAX_NODES = 100_000;
