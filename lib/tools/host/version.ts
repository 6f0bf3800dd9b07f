/** Set by the build (`--define`); absent when the source runs unbuilt. */
declare const K3OS_VERSION: string | undefined;

/** The version of an unbuilt program. */
export const UNRELEASED = "dev";

/** The release of this build, a git tag such as `v0.36.3-k3s1r0`; `dev` when run from source. */
export const VERSION: string = typeof K3OS_VERSION === "string" ? K3OS_VERSION : UNRELEASED;
