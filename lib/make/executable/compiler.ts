import { hostTarget, type Target } from "../../tools/host/targets.ts";

/** The Debian package of a compiler for a target on this machine. */
export function compilerPackage(compiler: "gcc" | "g++", { triplet }: Pick<Target, "triplet">): string {
  return hostTarget().triplet === triplet ? compiler : `${compiler}-${triplet}`;
}
